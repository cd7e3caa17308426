"""The twin's field on one lap, front to back: dirty air, blue flags, who passes, who is held up."""

# The fields of a record have no types.
# mypy: disable-error-code=no-any-return

from numba.extending import register_jitable

from pitcall.sim import chance
from pitcall.sim.model import ONE, SLOW_S, STILL_S, ZERO, f4
from pitcall.sim.race import GREEN, RED, SAFETY_CAR, VSC
from pitcall.sim.rare import uniform
from pitcall.sim.twin_state import GAIN, IS_RELEASED, LAP, NOW_REGIME, ON, REGIME_LEFT, START, WAKE, Path, T


@register_jitable
def drive_together(p: Path, lap: int) -> None:
    """From laps with nobody near to times at the line, and the order but for stops and retirements."""
    regime = p.w[NOW_REGIME]
    slow_s = SLOW_S
    if regime == VSC:
        slow_s = p.n.vsc_dev_s + SLOW_S
    elif regime == SAFETY_CAR:
        slow_s = p.n.sc_dev_s + SLOW_S
    for c in p.order:
        p.f[START, c] = p.f[T, c]
        p.f[WAKE, c], p.f[GAIN, c] = ZERO, ZERO
    if regime == SAFETY_CAR:
        _close_up(p)
    elif regime != VSC:
        _dirty_air(p, slow_s)
        _blue_flags(p, slow_s)
    _duels(p, lap, slow_s)


@register_jitable
def steady(p: Path, c: int, slow_s: f4) -> bool:
    """The car drives this lap, and at speed: else it neither holds up nor is held up."""
    return p.f[LAP, c] != STILL_S and p.f[LAP, c] <= slow_s


@register_jitable
def _close_up(p: Path) -> None:
    """What a car can gain on the safety car's lap: up to the queue, but not on the leader when it is lapped.

    On the last lap of the safety car lapped cars may drive round to the end of the queue.
    """
    for c in p.order[1:]:
        lapped = p.f[START, c] - p.f[START, p.order[0]] > p.n.base_lap_s
        if not lapped:
            p.f[GAIN, c] = p.n.catch_up_s
        elif p.n.unlap and p.w[REGIME_LEFT] == 1:
            p.f[GAIN, c] = p.n.base_lap_s


@register_jitable
def _dirty_air(p: Path, slow_s: f4) -> None:
    """The air of up to three cars ahead, by the gaps at the last line."""
    for q in range(1, p.order.shape[0]):
        c, wake = p.order[q], ZERO
        if not steady(p, c, slow_s):
            continue
        for k in range(1, min(q, 3) + 1):
            near = ONE - (p.f[START, c] - p.f[START, p.order[q - k]]) * p.n.per_dirty_gap
            lost_s = p.n.dirty1_s if k == 1 else p.n.dirty2_s if k == 2 else p.n.dirty3_s
            wake = wake + max(ZERO, near) * lost_s
        p.f[WAKE, c] = wake
        p.f[LAP, c] = p.f[LAP, c] + wake


@register_jitable
def _blue_flags(p: Path, slow_s: f4) -> None:
    """Each pair of which one laps the other on this lap loses a little."""
    for q in range(1, p.order.shape[0]):
        c = p.order[q]
        if not steady(p, c, slow_s) or p.f[START, c] - p.f[START, p.order[0]] < p.n.base_lap_s - SLOW_S:
            continue
        lost = ZERO
        for ahead in p.order[:q]:
            if not steady(p, ahead, slow_s):
                continue
            behind_by = p.f[START, c] - p.f[START, ahead]
            closing = p.f[LAP, c] - p.f[LAP, ahead]
            if behind_by < p.n.base_lap_s and behind_by + closing >= p.n.base_lap_s and closing <= SLOW_S:
                lost = lost + p.n.blue_s
                p.f[LAP, ahead] = p.f[LAP, ahead] + p.n.lapping_s
        p.f[LAP, c] = p.f[LAP, c] + lost


@register_jitable
def _duels(p: Path, lap: int, slow_s: f4) -> None:
    """Who passes whom. A car passes at most one car a lap that fights back; it may be passed by many.

    ``held`` is the car whose place is still open, ``floor`` the time of the last one that is settled.
    """
    f, n, order = p.f, p.n, p.order
    hold = n.queue_gap_s if p.w[NOW_REGIME] == SAFETY_CAR else n.hold_gap_s
    held = order[0]
    held_lap = ZERO if f[LAP, held] == STILL_S else f[LAP, held]
    held_free = not steady(p, held, slow_s)
    held_t, floor, start_ahead = f[START, held] + held_lap, f4(-1e9), f[START, held]
    if p.w[NOW_REGIME] == SAFETY_CAR and f[LAP, held] != STILL_S:  # nobody passes the safety car when the leader stops
        floor = f[START, held] + n.sc_dev_s - hold
    for q in range(1, order.shape[0]):
        c = order[q]
        slow = not steady(p, c, slow_s)
        lap_s = ZERO if f[LAP, c] == STILL_S else f[LAP, c]
        t = f[START, c] + lap_s
        if f[LAP, c] != STILL_S:
            t = t - f[GAIN, c]
            if slow and p.w[NOW_REGIME] == SAFETY_CAR:  # it drove in the queue until it stopped
                t = max((floor if held_free else held_t) + hold + (lap_s - n.sc_dev_s), t)
        z = _pass_logit(p, lap, held, c, held_lap - lap_s, f[START, c] - start_ahead)
        start_ahead = f[START, c]
        free = slow or held_free
        if t < held_t and (free or chance.logistic(uniform(p.key, lap, c, chance.PASS)) < z):
            if not slow:
                t = max(floor + hold, t)
                if not held_free:
                    held_t = max(t + hold + n.duel_s, held_t)
                floor = t
            f[T, c] = t
            order[q - 1] = c
            continue
        if not free:
            t = max(held_t + hold, t)
        f[T, held] = held_t
        order[q - 1] = held
        if not held_free:
            floor = held_t
        held, held_t, held_lap, held_free = c, t, lap_s, slow
    f[T, held] = held_t
    order[order.shape[0] - 1] = held


@register_jitable
def _pass_logit(p: Path, lap: int, held: int, c: int, faster_s: f4, gap_s: f4) -> f4:
    """Log-odds that ``c`` passes ``held``, by how much faster its lap is and how near it began it."""
    n, regime = p.n, p.w[NOW_REGIME]
    if regime not in (GREEN, RED):
        return f4(-1e9)
    z = n.pass_intercept
    if p.w[IS_RELEASED]:
        z = z + n.restart_pass
    z = z + n.pass_per_s * faster_s
    if gap_s < n.aid_gap_s and lap > 2 and not p.w[IS_RELEASED]:  # else no overtaking aid yet
        z = z + n.pass_aid
    if n.pass_bite != ZERO:
        z = z + n.pass_bite * f4(p.s[ON, held] - p.s[ON, c])
    return z
