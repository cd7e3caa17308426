"""Tier T0: how well are the next laps forecast? Pure.

Origins     Every ``EVERY`` laps of the leader from lap ``FIRST`` on, the moment at which it completes the lap; known
            is what the log had told by then. Every car that is on slicks and not in the pits is forecast.
Laps        Its next 1 to ``AHEAD`` laps up to its next stop: those that were green, timed, and neither in- nor out-lap.
Forecast    The filter's normal, as ``pitcall.forecast`` reads the race, its tails made as long as those of real laps.
            What a car does in traffic that it has not met yet, and rain, are not foreseen.
Score       crps: mean over cars and laps, s; lower is better. coverage_50, coverage_90: share of the laps within the
            middle 50 and 90 % of the forecast.
Baselines   ``last``: the last usable lap of the stint again. ``stint_linear``: the straight line through the stint's
            laps (the last lap where there are fewer than three). ``ar1``: AR(1) that starts anew with each
            stint, ``level + phi * (last - level) + drift`` with the stint's median as level, phi and drift by
            laps ahead, by least absolute deviations. The spread of all three is that of their errors; errors, phi and
            drift are those of the other seasons, and where there is one season, of the other races.
"""

import math
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import attrgetter
from statistics import median
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

from pitcall.backtest.run import Race
from pitcall.calibrate.filter import explained, playable, usable
from pitcall.domain.events import Event, Lap
from pitcall.domain.race import CarState, LapRecord, RaceState
from pitcall.domain.reducer import reduce, reduce_all
from pitcall.domain.tyres import RAIN
from pitcall.forecast import Reading

EVERY: Final = 3
FIRST: Final = 5
AHEAD: Final = 10
#: A lap is so often a wild one; sds of the others and of the wild ones, as multiples of the filter's. Least CRPS over
#: 205 k laps of 2018-2022, with the hand-set tyres.
WILD: Final = 0.23
TAME_SD: Final = 0.84
WILD_SD: Final = 2.47
#: Quantiles by which the spread of a baseline's errors is known.
QUANTILES: Final = 50
#: Laps in a stint from which a line is drawn through them.
LINE_LAPS: Final = 3
_SWEEPS: Final = 20

Floats = npt.NDArray[np.float64]
Reader = Callable[[RaceState], Reading]


class LapForecast(NamedTuple):
    """One lap of one car, forecast."""

    season: int
    race: str
    ahead: int  #: laps from the origin
    actual_s: float
    mean_s: float
    sd_s: float
    last_s: float  #: last usable lap of the stint
    level_s: float  #: median of the stint's
    line_s: float  #: straight line through them


def forecasts(race: Race, read: Reader) -> list[LapForecast]:
    """All laps of one race that are forecast; ``read`` makes of a state what is simulated."""
    final = reduce_all(race.events)
    return [row for state in origins(race.events) for row in _from(state, final, race, read)]


def origins(events: Iterable[Event]) -> Iterator[RaceState]:
    """The race at every origin."""
    state, due = RaceState(), FIRST
    for event in events:
        state = reduce(state, event)
        if isinstance(event, Lap) and event.lap == due:
            due += EVERY
            yield state


def _from(state: RaceState, final: RaceState, race: Race, read: Reader) -> Iterator[LapForecast]:
    reading = read(state)
    circuit, tyres = reading.race.circuit, reading.race.tyres
    for i, car in enumerate(reading.race.grid.cars):
        stint = _stint(state.cars[car])
        if not stint:
            continue
        now, seen = state.cars[car].laps_done, [(r.lap, r.lap_time_s or 0.0) for r in stint]
        level = median(time for _, time in seen)
        for record in _next(final.cars[car], now):
            ahead = record.lap - now
            cost, x = explained(circuit, tyres[playable(record.compound)], record.lap, (record.tyre_age or 1) - 1)
            mean, sd = reading.known.lap(i, x, ahead)
            yield LapForecast(
                race.table.season, race.table.key, ahead, record.lap_time_s or 0.0, cost + mean, sd,
                seen[-1][1], level, _line(seen, record.lap),
            )  # fmt: skip


def _stint(car: CarState) -> list[LapRecord]:
    """The usable laps of the stint under way; none in the pits, on tyres with a tread, or after the car's race."""
    if not car.racing or not car.laps or car.laps[-1].pit_in or car.laps[-1].compound in RAIN:
        return []
    since = max((r.lap for r in car.laps if r.pit_in), default=0)
    return usable(car.laps[bisect_right(car.laps, since, key=attrgetter("lap")) :])


def _next(car: CarState, now: int) -> list[LapRecord]:
    """Laps to forecast of a car that has completed ``now``."""
    found = []
    for record in car.laps[bisect_right(car.laps, now, key=attrgetter("lap")) :]:
        if record.pit_in or record.pit_out or record.lap > now + AHEAD:
            break
        found.append(record)
    return usable([r for r in found if r.compound not in RAIN])


