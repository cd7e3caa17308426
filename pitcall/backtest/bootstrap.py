"""Is one forecaster better than another, or was it luck of the races? Pure.

Cars and moments of one race share its luck, so races are drawn, with replacement and within their
season; a forecaster's figure and the other's are taken from the same draw (paired).
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from pitcall.backtest.score import Marks

#: Draws of races.
DRAWS: Final = 10_000
_SEED: Final = 2022

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Difference:
    """Mean of ours - theirs, and the interval that holds 95 % of the draws. Below 0: ours is better."""

    mean: float
    low: float
    high: float


def difference(ours: Marks, theirs: Marks, values: tuple[Floats, Floats], keep: npt.NDArray[np.bool_]) -> Difference:
    """The mean of seasons of ``values`` (ours, theirs) over the entries that ``keep`` marks.

    Raises:
        ValueError: the two were not scored on the same cars, or nothing is kept.
    """
    if len(ours) != len(theirs) or (ours.race != theirs.race).any():
        raise ValueError("ours and theirs must be scored on the same cars")
    if not keep.any():
        raise ValueError("keep: nothing to compare")
    gap = (values[0] - values[1])[keep]
    race, season = ours.race[keep], ours.season[keep]
    random = np.random.default_rng(_SEED)
    means, drawn = [], []
    for one in np.unique(season):
        names, at = np.unique(race[season == one], return_inverse=True)
        total = np.bincount(at, weights=gap[season == one], minlength=len(names))
        cars = np.bincount(at, minlength=len(names))
        times = random.multinomial(len(names), np.full(len(names), 1 / len(names)), DRAWS)
        means.append(total.sum() / cars.sum())
        drawn.append((times @ total) / (times @ cars))
    low, high = np.quantile(np.mean(drawn, axis=0), (0.025, 0.975))
    return Difference(float(np.mean(means)), float(low), float(high))
