"""How good were the calls? What the pit wall was told, what the car then did, and where it finished. Pure.

A call comes with P(finishing position) *if it is followed*. So only followed calls are graded: what another one would
have brought, nobody knows. A car that is out before it could follow or depart is a case of its own. Without such
calls the figures would hide retirements; but most cars that go on depart from a call sooner or later, so in full
they would count too often. Each has the weight of the share of calls of its kind (a stop, or staying out) that was
followed by cars that went on.

Positions are whole, so the smallest central band that holds at least 80 % mostly holds more. ``Band.expected`` is what
the forecasts themselves gave to their bands; calibrated forecasts hold that share, not the nominal one.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import accumulate
from typing import Final, Protocol

from pitcall.domain.race import CarState, CarStatus, PitStop, RaceState
from pitcall.domain.tyres import Compound

#: Central bands of the finishing position that are graded.
LEVELS: Final = (0.5, 0.8, 0.9)
#: Least probability that counts in the log loss, as in ``pitcall.backtest.score``.
FLOOR: Final = 1e-6

#: A model is not to be believed when over so many races all of the interval of what this band held lies so far below
#: what it promised: cars of one race share its luck, and each race that is graded gives chance another chance.
ALARM_LEVEL: Final = 0.8
ALARM_RACES: Final = 3
ALARM_SLACK: Final = 0.1

#: Two-sided 95 % of the normal distribution.
_Z: Final = 1.959964
#: Probabilities are sums of floats.
_ROUNDING: Final = 1e-9


@dataclass(frozen=True, slots=True)
class Call:
    """One final answer to "when should I pit?", as it was given.

    The same moment, model, seed and call make one claim, however often somebody asks: the first one counts.
    """

    race: str
    car: str
    lap: int  #: laps that the car had completed
    t_s: float  #: race clock: event time of the newest event
    model: str  #: name@version
    seed: int
    in_lap: int | None  #: the named call: box at the end of this lap; None: stay out to the flag
    compound: Compound | None  #: for these tyres; None: stay out
    p_position: tuple[float, ...]  #: P(finishing 1st, 2nd, ...) if the call is followed
    draws: int  #: races behind it
    goal: str = "position"  #: what it is best for
    live: bool = False  #: False: the race was over, and was played again
    asked_at: float = 0.0  #: s since 1970

    def __post_init__(self) -> None:
        if (self.in_lap is None) != (self.compound is None):
            raise ValueError("in_lap and compound: both or neither")
        if not self.p_position or abs(math.fsum(self.p_position) - 1.0) > 1e-6 or min(self.p_position) < 0:
            raise ValueError("p_position: probabilities that sum to 1")


class Outcome(StrEnum):
    """What became of a call."""

    FOLLOWED = "followed"
    NOT_FOLLOWED = "not_followed"
    OUT = "out"  #: the car's race ended before it could follow or depart
    UNKNOWN = "unknown"  #: the log does not tell which tyres the car took


@dataclass(frozen=True, slots=True)
class Score:
    """One forecast against what came. Less is better for ``rps`` and ``log_loss``."""

    rps: float
    log_loss: float
    held: tuple[bool, ...]  #: by ``LEVELS``: the position was in the band
    expected: tuple[float, ...]  #: by ``LEVELS``: what the forecast gave to the band


@dataclass(frozen=True, slots=True)
class Grade:
    """A call after the flag."""

    outcome: Outcome
    position: int | None = None  #: where the car finished, 1 = first; None: it is not in the log
    score: Score | None = None  #: of a call that was followed, or whose car was out


@dataclass(frozen=True, slots=True)
class Tally:
    """Calls of one kind to one car in one race by one model that ended alike, counted and summed."""

    model: str
    live: bool
    race: str
    car: str
    stays: bool  #: the calls were to stay out
    outcome: Outcome | None  #: None: not graded yet
    calls: int
    rps: float = 0.0  #: a sum, as what follows
    log_loss: float = 0.0
    held: tuple[int, ...] = (0,) * len(LEVELS)
    expected: tuple[float, ...] = (0.0,) * len(LEVELS)


@dataclass(frozen=True, slots=True)
class Band:
    """How often a central band held the finishing position."""

    level: float
    held: float  #: share of the scored calls, by their weight
    expected: float  #: the share that the forecasts themselves gave
    low: float  #: 95 % interval of ``held``
    high: float


@dataclass(frozen=True, slots=True)
class Skill:
    """The running figure of one model, over live races or over replays."""

    model: str
    live: bool
    calls: int
    waiting: int  #: not graded yet
    followed: int
    not_followed: int
    out: int
    unknown: int
    races: int  #: with followed calls
    cars: int  #: so many cars in those races: calls to one car in one race share one result
    bands: tuple[Band, ...]  #: by ``LEVELS``; empty while no followed call is graded
    rps: float | None
    log_loss: float | None


class Ledger(Protocol):
    """Where calls and their grades last. A call is written once and never changed; its grade may be.

    Several threads and processes may use one ledger. Every method raises:
        LedgerUnavailable: it cannot be read or written; the message says why.
        Corrupt: what is stored is not a ledger, or of a version that this one does not read.
    """

    def record(self, call: Call) -> bool:
        """Store a call, all of it or nothing. False: the same claim is there already, and stays as it is."""
        ...

    def calls(self, race: str) -> list[Call]:
        """The calls of one race, in the order in which they were made."""
        ...

    def grade(self, graded: Iterable[tuple[Call, Grade]]) -> None:
        """Store grades, all or none; an older grade of a call is replaced. A call that is not stored is left out."""
        ...

    def tallies(self, race: str | None = None) -> list[Tally]:
        """What is stored, of one race or of all."""
        ...


def over(state: RaceState) -> bool:
    """True when the flag is out, or a log without one has its last lap."""
    return state.finished or 0 < state.total_laps <= state.laps_done


def graded(call: Call, state: RaceState) -> Grade:
    """The grade of a call by the race at its end."""
    if call.car not in state.cars:
        return Grade(Outcome.UNKNOWN)
    position = 1 + [car.car for car in state.order()].index(call.car)
    outcome = _outcome(call, state.cars[call.car], math.inf if state.flag_s is None else state.flag_s)
    if position > len(call.p_position):  # the log has more cars than when the call was made
        return Grade(Outcome.UNKNOWN, position)
    scored = outcome in (Outcome.FOLLOWED, Outcome.OUT)
    return Grade(outcome, position, score(call.p_position, position) if scored else None)


def band(p: Sequence[float], level: float) -> tuple[int, int]:
    """First and last position of the central band: at most (1 - level) / 2 lies on each side of it."""
    tail = (1 - level) / 2
    cdf = list(accumulate(p))
    low = next((k for k, c in enumerate(cdf, start=1) if c > tail + _ROUNDING), len(p))
    high = next((k for k, c in enumerate(cdf, start=1) if c >= 1 - tail - _ROUNDING), len(p))
    return low, high


def score(p: Sequence[float], position: int) -> Score:
    """P(position 1..n) when ``position`` came. Raises ValueError: there is no such position."""
    if not 1 <= position <= len(p):
        raise ValueError(f"position: 1 to {len(p)}, not {position}")
    steps = [(c - (k >= position)) ** 2 for k, c in enumerate(accumulate(p), start=1)]
    bands = [band(p, level) for level in LEVELS]
    return Score(
        rps=sum(steps[:-1]) / max(1, len(p) - 1),
        log_loss=-math.log(max(p[position - 1], FLOOR)),
        held=tuple(low <= position <= high for low, high in bands),
        expected=tuple(min(1.0, math.fsum(p[low - 1 : high])) for low, high in bands),
    )


def skill(tallies: Iterable[Tally]) -> list[Skill]:
    """The figures of each model: the one with the most followed calls first, live ones before replays."""
    groups: dict[tuple[str, bool], list[Tally]] = {}
    for tally in tallies:
        groups.setdefault((tally.model, tally.live), []).append(tally)
    found = [_skill(model, group, live=live) for (model, live), group in groups.items()]
    return sorted(found, key=lambda one: (not one.live, -one.followed, one.model))


def alarm(figure: Skill) -> str:
    """Why the bands of a model are not to be believed; empty if they hold what they promise, or it is too early."""
    found = next((band for band in figure.bands if band.level == ALARM_LEVEL), None)
    if found is None or figure.races < ALARM_RACES or found.high >= found.expected - ALARM_SLACK:
        return ""
    return (
        f"its {100 * found.level:.0f} % bands held {100 * found.held:.0f} % of the time over {figure.races} races, "
        f"at most {100 * found.high:.0f} % with 95 % confidence, and promised {100 * found.expected:.0f} %"
    )


def wilson(share: float, n: float) -> tuple[float, float]:
    """95 % interval of a share that was seen in ``n`` independent trials; ``n`` need not be whole, but above 0."""
    middle = share + _Z**2 / (2 * n)
    half = _Z * math.sqrt(share * (1 - share) / n + _Z**2 / (4 * n * n))
    return max(0.0, (middle - half) / (1 + _Z**2 / n)), min(1.0, (middle + half) / (1 + _Z**2 / n))


def _skill(model: str, group: Sequence[Tally], *, live: bool) -> Skill:
    counts = {outcome: _calls(group, outcome) for outcome in (None, *Outcome)}
    followed = [tally for tally in group if tally.outcome is Outcome.FOLLOWED]
    out = [tally for tally in group if tally.outcome is Outcome.OUT]
    weighted = [(1.0, tally) for tally in followed] + [(_weight(group, tally), tally) for tally in out]
    weighted = [(weight, tally) for weight, tally in weighted if weight]
    total = math.fsum(weight * tally.calls for weight, tally in weighted)
    return Skill(
        model=model,
        live=live,
        calls=sum(counts.values()),
        waiting=counts[None],
        followed=counts[Outcome.FOLLOWED],
        not_followed=counts[Outcome.NOT_FOLLOWED],
        out=counts[Outcome.OUT],
        unknown=counts[Outcome.UNKNOWN],
        races=len({tally.race for tally in followed}),
        cars=len({(tally.race, tally.car) for tally in followed}),
        bands=_bands(weighted, total) if total else (),
        rps=math.fsum(weight * tally.rps for weight, tally in weighted) / total if total else None,
        log_loss=math.fsum(weight * tally.log_loss for weight, tally in weighted) / total if total else None,
    )


def _calls(group: Sequence[Tally], outcome: Outcome | None) -> int:
    return sum(tally.calls for tally in group if tally.outcome is outcome)


def _weight(group: Sequence[Tally], out: Tally) -> float:
    """The share of calls of the same kind that was followed by cars that went on; 0 where none went on."""
    alike = [tally for tally in group if tally.stays == out.stays]
    followed = _calls(alike, Outcome.FOLLOWED)
    return followed / max(1, followed + _calls(alike, Outcome.NOT_FOLLOWED))


def _bands(weighted: Sequence[tuple[float, Tally]], total: float) -> tuple[Band, ...]:
    # Calls to one car in one race end in one position: ten of them are nearly one trial. Kish's effective number.
    cars: dict[tuple[str, str], float] = {}
    for weight, tally in weighted:
        cars[tally.race, tally.car] = cars.get((tally.race, tally.car), 0.0) + weight * tally.calls
    trials = total**2 / math.fsum(each**2 for each in cars.values())
    bands = []
    for at, level in enumerate(LEVELS):
        held = min(1.0, math.fsum(weight * tally.held[at] for weight, tally in weighted) / total)
        expected = math.fsum(weight * tally.expected[at] for weight, tally in weighted) / total
        bands.append(Band(level, held, expected, *wilson(held, trials)))
    return tuple(bands)


def _outcome(call: Call, car: CarState, flag_s: float) -> Outcome:
    """Whether the first stop after the call, or that there was none, is what the call named."""
    later = (stop for stop in car.tyre_stops if stop.lap > call.lap and call.t_s < stop.in_s <= flag_s)
    stop = next((stop for stop in later if not _ended_there(stop, car)), None)
    if stop is None:
        if call.in_lap is None:
            return Outcome.OUT if car.status is CarStatus.RETIRED else Outcome.FOLLOWED
        return Outcome.OUT if car.laps_done < call.in_lap else Outcome.NOT_FOLLOWED
    if stop.lap != call.in_lap:
        return Outcome.NOT_FOLLOWED
    fitted = _fitted(stop, car)
    if fitted is Compound.UNKNOWN:
        return Outcome.UNKNOWN
    return Outcome.FOLLOWED if fitted is call.compound else Outcome.NOT_FOLLOWED


def _ended_there(stop: PitStop, car: CarState) -> bool:
    """The car came in and was not seen again: it retired in its garage, which is no call."""
    return stop.out_s is None and car.laps_done <= stop.lap


def _fitted(stop: PitStop, car: CarState) -> Compound:
    """The tyres on which the car left."""
    after = next((record for record in car.laps if record.lap > stop.lap), None)
    return car.compound if after is None else after.compound
