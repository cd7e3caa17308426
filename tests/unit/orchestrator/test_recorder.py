"""Calls on their way into the ledger."""

import asyncio
import logging
import threading
from dataclasses import replace
from typing import Any

import pytest
from pitcall_orchestrator import recorder as module
from pitcall_orchestrator.recorder import Recorder

from pitcall.adapters.ledger import SqliteLedger
from pitcall.domain.tyres import Compound
from pitcall.errors import LedgerUnavailable
from pitcall.ledger import Call, Tally
from pitcall.sim.messages import Option, Utility

pytestmark = pytest.mark.unit

BOX = Option(24, 2, 2.0, (0.25, 0.5, 0.25, 0.0), 0.0, 0.0, 512)
LATER = Option(30, 2, 2.5, (0.1, 0.4, 0.4, 0.1), 0.5, 0.02, 64)


class FakeLedger:
    """Remembers calls; a test can hold it and make it fail."""

    def __init__(self) -> None:
        self.stored: list[Call] = []
        self.fails: Exception | None = None
        self.go_on = threading.Event()
        self.go_on.set()

    def record(self, call: Call) -> bool:
        self.go_on.wait()
        if self.fails:
            raise self.fails
        self.stored.append(call)
        return True

    def calls(self, race: str) -> list[Call]:
        raise NotImplementedError

    def grade(self, graded: Any) -> None:
        raise NotImplementedError

    def tallies(self, race: str | None = None) -> list[Tally]:
        return [Tally("m@1", False, "r", "A", False, None, len(self.stored))] if self.stored else []


@pytest.fixture
def ledger():
    return FakeLedger()


@pytest.fixture
async def recorder(ledger):
    made = Recorder(ledger)
    yield made
    ledger.go_on.set()
    await made.close()


@pytest.fixture
def note(recorder, state, advice_of):
    """Note an answer on these options; the first is the call."""

    def noted(*options: Option, live: bool = False) -> None:
        recorder.note(state, "VER", advice_of(*(options or (BOX, LATER))), Utility("win"), live=live)

    return noted


async def settled(recorder: Recorder) -> None:
    """Wait until every call that was noted is stored or lost, and counted."""
    if recorder._waiting:
        await asyncio.wait(recorder._waiting)


async def test_the_named_call_is_stored_with_its_own_distribution(recorder, ledger, note, state):
    """That of the best option, the moment of the state, and where it comes from."""
    note(live=True)
    await settled(recorder)
    (call,) = ledger.stored
    assert call.asked_at > 1.6e9
    assert replace(call, asked_at=0.0) == Call(
        "toy", "VER", 10, state.t, "prior@1", 1, 24, Compound.HARD, BOX.p_position, 512, "win", live=True
    )
    assert [(one.calls, one.waiting) for one in await recorder.skill()] == [(1, 1)]


async def test_noting_does_not_wait_for_the_disk(recorder, ledger, note):
    """The ledger hangs; the loop goes on, and the call is stored when it can be."""
    ledger.go_on.clear()
    note()
    assert ledger.stored == []
    ledger.go_on.set()
    await settled(recorder)
    assert len(ledger.stored) == 1


@pytest.mark.parametrize("error", [LedgerUnavailable("database or disk is full"), RuntimeError("boom")])
async def test_trouble_is_logged_once_and_shown_until_it_is_over(recorder, ledger, note, caplog, error):
    """One line when it begins, one when it ends with what was lost; ``degraded`` in between."""
    ledger.fails = error
    for _ in range(3):
        note()
        await settled(recorder)
    said = [record.message for record in caplog.records if record.message.startswith("calls are answered")]
    assert said == [f"calls are answered, but not stored: {error}"]
    assert recorder.degraded
    ledger.fails = None
    note()
    await settled(recorder)
    assert caplog.records[-1].message == "the ledger takes calls again; 3 were not stored"
    assert not recorder.degraded


async def test_an_answer_that_makes_no_call_is_logged_not_raised(recorder, ledger, note, caplog):
    """The answer is out already: nothing that is wrong with its numbers may turn it into an error."""
    note(replace(BOX, p_position=()))
    await settled(recorder)
    assert ledger.stored == []
    assert "a call could not be noted" in caplog.text


async def test_calls_do_not_pile_up_without_end(recorder, ledger, note, caplog, monkeypatch):
    """A disk that hangs for hours costs calls, not memory."""
    monkeypatch.setattr(module, "MAX_WAITING", 2)
    ledger.go_on.clear()
    for _ in range(4):
        note()
    assert recorder.degraded
    ledger.go_on.set()
    await settled(recorder)
    assert len(ledger.stored) == 2
    assert "2 were not stored" in caplog.text


async def test_closing_stores_what_waits(ledger, state, advice_of):
    """An answer given right before the end counts."""
    recorder = Recorder(ledger)
    for _ in range(5):
        recorder.note(state, "VER", advice_of(BOX), Utility(), live=False)
    await recorder.close()
    assert len(ledger.stored) == 5


async def test_closing_waits_no_longer_than_it_may(ledger, state, advice_of, caplog, monkeypatch):
    """A ledger that hangs does not keep the server from going."""
    monkeypatch.setattr(module, "CLOSE_S", 0.01)
    ledger.go_on.clear()
    recorder = Recorder(ledger)
    for _ in range(3):
        recorder.note(state, "VER", advice_of(BOX), Utility(), live=False)
    with caplog.at_level(logging.ERROR):
        await recorder.close()
    assert ledger.stored == []
    ledger.go_on.set()
    await settled(recorder)
    assert len(ledger.stored) == 1  # the one that had begun


async def test_a_real_ledger_takes_it(tmp_path, state, advice_of):
    """Asked twice, stored once."""
    ledger = SqliteLedger(tmp_path / "ledger.db")
    recorder = Recorder(ledger)
    for _ in range(2):
        recorder.note(state, "VER", advice_of(BOX), Utility(), live=False)
    await recorder.close()
    assert [call.in_lap for call in ledger.calls("toy")] == [24]
