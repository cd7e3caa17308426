"""Whatever comes, in whatever order, on however many lanes: each request gets the answers to its own rows."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pitcall_model_server.serving.batcher import Batcher

pytestmark = pytest.mark.property

MOST = 8


class Doubling:
    """Rows of one number, doubled."""

    buckets = (2, 4, MOST)

    def bucket(self, rows):
        return next(size for size in self.buckets if size >= rows)

    def answer(self, parts):
        assert 0 < sum(map(len, parts)) <= MOST
        return np.concatenate(parts) * 2


#: Rows of a request, turns of the loop before it comes, turns until it is taken back (None: never).
requests = st.lists(
    st.tuples(st.integers(1, 40), st.integers(0, 5), st.none() | st.integers(0, 5)), min_size=1, max_size=12
)


@settings(max_examples=60)
@given(requests=requests, lanes=st.integers(1, 3))
def test_each_request_gets_its_own_answers_and_nothing_is_left(requests, lanes):
    """Large ones in several passes, some taken back half way; the queue is empty at the end."""

    async def one(batcher, number, rows, before, until):
        for _ in range(before):
            await asyncio.sleep(0)
        values = (1000 * number + np.arange(rows, dtype=np.float32)).reshape(-1, 1)
        task = asyncio.create_task(batcher.submit(values, 60.0))
        if until is not None:
            for _ in range(until):
                await asyncio.sleep(0)
            task.cancel()
        await asyncio.wait({task})
        assert until is not None or not task.cancelled()
        assert task.cancelled() or np.array_equal(task.result().rows, values * 2)

    async def run():
        with ThreadPoolExecutor(lanes) as pool:
            batcher = Batcher(Doubling(), pool, lanes=lanes, queue_rows=10_000)
            await asyncio.gather(*(one(batcher, number, *request) for number, request in enumerate(requests)))
            assert batcher.waiting == 0

    asyncio.run(run())
