"""A track that dries or gets wet, by what the field does. Pure.

Wetness is not in timing data. On laps on which some cars run on slicks and others on intermediates, the difference
of their lap times moves through 0: that is the crossover. How fast it moves, s a lap of race, over what a unit of
wetness costs both together (``wet_over_s`` of the slick + ``wet_under_s`` of the intermediate) is the drying, or
the wetting. How often rain comes on a day that has some is the share of dry laps of such races after which the field
changed to treads; it ends as long before the field changes back as the track takes to dry (``DRY_OUT_LAPS``).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from pitcall.calibrate.driven import Bools, Driven, Floats
from pitcall.domain.tyres import DRY, RAIN
from pitcall.priors import REFERENCE_LAP_S

#: Cars on each kind of tyre that make a lap's difference worth having.
_EACH: Final = 1
#: Laps of one crossover that give a slope.
_LAPS: Final = 2
#: From the end of rain to the crossover to slicks.
DRY_OUT_LAPS: Final = 6
#: Weight of a prior rate, in laps, and of a prior slope, in crossovers.
_PRIOR_LAPS: Final = 200.0
_PRIOR_SLOPES: Final = 3.0


@dataclass(frozen=True, slots=True)
class Wet:
    """Per lap."""

    rain_hazard: float
    stop_hazard: float
    drying_s: float  #: change of (slick - intermediate) lap time, s a lap of race, at ``REFERENCE_LAP_S``
    wetting_s: float
    drying_seen: int
    wetting_seen: int
    wet_laps: int  #: on which it rained, or so it is taken


def fit(
    races: Sequence[Driven], bases: Sequence[float], prior: tuple[float, float], slopes_s: tuple[float, float]
) -> Wet:
    """Fit. ``prior``: chances that rain begins and ends; ``slopes_s``: drying and wetting, s a lap."""
    dry = wet = begun = ended = 0
    up: list[float] = []
    down: list[float] = []
    for race, base in zip(races, bases, strict=True):
        treads = _on_treads(race)
        begun += int((~treads[:-1] & treads[1:]).sum())
        ended_here = int((treads[:-1] & ~treads[1:]).sum())
        ended += ended_here
        dry += int((~treads).sum()) if treads.any() else 0
        wet += max(0, int(treads.sum()) - DRY_OUT_LAPS * ended_here)
        for slope in _slopes(race, base) if np.isfinite(base) else ():
            (up if slope > 0 else down).append(abs(slope))
    return Wet(
        rain_hazard=(begun + prior[0] * _PRIOR_LAPS) / (dry + _PRIOR_LAPS),
        stop_hazard=(ended + prior[1] * _PRIOR_LAPS) / (wet + _PRIOR_LAPS),
        drying_s=_shrunk(down, slopes_s[0]),
        wetting_s=_shrunk(up, slopes_s[1]),
        drying_seen=len(down),
        wetting_seen=len(up),
        wet_laps=wet,
    )


def _on_treads(race: Driven) -> Bools:
    """Of each lap number: more than half of the field is on tyres with a tread."""
    treads = np.isin(race.compound, [int(c) for c in RAIN])
    slicks = np.isin(race.compound, [int(c) for c in DRY])
    numbers = race.lap - 1
    return np.bincount(numbers[treads], minlength=race.total_laps) > np.bincount(
        numbers[slicks], minlength=race.total_laps
    )


def _slopes(race: Driven, base: float) -> list[float]:
    """Of every run of laps with both kinds of tyre: change a lap of (slick - tread), s at the reference lap."""
    steady = ~race.pit_in & ~race.pit_out & np.isfinite(race.lap_s) & (race.regime <= 1)
    found: list[tuple[int, float]] = []
    for lap in np.unique(race.lap[race.wet]):
        rows = steady & (race.lap == lap)
        slick, tread = (race.lap_s[rows & np.isin(race.compound, [int(c) for c in kind])] for kind in (DRY, RAIN))
        if len(slick) >= _EACH and len(tread) >= _EACH:
            found.append((int(lap), float(np.median(slick) - np.median(tread)) * REFERENCE_LAP_S / base))
    slopes = []
    runs = np.split(np.arange(len(found)), np.flatnonzero(np.diff([lap for lap, _ in found]) > 1) + 1)
    for run in runs:
        if len(run) >= _LAPS:
            x, y = np.array([found[i] for i in run], np.float64).T
            slopes.append(float(np.polyfit(x, y, 1)[0]))
    return slopes


def _shrunk(seen: list[float], prior: float) -> float:
    values: Floats = np.array(seen)
    middle = float(np.median(values)) if len(values) else prior
    return (len(values) * middle + _PRIOR_SLOPES * prior) / (len(values) + _PRIOR_SLOPES)
