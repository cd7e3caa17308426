"""The rest of a race as the simulator sees it: the state of every car and the parameters of the model.

Plain dataclasses, no numba, no pydantic: they travel as JSON to the sim worker and are the model's
documentation; docs/explanation/race-model.md tells what each does, docs/data.md where its value comes
from. Every per-car tuple has the same length and order. Each constructor checks itself and raises
ValueError with the field's name, so a bad request stops at the border. Units: seconds, laps; fuel is
counted in green laps that it lasts.
"""

import math
from dataclasses import dataclass, fields
from typing import Final

#: Bounds of one request. A full Formula 1 race is 20-26 cars and at most 78 laps.
MAX_CARS: Final = 64
MAX_RACE_LAPS: Final = 500
COMPOUNDS: Final = 5
#: No time of a race is as large (27 hours); log-odds of passing may be, as a way to say "never".
LARGEST: Final = 1e5

#: What is shown to the field. A higher one overrules a lower one.
GREEN: Final = 0
YELLOW: Final = 1
VSC: Final = 2
SAFETY_CAR: Final = 3
RED: Final = 4

#: Share of its weight that a stop keeps from lap to lap in ``Race.stops_lately``.
STOPS_KEPT: Final = 0.85
#: Features of the rival stop policy, in the order of ``Policy.stop``; docs/explanation/race-model.md explains each.
STOP_FEATURES: Final = (
    "bias",
    "life_used",
    "beyond_life",
    "rule_open",
    "rule_closing",
    "race_left",
    "lasts",
    "last_laps",
    "new_safety_car",
    "safety_car",
    "new_vsc",
    "vsc",
    "wear_s",
    "wet_s",
    "damage_s",
    "pressed",
    "undercut",
    "cover",
    "team_mate",
    "places",
    "behind_field",
    "stops_lately",
)


def _finite(message: object, largest: float = LARGEST) -> None:
    for field in fields(message):  # type: ignore[arg-type]  # every caller is a dataclass of this module
        value = getattr(message, field.name)
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError(f"{field.name} must be finite")
        if isinstance(value, float) and abs(value) > largest and not field.name.startswith("pass_"):
            raise ValueError(f"{field.name} must be within {largest:.0f} of 0")


def _not_negative(message: object, *names: str) -> None:
    for name in names:
        if getattr(message, name) < 0:
            raise ValueError(f"{name} cannot be negative")


def _probability(message: object, *names: str) -> None:
    for name in names:
        if not 0 <= getattr(message, name) <= 1:
            raise ValueError(f"{name} is a probability, not {getattr(message, name)}")


@dataclass(frozen=True, slots=True)
class Tyre:
    """What one compound costs a lap against a fresh medium: offset + wear + cliff + wrong weather."""

    offset_s: float
    wear_s: float  #: per lap of age
    cliff_s: float  #: per lap of age beyond ``life_laps``, on top
    life_laps: int  #: age at which teams plan to change it, and the mean age at which the cliff begins
    cold_s: float  #: on the first lap of a set
    wear2_s: float = 0.0  #: per squared lap of age
    cliff_sd: float = 0.0  #: sd of the age at which the cliff begins, as a share of ``life_laps``
    wet_best: float = 0.0  #: wetness (0 dry, 1 flooded) at which it costs nothing extra
    wet_over_s: float = 0.0  #: per unit of wetness above
    wet_under_s: float = 0.0  #: per unit of wetness below

    def __post_init__(self) -> None:
        _finite(self)
        if not 1 <= self.life_laps <= MAX_RACE_LAPS:
            raise ValueError(f"life_laps must be 1 to {MAX_RACE_LAPS}, not {self.life_laps}")
        _not_negative(self, "wear_s", "wear2_s", "cliff_s", "cliff_sd", "wet_over_s", "wet_under_s")
        if not 0 <= self.wet_best <= 1:
            raise ValueError(f"wet_best must be 0 to 1, not {self.wet_best}")


