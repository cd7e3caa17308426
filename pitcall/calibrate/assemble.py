"""From what the fits found to a parameter set, one function per family. Pure.

What the races do not show keeps the value of the set that it starts from.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from statistics import median
from types import MappingProxyType
from typing import Final

import numpy as np

from pitcall.calibrate.driven import Floats
from pitcall.calibrate.fit import Found, known
from pitcall.calibrate.hazards import duration
from pitcall.parameters import DEFAULT, CircuitEffect, Parameters, SeasonEffect, TeamEffect, TyreShift
from pitcall.priors import FULL_FUEL_S, REFERENCE_LAP_S

#: Bounds of a multiple of wear, and of one of dirty air.
WEAR_BOUNDS: Final = (0.3, 3.0)
AIR_BOUNDS: Final = (0.3, 3.0)
#: Retirements of a car per lap after lap 1, and on lap 1, that ``DEFAULT`` plays (docs/data.md#marginals).
PLAYED_PER_LAP: Final = 0.0016
PLAYED_FIRST_LAP: Final = 0.021
#: Yellow flags per lap that follow the failures and accidents of 20 cars in ``DEFAULT``.
PLAYED_YELLOWS: Final = 20 * (0.00105 * 0.30 + 0.00078 * 0.20)
#: Digits that a fitted number is worth: a set is read by people, and compared by them.
_DIGITS: Final = 5


def assemble(
    found: Found, version: str, base: Parameters = DEFAULT, families: Sequence[str] | None = None
) -> Parameters:
    """The set.

    Args:
        found: from ``fit.look``.
        version: its name.
        base: where it starts.
        families: those of ``FAMILIES`` that count; None: all.
    """
    out = replace(base, version=version, circuits=_circuits(found, base), seasons=_seasons(found, base))
    for name in FAMILIES if families is None else families:
        out = FAMILIES[name](found, out)
    return out


def _circuits(found: Found, base: Parameters) -> Mapping[str, CircuitEffect]:
    """Every circuit that was raced on, with no effect yet. One whose name is not known counts for the typical one."""
    laps: dict[str, list[float]] = defaultdict(list)
    for race, base_lap_s in zip(found.races, found.pace.base_lap_s, strict=True):
        laps[race.circuit].append(base_lap_s)
    laps.pop("", None)
    return MappingProxyType({
        name: CircuitEffect(
            races=len(each),
            base_lap_s=_rounded(median([lap for lap in each if np.isfinite(lap)] or [REFERENCE_LAP_S])),
            pit_loss_s=base.typical.pit_loss_s,
            pit_road_s=base.typical.pit_road_s,
        )
        for name, each in sorted(laps.items())
    })  # fmt: skip


def _seasons(found: Found, base: Parameters) -> Mapping[str, SeasonEffect]:
    races = Counter(race.season for race in found.races if race.season)
    stops = base.stops
    return MappingProxyType({
        str(season): SeasonEffect(count, station_s=stops.station_s, scale_s=stops.scale_s)
        for season, count in sorted(races.items())
    })  # fmt: skip


def _rounded(value: float) -> float:
    """To ``_DIGITS`` significant digits."""
    return float(f"{float(value):.{_DIGITS}g}")


def _each_circuit(
    out: Parameters, change: Callable[[str, CircuitEffect], CircuitEffect]
) -> Mapping[str, CircuitEffect]:
    return MappingProxyType({name: change(name, effect) for name, effect in out.circuits.items()})


def _each_season(out: Parameters, change: Callable[[int, SeasonEffect], SeasonEffect]) -> Mapping[str, SeasonEffect]:
    return MappingProxyType({year: change(int(year), effect) for year, effect in out.seasons.items()})


def _lap_times(found: Found, out: Parameters) -> Parameters:
    """Fuel and track, offsets, wear and cliff."""
    pooled = found.pace.pooled
    full, soft, hard, *wear, cliff = (_rounded(v) for v in pooled.mean)
    kinds = [
        replace(kind, offset_s=offset, wear_s=max(0.0, w), cliff_s=max(0.0, cliff))
        for kind, offset, w in zip(out.kinds[:3], (soft, 0.0, hard), wear, strict=True)
    ]

    def shifts(old: tuple[TyreShift, ...], by: Floats) -> tuple[TyreShift, ...]:
        offsets = (by[1], 0.0, by[2])
        multiples = np.clip(1 + by[3:6] / np.maximum(pooled.mean[3:6], 1e-3), *WEAR_BOUNDS)
        new = [
            replace(shift, offset_s=_rounded(o), wear=_rounded(m))
            for shift, o, m in zip(old[:3], offsets, multiples, strict=True)
        ]
        return (*new, *old[3:])

    return replace(
        out,
        typical=replace(out.typical, full_fuel_s=FULL_FUEL_S, full_track_s=_rounded(full - FULL_FUEL_S)),
        kinds=(*kinds, *out.kinds[3:]),
        circuits=_each_circuit(
            out,
            lambda name, e: replace(
                e, tyres=shifts(e.tyres, pooled.circuits[name]), track_s=_rounded(pooled.circuits[name][0])
            ),
        ),
        seasons=_each_season(out, lambda year, e: replace(e, tyres=shifts(e.tyres, pooled.seasons[year]))),
    )


def _noise(found: Found, out: Parameters) -> Parameters:
    """Sd, memory, circuits. Mistakes stay as they are: the live filter's noise of a car holds its tails already."""
    sound = found.noise
    return replace(
        out,
        typical=replace(out.typical, noise_s=_rounded(sound.noise_s), noise_memory=_rounded(sound.memory)),
        circuits=_each_circuit(out, lambda name, e: replace(e, noise=_rounded(np.exp(sound.log_sd.circuits[name][0])))),
    )


