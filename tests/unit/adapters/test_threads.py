"""A blocking generator, read by an event loop."""

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing

import pytest

from pitcall.adapters.threads import streamed
from pitcall.errors import DeadlineExceeded

pytestmark = pytest.mark.unit


@pytest.fixture
def pool():
    with ThreadPoolExecutor(1) as made:
        yield made


def until_gone(gone):
    pause = threading.Event()
    while not gone():
        pause.wait(0.001)


async def test_gives_what_the_thread_yields_in_its_order(pool):
    """None and exceptions are items like others."""
    items = [1, None, ValueError("an item"), 2]
    assert [item async for item in streamed(pool, lambda _: iter(items), time.perf_counter() + 10)] == items


async def test_gives_each_item_as_soon_as_it_is_there(pool):
    """The first is read while the thread still works; closing tells the thread."""
    ended = threading.Event()

    def work(gone):
        yield 1
        until_gone(gone)
        ended.set()

    async with aclosing(streamed(pool, work, time.perf_counter() + 10)) as items:
        assert await anext(items) == 1
        assert not ended.is_set()
    assert await asyncio.to_thread(ended.wait, 10)


async def test_raises_what_the_thread_raises_after_what_it_yielded(pool):
    """A TimeoutError of the work is not taken for the deadline."""

    def work(gone):
        yield 1
        raise TimeoutError("of the work")

    items = streamed(pool, work, time.perf_counter() + 10)
    assert await anext(items) == 1
    with pytest.raises(TimeoutError, match="of the work"):
        await anext(items)


async def test_the_deadline_ends_work_and_waiting_alike(pool):
    """The one that runs is told to stop; the one behind it never starts."""
    began = []

    def work(gone):
        began.append(gone)
        until_gone(gone)
        yield 1

    deadline = time.perf_counter() + 0.05
    async with asyncio.TaskGroup() as group:
        for _ in range(2):
            group.create_task(refused(streamed(pool, work, deadline)))
    pool.shutdown()
    assert len(began) == 1


async def refused(items):
    with pytest.raises(DeadlineExceeded):
        await anext(items)