@dataclass(frozen=True, slots=True)
class Circuit:
    """Place and distance: lap times, the pit lane, and how cars meet."""

    total_laps: int
    base_lap_s: float  #: reference green lap; neutralised laps are multiples of it
    fuel_s: float  #: cost of one lap's fuel on board, per lap
    noise_s: float  #: sd of one lap time
    pit_loss_s: float  #: a typical green stop against driving by
    dirty_air_s: tuple[float, float, float]  #: lost per lap right behind the 1st, 2nd and 3rd car ahead
    dirty_air_gap_s: float  #: gap beyond which nothing is lost
    hold_gap_s: float  #: smallest gap at the line
    pass_intercept: float  #: logit of passing at equal pace, circuit effect included
    pass_per_s: float  #: logit per s of lap-time advantage
    time_limit_s: float = 0.0  #: the leader's next line after this ends the race; 0 = none
    track_s: float = 0.0  #: gained per lap as the track rubbers in
    noise_memory: float = 0.0  #: autocorrelation of the noise from lap to lap
    mistake_hazard: float = 0.0  #: per lap
    mistake_s: float = 0.0  #: mean cost of one, exponential
    pit_road_s: float = 0.0  #: driving by the pit lane at racing speed; scales the loss with the field's speed
    wake_wear: float = 0.0  #: extra ageing per s lost in dirty air
    pass_aid: float = 0.0  #: logit added with the overtaking aid (DRS, overtake mode)
    aid_gap_s: float = 1.0  #: gap at the line below which the aid is given
    pass_bite: float = 0.0  #: logit per compound step softer than the car attacked
    duel_s: float = 0.0  #: what the passed car loses
    blue_s: float = 0.0  #: what being lapped costs once
    lapping_s: float = 0.0  #: what lapping a car costs once

    def __post_init__(self) -> None:
        _finite(self)
        if not 1 <= self.total_laps <= MAX_RACE_LAPS:
            raise ValueError(f"total_laps must be 1 to {MAX_RACE_LAPS}, not {self.total_laps}")
        if self.base_lap_s <= 0 or self.dirty_air_gap_s <= 0:
            raise ValueError("base_lap_s and dirty_air_gap_s must be positive")
        _not_negative(
            self, "noise_s", "pit_loss_s", "hold_gap_s", "time_limit_s", "mistake_s", "pit_road_s", "wake_wear",
            "duel_s", "blue_s", "lapping_s",
        )  # fmt: skip
        if len(self.dirty_air_s) != 3 or not all(abs(v) <= 1e3 for v in self.dirty_air_s):
            raise ValueError("dirty_air_s: three values within 1000 of 0")
        if not -1 < self.noise_memory < 1:
            raise ValueError("noise_memory must be between -1 and 1")
        _probability(self, "mistake_hazard")


@dataclass(frozen=True, slots=True)
class Stops:
    """Standing in the box: log-logistic with botched stops, one team's second car waits for the first."""

    station_s: float = 2.5  #: shortest stop
    scale_s: float = 0.0  #: median of what comes on top
    shape: float = 3.0  #: of the log-logistic; larger = lighter tail
    botch_p: float = 0.0
    botch_s: float = 0.0  #: mean extra of a botched stop, exponential
    stack_s: float = 0.0  #: from one car's leaving to the team-mate's being served
    repair_s: float = 0.0  #: extra for a damaged car
    tank_laps: float = 0.0  #: fuel that the tank holds; 0 = no refuelling
    fuel_per_s: float = 0.0  #: laps of fuel per s, beside the tyre change
    fuel_then_tyres: bool = False  #: one after the other instead
    stint_s: float = 0.0  #: longest time at the wheel; 0 = one driver
    driver_s: float = 0.0  #: a driver change, beside the tyre change

    def __post_init__(self) -> None:
        _finite(self)
        _not_negative(
            self,
            "station_s",
            "scale_s",
            "botch_s",
            "stack_s",
            "repair_s",
            "tank_laps",
            "fuel_per_s",
            "stint_s",
            "driver_s",
        )
        if self.shape <= 0:
            raise ValueError("shape must be positive")
        if self.tank_laps > 0 and self.fuel_per_s <= 0:
            raise ValueError("fuel_per_s must be positive where cars refuel")
        _probability(self, "botch_p")


