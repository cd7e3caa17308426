"""The decision loop: screen all candidates, eliminate, refine until the best call is known. Pure.

All candidates are played on the same possible races (common random numbers), so two of them are
compared by the mean of *paired* differences, whose error is several times smaller than that of
either mean. After each round a candidate is dropped when it is worse than the best one beyond its
error; the paths double for those that are left. The loop ends when the best call is known within
the indifference zone, when the draws are spent, or when the caller's time is over. What is
dropped, and when it ends, is a pure function of the results: the clock can cut an answer but
never steer it.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from pitcall.errors import Cancelled, DeadlineExceeded
from pitcall.sim.engine import Engine
from pitcall.sim.messages import DecideRequest, Decision, Forecast, ForecastRequest, Option

#: Races played between two looks at the clock and at cancellation: about 10 ms on one core.
RACES_PER_LOOK = 256

Floats = npt.NDArray[np.float64]


def _never() -> bool:
    return False


def decide(
    request: DecideRequest,
    engine: Engine,
    *,
    out_of_time: Callable[[], bool] = _never,
    cancelled: Callable[[], bool] = _never,
) -> Iterator[Decision]:
    """Refining decisions, one a round; the last one is ``final``. Blocks while it computes: run it in a thread.

    Args:
        request: what to decide; its ``budget`` bounds the draws.
        engine: plays the races.
        out_of_time: asked every few milliseconds; True ends the loop with what is known, marked ``cut``.
        cancelled: asked as often.

    Raises:
        Cancelled: ``cancelled`` said so.
        DeadlineExceeded: time was over before any race was played.
    """
    trial = _Trial(request, engine)
    paths = request.budget.first_paths
    while True:
        cut = not trial.play_until(paths, out_of_time, cancelled)
        decision = trial.decision(cut=cut)
        spent = paths >= request.budget.max_paths
        if decision.resolved or cut or spent:
            yield replace(decision, final=True)
            return
        yield decision
        trial.eliminate()
        paths = min(2 * paths, request.budget.max_paths)


def forecast(request: ForecastRequest, engine: Engine, *, cancelled: Callable[[], bool] = _never) -> Forecast:
    """P(finishing position) of every car when all of them follow the rival policy.

    Raises:
        Cancelled: ``cancelled`` said so.
    """
    n = len(request.race.grid.cars)
    counts = np.zeros((n, n))
    for start in range(0, request.paths, RACES_PER_LOOK):
        if cancelled():
            raise Cancelled("the forecast was taken back")
        stop = min(start + RACES_PER_LOOK, request.paths)
        played = engine.play(request.race, request.seed, range(start, stop), None, ())
        for car in range(n):
            counts[car] += np.bincount(played.positions[:, 0, car] - 1, minlength=n)
    table = counts / request.paths
    return Forecast(request.race.grid.cars, tuple(tuple(row) for row in table.tolist()), request.paths)


@dataclass
class _Trial:
    """All races played so far for one decision."""

    request: DecideRequest
    engine: Engine
    car: int = field(init=False)
    alive: list[int] = field(init=False)  #: candidates still compared, by index
    places: npt.NDArray[np.uint8] = field(init=False)  #: [candidate, path]: the asking car's finishing position
    rejoins: npt.NDArray[np.uint8] = field(init=False)
    played: npt.NDArray[np.int64] = field(init=False)  #: paths played per candidate
    paths: int = 0  #: paths played by the alive
    rounds: int = 0

    def __post_init__(self) -> None:
        calls = len(self.request.candidates)
        self.car = self.request.race.grid.cars.index(self.request.car)
        self.alive = list(range(calls))
        self.places = np.empty((calls, self.request.budget.first_paths), np.uint8)
        self.rejoins = np.empty_like(self.places)
        self.played = np.zeros(calls, np.int64)

    def play_until(self, paths: int, out_of_time: Callable[[], bool], cancelled: Callable[[], bool]) -> bool:
        """Play the alive up to path ``paths``. False: time was over before that."""
        if self.places.shape[1] < paths:
            grown = (len(self.places), paths - self.places.shape[1])
            self.places = np.hstack([self.places, np.empty(grown, np.uint8)])
            self.rejoins = np.hstack([self.rejoins, np.empty(grown, np.uint8)])
        self.rounds += 1
        calls = [self.request.candidates[k] for k in self.alive]
        step = max(self.engine.threads, RACES_PER_LOOK * self.engine.threads // len(calls))
        while self.paths < paths:
            if cancelled():
                raise Cancelled("the question was taken back")
            if out_of_time():
                if self.paths == 0:
                    raise DeadlineExceeded("time was over before the first race was played; ask with more time")
                return False
            block = range(self.paths, min(self.paths + step, paths))
            played = self.engine.play(self.request.race, self.request.seed, block, self.car, calls)
            self.places[self.alive, block.start : block.stop] = played.positions[:, :, self.car].T
            self.rejoins[self.alive, block.start : block.stop] = played.rejoin.T
            self.paths = block.stop
            self.played[self.alive] = block.stop
        return True

    def best(self) -> int:
        """The alive candidate with the lowest mean position, the first one of equals."""
        means = self.places[self.alive, : self.paths].mean(axis=1)
        return self.alive[int(np.argmin(means))]

    def differences(self, best: int) -> tuple[Floats, Floats]:
        """Mean and standard error of (position - the best one's) over the paths that each candidate played."""
        calls = len(self.places)
        mean, error = np.zeros(calls), np.zeros(calls)
        for k in range(calls):
            n = int(self.played[k])
            d = self.places[k, :n].astype(np.float64) - self.places[best, :n]
            mean[k] = d.mean()
            error[k] = 0.0 if k == best else _standard_error(d, len(self.request.race.grid.cars))
        return mean, error

    def z(self) -> float:
        """One-sided normal quantile, shared among the rivals of the best (union bound)."""
        rivals = max(1, len(self.alive) - 1)
        return NormalDist().inv_cdf(1.0 - (1.0 - self.request.budget.confidence) / rivals)

    def eliminate(self) -> None:
        """Drop every candidate that is worse than the best beyond its error."""
        best = self.best()
        mean, error = self.differences(best)
        z = self.z()
        self.alive = [k for k in self.alive if k == best or mean[k] <= z * error[k]]

    def decision(self, *, cut: bool) -> Decision:
        """What is known now."""
        best = self.best()
        mean, error = self.differences(best)
        rivals = [k for k in self.alive if k != best]
        zone = self.request.budget.indifference
        resolved = all(mean[k] - self.z() * error[k] > -zone for k in rivals)
        options = tuple(self._option(k, best, float(error[k])) for k in range(len(self.places)))
        return Decision(options, best, bool(resolved), self.rounds, self.paths, cut=cut)

    def _option(self, k: int, best: int, error: float) -> Option:
        n, cars = int(self.played[k]), len(self.request.race.grid.cars)
        reference = self.places[best, : self.paths].mean()
        weights = _tilt(self.places[best, :n].astype(np.float64), float(reference))
        p = np.bincount(self.places[k, :n] - 1, weights=weights, minlength=cars)
        mean = float(p @ np.arange(1, cars + 1))
        rejoin = self.rejoins[k, :n]
        candidate = self.request.candidates[k]
        return Option(
            lap=candidate.lap,
            compound=candidate.compound,
            mean_position=mean,
            p_position=tuple(p.tolist()),
            delta_positions=0.0 if k == best else max(0.0, mean - float(reference)),
            standard_error=error,
            draws=n,
            rejoin_position=float(rejoin[rejoin > 0].mean()) if candidate.lap is not None and rejoin.any() else None,
        )


def _standard_error(d: Floats, cars: int) -> float:
    """Error of the mean of ``d``; never 0.

    One more squared place is added to the sum of squares: that no path has shown a difference
    does not prove that there is none. A single path says nothing: the widest possible error.
    """
    if len(d) < 2:
        return float(cars - 1)
    squares = float(((d - d.mean()) ** 2).sum()) + 1.0
    return math.sqrt(squares / (len(d) - 1) / len(d))


def _tilt(best: Floats, target: float) -> Floats:
    """Weights of paths, sum 1, under which the best call's mean position is ``target``.

    A dropped candidate was played on the first paths only; the best call's mean over all paths
    says how lucky those were. Exponential tilting (the weights nearest to equal in relative
    entropy) takes that out, so every option is on one scale and a difference of two means is the
    paired difference. Equal weights when nothing is to be corrected or no weights can do it.
    """
    x = best - target
    n = len(x)
    equal = np.full(n, 1.0 / n)
    if not x.min() < 0.0 < x.max() or abs(x.mean()) < 1e-12:
        return equal
    theta = 0.0
    for _ in range(50):
        w: Floats = np.exp(theta * x - (theta * x).max())
        w /= w.sum()
        mean = float(w @ x)
        if abs(mean) < 1e-12:
            return w
        theta -= mean / max(float(w @ (x - mean) ** 2), 1e-12)
        theta = max(-5.0, min(5.0, theta))
    return equal
