"""Where every car finishes: simulated paths, weighted by what was learned. Pure."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from pitcall.domain.race import RaceState
from pitcall.learned.features import features
from pitcall.learned.pooling import pool
from pitcall.model import Model
from pitcall.sim.outcome import Bytes
from pitcall.sim.race import Grid

#: Paths' worth of "nobody knows" beside the simulated races: a rank that none of them showed is not impossible.
FLAT: Final = 0.5
#: What the learned forecast counts against the simulated one where the two are pooled: a geometric mean, so that both
#: must think a rank possible. Leaving one season out the score is the same to 0.0002 for shares of 0.3 to 0.7.
LEARNED: Final = 0.5
#: Added to both before the logarithm.
POOL_FLOOR: Final = 3e-4
#: Scalings of rows and columns of the pooled table; after these its columns are within 0.001 of 1.
SCALINGS: Final = 30

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Outlook:
    """The forecast of one moment."""

    cars: tuple[str, ...]
    p: Floats  #: [car, rank] rows sum to 1
    weights: Floats  #: [path] of the simulated races, sum 1
    paths: float  #: effective number of them


def outlook(race: RaceState, grid: Grid, place: Bytes, model: Model) -> Outlook:
    """The finishing positions of all cars.

    Args:
        race: the race so far.
        grid: as the simulation took it.
        place: [path, car] simulated finishing positions, in the order of ``grid``.
        model: without a learned forecast every path counts the same.
    """
    paths, ranks = place.shape[0], len(grid.cars)
    weights, effective = np.full(paths, 1.0 / paths), float(paths)
    if model.ranks is not None and any(grid.racing):
        seen = features(race, grid.running, model.form.prior(race), grid.cars, place)
        columns = np.array([grid.cars.index(car) for car in seen.cars])
        simulated = np.array([np.bincount(column, minlength=ranks + 1)[1:] / paths for column in place.T])
        pooled = pool(place, np.arange(ranks), _together(simulated, model.ranks.ranks(seen), columns))
        weights, effective = pooled.weights, pooled.paths
    counts = np.array([np.bincount(column, weights, ranks + 1)[1:] for column in place.T])
    flat = FLAT / paths
    return Outlook(grid.cars, (counts + flat / ranks) / (1.0 + flat), weights, effective)


def _together(simulated: Floats, learned: Floats, running: npt.NDArray[np.intp]) -> Floats:
    """[car, rank] the two as one forecast, for the running cars their weighted geometric mean.

    Some car comes first and some car second, so the columns must sum to 1 as the rows do: scaled in turn until they
    do (Sinkhorn), which is the nearest such table by Kullback-Leibler divergence.
    """
    table = simulated + POOL_FLOOR
    table[running] = table[running] ** (1.0 - LEARNED) * (learned + POOL_FLOOR) ** LEARNED
    for _ in range(SCALINGS):
        table /= table.sum(axis=0)
        table /= table.sum(axis=1, keepdims=True)
    return table