@dataclass(frozen=True, slots=True)
class Cautions:
    """Who stops the race, how often, how long, and what it does. Hazards are per green lap without any car's help."""

    yellow_hazard: float = 0.0
    vsc_hazard: float = 0.0
    sc_hazard: float = 0.0
    red_hazard: float = 0.0
    after_failure: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)  #: P(yellow, VSC, SC, red)
    after_accident: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    sc_laps: tuple[float, ...] = (0.0, 1.0)  #: P(length 1, 2, ... laps), at most 8
    vsc_laps: tuple[float, ...] = (1.0,)
    vsc_to_sc: float = 0.0  #: per lap
    sc_pace: float = 1.6  #: leader's lap under the safety car, times base_lap_s
    catch_pace: float = 1.35  #: lap of a car that closes up to the queue
    vsc_pace: float = 1.4
    queue_gap_s: float = 1.0  #: in the safety-car queue
    red_gap_s: float = 1.0  #: at the restart after a red flag
    yellow_s: float = 0.0  #: lost on a lap with a yellow sector, where nobody passes
    unlap: bool = True  #: lapped cars get a lap back on the safety car's last lap
    restart_pass: float = 0.0  #: logit added to passing on the first green lap

    def __post_init__(self) -> None:
        _finite(self)
        _probability(self, "yellow_hazard", "vsc_hazard", "sc_hazard", "red_hazard", "vsc_to_sc")
        if self.yellow_hazard + self.vsc_hazard + self.sc_hazard + self.red_hazard > 1:
            raise ValueError("the four hazards cannot sum to more than 1")
        for name in ("after_failure", "after_accident"):
            p = getattr(self, name)
            if len(p) != 4 or not all(0 <= x <= 1 for x in p) or sum(p) > 1 + 1e-9:
                raise ValueError(f"{name}: four probabilities, at most 1 in sum")
        for name in ("sc_laps", "vsc_laps"):
            p = getattr(self, name)
            if not 1 <= len(p) <= 8 or not all(0 <= x <= 1 for x in p) or abs(sum(p) - 1) > 1e-6:
                raise ValueError(f"{name}: one to eight probabilities that sum to 1")
        if min(self.sc_pace, self.catch_pace, self.vsc_pace) < 1:
            raise ValueError("sc_pace, catch_pace and vsc_pace must be at least 1")
        _not_negative(self, "queue_gap_s", "red_gap_s", "yellow_s")


@dataclass(frozen=True, slots=True)
class Reliability:
    """How cars fail and crash. Hazards are per car and lap."""

    failure_hazard: float = 0.0
    accident_hazard: float = 0.0
    first_lap: float = 0.0  #: added to the accident factor (1) on the first lap
    restart: float = 0.0  #: on the first green lap after a safety car or red flag
    wet: float = 0.0  #: times the wetness
    close: float = 0.0  #: within ``close_s`` of the car ahead
    close_s: float = 0.7
    out_p: float = 1.0  #: an accident ends the race of the car
    lost_s: float = 0.0  #: else it loses this
    damage_s: float = 0.0  #: and this on every lap until it is repaired
    penalty_p: float = 0.0  #: and gets a penalty
    penalty_s: float = 0.0

    def __post_init__(self) -> None:
        _finite(self)
        _probability(self, "failure_hazard", "accident_hazard", "out_p", "penalty_p")
        _not_negative(self, "first_lap", "restart", "wet", "close", "close_s", "lost_s", "damage_s", "penalty_s")


@dataclass(frozen=True, slots=True)
class Weather:
    """Wetness of the track, 0 dry to 1 flooded, and how it changes."""

    wetness: float = 0.0
    raining: bool = False
    rain_hazard: float = 0.0  #: rain begins, per lap
    stop_hazard: float = 0.0  #: rain ends, per lap
    wetting: float = 0.25  #: per lap of rain, up to the shower's own strength
    drying: float = 0.06  #: per dry lap
    rain_lap: int = 0  #: rain begins on this lap for certain; 0 = no such knowledge

    def __post_init__(self) -> None:
        _finite(self)
        if not 0 <= self.wetness <= 1:
            raise ValueError(f"wetness must be 0 to 1, not {self.wetness}")
        _probability(self, "rain_hazard", "stop_hazard")
        _not_negative(self, "wetting", "drying")
        if not 0 <= self.rain_lap <= MAX_RACE_LAPS:
            raise ValueError(f"rain_lap must be 0 to {MAX_RACE_LAPS}")


