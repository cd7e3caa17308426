"""Many noisy measurements of one thing at different circuits in different seasons, shrunk to what they share. Pure.

    what race r shows = mean + circuit + season + race,  each level normal about 0 with its own sd per coefficient

``linear`` is the exact posterior of that for normal measurements; the sds are fitted by EM (Laird and
Ware 1982), with a prior guess that counts as ``PRIOR_GROUPS`` groups, because five seasons tell little of
their own spread. ``rates`` is the same for counts: gamma-Poisson.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import optimize, special

Floats = npt.NDArray[np.float64]

#: What the prior guess of a level's sd counts, in groups.
PRIOR_GROUPS: Final = 2.0
#: EM steps, and the relative change of an sd below which they stop.
_STEPS: Final = 60
_STILL: Final = 1e-3


@dataclass(frozen=True, slots=True)
class Pooled:
    """Posterior means. Every array ends with the coefficient."""

    mean: Floats
    mean_sd: Floats
    circuits: dict[str, Floats]  #: deviation from the mean
    seasons: dict[int, Floats]  #: deviation from the mean
    races: Floats  #: [race, coefficient] the whole: mean + circuit + season + race
    sds: Floats  #: [level, coefficient] of circuits, seasons, races


def linear(
    precisions: Floats,
    pulls: Floats,
    circuits: Sequence[str],
    seasons: Sequence[int],
    prior: tuple[Floats, Floats],
    spread: Floats,
) -> Pooled:
    """Pool linear measurements.

    Args:
        precisions: [race, k, k] information of each race about its k coefficients; singular is fine.
        pulls: [race, k] precision times estimate.
        circuits: of each race.
        seasons: of each race.
        prior: mean and sd of the k coefficients before any race.
        spread: [3, k] prior guess of the sds of circuits, seasons and races.
    """
    places, years = sorted(set(circuits)), sorted(set(seasons))
    races, k = pulls.shape
    levels = (1, len(places), len(years), races)
    starts = np.cumsum([0, *levels])
    member = np.zeros((races, starts[-1]))
    for r, (circuit, season) in enumerate(zip(circuits, seasons, strict=True)):
        member[r, [0, 1 + places.index(circuit), starts[2] + years.index(season), starts[3] + r]] = 1.0
    # Latent vector: group by group, coefficients inside.
    information = np.einsum("rg,rab,rh->gahb", member, precisions, member, optimize=True)
    information = information.reshape(starts[-1] * k, -1)
    pull = np.einsum("rg,ra->ga", member, pulls)
    pull[0] += prior[0] / prior[1] ** 2
    sds = spread.copy()
    for _ in range(_STEPS):
        rows = np.concatenate(
            [[1 / prior[1] ** 2], *(np.tile(s**-2.0, (n, 1)) for s, n in zip(sds, levels[1:], strict=True))]
        )
        covariance = np.linalg.inv(information + np.diag(rows.ravel()))
        found = (covariance @ pull.ravel()).reshape(-1, k)
        variance = np.diag(covariance).reshape(-1, k)
        before = sds
        squares = [(found**2 + variance)[a:b] for a, b in pairwise(starts[1:])]
        sds = np.sqrt([
            (PRIOR_GROUPS * guess**2 + square.sum(axis=0)) / (PRIOR_GROUPS + len(square))
            for guess, square in zip(spread, squares, strict=True)
        ])  # fmt: skip
        if np.all(np.abs(sds - before) <= _STILL * before):
            break
    return Pooled(
        mean=found[0],
        mean_sd=np.sqrt(variance[0]),
        circuits=dict(zip(places, found[1 : starts[2]], strict=True)),
        seasons=dict(zip(years, found[starts[2] : starts[3]], strict=True)),
        races=member @ found,
        sds=sds,
    )


def one_number(
    values: Floats,
    sds: Floats,
    circuits: Sequence[str],
    seasons: Sequence[int],
    prior: tuple[float, float],
    spread: tuple[float, float, float],
) -> Pooled:
    """``linear`` for one coefficient that each race measured as ``values`` with standard errors ``sds``; nan: not."""
    known = np.isfinite(values) & np.isfinite(sds)
    precision = np.where(known, 1.0 / np.where(known, sds, 1.0) ** 2, 0.0)
    pull = precision * np.where(known, values, 0.0)
    guess = (np.array([prior[0]]), np.array([prior[1]]))
    return linear(precision[:, None, None], pull[:, None], circuits, seasons, guess, np.array(spread)[:, None])


def rates(counts: Floats, exposures: Floats, prior_shape: float = 8.0) -> tuple[Floats, float]:
    """Each group's rate as a multiple of the rate of all, and the shape of the gamma that the multiples follow.

    The shape is fitted by marginal likelihood (negative binomial) with a weak prior about ``prior_shape``: the
    larger, the more alike the groups.
    """
    rate = counts.sum() / max(exposures.sum(), 1e-9)
    expected = np.maximum(rate * exposures, 1e-9)

    def loss(log_shape: float) -> float:
        a = np.exp(log_shape)
        fit = special.gammaln(counts + a) - special.gammaln(a) + a * np.log(a) - (counts + a) * np.log(a + expected)
        return float(0.5 * (log_shape - np.log(prior_shape)) ** 2 - fit.sum())

    shape = float(np.exp(optimize.minimize_scalar(loss, bounds=(-1.0, 6.0), method="bounded").x))
    return (counts + shape) / (expected + shape), shape
