"""Each event against the race so far."""

from dataclasses import replace

import pytest

from pitcall.domain.events import (
    Car,
    Finish,
    Lap,
    Message,
    PitIn,
    PitOut,
    Retired,
    Session,
    Track,
    TrackStatus,
    Weather,
)
from pitcall.domain.race import KEPT_MESSAGES, CarStatus, PitStop, RaceState
from pitcall.domain.reducer import reduce, reduce_all, until_lap
from pitcall.domain.tyres import Compound
from pitcall.errors import InvalidEvent

pytestmark = pytest.mark.unit


class TestSession:
    def test_comes_first(self):
        """Nothing can be said of a race that is not named."""
        with pytest.raises(InvalidEvent, match="begins with a session event, not lap"):
            reduce(RaceState(), Lap(t=1.0, car="AAA", lap=1))

    def test_of_another_race_is_refused(self, race):
        """Two races in one log are a mistake."""
        with pytest.raises(InvalidEvent, match="session of race other in the log of race r"):
            race(Session(t=1.0, race="other", name="Other", total_laps=5))

    def test_can_shorten_the_race(self, race):
        """The distance of a race can change while it runs."""
        assert race(Session(t=1.0, race="r", name="Test race", total_laps=8)).total_laps == 8


class TestEntry:
    def test_needs_a_key(self, race):
        """A car without a key cannot be followed."""
        with pytest.raises(InvalidEvent, match="key is empty"):
            race(Car(t=0.0, car=""))

    def test_can_be_corrected_until_the_car_has_run(self, race, laps):
        """A grid changes; a race does not."""
        again = Car(t=1.0, car="AAA", grid=20)
        assert race(again).car("AAA").grid == 20
        with pytest.raises(InvalidEvent, match="entered again after 1 laps"):
            race(*laps("AAA", 1), again)

    @pytest.mark.parametrize(
        "event",
        [
            Lap(t=1.0, car="ZZZ", lap=1),
            PitIn(t=1.0, car="ZZZ", lap=1),
            PitOut(t=1.0, car="ZZZ", lap=1),
            Retired(t=1.0, car="ZZZ"),
        ],
    )
    def test_comes_before_all_else_of_a_car(self, race, event):
        """An event of a car that nobody entered is refused by name."""
        with pytest.raises(InvalidEvent, match="unknown car 'ZZZ'"):
            race(event)


class TestLap:
    def test_moves_the_car(self, race):
        """Lap, time and tyres are those of the event."""
        car = race(Lap(t=91.2, car="AAA", lap=1, lap_time_s=91.2, compound=Compound.SOFT, tyre_age=1)).car("AAA")
        assert (car.laps_done, car.time_s, car.tyre_age, car.status) == (1, 91.2, 1, CarStatus.RUNNING)

    def test_sent_twice_counts_once(self, race, laps):
        """A feed that repeats itself changes nothing but the number of events."""
        once = race(*laps("AAA", 2))
        twice = race(*laps("AAA", 2), *laps("AAA", 2)[-1:])
        assert replace(twice, seq=once.seq) == once

    def test_sent_twice_is_no_error_when_it_was_the_last_one(self, race, laps):
        """The car is home; the repetition is still only a repetition."""
        assert race(*laps("AAA", 10), *laps("AAA", 10)[-1:]).car("AAA").laps_done == 10

    def test_out_of_order_is_refused_and_the_state_stays(self, race, laps):
        """An older lap of the same car can only be a mistake."""
        state = race(*laps("AAA", 3))
        with pytest.raises(InvalidEvent, match="lap 2 of AAA comes after its lap 3"):
            reduce(state, Lap(t=275.0, car="AAA", lap=2))
        assert state == race(*laps("AAA", 3))

    def test_cannot_end_before_the_one_before(self, race, laps):
        """Time of a car runs forward."""
        with pytest.raises(InvalidEvent, match="before its lap 2"):
            race(*laps("AAA", 2), Lap(t=180.0, car="AAA", lap=3))

    def test_can_be_lost(self, race, laps):
        """A feed with a hole goes on where it starts again."""
        assert race(*laps("AAA", 2), *laps("AAA", 5, first=5)).car("AAA").laps_done == 5

    def test_of_a_retired_car_is_refused(self, race, laps):
        """A car that is out does not come round again."""
        with pytest.raises(InvalidEvent, match="lap 2 of AAA: the car is retired"):
            race(*laps("AAA", 1), Retired(t=100.0, car="AAA"), *laps("AAA", 2, first=2))

    def test_with_unknown_tyres_leaves_what_was_known(self, race):
        """Silence of a feed about the tyres is not a change of tyres; the set is a lap older."""
        car = race(Lap(t=90.0, car="AAA", lap=1)).car("AAA")
        assert (car.compound, car.tyre_age) == (Compound.SOFT, 1)

    def test_of_a_car_whose_tyres_nobody_named_stays_unknown(self, race, laps):
        """Unknown is an answer: no compound, no age, nothing used."""
        car = race(*laps("BBB", 5)).car("BBB")
        assert (car.compound, car.tyre_age, car.compounds_used) == (Compound.UNKNOWN, None, frozenset())

    def test_remembers_which_compounds_were_used(self, race):
        """The two-compound rule counts them."""
        laps = (Lap(t=90.0 * n, car="BBB", lap=n, compound=Compound(n % 2)) for n in (1, 2, 3))
        assert race(*laps).car("BBB").compounds_used == {Compound.SOFT, Compound.MEDIUM}


