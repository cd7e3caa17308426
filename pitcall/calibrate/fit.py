"""Every family's fit on the same races, in order. Deterministic. Pure. ``assemble`` makes a parameter set of it."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from pitcall.calibrate import hazards, laptime, noise, pitlane, rain, start, stints, traffic
from pitcall.calibrate.driven import Driven
from pitcall.calibrate.hazards import Failures, Neutral
from pitcall.calibrate.laptime import Pace
from pitcall.calibrate.noise import Noise
from pitcall.calibrate.pitlane import PitLane, Standing
from pitcall.calibrate.pooled import Pooled
from pitcall.calibrate.rain import Wet
from pitcall.calibrate.start import Slots
from pitcall.calibrate.stints import Lives
from pitcall.calibrate.traffic import Passing
from pitcall.domain.tyres import Compound
from pitcall.errors import InvalidRequest
from pitcall.parameters import DEFAULT

#: What a new set's first lap costs is not seen apart from the stop.
_COLD_S: Final = np.array([kind.cold_s for kind in DEFAULT.kinds[:3]])
#: The steps, for a progress bar.
STEPS: Final = ("lap times", "noise", "traffic", "passing", "tyre life", "hazards", "pit lane", "rain", "start")


@dataclass(frozen=True, slots=True)
class Found:
    """What each family found."""

    races: tuple[Driven, ...]
    pace: Pace
    noise: Noise
    wake: Pooled
    passing: Passing
    lives: Lives
    lane: PitLane
    standing: Standing
    failures: Failures
    neutral: Neutral
    wet: Wet
    slots: Slots


def look(races: Sequence[Driven], progress: Callable[[str], None] = lambda _: None) -> Found:
    """Run every family's fit.

    Args:
        races: what was driven; a season or more.
        progress: called with each of ``STEPS`` as it begins.

    Raises:
        InvalidRequest: too little was driven for a fit.
    """
    try:
        progress("lap times")
        pace = laptime.fit(races)
        progress("noise")
        sound = noise.fit(races, pace)
        progress("traffic")
        air = traffic.wake(races, pace)
        progress("passing")
        passes = traffic.passing(races, pace)
        progress("tyre life")
        lives = stints.fit(races)
        progress("hazards")
        neutral, failed = hazards.neutralisations(races, pace.base_lap_s), hazards.failures(races)
        progress("pit lane")
        paces = (known(neutral.vsc_pace, DEFAULT.cautions.vsc_pace), known(neutral.sc_pace, DEFAULT.cautions.sc_pace))
        lane = pitlane.lane(races, pace, _COLD_S, paces)
        crews = pitlane.standing(races, DEFAULT.stops.scale_s)
        progress("rain")
        slick, inter = DEFAULT.kinds[0], DEFAULT.kinds[Compound.INTERMEDIATE]
        unit = slick.wet_over_s + inter.wet_under_s
        old = DEFAULT.rain
        wet = rain.fit(
            races, pace.base_lap_s, (old.rain_hazard, old.stop_hazard), (old.drying * unit, old.wetting * unit)
        )
        progress("start")
        slots = start.fit(races, pace.base_lap_s)
    except ValueError as exc:
        raise InvalidRequest(f"these races cannot be fitted: {exc}; give whole races, best a season or more") from exc
    return Found(tuple(races), pace, sound, air, passes, lives, lane, crews, failed, neutral, wet, slots)


def known(value: float, otherwise: float) -> float:
    """``value``, or ``otherwise`` when the races did not show it (nan)."""
    return value if math.isfinite(value) else otherwise
