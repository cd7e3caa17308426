"""Several sim workers: who is asked, and who is asked next when one does not answer."""

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Final, Protocol, TypeVar

from pitcall.errors import DeadlineExceeded, Overloaded, SimulatorUnavailable

T = TypeVar("T")

#: A worker that has not answered after this long, s, may hang: another one is asked too. Doubles each time.
PATIENCE_S: Final = 0.5
#: A worker that failed is asked last for this long, s.
REST_S: Final = 5.0
#: Pauses, s, after which all are asked again when queues are full.
PAUSES_S: Final = (0.05, 0.2, 0.8)


class Worker(Protocol):
    """One sim worker."""

    async def evaluate(self, body: bytes, deadline_s: float) -> bytes:
        """The outcome, in bytes, of the path range that ``body`` names."""

    async def close(self) -> None:
        """Close its connections."""


class Workers:
    """Asks one of them, or another one. Belongs to one event loop."""

    def __init__(self, workers: Sequence[Worker]) -> None:
        self.all = tuple(workers)
        self._rests: dict[Worker, float] = {}  # until when, on the clock of time.monotonic
        self._turn = 0

    @property
    def fit(self) -> int:
        """Number of workers that do not rest; all of them if none is left."""
        return sum(not self._resting(worker) for worker in self.all) or len(self.all)

    async def ask(self, body: bytes, read: Callable[[bytes], T], deadline: float) -> T:
        """What ``read`` makes of a worker's answer to ``body``. The first answer counts, whoever gives it.

        Args:
            body: an EvaluateRequest in JSON.
            read: raises ValueError for an answer that is none.
            deadline: on the clock of ``time.perf_counter``.

        Raises:
            SimulatorUnavailable: none answered.
            Overloaded: those that did have full queues, also after some pauses.
            PitcallError: whatever else a worker answered, by its class.
        """
        for pause in PAUSES_S:
            try:
                return await self._ask_each(body, read, deadline)
            except Overloaded:
                if time.perf_counter() + pause >= deadline:
                    raise
                await asyncio.sleep(pause)
        return await self._ask_each(body, read, deadline)

    async def _ask_each(self, body: bytes, read: Callable[[bytes], T], deadline: float) -> T:
        """One after the other until one answers; who takes long gets company."""
        turns, asked, patience = self._in_turn(), dict[asyncio.Task[T], Worker](), PATIENCE_S
        failure: SimulatorUnavailable | Overloaded | None = None
        try:
            while True:
                worker = next(turns, None)
                if worker is not None:
                    asked[asyncio.create_task(_answer(worker, body, read, deadline))] = worker
                elif not asked:
                    raise failure or SimulatorUnavailable("there is no sim worker")
                done, _ = await asyncio.wait(
                    asked, timeout=None if worker is None else patience, return_when=asyncio.FIRST_COMPLETED
                )
                patience *= 1 if done else 2
                for task in done:
                    worker = asked.pop(task)
                    try:
                        answer = task.result()
                    except Overloaded as exc:
                        failure = exc
                    except SimulatorUnavailable as exc:
                        failure = failure if isinstance(failure, Overloaded) else exc
                        self._rest(worker)
                    else:
                        for slow in asked.values():
                            self._rest(slow)
                        return answer
        finally:
            for task in asked:
                task.cancel()
            await asyncio.gather(*asked, return_exceptions=True)

    def _in_turn(self) -> Iterator[Worker]:
        """All workers, beginning with another one each time; those that rest come last."""
        self._turn += 1
        at = self._turn % len(self.all)
        return iter(sorted(self.all[at:] + self.all[:at], key=self._resting))

    def _resting(self, worker: Worker) -> bool:
        return self._rests.get(worker, 0.0) > time.monotonic()

    def _rest(self, worker: Worker) -> None:
        self._rests[worker] = time.monotonic() + REST_S


async def _answer(worker: Worker, body: bytes, read: Callable[[bytes], T], deadline: float) -> T:
    left = deadline - time.perf_counter()
    if left <= 0:
        raise DeadlineExceeded("the simulation did not end in the time that the caller gave")
    raw = await worker.evaluate(body, left)
    try:
        return read(raw)
    except ValueError as exc:
        raise SimulatorUnavailable("a sim worker's answer cannot be read: is it of another version?") from exc
