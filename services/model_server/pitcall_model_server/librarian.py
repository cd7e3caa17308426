"""The documents of the model server: opened behind its back, asked beside the simulation, never in front of it.

The server answers before they are open and while they cannot be reached; then its answers say why they have no source.
Opening them, and filling the embedded store with our own handbook, run in a thread that steps back for all others.
"""

import asyncio
import logging
import os
import threading
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial
from time import monotonic, perf_counter
from typing import Final, Protocol, TypeAlias

from pitcall.errors import Cancelled, DeadlineExceeded, KnowledgeMismatch, KnowledgeUnavailable, PitcallError
from pitcall.knowledge.library import Draft, Library
from pitcall.knowledge.messages import Document, Filter, Found
from pitcall.wire.knowledge import Grounding, Passages, Source
from pitcall_model_server.evidence import Topic, holds, source_of

#: Time that who asks for documents waits for them to be opened, unless the deadline comes first, s.
OPEN_S: Final = 30.0
#: Longest search, s. A call waits less, but the next one finds what was found.
SEARCH_S: Final = 2.0
#: After a failure nobody looks for sources so long, s: answers shall not wait for a store that is down.
REST_S: Final = 5.0
#: How long what was found is taken for the present state, s: other processes add documents too.
KEPT_S: Final = 60.0
#: Searches kept; each holds some kilobytes.
KEPT: Final = 256
#: Between two looks whether the store can be reached, s.
LOOK_S: Final = 15.0
#: Passages among which the source of a topic is chosen.
HITS: Final = 5
#: Niceness of the thread in the background; 19 is the most.
NICE: Final = 19
#: Time that the thread in the background has to end, s.
END_S: Final = 3.0

#: A topic, and the documents that may speak about it.
Wanted: TypeAlias = tuple[Topic, Filter]
#: Fills a library. Before each document it asks the function that it gets; True: stop.
Stock: TypeAlias = Callable[[Library, Callable[[], bool]], None]


class Tell(Protocol):
    """Hears whether the documents are there: they can be reached, and the handbook is read in."""

    def __call__(self, *, there: bool) -> Awaitable[None]:
        """Hear it."""
        ...


_OPENING: Final = "the documents are still being opened"
_FILLING: Final = "the handbook is still being read in"
_NOTHING: Final = "no document speaks about this call"
_LATE: Final = "the search for sources took too long"
_WHY: Final[tuple[tuple[type[Exception], str], ...]] = (
    (DeadlineExceeded, _LATE),
    (KnowledgeMismatch, "the documents were indexed by another embedder; run: pitcall knowledge reindex"),
    (Exception, "the documents cannot be reached"),
)

_log = logging.getLogger(__name__)


