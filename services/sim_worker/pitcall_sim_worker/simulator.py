"""One kernel, one bounded queue in front of it, and the answers it gave last.

At most ``running`` simulations run and ``waiting`` requests wait, are read or are sent; one more is
refused at once. Each runs in a thread and stops soon after its caller left or its deadline passed.
"""

import gc
import logging
import threading
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, contextmanager
from dataclasses import replace
from typing import Protocol, TypeVar

from pydantic import TypeAdapter

from pitcall.adapters.threads import Check, streamed
from pitcall.errors import Cancelled, Overloaded, PitcallError, SimulatorUnavailable
from pitcall.sim.evaluate import EvaluateRequest
from pitcall.sim.messages import DecideRequest, Decision, Forecast, ForecastRequest
from pitcall_sim_worker.cache import Cache, key_of
from pitcall_sim_worker.settings import Settings

T = TypeVar("T")

DECIDE_REQUEST = TypeAdapter(DecideRequest)
FORECAST_REQUEST = TypeAdapter(ForecastRequest)
EVALUATE_REQUEST = TypeAdapter(EvaluateRequest)
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

    def evaluate(self, request: EvaluateRequest, *, cancelled: Check) -> bytes:
        """The outcome of a path range (``pitcall.sim.outcome_bytes``). Raises Cancelled soon after ``cancelled()``."""

    def close(self) -> None:
        """Stop its threads."""


class NumbaKernel:
    """The shipped kernel. Building it imports numba and compiles: seconds on a first start, so never at import."""

    def __init__(self, threads: int) -> None:
        from pitcall.sim import decision  # noqa: PLC0415  # numba: after the port listens, in the warm-up thread
        from pitcall.sim.engine import Engine  # noqa: PLC0415  # the same
        from pitcall_sim_worker import ranges  # noqa: PLC0415  # the same, numpy

        self._decision = decision
        self._ranges = ranges
        self._engine = Engine(threads)
        self._engine.warm_up()

    def decide(self, request: DecideRequest, *, out_of_time: Check, cancelled: Check) -> Iterator[Decision]:
        """See ``pitcall.sim.decision.decide``."""
        return self._decision.decide(request, self._engine, out_of_time=out_of_time, cancelled=cancelled)

    def forecast(self, request: ForecastRequest, *, cancelled: Check) -> Forecast:
        """See ``pitcall.sim.decision.forecast``."""
        return self._decision.forecast(request, self._engine, cancelled=cancelled)

    def evaluate(self, request: EvaluateRequest, *, cancelled: Check) -> bytes:
        """See ``pitcall_sim_worker.ranges.evaluate``."""
        return self._ranges.evaluate(request, self._engine, cancelled=cancelled)

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
        gc.disable()  # what numba brings along stays; looking for garbage in it takes 60 ms of the start
        try:
            self._kernel = self._build(self._settings.threads)
        finally:
            gc.enable()
        gc.freeze()  # and no collection need look at it again inside a decision
        if self._closing.is_set():
            self._kernel.close()
        _log.info("warm after %.2f s, %d threads", time.perf_counter() - started, self._settings.threads)

    def start(self, on_failure: Callable[[], None]) -> None:
        """Warm up in a thread; ``on_failure`` is called there if the kernel cannot be built."""

        def run() -> None:
            try:
                self.warm_up()
            except Exception:  # noqa: BLE001  # whatever it is, a worker that cannot play must not stay up
                _log.exception("warm-up failed")
                on_failure()

        # A daemon: a compiler cannot be stopped, and shutdown does not wait for it.
        threading.Thread(target=run, name="warm-up", daemon=True).start()

    def close(self) -> None:
        """Stop what runs and wait for it. Blocks: run it in a thread."""
        self._closing.set()
        self._pool.shutdown(cancel_futures=True)
        if self._kernel is not None:
            self._kernel.close()

    @contextmanager
    def place(self) -> Iterator[None]:
        """A place for one request, held from before its body is read until its answer is sent.

        So that memory is bounded: what is read, waits, runs or is being sent takes a place.

        Raises:
            Overloaded: all are taken.
        """
        if self._inside >= self._settings.running + self._settings.waiting:
            raise Overloaded(f"{self._inside} requests are ahead; try again in a second", retry_after_s=1.0)
        self._inside += 1
        try:
            yield
        finally:
            self._inside -= 1

    async def decide(
        self, request: DecideRequest, deadline_s: float, started: float | None = None
    ) -> AsyncGenerator[bytes, None]:
        """One JSON line per state of the decision, the last one final; ``compute_ms`` counts from ``started``.

        A repeated request is answered with its final line alone.

        Raises:
            SimulatorUnavailable: not warm yet, or shutting down.
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

    async def forecast(
        self, request: ForecastRequest, deadline_s: float, started: float | None = None
    ) -> AsyncGenerator[bytes, None]:
        """The forecast as JSON, in one piece. Raises what ``decide`` raises."""
        started = time.perf_counter() if started is None else started

        def play(kernel: Kernel, cancelled: Check) -> bytes:
            return _FORECAST.dump_json(replace(kernel.forecast(request, cancelled=cancelled), compute_ms=0.0))

        yield _stamped(await self._once(key_of(FORECAST_REQUEST, request), play, started + deadline_s), started)

    async def evaluate(
        self, request: EvaluateRequest, deadline_s: float, started: float | None = None
    ) -> AsyncGenerator[bytes, None]:
        """The outcome of a path range (``pitcall.sim.outcome_bytes``), in one piece. Raises what ``decide`` raises."""
        started = time.perf_counter() if started is None else started

        def play(kernel: Kernel, cancelled: Check) -> bytes:
            return kernel.evaluate(request, cancelled=cancelled)

        yield await self._once(key_of(EVALUATE_REQUEST, request), play, started + deadline_s)

    async def _once(self, key: bytes, play: Callable[[Kernel, Check], bytes], deadline: float) -> bytes:
        """An answer in one piece, from the cache or played."""
        kernel, answer = self._warm(), self.cache.get(key)
        if answer is None:

            def work(cancelled: Check) -> Iterator[bytes]:
                yield play(kernel, cancelled)

            async with aclosing(self._played(work, deadline)) as results:
                answer = await anext(results)
            self.cache.put(key, answer)
        return answer

    def _warm(self) -> Kernel:
        if self._closing.is_set():
            raise SimulatorUnavailable("the sim worker is shutting down")
        if self._kernel is None:
            raise SimulatorUnavailable("the sim worker is warming up; try again in a second")
        return self._kernel

    async def _played(self, work: Callable[[Check], Iterator[T]], deadline: float) -> AsyncGenerator[T, None]:
        """What ``work`` yields in its thread. ``deadline`` is on the clock of ``time.perf_counter``."""

        def watched(gone: Check) -> Iterator[T]:
            return work(lambda: gone() or self._closing.is_set())

        try:
            async with aclosing(streamed(self._pool, watched, deadline)) as items:
                async for item in items:
                    yield item
        except PitcallError as exc:
            if isinstance(exc, Cancelled) and self._closing.is_set():
                raise SimulatorUnavailable("the sim worker is shutting down") from exc
            raise
        except Exception as exc:
            _log.exception("simulation failed")
            raise PitcallError("the simulation failed; the sim worker's log has the reason") from exc


def _stamped(message: bytes, started: float) -> bytes:
    """``message`` with the time since ``started`` as its ``compute_ms``."""
    return b"%b%.3f}" % (message.removesuffix(_UNSTAMPED), (time.perf_counter() - started) * 1e3)
