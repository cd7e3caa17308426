"""What a position is worth, and what a sample proves."""

import math

import numpy as np
import pytest

from pitcall.sim import utility as goal
from pitcall.sim.messages import F1_POINTS, Utility

pytestmark = pytest.mark.unit

GOALS = ("position", "points", "win", "target", "cvar")


def sample(n: int, seed: int = 1, mean: float = 8.0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.clip(np.rint(rng.normal(mean, 4.0, n)), 1, 20).astype(np.uint8)


class TestValues:
    @pytest.mark.parametrize("kind", GOALS)
    def test_the_mean_loss_is_the_value_of_the_distribution(self, kind):
        """Race by race or by the distribution: the same figure, the sign turned where more is better."""
        utility, places = Utility(kind, target=6, tail=0.3), sample(1000)
        p = np.bincount(places, minlength=21)[1:] / len(places)
        sign = 1 if kind in ("position", "cvar") else -1
        assert goal.loss(utility, places).mean() == pytest.approx(sign * goal.value(utility, p))
        assert goal.worse(utility, 3.0, 1.0) == sign * 2.0

    def test_in_closed_form(self):
        """First in a quarter of the races, second in a quarter, eleventh in the rest."""
        p = np.array([0.25, 0.25, *[0.0] * 8, 0.5])
        assert goal.value(Utility("position"), p) == 6.25
        assert goal.value(Utility("points"), p) == 0.25 * 25 + 0.25 * 18
        assert goal.value(Utility("points", points=(10.0, 6.0)), p) == 4.0
        assert goal.value(Utility("win"), p) == 0.25
        assert goal.value(Utility("target", target=2), p) == 0.5
        assert goal.value(Utility("target", target=20), p) == 1.0
        assert goal.value(Utility("cvar", tail=0.5), p) == 11.0
        assert goal.value(Utility("cvar", tail=0.625), p) == pytest.approx((0.5 * 11 + 0.125 * 2) / 0.625)

    def test_points_are_paid_by_the_table_and_no_further(self):
        """Every place of the table, 0 behind it."""
        assert (-goal.loss(Utility("points"), np.arange(1, 13, dtype=np.uint8))).tolist() == [*F1_POINTS, 0.0, 0.0]

    def test_cvar_is_the_mean_of_the_worst_share(self):
        """Sorted by hand: the worst fifth of 10 races, and all of them."""
        places = np.array([3, 9, 1, 4, 20, 2, 2, 5, 12, 7], np.uint8)
        assert goal.loss(Utility("cvar", tail=0.2), places).mean() == pytest.approx(16.0)
        assert goal.loss(Utility("cvar", tail=1.0), places).mean() == pytest.approx(places.mean())


class TestError:
    @pytest.mark.parametrize("kind", GOALS)
    def test_agrees_with_the_bootstrap(self, kind):
        """The stated error of a paired difference is the spread over resampled races, within 12 %."""
        utility, rng = Utility(kind, target=6), np.random.default_rng(4)
        a = sample(800)
        b = np.clip(a + rng.integers(-2, 4, len(a)), 1, 20).astype(np.uint8)
        stated = goal.standard_error(utility, goal.loss(utility, b) - goal.loss(utility, a), 20)
        again = []
        for _ in range(2000):
            rows = rng.integers(0, len(a), len(a))
            again.append(goal.loss(utility, b[rows]).mean() - goal.loss(utility, a[rows]).mean())
        assert stated == pytest.approx(np.std(again), rel=0.12)

    def test_of_cvar_covers_the_truth(self):
        """Over 1000 samples of a known distribution the 95 % interval of the CVaR holds it in 92 to 98 %."""
        utility, rng = Utility("cvar", tail=0.2), np.random.default_rng(9)
        truth, held = 0.0, 0
        p = np.array([0.1, 0.2, 0.3, 0.15, 0.1, 0.05, 0.05, 0.05])
        truth = goal.cvar(p, 0.2)
        for _ in range(1000):
            loss = goal.loss(utility, rng.choice(np.arange(1, 9, dtype=np.uint8), 400, p=p))
            held += abs(loss.mean() - truth) < 1.96 * goal.standard_error(utility, loss, 8)
        assert 920 <= held <= 980

    @pytest.mark.parametrize(("kind", "least"), [("position", 1), ("points", 1), ("win", 1), ("cvar", 5)])
    def test_is_never_zero(self, kind, least):
        """Races without any difference leave room for one step that was not seen."""
        error = goal.standard_error(Utility(kind), np.zeros(100), 20)
        assert error == pytest.approx(least / math.sqrt(99 * 100))

    @pytest.mark.parametrize(("kind", "widest"), [("position", 19), ("points", 25), ("win", 1), ("cvar", 19)])
    def test_of_one_race_is_the_widest_possible(self, kind, widest):
        """One race proves nothing."""
        assert goal.standard_error(Utility(kind), np.zeros(1), 20) == widest


def test_p_better_is_the_normal_tail():
    """Zone and difference add up; a difference of 0 without a zone is a coin's throw."""
    assert goal.p_better(0.0, 0.1, 0.0) == 0.5
    assert goal.p_better(0.1, 0.1, 0.0645) == pytest.approx(0.05, abs=1e-4)
    assert goal.p_better(-0.2, 0.1, 0.0) == pytest.approx(0.9772, abs=1e-4)


class TestTilt:
    @pytest.mark.parametrize("scale", [0.02, 1.0, 25.0])
    def test_moves_the_mean_to_the_target_in_any_unit(self, scale):
        """Weights are positive, sum to 1, and give the mean that was asked for."""
        x = scale * sample(64).astype(float)
        w = goal.tilt(x, float(x.mean()) + 0.3 * scale)
        assert (w > 0).all()
        assert w.sum() == pytest.approx(1.0)
        assert w @ x == pytest.approx(x.mean() + 0.3 * scale)

    @pytest.mark.parametrize("target", [0.5, 21.0])
    def test_that_cannot_be_is_none(self, target):
        """No weights give a mean outside of the sample: all races count the same."""
        assert set(goal.tilt(sample(64).astype(float), target)) == {1 / 64}


class TestUtility:
    @pytest.mark.parametrize(
        ("bad", "field"),
        [
            ({"goal": "fame"}, "goal"),
            ({"target": 0}, "target"),
            ({"target": 65}, "target"),
            ({"tail": 0.0}, "tail"),
            ({"tail": math.nan}, "tail"),
            ({"points": ()}, "points"),
            ({"points": (1.0, 2.0)}, "points"),
            ({"points": (math.nan,)}, "points"),
            ({"points": (-1.0,)}, "points"),
        ],
    )
    def test_checks_itself(self, bad, field):
        """A message that names the field."""
        with pytest.raises(ValueError, match=field):
            Utility(**bad)

    def test_the_zone_of_the_worst_share_is_wider_the_smaller_the_share(self):
        """All races: that of the mean; a quarter of them: twice as wide."""
        assert Utility("cvar", tail=1.0).zone == Utility().zone
        assert Utility("cvar", tail=0.25).zone == 2 * Utility().zone
