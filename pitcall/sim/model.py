"""The race model's numbers as arrays, and its constants. Pure.

``pack`` turns a ``Race`` into what twin and kernel read: a record of scalars, tables of tyres, tables
of cars. The model itself is written twice, plainly in ``pitcall.sim.twin`` and on lanes in
``pitcall.sim.kernel``; ``pitcall.sim.rare`` is what both share.

All arithmetic is float32 in a fixed order, so that both agree to the bit. That asks for care: in
Numba an integer or a literal next to a float32 makes a float64. Hence ``f4(...)`` around every
whole number and the constants below. Times are relative: 0 is the leader's last line, and a car
that laps in ``base_lap_s`` stays where it is.
"""

from collections.abc import Sequence
from itertools import accumulate
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from pitcall.sim.race import COMPOUNDS, STOP_FEATURES, STOPS_KEPT, Race, Weather

f4 = np.float32
Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int32]
#: The record of scalars: ``n.base_lap_s`` in both languages. Any: numpy cannot type a record's fields.
Numbers = Any

# Columns of ``tyres``.
OFFSET, WEAR_S, WEAR2_S, CLIFF, LIFE, PER_LIFE, COLD, CLIFF_SD, WET_BEST, WET_OVER, WET_UNDER = range(11)
# Rows of ``cars_f``.
TIME, PACE, PACE_SD, WEAR, WEAR_Z1, WEAR_Z2, EXTRA, FUEL, PENALTY, DAMAGE, FAILURE, STINT = range(12)
# Rows of ``cars_i``.
DONE, RACING, BOXING, COMPOUND, AGE, USED, SETS, STOPS, MATE, KLASS = range(10)

# Stop policy: positions of STOP_FEATURES.
(BIAS, LIFE_USED, BEYOND_LIFE, RULE_OPEN, RULE_CLOSING, RACE_LEFT, LASTS, LAST_LAPS, NEW_SC, SC, NEW_VSC, IN_VSC,
 WEAR_COST, WET_COST, DAMAGE_COST, PRESSED, UNDERCUT, COVER, TEAM_MATE, PLACES, BEHIND_FIELD,
 LATELY) = range(len(STOP_FEATURES))  # fmt: skip

#: Race time of a car that is out, far behind every finisher; later retirements rank higher.
OUT_S: Final = f4(1e7)
OUT_PER_LAP_S: Final = f4(1e4)
#: Added to a car that breaks a rule at the flag: behind the finishers, before the retired.
DISQUALIFIED_S: Final = f4(2e6)
#: Lap "time" of a car that does not play this lap.
STILL_S: Final = f4(-1e5)
#: Longest stop time on top of the shortest, s: the log-logistic has no finite mean for a heavy tail.
LONGEST_EXTRA_S: Final = f4(60.0)
#: A lap this much slower than the field's: the car stops, limps or is off; it neither holds up nor is held up, s.
SLOW_S: Final = f4(8.0)
#: The asking car takes its stop early when a neutralisation begins this many laps before it. Design choice.
EARLY_STOP_LAPS: Final = 12
#: Half width of the bend with which the cliff begins, laps. Design choice.
BEND: Final = f4(2.0)
PER_BEND: Final = f4(1.0 / 8.0)  # 1 / (4 BEND)
#: A compound this many temperatures behind the quickest is not chosen: it would be 3 times in 10,000.
COMPOUND_REACH: Final = f4(8.0)
#: Sets left, 3 bits a compound, when there are as many as it takes.
PLENTY: Final = 0o77777
#: Laps of rain that a compound choice looks ahead.
WET_HORIZON: Final = f4(10.0)
#: Places beyond which one more that a stop would cost makes no difference to the policy, and their inverse.
MOST_PLACES: Final = 6
PER_PLACE: Final = f4(1.0 / 6.0)
#: Wear beyond which more makes no difference to the policy, s a lap: a filter that is wrong shall not empty the track.
MOST_WEAR_S: Final = f4(2.0)
#: Stops of late beyond which more make no difference to the policy.
MOST_LATELY: Final = f4(0.3)
#: ``race.STOPS_KEPT``.
KEPT: Final = f4(STOPS_KEPT)
#: A car this close behind presses, s.
PRESSED_GAP_S: Final = f4(3.0)
#: A time limit beyond this is none, s.
UNLIMITED_S: Final = f4(1e8)
#: Laps before the flag over which feature ``rule_closing`` rises from 0 to 1.
CLOSING_LAPS: Final = f4(10.0)
PER_CLOSING: Final = f4(0.1)
ZERO, HALF, ONE, TWO = f4(0.0), f4(0.5), f4(1.0), f4(2.0)
SMALLEST_WEAR: Final = f4(0.05)
SMALLEST_CLIFF: Final = f4(0.3)
FOREVER: Final = f4(1e9)

