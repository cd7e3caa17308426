"""The race model as a plain program: one race, car by car, and the oracle of the kernel.

``pitcall.sim.kernel`` plays the same model on 32 races at once; tests hold both against each other
path by path. This module runs as plain Python (slow, readable, with a trace from which synthetic
races are made) and, compiled as it stands, as the naive kernel that the fast one is measured
against. Read docs/explanation/race-model.md beside it. Arithmetic and times: see ``pitcall.sim.model``.

Laps are played one by one by all cars together. A car that has already completed the lap (it is
ahead on the road at the moment of the question) keeps its known time. A neutralisation begins and
ends between laps, for every car on the same lap.
"""

# The fields of a record have no types.
# mypy: disable-error-code=no-any-return

from dataclasses import dataclass

import numpy as np
from numba import njit
from numba.extending import register_jitable

from pitcall.sim import chance
from pitcall.sim.borrow import borrowed
from pitcall.sim.model import (
    AGE,
    BEND,
    COLD,
    COMPOUND,
    DAMAGE,
    DISQUALIFIED_S,
    DONE,
    EXTRA,
    FAILURE,
    FUEL,
    HALF,
    KLASS,
    ONE,
    OUT_PER_LAP_S,
    OUT_S,
    PACE,
    PACE_SD,
    PENALTY,
    PER_BEND,
    RACING,
    SETS,
    SMALLEST_WEAR,
    STILL_S,
    STINT,
    STOPS,
    TIME,
    TWO,
    USED,
    WEAR,
    WEAR_Z1,
    WEAR_Z2,
    ZERO,
    Floats,
    Ints,
    Packed,
    f4,
    pack,
)
from pitcall.sim.outcome import Bytes
from pitcall.sim.race import COMPOUNDS, GREEN, RED, SAFETY_CAR, VSC, YELLOW, Race
from pitcall.sim.rare import (
    crowd,
    first_regime,
    fits,
    incident_calls,
    laps_left,
    lately,
    must_stop,
    next_regime,
    next_weather,
    uniform,
    wet_cost,
)
from pitcall.sim.twin_state import (
    AT_WHEEL,
    CALLED,
    CLIFF_AT,
    CLIFF_NOW,
    F_ROWS,
    FORM,
    HAD,
    HINT_EVEN,
    HINT_ODD,
    HURT,
    IS_FRESH,
    IS_RELEASED,
    LAP,
    LAPS_ON,
    LEFT,
    LEVEL,
    LINEAR,
    NOW_REGIME,
    ON,
    OPEN_CALL,
    OWED,
    OWN_STOPPED,
    PACE_NOW,
    PIT_LAP,
    REGIME_LEFT,
    RUNNING,
    S_ROWS,
    SQUARE,
    STEEP,
    STOPPED,
    TANK,
    TR_AGE,
    TR_COMPOUND,
    TR_LOSS,
    TR_NEW,
    TR_OUT,
    TR_PITTED,
    TR_PLAYED,
    TR_REGIME,
    TR_TIME,
    TRACE_COLUMNS,
    W_ROWS,
    WAKE,
    WEAR_NOW,
    WORN,
    Lap,
    Path,
    T,
    fit,
    position,
    sort,
)  # fmt: skip
from pitcall.sim.twin_stops import box, choose, decide, use
from pitcall.sim.twin_traffic import drive_together


@dataclass(frozen=True, slots=True)
class TraceLap:
    """One lap of one car as it was driven. ``time_s`` is on the clock of the race's ``Grid.time_s``."""

    lap: int
    car: int  #: index into the grid
    time_s: float  #: at the line
    compound: int
    tyre_age: int  #: laps on the set, this one included
    pitted: bool
    pit_loss_s: float
    new_compound: int
    retired: bool
    regime: int


