"""How often cars retire and races are neutralised, and how long and how slow a neutralisation is. Pure.

Retirements after lap 1, per car and lap, pooled; a season's and a team's multiple is gamma-Poisson (``pooled.rates``),
and so is a circuit's multiple of neutralisations a race. Durations are counts of the leader's whole laps under the
safety car or VSC, added to the prior distribution, which counts as ``PRIOR_COUNT`` neutralisations. The lap behind the
safety car, as a multiple of a green lap, is the median of the leader's: the others close up. A VSC rarely rules on a
whole lap, and its end is seen late, so its lap is the upper quartile of the laps that lie within it.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

from pitcall.calibrate.driven import Driven, Floats
from pitcall.calibrate.pooled import rates
from pitcall.sim.race import GREEN, RED, SAFETY_CAR, VSC, YELLOW

#: What the prior distribution of a duration counts, in neutralisations.
PRIOR_COUNT: Final = 20.0
#: A car last seen this many laps before the flag may as well have finished: its last row is missing.
NEAR_FLAG: Final = 2


@dataclass(frozen=True, slots=True)
class Failures:
    """Retirements of all causes."""

    per_lap: float  #: of a car, after lap 1
    first_lap: float  #: of a car, on lap 1
    seasons: dict[int, float]  #: multiple
    teams: dict[tuple[int, str], tuple[float, int]]  #: multiple of the season's, starts
    retired: int
    starts: int


@dataclass(frozen=True, slots=True)
class Neutral:
    """Neutralisations: safety cars, VSCs and red flags."""

    per_race: dict[int, float]  #: by regime
    circuits: dict[str, float]  #: multiple of all three
    sc_laps: Floats  #: how many lasted 1, 2 ... laps
    vsc_laps: Floats
    sc_pace: float  #: nan: none seen
    vsc_pace: float
    yellows_per_lap: float
    races: int


def failures(races: Sequence[Driven]) -> Failures:
    """Count retirements by season and team."""
    late: dict[tuple[int, str], list[float]] = defaultdict(lambda: [0.0, 0.0, 0.0])  # retired, laps, starts
    first, starts = 0, 0
    for race in races:
        # A table has no row for a car that did not complete a lap; a team enters two cars.
        unseen = max(0, 2 * len(set(race.teams)) - len(race.cars)) if all(race.teams) else 0
        first += unseen
        starts += unseen
        laps = np.bincount(race.car, minlength=len(race.cars))
        for c, team in enumerate(race.teams):
            out = 0 <= race.retired[c] < race.total_laps - NEAR_FLAG
            on_first = bool(out and race.retired[c] == 0)
            first += on_first
            cell = late[race.season, team]
            cell[0] += bool(out and not on_first)
            cell[1] += max(0, int(laps[c]) - 1 + bool(out))
            cell[2] += 1
    cells = np.array(list(late.values()))
    per_lap = float(cells[:, 0].sum() / max(1.0, cells[:, 1].sum()))
    years = np.array([season for season, _ in late])
    sums = {int(y): cells[years == y].sum(axis=0) for y in np.unique(years)}
    by_year, _ = rates(np.array([s[0] for s in sums.values()]), np.array([s[1] for s in sums.values()]))
    seasons = dict(zip(sums, by_year.tolist(), strict=True))
    expected = cells[:, 1] * np.array([seasons[y] for y in years.tolist()])
    by_team, _ = rates(cells[:, 0], expected)
    return Failures(
        per_lap=per_lap,
        first_lap=first / max(1, starts + int(cells[:, 2].sum())),
        seasons=seasons,
        teams={team: (float(f), int(n)) for team, f, n in zip(late, by_team, cells[:, 2], strict=True)},
        retired=first + int(cells[:, 0].sum()),
        starts=starts + int(cells[:, 2].sum()),
    )


def neutralisations(races: Sequence[Driven], bases: Sequence[float]) -> Neutral:
    """Count them. ``bases``: each race's green lap, s."""
    begun: dict[int, int] = defaultdict(int)
    by_circuit: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
    lengths: dict[int, list[int]] = {VSC: [], SAFETY_CAR: []}
    slow: dict[int, list[Floats]] = {VSC: [], SAFETY_CAR: []}
    lead_laps = 0
    for race, base in zip(races, bases, strict=True):
        spells = _spells(race)
        cell = by_circuit[race.circuit]
        cell[1] += 1
        lead = np.array(sorted(race.time_s[race.lap == n].min() for n in np.unique(race.lap)))
        lead_laps += len(lead)
        for regime, start, end in spells:
            begun[regime] += 1
            cell[0] += regime >= VSC
            if regime in lengths:
                whole = max(1, int(((lead > start) & (lead <= end)).sum()) - 1)
                lengths[regime].append(whole)
                rows = (
                    (race.time_s - race.lap_s > start) & (race.time_s < end - 0.5 * base) & ~race.pit_in & ~race.pit_out
                )
                rows &= (race.regime == regime) & ((race.place == 0) | (regime == VSC))
                slow[regime].append(race.lap_s[rows] / base)
    cells = np.array(list(by_circuit.values()))
    multiples, _ = rates(cells[:, 0], cells[:, 1])
    return Neutral(
        per_race={regime: begun[regime] / max(1, len(races)) for regime in (VSC, SAFETY_CAR, RED)},
        circuits=dict(zip(by_circuit, multiples.tolist(), strict=True)),
        sc_laps=_counts(lengths[SAFETY_CAR]),
        vsc_laps=_counts(lengths[VSC]),
        sc_pace=_quantile(slow[SAFETY_CAR], 0.5),
        vsc_pace=_quantile(slow[VSC], 0.75),
        yellows_per_lap=begun[YELLOW] / max(1, lead_laps),
        races=len(races),
    )


def duration(prior: Sequence[float], counts: Floats) -> tuple[float, ...]:
    """The distribution of a duration: prior and counts together, as long as the longer of the two, at most 8 laps."""
    size = min(8, max(len(prior), int(np.flatnonzero(counts).max(initial=-1)) + 1))
    together = np.zeros(size)
    together[: len(prior)] = PRIOR_COUNT * np.array(prior)
    for i, n in enumerate(counts):
        together[min(i, size - 1)] += n
    return tuple((together / together.sum()).tolist())


def _spells(race: Driven) -> list[tuple[int, float, float]]:
    """(regime, from, to) of every time that something was shown. A yellow that becomes more is only its first sign."""
    shown = [*race.statuses, (float(race.time_s.max(initial=0.0)), GREEN)]
    return [
        (status, start, end)
        for (start, status), (end, after) in pairwise(shown)
        if status > YELLOW or (status == YELLOW and after == GREEN)
    ]


def _counts(lengths: list[int]) -> Floats:
    return np.bincount(np.array(lengths, np.int64), minlength=2)[1:].astype(np.float64)


def _quantile(parts: list[Floats], share: float) -> float:
    together = np.concatenate(parts) if parts else np.empty(0)
    together = together[np.isfinite(together)]
    return float(np.quantile(together, share)) if len(together) else np.nan
