"""What is asked of a simulation and what it answers: plain dataclasses, no numba, no pydantic.

They travel as JSON between model server and sim worker; the race they are about is
``pitcall.sim.race``. Units: seconds, laps. Each constructor checks itself and raises ValueError with
the field's name, so a bad request stops at the border.
"""

import math
from dataclasses import dataclass, fields
from typing import Final, Literal

from pitcall.sim.race import MAX_CARS, MAX_RACE_LAPS, Race

#: Bounds of one request.
MAX_PATHS: Final = 65_536
MAX_CALLS: Final = 2_048
MAX_SEED: Final = 2**64 - 1
#: Simulated races of a forecast. On 288 states of real races 512, 2,048 and 16,384 give an RPS of 0.08184, 0.08172 and
#: 0.08168.
FORECAST_PATHS: Final = 2_048


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


Goal = Literal["position", "points", "win", "target", "cvar"]

#: Formula 1 points of a race, first place first.
F1_POINTS: Final = (25.0, 18.0, 15.0, 12.0, 10.0, 8.0, 6.0, 4.0, 2.0, 1.0)
#: Mean positions, points or probabilities that nobody would miss: calls closer than this are equally good.
ZONE: Final[dict[Goal, float]] = {"position": 0.15, "points": 0.2, "win": 0.01, "target": 0.01, "cvar": 0.15}


@dataclass(frozen=True, slots=True)
class Utility:
    """What "best" means. Unit and sense of ``Option.utility``:

    ``position``: mean finishing position, less is better.
    ``points``: expected points by ``points``, more is better.
    ``win``, ``target``: probability to finish first, or ``target``-th or better; more is better.
    ``cvar``: mean position in the worst ``tail`` share of the races, less is better: for whoever fears a bad day.
    """

    goal: Goal = "position"
    target: int = 10  #: position, for the goal ``target``
    tail: float = 0.2  #: share of the races, for the goal ``cvar``
    points: tuple[float, ...] = F1_POINTS  #: of 1st, 2nd, ...; nothing beyond

    def __post_init__(self) -> None:
        if self.goal not in ZONE:
            raise ValueError(f"goal: one of {', '.join(ZONE)}, not {self.goal!r}")
        if not 1 <= self.target <= MAX_CARS:
            raise ValueError(f"target: position 1 to {MAX_CARS}, not {self.target}")
        if not 0.01 <= self.tail <= 1:
            raise ValueError(f"tail: a share from 0.01 to 1, not {self.tail}")
        if not 1 <= len(self.points) <= MAX_CARS:
            raise ValueError(f"points: 1 to {MAX_CARS} places, not {len(self.points)}")
        if not all(0 <= p <= 1_000 for p in self.points) or list(self.points) != sorted(self.points, reverse=True):
            raise ValueError("points: 0 to 1000 for each place, never more for a worse one")

    @property
    def zone(self) -> float:
        """Default indifference zone, in the goal's unit.

        The mean of the worst share ``tail`` is as noisy as a mean of that share of the races, so its zone
        is wider: about as many races settle it as settle a mean position.
        """
        return ZONE[self.goal] / math.sqrt(self.tail) if self.goal == "cvar" else ZONE[self.goal]


@dataclass(frozen=True, slots=True)
class Budget:
    """When the decision stops. Rounds double from ``first_paths`` until resolved or ``max_paths``."""

    first_paths: int = 64
    max_paths: int = 4_096
    indifference: float | None = None  #: goal's unit; calls closer than this are equally good; None: ``Utility.zone``
    confidence: float = 0.95

    def __post_init__(self) -> None:
        if not 1 <= self.first_paths <= self.max_paths <= MAX_PATHS:
            raise ValueError(f"1 <= first_paths <= max_paths <= {MAX_PATHS} must hold")
        if self.indifference is not None and not 0 <= self.indifference <= 1_000:
            raise ValueError("indifference: 0 to 1000 in the goal's unit")
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
    utility: Utility = Utility()
    outlook: bool = True  #: False: the final decision comes without contingencies and break-evens

    @property
    def zone(self) -> float:
        """Indifference zone of this decision, in the goal's unit."""
        return self.utility.zone if self.budget.indifference is None else self.budget.indifference

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
    delta_positions: float  #: mean position minus the best option's; below 0 only if the goal is another one
    standard_error: float  #: of ``delta``: that of the paired difference
    draws: int  #: races played for this candidate
    rejoin_position: float | None = None  #: mean position at the line right after the stop
    utility: float = 0.0  #: value in the goal's unit; ``Utility`` says whether more or less is better
    delta: float = 0.0  #: what it loses against the best option, goal's unit, >= 0
    expected_points: float = 0.0
    p_win: float = 0.0
    p_target: float = 0.0
    cvar_position: float = 0.0  #: mean position in the worst ``tail`` share of the races
    rejoin_ahead: str = ""  #: car most often right ahead at the line after the stop; "": mostly nobody, or no stop
    rejoin_behind: str = ""
    rejoin_gap_ahead_s: float | None = None  #: mean gap to it in the races in which it is there
    rejoin_gap_behind_s: float | None = None
    wait_cost: float | None = None  #: loss of the same stop one lap later minus this one's; None: no such option
    wait_cost_error: float | None = None  #: its standard error, paired


@dataclass(frozen=True, slots=True)
class Contingency:
    """What to do if it happened right now."""

    event: Literal["safety_car", "vsc", "rain", "rival_boxes"]
    rival: str  #: car that boxes; "" for the other events
    lap: int | None  #: the call to make then; the plan itself if ``changes`` is False
    compound: int | None
    delta: float  #: what following the plan costs then against the best other call, goal's unit, >= 0
    standard_error: float  #: of that paired difference
    changes: bool  #: ``delta`` is more than the indifference zone, and more than 0 with the confidence asked for


@dataclass(frozen=True, slots=True)
class BreakEven:
    """Where a parameter of the model would have to be for another option to be as good as the best."""

    parameter: Literal["pit_loss_s", "wear", "caution_rate"]  #: s; the last two as multiples of today's model
    now: float
    value: float | None  #: nearest to ``now``; None: none between ``tried_low`` and ``tried_high``
    low: float | None  #: 95 % interval of ``value``; None where it leaves the range that was tried
    high: float | None
    other: int  #: index of the option that becomes as good
    tried_low: float
    tried_high: float


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
    tied: tuple[int, ...] = ()  #: options that cannot be told apart from the best, itself not included
    contingencies: tuple[Contingency, ...] = ()  #: of the final decision, if ``outlook`` and there was time
    break_evens: tuple[BreakEven, ...] = ()
    compute_ms: float = 0.0  #: time in the simulation so far; last: the sim worker stamps it into the JSON


@dataclass(frozen=True, slots=True)
class ForecastRequest:
    """Where will every car finish if each follows the rival policy?"""

    race: Race
    seed: int
    paths: int = FORECAST_PATHS

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