def _line(seen: Sequence[tuple[int, float]], lap: int) -> float:
    if len(seen) < LINE_LAPS:
        return seen[-1][1]
    laps, times = np.array(seen).T
    return float(np.polyfit(laps - lap, times, 1)[-1])


def summary(rows: Sequence[LapForecast]) -> dict[str, dict[str, float]]:
    """Scores of the filter and the baselines by season, and under ``all`` the mean of the seasons.

    Raises:
        ValueError: laps of fewer than two races, so that a baseline has nothing to be fitted on.
    """
    season = np.array([row.season for row in rows])
    race = np.array([row.race for row in rows])
    fold = season if len(set(season.tolist())) > 1 else race
    if len(set(fold.tolist())) < 2:
        raise ValueError("laps of at least two races")
    ahead, actual, mean, sd, last, level, line = np.array([row[2:] for row in rows], np.float64).T
    scores = {
        "crps": crps(actual - mean, sd),
        **{f"coverage_{share}": _within(actual - mean, sd, share / 100) for share in (50, 90)},
    }
    guesses = {"crps_last": (last, None), "crps_stint_linear": (line, None), "crps_ar1": (level, last - level)}
    for name, (guess, off) in guesses.items():
        scores[name] = _baseline(actual - guess, off, ahead, fold)
    figures = {
        str(year): {"laps": float((season == year).sum())}
        | {name: float(score[season == year].mean()) for name, score in scores.items()}
        for year in sorted(set(season.tolist()))
    }
    whole = {name: float(np.mean([figure[name] for figure in figures.values()])) for name in scores}
    return {"all": {"laps": float(len(rows)), **whole, "gain_on_ar1": 1 - whole["crps"] / whole["crps_ar1"]}, **figures}


def crps(error: Floats, sd: Floats) -> Floats:
    """Continuous ranked probability score of the forecast that is ``error`` off: E|X - y| - E|X - X'| / 2."""
    parts = ((1 - WILD, TAME_SD), (WILD, WILD_SD))
    near = sum(p * _mean_absolute(error, k * sd) for p, k in parts)
    own = sum(p * q * _mean_absolute(np.zeros_like(sd), np.hypot(k, m) * sd) for p, k in parts for q, m in parts)
    return np.asarray(near - own / 2, np.float64)


def _mean_absolute(mean: Floats, sd: Floats) -> Floats:
    """E|N(mean, sd)|."""
    z = mean / sd
    return np.asarray(sd * math.sqrt(2 / math.pi) * np.exp(-(z**2) / 2) + mean * (2 * _normal(z) - 1))


def _normal(z: Floats) -> Floats:
    return np.asarray(ndtr(z), np.float64)


def _within(error: Floats, sd: Floats, share: float) -> Floats:
    """1 for each lap in the middle ``share`` of its forecast."""
    z = error / sd
    below = (1 - WILD) * _normal(z / TAME_SD) + WILD * _normal(z / WILD_SD)
    return np.asarray(np.abs(below - 0.5) < share / 2, np.float64)


def _baseline(
    error: Floats, off: Floats | None, ahead: Floats, fold: npt.NDArray[np.str_] | npt.NDArray[np.int64]
) -> Floats:
    """CRPS of a guess ``error`` off, corrected by ``phi * off + drift``; by laps ahead, fitted outside the fold."""
    score = np.zeros_like(error)
    levels = (np.arange(QUANTILES) + 0.5) / QUANTILES
    for steps in np.unique(ahead):
        for part in np.unique(fold):
            at = ahead == steps
            here, there = at & (fold == part), at & (fold != part)
            if not here.any():
                continue
            rest = error
            if off is not None:
                design = np.array([off, np.ones_like(off)]).T
                rest = error - design @ _least_absolute(design[there], error[there])
            quantiles = np.quantile(rest[there], levels) if there.any() else np.zeros(QUANTILES)
            apart = rest[here][:, None] - quantiles
            score[here] = 2 * np.where(apart > 0, levels * apart, (levels - 1) * apart).mean(axis=1)
    return score


def _least_absolute(design: Floats, target: Floats) -> Floats:
    """Least absolute deviations by iteratively re-weighted least squares."""
    weight = np.ones(len(target))
    solution: Floats = np.zeros(design.shape[1])
    for _ in range(_SWEEPS):
        root = np.sqrt(weight)
        solution = np.asarray(np.linalg.lstsq(design * root[:, None], target * root, rcond=None)[0], np.float64)
        weight = 1 / np.maximum(np.abs(target - design @ solution), 0.05)
    return solution
