"""Races that never happened: one path of the simulator's plain-Python twin, told as race events. Pure.

The twin decides who is where and when; this module invents the entry list and translates:

* The twin's line comes after the pit lane. A feed's line is crossed inside it, so ``OUT_LAP_SHARE`` of a stop's
  loss is paid after the line, on the out-lap, which carries the new tyres.
* The twin neutralises the i-th lap of every car. The marshals' status follows the leader: it changes soon after
  the leader began the first such lap and ends when the leader completes the last one. What each car met is in
  the ``track`` digits of its laps.
* The twin's clock stands still while the race is stopped, and the restart lap begins with everybody on the lead lap.
  Here the race stands for ``STOPPAGE_S``, so that lapped cars have time to drive round.
* The twin plays every car over the full distance. Here a car ends its race the first time it crosses the line
  after the flag, so a lapped car does fewer laps.
"""

import math
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeVar

from pitcall.domain import events as ev
from pitcall.domain.tyres import Compound
from pitcall.errors import InvalidRequest
from pitcall.parameters import DEFAULT, Parameters
from pitcall.priors import GRID_GAP_S, OUT_LAP_SHARE
from pitcall.sim.race import GREEN, MAX_RACE_LAPS, RED, SAFETY_CAR, VSC, YELLOW, Circuit, Grid, Race
from pitcall.sim.twin import TraceLap, traced

#: Entry list. Nobody here exists; surnames differ in their first three letters, which are the code.
DRIVERS: Final = (
    *("Aldo Brandt", "Ines Caravel", "Tomas Dvorsky", "Erik Ekdahl", "Luca Ferrante", "Mateo Galvan"),
    *("Jonas Hartwig", "Kenji Isobe", "Pavel Jirasek", "Owen Kestrel", "Henrik Lundgren", "Nadia Marchetti"),
    *("Oskar Nyberg", "Samuel Okoye", "Felix Pryce", "Simon Quill", "Amara Rashid", "Viktor Sorokin"),
    *("Hugo Tavares", "Milan Urban", "Arjen Vos", "Callum Weir", "Rui Ximenes", "Yusuf Yildiz"),
    *("Petra Zeman", "Leo Beaumont", "Theo Castell", "Rafael Duarte", "Diego Ordonez", "Noah Thorne"),
)
TEAMS: Final = (
    *("Aurora Racing", "Borealis GP", "Corvus Works", "Delmar Racing", "Ember Motorsport", "Fjord GP"),
    *("Granite Racing", "Helix Works", "Juniper GP", "Kodiak Racing", "Lyra Motorsport", "Meridian GP"),
    *("Nimbus Racing", "Orchid Works", "Palisade GP"),
)
REASONS: Final = ("engine", "gearbox", "hydraulics", "brakes", "collision", "suspension")

#: Series -> (two dry compounds must be used, pace of the slowest car against the fastest, s a lap).
SERIES: Final = {"f1": (True, 2.4), "spec": (False, 0.5)}

#: What a standing start costs the first lap, s (design choice).
START_S: Final = 4.0
#: How long a red flag stops the race, s (design choice; real ones take 20 minutes to an hour).
STOPPAGE_S: Final = 1_800.0
#: Time at racing speed from pit entry to the line, and from the line to pit exit, s.
LANE_S: Final = 3.0
#: From the leader's line to the marshals' sign at the start of a neutralised lap, s.
SIGN_S: Final = 5.0
#: A car that stops does so within this time after its last line, s; shorter than any lap.
SHORTEST_LAP_S: Final = 60.0
_SOURCE: Final = "synth"
_TRACK: Final = {
    YELLOW: (ev.Track.YELLOW, "YELLOW FLAG"),
    VSC: (ev.Track.VSC, "VIRTUAL SAFETY CAR DEPLOYED"),
    SAFETY_CAR: (ev.Track.SAFETY_CAR, "SAFETY CAR DEPLOYED"),
    RED: (ev.Track.RED, "RED FLAG"),
}
_ENDING: Final = {SAFETY_CAR: "SAFETY CAR IN THIS LAP", VSC: "VSC ENDING"}
_DIGIT: Final = {GREEN: "1", YELLOW: "2", VSC: "6", SAFETY_CAR: "4", RED: "5"}