class TestGreen:
    def test_is_what_the_digits_say(self, race):
        """Digits of the lap itself beat the status of the track."""
        state = race(
            TrackStatus(t=10.0, status=Track.YELLOW),
            Lap(t=90.0, car="AAA", lap=1, track="1"),
            Lap(t=180.0, car="AAA", lap=2, track="12"),
        )
        assert [lap.green for lap in state.car("AAA").laps] == [True, False]

    def test_without_digits_needs_green_from_line_to_line(self, race, laps):
        """A lap that saw the safety car for a moment is no measure of pace."""
        state = race(
            *laps("AAA", 1),
            TrackStatus(t=100.0, status=Track.SAFETY_CAR),
            TrackStatus(t=170.0, status=Track.GREEN),
            *laps("AAA", 3, first=2),
        )
        assert [lap.green for lap in state.car("AAA").laps] == [True, False, True]

    def test_began_when_the_status_changed(self, race):
        """The same status again is no news."""
        state = race(
            TrackStatus(t=10.0, status=Track.VSC),
            TrackStatus(t=20.0, status=Track.VSC),
            TrackStatus(t=30.0, status=Track.GREEN),
        )
        assert (state.track, state.track_since_s, state.green_since_s) == (Track.GREEN, 30.0, 30.0)


class TestStop:
    def test_has_an_entry_and_an_exit(self, race, laps):
        """In the lane between the two, on the new tyres after them."""
        entry = PitIn(t=175.0, car="AAA", lap=2)
        inside = race(*laps("AAA", 1), entry, *laps("AAA", 2, first=2)).car("AAA")
        assert (inside.status, inside.stops) == (CarStatus.IN_PIT, (PitStop(2, 175.0, None),))
        leave = PitOut(t=199.0, car="AAA", lap=3, compound=Compound.HARD, tyre_age=0)
        after = race(*laps("AAA", 1), entry, *laps("AAA", 2, first=2), leave).car("AAA")
        assert (after.status, after.stops) == (CarStatus.RUNNING, (PitStop(2, 175.0, 199.0),))
        assert (after.compound, after.tyre_age) == (Compound.HARD, 0)
        assert after.compounds_used == {Compound.SOFT, Compound.HARD}

    def test_sent_twice_counts_once(self, race):
        """One visit, one stop."""
        assert len(race(*[PitIn(t=80.0, car="AAA", lap=1)] * 2).car("AAA").stops) == 1

    def test_cannot_begin_before_the_one_before(self, race):
        """Time of a car runs forward."""
        with pytest.raises(InvalidEvent, match=r"pit_in of AAA at 70\.0 s comes after its stop at 80\.0 s"):
            race(PitIn(t=80.0, car="AAA", lap=1), PitIn(t=70.0, car="AAA", lap=2))

    def test_cannot_end_before_it_began(self, race):
        """No negative time in the lane."""
        with pytest.raises(InvalidEvent, match=r"before it came in at 80\.0 s"):
            race(PitIn(t=80.0, car="AAA", lap=1), PitOut(t=79.0, car="AAA", lap=2))

    def test_with_an_exit_only_is_a_start_from_the_lane(self, race):
        """New tyres, but no stop."""
        car = race(PitOut(t=5.0, car="AAA", lap=1, compound=Compound.HARD, tyre_age=0)).car("AAA")
        assert (car.compound, car.stops) == (Compound.HARD, ())

    def test_that_does_not_name_the_tyres_leaves_them_unknown(self, race):
        """The old ones are off; the state must not pretend to know the new ones."""
        car = race(PitIn(t=80.0, car="AAA", lap=1), PitOut(t=100.0, car="AAA", lap=2)).car("AAA")
        assert (car.compound, car.tyre_age) == (Compound.UNKNOWN, None)

    def test_whose_exit_was_lost_ends_with_the_next_lap(self, race, laps):
        """A car that comes round again is not in the lane."""
        car = race(PitIn(t=80.0, car="AAA", lap=1), *laps("AAA", 1)).car("AAA")
        assert car.status is CarStatus.IN_PIT
        car = race(PitIn(t=80.0, car="AAA", lap=1), *laps("AAA", 2)).car("AAA")
        assert (car.status, car.stops[0].out_s) == (CarStatus.RUNNING, None)


