"""From a race state to advice, without gRPC and without HTTP."""

import asyncio
import time
from contextlib import aclosing
from dataclasses import replace
from types import MappingProxyType

import pytest
from pitcall_model_server.advisor import Advisor
from pitcall_model_server.evidence import MAX_TOPICS
from pitcall_model_server.terms import Terms

from pitcall import forecast as model
from pitcall.domain.events import Track
from pitcall.domain.race import CarStatus
from pitcall.domain.tyres import Compound
from pitcall.errors import InvalidRequest, NotFound, Overloaded, StaleFeed
from pitcall.sim import what_if as transform
from pitcall.sim.messages import MAX_PATHS, Budget, Candidate, Utility
from pitcall.wire.knowledge import Grounding
from pitcall.wire.request import Planned, WhatIf

pytestmark = pytest.mark.unit


def terms(deadline_s=5.0, **more):
    return Terms(time.perf_counter(), deadline_s, **{"budget": Budget(8, 8), **more})


async def ask(simulator, known, car=None, documents=None, **more):
    """All advice of one question by the leader."""
    car = known.state.order()[0].car if car is None else car
    return [advice async for advice in Advisor(simulator, documents=documents).advise(known, car, terms(**more))]


async def compare(simulator, known, a, b, **more):
    """The leader's plan A against its plan B."""
    return await Advisor(simulator).compare(known, known.state.order()[0].car, (a, b), terms(**more))


async def outlook(simulator, known, paths=None, **more):
    return await Advisor(simulator).forecast(known, paths, terms(**more))


def with_car(known, **change):
    """The race with something else true of its leader."""
    leader = replace(known.state.order()[0], **change)
    return replace(known, state=replace(known.state, cars=MappingProxyType({**known.state.cars, leader.car: leader})))


def rival_of(known):
    """A car behind the leader that is out on the track."""
    grid = known.reading.race.grid
    behind = (car.car for car in known.state.order()[1:])
    return next(car for car in behind if not grid.boxing[grid.cars.index(car)])


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
            assert advice.provenance.model == known.reading.model
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
        answers = Advisor(simulator).advise(known, known.state.order()[0].car, terms(seed=1))
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
        with pytest.raises(StaleFeed, match="not off the grid"):
            await ask(simulator, stuck, car=known.state.order()[0].car)
        assert not simulator.asked


class TestUtility:
    async def test_reaches_the_simulator(self, simulator, known):
        """What is best is the caller's to say; the final decision comes with its outlook."""
        await ask(simulator, known, utility=Utility("target", 3))
        ((request, _),) = simulator.asked
        assert (request.utility, request.outlook) == (Utility("target", 3), True)

    async def test_the_outlook_is_left_out_on_demand(self, simulator, known):
        """It takes time that not every question has."""
        await ask(simulator, known, outlook=False)
        ((request, _),) = simulator.asked
        assert not request.outlook


class TestWhatIf:
    async def test_a_rival_boxes(self, simulator, known):
        """The race that is played is the one that the library makes of it, and the facts are of that race."""
        leader, rival = known.state.order()[0].car, rival_of(known)
        (*_, last) = await ask(simulator, known, what_if=WhatIf(boxes_now=rival))
        ((request, _),) = simulator.asked
        assert request.race == transform.boxes_now(known.reading.race, rival) != known.reading.race
        best = request.candidates[last.decision.best]
        supposed = replace(known.reading, race=request.race)
        assert last.evidence == model.evidence(known.state, supposed, leader, best)

    async def test_rain_makes_tyres_with_a_tread_legal(self, simulator, known):
        """From the lap before it on; the calls of the dry stay."""
        await ask(simulator, known, what_if=WhatIf(rain_in_laps=0))
        ((request, _),) = simulator.asked
        dry = model.candidates(known.state, request.car)
        assert request.race == transform.rain_from(known.reading.race, transform.current_lap(known.reading.race))
        assert request.candidates[: len(dry)] == dry
        treads = {(lap, int(tyre)) for lap in range(7, 12) for tyre in (Compound.INTERMEDIATE, Compound.WET)}
        assert {(call.lap, call.compound) for call in request.candidates[len(dry) :]} == treads

    async def test_rain_to_come_begins_on_its_lap(self, simulator, known):
        """Two laps from now, and tyres for it from the lap before."""
        await ask(simulator, known, what_if=WhatIf(rain_in_laps=2))
        ((request, _),) = simulator.asked
        lap = transform.current_lap(known.reading.race) + 2
        assert request.race == transform.rain_from(known.reading.race, lap)
        assert min(call.lap for call in request.candidates if call.compound == Compound.WET) == lap - 1

    async def test_a_flag_is_the_same_event_as_in_the_contingencies(self, known):
        """The question "what if there is a safety car?" and the row "if safety car" play one and the same race."""
        race = known.reading.race
        assert model.read(known.state, Track.SAFETY_CAR).race == transform.safety_car_now(race)
        assert model.read(known.state, Track.VSC).race == transform.vsc_now(race)

    async def test_a_forecast_supposes_too(self, simulator, known):
        """Whoever boxes now finishes elsewhere."""
        rival = rival_of(known)
        await outlook(simulator, known, what_if=WhatIf(boxes_now=rival))
        ((request, _),) = simulator.asked
        assert request.race == transform.boxes_now(known.reading.race, rival)

    @pytest.mark.parametrize(
        ("what_if", "error", "says"),
        [
            (WhatIf(boxes_now="XXX"), NotFound, "no car 'XXX'"),
            (WhatIf(rain_in_laps=6), InvalidRequest, "over in 5 laps, before the rain"),
        ],
    )
    async def test_what_cannot_happen_is_refused(self, simulator, known, what_if, error, says):
        """In words, before any simulation."""
        with pytest.raises(error, match=says):
            await ask(simulator, known, what_if=what_if)
        assert not simulator.asked

    async def test_the_asking_car_is_no_rival(self, simulator, known):
        """That is a comparison, and the message says so."""
        leader = known.state.order()[0].car
        with pytest.raises(InvalidRequest, match="compare boxing now"):
            await ask(simulator, known, what_if=WhatIf(boxes_now=leader))