_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a race is, and how races go there. A fit of such races should find ``parameters``."""

    circuit: str | None = None
    season: int | None = None
    parameters: Parameters = DEFAULT


@dataclass(frozen=True, slots=True)
class _Entry:
    car: str
    number: str
    driver: str
    team: str
    pace_s: float
    compound: Compound
    tyre_age: int


def synthesise(
    seed: int,
    cars: int = 20,
    laps: int = 57,
    series: str = "f1",
    race: str | None = None,
    name: str | None = None,
    place: Place | None = None,
) -> list[ev.Event]:
    """The log of a made-up race. The same arguments give the same events.

    Args:
        seed: fixes the entry list and every chance event; 64 bits.
        cars: 2 to 30.
        laps: 5 to ``MAX_RACE_LAPS``.
        series: ``f1`` (two dry compounds must be used) or ``spec`` (no such rule, nearly equal cars).
        race: its id; default ``synth-<seed>``.
        name: default made from the seed.
        place: where and when it is raced, and by which parameters; default nowhere known, hand-set.

    Raises:
        InvalidRequest: an argument outside these bounds.
    """
    rng = random.Random(seed)
    place = place or Place()
    grid, start = _lined_up(rng, seed, cars, laps, series, place)
    trace = _with_stoppages(traced(start, seed, 0))
    session = ev.Session(
        t=0.0,
        source=_SOURCE,
        race=race or f"synth-{seed}",
        name=name or f"Synthetic Grand Prix {seed}",
        series=series,
        season=place.season,
        circuit=place.circuit,
        total_laps=laps,
    )
    air = round(16 + 14 * rng.random(), 1)
    weather = ev.Weather(
        t=0.0, source=_SOURCE, air_temp_c=air, track_temp_c=round(air + 6 + 12 * rng.random(), 1), rain=False
    )
    return [session, *_cars(grid), weather, *_told(rng, grid, laps, trace)]


def before_the_start(seed: int, cars: int = 20, laps: int = 57, series: str = "f1") -> Race:
    """The race of ``synthesise`` with the same arguments before the lights go out.

    Raises InvalidRequest as that does.
    """
    return _lined_up(random.Random(seed), seed, cars, laps, series, Place())[1]


def _lined_up(
    rng: random.Random, seed: int, cars: int, laps: int, series: str, place: Place
) -> tuple[list[_Entry], Race]:
    if series not in SERIES:
        raise InvalidRequest(f"no series {series!r:.40}; series: {', '.join(SERIES)}")
    if not (0 <= seed < 2**64 and 2 <= cars <= len(DRIVERS) and 5 <= laps <= MAX_RACE_LAPS):
        raise InvalidRequest(
            f"a race takes a seed of 64 bits, 2 to {len(DRIVERS)} cars and 5 to {MAX_RACE_LAPS} laps,"
            f" not {seed}, {cars} and {laps}"
        )
    two_compounds, spread_s = SERIES[series]
    base_lap_s = round(78 + 18 * rng.random(), 1)
    circuit = place.parameters.circuit(place.circuit, laps, base_lap_s, place.season)
    grid = _grid(rng, cars, circuit, spread_s)
    return grid, place.parameters.race(circuit, _start(grid), place.circuit, place.season, two_compounds=two_compounds)


def _grid(rng: random.Random, cars: int, circuit: Circuit, spread_s: float) -> list[_Entry]:
    """Entries in the order of the grid. Two cars of a team share most of their pace."""
    teams = _shuffled(rng, TEAMS)[: (cars + 1) // 2]
    drivers = _shuffled(rng, DRIVERS)[:cars]
    numbers = _shuffled(rng, range(2, 100))
    fastest = circuit.base_lap_s - circuit.fuel_s * circuit.total_laps / 2 - spread_s / 2
    entries = []
    for i, driver in enumerate(drivers):
        team = i // 2
        of_team = spread_s * 0.8 * (team / max(1, len(teams) - 1))
        pace = fastest + of_team + spread_s * 0.2 * rng.random()
        entries.append((pace + 0.3 * spread_s * rng.random(), pace, driver, teams[team], numbers[i]))
    grid = []
    for slot, (_, pace, driver, team_name, number) in enumerate(sorted(entries)):
        soft = rng.random() < (0.6 if slot < cars / 2 else 0.2)
        hard = rng.random() < (0.05 if slot < cars / 2 else 0.2)
        compound = Compound.SOFT if soft else Compound.HARD if hard else Compound.MEDIUM
        code = driver.split()[-1][:3].upper()
        used = int(4 * rng.random()) if compound is Compound.SOFT else 0
        grid.append(_Entry(code, str(number), driver, team_name, round(pace, 3), compound, used))
    return grid


def _start(grid: Sequence[_Entry]) -> Grid:
    n = len(grid)
    teams = sorted({entry.team for entry in grid})
    return Grid(
        cars=tuple(entry.car for entry in grid),
        laps_done=(0,) * n,
        time_s=tuple(START_S + GRID_GAP_S * slot for slot in range(n)),
        extra_s=(0.0,) * n,
        racing=(True,) * n,
        boxing=(False,) * n,
        compound=tuple(int(entry.compound) for entry in grid),
        tyre_age=tuple(entry.tyre_age for entry in grid),
        used=tuple(1 << int(entry.compound) for entry in grid),
        pace_s=tuple(entry.pace_s for entry in grid),
        pace_sd_s=(0.0,) * n,
        wear=(1.0,) * n,
        wear_sd=(0.0,) * n,
        team=tuple(teams.index(entry.team) for entry in grid),
    )


def _cars(grid: Sequence[_Entry]) -> Iterator[ev.Car]:
    for slot, entry in enumerate(grid, start=1):
        yield ev.Car(
            t=0.0,
            source=_SOURCE,
            car=entry.car,
            number=entry.number,
            driver=entry.driver,
            team=entry.team,
            grid=slot,
            compound=entry.compound,
            tyre_age=entry.tyre_age,
        )


#: Order of events of one instant.
_FLAG, _SIGN, _PIT, _LAP, _OUT = range(5)
_Moment = tuple[int, ev.Event]


def _told(rng: random.Random, grid: Sequence[_Entry], laps: int, trace: Sequence[TraceLap]) -> list[ev.Event]:
    """The race as a feed would have sent it."""
    lead: dict[int, float] = {}
    for lap in trace:
        if not lap.retired:
            lead[lap.lap] = min(lead.get(lap.lap, math.inf), _line_s(lap))
    flag = lead.get(laps, math.inf)
    moments = list(_signs(trace, lead))
    for index, entry in enumerate(grid):
        moments += _driven(rng, entry, [lap for lap in trace if lap.car == index], flag)
    if math.isinf(flag):  # every car is out: the race ends with the last of them
        flag = max(event.t for _, event in moments)
        moments.append((_OUT + 1, ev.Finish(t=flag, source=_SOURCE)))
    else:
        moments.append((_FLAG, ev.Finish(t=flag, source=_SOURCE)))
    moments.sort(key=lambda moment: (moment[1].t, moment[0]))
    return [event for _, event in moments]


def _with_stoppages(trace: Sequence[TraceLap]) -> list[TraceLap]:
    """The trace on a clock that runs on while the race is stopped."""
    reds = sorted({lap.lap for lap in trace if lap.regime == RED})
    return [replace(lap, time_s=lap.time_s + STOPPAGE_S * sum(red <= lap.lap for red in reds)) for lap in trace]


def _driven(rng: random.Random, entry: _Entry, laps: Sequence[TraceLap], flag: float) -> Iterator[_Moment]:
    """One car from the grid to the flag, or to where it stopped."""
    line, came_in, left = 0.0, False, 0.0
    for lap in laps:
        if lap.retired:
            t = round(left + (0.1 + 0.8 * rng.random()) * SHORTEST_LAP_S, 3)
            reason = REASONS[int(len(REASONS) * rng.random())]
            yield _OUT, ev.Retired(t=t, source=_SOURCE, car=entry.car, reason=reason)
            yield _OUT, ev.Message(t=t, source=_SOURCE, text=f"CAR {entry.number} ({entry.car}) STOPPED")
            return
        began, line = line, _line_s(lap)
        if lap.pitted:
            t = round(lap.time_s - lap.pit_loss_s - LANE_S, 3)
            yield _PIT, ev.PitIn(t=t, source=_SOURCE, car=entry.car, lap=lap.lap)
        yield (
            _LAP,
            ev.Lap(
                t=line,
                source=_SOURCE,
                car=entry.car,
                lap=lap.lap,
                lap_time_s=round(line - began, 3),
                compound=Compound(lap.compound),
                tyre_age=lap.tyre_age,
                pit_in=lap.pitted,
                pit_out=came_in,
                track=_DIGIT[lap.regime],
            ),
        )
        if line >= flag:
            return
        came_in, left = lap.pitted, lap.time_s
        if lap.pitted:
            left = lap.time_s + LANE_S
            fitted = Compound(lap.new_compound)
            out = ev.PitOut(
                t=round(left, 3), source=_SOURCE, car=entry.car, lap=lap.lap + 1, compound=fitted, tyre_age=0
            )
            yield _PIT, out


def _signs(trace: Sequence[TraceLap], lead: dict[int, float]) -> Iterator[_Moment]:
    """What the marshals show and race control says, by the leader's laps."""
    regime = {lap.lap: lap.regime for lap in trace}
    for lap in sorted(lead):
        before, now, after = regime.get(lap - 1, GREEN), regime[lap], regime.get(lap + 1, GREEN)
        began = lead.get(lap - 1, 0.0)
        if now == GREEN:
            if before not in (GREEN, RED):  # after a red flag the race is green from the restart
                yield _SIGN, ev.TrackStatus(t=began, source=_SOURCE, status=ev.Track.GREEN)
                yield _SIGN, ev.Message(t=began, source=_SOURCE, text="TRACK CLEAR")
            continue
        sign = round(began + SIGN_S, 3)
        status, name = _TRACK[now]
        if now != before or now == RED:
            yield _SIGN, ev.TrackStatus(t=sign, source=_SOURCE, status=status)
            yield _SIGN, ev.Message(t=sign, source=_SOURCE, text=name)
            if now == RED:
                restart = round(began + STOPPAGE_S, 3)
                yield _SIGN, ev.TrackStatus(t=restart, source=_SOURCE, status=ev.Track.GREEN)
                yield _SIGN, ev.Message(t=restart, source=_SOURCE, text="TRACK CLEAR")
        elif after == GREEN and now in _ENDING:
            yield _SIGN, ev.Message(t=sign, source=_SOURCE, text=_ENDING[now])


def _line_s(lap: TraceLap) -> float:
    return round(lap.time_s - OUT_LAP_SHARE * lap.pit_loss_s, 3)


def _shuffled(rng: random.Random, items: Iterable[_T]) -> list[_T]:
    """By ``random()`` alone, the one method whose sequence Python promises to keep."""
    return sorted(items, key=lambda _: rng.random())