@register_jitable
def play(
    packed: Packed, call: tuple[int, int, int], seed: int | np.uint64, path: int,
    place: Bytes, rejoin: Bytes, gap_s: Floats, trace: Floats,
) -> None:  # fmt: skip
    """Play one path to the flag.

    Args:
        packed: the race, from ``model.pack``.
        call: asking car (-1: nobody asks, all follow the policy), lap of its stop (0: stay out), compound.
        seed: with ``path`` it fixes every chance event.
        path: which of the possible races.
        place: [car] gets the finishing position in its class, 1 = first.
        rejoin: [3] gets position at the line after its first stop and 1 + index of the cars ahead and behind.
        gap_s: [2] gets the gaps to these.
        trace: [lap, car, TRACE_COLUMNS] gets what happened; shape [0, 0, 0] for none.
    """
    n, cars = packed.n, packed.cars_f.shape[1]
    f, s, w = np.zeros((F_ROWS, cars), np.float32), np.zeros((S_ROWS, cars), np.int32), np.zeros(W_ROWS, np.int32)
    order = np.arange(cars).astype(np.int32)
    key = chance.path_key(seed, path)
    p = Path(
        n, borrowed(packed.tyres), borrowed(packed.plans), borrowed(packed.cars_f), borrowed(packed.cars_i), key,
        call[0], call[1], call[2], borrowed(f), borrowed(s), borrowed(w), borrowed(order), borrowed(trace),
    )  # fmt: skip
    rejoin[:] = 0
    gap_s[:] = ZERO
    _start(p)
    wetness, strength = n.wetness, ONE if n.raining else ZERO
    of_late = n.stops_lately
    for lap in range(n.first_lap_played, n.total_laps + 1):
        _regime(p, lap)
        if n.wet_race and lap > n.now:
            wetness, strength = next_weather(n, key, lap, wetness, strength)
        running, made, stopped = field_stops(p, lap)
        if lap > n.first_lap_played:
            of_late = lately(of_late, stopped, running)
        now = Lap(lap, laps_left(n, f[T, order[0]], lap), wetness, crowd(n, made, running, of_late))
        if w[NOW_REGIME] == RED and lap > n.now:
            _red_flag(p, now)
        for c in range(cars):
            _drive(p, now, c)
        drive_together(p, lap)
        sort(p)
        if w[OWN_STOPPED] == 1:
            _see_rejoin(p, rejoin, gap_s)
            w[OWN_STOPPED] = 2
        if trace.shape[0]:
            trace[lap, :, TR_TIME] = f[T]
        if f[T, order[0]] + n.base_lap_s * f4(lap - n.now) >= n.time_left_s:
            break
    _classify(p, place)


@register_jitable
def _start(p: Path) -> None:
    """Who each car really is on this path, and the running order."""
    for c in range(p.f.shape[1]):
        z1 = chance.normal(uniform(p.key, 0, c, chance.PACE))
        z2 = chance.normal(uniform(p.key, 0, c, chance.WEAR))
        p.f[CLIFF_NOW, c] = chance.normal(uniform(p.key, 0, c, chance.CLIFF))
        p.f[PACE_NOW, c] = p.cars_f[PACE, c] + p.cars_f[PACE_SD, c] * z1
        wear = p.cars_f[WEAR, c] + p.cars_f[WEAR_Z1, c] * z1 + p.cars_f[WEAR_Z2, c] * z2
        p.f[WEAR_NOW, c] = max(SMALLEST_WEAR, wear)
        p.f[T, c] = p.cars_f[TIME, c]
        p.f[TANK, c], p.f[HURT, c], p.f[OWED, c] = p.cars_f[FUEL, c], p.cars_f[DAMAGE, c], p.cars_f[PENALTY, c]
        p.f[AT_WHEEL, c] = p.cars_f[STINT, c]
        p.s[RUNNING, c], p.s[HAD, c], p.s[LEFT, c] = p.cars_i[RACING, c], p.cars_i[USED, c], p.cars_i[SETS, c]
        p.s[STOPPED, c] = p.cars_i[STOPS, c]
        fit(p, c, p.cars_i[COMPOUND, c])
        p.f[WORN, c] = f4(p.cars_i[AGE, c])
        p.s[LAPS_ON, c] = p.cars_i[AGE, c]
        if not p.s[RUNNING, c]:
            p.f[T, c] = OUT_S - OUT_PER_LAP_S * f4(p.cars_i[DONE, c])
    p.w[OPEN_CALL] = p.own >= 0
    sort(p)


