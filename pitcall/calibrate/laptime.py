"""Lap times of green laps in clean air: fuel and track, compounds and wear, and what a lap is without its noise. Pure.

For car i on lap l of a race, at a lap of ``REFERENCE_LAP_S``:

    lap time = pace_i + full * (laps left / distance) + offset_c + wear_c * (age - 1)
               + cliff * max(0, age - 1 - life_c) + noise

``full`` is fuel and track evolution together, s from the first lap to the last: laps cannot tell them apart, so
fuel keeps its prior (0.0309 s/kg, docs/data.md) and the track gets the rest. Each race is one weighted
regression within its cars (Huber weights); ``pooled.linear`` then shrinks by circuit, compound and season.
The cliff is weakly known, because teams stop before it: what is seen is the sets that lasted, so its prior counts.
Only laps with nobody within ``CLEAN_GAP_S`` count, so traffic does not pass for wear.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from pitcall.calibrate.driven import Bools, Driven, Floats, Ints
from pitcall.calibrate.pooled import Pooled, linear
from pitcall.priors import FULL_FUEL_S, LIFE_SHARE, REFERENCE_LAP_S

#: Gap at both ends of a lap beyond which the car ahead does not matter, s.
CLEAN_GAP_S: Final = 2.0
#: Residual, in noise sds, beyond which a lap counts less.
HUBER_K: Final = 1.5
#: Fewest such laps of a race that are worth a regression.
FEWEST: Final = 60
#: Coefficients, in this order, with prior mean, prior sd, and first guess of the sds of circuits, seasons and races.
NAMES: Final = ("full", "offset soft", "offset hard", "wear soft", "wear medium", "wear hard", "cliff")
PRIOR: Final = np.array([FULL_FUEL_S, -0.5, 0.55, 0.09, 0.06, 0.045, 0.1])
PRIOR_SD: Final = np.array([2.0, 0.5, 0.5, 0.05, 0.05, 0.05, 0.04])
SPREAD: Final = np.array([[1.0, 0.2, 0.2, 0.02, 0.02, 0.02, 0.01]] * 3)
_SWEEPS: Final = 4
#: Timing is rounded to a thousandth; nobody drives as evenly as this.
_LEAST_NOISE_S: Final = 0.01


@dataclass(frozen=True, slots=True)
class Pace:
    """What the lap times of all races say, at a lap of ``REFERENCE_LAP_S``."""

    pooled: Pooled  #: of ``NAMES``
    base_lap_s: tuple[float, ...]  #: [race] the field's green lap; nan: too few laps
    used: tuple[Bools, ...]  #: [race] rows of the regression
    free_s: tuple[Floats, ...]  #: [race] [row] the lap without noise and traffic, in s of that circuit; nan: not known


def fit(races: Sequence[Driven]) -> Pace:
    """Regress and pool."""
    bases = tuple(base_lap(race) for race in races)
    used = tuple(in_clean_air(race) for race in races)
    measured = [_measured(race, rows, base) for race, rows, base in zip(races, used, bases, strict=True)]
    pooled = linear(
        np.array([precision for precision, _ in measured]),
        np.array([pull for _, pull in measured]),
        [race.circuit for race in races],
        [race.season for race in races],
        (PRIOR, PRIOR_SD),
        SPREAD,
    )
    free = tuple(
        free_laps(race, rows, base, coefficients)
        for race, rows, base, coefficients in zip(races, used, bases, pooled.races, strict=True)
    )
    return Pace(pooled, bases, used, free)


def base_lap(race: Driven) -> float:
    """Median of the cars' median green laps; nan without one."""
    clean = race.clean
    medians = [np.median(race.lap_s[mine]) for c in range(len(race.cars)) if (mine := clean & (race.car == c)).any()]
    return float(np.median(medians)) if medians else np.nan


def in_clean_air(race: Driven) -> Bools:
    """Clean rows with nobody near at either end; none where a race has too few of them."""
    rows: Bools = race.clean & (race.gaps_s[:, 0] > CLEAN_GAP_S) & (race.end_gap_s > CLEAN_GAP_S)
    return rows if rows.sum() >= FEWEST else np.zeros_like(rows)


def columns(race: Driven) -> Floats:
    """[row, coefficient] what each coefficient is multiplied with."""
    left = (race.total_laps - race.lap) / race.total_laps
    on = race.compound[:, None] == np.arange(3)
    worn = race.age - 1
    life = race.total_laps * (on @ np.array([LIFE_SHARE[c] for c in range(3)]))
    cliff = np.maximum(0.0, worn - np.round(life))
    return np.column_stack([left, on[:, 0], on[:, 2], on * worn[:, None], cliff]).astype(np.float64)


def _measured(race: Driven, rows: Bools, base: float) -> tuple[Floats, Floats]:
    """Precision and pull of one race's coefficients."""
    k = len(NAMES)
    if not rows.any():
        return np.zeros((k, k)), np.zeros(k)
    x, car = columns(race)[rows], race.car[rows]
    y = race.lap_s[rows] * (REFERENCE_LAP_S / base)
    weights, noise = np.ones(len(y)), 1.0
    ridge, pull = np.diag(PRIOR_SD**-2.0), PRIOR / PRIOR_SD**2  # steadies the residuals; taken out again below
    for _ in range(_SWEEPS):
        dx, dy = within(x, car, weights), within(y[:, None], car, weights)[:, 0]
        precision, seen = (weights * dx.T) @ dx / noise**2, (weights * dx.T) @ dy / noise**2
        residual = dy - dx @ np.linalg.solve(precision + ridge, seen + pull)
        noise = max(_LEAST_NOISE_S, 1.4826 * float(np.median(np.abs(residual))))
        weights = np.minimum(1.0, HUBER_K * noise / np.maximum(np.abs(residual), 1e-9))
    # Noise with memory: neighbouring laps repeat each other, so a lap tells less than one lap.
    correlation = np.clip(_memory(residual, car), 0.0, 0.8)
    worth = (1 - correlation) / (1 + correlation)
    return precision * worth, seen * worth


def within(x: Floats, car: Ints, weights: Floats) -> Floats:
    """``x`` less each car's weighted mean."""
    total = np.bincount(car, weights)
    means = np.stack([np.bincount(car, weights * column) for column in x.T], axis=1) / np.maximum(total, 1e-9)[:, None]
    return np.asarray(x - means[car])


def _memory(residual: Floats, car: Ints) -> float:
    same = car[1:] == car[:-1]
    a, b = residual[:-1][same], residual[1:][same]
    return float((a * b).sum() / max(1e-9, np.sqrt((a**2).sum() * (b**2).sum())))


def free_laps(race: Driven, rows: Bools, base: float, coefficients: Floats) -> Floats:
    """Each lap as it would have been without noise and traffic, s; nan for cars with no lap in clean air."""
    if not rows.any():
        return np.full(len(race.car), np.nan)
    scale = base / REFERENCE_LAP_S
    explained = columns(race) @ coefficients * scale
    pace = np.full(len(race.cars), np.nan)
    for c in range(len(race.cars)):
        mine = rows & (race.car == c)
        if mine.sum() >= 3:
            pace[c] = np.median((race.lap_s - explained)[mine])
    known = (race.compound <= 2) & (race.age > 0)
    return np.where(known, pace[race.car] + explained, np.nan)
