"""From a question during a replayed race to its grade at the flag, with the real services and the real model."""

import contextlib
import json

import httpx
import pytest

from pitcall.adapters.ledger import SqliteLedger
from pitcall.adapters.races import RaceStore
from pitcall.cli.demo import CAR, QUESTION, RACE
from pitcall.client import PitcallClient
from pitcall.domain.reducer import reduce_all

pytestmark = pytest.mark.e2e


async def test_a_call_of_a_replay_is_graded_at_its_flag(mesh, pitcall):
    """Asked while the race plays, run to the flag, graded by the command, and served with its count."""
    state = reduce_all(RaceStore().events(RACE))
    lap = state.total_laps - 1  # no stop is left: staying out is the call, and surely followed
    async with PitcallClient(mesh.url) as client, contextlib.aclosing(client.follow(RACE, CAR, lap=lap)) as states:
        await anext(states)
        done = await client.answer(QUESTION)
        await client.control(RACE, "speed", speed=100)
        await client.control(RACE, "play")
        async for shown in states:
            if shown["replay"]["ended"]:
                break
    graded = pitcall("race", "grade", RACE, "--json")
    assert graded.returncode == 0, graded.stderr
    calls = json.loads(graded.stdout)["calls"]
    call = next(each for each in calls if (each["car"], each["lap"]) == (CAR, lap))
    best = done["decision"]["options"][done["decision"]["best"]]
    assert (call["model"], call["seed"]) == (done["provenance"]["model"], done["provenance"]["seed"])
    assert (call["in_lap"], call["p_position"]) == (best["lap"], best["p_position"])
    assert call["position"] == 1 + [car.car for car in state.order()].index(CAR)
    assert (call["in_lap"], call["outcome"]) == (None, "followed")
    assert 0 <= call["score"]["rps"] <= 1
    async with httpx.AsyncClient(trust_env=False) as http:
        figures = (await http.get(f"{mesh.url}/v1/skill")).json()
    figure = next(each for each in figures["models"] if each["model"] == call["model"])
    assert figures["degraded"] is False
    assert figure["live"] is False
    assert figure["followed"] >= 1
    assert figure["calls"] >= len(SqliteLedger().calls(RACE)) == len(calls)  # other tests ask about other races
