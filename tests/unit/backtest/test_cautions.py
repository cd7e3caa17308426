"""Neutralisations and retirements, expected and seen."""

from dataclasses import replace

import numpy as np
import pytest

from pitcall.adapters.laps import events_from_table
from pitcall.backtest.cautions import Tally, reliability, summary, tallies
from pitcall.backtest.run import prepared
from pitcall.forecast import read
from pitcall.sim.race import Cautions, Reliability
from tests.unit.backtest.conftest import four_cars

pytestmark = [pytest.mark.unit, pytest.mark.timeout(600)]  # compiles the twin


def with_safety_car(first, last):
    """The race of four cars with a safety car on some laps."""
    table = four_cars()
    rows = (row._replace(track="4") if first <= row.lap <= last else row for row in table.rows)
    return prepared([replace(table, rows=tuple(rows))], events_from_table)[0]


def world(cautions, reliability):
    """What is read of a state, with other hazards."""
    return lambda state: replace(read(state).race, cautions=cautions, reliability=reliability)


class TestTallies:
    def test_count_what_begins_after_the_moment(self):
        """A safety car of lap 11 is still to come at the first five moments; one that is out does not begin."""
        found = tallies(with_safety_car(11, 13), lambda state: read(state).race)
        assert found["safety_car"].seen.tolist() == [1, 1, 1, 1, 1, 0, 0, 0, 0]
        assert found["vsc"].seen.sum() == 0

    def test_of_a_world_without_events_are_zero(self):
        """And a safety car that is out at the moment is not counted again."""
        found = tallies(with_safety_car(11, 13), world(Cautions(), Reliability()))
        assert [tally.expected.sum() for tally in found.values()] == [0, 0, 0, 0]

    def test_of_a_world_full_of_events(self):
        """A safety car of one lap after half of the laps: it begins anew after every green lap or run of them."""
        found = tallies(with_safety_car(30, 30), world(Cautions(sc_hazard=0.5, sc_laps=(1.0,)), Reliability()))
        assert found["safety_car"].p_any[0] == 1
        assert found["safety_car"].expected[0] == pytest.approx(0.5 * 0.5 * 18, abs=1)

    def test_a_hazard_of_retiring_shows(self):
        """0.05 a lap over the 16 laps until 90 % at the first moment."""
        found = tallies(with_safety_car(30, 30), world(Cautions(), Reliability(failure_hazard=0.05)))
        assert found["retired"].expected[:4].mean() == pytest.approx(1 - 0.95**16, abs=0.06)
        assert found["retired"].seen[:4].tolist() == [0, 1, 0, 0]


def test_summary_is_beside_the_constant_frequency():
    """Whoever knows which moments come true beats the frequency; the frequency itself is its entropy."""
    seen = np.array([1.0, 0, 0, 2])
    found = summary(Tally(seen, np.array([0.9, 0.1, 0.1, 0.9]), seen))
    assert found["expected"] == found["seen"] == 0.75
    assert found["log_loss"] == pytest.approx(-np.log(0.9))
    assert found["log_loss_of_the_frequency"] == pytest.approx(np.log(2))


def test_reliability_is_the_share_that_happened():
    """Ten times 0.25 with two hits, and once 1.0."""
    low, high = reliability([0.25] * 10 + [1.0], [1, 1] + [0] * 8 + [1])
    assert (low.said, low.happened, low.cases) == (0.25, 0.2, 10)
    assert (high.said, high.happened, high.cases) == (1.0, 1.0, 1)
