"""FastF1-named lap tables (parquet, one row per car and lap) to race events.

The log is what a live feed could have shown: an event comes only from rows that end by its own
moment. Four things are known to the timekeepers earlier than the row that holds them ends, and
are emitted at their own time: pit entry, pit exit with the tyres fitted, the tyres on the grid,
and the length of the race, for which the table has only the largest lap number.

* ``t`` = 0 is the start of the race: the smallest lap-1 ``Time - LapTime`` (without lap times the
  first pit exit of lap 1, as behind a safety car; without either the first line crossing).
* A lap's ``TrackStatus`` mixes all that happened on it. A status begins with the first lap that
  shows it and cannot owe it to the time before the last lap without it, and ends with the first
  lap that does not show it, so its end is seen up to a lap late.
* A car is out when the lead has changed lap ``MISSING_LAPS`` times since it was last seen and it never
  comes back. One that stops closer to the flag than that is not called retired: the table cannot tell it
  from a lapped car whose last row is missing.
* ``lap_time_s`` is left out where it is more than ``ABSURD`` times the median (red flags); ``t`` stays.
* Rows without car, lap or time, rows that do not move a car's time on, and visits to the pit lane
  before the start or after the flag are left out. The grid is not in the table.
* A table that was cut at a moment (``RaceTable.until``) has laps without an end: they enter their car
  and tell of its visit to the pit lane.
"""

import csv
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from importlib.resources import files
from pathlib import Path
from statistics import median
from typing import Any, Final

from pitcall.backtest.table import LapRow, RaceTable
from pitcall.domain import events as ev
from pitcall.domain.tyres import Compound, parse_compound
from pitcall.errors import InvalidRequest, NotFound, PitcallError

#: Lead laps without a crossing after which a car that never returns is out; 2 to 3 of its own laps.
MISSING_LAPS: Final = 3
#: A lap this many times as long as the race's median is a stoppage, not a lap time.
ABSURD: Final = 3.0

_SOURCE: Final = "laps"
_REQUIRED: Final = (
    *("Season", "RoundNumber", "EventName", "Driver", "LapNumber", "LapTime", "Time"),
    *("Compound", "TyreLife", "PitInTime", "PitOutTime", "TrackStatus"),
)
_OPTIONAL: Final = ("DriverNumber", "Team", "Position")

#: TrackStatus digits of each status, the most severe first. 7 is a VSC about to end.
_DIGITS: Final = (
    (ev.Track.RED, "5"),
    (ev.Track.SAFETY_CAR, "4"),
    (ev.Track.VSC, "67"),
    (ev.Track.YELLOW, "2"),
)

_Moment = tuple[int, ev.Event]
#: Order of events of one instant.
_FIRST, _PIT, _FLAG, _LAP, _OUT = range(5)


@dataclass(frozen=True, slots=True)
class LapsRace:
    """One race that a lap table holds."""

    season: int
    round: int
    name: str


@dataclass(frozen=True, slots=True)
class _Row:
    """One lap; times are seconds since the start of the race."""

    car: str
    number: str
    team: str
    lap: int
    began: float  #: its previous line crossing, 0 on lap 1
    time: float
    lap_time: float | None
    position: int | None
    compound: Compound
    age: int | None
    pit_in: float | None
    pit_out: float | None
    track: str


def races_in(path: Path) -> list[LapsRace]:
    """The races of a lap table, in order.

    Raises:
        NotFound: no such file.
        InvalidRequest: not parquet, or a column is missing.
        PitcallError: pyarrow is not installed.
    """
    found = {
        (int(row["Season"]), int(row["RoundNumber"])): str(row["EventName"])
        for row in _read(path, ("Season", "RoundNumber", "EventName"))
        if row["Season"] is not None and row["RoundNumber"] is not None
    }
    return [LapsRace(season, number, name) for (season, number), name in sorted(found.items())]


