"""Rows of several requests share a pass. Nobody waits for company: what comes while a pass runs shares the next one."""

import asyncio
import logging
import math
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from time import perf_counter
from typing import Final, Protocol

import numpy as np

from pitcall.errors import DeadlineExceeded, Overloaded, PitcallError
from pitcall_model_server.serving.network import Rows

#: How much the latest pass counts in the mean time of a pass.
_LATEST: Final = 0.1
#: Shortest pause, s, that a caller is told to make.
_LEAST_PAUSE_S: Final = 0.01

_log = logging.getLogger(__name__)


class Passes(Protocol):
    """A network as a batcher sees it."""

    @property
    def buckets(self) -> Sequence[int]:
        """Rows of a pass, smallest first."""

    def bucket(self, rows: int) -> int:
        """Rows of the pass that takes so many."""

    def answer(self, parts: Sequence[Rows]) -> Rows:
        """The answers to the rows of one pass. Blocks; is called by several threads."""


class _Item:
    """A request on its way: its rows are answered from the first to the last, in one or more passes."""

    def __init__(self, rows: Rows, ends: float) -> None:
        self.rows = rows
        self.ends = ends  #: by ``perf_counter``
        self.future: asyncio.Future[Rows] = asyncio.get_running_loop().create_future()
        self.came = perf_counter()
        self.began = 0.0  #: of the first pass
        self.taken = 0  #: rows that are in a pass, or were
        self.open = len(rows)  #: rows without an answer
        self.compute_s = 0.0
        self.busy_s = 0.0
        self.padded = 0  #: rows of all passes that it was in
        self.answers: Rows | None = None

    @property
    def left(self) -> int:
        """Rows that are in no pass yet."""
        return len(self.rows) - self.taken


@dataclass(frozen=True, slots=True)
class _Part:
    """Rows of a request in a pass."""

    item: _Item
    start: int
    rows: Rows


@dataclass(frozen=True, slots=True)
class _Timed:
    """A pass that was made."""

    answers: Rows
    compute_s: float
    busy_s: float


@dataclass(frozen=True, slots=True)
class Done:
    """The answers to a request."""

    rows: Rows
    queue_s: float  #: until the first pass began
    compute_s: float  #: of the passes that it was in, as a clock on the wall sees them
    busy_s: float  #: the same by ``busy``
    padded: int  #: rows of these passes, padding and others' included


