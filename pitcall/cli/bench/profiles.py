"""The races that the kernel is measured on: from the grid, rivals reacting, every feature of their kind in use.

The priors of ``pitcall.priors``, and on top what they leave at zero because nothing is known of it.
"""

from dataclasses import replace
from typing import Final

from pitcall.priors import GRID_GAP_S, default_circuit, default_race
from pitcall.sim.messages import Candidate
from pitcall.sim.race import Grid, Race, Weather

CARS: Final = 20
LAPS: Final = 70
#: Grid index of the car that asks: midfield, where most happens.
ASKING: Final = 9
#: Fastest to slowest car, s a lap.
SPREAD_S: Final = 2.4
#: Sets of a weekend: soft, medium, hard, intermediate, wet.
SETS: Final = (3, 2, 2, 4, 3)


def calls(count: int) -> list[Candidate]:
    """``count`` different calls: mediums and hards in turn, from lap 12 on, two to a lap."""
    return [Candidate(12 + k // 2, 1 + k % 2) for k in range(count)]


def f1_dry() -> Race:
    """A dry Formula 1 race."""
    circuit = replace(default_circuit(LAPS), track_s=0.01, pass_aid=0.5, pass_bite=0.15)
    grid = Grid(
        cars=tuple(f"C{i}" for i in range(CARS)),
        laps_done=(0,) * CARS,
        time_s=tuple(GRID_GAP_S * i for i in range(CARS)),
        extra_s=(0.0,) * CARS,
        racing=(True,) * CARS,
        boxing=(False,) * CARS,
        compound=tuple(i % 2 for i in range(CARS)),
        tyre_age=(0,) * CARS,
        used=tuple(1 << i % 2 for i in range(CARS)),
        pace_s=tuple(90.0 + SPREAD_S * i / (CARS - 1) for i in range(CARS)),
        pace_sd_s=(0.15,) * CARS,
        wear=(1.0,) * CARS,
        wear_sd=(0.25,) * CARS,
        pace_wear=(-0.3,) * CARS,
        sets=(SETS,) * CARS,
        team=tuple(i // 2 for i in range(CARS)),
        reliability=tuple(0.8 + 0.4 * i / (CARS - 1) for i in range(CARS)),
    )
    return default_race(circuit, grid, two_compounds=True)


def f1_wet() -> Race:
    """The same in changing weather: damp at the start, showers, a drying track."""
    return replace(f1_dry(), weather=Weather(wetness=0.2, rain_hazard=0.03, stop_hazard=0.08))


def endurance() -> Race:
    """The same with two classes, refuelling, driver changes and a clock.

    The clock is read on every lap and ends only races with very long neutralisations, so that a race
    still has about 70 laps.
    """
    race = f1_dry()
    grid = replace(
        race.grid,
        klass=tuple(int(i >= CARS // 2) for i in range(CARS)),
        fuel_laps=(28.0,) * CARS,
        stint_s=(0.0,) * CARS,
        team=(),
    )
    stops = replace(race.stops, tank_laps=28.0, fuel_per_s=0.8, stint_s=5_400.0, driver_s=12.0)
    circuit = replace(race.circuit, time_limit_s=1.15 * LAPS * race.circuit.base_lap_s)
    return replace(race, grid=grid, stops=stops, circuit=circuit)


PROFILES: Final = {"f1_dry": f1_dry, "f1_wet": f1_wet, "endurance": endurance}
