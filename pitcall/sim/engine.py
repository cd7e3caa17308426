"""Runs the kernel over path ranges on a few threads: the ``Player`` of this process. Pure.

A result depends on (race, calls, seed, path numbers) only: each thread plays its own blocks of paths
and writes its own rows, so 1 thread or 64, one range or many, give the same bits.
"""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from pitcall.sim import kernel
from pitcall.sim.messages import Candidate
from pitcall.sim.model import Packed, pack
from pitcall.sim.outcome import Bytes, Outcome
from pitcall.sim.race import STOP_FEATURES, Circuit, Grid, Policy, Race, Tyre
from pitcall.sim.simd import LANES

#: Bytes.
CACHE_LINE: Final = 64


class Engine:
    """Plays races. ``threads`` never changes a bit of the result."""

    def __init__(self, threads: int = 1) -> None:
        if threads < 1:
            raise ValueError(f"threads: at least 1, not {threads}")
        self.threads = threads
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="kernel")
        self._local = threading.local()
        self._last: tuple[Race, Packed] | None = None

    @property
    def width(self) -> int:
        """Blocks of races that are played side by side: one per thread."""
        return self.threads

    def play(self, race: Race, seed: int, paths: range, car: int, calls: Sequence[Candidate]) -> Outcome:
        """Play every path of ``paths`` once per call; see ``Player``."""
        packed = self._packed(race)
        table = np.array([[c.lap or 0, c.compound or 0] for c in calls], np.int32).reshape(-1, 2)
        place = np.zeros((len(paths), len(table)), np.uint8)
        rejoin = np.zeros((len(paths), len(table), 3), np.uint8)
        gap_s = np.zeros((len(paths), len(table), 2), np.float32)

        def block(start: int, stop: int) -> None:
            rows = place[start:stop], rejoin[start:stop], gap_s[start:stop]
            kernel.play_block(packed, table, car, np.uint64(seed), paths.start + start, *rows, self._scratch(packed))

        self._spread(len(paths), block)
        return Outcome(place, rejoin, gap_s)

    def finish(self, race: Race, seed: int, paths: range) -> Bytes:
        """[path, car] finishing positions when every car follows the rival policy."""
        packed = self._packed(race)
        place = np.zeros((len(paths), len(race.grid.cars)), np.uint8)
        table, rejoin, gap_s = (
            np.zeros((1, 2), np.int32),
            np.zeros((1, 1, 3), np.uint8),
            np.zeros((1, 1, 2), np.float32),
        )

        def block(start: int, stop: int) -> None:
            rows = place[start:stop], rejoin, gap_s
            kernel.play_block(packed, table, -1, np.uint64(seed), paths.start + start, *rows, self._scratch(packed))

        self._spread(len(paths), block)
        return place

    def _packed(self, race: Race) -> Packed:
        """The arrays of a race; a decision asks for the same one many times in a row."""
        last = self._last
        if last is None or last[0] is not race:
            last = self._last = (race, pack(race))
        return last[1]

    def _spread(self, paths: int, block: Callable[[int, int], None]) -> None:
        """Blocks of paths over the threads; a thread takes every ``threads``-th."""

        def share(thread: int) -> None:
            for start in range(thread * LANES, paths, self.threads * LANES):
                block(start, min(start + LANES, paths))

        for done in [self._pool.submit(share, thread) for thread in range(self.threads)]:
            done.result()

    def _scratch(self, packed: Packed) -> kernel.Scratch:
        """This thread's working memory; it grows to what the largest race so far needed."""
        cars, laps = packed.cars_f.shape[1], int(packed.n.total_laps) - int(packed.n.first_lap_played) + 1
        sizes = kernel.scratch_sizes(cars, max(0, laps))
        have: kernel.Scratch | None = getattr(self._local, "scratch", None)
        if have is None or any(len(have[i]) < size for i, size in enumerate(sizes)):
            f, s, tables, flags = sizes
            have = self._local.scratch = (
                _aligned(f, np.float32), _aligned(s, np.int32), _aligned(tables, np.float32), _aligned(flags, np.int64),
            )  # fmt: skip
        return have

    def warm_up(self) -> None:
        """Compile the kernel, or load it from the cache, and play one short race."""
        self.play(_WARM_UP, 0, range(1), 0, [Candidate()])

    def close(self) -> None:
        """Stop the threads."""
        self._pool.shutdown()


def _aligned(size: int, kind: type[np.generic]) -> npt.NDArray[Any]:
    """Uninitialised numbers, from the start of a cache line on.

    NumPy starts anywhere at a multiple of 16 bytes; a vector that lies across two lines then costs two loads, which
    was 6 % of the kernel's time.
    """
    width = np.dtype(kind).itemsize
    raw = np.empty(size * width + CACHE_LINE, np.uint8)
    at = -raw.ctypes.data % CACHE_LINE
    return raw[at : at + size * width].view(kind)


_WARM_UP = Race(
    circuit=Circuit(
        total_laps=3, base_lap_s=90.0, fuel_s=0.05, noise_s=0.3, pit_loss_s=20.0, dirty_air_s=(0.4, 0.1, 0.0),
        dirty_air_gap_s=1.5, hold_gap_s=0.3, pass_intercept=-2.0, pass_per_s=1.5,
    ),
    tyres=(Tyre(0.0, 0.05, 0.1, 20, 1.0),) * 5,
    grid=Grid(
        cars=("A", "B"), laps_done=(0, 0), time_s=(0.0, 0.3), extra_s=(0.0, 0.0), racing=(True, True),
        boxing=(False, False), compound=(1, 1), tyre_age=(0, 0), used=(2, 2), pace_s=(90.0, 90.1),
        pace_sd_s=(0.1, 0.1), wear=(1.0, 1.0), wear_sd=(0.1, 0.1),
    ),
    policy=Policy(stop=(-14.0,) + (0.0,) * (len(STOP_FEATURES) - 1)),
)  # fmt: skip
