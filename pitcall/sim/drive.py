"""One lap of one car with nobody near, in all lanes: pace, what chance has in store, and whether it boxes.

What happens rarely leaves the lanes: incidents and stops are worked out for one race at a time by the
rules of ``pitcall.sim.model``. Whether a car may box is first tested in all lanes against a bound that
is never too low.
"""

# The fields of a record have no types.
# mypy: disable-error-code=no-any-return

from typing import Final, NamedTuple

from numba import njit

from pitcall.sim import chance
from pitcall.sim.block import (
    ALL,
    AT_WHEEL,
    CALLED,
    CARS_ON,
    CHILL,
    CLIFF_AT,
    COST_NOW,
    CREWS,
    CROWD,
    FRESH_Z,
    HAD,
    HINT_EVEN,
    HINT_ODD,
    HURT,
    IS_FRESH,
    IS_RELEASED,
    JUST_MADE,
    LAP,
    LAST_Z,
    LEAST,
    LEFT,
    LEVEL,
    LIFE_NOW,
    LINEAR,
    MADE,
    MOST_Z,
    MUST,
    MUST_Z,
    NOISE,
    OF_LATE,
    ON,
    OPEN_CALL,
    ORDER,
    OWED,
    OWN_STOPPED,
    OWN_Z,
    PER_LIFE_NOW,
    PIT_LAP,
    REGIME,
    REMAINING,
    RUNNING,
    SHARED_Z,
    SHOWN_Z,
    SQUARE,
    STEEP,
    STEP,
    STOOD,
    STOP_AT,
    STOPPED,
    TANK,
    WAKE,
    WEAR_NOW,
    WET_GAP,
    WETNESS,
    WORN,
    YELLOW_NOW,
    Block,
    T,
    crew_at,
    entry,
    fit,
    key,
    lane_f,
    lane_s,
    may_box,
    position,
    row,
)  # fmt: skip
from pitcall.sim.model import (
    BEHIND_FIELD,
    BEND,
    BEYOND_LIFE,
    BIAS,
    BOXING,
    CLOSING_LAPS,
    COVER,
    DAMAGE_COST,
    DONE,
    EARLY_STOP_LAPS,
    EXTRA,
    FAILURE,
    FOREVER,
    HALF,
    KEPT,
    LAST_LAPS,
    LASTS,
    LATELY,
    LIFE_USED,
    MATE,
    MOST_LATELY,
    MOST_PLACES,
    MOST_WEAR_S,
    ONE,
    OUT_PER_LAP_S,
    OUT_S,
    PER_BEND,
    PER_CLOSING,
    PER_PLACE,
    PLACES,
    PRESSED,
    PRESSED_GAP_S,
    RACE_LEFT,
    RULE_CLOSING,
    RULE_OPEN,
    STILL_S,
    STOPS,
    TEAM_MATE,
    TWO,
    UNDERCUT,
    UNLIMITED_S,
    WEAR_COST,
    WET_BEST,
    WET_COST,
    WET_OVER,
    WET_UNDER,
    ZERO,
    f4,
)
from pitcall.sim.race import COMPOUNDS, GREEN, SAFETY_CAR, VSC
from pitcall.sim.rare import (
    choose_compound,
    crew_s,
    fits,
    incident_calls,
    must_stop,
    neutral_logit,
    road_loss,
    standing_s,
    stop_logit,
    uniform,
)
from pitcall.sim.simd import F, bits, ctz, inlined, load, splat, store, vmax, vmin, where

#: Added to the bound of a stop logit: more than the rounding of twenty sums.
MARGIN: Final = f4(0.01)


class Call(NamedTuple):
    """The asking car's stop: at the end of ``lap`` (0: it stays out) for ``compound``."""

    lap: int
    compound: int


