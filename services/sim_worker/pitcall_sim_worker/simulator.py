"""One kernel, one bounded queue in front of it, and the answers it gave last.

At most ``running`` simulations run and ``waiting`` requests wait; one more is refused at once. Each
runs in a thread and stops soon after its caller left or its deadline passed.
"""

import asyncio
import gc
import logging
import threading
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from dataclasses import replace
from typing import Protocol, TypeVar

from pydantic import TypeAdapter

from pitcall.errors import Cancelled, DeadlineExceeded, Overloaded, PitcallError, SimulatorUnavailable
from pitcall.sim.messages import DecideRequest, Decision, Forecast, ForecastRequest
from pitcall_sim_worker.cache import Cache, key_of
from pitcall_sim_worker.settings import Settings

T = TypeVar("T")
Check = Callable[[], bool]

DECIDE_REQUEST = TypeAdapter(DecideRequest)
FORECAST_REQUEST = TypeAdapter(ForecastRequest)
_DECISION = TypeAdapter(Decision)
_FORECAST = TypeAdapter(Forecast)

#: Share of the caller's time after which a decision is ended with what is known: the rest is for
#: the round that is running and for the way back.
STEERING_SHARE = 0.9
#: What a message of these ends with before its time is known; ``compute_ms`` is their last field.
_UNSTAMPED = b"0.0}"

_log = logging.getLogger(__name__)


class Kernel(Protocol):
    """What plays races. Every method blocks."""

    def decide(self, request: DecideRequest, *, out_of_time: Check, cancelled: Check) -> Iterator[Decision]:
        """Refining decisions, the last one final. Raises Cancelled soon after ``cancelled()``."""

    def forecast(self, request: ForecastRequest, *, cancelled: Check) -> Forecast:
        """P(finishing position) of every car. Raises Cancelled soon after ``cancelled()``."""

    def close(self) -> None:
        """Stop its threads."""


class NumbaKernel:
    """The shipped kernel. Building it imports numba and compiles: seconds on a first start, so never at import."""

    def __init__(self, threads: int) -> None:
        from pitcall.sim import decision  # noqa: PLC0415  # numba: after the port listens, in the warm-up thread
        from pitcall.sim.engine import Engine  # noqa: PLC0415  # the same

        self._decision = decision
        self._engine = Engine(threads)
        self._engine.warm_up()

    def decide(self, request: DecideRequest, *, out_of_time: Check, cancelled: Check) -> Iterator[Decision]:
        """See ``pitcall.sim.decision.decide``."""
        return self._decision.decide(request, self._engine, out_of_time=out_of_time, cancelled=cancelled)

    def forecast(self, request: ForecastRequest, *, cancelled: Check) -> Forecast:
        """See ``pitcall.sim.decision.forecast``."""
        return self._decision.forecast(request, self._engine, cancelled=cancelled)

    def close(self) -> None:
        """Stop the engine's threads."""
        self._engine.close()


