"""Draws of "the rest of the race": the model of ``pitcall.sim.twin`` on arrays, compiled.

    numbers  NamedTuple     the scalars of a Circuit, see ``Numbers``
    tyres    f8[compound, 5]  columns OFFSET, WEAR_S, CLIFF, LIFE, COLD
    grid_f   f8[row, car]   rows TIME ... WEAR_SD below
    grid_i   i8[row, car]   rows DONE ... USED below
    calls    i8[call, 2]    (lap, compound) of each candidate; lap 0 = stay out, lap -1 = rival policy
    positions u1[path, call, car]  finishing position, 1 = first
    rejoin   u1[path, call] position of the asking car right after its first stop, 0 = no stop

Paths are the first axis of the outputs, so that a range of them is contiguous: another memory
layout would be another type, and another compilation.

Random numbers depend on (seed, path, lap, car, channel) only, so the noise and stop tables of a
path are drawn once and shared by all calls. A path writes only its own cells: threads that play
different path ranges share nothing. Plain arrays, float64, no fastmath: reassociation changes the
last bit between CPUs, and "replay this decision" promises the same bits. ``nogil``: the service
keeps answering health checks. Not ``parallel``: Numba's fallback threading layer aborts the
process when two threads call a parallel kernel at once; the engine's threads call this one.
"""

import math
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit
from numba.extending import register_jitable

from pitcall.sim import randomness as rnd
from pitcall.sim.messages import GREEN, SAFETY_CAR, VSC
from pitcall.sim.twin import (
    DISQUALIFIED_S,
    DRY_BITS,
    EARLY_STOP_LAPS,
    INTERMEDIATE,
    LAST_LAPS,
    LASTS_LOGIT,
    OUT_PER_LAP_S,
    OUT_S,
    RAIN_BITS,
    YOUNG_TYRE_LAPS,
)

# Columns of ``tyres``.
OFFSET, WEAR_S, CLIFF, LIFE, COLD = range(5)
# Rows of ``grid_f``; the first three are also rows of the scratch array ``f``.
TIME, PACE, WEAR, EXTRA, PACE_SD, WEAR_SD = range(6)
# First axis of ``tables``: lap time noise, s; logistic variate that a stop logit must exceed.
NOISE, STOP = range(2)
# Further rows of ``f``.
LAP_S, START = 4, 5
F_ROWS: Final = 6
# Rows of ``grid_i``; also the first rows of the scratch array ``s``.
DONE, RACING, BOXING, COMPOUND, AGE, USED = range(6)
# Further rows of ``s``.
SLOW, REGIME, FRESH, PLAYING, BEGAN, RETIRES = range(6, 12)
S_ROWS: Final = 12
#: Call lap that means "follow the rival policy".
POLICY: Final = -1


Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]


class Numbers(NamedTuple):
    """The scalars of a Circuit and of the state; units as in ``pitcall.sim.messages``."""

    total_laps: int
    base_lap_s: float
    fuel_s: float
    noise_s: float
    pit_loss_s: float
    pit_tail_s: float
    pit_vsc: float
    pit_sc: float
    dirty_air_s: float
    dirty_air_gap_s: float
    hold_gap_s: float
    pass_intercept: float
    pass_per_s: float
    sc_hazard: float
    vsc_hazard: float
    sc_low: int
    sc_high: int
    vsc_low: int
    vsc_high: int
    sc_pace: float
    catch_pace: float
    vsc_pace: float
    queue_gap_s: float
    retire_hazard: float
    stop_intercept: float
    stop_per_life: float
    stop_sc: float
    two_compounds: bool
    regime: int
    regime_laps: int
    wet: bool


class Where(NamedTuple):
    """Names a path's random numbers. Scalars only: an array in a tuple is counted at every use (2x, measured)."""

    key: np.uint64
    path: int


class Call(NamedTuple):
    """The asking car and its open call: lap 0 = stay out, POLICY = taken or none."""

    car: int
    lap: int
    compound: int


