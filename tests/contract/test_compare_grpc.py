"""Compare, what-ifs and goals over real gRPC, with a real sim worker behind it over real HTTP."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace

import grpc
import numpy as np
import pytest
from pitcall_model_server.server import ModelServer
from pitcall_model_server.settings import Settings
from pitcall_sim_worker.app import create_app
from pitcall_sim_worker.settings import Settings as SimSettings
from pitcall_sim_worker.simulator import NumbaKernel, Simulator

from pitcall import forecast as model
from pitcall.adapters.model import shipped
from pitcall.domain.reducer import reduce_all, until_lap
from pitcall.domain.tyres import Compound
from pitcall.learned.outlook import outlook as learned_outlook
from pitcall.sim import decision as loop
from pitcall.sim import what_if as transform
from pitcall.sim.engine import Engine
from pitcall.sim.messages import Budget, Candidate, DecideRequest, Utility
from pitcall.synth import synthesise
from pitcall.wire import convert, reply
from pitcall.wire.v1 import strategy_pb2 as pb
from pitcall.wire.v1 import strategy_pb2_grpc as rpc

pytestmark = pytest.mark.contract

STATE = reduce_all(until_lap(synthesise(7, cars=4, laps=12), 6))
CAR = STATE.order()[1].car
RACE = model.read(STATE, model=shipped()).race
RIVAL = next(car for car, boxes in zip(RACE.grid.cars, RACE.grid.boxing, strict=True) if car != CAR and not boxes)
BUDGET = pb.Budget(first_paths=4, max_paths=64, indifference=1e-9)
A, B = pb.Call(lap=8, compound=pb.COMPOUND_HARD), pb.Call(lap=10, compound=pb.COMPOUND_MEDIUM)
QUESTION = pb.CompareRequest(state=convert.state_to_wire(STATE), car=CAR, a=A, b=B, seed=7, budget=BUDGET)
ADVISE = pb.AdviseRequest(state=QUESTION.state, car=CAR, seed=7, budget=BUDGET, no_outlook=True)


@pytest.fixture
async def stub(serve_http):
    """The service, from a model server that is ready, without torch."""
    async with AsyncExitStack() as stack:
        settings = SimSettings(threads=1)
        simulator = Simulator(settings, NumbaKernel)
        await asyncio.to_thread(simulator.warm_up)
        url = await stack.enter_async_context(serve_http(create_app(settings, simulator)))
        server = ModelServer(Settings(port=0, sim_urls=url), load=lambda: "cpu")
        port = await server.start()
        await server.load()
        stack.push_async_callback(server.stop, 0)
        channel = await stack.enter_async_context(grpc.aio.insecure_channel(f"127.0.0.1:{port}"))
        yield rpc.StrategyServiceStub(channel)


def changed(question, **fields):
    """The question with other fields."""
    found = type(question)()
    found.CopyFrom(question)
    found.MergeFrom(type(question)(**fields))
    return found


def decided(race, *calls, utility=None):
    """What the library decides among these calls."""
    engine = Engine(1)
    asked = DecideRequest(
        race, CAR, calls, 7, Budget(4, 64, 1e-9), by_rule=True, utility=utility or Utility(), outlook=False
    )
    *_, last = loop.decide(asked, engine)
    engine.close()
    return last


async def compare(stub, question=QUESTION):
    return reply.comparison_from_wire(await stub.Compare(question, timeout=20))


async def advise(stub, **fields):
    call = stub.Advise(changed(ADVISE, **fields), timeout=20)
    *_, last = [reply.advice_from_wire(message) async for message in call]
    return last


class TestCompare:
    async def test_is_what_the_library_decides_between_the_two(self, stub):
        """Bit for bit, in the order asked for, with the paired difference."""
        found = await compare(stub)
        expected = decided(RACE, Candidate(8, int(Compound.HARD)), Candidate(10, int(Compound.MEDIUM)))
        assert replace(found.advice.decision, compute_ms=0.0) == expected
        assert (found.a, found.b) == (0, 1)
        a, b = expected.options
        assert found.difference == b.delta - a.delta != 0
        assert found.standard_error == max(a.standard_error, b.standard_error) > 0
        assert found.advice.provenance.seed == 7
        assert found.advice.timings.sim_worker_ms > 0

    async def test_turned_around_it_is_the_same_with_the_other_sign(self, stub):
        """Which plan is called A changes nothing else: the possible races are the same."""
        there, back = await compare(stub), await compare(stub, changed(QUESTION, a=B, b=A))
        assert back.difference == -there.difference
        assert back.standard_error == there.standard_error

    async def test_a_plan_without_tyres_is_the_best_of_its_lap(self, stub):
        """Every legal tyre is played, and the plan's row is the best of them."""
        asked = pb.CompareRequest(
            state=QUESTION.state, car=CAR, a=pb.Call(lap=8), b=pb.Call(lap=10), seed=7, budget=BUDGET
        )
        found = await compare(stub, asked)
        options = found.advice.decision.options
        assert [(option.lap, option.compound) for option in options] == [(lap, c) for lap in (8, 10) for c in (0, 1, 2)]
        assert found.difference == min(o.delta for o in options[3:]) - min(o.delta for o in options[:3])

    @pytest.mark.parametrize(
        ("fields", "status", "says"),
        [
            ({"b": pb.Call(lap=5)}, "INVALID_ARGUMENT", "plan B: boxing on lap 5"),
            ({"b": pb.Call(lap=8, compound=pb.COMPOUND_HARD)}, "INVALID_ARGUMENT", "same call"),
            ({"b": pb.Call(lap=8, compound=pb.COMPOUND_WET)}, "INVALID_ARGUMENT", "softs or mediums or hards"),
            ({"car": "XXX"}, "NOT_FOUND", "no car 'XXX'"),
            ({"utility": pb.Utility(target=99)}, "INVALID_ARGUMENT", "utility: target"),
            ({"what_if": pb.WhatIf(boxes_now=CAR)}, "INVALID_ARGUMENT", "compare boxing now"),
        ],
    )
    async def test_what_cannot_be_compared_says_why(self, stub, fields, status, says):
        """One typed status, one sentence."""
        asked = changed(QUESTION, **{name: value for name, value in fields.items() if name != "b"})
        if "b" in fields:
            asked.b.CopyFrom(fields["b"])
        with pytest.raises(grpc.aio.AioRpcError) as error:
            await stub.Compare(asked, timeout=20)
        assert error.value.code().name == status
        assert says in (error.value.details() or "")
        assert "Traceback" not in (error.value.details() or "")


