"""What if ...: a race as given, with one thing changed. Pure; the race that comes in stays as it is.

Contingencies play the race after one of the events of the first half, break-evens move one parameter
with the functions of the second. Random numbers have names, not an order: the changed race meets the
same chances as the one it came from, so the two can be compared path by path.
"""

from dataclasses import replace

from pitcall.errors import InvalidRequest
from pitcall.sim.race import SAFETY_CAR, VSC, Race


def safety_car_now(race: Race) -> Race:
    """The safety car has just come out."""
    return replace(race, regime=SAFETY_CAR, regime_laps=0)


def vsc_now(race: Race) -> Race:
    """The virtual safety car has just come out."""
    return replace(race, regime=VSC, regime_laps=0)


def current_lap(race: Race) -> int:
    """The lap that the leader is on; the last one when the race is over."""
    grid = race.grid
    done = max((laps for laps, racing in zip(grid.laps_done, grid.racing, strict=True) if racing), default=0)
    return min(done + 1, race.circuit.total_laps)


def rain_from(race: Race, lap: int) -> Race:
    """It rains from ``lap`` on, for certain; how hard differs from path to path.

    Raises:
        InvalidRequest: the race is over before.
    """
    if lap > race.circuit.total_laps:
        raise InvalidRequest(f"rain from lap {lap}: the race ends after lap {race.circuit.total_laps}")
    weather = race.weather
    if lap <= current_lap(race):
        return replace(race, weather=replace(weather, raining=True))
    return replace(race, weather=replace(weather, rain_lap=lap))


def boxes_now(race: Race, car: str) -> Race:
    """``car`` comes in at the end of the lap that it is on.

    Raises:
        InvalidRequest: it is not in the race.
    """
    grid = race.grid
    if car not in grid.cars or not grid.racing[grid.cars.index(car)]:
        raise InvalidRequest(f"{car!r} cannot box: it is not racing")
    boxing = tuple(was or name == car for name, was in zip(grid.cars, grid.boxing, strict=True))
    return replace(race, grid=replace(grid, boxing=boxing))


def with_pit_loss(race: Race, pit_loss_s: float) -> Race:
    """A green stop costs ``pit_loss_s`` seconds, for every car."""
    return replace(race, circuit=replace(race.circuit, pit_loss_s=pit_loss_s))


def with_wear(race: Race, factor: float) -> Race:
    """Every tyre wears ``factor`` times as fast."""
    tyres = tuple(
        replace(t, wear_s=factor * t.wear_s, wear2_s=factor * t.wear2_s, cliff_s=factor * t.cliff_s) for t in race.tyres
    )
    return replace(race, tyres=tyres)


def with_caution_rate(race: Race, factor: float) -> Race:
    """Whatever neutralises the race does so ``factor`` times as often, each chance at most certain."""
    c = race.cautions

    def scaled(p: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
        most = min(factor, 1.0 / sum(p)) if sum(p) else factor
        return (p[0] * most, p[1] * most, p[2] * most, p[3] * most)

    hazards = c.yellow_hazard + c.vsc_hazard + c.sc_hazard + c.red_hazard
    most = min(factor, 1.0 / hazards) if hazards else factor
    cautions = replace(
        c,
        yellow_hazard=most * c.yellow_hazard,
        vsc_hazard=most * c.vsc_hazard,
        sc_hazard=most * c.sc_hazard,
        red_hazard=most * c.red_hazard,
        after_failure=scaled(c.after_failure),
        after_accident=scaled(c.after_accident),
    )
    return replace(race, cautions=cautions)
