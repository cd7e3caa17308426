"""The decision loop: screen all candidates, drop, refine until the best call is known. Pure.

All candidates are played on the same possible races (common random numbers), so two of them are
compared by the mean of *paired* differences, whose error is several times smaller than that of
either mean. After each round the candidates that leave no doubt are dropped; the paths double for
those that are left. The loop ends when the best call is known within the indifference zone, when
the draws are spent, or when the caller's time is over. What is dropped, and when it ends, is a pure
function of the results: the clock can cut an answer but never steer it.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from statistics import NormalDist

import numpy as np

from pitcall.errors import DeadlineExceeded
from pitcall.sim import utility as goal
from pitcall.sim.contingency import outlook
from pitcall.sim.messages import DecideRequest, Decision, Forecast, ForecastRequest, Option
from pitcall.sim.outcome import Bytes, Player
from pitcall.sim.trial import Trial, Watch


def _never() -> bool:
    return False


def decide(
    request: DecideRequest,
    player: Player,
    *,
    out_of_time: Callable[[], bool] = _never,
    cancelled: Callable[[], bool] = _never,
    uniform: bool = False,
) -> Iterator[Decision]:
    """Refining decisions, one a round; the last one is ``final``. Blocks while it computes: run it in a thread.

    Args:
        request: what to decide; its ``budget`` bounds the draws.
        player: plays the races.
        out_of_time: asked every few milliseconds; True ends the loop with what is known, marked ``cut``.
        cancelled: asked as often.
        uniform: True: never drop a candidate. The baseline that ``pitcall.sim.work`` measures against.

    Raises:
        Cancelled: ``cancelled`` said so.
        DeadlineExceeded: time was over before each call had been played once.
    """
    watch = Watch(player.width, out_of_time, cancelled)
    trial = Trial(
        player, request.race, request.seed, request.race.grid.cars.index(request.car), request.candidates,
        request.utility, request.zone, request.budget.confidence, watch,
    )  # fmt: skip
    paths = request.budget.first_paths
    while True:
        cut = not trial.play(paths)
        if trial.paths == 0:
            raise DeadlineExceeded("time was over before each call had been played once; ask with more time")
        best = trial.best()
        mean, error = trial.against(best)
        doubts = trial.doubts(best, mean, error)
        decision = _decision(trial, best, error, trial.resolved(doubts), cut=cut)
        if decision.resolved or cut or paths >= request.budget.max_paths:
            yield outlook(request, trial, replace(decision, final=True))
            return
        yield decision
        if not uniform:
            trial.drop(best, doubts)
        paths = min(2 * paths, request.budget.max_paths)


def forecast(request: ForecastRequest, player: Player, *, cancelled: Callable[[], bool] = _never) -> Forecast:
    """P(finishing position) of every car when all of them follow the rival policy.

    Raises:
        Cancelled: ``cancelled`` said so.
    """
    n = len(request.race.grid.cars)
    counts = np.zeros((n, n + 1), np.int64)
    watch = Watch(player.width, _never, cancelled)
    for block in watch.blocks(range(request.paths)):
        watch.look()
        places = player.finish(request.race, request.seed, block)
        for car in range(n):
            counts[car] += np.bincount(places[:, car], minlength=n + 1)
    table = counts[:, 1:] / request.paths
    return Forecast(request.race.grid.cars, tuple(tuple(row) for row in table.tolist()), request.paths)


def _decision(trial: Trial, best: int, error: Sequence[float], resolved: bool, *, cut: bool) -> Decision:
    """What is known now."""
    options = _with_wait_costs(trial, _options(trial, best, error))
    z = NormalDist().inv_cdf(0.5 + 0.5 * trial.confidence)
    tied = tuple(
        k
        for k, o in enumerate(options)
        if k != best and (o.delta <= z * o.standard_error or o.delta + z * o.standard_error <= trial.zone)
    )
    return Decision(tuple(options), best, resolved, trial.rounds, trial.paths, cut=cut, tied=tied)


def _options(trial: Trial, best: int, error: Sequence[float]) -> list[Option]:
    reference = goal.loss(trial.utility, trial.places[best])
    target = float(reference.mean())
    weights = {n: goal.tilt(reference[:n], target) for n in {len(places) for places in trial.places}}
    p = [_distribution(places, weights[len(places)], trial.cars) for places in trial.places]
    of_best = goal.mean_position(p[best]), goal.value(trial.utility, p[best])
    return [_option(trial, k, p[k], of_best, error[k]) for k in range(len(p))]


def _distribution(places: Bytes, weights: goal.Floats, cars: int) -> goal.Floats:
    """Share of the races that ended first, second, ..."""
    p = np.zeros(cars + 1)
    p += np.bincount(places, weights=weights, minlength=cars + 1)
    return p[1:]


def _option(trial: Trial, k: int, p: goal.Floats, of_best: tuple[float, float], error: float) -> Option:
    """One row of the decision; ``of_best``: mean position and value of the best one."""
    utility, cars, call = trial.utility, trial.race.grid.cars, trial.calls[k]
    mean, value = goal.mean_position(p), goal.value(utility, p)
    further = mean - of_best[0]
    (ahead, gap_ahead), (behind, gap_behind) = trial.rejoins.neighbour(k, 0), trial.rejoins.neighbour(k, 1)
    return Option(
        lap=call.lap,
        compound=call.compound,
        mean_position=mean,
        p_position=tuple(p.tolist()),
        delta_positions=max(0.0, further) if utility.goal == "position" else further,
        standard_error=error,
        draws=len(trial.places[k]),
        rejoin_position=None if call.lap is None else trial.rejoins.position(k),
        utility=value,
        delta=max(0.0, goal.worse(utility, value, of_best[1])),
        expected_points=goal.expected_points(utility, p),
        p_win=float(p[0]),
        p_target=goal.p_target(utility, p),
        cvar_position=goal.cvar(p, utility.tail),
        rejoin_ahead="" if call.lap is None or ahead is None else cars[ahead],
        rejoin_behind="" if call.lap is None or behind is None else cars[behind],
        rejoin_gap_ahead_s=None if call.lap is None else gap_ahead,
        rejoin_gap_behind_s=None if call.lap is None else gap_behind,
    )


def _with_wait_costs(trial: Trial, options: list[Option]) -> list[Option]:
    """Each stop beside the same one a lap later, on the races that both were played on."""
    at = {(call.lap, call.compound): k for k, call in enumerate(trial.calls)}
    found = list(options)
    for k, o in enumerate(options):
        later = None if o.lap is None else at.get((o.lap + 1, o.compound))
        if later is None:
            continue
        n = min(o.draws, options[later].draws)
        d = goal.loss(trial.utility, trial.places[later])[:n] - goal.loss(trial.utility, trial.places[k])[:n]
        found[k] = replace(
            o,
            wait_cost=goal.worse(trial.utility, options[later].utility, o.utility),
            wait_cost_error=goal.standard_error(trial.utility, d, trial.cars),
        )
    return found