_SCALARS: Final = (
    "base_lap_s", "fuel_s", "noise_s", "innovation_s", "noise_memory", "mistake_hazard", "per_mistake",
    "mistake_s", "track_s", "dirty1_s", "dirty2_s", "dirty3_s", "per_dirty_gap", "hold_gap_s", "pass_intercept",
    "pass_per_s", "pass_aid", "aid_gap_s", "pass_bite", "duel_s", "blue_s", "lapping_s", "wake_wear",
    "time_left_s", "loss_green_s", "loss_vsc_s", "loss_sc_s", "station_s", "scale_s", "per_shape", "botch_p",
    "botch_s", "stack_s", "repair_s", "tank_laps", "fuel_per_s", "stint_limit_s", "driver_s", "red_below",
    "sc_below", "vsc_below", "yellow_below", "vsc_to_sc", "sc_dev_s", "catch_up_s", "vsc_dev_s", "queue_gap_s",
    "red_gap_s", "yellow_s", "restart_pass", "accident_hazard", "first_lap", "restart", "wet", "close",
    "close_s", "out_p", "lost_s", "damage_s", "penalty_p", "penalty_s", "event_most", "event_most_first",
    "wetness", "rain_hazard", "rain_stop_hazard", "wetting", "drying", "per_compound",
    "cover_gap_s", "crossover_s", "young_laps", "last_laps", "per_total", "per_last", "stops_lately",
)  # fmt: skip
_WHOLE: Final = (
    "total_laps", "now", "first_lap_played", "regime", "regime_laps", "two_stage_refuel", "unlap", "raining",
    "rain_lap", "min_stops", "pit_from", "pit_to", "legal", "classes", "wet_race", "endurance",
)  # fmt: skip
NUMBERS: Final = np.dtype(
    [
        *((name, np.float32) for name in _SCALARS),
        *((name, np.int32) for name in _WHOLE),
        ("stop", np.float32, (len(STOP_FEATURES),)),
        ("after_failure", np.float32, (4,)),  # cumulative, worst first: red, SC, VSC, yellow
        ("after_accident", np.float32, (4,)),
        ("sc_laps", np.float32, (8,)),  # cumulative
        ("vsc_laps", np.float32, (8,)),
        ("finish", np.int32, (32,)),
        ("closing", np.int32, (32,)),  # [set of compounds used] those that meet an open rule; 0 where none is open
    ],
    align=True,
)


class Packed(NamedTuple):
    """A race as twin and kernel read it."""

    n: Numbers
    tyres: Floats  #: [compound, column]
    plans: Floats  #: [laps left, compound] cost of a fresh set to the flag, s; [.., 5 + compound] times the car's wear
    cars_f: Floats  #: [row, car]
    cars_i: Ints  #: [row, car]


def pack(race: Race) -> Packed:
    """The arrays of a race."""
    g = race.grid
    racing = [i for i, r in enumerate(g.racing) if r] or [0]
    now = max(g.laps_done[i] for i in racing)
    start = min(g.time_s[i] for i in racing if g.laps_done[i] == now)
    cars_f, cars_i = _cars(race, now, start)
    numbers = _scalars(race, start) | _whole(race, now) | _tables(race)
    # One tuple: a record that is filled field by field takes four times as long, and a decision packs 16 races.
    record = np.array([tuple(numbers[name] for name in NUMBERS.names or ())], NUMBERS).view(np.recarray)[0]
    tyres = np.array(
        [
            (t.offset_s, t.wear_s, t.wear2_s, t.cliff_s, t.life_laps, 1 / t.life_laps, t.cold_s, t.cliff_sd, t.wet_best,
             t.wet_over_s, t.wet_under_s)
            for t in race.tyres
        ],
        np.float32,
    )  # fmt: skip
    return Packed(record, tyres, _plans(race), cars_f, cars_i)


def _tables(race: Race) -> dict[str, Sequence[float]]:
    c, finish = race.cautions, race.rules.finish
    return {
        "stop": race.policy.stop,
        "after_failure": tuple(accumulate(c.after_failure[::-1])),
        "after_accident": tuple(accumulate(c.after_accident[::-1])),
        "sc_laps": _cumulative(c.sc_laps),
        "vsc_laps": _cumulative(c.vsc_laps),
        "finish": finish,
        "closing": tuple(0 if finish[used] else _closing(finish, used) for used in range(len(finish))),
    }


