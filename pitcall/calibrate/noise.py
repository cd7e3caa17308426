"""What is left of a lap in clean air once pace, fuel and tyres are taken off: noise, its memory, mistakes. Pure.

    residual = noise + mistake,  noise AR(1) with sd ``noise_s`` and autocorrelation ``noise_memory``,
    mistake: with probability ``mistake_hazard`` an exponential with mean ``mistake_s``

Residuals are taken about each stint's own straight line, as the live filter will know it: that hides some of the
noise, and more of its memory; both are given back (Kendall 1954 for a mean, here for a line).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy import optimize, stats

from pitcall.calibrate.driven import Bools, Driven, Floats
from pitcall.calibrate.laptime import Pace
from pitcall.calibrate.pooled import Pooled, one_number

#: Laps of a stint that are worth a line.
SHORTEST: Final = 8
#: Prior of ln(noise sd of a race), and first guess of the sds of circuits, seasons and races.
_PRIOR: Final = (np.log(0.35), 0.5)
_SPREAD: Final = (0.15, 0.1, 0.15)


@dataclass(frozen=True, slots=True)
class Noise:
    """Seconds of the circuit; the typical value is of the median circuit."""

    noise_s: float
    memory: float
    mistake_hazard: float
    mistake_s: float
    log_sd: Pooled  #: ln of each race's noise sd
    laps: int


def fit(races: Sequence[Driven], pace: Pace) -> Noise:
    """Fit. Raises ValueError without a stint of ``SHORTEST`` laps."""
    per_race = [
        list(_residuals(race, rows, free)) for race, rows, free in zip(races, pace.used, pace.free_s, strict=True)
    ]
    stints = [stint for found in per_race for stint in found]
    if not stints:
        raise ValueError(f"no stint of {SHORTEST} laps in clean air")
    sds, errors = np.full(len(races), np.nan), np.full(len(races), np.nan)
    for r, found in enumerate(per_race):
        if found:
            together = np.concatenate(found)
            sds[r] = np.log(1.4826 * np.median(np.abs(together)))
            errors[r] = 1.2 / np.sqrt(len(together))  # of a robust ln sd, laps counted as correlated
    circuits, seasons = [race.circuit for race in races], [race.season for race in races]
    log_sd = one_number(sds, errors, circuits, seasons, _PRIOR, _SPREAD)
    typical = float(np.exp(log_sd.mean[0]))
    alike = [stint * typical / np.exp(log_sd.races[r, 0]) for r, found in enumerate(per_race) for stint in found]
    memory = _memory(alike)
    core, hazard, mean = _tails(np.concatenate(alike))
    return Noise(core, memory, hazard, mean, log_sd, sum(map(len, stints)))


def _residuals(race: Driven, rows: Bools, free: Floats) -> Iterator[Floats]:
    """Of each stint, about its line; scaled up for the two degrees of freedom that the line took."""
    at = np.flatnonzero(rows & np.isfinite(free))
    if not len(at):
        return
    fresh = (np.diff(race.car[at]) != 0) | (np.diff(race.age[at] - race.lap[at]) != 0)
    for stint in np.split(at, np.flatnonzero(fresh) + 1):
        if len(stint) < SHORTEST:
            continue
        y, lap = (race.lap_s - free)[stint], race.lap[stint].astype(np.float64)
        line = stats.theilslopes(y, lap)
        yield (y - line.intercept - line.slope * lap) * np.sqrt(len(y) / (len(y) - 2))


def _memory(stints: Sequence[Floats]) -> float:
    """Autocorrelation from lap to lap: by signs (quadrant correlation), so that a mistake is one lap among many."""
    agree = [np.sign(s[1:]) * np.sign(s[:-1]) for s in stints]
    seen = np.sin(np.pi / 2 * np.mean(np.concatenate(agree)))
    n = float(np.mean([len(s) for s in stints]))
    return float(np.clip((seen + 2 / n) / (1 - 4 / n), 0.0, 0.9))


def _tails(residuals: Floats) -> tuple[float, float, float]:
    """(sd of the noise, chance of a mistake, its mean cost) by maximum likelihood."""

    def loss(v: Floats) -> float:
        sd, hazard, mean, level = np.exp(v[0]), 1 / (1 + np.exp(-v[1])), np.exp(v[2]), v[3]
        body = stats.norm.pdf(residuals, level, sd)
        tail = stats.exponnorm.pdf(residuals, mean / sd, level, sd)
        return -float(np.log((1 - hazard) * body + hazard * tail + 1e-12).sum())

    start = np.array([np.log(1.4826 * np.median(np.abs(residuals))), -4.0, 0.0, 0.0])
    found = optimize.minimize(loss, start, method="L-BFGS-B", bounds=[(-4, 2), (-8, -1.4), (-1.5, 2.5), (-1, 1)]).x
    return float(np.exp(found[0])), float(1 / (1 + np.exp(-found[1]))), float(np.exp(found[2]))
