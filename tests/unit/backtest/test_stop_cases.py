"""Which laps of a log are decisions, and what is known of them."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from pitcall.adapters.laps import events_from_table
from pitcall.backtest.stop_cases import joined, stop_cases
from pitcall.domain.tyres import Compound
from pitcall.forecast import read
from pitcall.sim.race import SAFETY_CAR, STOP_FEATURES
from tests.unit.backtest.conftest import LAP_S, START, four_cars, lap, race, stint

pytestmark = [pytest.mark.unit, pytest.mark.timeout(600)]  # compiles the twin

STOP = 8  #: lap of BBB's stop


def stopping(*, then=Compound.HARD, age=0, in_lap_s=LAP_S, **on_stop):
    """AAA goes on; BBB comes in at the end of lap 8 of 20 and leaves on ``then``, ``age`` laps old."""
    rows = stint("AAA", 20)
    for number in range(1, 21):
        after = number - STOP
        row = lap("BBB", number, late=2.0 if after <= 0 else 24.0)
        if after == 0:
            row = row._replace(pit_in_s=row.time_s - 2.0, lap_time_s=in_lap_s)
        if after > 0:
            row = row._replace(compound=then, tyre_age=age + after)
        if after == 1:
            row = row._replace(pit_out_s=START + STOP * LAP_S + 20.0)
        rows.append(row._replace(**on_stop) if after == 0 else row)
    return race(rows)


def cases(table):
    left_out: Counter[str] = Counter()
    return stop_cases(events_from_table(table), lambda state: read(state).race, left_out), left_out


class TestCases:
    def test_are_all_laps_from_the_second_to_the_last_but_one(self):
        """Of every car as long as it drives: 18, 18, 17 of the lapped car, 9 of the one that stops on track."""
        found, left_out = cases(four_cars())
        assert Counter(found.car.tolist()) == {"AAA": 18, "BBB": 18, "CCC": 17 + 1, "DDD": 9}
        assert (found.lap.min(), found.lap.max()) == (2, 19)
        assert not found.stopped.any()
        assert not left_out
        assert set(found.race.tolist()) == {"2019-01"}

    def test_know_who_stopped_for_what(self):
        """One stop: on the lap of the pit entry, for the tyres of the next lap; they could have been softs too."""
        found, left_out = cases(stopping())
        (at,) = np.flatnonzero(found.stopped)
        assert (found.car[at], found.lap[at], found.compound[at], found.fitted[at]) == ("BBB", STOP, 1, 2)
        assert np.isfinite(found.costs[at]).tolist() == [True, False, True, False, False]
        assert (found.fitted[~found.stopped] == -1).all()
        assert not left_out

    def test_count_the_age_with_this_lap(self):
        """As the simulation does when it decides: on lap 8 of the first set 8, then from 1 again."""
        found, _ = cases(stopping())
        mine = found.of(found.car == "BBB")
        assert mine.age.tolist() == [*range(2, STOP + 1), *range(1, 20 - STOP)]
        used = mine.features[:, STOP_FEATURES.index("life_used")] * 9  # 46 % of 20 laps
        np.testing.assert_allclose(used[: STOP - 1], mine.age[: STOP - 1], rtol=1e-5)

    def test_see_the_stop_in_the_field(self):
        """From the next lap: half a stop a car behind the field, and half of the field of late."""
        found, _ = cases(stopping())
        other = found.of(found.car == "AAA")
        behind = other.features[:, STOP_FEATURES.index("behind_field")]
        lately = other.features[:, STOP_FEATURES.index("stops_lately")]
        assert behind.tolist() == [0.0] * (STOP - 1) + [0.5] * (19 - STOP)
        assert lately[STOP - 2 : STOP + 2].tolist() == pytest.approx([0.0, 0.3, 0.3, 0.3])  # 0.3 is as much as counts

    def test_know_what_each_car_met(self):
        """The digits of its own lap; the first of them is new."""
        rows = (
            row._replace(track="4") if row.driver == "AAA" and row.lap in (8, 9) else row for row in stopping().rows
        )
        found, _ = cases(replace(stopping(), rows=tuple(rows)))
        mine = found.of((found.car == "AAA") & (found.regime == SAFETY_CAR))
        assert mine.lap.tolist() == [8, 9]
        assert mine.features[:, STOP_FEATURES.index("new_safety_car")].tolist() == [1.0, 0.0]

    @pytest.mark.parametrize(
        ("why", "table"),
        [
            ("no change", stopping(then=Compound.MEDIUM, age=STOP)),
            ("red flag", stopping(track="5")),
            ("weather", stopping(then=Compound.INTERMEDIATE)),
            ("damage", stopping(in_lap_s=1.3 * LAP_S)),
            ("unknown", stopping(then=Compound.UNKNOWN)),
        ],
    )
    def test_leave_out_what_strategy_did_not_decide(self, why, table):
        """The stop is no case, and is counted; all other laps of the race stay."""
        found, left_out = cases(table)
        assert not found.stopped.any()
        assert left_out == {why: 1}
        assert STOP not in found.lap[found.car == "BBB"]
        assert STOP in found.lap[found.car == "AAA"]

    def test_leave_out_a_car_that_comes_in_for_good(self):
        """Retired in its box."""
        rows = [row for row in stopping().rows if row.driver == "AAA" or row.lap <= STOP]
        found, left_out = cases(race(rows))
        assert not found.stopped.any()
        assert left_out == {"retired": 1}


def test_a_later_lap_changes_no_case_before_it():
    """What was known on a lap is known from the laps before: cut the race after lap 12, and laps 2 to 12 stay."""
    whole, _ = cases(stopping())
    cut = replace(stopping(), rows=tuple(row for row in stopping().rows if row.lap <= 12))
    part, _ = cases(cut)
    early = whole.of(whole.lap <= 12)
    assert np.array_equal(early.features, part.features)
    assert np.array_equal(early.stopped, part.stopped)


def test_races_are_joined_in_their_order():
    """And what is kept is kept in every column."""
    one, two = cases(stopping())[0], cases(four_cars(number=2))[0]
    both = joined([one, two])
    assert len(both) == len(one) + len(two)
    assert np.array_equal(both.of(both.race == "2019-02").features, two.features)
