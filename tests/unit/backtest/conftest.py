"""Small races as lap tables."""

import numpy as np
import pytest

from pitcall.adapters.laps import events_from_table
from pitcall.backtest.run import prepared
from pitcall.backtest.table import LapRow, RaceTable
from pitcall.domain.tyres import Compound

START = 1000.0  #: session time of the start
LAP_S = 90.0


def lap(driver, number, *, late=0.0, lap_s=LAP_S, **other):
    """A lap of ``driver``, who is ``late`` s behind a car that laps in ``lap_s``."""
    row = LapRow(
        driver=driver, number="1", team=f"team of {driver}", lap=number,
        lap_time_s=lap_s + (late if number == 1 else 0.0), time_s=START + number * lap_s + late, position=None,
        compound=Compound.MEDIUM, tyre_age=number, pit_in_s=None, pit_out_s=None, track="1",
    )  # fmt: skip
    return row._replace(**other)


def stint(driver, last, *, late=0.0, lap_s=LAP_S):
    return [lap(driver, number, late=late, lap_s=lap_s) for number in range(1, last + 1)]


def race(rows, *, season=2019, number=1, total=None):
    done = [row.lap for row in rows if row.time_s is not None]
    return RaceTable(
        season, number, "Testing Grand Prix", tuple(rows), total or max(done), len({r.driver for r in rows})
    )


def four_cars(laps=20, *, season=2019, number=1):
    """AAA wins before BBB, CCC is lapped once, DDD stops after half of the race."""
    rows = stint("AAA", laps) + stint("BBB", laps, late=2.0)
    rows += stint("CCC", laps - 1, late=4.0, lap_s=LAP_S * 1.04) + stint("DDD", laps // 2, late=1.0)
    return race(rows, season=season, number=number)


@pytest.fixture
def races():
    """Two seasons of two races, cut at their moments."""
    tables = [four_cars(season=season, number=number) for season in (2018, 2019) for number in (1, 2)]
    return prepared(tables, events_from_table)


def lively(*, season=2019, number=1, cars=6, laps=15):
    """Laps with noise, a stop for everybody, one car out: no baseline is perfect."""
    random = np.random.default_rng([season, number])
    rows = []
    for k in range(cars):
        stop = int(random.integers(4, laps - 4))
        now = START + 0.5 * k
        for one in range(1, laps + 1 if k else laps // 2):
            took = LAP_S + 0.1 * k + float(random.normal(0, 0.3)) + (22.0 if one == stop + 1 else 0.0)
            now += took
            row = lap(f"CAR{k}", one, lap_time_s=took, time_s=now, tyre_age=one if one <= stop else one - stop)
            row = row._replace(compound=Compound.MEDIUM if one <= stop else Compound.HARD)
            row = row._replace(pit_in_s=now - 3.0) if one == stop else row
            rows.append(row._replace(pit_out_s=now - took + 20.0) if one == stop + 1 else row)
    return race(rows, season=season, number=number)