def _traffic(found: Found, out: Parameters) -> Parameters:
    """What circuits add to the first car's air. The typical level stays: the fit's is low (``traffic``)."""
    level = out.typical.dirty_air_s[0]
    return replace(
        out,
        circuits=_each_circuit(
            out,
            lambda name, e: replace(
                e, dirty_air=_rounded(np.clip(1 + found.wake.circuits[name][0] / level, *AIR_BOUNDS))
            ),
        ),
    )


def _passing(found: Found, out: Parameters) -> Parameters:
    """Slope, restart, circuits, seasons; the simulator's intercept is set on simulated races (``traffic``).

    The tyres' own term stays out: races simulated without one show one too, of tyres that are better than their pace.
    """
    fits = found.passing
    return replace(
        out,
        typical=replace(out.typical, pass_per_s=_rounded(fits.per_s)),
        cautions=replace(out.cautions, restart_pass=_rounded(fits.restart)),
        circuits=_each_circuit(out, lambda name, e: replace(e, pass_logit=_rounded(fits.circuits[name]))),
        seasons=_each_season(out, lambda year, e: replace(e, pass_logit=_rounded(fits.seasons[year]))),
    )


def _tyre_life(found: Found, out: Parameters) -> Parameters:
    lives = found.lives

    def longer(old: tuple[TyreShift, ...], by: float) -> tuple[TyreShift, ...]:
        return tuple(replace(shift, life=_rounded(by)) for shift in old[:3]) + old[3:]

    kinds = [replace(kind, life_share=_rounded(s)) for kind, s in zip(out.kinds[:3], lives.share, strict=True)]
    return replace(
        out,
        kinds=(*kinds, *out.kinds[3:]),
        circuits=_each_circuit(out, lambda name, e: replace(e, tyres=longer(e.tyres, lives.circuits[name]))),
        seasons=_each_season(out, lambda year, e: replace(e, tyres=longer(e.tyres, lives.seasons[year]))),
    )


