"""One session: what it follows and how it speaks to a client that is behind."""

import asyncio
import json
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
from pitcall_orchestrator import protocol
from pitcall_orchestrator.hub import Hub
from pitcall_orchestrator.replay import Replay
from pitcall_orchestrator.session import Session
from pitcall_orchestrator.settings import Settings

from pitcall.adapters.races import RaceStore
from pitcall.domain.events import Session as SessionEvent
from pitcall.errors import InvalidRequest, PitcallError

pytestmark = pytest.mark.unit


@pytest.fixture
def clock():
    return SimpleNamespace(now=0.0)


@pytest.fixture
async def session(tmp_path, events, clock, monkeypatch):
    """A session whose replays run by the test's clock."""
    monkeypatch.setattr("pitcall_orchestrator.session.Replay", partial(Replay, clock=lambda: clock.now))
    store = RaceStore(tmp_path)
    store.save(events)
    for n in range(8):
        store.save([SessionEvent(t=0.0, race=f"r{n}", name="", total_laps=3), *events[1:5]])
    session = Session("token", Hub(store), None, Settings())  # type: ignore[arg-type]  # no question is asked
    yield session
    await session.close()


def told(session: Session) -> list[dict[str, Any]]:
    return [json.loads(text) for _, text in session.outbox._kept]


async def test_deltas_wait_for_a_client_that_is_behind_and_are_merged(session, clock):
    """It gets one delta of all that happened, not all that happened; answers would be queued all the same."""
    await session.handle(protocol.Follow(type="follow", race="toy"), 0.0)
    await session.handle(protocol.Control(type="replay.control", race="toy", action="play"), 0.0)
    followed = session._followed["toy"]
    while session.outbox.backlog < 50:
        session.error(PitcallError("x"))
    for lap in range(1, 10):
        clock.now = 90.0 * lap + 1
        session._tick(followed)
    assert session.outbox.backlog == 50
    session.outbox.sent = session.outbox.seq
    session._tick(followed)
    last = told(session)[-1]
    assert session.outbox.backlog == 1
    assert last["changes"]["lap"] == 9
    assert last["replay"]["t_s"] == 811.0


async def test_a_race_can_be_followed_again_from_elsewhere(session):
    """The new replay takes the place of the old one."""
    await session.handle(protocol.Follow(type="follow", race="toy", lap=3), 0.0)
    await session.handle(protocol.Follow(type="follow", race="toy", car="HAM", lap=5), 0.0)
    assert [frame["race"]["lap"] for frame in told(session)] == [3, 5]
    assert list(session._followed) == ["toy"]


async def test_a_follow_that_fails_leaves_the_old_one(session):
    """An error changes nothing."""
    await session.handle(protocol.Follow(type="follow", race="toy", lap=3), 0.0)
    with pytest.raises(InvalidRequest):
        await session.handle(protocol.Follow(type="follow", race="toy", lap=99), 0.0)
    assert session._followed["toy"].replay.state.laps_done == 3


async def test_races_followed_are_bounded(session):
    """The ninth has to wait for another to go."""
    for n in range(8):
        await session.handle(protocol.Follow(type="follow", race=f"r{n}"), 0.0)
    with pytest.raises(InvalidRequest, match="at most 8"):
        await session.handle(protocol.Follow(type="follow", race="toy"), 0.0)


async def test_a_question_cancelled_before_its_first_step(session):
    """It ends in Cancelled like any other, and its id is free again."""
    ask = protocol.Ask(type="ask", id="q", text="Box?", race="toy")
    await session.handle(ask, 0.0)
    (task,) = session.open_questions
    await session.handle(protocol.Cancel(type="cancel", id="q"), 0.0)
    await asyncio.wait([task])
    await asyncio.sleep(0)
    assert [(frame["error"], frame["id"]) for frame in told(session)] == [("Cancelled", "q")]
    assert not session.is_open("q")


async def test_a_question_is_about_what_was_followed_when_it_was_asked(session):
    """Race, car and moment are those of its arrival, also when the client unfollows in the same breath."""
    asked = []

    async def answer(question, last, emit):
        asked.append(question)

    session._tools = SimpleNamespace(answer=answer)
    await session.handle(protocol.Follow(type="follow", race="toy", car="HAM", lap=3), 0.0)
    await session.handle(protocol.Ask(type="ask", id="q", text="When should I pit?"), 0.0)
    await session.handle(protocol.Unfollow(type="unfollow", race="toy"), 0.0)
    await asyncio.gather(*session._open.values())
    assert [frame for frame in told(session) if frame["type"] == "error"] == []
    assert [(q.car, q.as_of(None)[0].race, q.as_of(None)[0].car("HAM").laps_done) for q in asked] == [("HAM", "toy", 3)]
