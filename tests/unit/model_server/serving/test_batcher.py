"""Requests that share passes."""

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from pitcall_model_server.serving import batcher as batching
from pitcall_model_server.serving.batcher import Batcher

from pitcall.errors import DeadlineExceeded, Overloaded, PitcallError

pytestmark = pytest.mark.unit

MOST = 4


class Doubling:
    """Doubles rows of one number. ``held`` keeps each pass from ending until it is told to."""

    buckets = (2, MOST)

    def __init__(self):
        self.passes = []
        self.held = False
        self.pause_s = 0.0
        self.threads = []
        self.begun, self.go = threading.Semaphore(0), threading.Semaphore(0)

    def bucket(self, rows):
        return next(size for size in self.buckets if size >= rows)

    def answer(self, parts):
        rows = np.concatenate(parts)
        self.threads.append(threading.get_ident())
        self.passes.append(rows[:, 0].astype(int).tolist())
        self.begun.release()
        if self.held:
            assert self.go.acquire(timeout=10)
        time.sleep(self.pause_s)
        if (rows < 0).any():
            raise ValueError("inside")
        return rows * 2


@pytest.fixture
def network():
    return Doubling()


@pytest.fixture
def batcher(network):
    with ThreadPoolExecutor(1) as pool:
        yield Batcher(network, pool, queue_rows=8)


def rows(*numbers):
    return np.array(numbers, np.float32).reshape(-1, 1)


async def begun(network):
    """A pass runs."""
    assert await asyncio.to_thread(network.begun.acquire, timeout=10)


def ask(batcher, *numbers, deadline_s=30.0):
    return asyncio.create_task(batcher.submit(rows(*numbers), deadline_s))


async def holding(batcher, network):
    """A pass that runs until ``network.go`` is released."""
    network.held = True
    task = ask(batcher, 1)
    await begun(network)
    return task


def let_go(network):
    network.held = False
    network.go.release()


class TestPasses:
    async def test_a_lone_request_waits_for_nobody(self, batcher, network):
        """It is a pass of its own, at once."""
        done = await batcher.submit(rows(3), 30.0)
        assert done.rows.tolist() == [[6]]
        assert network.passes == [[3]]
        assert 0 <= done.queue_s < 5
        assert done.compute_s > 0
        assert done.padded == 2  # the bucket, not the row

    async def test_time_of_its_own_is_told_apart_from_time_that_passed(self, network):
        """A thread that waits for others, as on a busy machine, does no work."""
        with ThreadPoolExecutor(1) as pool:
            waiting = Batcher(network, pool, queue_rows=8, cpu=True)
            task = await holding(waiting, network)
            await asyncio.sleep(0.2)
            let_go(network)
            done = await task
        assert done.compute_s > 0.15
        assert 0 < done.busy_s < 0.05

    async def test_a_small_pass_that_is_known_to_be_quick_needs_no_thread(self, network, monkeypatch):
        """Not the first one, nor a larger one; an error in it is the network's, as in a thread."""
        monkeypatch.setattr(batching, "_HERE_S", 10.0)
        monkeypatch.setattr(batching, "_IDLE_S", 10.0)
        with ThreadPoolExecutor(1) as pool:
            batcher = Batcher(network, pool, queue_rows=8, cpu=True)
            await batcher.submit(rows(1), 30.0)
            done = await batcher.submit(rows(1, 2), 30.0)
            await batcher.submit(rows(1, 2, 3), 30.0)
            with pytest.raises(PitcallError, match="the network failed"):
                await batcher.submit(rows(-1), 30.0)
            assert (await batcher.submit(rows(5), 30.0)).rows.tolist() == [[10]]
        here = threading.get_ident()
        assert [thread == here for thread in network.threads] == [False, True, False, True, True]
        assert (done.rows.tolist(), done.padded) == ([[2], [4]], 2)

    async def test_in_a_busy_loop_a_small_pass_needs_one(self, network, monkeypatch):
        """Requests meet in the queue while the thread computes."""
        monkeypatch.setattr(batching, "_HERE_S", 10.0)
        monkeypatch.setattr(batching, "_IDLE_S", 0.0)
        with ThreadPoolExecutor(1) as pool:
            batcher = Batcher(network, pool, queue_rows=8, cpu=True)
            for _ in range(3):
                await batcher.submit(rows(1), 30.0)
        assert threading.get_ident() not in network.threads

    async def test_a_small_pass_that_is_slow_stays_in_its_thread(self, network):
        """The event loop answers meanwhile."""
        network.pause_s = 0.001
        with ThreadPoolExecutor(1) as pool:
            batcher = Batcher(network, pool, queue_rows=8, cpu=True)
            for _ in range(5):
                await batcher.submit(rows(1), 30.0)
        assert threading.get_ident() not in network.threads

    async def test_what_comes_together_shares_a_pass(self, batcher, network):
        """Requests that the loop had ready: no timer is needed for them to meet."""
        found = await asyncio.gather(*(ask(batcher, n) for n in (1, 2, 3)))
        assert [done.rows.tolist() for done in found] == [[[2]], [[4]], [[6]]]
        assert network.passes == [[1, 2, 3]]

    async def test_what_comes_while_a_pass_runs_shares_the_next(self, batcher, network):
        """The queue of a busy network is what fills its passes."""
        first = await holding(batcher, network)
        others = [ask(batcher, n) for n in (2, 3)]
        await asyncio.sleep(0)
        let_go(network)
        await asyncio.gather(first, *others)
        assert network.passes == [[1], [2, 3]]

    async def test_a_large_request_holds_up_nobody(self, batcher, network):
        """After each pass it goes to the end of the queue; its rows come back in their order."""
        first = await holding(batcher, network)
        large, small = ask(batcher, *range(10, 16)), ask(batcher, 2)
        await asyncio.sleep(0)
        let_go(network)
        assert (await small).rows.tolist() == [[4]]
        assert (await large).rows[:, 0].tolist() == [20, 22, 24, 26, 28, 30]
        await first
        assert network.passes == [[1], [10, 11, 12, 13], [2, 14, 15]]

    async def test_two_lanes_run_two_passes(self, network):
        """As on a GPU with two streams."""
        network.held = True
        with ThreadPoolExecutor(2) as pool:
            batcher = Batcher(network, pool, lanes=2, queue_rows=8)
            task = ask(batcher, *range(8))
            await begun(network)
            await begun(network)
            network.held = False
            network.go.release(2)
            assert (await task).rows[:, 0].tolist() == [2 * n for n in range(8)]


