"""The twin's stops: whether a car boxes, for what, and what it costs."""

# The fields of a record have no types.
# mypy: disable-error-code=no-any-return

from numba.extending import register_jitable

from pitcall.sim import chance
from pitcall.sim.model import (
    BOXING,
    CLEAR_S,
    COVER,
    DONE,
    EARLY_STOP_LAPS,
    HALF,
    LIFE,
    MATE,
    ONE,
    PER_CLEAR,
    PER_LIFE,
    PRESSED,
    PRESSED_GAP_S,
    TEAM_MATE,
    TRAFFIC,
    UNDERCUT,
    ZERO,
    f4,
)
from pitcall.sim.race import SAFETY_CAR, VSC
from pitcall.sim.rare import (
    choose_compound,
    crew_s,
    fits,
    must_stop,
    road_loss,
    standing_s,
    stop_logit,
    uniform,
)
from pitcall.sim.twin_state import (
    AT_WHEEL,
    HAD,
    HINT_EVEN,
    HINT_ODD,
    HURT,
    IS_FRESH,
    LAP,
    LEFT,
    NOW_REGIME,
    ON,
    OPEN_CALL,
    OWED,
    OWN_STOPPED,
    PIT_LAP,
    RUNNING,
    STOOD,
    STOPPED,
    TANK,
    WEAR_NOW,
    WORN,
    Lap,
    Path,
    T,
    fit,
    position,
)  # fmt: skip


@register_jitable
def choose(p: Path, now: Lap, c: int, remaining: f4) -> int:
    """The compound for a stop at the end of this lap."""
    wear, had, left = p.f[WEAR_NOW, c], p.s[HAD, c], p.s[LEFT, c]
    return choose_compound(p, p.key, now.lap, c, wear, had, left, remaining, now.wetness)


@register_jitable
def use(p: Path, c: int, compound: int) -> None:
    """One set of ``compound`` less."""
    p.s[HAD, c] |= 1 << compound
    left = (p.s[LEFT, c] >> (3 * compound)) & 7
    if 0 < left < 7:  # 7: as many as it takes
        p.s[LEFT, c] -= 1 << (3 * compound)


@register_jitable
def decide(p: Path, now: Lap, c: int, wear_cost: f4, wet_gap: f4, told: f4) -> int:
    """The compound to change to at the end of this lap, or -1."""
    n, f, lap = p.n, p.f, now.lap
    if lap < n.pit_from or lap > n.pit_to:
        return -1
    dry_tank = n.tank_laps > ZERO and f[TANK, c] < ONE
    long_stint = n.stint_limit_s > ZERO and f[AT_WHEEL, c] + n.base_lap_s > n.stint_limit_s
    forced = dry_tank or long_stint
    if c == p.own and p.w[OPEN_CALL]:
        forced = forced or wet_gap >= n.crossover_s or (f[HURT, c] > ZERO and f[HURT, c] >= n.damage_s)
        # Not on the lap of the question: what is shown then is known, and the calls differ by it.
        news = p.w[IS_FRESH] == 1 and lap > p.cars_i[DONE, c] + 1
        early = news and f[WORN, c] >= n.young_laps and p.call_lap - lap <= EARLY_STOP_LAPS
        if not (forced or (p.call_lap > 0 and (lap == p.call_lap or early))):
            return -1
        p.w[OPEN_CALL] = 0
        if p.call_lap > 0 and fits(n, p.tyres, p.call_compound, now.wetness):
            return p.call_compound
    else:
        must = must_stop(n, p.s[HAD, c], p.s[STOPPED, c])
        boxing = p.cars_i[BOXING, c] == 1 and p.cars_i[DONE, c] + 1 == lap
        forced = forced or boxing or (must and now.remaining < f4(1.5))
        if not forced:
            neutral, on = _neutral(p), p.s[ON, c]
            life, per_life = p.tyres[on, LIFE], p.tyres[on, PER_LIFE]
            z = stop_logit(n, life, per_life, f[WORN, c], must, now.remaining, neutral, wear_cost, wet_gap, f[HURT, c])
            z = z + told + _around(p, c)
            if chance.logistic(uniform(p.key, lap, c, chance.STOP)) >= z:
                return -1
    return choose(p, now, c, now.remaining)