@inlined
def drive(b: Block, call: Call, lap: int, c: int) -> int:
    """Fill the car's LAP row and do what it does on the lap. Returns lanes in which an incident asks for something."""
    f, n = b.f, b.n
    runs = load(b.s, row(b, RUNNING, c)) == 1
    wear_cost, wet_gap = _pace(b, lap, c)
    first = b.cars_i[DONE, c] + 1 == lap
    y = load(f, row(b, LAP, c))
    if first:
        y = y + b.cars_f[EXTRA, c]
    store(f, row(b, LAP, c), where(runs, y, STILL_S))
    running = bits(runs)
    incidents = b.flags[(lap - n.first_lap_played) * b.cars + c] & running
    called = _incidents(b, lap, c, incidents) if incidents else 0
    if n.stint_limit_s > ZERO:
        store(f, row(b, AT_WHEEL, c), load(f, row(b, AT_WHEEL, c)) + n.base_lap_s + load(f, row(b, LAP, c)))
    likely = 0
    if lap >= n.pit_from and lap <= n.pit_to:
        most = _most(b, lap, c, wear_cost, wet_gap)
        likely = _likely(b, call, lap, c, most, wet_gap)
        if first and b.cars_i[BOXING, c] == 1:
            likely = ALL
        likely = (likely | incidents) & running
        if lap >= n.total_laps or n.time_left_s < UNLIMITED_S:
            likely &= bits(load(f, lane_f(b, REMAINING)) >= HALF)
        if likely:
            store(f, row(b, COST_NOW, c), wear_cost)
            store(f, row(b, WET_GAP, c), wet_gap)
            store(f, row(b, MOST_Z, c), most)
    b.flags[may_box(b, c)] = likely
    return called


@inlined
def _pace(b: Block, lap: int, c: int) -> tuple[F, F]:
    """Free lap into the LAP row, and the car a lap older. Returns what wear and the wrong tyres for the wet cost."""
    f, n = b.f, b.n
    worn, step, remaining = load(f, row(b, WORN, c)), load(f, lane_f(b, STEP)), load(f, lane_f(b, REMAINING))
    past = worn - load(f, row(b, CLIFF_AT, c))
    bend = vmin(vmax(past + BEND, ZERO), TWO * BEND)
    cliff = bend * bend * PER_BEND + where(past > BEND, past - BEND, ZERO)
    wear_cost = (
        worn * (load(f, row(b, LINEAR, c)) + load(f, row(b, SQUARE, c)) * worn) + load(f, row(b, STEEP, c)) * cliff
    )
    tank = load(f, row(b, TANK, c))
    tank = where(tank > step, tank - step, ZERO)
    store(f, row(b, TANK, c), tank)
    y = load(f, row(b, LEVEL, c)) + wear_cost + tank * n.fuel_s + remaining * n.track_s
    y = y + load(b.tables, entry(b, NOISE, lap, c)) + load(f, row(b, HURT, c)) + load(f, row(b, CHILL, c))
    store(f, row(b, CHILL, c), splat(ZERO))
    wet_gap = splat(ZERO)
    if n.wet_race:
        here = splat(ZERO)
        best = splat(FOREVER)
        wetness, on = load(f, lane_f(b, WETNESS)), load(b.s, row(b, ON, c))
        for k in range(COMPOUNDS):
            off = wetness - b.tyres[k, WET_BEST]
            cost = where(off > ZERO, off * b.tyres[k, WET_OVER], -off * b.tyres[k, WET_UNDER])
            here = where(on == k, cost, here)
            best = vmin(cost, best)
        wet_gap = here - best
        y = y + here
    y = y + load(f, lane_f(b, YELLOW_NOW))
    store(f, row(b, LAP, c), vmax(y, load(f, lane_f(b, LEAST))))
    store(f, row(b, WORN, c), worn + step * (load(f, row(b, WAKE, c)) * n.wake_wear + ONE))
    return wear_cost, wet_gap