class Batcher:
    """The queue of one network. Belongs to one event loop.

    Args:
        network: answers.
        pool: where passes run.
        lanes: passes that may run at once.
        queue_rows: so many rows may wait; a request is taken whole as long as fewer do.
        busy: a clock, s, read before and after a pass in the thread that computes it.
    """

    def __init__(
        self,
        network: Passes,
        pool: Executor,
        *,
        lanes: int = 1,
        queue_rows: int,
        busy: Callable[[], float] = perf_counter,
    ) -> None:
        self._network, self._pool, self._lanes, self._queue_rows = network, pool, lanes, queue_rows
        self._busy = busy
        self._most = network.buckets[-1]
        self._queue: deque[_Item] = deque()
        self._running = 0
        self._woken = False
        self._mean_s = 0.0  #: wall time of a pass, with its way to the pool and back
        self._least_s = math.inf  #: of the fastest one
        self.waiting = 0  #: rows that are in no pass yet

    async def submit(self, rows: Rows, deadline_s: float) -> Done:
        """The answers to one or more rows. Cancel it, and no further pass is made for it.

        Raises:
            Overloaded: too many rows wait; it says when to come again.
            DeadlineExceeded: it could not end in time, or did not.
            PitcallError: the network failed.
        """
        wait_s = self._seconds(self.waiting)
        if self.waiting >= self._queue_rows:
            pause_s = max(_LEAST_PAUSE_S, wait_s)
            raise Overloaded(f"{self.waiting} rows wait already; come again in {pause_s:.2g} s", retry_after_s=pause_s)
        if (needs_s := wait_s + self._seconds(len(rows))) > deadline_s:
            raise DeadlineExceeded(
                f"{len(rows)} rows behind {self.waiting} others take about {needs_s * 1e3:.3g} ms, "
                f"the caller leaves {deadline_s * 1e3:.3g}"
            )
        item = _Item(rows, perf_counter() + deadline_s)
        self._queue.append(item)
        self.waiting += item.left
        self._wake()
        try:
            answers = await item.future
        except asyncio.CancelledError:
            self._drop(item)
            raise
        return Done(answers, item.began - item.came, item.compute_s, item.busy_s, item.padded)

    def _seconds(self, rows: int) -> float:
        """About how long so many rows take; 0 as long as nothing is known.

        While no pass runs the mean may be old, and who refuses by it never learns better: then the fastest pass counts.
        """
        pass_s = self._mean_s if self._running or math.isinf(self._least_s) else self._least_s
        return math.ceil(rows / self._most) * pass_s / self._lanes

    def _drop(self, item: _Item) -> None:
        """Nobody waits for it any more."""
        if item in self._queue:
            self._queue.remove(item)
            self.waiting -= item.left

    def _wake(self) -> None:
        """Begin passes once the loop has run what is ready: requests that came together share one."""
        if not self._woken:
            self._woken = True
            asyncio.get_running_loop().call_soon(self._begin)

    def _begin(self) -> None:
        self._woken = False
        while self._running < self._lanes and (parts := self._take()):
            self._running += 1
            run = asyncio.get_running_loop().run_in_executor(self._pool, self._timed, [part.rows for part in parts])
            run.add_done_callback(partial(self._end, parts, perf_counter()))

    def _take(self) -> list[_Part]:
        """Rows for one pass, from the front of the queue. Who has more goes to its end: a large one holds up nobody."""
        parts: list[_Part] = []
        room, now = self._most, perf_counter()
        while self._queue and room:
            item = self._queue.popleft()
            if item.ends <= now and not item.future.done():
                item.future.set_exception(DeadlineExceeded("the time that the caller gave was over in the queue"))
            if item.future.done():
                self.waiting -= item.left
                continue
            part = _Part(item, item.taken, item.rows[item.taken : item.taken + room])
            parts.append(part)
            item.began = item.began or now
            item.taken += len(part.rows)
            self.waiting -= len(part.rows)
            room -= len(part.rows)
        self._queue.extend(part.item for part in parts if part.item.left)
        return parts

    def _timed(self, rows: Sequence[Rows]) -> _Timed:
        began, busy = perf_counter(), self._busy()
        answers = self._network.answer(rows)
        return _Timed(answers, perf_counter() - began, self._busy() - busy)

    def _end(self, parts: list[_Part], began: float, done: "asyncio.Future[_Timed]") -> None:
        self._running -= 1
        took_s = perf_counter() - began
        self._mean_s += (took_s - self._mean_s) * (_LATEST if self._mean_s else 1.0)
        self._least_s = min(took_s, self._least_s)
        if done.cancelled():
            _fail(parts, PitcallError("the network was unloaded before it answered"))
        elif (why := done.exception()) is not None:
            _log.error("a network failed", exc_info=why)
            _fail(parts, PitcallError("the network failed; the log of the model server has the reason"))
        else:
            timed = done.result()
            _deliver(parts, timed, self._network.bucket(len(timed.answers)))
        self._begin()


def _deliver(parts: list[_Part], timed: _Timed, padded: int) -> None:
    at = 0
    for part in parts:
        item, rows = part.item, timed.answers[at : at + len(part.rows)]
        at += len(rows)
        item.compute_s += timed.compute_s
        item.busy_s += timed.busy_s
        item.padded += padded
        item.open -= len(rows)
        if len(rows) == len(item.rows):
            item.answers = rows
        else:
            if item.answers is None:
                item.answers = np.empty((len(item.rows), timed.answers.shape[1]), np.float32)
            item.answers[part.start : part.start + len(rows)] = rows
        if not item.open and not item.future.done():
            item.future.set_result(item.answers)


def _fail(parts: list[_Part], why: PitcallError) -> None:
    for part in parts:
        if not part.item.future.done():
            part.item.future.set_exception(why)