@dataclass(frozen=True, slots=True)
class Policy:
    """How rivals, and the asking car after its call, decide: a discrete-time hazard and a softmax over compounds."""

    stop: tuple[float, ...]  #: logit weights, in the order of STOP_FEATURES
    compound_s: float = (
        5.0  #: softness of the compound choice: temperature of its softmax, s over the stint; 0 = the quickest
    )
    young_laps: int = 5  #: tyres younger than this are not changed because of a neutralisation
    last_laps: int = 15  #: the end of the race, over which feature ``last_laps`` rises from 0 to 1
    cover_gap_s: float = 5.0  #: a stop within this gap is answered (features undercut and cover)
    crossover_s: float = 3.0  #: wrong tyres for the wetness by this much a lap: the asking car leaves its call

    def __post_init__(self) -> None:
        _finite(self, math.inf)
        if len(self.stop) != len(STOP_FEATURES) or not all(map(math.isfinite, self.stop)):
            raise ValueError(f"stop: {len(STOP_FEATURES)} finite weights")
        if self.compound_s > LARGEST:
            raise ValueError(f"compound_s must be at most {LARGEST:.0f}")
        _not_negative(self, "compound_s", "young_laps", "last_laps", "cover_gap_s", "crossover_s")


@dataclass(frozen=True, slots=True)
class Rules:
    """What the series allows, compiled: masks over sets of compounds (bit c = compound c)."""

    legal: int = 0b11111  #: compounds that may be fitted
    finish: tuple[bool, ...] = (True,) * 32  #: [set of compounds used] may take the flag without disqualification
    min_stops: int = 0
    pit_open: tuple[int, int] = (1, MAX_RACE_LAPS)  #: first and last lap that may end in the pit lane

    def __post_init__(self) -> None:
        if not 1 <= self.legal <= 31:
            raise ValueError("legal: a set of compounds, 1 to 31")
        if len(self.finish) != 32:
            raise ValueError("finish: one entry per set of compounds, 32")
        if not 0 <= self.min_stops <= 20:
            raise ValueError("min_stops must be 0 to 20")
        if not 1 <= self.pit_open[0] <= self.pit_open[1] <= MAX_RACE_LAPS:
            raise ValueError(f"pit_open: two laps, first one first, 1 to {MAX_RACE_LAPS}")


def two_compound_rules() -> Rules:
    """Formula 1's sporting rule: two different dry compounds, unless a rain tyre was used."""
    return Rules(finish=tuple(bool(used & 0b11000) or (used & 0b111).bit_count() >= 2 for used in range(32)))


#: Whole-number columns of a Grid with their bounds, and columns that cannot be negative.
_BOUNDS: Final = (
    ("compound", 0, COMPOUNDS - 1),
    ("tyre_age", 0, MAX_RACE_LAPS),
    ("laps_done", 0, MAX_RACE_LAPS),
    ("used", 0, 31),
    ("pace_wear", -1, 1),
    ("stops", 0, 100),
    ("team", 0, MAX_CARS - 1),
    ("klass", 0, MAX_CARS - 1),
)
_NOT_NEGATIVE: Final = (
    *("pace_sd_s", "wear", "wear_sd", "extra_s", "fuel_laps", "penalty_s", "damage_s", "reliability", "stint_s"),
)


