"""Who beats whom, learned."""

import numpy as np
import pytest

from pitcall.backtest.run import marks, play_back
from pitcall.backtest.score import figures
from pitcall.train.pairwise import RHO, Extra, Pairwise, PairwiseForecaster, pairs, ranks, sheets_of
from pitcall.train.sheet import OWN, SHARED, Sheet
from tests.unit.backtest.conftest import races  # noqa: F401  # a fixture

pytestmark = pytest.mark.unit


@pytest.fixture(scope="module")
def known():
    """Sheets of 24 races in which pace decides and a quarter of the cars stops."""
    random = np.random.default_rng(5)
    return [one for number in range(24) for one in made(random, number)]


def made(random, number):
    cars = 12
    skill = random.normal(size=cars)
    finished = random.random(cars) > 0.25
    result = np.where(finished, 0.0, 50.0) + skill + 0.3 * random.normal(size=cars)
    final = result.argsort().argsort() + 1
    own = np.full((cars, len(OWN)), np.nan, np.float32)
    own[:, OWN.index("race_pace")] = skill
    own[:, OWN.index("pos")] = np.arange(1, cars + 1)
    shared = np.zeros(len(SHARED), np.float32)
    shared[SHARED.index("left")] = 30
    yield Sheet(
        f"race {number}", 2019, 0.5, cars, tuple("ABCDEFGHIJKL"), np.array(list("AABBCCDDEEFF")), own, shared, final,
        finished,
    )  # fmt: skip


class TestRanks:
    def test_of_an_only_car(self):
        """It is first."""
        assert ranks(np.array([]), 3) == pytest.approx([1, 0, 0])

    def test_of_equals(self):
        """Against one equal rival: even odds."""
        assert ranks(np.array([0.5]), 2) == pytest.approx([0.5, 0.5])

    def test_mean_is_the_sum_of_the_pairs(self):
        """Expected rank = 1 + the probabilities of being behind each; own luck moves the spread only."""
        behind = np.array([0.1, 0.4, 0.8, 0.95])
        p = ranks(behind, 5)
        assert p.sum() == pytest.approx(1)
        assert p @ np.arange(1, 6) == pytest.approx(1 + behind.sum(), abs=1e-3)

    def test_own_luck_is_shared_by_all_pairs(self):
        """P(ahead of two equals) of three exchangeable cars with correlation RHO: 1/4 + asin(RHO) / 2 pi."""
        assert ranks(np.array([0.5, 0.5]), 3)[0] == pytest.approx(0.25 + np.arcsin(RHO) / (2 * np.pi), abs=1e-4)


class TestPairwise:
    def test_learns_that_pace_decides(self, known):
        """The quickest of a new race is expected ahead of the slowest, by many places."""
        model = Pairwise.fit(known)
        (new,) = made(np.random.default_rng(77), 99)
        forecast = model.predict(new)
        mean = np.array([forecast[car] @ np.arange(1, new.n + 1) for car in new.cars])
        pace = new.own[:, OWN.index("race_pace")]
        assert mean[pace.argmax()] - mean[pace.argmin()] > 4
        assert all(p.sum() == pytest.approx(1) and (p > 0).all() for p in forecast.values())

    def test_extra_columns_are_used(self, known):
        """Told who won each pair, it knows the order of a new race much better."""

        def told(one):
            return Extra(np.zeros((len(one.cars), 0)), (one.final[:, None] < one.final[None])[..., None].astype(float))

        new = [one for k in range(6) for one in made(np.random.default_rng(100 + k), k)]
        plain, wise = Pairwise.fit(known), Pairwise.fit(known, [told(one) for one in known])

        def log_loss(forecast, one):
            return -np.mean([np.log(forecast[car][final - 1]) for car, final in zip(one.cars, one.final, strict=True)])

        assert np.mean([log_loss(wise.predict(one, told(one)), one) for one in new]) < np.mean(
            [log_loss(plain.predict(one), one) for one in new]
        )

    def test_extra_must_match(self, known):
        """One entry per sheet."""
        with pytest.raises(ValueError, match="24 entries, one per sheet, not 1"):
            Pairwise.fit(known, [Extra(np.zeros((12, 1)), np.zeros((12, 12, 0)))])
        with pytest.raises(ValueError, match="no moment"):
            Pairwise.fit([])

    def test_pairs_are_ordered_pairs(self, known):
        """(i, j) and (j, i) swap the cars' columns and turn their difference round."""
        x = pairs(known[0])
        own = len(OWN)
        i, j = np.where(~np.eye(12, dtype=bool))
        back = {(a, b): k for k, (a, b) in enumerate(zip(i, j, strict=True))}
        mirrored = x[[back[b, a] for a, b in zip(i, j, strict=True)]]
        np.testing.assert_array_equal(x[:, :own], mirrored[:, own : 2 * own])
        np.testing.assert_array_equal(x[:, 2 * own : 3 * own], -mirrored[:, 2 * own : 3 * own])
        assert x[back[0, 1], -1] == 1
        assert x[back[0, 2], -1] == 0


def test_a_forecaster_carries_the_form_of_the_season(races):  # noqa: F811
    """It is scored like any other, and what a finished race showed reaches the next one's sheet."""

    def fit(training):
        return PairwiseForecaster(Pairwise.fit(sheets_of((race.table, race.cases) for race in training)))

    found = marks(races[2:], play_back(races[2:], races[:2], {"pairwise": fit}, lambda *_: None))
    assert 0 <= figures(found["pairwise"]).rps < 0.5
    first, second = (sheets_of((race.table, race.cases) for race in races[:2])[k] for k in (0, 9))
    at = OWN.index("team_reliability")
    assert np.isnan(first.own[:, at]).all()
    assert second.own[:, at].tolist() == [1, 0, 1, 1]