def _cumulative(shares: Sequence[float]) -> tuple[float, ...]:
    """Of lengths 1, 2, ...; the last length takes what rounding leaves."""
    reached = tuple(accumulate(shares[:-1]))
    return reached + (2.0,) * (8 - len(reached))


def _closing(finish: Sequence[bool], used: int) -> int:
    """The compounds with which a car that has used these may finish."""
    return sum(1 << k for k in range(COMPOUNDS) if finish[used | 1 << k])


def _whole(race: Race, now: int) -> dict[str, int]:
    c, g = race.circuit, race.grid
    playing = [done for done, on in zip(g.laps_done, g.racing, strict=True) if on or not any(g.racing)]
    return {
        "total_laps": c.total_laps,
        "now": now,
        "first_lap_played": min(playing) + 1,
        "regime": race.regime,
        "regime_laps": race.regime_laps,
        "two_stage_refuel": race.stops.fuel_then_tyres,
        "unlap": race.cautions.unlap,
        "raining": race.weather.raining,
        "rain_lap": race.weather.rain_lap,
        "min_stops": race.rules.min_stops,
        "pit_from": race.rules.pit_open[0],
        "pit_to": race.rules.pit_open[1],
        "legal": _sensible(race),
        "classes": len(set(g.klass)) > 1,
        "wet_race": _can_be_wet(race.weather),
        "endurance": race.stops.tank_laps > 0 or race.stops.stint_s > 0 or c.time_limit_s > 0 or len(set(g.klass)) > 1,
    }


def _can_be_wet(weather: Weather) -> bool:
    return weather.wetness > 0 or weather.raining or weather.rain_hazard > 0 or weather.rain_lap > 0


def _sensible(race: Race) -> int:
    """Legal compounds, less the rain tyres where it cannot rain."""
    if _can_be_wet(race.weather):
        return race.rules.legal
    dry = sum(1 << k for k, t in enumerate(race.tyres) if t.wet_under_s * t.wet_best < race.policy.crossover_s)
    return race.rules.legal & dry or race.rules.legal


def _plans(race: Race) -> Floats:
    laps = np.arange(race.circuit.total_laps + 2)[:, None]

    def each(name: str) -> npt.NDArray[np.float64]:
        return np.array([getattr(tyre, name) for tyre in race.tyres])

    over = np.maximum(0, laps - each("life_laps"))
    fixed = laps * each("offset_s") + each("cliff_s") * over**2 / 2
    worn = laps**2 * each("wear_s") / 2 + laps**3 * each("wear2_s") / 3
    return np.hstack([fixed, worn]).astype(np.float32)


def _scalars(race: Race, start: float) -> dict[str, float]:
    c, s, k = race.circuit, race.stops, race.cautions
    road = max(0.0, c.pit_loss_s - s.station_s - s.scale_s)  # without standing; the median stop is in pit_loss_s
    return {
        "base_lap_s": c.base_lap_s,
        "fuel_s": c.fuel_s,
        "noise_s": c.noise_s,
        "innovation_s": c.noise_s * (1 - c.noise_memory**2) ** 0.5,
        "noise_memory": c.noise_memory,
        "mistake_hazard": c.mistake_hazard,
        "per_mistake": 1 / c.mistake_hazard if c.mistake_hazard else 0.0,
        "mistake_s": c.mistake_s,
        "track_s": c.track_s,
        "dirty1_s": c.dirty_air_s[0],
        "dirty2_s": c.dirty_air_s[1],
        "dirty3_s": c.dirty_air_s[2],
        "per_dirty_gap": 1 / c.dirty_air_gap_s,
        "hold_gap_s": c.hold_gap_s,
        "pass_intercept": c.pass_intercept,
        "pass_per_s": c.pass_per_s,
        "pass_aid": c.pass_aid,
        "aid_gap_s": c.aid_gap_s,
        "pass_bite": c.pass_bite,
        "duel_s": c.duel_s,
        "blue_s": c.blue_s,
        "lapping_s": c.lapping_s,
        "wake_wear": c.wake_wear,
        "time_left_s": c.time_limit_s - start if c.time_limit_s else 1e9,
        "loss_green_s": road,
        "loss_vsc_s": max(0.0, road - c.pit_road_s * (k.vsc_pace - 1)),
        "loss_sc_s": max(0.0, road - c.pit_road_s * (k.sc_pace - 1)),
        "station_s": s.station_s,
        "scale_s": s.scale_s,
        "per_shape": 1 / s.shape,
        "botch_p": s.botch_p,
        "botch_s": s.botch_s,
        "stack_s": s.stack_s,
        "repair_s": s.repair_s,
        "tank_laps": s.tank_laps,
        "fuel_per_s": s.fuel_per_s,
        "stint_limit_s": s.stint_s,
        "driver_s": s.driver_s,
        "red_below": k.red_hazard,
        "sc_below": k.red_hazard + k.sc_hazard,
        "vsc_below": k.red_hazard + k.sc_hazard + k.vsc_hazard,
        "yellow_below": k.red_hazard + k.sc_hazard + k.vsc_hazard + k.yellow_hazard,
        "vsc_to_sc": k.vsc_to_sc,
        **_chances(race),
    }