@njit(cache=True, nogil=True, fastmath=False)
def play_paths(
    numbers: Numbers,
    tyres: Floats,
    grid_f: Floats,
    grid_i: Ints,
    calls: Ints,
    own: int,
    key: np.uint64,
    first_path: int,
    positions: Bytes,
    rejoin: Bytes,
) -> None:
    """Fill ``positions`` and ``rejoin`` for paths ``first_path`` ... of every call. Shapes: see the module."""
    n, total = grid_f.shape[1], numbers.total_laps
    f0, s0 = np.zeros((F_ROWS, n)), np.zeros((S_ROWS, n), np.int64)
    f, s = np.empty((F_ROWS, n)), np.empty((S_ROWS, n), np.int64)
    order0, order, out = np.empty(n, np.int64), np.empty(n, np.int64), np.empty(n, np.int64)
    tables = np.empty((2, total + 1, n))
    timeline = np.zeros((total + 1, 2), np.int64)
    first_lap = total + 1
    for c in range(n):
        if grid_i[RACING, c]:
            first_lap = min(first_lap, grid_i[DONE, c] + 1)
    for row in range(positions.shape[0]):
        where = Where(key, first_path + row)
        _start(grid_f, grid_i, where, f0, s0, order0)
        _draw(numbers, where, s0, tables)
        _timeline(numbers, where, timeline[: total - first_lap + 1])
        for k in range(positions.shape[1]):
            f[:], s[:], order[:] = f0, s0, order0
            call, rejoined = Call(own, calls[k, 0], calls[k, 1]), 0
            for lap in range(first_lap, total + 1):
                call, stopped = _drive(numbers, tyres, f, s, order, lap, tables, timeline, where, call)
                _resolve(numbers, f, s, order, out, lap, where)
                if stopped and rejoined == 0:
                    for at in range(n):
                        if order[at] == own:
                            rejoined = at + 1
            _classify(numbers, f, s, order)
            for at in range(n):
                positions[row, k, order[at]] = at + 1
            rejoin[row, k] = rejoined


@register_jitable(forceinline=True)
def _start(grid_f: Floats, grid_i: Ints, where: Where, f: Floats, s: Ints, order: Ints) -> None:
    """The state of a path at its start: who each car really is, and the running order."""
    n, key, path = grid_f.shape[1], where.key, where.path
    for c in range(n):
        f[PACE, c] = grid_f[PACE, c] + grid_f[PACE_SD, c] * rnd.normal(rnd.uniform(key, path, 0, c, rnd.PACE))
        wear = grid_f[WEAR, c] + grid_f[WEAR_SD, c] * rnd.normal(rnd.uniform(key, path, 0, c, rnd.WEAR))
        f[WEAR, c] = max(0.0, wear)
        f[EXTRA, c] = grid_f[EXTRA, c]
        for row in range(6):
            s[row, c] = grid_i[row, c]
        s[BEGAN, c] = grid_i[DONE, c]
        f[TIME, c] = grid_f[TIME, c] if s[RACING, c] else OUT_S - OUT_PER_LAP_S * s[DONE, c]
        # Insertion sort: racing before retired, more laps first, earlier first.
        at = c
        while at > 0 and _before(f, s, c, order[at - 1]):
            order[at] = order[at - 1]
            at -= 1
        order[at] = c


@register_jitable(forceinline=True)
def _before(f: Floats, s: Ints, a: int, b: int) -> bool:
    if s[RACING, a] != s[RACING, b]:
        return bool(s[RACING, a] > s[RACING, b])
    if s[RACING, a] and s[DONE, a] != s[DONE, b]:
        return bool(s[DONE, a] > s[DONE, b])
    return bool(f[TIME, a] < f[TIME, b])


@register_jitable(forceinline=True)
def _draw(numbers: Numbers, where: Where, s: Ints, tables: Floats) -> None:
    """Fill the tables of a path: lap noise, stop thresholds, and the lap on which each car breaks down."""
    total, key, path = numbers.total_laps, where.key, where.path
    for c in range(s.shape[1]):
        s[RETIRES, c] = total + 1
        if not s[RACING, c]:
            continue
        for lap in range(s[DONE, c] + 1, total + 1):
            tables[NOISE, lap, c] = numbers.noise_s * rnd.normal(rnd.uniform(key, path, lap, c, rnd.LAP))
            tables[STOP, lap, c] = rnd.logistic(rnd.uniform(key, path, lap, c, rnd.STOP))
            if rnd.uniform(key, path, lap, c, rnd.RETIRE) < numbers.retire_hazard:
                s[RETIRES, c] = lap
                break


@register_jitable(forceinline=True)
def _timeline(numbers: Numbers, where: Where, timeline: Ints) -> None:
    """[i-th lap from now] regime, and 1 if it begins there."""
    key, path = where.key, where.path
    regime, left = numbers.regime, 0
    if regime != GREEN:
        low, high = numbers.sc_low, numbers.sc_high
        if regime == VSC:
            low, high = numbers.vsc_low, numbers.vsc_high
        u = rnd.uniform(key, path, 0, 0, rnd.CAUTION_LAPS)
        left = max(1, low + int(u * (high - low + 1)) - numbers.regime_laps)
    began = 1 if regime != GREEN and numbers.regime_laps == 0 else 0
    for i in range(timeline.shape[0]):
        if left == 0:
            regime, began = GREEN, 0
            u = rnd.uniform(key, path, i, 0, rnd.CAUTION)
            if u < numbers.sc_hazard + numbers.vsc_hazard:
                low, high = numbers.sc_low, numbers.sc_high
                regime, began = SAFETY_CAR, 1
                if u >= numbers.sc_hazard:
                    regime = VSC
                    low, high = numbers.vsc_low, numbers.vsc_high
                left = low + int(rnd.uniform(key, path, i + 1, 0, rnd.CAUTION_LAPS) * (high - low + 1))
        timeline[i, 0], timeline[i, 1] = regime, began
        if left > 0:
            left -= 1
        began = 0


