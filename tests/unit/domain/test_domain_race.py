"""What follows from a state: order, gaps, wet or dry, the two-compound rule."""

import pytest

from pitcall.domain.events import Car, Lap, PitIn, PitOut, Retired
from pitcall.domain.race import CarState, CarStatus, gap_s, must_change_compound
from pitcall.domain.tyres import Compound
from pitcall.errors import NotFound

pytestmark = pytest.mark.unit


def keys(state):
    return [car.car for car in state.order()]


class TestOrder:
    def test_before_the_first_lap_is_the_grid_then_the_key(self, race):
        """A car whose slot nobody knows starts behind those that have one."""
        assert keys(race(Car(t=0.0, car="ABC"), Car(t=0.0, car="AAB"))) == ["AAA", "BBB", "AAB", "ABC"]

    def test_is_laps_then_time_at_the_line(self, race, laps):
        """More laps first; on the same lap whoever crossed the line first."""
        assert keys(race(*laps("AAA", 2), *laps("BBB", 2, late_s=-1.0))) == ["BBB", "AAA"]
        assert keys(race(*laps("AAA", 3), *laps("BBB", 2, late_s=-1.0))) == ["AAA", "BBB"]


class TestGap:
    def test_is_taken_at_the_last_line_that_both_crossed(self, race, laps):
        """Not from two different laps."""
        state = race(*laps("AAA", 3), *laps("BBB", 2, late_s=4.5))
        assert gap_s(state.car("BBB"), state.order()[0]) == 4.5
        assert gap_s(state.car("AAA"), state.order()[0]) == 0.0

    def test_is_not_known_before_the_first_line(self, race, laps):
        """None, never zero."""
        state = race(*laps("AAA", 1))
        assert gap_s(state.car("BBB"), state.order()[0]) is None

    def test_is_never_negative(self, race, laps):
        """A car that was passed on the last lap was ahead at the line before it."""
        state = race(Lap(t=90.0, car="BBB", lap=1), *laps("AAA", 2, late_s=2.0))
        assert keys(state) == ["AAA", "BBB"]
        assert gap_s(state.car("BBB"), state.order()[0]) == 0.0


def test_a_car_that_is_not_there_is_named_with_those_that_are(race):
    """The message says what to type."""
    with pytest.raises(NotFound, match="no car 'VER' in race r; cars: AAA, BBB"):
        race().car("VER")


def test_the_track_is_wet_when_most_known_cars_run_on_a_tread(race):
    """Cars on unknown tyres and cars that are out have no say."""
    wet = Lap(t=90.0, car="BBB", lap=1, compound=Compound.INTERMEDIATE)
    assert not race().wet
    assert not race(wet).wet  # one of two
    assert race(wet, Retired(t=95.0, car="AAA")).wet


@pytest.mark.parametrize(
    ("used", "must"),
    [
        ((), True),
        ((Compound.SOFT,), True),
        ((Compound.SOFT, Compound.HARD), False),
        ((Compound.INTERMEDIATE,), False),
        ((Compound.SOFT, Compound.WET), False),
    ],
)
def test_two_dry_compounds_unless_it_was_wet(used, must):
    """The rule of the series: two dry specifications, waived by one set with a tread."""
    assert must_change_compound(CarState("AAA", compounds_used=frozenset(used))) is must


def test_a_car_in_the_lane_still_races(race):
    """It can lose and win places; a retired one cannot."""
    assert race(PitIn(t=80.0, car="AAA", lap=1)).car("AAA").racing
    assert not CarState("AAA", status=CarStatus.RETIRED).racing
    assert not CarState("AAA", status=CarStatus.FINISHED).racing


class TestTyreStops:
    LAPS = staticmethod(lambda *ages: [
        Lap(t=90.0 * n, car="AAA", lap=n, compound=Compound.SOFT, tyre_age=age) for n, age in enumerate(ages, start=1)
    ])  # fmt: skip

    def visit(self, race, out_s, *ages):
        """AAA comes in on lap 2 and leaves ``out_s`` later; the laps it did and will do."""
        laps = self.LAPS(*ages)
        visit = [PitIn(t=170.0, car="AAA", lap=2), PitOut(t=170.0 + out_s, car="AAA", lap=3, compound=Compound.SOFT)]
        events = sorted([*laps, *visit], key=lambda event: event.t)
        return [stop.lap for stop in race(*events).car("AAA").tyre_stops]

    def test_are_the_visits_after_which_the_tyres_are_others(self, race):
        """A new set of the same compound counts; a drive-through does not."""
        assert self.visit(race, 22.0, 1, 2, 1, 2) == [2]
        assert self.visit(race, 22.0, 1, 2, 3, 4) == []

    def test_count_a_visit_whose_end_is_not_known_yet(self, race):
        """It is a stop until the laps say otherwise."""
        assert self.visit(race, 22.0, 1, 2) == [2]

    def test_leave_out_the_wait_behind_a_red_flag(self, race):
        """Half an hour in the lane is no stop, whatever the tyres."""
        events = [*self.LAPS(1, 2), PitIn(t=181.0, car="AAA", lap=3)]
        events.append(PitOut(t=181.0 + 1_800.0, car="AAA", lap=3, compound=Compound.HARD))
        assert race(*events).car("AAA").tyre_stops == ()
