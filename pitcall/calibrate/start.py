"""What the grid says of pace before a lap is driven. Pure.

    a car's median green lap less the field's = pace_per_slot_s * (slot - middle slot) + normal, sd slot_sd_s

at a lap of ``REFERENCE_LAP_S``. Where a log has no grid, the order at the end of lap 1 stands for it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy import stats

from pitcall.calibrate.driven import Driven
from pitcall.priors import REFERENCE_LAP_S

#: Cars with this many green laps have a median; races with this many such cars a slope.
_LAPS: Final = 10
_CARS: Final = 8


@dataclass(frozen=True, slots=True)
class Slots:
    """Medians over races; nan without a race that shows them."""

    pace_per_slot_s: float
    slot_sd_s: float
    gain_sd: float  #: sd of the places gained on lap 1; nan: no grid known
    races: int


def fit(races: Sequence[Driven], bases: Sequence[float]) -> Slots:
    """Fit."""
    slopes, sds, gains = [], [], []
    for race, base in zip(races, bases, strict=True):
        first = np.flatnonzero(race.lap == 1)
        order = np.full(len(race.cars), -1)
        order[race.car[first]] = race.place[first] + 1
        slot = np.where(race.grid > 0, race.grid, order)
        both = (race.grid > 0) & (order > 0)
        if both.sum() >= _CARS:
            gains.append(float(np.std(race.grid[both] - order[both])))
        clean, rows = race.clean, []
        for c in range(len(race.cars)):
            mine = clean & (race.car == c)
            if mine.sum() >= _LAPS and slot[c] > 0:
                rows.append((slot[c], np.median(race.lap_s[mine]) * REFERENCE_LAP_S / base))
        if len(rows) < _CARS:
            continue
        x, y = np.array(rows).T
        line = stats.theilslopes(y, x)
        slopes.append(float(line.slope))
        sds.append(1.4826 * float(np.median(np.abs(y - line.intercept - line.slope * x))))
    slope, sd, gain = (float(np.median(found)) if found else np.nan for found in (slopes, sds, gains))
    return Slots(slope, sd, gain, len(slopes))
