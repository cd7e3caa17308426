"""Draws of "the rest of the race": the model of ``pitcall.sim.twin`` on 32 races at once, compiled.

    n         record          scalars, ``model.NUMBERS``
    tyres, plans, cars_f, cars_i     from ``model.pack``
    calls     i4[call, 2]     (lap, compound) of each candidate; lap 0 = stay out
    place     u1[path, call]  finishing position of the asking car; without one u1[path, car]
    rejoin    u1[path, call, 3]   gap_s f4[path, call, 2]   see ``pitcall.sim.outcome``

A block is 32 paths in the lanes of ``pitcall.sim.simd``. Random tables of a block (lap-time noise,
thresholds for passing and stopping, what chance has in store) are drawn once and shared by all
calls; a race then has no exponential, logarithm or draw left on its common path. A feature that a
race does not have costs one scalar test per car and lap.

Bits: strict float32, no fastmath, no fused multiply-add, so the same on every CPU. A lane depends on
its path only: threads, ranges and blocks never change a result. ``nogil``: the service keeps
answering health checks. Not ``parallel``: Numba's fallback threading layer aborts the process when
two threads call a parallel kernel at once; the engine's threads call this one.
"""

import numpy as np
import numpy.typing as npt
from numba import njit

from pitcall.sim.block import (
    ALL,
    CALLED,
    CAR_ROWS,
    COUNT_ROWS,
    HAD,
    HURT,
    LANE_COUNTS,
    LANE_ROWS,
    LAP,
    LEFT,
    MUST,
    OPEN_CALL,
    ORDER,
    OWED,
    OWN_STOPPED,
    REGIME,
    REGIME_LEFT,
    REMAINING,
    RUNNING,
    WEAR_NOW,
    WETNESS,
    WORN,
    Block,
    T,
    W,
    car_row,
    draw,
    fit,
    key,
    lane_f,
    lane_s,
    position,
    row,
    scratch_sizes,
    show,
    start,
    wetness_at,
)  # fmt: skip
from pitcall.sim.borrow import borrowed
from pitcall.sim.drive import Call, drive, look_at_field, stops, use
from pitcall.sim.model import DISQUALIFIED_S, DONE, KLASS, ONE, STILL_S, UNLIMITED_S, ZERO, Floats, Ints, Packed, f4
from pitcall.sim.outcome import Bytes
from pitcall.sim.race import GREEN, RED
from pitcall.sim.rare import choose_compound, first_regime, fits, laps_left, next_regime
from pitcall.sim.simd import bits, ctz, inlined, isplat, load, splat, store
from pitcall.sim.traffic import drive_together

__all__ = ["Scratch", "play_block", "scratch_sizes"]

#: Working memory of one thread: ``f``, ``s``, ``tables`` and ``flags``, see ``pitcall.sim.block``.
Scratch = tuple[Floats, Ints, Floats, npt.NDArray[np.int64]]


@njit(cache=True, nogil=True, error_model="numpy")
def play_block(
    packed: Packed, calls: Ints, own: int, seed: np.uint64, first_path: int, place: Bytes, rejoin: Bytes, gap_s: Floats,
    scratch: Scratch,
) -> None:  # fmt: skip
    """Play paths ``first_path`` ... of every call; at most 32. Shapes: see the module; scratch: ``scratch_sizes``."""
    n, cars = packed.n, packed.cars_f.shape[1]
    tyres, plans, cars_f, cars_i = (
        borrowed(packed.tyres), borrowed(packed.plans), borrowed(packed.cars_f), borrowed(packed.cars_i)
    )  # fmt: skip
    f, s, tables, flags = (borrowed(scratch[0]), borrowed(scratch[1]), borrowed(scratch[2]), borrowed(scratch[3]))
    place, rejoin, gap_s, calls = borrowed(place), borrowed(rejoin), borrowed(gap_s), borrowed(calls)
    laps = max(0, n.total_laps - n.first_lap_played + 1)
    f_size, s_size = (CAR_ROWS * cars + LANE_ROWS) * W, (COUNT_ROWS * cars + LANE_COUNTS) * W
    b = Block(n, tyres, plans, cars_f, cars_i, f[:f_size], s[:s_size], tables, flags, own, cars, laps)
    first_f, first_s = f[f_size : 2 * f_size], s[s_size : 2 * s_size]
    first = Block(n, tyres, plans, cars_f, cars_i, first_f, first_s, tables, flags, own, cars, laps)
    start(first, seed, first_path)
    draw(first)
    for k in range(calls.shape[0]):
        b.f[:] = first.f
        b.s[:] = first.s
        _race(b, Call(calls[k, 0], calls[k, 1]), k, place, rejoin, gap_s)


