"""The races that the kernel is measured on."""

import pytest

from pitcall.cli.bench.profiles import CARS, LAPS, PROFILES, calls
from pitcall.sim.model import NUMBERS, pack

pytestmark = pytest.mark.unit

WET = {"wetness", "rain_hazard", "rain_stop_hazard", "wet_race"}
ENDURANCE = {"tank_laps", "fuel_per_s", "stint_limit_s", "driver_s", "classes", "endurance"}
#: Zero at the start of any race, one of two ways to do a thing, or a rule that Formula 1 does not have.
UNUSED = {"now", "regime", "regime_laps", "stops_lately", "raining", "rain_lap", "two_stage_refuel", "min_stops"}


def zero(profile: str) -> set[str]:
    n = pack(PROFILES[profile]()).n
    return {name for name in NUMBERS.names or () if not n[name].any()}


@pytest.mark.parametrize(("profile", "idle"), [("f1_dry", WET | ENDURANCE), ("f1_wet", ENDURANCE), ("endurance", WET)])
def test_every_feature_of_its_kind_is_in_use(profile, idle):
    """No number that could make a race cost more is left at zero, so the figures flatter nobody."""
    assert zero(profile) == idle | UNUSED


@pytest.mark.parametrize("profile", PROFILES)
def test_all_have_the_size_that_is_printed(profile):
    """20 cars, 70 laps, from the grid."""
    race = PROFILES[profile]()
    assert len(race.grid.cars) == CARS == 20
    assert race.circuit.total_laps == LAPS == 70
    assert set(race.grid.laps_done) == {0}


def test_the_weights_of_the_stop_policy_are_all_in_use():
    """A hazard on every feature."""
    assert all(PROFILES["f1_dry"]().policy.stop)


def test_calls_differ_and_fit_the_race():
    """Any number of them, each another lap or compound."""
    assert len(set(calls(32))) == 32
    assert all(1 <= (call.lap or 0) < LAPS for call in calls(64))
