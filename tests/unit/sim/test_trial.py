"""Blocks, looks and what a trial keeps of its races."""

import time

import numpy as np
import pytest

from pitcall.errors import Cancelled
from pitcall.sim.decision import decide
from pitcall.sim.messages import Budget, Candidate, DecideRequest
from pitcall.sim.outcome import Outcome
from pitcall.sim.trial import LANES, LOOK_S, Rejoins, Watch
from pitcall.sim.work import SyntheticPlayer

from .conftest import make_race

pytestmark = pytest.mark.unit


def never() -> bool:
    return False


class Slow:
    """Takes ``per_race_s`` for each race, with its eyes on the clock."""

    width = 1

    def __init__(self, per_race_s: float) -> None:
        self.per_race_s = per_race_s
        self.took: list[float] = []

    def play(self, race, seed, paths, car, calls):
        began = time.perf_counter()
        while time.perf_counter() < began + self.per_race_s * len(paths) * len(calls):
            pass
        place = np.full((len(paths), len(calls)), 3, np.uint8)
        self.took.append(time.perf_counter() - began)
        return Outcome(place, np.zeros((*place.shape, 3), np.uint8), np.zeros((*place.shape, 2), np.float32))


def question(calls: int, paths: int, **changes) -> DecideRequest:
    candidates = tuple(Candidate(11 + k // 3, k % 3) for k in range(calls))
    return DecideRequest(
        make_race(lap=10), "C2", candidates, 1, Budget(paths, paths, indifference=0.0), outlook=False, **changes
    )


class TestWatch:
    def test_blocks_are_whole_groups_of_lanes_and_cover_all_paths(self):
        """What the kernel plays at once is not cut, and no path is missed or played twice."""
        watch = Watch(2, never, never)
        for paths in (range(1), range(64), range(64, 1000), range(4096)):
            for calls in (1, 7, 120):
                blocks = list(watch.blocks(paths, calls))
                assert [path for block in blocks for path in block] == list(paths)
                assert all(len(block) % (2 * LANES) == 0 for block in blocks[:-1])

    def test_shares_cover_all_calls(self):
        """Each call once, in order."""
        watch = Watch(1, never, never)
        for calls in (1, 7, 2048):
            assert [k for share in watch.shares(calls, 64) for k in range(calls)[share]] == list(range(calls))

    @pytest.mark.parametrize("per_race_s", [4e-6, 60e-6])
    def test_a_look_at_the_caller_comes_every_few_milliseconds(self, per_race_s):
        """Fast races or slow ones: after a short start, blocks take about ``LOOK_S``, half of them at most 20 ms."""
        player = Slow(per_race_s)
        list(decide(question(54, 512 if per_race_s < 1e-5 else 64), player))  # type: ignore[arg-type]  # plays only
        assert len(player.took) > 5
        assert np.median(player.took[2:-1]) < 0.020
        assert np.median(player.took[2:-1]) > LOOK_S / 4

    def test_a_cancelled_question_plays_no_further_block(self):
        """The look that sees it is the last thing that happens."""
        player, answers = Slow(1e-6), iter([False, False, True])
        with pytest.raises(Cancelled):
            list(decide(question(54, 64), player, cancelled=lambda: next(answers)))  # type: ignore[arg-type]  # plays only
        assert len(player.took) == 2

    def test_the_speed_of_the_machine_changes_no_bit(self):
        """Blocks of any size: the same decisions, neighbours included."""

        class Neighbours(SyntheticPlayer):
            per_race_s = 0.0

            def play(self, race, seed, paths, car, calls):
                until = time.perf_counter() + self.per_race_s * len(paths) * len(calls)
                while time.perf_counter() < until:
                    pass
                return with_neighbours(super().play(race, seed, paths, car, calls), paths)

        candidates = tuple(Candidate(11 + k, 1) for k in range(10))
        asked = DecideRequest(make_race(lap=10), "C2", candidates, 1, Budget(64, 128, indifference=0.0), outlook=False)
        slow, fast = (Neighbours([3.0 + 0.04 * k for k in range(10)], first_lap=11) for _ in range(2))
        slow.per_race_s = 1e-4
        assert list(decide(asked, slow)) == list(decide(asked, fast))


def with_neighbours(outcome: Outcome, paths: range) -> Outcome:
    at = np.arange(paths.start, paths.stop)[:, None]
    outcome.rejoin[:] = np.stack([at % 6 + 1, at % 5, at % 3], axis=2)
    outcome.gap_s[:] = np.stack([at * 0.0137, at * 0.0311], axis=2)
    return outcome


class TestRejoins:
    def test_races_without_a_stop_do_not_count(self):
        """Position 0 means that there was none; its neighbours are no neighbours."""
        rejoins = Rejoins(2, 4)
        rejoin = np.array([[[3, 1, 0]], [[0, 2, 2]], [[4, 1, 0]]], np.uint8)
        gap = np.array([[[1.0, 0.0]], [[9.0, 9.0]], [[2.0, 0.0]]], np.float32)
        rejoins.add([1], Outcome(np.zeros((3, 1), np.uint8), rejoin, gap))
        assert rejoins.position(1) == 3.5
        assert rejoins.neighbour(1, 0) == (0, 1.5)
        assert rejoins.neighbour(1, 1) == (None, None)
        assert rejoins.position(0) is None
        assert rejoins.neighbour(0, 0) == (None, None)
