"""The queue, the clock and the cache around the kernel."""

import asyncio
import json
import logging
import threading
import time
from contextlib import aclosing
from dataclasses import replace

import pytest
from pitcall_sim_worker.settings import Settings
from pitcall_sim_worker.simulator import Simulator

from pitcall.errors import DeadlineExceeded, Overloaded, PitcallError, SimulatorUnavailable
from pitcall.sim.evaluate import EvaluateRequest
from pitcall.sim.messages import ForecastRequest

pytestmark = pytest.mark.unit


async def lines_of(simulator, request, deadline_s=10.0):
    return [line async for line in simulator.decide(request, deadline_s)]


async def whole(pieces):
    return b"".join([piece async for piece in pieces])


def without_time(line):
    return line[: line.index(b'"compute_ms"')]


async def until(event):
    assert await asyncio.to_thread(event.wait, 10)


class TestLines:
    async def test_are_the_decisions_in_order_with_their_time(self, simulator, request_):
        """Each line is one JSON object with a time that grows; the last is final."""
        raw = await lines_of(simulator, request_)
        decisions = [json.loads(line) for line in raw]
        assert all(line.endswith(b"}\n") for line in raw)
        assert [d["draws"] for d in decisions] == [64, 128]
        assert [d["final"] for d in decisions] == [False, True]
        assert 0 < decisions[0]["compute_ms"] <= decisions[1]["compute_ms"]

    async def test_hide_what_went_wrong_inside_and_log_it(self, simulator, kernel, request_, caplog):
        """A bug in the kernel is an internal error without its text; the log has it."""
        kernel.script = lambda *_: (_ for _ in ()).throw(ZeroDivisionError("secret"))
        with caplog.at_level(logging.ERROR), pytest.raises(PitcallError) as error:
            await lines_of(simulator, request_)
        assert type(error.value) is PitcallError
        assert "secret" not in error.value.detail
        assert "secret" in caplog.text


class TestCache:
    async def test_gives_the_same_bits_without_playing_again(self, simulator, kernel, request_):
        """A repeated request gets the final line, bit for bit but for the time it took."""
        first = await lines_of(simulator, request_)
        before = time.perf_counter()
        again = await lines_of(simulator, request_)
        wall_ms = (time.perf_counter() - before) * 1e3
        assert [without_time(line) for line in again] == [without_time(first[-1])]
        assert kernel.runs == 1
        assert 0 < json.loads(again[0])["compute_ms"] <= wall_ms  # its own time, not that of the first run

    async def test_does_not_keep_an_answer_that_the_clock_cut(self, simulator, kernel, request_, decisions):
        """What one caller's deadline ended is not the answer for the next."""
        kernel.script = lambda *_: iter([replace(decisions[1], cut=True)])
        await lines_of(simulator, request_)
        await lines_of(simulator, request_)
        assert kernel.runs == 2

    async def test_keeps_forecasts_too_and_apart(self, simulator, kernel, request_):
        """A forecast is cached; its number of paths is part of the key."""
        ask = ForecastRequest(request_.race, 7)
        first, again = [await whole(simulator.forecast(ask, 10.0)) for _ in range(2)]
        assert without_time(first) == without_time(again)
        await whole(simulator.forecast(replace(ask, paths=10), 10.0))
        assert kernel.runs == 2

    async def test_keeps_outcomes_of_path_ranges_too(self, simulator, kernel, request_):
        """The same range is the same bytes; where it begins is part of the key."""
        ask = EvaluateRequest(request_.race, 7, 0, 64, "A", request_.candidates)
        first, again = [await whole(simulator.evaluate(ask, 10.0)) for _ in range(2)]
        assert first == again == b"outcome of 64 paths"
        assert kernel.runs == 1
        await whole(simulator.evaluate(replace(ask, first_path=64), 10.0))
        assert kernel.runs == 2


class TestQueue:
    def test_has_places_for_what_runs_and_what_waits(self, simulator):
        """One runs, one waits, the third is told to come back; who leaves makes room."""
        with simulator.place():
            with simulator.place(), pytest.raises(Overloaded, match="2 requests are ahead") as error, simulator.place():
                pass
            assert error.value.retry_after_s == 1.0
            with simulator.place():
                pass

    async def test_stops_the_simulation_of_a_caller_that_left_and_frees_its_thread(
        self, simulator, kernel, held, request_
    ):
        """Cancelling the reader reaches the thread; then there is room for others."""
        task = asyncio.create_task(lines_of(simulator, request_))
        await until(held.began)
        task.cancel()
        await until(held.stopped)
        kernel.script = None
        assert len(await lines_of(simulator, request_)) == 2

    async def test_closing_the_stream_early_stops_the_simulation(self, simulator, kernel, held, request_, decisions):
        """A reader that has enough after one line need not read the rest."""

        def script(out_of_time, cancelled):
            yield decisions[0]
            yield from held(out_of_time, cancelled)

        kernel.script = script
        async with aclosing(simulator.decide(request_, 10.0)) as lines:
            await anext(lines)
        await until(held.stopped)


class TestClock:
    async def test_steers_a_question_without_a_seed(self, simulator, kernel, request_, decisions):
        """out_of_time turns true before the deadline, so that a cut answer still arrives in time."""

        def script(out_of_time, cancelled):
            pause = threading.Event()
            while not out_of_time():
                assert not cancelled()
                pause.wait(0.001)
            yield replace(decisions[1], cut=True)

        kernel.script = script
        (line,) = await lines_of(simulator, request_, deadline_s=1.5)
        assert json.loads(line)["cut"]

    async def test_never_steers_a_question_by_rule_but_ends_it(self, simulator, kernel, request_, decisions):
        """by_rule: out_of_time stays false for ever; past the deadline it is an error, not a cut answer."""
        asked = []

        def script(out_of_time, cancelled):
            pause = threading.Event()
            while not cancelled():
                asked.append(out_of_time())
                pause.wait(0.001)
            yield decisions[1]

        kernel.script = script
        with pytest.raises(DeadlineExceeded):
            await lines_of(simulator, replace(request_, by_rule=True), deadline_s=0.5)
        assert asked
        assert not any(asked)

    async def test_ends_a_request_that_still_waits_in_the_queue(self, simulator, held, request_):
        """Waiting counts: a deadline that passes in the queue is DeadlineExceeded there and then."""
        running = asyncio.create_task(lines_of(simulator, request_))
        await until(held.began)
        with pytest.raises(DeadlineExceeded):
            await lines_of(simulator, replace(request_, seed=8), deadline_s=0.02)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


class TestLife:
    async def test_is_unavailable_before_it_is_warm(self, kernel, request_):
        """A request that comes too early is told to try again."""
        early = Simulator(Settings(), lambda _: kernel)
        with pytest.raises(SimulatorUnavailable, match="warming up"):
            await lines_of(early, request_)
        early.close()

    async def test_close_ends_what_runs(self, simulator, held, request_):
        """A stream that is open at shutdown ends with a retryable error."""
        task = asyncio.create_task(lines_of(simulator, request_))
        await until(held.began)
        await asyncio.to_thread(simulator.close)
        with pytest.raises(SimulatorUnavailable, match="shutting down"):
            await task
        assert not simulator.ready

    def test_builds_its_kernel_with_the_threads_it_was_given(self, kernel):
        """The setting reaches the engine."""
        seen = []

        def build(threads):
            seen.append(threads)
            return kernel

        made = Simulator(Settings(threads=3), build)
        made.warm_up()
        made.close()
        assert seen == [3]
