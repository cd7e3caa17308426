"""Races made to measure: a field given lap by lap, and a synthetic season whose parameters are known."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
import numpy.typing as npt
import pytest

from pitcall.calibrate.driven import Driven, driven
from pitcall.calibrate.fit import Found, look
from pitcall.domain import events as ev
from pitcall.domain.tyres import Compound
from pitcall.parameters import DEFAULT, CircuitEffect, Parameters, SeasonEffect, TyreShift
from pitcall.synth import Place, synthesise

#: Races of the synthetic season: eight at each of four circuits.
RACES = 32


@dataclass(frozen=True)
class Stop:
    """A visit to the pit lane at the end of ``lap``."""

    car: int
    lap: int
    lane_s: float = 24.0
    fitted: Compound = Compound.HARD


def field(
    lap_s: npt.NDArray[np.float64],
    *,
    stops: Sequence[Stop] = (),
    start_s: Sequence[float] | None = None,
    track: Callable[[int], str] = lambda lap: "1",
    statuses: Sequence[tuple[float, ev.Track]] = (),
    compound: Compound = Compound.MEDIUM,
    grid: Sequence[int] | None = None,
    circuit: str = "Alpha",
    season: int = 2031,
    number: int = 1,
) -> Driven:
    """A race by its lap times [car, lap]; nan: the car is out from there. Cars start ``start_s`` after the first."""
    cars, laps = lap_s.shape
    late = list(start_s) if start_s is not None else [3.0 * c for c in range(cars)]
    name = [f"C{c:02d}" for c in range(cars)]
    log: list[ev.Event] = []
    flag = float(np.nanmin(np.array(late) + lap_s.sum(axis=1)))
    made = {(stop.car, stop.lap): stop for stop in stops}
    for c in range(cars):
        t, on, age = late[c], compound, 0
        for lap in range(1, laps + 1):
            if not np.isfinite(lap_s[c, lap - 1]) or t >= round(flag, 6):
                break
            t, age = round(t + float(lap_s[c, lap - 1]), 6), age + 1
            stop, before = made.get((c, lap)), made.get((c, lap - 1))
            if stop:
                log.append(ev.PitIn(t=t - 3.0, car=name[c], lap=lap))
            log.append(
                ev.Lap(
                    t=t, car=name[c], lap=lap, lap_time_s=float(lap_s[c, lap - 1]), compound=on, tyre_age=age,
                    pit_in=stop is not None, pit_out=before is not None, track=track(lap),
                )
            )  # fmt: skip
            if stop:
                on, age = stop.fitted, 0
                log.append(ev.PitOut(t=t - 3.0 + stop.lane_s, car=name[c], lap=lap + 1, compound=on, tyre_age=0))
    log += [ev.TrackStatus(t=t, status=status) for t, status in statuses]
    log.append(ev.Finish(t=round(flag, 6)))
    log.sort(key=lambda event: (event.t, not isinstance(event, ev.Finish)))
    session = ev.Session(
        t=0.0, race=f"{season}-{number:02d}", name="", season=season, round=number, circuit=circuit, total_laps=laps
    )
    entries = [
        ev.Car(t=0.0, car=name[c], team=f"T{c // 2}", compound=compound, tyre_age=0, grid=grid[c] if grid else None)
        for c in range(cars)
    ]
    return driven([session, *entries, *log])


def _here(loss_s: float, *, wear: float = 1.0, pass_logit: float = 0.0, noise: float = 1.0) -> CircuitEffect:
    tyres = (TyreShift(wear=wear),) * 3 + (TyreShift(),) * 2
    return CircuitEffect(
        races=0, base_lap_s=90.0, pit_loss_s=loss_s, pit_road_s=18.0, tyres=tyres, pass_logit=pass_logit, noise=noise
    )


@pytest.fixture(scope="session")
def truth() -> Parameters:
    """What the synthetic season is made by: far from the default in everything that is fitted."""
    slicks = [
        replace(kind, offset_s=offset, wear_s=wear, cliff_s=0.06)
        for kind, offset, wear in zip(DEFAULT.kinds, (-0.4, 0.0, 0.3), (0.09, 0.055, 0.04), strict=False)
    ]
    return replace(
        DEFAULT,
        version="truth",
        typical=replace(
            DEFAULT.typical, noise_s=0.3, noise_memory=0.5, mistake_hazard=0.05, mistake_s=1.5, full_track_s=0.5
        ),
        kinds=(*slicks, *DEFAULT.kinds[3:]),
        circuits=MappingProxyType({
            "Alpha": _here(20.0, wear=1.5),
            "Bravo": _here(24.0, wear=0.6, pass_logit=-1.5),
            "Charlie": _here(22.0, pass_logit=0.8, noise=1.4),
            "Delta": _here(22.0),
        }),
        seasons=MappingProxyType({"2031": SeasonEffect(0), "2032": SeasonEffect(0, failure=2.5)}),
    )  # fmt: skip


@pytest.fixture(scope="session")
def found(truth: Parameters) -> Found:
    """What the fits find in the synthetic season."""
    races = []
    for i in range(RACES):
        circuit, season = list(truth.circuits)[i % 4], 2031 + (i // 4) % 2
        log = synthesise(1000 + i, laps=60, race=f"{season}-{i:02d}", place=Place(circuit, season, truth))
        races.append(driven(log))
    return look(races)
