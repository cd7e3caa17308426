"""Questions through orchestrator, model server and sim worker: real processes, real sockets."""

import contextlib
import os
import signal

import pytest

from pitcall.cli.demo import CAR, LAP, QUESTION, RACE
from pitcall.client import PitcallClient
from pitcall.errors import ModelServerUnavailable, SimulatorUnavailable

pytestmark = pytest.mark.e2e

#: Time that a question may take when a service dies under it, ms.
DEADLINE_MS = 20_000

STOPPED = [("sim-worker", SimulatorUnavailable), ("model-server", ModelServerUnavailable)]


async def test_an_answer_refines_and_says_where_it_comes_from(mesh):
    """Every delta holds every option with its error; the last message adds words, provenance and times."""
    async with PitcallClient(mesh.url) as client:
        frames = [frame async for frame in client.ask(QUESTION, race=RACE, car=CAR, lap=LAP, seed=7)]
    deltas = [frame.body["decision"] for frame in frames if frame.type == "answer.delta"]
    done = frames[-1].body
    assert frames[-1].type == "answer.done"
    assert done["text"]
    assert done["why"]
    assert len({len(decision["options"]) for decision in deltas}) == 1
    for option in deltas[0]["options"]:
        assert option["standard_error"] >= 0
        assert sum(option["p_position"]) == pytest.approx(1.0)
    assert [decision["draws"] for decision in deltas] == sorted(decision["draws"] for decision in deltas)
    assert done["decision"] == deltas[-1]
    assert done["provenance"]["seed"] == 7
    assert done["provenance"]["race_lap"] == LAP
    timings = done["timings_ms"]
    assert timings["total"] == pytest.approx(sum(timings.values()) - timings["total"], abs=0.01)


async def test_a_question_during_a_replay_is_about_that_moment(mesh):
    """While the race plays, ``race`` and ``car`` need not be said, and the replay goes on."""
    async with PitcallClient(mesh.url) as client, contextlib.aclosing(client.follow(RACE, CAR, lap=LAP)) as states:
        assert (await anext(states))["replay"]["lap"] == LAP
        await client.control(RACE, "speed", speed=100)
        await client.control(RACE, "play")
        async for state in states:
            if state["replay"]["lap"] > LAP:
                break
        done = await client.answer(QUESTION)
        assert done["provenance"]["race"] == RACE
        assert LAP <= done["provenance"]["race_lap"] < state["total_laps"]
        async for state in states:
            if state["replay"]["lap"] > done["provenance"]["race_lap"] + 1:
                break


@pytest.mark.parametrize(("service", "error"), STOPPED)
async def test_a_service_that_dies_under_a_question_is_a_retryable_error(mesh, service, error):
    """The asker learns of it within the deadline, the socket stays open, and after a restart it answers again."""
    async with PitcallClient(mesh.url) as client:
        os.kill(mesh.pids[service], signal.SIGSTOP)  # frozen first: the question is surely under way when it dies
        frames = client.ask(QUESTION, race=RACE, car=CAR, lap=LAP, deadline_ms=DEADLINE_MS)
        assert (await anext(frames)).type == "tool.call"
        os.kill(mesh.pids[service], signal.SIGKILL)
        with pytest.raises(error) as caught:
            await anext(frames)
        assert caught.value.retryable
        mesh.restart(service)
        assert (await client.answer(QUESTION, race=RACE, car=CAR, lap=LAP))["decision"]


async def test_a_sim_worker_that_dies_in_the_middle_of_an_answer_is_a_retryable_error(mesh):
    """Also when a part of the answer had already come."""
    async with PitcallClient(mesh.url) as client:
        frames = client.ask(QUESTION, race=RACE, car=CAR, lap=1, max_paths=60_000, seed=1)
        async for frame in frames:
            if frame.type == "answer.delta":
                break
        os.kill(mesh.pids["sim-worker"], signal.SIGKILL)
        with pytest.raises(SimulatorUnavailable):
            [frame async for frame in frames]
        mesh.restart("sim-worker")
        assert (await client.answer(QUESTION, race=RACE, car=CAR, lap=LAP))["decision"]
