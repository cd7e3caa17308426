"""The shipped path as a forecaster."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from pitcall.adapters.laps import events_from_table, tables_from_laps
from pitcall.backtest.cases import cases
from pitcall.backtest.forecaster import Simulated
from pitcall.domain.reducer import reduce_all
from pitcall.sim.engine import Engine
from tests.unit.backtest.lap_file import write

pytestmark = pytest.mark.unit


@pytest.fixture(scope="module")
def engine():
    with_threads = Engine(1)
    yield with_threads
    with_threads.close()


def test_every_starter_gets_a_distribution(engine, races):
    """They sum to 1; who leads by far is likely to win."""
    case = races[0].cases[-1]
    forecast = Simulated(engine, paths=256).forecast(case)
    assert set(forecast) == {"AAA", "BBB", "CCC", "DDD"}
    assert all(p.shape == (4,) and p.sum() == pytest.approx(1) for p in forecast.values())
    assert forecast["AAA"].argmax() == 0
    assert forecast["DDD"].argmax() == 3


def same(one, other):
    return one.keys() == other.keys() and all(np.array_equal(one[car], other[car]) for car in one)


def test_the_same_case_gives_the_same_bits(engine, races):
    """On one thread or two."""
    case, two = races[0].cases[3], Engine(2)
    assert same(Simulated(engine, paths=256).forecast(case), Simulated(two, paths=256).forecast(case))
    two.close()


def shown(row, now):
    """A row of the file without what happened after ``now``; None: nothing is left."""
    if row["Time"] is not None and row["Time"] <= now:
        return row
    left = row | dict.fromkeys(("LapTime", "Time", "Position", "TrackStatus"))
    for name in ("PitInTime", "PitOutTime"):
        left[name] = row[name] if row[name] is not None and row[name] <= now else None
    if row["LapNumber"] != 1 and left["PitOutTime"] is None:
        left |= {"Compound": None, "TyreLife": None}
    return left if row["LapNumber"] == 1 or left["PitInTime"] or left["PitOutTime"] else None


class TestNoLeak:
    """A file that ends at the moment gives the same forecast, bit for bit.

    Two things are known before the race and cannot be read off such a file: the race distance and the
    number of starters. They are given. A lap that is being driven keeps what the timing had shown of it:
    pit entry, pit exit with the tyres fitted there, the tyres on the grid.
    """

    @staticmethod
    def cut_file_forecasts_alike(path, table, folder, engine):
        simulated = Simulated(engine, paths=128)
        here = (pc.field("Season") == table.season) & (pc.field("RoundNumber") == table.round)
        whole = pq.read_table(path, filters=here)
        rows = whole.to_pylist()
        for case in cases(table, events_from_table):
            now = min(row["Time"] for row in rows if row["LapNumber"] == case.lap and row["Time"] is not None)
            kept = [left for row in rows if (left := shown(row, now)) is not None]
            assert len(kept) < len(rows)
            pq.write_table(pa.Table.from_pylist(kept, schema=whole.schema), folder / "cut.parquet")
            (read,) = tables_from_laps(folder / "cut.parquet")
            known = replace(read, total_laps=table.total_laps, starters=table.starters)
            cut = replace(case, known=known, state=reduce_all(events_from_table(known)))
            assert cut.state == case.state
            assert same(simulated.forecast(cut), simulated.forecast(case))

    def test_made_race(self, engine, races, tmp_path):
        """All nine moments."""
        self.cut_file_forecasts_alike(
            write(tmp_path / "laps.parquet", races[0].table), races[0].table, tmp_path, engine
        )

    @pytest.mark.parametrize("name", ["laps_2018", "laps_2019", "laps_2020", "laps_2021", "laps_2022_r01_r11"])
    def test_real_race(self, name, engine, data, tmp_path):
        """The tenth race of each season: rain, red flags, stops under way."""
        path = next(iter(sorted(data.glob(f"**/{name}.parquet"))), None)
        if path is None:
            pytest.skip(f"no {name}.parquet under PITCALL_TEST_DATA")
        self.cut_file_forecasts_alike(path, tables_from_laps(path)[9], tmp_path, engine)
