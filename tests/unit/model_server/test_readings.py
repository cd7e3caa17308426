"""States are read once per content."""

import pytest
from pitcall_model_server.readings import readings

from pitcall.domain.events import Track
from pitcall.errors import InvalidRequest
from pitcall.wire import convert

pytestmark = pytest.mark.unit


def test_the_same_bytes_are_read_once_and_give_the_same(known):
    """Equal content is enough; what is known is what was sent."""
    read = readings()
    first, again = (read(convert.state_to_wire(known.state), None) for _ in range(2))
    assert again is first
    assert first.reading == known.reading


def test_another_lap_or_another_flag_is_another_reading(known):
    """Whatever a reading depends on is part of its key."""
    read, wire = readings(), convert.state_to_wire(known.state)
    now = read(wire, None)
    assert read(wire, Track.SAFETY_CAR).reading.race.regime != now.reading.race.regime
    wire.laps.lap_time_s[-1] += 0.5
    assert read(wire, None) is not now


def test_only_the_last_ones_are_kept(known):
    """The memory is bounded: the oldest is read again."""
    read, wire = readings(kept=1), convert.state_to_wire(known.state)
    first = read(wire, None)
    read(wire, Track.VSC)
    assert read(wire, None) is not first


def test_a_state_that_cannot_be_simulated_is_an_invalid_request(known, monkeypatch):
    """What the reading refuses is the caller's state, not a failure of the server."""

    def refuse(*_):
        raise ValueError("cars: between 1 and 64, not 0")

    monkeypatch.setattr("pitcall.forecast.read", refuse)
    with pytest.raises(InvalidRequest, match="cannot be simulated: cars: between 1 and 64"):
        readings()(convert.state_to_wire(known.state), None)
