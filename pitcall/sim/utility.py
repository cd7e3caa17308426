"""What a finishing position is worth, and what a sample of them proves. Pure.

Every goal becomes a *loss per race* whose mean is the goal's value (with the sign turned where more is
better), so that one piece of code compares two calls for all of them: by the mean of the paired
differences of their losses, and its error.

CVaR, the mean of the worst share ``t``, is no mean over races but the least value of
``c + E[max(0, X - c)] / t`` over c (Rockafellar, Uryasev 2000), reached where c is the
(1 - t)-quantile. The loss of a race is therefore ``c + max(0, x - c) / t`` with the sample's own
quantile: its mean is the sample's CVaR, and as the derivative by c is 0 there, its spread is the
error of the CVaR to first order (delta method).
"""

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from pitcall.sim.messages import Utility
from pitcall.sim.outcome import Bytes

Floats = npt.NDArray[np.float64]

_SQRT_2 = math.sqrt(2.0)


def loss(utility: Utility, places: Bytes) -> Floats:
    """What each race of ``places`` costs by this goal, in its unit; less is better."""
    if utility.goal != "cvar":
        priced: Floats = _table(utility)[places]
        return priced
    quantile = _quantile(np.bincount(places), 1.0 - utility.tail)
    beyond: Floats = np.maximum(0.0, places - quantile)
    return quantile + beyond / utility.tail


def value(utility: Utility, p_position: Floats) -> float:
    """The goal's value when the car finishes first, second, ... with these probabilities."""
    match utility.goal:
        case "points":
            return expected_points(utility, p_position)
        case "win":
            return float(p_position[0])
        case "target":
            return p_target(utility, p_position)
        case "cvar":
            return cvar(p_position, utility.tail)
    return mean_position(p_position)


def worse(utility: Utility, a: float, b: float) -> float:
    """By how much the value ``a`` is worse than ``b``; negative where it is better."""
    return a - b if utility.goal in ("position", "cvar") else b - a


def mean_position(p_position: Floats) -> float:
    """Expected finishing position."""
    return float(p_position @ np.arange(1, len(p_position) + 1))


def expected_points(utility: Utility, p_position: Floats) -> float:
    """Expected points by the table of ``utility``."""
    paid = min(len(utility.points), len(p_position))
    return float(p_position[:paid] @ np.array(utility.points[:paid]))


def p_target(utility: Utility, p_position: Floats) -> float:
    """Probability to finish at the target position or better."""
    return float(p_position[: utility.target].sum())


def cvar(p_position: Floats, tail: float) -> float:
    """Mean position in the worst share ``tail`` of the races."""
    left, total = tail, 0.0
    for position in range(len(p_position), 0, -1):
        share = min(left, float(p_position[position - 1]))
        total += share * position
        left -= share
    return (total + max(0.0, left)) / tail  # what rounding leaves over is first place


def standard_error(utility: Utility, d: Floats, cars: int) -> float:
    """Error of the mean of the paired loss differences ``d``; never 0.

    One more squared step (one place, one point, one race won) is added to the sum of squares: that no
    race has shown a difference does not prove that there is none. A single race says nothing: the
    widest possible error.
    """
    step = 1.0 / utility.tail if utility.goal == "cvar" else 1.0
    n = len(d)
    if n < 2:
        ends = _table(utility)[[1, cars]] if utility.goal != "cvar" else np.array([1.0, float(cars)])
        return max(step, float(ends[1] - ends[0]))
    squares = float(((d - d.mean()) ** 2).sum()) + step * step
    return math.sqrt(squares / (n - 1) / n)


def p_better(mean: float, error: float, zone: float) -> float:
    """Probability that a call is better than the best one by more than ``zone``.

    Args:
        mean: its loss minus that of the best, as found.
        error: standard error of ``mean``.
        zone: indifference zone, same unit.
    """
    return 0.5 * math.erfc((mean + zone) / error / _SQRT_2)


def tilt(best: Floats, target: float) -> Floats:
    """Weights of races, sum 1, under which the best call's mean loss is ``target``.

    A dropped candidate was played on the first paths only; the best call's mean over all paths
    says how lucky those were. Exponential tilting (the weights nearest to equal in relative
    entropy) takes that out, so every option is on one scale and a difference of two means is the
    paired difference. Equal weights when nothing is to be corrected or no weights can do it.
    """
    x = best - target
    n = len(x)
    equal = np.full(n, 1.0 / n)
    low, high = float(x.min()), float(x.max())
    if not low < 0.0 < high or abs(float(x.mean())) < 1e-12:
        return equal
    x /= high - low  # the search below is then the same in every unit
    theta = 0.0
    for _ in range(50):
        w: Floats = np.exp(theta * x - (theta * x).max())
        w /= w.sum()
        mean = float(w @ x)
        if abs(mean) < 1e-13:
            return w
        theta -= mean / max(float(w @ (x - mean) ** 2), 1e-12)
        theta = max(-100.0, min(100.0, theta))
    return equal


def _quantile(counts: npt.NDArray[np.int64], share: float) -> float:
    """The first position at which ``share`` of the races have finished there or better."""
    reached: Sequence[int] = np.flatnonzero(np.cumsum(counts) >= share * counts.sum() - 1e-9).tolist()
    return float(reached[0])


@lru_cache(maxsize=16)
def _table(utility: Utility) -> Floats:
    """Loss by finishing position (0 does not occur)."""
    place = np.arange(256)
    table = place.astype(np.float64)
    if utility.goal == "points":
        table = np.zeros(256)
        table[1 : len(utility.points) + 1] = [-points for points in utility.points]
    elif utility.goal == "win":
        table = np.where(place == 1, -1.0, 0.0)
    elif utility.goal == "target":
        table = np.where(place <= utility.target, -1.0, 0.0)
    table.flags.writeable = False
    return table
