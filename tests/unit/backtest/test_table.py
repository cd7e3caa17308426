"""A race as a table, and what of it was known at a moment."""

import pytest

from pitcall.adapters.laps import events_from_table
from pitcall.domain.events import Car, Finish, Lap, PitIn, PitOut, Session
from pitcall.domain.tyres import Compound
from tests.unit.backtest.conftest import START, lap, race, stint

pytestmark = pytest.mark.unit


def test_a_lap_is_known_when_it_has_ended():
    """The lap that ends at the moment is known, the next one is not."""
    table = race(stint("AAA", 3) + stint("BBB", 3, late=5.0)).until(START + 180)
    assert [(row.driver, row.lap) for row in table.rows] == [("AAA", 1), ("AAA", 2), ("BBB", 1)]


def test_length_and_starters_are_known_from_the_start():
    """Both come from the whole table."""
    table = race(stint("AAA", 3) + stint("BBB", 2)).until(START + 95)
    assert (table.total_laps, table.starters) == (3, 2)


def test_a_visit_to_the_pits_is_known_when_it_happens():
    """Entry and exit at their own times; with the exit the tyres; nothing else of a lap being driven."""
    rows = [*stint("AAA", 2), lap("AAA", 3, pit_in_s=START + 265.0), lap("AAA", 4, pit_out_s=START + 290.0)]
    table = race(rows)
    assert table.until(START + 264).rows == table.rows[:2]
    driven = table.until(START + 266).rows[2]
    assert (driven.lap, driven.pit_in_s, driven.time_s, driven.compound) == (3, START + 265.0, None, Compound.UNKNOWN)
    out = table.until(START + 291).rows[-1]
    assert (out.lap, out.pit_out_s, out.compound, out.tyre_age, out.track) == (4, START + 290.0, Compound.MEDIUM, 4, "")


def test_a_car_on_its_first_lap_is_there():
    """It has started, and its tyres were seen on the grid."""
    table = race(stint("AAA", 3) + stint("BBB", 3, late=100.0)).until(START + 95)
    assert [(row.driver, row.lap, row.time_s) for row in table.rows] == [
        ("AAA", 1, START + 90),
        ("BBB", 1, None),
    ]


def test_the_log_of_what_was_known_tells_of_stops_under_way():
    """Entry and exit at their own times, though the laps have not ended; the distance, and no flag."""
    rows = [*stint("AAA", 3), lap("AAA", 4, pit_in_s=START + 355.0), *stint("BBB", 3, late=1.0)]
    rows += [lap("BBB", 4, late=1.0, pit_out_s=START + 280.0, compound=Compound.HARD, tyre_age=1)]
    log = events_from_table(race(rows, total=50).until(START + 356))
    (session,) = (event for event in log if isinstance(event, Session))
    assert session.total_laps == 50
    assert [event.car for event in log if isinstance(event, Car)] == ["AAA", "BBB"]
    assert sum(isinstance(event, Lap) for event in log) == 6
    assert [(event.car, event.lap, event.t) for event in log if isinstance(event, PitIn)] == [("AAA", 4, 355.0)]
    assert [(e.car, e.compound, e.tyre_age) for e in log if isinstance(e, PitOut)] == [("BBB", Compound.HARD, 0)]
    assert not [event for event in log if isinstance(event, Finish)]