def events_from_laps(path: Path, season: int, round: int) -> list[ev.Event]:  # noqa: A002  # the series' own word
    """The log of one race: ``<season>-<round, two digits>``, such as ``2019-12``.

    Raises:
        NotFound: no such file, or the race is not in it; the message names what is.
        InvalidRequest: not parquet, a column is missing, a value that is not a number where one belongs.
        PitcallError: pyarrow is not installed.
    """
    tables = _tables(path, _read(path, (*_REQUIRED, *_OPTIONAL), (season, round)))
    if not tables:
        raise NotFound(f"{path} has no laps of {season} round {round}; it has {_listed(races_in(path))}")
    return events_from_table(tables[0])


def tables_from_laps(path: Path) -> list[RaceTable]:
    """The races of a lap table as they stand in it, in order. Raises what ``events_from_laps`` raises.

    A race in which no lap has an end is left out.
    """
    return _tables(path, _read(path, (*_REQUIRED, *_OPTIONAL)))


def events_from_table(table: RaceTable) -> list[ev.Event]:
    """The log of one race, or of what was known of it at a moment (``RaceTable.until``)."""
    rows, begun = _rows(table)
    flag = min((row.time for row in rows if row.lap == table.total_laps), default=math.inf)
    moments: list[_Moment] = [(_FLAG, ev.Finish(t=flag, source=_SOURCE))] if flag < math.inf else []
    usual = _median_lap(rows)
    moments += ((_LAP, _lap_event(row, usual)) for row in rows)
    moments += _pit_events([*rows, *begun], flag)
    moments += _track_events(rows)
    moments += _retirements(rows)
    moments.sort(key=lambda moment: (moment[1].t, moment[0]))
    session = ev.Session(
        t=0.0,
        source=_SOURCE,
        race=table.key,
        name=f"{table.name} {table.season}",
        season=table.season,
        round=table.round,
        circuit=_circuit(table.name, table.season),
        total_laps=table.total_laps,
    )
    return [session, *_entries([*rows, *begun]), *(event for _, event in moments)]


@cache
def _circuits() -> list[dict[str, str]]:
    """data/circuits.csv: which race was held where, from its first season to its last."""
    text = files("pitcall").joinpath("data", "circuits.csv").read_text("utf-8")
    return list(csv.DictReader(text.splitlines()))


def _circuit(event: str, season: int) -> str | None:
    """The circuit's name, as the official timing writes it; None for a race that nobody has entered in the table."""
    for row in _circuits():
        if row["event"] == event and int(row["first"]) <= season <= int(row["last"] or season):
            return row["circuit"]
    return None


def _listed(races: Sequence[LapsRace]) -> str:
    """``2019 rounds 1, 2, 3; 2020 rounds 1``."""
    rounds: dict[int, list[str]] = {}
    for race in races:
        rounds.setdefault(race.season, []).append(str(race.round))
    return "; ".join(f"{season} rounds {', '.join(numbers)}" for season, numbers in rounds.items()) or "no race"


def _read(path: Path, columns: Sequence[str], race: tuple[int, int] | None = None) -> list[dict[str, Any]]:
    """Rows of a parquet file as mappings; optional columns may be absent."""
    try:
        import pyarrow as pa  # noqa: PLC0415  # an install without parquet still plays and asks
        import pyarrow.compute as pc  # noqa: PLC0415
        import pyarrow.parquet as pq  # noqa: PLC0415
    except ImportError as exc:
        raise PitcallError("reading parquet needs pyarrow: pip install 'pitcall[cli]'") from exc
    if not path.is_file():
        raise NotFound(f"no file {path}")
    try:
        names = pq.read_schema(path).names
        missing = [name for name in _REQUIRED if name not in names]
        if missing:
            raise InvalidRequest(f"{path} lacks the columns {', '.join(missing)}; it has {', '.join(names) or 'none'}")
        filters = (pc.field("Season") == race[0]) & (pc.field("RoundNumber") == race[1]) if race else None
        present = [name for name in columns if name in names]
        rows: list[dict[str, Any]] = pq.read_table(path, columns=present, filters=filters).to_pylist()
    except (pa.ArrowException, OSError, ValueError) as exc:
        raise InvalidRequest(f"{path} cannot be read as a parquet lap table: {str(exc).splitlines()[0]}") from exc
    return rows