class Librarian:
    """Finds passages, and keeps the documents. Belongs to one event loop.

    Args:
        tell: is told ``there=`` True or False, when that changes.
    """

    def __init__(self, tell: Tell | None = None) -> None:
        self._tell = tell
        self._library: Library | None = None
        self._why = _OPENING
        self._reached: bool | None = None
        self._there: bool | None = None
        self._rests_until = 0.0
        self._kept: dict[Wanted, tuple[float, asyncio.Task[tuple[Source, ...]]]] = {}
        self._tasks: set[asyncio.Task[object]] = set()
        self._filling = False
        self._settled = asyncio.Event()  # the documents are open, or cannot be opened
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, open_library: Callable[[], Library], stock: Stock | None = None) -> None:
        """Begin to open the documents. Returns at once.

        Args:
            open_library: opens store and embedder; may take seconds, and may fail.
            stock: fills the library with what every machine shall have; None: nothing.
        """
        self._filling = stock is not None
        work = partial(self._work, asyncio.get_running_loop(), open_library, stock)
        # A daemon: an import that hangs must not keep the process from ending.
        self._thread = threading.Thread(target=work, name="librarian", daemon=True)
        self._thread.start()

    async def close(self) -> None:
        """Let go of the documents."""
        self._closing.set()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join, END_S)
        if self._library is not None:
            await self._library.store.close()

    async def ground(self, wanted: Sequence[Wanted], budget_s: float) -> Grounding:
        """The best source of each topic, each document once. Raises nothing: a call comes with or without sources.

        Args:
            wanted: most pressing first.
            budget_s: time to wait. A search that takes longer goes on for the next one who asks.
        """
        until = perf_counter() + budget_s
        try:
            library = await self._ready(budget_s)
        except KnowledgeUnavailable:
            return Grounding(missing=self._why)
        if monotonic() < self._rests_until:
            return Grounding(missing=self._why)
        searches = [self._search_of(library, each) for each in wanted]
        _, late = await asyncio.wait(searches, timeout=max(until - perf_counter(), 0.0))
        sources: dict[str, Source] = {}
        for search in searches:
            found = search.result() if search not in late and search.exception() is None else ()
            best = next((source for source in found if source.document not in sources), None)
            if best is not None:
                sources[best.document] = best
        if sources:
            return Grounding(tuple(sources.values()), library.embedder)
        return Grounding(embedder=library.embedder, missing=_LATE if late else self._why)

    async def search(self, text: str, where: Filter, *, hits: int, per_document: int, budget_s: float) -> Passages:
        """The passages that answer a question best; waits for documents that are being opened.

        Raises:
            KnowledgeUnavailable: they are not open within ``budget_s``, or cannot be reached.
            PitcallError: else what ``Library.search`` raises.
        """
        began = perf_counter()
        library = await self._ready(budget_s)
        left_s = min(budget_s - (perf_counter() - began), SEARCH_S)
        try:
            searching = library.search(text, where, hits=hits, per_document=per_document, budget_s=left_s)
            found = await _found(library, searching)
        except (KnowledgeUnavailable, DeadlineExceeded):
            self._say(reached=False)
            raise
        self._say(reached=True)
        sources = tuple(source_of(hit, text) for hit in found.hits)
        return Passages(sources, library.embedder, found.missed, (perf_counter() - began) * 1e3)

    async def add(self, draft: Draft) -> tuple[Document, bool]:
        """Add a document, or its new version. Raises what ``Library.add`` raises."""
        added = await (await self._ready()).add(draft)
        self._kept.clear()
        self._rests_until = 0.0
        return added

    async def remove(self, document: str) -> None:
        """Remove a document. Raises what ``KnowledgeStore.remove`` raises."""
        await (await self._ready()).store.remove(document)
        self._kept.clear()

    async def _ready(self, within_s: float = OPEN_S) -> Library:
        """The library, once it is open."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await self._settled.wait()
        if self._library is None:
            raise KnowledgeUnavailable(f"{self._why}; try again in a moment")
        return self._library

    # Searches for calls: each runs once, however many ask for it, and is kept for a while.

    def _search_of(self, library: Library, wanted: Wanted) -> "asyncio.Task[tuple[Source, ...]]":
        now = monotonic()
        until, search = self._kept.get(wanted, (0.0, None))
        if search is None or (now > until and search.done()):
            search = asyncio.create_task(_about(library, *wanted))
            self._watch_over(search)
            search.add_done_callback(lambda done: self._searched(wanted, done))
            self._kept.pop(wanted, None)  # at the end again: the oldest goes first
            self._kept[wanted] = now + KEPT_S, search
            if len(self._kept) > KEPT:
                del self._kept[next(iter(self._kept))]
        return search

    def _searched(self, wanted: Wanted, search: "asyncio.Task[tuple[Source, ...]]") -> None:
        if search.cancelled():
            return
        failed = search.exception()
        if failed is None:
            self._say(reached=True)
            return
        self._kept.pop(wanted, None)
        self._rests_until = monotonic() + REST_S
        self._fail(failed)

    # Whether the documents can be reached.

    async def _look(self, library: Library) -> None:
        """Look now and then, so that who asks for the health of the server learns it without a question."""
        with suppress(PitcallError):  # the first search reads indexes and takes longer: nobody shall wait for that
            await library.search("pit stop", budget_s=SEARCH_S)
        while True:
            try:
                async with asyncio.timeout(SEARCH_S):
                    await library.store.info()
            except (PitcallError, TimeoutError) as exc:
                self._fail(exc)
            else:
                self._say(reached=True)
            await asyncio.sleep(LOOK_S)

    def _fail(self, failed: BaseException) -> None:
        self._say(reached=False, failed=failed)
        self._why = next((words for kind, words in _WHY if isinstance(failed, kind)), self._why)

    def _say(self, *, reached: bool, failed: BaseException | None = None) -> None:
        if reached:
            self._why = _FILLING if self._filling else _NOTHING
        if reached is not self._reached:
            self._reached = reached
            if reached:
                _log.info("the documents can be reached")
            else:
                expected = failed is None or isinstance(failed, PitcallError | TimeoutError)
                _log.warning("answers come without sources: %s", failed, exc_info=None if expected else failed)
        there = reached and not self._filling
        if there is not self._there:
            self._there = there
            if self._tell is not None:
                self._watch_over(asyncio.ensure_future(self._tell(there=there)))

    def _watch_over(self, task: "asyncio.Task[object]") -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # In the background.

    def _work(self, loop: asyncio.AbstractEventLoop, open_library: Callable[[], Library], stock: Stock | None) -> None:
        _step_back()
        try:
            library = open_library()
        except Exception as exc:  # noqa: BLE001  # whatever it is, the calls come without sources
            _call(loop, self._unopened, exc)
            return
        _call(loop, self._opened, library)
        if stock is None:
            return
        try:
            stock(library, self._closing.is_set)
        except Cancelled as exc:
            _log.info("the handbook is not read in: %s", exc.detail)
        except PitcallError as exc:
            _log.warning("the handbook cannot be read in: %s", exc.detail)
        except Exception:  # noqa: BLE001  # as above
            _log.exception("the handbook cannot be read in")
        _call(loop, self._filled)

    def _unopened(self, failed: BaseException) -> None:
        self._fail(failed)
        self._settled.set()

    def _opened(self, library: Library) -> None:
        self._library = library
        self._settled.set()
        if not self._closing.is_set():
            self._watch_over(asyncio.create_task(self._look(library)))

    def _filled(self) -> None:
        self._filling = False
        self._kept.clear()
        if self._reached:
            self._say(reached=True)


async def _about(library: Library, topic: Topic, where: Filter) -> tuple[Source, ...]:
    """The passages that speak about a topic, best first."""
    found = await _found(library, library.search(topic.words, where, hits=HITS, budget_s=SEARCH_S))
    return tuple(source_of(hit, topic.words, topic.name) for hit in found.hits if holds(hit, topic))


async def _found(library: Library, searching: Awaitable[Found]) -> Found:
    """What a search finds; nothing where there is no document yet, which is no failure."""
    try:
        return await searching
    except KnowledgeUnavailable:
        if (await library.store.info()).documents:
            raise
        return Found(())


def _step_back() -> None:
    """Let this thread, and those that it starts, run when no other wants to. Only Linux knows niceness of threads."""
    with suppress(OSError, AttributeError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICE)


def _call(loop: asyncio.AbstractEventLoop, what: Callable[..., None], *arguments: object) -> None:
    with suppress(RuntimeError):  # the loop is closed: nobody listens any more
        loop.call_soon_threadsafe(what, *arguments)
