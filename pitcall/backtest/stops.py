"""Tier T2: when do the others stop? Pure.

Cases       As in ``pitcall.backtest.stop_cases``: one per car and lap; the policy's probability of a stop at its
            end, known when the lap is driven, against what the car did.
Next stop   At each moment of a backtest case: on which lap does a car that sees the flag stop next (the flag's lap
            where it does not)? Ours are the simulated races, in which everything that a stop depends on is itself
            forecast.
Baseline    ``age_only``: the share of cars that stop at each age of their tyres, smoothed over neighbouring ages.
Score       log_loss, pr_auc (average precision) over cases; next_stop_crps, laps.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from pitcall.backtest.forecaster import Shipped
from pitcall.backtest.run import Race
from pitcall.backtest.stop_cases import StopCases, joined, stop_cases
from pitcall.domain.race import CarStatus, RaceState
from pitcall.domain.reducer import reduce_all
from pitcall.season import play
from pitcall.sim.model import pack
from pitcall.sim.race import Race as Rest
from pitcall.sim.twin_state import TR_OUT, TR_PITTED, TRACE_COLUMNS

#: Simulated races of a moment.
PATHS: Final = 64
#: Age up to which the baseline tells ages apart, laps; the sd of its smoothing; the weight of the mean, in cases.
OLDEST: Final = 60
SMOOTH_LAPS: Final = 1.5
MEAN_CASES: Final = 2.5
#: Least probability that counts in a log loss.
FLOOR: Final = 1e-6
_SEED: Final = 1

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class AgeHazard:
    """Probability of a stop by the age of the tyres, [age]; ages beyond the last count as the last."""

    p: Floats

    @classmethod
    def fit(cls, cases: StopCases) -> "AgeHazard":
        """Shares of the cases at each age. Raises ValueError: no case."""
        if not len(cases):
            raise ValueError("an age hazard needs at least one case")
        age = np.minimum(cases.age, OLDEST)
        seen = np.bincount(age, minlength=OLDEST + 1).astype(np.float64)
        stops = np.bincount(age, weights=cases.stopped, minlength=OLDEST + 1)
        apart = np.arange(OLDEST + 1)[:, None] - np.arange(OLDEST + 1)
        near = np.exp(-0.5 * (apart / SMOOTH_LAPS) ** 2)
        mean = stops.sum() / seen.sum()
        return cls((near @ stops + MEAN_CASES * mean) / (near @ seen + MEAN_CASES))

    def of(self, age: npt.NDArray[np.int64]) -> Floats:
        """Probability at the end of a lap with tyres of this age, that lap included."""
        return self.p[np.minimum(age, OLDEST)]

    def next_stop(self, age: int, laps: int) -> Floats:
        """P(it stops in 1, 2, ... ``laps`` laps), and last that it does not; ``age``: laps on the tyres now."""
        hazard = self.of(age + 1 + np.arange(laps))
        stays = np.concatenate([[1.0], np.cumprod(1.0 - hazard)])
        return np.concatenate([stays[:-1] * hazard, stays[-1:]])


def policy_p(cases: StopCases, stop: Sequence[float] | Floats, more: Floats | float = 0.0) -> Floats:
    """Probability of a stop by weights; ``more`` is added to the log-odds."""
    z = cases.features.astype(np.float64) @ np.asarray(stop, np.float64) + more
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(z, -50.0, 50.0))), np.float64)


def log_loss(p: Floats, stopped: Bools) -> float:
    """Mean of -ln of the probability that was given to what came."""
    return float(-np.log(np.maximum(np.where(stopped, p, 1.0 - p), FLOOR)).mean())


def pr_auc(p: Floats, stopped: Bools) -> float:
    """Area under precision over recall, as average precision: each step of recall times the precision there."""
    order = np.argsort(-p, kind="stable")
    hits = np.cumsum(stopped[order])
    last = np.flatnonzero(np.diff(p[order], append=-1.0))  # cases of one probability are one step
    precision, recall = hits[last] / (last + 1.0), hits[last] / max(1, hits[-1])
    return float((np.diff(recall, prepend=0.0) * precision).sum())


def crps(laps: npt.NDArray[np.int64], actual: int) -> float:
    """Continuous ranked probability score of equally likely ``laps`` when ``actual`` came, laps; 0 is perfect."""
    spread = np.abs(laps[:, None] - laps).mean()
    return float(np.abs(laps - actual).mean() - spread / 2.0)


class Stops:
    """T2; ``age`` is fitted on the races that the forecaster was fitted on."""

    name = "stops"

    def __init__(self, age: AgeHazard) -> None:
        self.age = age  #: another fit may replace it between two seasons
        self._p: list[tuple[Floats, Floats, Bools]] = []
        self._crps: list[tuple[float, float]] = []

    def add(self, race: Race, shipped: Shipped) -> None:
        """The stops of a race, before the forecaster sees how it went."""
        weights: dict[int, tuple[float, ...]] = {}

        def read(state: RaceState) -> Rest:
            rest = shipped.race(state)
            weights[state.laps_done + 1] = rest.policy.stop
            return rest

        cases = stop_cases(race.events, read, Counter())
        if len(cases):
            by_case = np.array([weights[lap] for lap in cases.lap.tolist()])
            z = (cases.features.astype(np.float64) * by_case).sum(axis=1)
            p = 1.0 / (1.0 + np.exp(-np.clip(z, -50.0, 50.0)))
            self._p.append((p, self.age.of(cases.age), cases.stopped))
        end = reduce_all(race.events)
        for case in race.cases:
            self._crps += next_stops(shipped.race(case.state), end, self.age)

    def figures(self) -> dict[str, dict[str, float]]:
        """``policy`` beside ``age_only``; ``below_age_only``: by what share the policy's scores are lower."""
        ours, age, stopped = (np.concatenate(part) for part in zip(*self._p, strict=True))
        lap = np.array(self._crps, np.float64).reshape(-1, 2)
        policy = {"cases": float(len(ours)), "log_loss": log_loss(ours, stopped), "pr_auc": pr_auc(ours, stopped)}
        other = {"cases": float(len(age)), "log_loss": log_loss(age, stopped), "pr_auc": pr_auc(age, stopped)}
        policy["next_stop_crps"], other["next_stop_crps"] = lap.mean(axis=0).tolist()
        less = {name: 1.0 - policy[name] / other[name] for name in ("log_loss", "next_stop_crps")}
        return {"policy": policy, "age_only": other, "below_age_only": less}


