"""One race as a table of laps, and what of it was known at a moment. Pure.

Times are session time, s, as the table has them: the race does not start at 0.
"""

from dataclasses import dataclass, replace
from typing import NamedTuple

from pitcall.domain.tyres import Compound


class LapRow(NamedTuple):
    """One lap of one car; None where the table says nothing."""

    driver: str
    number: str
    team: str
    lap: int
    lap_time_s: float | None
    time_s: float | None  #: at the line; None: the lap has no end, or not yet
    position: int | None
    compound: Compound
    tyre_age: int | None  #: laps on the set, this one included
    pit_in_s: float | None
    pit_out_s: float | None
    track: str  #: digits of all statuses seen on the lap, as FastF1 writes them

    @property
    def clean(self) -> bool:
        """Green, neither an in-lap nor an out-lap."""
        return self.track == "1" and self.pit_in_s is None and self.pit_out_s is None


@dataclass(frozen=True, slots=True)
class RaceTable:
    """A race. ``total_laps`` and the starters are known before it begins, so they outlive ``until``."""

    season: int
    round: int
    name: str
    rows: tuple[LapRow, ...]
    total_laps: int  #: largest lap number that has an end
    starters: int

    @property
    def key(self) -> str:
        """``2019-12``: the id of the race."""
        return f"{self.season}-{self.round:02d}"

    def until(self, moment_s: float) -> "RaceTable":
        """What the timekeepers knew at ``moment_s``.

        That is every lap that had ended, and of the laps being driven the pit entry, and the pit exit
        with the tyres fitted, if they had happened. A car on its first lap is known with its tyres.
        """
        done = [row for row in self.rows if row.time_s is not None and row.time_s <= moment_s]
        began: dict[str, LapRow] = {}
        for row in self.rows:
            if row.time_s is None or row.time_s > moment_s:
                other = began.get(row.driver)
                began[row.driver] = row if other is None or row.lap < other.lap else other
        driven = [_so_far(row, moment_s) for row in began.values()]
        known = [row for row in driven if row.lap == 1 or row.pit_in_s is not None or row.pit_out_s is not None]
        return replace(self, rows=(*done, *known))


def _so_far(row: LapRow, moment_s: float) -> LapRow:
    """A lap that has not ended at ``moment_s``."""
    pit_in = row.pit_in_s if row.pit_in_s is not None and row.pit_in_s <= moment_s else None
    pit_out = row.pit_out_s if row.pit_out_s is not None and row.pit_out_s <= moment_s else None
    seen = pit_out is not None or row.lap == 1
    return row._replace(
        lap_time_s=None,
        time_s=None,
        position=None,
        compound=row.compound if seen else Compound.UNKNOWN,
        tyre_age=row.tyre_age if seen else None,
        pit_in_s=pit_in,
        pit_out_s=pit_out,
        track="",
    )
