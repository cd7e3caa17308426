"""Every lap on which a car could have stopped, what the policy saw then, and whether it did. Pure.

A case is one racing car on one lap from the second to the last but one. Features are those of
``pitcall.sim.policy_view``, from the race as ``read`` tells it at the moment at which the leader began the
lap; who stopped, and what the car itself met on the lap, comes from the log. Wanted are the decisions that
strategy makes, so these are left out:

===============  =========================================================================================
first lap        stops at its end repair damage
retired          the car came in and did not leave
red flag         the lap, or the one after a stop, shows one: the change is free
unknown          the tyres before or after are not known, or their age
no change        the same set goes on: a penalty was served, or the front wing changed
damage           a stop on a lap that is not neutralised, the in-lap or the one before far too slow
weather          the car is on tyres, or takes some, that are wrong for the wetness by which the lap was read:
                 the tables have no weather, and the field's tyres tell of it too late
===============  =========================================================================================
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from pitcall.domain.events import Event, Lap
from pitcall.domain.race import CarState, LapRecord, RaceState
from pitcall.domain.reducer import reduce
from pitcall.domain.tyres import RAIN, Compound
from pitcall.sim.policy_view import Seen, look
from pitcall.sim.race import COMPOUNDS, GREEN, SAFETY_CAR, STOP_FEATURES, STOPS_KEPT, VSC, Grid, Race

#: An in-lap, and any other lap, this many times the race's median lap: the car has a problem.
SLOW_IN_LAP: Final = 1.22
SLOW_LAP: Final = 1.2

_WET_S: Final = STOP_FEATURES.index("wet_s")

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class StopCases:
    """One entry per case, in the order of races, laps and cars."""

    race: npt.NDArray[np.str_]  #: id
    season: Ints
    circuit: npt.NDArray[np.str_]  #: "" where it is not known
    car: npt.NDArray[np.str_]
    lap: Ints
    age: Ints  #: laps on the set, this one included
    compound: Ints
    regime: Ints  #: that the car met on the lap: green, VSC or safety car
    features: npt.NDArray[np.float32]  #: [case, ``STOP_FEATURES``]
    stopped: npt.NDArray[np.bool_]
    fitted: Ints  #: compound that the car took; -1: it did not stop
    costs: npt.NDArray[np.float32]  #: [case, compound] seconds to the flag; inf: may not be fitted

    def __len__(self) -> int:
        return len(self.lap)

    def of(self, keep: npt.NDArray[np.bool_]) -> "StopCases":
        """Those that ``keep`` marks."""
        return StopCases(*(getattr(self, field.name)[keep] for field in fields(self)))


def joined(parts: Sequence[StopCases]) -> StopCases:
    """All cases of several races. Raises ValueError: none given."""
    return StopCases(*(np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(StopCases)))


def stop_cases(
    events: Iterable[Event], read: Callable[[RaceState], Race], left_out: Counter[str] | None = None
) -> StopCases:
    """The cases of one race.

    Args:
        events: its whole log.
        read: the race as it is simulated from a state.
        left_out: counts why stops are not among the cases.

    Raises InvalidEvent for a log that contradicts itself.
    """
    log = list(events)
    views, state = _views(log, read)
    told = _Told(log, state, left_out if left_out is not None else Counter())
    rows: list[_Row] = []
    for lap, race in views:
        rows += told.rows(lap, race)
    columns = tuple(zip(*rows, strict=True)) if rows else ((),) * len(_Row._fields)
    kinds = {"car": np.str_, "stopped": np.bool_, "features": np.float32, "costs": np.float32}
    shapes = {"features": (-1, len(STOP_FEATURES)), "costs": (-1, COMPOUNDS)}
    named: dict[str, npt.NDArray[Any]] = {
        name: np.array(column, kinds.get(name, np.int64)).reshape(shapes.get(name, (-1,)))
        for name, column in zip(_Row._fields, columns, strict=True)
    }
    n = len(rows)
    return StopCases(
        race=np.full(n, state.race), season=np.full(n, state.season or 0), circuit=np.full(n, state.circuit or ""),
        **named,
    )  # fmt: skip


class _Row(NamedTuple):
    """One case; the fields of ``StopCases`` that differ within a race."""

    car: str
    lap: int
    age: int
    compound: int
    regime: int
    features: Floats
    stopped: bool
    fitted: int
    costs: Floats


def _views(log: Sequence[Event], read: Callable[[RaceState], Race]) -> tuple[list[tuple[int, Race]], RaceState]:
    """(lap, the race as it was read when its first car began it) for every lap from the second; the end."""
    state, views, begun = RaceState(), [], 1
    for event in log:
        state = reduce(state, event)
        if isinstance(event, Lap) and event.lap >= begun:
            begun = event.lap + 1
            if 1 < begun < state.total_laps:
                views.append((begun, read(state)))
    return views, state


class _Told:
    """What the log tells of each lap, with hindsight."""

    def __init__(self, log: Sequence[Event], end: RaceState, left_out: Counter[str]) -> None:
        self._cars = end.cars
        self._laps = {car: {r.lap: r for r in found.laps} for car, found in end.cars.items()}
        self._visits = {car: {stop.lap for stop in found.stops} for car, found in end.cars.items()}
        self._stops = {car: {stop.lap for stop in found.tyre_stops} for car, found in end.cars.items()}
        self._track = {(e.car, e.lap): e.track for e in log if isinstance(e, Lap)}
        times = [r.lap_time_s for laps in self._laps.values() for r in laps.values() if r.lap_time_s]
        self._usual = float(np.median(times)) if times else np.inf
        self._used = {car: _used(found) for car, found in end.cars.items()}
        self._lately: dict[int, float] = defaultdict(float)
        self._left_out = left_out

    def rows(self, lap: int, race: Race) -> Iterator[_Row]:
        """The cases of one lap."""
        cars = [car for car in race.grid.cars if lap - 1 in self._laps[car] and self._compound(car, lap) is not None]
        if not cars:
            return
        just = [lap - 1 in self._stops[car] for car in cars]
        self._lately[lap] = STOPS_KEPT * self._lately[lap - 1] + sum(just) / len(cars)
        regimes = np.array([self._regime(car, lap) for car in cars], np.int64)
        seen = Seen(
            regime=regimes.astype(np.int32),
            fresh=np.array([self._fresh(car, lap) for car in cars]),
            before_s=np.array([getattr(self._laps[car].get(lap - 2), "time_s", np.nan) for car in cars]),
            stopped=np.array(just),
        )
        features, costs = look(self._as_begun(race, cars, lap), seen)
        for i, car in enumerate(cars):
            why = self._why_not(car, lap, wet=race.weather.wetness > 0)
            if features[i][_WET_S] > 0:
                why = "weather"
            stopped = lap in self._visits[car]
            if why:
                self._left_out.update([why] if stopped else [])
                continue
            record, after = self._laps[car][lap], self._laps[car].get(lap + 1)
            fitted = int(after.compound) if stopped and after else -1
            age = record.tyre_age or 0
            yield _Row(
                car, lap, age, int(record.compound), int(regimes[i]), features[i].copy(), stopped, fitted, costs[i]
            )

    def _compound(self, car: str, lap: int) -> Compound | None:
        """What the car is on; None: it does not drive the lap, or nobody knows. A car that stops on track drives it."""
        record = self._laps[car].get(lap) or self._laps[car][lap - 1]
        known = record.compound is not Compound.UNKNOWN and record.tyre_age
        return record.compound if known else None

    def _as_begun(self, race: Race, cars: Sequence[str], lap: int) -> Race:
        """The race with every car at its own last line, on the tyres that it drives the lap with."""
        at = [race.grid.cars.index(car) for car in cars]
        last = [self._laps[car][lap - 1] for car in cars]
        on = [self._laps[car].get(lap) or self._laps[car][lap - 1] for car in cars]
        age = [r.tyre_age or 0 for r in on]
        n = len(cars)
        grid = Grid(
            cars=tuple(cars), laps_done=(lap - 1,) * n, time_s=tuple(r.time_s for r in last), extra_s=(0.0,) * n,
            racing=(True,) * n, boxing=(False,) * n, compound=tuple(int(r.compound) for r in on),
            tyre_age=tuple(a - (r.lap == lap) for a, r in zip(age, on, strict=True)),
            used=tuple(self._used[car][lap] for car in cars),
            pace_s=tuple(race.grid.pace_s[i] for i in at), pace_sd_s=(0.0,) * n,
            wear=tuple(race.grid.wear[i] for i in at), wear_sd=(0.0,) * n,
            stops=tuple(sum(stop < lap for stop in self._stops[car]) for car in cars),
            team=tuple(race.grid.team[i] for i in at),
        )  # fmt: skip
        return replace(race, grid=grid, regime=GREEN, regime_laps=0, stops_lately=self._lately[lap])

    def _regime(self, car: str, lap: int) -> int:
        shown = self._track.get((car, lap), "")
        return SAFETY_CAR if "4" in shown else VSC if set("67") & set(shown) else GREEN

    def _fresh(self, car: str, lap: int) -> bool:
        """The first lap on which the car met this; a safety car after a VSC is new."""
        return self._regime(car, lap) != GREEN and self._regime(car, lap - 1) < self._regime(car, lap)

    def _why_not(self, car: str, lap: int, *, wet: bool) -> str:
        """Why this is not a case; "" if it is one."""
        record, after = self._laps[car].get(lap), self._laps[car].get(lap + 1)
        stopped, red = lap in self._visits[car], "5" in self._track.get((car, lap), "")
        if record is None or (stopped and after is None and not red):
            return "retired"
        if red or (stopped and "5" in self._track.get((car, lap + 1), "")):
            return "red flag"
        if not stopped or after is None:
            return ""
        if after.compound is Compound.UNKNOWN or not after.tyre_age:
            return "unknown"
        return self._not_strategic(car, record, after, wet=wet)

    def _not_strategic(self, car: str, record: LapRecord, after: LapRecord, *, wet: bool) -> str:
        """The same of a stop between two laps whose tyres are known."""
        if after.compound is record.compound and after.tyre_age > record.tyre_age:  # type: ignore[operator]  # known
            return "no change"
        if (record.compound in RAIN) == wet and (after.compound in RAIN) != wet:
            return "weather"
        before = self._laps[car].get(record.lap - 1)
        return "damage" if _slow(record, SLOW_IN_LAP * self._usual) or _slow(before, SLOW_LAP * self._usual) else ""


def _slow(record: LapRecord | None, limit_s: float) -> bool:
    """Too slow for a racing lap."""
    racing = record is not None and record.lap > 1 and record.green and not record.pit_out
    return racing and (record.lap_time_s or 0.0) > limit_s  # type: ignore[union-attr]  # racing: it is there


def _used(car: CarState) -> dict[int, int]:
    """Bits of the compounds used up to and with each lap, and the lap after the last."""
    used, out = 0, {}
    for record in car.laps:
        if record.compound is not Compound.UNKNOWN:
            used |= 1 << int(record.compound)
        out[record.lap] = out[record.lap + 1] = used
    return out
