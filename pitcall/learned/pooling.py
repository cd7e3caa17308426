"""Weights on simulated paths that move their marginals to a forecast: entropy pooling. Pure.

Among all weights under which every car's finishing position has the forecast distribution, those
nearest to equal weights (least Kullback-Leibler divergence; Meucci, "Fully flexible views", 2008).
They keep what the simulation knows and the forecast does not: who finishes ahead of whom in the
same race, what a call changes. Found by iterative proportional fitting, which converges to them
(Csiszar 1975).
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from pitcall.sim.outcome import Bytes

#: Sweeps over all cars, at most; and the largest step of a marginal that still counts as moving.
SWEEPS: Final = 40
CLOSE: Final = 1e-3
#: No path counts more than this many times an equal share: few paths must not carry an answer.
MOST: Final = 30.0

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Pooled:
    """What came out."""

    weights: Floats  #: [path], sum 1
    paths: float  #: effective number of paths, 1 / sum of squares
    miss: float  #: largest difference of a pooled marginal from the forecast


def pool(place: Bytes, columns: npt.NDArray[np.intp], target: Floats) -> Pooled:
    """Weights of the paths.

    Args:
        place: [path, car] simulated finishing positions, 1 = first.
        columns: the columns of ``place`` that the forecast speaks of.
        target: [len(columns), rank] the forecast; ranks that no path shows are left out and the rest scaled.
    """
    paths, ranks = len(place), target.shape[1]
    shown = np.ascontiguousarray(place[:, columns].T.astype(np.intp) - 1)
    wanted = np.array(
        [np.where(np.bincount(row, minlength=ranks)[:ranks] > 0, t, 0.0) for row, t in zip(shown, target, strict=True)]
    ).reshape(len(columns), ranks)
    wanted /= wanted.sum(axis=1, keepdims=True)
    weights = np.full(paths, 1.0 / paths)
    miss = 0.0
    for _ in range(SWEEPS):
        miss = 0.0
        for row, want in zip(shown, wanted, strict=True):
            have = np.bincount(row, weights, ranks)
            miss = max(miss, float(np.abs(have - want).max()))
            weights *= (want / np.maximum(have, 1e-12))[row]
        weights = _capped(weights / weights.sum(), MOST / paths)
        if miss < CLOSE:
            break
    return Pooled(weights, 1.0 / float((weights**2).sum()), miss)


def _capped(weights: Floats, most: float) -> Floats:
    """The weights with what is above ``most`` handed to the others in proportion; the sum stays 1."""
    over = weights > most
    if not over.any():
        return weights
    rest = weights[~over].sum()
    return np.where(over, most, weights * (1.0 - most * over.sum()) / rest)
