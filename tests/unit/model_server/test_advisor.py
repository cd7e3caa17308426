"""From a race state to advice, without gRPC and without HTTP."""

import time
from contextlib import aclosing
from dataclasses import replace
from types import MappingProxyType

import pytest
from pitcall_model_server.advisor import Advisor

from pitcall import forecast as model
from pitcall.domain.race import CarStatus
from pitcall.errors import InvalidRequest, NotFound, Overloaded, StaleFeed
from pitcall.sim.messages import MAX_PATHS, Budget

pytestmark = pytest.mark.unit


async def ask(simulator, known, car=None, seed=None, deadline_s=5.0):
    """All advice of one question by the leader."""
    answers = Advisor(simulator).advise(
        known,
        known.state.order()[0].car if car is None else car,
        seed=seed,
        budget=Budget(8, 8),
        deadline_s=deadline_s,
        started=time.perf_counter(),
    )
    return [advice async for advice in answers]


async def outlook(simulator, known, paths=None):
    return await Advisor(simulator).forecast(known, seed=None, paths=paths, deadline_s=5.0, started=time.perf_counter())


def with_car(known, **change):
    """The race with something else true of its leader."""
    leader = replace(known.state.order()[0], **change)
    return replace(known, state=replace(known.state, cars=MappingProxyType({**known.state.cars, leader.car: leader})))


class TestAdvise:
    async def test_asks_for_every_legal_call_on_the_race_as_read(self, simulator, known):
        """The simulator gets the reading, the candidates, the budget and a seed that names the question."""
        car = known.state.order()[0].car
        await ask(simulator, known)
        ((request, _),) = simulator.asked
        assert request.race == known.reading.race
        assert request.candidates == model.candidates(known.state, car)
        assert request.budget == Budget(8, 8)
        assert (request.seed, request.by_rule) == (model.seed_of(known.state, car), False)

    async def test_a_seed_that_is_given_keeps_the_clock_out(self, simulator, known):
        """It reaches the simulator and the provenance, and the answer stops by rule."""
        advices = await ask(simulator, known, seed=0)
        ((request, _),) = simulator.asked
        assert (request.seed, request.by_rule) == (0, True)
        assert {advice.provenance.seed for advice in advices} == {0}

    async def test_every_answer_says_what_it_knew(self, simulator, known):
        """Model, laps of the asking car, event time and assumptions."""
        last = known.state.order()[-1]
        for advice in await ask(simulator, known, car=last.car):
            assert advice.provenance.model == model.MODEL
            assert advice.provenance.race_lap == last.laps_done
            assert advice.provenance.state_t_s == known.state.t
            assert advice.provenance.assumed == known.reading.assumed

    async def test_evidence_follows_the_best_call(self, simulator, known):
        """When another call becomes the best, the facts are those behind it."""
        car = known.state.order()[0].car
        calls = model.candidates(known.state, car)
        advices = await ask(simulator, known)
        expected = [model.evidence(known.state, known.reading, car, calls[best]) for best in simulator.best]
        assert [advice.evidence for advice in advices] == expected
        assert expected[0] != expected[1]

    async def test_times_are_self_times(self, simulator, known):
        """The worker's time is what it said, ours what is left of the wall time."""
        before = time.perf_counter()
        advices = await ask(simulator, known)
        wall_ms = (time.perf_counter() - before) * 1e3
        assert [advice.timings.sim_worker_ms for advice in advices] == [0.001, 0.002, 0.003]
        assert 0 < advices[-1].timings.model_server_ms < wall_ms

    async def test_passes_on_what_is_left_of_the_deadline(self, simulator, known):
        """Time spent here is not given away twice."""
        await ask(simulator, known, deadline_s=3.0)
        ((_, left),) = simulator.asked
        assert 2.0 < left < 3.0

    async def test_closing_it_closes_the_simulation(self, simulator, known):
        """A caller that leaves after the first answer stops the rest."""
        answers = Advisor(simulator).advise(
            known, known.state.order()[0].car, seed=1, budget=Budget(), deadline_s=5.0, started=time.perf_counter()
        )
        async with aclosing(answers):
            await anext(answers)
            assert not simulator.closed
        assert simulator.closed

    async def test_the_simulators_errors_come_through(self, simulator, known):
        """Typed, after the answers that were there."""
        simulator.error = Overloaded("full", retry_after_s=3.0)
        with pytest.raises(Overloaded, match="full"):
            await ask(simulator, known)

    async def test_a_car_that_is_not_there_is_not_found(self, simulator, known):
        """The message names those there are; the simulator is not asked."""
        with pytest.raises(NotFound, match="no car 'XXX'"):
            await ask(simulator, known, car="XXX")
        assert not simulator.asked

    async def test_a_car_that_is_out_has_nothing_to_call(self, simulator, known):
        """StaleFeed, before any simulation."""
        out = with_car(known, status=CarStatus.RETIRED)
        with pytest.raises(StaleFeed, match="retired"):
            await ask(simulator, out, car=known.state.order()[0].car)
        assert not simulator.asked

    async def test_a_car_that_never_left_the_grid_has_nothing_to_call(self, simulator, known):
        """No feed said that it retired, but the others are laps ahead."""
        stuck = with_car(known, laps=())
        stuck = replace(stuck, reading=model.read(stuck.state))
        with pytest.raises(StaleFeed, match="has not left the grid"):
            await ask(simulator, stuck, car=known.state.order()[0].car)
        assert not simulator.asked


class TestForecast:
    async def test_is_of_every_car_with_its_provenance(self, simulator, known):
        """Default paths unless the question says; race_lap is the leader's."""
        answer = await outlook(simulator, known)
        ((request, _),) = simulator.asked
        assert answer.forecast.cars == known.reading.race.grid.cars
        assert answer.provenance.race_lap == known.state.laps_done
        assert answer.provenance.seed == request.seed == model.seed_of(known.state, "")
        assert (await outlook(simulator, known, paths=16)).forecast.draws == 16

    async def test_too_many_paths_are_refused(self, simulator, known):
        """The message names the bound."""
        with pytest.raises(InvalidRequest, match=f"paths: 1 to {MAX_PATHS}"):
            await outlook(simulator, known, paths=MAX_PATHS + 1)
