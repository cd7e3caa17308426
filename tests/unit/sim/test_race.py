"""What a race may be: every bad field is refused by its name."""

import math
from dataclasses import fields, replace
from typing import Any

import pytest

from pitcall.sim.race import (
    MAX_CARS,
    MAX_RACE_LAPS,
    SAFETY_CAR,
    STOP_FEATURES,
    VSC,
    Cautions,
    Circuit,
    Grid,
    Policy,
    Race,
    Reliability,
    Rules,
    Stops,
    Tyre,
    Weather,
    two_compound_rules,
)  # fmt: skip

from .conftest import NEVER, NO_WEAR, QUIET, make_race
from .scenarios import DRY, SCENARIOS

pytestmark = pytest.mark.unit

PARTS: dict[type, Any] = {
    Tyre: NO_WEAR[0], Circuit: QUIET, Stops: Stops(), Cautions: Cautions(), Reliability: Reliability(),
    Weather: Weather(), Policy: NEVER, Rules: Rules(),
}  # fmt: skip
GOOD = make_race(2)

NOT_NEGATIVE = {
    Tyre: ("wear_s", "wear2_s", "cliff_s", "cliff_sd", "wet_over_s", "wet_under_s"),
    Circuit: ("noise_s", "pit_loss_s", "hold_gap_s", "time_limit_s", "mistake_s", "pit_road_s", "wake_wear", "duel_s",
              "blue_s", "lapping_s"),
    Stops: ("station_s", "scale_s", "botch_s", "stack_s", "repair_s", "tank_laps", "fuel_per_s", "stint_s", "driver_s"),
    Cautions: ("queue_gap_s", "red_gap_s", "yellow_s"),
    Reliability: ("first_lap", "restart", "wet", "close", "close_s", "lost_s", "damage_s", "penalty_s"),
    Weather: ("wetting", "drying"),
    Policy: ("compound_s", "young_laps", "last_laps", "cover_gap_s", "crossover_s"),
}  # fmt: skip
PROBABILITIES = {
    Circuit: ("mistake_hazard",),
    Stops: ("botch_p",),
    Cautions: ("yellow_hazard", "vsc_hazard", "sc_hazard", "red_hazard", "vsc_to_sc"),
    Reliability: ("failure_hazard", "accident_hazard", "out_p", "penalty_p"),
    Weather: ("rain_hazard", "stop_hazard"),
}
OTHERS: tuple[tuple[type, str, Any], ...] = (
    (Tyre, "life_laps", 0), (Tyre, "life_laps", MAX_RACE_LAPS + 1), (Tyre, "wet_best", -0.1), (Tyre, "wet_best", 1.1),
    (Circuit, "total_laps", 0), (Circuit, "total_laps", MAX_RACE_LAPS + 1), (Circuit, "base_lap_s", 0.0),
    (Circuit, "dirty_air_gap_s", 0.0), (Circuit, "dirty_air_s", (0.1, 0.1)),
    (Circuit, "dirty_air_s", (0.1, math.nan, 0.0)),
    (Circuit, "noise_memory", 1.0), (Circuit, "noise_memory", -1.0),
    (Stops, "shape", 0.0), (Stops, "tank_laps", 10.0),
    (Cautions, "after_failure", (0.5, 0.5, 0.5, 0.0)), (Cautions, "after_accident", (0.1, 0.1, 0.1)),
    (Cautions, "after_accident", (-0.1, 0.1, 0.1, 0.1)), (Cautions, "after_failure", (math.nan, 0.0, 0.0, 0.0)),
    (Cautions, "sc_laps", ()), (Cautions, "sc_laps", (0.5, 0.4)), (Cautions, "vsc_laps", (1.5, -0.5)),
    (Cautions, "vsc_laps", (1 / 9,) * 9), (Cautions, "sc_pace", 0.99), (Cautions, "catch_pace", 0.99),
    (Cautions, "vsc_pace", 0.99),
    (Weather, "wetness", 1.1), (Weather, "wetness", -0.1), (Weather, "rain_lap", -1),
    (Weather, "rain_lap", MAX_RACE_LAPS + 1),
    (Policy, "stop", NEVER.stop[:-1]), (Policy, "stop", (*NEVER.stop[:-1], math.inf)),
    (Rules, "legal", 0), (Rules, "legal", 32), (Rules, "finish", (True,) * 31), (Rules, "min_stops", -1),
    (Rules, "min_stops", 21), (Rules, "pit_open", (0, 5)), (Rules, "pit_open", (6, 5)),
    (Rules, "pit_open", (1, MAX_RACE_LAPS + 1)),
)  # fmt: skip
COLUMNS: tuple[tuple[str, Any], ...] = (
    ("cars", ("A", "A")), ("cars", ("A",)), ("laps_done", (1,)), ("laps_done", (-1, 1)), ("laps_done", (1, 501)),
    ("time_s", (math.nan, 1.0)), ("extra_s", (-1.0, 0.0)), ("racing", (True,) * 3), ("boxing", ()),
    ("compound", (0, 5)),
    ("compound", (-1, 0)), ("tyre_age", (0, -1)), ("tyre_age", (501, 0)), ("used", (32, 0)), ("used", (-1, 0)),
    ("pace_s", (0.0, 90.0)), ("pace_s", (math.inf, 90.0)), ("pace_sd_s", (-0.1, 0.1)), ("wear", (-1.0, 1.0)),
    ("wear_sd", (0.1, -0.1)), ("pace_wear", (1.1, 0.0)), ("pace_wear", (0.0,)), ("stops", (-1, 0)), ("stops", (101, 0)),
    ("sets", ((1, 1, 1, 1), (1, 1, 1, 1, 1))), ("sets", ((8, 1, 1, 1, 1), (1, 1, 1, 1, 1))), ("fuel_laps", (-1.0, 1.0)),
    ("penalty_s", (-5.0, 0.0)), ("damage_s", (0.0, -1.0)), ("team", (0, MAX_CARS)), ("klass", (-1, 0)),
    ("reliability", (-1.0, 1.0)), ("stint_s", (0.0, math.nan)),
)  # fmt: skip


