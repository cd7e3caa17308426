"""Legal calls."""

import pytest

from pitcall.domain.events import Finish, Lap, Retired
from pitcall.domain.strategy import Call, legal_calls
from pitcall.domain.tyres import DRY, RAIN, Compound
from pitcall.errors import StaleFeed

pytestmark = pytest.mark.unit


def calls(state, car="AAA"):
    return legal_calls(state, state.car(car))


def test_a_call_names_lap_and_tyre_or_neither():
    """Half a call is a mistake in the program."""
    assert Call().stays_out
    assert not Call(5, Compound.HARD).stays_out
    with pytest.raises(ValueError, match="both lap and compound, or neither"):
        Call(5)


def test_every_lap_left_but_the_last_and_every_dry_tyre(race, laps):
    """A stop at the end of the last lap gains nothing."""
    boxes = [call for call in calls(race(*laps("AAA", 4))) if not call.stays_out]
    assert {call.lap for call in boxes} == {5, 6, 7, 8, 9}
    assert {call.compound for call in boxes} == set(DRY)


def test_staying_out_is_illegal_until_two_compounds_were_used(race, laps):
    """The rule forbids it, so nobody may advise it; on the last chance it also forbids the old compound."""
    must = calls(race(*laps("AAA", 4)))
    assert Call() not in must
    assert Call(8, Compound.SOFT) in must
    assert Call(9, Compound.SOFT) not in must
    done = calls(race(*laps("AAA", 4), Lap(t=450.0, car="AAA", lap=5, compound=Compound.HARD)))
    assert Call() in done


def test_on_a_wet_track_the_tyres_have_a_tread(race):
    """And the two-compound rule is waived."""
    wet = [Lap(t=90.0, car=car, lap=1, compound=Compound.WET) for car in ("AAA", "BBB")]
    found = calls(race(*wet))
    assert Call() in found
    assert {call.compound for call in found if not call.stays_out} == set(RAIN)


def test_on_the_last_lap_there_is_only_staying_out(race, laps):
    """Also where the rule was broken: no call can mend it."""
    assert calls(race(*laps("AAA", 9))) == [Call()]


def test_no_call_is_left_to_a_car_that_is_out_or_a_race_that_is_over(race, laps):
    """The feed is stale: say so instead of advising."""
    with pytest.raises(StaleFeed, match="AAA is retired"):
        calls(race(Retired(t=1.0, car="AAA")))
    with pytest.raises(StaleFeed, match="no call left"):
        calls(race(*laps("AAA", 9), Finish(t=850.0)))
