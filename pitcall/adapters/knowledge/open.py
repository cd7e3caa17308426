"""Which store and which embedder: the one place that knows the adapters."""

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from pitcall.adapters.home import home
from pitcall.adapters.knowledge.settings import KnowledgeSettings
from pitcall.errors import InvalidRequest, ModelRefused, PitcallError
from pitcall.knowledge.store import Embedder, KnowledgeStore
from pitcall.registry.manifest import Manifest

if TYPE_CHECKING:
    from pitcall.adapters.knowledge.minilm import MiniLM

_log = logging.getLogger(__name__)


def open_store(settings: KnowledgeSettings) -> KnowledgeStore:
    """Elasticsearch if there is an address, else the file in the home. Nothing is connected or made yet."""
    if settings.url.get_secret_value():
        from pitcall.adapters.knowledge.elastic import ElasticKnowledge  # noqa: PLC0415  # a second to import

        return ElasticKnowledge(settings)
    from pitcall.adapters.knowledge.sqlite import SqliteKnowledge  # noqa: PLC0415  # numpy

    return SqliteKnowledge(home() / "knowledge" / "knowledge.db")


def open_embedder(settings: KnowledgeSettings) -> Embedder:
    """MiniLM, which has the vectors of our own documents already. Else the hashing embedder, with a warning in the log.

    Raises:
        KnowledgeUnavailable: the weights that the settings name are missing, damaged, or not the pinned ones.
        InvalidRequest: a setting of the store is wrong.
    """
    from pitcall.knowledge.hashing import HashingEmbedder  # noqa: PLC0415  # numpy
    from pitcall.knowledge.prepared import with_shipped  # noqa: PLC0415  # as above

    try:
        return with_shipped(open_weights(settings))
    except InvalidRequest:
        raise
    except PitcallError as exc:
        if settings.embedder is not None:
            raise
        _log.warning(
            "no weights of MiniLM (make setup installs them): the hashing embedder serves, which knows no meaning: %s",
            exc.detail,
        )
        return HashingEmbedder()


def open_weights(settings: KnowledgeSettings) -> "MiniLM":
    """MiniLM from the folder that the settings name, else from the registry: cache, store, installed package.

    Raises:
        PitcallError: it cannot be had; which one, and why, say ``MiniLM`` and ``open_model``.
    """
    from pitcall.adapters.knowledge.minilm import NAME, MiniLM  # noqa: PLC0415  # numpy
    from pitcall.adapters.registry import open_model  # noqa: PLC0415  # as above

    if settings.embedder is not None:
        return MiniLM(settings.embedder, settings.device)
    with open_model(NAME, accept=_pinned) as found:
        return MiniLM(found.folder, settings.device)


def _pinned(folder: Path, manifest: Manifest) -> None:
    """Vectors that other weights made must not meet: a version that is not the pinned one is refused."""
    from pitcall.adapters.knowledge.minilm import DIGESTS  # noqa: PLC0415  # numpy

    found = {file.path: file.sha256 for file in manifest.files}
    for name, digest in DIGESTS.items():
        if found.get(name) != digest:
            raise ModelRefused(f"{folder / name} is not the file that this Pitcall was evaluated with")