@inlined
def _race(b: Block, call: Call, k: int, place: Bytes, rejoin: Bytes, gap_s: Floats) -> None:
    """All laps of the block under one call."""
    n, paths = b.n, place.shape[0]
    store(b.s, lane_s(b, OPEN_CALL), isplat(1 if b.own >= 0 else 0))
    special, finished = 0, 0  # lanes that are not plainly green; that are over
    if n.regime != GREEN:
        special = ALL
        for w in range(W):
            show(b, w, n.regime, 0, False, False)
    for lap in range(n.first_lap_played, n.total_laps + 1):
        special = _begin_lap(b, call, lap, special)
        for c in range(b.cars):
            if b.cars_i[DONE, c] >= lap:
                store(b.f, row(b, LAP, c), splat(STILL_S))
            else:
                special |= drive(b, call, lap, c)
        stops(b, call, lap)
        drive_together(b, lap, special)
        if b.own >= 0:
            _see_rejoin(b, finished, k, rejoin, gap_s)
        if n.time_left_s < UNLIMITED_S:
            finished |= _time_up(b, lap, finished, k, place)
            if finished == ALL:
                break
    for w in range(paths):
        if not (finished >> w) & 1:
            _classify(b, w, k, place)


@inlined
def _time_up(b: Block, lap: int, finished: int, k: int, place: Bytes) -> int:
    """Lanes in which the leader has just crossed the line after the time limit: they are classified."""
    clock = load(b.f, row(b, T, 0)) + b.n.base_lap_s * f4(lap - b.n.now)
    over = bits(clock >= b.n.time_left_s) & ~finished
    todo = over & ((1 << place.shape[0]) - 1)
    while todo:
        w = ctz(todo)
        todo &= todo - 1
        _classify(b, w, k, place)
    return over


@inlined
def _begin_lap(b: Block, call: Call, lap: int, special: int) -> int:
    """What rules on the lap, how many are left, how wet it is. Returns the lanes that are not plainly green."""
    n = b.n
    if lap > n.now:
        todo = special | b.flags[b.laps * b.cars + lap - n.first_lap_played]
        while todo:
            w = ctz(todo)
            todo &= todo - 1
            special = (special & ~(1 << w)) | (_next_regime(b, lap, w) << w)
    for w in range(W if n.time_left_s < UNLIMITED_S else 0):
        b.f[lane_f(b, REMAINING) + w] = laps_left(n, b.f[row(b, T, 0) + w], lap)
    if n.time_left_s >= UNLIMITED_S:
        store(b.f, lane_f(b, REMAINING), splat(f4(n.total_laps - lap)))
    if n.wet_race:
        store(b.f, lane_f(b, WETNESS), load(b.tables, wetness_at(b, lap)))
    else:
        store(b.f, lane_f(b, WETNESS), splat(n.wetness))
    todo = special if lap > n.now else 0
    while todo:
        w = ctz(todo)
        todo &= todo - 1
        if b.s[lane_s(b, REGIME) + w] == RED:
            _red_flag(b, call, lap, w)
    look_at_field(b, lap)
    return special


@inlined
def _next_regime(b: Block, lap: int, w: int) -> int:
    """Move one lane to what rules on ``lap``. Returns 1 where that is not plainly green."""
    n = b.n
    path = key(b, w)
    if lap == n.now + 1 and n.regime != GREEN:
        regime, left, fresh, released = first_regime(n, path)
    else:
        regime, left = GREEN, 0
        if lap != n.now + 1:
            regime, left = b.s[lane_s(b, REGIME) + w], b.s[lane_s(b, REGIME_LEFT) + w]
        regime, left, fresh, released = next_regime(n, path, lap, regime, left, b.s[lane_s(b, CALLED) + w])
    b.s[lane_s(b, CALLED) + w] = GREEN
    show(b, w, regime, left, fresh, released)
    return 0 if regime == GREEN and not released else 1


