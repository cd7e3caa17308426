"""The twin's stops: whether a car boxes, for what, and what it costs."""

# The fields of a record have no types.
# mypy: disable-error-code=no-any-return

from numba.extending import register_jitable

from pitcall.sim import chance
from pitcall.sim.model import (
    BEHIND_FIELD,
    BOXING,
    COVER,
    DONE,
    EARLY_STOP_LAPS,
    HALF,
    LIFE,
    MATE,
    MOST_PLACES,
    ONE,
    PER_LIFE,
    PER_PLACE,
    PLACES,
    PRESSED,
    PRESSED_GAP_S,
    TEAM_MATE,
    UNDERCUT,
    ZERO,
    f4,
)
from pitcall.sim.rare import (
    choose_compound,
    crew_s,
    fits,
    must_stop,
    neutral_logit,
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
        threshold = chance.logistic(uniform(p.key, lap, c, chance.STOP))
        if not forced and threshold >= logit(p, now, c, wear_cost, wet_gap, told):
            return -1
    return choose(p, now, c, now.remaining)


@register_jitable
def logit(p: Path, now: Lap, c: int, wear_cost: f4, wet_gap: f4, told: f4) -> f4:
    """Log-odds that the policy boxes at the end of this lap. Linear in the weights ``n.stop``."""
    n, on, worn = p.n, p.s[ON, c], p.f[WORN, c]
    must = must_stop(n, p.s[HAD, c], p.s[STOPPED, c])
    shown = neutral_logit(n, p.w[NOW_REGIME], p.w[IS_FRESH] == 1, worn >= n.young_laps)
    life, per_life = p.tyres[on, LIFE], p.tyres[on, PER_LIFE]
    z = stop_logit(n, life, per_life, worn, must, now.remaining, shown, wear_cost, wet_gap, p.f[HURT, c])
    return f4(z + told + (now.crowd - n.stop[BEHIND_FIELD] * f4(p.s[STOPPED, c])) + _around(p, c))


@register_jitable
def _around(p: Path, c: int) -> f4:
    """Log-odds from the cars behind: pressed by the next one, and places that the stop would cost.

    Who stopped on track is far behind, once its lap is over.
    """
    n, q, z = p.n, position(p, c), ZERO
    behind = p.order[q + 1 :]
    if behind.shape[0] and p.f[T, behind[0]] - p.f[T, c] < PRESSED_GAP_S:
        z = z + n.stop[PRESSED]
    out = p.f[T, c] + road_loss(n, p.w[NOW_REGIME]) + n.station_s + n.scale_s
    lost = 0
    for other in behind:
        if p.f[T, other] > out or lost == MOST_PLACES:
            break
        lost += 1
    return f4(z + n.stop[PLACES] * (f4(lost) * PER_PLACE))


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
    tell(p, now.lap, c)


@register_jitable
def tell(p: Path, lap: int, c: int) -> None:
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