def _pit_lane(found: Found, out: Parameters) -> Parameters:
    """The road's share of a loss is the same everywhere."""
    lane, crews = found.lane, found.standing
    typical, standing = float(lane.loss_s.mean[0]), out.stops.station_s + out.stops.scale_s
    road = known(lane.pit_road_s, out.typical.pit_road_s)
    teams = {f"{season} {team}": (scale, stops) for (season, team), (scale, stops) in crews.crews_s.items()}

    def of(name: str, effect: CircuitEffect) -> CircuitEffect:
        loss = typical + float(lane.loss_s.circuits[name][0])
        here = road * (loss - standing) / (typical - standing)
        return replace(effect, pit_loss_s=_rounded(loss), pit_road_s=_rounded(here), stops=lane.stops.get(name, 0))

    starts = Counter(f"{race.season} {team}" for race in found.races for team in race.teams)
    return replace(
        out,
        typical=replace(
            out.typical,
            pit_loss_s=_rounded(typical),
            pit_road_s=_rounded(road),
            out_lap_share=_rounded(known(lane.out_lap_share, out.typical.out_lap_share)),
        ),
        stops=replace(
            out.stops,
            shape=_rounded(known(crews.shape, out.stops.shape)),
            botch_p=_rounded(known(crews.botch_p, out.stops.botch_p)),
            botch_s=_rounded(known(crews.botch_s, out.stops.botch_s)),
        ),
        circuits=_each_circuit(out, of),
        teams=MappingProxyType({
            team: replace(out.teams.get(team, TeamEffect(starts[team], stops)), scale_s=_rounded(scale), stops=stops)
            for team, (scale, stops) in sorted(teams.items())
        }),
    )  # fmt: skip


def _hazards(found: Found, out: Parameters) -> Parameters:
    """Retirements beyond those that the default plays count as failures: its accidents fit its safety cars."""
    failed, neutral = found.failures, found.neutral
    failures = out.reliability.failure_hazard + failed.per_lap - PLAYED_PER_LAP
    first = (1 + out.reliability.first_lap) * failed.first_lap / PLAYED_FIRST_LAP - 1
    old = out.cautions
    teams = dict(out.teams)
    for (season, team), (multiple, starts) in failed.teams.items():
        effect = teams.get(f"{season} {team}", TeamEffect(starts, 0))
        teams[f"{season} {team}"] = replace(effect, failure=_rounded(multiple), starts=starts)
    return replace(
        out,
        reliability=replace(
            out.reliability,
            failure_hazard=_rounded(max(0.2 * out.reliability.failure_hazard, failures)),
            first_lap=_rounded(max(0.0, first)),
        ),
        cautions=replace(
            old,
            yellow_hazard=_rounded(max(0.0, neutral.yellows_per_lap - PLAYED_YELLOWS)),
            sc_laps=duration(old.sc_laps, neutral.sc_laps),
            vsc_laps=duration(old.vsc_laps, neutral.vsc_laps),
            sc_pace=_rounded(known(neutral.sc_pace, old.sc_pace)),
            vsc_pace=_rounded(known(neutral.vsc_pace, old.vsc_pace)),
        ),
        circuits=_each_circuit(out, lambda name, e: replace(e, caution=_rounded(neutral.circuits[name]))),
        seasons=_each_season(out, lambda year, e: replace(e, failure=_rounded(failed.seasons[year]))),
        teams=MappingProxyType(dict(sorted(teams.items()))),
    )


def _rain(found: Found, out: Parameters) -> Parameters:
    wet, old = found.wet, out.rain
    unit = out.kinds[0].wet_over_s + out.kinds[3].wet_under_s
    return replace(
        out,
        rain=replace(
            old,
            rain_hazard=_rounded(wet.rain_hazard),
            stop_hazard=_rounded(wet.stop_hazard),
            drying=_rounded(wet.drying_s / unit),
            wetting=_rounded(wet.wetting_s / unit),
        ),
    )


def _start(found: Found, out: Parameters) -> Parameters:
    """The slope; its spread is tuned with the filter that takes it as prior."""
    slope = known(found.slots.pace_per_slot_s, out.unseen.pace_per_slot_s)
    return replace(out, unseen=replace(out.unseen, pace_per_slot_s=_rounded(slope)))


#: Family -> what it sets, in the order in which they are applied.
FAMILIES: Final[dict[str, Callable[[Found, Parameters], Parameters]]] = {
    "lap times": _lap_times,
    "noise": _noise,
    "traffic": _traffic,
    "passing": _passing,
    "tyre life": _tyre_life,
    "pit lane": _pit_lane,
    "hazards": _hazards,
    "rain": _rain,
    "start": _start,
}
