"""Races that never happened."""

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pitcall.adapters.races import DEMO, RaceStore
from pitcall.domain.events import Car, Finish, Lap, Message, PitIn, PitOut, Retired, Session, Track, TrackStatus
from pitcall.domain.race import CarStatus, gap_s, must_change_compound
from pitcall.domain.reducer import reduce_all, until_lap
from pitcall.domain.tyres import DRY
from pitcall.errors import InvalidRequest
from pitcall.synth import DRIVERS, STOPPAGE_S, TEAMS, synthesise

pytestmark = pytest.mark.unit


def of(kind, events):
    return [event for event in events if isinstance(event, kind)]


def gave_up(state):
    return [car for car in state.cars.values() if car.status is CarStatus.RETIRED]


SEEDS = range(20)
SIGNS = {
    Track.YELLOW: "YELLOW FLAG",
    Track.VSC: "VIRTUAL SAFETY CAR DEPLOYED",
    Track.SAFETY_CAR: "SAFETY CAR DEPLOYED",
    Track.RED: "RED FLAG",
}


@pytest.fixture(scope="module")
def races():
    """Twenty full races."""
    return {seed: synthesise(seed) for seed in SEEDS}


@pytest.fixture(scope="module")
def stopped():
    """A race that a red flag stops, and the lap of its restart."""
    for seed in range(200):
        events = synthesise(seed, laps=30)
        laps = {lap.lap for lap in of(Lap, events) if lap.track == "5"}
        if laps and 5 < min(laps) < 25:
            return events, min(laps)
    raise AssertionError("no race with a red flag: red flags have become rare, or are not told")


@given(
    seed=st.integers(0, 2**64 - 1),
    cars=st.integers(2, 30),
    laps=st.integers(5, 80),
    series=st.sampled_from(["f1", "spec"]),
)
@settings(max_examples=40)
def test_any_seed_gives_a_complete_race(seed, cars, laps, series):
    """It reduces without an error; every car has taken the flag or is out; the winner drove the distance."""
    events = synthesise(seed, cars=cars, laps=laps, series=series)
    state = reduce_all(events)
    assert (len(state.cars), state.total_laps, state.series, state.finished) == (cars, laps, series, True)
    assert {car.status for car in state.cars.values()} <= {CarStatus.FINISHED, CarStatus.RETIRED}
    assert state.laps_done == laps or len(gave_up(state)) == cars
    assert all(a.t <= b.t for a, b in pairwise(events))
    assert all(event.t == round(event.t, 3) for event in events)


def test_the_same_seed_gives_the_same_race():
    """And another seed another one."""
    assert synthesise(7) == synthesise(7)
    assert synthesise(7) != synthesise(8)


def test_a_race_is_named_by_who_asks_or_after_its_seed():
    """Both are honest that nobody drove it."""
    (session,) = of(Session, synthesise(3, cars=2, laps=5))
    assert (session.race, session.name, session.source) == ("synth-3", "Synthetic Grand Prix 3", "synth")
    (session,) = of(Session, synthesise(3, cars=2, laps=5, race="x", name="Y"))
    assert (session.race, session.name) == ("x", "Y")


@pytest.mark.parametrize(
    "wrong", [{"cars": 1}, {"cars": 31}, {"laps": 4}, {"laps": 501}, {"seed": -1}, {"seed": 2**64}, {"series": "karts"}]
)
def test_what_cannot_be_made_is_refused(wrong):
    """One clear error that names the bounds."""
    with pytest.raises(InvalidRequest, match=r"a race takes a seed|no series 'karts'; series: f1, spec"):
        synthesise(**{"seed": 1} | wrong)


def test_codes_of_the_invented_drivers_are_unique():
    """The code is the key of the car."""
    assert len({name.split()[-1][:3].upper() for name in DRIVERS}) == len(DRIVERS) == 2 * len(TEAMS)


def test_a_grid_has_two_cars_a_team_and_known_tyres(races):
    """Twenty slots, ten teams, own numbers, slicks."""
    cars = of(Car, races[0])
    assert [car.grid for car in cars] == list(range(1, 21))
    assert set(Counter(car.team for car in cars).values()) == {2}
    assert len({car.number for car in cars}) == 20
    assert {car.compound for car in cars} <= set(DRY)
    assert len({car.compound for car in cars}) > 1
    assert all(car.tyre_age is not None for car in cars)


def test_teams_share_their_pace(races):
    """Team mates start closer to each other than two cars at random."""
    mates: list[int] = []
    others: list[int] = []
    for events in races.values():
        cars = of(Car, events)
        for a in cars:
            for b in cars:
                if a.grid < b.grid:
                    (mates if a.team == b.team else others).append(b.grid - a.grid)
    assert sum(mates) / len(mates) < 0.5 * sum(others) / len(others)


class TestPlausible:
    """Over twenty races together, what a season shows."""

    def test_there_is_life_in_it(self, races):
        """Stops, neutralisations of both kinds, retirements and lapped cars occur; none of them every time."""
        states = [reduce_all(events) for events in races.values()]
        stops = [len(car.stops) for state in states for car in state.cars.values() if car.status is CarStatus.FINISHED]
        assert 1.0 <= sum(stops) / len(stops) <= 2.5
        for status in (Track.SAFETY_CAR, Track.VSC):
            shown = [any(e.status is status for e in of(TrackStatus, events)) for events in races.values()]
            assert 0.1 < sum(shown) / len(shown) < 0.9
        assert 0 < sum(len(gave_up(state)) for state in states) / len(states) < 5
        lapped = [
            sum(car.laps_done < 57 and car.status is CarStatus.FINISHED for car in s.cars.values()) for s in states
        ]
        assert 0 < sum(lapped) < 20 * 10

    def test_the_two_compound_rule_is_met_by_cars_on_the_lead_lap(self, races):
        """A lapped car may have meant to stop on the lap that it was spared."""
        for events in races.values():
            state = reduce_all(events)
            full = [car for car in state.cars.values() if car.laps_done == state.total_laps]
            assert not [car.car for car in full if must_change_compound(car)]

    def test_a_series_without_the_rule_is_closer(self):
        """Spec cars: the field is nearer together at half distance."""

        def spread(series):
            state = reduce_all(until_lap(synthesise(5, series=series), 10))
            return max(gap for car in state.order() if (gap := gap_s(car, state.order()[0])) is not None)

        assert spread("spec") < spread("f1")