@pytest.mark.parametrize(("kind", "name"), [(k, f.name) for k, part in PARTS.items() for f in fields(part)
                                             if isinstance(getattr(part, f.name), float)])  # fmt: skip
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_every_number_must_be_finite(kind, name, value):
    """NaN would pass every comparison and reach the kernel."""
    with pytest.raises(ValueError, match=name):
        replace(PARTS[kind], **{name: value})


@pytest.mark.parametrize(("kind", "name"), [(k, name) for k, names in NOT_NEGATIVE.items() for name in names])
def test_what_cannot_be_negative_is_refused_by_its_name(kind, name):
    """Gaps, durations and costs."""
    with pytest.raises(ValueError, match=f"^{name} cannot be negative"):
        replace(PARTS[kind], **{name: -1})


@pytest.mark.parametrize(("kind", "name"), [(k, name) for k, names in PROBABILITIES.items() for name in names])
def test_a_probability_is_between_0_and_1(kind, name):
    """Both ends are allowed."""
    for value in (0.0, 1.0):
        replace(PARTS[kind], **{name: value})
    for value in (-0.01, 1.01):
        with pytest.raises(ValueError, match=f"^{name} is a probability"):
            replace(PARTS[kind], **{name: value})


@pytest.mark.parametrize(("kind", "name", "value"), OTHERS)
def test_what_is_out_of_bounds_is_refused_by_its_name(kind, name, value):
    """The kernel indexes arrays with some of them: nothing else stands in between."""
    with pytest.raises(ValueError, match="fuel_per_s" if name == "tank_laps" else name):
        replace(PARTS[kind], **{name: value})


def test_the_causes_of_a_caution_are_exclusive():
    """Their probabilities cannot sum to more than 1."""
    with pytest.raises(ValueError, match="hazards"):
        Cautions(yellow_hazard=0.5, vsc_hazard=0.3, sc_hazard=0.2, red_hazard=0.01)


@pytest.mark.parametrize(("name", "value"), COLUMNS)
def test_a_bad_column_of_the_grid_is_refused_by_its_name(name, value):
    """One entry per car, each within its bounds."""
    with pytest.raises(ValueError, match=name):
        replace(GOOD.grid, **{name: value})


def test_a_grid_has_1_to_64_cars():
    """Random numbers have 64 addresses for cars."""
    make_race(MAX_CARS)
    for cars in (0, MAX_CARS + 1, 500):
        with pytest.raises(ValueError, match="cars"):
            make_race(cars)


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"tyres": NO_WEAR[:4]}, "tyres"),
        ({"regime": -1}, "regime"),
        ({"regime": 5}, "regime"),
        ({"regime_laps": -1}, "regime_laps"),
        ({"regime_laps": 501}, "regime_laps"),
        ({"circuit": replace(QUIET, total_laps=9)}, "laps_done"),
    ],
)
def test_a_race_whose_parts_do_not_fit_is_refused(change, where):
    """A lap past the end is not a state of the race."""
    with pytest.raises(ValueError, match=where):
        replace(GOOD, **change)


def test_every_column_of_the_grid_has_a_bad_value_above():
    """A new column comes with its test."""
    assert {name for name, _ in COLUMNS} == {f.name for f in fields(Grid)}


def test_the_scenarios_are_valid_and_frozen():
    """What is shared by tests and threads cannot change under them."""
    assert all(isinstance(s.race, Race) for s in SCENARIOS.values())
    with pytest.raises(AttributeError):
        DRY.regime = VSC  # type: ignore[misc]  # that is the test


def test_two_compounds_are_two_dry_ones_or_any_rain_tyre():
    """Article of the sporting regulations, as a set of allowed sets."""
    finish = two_compound_rules().finish
    assert [used for used in range(8) if finish[used]] == [3, 5, 6, 7]
    assert all(finish[used] for used in range(8, 32))


def test_the_pit_loss_follows_the_speed_of_the_field():
    """22 s with 20 s of pit road; standing time is never given back."""
    race = make_race(circuit=replace(QUIET, pit_road_s=20.0), stops=Stops(station_s=2.0, scale_s=0.5))
    losses = [replace(race, regime=regime).pit_loss_s for regime in (0, VSC, SAFETY_CAR)]
    assert losses == pytest.approx([22.0, 14.0, 10.0])
    slow = replace(race, circuit=replace(QUIET, pit_road_s=100.0), regime=SAFETY_CAR)
    assert slow.pit_loss_s == 2.5


def test_features_of_the_policy_have_one_name_each():
    """Weights are given by position."""
    assert len(set(STOP_FEATURES)) == len(STOP_FEATURES) == len(NEVER.stop)
