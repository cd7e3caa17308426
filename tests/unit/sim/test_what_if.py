"""What if ...: one thing is changed, and only that."""

from dataclasses import fields, replace

import pytest

from pitcall.errors import InvalidRequest
from pitcall.sim import what_if
from pitcall.sim.race import SAFETY_CAR, VSC

from .conftest import busy_race, make_race

pytestmark = pytest.mark.unit


def changed(before, after) -> set[str]:
    """Names of the fields that differ."""
    return {f.name for f in fields(before) if getattr(before, f.name) != getattr(after, f.name)}


def test_a_safety_car_or_vsc_has_just_come_out():
    """The regime is new: policies that react to a fresh one do."""
    race = replace(make_race(), regime=VSC, regime_laps=3)
    safety_car = what_if.safety_car_now(race)
    assert (safety_car.regime, safety_car.regime_laps) == (SAFETY_CAR, 0)
    assert (what_if.vsc_now(race).regime, what_if.vsc_now(race).regime_laps) == (VSC, 0)
    assert changed(race, safety_car) == {"regime", "regime_laps"}


def test_rain_from_now_makes_it_rain():
    """From the lap that the leader is on, or one that is past; how wet it becomes is left to chance."""
    race = make_race(lap=10)
    assert what_if.current_lap(race) == 11
    now = what_if.rain_from(race, 11)
    assert changed(race, now) == {"weather"}
    assert changed(race.weather, now.weather) == {"raining"}
    assert what_if.rain_from(race, 3).weather.raining


def test_rain_that_is_still_to_come_is_named_by_its_lap():
    """Dry until then: the cars may prepare for it, the track is not wet before."""
    race = make_race(lap=10)
    later = what_if.rain_from(race, 16)
    assert changed(race, later) == {"weather"}
    assert (later.weather.rain_lap, later.weather.raining) == (16, False)


def test_rain_after_the_flag_is_refused():
    """Better no answer than one for dry weather."""
    with pytest.raises(InvalidRequest, match="lap 31"):
        what_if.rain_from(make_race(lap=10), 31)


def test_the_current_lap_is_that_of_the_leader_on_the_road():
    """Cars that are out do not count, and after the end there is no further lap."""
    race = make_race(3, lap=10, laps_done=(20, 12, 11), racing=(False, True, True))
    assert what_if.current_lap(race) == 13
    assert what_if.current_lap(make_race(lap=30)) == 30


def test_a_car_that_boxes_now_stops_at_the_end_of_its_lap(engine):
    """In the race as played: it falls behind those that stay out."""
    race = make_race()
    boxed = what_if.boxes_now(race, "C0")
    assert boxed.grid.boxing == (True, *[False] * 5)
    assert changed(race, boxed) == {"grid"}
    assert changed(race.grid, boxed.grid) == {"boxing"}
    assert engine.finish(boxed, 1, range(1)).tolist() == [[6, 1, 2, 3, 4, 5]]


@pytest.mark.parametrize("car", ["C9", "C1"])
def test_only_a_car_that_is_racing_can_box(car):
    """Unknown, or out: refused by name."""
    with pytest.raises(InvalidRequest, match=car):
        what_if.boxes_now(make_race(3, racing=(True, False, True)), car)


def test_parameters_move_alone():
    """Pit loss in seconds, wear and cautions as multiples; 1 changes nothing."""
    race = busy_race()
    dear = what_if.with_pit_loss(race, 31.0)
    assert dear.circuit.pit_loss_s == 31.0
    assert changed(race.circuit, dear.circuit) == {"pit_loss_s"}
    worn = what_if.with_wear(race, 2.0)
    assert [t.wear_s for t in worn.tyres] == [2 * t.wear_s for t in race.tyres]
    assert changed(race.tyres[0], worn.tyres[0]) <= {"wear_s", "wear2_s", "cliff_s"}
    often = what_if.with_caution_rate(race, 1.5)
    assert changed(race, often) == {"cautions"}
    assert often.cautions.sc_hazard == 1.5 * race.cautions.sc_hazard
    assert often.cautions.after_failure == tuple(1.5 * p for p in race.cautions.after_failure)
    causes = {"yellow_hazard", "vsc_hazard", "sc_hazard", "red_hazard", "after_failure", "after_accident"}
    assert changed(race.cautions, often.cautions) == causes
    assert what_if.with_wear(race, 1.0) == what_if.with_caution_rate(race, 1.0) == race


def test_a_caution_rate_stays_a_probability():
    """However much it is raised: the causes keep their shares of what is then certain."""
    race = busy_race()
    c = what_if.with_caution_rate(race, 1e6).cautions
    assert c.yellow_hazard + c.vsc_hazard + c.sc_hazard + c.red_hazard == pytest.approx(1.0)
    assert sum(c.after_accident) == pytest.approx(1.0)
    assert c.vsc_hazard / c.red_hazard == pytest.approx(race.cautions.vsc_hazard / race.cautions.red_hazard)
