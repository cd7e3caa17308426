"""Runs the kernel over path ranges on a few threads. Pure.

A result depends on (race, calls, seed, path numbers) only: each thread plays its own range of paths
and writes its own rows, so 1 thread or 64, one range or many, give the same bits.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from pitcall.sim import kernel
from pitcall.sim import randomness as rnd
from pitcall.sim.messages import GREEN, Candidate, Circuit, Grid, Race, Tyre

Positions = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Played:
    """Races that were played: finishing positions and the asking car's position after its stop."""

    positions: Positions  #: [path, call, car], 1 = first
    rejoin: Positions  #: [path, call], 0 = no stop


class Engine:
    """Plays races. ``threads`` never changes a bit of the result."""

    def __init__(self, threads: int = 1) -> None:
        if threads < 1:
            raise ValueError(f"threads: at least 1, not {threads}")
        self.threads = threads
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="kernel")

    def play(self, race: Race, seed: int, paths: range, car: int | None, calls: Sequence[Candidate]) -> Played:
        """Play every path of ``paths`` once per call.

        Args:
            race: state and model.
            seed: 64 bits.
            paths: path numbers, step 1; the same number is the same possible race for every call.
            car: grid index of the asking car; None (with one empty call): all cars follow the rival policy.
            calls: candidates of the asking car, ignored when ``car`` is None.

        Returns:
            Arrays of shape [path, call, car] and [path, call].
        """
        numbers, tyres, grid_f, grid_i = _arrays(race)
        table = np.array(
            [[-1, 0]] if car is None else [[c.lap or 0, c.compound if c.compound is not None else 0] for c in calls],
            dtype=np.int64,
        )
        with np.errstate(over="ignore"):  # uint64 wraps by design
            key = rnd.mix(np.uint64(seed))
        positions = np.empty((len(paths), len(table), len(race.grid.cars)), np.uint8)
        rejoin = np.empty((len(paths), len(table)), np.uint8)

        def part(start: int, stop: int) -> None:
            kernel.play_paths(
                numbers, tyres, grid_f, grid_i, table, -1 if car is None else car, key, paths.start + start,
                positions[start:stop], rejoin[start:stop],
            )  # fmt: skip

        cuts = np.linspace(0, len(paths), min(self.threads, len(paths)) + 1).astype(int).tolist()
        for done in [self._pool.submit(part, a, b) for a, b in pairwise(cuts)]:
            done.result()
        return Played(positions, rejoin)

    def warm_up(self) -> None:
        """Compile the kernel, or load it from the cache, and play one short race."""
        self.play(_WARM_UP, 0, range(1), 0, [Candidate()])

    def close(self) -> None:
        """Stop the threads."""
        self._pool.shutdown()


def _arrays(
    race: Race,
) -> tuple[kernel.Numbers, npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """The kernel's view of a race; layouts are documented there."""
    c, g = race.circuit, race.grid
    numbers = kernel.Numbers(
        total_laps=c.total_laps,
        base_lap_s=float(c.base_lap_s),
        fuel_s=float(c.fuel_s),
        noise_s=float(c.noise_s),
        pit_loss_s=float(c.pit_loss_s),
        pit_tail_s=float(c.pit_tail_s),
        pit_vsc=float(c.pit_vsc),
        pit_sc=float(c.pit_sc),
        dirty_air_s=float(c.dirty_air_s),
        dirty_air_gap_s=float(c.dirty_air_gap_s),
        hold_gap_s=float(c.hold_gap_s),
        pass_intercept=float(c.pass_intercept),
        pass_per_s=float(c.pass_per_s),
        sc_hazard=float(c.sc_hazard),
        vsc_hazard=float(c.vsc_hazard),
        sc_low=c.sc_laps[0],
        sc_high=c.sc_laps[1],
        vsc_low=c.vsc_laps[0],
        vsc_high=c.vsc_laps[1],
        sc_pace=float(c.sc_pace),
        catch_pace=float(c.catch_pace),
        vsc_pace=float(c.vsc_pace),
        queue_gap_s=float(c.queue_gap_s),
        retire_hazard=float(c.retire_hazard),
        stop_intercept=float(c.stop_intercept),
        stop_per_life=float(c.stop_per_life),
        stop_sc=float(c.stop_sc),
        two_compounds=c.two_compounds,
        regime=race.regime,
        regime_laps=race.regime_laps,
        wet=race.wet,
    )
    tyres = np.array([[t.offset_s, t.wear_s, t.cliff_s, t.life_laps, t.cold_s] for t in race.tyres], np.float64)
    grid_f = np.array([g.time_s, g.pace_s, g.wear, g.extra_s, g.pace_sd_s, g.wear_sd], np.float64)
    grid_i = np.array([g.laps_done, g.racing, g.boxing, g.compound, g.tyre_age, g.used], np.int64)
    return numbers, tyres, grid_f, grid_i


_WARM_UP = Race(
    circuit=Circuit(
        total_laps=3, base_lap_s=90.0, fuel_s=0.05, noise_s=0.3, pit_loss_s=20.0, pit_tail_s=0.5, pit_vsc=0.6,
        pit_sc=0.4, dirty_air_s=0.4, dirty_air_gap_s=1.5, hold_gap_s=0.3, pass_intercept=-2.0, pass_per_s=1.5,
        sc_hazard=0.01, vsc_hazard=0.01, sc_laps=(2, 5), vsc_laps=(1, 2), sc_pace=1.5, catch_pace=1.3, vsc_pace=1.4,
        queue_gap_s=1.0, retire_hazard=0.001, stop_intercept=-14.0, stop_per_life=14.0, stop_sc=3.0,
        two_compounds=False,
    ),
    tyres=(Tyre(0.0, 0.05, 0.1, 20, 1.0),) * 5,
    grid=Grid(
        cars=("A", "B"), laps_done=(0, 0), time_s=(0.0, 0.3), extra_s=(0.0, 0.0), racing=(True, True),
        boxing=(False, False), compound=(1, 1), tyre_age=(0, 0), used=(2, 2), pace_s=(90.0, 90.1),
        pace_sd_s=(0.1, 0.1), wear=(1.0, 1.0), wear_sd=(0.1, 0.1),
    ),
    regime=GREEN,
)  # fmt: skip
