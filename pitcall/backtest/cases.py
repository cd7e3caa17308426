"""The questions of a backtest: nine moments of each race, the cars to forecast, and what became of them. Pure.

State      A race at the moment at which the first car completes lap L = round(f * total laps), f = 0.1 ... 0.9.
           Known is what the timekeepers knew then (``RaceTable.until``), and the race distance. The order:
           laps completed descending, then time at the last line ascending.
Cars       Forecast is every starter; scored are the cars that complete at least one more lap.
Truth      Rank 1..n over all n starters, by laps completed descending, then time at the last line ascending:
           the order at the flag. Penalties after the race do not count; retirements rank by laps completed.
Finisher   A car that covers 90 % of the distance.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from pitcall.backtest.table import LapRow, RaceTable
from pitcall.domain.events import Event
from pitcall.domain.race import RaceState
from pitcall.domain.reducer import reduce_all

#: Shares of the race at which it is forecast.
FRACTIONS: Final = tuple(k / 10 for k in range(1, 10))
#: Share of the distance that a finisher covers.
FINISHED: Final = 0.9


@dataclass(frozen=True, slots=True)
class Scored:
    """One car of a case."""

    car: str
    rank: int  #: now, among all cars that have completed a lap
    final: int  #: at the flag, among all starters
    finished: bool  #: covers ``FINISHED`` of the distance


@dataclass(frozen=True, slots=True)
class Case:
    """One moment of one race. A forecast may look at ``known`` and ``state`` only."""

    season: int
    round: int
    fraction: float
    lap: int  #: the leader has just completed it
    total: int  #: laps of the race
    n: int  #: starters
    known: RaceTable  #: cut at the moment
    state: RaceState  #: the same, as the shipped path sees it
    scored: tuple[Scored, ...]  #: in running order

    @property
    def race(self) -> str:
        """Id of the race."""
        return self.known.key

    @property
    def left(self) -> int:
        """Laps that the leader has to go."""
        return self.total - self.lap


def cases(table: RaceTable, log: Callable[[RaceTable], Iterable[Event]]) -> list[Case]:
    """The nine cases of a race; ``log`` makes race events of a table.

    Raises InvalidEvent for a table whose log contradicts itself.
    """
    final = truth(table)
    line: dict[int, float] = {}
    ended: dict[str, float] = {}
    for row in table.rows:
        if row.time_s is not None:
            line[row.lap] = min(row.time_s, line.get(row.lap, math.inf))
            ended[row.driver] = max(row.time_s, ended.get(row.driver, -math.inf))
    found = []
    for fraction in FRACTIONS:
        lap = max(1, round(fraction * table.total_laps))
        if lap not in line:
            continue  # the table has lost that lap of every car
        known = table.until(line[lap])
        order = [row.driver for row in last_rows(known.rows)]
        scored = tuple(
            Scored(car, rank, *final[car]) for rank, car in enumerate(order, start=1) if ended[car] > line[lap]
        )
        state = reduce_all(log(known))
        found.append(
            Case(table.season, table.round, fraction, lap, table.total_laps, table.starters, known, state, scored)
        )
    return found


def truth(table: RaceTable) -> dict[str, tuple[int, bool]]:
    """Car -> (rank at the flag, True for a finisher)."""
    last: dict[str, LapRow] = {}
    for row in table.rows:
        if row.driver not in last or row.lap > last[row.driver].lap:
            last[row.driver] = row
    order = sorted(last.values(), key=_flag_order)
    laps = max(row.lap for row in order)
    return {row.driver: (rank, row.lap >= FINISHED * laps) for rank, row in enumerate(order, start=1)}


def last_rows(rows: Sequence[LapRow]) -> list[LapRow]:
    """The last ended lap of each car, in running order."""
    last: dict[str, LapRow] = {}
    for row in rows:
        if row.time_s is not None and (row.driver not in last or row.lap > last[row.driver].lap):
            last[row.driver] = row
    return sorted(last.values(), key=_flag_order)


def _flag_order(row: LapRow) -> tuple[int, float]:
    return -row.lap, math.inf if row.time_s is None else row.time_s
