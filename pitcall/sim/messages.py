"""What goes into a simulation and what comes out: plain dataclasses, no numba, no pydantic.

They travel as JSON between model server and sim worker and are the kernel's documentation.
Every per-car tuple has the same length and order. Units: seconds, laps. Each constructor
checks itself and raises ValueError with the field's name, so a bad request stops at the border.
"""

import math
from dataclasses import dataclass, fields
from typing import Final

#: Bounds of one request. A full Formula 1 race is 20-26 cars and at most 78 laps.
MAX_CARS: Final = 64
MAX_RACE_LAPS: Final = 500
MAX_PATHS: Final = 65_536
MAX_CALLS: Final = 2_048
MAX_SEED: Final = 2**64 - 1

#: Fields of a Circuit for which 0 means "this effect does not exist".
_NOT_NEGATIVE: Final = (
    "noise_s",
    "pit_loss_s",
    "pit_tail_s",
    "pit_vsc",
    "pit_sc",
    "dirty_air_s",
    "hold_gap_s",
    "queue_gap_s",
)

GREEN: Final = 0
VSC: Final = 1
SAFETY_CAR: Final = 2


@dataclass(frozen=True, slots=True)
class Tyre:
    """Lap time that one compound costs against a fresh medium: offset + wear * age + cliff beyond its life."""

    offset_s: float
    wear_s: float  #: s per lap of age
    cliff_s: float  #: s per lap of age beyond ``life_laps``, on top
    life_laps: int  #: age at which teams plan to change it
    cold_s: float  #: extra on the first lap of a set

    def __post_init__(self) -> None:
        _finite(self)
        if not 1 <= self.life_laps <= MAX_RACE_LAPS:
            raise ValueError(f"life_laps must be 1 to {MAX_RACE_LAPS}, not {self.life_laps}")
        if self.wear_s < 0 or self.cliff_s < 0:
            raise ValueError("wear_s and cliff_s cannot be negative")