class TestWhatIf:
    async def test_a_rival_that_boxes_now_is_in_every_answer(self, stub):
        """Advise, Compare and Forecast play the race that the library makes of it."""
        race, what_if = transform.boxes_now(RACE, RIVAL), pb.WhatIf(boxes_now=RIVAL)
        calls = model.candidates(STATE, CAR)
        advice = await advise(stub, what_if=what_if)
        assert replace(advice.decision, compute_ms=0.0) == decided(race, *calls) != decided(RACE, *calls)
        found = await compare(stub, changed(QUESTION, what_if=what_if))
        assert found.advice.decision.options == decided(race, Candidate(8, 2), Candidate(10, 1)).options
        asked = pb.ForecastRequest(state=QUESTION.state, seed=7, paths=64, what_if=what_if)
        outlook = reply.outlook_from_wire(await stub.Forecast(asked))
        engine = Engine(1)
        expected = learned_outlook(STATE, race.grid, engine.finish(race, 7, range(64)), shipped())
        engine.close()
        assert outlook.forecast.cars == expected.cars
        assert np.array(outlook.forecast.p_position) == pytest.approx(expected.p)

    async def test_a_flag_may_be_supposed_in_the_old_field_or_the_new(self, stub):
        """Older callers are understood."""
        old = await advise(stub, assume_track=pb.TRACK_SAFETY_CAR)
        new = await advise(stub, what_if=pb.WhatIf(track=pb.TRACK_SAFETY_CAR))
        assert replace(old.decision, compute_ms=0.0) == replace(new.decision, compute_ms=0.0)
        assert old.evidence == new.evidence

    async def test_rain_brings_tyres_with_a_tread(self, stub):
        """They become calls like any other."""
        advice = await advise(stub, what_if=pb.WhatIf(rain_in_laps=0))
        tried = {option.compound for option in advice.decision.options}
        assert {int(Compound.INTERMEDIATE), int(Compound.WET)} <= tried


class TestGoals:
    @pytest.mark.parametrize(
        ("utility", "expected"),
        [
            (pb.Utility(goal=pb.GOAL_POINTS, points=[3, 1]), Utility("points", points=(3.0, 1.0))),
            (pb.Utility(goal=pb.GOAL_WIN), Utility("win")),
            (pb.Utility(goal=pb.GOAL_TARGET, target=2), Utility("target", 2)),
            (pb.Utility(goal=pb.GOAL_CVAR, tail=0.5), Utility("cvar", tail=0.5)),
        ],
    )
    async def test_a_goal_reaches_the_decision(self, stub, utility, expected):
        """The options are worth what the library says, in the unit of the goal."""
        advice = await advise(stub, utility=utility)
        calls = model.candidates(STATE, CAR)
        assert replace(advice.decision, compute_ms=0.0) == decided(RACE, *calls, utility=expected)

    async def test_the_outlook_comes_unless_it_is_declined(self, stub):
        """With the final decision, and only with it."""
        asked = pb.AdviseRequest(state=QUESTION.state, car=CAR, seed=7, budget=BUDGET)
        *before, last = [reply.advice_from_wire(message) async for message in stub.Advise(asked, timeout=20)]
        assert before
        assert not any(advice.decision.contingencies or advice.decision.break_evens for advice in before)
        assert {each.event for each in last.decision.contingencies} >= {"safety_car", "vsc"}
        assert [each.parameter for each in last.decision.break_evens] == ["pit_loss_s", "wear", "caution_rate"]
        declined = await advise(stub)
        assert (declined.decision.contingencies, declined.decision.break_evens) == ((), ())