class TestRefusals:
    async def test_a_full_queue_says_when_to_come_again(self, batcher, network):
        """It takes a request whole as long as it is not full; memory stays bounded."""
        first = await holding(batcher, network)
        waiting = [ask(batcher, *range(7)), ask(batcher, 1, 2)]
        await asyncio.sleep(0)
        assert batcher.waiting == 9
        with pytest.raises(Overloaded, match="9 rows wait") as error:
            await batcher.submit(rows(1), 30.0)
        assert error.value.retry_after_s >= 0.01
        let_go(network)
        await asyncio.gather(first, *waiting)
        assert batcher.waiting == 0

    async def test_work_that_cannot_end_in_time_is_not_begun(self, batcher, network):
        """By the time that passes take here."""
        for _ in range(3):
            await batcher.submit(rows(1), 30.0)
        with pytest.raises(DeadlineExceeded, match=r"the caller leaves 0\.001"):
            await batcher.submit(rows(1), 1e-6)
        assert len(network.passes) == 3

    async def test_a_request_whose_time_is_over_in_the_queue_is_not_computed(self, batcher, network):
        """Nothing is known of the time of a pass yet, so it had to be let in."""
        first = await holding(batcher, network)
        late = ask(batcher, 2, deadline_s=0.0)
        await asyncio.sleep(0)
        let_go(network)
        with pytest.raises(DeadlineExceeded, match="over in the queue"):
            await late
        await first
        assert network.passes == [[1]]
        assert batcher.waiting == 0

    async def test_a_slow_hour_is_not_held_against_an_idle_network(self, batcher, network):
        """While nothing runs the fastest pass counts: else nobody would ever learn that it is fast again."""
        await batcher.submit(rows(1), 30.0)
        batcher._mean_s = 60.0
        assert (await batcher.submit(rows(1), 30.0)).rows.tolist() == [[2]]

    async def test_a_failure_is_one_sentence_and_the_next_request_is_answered(self, batcher, network, caplog):
        """What torch says is for the log."""
        found = await asyncio.gather(ask(batcher, -1), ask(batcher, 1), return_exceptions=True)
        assert [type(one) for one in found] == [PitcallError, PitcallError]
        assert "inside" not in str(found[0])
        assert "inside" in caplog.text
        assert (await batcher.submit(rows(1), 30.0)).rows.tolist() == [[2]]


class TestCancel:
    async def test_reaches_the_queue(self, batcher, network):
        """A request that was taken back is in no pass."""
        first = await holding(batcher, network)
        gone, stays = ask(batcher, 2), ask(batcher, 3)
        await asyncio.sleep(0)
        gone.cancel()
        await asyncio.gather(gone, return_exceptions=True)
        assert batcher.waiting == 1
        let_go(network)
        await asyncio.gather(first, stays)
        assert network.passes == [[1], [3]]

    async def test_reaches_a_request_of_many_passes_between_two(self, batcher, network):
        """The pass that runs ends; the others are not begun."""
        network.held = True
        large = ask(batcher, *range(8))
        await begun(network)
        large.cancel()
        await asyncio.gather(large, return_exceptions=True)
        assert batcher.waiting == 0
        let_go(network)
        await batcher.submit(rows(9), 30.0)
        assert network.passes == [[0, 1, 2, 3], [9]]
