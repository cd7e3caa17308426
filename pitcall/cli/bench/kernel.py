"""``pitcall bench kernel``: what one race costs, beside a naive Numba kernel and plain NumPy, in turns."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import TYPE_CHECKING, Annotated, Final

import typer

from pitcall.adapters import compiled
from pitcall.cli.bench.figures import cores
from pitcall.cli.bench.profiles import ASKING, CARS, LAPS, PROFILES, calls
from pitcall.cli.options import Json
from pitcall.cli.output import exits, print_json, progress, stdout
from pitcall.sim.race import Race

if TYPE_CHECKING:
    from pitcall.sim.engine import Engine  # numba: imported when it is measured

#: Calls of a typical round of a decision, and the fewer that late rounds have.
TYPICAL: Final = 32
FEWER: Final = (1, 4)
SEED: Final = 7
#: Races in one timed run: about a tenth of a second each, long enough for the clock, short enough to take turns.
KERNEL_RACES: Final = 32_768
NAIVE_RACES: Final = 2_048
NUMPY_RACES: Final = 1_000


@dataclass(frozen=True, slots=True)
class Profile:
    """One kind of race. ns: wall time, the fastest of all rounds; ratios: medians over rounds of runs in turn."""

    ns_per_car_lap: Mapping[str, float]  #: by threads
    median_ns_per_car_lap: Mapping[str, float]
    cpu_ms_per_race: float  #: CPU time on one thread
    ratio_naive_numba: float  #: naive Numba's time over the kernel's, both on one thread
    ratio_numpy: float
    speedup_2_threads: float
    naive_numba_ns: float
    numpy_ns: float
    candidates: Mapping[
        str, float
    ]  #: ns per car-lap on one thread by the number of calls that share the random numbers


@dataclass(frozen=True, slots=True)
class _Run:
    wall_ns: float  #: per car-lap
    cpu_ns: float


_Timed = Callable[[], _Run]


def kernel(
    rounds: Annotated[int, typer.Option(min=1, max=1_000, help="Runs of each version, in turn.")] = 7,
    as_json: Json = False,
) -> None:
    """Time 20 cars x 70 laps on 1 and 2 threads, in turn with naive Numba and plain NumPy of the same model."""
    with exits(as_json=as_json):
        if not compiled.there():
            progress("compiling the simulation, which takes half a minute and is done once")
        compiled.use()
        profiles = {}
        for name, race in PROFILES.items():
            progress(f"{name}: {rounds} rounds")
            profiles[name] = _profile(race(), rounds)
        if as_json:
            size = {"cars": CARS, "laps": LAPS, "calls": TYPICAL, "rounds": rounds, "cores": cores()}
            print_json({"profiles": {name: asdict(found) for name, found in profiles.items()}, **size})
        else:
            _print(profiles)


def _profile(race: Race, rounds: int) -> Profile:
    from pitcall.sim.engine import Engine  # noqa: PLC0415 - numba: only when it is measured

    one, two = Engine(1), Engine(2)
    versions: dict[str, _Timed] = {
        "1": _engine(one, race, TYPICAL),
        "2": _engine(two, race, TYPICAL),
        "naive": _naive(race),
        "numpy": _numpy(race),
        **{f"{count} calls": _engine(one, race, count) for count in FEWER},
    }
    for run in versions.values():
        run()  # compiled, and memory touched
    runs: dict[str, list[_Run]] = {name: [] for name in versions}
    for _ in range(rounds):
        for name, run in versions.items():
            runs[name].append(run())
    for engine in (one, two):
        engine.close()

    def least(name: str) -> float:
        return min(run.wall_ns for run in runs[name])

    def ratio(slow: str, fast: str) -> float:
        return median(a.wall_ns / b.wall_ns for a, b in zip(runs[slow], runs[fast], strict=True))

    return Profile(
        ns_per_car_lap={threads: least(threads) for threads in ("1", "2")},
        median_ns_per_car_lap={threads: median(run.wall_ns for run in runs[threads]) for threads in ("1", "2")},
        cpu_ms_per_race=min(run.cpu_ns for run in runs["1"]) * CARS * LAPS / 1e6,
        ratio_naive_numba=ratio("naive", "1"),
        ratio_numpy=ratio("numpy", "1"),
        speedup_2_threads=ratio("1", "2"),
        naive_numba_ns=least("naive"),
        numpy_ns=least("numpy"),
        candidates={**{str(count): least(f"{count} calls") for count in FEWER}, str(TYPICAL): least("1")},
    )


def _timed(races: int, play: Callable[[], object]) -> _Timed:
    def run() -> _Run:
        wall, cpu = time.perf_counter_ns(), time.process_time_ns()
        play()
        cpu, wall = time.process_time_ns() - cpu, time.perf_counter_ns() - wall
        car_laps = races * CARS * LAPS
        return _Run(wall / car_laps, cpu / car_laps)

    return run


def _engine(engine: "Engine", race: Race, count: int) -> _Timed:
    """The engine as a decision uses it: arrays made and races packed within the time."""
    asked = calls(count)
    paths = KERNEL_RACES // TYPICAL if count == TYPICAL else KERNEL_RACES // TYPICAL // 2
    return _timed(paths * count, lambda: engine.play(race, SEED, range(paths), ASKING, asked))


def _naive(race: Race) -> _Timed:
    """The scalar twin, compiled as it stands."""
    import numpy as np  # noqa: PLC0415 - as above

    from pitcall.sim import twin  # noqa: PLC0415 - as above
    from pitcall.sim.model import pack  # noqa: PLC0415 - as above

    asked = calls(TYPICAL)
    paths, packed = NAIVE_RACES // TYPICAL, pack(race)
    table = np.array([[call.lap or 0, call.compound or 0] for call in asked], np.int32)
    place = np.zeros((paths, TYPICAL, CARS), np.uint8)
    rejoin, gap_s = np.zeros((paths, TYPICAL, 3), np.uint8), np.zeros((paths, TYPICAL, 2), np.float32)
    seed = np.uint64(SEED)
    return _timed(paths * TYPICAL, lambda: twin.play_compiled(packed, table, ASKING, seed, 0, place, rejoin, gap_s))


def _numpy(race: Race) -> _Timed:
    from pitcall.cli.bench import plain_numpy  # noqa: PLC0415 - as above
    from pitcall.sim.model import pack  # noqa: PLC0415 - as above

    packed, call = pack(race), calls(TYPICAL)[TYPICAL // 2]
    asked = (call.lap or 0, call.compound or 0)
    return _timed(NUMPY_RACES, lambda: plain_numpy.play(packed, ASKING, asked, NUMPY_RACES, SEED))


def _print(profiles: Mapping[str, Profile]) -> None:
    from rich.table import Table  # noqa: PLC0415 - not needed for --json

    table = Table("", *profiles, box=None)
    lines: Sequence[tuple[str, Callable[[Profile], str]]] = (
        ("ns per car-lap, 1 thread", lambda p: f"{p.ns_per_car_lap['1']:.2f}"),
        ("ns per car-lap, 2 threads", lambda p: f"{p.ns_per_car_lap['2']:.2f}"),
        ("CPU ms per race", lambda p: f"{p.cpu_ms_per_race:.4f}"),
        ("naive Numba takes", lambda p: f"{p.ratio_naive_numba:.1f} x"),
        ("plain NumPy takes", lambda p: f"{p.ratio_numpy:.1f} x"),
    )
    for name, cell in lines:
        table.add_row(name, *(cell(found) for found in profiles.values()))
    stdout.print(table)
    stdout.print(f"{CARS} cars, {LAPS} laps, {TYPICAL} calls, {cores()} cores")