@register_jitable(forceinline=True)
def _drive(
    numbers: Numbers,
    tyres: Floats,
    f: Floats,
    s: Ints,
    order: Ints,
    lap: int,
    tables: Floats,
    timeline: Ints,
    where: Where,
    call: Call,
) -> tuple[Call, bool]:
    """Drive ``lap`` with every car that has not done it yet. Returns the call still open, and if its car stopped."""
    ahead, own_stopped = -1, False
    for at in range(order.shape[0]):
        c = order[at]
        s[PLAYING, c] = 1 if s[RACING, c] == 1 and s[DONE, c] == lap - 1 else 0
        if not s[PLAYING, c]:
            continue
        step = s[DONE, c] - s[BEGAN, c]
        s[REGIME, c], s[FRESH, c] = timeline[step, 0], timeline[step, 1]
        s[SLOW, c] = 1 if f[EXTRA, c] > 0.0 else 0
        t = _free_lap(numbers, tyres, f, s, c, lap, at == 0)
        if s[REGIME, c] == GREEN:
            t += tables[NOISE, lap, c]
            gap = f[TIME, c] - f[START, ahead] if ahead >= 0 else math.inf
            if gap < numbers.dirty_air_gap_s:
                t += numbers.dirty_air_s * (1.0 - gap / numbers.dirty_air_gap_s)
        f[START, c], f[LAP_S, c] = f[TIME, c], t
        f[TIME, c] += t + f[EXTRA, c]
        f[EXTRA, c] = 0.0
        ahead = c
        if lap == s[RETIRES, c]:
            s[RACING, c], s[SLOW, c] = 0, 1
            f[TIME, c] = OUT_S - OUT_PER_LAP_S * lap
            continue
        new = -1
        if lap < numbers.total_laps:
            if c == call.car and call.lap >= 0:
                fresh = s[FRESH, c] and step > 0  # what is shown on the lap of the question is known
                early = fresh and s[AGE, c] + 1 >= YOUNG_TYRE_LAPS and call.lap - lap <= EARLY_STOP_LAPS
                if call.lap > 0 and (lap == call.lap or early):
                    new, call = call.compound, Call(call.car, POLICY, 0)
            else:
                new = _rival_stop(numbers, tyres, s, c, lap, tables[STOP, lap, c])
        s[AGE, c] += 1
        s[BOXING, c] = 0
        if new >= 0:
            u = rnd.uniform(where.key, where.path, lap, c, rnd.PIT)
            f[TIME, c] += _pit_loss(numbers, s[REGIME, c]) - numbers.pit_tail_s * math.log(u)
            s[COMPOUND, c], s[AGE, c], s[SLOW, c] = new, 0, 1
            s[USED, c] |= 1 << new
            own_stopped = own_stopped or c == call.car
    return call, own_stopped


@register_jitable(forceinline=True)
def _free_lap(numbers: Numbers, tyres: Floats, f: Floats, s: Ints, c: int, lap: int, leads: bool) -> float:
    """Lap time with nobody near, without noise; a fixed one when neutralised."""
    regime, compound, age = s[REGIME, c], s[COMPOUND, c], s[AGE, c]
    if regime == VSC:
        return numbers.base_lap_s * numbers.vsc_pace
    if regime == SAFETY_CAR:
        return numbers.base_lap_s * (numbers.sc_pace if leads else numbers.catch_pace)
    wear = tyres[compound, WEAR_S] * age + tyres[compound, CLIFF] * max(0.0, age - tyres[compound, LIFE])
    t: float = f[PACE, c] + numbers.fuel_s * (numbers.total_laps - lap) + tyres[compound, OFFSET] + f[WEAR, c] * wear
    if age == 0:
        t += tyres[compound, COLD]
    return t


@register_jitable(forceinline=True)
def _pit_loss(numbers: Numbers, regime: int) -> float:
    if regime == VSC:
        return numbers.pit_loss_s * numbers.pit_vsc
    if regime == SAFETY_CAR:
        return numbers.pit_loss_s * numbers.pit_sc
    return numbers.pit_loss_s


@register_jitable(forceinline=True)
def _must_change(numbers: Numbers, used: int) -> bool:
    dry = used & DRY_BITS
    if not numbers.two_compounds or numbers.wet or used & RAIN_BITS:
        return False
    return dry in (0, 1, 2, 4)