def _tables(path: Path, raw: Sequence[Mapping[str, Any]]) -> list[RaceTable]:
    """The rows by race. Raises InvalidRequest: words where a number belongs."""
    races: dict[tuple[int, int], list[LapRow]] = {}
    names: dict[tuple[int, int], str] = {}
    for cells in raw:
        row, season, number = _lap_row(path, cells), _number(path, cells, "Season"), _number(path, cells, "RoundNumber")
        if row is not None and season is not None and number is not None:
            races.setdefault((int(season), int(number)), []).append(row)
            names.setdefault((int(season), int(number)), _text(cells["EventName"]))
    return [
        RaceTable(*race, names[race], tuple(rows), max(ended), len({row.driver for row in rows}))
        for race, rows in sorted(races.items())
        if (ended := [row.lap for row in rows if row.time_s is not None])
    ]


def _lap_row(path: Path, cells: Mapping[str, Any]) -> LapRow | None:
    """One row; None without car or lap."""
    driver, lap = _text(cells["Driver"]), _number(path, cells, "LapNumber")
    if not driver or lap is None:
        return None
    position, age = _number(path, cells, "Position"), _number(path, cells, "TyreLife")
    return LapRow(
        driver=driver,
        number=_text(cells.get("DriverNumber")),
        team=_text(cells.get("Team")),
        lap=int(lap),
        lap_time_s=_number(path, cells, "LapTime"),
        time_s=_number(path, cells, "Time"),
        position=None if position is None else int(position),
        compound=parse_compound(_text(cells["Compound"])),
        tyre_age=None if age is None else int(age),
        pit_in_s=_number(path, cells, "PitInTime"),
        pit_out_s=_number(path, cells, "PitOutTime"),
        track=_text(cells["TrackStatus"]),
    )


def _number(path: Path, cells: Mapping[str, Any], column: str) -> float | None:
    value = cells.get(column)
    value = value.total_seconds() if isinstance(value, timedelta) else value
    try:
        out = math.nan if value is None else float(value)
    except (TypeError, ValueError) as exc:
        raise InvalidRequest(f"{path}: {column} holds {value!r:.40}, which is not a number") from exc
    return out if math.isfinite(out) else None


def _rows(table: RaceTable) -> tuple[list[_Row], list[_Row]]:
    """The usable rows by time at the line, rebased to the start of the race; and those of laps without an end."""
    start = _start(table.rows)
    crossed: dict[str, float] = {}
    rows: list[_Row] = []
    begun: list[_Row] = []
    for row in sorted(table.rows, key=lambda row: (row.lap, row.time_s or 0)):
        began = crossed.get(row.driver, 0.0)
        time = math.inf if row.time_s is None else round(row.time_s - start, 3)
        if time <= began:
            continue
        pit_in, pit_out = row.pit_in_s, row.pit_out_s
        (begun if math.isinf(time) else rows).append(
            _Row(
                car=row.driver,
                number=row.number,
                team=row.team,
                lap=row.lap,
                began=began,
                time=time,
                lap_time=row.lap_time_s,
                position=row.position,
                compound=row.compound,
                age=row.tyre_age,
                pit_in=None if pit_in is None or pit_in < start else round(pit_in - start, 3),
                pit_out=None if pit_out is None or pit_out < start else round(pit_out - start, 3),
                track=row.track.replace("0", ""),  # 0: FastF1 did not know
            )
        )
        if math.isfinite(time):
            crossed[row.driver] = time
    return sorted(rows, key=lambda row: row.time), begun


