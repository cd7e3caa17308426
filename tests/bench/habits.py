"""How do races go? Counts stops, tyres, passes and gaps on logs of real races and on synthetic ones, by the same code.

    PITCALL_TEST_DATA=... python tests/bench/habits.py --races 100

Prints a Markdown table: dry races of 40 laps and more without a red flag. The figures are those of
docs/data.md#habits, by which the stop policy, the tyres and passing of ``pitcall.priors`` were set.
"""

import argparse
import os
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from itertools import combinations, pairwise
from pathlib import Path

import numpy as np

from pitcall.adapters.laps import events_from_laps, races_in
from pitcall.domain.events import Event, Lap, PitIn, Session
from pitcall.domain.tyres import DRY, RAIN, Compound
from pitcall.synth import synthesise

Laps = dict[str, dict[int, Lap]]
#: Gap at the line from which the next lap counts as an attack, s.
ATTACK_S = 1.2


class Tally:
    """What was counted, and how it reads."""

    def __init__(self) -> None:
        self.races = 0
        self.stops: list[int] = []
        self.regimes: Counter[str] = Counter()
        self.first: dict[Compound, list[float]] = defaultdict(list)
        self.second: list[float] = []
        self.laps_on: Counter[Compound] = Counter()
        self.passes: list[int] = []
        self.attacks: list[int] = []
        self.behind: list[list[float]] = []
        self.lapped: list[int] = []

    def add(self, events: list[Event]) -> None:
        """Count one race, if it is one of those that count."""
        total = next(e.total_laps for e in events if isinstance(e, Session))
        cars: Laps = defaultdict(dict)
        for e in events:
            if isinstance(e, Lap):
                cars[e.car][e.lap] = e
        laps = [lap for driven in cars.values() for lap in driven.values()]
        if total < 40 or any("5" in lap.track or lap.compound in RAIN for lap in laps):
            return
        self.races += 1
        finishers = {car: driven for car, driven in cars.items() if max(driven) >= total - 4}
        stops: dict[str, list[int]] = defaultdict(list)
        for e in events:
            if isinstance(e, PitIn) and e.car in finishers and e.lap < max(finishers[e.car]):
                stops[e.car].append(e.lap)
        for car, driven in finishers.items():
            self._car(driven, stops[car], total)
        passes, attacks = map(sum, zip(*self._fights(cars, total), strict=True))
        self.passes.append(passes)
        self.attacks.append(attacks)
        line = sorted(driven[total].t for driven in finishers.values() if total in driven)
        self.behind.append([line[place - 1] - line[0] if place <= len(line) else np.nan for place in (2, 5, 10)])
        self.lapped.append(sum(total not in driven for driven in finishers.values()))

    def _car(self, driven: dict[int, Lap], stops: list[int], total: int) -> None:
        self.stops.append(len(stops))
        for lap in stops:
            track = driven[lap].track if lap in driven else ""
            self.regimes["safety car" if "4" in track else "VSC" if "6" in track or "7" in track else "green"] += 1
        if stops and stops[0] in driven:
            self.first[driven[stops[0]].compound].append(stops[0] / total)
        if len(stops) > 1:
            self.second.append((stops[1] - stops[0]) / total)
        self.laps_on.update(lap.compound for lap in driven.values() if lap.compound in DRY)

    @staticmethod
    def _fights(cars: Laps, total: int) -> Iterator[tuple[int, int]]:
        """(passes, attacks) on each lap: cars on green laps, neither in nor out of the pits, by the line."""

        def free(driven: dict[int, Lap], lap: int) -> bool:
            return all(
                n in driven and driven[n].track == "1" and not driven[n].pit_in and not driven[n].pit_out
                for n in (lap, lap + 1)
            )

        for lap in range(2, total):
            order = sorted((d[lap].t, d[lap + 1].t) for d in cars.values() if free(d, lap))
            attacks = sum(b[0] - a[0] < ATTACK_S for a, b in pairwise(order))
            yield sum(b[1] < a[1] for a, b in combinations(order, 2)), attacks

    def rows(self) -> dict[str, str]:
        """Name of the figure -> figure."""

        def shares(counted: Iterable[int], of: int) -> str:
            return " / ".join(f"{n / of:.2f}" for n in counted)

        def quarters(values: list[float]) -> str:
            return " / ".join(f"{q:.2f}" for q in np.quantile(values, (0.1, 0.25, 0.5, 0.75, 0.9)))

        made, laps = Counter(self.stops), sum(self.laps_on.values())
        return {
            "races": str(self.races),
            "stops of a finisher": f"{np.mean(self.stops):.2f}",
            "1 / 2 / 3 stops": shares((made[1], made[2], made[3]), len(self.stops)),
            "stops under green / VSC / safety car": shares(
                (self.regimes[name] for name in ("green", "VSC", "safety car")), sum(self.regimes.values())
            ),
            **{
                f"first stop off {c.label}s, share of the race at 10/25/50/75/90 %": quarters(self.first[c])
                for c in (Compound.SOFT, Compound.MEDIUM, Compound.HARD)
            },
            "second stint, share of the race": quarters(self.second),
            "laps on softs / mediums / hards": shares((self.laps_on[c] for c in sorted(DRY)), laps),
            "passes a race at 10/50/90 %": " / ".join(f"{q:.0f}" for q in np.quantile(self.passes, (0.1, 0.5, 0.9))),
            f"attacks a race (gap < {ATTACK_S} s)": f"{np.mean(self.attacks):.0f}",
            "2nd, 5th, 10th behind the winner, s": " / ".join(f"{q:.0f}" for q in np.nanmedian(self.behind, axis=0)),
            "lapped finishers": f"{np.mean(self.lapped):.1f}",
        }


def main() -> None:
    """Count and print."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--races", type=int, default=100, help="synthetic races")
    chosen = options.parse_args()
    real, simulated = Tally(), Tally()
    for table in sorted(Path(os.environ["PITCALL_TEST_DATA"]).rglob("laps_*.parquet")):
        for race in races_in(table):
            real.add(events_from_laps(table, race.season, race.round))
    for seed in range(chosen.races):
        simulated.add(synthesise(seed))
    lines = ["| | real | simulated |", "|---|---|---|"]
    found = simulated.rows()
    lines += [f"| {name} | {figure} | {found[name]} |" for name, figure in real.rows().items()]
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
