"""Which race was held where."""

import csv
from importlib.resources import files

import pytest

from pitcall.adapters.laps import events_from_table, tables_from_laps
from pitcall.adapters.model import shipped
from pitcall.backtest.table import LapRow, RaceTable
from pitcall.domain.events import Session
from pitcall.domain.tyres import Compound

pytestmark = pytest.mark.unit

LAP = LapRow("VER", "1", "Red Bull", 1, 90.0, 2090.0, 1, Compound.SOFT, 1, None, None, "1")


def circuit(event, season):
    session = events_from_table(RaceTable(season, 1, event, (LAP,), 1, 1))[0]
    assert isinstance(session, Session)
    return session.circuit


@pytest.mark.parametrize(
    ("event", "season", "where"),
    [
        ("British Grand Prix", 2020, "Silverstone"),
        ("70th Anniversary Grand Prix", 2020, "Silverstone"),
        ("Styrian Grand Prix", 2021, "Spielberg"),
        ("Sakhir Grand Prix", 2020, "Sakhir Outer"),
        ("São Paulo Grand Prix", 2021, "Interlagos"),
        ("German Grand Prix", 2013, "Nürburgring"),
        ("German Grand Prix", 2019, "Hockenheim"),
        ("Spanish Grand Prix", 2025, "Catalunya"),
        ("Spanish Grand Prix", 2026, None),
        ("Lunar Grand Prix", 2019, None),
    ],
)
def test_a_race_has_the_circuit_of_its_season(event, season, where):
    """Another name for the same place is the same circuit; who moved has another; unknown stays unknown."""
    assert circuit(event, season) == where


def test_nobody_is_at_two_places():
    """No event has two circuits in one season."""
    rows = list(csv.DictReader(files("pitcall").joinpath("data", "circuits.csv").read_text("utf-8").splitlines()))
    held = [(row["event"], year) for row in rows for year in range(int(row["first"]), int(row["last"] or 2030) + 1)]
    assert len(held) == len(set(held))


def test_every_race_of_the_tables_has_a_circuit_that_the_shipped_set_knows(data):
    """2018 to 2022."""
    tables = [table for path in sorted((data / "f1").glob("laps_*.parquet")) for table in tables_from_laps(path)]
    assert {circuit(table.name, table.season) for table in tables} == set(shipped().parameters.circuits)
