"""Several sim workers as one simulator.

The decision loop runs here, in a thread, and every range of paths that it wants played is cut over
the workers. A part that one does not answer is played by another: the same paths give the same bits
wherever they are played, so nothing of this can be seen in an answer, only in its time.
"""

import asyncio
import math
import time
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from contextlib import aclosing
from contextvars import copy_context
from dataclasses import replace
from functools import partial
from itertools import pairwise
from typing import Any, Final, TypeVar

import numpy as np
from pydantic import TypeAdapter

from pitcall.adapters.threads import Check, streamed
from pitcall.errors import Cancelled, Overloaded
from pitcall.sim import decision as loop
from pitcall.sim import outcome_bytes
from pitcall.sim.evaluate import MAX_RACES, EvaluateRequest
from pitcall.sim.messages import Candidate, DecideRequest, Decision, ForecastRequest
from pitcall.sim.outcome import Bytes, Outcome, joined
from pitcall.sim.race import Race
from pitcall_model_server.workers import Worker, Workers

T = TypeVar("T")

#: Questions that are decided at the same time. Each has one request open per worker, whose queue takes 17.
QUESTIONS: Final = 16
#: Share of the caller's time after which a decision is ended with what is known.
STEERING_SHARE: Final = 0.9
#: Fewest races of a part: fewer are played in less time than one more hop takes (0.8 ms on one machine).
MIN_RACES: Final = 256
#: Races that each worker plays between two looks of the loop at its caller. The loop wants looks every 8 ms and halves
#: what it asks for until they are; where a hop alone takes longer, nothing but hops would be left.
RACES_PER_HOP: Final = 1_024

_EVALUATE_REQUEST = TypeAdapter(EvaluateRequest)


class Fleet:
    """Several workers as one. Belongs to one event loop; ``close`` it there."""

    def __init__(self, workers: Sequence[Worker]) -> None:
        self._workers = Workers(workers)
        self._pool = ThreadPoolExecutor(QUESTIONS, thread_name_prefix="decide")
        self._open = 0

    async def close(self) -> None:
        """Close the connections to all workers."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        for worker in self._workers.all:
            await worker.close()

    async def decide(self, request: DecideRequest, deadline_s: float) -> AsyncGenerator[Decision, None]:
        """Refining decisions, the last one final; ``compute_ms`` is the time waited for the workers.

        Closing the generator stops the simulation.

        Raises:
            SimulatorUnavailable: no worker answered.
            DeadlineExceeded: not done within ``deadline_s``.
            Overloaded: too many questions are open, here or at every worker.
            PitcallError: whatever else a worker answered, by its class.
        """
        began = time.perf_counter()
        steer_by = began + STEERING_SHARE * deadline_s

        def out_of_time() -> bool:
            return not request.by_rule and time.perf_counter() >= steer_by

        def work(player: _Spread, cancelled: Check) -> Iterator[Decision]:
            for decision in loop.decide(request, player, out_of_time=out_of_time, cancelled=cancelled):
                yield replace(decision, compute_ms=player.waited_s * 1e3)

        async with aclosing(self._run(work, began + deadline_s)) as decisions:
            async for decision in decisions:
                yield decision

    async def places(self, request: ForecastRequest, deadline_s: float) -> Bytes:
        """[path, car] finishing positions of the forecast's races. Raises what ``decide`` raises."""

        def work(player: _Spread, _: Check) -> Iterator[Bytes]:
            yield player.finish(request.race, request.seed, range(request.paths))

        async with aclosing(self._run(work, time.perf_counter() + deadline_s)) as found:
            return await anext(found)

    async def _run(self, work: Callable[["_Spread", Check], Iterator[T]], deadline: float) -> AsyncGenerator[T, None]:
        if self._open >= QUESTIONS:
            raise Overloaded(f"{self._open} questions are ahead; try again in a second", retry_after_s=1.0)
        self._open += 1
        player = _Spread(self._workers, deadline)
        try:
            async with aclosing(streamed(self._pool, partial(work, player), deadline)) as items:
                async for item in items:
                    yield item
        finally:
            player.stop()
            self._open -= 1


