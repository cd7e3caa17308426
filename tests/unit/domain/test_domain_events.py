"""The border: what is an event and what is not."""

import json

import pytest

from pitcall.domain.events import (
    KINDS,
    Lap,
    PitOut,
    Track,
    TrackStatus,
    Weather,
    from_dict,
    from_json,
    to_dict,
    to_json,
)
from pitcall.domain.tyres import Compound
from pitcall.errors import InvalidEvent

pytestmark = pytest.mark.unit

LAP = {"type": "lap", "t": 90.0, "car": "VER", "lap": 1}


def test_an_event_is_one_line_of_json_without_what_the_feed_did_not_send():
    """Fields that hold their default are absent, never zero or null."""
    line = to_json(Lap(t=90.5, car="VER", lap=1, compound=Compound.SOFT, tyre_age=0))
    assert json.loads(line) == {"type": "lap", "t": 90.5, "car": "VER", "lap": 1, "compound": "soft", "tyre_age": 0}
    assert "\n" not in line


def test_what_was_not_sent_is_not_known():
    """A lap without tyres, time and position says so."""
    lap = from_dict(LAP)
    assert lap == Lap(t=90.0, car="VER", lap=1)
    assert isinstance(lap, Lap)
    assert (lap.compound, lap.tyre_age, lap.lap_time_s, lap.position) == (Compound.UNKNOWN, None, None, None)


def test_a_whole_number_is_a_time_too():
    """JSON writers drop the fraction of 90.0."""
    assert from_json('{"type":"lap","t":90,"car":"VER","lap":1}') == from_dict(LAP)


def test_a_compound_that_nobody_knows_is_unknown_and_not_an_error():
    """Feeds invent names; the race goes on."""
    assert from_dict(LAP | {"compound": "HYPERSOFT"}) == from_dict(LAP)


def test_a_status_travels_by_its_name():
    """Enumerations are text on disk."""
    event = TrackStatus(t=1.0, status=Track.SAFETY_CAR)
    assert to_dict(event) == {"type": "track_status", "t": 1.0, "status": "safety_car"}
    assert from_json(to_json(event)) == event


@pytest.mark.parametrize("kind", KINDS)
def test_the_type_on_disk_is_the_type_of_the_class(kind):
    """The table of kinds cannot name a class by another word."""
    assert KINDS[kind].type == kind


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        (b"\xff\xfe\x00", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[]", "JSON object, not list"),
        ("null", "JSON object, not NoneType"),
        ("{}", "unknown event type None"),
        ('{"type":"pitstop"}', "unknown event type 'pitstop'; known: session, car, lap"),
        ('{"type":"lap","t":1.0}', "lap: missing car, lap"),
        ('{"type":"lap","t":1.0,"car":"VER","lap":1,"gap":-3}', "lap: unknown field 'gap'"),
    ],
)
def test_a_line_that_is_no_event_is_refused_with_the_reason(line, says):
    """One typed error whatever the bytes are; it names what is wrong."""
    with pytest.raises(InvalidEvent, match=says.replace("[", r"\[")):
        from_json(line)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"t": -0.1}, "t must be between 0 and"),
        ({"t": 1e9}, "t must be between 0 and"),
        ({"t": float("nan")}, "t cannot be nan"),
        ({"t": float("inf")}, "t cannot be inf"),
        ({"t": 10**400}, "t cannot be 1000"),
        ({"t": "90"}, "t cannot be '90'"),
        ({"t": True}, "t cannot be True"),
        ({"t": None}, "t cannot be None"),
        ({"lap": 0}, "lap must be 1 to 2000, not 0"),
        ({"lap": 2_001}, "lap must be 1 to 2000, not 2001"),
        ({"lap": 1.5}, "lap cannot be 1.5"),
        ({"lap": True}, "lap cannot be True"),
        ({"car": 33}, "car cannot be 33"),
        ({"car": "V" * 501}, "car cannot be 'VVV"),
        ({"lap_time_s": 0.0}, "lap time must be positive"),
        ({"lap_time_s": -1.0}, "lap time must be positive"),
        ({"tyre_age": -1}, "tyre age must be 0 to 2000, not -1"),
        ({"position": 0}, "position must be 1 to 2000, not 0"),
        ({"pit_in": 1}, "pit_in cannot be 1"),
        ({"compound": 3}, "compound cannot be 3"),
    ],
)
def test_a_lap_that_cannot_be_true_is_refused(change, says):
    """Negative times, laps that do not exist, values of another type; the message names field and value."""
    with pytest.raises(InvalidEvent, match=says):
        from_dict(LAP | change)


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        ({"type": "session", "t": 0, "race": "r", "name": "R", "total_laps": 0}, "total_laps must be 1 to 2000"),
        ({"type": "car", "t": 0, "car": "VER", "grid": 0}, "grid must be 1 to"),
        ({"type": "car", "t": 0, "car": "VER", "tyre_age": -2}, "tyre age must be 0 to"),
        ({"type": "pit_in", "t": 0, "car": "VER", "lap": 0}, "lap must be 1 to"),
        ({"type": "pit_out", "t": 0, "car": "VER", "lap": -1}, "lap must be 1 to"),
        ({"type": "pit_out", "t": 0, "car": "VER", "lap": 2, "tyre_age": -1}, "tyre age must be 0 to"),
        ({"type": "track_status", "t": 0, "status": "purple"}, "status cannot be 'purple'"),
        ({"type": "weather", "t": 0, "air_temp_c": float("nan")}, "air_temp_c cannot be nan"),
        ({"type": "weather", "t": 0, "rain": 1}, "rain cannot be 1"),
    ],
)
def test_other_events_are_checked_alike(raw, says):
    """Every kind of event has a border."""
    with pytest.raises(InvalidEvent, match=says):
        from_dict(raw)


def test_an_event_that_is_built_in_code_is_checked_alike():
    """The constructor holds the rules, so an adapter cannot bypass them."""
    with pytest.raises(InvalidEvent, match="tyre age"):
        PitOut(t=1.0, car="VER", lap=2, tyre_age=-1)
    with pytest.raises(InvalidEvent, match="t must be"):
        Weather(t=float("nan"))
