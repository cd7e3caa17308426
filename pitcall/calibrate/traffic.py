"""Cars among each other: what the air of the cars ahead costs, and who gets past. Pure.

Wake: laps begun within ``WAKE_GAP_S`` of a car that was no slower and had nobody before it, so that nothing but its air
can cost. In a train the first car holds up all, which laps cannot tell from air: what the second and third car ahead
cost keeps its share of what the first does. The level comes out low (two thirds, on simulated races): who has lost much
is out of the air on the next lap. What one circuit has more than another carries over.

    loss = dirty_air * max(0, 1 - gap / WAKE_GAP_S)

Passing: an attack is a green lap begun within ``ATTACK_GAP_S`` of a car when neither stops. It succeeds when the
order at the end is turned:

    logit P = intercept + per_s * (lap of the car ahead - own lap, s) + bite * (compound steps softer)
              + restart + circuit + season

with laps free of noise and traffic. The circuit's and the season's terms are normal about 0; their sds come from the
Laplace approximation of the evidence. The simulator meets attackers that had a good lap, so its own intercept is
lower than this one and is set on simulated races; what circuits and seasons add carries over.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy import optimize, special

from pitcall.calibrate.driven import FAR_S, Driven, Floats
from pitcall.calibrate.laptime import Pace
from pitcall.calibrate.pooled import PRIOR_GROUPS, Pooled, one_number
from pitcall.sim.race import GREEN

WAKE_GAP_S: Final = 2.0
ATTACK_GAP_S: Final = 1.2
#: Prior mean and sd of the loss at zero gap, s, and first guess of the sds of circuits, seasons and races.
_LOSS: Final = (0.5, 0.4)
_SPREAD: Final = (0.15, 0.1, 0.2)
#: A lap this much slower than free, s, was not driven at speed.
_SLOW_S: Final = 4.0
#: Fewest laps of a race that are worth a figure.
_FEWEST: Final = 8
#: Prior means and sds of intercept, per_s, bite, restart; first guess of the sds of circuits and seasons.
_FIXED: Final = (np.array([-2.0, 1.0, 0.2, 0.5]), np.array([2.0, 1.0, 0.3, 0.5]))
_LOGIT_SD: Final = (0.5, 0.2)
_ROUNDS: Final = 8


@dataclass(frozen=True, slots=True)
class Passing:
    """Logits; ``attacks`` of which ``passes`` succeeded."""

    intercept: float
    per_s: float
    bite: float
    restart: float
    circuits: dict[str, float]
    seasons: dict[int, float]
    attacks: int
    passes: int


def wake(races: Sequence[Driven], pace: Pace) -> Pooled:
    """Loss at zero gap behind a car, s a lap."""
    measured = np.array([_lost(race, free) for race, free in zip(races, pace.free_s, strict=True)])
    circuits, seasons = [race.circuit for race in races], [race.season for race in races]
    return one_number(measured[:, 0], measured[:, 1], circuits, seasons, _LOSS, _SPREAD)


def _lost(race: Driven, free: Floats) -> tuple[float, float]:
    """One race's loss and its standard error; nan where too few laps show it."""
    near = np.maximum(0.0, 1.0 - race.gaps_s[:, 0] / WAKE_GAP_S)
    there = race.ahead >= 0
    ahead = np.where(there, free[race.ahead], np.nan)
    alone = there & (race.gaps_s[race.ahead, 0] > WAKE_GAP_S)
    lost = race.lap_s - free
    rows = race.clean & (near > 0) & alone & (ahead <= free) & (np.abs(lost) < _SLOW_S)
    if rows.sum() < _FEWEST:
        return np.nan, np.nan
    x, y = near[rows], lost[rows]
    slope, weights = 0.0, np.ones(len(y))
    for _ in range(4):  # Huber
        slope = float((weights * x * y).sum() / (weights * x * x).sum())
        residual = y - slope * x
        noise = 1.4826 * float(np.median(np.abs(residual))) + 1e-3
        weights = np.minimum(1.0, 1.5 * noise / np.maximum(np.abs(residual), 1e-9))
    return slope, noise / np.sqrt((weights * x * x).sum())


def passing(races: Sequence[Driven], pace: Pace) -> Passing:
    """Who gets past whom. Raises ValueError when nobody attacked."""
    found = [_attacks(race, free) for race, free in zip(races, pace.free_s, strict=True)]
    x = np.concatenate([columns for columns, _ in found])
    won = np.concatenate([won for _, won in found])
    if not len(won):
        raise ValueError(f"no lap within {ATTACK_GAP_S} s of another car")
    places, years = sorted({race.circuit for race in races}), sorted({race.season for race in races})
    sizes = [len(won) for _, won in found]
    place = np.repeat([places.index(race.circuit) for race in races], sizes)
    year = np.repeat([years.index(race.season) for race in races], sizes)
    k, n = x.shape[1], len(places)
    full = np.concatenate([x, np.eye(n)[place], np.eye(len(years))[year]], axis=1)
    sds = np.array(_LOGIT_SD)
    mean = np.concatenate([_FIXED[0], np.zeros(n + len(years))])
    best = mean
    for _ in range(_ROUNDS):
        precision = np.concatenate([_FIXED[1] ** -2.0, np.repeat(sds**-2.0, (n, len(years)))])
        best = optimize.minimize(_loss, best, (full, won, mean, precision), jac=True, method="L-BFGS-B").x
        p = special.expit(full @ best)
        variance = np.diag(np.linalg.inv((p * (1 - p) * full.T) @ full + np.diag(precision)))
        squares = best**2 + variance
        sds = np.sqrt([
            (PRIOR_GROUPS * guess**2 + part.sum()) / (PRIOR_GROUPS + len(part))
            for guess, part in zip(_LOGIT_SD, (squares[k : k + n], squares[k + n :]), strict=True)
        ])  # fmt: skip
    intercept, per_s, bite, restart = best[:k].tolist()
    return Passing(
        intercept=intercept,
        per_s=per_s,
        bite=bite,
        restart=restart,
        circuits=dict(zip(places, best[k : k + n].tolist(), strict=True)),
        seasons=dict(zip(years, best[k + n :].tolist(), strict=True)),
        attacks=len(won),
        passes=int(won.sum()),
    )


def _attacks(race: Driven, free: Floats) -> tuple[Floats, Floats]:
    """Columns of the fixed terms, and 1 for each attack that succeeded."""
    clean = race.clean
    there = race.ahead >= 0
    rows = clean & there & (race.gaps_s[:, 0] < ATTACK_GAP_S) & (race.gaps_s[:, 0] < FAR_S)
    rows &= np.where(there, clean[race.ahead], False)
    faster = np.where(there, free[race.ahead], np.nan) - free
    rows &= np.isfinite(faster)
    other = race.ahead[rows]
    before = np.flatnonzero(rows) - 1  # the row of the same car's last lap: a clean lap is never its first
    restart = race.regime[before] > GREEN
    softer = race.compound[other] - race.compound[rows]
    columns = np.column_stack([np.ones(rows.sum()), faster[rows], softer, restart]).astype(np.float64)
    return columns, (race.time_s[rows] < race.time_s[other]).astype(np.float64)


def _loss(v: Floats, x: Floats, won: Floats, mean: Floats, precision: Floats) -> tuple[float, Floats]:
    """Minus log posterior of the logistic model, and its gradient."""
    z, off = x @ v, v - mean
    loss = float((np.logaddexp(0.0, z) - won * z).sum() + 0.5 * (precision * off**2).sum())
    return loss, x.T @ (special.expit(z) - won) + precision * off
