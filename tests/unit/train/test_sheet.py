"""What the learned forecast looks at."""

import numpy as np
import pytest

from pitcall.adapters.laps import events_from_table
from pitcall.backtest.cases import cases
from pitcall.train.sheet import OWN, SHARED, Form, clean_laps, sheet
from tests.unit.backtest.conftest import START, four_cars, lap, race, stint

pytestmark = pytest.mark.unit


def column(one, name):
    return one.own[:, OWN.index(name)].tolist()


def test_pace_is_against_the_field_on_the_same_lap():
    """CCC is 4 % slower than AAA and BBB, who are the median."""
    rows = [row for row in four_cars().rows if row.driver != "DDD"]
    deltas = {row.driver: delta for row, delta in clean_laps(rows) if row.lap == 5}
    assert deltas == pytest.approx({"AAA": 0.0, "BBB": 0.0, "CCC": 4.0})


def test_laps_that_say_nothing_about_pace_are_left_out():
    """Under flags, into and out of the pits, without a time, the first one, and far from the field."""
    odd = [
        lap("BBB", 2, track="12"), lap("BBB", 3, pit_in_s=1.0), lap("BBB", 4, pit_out_s=1.0),
        lap("BBB", 5, lap_time_s=None), lap("BBB", 1), lap("BBB", 6, lap_time_s=100.0), lap("BBB", 7),
    ]  # fmt: skip
    rows = [*stint("AAA", 8), *stint("CCC", 8), *odd]
    assert [row.lap for row, _ in clean_laps(rows) if row.driver == "BBB"] == [7]


def test_a_sheet_has_a_row_for_each_car_that_is_scored():
    """In running order: places, gaps to the first at the same line, laps down."""
    one = sheet(cases(four_cars(), events_from_table)[4], Form())
    assert one.cars == ("AAA", "DDD", "BBB", "CCC")
    assert column(one, "pos") == [1, 2, 3, 4]
    assert column(one, "gap")[1:] == pytest.approx([1.0, 2.0, 4.0 + 9 * 3.6])
    assert column(one, "laps_down") == [0, 1, 1, 1]
    assert one.shared[SHARED.index("left")] == 10
    assert one.final.tolist() == [1, 4, 2, 3]


def test_stops_are_counted_against_the_field():
    """A car that stopped once where nobody else did: one more; on its in-lap it is in the pits."""
    rows = stint("AAA", 10) + stint("CCC", 10, late=2.0) + stint("BBB", 10, late=1.0)
    at = next(k for k, row in enumerate(rows) if row.driver == "BBB" and row.lap == 4)
    rows[at] = rows[at]._replace(pit_in_s=START + 4 * 90 - 5)
    one = sheet(cases(race(rows), events_from_table)[4], Form())
    assert dict(zip(one.cars, column(one, "stops_delta"), strict=True)) == {"AAA": 0, "BBB": 1, "CCC": 0}
    assert dict(zip(one.cars, column(one, "in_pit"), strict=True)) == {"AAA": 0, "BBB": 1, "CCC": 0}


def test_form_is_of_the_same_season():
    """What 2018 showed says nothing in 2019."""
    form = Form()
    form.saw(four_cars(season=2018))
    assert form.of(2018, "CCC", "team of CCC")[2] == 1.0
    assert form.of(2018, "CCC", "team of CCC")[0] > form.of(2018, "AAA", "team of AAA")[0]
    assert np.isnan(form.of(2019, "CCC", "team of CCC")).all()
