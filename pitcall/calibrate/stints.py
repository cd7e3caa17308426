"""How long sets of tyres are kept: survival of a set by compound, circuit and season. Pure.

    ln(age at the stop / race distance) = life_c + circuit + season + sd * normal

A stop under green is an end. The flag, a retirement, rain, and a stop under a neutralisation, which comes
for another reason, censor it: the set would have lasted longer. Circuit and season terms are normal about 0.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy import optimize, stats

from pitcall.calibrate.driven import Driven, Floats, Ints
from pitcall.sim.race import GREEN

#: Prior sds of the circuits' and the seasons' terms.
_SDS: Final = (0.15, 0.1)
#: A set changed before this age was not worn.
YOUNG: Final = 5


@dataclass(frozen=True, slots=True)
class Lives:
    """Median life as a share of the race distance."""

    share: tuple[float, float, float]  #: soft, medium, hard
    sd: float  #: of ln life
    circuits: dict[str, float]  #: multiple
    seasons: dict[int, float]  #: multiple
    ended: int
    censored: int


def fit(races: Sequence[Driven]) -> Lives:
    """Fit by maximum posterior. Raises ValueError when no set was changed under green."""
    found = [_sets(race) for race in races]
    compound = np.concatenate([c for c, _, _ in found])
    log_share = np.log(np.concatenate([share for _, share, _ in found]))
    ended = np.concatenate([end for _, _, end in found]).astype(np.bool_)
    if not ended.any():
        raise ValueError("no set of tyres was changed under green")
    places, years = sorted({race.circuit for race in races}), sorted({race.season for race in races})
    sizes = [len(c) for c, _, _ in found]
    place = np.repeat([places.index(race.circuit) for race in races], sizes)
    year = np.repeat([years.index(race.season) for race in races], sizes)
    n, m = len(places), len(years)
    full = np.concatenate([np.eye(3)[compound], np.eye(n)[place], np.eye(m)[year]], axis=1)
    precision = np.concatenate([np.full(3, 0.1), np.repeat(np.array(_SDS) ** -2.0, (n, m))])
    centre = np.concatenate([np.full(3, -0.8), np.zeros(n + m)])

    def loss(v: Floats) -> tuple[float, Floats]:
        sd = np.exp(v[0])
        z, off = (log_share - full @ v[1:]) / sd, v[1:] - centre
        tail = stats.norm.logsf(z)
        hazard = np.exp(stats.norm.logpdf(z) - tail)
        value = np.where(ended, 0.5 * z**2 + v[0], -tail).sum() + 0.5 * (precision * off**2).sum()
        slope = np.where(ended, z, hazard)  # of minus log likelihood, by minus z
        of_sd = np.where(ended, 1 - z**2, -hazard * z).sum()
        return float(value), np.concatenate([[of_sd], -full.T @ slope / sd + precision * off])

    best = optimize.minimize(loss, np.concatenate([[-0.7], centre]), jac=True, method="L-BFGS-B").x
    soft, medium, hard = np.exp(best[1:4]).tolist()
    return Lives(
        share=(soft, medium, hard),
        sd=float(np.exp(best[0])),
        circuits=dict(zip(places, np.exp(best[4 : 4 + n]).tolist(), strict=True)),
        seasons=dict(zip(years, np.exp(best[4 + n :]).tolist(), strict=True)),
        ended=int(ended.sum()),
        censored=int((~ended).sum()),
    )


def _sets(race: Driven) -> tuple[Ints, Floats, Ints]:
    """Compound, age at its end as a share of the distance, and 1 where that end was its life's, of every dry set."""
    last = np.ones(len(race.car), np.bool_)
    last[:-1] = (np.diff(race.car) != 0) | race.pit_in[:-1]
    rows = np.flatnonzero(last & (race.compound < len(("S", "M", "H"))) & (race.age >= YOUNG))
    ended = race.pit_in[rows] & (race.regime[rows] == GREEN) & ~race.wet[rows]
    return race.compound[rows], race.age[rows] / race.total_laps, ended.astype(np.int64)
