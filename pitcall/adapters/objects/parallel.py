"""Several requests at once, results in order, memory bounded."""

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event
from typing import TypeVar

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def in_order(
    work: Callable[[_Item], _Result], items: Iterable[_Item], threads: int, stop: Event | None = None
) -> Generator[_Result, None, None]:
    """The results of ``work`` in the order of the items; at most ``threads`` run or wait to be fetched.

    Closing the generator early, or an error, sets ``stop``, waits for what runs and starts nothing more.

    Raises:
        Exception: what ``work`` raised for the first item that failed.
    """
    pool = ThreadPoolExecutor(threads, thread_name_prefix="transfer")
    waiting: deque[Future[_Result]] = deque()
    try:
        for item in items:
            if len(waiting) >= threads:
                yield waiting.popleft().result()
            waiting.append(pool.submit(work, item))
        while waiting:
            yield waiting.popleft().result()
    finally:
        if stop is not None:
            stop.set()
        pool.shutdown(wait=True, cancel_futures=True)