class _Spread:
    """The ``Player`` of one question: cuts ranges over the workers. Made in the event loop, used in a thread."""

    def __init__(self, workers: Workers, deadline: float) -> None:
        self.waited_s = 0.0  #: for the workers
        self._workers = workers
        self._deadline = deadline
        self._loop = asyncio.get_running_loop()
        self._context = copy_context()  # the caller's trace
        self._stopped = False
        self._asked: Future[Any] | None = None

    @property
    def width(self) -> int:
        """Races that are played at the same time; the loop asks for no fewer. Cancellation does not wait for them."""
        return RACES_PER_HOP * len(self._workers.all)

    def play(self, race: Race, seed: int, paths: range, car: int, calls: Sequence[Candidate]) -> Outcome:
        """See ``Player``. Raises what ``Fleet.decide`` raises, Cancelled after ``stop``."""
        name, candidates = race.grid.cars[car], tuple(calls)

        def read(part: range, raw: bytes) -> Outcome:
            return outcome_bytes.unpack(raw, len(part), len(calls))

        def ask(part: range) -> EvaluateRequest:
            return EvaluateRequest(race, seed, part.start, len(part), name, candidates)

        return joined(self._spread(paths, len(calls), ask, read))

    def finish(self, race: Race, seed: int, paths: range) -> Bytes:
        """See ``Player``. Raises what ``play`` raises."""

        def read(part: range, raw: bytes) -> Bytes:
            return outcome_bytes.unpack_finish(raw, len(part), len(race.grid.cars))

        def ask(part: range) -> EvaluateRequest:
            return EvaluateRequest(race, seed, part.start, len(part))

        return np.concatenate(self._spread(paths, 1, ask, read))

    def stop(self) -> None:
        """End what is asked and ask no more. Called in the event loop."""
        self._stopped = True
        if self._asked is not None:
            self._asked.cancel()

    def _spread(
        self, paths: range, calls: int, ask: Callable[[range], EvaluateRequest], read: Callable[[range, bytes], T]
    ) -> list[T]:
        """What each part of the range gives, in their order; as many at a time as there are workers."""
        began = time.perf_counter()
        parts = _cut(paths, calls, self._workers.fit)
        bodies = [_EVALUATE_REQUEST.dump_json(ask(part)) for part in parts]

        async def answers() -> list[T]:
            found: list[T] = []
            for at in range(0, len(parts), wave := len(self._workers.all)):
                some = zip(bodies[at : at + wave], parts[at : at + wave], strict=True)
                found += await _together(
                    [self._workers.ask(body, partial(read, part), self._deadline) for body, part in some]
                )
            return found

        # _asked is set before _stopped is read, and stop() does it the other way round: one of the two sees the other.
        self._asked = future = self._context.run(asyncio.run_coroutine_threadsafe, answers(), self._loop)
        try:
            if self._stopped:
                future.cancel()
                raise CancelledError
            return future.result()
        except CancelledError as exc:
            raise Cancelled("the question was taken back") from exc
        finally:
            self.waited_s += time.perf_counter() - began


async def _together(asking: Sequence[Coroutine[Any, Any, T]]) -> list[T]:
    """All results; the first failure ends the others."""
    tasks = [asyncio.create_task(one) for one in asking]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _cut(paths: range, calls: int, workers: int) -> list[range]:
    """Neighbouring parts of about equal length: one per worker, fewer of a short range, more of a very long one."""
    shared = min(workers, len(paths) * calls // MIN_RACES)
    needed = math.ceil(len(paths) / (MAX_RACES // calls))
    cuts = np.linspace(paths.start, paths.stop, min(max(shared, needed, 1), len(paths)) + 1).astype(int).tolist()
    return [range(a, b) for a, b in pairwise(cuts)]