@inlined
def _likely(b: Block, call: Call, lap: int, c: int, most: F, wet_gap: F) -> int:
    """Lanes in which the car may box: by force, by the call, or by a policy whose odds are at most ``most``."""
    f, n = b.f, b.n
    threshold = load(b.tables, entry(b, STOP_AT, lap, c))
    likely = bits(most > threshold)
    if n.total_laps - lap < 2 or n.time_left_s < UNLIMITED_S:
        likely |= bits((load(b.s, row(b, MUST, c)) == 1) & (load(f, lane_f(b, REMAINING)) < f4(1.5)))
    if c == b.own:
        hurt = load(f, row(b, HURT, c))
        open_call = load(b.s, lane_s(b, OPEN_CALL)) == 1
        may = open_call
        if call.lap != lap:
            may = open_call & ((load(b.s, lane_s(b, IS_FRESH)) == 1) | (wet_gap >= n.crossover_s) | (hurt > ZERO))
        likely = (likely & ~bits(open_call)) | bits(may)
    if n.tank_laps > ZERO:
        likely |= bits(load(f, row(b, TANK, c)) < ONE)
    if n.stint_limit_s > ZERO:
        likely |= bits(load(f, row(b, AT_WHEEL, c)) + n.base_lap_s > n.stint_limit_s)
    return likely


@inlined
def look_at_field(b: Block, lap: int) -> None:
    """Before a lap, in all lanes: the field's stops, and what of the policy's odds all cars share."""
    f, weight, running = b.f, b.n.stop, vmax(load(b.f, lane_f(b, CARS_ON)), ONE)
    of_late = load(f, lane_f(b, OF_LATE))
    if lap > b.n.first_lap_played:
        of_late = of_late * KEPT + load(f, lane_f(b, JUST_MADE)) / running
        store(f, lane_f(b, OF_LATE), of_late)
        store(f, lane_f(b, JUST_MADE), splat(ZERO))
    crowd = load(f, lane_f(b, MADE)) / running * weight[BEHIND_FIELD] + vmin(of_late, MOST_LATELY) * weight[LATELY]
    store(f, lane_f(b, CROWD), crowd)
    remaining = load(f, lane_f(b, REMAINING))
    shared = crowd + load(f, lane_f(b, SHOWN_Z)) + remaining * (weight[RACE_LEFT] * b.n.per_total)
    most = weight[BIAS] + max(weight[PRESSED], ZERO) + max(weight[PLACES], ZERO) + MARGIN
    store(f, lane_f(b, SHARED_Z), shared + most)
    closing = where(remaining < CLOSING_LAPS, (ONE - remaining * PER_CLOSING) * weight[RULE_CLOSING], ZERO)
    store(f, lane_f(b, MUST_Z), closing + weight[RULE_OPEN])
    ending = (ONE - remaining * b.n.per_last) * weight[LAST_LAPS]
    store(f, lane_f(b, LAST_Z), where(remaining < b.n.last_laps, ending, ZERO))


@inlined
def _most(b: Block, lap: int, c: int, wear_cost: F, wet_gap: F) -> F:
    """The log-odds of ``_stays`` in all lanes, with the most that the cars around could add."""
    f, weight = b.f, b.n.stop
    remaining, worn = load(f, lane_f(b, REMAINING)), load(f, row(b, WORN, c))
    used = worn * load(f, row(b, PER_LIFE_NOW, c))
    z = used * weight[LIFE_USED] + where(used > ONE, (used - ONE) * weight[BEYOND_LIFE], ZERO)
    z = z + load(f, lane_f(b, SHARED_Z)) + load(f, row(b, OWN_Z, c)) + vmin(wear_cost, MOST_WEAR_S) * weight[WEAR_COST]
    z = z + load(f, row(b, HURT, c)) * weight[DAMAGE_COST]
    if b.n.wet_race:
        z = z + wet_gap * weight[WET_COST]
    lasts = where(worn + remaining <= load(f, row(b, LIFE_NOW, c)), splat(weight[LASTS]), ZERO)
    no_rule = lasts + load(f, lane_f(b, LAST_Z))
    z = z + where(load(b.s, row(b, MUST, c)) == 1, load(f, lane_f(b, MUST_Z)), no_rule)
    z = z + where(worn >= b.n.young_laps, load(f, lane_f(b, FRESH_Z)), ZERO)
    return z + load(f, row(b, HINT_EVEN if lap % 2 == 0 else HINT_ODD, c))


