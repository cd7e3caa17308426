"""Ranges of paths in blocks."""

import threading
import time

import numpy as np
import pytest
from pitcall_sim_worker import ranges

from pitcall.errors import Cancelled
from pitcall.sim import outcome_bytes
from pitcall.sim.evaluate import EvaluateRequest
from pitcall.sim.messages import Candidate
from pitcall.sim.outcome import Outcome
from pitcall.sim.trial import LANES, LOOK_S

pytestmark = pytest.mark.unit

CALLS = tuple(Candidate(lap, compound) for lap in range(6, 12) for compound in range(5))


class Player:
    """Places that tell path and call; remembers its blocks, and may be slow."""

    def __init__(self, width: int = 2, race_s: float = 0.0) -> None:
        self.width, self.race_s = width, race_s
        self.blocks: list[tuple[range, int]] = []

    def _play(self, paths, calls):
        self.blocks.append((paths, calls))
        threading.Event().wait(self.race_s * len(paths) * calls / self.width)

    def play(self, race, seed, paths, car, calls):
        self._play(paths, len(calls))
        path, call = np.array(paths)[:, None], np.array([c.lap * 5 + c.compound for c in calls])
        place = (path * 31 + call * 7 + seed + car) % 251
        gap = np.stack([path / (call + 1), path * 0.1 + call], axis=2)
        rejoin = np.stack([place, place + 1, place + 2], axis=2)
        return Outcome(place.astype(np.uint8), rejoin.astype(np.uint8), gap.astype(np.float32))

    def finish(self, race, seed, paths):
        self._play(paths, 1)
        return ((np.array(paths)[:, None] + np.arange(len(race.grid.cars)) + seed) % 251).astype(np.uint8)


def never():
    return False


def played(ask, player):
    return ranges.evaluate(ask, player, cancelled=never)


@pytest.fixture
def ask(request_):
    return EvaluateRequest(request_.race, 7, 100, 700, "B", CALLS)


def test_blocks_put_together_are_the_whole(ask):
    """Cut along paths and along calls, or not at all: the same bytes."""
    whole = outcome_bytes.pack(Player().play(ask.race, 7, range(100, 800), 1, CALLS))
    assert played(ask, Player()) == whole
    cut = Player(race_s=1e-5)
    assert played(ask, cut) == whole
    assert len(cut.blocks) > 20
    assert max(calls for _, calls in cut.blocks) < len(CALLS)


def test_blocks_fill_the_lanes_of_every_thread(ask):
    """However many calls there are: the kernel plays 32 paths for the price of one."""
    player = Player(race_s=1e-5)
    played(ask, player)
    assert {len(paths) for paths, _ in player.blocks if paths.stop < 800} == {LANES * player.width}


def test_without_a_car_it_is_where_all_finish(request_):
    """Policies only: one row per path, one column per car."""
    ask = EvaluateRequest(request_.race, 7, 5, 2_000)
    places = outcome_bytes.unpack_finish(played(ask, Player(race_s=1e-5)), 2_000, 2)
    assert np.array_equal(places, Player().finish(ask.race, 7, range(5, 2_005)))


def test_blocks_get_as_long_as_the_time_between_two_looks(ask):
    """A slow race makes them short, a fast one long."""
    slow, fast = Player(race_s=1e-4), Player()
    played(ask, slow)
    played(ask, fast)
    paths, calls = slow.blocks[2]
    assert len(paths) * calls * 1e-4 / slow.width < 2 * LOOK_S
    assert fast.blocks[-1][1] == len(CALLS)


def taken_back(ask):
    """Time from taking a question back to its end, s."""
    player, left = Player(race_s=1e-4), time.perf_counter() + 0.05
    with pytest.raises(Cancelled):
        ranges.evaluate(ask, player, cancelled=lambda: time.perf_counter() > left)
    took_s = time.perf_counter() - left
    assert sum(len(paths) for paths, _ in player.blocks) < ask.paths
    return took_s


def test_it_ends_soon_after_it_is_taken_back(ask):
    """Best of three, for a busy machine."""
    assert min(taken_back(ask) for _ in range(3)) < 0.05


def test_no_block_is_begun_after_it_is_taken_back(ask):
    """The look that sees it is the last thing that happens."""
    player, looks = Player(race_s=1e-4), [False, False, False, True]
    seen: list[int] = []

    def cancelled() -> bool:
        seen.append(len(player.blocks))
        return looks[len(seen) - 1]

    with pytest.raises(Cancelled):
        ranges.evaluate(ask, player, cancelled=cancelled)
    assert len(player.blocks) == seen[-1]
