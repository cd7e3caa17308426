"""Who beats whom: the strongest plain statistical forecast, learned from lap tables.

For each ordered pair (i, j) of running cars, gradient-boosted trees give P(i ahead of j at the flag |
i covers 90 % of the distance). A Thurstone model turns a car's pairs into a distribution of its rank:
its own luck u ~ N(0, 1) explains the share ``RHO`` of each pair's variance, and given u the pairs are
independent (Poisson binomial, integrated over u). A second model gives the hazard of not covering 90 %,
with the empirical offset of such cars' ranks. Nothing after the moment is used; of other races only
earlier ones of the season.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, ndtri
from sklearn.ensemble import HistGradientBoostingClassifier

from pitcall.backtest.cases import Case
from pitcall.backtest.score import Forecast
from pitcall.backtest.table import RaceTable
from pitcall.train.sheet import HAZARD, OWN, SHARED, Form, Sheet, sheet

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]

#: Share of the variance of a pair that a car's own luck explains.
RHO: Final = 0.4
#: Longest list of places that a retiring car falls behind the last runner, and the weight of "nobody knows" in it.
_LOST, _FLAT_LOST = 20, 0.3
#: Floor of a rank's probability.
_FLOOR: Final = 1e-4
_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(15)
_PACES: Final = [OWN.index(name) for name in ("race_pace", "recent_pace", "driver_pace")]
_GAP: Final = OWN.index("gap")

_AHEAD: Final[dict[str, Any]] = {
    "max_iter": 400, "learning_rate": 0.03, "max_leaf_nodes": 31, "min_samples_leaf": 400, "l2_regularization": 20,
    "max_features": 0.4, "early_stopping": False, "random_state": 0,
}  # fmt: skip
_STOP: Final[dict[str, Any]] = {
    "max_iter": 120, "learning_rate": 0.03, "max_leaf_nodes": 7, "min_samples_leaf": 200, "l2_regularization": 20,
    "max_features": 0.5, "early_stopping": False, "random_state": 0,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Extra:
    """Columns beside the usual ones, for the cars of one sheet in their order."""

    own: npt.NDArray[np.floating[Any]]  #: [car, k] enters as car i's, car j's, their difference, and in the hazard
    pair: npt.NDArray[np.floating[Any]]  #: [car i, car j, m]


class Trees:
    """Gradient-boosted trees for yes or no. A few races may leave a column unknown, or answers all alike: both work."""

    def __init__(self, x: Floats, y: npt.NDArray[np.bool_], settings: dict[str, Any]) -> None:
        self._blank = np.isnan(x).all(axis=0)
        self._always = float(y.mean()) if len(set(y.tolist())) < 2 else None
        if self._always is None:
            self._model = HistGradientBoostingClassifier(**settings).fit(self._filled(x), y)

    def p(self, x: Floats) -> Doubles:
        """P(yes) of each row."""
        if self._always is not None:
            return np.full(len(x), self._always)
        return np.asarray(self._model.predict_proba(self._filled(x))[:, 1], np.float64)

    def _filled(self, x: Floats) -> Floats:
        return np.where(self._blank, np.float32(0), x)


class Pairwise:
    """The fitted model."""

    def __init__(self, ahead: Trees, stop: Trees, lost: Doubles) -> None:
        self._ahead, self._stop, self._lost = ahead, stop, lost

    @classmethod
    def fit(cls, sheets: Sequence[Sheet], extra: Sequence[Extra] | None = None) -> "Pairwise":
        """Learn from moments whose end is known. ``extra``: one entry per sheet.

        Raises ValueError: no sheet, or not as many extras as sheets.
        """
        extras = _given(sheets, extra)
        x = np.concatenate([pairs(s, e)[s.finished[_pair_index(s)[0]]] for s, e in zip(sheets, extras, strict=True)])
        y = np.concatenate([_won(s) for s in sheets])
        ahead = Trees(x, y, _AHEAD)
        hazard = np.concatenate([_hazard(s, e) for s, e in zip(sheets, extras, strict=True)])
        stop = Trees(hazard, ~np.concatenate([s.finished for s in sheets]), _STOP)
        return cls(ahead, stop, _places_lost(sheets))

    def predict(self, one: Sheet, extra: Extra | None = None) -> Forecast:
        """P(rank 1..n) of each car of a sheet."""
        cars = len(one.cars)
        behind = np.full((cars, cars), np.nan)
        if cars > 1:
            p = self._ahead.p(pairs(one, extra))
            behind[_pair_index(one)] = 1 - np.clip(p, 1e-4, 1 - 1e-4)
        hazard = self._stop.p(_hazard(one, extra))
        offsets = self._lost[round(one.fraction * 10)][:cars][::-1]
        retired = np.zeros(one.n)
        retired[:cars][cars - len(offsets) :] = offsets / offsets.sum()
        out = {}
        for i, car in enumerate(one.cars):
            p = (1 - hazard[i]) * ranks(np.delete(behind[i], i), one.n) + hazard[i] * retired + _FLOOR
            out[car] = p / p.sum()
        return out


def ranks(behind: Doubles, n: int) -> Doubles:
    """P(rank 1..n) of a car that is behind each of its rivals with these probabilities (Thurstone, see the module)."""
    z = ndtri(behind)
    given_luck = ndtr((z + np.sqrt(RHO) * _NODES[:, None]) / np.sqrt(1 - RHO))
    rank = np.zeros((len(_NODES), n))
    rank[:, 0] = 1
    for q in given_luck.T:
        rank[:, 1:] = rank[:, 1:] * (1 - q[:, None]) + rank[:, :-1] * q[:, None]
        rank[:, 0] *= 1 - q
    return np.asarray(_WEIGHTS / _WEIGHTS.sum() @ rank, np.float64)


def pairs(one: Sheet, extra: Extra | None = None) -> Floats:
    """[ordered pair, feature], pairs in the order of ``np.where(~np.eye(cars))``."""
    i, j = _pair_index(one)
    own = one.own if extra is None else np.hstack([one.own, extra.own])
    delta = own[i] - own[j]
    left = one.shared[SHARED.index("left")]
    columns = [
        own[i], own[j], delta, delta[:, _PACES] * left, delta[:, [_GAP]] / max(left, 1.0),
        np.repeat(one.shared[None], len(i), 0), (one.team[i] == one.team[j])[:, None],
    ]  # fmt: skip
    if extra is not None:
        columns.append(extra.pair[i, j])
    return np.hstack(columns).astype(np.float32)


def _pair_index(one: Sheet) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    i, j = np.where(~np.eye(len(one.cars), dtype=bool))
    return i, j


def _won(one: Sheet) -> npt.NDArray[np.bool_]:
    """Of each pair whose first car finished: did it beat the second?"""
    i, j = _pair_index(one)
    return (one.final[i] < one.final[j])[one.finished[i]]


def _hazard(one: Sheet, extra: Extra | None) -> Floats:
    names = (*OWN, *SHARED)
    table = np.hstack([one.own, np.repeat(one.shared[None], len(one.cars), 0)])
    columns = [table[:, [names.index(name) for name in HAZARD]]]
    if extra is not None:
        columns.append(extra.own)
    return np.hstack(columns).astype(np.float32)


def _places_lost(sheets: Sequence[Sheet]) -> Doubles:
    """[tenth of the race, k] weight of a car that does not finish coming k places before the last runner of now."""
    found = np.tile(_FLAT_LOST * np.exp(-np.arange(_LOST) / 3), (10, 1))
    for one in sheets:
        lost = np.clip(len(one.cars) - one.final[~one.finished], 0, _LOST - 1)
        np.add.at(found[round(one.fraction * 10)], lost, 1)
    return found


def _given(sheets: Sequence[Sheet], extra: Sequence[Extra] | None) -> Sequence[Extra | None]:
    if not sheets:
        raise ValueError("no moment to learn from")
    if extra is not None and len(extra) != len(sheets):
        raise ValueError(f"extra: {len(sheets)} entries, one per sheet, not {len(extra)}")
    return extra if extra is not None else [None] * len(sheets)


class PairwiseForecaster:
    """The model as a forecaster: it keeps the form of the season so far."""

    def __init__(self, model: Pairwise, form: Form | None = None) -> None:
        self._model, self.form = model, form or Form()

    def forecast(self, case: Case) -> Forecast:
        """P(rank 1..n) of the scored cars."""
        return self._model.predict(sheet(case, self.form))

    def saw(self, race: RaceTable) -> None:
        """Pace and reliability of the season take the race in."""
        self.form.saw(race)


def sheets_of(races: Iterable[tuple[RaceTable, Sequence[Case]]]) -> list[Sheet]:
    """The features of whole seasons, races in the order of their dates."""
    form, found = Form(), []
    for table, cases in races:
        found += [sheet(case, form) for case in cases]
        form.saw(table)
    return found