@njit(nogil=True, error_model="numpy")
def _incidents(b: Block, lap: int, c: int, lanes: int) -> int:
    """Breakdowns and accidents of one car in these lanes. Returns those that ask for something."""
    called = 0
    while lanes:
        w = ctz(lanes)
        lanes &= lanes - 1
        if _incident(b, lap, c, w) > GREEN:
            called |= 1 << w
    return called


@inlined
def _incident(b: Block, lap: int, c: int, w: int) -> int:
    """What chance has in store for one car on this lap. Returns what it asks for."""
    n, f = b.n, b.f
    path = key(b, w)
    u = uniform(path, lap, c, chance.EVENT)
    factor = ONE + n.wet * f[lane_f(b, WETNESS) + w]
    if lap == 1:
        factor = factor + n.first_lap
    if b.s[lane_s(b, IS_RELEASED) + w]:
        factor = factor + n.restart
    q = position(b, c, w)
    if q > 0 and f[row(b, T, q) + w] - f[row(b, T, q - 1) + w] < n.close_s:
        factor = factor + n.close
    regime = b.s[lane_s(b, REGIME) + w]
    if regime in (VSC, SAFETY_CAR):
        factor = ZERO
    failed = u < b.cars_f[FAILURE, c]
    if not failed and u >= b.cars_f[FAILURE, c] + n.accident_hazard * factor:
        return GREEN
    calls = incident_calls(n, uniform(path, lap, c, chance.SPARE), not failed)
    v = uniform(path, lap, c, chance.INCIDENT)
    if failed or v < n.out_p:
        b.s[row(b, RUNNING, c) + w] = 0
        f[lane_f(b, CARS_ON) + w] = f[lane_f(b, CARS_ON) + w] - ONE
        f[lane_f(b, MADE) + w] = f[lane_f(b, MADE) + w] - f4(b.s[row(b, STOPPED, c) + w])
        f[row(b, LAP, c) + w] = OUT_S - OUT_PER_LAP_S * f4(lap)
    else:
        f[row(b, HURT, c) + w] = f[row(b, HURT, c) + w] + n.damage_s
        if v < n.out_p + (ONE - n.out_p) * n.penalty_p:
            f[row(b, OWED, c) + w] = f[row(b, OWED, c) + w] + n.penalty_s
        f[row(b, LAP, c) + w] = f[row(b, LAP, c) + w] + n.lost_s
    b.s[lane_s(b, CALLED) + w] = max(b.s[lane_s(b, CALLED) + w], calls)
    return calls


@njit(nogil=True, error_model="numpy")
def stops(b: Block, call: Call, lap: int) -> None:
    """Decide in full, race by race, which cars box at the end of this lap, and let them; forget what they were told.

    One call for all cars: to pass the block costs more than to decide.
    """
    for c in range(b.cars):
        if b.cars_i[DONE, c] >= lap:
            continue
        lanes = b.flags[may_box(b, c)]
        while lanes:
            w = ctz(lanes)
            lanes &= lanes - 1
            if b.s[row(b, RUNNING, c) + w]:
                q = position(b, c, w)
                compound = _decide(b, call, lap, c, w, q)
                if compound >= 0:
                    _box(b, lap, c, w, q, compound)
        store(b.f, row(b, HINT_EVEN if lap % 2 == 0 else HINT_ODD, c), splat(ZERO))