def _chances(race: Race) -> dict[str, float]:
    c, k, r, w, p = race.circuit, race.cautions, race.reliability, race.weather, race.policy
    most = _most(race)
    return {
        "sc_dev_s": c.base_lap_s * (k.sc_pace - 1),
        "catch_up_s": c.base_lap_s * (k.sc_pace - k.catch_pace),
        "vsc_dev_s": c.base_lap_s * (k.vsc_pace - 1),
        "queue_gap_s": k.queue_gap_s,
        "red_gap_s": k.red_gap_s,
        "yellow_s": k.yellow_s,
        "restart_pass": k.restart_pass,
        "accident_hazard": r.accident_hazard,
        "first_lap": r.first_lap,
        "restart": r.restart,
        "wet": r.wet,
        "close": r.close,
        "close_s": r.close_s,
        "out_p": r.out_p,
        "lost_s": r.lost_s,
        "damage_s": r.damage_s,
        "penalty_p": r.penalty_p,
        "penalty_s": r.penalty_s,
        "event_most": most * 1.001,
        "event_most_first": (most + r.accident_hazard * r.first_lap) * 1.001,
        "wetness": w.wetness,
        "rain_hazard": w.rain_hazard,
        "rain_stop_hazard": w.stop_hazard,
        "wetting": w.wetting,
        "drying": w.drying,
        "per_compound": 1 / p.compound_s if p.compound_s else float(FOREVER),
        "cover_gap_s": p.cover_gap_s,
        "crossover_s": p.crossover_s,
        "young_laps": p.young_laps,
        "last_laps": p.last_laps,
        "per_total": 1 / c.total_laps,
        "per_last": 1 / p.last_laps if p.last_laps else 0.0,
        "stops_lately": race.stops_lately,
    }


def _most(race: Race) -> float:
    """An incident is at most this likely, per car and lap, but on the first lap."""
    r = race.reliability
    least_reliable = max(race.grid.reliability, default=1.0)
    return r.failure_hazard * least_reliable + r.accident_hazard * (1 + r.restart + r.wet + r.close)


def _cars(race: Race, now: int, start: float) -> tuple[Floats, Ints]:
    c, g = race.circuit, race.grid
    n = len(g.cars)
    done, zeros = np.array(g.laps_done), np.zeros(n)
    rho = np.array(g.pace_wear) if g.pace_wear else zeros
    wear_sd = np.array(g.wear_sd)
    cars_f = np.array(
        [
            np.array(g.time_s) - start - c.base_lap_s * (done - now),
            np.array(g.pace_s) - c.base_lap_s,
            g.pace_sd_s,
            g.wear,
            wear_sd * rho,
            wear_sd * np.sqrt(1 - rho**2),
            g.extra_s,
            g.fuel_laps or c.total_laps - done,
            g.penalty_s or zeros,
            g.damage_s or zeros,
            race.reliability.failure_hazard * np.array(g.reliability or np.ones(n)),
            g.stint_s or zeros,
        ],
        np.float32,
    )
    mates = [
        next((j for j in range(n) if j != i and g.team and g.team[j] == g.team[i] and g.racing[j]), -1)
        for i in range(n)
    ]
    cars_i = np.array(
        [
            g.laps_done, g.racing, g.boxing, g.compound, g.tyre_age, g.used,
            [sum(left << (3 * k) for k, left in enumerate(row)) for row in g.sets] or [PLENTY] * n,
            g.stops or [0] * n, mates, g.klass or [0] * n,
        ],
        np.int32,
    )  # fmt: skip
    return cars_f, cars_i