@njit(nogil=True, error_model="numpy")
def _red_flag(b: Block, call: Call, lap: int, w: int) -> None:
    """Everybody on the lead lap, one behind the other, on the tyres of his choice; then a restart."""
    n = b.n
    path = key(b, w)
    remaining, wetness = b.f[lane_f(b, REMAINING) + w], b.f[lane_f(b, WETNESS) + w]
    for q in range(1, b.cars):
        if b.s[row(b, RUNNING, b.s[row(b, ORDER, q) + w]) + w]:
            b.f[row(b, T, q) + w] = b.f[row(b, T, 0) + w] + n.red_gap_s * f4(q)
    if remaining < ONE:
        return
    for c in range(b.cars):
        if not b.s[row(b, RUNNING, c) + w] or b.cars_i[DONE, c] >= lap or b.f[car_row(WORN, c) + w] < n.young_laps:
            continue
        compound = -1
        if c == b.own and b.s[lane_s(b, OPEN_CALL) + w]:
            if call.lap > 0 and fits(n, b.tyres, call.compound, wetness):
                compound = call.compound
            b.s[lane_s(b, OPEN_CALL) + w] = call.lap == 0
        if compound < 0:
            had, left = b.s[row(b, HAD, c) + w], b.s[row(b, LEFT, c) + w]
            wear = b.f[car_row(WEAR_NOW, c) + w]
            compound = choose_compound(b, path, lap, c, wear, had, left, remaining + ONE, wetness)
        if compound >= 0:
            use(b, c, w, compound)
            fit(b, c, w, compound)
            b.f[car_row(HURT, c) + w] = ZERO


@inlined
def _see_rejoin(b: Block, finished: int, k: int, rejoin: Bytes, gap_s: Floats) -> None:
    """Where the asking car came out, in the lanes in which it has just made its first stop."""
    stopped = bits(load(b.s, lane_s(b, OWN_STOPPED)) == 1) & ~finished
    while stopped:
        w = ctz(stopped)
        stopped &= stopped - 1
        b.s[lane_s(b, OWN_STOPPED) + w] = 2
        if w >= rejoin.shape[0]:
            continue
        q = position(b, b.own, w)
        t = b.f[row(b, T, q) + w]
        rejoin[w, k, 0] = q + 1
        if q > 0:
            rejoin[w, k, 1] = b.s[row(b, ORDER, q - 1) + w] + 1
            gap_s[w, k, 0] = t - b.f[row(b, T, q - 1) + w]
        if q + 1 < b.cars:
            behind = b.s[row(b, ORDER, q + 1) + w]
            if b.s[row(b, RUNNING, behind) + w]:
                rejoin[w, k, 2] = behind + 1
                gap_s[w, k, 1] = b.f[row(b, T, q + 1) + w] - t


@njit(nogil=True, error_model="numpy")
def _classify(b: Block, w: int, k: int, place: Bytes) -> None:
    """Penalties and rules, then the order in each class, in lane ``w``."""
    for q in range(b.cars):
        c, t = b.s[row(b, ORDER, q) + w], b.f[row(b, T, q) + w]
        if b.s[row(b, RUNNING, c) + w]:
            t = t + b.f[car_row(OWED, c) + w]
            if b.s[row(b, MUST, c) + w]:
                t = t + DISQUALIFIED_S
        p = q
        while p > 0 and b.f[row(b, T, p - 1) + w] > t:
            b.f[row(b, T, p) + w] = b.f[row(b, T, p - 1) + w]
            b.s[row(b, ORDER, p) + w] = b.s[row(b, ORDER, p - 1) + w]
            p -= 1
        b.f[row(b, T, p) + w], b.s[row(b, ORDER, p) + w] = t, c
    for q in range(b.cars):
        c = b.s[row(b, ORDER, q) + w]
        if b.own >= 0 and c != b.own:
            continue
        before = 0
        for p in range(q):
            before += b.cars_i[KLASS, b.s[row(b, ORDER, p) + w]] == b.cars_i[KLASS, c]
        place[w, k if b.own >= 0 else c] = before + 1
