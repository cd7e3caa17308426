"""One lap of one car with nobody near, in all lanes: pace, what chance has in store, and whether it boxes.

What happens rarely leaves the lanes: incidents and stops are worked out for one race at a time by the
rules of ``pitcall.sim.rare``. The odds of a stop are worked out in all lanes but for what the cars behind
add, which needs the car's place; only where the most that they can add would let it box is that looked up.
"""

# The fields of a record have no types.
# mypy: disable-error-code=no-any-return

from typing import NamedTuple

from numba import njit

from pitcall.sim import chance
from pitcall.sim.block import (
    ALL,
    AT_WHEEL,
    CALLED,
    CARS_ON,
    CHILL,
    CLIFF_AT,
    CLOSING_Z,
    CREWS,
    CROWD_Z,
    FEWER_Z,
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
    MUST,
    NOISE,
    OF_LATE,
    ON,
    OPEN_CALL,
    ORDER,
    OWED,
    OWN_STOPPED,
    PER_LIFE_NOW,
    PIT_LAP,
    RACE_Z,
    REGIME,
    REMAINING,
    RUNNING,
    SHOWN_NEW_Z,
    SHOWN_Z,
    SQUARE,
    STEEP,
    STEP,
    STOOD,
    STOP_AT,
    STOP_Z,
    STOPPED,
    TANK,
    WAKE,
    WEAR_NOW,
    WETNESS,
    WORN,
    YELLOW_NOW,
    Block,
    T,
    W,
    boxes_at,
    car_row,
    crew_at,
    entry,
    fit,
    key,
    lane_f,
    lane_s,
    may_box,
    position,
    row,
    will_box,
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
    road_loss,
    standing_s,
    uniform,
)
from pitcall.sim.simd import F, bits, ctz, inlined, load, splat, store, vmax, vmin, where


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
        store(f, car_row(AT_WHEEL, c), load(f, car_row(AT_WHEEL, c)) + n.base_lap_s + load(f, row(b, LAP, c)))
    may, will = 0, 0
    if lap >= n.pit_from and lap <= n.pit_to:
        may, will = _who_boxes(b, call, lap, c, _own_logit(b, lap, c, wear_cost, wet_gap), wet_gap)
    b.flags[may_box(b, c)], b.flags[will_box(b, c)] = may, will
    return called


@inlined
def _who_boxes(b: Block, call: Call, lap: int, c: int, z: F, wet_gap: F) -> tuple[int, int]:
    """Lanes in which the car boxes if the cars behind it do not keep it out, and those in which it boxes for certain.

    ``z``: from ``_own_logit``.
    """
    f, n = b.f, b.n
    store(f, car_row(STOP_Z, c), z)
    may = bits(z + _most_around(b) > load(b.tables, entry(b, STOP_AT, lap, c)))
    will = _forced(b, lap, c)
    if c == b.own:
        open_call = bits(load(b.s, lane_s(b, OPEN_CALL)) == 1)
        may &= ~open_call
        will = (will & ~open_call) | (_called(b, call, lap, c, wet_gap) & open_call)
    running = bits(load(b.s, row(b, RUNNING, c)) == 1)
    if lap >= n.total_laps or n.time_left_s < UNLIMITED_S:
        running &= bits(load(f, lane_f(b, REMAINING)) >= HALF)
    return may & running & ~will, will & running


