"""The decision loop here, the races elsewhere: workers of this process, with places made of numbers."""

import asyncio
from contextlib import aclosing
from dataclasses import replace

import numpy as np
import pytest
from pitcall_model_server import fan_out
from pitcall_model_server.fan_out import Fleet
from pydantic import TypeAdapter

from pitcall import forecast as model
from pitcall.adapters import telemetry
from pitcall.errors import Cancelled, DeadlineExceeded, Overloaded, SimulatorUnavailable
from pitcall.sim import outcome_bytes
from pitcall.sim.evaluate import MAX_RACES, EvaluateRequest
from pitcall.sim.messages import Budget, DecideRequest, ForecastRequest
from pitcall.sim.outcome import Outcome

pytestmark = pytest.mark.unit

_REQUEST = TypeAdapter(EvaluateRequest)


class Arithmetic:
    """A worker whose races are a hash of path, call and seed; ``before`` is awaited for each request."""

    def __init__(self, before=None) -> None:
        self.before = before
        self.asked: list[EvaluateRequest] = []

    async def evaluate(self, body, deadline_s):
        ask = _REQUEST.validate_json(body)
        self.asked.append(ask)
        if self.before:
            await self.before(self)
        cars, path = len(ask.race.grid.cars), np.arange(ask.first_path, ask.first_path + ask.paths)[:, None]
        if ask.car is None:
            return outcome_bytes.pack_finish(((path + np.arange(cars)) % cars + 1).astype(np.uint8))
        call = np.array([hash((c.lap, c.compound)) % 1_009 for c in ask.candidates])
        place = (path * 2_654_435_761 + call * path + ask.seed % 97) % cars + 1
        gap = np.stack([place / 3, place / 7], axis=2)
        rejoin = np.stack([place, place % cars, (place + 1) % cars], axis=2)
        return outcome_bytes.pack(Outcome(place.astype(np.uint8), rejoin.astype(np.uint8), gap.astype(np.float32)))

    async def close(self):
        """Nothing to close."""


@pytest.fixture
async def fleet():
    """Makes fleets and closes them."""
    made = []

    def make(*workers):
        made.append(Fleet(workers))
        return made[-1]

    yield make
    for one in made:
        await one.close()


@pytest.fixture
def question(known):
    car = known.state.order()[0].car
    calls = model.candidates(known.state, car)
    return DecideRequest(known.reading.race, car, calls, 7, Budget(64, 256, 0.0), by_rule=True)


async def decisions(fleet, question, deadline_s=20.0):
    return [replace(d, compute_ms=0.0) async for d in fleet.decide(question, deadline_s)]


async def hang(_):
    await asyncio.get_running_loop().create_future()


class TestSameBits:
    async def test_any_number_of_workers_decides_alike(self, fleet, question):
        """How the paths are cut is not in the answer; every worker plays."""
        workers = [Arithmetic() for _ in range(5)]
        expected = await decisions(fleet(Arithmetic()), question)
        assert await decisions(fleet(*workers), question) == expected
        assert all(worker.asked for worker in workers)

    async def test_a_forecast_is_cut_too(self, fleet, known):
        """Policies only: no car asks."""
        workers, ask = [Arithmetic() for _ in range(3)], ForecastRequest(known.reading.race, 7, 4_000)
        expected = await fleet(Arithmetic()).places(ask, 20.0)
        found = await fleet(*workers).places(ask, 20.0)
        assert np.array_equal(found, expected)
        assert all(worker.asked and worker.asked[0].car is None for worker in workers)

    async def test_paths_are_played_once_each(self, fleet, known):
        """Whoever plays them: nothing is left out, nothing is played twice."""
        workers = [Arithmetic() for _ in range(3)]
        await fleet(*workers).places(ForecastRequest(known.reading.race, 7, 4_000), 20.0)
        paths = [path for w in workers for ask in w.asked for path in range(ask.first_path, ask.first_path + ask.paths)]
        assert sorted(paths) == list(range(4_000))


@pytest.mark.parametrize("paths", [range(1), range(5, 70), range(4_096), range(1_000, 65_536)])
@pytest.mark.parametrize("calls", [1, 30, 2_048])
@pytest.mark.parametrize("workers", [1, 3, 20])
def test_cuts_hold_the_bounds_of_a_request(paths, calls, workers):
    """Neighbouring parts that are the whole, none empty and none larger than a worker takes."""
    parts = fan_out._cut(paths, calls, workers)
    assert [path for part in parts for path in part] == list(paths)
    assert all(0 < len(part) * calls <= MAX_RACES for part in parts)
    if len(paths) * calls >= workers * fan_out.MIN_RACES and len(paths) >= workers:
        assert len(parts) >= workers


