"""Small races whose outcome can be worked out by hand."""

from collections.abc import Iterator
from dataclasses import fields, replace
from typing import Any, Final

import pytest

from pitcall.priors import DEFAULT_CAUTIONS, DEFAULT_POLICY, default_circuit, default_race
from pitcall.sim.engine import Engine
from pitcall.sim.race import STOP_FEATURES, Circuit, Grid, Policy, Race, Tyre

#: A circuit on which nothing happens by chance, nobody holds anybody up and a stop costs 22 s, 2.5 s of it in the box.
QUIET: Final = Circuit(
    total_laps=30,
    base_lap_s=90.0,
    fuel_s=0.0,
    noise_s=0.0,
    pit_loss_s=22.0,
    dirty_air_s=(0.0, 0.0, 0.0),
    dirty_air_gap_s=1.5,
    hold_gap_s=0.0,
    pass_intercept=1e9,
    pass_per_s=0.0,
)
NO_WEAR: Final = (Tyre(offset_s=0.0, wear_s=0.0, cliff_s=0.0, life_laps=400, cold_s=0.0),) * 5


def weights(**named: float) -> tuple[float, ...]:
    """Weights of the stop policy by name; a bias that forbids every stop unless it is given."""
    named = {"bias": -1e6} | named
    assert not named.keys() - set(STOP_FEATURES)
    return tuple(named.get(name, 0.0) for name in STOP_FEATURES)


#: Nobody stops who need not.
NEVER: Final = Policy(stop=weights(), compound_s=0.0)


def make_race(cars: int = 6, *, lap: int = 10, **changes: Any) -> Race:
    """``cars`` equal cars one second apart after ``lap`` laps; ``changes``: columns of the grid, fields of the race.

    ``stops`` and ``reliability`` are both: a tuple is the column.
    """
    columns: dict[str, Any] = {
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
    parts: dict[str, Any] = {"circuit": QUIET, "tyres": NO_WEAR, "policy": NEVER}
    of_grid = {field.name for field in fields(Grid)}
    for name, value in changes.items():
        (columns if name in of_grid and isinstance(value, tuple) else parts)[name] = value
    return Race(grid=Grid(**columns), **parts)


def busy_race(cars: int = 12, lap: int = 12, **columns: Any) -> Race:
    """The default race with everything in it, and more cautions than there really are."""
    spread: dict[str, Any] = {
        "pace_s": tuple(90.0 + 0.07 * i for i in range(cars)),
        "pace_sd_s": (0.15,) * cars,
        "wear_sd": (0.2,) * cars,
        "compound": tuple(i % 3 for i in range(cars)),
        "used": tuple(1 << (i % 3) for i in range(cars)),
    }
    grid = make_race(cars, lap=lap, **(spread | columns)).grid
    return replace(
        default_race(default_circuit(30), grid, two_compounds=True),
        cautions=replace(DEFAULT_CAUTIONS, sc_hazard=0.04, vsc_hazard=0.04),
        policy=replace(DEFAULT_POLICY, stop=weights(bias=-9.0, life_used=9.0, new_safety_car=5.0, new_vsc=5.0)),
    )


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    made = Engine(2)
    yield made
    made.close()
