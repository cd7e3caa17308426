"""Tier T1: where a car comes out after a stop."""

import numpy as np
import pytest

from pitcall.adapters.laps import events_from_table
from pitcall.backtest import rejoin as t1
from pitcall.backtest.run import Race
from pitcall.domain.tyres import Compound
from pitcall.forecast import read
from pitcall.sim.outcome import Outcome
from tests.unit.backtest.conftest import LAP_S, race, stint

pytestmark = pytest.mark.unit

LOSS_S = 20.0


def stopper(driver, last, at, *, late=0.0, track="1"):
    """A stint with a stop at the end of lap ``at``: most of the loss is paid after the line."""
    rows = []
    for row in stint(driver, last, late=late):
        if row.lap < at:
            rows.append(row)
        elif row.lap == at:
            rows.append(row._replace(time_s=row.time_s + 2.0, pit_in_s=row.time_s - 1.0, track=track))
        else:
            out = row.time_s - LAP_S + 17.0 if row.lap == at + 1 else None
            late_s, age = row.time_s + LOSS_S, row.lap - at
            rows.append(row._replace(time_s=late_s, pit_out_s=out, compound=Compound.HARD, tyre_age=age))
    return rows


def at_work(*cars):
    table = race([row for rows in cars for row in rows])
    return Race(table, tuple(events_from_table(table)), ())


class Fixed:
    """A player in whose races every stop comes out at ``places``."""

    width = 1

    def __init__(self, *places):
        self.places, self.asked = places, []

    def play(self, race, seed, paths, car, calls):
        self.asked.append((race.grid.cars[car], calls[0].lap, calls[0].compound, race.grid.boxing[car]))
        rejoin = np.zeros((len(paths), 1, 3), np.uint8)
        rejoin[:, 0, 0] = np.resize(self.places, len(paths))
        return Outcome(np.ones((len(paths), 1), np.uint8), rejoin, np.zeros((len(paths), 1, 2), np.float32))

    def finish(self, race, seed, paths):
        raise AssertionError("nobody asks for the finish")


def ask(work, *places):
    player = Fixed(*places or (1,))
    return t1.rejoins(work, lambda state: read(state).race, player), player


class TestStops:
    def test_are_asked_about_at_the_line_and_at_pit_entry(self):
        """First when the call has to be made, then when the car is in the lane; for the tyres it took."""
        work = at_work(stopper("AAA", 20, 10), stint("BBB", 20, late=8.0), stint("CCC", 20, late=30.0))
        found, player = ask(work, 2)
        assert [(one.moment, one.car, one.lap) for one in found] == [("line", "AAA", 10), ("entry", "AAA", 10)]
        assert player.asked == [("AAA", 10, int(Compound.HARD), False), ("AAA", 10, int(Compound.HARD), True)]

    def test_count_only_under_green(self):
        """A stop behind the safety car costs something else."""
        work = at_work(stopper("AAA", 20, 10, track="4"), stint("BBB", 20, late=8.0), stint("CCC", 20, late=30.0))
        assert ask(work)[0] == []

    def test_are_compared_with_the_order_at_the_end_of_the_out_lap(self):
        """20 s lost: behind BBB, 8 s back, and before CCC, 30 s back."""
        work = at_work(stopper("AAA", 20, 10), stint("BBB", 20, late=8.0), stint("CCC", 20, late=30.0))
        (line, entry), _ = ask(work, 1, 2, 2)
        assert (line.actual, entry.actual) == (2, 2)
        assert line.ours == 2.0

    def test_have_retired_rivals_behind(self):
        """BBB is close but drives no further: no place is lost to it."""
        work = at_work(stopper("AAA", 20, 10), stint("BBB", 10, late=8.0), stint("CCC", 20, late=30.0))
        assert {one.actual for one in ask(work)[0]} == {1}


def test_order_at_the_gap_loses_a_place_to_each_car_within_a_pit_loss():
    """BBB at 8 s comes past, CCC at 30 s does not, whoever is ahead stays ahead."""
    work = at_work(
        stint("DDD", 20), stopper("AAA", 20, 10, late=3.0), stint("BBB", 20, late=11.0), stint("CCC", 20, late=33.0)
    )
    assert {one.by_gap for one in ask(work)[0]} == {3}


def test_scores_are_shares_of_the_stops():
    """Exact, within one, and on which side."""
    made = [t1.Rejoin("entry", "AAA", 10, actual, ours, 5) for actual, ours in ((5, 5.0), (5, 4.0), (5, 8.0))]
    scores = t1.summary(made)
    assert scores["entry"]["exact"] == pytest.approx(1 / 3)
    assert scores["entry"]["within_1"] == pytest.approx(2 / 3)
    assert scores["entry"]["bias"] == pytest.approx(2 / 3)
    assert scores["entry"]["gap_exact"] == 1.0
    assert scores["line"]["stops"] == 0


def test_a_stop_that_no_simulated_race_makes_is_said_to_be_unanswered():
    """It counts as wrong, and the share that was answered stands beside the score."""
    made = [t1.Rejoin("entry", "AAA", 10, 5, float("nan"), 5), t1.Rejoin("entry", "BBB", 10, 5, 5.0, 5)]
    scores = t1.summary(made)["entry"]
    assert (scores["answered"], scores["exact"], scores["within_1"], scores["bias"]) == (0.5, 0.5, 0.5, 0.0)