async def test_a_slow_line_does_not_leave_nothing_but_hops(fleet, question):
    """Where a hop takes longer than the loop's time between two looks, the ranges stay long."""

    async def far(_):
        await asyncio.wait([asyncio.get_running_loop().create_future()], timeout=0.02)

    workers = [Arithmetic(far) for _ in range(2)]
    wide = replace(question, budget=Budget(64, 4_096, 0.0), outlook=False)
    await decisions(fleet(*workers), wide)
    asked = [ask for worker in workers for ask in worker.asked]
    races = sum(ask.paths * len(ask.candidates) for ask in asked)
    assert races / len(asked) > fan_out.RACES_PER_HOP / 2


class TestEnds:
    async def test_workers_are_asked_in_the_callers_trace(self, fleet, question):
        """One trace id from the question to every race of it, although a thread lies between."""
        seen = set()

        async def look(_):
            seen.add(telemetry.trace_id())

        with telemetry.span("question", {"traceparent": f"00-{'ab' * 16}-{'cd' * 8}-01"}):
            await decisions(fleet(Arithmetic(look), Arithmetic(look)), question)
        assert seen == {"ab" * 16}

    async def test_compute_ms_is_the_time_waited_for_workers(self, fleet, question):
        """Not that of the statistics here."""

        async def wait(_):
            await asyncio.wait([asyncio.get_running_loop().create_future()], timeout=0.02)

        final = [d async for d in fleet(Arithmetic(wait), Arithmetic(wait)).decide(question, 20.0)][-1]
        assert final.compute_ms >= 20.0 * final.rounds

    async def test_closing_the_stream_takes_open_requests_back(self, fleet, question):
        """The thread that decides ends with them."""
        began, ended = asyncio.Event(), asyncio.Event()

        async def second(worker):
            if worker.asked[-1].first_path == 0:
                return
            began.set()
            try:
                await hang(worker)
            finally:
                ended.set()

        made = fleet(Arithmetic(second))
        async with aclosing(made.decide(question, 20.0)) as stream:
            await anext(stream)
            async with asyncio.timeout(10):
                await began.wait()
        async with asyncio.timeout(10):
            await ended.wait()
            await asyncio.to_thread(made._pool.shutdown)

    async def test_nothing_is_asked_after_the_end(self, fleet, known):
        """A thread that comes back to play finds the question closed."""
        made = fleet(Arithmetic())
        player = fan_out._Spread(made._workers, float("inf"))
        player.stop()
        with pytest.raises(Cancelled):
            await asyncio.to_thread(player.finish, known.reading.race, 7, range(64))

    async def test_the_deadline_ends_a_question_that_hangs(self, fleet, question):
        """DeadlineExceeded in time, whatever the workers do."""
        with pytest.raises(DeadlineExceeded):
            await decisions(fleet(Arithmetic(hang), Arithmetic(hang)), question, 0.1)

    async def test_the_clock_cuts_a_question_without_a_seed(self, fleet, question, monkeypatch):
        """What is known by then is the answer, marked cut."""

        async def slow(_):
            await asyncio.wait([asyncio.get_running_loop().create_future()], timeout=0.05)

        # A second of ten: a machine that stands still for a moment does not reach the deadline.
        monkeypatch.setattr(fan_out, "STEERING_SHARE", 0.1)
        endless = replace(question, by_rule=False, budget=Budget(64, 65_536, 0.0))
        *_, last = await decisions(fleet(Arithmetic(slow)), endless, 10.0)
        assert (last.final, last.cut) == (True, True)

    async def test_the_workers_error_is_the_answer(self, fleet, question):
        """Typed as it came."""

        async def lost(_):
            raise SimulatorUnavailable("lost")

        with pytest.raises(SimulatorUnavailable):
            await decisions(fleet(Arithmetic(lost), Arithmetic(lost)), question)

    async def test_more_questions_than_it_takes_are_refused_at_once(self, fleet, question, monkeypatch):
        """Overloaded; one that ends makes room."""
        monkeypatch.setattr(fan_out, "QUESTIONS", 1)
        made = fleet(Arithmetic())
        async with aclosing(made.decide(question, 20.0)) as stream:
            await anext(stream)
            with pytest.raises(Overloaded):
                await decisions(made, question)
        assert await decisions(made, question)
