"""The field on one lap, front to back, in all lanes: dirty air, blue flags, who passes, who is held up, the order."""

# The fields of a record have no types.
# mypy: disable-error-code=no-any-return

from pitcall.sim.block import (
    AID,
    GAIN_AT,
    GREEN_AIR,
    HOLD,
    LAP,
    LAP_AT,
    NOBODY_S,
    ON,
    ORDER,
    PASS_AT,
    PASS_Z,
    REGIME_LEFT,
    SC_NOW,
    SLOW_AT,
    WAKE,
    WAKE_AT,
    Block,
    T,
    W,
    entry,
    lane_f,
    lane_s,
    row,
)  # fmt: skip
from pitcall.sim.model import HALF, ONE, SLOW_S, STILL_S, ZERO
from pitcall.sim.simd import F, M, anym, inlined, load, pick, splat, store, tofloat, vmax, where


@inlined
def drive_together(b: Block, lap: int, special: int) -> None:
    """From laps with nobody near to times at the line. ``special``: lanes that are not plainly green."""
    if anym(_dirty_air(b, special)):
        _blue_flags(b)
    if anym(_duels(b, lap, special)):
        _sort(b)


@inlined
def _dirty_air(b: Block, special: int) -> M:
    """Laps by position, with what the air of three cars ahead costs. Returns lanes in which a car may be lapped."""
    n = b.n
    green = load(b.f, lane_f(b, GREEN_AIR)) > HALF
    slow_at = load(b.f, lane_f(b, SLOW_AT))
    x = pick(b.f, row(b, LAP, 0), b.s, row(b, ORDER, 0))
    behind_safety_car = load(b.f, lane_f(b, SC_NOW)) > HALF
    store(b.f, row(b, LAP_AT, 0), x)
    store(b.f, row(b, WAKE_AT, 0), splat(ZERO))
    leader = load(b.f, row(b, T, 0))
    back1, back2, back3 = leader, splat(NOBODY_S), splat(NOBODY_S)
    lapping = leader < NOBODY_S
    for q in range(1, b.cars):
        x = pick(b.f, row(b, LAP, 0), b.s, row(b, ORDER, q))
        start = load(b.f, row(b, T, q))
        steady = (x != STILL_S) & (x <= slow_at)
        wake = vmax(ONE - (start - back1) * n.per_dirty_gap, ZERO) * n.dirty1_s
        wake = wake + vmax(ONE - (start - back2) * n.per_dirty_gap, ZERO) * n.dirty2_s
        wake = wake + vmax(ONE - (start - back3) * n.per_dirty_gap, ZERO) * n.dirty3_s
        wake = where(steady & green, wake, ZERO)
        if special:
            store(b.f, row(b, GAIN_AT, q), where(behind_safety_car, _close_up(b, start - leader > n.base_lap_s), ZERO))
        store(b.f, row(b, LAP_AT, q), x + wake)
        store(b.f, row(b, WAKE_AT, q), wake)
        lapping = lapping | (green & steady & (start - leader >= n.base_lap_s - SLOW_S))
        back3, back2, back1 = back2, back1, start
    if n.wake_wear > ZERO:
        for q in range(b.cars):
            for w in range(W):
                b.f[row(b, WAKE, b.s[row(b, ORDER, q) + w]) + w] = b.f[row(b, WAKE_AT, q) + w]
    return lapping


@inlined
def _close_up(b: Block, lapped: M) -> F:
    """What a car can gain on the safety car's lap: up to the queue, but not on the leader when it is lapped.

    On the last lap of the safety car lapped cars may drive round to the end of the queue.
    """
    if not b.n.unlap:
        return where(lapped, ZERO, splat(b.n.catch_up_s))
    last = load(b.s, lane_s(b, REGIME_LEFT)) == 1
    return where(lapped, where(last, splat(b.n.base_lap_s), ZERO), b.n.catch_up_s)


@inlined
def _blue_flags(b: Block) -> None:
    """Each pair of which one laps the other on this lap loses a little."""
    n = b.n
    green = load(b.f, lane_f(b, GREEN_AIR)) > HALF
    slow_at = load(b.f, lane_f(b, SLOW_AT))
    leader = load(b.f, row(b, T, 0))
    for q in range(1, b.cars):
        start, x = load(b.f, row(b, T, q)), load(b.f, row(b, LAP_AT, q))
        mine = green & (start - leader >= n.base_lap_s - SLOW_S) & (x != STILL_S) & (x <= slow_at)
        if not anym(mine):
            continue
        lost = splat(ZERO)
        for k in range(q):
            behind_by = start - load(b.f, row(b, T, k))
            near = mine & (behind_by >= n.base_lap_s - SLOW_S)
            if not anym(near):
                break  # and those behind it are nearer still
            ahead = load(b.f, row(b, LAP_AT, k))
            closing = x - ahead
            laps = near & (ahead != STILL_S) & (ahead <= slow_at) & (behind_by < n.base_lap_s)
            laps = laps & (behind_by + closing >= n.base_lap_s) & (closing <= SLOW_S)
            lost = where(laps, lost + n.blue_s, lost)
            store(b.f, row(b, LAP_AT, k), where(laps, ahead + n.lapping_s, ahead))
        store(b.f, row(b, LAP_AT, q), x + lost)


