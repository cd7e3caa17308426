"""Frames numbered, kept and bounded."""

import asyncio
import json

import pytest
from pitcall_orchestrator.outbox import Outbox

pytestmark = pytest.mark.unit


async def test_frames_come_in_order_with_their_numbers():
    """1, 2, 3 and never a gap."""
    outbox = Outbox(10, 1 << 20)
    for n in range(3):
        outbox.add("x", {"n": n})
    got = []
    while outbox.backlog:
        got.append(json.loads(await outbox.next()))
        outbox.sent += 1
    assert got == [{"type": "x", "seq": n + 1, "n": n} for n in range(3)]


async def test_a_reader_waits_for_news():
    """And gets the frame that comes then."""
    outbox = Outbox(10, 1 << 20)
    reading = asyncio.create_task(outbox.next())
    await asyncio.sleep(0)
    assert not reading.done()
    outbox.add("x", {})
    assert json.loads(await reading)["seq"] == 1


def test_what_is_kept_is_bounded_in_number():
    """The oldest frame goes, and who needs it cannot resume."""
    outbox = Outbox(3, 1 << 20)
    for _ in range(5):
        outbox.add("x", {})
    assert not outbox.holds(1)
    assert outbox.holds(2)
    assert outbox.holds(5)
    assert outbox.lost


def test_what_is_kept_is_bounded_in_bytes():
    """Large answers push out more; the newest frame is always there."""
    outbox = Outbox(100, 1000)
    for _ in range(3):
        outbox.add("x", {"text": "y" * 400})
    assert not outbox.holds(0)
    assert outbox.holds(1)
    outbox.add("x", {"text": "y" * 5000})
    assert outbox.holds(3)
    assert not outbox.holds(2)


def test_nothing_is_lost_before_it_is_dropped():
    """An unsent frame that is still kept can be sent."""
    outbox = Outbox(3, 1 << 20)
    assert outbox.holds(0)
    for _ in range(3):
        outbox.add("x", {})
    assert not outbox.lost