@register_jitable
def field_stops(p: Path, lap: int) -> tuple[f4, f4, f4]:
    """(cars running, stops that these have made, how many of them stopped at the end of the lap before)."""
    running, made, stopped = 0, 0, 0
    for c in range(p.f.shape[1]):
        if p.s[RUNNING, c]:
            running += 1
            made += p.s[STOPPED, c]
            stopped += p.s[PIT_LAP, c] == lap - 1
    return f4(running), f4(made), f4(stopped)


@register_jitable
def _regime(p: Path, lap: int) -> None:
    """What rules on the lap."""
    n, w = p.n, p.w
    if lap <= n.now:
        w[NOW_REGIME] = n.regime
        return
    if lap == n.now + 1 and n.regime != GREEN:
        regime, left, fresh, released = first_regime(n, p.key)
    else:
        regime, left = (GREEN, 0) if lap == n.now + 1 else (w[NOW_REGIME], w[REGIME_LEFT])
        regime, left, fresh, released = next_regime(n, p.key, lap, regime, left, w[CALLED])
    w[NOW_REGIME], w[REGIME_LEFT], w[IS_FRESH], w[IS_RELEASED] = regime, left, fresh, released
    w[CALLED] = GREEN


@register_jitable
def _red_flag(p: Path, now: Lap) -> None:
    """Everybody on the lead lap, one behind the other, on the tyres of his choice; then a restart."""
    for q in range(1, p.order.shape[0]):
        if p.s[RUNNING, p.order[q]]:
            p.f[T, p.order[q]] = p.f[T, p.order[0]] + p.n.red_gap_s * f4(q)
    if now.remaining < ONE:
        return
    for c in range(p.order.shape[0]):
        if not p.s[RUNNING, c] or p.cars_i[DONE, c] >= now.lap or p.f[WORN, c] < p.n.young_laps:
            continue
        compound = -1
        if c == p.own and p.w[OPEN_CALL]:
            if p.call_lap > 0 and fits(p.n, p.tyres, p.call_compound, now.wetness):
                compound = p.call_compound
            p.w[OPEN_CALL] = p.call_lap == 0
        if compound < 0:
            compound = choose(p, now, c, now.remaining + ONE)
        if compound >= 0:
            use(p, c, compound)
            fit(p, c, compound)
            p.f[HURT, c] = ZERO


@register_jitable
def _drive(p: Path, now: Lap, c: int) -> None:
    """The lap of one car with nobody near: chance, pace, and whether it stops at the end."""
    f, n = p.f, p.n
    f[LAP, c] = STILL_S
    noise = _noise(p, now.lap, c)
    if not p.s[RUNNING, c] or p.cars_i[DONE, c] >= now.lap:
        return
    cost, gap = wear_cost(p, c), ZERO
    y = _pace(p, now, c, cost, noise)
    if n.wet_race:
        gap = wet_gap(p, now, c)
        y = y + wet_cost(p.tyres, p.s[ON, c], now.wetness)
    regime = p.w[NOW_REGIME]
    if regime == YELLOW:
        y = y + n.yellow_s
    elif regime == VSC:
        y = max(n.vsc_dev_s, y)
    elif regime == SAFETY_CAR:
        y = max(n.sc_dev_s, y)
    if p.cars_i[DONE, c] + 1 == now.lap:
        y = y + p.cars_f[EXTRA, c]
    y = _incident(p, now, c, y)
    # A tow, which gains time, wears nothing off and puts nothing back on.
    f[WORN, c] = f[WORN, c] + step(regime) * (ONE + n.wake_wear * max(ZERO, f[WAKE, c]))
    p.s[LAPS_ON, c] += 1
    f[AT_WHEEL, c] = f[AT_WHEEL, c] + n.base_lap_s + y
    f[LAP, c] = y
    hint = HINT_EVEN if now.lap % 2 == 0 else HINT_ODD
    told = f[hint, c]
    f[hint, c] = ZERO
    if p.trace.shape[0]:
        row = p.trace[now.lap, c]
        row[TR_PLAYED], row[TR_COMPOUND], row[TR_NEW] = ONE, f4(p.s[ON, c]), f4(p.s[ON, c])
        row[TR_AGE], row[TR_OUT], row[TR_REGIME] = f4(p.s[LAPS_ON, c]), f4(1 - p.s[RUNNING, c]), f4(regime)
    if not p.s[RUNNING, c] or now.remaining < HALF:
        return
    compound = decide(p, now, c, cost, gap, told)
    if compound >= 0:
        box(p, now, c, compound)
        if p.trace.shape[0]:
            row = p.trace[now.lap, c]
            row[TR_PITTED], row[TR_NEW], row[TR_LOSS] = ONE, f4(compound), f[LAP, c] - y


