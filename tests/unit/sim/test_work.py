"""Counting races, and the player whose truth is known."""

import numpy as np
import pytest

from pitcall.sim.messages import Budget, Candidate, DecideRequest
from pitcall.sim.work import SyntheticPlayer, work

from .conftest import make_race

pytestmark = pytest.mark.unit

MEANS = [9.0, 9.4, 10.0, 10.6, 11.0, 12.0]
CALLS = tuple(Candidate(11 + k, 1) for k in range(len(MEANS)))


def places(paths: range, calls=CALLS, seed: int = 1) -> np.ndarray:
    return SyntheticPlayer(MEANS, first_lap=11).play(make_race(20, lap=10), seed, paths, 0, calls).place


class TestSyntheticPlayer:
    def test_meets_its_means(self):
        """Within 4 errors, and rounding adds nothing."""
        found = places(range(20_000)).mean(axis=0)
        assert abs(found - MEANS).max() < 4 * np.sqrt(5.1 / 20_000)

    def test_a_path_is_named_by_its_number_and_a_call_by_its_lap(self):
        """Any split of paths and any choice of calls gives the same bits; another seed does not."""
        whole = places(range(100))
        assert np.array_equal(np.concatenate([places(range(33)), places(range(33, 100))]), whole)
        assert np.array_equal(places(range(100), CALLS[3:4])[:, 0], whole[:, 3])
        assert not np.array_equal(places(range(100), seed=2), whole)

    def test_neighbours_are_more_alike_than_calls_far_apart(self):
        """As stops on neighbouring laps are: the shared part in both, the own part in neighbours only."""
        found = places(range(20_000)).astype(float)
        near, far = np.var(found[:, 1] - found[:, 0]), np.var(found[:, 5] - found[:, 0])
        assert near < 0.5 * far

    def test_knows_stops_on_its_laps_only(self):
        """Staying out has no mean."""
        with pytest.raises(ValueError, match="laps"):
            places(range(1), (Candidate(),))


class TestWork:
    def test_dropping_saves_races_and_comes_to_the_same_call(self):
        """The same stopping rule with and without dropping: a fraction of the races, no other answer."""
        asked = DecideRequest(make_race(20, lap=10), "C3", CALLS, 5, Budget(indifference=0.05))
        player = SyntheticPlayer([9.0, 9.2, *MEANS[2:]], first_lap=11)
        dropping, uniform = work(asked, player), work(asked, player, uniform=True)
        assert dropping.decision.best == uniform.decision.best == 0
        assert dropping.decision.resolved
        assert uniform.decision.resolved
        assert dropping.races < 0.7 * uniform.races
        assert uniform.races == len(CALLS) * uniform.decision.draws
        assert dropping.races == sum(o.draws for o in dropping.decision.options)
        assert dropping.seconds > 0
