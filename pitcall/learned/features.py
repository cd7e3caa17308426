"""What the learned forecast looks at: each running car, the race, and what the simulation says of every pair. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import copysign, log, log1p
from statistics import fmean, median
from typing import Final

import numpy as np
import numpy.typing as npt

from pitcall.domain.events import Track
from pitcall.domain.race import CarState, CarStatus, RaceState
from pitcall.domain.tyres import RAIN, Compound
from pitcall.form import UNKNOWN, Prior, lap_deltas
from pitcall.sim.outcome import Bytes

#: Of one car, in the order of ``Features.own``.
OWN: Final = (
    "position",
    "gap",
    "laps_down",
    "tyre_age",
    "soft",
    "medium",
    "hard",
    "rain_tyre",
    "compounds",
    "stops",
    "stops_over_field",
    "in_pit",
    "race_pace",
    "recent_pace",
    "form_pace",
    "form_sd",
    "reliability",
    "no_pace",
    "simulated_rank",
    "simulated_sd",
)
#: Of the race, in the order of ``Features.shared``.
SHARED: Final = ("fraction", "laps_left", "total_laps", "safety_car", "vsc", "red", "wet", "running")
#: Laps that "recent" pace looks back; figures of pace beyond this many percent say no more than this many.
RECENT_LAPS: Final = 8
MOST_PACE: Final = 2.5
#: Added to both sides of the odds that one car beats another, so that 2,048 paths never say "never".
ODDS_FLOOR: Final = 2e-3

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Features:
    """One state, ready for the network."""

    cars: tuple[str, ...]  #: running, in running order
    own: Floats  #: [car, OWN]
    shared: Floats  #: [SHARED]
    ahead: Floats  #: [car, other] log odds that the car finishes ahead of the other, as simulated
    team_mates: Floats  #: [car, other] 1 where both drive for one team
    starters: int  #: cars that the ranks are counted over


def features(
    race: RaceState, running: list[str], prior: Mapping[str, Prior], order: tuple[str, ...], place: Bytes
) -> Features:
    """The features of ``race``.

    Args:
        race: the race so far.
        running: the cars that the simulation takes to be in the race.
        prior: what earlier races say of each car, by car.
        order: the car of each column of ``place``.
        place: [path, car] simulated finishing positions.
    """
    chosen = set(running)
    cars = [car for car in race.order() if car.car in chosen]
    shown = place[:, [order.index(car.car) for car in cars]].astype(np.int16)
    beats = (shown[:, :, None] < shown[:, None, :]).mean(axis=0)
    table = _own(race, cars, prior)
    table[:, OWN.index("simulated_rank")] = beats.sum(axis=0)
    table[:, OWN.index("simulated_sd")] = shown.std(axis=0)
    teams = np.array([car.team or f"/{car.car}" for car in cars])
    return Features(
        cars=tuple(car.car for car in cars),
        own=table,
        shared=_shared(race, cars),
        ahead=np.log((beats + ODDS_FLOOR) / (beats.T + ODDS_FLOOR)).astype(np.float32),
        team_mates=(teams[:, None] == teams[None, :]).astype(np.float32),
        starters=len(race.cars),
    )


def _own(race: RaceState, cars: list[CarState], prior: Mapping[str, Prior]) -> Floats:
    """[car, OWN], the two simulated columns still 0."""
    deltas, first_s, leader_laps = lap_deltas(race), _first_times(race), race.laps_done
    usual_stops = median(len(car.stops) for car in cars) if cars else 0.0
    rows = []
    for position, car in enumerate(cars, 1):
        pace, past = deltas.get(car.car, {}), prior.get(car.car, UNKNOWN)
        recent = [slower for lap, slower in pace.items() if lap > leader_laps - RECENT_LAPS]
        race_pace = fmean(pace.values()) if pace else past.pace
        gap = car.time_s - first_s.get(car.laps_done, car.time_s)
        rows.append(
            (
                position,
                copysign(log1p(min(abs(gap), 300.0)), gap),
                leader_laps - car.laps_done,
                (car.tyre_age or 0) / 20.0,
                car.compound is Compound.SOFT,
                car.compound is Compound.MEDIUM,
                car.compound is Compound.HARD,
                car.compound in RAIN,
                len(car.compounds_used),
                len(car.stops),
                len(car.stops) - usual_stops,
                _in_pit(car),
                _bounded(race_pace),
                _bounded(fmean(recent) if recent else race_pace),
                _bounded(past.pace),
                past.sd,
                past.reliability,
                not recent,
                0.0,
                0.0,
            )
        )
    return np.array(rows, np.float32).reshape(len(cars), len(OWN))


def _shared(race: RaceState, cars: list[CarState]) -> Floats:
    laps = race.laps_done
    return np.array(
        (
            laps / max(1, race.total_laps),
            log(max(1, race.total_laps - laps)),
            race.total_laps / 60.0,
            race.track is Track.SAFETY_CAR,
            race.track is Track.VSC,
            race.track is Track.RED,
            any(compound in RAIN for car in cars for compound in car.compounds_used),
            len(cars) / 20.0,
        ),
        np.float32,
    )


def _first_times(race: RaceState) -> dict[int, float]:
    """When the first car completed each lap, s."""
    first: dict[int, float] = {}
    for car in race.cars.values():
        for record in car.laps:
            first[record.lap] = min(record.time_s, first.get(record.lap, record.time_s))
    return first


def _in_pit(car: CarState) -> bool:
    return car.status is CarStatus.IN_PIT or bool(car.laps and car.laps[-1].pit_in)


def _bounded(pace: float) -> float:
    return min(MOST_PACE, max(-MOST_PACE, pace))
