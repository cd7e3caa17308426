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
    running = [car for car, on in zip(grid.cars, grid.racing, strict=True) if on]
    if model.ranks is not None and running:
        seen = features(race, running, model.form.prior(race), grid.cars, place)
        columns = np.array([grid.cars.index(car) for car in seen.cars])
        pooled = pool(place, columns, model.ranks.ranks(seen))
        weights, effective = pooled.weights, pooled.paths
    counts = np.array([np.bincount(column, weights, ranks + 1)[1:] for column in place.T])
    flat = FLAT / paths
    return Outlook(grid.cars, (counts + flat / ranks) / (1.0 + flat), weights, effective)