@dataclass(frozen=True, slots=True)
class Grid:
    """Every car at the moment of the question; tuples of equal length, one entry per car."""

    cars: tuple[str, ...]
    laps_done: tuple[int, ...]
    time_s: tuple[float, ...]  #: at its own last line
    extra_s: tuple[float, ...]  #: still to be lost on the current lap (a stop under way)
    racing: tuple[bool, ...]
    boxing: tuple[bool, ...]  #: is in, or committed to, the pit lane on the current lap
    compound: tuple[int, ...]  #: 0-4
    tyre_age: tuple[int, ...]
    used: tuple[int, ...]  #: bit c set: compound c was used
    pace_s: tuple[float, ...]  #: lap on a fresh medium, last-lap fuel, clear air
    pace_sd_s: tuple[float, ...]  #: what the laps so far leave open of it
    wear: tuple[float, ...]  #: this car's wear as a multiple of the compound's
    wear_sd: tuple[float, ...]
    pace_wear: tuple[float, ...] = ()  #: correlation of these two errors; () = 0 for all
    stops: tuple[int, ...] = ()  #: made so far; () = 0
    sets: tuple[tuple[int, ...], ...] = ()  #: fresh sets left per compound; () = as many as it takes
    fuel_laps: tuple[float, ...] = ()  #: on board; () = to the flag
    penalty_s: tuple[float, ...] = ()  #: to be served; () = 0
    damage_s: tuple[float, ...] = ()  #: per lap; () = 0
    team: tuple[int, ...] = ()  #: cars of one team have one number; () = no team-mates
    klass: tuple[int, ...] = ()  #: positions count within it; () = one class
    reliability: tuple[float, ...] = ()  #: factor on the failure hazard; () = 1
    stint_s: tuple[float, ...] = ()  #: at the wheel so far; () = 0

    @property
    def running(self) -> list[str]:
        """The cars that race."""
        return [car for car, racing in zip(self.cars, self.racing, strict=True) if racing]

    def __post_init__(self) -> None:
        n = len(self.cars)
        if not 1 <= n <= MAX_CARS:
            raise ValueError(f"cars: between 1 and {MAX_CARS}, not {n}")
        if len(set(self.cars)) != n:
            raise ValueError("cars: each may be named once")
        for field in fields(self):
            column = getattr(self, field.name)
            if len(column) != n and not (column == () and field.default == ()):
                raise ValueError(f"{field.name}: {len(column)} values for {n} cars")
            if any(isinstance(v, float) and not abs(v) <= LARGEST for v in column):
                raise ValueError(f"{field.name}: every value must be finite, and within {LARGEST:.0f} of 0")
        for name, least, most in _BOUNDS:
            if any(not least <= v <= most for v in getattr(self, name)):
                raise ValueError(f"{name}: {least} to {most}")
        if any(v <= 0 for v in self.pace_s):
            raise ValueError("pace_s must be positive")
        for name in _NOT_NEGATIVE:
            if any(v < 0 for v in getattr(self, name)):
                raise ValueError(f"{name} cannot be negative")
        if any(len(row) != COMPOUNDS or any(not 0 <= v <= 7 for v in row) for row in self.sets):
            raise ValueError("sets: five numbers a car, 0 to 7")


@dataclass(frozen=True, slots=True)
class Race:
    """The rest of a race, ready to be played."""

    circuit: Circuit
    tyres: tuple[Tyre, ...]  #: SOFT, MEDIUM, HARD, INTERMEDIATE, WET
    grid: Grid
    policy: Policy
    stops: Stops = Stops()
    cautions: Cautions = Cautions()
    reliability: Reliability = Reliability()
    weather: Weather = Weather()
    rules: Rules = Rules()
    regime: int = GREEN  #: at the moment of the question
    regime_laps: int = 0  #: laps that it has lasted
    stops_lately: float = 0.0  #: per car; a stop counts ``STOPS_KEPT`` times less with every lap since

    @property
    def pit_loss_s(self) -> float:
        """What a stop costs now: the field's speed decides what the pit lane costs."""
        pace = {VSC: self.cautions.vsc_pace, SAFETY_CAR: self.cautions.sc_pace}.get(self.regime, 1.0)
        standing = self.stops.station_s + self.stops.scale_s
        road = self.circuit.pit_loss_s - standing - self.circuit.pit_road_s * (pace - 1.0)
        return max(0.0, road) + standing

    def __post_init__(self) -> None:
        if len(self.tyres) != COMPOUNDS:
            raise ValueError(f"tyres: {COMPOUNDS} compounds, not {len(self.tyres)}")
        if not GREEN <= self.regime <= RED:
            raise ValueError(f"regime: {GREEN} to {RED}, not {self.regime}")
        if not 0 <= self.regime_laps <= MAX_RACE_LAPS:
            raise ValueError(f"regime_laps: 0 to {MAX_RACE_LAPS}")
        if not 0 <= self.stops_lately <= 100:
            raise ValueError("stops_lately: 0 to 100")
        if any(lap > self.circuit.total_laps for lap in self.grid.laps_done):
            raise ValueError(f"laps_done: past the end of a race of {self.circuit.total_laps} laps")
