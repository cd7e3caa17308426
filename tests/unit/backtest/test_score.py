"""Scores against closed forms."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pitcall.backtest.score import FLOOR, figures, log_loss, mark, mean_of_seasons, rps

pytestmark = pytest.mark.unit


class TestRps:
    def test_of_the_truth_is_zero(self):
        """Certain and right."""
        assert rps([0, 1, 0], 2) == 0

    def test_of_certainty_is_the_share_of_places_missed(self):
        """Certain of k when j came: |k - j| / (n - 1)."""
        assert rps([1, 0, 0, 0, 0], 4) == pytest.approx(3 / 4)

    def test_of_even_odds_on_two_places(self):
        """0.25 whichever comes."""
        assert [rps([0.5, 0.5], rank) for rank in (1, 2)] == [0.25, 0.25]

    @given(st.integers(2, 30), st.data())
    def test_of_knowing_nothing(self, n, data):
        """Uniform: sum over k of (k/n - [k >= rank])^2 / (n - 1)."""
        rank = data.draw(st.integers(1, n))
        expected = sum((k / n - (k >= rank)) ** 2 for k in range(1, n)) / (n - 1)
        assert rps(np.full(n, 1 / n), rank) == pytest.approx(expected)

    def test_refuses_a_rank_that_is_not_there(self):
        """The message says which there are."""
        with pytest.raises(ValueError, match="1 to 2, not 3"):
            rps([0.5, 0.5], 3)


def test_log_loss_is_bounded():
    """Who says "never" to what comes pays -ln FLOOR."""
    assert log_loss([0.25, 0.75], 1) == pytest.approx(math.log(4))
    assert log_loss([0.0, 1.0], 1) == pytest.approx(-math.log(FLOOR))


def sure(case, place):
    """Everybody finishes in ``place``."""
    return {car.car: np.eye(case.n)[place - 1] for car in case.scored}


class TestFigures:
    def test_are_means_over_scored_cars(self, races):
        """Told that all win: AAA's error is 0, BBB's 1, CCC's 2, DDD's 3 places of 3."""
        cases = races[0].cases
        found = figures(mark(cases, [sure(case, 1) for case in cases]))
        assert found.cars_scored == 9 * 3 + 5
        assert found.rps == pytest.approx((9 * (0 + 1 / 3 + 2 / 3) + 5 * 1) / 32)
        assert found.rps_finishers == pytest.approx(1 / 3)
        assert found.mae_rank == pytest.approx((9 * 3 + 5 * 3) / 32)
        assert found.rps_by_fraction["0.9"] == pytest.approx(1 / 3)

    def test_seasons_count_alike(self, races):
        """However many races they have."""
        cases = [case for race in races[:3] for case in race.cases]
        forecasts = [sure(case, 1 if case.season == 2018 else 2) for case in cases]
        marks = mark(cases, forecasts)
        each = [figures(marks.of(marks.season == season)).rps for season in (2018, 2019)]
        assert mean_of_seasons(marks).rps == pytest.approx(sum(each) / 2)
        assert mean_of_seasons(marks).rps != pytest.approx(figures(marks).rps)

    @pytest.mark.parametrize("p", [[0.5, 0.5], [0.5, 0.5, 0.5, 0.5], [1.5, -0.5, 0, 0], [math.nan, 1, 0, 0]])
    def test_refuse_what_is_no_forecast(self, races, p):
        """Too short, too much, negative, not a number: one clear error."""
        case = replace(races[0].cases[0], scored=races[0].cases[0].scored[:1])
        with pytest.raises(ValueError, match="forecast of AAA in 2018-01: 4 probabilities that sum to 1"):
            mark([case], [{"AAA": np.array(p)}])