@inlined
def _decide(b: Block, call: Call, lap: int, c: int, w: int, q: int) -> int:
    """The compound to change to at the end of this lap, or -1."""
    n, f = b.n, b.f
    remaining, wetness, gap = f[lane_f(b, REMAINING) + w], f[lane_f(b, WETNESS) + w], f[row(b, WET_GAP, c) + w]
    fresh, worn, hurt = b.s[lane_s(b, IS_FRESH) + w] == 1, f[row(b, WORN, c) + w], f[row(b, HURT, c) + w]
    dry_tank = n.tank_laps > ZERO and f[row(b, TANK, c) + w] < ONE
    long_stint = n.stint_limit_s > ZERO and f[row(b, AT_WHEEL, c) + w] + n.base_lap_s > n.stint_limit_s
    forced = dry_tank or long_stint
    if c == b.own and b.s[lane_s(b, OPEN_CALL) + w]:
        forced = forced or gap >= n.crossover_s or (hurt > ZERO and hurt >= n.damage_s)
        # Not on the lap of the question: what is shown then is known, and the calls differ by it.
        early = fresh and lap > b.cars_i[DONE, c] + 1 and worn >= n.young_laps and call.lap - lap <= EARLY_STOP_LAPS
        if not (forced or (call.lap > 0 and (lap == call.lap or early))):
            return -1
        b.s[lane_s(b, OPEN_CALL) + w] = 0
        if call.lap > 0 and fits(n, b.tyres, call.compound, wetness):
            return call.compound
    else:
        must = b.s[row(b, MUST, c) + w] == 1
        forced = forced or (b.cars_i[BOXING, c] == 1 and b.cars_i[DONE, c] + 1 == lap) or (must and remaining < f4(1.5))
        if not forced and _stays(b, lap, c, w, q, must):
            return -1
    path = key(b, w)
    had, left = b.s[row(b, HAD, c) + w], b.s[row(b, LEFT, c) + w]
    wear = f[row(b, WEAR_NOW, c) + w]
    return choose_compound(b, path, lap, c, wear, had, left, remaining, wetness)


@inlined
def _stays(b: Block, lap: int, c: int, w: int, q: int, must: bool) -> bool:
    """The policy does not box: its log-odds, as ``twin_stops.logit`` has them, are not above the threshold."""
    n, f, regime = b.n, b.f, b.s[lane_s(b, REGIME) + w]
    threshold, most = b.tables[entry(b, STOP_AT, lap, c) + w], f[row(b, MOST_Z, c) + w]
    each = n.stop[PLACES] * PER_PLACE
    t = f[row(b, T, q) + w]
    out = t + road_loss(n, regime) + n.station_s + n.scale_s
    lost = 0
    while lost < MOST_PLACES and q + 1 + lost < b.cars and f[row(b, T, q + 1 + lost) + w] <= out:
        lost += 1
        if each <= ZERO and threshold >= most + each * f4(lost):  # most cars are done after one or two
            return True
    z = _own_logit(b, lap, c, w, regime, must)
    around = ZERO
    if q + 1 < b.cars and f[row(b, T, q + 1) + w] - t < PRESSED_GAP_S:
        around = around + n.stop[PRESSED]
    return bool(threshold >= f4(z + (around + n.stop[PLACES] * (f4(lost) * PER_PLACE))))


@inlined
def _own_logit(b: Block, lap: int, c: int, w: int, regime: int, must: bool) -> f4:
    """Log-odds from all but the cars behind: the car's own, what it was told, and the field's stops."""
    n, f, fresh = b.n, b.f, b.s[lane_s(b, IS_FRESH) + w] == 1
    life, per_life = f[row(b, LIFE_NOW, c) + w], f[row(b, PER_LIFE_NOW, c) + w]
    remaining, wear_cost, wet_gap = f[lane_f(b, REMAINING) + w], f[row(b, COST_NOW, c) + w], f[row(b, WET_GAP, c) + w]
    worn, hurt = f[row(b, WORN, c) + w], f[row(b, HURT, c) + w]
    shown = neutral_logit(n, regime, fresh, worn >= n.young_laps)
    z = stop_logit(n, life, per_life, worn, must, remaining, shown, wear_cost, wet_gap, hurt)
    z = z + f[row(b, HINT_EVEN if lap % 2 == 0 else HINT_ODD, c) + w]
    return f4(z + (f[lane_f(b, CROWD) + w] - n.stop[BEHIND_FIELD] * f4(b.s[row(b, STOPPED, c) + w])))


