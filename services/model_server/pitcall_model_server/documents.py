"""Which documents the model server has: the store and embedder of the settings, and our own handbook."""

import asyncio
import logging
from collections.abc import Callable

from pitcall.adapters.home import home
from pitcall.adapters.knowledge.open import open_embedder, open_store
from pitcall.adapters.knowledge.settings import KnowledgeSettings
from pitcall.errors import Cancelled
from pitcall.knowledge import pack
from pitcall.knowledge.library import Library
from pitcall.parameters import Parameters

_log = logging.getLogger(__name__)


def open_library() -> Library:
    """The documents of the environment, with an embedder that has been used once.

    Raises:
        PitcallError: they cannot be opened.
        ValueError: a setting is wrong.
    """
    settings = KnowledgeSettings()
    embedder = open_embedder(settings)
    embedder.embed(["warm up"])  # the first pass takes several times as long as the next
    return Library(open_store(settings), embedder)


def bring_pack(parameters: Parameters, library: Library, stopping: Callable[[], bool]) -> None:
    """Put our own handbook, and a page for each circuit that the model knows, into an embedded store, once a version.

    Who removes a page does not find it again before the next version. Killed half way, it goes on at the next start.
    A server of documents is somebody's own: there ``pitcall knowledge add --pack`` does it, on request.

    Raises:
        PitcallError: the store takes no documents.
    """
    if KnowledgeSettings().url.get_secret_value():
        return
    drafts = pack.documents(parameters)
    content = f"{pack.version(drafts)} {library.embedder}"
    note = home() / "knowledge" / "pack"

    def step(done: int, total: int) -> None:
        if stopping():
            raise Cancelled(f"the server ends; {done} of {total} documents are there")

    async def bring() -> None:
        held = (await library.store.info()).documents
        if held and note.is_file() and note.read_text("utf-8") == content:
            return
        brought = await pack.bring(library, drafts, step)
        note.write_text(content, "utf-8")
        _log.info("%s: %d documents are new, %d removed", content, len(brought.added), len(brought.removed))

    asyncio.run(bring())  # in a loop of its own: the caller is a thread