@dataclass(frozen=True, slots=True)
class Circuit:
    """What the race model needs to know of the place and the series. Defaults: ``pitcall.forecast``."""

    total_laps: int
    base_lap_s: float  #: reference green lap, for neutralised laps
    fuel_s: float  #: s gained per lap as fuel burns
    noise_s: float  #: sd of one lap time
    pit_loss_s: float  #: a green stop against driving by, without the tail
    pit_tail_s: float  #: mean of the exponential extra loss of a stop
    pit_vsc: float  #: pit loss under a VSC as a share of the green one
    pit_sc: float  #: the same under a safety car
    dirty_air_s: float  #: lost per lap right behind another car
    dirty_air_gap_s: float  #: gap beyond which nothing is lost
    hold_gap_s: float  #: smallest gap at the line
    pass_intercept: float  #: logit of passing at equal pace
    pass_per_s: float  #: logit per s of lap-time advantage
    sc_hazard: float  #: safety cars per green lap
    vsc_hazard: float  #: virtual safety cars per green lap
    sc_laps: tuple[int, int]  #: shortest and longest, uniform
    vsc_laps: tuple[int, int]
    sc_pace: float  #: leader's lap under the safety car, times base_lap_s
    catch_pace: float  #: lap of a car that closes up to the queue, times base_lap_s
    vsc_pace: float  #: lap under the VSC, times base_lap_s
    queue_gap_s: float  #: gap in the safety-car queue
    retire_hazard: float  #: per car and lap
    stop_intercept: float  #: rival stop policy: logit at zero age
    stop_per_life: float  #: logit per tyre life used
    stop_sc: float  #: logit added when a neutralisation is new
    two_compounds: bool  #: two different dry compounds must be used

    def __post_init__(self) -> None:
        _finite(self)
        if not 1 <= self.total_laps <= MAX_RACE_LAPS:
            raise ValueError(f"total_laps must be 1 to {MAX_RACE_LAPS}, not {self.total_laps}")
        for name in ("sc_hazard", "vsc_hazard", "retire_hazard"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} is a probability, not {getattr(self, name)}")
        for name in ("base_lap_s", "sc_pace", "catch_pace", "vsc_pace", "dirty_air_gap_s"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be positive")
        for name in _NOT_NEGATIVE:
            if getattr(self, name) < 0:
                raise ValueError(f"{name} cannot be negative")
        for name in ("sc_laps", "vsc_laps"):
            low, high = getattr(self, name)
            if not 1 <= low <= high <= MAX_RACE_LAPS:
                raise ValueError(f"{name} must be two whole numbers, smallest first")


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

    def __post_init__(self) -> None:
        n = len(self.cars)
        if not 1 <= n <= MAX_CARS:
            raise ValueError(f"cars: between 1 and {MAX_CARS}, not {n}")
        if len(set(self.cars)) != n:
            raise ValueError("cars: each may be named once")
        for field in fields(self):
            column = getattr(self, field.name)
            if len(column) != n:
                raise ValueError(f"{field.name}: {len(column)} values for {n} cars")
            if any(isinstance(v, float) and not math.isfinite(v) for v in column):
                raise ValueError(f"{field.name}: every value must be finite")
        if any(not 0 <= c <= 4 for c in self.compound):
            raise ValueError("compound: 0 to 4")
        if any(not 0 <= a <= MAX_RACE_LAPS for a in self.tyre_age):
            raise ValueError(f"tyre_age: 0 to {MAX_RACE_LAPS} laps")
        if any(not 0 <= lap <= MAX_RACE_LAPS for lap in self.laps_done):
            raise ValueError(f"laps_done: 0 to {MAX_RACE_LAPS}")
        if any(v <= 0 for v in self.pace_s):
            raise ValueError("pace_s must be positive")
        if any(v < 0 for v in (*self.pace_sd_s, *self.wear_sd, *self.wear, *self.extra_s)):
            raise ValueError("pace_sd_s, wear, wear_sd and extra_s cannot be negative")


@dataclass(frozen=True, slots=True)
class Race:
    """The rest of a race, ready to be played."""

    circuit: Circuit
    tyres: tuple[Tyre, ...]  #: SOFT, MEDIUM, HARD, INTERMEDIATE, WET
    grid: Grid
    regime: int = GREEN  #: GREEN, VSC or SAFETY_CAR at the moment of the question
    regime_laps: int = 0  #: laps that it has lasted
    wet: bool = False  #: rivals change to INTERMEDIATE instead of a slick

    def __post_init__(self) -> None:
        if len(self.tyres) != 5:
            raise ValueError(f"tyres: 5 compounds, not {len(self.tyres)}")
        if self.regime not in (GREEN, VSC, SAFETY_CAR):
            raise ValueError(f"regime: 0, 1 or 2, not {self.regime}")
        if not 0 <= self.regime_laps <= MAX_RACE_LAPS:
            raise ValueError("regime_laps cannot be negative")
        if any(lap > self.circuit.total_laps for lap in self.grid.laps_done):
            raise ValueError(f"laps_done: past the end of a race of {self.circuit.total_laps} laps")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A call to be tried: box at the end of ``lap`` (None: stay out) for compound ``compound`` (0-4)."""

    lap: int | None = None
    compound: int | None = None

    def __post_init__(self) -> None:
        if (self.lap is None) != (self.compound is None):
            raise ValueError("lap and compound: both or neither")
        if self.lap is not None and not 1 <= self.lap <= MAX_RACE_LAPS:
            raise ValueError(f"lap: 1 to {MAX_RACE_LAPS}, not {self.lap}")
        if self.compound is not None and not 0 <= self.compound <= 4:
            raise ValueError(f"compound: 0 to 4, not {self.compound}")


@dataclass(frozen=True, slots=True)
class Budget:
    """When the decision stops. Rounds double from ``first_paths`` until resolved or ``max_paths``."""

    first_paths: int = 64
    max_paths: int = 4_096
    indifference: float = 0.15  #: position; calls closer than this are equally good
    confidence: float = 0.95

    def __post_init__(self) -> None:
        if not 1 <= self.first_paths <= self.max_paths <= MAX_PATHS:
            raise ValueError(f"1 <= first_paths <= max_paths <= {MAX_PATHS} must hold")
        if not 0 <= self.indifference <= MAX_CARS:
            raise ValueError("indifference cannot be negative")
        if not 0.5 <= self.confidence < 1:
            raise ValueError("confidence must be in [0.5, 1)")


@dataclass(frozen=True, slots=True)
class DecideRequest:
    """Which candidate is best for one car?"""

    race: Race
    car: str
    candidates: tuple[Candidate, ...]
    seed: int
    budget: Budget = Budget()
    by_rule: bool = False  #: True: stop by rule or draws only, never by the clock

    def __post_init__(self) -> None:
        _seed(self.seed)
        if self.car not in self.race.grid.cars:
            raise ValueError(f"car: {self.car!r} is not on the grid")
        if not 1 <= len(self.candidates) <= MAX_CALLS:
            raise ValueError(f"candidates: between 1 and {MAX_CALLS}, not {len(self.candidates)}")
        if len(set(self.candidates)) != len(self.candidates):
            raise ValueError("candidates: each may be named once")
        at = self.race.grid.cars.index(self.car)
        if not self.race.grid.racing[at]:
            raise ValueError(f"car: {self.car!r} is out of the race")
        done, total = self.race.grid.laps_done[at], self.race.circuit.total_laps
        if any(c.lap is not None and not done < c.lap < total for c in self.candidates):
            raise ValueError(f"candidates: laps {done + 1} to {total - 1} only")


@dataclass(frozen=True, slots=True)
class Option:
    """What one candidate leads to."""

    lap: int | None
    compound: int | None
    mean_position: float
    p_position: tuple[float, ...]  #: P(finishing 1st, 2nd, ...)
    delta_positions: float  #: mean position minus the best option's, >= 0
    standard_error: float  #: of that paired difference
    draws: int  #: races played for this candidate
    rejoin_position: float | None = None  #: mean position at the line right after the stop


@dataclass(frozen=True, slots=True)
class Decision:
    """One state of the decision; ``final`` ends the stream. Options keep the order of the candidates."""

    options: tuple[Option, ...]
    best: int  #: index into options
    resolved: bool  #: with the confidence asked for, the best is within the indifference zone of every other
    rounds: int
    draws: int  #: races played per surviving candidate
    final: bool = False
    cut: bool = False  #: the deadline ended it
    compute_ms: float = 0.0  #: time in the simulation so far


@dataclass(frozen=True, slots=True)
class ForecastRequest:
    """Where will every car finish if each follows the rival policy?"""

    race: Race
    seed: int
    paths: int = 2_048

    def __post_init__(self) -> None:
        _seed(self.seed)
        if not 1 <= self.paths <= MAX_PATHS:
            raise ValueError(f"paths: 1 to {MAX_PATHS}, not {self.paths}")


@dataclass(frozen=True, slots=True)
class Forecast:
    """P(finishing position) of every car, in the order of the grid."""

    cars: tuple[str, ...]
    p_position: tuple[tuple[float, ...], ...]  #: [car][position]
    draws: int
    compute_ms: float = 0.0


def _seed(seed: int) -> None:
    if not 0 <= seed <= MAX_SEED:
        raise ValueError("seed: a whole number of 64 bits without sign")


def _finite(message: object) -> None:
    for field in fields(message):  # type: ignore[arg-type]  # every caller is a dataclass of this module
        value = getattr(message, field.name)
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError(f"{field.name} must be finite")