@inlined
def _pace(b: Block, lap: int, c: int) -> tuple[F, F]:
    """Free lap into the LAP row, and the car a lap older. Returns what wear and the wrong tyres for the wet cost."""
    f, n = b.f, b.n
    worn, step, remaining = load(f, car_row(WORN, c)), load(f, lane_f(b, STEP)), load(f, lane_f(b, REMAINING))
    past = worn - load(f, car_row(CLIFF_AT, c))
    bend = vmin(vmax(past + BEND, ZERO), TWO * BEND)
    cliff = bend * bend * PER_BEND + where(past > BEND, past - BEND, ZERO)
    wear_cost = (
        worn * (load(f, car_row(LINEAR, c)) + load(f, car_row(SQUARE, c)) * worn) + load(f, car_row(STEEP, c)) * cliff
    )
    tank = load(f, car_row(TANK, c))
    tank = where(tank > step, tank - step, ZERO)
    store(f, car_row(TANK, c), tank)
    y = load(f, car_row(LEVEL, c)) + wear_cost + tank * n.fuel_s + remaining * n.track_s
    y = y + load(b.tables, entry(b, NOISE, lap, c)) + load(f, car_row(HURT, c)) + load(f, car_row(CHILL, c))
    store(f, car_row(CHILL, c), splat(ZERO))
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
    worn_by_wake = vmax(load(f, row(b, WAKE, c)), ZERO) * n.wake_wear
    store(f, car_row(WORN, c), worn + step * (worn_by_wake + ONE))
    return wear_cost, wet_gap


@inlined
def _forced(b: Block, lap: int, c: int) -> int:
    """Lanes in which the car boxes whatever the policy says: it is in already, a rule, fuel, time at the wheel."""
    f, n, forced = b.f, b.n, 0
    if b.cars_i[BOXING, c] == 1 and b.cars_i[DONE, c] + 1 == lap:
        forced = ALL
    if n.total_laps - lap < 2 or n.time_left_s < UNLIMITED_S:
        forced |= bits((load(b.s, row(b, MUST, c)) == 1) & (load(f, lane_f(b, REMAINING)) < f4(1.5)))
    return forced | _spent(b, c)


@inlined
def _spent(b: Block, c: int) -> int:
    """Lanes in which the tank is empty or the driver's time is up."""
    f, n, spent = b.f, b.n, 0
    if n.tank_laps > ZERO:
        spent |= bits(load(f, car_row(TANK, c)) < ONE)
    if n.stint_limit_s > ZERO:
        spent |= bits(load(f, car_row(AT_WHEEL, c)) + n.base_lap_s > n.stint_limit_s)
    return spent


@inlined
def _called(b: Block, call: Call, lap: int, c: int, wet_gap: F) -> int:
    """Lanes in which the asking car, its call still open, boxes now: on the lap of the call, early, or by need."""
    n, hurt = b.n, load(b.f, car_row(HURT, c))
    boxes = _spent(b, c) | bits((wet_gap >= n.crossover_s) | ((hurt > ZERO) & (hurt >= n.damage_s)))
    # Not on the lap of the question: what is shown then is known, and the calls differ by it.
    if call.lap > 0 and lap > b.cars_i[DONE, c] + 1 and call.lap - lap <= EARLY_STOP_LAPS:
        fresh = load(b.s, lane_s(b, IS_FRESH)) == 1
        boxes |= bits(fresh & (load(b.f, car_row(WORN, c)) >= n.young_laps))
    return ALL if call.lap == lap else boxes


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
    store(f, lane_f(b, CROWD_Z), crowd)
    remaining = load(f, lane_f(b, REMAINING))
    store(f, lane_f(b, RACE_Z), remaining * b.n.per_total * weight[RACE_LEFT])
    closing = (ONE - remaining * PER_CLOSING) * weight[RULE_CLOSING]
    store(f, lane_f(b, CLOSING_Z), where(remaining < CLOSING_LAPS, closing, ZERO))
    ending = (ONE - remaining * b.n.per_last) * weight[LAST_LAPS]
    store(f, lane_f(b, LAST_Z), where(remaining < b.n.last_laps, ending, ZERO))


