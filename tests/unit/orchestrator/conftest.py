"""A race of four cars, and canned advice on it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from pitcall_orchestrator.phrase import advice
from pitcall_orchestrator.report import Said

from pitcall.domain import events as ev
from pitcall.domain.race import RaceState
from pitcall.domain.reducer import reduce_all
from pitcall.domain.strategy import Evidence
from pitcall.sim.messages import Decision, Option
from pitcall.wire.convert import Advice, Provenance, Timings

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


@pytest.fixture
def grid() -> RaceState:
    """Before the start."""
    return reduce_all(race_events()[:5])


def make_advice(*options: Option, resolved: bool = True, cut: bool = False, **evidence: Any) -> Advice:
    """Advice on these options, the first of them the best."""
    facts = Evidence(
        compound="medium", tyre_age_laps=18, pit_loss_s=21.3, wear_s_per_lap=0.08, wear_sd_s_per_lap=0.02,
        fresh_gain_s=1.1, position=1, ahead="", gap_ahead_s=0.0, behind="HAM", gap_behind_s=2.0,
        rejoin_position=3, rejoin_ahead="LEC", rejoin_gap_ahead_s=1.2, rejoin_behind="PER",
        rejoin_gap_behind_s=3.4, undercut_threats=(),
    )  # fmt: skip
    return Advice(
        Decision(options, 0, resolved, 3, 256, final=True, cut=cut),
        Provenance("prior@1", 1, 10, 900.0),
        Timings(1.0, 2.0),
        replace(facts, **evidence),
    )


@pytest.fixture(scope="session")
def advice_of() -> Callable[..., Advice]:
    return make_advice


@pytest.fixture
def advice_on(state: RaceState) -> Callable[..., Said]:
    """The words for a plan and these options."""
    return lambda plan, *options, **more: advice(plan, state, make_advice(*options, **more))