@inlined
def _duels(b: Block, lap: int, special: int) -> M:
    """Who passes whom. Returns lanes whose order by time is not yet right."""
    n = b.n
    hold, z0, slow_at = load(b.f, lane_f(b, HOLD)), load(b.f, lane_f(b, PASS_Z)), load(b.f, lane_f(b, SLOW_AT))
    aid = load(b.f, lane_f(b, AID)) if lap > 2 else splat(ZERO)
    held, held_x = load(b.s, row(b, ORDER, 0)), load(b.f, row(b, LAP_AT, 0))
    held_on = tofloat(pick(b.s, row(b, ON, 0), b.s, row(b, ORDER, 0)))
    on = held_on
    held_slow = (held_x == STILL_S) | (held_x > slow_at)
    leader_still = held_x == STILL_S
    held_x = where(leader_still, ZERO, held_x)
    ahead = load(b.f, row(b, T, 0))
    held_t = ahead + held_x
    floor, last = splat(NOBODY_S), splat(NOBODY_S)
    wrong = held_x < NOBODY_S
    safety_car = load(b.f, lane_f(b, SC_NOW)) > HALF
    if special:  # nobody passes the safety car when the leader stops
        floor = where(safety_car & ~leader_still, ahead + n.sc_dev_s - hold, floor)
    for q in range(1, b.cars):
        c, x, start = load(b.s, row(b, ORDER, q)), load(b.f, row(b, LAP_AT, q)), load(b.f, row(b, T, q))
        still = x == STILL_S
        slow = still | (x > slow_at)
        x = where(still, ZERO, x)
        t = start + x
        if special:
            t = where(still, t, t - load(b.f, row(b, GAIN_AT, q)))
            queue_t = where(held_slow, floor, held_t) + hold + (x - n.sc_dev_s)
            t = where(safety_car & slow & ~still, vmax(queue_t, t), t)  # it drove in the queue until it stopped
        z = (held_x - x) * n.pass_per_s + z0
        z = where(start - ahead < n.aid_gap_s, z + aid, z)
        ahead = start
        if n.pass_bite != ZERO:
            on = tofloat(pick(b.s, row(b, ON, 0), b.s, row(b, ORDER, q)))
            z = z + (held_on - on) * n.pass_bite
        free = slow | held_slow
        passes = (t < held_t) & (free | (pick(b.tables, entry(b, PASS_AT, lap, 0), b.s, row(b, ORDER, q)) < z))
        passing_t = where(slow, t, vmax(t, floor + hold))
        pushed_t = vmax(held_t, passing_t + hold + n.duel_s)
        behind_t = where(free, t, vmax(t, held_t + hold))
        settled = where(passes, passing_t, held_t)
        store(b.f, row(b, T, q - 1), settled)
        store(b.s, row(b, ORDER, q - 1), where(passes, c, held))
        wrong = wrong | (settled < last)
        last = settled
        floor = where(_either(passes, slow, held_slow), floor, settled)
        held_t = where(passes, where(free, held_t, pushed_t), behind_t)
        held, held_x, held_on = where(passes, held, c), where(passes, held_x, x), where(passes, held_on, on)
        held_slow = _either(passes, held_slow, slow)
    store(b.f, row(b, T, b.cars - 1), held_t)
    store(b.s, row(b, ORDER, b.cars - 1), held)
    return wrong | (held_t < last)


@inlined
def _either(mask: M, a: M, b: M) -> M:
    """``a`` in the lanes of ``mask``, ``b`` in the others."""
    return (mask & a) | (~mask & b)


@inlined
def _sort(b: Block) -> None:
    """Stable, by time at the line: passes over neighbours until no lane changes. Nearly sorted, so two or three."""
    again = True
    while again:
        t, c = load(b.f, row(b, T, 0)), load(b.s, row(b, ORDER, 0))
        moved = t < NOBODY_S
        for q in range(1, b.cars):
            t2, c2 = load(b.f, row(b, T, q)), load(b.s, row(b, ORDER, q))
            swap = t2 < t
            moved = moved | swap
            store(b.f, row(b, T, q - 1), where(swap, t2, t))
            store(b.s, row(b, ORDER, q - 1), where(swap, c2, c))
            t, c = where(swap, t, t2), where(swap, c, c2)
        store(b.f, row(b, T, b.cars - 1), t)
        store(b.s, row(b, ORDER, b.cars - 1), c)
        again = anym(moved)
