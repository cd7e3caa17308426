"""Load on a server of rows, and what it costs there: requests in a closed loop, CPU and memory of its processes."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Final

from pitcall.cli.bench.figures import rank

#: Seconds of load before the clock runs.
WARM_S: Final = 0.5

#: Sends one request and waits for its answer; the milliseconds that the server says it took, if it does.
Ask = Callable[[], Awaitable[float | None]]


@dataclass(frozen=True, slots=True)
class Cell:
    """So many rows in a request, so many clients that each wait for their answer."""

    rows: int
    clients: int
    rows_per_s: float  #: by the clock, with the clients on the same machine
    rows_per_s_core: float  #: rows over the CPU seconds of the server's processes
    cpu_us_per_request: float
    p50_ms: float  #: as a client sees it
    p99_ms: float
    server_p50_ms: float | None  #: as the server says
    failed: int


async def measure(ask: Ask, pid: int, rows: int, clients: int, seconds: float) -> Cell:
    """Ask for so long.

    Args:
        ask: one request.
        pid: process that was started; its children count.
        rows: in each request.
        clients: at a time.
        seconds: how long.
    """
    await _run(ask, clients, min(WARM_S, seconds))
    cpu_s, began = cpu(pid), perf_counter()
    times_ms, server_ms, failed = await _run(ask, clients, seconds)
    took_s, cpu_s = perf_counter() - began, cpu(pid) - cpu_s
    answered = len(times_ms)
    return Cell(
        rows=rows,
        clients=clients,
        rows_per_s=round(rows * answered / took_s),
        rows_per_s_core=round(rows * answered / cpu_s) if cpu_s else 0.0,
        cpu_us_per_request=round(cpu_s / answered * 1e6, 1) if answered else 0.0,
        p50_ms=rank(times_ms, 0.50) if times_ms else 0.0,
        p99_ms=rank(times_ms, 0.99) if times_ms else 0.0,
        server_p50_ms=rank(server_ms, 0.50) if server_ms else None,
        failed=failed,
    )


async def _run(ask: Ask, clients: int, seconds: float) -> tuple[list[float], list[float], int]:
    """Times as clients see them, ms, times that the server says, ms, and how many failed."""
    times: list[float] = []
    served: list[float] = []
    failed = 0
    ends = perf_counter() + seconds

    async def client() -> None:
        nonlocal failed
        while (began := perf_counter()) < ends:
            try:
                said = await ask()
            except Exception:  # noqa: BLE001  # a peer may fail in any way; that it did is what counts
                failed += 1
                continue
            times.append((perf_counter() - began) * 1e3)
            if said is not None:
                served.append(said)

    await asyncio.gather(*(client() for _ in range(clients)))
    return times, served, failed


def cpu(pid: int) -> float:
    """CPU seconds that a process and its children have used."""
    ticks = 0
    for one in _family(pid):
        with suppress(OSError):
            fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def memory_mib(pid: int) -> float:
    """MiB that a process and its children have; what they share is divided among those who do (PSS)."""
    kib = 0
    for one in _family(pid):
        with suppress(OSError):
            lines = Path(f"/proc/{one}/smaps_rollup").read_text().splitlines()
            kib += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return round(kib / 1024, 1)


def _family(pid: int) -> Iterator[int]:
    """A process and all that came from it."""
    yield pid
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            for child in path.read_text().split():
                yield from _family(int(child))