@inlined
def _own_logit(b: Block, lap: int, c: int, wear_cost: F, wet_gap: F) -> F:
    """Log-odds that the policy boxes but for what the cars behind add: ``twin_stops.logit``, in its order."""
    f, weight = b.f, b.n.stop
    remaining, worn = load(f, lane_f(b, REMAINING)), load(f, car_row(WORN, c))
    used = worn * load(f, car_row(PER_LIFE_NOW, c))
    z = used * weight[LIFE_USED] + weight[BIAS]
    z = z + where(used > ONE, (used - ONE) * weight[BEYOND_LIFE], ZERO)
    z = z + load(f, lane_f(b, RACE_Z)) + vmin(wear_cost, MOST_WEAR_S) * weight[WEAR_COST]
    if b.n.wet_race:
        z = z + wet_gap * weight[WET_COST]
    z = z + load(f, car_row(HURT, c)) * weight[DAMAGE_COST]
    must = load(b.s, row(b, MUST, c)) == 1
    lasts = where(worn + remaining <= load(f, car_row(LIFE_NOW, c)), splat(weight[LASTS]), ZERO)
    z = z + where(must, weight[RULE_OPEN], lasts)
    z = z + where(must, load(f, lane_f(b, CLOSING_Z)), load(f, lane_f(b, LAST_Z)))
    z = z + where(worn >= b.n.young_laps, load(f, lane_f(b, SHOWN_Z)), load(f, lane_f(b, SHOWN_NEW_Z)))
    z = z + load(f, car_row(HINT_EVEN if lap % 2 == 0 else HINT_ODD, c))
    return z + (load(f, lane_f(b, CROWD_Z)) + load(f, car_row(FEWER_Z, c)))


@inlined
def _most_around(b: Block) -> f4:
    """The most that ``_around`` can be; sums round monotonically, so no lane in which the car boxes is missed."""
    pressed, places = b.n.stop[PRESSED], b.n.stop[PLACES] * (f4(MOST_PLACES) * PER_PLACE)
    return f4(max(ZERO, pressed) + max(ZERO, places))


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
        f[car_row(HURT, c) + w] = f[car_row(HURT, c) + w] + n.damage_s
        if v < n.out_p + (ONE - n.out_p) * n.penalty_p:
            f[car_row(OWED, c) + w] = f[car_row(OWED, c) + w] + n.penalty_s
        f[row(b, LAP, c) + w] = f[row(b, LAP, c) + w] + n.lost_s
    b.s[lane_s(b, CALLED) + w] = max(b.s[lane_s(b, CALLED) + w], calls)
    return calls


@njit(nogil=True, error_model="numpy")
def stops(b: Block, call: Call, lap: int) -> None:
    """Let the cars box that do at the end of this lap, race by race; forget what they were told.

    One call for all cars: to pass the block costs more than to decide.
    """
    boxing = 0
    for c in range(b.cars):
        if b.cars_i[DONE, c] >= lap:
            continue
        will = b.flags[will_box(b, c)]
        lanes = b.flags[may_box(b, c)] | will
        while lanes:
            w = ctz(lanes)
            lanes &= lanes - 1
            q = position(b, c, w)
            z, threshold = b.f[car_row(STOP_Z, c) + w] + _around(b, w, q), b.tables[entry(b, STOP_AT, lap, c) + w]
            b.flags[boxes_at(b, boxing)] = (q << 16) + (c << 8) + w
            boxing += (threshold < z) | ((will >> w) & 1 == 1)  # without a branch, which would be wrong half the time
        store(b.f, car_row(HINT_EVEN if lap % 2 == 0 else HINT_ODD, c), splat(ZERO))
    for i in range(boxing):
        at = b.flags[boxes_at(b, i)]
        w, c, q = at & 255, (at >> 8) & 255, at >> 16
        compound = _compound(b, call, lap, c, w)
        if compound >= 0:
            _box(b, lap, c, w, q, compound)


@inlined
def _around(b: Block, w: int, q: int) -> f4:
    """Log-odds from the cars behind position ``q``: pressed by the next one, and places that the stop would cost."""
    n, f, at = b.n, b.f, row(b, T, q) + w
    t = f[at]
    out = t + road_loss(n, b.s[lane_s(b, REGIME) + w]) + n.station_s + n.scale_s
    lost = 0
    for k in range(1, MOST_PLACES + 1):  # without a branch: the times are in order
        lost += f[at + k * W] <= out
    pressed = f4(f[at + W] - t < PRESSED_GAP_S)
    return f4(n.stop[PRESSED] * pressed + n.stop[PLACES] * (f4(lost) * PER_PLACE))