@register_jitable
def wet_gap(p: Path, now: Lap, c: int) -> f4:
    """What the car's tyres cost more on this wetness than the best ones would, s a lap."""
    here = wet_cost(p.tyres, p.s[ON, c], now.wetness)
    best = here
    for k in range(COMPOUNDS):
        best = min(best, wet_cost(p.tyres, k, now.wetness))
    return f4(here - best)


@register_jitable
def step(regime: int) -> f4:
    """Tyre wear and fuel of a lap, in green laps."""
    if regime == VSC:
        return HALF
    return f4(0.25) if regime == SAFETY_CAR else ONE


@register_jitable
def wear_cost(p: Path, c: int) -> f4:
    """Wear and cliff at the present age, s. The cliff begins with a bend: half a parabola between two straights."""
    worn = p.f[WORN, c]
    past = worn - p.f[CLIFF_AT, c]
    bend = min(TWO * BEND, max(ZERO, past + BEND))
    cliff = bend * bend * PER_BEND + (past - BEND if past > BEND else ZERO)
    return f4(worn * (p.f[LINEAR, c] + p.f[SQUARE, c] * worn) + p.f[STEEP, c] * cliff)


@register_jitable
def _pace(p: Path, now: Lap, c: int, worn_s: f4, noise: f4) -> f4:
    """Lap time against ``base_lap_s``: car, tyre, fuel, track, noise, damage, cold tyres. Burns the fuel."""
    f, burnt = p.f, step(p.w[NOW_REGIME])
    f[TANK, c] = f[TANK, c] - burnt if f[TANK, c] > burnt else ZERO
    y = f[LEVEL, c] + worn_s + p.n.fuel_s * f[TANK, c] + p.n.track_s * now.remaining + noise + f[HURT, c]
    return f4(y + p.tyres[p.s[ON, c], COLD] if p.s[LAPS_ON, c] == 0 else y)


@register_jitable
def _noise(p: Path, lap: int, c: int) -> f4:
    """Autocorrelated noise of the lap, and now and then a mistake, s. Runs whether or not the car does."""
    z = chance.normal(uniform(p.key, lap, c, chance.LAP))
    if lap == p.n.first_lap_played:
        p.f[FORM, c] = p.n.noise_s * z
    else:
        p.f[FORM, c] = p.n.noise_memory * p.f[FORM, c] + p.n.innovation_s * z
    u = uniform(p.key, lap, c, chance.MISTAKE)
    if u < p.n.mistake_hazard:
        return f4(p.f[FORM, c] - p.n.mistake_s * chance.log32(u * p.n.per_mistake))
    return f4(p.f[FORM, c])


@register_jitable
def _incident(p: Path, now: Lap, c: int, y: f4) -> f4:
    """Breakdowns and accidents. Returns the lap time with what they cost."""
    n, w = p.n, p.w
    u = uniform(p.key, now.lap, c, chance.EVENT)
    factor = ONE + n.wet * now.wetness
    if now.lap == 1:
        factor = factor + n.first_lap
    if w[IS_RELEASED]:
        factor = factor + n.restart
    q = position(p, c)
    if q > 0 and p.f[T, c] - p.f[T, p.order[q - 1]] < n.close_s:
        factor = factor + n.close
    if w[NOW_REGIME] in (VSC, SAFETY_CAR):
        factor = ZERO
    failed = u < p.cars_f[FAILURE, c]
    if not failed and u >= p.cars_f[FAILURE, c] + n.accident_hazard * factor:
        return y
    w[CALLED] = max(w[CALLED], incident_calls(n, uniform(p.key, now.lap, c, chance.SPARE), not failed))
    v = uniform(p.key, now.lap, c, chance.INCIDENT)
    if failed or v < n.out_p:
        p.s[RUNNING, c] = 0
        return f4(OUT_S - OUT_PER_LAP_S * f4(now.lap))
    p.f[HURT, c] = p.f[HURT, c] + n.damage_s
    if v < n.out_p + (ONE - n.out_p) * n.penalty_p:
        p.f[OWED, c] = p.f[OWED, c] + n.penalty_s
    return f4(y + n.lost_s)


