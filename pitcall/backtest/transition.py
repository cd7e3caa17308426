"""The history table: where did cars finish that ran in this place at this share of the race? Pure."""

from collections.abc import Iterable

import numpy as np

from pitcall.backtest.cases import Case
from pitcall.backtest.score import Floats, Forecast
from pitcall.backtest.table import RaceTable

#: Most starters that the table has rows for.
_MOST = 64
#: Counts that a cell has from the start, and the width of the smoothing over ranks now.
_FLAT, _WIDTH = 1e-3, 0.8


class Transition:
    """P(final rank | rank now, share of the race), counted and smoothed over neighbouring ranks now."""

    def __init__(self, training: Iterable[Case]) -> None:
        table = np.full((10, _MOST + 1, _MOST + 1), _FLAT)
        for case in training:
            for car in case.scored:
                table[round(case.fraction * 10), car.rank, car.final] += 1
        kernel = np.exp(-0.5 * (np.arange(-2, 3) / _WIDTH) ** 2)
        kernel /= kernel.sum()
        padded = np.pad(table, ((0, 0), (2, 2), (0, 0)))
        self._table: Floats = sum(w * padded[:, k : k + _MOST + 1] for k, w in enumerate(kernel.tolist()))

    def forecast(self, case: Case) -> Forecast:
        """P(rank 1..n) of the scored cars."""
        rows = {car.car: self._table[round(case.fraction * 10), car.rank, 1 : case.n + 1] for car in case.scored}
        return {car: row / row.sum() for car, row in rows.items()}

    def saw(self, race: RaceTable) -> None:
        """The table stays as it was trained."""