class TestTold:
    """How the twin's laps become events."""

    def test_a_stop_is_inside_its_laps(self, races):
        """In before the line of the in-lap, out after it, on new tyres; the time in the lane is plausible."""
        for events in races.values():
            laps = {(lap.car, lap.lap): lap for lap in of(Lap, events)}
            out = {(exit_.car, exit_.lap): exit_ for exit_ in of(PitOut, events)}
            for entry in of(PitIn, events):
                in_lap, out_lap = laps[entry.car, entry.lap], laps.get((entry.car, entry.lap + 1))
                assert in_lap.pit_in
                assert in_lap.t - in_lap.lap_time_s < entry.t < in_lap.t
                if (entry.car, entry.lap + 1) not in out:
                    assert reduce_all(events).car(entry.car).laps_done == entry.lap  # it took the flag in the lane
                    continue
                leave = out[entry.car, entry.lap + 1]
                assert leave.t > in_lap.t
                assert 10 < leave.t - entry.t < 60
                if out_lap is not None:
                    assert out_lap.pit_out
                    assert (out_lap.compound, out_lap.tyre_age) == (leave.compound, 1)
                    assert leave.t < out_lap.t

    def test_lap_times_add_up(self, races):
        """From lights to flag: the sum of the laps is the time at the line."""
        for car in reduce_all(races[0]).cars.values():
            assert sum(lap.lap_time_s or 0.0 for lap in car.laps) == pytest.approx(car.time_s)

    def test_a_car_is_home_the_first_time_it_crosses_the_line_after_the_flag(self, races):
        """Nobody drives on, and nobody stops before."""
        for events in races.values():
            flag = of(Finish, events)[0].t
            for car in reduce_all(events).cars.values():
                after = [lap for lap in car.laps if lap.time_s >= flag]
                assert len(after) == (car.status is CarStatus.FINISHED)

    def test_a_neutralisation_is_shown_announced_and_on_the_laps(self, races):
        """Status and message at the same moment; the laps of that number carry the digit, whoever drove them."""
        for events in races.values():
            texts = [(message.t, message.text) for message in of(Message, events)]
            changes = of(TrackStatus, events)
            for change, following in pairwise([*changes, Finish(t=of(Finish, events)[0].t)]):
                if change.status is Track.GREEN:
                    assert (change.t, "TRACK CLEAR") in texts
                    continue
                assert (change.t, SIGNS[change.status]) in texts
                first = 1 + reduce_all(e for e in events if e.t < change.t).laps_done
                last = reduce_all(e for e in events if e.t <= following.t).laps_done
                assert not [lap for lap in of(Lap, events) if first <= lap.lap <= last and lap.track == "1"]

    def test_a_red_flag_stops_the_race_until_the_restart(self, stopped):
        """Shown, then green again after the stoppage; its lap carries the digit and the time; nobody is lapped."""
        events, lap = stopped
        red = next(e for e in of(TrackStatus, events) if e.status is Track.RED)
        restart = next(e for e in of(TrackStatus, events) if e.t > red.t)
        assert restart.status is Track.GREEN
        assert restart.t == pytest.approx(red.t + STOPPAGE_S, abs=10)
        restarted = [e for e in of(Lap, events) if e.lap == lap]
        assert {e.track for e in restarted} == {"5"}
        assert all(e.lap_time_s > STOPPAGE_S / 2 for e in restarted)
        lines = [e.t for e in restarted]
        assert max(lines) - min(lines) < 90

    def test_no_lap_takes_no_time(self, races):
        """Not even where lapped cars get a lap back."""
        assert all(lap.lap_time_s > 0.5 * 78 for events in races.values() for lap in of(Lap, events))

    def test_a_retirement_has_a_reason_and_is_announced(self, races):
        """Between two lines, never at one."""
        for events in races.values():
            texts = {(message.t, message.text) for message in of(Message, events)}
            state = reduce_all(events)
            for gone in of(Retired, events):
                car = state.car(gone.car)
                assert gone.reason
                assert (gone.t, f"CAR {car.number} ({car.car}) STOPPED") in texts
                assert gone.t > car.time_s


class TestDemo:
    def test_is_what_its_command_makes(self):
        """The bundled file is pitcall/data/README.md's command, to the last event."""
        assert RaceStore().events(DEMO) == synthesise(989, race=DEMO, name="Demo Grand Prix")

    def test_is_lively(self):
        """Stops, one safety car, one to three retirements, lapped cars, and a fight for the lead."""
        events = RaceStore().events(DEMO)
        state = reduce_all(events)
        assert sum(len(car.stops) for car in state.cars.values()) >= 20
        assert [e.status for e in of(TrackStatus, events)].count(Track.SAFETY_CAR) == 1
        assert 1 <= len(gave_up(state)) <= 3
        assert [car for car in state.cars.values() if car.status is CarStatus.FINISHED and car.laps_done < 57]
        assert len({reduce_all(until_lap(events, lap)).order()[0].car for lap in range(1, 58, 4)}) >= 2
