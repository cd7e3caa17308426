"""Blocking generators in a thread, read by an event loop."""

import asyncio
import threading
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from concurrent.futures import Executor
from typing import TypeVar

from pitcall.errors import DeadlineExceeded

T = TypeVar("T")
Check = Callable[[], bool]


async def streamed(pool: Executor, work: Callable[[Check], Iterator[T]], deadline: float) -> AsyncGenerator[T, None]:
    """What ``work`` yields in a thread of ``pool``, as it comes.

    Args:
        pool: where it runs; what waits there for a thread can be cancelled too.
        work: is given a function that turns true when nobody reads any more, and should end soon after.
        deadline: on the clock of ``time.perf_counter``.

    Raises:
        DeadlineExceeded: ``work`` did not end before ``deadline``.
        BaseException: whatever ``work`` raises.
    """
    loop = asyncio.get_running_loop()
    items: asyncio.Queue[tuple[T] | BaseException | None] = asyncio.Queue()
    gone = threading.Event()

    def run() -> None:
        end: BaseException | None = None
        try:
            for item in work(gone.is_set):
                loop.call_soon_threadsafe(items.put_nowait, (item,))
        except BaseException as exc:  # noqa: BLE001  # it travels to the reader
            end = exc
        loop.call_soon_threadsafe(items.put_nowait, end)

    job = pool.submit(run)
    try:
        while True:
            try:
                async with asyncio.timeout(deadline - time.perf_counter()):
                    item = await items.get()
            except TimeoutError as exc:
                raise DeadlineExceeded("the simulation did not end in the time that the caller gave") from exc
            if item is None:
                return
            if isinstance(item, BaseException):
                raise item
            yield item[0]
    finally:
        gone.set()
        job.cancel()  # one that still waits for a thread