@inlined
def _compound(b: Block, call: Call, lap: int, c: int, w: int) -> int:
    """What the car that boxes changes to, or -1 where no tyre is left for it."""
    n, f = b.n, b.f
    remaining, wetness = f[lane_f(b, REMAINING) + w], f[lane_f(b, WETNESS) + w]
    if c == b.own and b.s[lane_s(b, OPEN_CALL) + w]:
        b.s[lane_s(b, OPEN_CALL) + w] = 0
        if call.lap > 0 and fits(n, b.tyres, call.compound, wetness):
            return call.compound
    had, left = b.s[row(b, HAD, c) + w], b.s[row(b, LEFT, c) + w]
    wear = f[car_row(WEAR_NOW, c) + w]
    return choose_compound(b, key(b, w), lap, c, wear, had, left, remaining, wetness)


@inlined
def _box(b: Block, lap: int, c: int, w: int, q: int, compound: int) -> None:
    """The stop: what it costs, what the car leaves with, and who takes note."""
    n, f, s = b.n, b.f, b.s
    path = key(b, w)
    tank, remaining = f[car_row(TANK, c) + w], f[lane_f(b, REMAINING) + w]
    refuel = ZERO
    if n.tank_laps > ZERO:
        need, room = remaining + ONE - tank, n.tank_laps - tank
        refuel = min(room, need)
        refuel = max(ZERO, refuel)
    change_driver = n.stint_limit_s > ZERO and f[car_row(AT_WHEEL, c) + w] > HALF * n.stint_limit_s
    stop = s[row(b, STOPPED, c) + w]
    since = stop - b.cars_i[STOPS, c]
    crew = b.tables[crew_at(b, since, c) + w] if since < CREWS else crew_s(n, path, stop, c)
    stood = standing_s(n, path, crew, stop, c, f[car_row(OWED, c) + w], f[car_row(HURT, c) + w], refuel, change_driver)
    f[car_row(STOOD, c) + w] = stood
    f[row(b, LAP, c) + w] = f[row(b, LAP, c) + w] + road_loss(n, s[lane_s(b, REGIME) + w]) + stood
    f[car_row(TANK, c) + w] = tank + refuel
    if change_driver:
        f[car_row(AT_WHEEL, c) + w] = ZERO
    f[car_row(OWED, c) + w], f[car_row(HURT, c) + w] = ZERO, ZERO
    s[row(b, STOPPED, c) + w] += 1
    f[car_row(FEWER_Z, c) + w] = -n.stop[BEHIND_FIELD] * f4(s[row(b, STOPPED, c) + w])
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
        f[car_row(hint, mate) + w] = f[car_row(hint, mate) + w] + n.stop[TEAM_MATE]
        if b.s[row(b, PIT_LAP, mate) + w] == lap:
            mate_t = f[row(b, T, position(b, mate, w)) + w]
            first, second, apart = (mate, c, t - mate_t) if mate_t <= t else (c, mate, mate_t - t)
            wait = f[car_row(STOOD, first) + w] + n.stack_s - apart
            if wait > ZERO:
                f[row(b, LAP, second) + w] = f[row(b, LAP, second) + w] + wait
    if q > 0 and t - f[row(b, T, q - 1) + w] < n.cover_gap_s:
        ahead = car_row(hint, b.s[row(b, ORDER, q - 1) + w]) + w
        f[ahead] = f[ahead] + n.stop[UNDERCUT]
    if q + 1 < b.cars and f[row(b, T, q + 1) + w] - t < n.cover_gap_s:
        behind = car_row(hint, b.s[row(b, ORDER, q + 1) + w]) + w
        f[behind] = f[behind] + n.stop[COVER]