@inlined
def _box(b: Block, lap: int, c: int, w: int, q: int, compound: int) -> None:
    """The stop: what it costs, what the car leaves with, and who takes note."""
    n, f, s = b.n, b.f, b.s
    path = key(b, w)
    tank, remaining = f[row(b, TANK, c) + w], f[lane_f(b, REMAINING) + w]
    refuel = ZERO
    if n.tank_laps > ZERO:
        need, room = remaining + ONE - tank, n.tank_laps - tank
        refuel = min(room, need)
        refuel = max(ZERO, refuel)
    change_driver = n.stint_limit_s > ZERO and f[row(b, AT_WHEEL, c) + w] > HALF * n.stint_limit_s
    stop = s[row(b, STOPPED, c) + w]
    since = stop - b.cars_i[STOPS, c]
    crew = b.tables[crew_at(b, since, c) + w] if since < CREWS else crew_s(n, path, stop, c)
    stood = standing_s(n, path, crew, stop, c, f[row(b, OWED, c) + w], f[row(b, HURT, c) + w], refuel, change_driver)
    f[row(b, STOOD, c) + w] = stood
    f[row(b, LAP, c) + w] = f[row(b, LAP, c) + w] + road_loss(n, s[lane_s(b, REGIME) + w]) + stood
    f[row(b, TANK, c) + w] = tank + refuel
    if change_driver:
        f[row(b, AT_WHEEL, c) + w] = ZERO
    f[row(b, OWED, c) + w], f[row(b, HURT, c) + w] = ZERO, ZERO
    s[row(b, STOPPED, c) + w] += 1
    f[row(b, OWN_Z, c) + w] = -n.stop[BEHIND_FIELD] * f4(s[row(b, STOPPED, c) + w])
    f[lane_f(b, MADE) + w] = f[lane_f(b, MADE) + w] + ONE
    f[lane_f(b, JUST_MADE) + w] = f[lane_f(b, JUST_MADE) + w] + ONE
    use(b, c, w, compound)
    fit(b, c, w, compound)
    s[row(b, PIT_LAP, c) + w] = lap
    if c == b.own and s[lane_s(b, OWN_STOPPED) + w] == 0:
        s[lane_s(b, OWN_STOPPED) + w] = 1
    _tell(b, lap, c, w, q)


@inlined
def use(b: Block, c: int, w: int, compound: int) -> None:
    """One set of ``compound`` less."""
    b.s[row(b, HAD, c) + w] |= 1 << compound
    left = (b.s[row(b, LEFT, c) + w] >> (3 * compound)) & 7
    if 0 < left < 7:  # 7: as many as it takes
        b.s[row(b, LEFT, c) + w] -= 1 << (3 * compound)
    b.s[row(b, MUST, c) + w] = must_stop(b.n, b.s[row(b, HAD, c) + w], b.s[row(b, STOPPED, c) + w])


@inlined
def _tell(b: Block, lap: int, c: int, w: int, q: int) -> None:
    """The team-mate and the cars next to the one that stops take note, for their next lap."""
    n, f = b.n, b.f
    hint = HINT_ODD if lap % 2 == 0 else HINT_EVEN
    t = f[row(b, T, q) + w]
    mate = b.cars_i[MATE, c]
    if mate >= 0:
        f[row(b, hint, mate) + w] = f[row(b, hint, mate) + w] + n.stop[TEAM_MATE]
        if b.s[row(b, PIT_LAP, mate) + w] == lap:
            mate_t = f[row(b, T, position(b, mate, w)) + w]
            first, second, apart = (mate, c, t - mate_t) if mate_t <= t else (c, mate, mate_t - t)
            wait = f[row(b, STOOD, first) + w] + n.stack_s - apart
            if wait > ZERO:
                f[row(b, LAP, second) + w] = f[row(b, LAP, second) + w] + wait
    if q > 0 and t - f[row(b, T, q - 1) + w] < n.cover_gap_s:
        ahead = row(b, hint, b.s[row(b, ORDER, q - 1) + w]) + w
        f[ahead] = f[ahead] + n.stop[UNDERCUT]
    if q + 1 < b.cars and f[row(b, T, q + 1) + w] - t < n.cover_gap_s:
        behind = row(b, hint, b.s[row(b, ORDER, q + 1) + w]) + w
        f[behind] = f[behind] + n.stop[COVER]