@register_jitable(forceinline=True)
def _rival_stop(numbers: Numbers, tyres: Floats, s: Ints, c: int, lap: int, threshold: float) -> int:
    """The compound that car ``c`` changes to at the end of ``lap`` by the rival policy, or -1."""
    remaining, age, life = numbers.total_laps - lap, s[AGE, c] + 1, tyres[s[COMPOUND, c], LIFE]
    must = _must_change(numbers, s[USED, c])
    if not (s[BOXING, c] or (must and remaining == 1)):
        z = numbers.stop_intercept + numbers.stop_per_life * (age / life)
        if s[FRESH, c] and age >= YOUNG_TYRE_LAPS:
            z += numbers.stop_sc
        if not must and age + remaining <= life:
            z += LASTS_LOGIT
        if not must and remaining <= LAST_LAPS:
            z = -20.0
        if threshold >= z:
            return -1
    if numbers.wet:
        return INTERMEDIATE
    choice = -1
    for compound in range(3):
        if must and s[USED, c] & (1 << compound):
            continue
        choice = compound
        if tyres[compound, LIFE] >= remaining:
            break
    return choice


@register_jitable(forceinline=True)
def _resolve(numbers: Numbers, f: Floats, s: Ints, order: Ints, out: Ints, lap: int, where: Where) -> None:
    """Traffic, then the order at the line."""
    n = order.shape[0]
    written = 0
    for at in range(n):  # cars already further ahead
        c = order[at]
        if s[RACING, c] and s[DONE, c] > lap:
            out[written] = c
            written += 1
    written = _duel(numbers, f, s, order, out, written, lap, where)
    for at in range(n):  # out of the race before this lap
        c = order[at]
        if not (s[PLAYING, c] or (s[RACING, c] and s[DONE, c] >= lap)):
            out[written] = c
            written += 1
    for c in range(n):
        if s[PLAYING, c]:
            s[DONE, c] = lap
    _sort(f, s, out, lap)
    order[:] = out


@register_jitable(forceinline=True)
def _duel(numbers: Numbers, f: Floats, s: Ints, order: Ints, out: Ints, written: int, lap: int, where: Where) -> int:
    """Settle the cars on this lap front to back into ``out[written:]``; a car passes at most one that fights back."""
    held, floor = -1, -math.inf
    for at in range(order.shape[0]):
        c = order[at]
        if not (s[PLAYING, c] or (s[RACING, c] and s[DONE, c] == lap)):
            continue
        if held < 0:
            held = c
            continue
        both = s[PLAYING, held] and s[PLAYING, c]
        if both and f[TIME, c] < f[TIME, held] and _passes(numbers, f, s, c, held, lap, where):
            f[TIME, c] = max(f[TIME, c], floor + numbers.hold_gap_s)
            if not s[SLOW, held]:
                f[TIME, held] = max(f[TIME, held], f[TIME, c] + numbers.hold_gap_s)
            if not s[SLOW, c]:
                floor = f[TIME, c]
            out[written] = c
            written += 1
            continue
        if s[PLAYING, c] and not s[SLOW, c] and not s[SLOW, held]:
            gap = numbers.queue_gap_s if s[REGIME, c] == SAFETY_CAR else numbers.hold_gap_s
            f[TIME, c] = max(f[TIME, c], f[TIME, held] + gap)
        out[written] = held
        written += 1
        if not s[SLOW, held]:
            floor = f[TIME, held]
        held = c
    if held >= 0:
        out[written] = held
        written += 1
    return written


@register_jitable(forceinline=True)
def _passes(numbers: Numbers, f: Floats, s: Ints, c: int, held: int, lap: int, where: Where) -> bool:
    if s[SLOW, c] or s[SLOW, held]:
        return True
    if s[REGIME, c] != GREEN or s[REGIME, held] != GREEN:
        return False
    z = numbers.pass_intercept + numbers.pass_per_s * (f[LAP_S, held] - f[LAP_S, c])
    return bool(rnd.logistic(rnd.uniform(where.key, where.path, lap, c, rnd.PASS)) < z)


@register_jitable(forceinline=True)
def _sort(f: Floats, s: Ints, order: Ints, lap: int) -> None:
    """Stable insertion sort, nearly sorted already: cars past this lap keep the front, then by time at the line."""
    for at in range(1, order.shape[0]):
        c = order[at]
        if s[RACING, c] and s[DONE, c] > lap:
            continue
        to = at
        while to > 0:
            b = order[to - 1]
            if (s[RACING, b] and s[DONE, b] > lap) or f[TIME, b] <= f[TIME, c]:
                break
            order[to] = b
            to -= 1
        order[to] = c


@register_jitable(forceinline=True)
def _classify(numbers: Numbers, f: Floats, s: Ints, order: Ints) -> None:
    for c in range(order.shape[0]):
        if s[RACING, c] and _must_change(numbers, s[USED, c]):
            f[TIME, c] += DISQUALIFIED_S
    _sort(f, s, order, numbers.total_laps)
