"""Paired differences and their intervals."""

import numpy as np
import pytest

from pitcall.backtest.bootstrap import difference
from pitcall.backtest.score import Marks

pytestmark = pytest.mark.unit


def marks(rps, races, season=None):
    n = len(rps)
    season = np.array([2019] * n if season is None else season)
    zero = np.zeros(n)
    return Marks(season, np.array(races), zero, np.ones(n, bool), np.array(rps, float), zero, zero)


def between(ours, theirs):
    return difference(ours, theirs, (ours.rps, theirs.rps), np.ones(len(ours), bool))


def test_a_constant_lead_has_no_spread():
    """0.01 better in every race, whatever the races' own luck."""
    theirs = marks([0.1, 0.3, 0.2, 0.5], ["a", "a", "b", "c"])
    found = between(marks(theirs.rps - 0.01, theirs.race), theirs)
    assert (found.mean, found.low, found.high) == pytest.approx((-0.01, -0.01, -0.01))


def test_the_interval_is_that_of_the_mean_of_races():
    """400 independent races: the width of a normal interval, and the cars of a race count as one draw."""
    gap = np.random.default_rng(3).normal(0.0, 1.0, 400).repeat(5)
    races = [f"r{k:03d}" for k in range(400) for _ in range(5)]
    found = between(marks(gap, races), marks(gap * 0, races))
    half = 1.96 * gap[::5].std() / np.sqrt(400)
    assert found.high - found.low == pytest.approx(2 * half, rel=0.05)
    assert found.mean == pytest.approx(gap.mean())


def test_seasons_count_alike():
    """The mean of the seasons' means, not of all cars."""
    ours = marks([1.0, 1.0, 1.0, 3.0], ["a", "b", "c", "d"], [2018, 2018, 2018, 2019])
    assert between(ours, marks(ours.rps * 0, ours.race, ours.season)).mean == pytest.approx(2.0)


def test_the_same_question_gives_the_same_bits():
    """Seeded."""
    rng = np.random.default_rng(1)
    ours, theirs = (marks(rng.random(30), [f"r{k % 10}" for k in range(30)]) for _ in range(2))
    assert between(ours, theirs) == between(ours, theirs)


def test_other_cars_cannot_be_compared():
    """Both must be scored on the same."""
    with pytest.raises(ValueError, match="the same cars"):
        between(marks([0.1], ["a"]), marks([0.1], ["b"]))
