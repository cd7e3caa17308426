"""How good are forecasts of finishing positions? Pure.

One value per scored car and moment; a figure is their mean. Lower is better for all of them.

rps            ranked probability score: sum over k < n of (forecast CDF - observed CDF)^2 / (n - 1)
rps_finishers  the same over cars that cover 90 % of the distance (retirements are mostly luck)
mae_rank       |mean forecast rank - true rank|
log_loss       -ln P(true rank), P floored at ``FLOOR``
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from pitcall.backtest.cases import Case

#: Least probability that counts in the log loss: whoever says "never" pays 13.8.
FLOOR: Final = 1e-6

Floats = npt.NDArray[np.float64]
#: Car -> P(rank 1..n), for every scored car of a case.
Forecast = Mapping[str, Floats]


@dataclass(frozen=True, slots=True)
class Marks:
    """The scores of one forecaster, one entry per scored car, in the order of the cases."""

    season: npt.NDArray[np.int64]
    race: npt.NDArray[np.str_]
    fraction: Floats
    finished: npt.NDArray[np.bool_]
    rps: Floats
    error: Floats  #: mean forecast rank - true rank
    log_loss: Floats

    def __len__(self) -> int:
        return len(self.rps)

    def of(self, keep: npt.NDArray[np.bool_]) -> "Marks":
        """Those that ``keep`` marks."""
        return Marks(
            self.season[keep], self.race[keep], self.fraction[keep], self.finished[keep], self.rps[keep],
            self.error[keep], self.log_loss[keep],
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Figures:
    """The summary of a forecaster; NaN where nothing was scored."""

    cars_scored: int
    rps: float
    rps_finishers: float
    mae_rank: float
    log_loss: float
    rps_by_fraction: dict[str, float]


def rps(p: npt.ArrayLike, rank: int) -> float:
    """Ranked probability score of P(rank 1..n) when ``rank`` came; 0 is perfect. Raises ValueError: no such rank."""
    cdf = np.cumsum(np.asarray(p, np.float64))
    n = len(cdf)
    if not 1 <= rank <= n:
        raise ValueError(f"rank: 1 to {n}, not {rank}")
    seen = np.arange(1, n + 1) >= rank
    return float(((cdf - seen) ** 2)[:-1].sum() / max(1, n - 1))


def log_loss(p: npt.ArrayLike, rank: int) -> float:
    """-ln of the probability that was given to what came."""
    return -math.log(max(float(np.asarray(p)[rank - 1]), FLOOR))


def mark(cases: Sequence[Case], forecasts: Sequence[Forecast]) -> Marks:
    """Score every scored car.

    Raises:
        ValueError: as many forecasts as cases are needed, each with n probabilities that sum to 1.
        KeyError: a scored car is not forecast.
    """
    rows = []
    for case, forecast in zip(cases, forecasts, strict=True):
        ranks = np.arange(1, case.n + 1)
        for car in case.scored:
            p = forecast[car.car]
            if len(p) != case.n or not abs(float(p.sum()) - 1.0) < 1e-6 or (p < 0).any():
                raise ValueError(f"forecast of {car.car} in {case.race}: {case.n} probabilities that sum to 1")
            error = float(p @ ranks) - car.final
            one = (rps(p, car.final), error, log_loss(p, car.final))
            rows.append((case.season, case.race, case.fraction, car.finished, *one))
    columns = tuple(zip(*rows, strict=True)) if rows else ((),) * 7
    kinds = (np.int64, np.str_, np.float64, np.bool_, np.float64, np.float64, np.float64)
    return Marks(*(np.array(column, kind) for column, kind in zip(columns, kinds, strict=True)))


def figures(marks: Marks) -> Figures:
    """Means over all that was scored."""
    by = {f"{f:.1f}": _mean(marks.rps[np.isclose(marks.fraction, f)]) for f in np.unique(marks.fraction)}
    return Figures(
        len(marks),
        _mean(marks.rps),
        _mean(marks.rps[marks.finished]),
        _mean(np.abs(marks.error)),
        _mean(marks.log_loss),
        by,
    )


def mean_of_seasons(marks: Marks) -> Figures:
    """Each figure's mean over seasons: a season counts as much as another, however many races it had."""
    each = [figures(marks.of(marks.season == season)) for season in np.unique(marks.season)]
    fractions = sorted({name for one in each for name in one.rps_by_fraction})
    return Figures(
        len(marks),
        _mean([one.rps for one in each]),
        _mean([one.rps_finishers for one in each]),
        _mean([one.mae_rank for one in each]),
        _mean([one.log_loss for one in each]),
        {f: _mean([one.rps_by_fraction[f] for one in each if f in one.rps_by_fraction]) for f in fractions},
    )


def _mean(values: npt.ArrayLike) -> float:
    values = np.asarray(values, np.float64)
    return float(values.mean()) if values.size else math.nan
