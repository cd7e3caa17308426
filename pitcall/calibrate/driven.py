"""A race that was driven, as columns with one entry per completed lap: what every fit looks at. Pure.

Cars are compared at the line of the same lap number, as the simulator does: who laps whom is left out.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from pitcall.domain import events as ev
from pitcall.domain.race import RaceState
from pitcall.domain.reducer import reduce_all
from pitcall.domain.tyres import RAIN, Compound
from pitcall.sim.race import GREEN, RED, SAFETY_CAR, VSC, YELLOW

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

#: A gap that is none: no car ahead.
FAR_S: Final = 1e3
#: TrackStatus digits, the most severe last.
_DIGITS: Final = (("2", YELLOW), ("67", VSC), ("4", SAFETY_CAR), ("5", RED))
_STATUS: Final = {
    ev.Track.GREEN: GREEN,
    ev.Track.YELLOW: YELLOW,
    ev.Track.VSC: VSC,
    ev.Track.SAFETY_CAR: SAFETY_CAR,
    ev.Track.RED: RED,
}


@dataclass(frozen=True, slots=True)
class Driven:
    """One race. Columns are in the order of car, then lap."""

    key: str  #: ``2019-12``
    season: int
    circuit: str  #: "" where it is not known
    total_laps: int
    cars: tuple[str, ...]
    teams: tuple[str, ...]
    grid: Ints  #: [car] starting slot; -1: not known
    retired: Ints  #: [car] laps completed by a car that did not see the flag; -1: it did
    statuses: tuple[tuple[float, int], ...]  #: (s, regime from then on)
    car: Ints
    lap: Ints
    time_s: Floats  #: at the line
    lap_s: Floats  #: nan: not known
    compound: Ints
    age: Ints  #: laps on the set, this one included; -1: not known
    pit_in: Bools
    pit_out: Bools
    regime: Ints  #: the worst that was shown on the lap
    lane_s: Floats  #: time in the pit lane of the stop that the lap ended with; nan: none
    wet: Bools  #: some car was on tyres with a tread on a lap of this number
    gaps_s: Floats  #: [row, 3] to the three cars ahead when the lap began; ``FAR_S``: none
    ahead: Ints  #: row of the car ahead when the lap began, on this lap; -1: none, or it did not complete it
    end_gap_s: Floats  #: to the car ahead when the lap ended
    place: Ints  #: at the end of the lap, from 0

    @property
    def clean(self) -> Bools:
        """Rows that say something about pace: green, timed, on known dry tyres, no stop, not the first lap."""
        slick = self.compound <= Compound.HARD
        flying = ~self.pit_in & ~self.pit_out & (self.lap > 1)
        known: Bools = slick & (self.age > 0) & np.isfinite(self.lap_s)
        clean: Bools = known & flying & (self.regime == GREEN) & ~self.wet
        return clean

    def row(self, car: int, lap: int) -> int:
        """The row of one lap; -1: not completed."""
        at = int(np.searchsorted(self.car * 1000 + self.lap, car * 1000 + lap))
        return at if at < len(self.car) and self.car[at] == car and self.lap[at] == lap else -1


def driven(events: Iterable[ev.Event]) -> Driven:
    """The columns of a log. Raises InvalidEvent for a log that contradicts itself."""
    log = list(events)
    state = reduce_all(log)
    shown = {(event.car, event.lap): event.track for event in log if isinstance(event, ev.Lap)}
    statuses = tuple((event.t, _STATUS[event.status]) for event in log if isinstance(event, ev.TrackStatus))
    cars = sorted(state.cars)
    rows = [(i, *record) for i, car in enumerate(cars) for record in state.cars[car].laps]
    number, lap, time, lap_time, compound, age, pit_in, pit_out, green = map(
        list, zip(*rows, strict=True) if rows else ((),) * 9
    )
    digits = [shown.get((cars[c], n), "") for c, n in zip(number, lap, strict=True)]
    lanes = {(c, s.lap): s.out_s - s.in_s for c in cars for s in state.cars[c].stops if s.out_s is not None}
    car_column, lap_column = np.array(number, np.int64), np.array(lap, np.int64)
    times = np.array(time, np.float64)
    tyres = np.array([int(c) for c in compound], np.int64)
    treaded = np.unique(lap_column[np.isin(tyres, [int(c) for c in RAIN])])
    gaps, ahead, end_gap, place = _neighbours(car_column, lap_column, times)
    return Driven(
        key=state.race,
        season=state.season or 0,
        circuit=state.circuit or "",
        total_laps=state.total_laps,
        cars=tuple(cars),
        teams=tuple(state.cars[car].team for car in cars),
        grid=np.array([state.cars[car].grid or -1 for car in cars], np.int64),
        retired=_retired(state, cars),
        statuses=statuses,
        car=car_column,
        lap=lap_column,
        time_s=times,
        lap_s=np.array([np.nan if t is None else t for t in lap_time], np.float64),
        compound=tyres,
        age=np.array([a or -1 for a in age], np.int64),
        pit_in=np.array(pit_in, np.bool_),
        pit_out=np.array(pit_out, np.bool_),
        regime=np.array([_worst(d, green=g) for d, g in zip(digits, green, strict=True)], np.int64),
        lane_s=np.array([lanes.get((cars[c], n), np.nan) for c, n in zip(number, lap, strict=True)], np.float64),
        wet=np.isin(lap_column, treaded),
        gaps_s=gaps,
        ahead=ahead,
        end_gap_s=end_gap,
        place=place,
    )


def _worst(digits: str, *, green: bool) -> int:
    """The worst status of a lap by its digits; a feed without digits only tells green from yellow."""
    found = [regime for marks, regime in _DIGITS if set(marks) & set(digits)]
    return max(found, default=GREEN if green or digits else YELLOW)


def _retired(state: RaceState, cars: list[str]) -> Ints:
    """Laps done by each car that was not there at the flag: retired, or two laps and more behind its last chance."""
    out = []
    for key in cars:
        car = state.cars[key]
        home = state.flag_s is not None and bool(car.laps) and car.time_s >= state.flag_s - 1e-6
        out.append(-1 if home else car.laps_done)
    return np.array(out, np.int64)


def _neighbours(car: Ints, lap: Ints, time: Floats) -> tuple[Floats, Ints, Floats, Ints]:
    """Gaps to the three cars ahead at the start of each lap, the row of the first, and gap and place at its end."""
    n = len(car)
    gaps, ahead = np.full((n, 3), FAR_S), np.full(n, -1)
    end_gap, place = np.full(n, FAR_S), np.zeros(n, np.int64)
    before: list[int] = []  # cars in their order at the last line
    crossed: dict[int, float] = {}
    for number in range(1, int(lap.max(initial=0)) + 1):
        rows = np.flatnonzero(lap == number)
        rows = rows[np.argsort(time[rows], kind="stable")]
        of_car = {int(car[row]): int(row) for row in rows}
        place[rows] = np.arange(len(rows))
        end_gap[rows[1:]] = np.diff(time[rows])
        for q, c in enumerate(before):
            if c in of_car:
                row = of_car[c]
                near = before[max(0, q - 3) : q][::-1]
                gaps[row, : len(near)] = [crossed[c] - crossed[other] for other in near]
                ahead[row] = of_car.get(near[0], -1) if near else -1
        before = [int(car[row]) for row in rows]
        crossed = {int(car[row]): float(time[row]) for row in rows}
    return gaps, ahead, end_gap, place