@register_jitable
def _see_rejoin(p: Path, rejoin: Bytes, gap_s: Floats) -> None:
    q = position(p, p.own)
    rejoin[0] = q + 1
    if q > 0:
        rejoin[1] = p.order[q - 1] + 1
        gap_s[0] = p.f[T, p.own] - p.f[T, p.order[q - 1]]
    if q + 1 < p.order.shape[0] and p.s[RUNNING, p.order[q + 1]]:
        rejoin[2] = p.order[q + 1] + 1
        gap_s[1] = p.f[T, p.order[q + 1]] - p.f[T, p.own]


@register_jitable
def _classify(p: Path, place: Bytes) -> None:
    """Penalties and rules, then the order in each class."""
    for c in range(p.order.shape[0]):
        if p.s[RUNNING, c]:
            p.f[T, c] = p.f[T, c] + p.f[OWED, c]
            if must_stop(p.n, p.s[HAD, c], p.s[STOPPED, c]):
                p.f[T, c] = p.f[T, c] + DISQUALIFIED_S
    sort(p)
    for q in range(p.order.shape[0]):
        before = 0
        for c in p.order[:q]:
            before += p.cars_i[KLASS, c] == p.cars_i[KLASS, p.order[q]]
        place[p.order[q]] = before + 1


def traced(race: Race, seed: int, path: int) -> list[TraceLap]:
    """Every lap of one possible race in which all cars follow the policy, lap by lap."""
    packed = pack(race)
    grid, now = race.grid, int(packed.n.now)
    trace = np.zeros((race.circuit.total_laps + 1, len(grid.cars), TRACE_COLUMNS), np.float32)
    nobody = (np.zeros(len(grid.cars), np.uint8), np.zeros(3, np.uint8), np.zeros(2, np.float32))
    play(packed, (-1, 0, 0), seed, path, *nobody, trace)
    leading = [t for t, done, on in zip(grid.time_s, grid.laps_done, grid.racing, strict=True) if on and done == now]
    out = []
    for lap, c in zip(*(index.tolist() for index in np.nonzero(trace[:, :, TR_PLAYED])), strict=True):
        row = trace[lap, c].tolist()
        out.append(
            TraceLap(
                lap=lap,
                car=c,
                time_s=min(leading) + race.circuit.base_lap_s * (lap - now) + row[TR_TIME],
                compound=int(row[TR_COMPOUND]),
                tyre_age=int(row[TR_AGE]),
                pitted=bool(row[TR_PITTED]),
                pit_loss_s=row[TR_LOSS],
                new_compound=int(row[TR_NEW]),
                retired=bool(row[TR_OUT]),
                regime=int(row[TR_REGIME]),
            )
        )
    return out


@njit(cache=True, nogil=True)
def play_compiled(
    packed: Packed, calls: Ints, own: int, seed: np.uint64, first_path: int, place: Bytes, rejoin: Bytes, gap_s: Floats
) -> None:
    """``play`` for every path and call: the naive kernel.

    ``calls`` as for the kernel, ``place`` [path, call, car], ``rejoin`` and ``gap_s`` as in Outcome.
    """
    trace = np.zeros((0, 0, 0), np.float32)
    for i in range(place.shape[0]):
        for k in range(place.shape[1]):
            call = (own, calls[k, 0], calls[k, 1])
            play(packed, call, seed, first_path + i, place[i, k], rejoin[i, k], gap_s[i, k], trace)
