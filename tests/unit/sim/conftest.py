"""Small races whose outcome can be worked out by hand."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from pitcall.forecast import DEFAULT_TYRES, default_circuit
from pitcall.sim.engine import Engine
from pitcall.sim.messages import Circuit, Grid, Race, Tyre

#: A circuit on which nothing happens by chance and nobody holds anybody up.
QUIET = replace(
    default_circuit(30, two_compounds=False),
    fuel_s=0.0,
    noise_s=0.0,
    pit_tail_s=0.0,
    dirty_air_s=0.0,
    hold_gap_s=0.0,
    sc_hazard=0.0,
    vsc_hazard=0.0,
    retire_hazard=0.0,
    stop_intercept=-1e9,
    pass_intercept=1e9,
)
NO_WEAR = (Tyre(offset_s=0.0, wear_s=0.0, cliff_s=0.0, life_laps=400, cold_s=0.0),) * 5


def make_race(
    cars: int = 6,
    *,
    lap: int = 10,
    circuit: Circuit = QUIET,
    tyres: tuple[Tyre, ...] = NO_WEAR,
    regime: int = 0,
    regime_laps: int = 0,
    wet: bool = False,
    **columns: Any,
) -> Race:
    """``cars`` equal cars one second apart after ``lap`` laps; any column of the grid can be given."""
    defaults: dict[str, Any] = {
        "cars": tuple(f"C{i}" for i in range(cars)),
        "laps_done": (lap,) * cars,
        "time_s": tuple(90.0 * lap + i for i in range(cars)),
        "extra_s": (0.0,) * cars,
        "racing": (True,) * cars,
        "boxing": (False,) * cars,
        "compound": (1,) * cars,
        "tyre_age": (lap,) * cars,
        "used": (2,) * cars,
        "pace_s": (90.0,) * cars,
        "pace_sd_s": (0.0,) * cars,
        "wear": (1.0,) * cars,
        "wear_sd": (0.0,) * cars,
    }
    return Race(circuit, tyres, Grid(**(defaults | columns)), regime, regime_laps, wet)


def busy_race(cars: int = 12, lap: int = 12, **columns: Any) -> Race:
    """A race with everything in it: noise, passing, stops, safety cars, breakdowns, tyre wear."""
    circuit = replace(
        default_circuit(30), sc_hazard=0.04, vsc_hazard=0.04, retire_hazard=0.01, stop_intercept=-9.0, stop_per_life=9.0
    )
    spread: dict[str, Any] = {
        "pace_s": tuple(90.0 + 0.07 * i for i in range(cars)),
        "pace_sd_s": (0.15,) * cars,
        "wear_sd": (0.2,) * cars,
        "compound": tuple(i % 3 for i in range(cars)),
        "used": tuple(1 << (i % 3) for i in range(cars)),
    }
    return make_race(cars, lap=lap, circuit=circuit, tyres=DEFAULT_TYRES, **(spread | columns))


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    made = Engine(2)
    yield made
    made.close()