def next_stops(rest: Rest, end: RaceState, age: AgeHazard) -> list[tuple[float, float]]:
    """(our CRPS, the age hazard's) of the lap of the next stop, for each car that sees the flag and is not in the pits.

    Args:
        rest: the race from a moment on, as it is simulated.
        end: the state at the flag.
        age: the baseline.
    """
    grid, total = rest.grid, rest.circuit.total_laps
    trace = np.zeros((PATHS, total + 1, len(grid.cars), TRACE_COLUMNS), np.float32)
    play(pack(rest), np.uint64(_SEED), 0, trace)
    found = []
    for i, car in enumerate(grid.cars):
        final = end.cars.get(car)
        if final is None or final.status is not CarStatus.FINISHED or not grid.racing[i] or grid.boxing[i]:
            continue
        done = grid.laps_done[i]
        actual = min((stop.lap for stop in final.tyre_stops if stop.lap > done), default=total)
        stops = (trace[:, :, i, TR_PITTED] == 1)[trace[:, :, i, TR_OUT].max(axis=1) == 0]
        if not len(stops):
            continue
        ours = np.where(stops.any(axis=1), stops.argmax(axis=1), total)
        shares = age.next_stop(grid.tyre_age[i], total - done - 1) if total > done + 1 else np.ones(1)
        reached = np.cumsum(shares)[:-1] - (done + 1 + np.arange(len(shares) - 1) >= actual)
        found.append((crps(ours, actual), float((reached**2).sum())))
    return found


def age_hazard(races: Sequence[StopCases]) -> AgeHazard:
    """The baseline of several races. Raises ValueError: none given, or no case in them."""
    return AgeHazard.fit(joined(races))
