"""What a stop costs: the pit lane by circuit, under green and while the field is slow, and standing in the box. Pure.

    loss = in-lap + out-lap - the same two laps without a stop         (green, dry; laps free of noise from ``laptime``)
    saved under VSC or safety car = loss - (in-lap + out-lap - the median of those who drove by on these laps)
                                  = pit_road_s * (lap of the slow field / green lap - 1)
    time in the lane = the race's own constant + standing
    standing = log-logistic (scale, shape) + with probability ``botch_p`` an exponential with mean ``botch_s``

The cold first lap of the new set is in what is measured and is taken off: the model charges it by itself. Lane times
cannot tell the constant of the lane from the shortest stop and its median excess: ``station_s`` and ``scale_s`` keep
their values, and a crew's median is what it differs from the others by.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy import optimize, special, stats

from pitcall.calibrate.driven import Driven, Floats, Ints
from pitcall.calibrate.laptime import Pace
from pitcall.calibrate.pooled import Pooled, one_number
from pitcall.sim.race import GREEN, SAFETY_CAR, VSC

#: What a stop can cost, s: a drive-through at least, a repair at most.
LEAST_S: Final = 5.0
MOST_S: Final = 60.0
_LOSS: Final = (22.0, 5.0)
_LOSS_SPREAD: Final = (3.0, 0.5, 0.7)
#: Sd of one stop's loss that its standing does not explain, s.
_STOP_SD_S: Final = 1.5
#: Time in the lane beyond the race's median that is still a stop and no repair, s.
_LANE_S: Final = (-4.0, 30.0)
#: Sd of a team's median standing about the field's, s.
_CREW_SD_S: Final = 0.3
#: Sd of driving the lane, s.
_DRIVER_SD_S: Final = 0.25
#: Fewest stops of a race that have a median.
_FEWEST: Final = 5


@dataclass(frozen=True, slots=True)
class PitLane:
    """Green loss by circuit, and what of it is driving by."""

    loss_s: Pooled
    pit_road_s: float
    out_lap_share: float
    stops: dict[str, int]  #: green ones, by circuit
    slow_stops: int  #: those under VSC or safety car


@dataclass(frozen=True, slots=True)
class Standing:
    """Standing beyond the shortest stop."""

    shape: float
    botch_p: float
    botch_s: float
    crews_s: dict[tuple[int, str], tuple[float, int]]  #: (season, team) -> median beyond the shortest stop, stops
    stops: int


def lane(races: Sequence[Driven], pace: Pace, cold_s: Floats, paces: tuple[float, float]) -> PitLane:
    """Fit the lane.

    Args:
        races: what was driven.
        pace: laps free of noise.
        cold_s: [compound] what the first lap of a set costs.
        paces: the field's lap under VSC and behind the safety car, as a multiple of a green lap.
    """
    losses, shares = [], []
    counted: dict[str, int] = defaultdict(int)
    for race, free in zip(races, pace.free_s, strict=True):
        come, go = _stops(race)
        both = (race.regime[come] == GREEN) & (race.regime[go] == GREEN) & ~race.wet[come] & ~race.wet[go]
        come, go = come[both], go[both]
        out = race.lap_s[go] - free[go] - cold_s[race.compound[go]]
        loss = race.lap_s[come] - free[come] + out
        real = (loss > LEAST_S) & (loss < MOST_S)
        losses.append(loss[real])
        shares.append((out / loss)[real])
        counted[race.circuit] += int(real.sum())
    medians = np.array([np.median(loss) if len(loss) else np.nan for loss in losses])
    errors = np.array([1.25 * _STOP_SD_S / np.sqrt(len(loss)) if len(loss) else np.nan for loss in losses])
    circuits = [race.circuit for race in races]
    pooled = one_number(medians, errors, circuits, [race.season for race in races], _LOSS, _LOSS_SPREAD)
    road, slow = _road(races, pooled.races[:, 0], paces)
    share = np.concatenate(shares) if shares else np.empty(0)
    return PitLane(pooled, road, float(np.median(share)) if len(share) else np.nan, dict(counted), slow)


def _stops(race: Driven) -> tuple[Ints, Ints]:
    """Rows of the in-lap and the out-lap of each stop of which both are known."""
    come = np.flatnonzero(race.pit_in & np.isfinite(race.lap_s) & (race.lap > 1))
    come = come[come + 1 < len(race.car)]
    go = come + 1
    known = (race.car[go] == race.car[come]) & (race.lap[go] == race.lap[come] + 1) & race.pit_out[go]
    known &= np.isfinite(race.lap_s[go]) & ~race.pit_in[go] & (race.compound[go] < len(("S", "M", "H")))
    return come[known], go[known]


def _road(races: Sequence[Driven], loss_s: Floats, paces: tuple[float, float]) -> tuple[float, int]:
    """``pit_road_s`` from all stops under VSC or safety car, and how many: the median of saving / slowness."""
    found = []
    for race, loss in zip(races, loss_s, strict=True):
        come, go = _stops(race)
        for regime, slow in zip((VSC, SAFETY_CAR), paces, strict=True):
            # Both laps under it, else the field was slow for an unknown part of them.
            rows = [(i, o) for i, o in zip(come, go, strict=True) if race.regime[i] == race.regime[o] == regime]
            for i, o in rows:
                by = [_drove_by(race, int(race.lap[row])) for row in (i, o)]
                cost = race.lap_s[i] + race.lap_s[o] - sum(by)
                if -LEAST_S < cost < MOST_S:  # not so for nan: everybody came in
                    found.append((loss - cost) / (slow - 1.0))
    return (float(np.median(found)), len(found)) if found else (np.nan, 0)


def _drove_by(race: Driven, lap: int) -> float:
    """Median lap time of the cars that neither came in nor left the pits on this lap; nan: all did."""
    rows = (race.lap == lap) & ~race.pit_in & ~race.pit_out & np.isfinite(race.lap_s)
    return float(np.median(race.lap_s[rows])) if rows.any() else np.nan


def standing(races: Sequence[Driven], scale_s: float) -> Standing:
    """Fit the crews. ``scale_s``: median of standing beyond the shortest stop."""
    beyond: list[Floats] = []
    crews: dict[tuple[int, str], list[float]] = defaultdict(list)
    for race in races:
        rows = np.flatnonzero(np.isfinite(race.lane_s) & (race.regime == GREEN))
        if len(rows) < _FEWEST:
            continue
        lane_s = race.lane_s[rows] - np.median(race.lane_s[rows])
        kept = (lane_s > _LANE_S[0]) & (lane_s < _LANE_S[1])
        beyond.append(lane_s[kept])
        for row, t in zip(rows[kept], lane_s[kept], strict=True):
            crews[race.season, race.teams[race.car[row]]].append(float(t))
    if not beyond:
        return Standing(np.nan, np.nan, np.nan, {}, 0)
    shape, botch_p, botch_s = _crew(np.concatenate(beyond), scale_s)
    medians = {team: (max(0.1, scale_s + _shrunk(np.array(t))), len(t)) for team, t in crews.items()}
    return Standing(shape, botch_p, botch_s, medians, sum(map(len, beyond)))


def _crew(beyond: Floats, scale_s: float) -> tuple[float, float, float]:
    """(shape, botch_p, botch_s) by maximum likelihood from times in the lane about their race's median."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(9)
    # The median of a log-logistic is its scale. Drivers do not all drive the lane alike: normal, _DRIVER_SD_S.
    blurred = beyond[:, None] - _DRIVER_SD_S * nodes

    def loss(v: Floats) -> float:
        shape, botch, mean = np.exp(v[0]), special.expit(v[1]), np.exp(v[2])
        body = stats.fisk.pdf(blurred + scale_s, shape, scale=scale_s)
        tail = stats.expon.pdf(blurred, scale=mean)
        density = ((1 - botch) * body + botch * tail) @ weights / weights.sum()
        return -float(np.log(density + 1e-9).sum())

    bounds = [(0.2, 2.5), (-6.0, -1.0), (0.7, 2.7)]
    v = optimize.minimize(loss, np.array([0.7, -3.0, 1.8]), method="L-BFGS-B", bounds=bounds).x
    return float(np.exp(v[0])), float(special.expit(v[1])), float(np.exp(v[2]))


def _shrunk(beyond: Floats) -> float:
    """A crew's median against the field's, shrunk to it by its error, s."""
    error = 1.25 * 1.4826 * float(np.median(np.abs(beyond - np.median(beyond)))) / np.sqrt(len(beyond)) + 0.1
    return float(np.median(beyond) * _CREW_SD_S**2 / (_CREW_SD_S**2 + error**2))
