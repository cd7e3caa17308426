"""What is measured beside the finish, race by race, with the forecaster as it stood before the race. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from pitcall.backtest import agreement, cautions, laps, rejoin, stops
from pitcall.backtest.cautions import Bin, Tally
from pitcall.backtest.forecaster import Shipped
from pitcall.backtest.run import Race
from pitcall.backtest.stop_cases import StopCases, stop_cases

#: name -> group -> figure -> value, such as ``agreement`` -> ``green`` -> ``coverage``.
Figures = dict[str, dict[str, float]]


class Tier(Protocol):
    """One kind of measurement."""

    @property
    def name(self) -> str:
        """What its figures are called."""

    def add(self, race: Race, shipped: Shipped) -> None:
        """Measure a race, before the forecaster sees how it went."""

    def figures(self) -> Figures:
        """What all races so far say."""


class Laps:
    """T0, see ``pitcall.backtest.laps``."""

    name = "laps"

    def __init__(self) -> None:
        self._found: list[laps.LapForecast] = []

    def add(self, race: Race, shipped: Shipped) -> None:
        """Forecast the laps of a race."""
        self._found += laps.forecasts(race, shipped.read)

    def figures(self) -> Figures:
        """Ours and the baselines; nothing before there are two races, on one of which to fit the baselines."""
        return laps.summary(self._found) if len({one.race for one in self._found}) > 1 else {}


class Rejoins:
    """T1, see ``pitcall.backtest.rejoin``."""

    name = "rejoin"

    def __init__(self) -> None:
        self._found: list[rejoin.Rejoin] = []

    def add(self, race: Race, shipped: Shipped) -> None:
        """Ask about the stops of a race."""
        self._found += rejoin.rejoins(race, shipped.race, shipped.player)

    def figures(self) -> Figures:
        """Ours and the baseline, at both moments."""
        return rejoin.summary(self._found)


class Stops:
    """T2, see ``pitcall.backtest.stops``; its baseline is fitted again whenever the forecasters are."""

    name = "stops"

    def __init__(self) -> None:
        self._known: dict[str, StopCases] = {}
        self._tier: stops.Stops | None = None

    def learn(self, training: Sequence[Race], shipped: Shipped) -> None:
        """Fit the baseline, which depends on no parameter of ours: a race is looked at once."""
        for race in training:
            if race.table.key not in self._known:
                self._known[race.table.key] = stop_cases(race.events, shipped.race)
        age = stops.age_hazard([self._known[race.table.key] for race in training])
        if self._tier is None:
            self._tier = stops.Stops(age)
        self._tier.age = age

    def add(self, race: Race, shipped: Shipped) -> None:
        """The stops of a race. Raises ValueError before ``learn``."""
        if self._tier is None:
            raise ValueError("learn first")
        self._tier.add(race, shipped)

    def figures(self) -> Figures:
        """Ours and the baseline."""
        return {} if self._tier is None else self._tier.figures()


class Cautions:
    """T4, see ``pitcall.backtest.cautions``."""

    name = "events"

    def __init__(self) -> None:
        self._found: dict[str, list[Tally]] = {}

    def add(self, race: Race, shipped: Shipped) -> None:
        """Play the moments of a race and count."""
        for name, tally in cautions.tallies(race, shipped.race).items():
            self._found.setdefault(name, []).append(tally)

    def figures(self) -> Figures:
        """Expected and seen by kind."""
        return {name: cautions.summary(tally) for name, tally in self._tallies().items()}

    def reliability(self) -> dict[str, list[Bin]]:
        """Of what was said to have a probability, what share happened, by kind."""
        return {name: cautions.reliability(tally.p_any, tally.seen > 0) for name, tally in self._tallies().items()}

    def _tallies(self) -> dict[str, Tally]:
        return {
            name: Tally(
                *(np.concatenate([getattr(t, column) for t in parts]) for column in ("expected", "p_any", "seen"))
            )
            for name, parts in self._found.items()
        }


class Tiers:
    """All of them, as the watcher of a backtest. ``ours``: the forecaster that simulates."""

    def __init__(self, ours: str) -> None:
        self._ours = ours
        self._stops, self._cautions = Stops(), Cautions()
        self._all: tuple[Tier, ...] = (Laps(), Rejoins(), self._stops, self._cautions, Agreement())

    def fitted(self, training: Sequence[Race], forecasters: Mapping[str, Any]) -> None:
        """Fit the baselines that look at other races."""
        self._stops.learn(training, forecasters[self._ours])

    def race(self, race: Race, forecasters: Mapping[str, Any]) -> None:
        """Measure a race."""
        for tier in self._all:
            tier.add(race, forecasters[self._ours])

    def figures(self) -> dict[str, Figures]:
        """By tier."""
        return {tier.name: tier.figures() for tier in self._all}

    def reliability(self) -> dict[str, list[Bin]]:
        """Of the events."""
        return self._cautions.reliability()


class Agreement:
    """T5, see ``pitcall.backtest.agreement``."""

    name = "agreement"

    def __init__(self) -> None:
        self._made: list[agreement.Called] = []

    def add(self, race: Race, shipped: Shipped) -> None:
        """Ask about the stops of a race."""
        self._made += agreement.calls(race, shipped.race, shipped.player)

    def figures(self) -> Figures:
        """Agreement by kind of stop."""
        return agreement.summary(self._made)
