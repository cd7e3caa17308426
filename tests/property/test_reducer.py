"""What holds for every race and every feed."""

from contextlib import suppress
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pitcall.domain import events as ev
from pitcall.domain.race import CarStatus, RaceState, gap_s
from pitcall.domain.reducer import reduce, reduce_all, until_lap
from pitcall.domain.tyres import Compound
from pitcall.errors import InvalidEvent
from pitcall.synth import synthesise

pytestmark = pytest.mark.property

TIMES = st.integers(0, 3_000_000).map(lambda ms: ms / 1000)
CARS = st.sampled_from(["AAA", "BBB", "CCC", "ZZZ"])  # ZZZ is never entered
LAPS = st.integers(1, 12)
COMPOUNDS = st.sampled_from(Compound)
AGES = st.none() | st.integers(0, 80)
TEXT = st.text(max_size=ev.MAX_TEXT)
NUMBERS = st.none() | st.floats(-1e9, 1e9)
SLOTS = st.none() | st.integers(1, 30)

KINDS = {
    "session": st.builds(
        ev.Session, t=TIMES, race=st.sampled_from(["r", "other"]), name=TEXT, series=TEXT, season=SLOTS, total_laps=LAPS
    ),
    "car": st.builds(ev.Car, t=TIMES, car=CARS, number=TEXT, team=TEXT, grid=SLOTS, compound=COMPOUNDS, tyre_age=AGES),
    "lap": st.builds(
        ev.Lap, t=TIMES, car=CARS, lap=LAPS, lap_time_s=st.none() | st.floats(0.001, 1e4), position=SLOTS,
        compound=COMPOUNDS, tyre_age=AGES, pit_in=st.booleans(), track=st.sampled_from(["", "1", "24"]),
    ),
    "pit_in": st.builds(ev.PitIn, t=TIMES, car=CARS, lap=LAPS),
    "pit_out": st.builds(ev.PitOut, t=TIMES, car=CARS, lap=LAPS, compound=COMPOUNDS, tyre_age=AGES),
    "track_status": st.builds(ev.TrackStatus, t=TIMES, source=TEXT, status=st.sampled_from(ev.Track)),
    "weather": st.builds(ev.Weather, t=TIMES, air_temp_c=NUMBERS, track_temp_c=NUMBERS, rain=st.none() | st.booleans()),
    "retired": st.builds(ev.Retired, t=TIMES, car=CARS, reason=TEXT),
    "message": st.builds(ev.Message, t=TIMES, text=TEXT),
    "finish": st.builds(ev.Finish, t=TIMES),
}  # fmt: skip
EVENTS = st.one_of(list(KINDS.values()))
GRID = [
    ev.Session(t=0.0, race="r", name="R", total_laps=10),
    *(ev.Car(t=0.0, car=car) for car in ("AAA", "BBB", "CCC")),
]

RACES = st.builds(synthesise, st.integers(0, 2**64 - 1), cars=st.integers(2, 8), laps=st.integers(5, 15))


def test_every_kind_of_event_is_covered_here():
    """A new kind of event needs a strategy above."""
    assert KINDS.keys() == ev.KINDS.keys()


@given(event=EVENTS)
def test_an_event_survives_the_log(event):
    """What is written is what is read, to the last bit."""
    assert ev.from_json(ev.to_json(event)) == event


@given(line=st.text() | st.binary() | st.dictionaries(st.text(), st.integers() | st.text()).map(str))
def test_any_line_is_an_event_or_one_typed_error(line):
    """No other exception comes out of the border."""
    with suppress(InvalidEvent):
        assert isinstance(ev.from_json(line), ev.Event)


@given(race=RACES, cuts=st.lists(st.integers(0, 400), max_size=6))
@settings(max_examples=40)
def test_the_state_does_not_depend_on_how_events_arrive(race, cuts):
    """One by one, in batches of any size or all at once: the same state."""
    whole = reduce_all(race)
    edges = [0, *sorted(cuts), len(race)]
    state = RaceState()
    for start, end in pairwise(edges):
        state = reduce_all(race[start:end], state)
    assert state == whole


@given(race=RACES, lap=st.integers(0, 15))
@settings(max_examples=40)
def test_replay_to_a_lap_is_what_was_known_live_at_that_lap(race, lap):
    """A backtest sees exactly what the pit wall saw: nothing of the future."""
    live = state = RaceState()
    for event in race:
        if lap == 0 and isinstance(event, ev.Lap):
            break
        state = reduce(state, event)
        live = state
        if isinstance(event, ev.Lap) and lap > 0 and state.laps_done >= lap:
            break
    assert reduce_all(until_lap(race, lap)) == live


@given(race=RACES)
@settings(max_examples=20)
def test_every_moment_of_a_race_has_an_order_and_gaps(race):
    """The order holds each car once, laps never rise on the way back, and no gap is negative."""
    state = reduce_all(race[:1])
    for event in race[1:]:
        state = reduce(state, event)
        order = state.order()
        assert sorted(car.car for car in order) == sorted(state.cars)
        racing = [car.laps_done for car in order if car.status is not CarStatus.RETIRED]
        assert racing == sorted(racing, reverse=True)
        assert all((gap := gap_s(car, state.order()[0])) is None or gap >= 0 for car in order)


@given(feed=st.lists(EVENTS, max_size=60))
def test_a_hostile_feed_cannot_break_the_state(feed):
    """Each event is applied or refused; order is total, gaps are never negative, laps and stops go forward."""
    state = reduce_all(GRID)
    for event in feed:
        before = state
        try:
            state = reduce(state, event)
        except InvalidEvent:
            continue
        assert state.seq == before.seq + 1
        assert state.t >= before.t
        assert state.race == "r"
        assert state.finished >= before.finished
        order = state.order()
        assert sorted(car.car for car in order) == sorted(state.cars)
        assert all((gap := gap_s(car, state.order()[0])) is None or gap >= 0 for car in order)
        for car in order:
            assert all(a.lap < b.lap and a.time_s < b.time_s for a, b in pairwise(car.laps))
            assert all(stop.out_s is None or stop.out_s >= stop.in_s for stop in car.stops)
            assert Compound.UNKNOWN not in car.compounds_used
            old = before.cars.get(car.car)
            if old is not None and old.status in (CarStatus.RETIRED, CarStatus.FINISHED):
                assert car.laps == old.laps


@given(feed=st.lists(EVENTS, max_size=40), shuffled=st.randoms(use_true_random=False))
def test_the_order_does_not_depend_on_the_order_of_entry(feed, shuffled):
    """Two cars are never equal: the running order is the same however the cars were entered."""
    entries = GRID[1:]
    shuffled.shuffle(entries)
    orders = []
    for grid in (GRID, [GRID[0], *entries]):
        state = reduce_all(grid)
        for event in feed:
            with suppress(InvalidEvent):
                state = reduce(state, event)
        orders.append([car.car for car in state.order()])
    assert orders[0] == orders[1]


@given(race=RACES)
@settings(max_examples=20)
def test_a_lap_that_the_feed_repeats_changes_nothing(race):
    """Every lap of a race sent twice gives the race."""
    twice = [again for event in race for again in ([event] * 2 if isinstance(event, ev.Lap) else [event])]
    assert replace(reduce_all(twice), seq=0) == replace(reduce_all(race), seq=0)