@register_jitable
def _neutral(p: Path) -> int:
    """0: racing, 1: behind a safety car or under a VSC, 2: since this lap."""
    if p.w[NOW_REGIME] in (VSC, SAFETY_CAR):
        return 2 if p.w[IS_FRESH] else 1
    return 0


@register_jitable
def _around(p: Path, c: int) -> f4:
    """Log-odds from the cars around: pressed from behind, and traffic where it would come out."""
    n, q, z = p.n, position(p, c), ZERO
    behind = p.order[q + 1 :]
    if behind.shape[0] and p.f[T, behind[0]] - p.f[T, c] < PRESSED_GAP_S:
        z = z + n.stop[PRESSED]
    out = p.f[T, c] + road_loss(n, p.w[NOW_REGIME]) + n.station_s + n.scale_s
    nearest = CLEAR_S
    for other in behind:
        if p.f[T, other] > out:
            break
        if p.s[RUNNING, other] and out - p.f[T, other] < nearest:
            nearest = out - p.f[T, other]
    return f4(z + n.stop[TRAFFIC] * (ONE - nearest * PER_CLEAR))


@register_jitable
def box(p: Path, now: Lap, c: int, compound: int) -> None:
    """The stop: what it costs, what the car leaves with, and who takes note."""
    n, f, s = p.n, p.f, p.s
    refuel = ZERO
    if n.tank_laps > ZERO:
        refuel = max(ZERO, min(n.tank_laps - f[TANK, c], now.remaining + ONE - f[TANK, c]))
    change_driver = n.stint_limit_s > ZERO and f[AT_WHEEL, c] > HALF * n.stint_limit_s
    crew = crew_s(n, p.key, s[STOPPED, c], c)
    f[STOOD, c] = standing_s(n, p.key, crew, s[STOPPED, c], c, f[OWED, c], f[HURT, c], refuel, change_driver)
    f[LAP, c] = f[LAP, c] + road_loss(n, p.w[NOW_REGIME]) + f[STOOD, c]
    f[TANK, c] = f[TANK, c] + refuel
    if change_driver:
        f[AT_WHEEL, c] = ZERO
    f[OWED, c], f[HURT, c] = ZERO, ZERO
    use(p, c, compound)
    fit(p, c, compound)
    s[STOPPED, c] += 1
    s[PIT_LAP, c] = now.lap
    if c == p.own and p.w[OWN_STOPPED] == 0:
        p.w[OWN_STOPPED] = 1
    _tell(p, now.lap, c)


@register_jitable
def _tell(p: Path, lap: int, c: int) -> None:
    """The team-mate and the cars next to the one that stops take note, for their next lap."""
    f, n, q = p.f, p.n, position(p, c)
    hint = HINT_ODD if lap % 2 == 0 else HINT_EVEN
    mate = p.cars_i[MATE, c]
    if mate >= 0:
        f[hint, mate] = f[hint, mate] + n.stop[TEAM_MATE]
        if p.s[PIT_LAP, mate] == lap:
            first, second = (mate, c) if f[T, mate] <= f[T, c] else (c, mate)
            wait = f[STOOD, first] + n.stack_s - (f[T, second] - f[T, first])
            if wait > ZERO:
                f[LAP, second] = f[LAP, second] + wait
    if q > 0:
        ahead = p.order[q - 1]
        if f[T, c] - f[T, ahead] < n.cover_gap_s:
            f[hint, ahead] = f[hint, ahead] + n.stop[UNDERCUT]
    if q + 1 < p.order.shape[0]:
        behind = p.order[q + 1]
        if f[T, behind] - f[T, c] < n.cover_gap_s:
            f[hint, behind] = f[hint, behind] + n.stop[COVER]
