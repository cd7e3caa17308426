"""A race of four cars."""

import pytest

from pitcall.domain import events as ev
from pitcall.domain.race import RaceState
from pitcall.domain.reducer import reduce_all

LAPS = 30
DRIVERS = {"VER": "Max Verstappen", "HAM": "Lewis Hamilton", "LEC": "Charles Leclerc", "PER": "Sergio Pérez"}


def race_events(*, laps: int = 10, named: bool = True) -> list[ev.Event]:
    """Laps of 90 s, the cars two seconds apart; PER is a lap down from lap 3 on."""
    log: list[ev.Event] = [ev.Session(t=0.0, race="toy", name="Toy Grand Prix", total_laps=LAPS)]
    log += [
        ev.Car(t=0.0, car=key, number=number, driver=name if named else key, team=team, grid=place)
        for place, (key, name, number, team) in enumerate(
            zip(
                DRIVERS, DRIVERS.values(), ("33", "44", "16", "11"), ("Bull", "Silver", "Scuderia", "Bull"), strict=True
            ),
            start=1,
        )
    ]
    crossings: list[ev.Event] = []
    for lap in range(1, laps + 1):
        for place, car in enumerate(DRIVERS):
            late = 95.0 if car == "PER" and lap >= 3 else 0.0
            crossings.append(ev.Lap(t=90.0 * lap + 2.0 * place + late, car=car, lap=lap, lap_time_s=90.0))
    return log + sorted(crossings, key=lambda event: event.t)


@pytest.fixture
def events() -> list[ev.Event]:
    return race_events()


@pytest.fixture(scope="session")
def state() -> RaceState:
    """VER has done 10 laps, as has everyone but PER."""
    return reduce_all(event for event in race_events() if event.t <= 904.0)