class Simulator:
    """Answers requests as JSON, from the cache or by playing. Belongs to one event loop."""

    def __init__(self, settings: Settings, kernel: Callable[[int], Kernel] = NumbaKernel) -> None:
        self._settings = settings
        self._build = kernel
        self._kernel: Kernel | None = None
        self._pool = ThreadPoolExecutor(settings.running, thread_name_prefix="decide")
        self._inside = 0
        self._closing = threading.Event()
        self.cache = Cache(settings.cache_bytes)

    @property
    def warm(self) -> bool:
        """True once the kernel is built."""
        return self._kernel is not None

    @property
    def ready(self) -> bool:
        """True between warm-up and close."""
        return self.warm and not self._closing.is_set()

    def warm_up(self) -> None:
        """Build the kernel. Blocks for seconds: run it in a thread."""
        started = time.perf_counter()
        self._kernel = self._build(self._settings.threads)
        gc.freeze()  # what numba brought along stays: no collection need look at it again inside a decision
        if self._closing.is_set():
            self._kernel.close()
        _log.info("warm after %.2f s, %d threads", time.perf_counter() - started, self._settings.threads)

    def close(self) -> None:
        """Stop what runs and wait for it. Blocks: run it in a thread."""
        self._closing.set()
        self._pool.shutdown(cancel_futures=True)
        if self._kernel is not None:
            self._kernel.close()

    async def decide(
        self, request: DecideRequest, deadline_s: float, started: float | None = None
    ) -> AsyncGenerator[bytes, None]:
        """One JSON line per state of the decision, the last one final; ``compute_ms`` counts from ``started``.

        A repeated request is answered with its final line alone.

        Raises:
            SimulatorUnavailable: not warm yet, or shutting down.
            Overloaded: the queue is full.
            DeadlineExceeded: no final decision within ``deadline_s``.
        """
        started = time.perf_counter() if started is None else started
        kernel, key = self._warm(), key_of(DECIDE_REQUEST, request)
        if (known := self.cache.get(key)) is not None:
            yield _stamped(known, started) + b"\n"
            return
        steer_by = started + STEERING_SHARE * deadline_s

        def out_of_time() -> bool:
            return not request.by_rule and time.perf_counter() >= steer_by

        def work(cancelled: Check) -> Iterator[Decision]:
            return kernel.decide(request, out_of_time=out_of_time, cancelled=cancelled)

        async with aclosing(self._played(work, started + deadline_s)) as decisions:
            async for decision in decisions:
                line = _DECISION.dump_json(replace(decision, compute_ms=0.0))
                if decision.final and not decision.cut:
                    self.cache.put(key, line)
                yield _stamped(line, started) + b"\n"

    async def forecast(self, request: ForecastRequest, deadline_s: float, started: float | None = None) -> bytes:
        """The forecast as JSON. Raises what ``decide`` raises."""
        started = time.perf_counter() if started is None else started
        kernel, key = self._warm(), key_of(FORECAST_REQUEST, request)
        answer = self.cache.get(key)
        if answer is None:

            def work(cancelled: Check) -> Iterator[Forecast]:
                yield kernel.forecast(request, cancelled=cancelled)

            async with aclosing(self._played(work, started + deadline_s)) as results:
                result = await anext(results)
            answer = _FORECAST.dump_json(replace(result, compute_ms=0.0))
            self.cache.put(key, answer)
        return _stamped(answer, started)

    def _warm(self) -> Kernel:
        if self._closing.is_set():
            raise SimulatorUnavailable("the sim worker is shutting down")
        if self._kernel is None:
            raise SimulatorUnavailable("the sim worker is warming up; try again in a second")
        return self._kernel

    async def _played(self, work: Callable[[Check], Iterator[T]], deadline: float) -> AsyncGenerator[T, None]:
        """What ``work`` yields in its thread. ``deadline`` is on the clock of ``time.perf_counter``."""
        if self._inside >= self._settings.running + self._settings.waiting:
            raise Overloaded(f"{self._inside} requests are ahead; try again in a second", retry_after_s=1.0)
        loop = asyncio.get_running_loop()
        results: asyncio.Queue[T | BaseException | None] = asyncio.Queue()
        gone = threading.Event()

        def cancelled() -> bool:
            return gone.is_set() or self._closing.is_set()

        def run() -> None:
            end: BaseException | None = None
            try:
                for item in work(cancelled):
                    loop.call_soon_threadsafe(results.put_nowait, item)
            except BaseException as exc:  # noqa: BLE001  # it travels to the waiting request
                end = exc
            loop.call_soon_threadsafe(results.put_nowait, end)

        self._inside += 1
        job = self._pool.submit(run)
        job.add_done_callback(lambda _: loop.call_soon_threadsafe(self._leave))
        try:
            while True:
                async with asyncio.timeout(deadline - time.perf_counter()):
                    item = await results.get()
                if item is None:
                    return
                if isinstance(item, BaseException):
                    raise self._typed(item)
                yield item
        except TimeoutError as exc:
            raise DeadlineExceeded("the simulation did not end in the time that the caller gave") from exc
        finally:
            gone.set()
            job.cancel()  # one that still waits for a thread

    def _leave(self) -> None:
        self._inside -= 1

    def _typed(self, error: BaseException) -> PitcallError:
        if isinstance(error, Cancelled) and self._closing.is_set():
            return SimulatorUnavailable("the sim worker is shutting down")
        if isinstance(error, PitcallError):
            return error
        _log.error("simulation failed", exc_info=error)
        return PitcallError("the simulation failed; the sim worker's log has the reason")


def _stamped(message: bytes, started: float) -> bytes:
    """``message`` with the time since ``started`` as its ``compute_ms``."""
    return b"%b%.3f}" % (message.removesuffix(_UNSTAMPED), (time.perf_counter() - started) * 1e3)
