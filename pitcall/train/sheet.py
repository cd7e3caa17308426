"""What the learned forecast looks at: one sheet of numbers per moment of a race.

NaN where nothing is known. Pace is in % slower than the median clean lap of the field on the same lap.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean, median
from typing import Final

import numpy as np
import numpy.typing as npt

from pitcall.backtest.cases import Case, last_rows, truth
from pitcall.backtest.table import LapRow, RaceTable
from pitcall.domain.tyres import RAIN, Compound

#: Of each car: place, s behind the first at its last line, laps down, age and kind of tyres, compounds used,
#: stops, stops more than the field's median, in the pits, pace in this race and on its last 9 laps, pace of
#: driver and team and share of cars of the team that finished in the season's earlier races.
OWN: Final = (
    "pos", "gap", "laps_down", "tyre", "comp", "compounds", "stops", "stops_delta", "in_pit", "race_pace",
    "recent_pace", "driver_pace", "team_pace", "team_reliability",
)  # fmt: skip
#: Of the race: share driven, laps left, length, what was shown on the leader's last lap, rain tyres seen, cars running.
SHARED: Final = ("f", "left", "total", "safety_car", "vsc", "red", "wet", "running")
#: Of either, what the hazard of retiring looks at.
HAZARD: Final = (
    "f", "left", "pos", "gap", "laps_down", "race_pace", "recent_pace", "tyre", "stops", "team_reliability", "wet",
)  # fmt: skip
#: Slower or faster than this, %, is no clean lap; laps that count as recent; races of a driver and a team that count.
_CLEAN, _RECENT, _RACES, _TEAM_RACES = 5.0, 9, 6, 10
#: Clean laps from which a race says something about a driver's pace.
_ENOUGH = 10

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Sheet:
    """One moment: the cars that are forecast, in running order."""

    race: str
    season: int
    fraction: float
    n: int
    cars: tuple[str, ...]
    team: npt.NDArray[np.str_]
    own: Floats  #: [car, OWN]
    shared: Floats  #: [SHARED]
    final: npt.NDArray[np.int64]  #: for training and scoring only
    finished: npt.NDArray[np.bool_]  #: the same


class Form:
    """Pace and reliability in the races of a season that it saw."""

    def __init__(self) -> None:
        self._pace: defaultdict[tuple[int, str], list[float]] = defaultdict(list)
        self._finished: defaultdict[tuple[int, str], list[bool]] = defaultdict(list)

    def saw(self, race: RaceTable) -> None:
        """Take a finished race in."""
        team = {row.driver: row.team for row in race.rows}
        by_driver: defaultdict[str, list[float]] = defaultdict(list)
        for row, delta in clean_laps(race.rows):
            by_driver[row.driver].append(delta)
        for driver, deltas in by_driver.items():
            if len(deltas) >= _ENOUGH:
                self._pace[race.season, f"driver {driver}"].append(fmean(deltas))
                self._pace[race.season, f"team {team[driver]}"].append(fmean(deltas))
        for driver, (_, finished) in truth(race).items():
            self._finished[race.season, team[driver]].append(finished)

    def of(self, season: int, driver: str, team: str) -> tuple[float, float, float]:
        """Pace of the driver, pace of the team, share of the team's cars that finished."""
        pace = self._pace.get((season, f"driver {driver}"), [])[-_RACES:]
        teams = self._pace.get((season, f"team {team}"), [])[-_TEAM_RACES:]
        return _mean(pace), _mean(teams), _mean(self._finished.get((season, team), []))


def clean_laps(rows: Iterable[LapRow]) -> list[tuple[LapRow, float]]:
    """Green laps without a stop, not the first, and how much slower than the field's median of that lap, %."""
    clean = [(row, row.lap_time_s) for row in rows if row.lap_time_s is not None and row.lap > 1 and row.clean]
    times: defaultdict[int, list[float]] = defaultdict(list)
    for row, lap_time in clean:
        times[row.lap].append(lap_time)
    field = {lap: median(found) for lap, found in times.items()}
    deltas = ((row, (lap_time / field[row.lap] - 1) * 100) for row, lap_time in clean)
    return [(row, delta) for row, delta in deltas if abs(delta) < _CLEAN]


def sheet(case: Case, form: Form) -> Sheet:
    """The features of a case; ``form`` is what the season showed before the race."""
    rows = [row for row in case.known.rows if row.time_s is not None]
    last = {row.driver: row for row in last_rows(rows)}
    line: dict[int, float] = {}
    for row in rows:
        line[row.lap] = min(_time(row), line.get(row.lap, np.inf))
    laps: defaultdict[str, list[LapRow]] = defaultdict(list)
    for row in rows:
        laps[row.driver].append(row)
    pace: defaultdict[str, list[tuple[int, float]]] = defaultdict(list)
    for row, delta in clean_laps(rows):
        pace[row.driver].append((row.lap, delta))
    table = []
    for car in case.scored:
        row, driven, deltas = last[car.car], laps[car.car], pace[car.car]
        now = (car.rank, _time(row) - line[row.lap], case.lap - row.lap, _or_nan(row.tyre_age), _compound(row))
        stops = sum(lap.pit_in_s is not None for lap in driven)
        tyres = (len({lap.compound for lap in driven}), stops, 0.0, row.pit_in_s is not None)
        recent = [delta for lap, delta in deltas if lap > case.lap - _RECENT]
        paces = (_mean([delta for _, delta in deltas]), _mean(recent))
        table.append((*now, *tyres, *paces, *form.of(case.season, row.driver, row.team)))
    own = np.array(table, np.float32).reshape(-1, len(OWN))
    if len(own):
        own[:, OWN.index("stops_delta")] = own[:, OWN.index("stops")] - np.median(own[:, OWN.index("stops")])
    return Sheet(
        case.race, case.season, case.fraction, case.n, tuple(car.car for car in case.scored),
        np.array([last[car.car].team for car in case.scored], np.str_), own, _shared(case, rows),
        np.array([car.final for car in case.scored], np.int64), np.array([car.finished for car in case.scored], bool),
    )  # fmt: skip


def _shared(case: Case, rows: Sequence[LapRow]) -> Floats:
    shown = set().union(*(row.track for row in rows if row.lap == case.lap))
    wet = any(row.compound in RAIN for row in rows)
    flags = ("4" in shown, bool(shown & set("67")), "5" in shown)
    return np.array([case.fraction, case.left, case.total, *flags, wet, len(case.scored)], np.float32)


def _time(row: LapRow) -> float:
    return np.nan if row.time_s is None else row.time_s


def _compound(row: LapRow) -> float:
    return np.nan if row.compound is Compound.UNKNOWN else float(row.compound)


def _or_nan(value: float | None) -> float:
    return np.nan if value is None else float(value)


def _mean(values: Sequence[float] | Sequence[bool]) -> float:
    return fmean(values) if values else np.nan
