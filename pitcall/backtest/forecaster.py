"""Who can be scored by a backtest, and the shipped path as one of them. Pure."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Protocol

from pitcall.backtest.cases import Case
from pitcall.backtest.score import Forecast
from pitcall.backtest.table import RaceTable
from pitcall.domain.events import Event
from pitcall.domain.race import RaceState
from pitcall.domain.reducer import reduce_all
from pitcall.forecast import Reading, read
from pitcall.form import Form
from pitcall.learned.outlook import outlook
from pitcall.model import HAND_SET, Model
from pitcall.sim.messages import FORECAST_PATHS
from pitcall.sim.outcome import Player
from pitcall.sim.race import Race


class Forecaster(Protocol):
    """Forecasts moments of races, which it is shown in the order of their dates."""

    def forecast(self, case: Case) -> Forecast:
        """P(rank 1..n) of at least the scored cars, from ``case.known`` and ``case.state`` alone."""

    def saw(self, race: RaceTable) -> None:
        """A race is over: what it showed may be used from the next one on."""


class Shipped(Forecaster, Protocol):
    """A forecaster that simulates."""

    player: Player

    def read(self, state: RaceState) -> Reading:
        """What a state is taken for."""

    def race(self, state: RaceState) -> Race:
        """The rest of a race as it is simulated."""


class Simulated:
    """What was seen -> ``pitcall.forecast.read`` -> the kernel -> weights: the path that the model server takes.

    With a ``log`` it starts without any form and lets every finished race move it, as a live system would.
    """

    def __init__(
        self,
        player: Player,
        model: Model = HAND_SET,
        log: Callable[[RaceTable], Iterable[Event]] | None = None,
        paths: int = FORECAST_PATHS,
        seed: int = 1,
    ) -> None:
        self.player = player
        self._model = model if log is None else replace(model, form=Form())
        self._log, self._paths, self._seed = log, paths, seed

    def read(self, state: RaceState) -> Reading:
        """What a state is taken for."""
        return read(state, model=self._model)

    def race(self, state: RaceState) -> Race:
        """The rest of a race as it is simulated."""
        return self.read(state).race

    def forecast(self, case: Case) -> Forecast:
        """P(rank 1..n) of every car on the grid."""
        race = self.race(case.state)
        place = self.player.finish(race, self._seed, range(self._paths))
        seen = outlook(case.state, race.grid, place, self._model)
        return dict(zip(seen.cars, seen.p, strict=True))

    def saw(self, race: RaceTable) -> None:
        """The race moves the form of its drivers and teams."""
        if self._log is not None:
            self._model = replace(self._model, form=self._model.form.after(reduce_all(self._log(race))))