def _start(rows: Sequence[LapRow]) -> float:
    """Session time of the start, s."""
    first = [row for row in rows if row.lap == 1 and row.time_s is not None]
    begun = [row.time_s - row.lap_time_s for row in first if row.time_s and row.lap_time_s]
    left = [row.pit_out_s for row in first if row.pit_out_s is not None]
    crossed = [row.time_s for row in rows if row.time_s is not None]
    return min(begun or left or crossed, default=0.0)


def _text(value: object) -> str:
    """A cell as text; empty for None and NaN."""
    return "" if value is None or value != value or value == "nan" else str(value)  # noqa: PLR0124  # NaN is not itself


def _median_lap(rows: Sequence[_Row]) -> float:
    return median(times) if (times := [row.lap_time for row in rows if row.lap_time]) else math.inf


def _entries(rows: Sequence[_Row]) -> Iterator[ev.Car]:
    """The cars by key, so that the order of the entries tells nothing of the race."""
    first: dict[str, _Row] = {}
    for row in rows:
        first.setdefault(row.car, row)
    for car, row in sorted(first.items()):
        at_start = row.lap == 1
        yield ev.Car(
            t=0.0,
            source=_SOURCE,
            car=car,
            number=row.number,
            driver=car,
            team=row.team,
            compound=row.compound if at_start else Compound.UNKNOWN,
            tyre_age=row.age - 1 if at_start and row.age else None,
        )


def _lap_event(row: _Row, usual: float) -> ev.Lap:
    timed = row.lap_time is not None and 0 < row.lap_time <= ABSURD * usual
    return ev.Lap(
        t=row.time,
        source=_SOURCE,
        car=row.car,
        lap=row.lap,
        lap_time_s=row.lap_time if timed else None,
        position=row.position,
        compound=row.compound,
        tyre_age=row.age,
        pit_in=row.pit_in is not None,
        pit_out=row.pit_out is not None,
        track=row.track,
    )


def _pit_events(rows: Sequence[_Row], flag: float) -> Iterator[_Moment]:
    for row in rows:
        if row.pit_in is not None and row.pit_in <= flag:
            yield _PIT, ev.PitIn(t=row.pit_in, source=_SOURCE, car=row.car, lap=row.lap)
        if row.pit_out is not None and row.pit_out <= flag:
            age = row.age - 1 if row.age else None
            yield (
                _PIT,
                ev.PitOut(t=row.pit_out, source=_SOURCE, car=row.car, lap=row.lap, compound=row.compound, tyre_age=age),
            )


def _track_events(rows: Sequence[_Row]) -> Iterator[_Moment]:
    """Changes of the most severe status shown, each just before the lap that gives it away."""
    shown: set[ev.Track] = set()
    over_by = dict.fromkeys(ev.Track, -math.inf)  # the status was not shown from here to the lap that ended it
    now = ev.Track.GREEN
    for row in rows:
        if not row.track:
            continue
        for status, digits in _DIGITS:
            if set(digits) & set(row.track):
                if row.began >= over_by[status]:  # else it can be an echo of the last time
                    shown.add(status)
            elif status in shown:
                shown.remove(status)
                over_by[status] = row.began
        worst = next((status for status, _ in _DIGITS if status in shown), ev.Track.GREEN)
        if worst is not now:
            now = worst
            yield _FIRST, ev.TrackStatus(t=row.time, source=_SOURCE, status=now)


def _retirements(rows: Sequence[_Row]) -> Iterator[_Moment]:
    led: dict[int, float] = {}
    seen: dict[str, float] = {}
    for row in rows:
        led.setdefault(row.lap, row.time)
        seen[row.car] = row.time
    for car, last in seen.items():
        later = sorted(time for time in led.values() if time > last)
        if len(later) >= MISSING_LAPS:
            yield _OUT, ev.Retired(t=later[MISSING_LAPS - 1], source=_SOURCE, car=car)
