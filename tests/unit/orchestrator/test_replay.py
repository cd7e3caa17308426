"""A race played again, by a clock that the test winds."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pitcall_orchestrator.hub import RaceLog
from pitcall_orchestrator.replay import Replay

from pitcall.domain.reducer import reduce_all
from pitcall.errors import InvalidRequest
from pitcall.synth import synthesise

pytestmark = pytest.mark.unit

RACE = synthesise(3, cars=4, laps=8, race="synth")
LOG = RaceLog(RACE)


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def replay(events, clock) -> Replay:
    return Replay(RaceLog(events), clock=clock)


def test_it_starts_paused_on_the_grid(replay, clock):
    """Nothing moves before play, however long one waits."""
    clock.now += 500
    assert replay.advance().laps_done == 0
    assert math.isinf(replay.wait_s())
    assert replay.to_json() == {
        "playing": False, "speed": 1.0, "lap": 0, "total_laps": 30, "t_s": 0.0, "ended": False,
    }  # fmt: skip


def test_events_come_when_their_time_has_come(replay, clock):
    """The first car crosses the line at 90 s and not before."""
    replay.play()
    assert replay.wait_s() == 90.0
    clock.now += 89.9
    assert replay.advance().laps_done == 0
    clock.now += 0.2
    assert replay.advance().laps_done == 1
    assert replay.wait_s() == pytest.approx(1.9)
    assert replay.feed_age_s() == pytest.approx(0.1)


def test_speed_is_race_seconds_per_second(replay, clock):
    """A change counts from the moment of the change."""
    replay.play()
    clock.now += 50
    replay.set_speed(10)
    assert replay.t_s == pytest.approx(50)
    assert replay.wait_s() == pytest.approx(4)
    clock.now += 5
    assert replay.t_s == pytest.approx(100)
    assert replay.advance().laps_done == 1


def test_pause_keeps_the_moment(replay, clock):
    """Time that passes while paused is not race time, and nothing gets old."""
    replay.play()
    clock.now += 95
    replay.pause()
    clock.now += 1000
    assert replay.t_s == pytest.approx(95)
    assert replay.feed_age_s() == 0.0
    replay.play()
    clock.now += 1
    assert replay.t_s == pytest.approx(96)


def test_seek_goes_to_the_end_of_a_lap_of_the_followed_car(events, clock):
    """HAM's lap 5 is two seconds after the leader's; a lap that a car never completes is the leader's."""
    log = RaceLog(events)
    assert Replay(log, "HAM", 5, clock).t_s == 452.0
    assert Replay(log, None, 5, clock).t_s == 450.0
    assert Replay(RaceLog(events[:-1]), "PER", 10, clock).t_s == 900.0
    replay = Replay(log, None, 5, clock)
    replay.seek(5, "HAM")
    assert replay.t_s == 452.0


def test_a_lap_past_the_end_is_refused_and_changes_nothing(replay):
    """The race has 30 laps."""
    replay.seek(4)
    with pytest.raises(InvalidRequest, match="30 laps"):
        replay.seek(31)
    assert replay.t_s == 360.0


def test_it_ends_with_the_log(replay, clock):
    """Then it is paused, its clock stands at the last event, and play does nothing."""
    replay.seek(10)
    replay.play()
    clock.now += 10_000
    replay.advance()
    assert replay.ended
    assert not replay.playing
    assert replay.t_s == 1001.0
    replay.play()
    assert not replay.playing


@given(steps=st.lists(st.floats(0.01, 200), max_size=30), speed=st.floats(0.25, 100))
def test_the_state_is_always_the_fold_up_to_the_clock(steps, speed):
    """In whatever steps one looks at it."""
    clock = Clock()
    replay = Replay(LOG, clock=clock)
    replay.set_speed(speed)
    replay.play()
    for step in steps:
        clock.now += step
        state = replay.advance()
        assert state == reduce_all(event for event, t in zip(RACE, LOG.times, strict=True) if t <= replay.t_s)