class TestCompare:
    async def test_plays_the_two_calls_and_no_others(self, simulator, known):
        """No outlook either: it is about these two."""
        simulator.best = (0, 1)
        a, b = Planned(8, Compound.HARD), Planned(10, Compound.SOFT)
        found = await compare(simulator, known, a, b, utility=Utility("points"))
        ((request, _),) = simulator.asked
        assert request.candidates == (Candidate(8, 2), Candidate(10, 0))
        assert (request.outlook, request.utility.goal) == (False, "points")
        assert (found.a, found.b, found.advice.decision.best) == (0, 1, 1)

    async def test_a_plan_without_tyres_takes_the_best(self, simulator, known):
        """Each legal tyre is played; the plan's own row is its best one."""
        simulator.best = (4,)
        found = await compare(simulator, known, Planned(8), Planned(10))
        ((request, _),) = simulator.asked
        assert request.candidates == tuple(Candidate(lap, tyre) for lap in (8, 10) for tyre in (0, 1, 2))
        assert (found.a, found.b) == (0, 4)

    @pytest.mark.parametrize(
        ("plan", "says"),
        [
            (
                Planned(6),
                "plan A: boxing on lap 6 is not legal for .*: it has completed lap 6; a stop is legal on laps 7 to 11",
            ),
            (Planned(12, Compound.HARD), "lap 12 for hards is not legal .*: a stop is legal on laps 7 to 11"),
            (Planned(8, Compound.WET), "on lap 8 it may take softs or mediums or hards"),
            (Planned(), "staying out to the flag is not legal .*: it has not used two different dry compounds"),
            (Planned(9, Compound.HARD), "the same call"),
        ],
    )
    async def test_a_plan_that_is_not_legal_says_what_is(self, simulator, known, plan, says):
        """One sentence: which plan, why, and what could be compared; nothing is simulated."""
        fresh = with_car(known, compounds_used=frozenset({Compound.SOFT}))
        with pytest.raises(InvalidRequest, match=says):
            await compare(simulator, fresh, plan, Planned(9))
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


class Documents:
    """Give this source, or what else a test wants; remember what was asked."""

    def __init__(self, found=None):
        self.found = found or Grounding(missing="nothing")
        self.asked, self.cancelled = [], asyncio.Event()
        self.go_on = asyncio.Event()
        self.go_on.set()

    async def ground(self, wanted, budget_s):
        self.asked.append((wanted, budget_s))
        try:
            await self.go_on.wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        if isinstance(self.found, Exception):
            raise self.found
        return self.found


class TestSources:
    async def test_come_with_the_final_decision(self, simulator, known):
        """Looked for once, however often the decision is refined, in what is left of their time."""
        documents = Documents()
        answers = await ask(simulator, known, documents=documents)
        assert [advice.grounding for advice in answers] == [None, None, documents.found]
        ((wanted, budget_s),) = documents.asked
        assert 1 <= len(wanted) <= MAX_TOPICS
        assert 0 < budget_s <= 0.25

    async def test_are_not_waited_for_by_the_first_answer(self, simulator, known):
        """It is there while the documents are still being searched."""
        documents = Documents()
        documents.go_on.clear()
        car = known.state.order()[0].car
        async with aclosing(Advisor(simulator, documents=documents).advise(known, car, terms())) as answers:
            assert (await anext(answers)).grounding is None
            assert (await anext(answers)).grounding is None
            documents.go_on.set()
            assert (await anext(answers)).grounding is documents.found

    async def test_whoever_goes_away_looks_no_longer(self, simulator, known):
        """The search for an answer that nobody waits for ends."""
        documents = Documents()
        documents.go_on.clear()
        car = known.state.order()[0].car
        async with aclosing(Advisor(simulator, documents=documents).advise(known, car, terms())) as answers:
            await anext(answers)
            await asyncio.sleep(0)  # the search has begun
        async with asyncio.timeout(5):
            await documents.cancelled.wait()

    async def test_a_failure_costs_the_sources_and_nothing_else(self, simulator, known, caplog):
        """A fault of ours, as every known failure is a reason already: the call comes, the log has the rest."""
        answers = await ask(simulator, known, documents=Documents(ValueError("broken")))
        assert answers[-1].decision.final
        assert "the log" in answers[-1].grounding.missing
        assert "broken" in caplog.text

    async def test_nobody_looks_where_nobody_asks(self, simulator, known):
        """A question without outlook, a server without time for sources."""
        documents = Documents()
        (*_, last) = await ask(simulator, known, documents=documents, outlook=False)
        assert last.grounding is None
        car = known.state.order()[0].car
        silent = Advisor(simulator, documents=documents, evidence_s=0.0)
        assert all([advice.grounding is None async for advice in silent.advise(known, car, terms())])
        assert documents.asked == []

    async def test_a_comparison_has_them_too(self, simulator, known):
        """It is a call as well."""
        documents = Documents()
        car, now = known.state.order()[0].car, known.state.laps_done + 1
        plans = Planned(now, Compound.HARD), Planned(now + 1, Compound.HARD)
        found = await Advisor(simulator, documents=documents).compare(known, car, plans, terms())
        assert found.advice.grounding is documents.found
