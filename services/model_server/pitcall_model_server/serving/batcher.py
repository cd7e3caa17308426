"""Rows of several requests share a pass. Nobody waits for company: what comes while a pass runs shares the next one.

Passes run in threads, for the event loop must answer meanwhile. On a CPU a small one is over sooner than a thread is
woken: once it is known to be, it runs in the loop, and a lone row is answered in two thirds of the time.
"""

import asyncio
import logging
import math
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from time import perf_counter, thread_time
from typing import Final, Protocol

import numpy as np

from pitcall.errors import DeadlineExceeded, Overloaded, PitcallError
from pitcall_model_server.serving.network import Rows

#: How much the latest pass counts in the mean time of a pass.
_LATEST: Final = 0.1
#: A pass of the smallest size that takes no longer, s, runs in the event loop: handing it to a thread and back takes as
#: long (0.1 to 0.2 ms on two cores).
_HERE_S: Final = 2e-4
#: A loop that comes to a request within so long, s, has nothing else to do.
_IDLE_S: Final = 5e-5
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
    busy_s: float  #: the same by the CPU time of the thread; without ``cpu`` as ``compute_s``
    padded: int  #: rows of these passes, padding and others' included


class Batcher:
    """The queue of one network. Belongs to one event loop.

    Args:
        network: answers.
        pool: where passes run.
        lanes: passes that may run at once.
        queue_rows: so many rows may wait; a request is taken whole as long as fewer do.
        cpu: passes use this processor.
    """

    def __init__(self, network: Passes, pool: Executor, *, lanes: int = 1, queue_rows: int, cpu: bool = False) -> None:
        self._network, self._pool, self._lanes, self._queue_rows = network, pool, lanes, queue_rows
        self._cpu = cpu
        self._busy = thread_time if cpu else perf_counter
        self._small_s = math.inf  #: compute of the fastest pass of the smallest size
        self._most = network.buckets[-1]
        self._queue: deque[_Item] = deque()
        self._running = 0
        self._woken = False
        self._mean_s = 0.0  #: wall time of a pass, with its way to a thread and back if it took it
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
            rows = [part.rows for part in parts]
            if self._is_quick(parts):
                self._settle(parts, perf_counter(), partial(self._timed, rows))
            else:
                run = asyncio.get_running_loop().run_in_executor(self._pool, self._timed, rows)
                run.add_done_callback(partial(self._end, parts, perf_counter()))

    def _is_quick(self, parts: list[_Part]) -> bool:
        """A small pass in a loop that has nothing else to do. In a busy one requests meet while a thread computes."""
        return (
            self._cpu
            and self._small_s <= _HERE_S
            and perf_counter() - parts[0].item.came <= _IDLE_S
            and sum(len(part.rows) for part in parts) <= self._network.buckets[0]
        )

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
        self._settle(parts, began, done.result)
        self._begin()

    def _settle(self, parts: list[_Part], began: float, result: Callable[[], _Timed]) -> None:
        """Tell the requests of a pass what came of it."""
        try:
            timed = result()
        except asyncio.CancelledError:
            _fail(parts, PitcallError("the network was unloaded before it answered"))
        except Exception:  # noqa: BLE001  # whatever it is, the callers learn that their rows have no answer
            _log.exception("a network failed")
            _fail(parts, PitcallError("the network failed; the log of the model server has the reason"))
        else:
            bucket = self._network.bucket(len(timed.answers))
            if bucket == self._network.buckets[0]:
                self._small_s = min(timed.compute_s, self._small_s)
            _deliver(parts, timed, bucket)
        self._running -= 1
        took_s = perf_counter() - began
        self._mean_s += (took_s - self._mean_s) * (_LATEST if self._mean_s else 1.0)
        self._least_s = min(took_s, self._least_s)


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