class TestEnd:
    def test_is_the_next_line_after_the_flag(self, race, laps):
        """A lapped car is home with fewer laps."""
        state = race(*laps("AAA", 9), *laps("BBB", 8), Finish(t=900.0), Lap(t=900.0, car="AAA", lap=10))
        assert state.finished
        assert (state.car("AAA").status, state.car("BBB").status) == (CarStatus.FINISHED, CarStatus.RUNNING)
        state = reduce(state, Lap(t=950.0, car="BBB", lap=9))
        assert state.car("BBB").status is CarStatus.FINISHED
        with pytest.raises(InvalidEvent, match="the car is finished"):
            reduce(state, Lap(t=1040.0, car="BBB", lap=10))

    def test_is_the_last_lap_also_without_a_flag(self, race, laps):
        """A feed can lose the flag."""
        assert race(*laps("AAA", 10)).car("AAA").status is CarStatus.FINISHED

    def test_keeps_the_first_flag(self, race):
        """The flag falls once."""
        assert race(Finish(t=900.0), Finish(t=910.0)).flag_s == 900.0

    def test_of_a_car_can_be_a_retirement(self, race, laps):
        """With its reason, and behind every car that still runs."""
        state = race(*laps("AAA", 3), *laps("BBB", 2), Retired(t=300.0, car="AAA", reason="gearbox"))
        assert (state.car("AAA").status, state.car("AAA").retired_reason) == (CarStatus.RETIRED, "gearbox")
        assert [car.car for car in state.order()] == ["BBB", "AAA"]

    def test_of_a_car_that_took_the_flag_is_no_retirement(self, race, laps):
        """Its race is over; nothing can take it back."""
        with pytest.raises(InvalidEvent, match="AAA has taken the flag"):
            race(*laps("AAA", 10), Retired(t=950.0, car="AAA"))


def test_weather_changes_only_what_was_sent(race):
    """A sample without the rain leaves what was known of it."""
    state = race(Weather(t=1.0, air_temp_c=20.0, rain=True), Weather(t=2.0, track_temp_c=30.0))
    assert (state.air_temp_c, state.track_temp_c, state.rain) == (20.0, 30.0, True)


def test_only_the_last_messages_are_kept(race):
    """The log has them all."""
    state = race(*(Message(t=float(n), text=str(n)) for n in range(KEPT_MESSAGES + 2)))
    assert [text for _, text in state.messages] == [str(n) for n in range(2, KEPT_MESSAGES + 2)]


def test_time_is_the_latest_seen(race):
    """An event that arrives late does not turn back the clock of the race."""
    assert race(Message(t=50.0, text="late"), Message(t=40.0, text="later")).t == 50.0


class TestUntilLap:
    @pytest.fixture
    def log(self, laps):
        """AAA leads BBB by 5 s; BBB's lap 3 was lost."""
        session = Session(t=0.0, race="r", name="R", total_laps=10)
        driven = laps("AAA", 5) + laps("BBB", 2, late_s=5.0) + laps("BBB", 5, first=4, late_s=5.0)
        return [session, Car(t=0.0, car="AAA"), Car(t=0.0, car="BBB"), *sorted(driven, key=lambda lap: lap.t)]

    def test_zero_is_the_grid(self, log):
        """All that is known before anybody crosses the line."""
        assert reduce_all(until_lap(log, 0)).laps_done == 0
        assert len(until_lap(log, 0)) == 3

    def test_ends_when_the_first_car_completes_the_lap(self, log):
        """The others are still on their way."""
        state = reduce_all(until_lap(log, 2))
        assert (state.car("AAA").laps_done, state.car("BBB").laps_done) == (2, 1)

    def test_ends_when_the_car_that_was_asked_for_completes_it(self, log):
        """Its own lap, not the leader's."""
        state = reduce_all(until_lap(log, 2, "BBB"))
        assert (state.car("AAA").laps_done, state.car("BBB").laps_done) == (2, 2)

    def test_does_not_look_ahead_when_the_feed_lost_that_lap(self, log):
        """The next lap that arrived ends it, not the end of the race."""
        assert reduce_all(until_lap(log, 3, "BBB")).car("BBB").laps_done == 4

    def test_is_the_whole_log_for_a_lap_that_nobody_completed(self, log):
        """There is nothing later to leave out."""
        assert until_lap(log, 9) == log
