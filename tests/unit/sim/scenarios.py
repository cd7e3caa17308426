"""Twelve races that together use every feature of the model, small enough for the interpreted twin.

``FEATURES`` is the list of what the model can do: each entry names a scenario and takes that feature out
of it. A feature that changes nothing where it is said to be at work is not covered.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any, Final

import numpy as np

from pitcall.sim import twin, twin_state
from pitcall.sim.messages import Candidate
from pitcall.sim.model import pack
from pitcall.sim.outcome import Outcome
from pitcall.sim.race import (
    RED,
    SAFETY_CAR,
    STOP_FEATURES,
    VSC,
    YELLOW,
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

from .conftest import weights

STAY: Final = Candidate()


@dataclass(frozen=True, slots=True)
class Scenario:
    """A race, who asks, and what is compared."""

    race: Race
    car: int
    calls: tuple[Candidate, ...]


_SLICK: Final = {"cliff_sd": 0.2, "wet_best": 0.05, "wet_over_s": 30.0}
TYRES: Final = (
    Tyre(-0.6, 0.11, 0.3, 8, 0.8, 0.001, **_SLICK),
    Tyre(0.0, 0.08, 0.3, 12, 0.9, 0.001, **_SLICK),
    Tyre(0.5, 0.05, 0.3, 16, 1.1, 0.0005, **_SLICK),
    Tyre(3.0, 0.06, 0.1, 12, 0.8, 0.0, 0.1, 0.35, 12.0, 14.0),
    Tyre(6.0, 0.06, 0.1, 12, 0.8, 0.0, 0.1, 0.75, 4.0, 14.0),
)
#: Every feature of the stop policy counts.
REACTING: Final = Policy(
    stop=weights(
        bias=-9.0, life_used=9.0, beyond_life=2.0, rule_open=0.3, rule_closing=4.0, race_left=-0.5, lasts=-5.0,
        last_laps=-15.0, new_safety_car=4.0, safety_car=0.7, new_vsc=3.5, vsc=0.5, wear_s=0.3, wet_s=1.0, damage_s=3.0,
        pressed=0.4, undercut=2.0, cover=1.5, team_mate=-1.5, places=-1.0, behind_field=0.8, stops_lately=1.5,
    ),
    compound_s=4.0, young_laps=3,
)  # fmt: skip
CIRCUIT: Final = Circuit(
    total_laps=22, base_lap_s=90.0, fuel_s=0.055, noise_s=0.4, pit_loss_s=21.0, dirty_air_s=(0.4, 0.15, 0.08),
    dirty_air_gap_s=1.8, hold_gap_s=0.3, pass_intercept=-1.9, pass_per_s=1.5, track_s=0.02, noise_memory=0.4,
    mistake_hazard=0.03, mistake_s=1.2, pit_road_s=20.0, wake_wear=0.3, pass_aid=1.0, pass_bite=0.5, duel_s=0.2,
    blue_s=0.6, lapping_s=0.15,
)  # fmt: skip
STOPS: Final = Stops(
    station_s=2.3, scale_s=0.5, shape=3.0, botch_p=0.1, botch_s=5.0, stack_s=2.0, repair_s=6.0
)  # fmt: skip
CAUTIONS: Final = Cautions(
    yellow_hazard=0.03, vsc_hazard=0.03, sc_hazard=0.03, red_hazard=0.005, after_failure=(0.3, 0.2, 0.2, 0.02),
    after_accident=(0.2, 0.2, 0.4, 0.1), sc_laps=(0.0, 0.3, 0.4, 0.3), vsc_laps=(0.5, 0.3, 0.2), vsc_to_sc=0.15,
    queue_gap_s=1.2, red_gap_s=0.8, yellow_s=0.5, restart_pass=0.7,
)  # fmt: skip
RELIABILITY: Final = Reliability(
    failure_hazard=0.004, accident_hazard=0.004, first_lap=8.0, restart=4.0, wet=3.0, close=2.0, close_s=0.8, out_p=0.4,
    lost_s=9.0, damage_s=0.9, penalty_p=0.4, penalty_s=5.0,
)  # fmt: skip


def field(cars: int, *, done: int = 0, **columns: Any) -> Grid:
    """A grid of ever slower cars, two to a team, on soft and medium tyres in turn."""
    gap = 2.0 if done else 0.3
    base: dict[str, Any] = {
        "cars": tuple(f"C{i}" for i in range(cars)),
        "laps_done": (done,) * cars,
        "time_s": tuple(91.0 * done + gap * i for i in range(cars)),
        "extra_s": (0.0,) * cars,
        "racing": (True,) * cars,
        "boxing": (False,) * cars,
        "compound": tuple(i % 2 for i in range(cars)),
        "tyre_age": (min(done, 6),) * cars,
        "used": tuple(1 << (i % 2) for i in range(cars)),
        "pace_s": tuple(90.0 + 0.12 * i for i in range(cars)),
        "pace_sd_s": (0.2,) * cars,
        "wear": tuple(0.8 + 0.05 * i for i in range(cars)),
        "wear_sd": (0.25,) * cars,
        "pace_wear": (-0.6,) * cars,
        "team": tuple(i // 2 for i in range(cars)),
    }
    return Grid(**(base | columns))


DRY: Final = Race(CIRCUIT, TYRES, field(10), REACTING, STOPS, CAUTIONS, RELIABILITY, Weather(), two_compound_rules())


def _race(laps: int = 22, **changes: Any) -> Race:
    return replace(DRY, circuit=replace(CIRCUIT, total_laps=laps), **changes)


_CALM: Final = Cautions()
_WET_TYRES: Final[dict[str, Any]] = {"compound": (3,) * 10, "used": (8,) * 10}
_GT: Final[dict[str, Any]] = {
    "klass": (0, 0, 0, 0, 1, 1, 1, 2, 2, 2),
    "pace_s": (90.0, 90.1, 90.2, 90.3, 96.0, 96.1, 96.3, 101.0, 101.2, 101.4),
    "fuel_laps": (7.0, 6.5, 6.0, 7.0, 5.0, 6.0, 7.0, 6.0, 4.0, 3.0),
    "stint_s": tuple(60.0 * i for i in range(10)),
}
_MIXED: Final[
    dict[str, Any]
] = {  # cars on three laps, one in the pit lane, one on its out-lap, two out, one hurt, one to be punished
    "laps_done": (11, 11, 10, 10, 10, 10, 9, 9, 4, 7),
    "time_s": (1003.0, 1004.5, *(914.0 + 2.0 * i for i in range(4)), 905.0, 910.0, 380.0, 650.0),
    "racing": (True,) * 8 + (False,) * 2,
    "boxing": (False, False, True, False, False, False, False, True, False, False),
    "extra_s": (0.0, 0.0, 0.0, 0.0, 17.0, 0.0, 4.0, 0.0, 0.0, 0.0),
    "stops": (0, 1, 0, 1, 2, 0, 1, 0, 1, 0),
    "sets": ((1, 1, 0, 1, 1),) * 4 + ((0, 2, 1, 1, 1),) * 3 + ((0, 0, 0, 0, 0), (7, 7, 7, 7, 7), (0, 0, 0, 0, 0)),
    "damage_s": (0.0, 0.0, 0.0, 1.5, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0),
    "penalty_s": (0.0, 5.0, 0.0, 0.0, 0.0, 10.0, 0.0, 0.0, 0.0, 0.0),
    "reliability": (0.5, 3.0, *(1.0,) * 8),
}

SCENARIOS: Final[dict[str, Scenario]] = {
    "from the grid": Scenario(DRY, 3, (STAY, Candidate(1, 2), Candidate(8, 2), Candidate(15, 1))),
    "safety cars": Scenario(
        _race(grid=field(10, pace_s=(*(90.0 + 0.1 * i for i in range(8)), 98.0, 104.0)),
              cautions=replace(CAUTIONS, sc_hazard=0.12, yellow_hazard=0.0, after_failure=(0.0, 0.1, 0.6, 0.3)),
              reliability=replace(RELIABILITY, failure_hazard=0.012, out_p=1.0)),
        5, (STAY, Candidate(12, 2), Candidate(20, 0)),
    ),
    "red flags": Scenario(
        _race(16, cautions=replace(CAUTIONS, red_hazard=0.08), grid=field(10, done=3, damage_s=(1.0, *(0.0,) * 9))),
        0, (STAY, Candidate(5, 2), Candidate(12, 1)),
    ),
    "accidents": Scenario(
        _race(16, cautions=_CALM, reliability=replace(RELIABILITY, failure_hazard=0.01, accident_hazard=0.03),
              stops=replace(STOPS, botch_p=0.3)),
        2, (STAY, Candidate(4, 2), Candidate(9, 2)),
    ),
    "showers": Scenario(
        _race(grid=field(10, **_WET_TYRES), weather=Weather(0.3, True, 0.1, 0.15, 0.1, 0.08),
              reliability=replace(RELIABILITY, wet=8.0)),
        4, (STAY, Candidate(6, 1), Candidate(10, 4)),
    ),
    "rain to come": Scenario(
        _race(cautions=_CALM, weather=Weather(rain_lap=9, wetting=0.3, drying=0.03)),
        1, (STAY, Candidate(7, 1), Candidate(11, 2), Candidate(12, 3)),
    ),
    "endurance": Scenario(
        replace(_race(24, grid=field(10, **_GT), cautions=replace(CAUTIONS, sc_hazard=0.0)),
                circuit=replace(CIRCUIT, total_laps=24, time_limit_s=1700.0),
                stops=replace(STOPS, tank_laps=8.0, fuel_per_s=0.4, stint_s=950.0, driver_s=15.0),
                rules=Rules(min_stops=1)),
        5, (STAY, Candidate(2, 1), Candidate(6, 1)),
    ),
    "fuel, then tyres": Scenario(
        _race(18, stops=replace(STOPS, tank_laps=9.0, fuel_per_s=1.5, fuel_then_tyres=True),
              grid=field(8, fuel_laps=(4.0, 9.0, 8.0, 7.0, 6.0, 5.0, 8.5, 3.0)), cautions=_CALM,
              policy=replace(REACTING, compound_s=0.0)),
        6, (STAY, Candidate(3, 1), Candidate(7, 0)),
    ),
    "mid-race": Scenario(
        _race(stops_lately=1.5, grid=field(10, done=10, **_MIXED), regime=YELLOW),
        4, (STAY, Candidate(11, 2), Candidate(14, 0)),
    ),
    "safety car out": Scenario(
        _race(16, grid=field(9, done=5, time_s=(455.0, 456.5, 458.0, 466.0, 470.0, 490.0, 515.0, 552.0, 560.0)),
              regime=SAFETY_CAR, regime_laps=1, cautions=replace(CAUTIONS, unlap=False)),
        4, (STAY, Candidate(6, 2), Candidate(7, 2), Candidate(9, 0)),
    ),
    "virtual safety car out": Scenario(
        _race(16, grid=field(9, done=5), regime=VSC, rules=Rules(legal=0b00110, min_stops=2, pit_open=(7, 13))),
        0, (STAY, Candidate(7, 2), Candidate(13, 1)),
    ),
    "red flag out": Scenario(
        _race(16, grid=field(9, done=8), regime=RED), 8, (STAY, Candidate(9, 2), Candidate(13, 0))
    ),
}  # fmt: skip

_PARTS: Final = {
    field.name: part
    for part in ("circuit", "stops", "cautions", "reliability", "weather", "rules", "policy")
    for field in fields(getattr(DRY, part))
}


def having(**changes: Any) -> Callable[[Race], Race]:
    """The race with these fields of its parts changed."""

    def changed(race: Race) -> Race:
        for name, value in changes.items():
            part = _PARTS[name]
            race = replace(race, **{part: replace(getattr(race, part), **{name: value})})
        return race

    return changed


def with_grid(**columns: Any) -> Callable[[Race], Race]:
    """The race with these columns; a function gets the old one."""

    def changed(race: Race) -> Race:
        new = {name: v(getattr(race.grid, name)) if callable(v) else v for name, v in columns.items()}
        return replace(race, grid=replace(race.grid, **new))

    return changed


def with_tyres(**columns: Any) -> Callable[[Race], Race]:
    """The race on tyres with these fields changed."""
    return lambda race: replace(race, tyres=tuple(replace(tyre, **columns) for tyre in race.tyres))


def without(feature: str) -> Callable[[Race], Race]:
    """The race whose policy ignores this feature."""
    at = STOP_FEATURES.index(feature)

    def changed(race: Race) -> Race:
        assert race.policy.stop[at]
        return having(stop=tuple(0.0 if i == at else w for i, w in enumerate(race.policy.stop)))(race)

    return changed


def _nothing(column: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(type(value)() for value in column)


#: What the model can do -> (scenario in which it is at work, the race without it).
FEATURES: Final[dict[str, tuple[str, Callable[[Race], Race]]]] = {
    "lap-time noise": ("from the grid", having(noise_s=0.0)),
    "noise that lasts": ("from the grid", having(noise_memory=0.0)),
    "mistakes": ("from the grid", having(mistake_hazard=0.0)),
    "pace drawn per path": ("from the grid", with_grid(pace_sd_s=_nothing)),
    "wear drawn per path": ("from the grid", with_grid(wear_sd=_nothing)),
    "pace and wear correlated": ("from the grid", with_grid(pace_wear=())),
    "cliff drawn per path": ("from the grid", with_tyres(cliff_sd=0.0)),
    "cliff": ("from the grid", with_tyres(cliff_s=0.0)),
    "wear": ("from the grid", with_tyres(wear_s=0.0)),
    "quadratic wear": ("from the grid", with_tyres(wear2_s=0.0)),
    "cold tyres": ("from the grid", with_tyres(cold_s=0.0)),
    "compound offsets": ("from the grid", with_tyres(offset_s=0.0)),
    "compound choice by chance": ("from the grid", having(compound_s=0.0)),
    "tyre sets left": ("mid-race", with_grid(sets=())),
    "compounds allowed": ("virtual safety car out", having(legal=31)),
    "two-compound rule": ("from the grid", having(finish=(True,) * 32)),
    "least number of stops": ("virtual safety car out", having(min_stops=0)),
    "pit lane closed": ("virtual safety car out", having(pit_open=(1, 500))),
    "ageing in dirty air": ("from the grid", having(wake_wear=0.0)),
    "fuel": ("fuel, then tyres", having(fuel_s=0.0)),
    "track evolution": ("rain to come", having(track_s=0.0)),
    "refuelling beside the tyres": ("endurance", having(fuel_per_s=100.0)),
    "refuelling before the tyres": ("fuel, then tyres", having(fuel_then_tyres=False)),
    "size of the tank": ("endurance", having(tank_laps=0.0)),
    "longest stint": ("endurance", having(stint_s=0.0)),
    "driver change": ("endurance", having(driver_s=0.0)),
    "time at the wheel so far": ("endurance", with_grid(stint_s=())),
    "time limit": ("endurance", having(time_limit_s=0.0)),
    "classes": ("endurance", with_grid(klass=())),
    "being lapped": ("endurance", having(blue_s=0.0)),
    "lapping": ("endurance", having(lapping_s=0.0)),
    "showers begin": ("showers", having(rain_hazard=0.0)),
    "showers end": ("showers", having(stop_hazard=0.0)),
    "track gets wet": ("showers", having(wetting=0.0)),
    "track dries": ("showers", having(drying=0.0)),
    "it rains": ("showers", having(raining=False)),
    "wetness": ("showers", having(wetness=0.0)),
    "rain on a known lap": ("rain to come", having(rain_lap=0)),
    "wrong tyres in the dry": ("showers", with_tyres(wet_over_s=0.0)),
    "wrong tyres in the wet": ("showers", with_tyres(wet_under_s=0.0)),
    "crossover of the asking car": ("rain to come", having(crossover_s=1e6)),
    "accidents in the wet": ("showers", having(wet=0.0)),
    "yellow flags": ("from the grid", having(yellow_hazard=0.0)),
    "time lost under yellow": ("endurance", having(yellow_s=0.0)),
    "virtual safety cars": ("from the grid", having(vsc_hazard=0.0)),
    "safety cars": ("safety cars", having(sc_hazard=0.0)),
    "red flags": ("red flags", having(red_hazard=0.0)),
    "VSC becomes safety car": ("safety cars", having(vsc_to_sc=0.0)),
    "length of a safety car": ("safety cars", having(sc_laps=(1.0,))),
    "length of a VSC": ("from the grid", having(vsc_laps=(1.0,))),
    "safety-car speed": ("safety cars", having(sc_pace=1.7)),
    "closing up to the queue": ("safety car out", having(catch_pace=1.55)),
    "VSC speed": ("virtual safety car out", having(vsc_pace=1.5)),
    "gaps in the queue": ("safety cars", having(queue_gap_s=0.2)),
    "gaps at the restart": ("red flags", having(red_gap_s=5.0)),
    "unlapping": ("mid-race", having(unlap=False)),
    "passing at the restart": ("safety cars", having(restart_pass=0.0)),
    "failures": ("accidents", having(failure_hazard=0.0)),
    "reliability of a car": ("mid-race", with_grid(reliability=())),
    "accidents": ("accidents", having(accident_hazard=0.0)),
    "first-lap accidents": ("from the grid", having(first_lap=0.0)),
    "restart accidents": ("safety cars", having(restart=0.0)),
    "accidents in company": ("accidents", having(close=0.0)),
    "cautions after failures": ("from the grid", having(after_failure=(0.0,) * 4)),
    "cautions after accidents": ("from the grid", having(after_accident=(0.0,) * 4)),
    "accidents that end a race": ("accidents", having(out_p=0.0)),
    "time lost in an accident": ("accidents", having(lost_s=0.0)),
    "damage": ("accidents", having(damage_s=0.0)),
    "damage from before": ("mid-race", with_grid(damage_s=())),
    "repair": ("accidents", having(repair_s=0.0)),
    "penalties": ("accidents", having(penalty_p=0.0)),
    "penalties from before": ("mid-race", with_grid(penalty_s=())),
    "pit loss": ("from the grid", having(pit_loss_s=16.0)),
    "pit loss by the field's speed": ("safety cars", having(pit_road_s=0.0)),
    "crew's time by chance": ("from the grid", having(scale_s=0.0)),
    "crew's heavy tail": ("from the grid", having(shape=30.0)),
    "botched stops": ("accidents", having(botch_p=0.0)),
    "double stack": ("from the grid", having(stack_s=0.0)),
    "team-mates": ("from the grid", with_grid(team=())),
    "dirty air of the car ahead": ("from the grid", having(dirty_air_s=(0.0, 0.15, 0.08))),
    "dirty air of the second car ahead": ("from the grid", having(dirty_air_s=(0.4, 0.0, 0.08))),
    "dirty air of the third car ahead": ("from the grid", having(dirty_air_s=(0.4, 0.15, 0.0))),
    "passing by pace": ("from the grid", having(pass_per_s=0.0)),
    "overtaking aid": ("from the grid", having(pass_aid=0.0)),
    "softer tyres in a duel": ("from the grid", having(pass_bite=0.0)),
    "time lost in a duel": ("from the grid", having(duel_s=0.0)),
    "being held up": ("from the grid", having(pass_intercept=9.0)),
    "stop under way": ("mid-race", with_grid(extra_s=_nothing)),
    "committed to the pit lane": ("mid-race", with_grid(boxing=_nothing)),
    "out of the race": ("mid-race", with_grid(racing=(True,) * 10)),
    "stops of late": ("mid-race", lambda race: replace(race, stops_lately=0.0)),
    "stops made so far": ("virtual safety car out", with_grid(stops=(2,) * 9)),
    "yellow flag at the question": ("mid-race", lambda race: replace(race, regime=0)),
    "safety car at the question": ("safety car out", lambda race: replace(race, regime=0)),
    "age of the safety car": ("safety car out", lambda race: replace(race, regime_laps=0)),
    "VSC at the question": ("virtual safety car out", lambda race: replace(race, regime=0)),
    "red flag at the question": ("red flag out", lambda race: replace(race, regime=0)),
    **{f"policy: {name}": ("showers" if name == "wet_s" else "accidents" if name == "damage_s" else "from the grid",
                           without(name)) for name in STOP_FEATURES},
    "young tyres stay on": ("safety cars", having(young_laps=0)),
    "last laps of the policy": ("from the grid", having(last_laps=0)),
    "race distance": ("from the grid", having(total_laps=23)),
    "reference lap": ("endurance", having(base_lap_s=89.0)),
    "reach of dirty air": ("from the grid", having(dirty_air_gap_s=0.9)),
    "smallest gap": ("from the grid", having(hold_gap_s=0.1)),
    "reach of the overtaking aid": ("from the grid", having(aid_gap_s=0.3)),
    "shortest stop": ("endurance", having(station_s=4.3)),
    "cost of a mistake": ("from the grid", having(mistake_s=0.1)),
    "cost of a botched stop": ("accidents", having(botch_s=0.5)),
    "reach of an accident": ("accidents", having(close_s=0.0)),
    "size of a penalty": ("accidents", having(penalty_s=0.5)),
    "tyre life": ("from the grid", with_tyres(life_laps=11)),
    "best wetness": ("showers", with_tyres(wet_best=0.2)),
    "laps done": ("mid-race", with_grid(laps_done=(11, 11, *(10,) * 4, 9, 8, 4, 7))),
    "gaps": ("safety car out", with_grid(time_s=tuple(455.0 + i for i in range(9)))),
    "compounds on": ("from the grid", with_grid(compound=(2,) * 10)),
    "age of the tyres": ("mid-race", with_grid(tyre_age=(1,) * 10)),
    "compounds used": ("mid-race", with_grid(used=(7,) * 10)),
    "pace": ("from the grid", with_grid(pace_s=(90.0,) * 10)),
    "wear of a car": ("from the grid", with_grid(wear=(1.0,) * 10)),
    "fuel on board": ("endurance", with_grid(fuel_laps=())),
    "reach of undercut and cover": ("from the grid", having(cover_gap_s=0.0)),
}  # fmt: skip


def play_twin(race: Race, seed: int, path: int, car: int, call: Candidate) -> tuple[Any, Any, Any, Any]:
    """Trace, place [car], rejoin [3] and gap_s [2] of one race of the interpreted twin; ``car`` -1: nobody asks."""
    cars = len(race.grid.cars)
    trace = np.zeros((race.circuit.total_laps + 1, cars, twin_state.TRACE_COLUMNS), np.float32)
    place, rejoin, gap_s = np.zeros(cars, np.uint8), np.zeros(3, np.uint8), np.zeros(2, np.float32)
    twin.play(pack(race), (car, call.lap or 0, call.compound or 0), seed, path, place, rejoin, gap_s, trace)
    return trace, place, rejoin, gap_s


def by_twin(race: Race, seed: int, paths: range, car: int, call: Candidate) -> tuple[Any, Any, Any]:
    """Places [path, car], rejoin [path, 3] and gap_s [path, 2] of the interpreted twin."""
    played = [play_twin(race, seed, path, car, call)[1:] for path in paths]
    place, rejoin, gap_s = (np.stack(part) for part in zip(*played, strict=True))
    return place, rejoin, gap_s


def by_compiled_twin(
    race: Race, seed: int, paths: range, car: int, calls: tuple[Candidate, ...]
) -> tuple[Any, Any, Any]:
    """Places [path, call, car], rejoin [path, call, 3] and gap_s [path, call, 2] of the compiled twin."""
    table = np.array([[c.lap or 0, c.compound or 0] for c in calls], np.int32)
    shape = (len(paths), len(calls))
    place = np.zeros((*shape, len(race.grid.cars)), np.uint8)
    rejoin, gap_s = np.zeros((*shape, 3), np.uint8), np.zeros((*shape, 2), np.float32)
    twin.play_compiled(pack(race), table, car, np.uint64(seed), paths.start, place, rejoin, gap_s)
    return place, rejoin, gap_s


def differences(got: Outcome, car: int, place: Any, rejoin: Any, gap_s: Any) -> list[tuple[int, ...]]:
    """(path, call) where an outcome is not, to the bit, what the twin played."""
    wrong = (got.place != place[..., car]) | (got.rejoin != rejoin).any(axis=2) | (got.gap_s != gap_s).any(axis=2)
    return [tuple(map(int, at)) for at in np.argwhere(wrong)]
