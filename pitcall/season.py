"""Many simulated Formula 1 races, counted: do the default parameters give the races that were seen? Pure.

    python -m pitcall.season --races 20000

prints what is counted beside what was measured (docs/data.md says on which races). A parameter of
``pitcall.priors`` that is changed alone moves these figures; tests/unit/test_season.py holds them.
"""

import argparse
import sys
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from pitcall.sim import twin
from pitcall.sim.model import Packed, pack
from pitcall.sim.race import RED, SAFETY_CAR, VSC
from pitcall.sim.twin_state import TR_OUT, TR_PITTED, TR_REGIME, TRACE_COLUMNS
from pitcall.synth import before_the_start

#: Starting grids over which the races are spread.
GRIDS: Final = 20
#: Races whose traces are held at once: 20 MB.
_BATCH: Final = 400

Floats = npt.NDArray[np.float32]


class Measured(NamedTuple):
    """A figure of real races and its standard error."""

    figure: float
    se: float


#: What was measured, docs/data.md#marginals; the standard errors are those of that many races, safety cars or starters.
MEASURED: Final = {
    "safety cars a race": Measured(0.79, 0.068),
    "races with none": Measured(0.43, 0.038),
    "races with 1": Measured(0.40, 0.038),
    "races with 2": Measured(0.12, 0.025),
    "races with 3": Measured(0.04, 0.015),
    "races with 4 or more": Measured(0.01, 0.008),
    "share of safety cars for lap 1": Measured(0.26, 0.038),
    "laps of a safety car": Measured(3.6, 0.114),
    "VSCs a race": Measured(0.43, 0.050),
    "races with a VSC": Measured(0.35, 0.037),
    "races with a red flag": Measured(0.11, 0.024),
    "races with any of the three": Measured(0.73, 0.034),
    "retired, of all starters": Measured(0.110, 0.0067),
    "retired on lap 1, of all starters": Measured(0.022, 0.0032),
}


@dataclass(frozen=True, slots=True)
class Season:
    """What the races showed: ``figures`` under the names of ``MEASURED``, and more."""

    races: int
    figures: dict[str, float]
    retired_per_lap: float  #: of a car, after lap 1
    stops_per_finisher: float


def season(races: int, seed: int = 0) -> Season:
    """Play ``races`` full races of 20 cars and 57 laps from the lights to the flag, all on the policy, and count.

    Raises ValueError for fewer than ``GRIDS`` races.
    """
    if races < GRIDS:
        raise ValueError(f"races: at least {GRIDS}, not {races}")
    each = races // GRIDS
    counted = []
    for grid in range(GRIDS):
        race = before_the_start(grid)
        packed, laps, cars = pack(race), race.circuit.total_laps, len(race.grid.cars)
        for first in range(0, each, _BATCH):
            trace = np.zeros((min(_BATCH, each - first), laps + 1, cars, TRACE_COLUMNS), np.float32)
            play(packed, np.uint64(seed + grid), first, trace)
            counted.append(_count(trace))
    return _summary({name: np.concatenate([part[name] for part in counted]) for name in counted[0]}, laps)


def _play_all(packed: Packed, seed: np.uint64, first: int, traces: Floats) -> None:
    place = np.zeros(packed.cars_f.shape[1], np.uint8)
    rejoin, gap_s = np.zeros(3, np.uint8), np.zeros(2, np.float32)
    for i in range(traces.shape[0]):
        twin.play(packed, (-1, 0, 0), seed, first + i, place, rejoin, gap_s, traces[i])


#: Fills traces [race, lap, car, column] with the races ``first`` onward of a seed.
# Not cached on disk: numba would not see that the model it compiles in has changed.
play = njit(nogil=True)(_play_all)


def _count(trace: Floats) -> dict[str, npt.NDArray[np.float64]]:
    """Per race: how many of each. ``trace`` is [race, lap, car, column]; lap 0 is before the start."""
    regime = trace[..., TR_REGIME].max(axis=2)
    began = {flag: (regime[:, 1:] == flag) & (regime[:, :-1] != flag) for flag in (VSC, SAFETY_CAR, RED)}
    out = trace[..., TR_OUT] == 1
    finishers = ~out.any(axis=1)
    stops = (trace[..., TR_PITTED] == 1).sum(axis=1)
    counts = {
        "sc": began[SAFETY_CAR].sum(axis=1),
        "vsc": began[VSC].sum(axis=1),
        "red": began[RED].sum(axis=1),
        "sc_lap_1": began[SAFETY_CAR][:, :2].sum(axis=1),  # the model's safety car leads from the lap after
        "sc_laps": (regime == SAFETY_CAR).sum(axis=1),
        "cars": np.full(len(trace), trace.shape[2]),
        "out": out.any(axis=1).sum(axis=1),
        "out_lap_1": out[:, 1].sum(axis=1),
        "finishers": finishers.sum(axis=1),
        "stops": (stops * finishers).sum(axis=1),
    }
    return {name: count.astype(np.float64) for name, count in counts.items()}


def _summary(per_race: dict[str, npt.NDArray[np.float64]], laps: int) -> Season:
    total = {name: float(count.sum()) for name, count in per_race.items()}
    sc, vsc, red = (per_race[name] for name in ("sc", "vsc", "red"))
    shares = [float((sc == k).mean()) for k in range(4)] + [float((sc >= 4).mean())]
    figures = (
        float(sc.mean()),
        *shares,
        total["sc_lap_1"] / total["sc"],
        total["sc_laps"] / total["sc"],
        float(vsc.mean()),
        float((vsc > 0).mean()),
        float((red > 0).mean()),
        float((sc + vsc + red > 0).mean()),
        total["out"] / total["cars"],
        total["out_lap_1"] / total["cars"],
    )
    return Season(
        races=len(sc),
        figures=dict(zip(MEASURED, figures, strict=True)),
        retired_per_lap=(total["out"] - total["out_lap_1"]) / (total["cars"] * (laps - 1)),
        stops_per_finisher=total["stops"] / total["finishers"],
    )


def main() -> None:
    """Print the table."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--races", type=int, default=20_000)
    options.add_argument("--seed", type=int, default=0)
    chosen = options.parse_args()
    found = season(chosen.races, chosen.seed)
    lines = [f"| {found.races} simulated races | simulated | measured | standard error |", "|---|---|---|---|"]
    lines += [f"| {name} | {found.figures[name]:.3f} | {seen} | {se} |" for name, (seen, se) in MEASURED.items()]
    lines += [f"| retired per car and later lap | {found.retired_per_lap:.4f} | 0.0012-0.0023 | |"]
    lines += [f"| stops of a finisher | {found.stops_per_finisher:.2f} | 1.40-2.19 | |"]
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
