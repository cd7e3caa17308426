"""Calls and their grades, from the socket to ``/v1/skill``."""

import sqlite3

import httpx
import pytest

from pitcall.adapters.ledger import SqliteLedger
from pitcall.adapters.races import RaceStore
from pitcall.domain import events as ev
from pitcall.domain.reducer import reduce_all, until_lap
from pitcall.domain.tyres import Compound
from pitcall.ledger import Outcome, graded

pytestmark = pytest.mark.contract

QUESTION = "When should I pit?"


@pytest.fixture
async def http(orchestrator):
    async with httpx.AsyncClient(base_url=orchestrator.http, trust_env=False) as client:
        yield client


async def stored(http, count):
    """The figures, once so many calls are stored: that happens behind the answer."""
    for _ in range(500):
        found = (await http.get("/v1/skill")).json()
        if sum(each["calls"] for each in found["models"]) >= count:
            return found
    pytest.fail(f"{found} never had {count} calls")


class TestCalls:
    async def test_every_final_call_is_stored_with_its_distribution(self, client, http):
        """The call of the answer, at the moment of the question; asked twice, stored once."""
        for _ in range(2):
            done = await client.answer(QUESTION, race="toy", car="HAM", lap=4, seed=2**64 - 1)
        await client.answer(QUESTION, race="toy", car="VER", lap=4)
        await stored(http, 2)
        call, other = SqliteLedger().calls("toy")
        assert (call.race, call.car, call.lap, call.t_s) == ("toy", "HAM", 4, 361.0)
        assert (call.in_lap, call.compound) == (done["decision"]["lap"], Compound.HARD)
        assert call.p_position == (0.25, 0.5, 0.25)
        assert (call.model, call.seed, call.goal, call.live) == ("fake@1", 2**64 - 1, "position", False)
        assert (other.car, other.seed) == ("VER", 99)

    async def test_what_is_no_call_is_not_stored(self, client, http):
        """A supposition, a comparison of two plans, a forecast, standings, and "why?" about an answer."""
        for text in ("What if there is a safety car?", "Pit now or in 3 laps?", "Where will I finish?", "Who leads?"):
            await client.answer(text, race="toy", car="VER", lap=4)
        await client.answer(QUESTION, race="toy", car="VER", lap=5)
        await client.answer("Why?", race="toy", car="VER", lap=5)
        await stored(http, 1)  # calls are stored in their order: nothing from before is still on its way
        assert [call.lap for call in SqliteLedger().calls("toy")] == [5]

    async def test_a_race_that_goes_on_is_live(self, client, http):
        """Its calls have a figure of their own: nobody could know how it ends."""
        events = RaceStore().events("toy")
        session = ev.Session(t=0.0, race="going", name="Going on", total_laps=12)
        RaceStore().save([session, *until_lap(events, 6)[1:]])
        await client.answer(QUESTION, race="going", car="VER")
        found = await stored(http, 1)
        assert [(each["model"], each["live"]) for each in found["models"]] == [("fake@1", True)]


class TestSkill:
    async def test_nothing_stored_is_an_empty_list(self, http):
        """Not a figure of nothing; and asking for it makes no file."""
        assert (await http.get("/v1/skill")).json() == {"models": [], "degraded": False}

    async def test_figures_come_with_their_count_and_interval(self, client, http):
        """A graded call moves from ``waiting`` to ``followed``; the rest is counted and not graded."""
        await client.answer(QUESTION, race="toy", car="VER", lap=4)
        await client.answer(QUESTION, race="toy", car="HAM", lap=2)
        (waiting,) = (await stored(http, 2))["models"]
        assert (waiting["waiting"], waiting["bands"], waiting["rps"]) == (2, [], None)
        ledger, end = SqliteLedger(), reduce_all(RaceStore().events("toy"))
        grades = [(call, graded(call, end)) for call in ledger.calls("toy")]
        assert [grade.outcome for _, grade in grades] == [Outcome.NOT_FOLLOWED, Outcome.FOLLOWED]
        ledger.grade(grades)
        (model,) = (await http.get("/v1/skill")).json()["models"]
        assert {name: model[name] for name in ("model", "live", "calls", "waiting", "followed", "not_followed")} == {
            "model": "fake@1", "live": False, "calls": 2, "waiting": 0, "followed": 1, "not_followed": 1,
        }  # fmt: skip
        assert (model["races"], model["cars"], model["unknown"]) == (1, 1, 0)
        assert [band["level"] for band in model["bands"]] == [0.5, 0.8, 0.9]
        assert all(0 <= band["low"] <= band["held"] <= band["high"] <= 1 for band in model["bands"])

    async def test_a_ledger_that_cannot_be_used_is_an_error_there_and_nowhere_else(self, client, http, tmp_path):
        """Answers come as ever; ``/ready`` says it, ``/v1/skill`` says why; once it is mended, calls are stored."""
        file = tmp_path / "home" / "ledger.db"
        with sqlite3.connect(file) as other:
            other.execute("CREATE TABLE mine (x)")
        other.close()
        assert (await client.answer(QUESTION, race="toy", car="VER", lap=4))["decision"]
        for _ in range(500):
            ready = (await http.get("/ready")).json()
            if not ready["ledger"]:
                break
        assert ready == {"ready": True, "model_server": True, "ledger": False, "knowledge": True}
        reply = await http.get("/v1/skill")
        assert (reply.status_code, reply.json()["error"]) == (500, "Corrupt")
        file.unlink()
        await client.answer(QUESTION, race="toy", car="VER", lap=5)
        found = await stored(http, 1)
        assert found["degraded"] is False
