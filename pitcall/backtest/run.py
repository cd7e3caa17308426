"""Plays seasons back in the order of their dates: fit, forecast, let the finished race be seen, go on. Pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

import numpy as np

from pitcall.backtest.bootstrap import Difference, difference
from pitcall.backtest.cases import Case, cases
from pitcall.backtest.forecaster import Forecaster
from pitcall.backtest.score import Forecast, Marks, mark
from pitcall.backtest.table import RaceTable
from pitcall.domain.events import Event
from pitcall.errors import InvalidRequest


@dataclass(frozen=True, slots=True)
class Race:
    """A race with its log and its cases."""

    table: RaceTable
    events: tuple[Event, ...]
    cases: tuple[Case, ...]

    @property
    def date(self) -> tuple[int, int]:
        """Season and round: the order in which races happened."""
        return self.table.season, self.table.round


#: What learns from finished races and can forecast then.
Fit = Callable[[Sequence[Race]], Forecaster]
#: Called with what is done now, and how much of all work is done, 0 to 1.
Progress = Callable[[str, float], None]


class Watcher(Protocol):
    """Measures more than the finish while races pass."""

    def fitted(self, training: Sequence[Race], forecasters: Mapping[str, Forecaster]) -> None:
        """The forecasters are fitted on ``training``."""

    def race(self, race: Race, forecasters: Mapping[str, Forecaster]) -> None:
        """A race that is tested, before the forecasters see how it went."""


def in_order(tables: Iterable[RaceTable]) -> list[RaceTable]:
    """The races in the order of their dates. Raises InvalidRequest: one is there twice."""
    found = sorted(tables, key=lambda table: (table.season, table.round))
    for one, other in pairwise(found):
        if one.key == other.key:
            raise InvalidRequest(f"race {one.key} ({one.name}) is in two files; give each race once")
    return found


def prepared(tables: Iterable[RaceTable], log: Callable[[RaceTable], list[Event]]) -> list[Race]:
    """The races in the order of their dates.

    Raises:
        InvalidRequest: a race is there twice.
        InvalidEvent: a table contradicts itself.
    """
    return [Race(table, tuple(log(table)), tuple(cases(table, log))) for table in in_order(tables)]


def check_apart(test: Iterable[Race], training: Iterable[Race]) -> None:
    """Raises InvalidRequest: a race is in both."""
    both = {race.table.key for race in test} & {race.table.key for race in training}
    if both:
        raise InvalidRequest(f"race {min(both)} is both to be forecast and to be learned from; leave it out of one")


def play_back(
    test: Sequence[Race],
    training: Sequence[Race],
    fits: Mapping[str, Fit],
    progress: Progress,
    watcher: Watcher | None = None,
) -> dict[str, list[Forecast]]:
    """Forecasts of every case of ``test``, by name of the method.

    Each method is fitted on ``training``. Then all races pass in the order of their dates: those of
    ``test`` are forecast, and every race, once over, may be used for those after it.
    """
    steps = len(fits) + len(test)
    forecasters = {}
    for done, (name, fit) in enumerate(fits.items()):
        progress(f"fitting {name}", done / steps)
        forecasters[name] = fit(training)
    if watcher is not None:
        watcher.fitted(training, forecasters)
    forecasts: dict[str, list[Forecast]] = {name: [] for name in fits}
    tested, done = {race.table.key for race in test}, len(fits)
    for race in sorted((*training, *test), key=lambda race: race.date):
        if race.table.key in tested:
            progress(f"{race.table.name} {race.table.season}", done / steps)
            for name, forecaster in forecasters.items():
                forecasts[name] += [forecaster.forecast(case) for case in race.cases]
            if watcher is not None:
                watcher.race(race, forecasters)
            done += 1
        for forecaster in forecasters.values():
            forecaster.saw(race.table)
    return forecasts


def leave_one_season_out(
    races: Sequence[Race], fits: Mapping[str, Fit], progress: Progress, watcher: Watcher | None = None
) -> dict[str, list[Forecast]]:
    """Forecasts of every case of ``races``, each season by methods fitted on the others.

    Raises:
        InvalidRequest: there is one season only.
    """
    seasons = sorted({race.table.season for race in races})
    if len(seasons) < 2:
        raise InvalidRequest(f"leaving one season out needs at least two, and there is only {seasons[0]}")
    forecasts: dict[str, list[Forecast]] = {name: [] for name in fits}
    for k, season in enumerate(seasons):
        test = [race for race in races if race.table.season == season]
        training = [race for race in races if race.table.season != season]

        def step(what: str, share: float, k: int = k, season: int = season) -> None:
            progress(f"{season} left out: {what}", (k + share) / len(seasons))

        for name, found in play_back(test, training, fits, step, watcher).items():
            forecasts[name] += found
    return forecasts


@dataclass(frozen=True, slots=True)
class Comparison:
    """Ours less a baseline, mean of seasons, with 95 % intervals by race."""

    rps: Difference
    rps_finishers: Difference
    log_loss: Difference
    rps_by_fraction: dict[str, Difference]


def compare(ours: Marks, theirs: Marks) -> Comparison:
    """Paired differences. Raises ValueError: not scored on the same cars, or no car finished."""
    everything = np.ones(len(ours), bool)
    rps = ours.rps, theirs.rps
    return Comparison(
        difference(ours, theirs, rps, everything),
        difference(ours, theirs, rps, ours.finished),
        difference(ours, theirs, (ours.log_loss, theirs.log_loss), everything),
        {
            f"{f:.1f}": difference(ours, theirs, rps, np.isclose(ours.fraction, f))
            for f in np.unique(ours.fraction).tolist()
        },
    )


def marks(races: Sequence[Race], forecasts: Mapping[str, Sequence[Forecast]]) -> dict[str, Marks]:
    """The scores of each method's forecasts of all cases of ``races``, in their order."""
    every = [case for race in races for case in race.cases]
    return {name: mark(every, found) for name, found in forecasts.items()}
