"""The threads in which passes run: their own, so that the event loop answers health checks meanwhile."""

import os
from concurrent.futures import ThreadPoolExecutor


def open_pool(device: str, lanes: int) -> ThreadPoolExecutor:
    """Threads for passes on a device; on a GPU each works in a stream of its own."""
    if device.startswith("cuda"):
        # With several streams cuBLAS promises the same bits only if it may not choose its workspace as it goes.
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    return ThreadPoolExecutor(lanes, thread_name_prefix="passes", initializer=_own_stream, initargs=(device,))


def _own_stream(device: str) -> None:
    if device.startswith("cuda"):
        import torch  # noqa: PLC0415  # takes seconds: not before the port listens

        torch.cuda.set_stream(torch.cuda.Stream(device))  # type: ignore[no-untyped-call]  # torch has it so
