"""A small race of two cars, one event at a time."""

from collections.abc import Callable

import pytest

from pitcall.domain.events import Car, Event, Lap, Session
from pitcall.domain.race import RaceState
from pitcall.domain.reducer import reduce_all
from pitcall.domain.tyres import Compound

SESSION = Session(t=0.0, race="r", name="Test race", total_laps=10)
ENTRIES = (
    Car(t=0.0, car="AAA", grid=1, compound=Compound.SOFT, tyre_age=0),
    Car(t=0.0, car="BBB", grid=2),
)


@pytest.fixture
def race() -> Callable[..., RaceState]:
    """The state after the grid and the events given."""

    def after(*events: Event) -> RaceState:
        return reduce_all((SESSION, *ENTRIES, *events))

    return after


@pytest.fixture
def laps() -> Callable[..., list[Event]]:
    """Laps ``first`` to ``last`` of one car, 90 s each unless said otherwise."""

    def of(car: str, last: int, *, first: int = 1, lap_s: float = 90.0, late_s: float = 0.0) -> list[Event]:
        return [Lap(t=lap_s * n + late_s, car=car, lap=n, lap_time_s=lap_s) for n in range(first, last + 1)]

    return of
