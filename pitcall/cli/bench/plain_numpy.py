"""The dry race model in plain NumPy: what people write first, and what the kernel is measured against.

It reads the same ``Packed`` race as kernel and twin and follows ``pitcall.sim.twin`` rule by rule, on whole
arrays [race, car]: autocorrelated noise and mistakes, posterior draws, wear and cliff, fuel, track
evolution, yellow, VSC and safety car with what calls them, failures and accidents, the stop hazard,
compound choice, stop times, dirty air of three cars, duels, the two-compound rule, the asking car's call.

It leaves out, so it does less and its time is a lower bound: wetness, red flags (they count as safety
cars), classes, refuelling, driver changes, the clock; damage and penalties; blue flags, lapped cars that
queue or unlap; what the other cars do to a stop (pressed, undercut, cover, team-mate, places at the
rejoin, the field's stops), double stacking, sets left. Every race draws its own numbers: none are shared by calls.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from pitcall.sim import model as m
from pitcall.sim.model import Floats, Numbers, Packed
from pitcall.sim.race import COMPOUNDS, GREEN, SAFETY_CAR, VSC, YELLOW

Bools = npt.NDArray[np.bool_]
Whole = npt.NDArray[np.int64]
_f4 = np.float32
_NOBODY_S: Final = _f4(-1e9)
_TINY: Final = _f4(1e-30)


@dataclass
class _Field:
    """Every car of every race, [race, car], and what a race has in common, [race]."""

    t: Floats  #: at its last line
    order: Whole  #: car by position
    running: Bools
    pace: Floats
    wear: Floats
    cliff: Floats  #: standard normal
    on: Whole  #: compound
    worn: Floats
    new: Bools  #: on its first lap on the set
    tank: Floats
    form: Floats
    had: Whole  #: set of compounds
    stops: Whole
    wake: Floats
    open: Bools  #: [race] the asking car's call is still to come
    regime: Whole
    left: Whole
    called: Whole
    fresh: Bools
    released: Bools


def play(packed: Packed, own: int, call: tuple[int, int], races: int, seed: int) -> npt.NDArray[np.int64]:
    """[race, car] finishing positions of ``races`` races in which car ``own`` follows ``call``, (lap, compound)."""
    n = packed.n
    rng = np.random.Generator(np.random.SFC64(seed))
    field = _start(packed, own, races, rng)
    for lap in range(int(n.first_lap_played), int(n.total_laps) + 1):
        _regimes(n, field, rng)
        y = _pace(packed, field, lap, rng)
        y = _incidents(packed, field, lap, y, rng)
        y = _stops(packed, field, own, call, lap, y, rng)
        _together(n, field, lap, y, rng)
    breaks_rule = field.running & (n.finish[field.had] == 0)
    final = np.argsort(np.where(breaks_rule, field.t + m.DISQUALIFIED_S, field.t), axis=1, kind="stable")
    place = np.empty_like(final)
    np.put_along_axis(place, final, np.broadcast_to(np.arange(1, final.shape[1] + 1), final.shape), axis=1)
    return place


def _start(packed: Packed, own: int, races: int, rng: np.random.Generator) -> _Field:
    f, i = packed.cars_f, packed.cars_i
    shape = (races, f.shape[1])
    z1, z2, z3 = (rng.standard_normal(shape, np.float32) for _ in range(3))
    t = np.broadcast_to(f[m.TIME], shape).copy()

    def each(row: npt.NDArray[np.int32]) -> Whole:
        return np.broadcast_to(row.astype(np.int64), shape).copy()

    return _Field(
        t=t,
        order=np.argsort(t, axis=1, kind="stable"),
        running=each(i[m.RACING]) == 1,
        pace=f[m.PACE] + f[m.PACE_SD] * z1,
        wear=np.maximum(m.SMALLEST_WEAR, f[m.WEAR] + f[m.WEAR_Z1] * z1 + f[m.WEAR_Z2] * z2),
        cliff=z3,
        on=each(i[m.COMPOUND]),
        worn=each(i[m.AGE]).astype(np.float32),
        new=each(i[m.AGE]) == 0,
        tank=np.broadcast_to(f[m.FUEL], shape).copy(),
        form=packed.n.noise_s * rng.standard_normal(shape, np.float32),
        had=each(i[m.USED]),
        stops=each(i[m.STOPS]),
        wake=np.zeros(shape, np.float32),
        open=np.full(races, own >= 0),
        regime=np.full(races, int(packed.n.regime)),
        left=np.zeros(races, np.int64),
        called=np.zeros(races, np.int64),
        fresh=np.zeros(races, bool),
        released=np.zeros(races, bool),
    )


def _regimes(n: Numbers, field: _Field, rng: np.random.Generator) -> None:
    races = len(field.regime)
    u, to_sc_u, length_u = (rng.random(races, np.float32) for _ in range(3))
    called = np.minimum(field.called, SAFETY_CAR)
    was_sc = field.regime == SAFETY_CAR
    neutral = was_sc | (field.regime == VSC)
    left = np.where(was_sc & (called == SAFETY_CAR), np.maximum(field.left - 1, 2), field.left - 1)
    to_sc = (field.regime == VSC) & ((called == SAFETY_CAR) | (to_sc_u < n.vsc_to_sc))
    goes_on = neutral & ~to_sc & (left > 0)
    shown = np.select([u < n.sc_below, u < n.vsc_below, u < n.yellow_below], [SAFETY_CAR, VSC, YELLOW], GREEN)
    worst = np.maximum(called, shown)
    field.regime = np.where(to_sc, SAFETY_CAR, np.where(goes_on, field.regime, worst))
    field.fresh = to_sc | (~goes_on & (worst >= VSC))
    lengths = (np.searchsorted(n[name][:7], length_u, side="right") + 1 for name in ("sc_laps", "vsc_laps"))
    sc, vsc = lengths
    field.left = np.where(field.fresh, np.where(field.regime == SAFETY_CAR, sc, vsc), np.where(goes_on, left, 0))
    field.released = was_sc & ~goes_on
    field.called = np.zeros(races, np.int64)


def _pace(packed: Packed, field: _Field, lap: int, rng: np.random.Generator) -> Floats:
    """Lap times against ``base_lap_s`` with nobody near; ages tyres and burns fuel."""
    n, tyres, shape = packed.n, packed.tyres, field.t.shape
    regime = field.regime[:, None]
    step = np.where(regime == SAFETY_CAR, _f4(0.25), np.where(regime == VSC, m.HALF, m.ONE))
    field.tank = np.maximum(m.ZERO, field.tank - step)
    if lap > n.first_lap_played:
        field.form = n.noise_memory * field.form + n.innovation_s * rng.standard_normal(shape, np.float32)
    y = field.pace + tyres[field.on, m.OFFSET] + _wear_cost(packed, field)
    y = y + n.fuel_s * field.tank + n.track_s * _f4(n.total_laps - lap) + field.form
    y = np.where(field.new, y + tyres[field.on, m.COLD], y)
    mistakes = np.nonzero(rng.random(shape, np.float32) < n.mistake_hazard)
    y[mistakes] += n.mistake_s * rng.standard_exponential(len(mistakes[0]), np.float32)
    y = np.where(regime == YELLOW, y + n.yellow_s, y)
    y = np.where(regime == VSC, np.maximum(n.vsc_dev_s, y), y)
    y = np.where(regime == SAFETY_CAR, np.maximum((n.sc_dev_s - n.catch_up_s), y), y)
    if lap == n.now + 1:
        y = y + packed.cars_f[m.EXTRA]
    field.worn = field.worn + step * (m.ONE + n.wake_wear * field.wake)
    field.new[:] = False
    driven: Floats = y.astype(np.float32)
    return driven


def _wear_cost(packed: Packed, field: _Field) -> Floats:
    tyres, on, worn = packed.tyres, field.on, field.worn
    starts = tyres[on, m.LIFE] * np.maximum(m.SMALLEST_CLIFF, m.ONE + tyres[on, m.CLIFF_SD] * field.cliff)
    past = worn - starts
    bend = np.clip(past + m.BEND, m.ZERO, m.TWO * m.BEND)
    cliff = bend * bend * m.PER_BEND + np.maximum(m.ZERO, past - m.BEND)
    cost: Floats = field.wear * (
        worn * (tyres[on, m.WEAR_S] + tyres[on, m.WEAR2_S] * worn) + tyres[on, m.CLIFF] * cliff
    )
    return cost


def _incidents(packed: Packed, field: _Field, lap: int, y: Floats, rng: np.random.Generator) -> Floats:
    n, u = packed.n, rng.random(field.t.shape, np.float32)
    ordered = np.take_along_axis(field.t, field.order, axis=1)
    near = np.zeros(field.t.shape, bool)
    np.put_along_axis(near, field.order[:, 1:], np.diff(ordered, axis=1) < n.close_s, axis=1)
    factor = m.ONE + n.close * near + n.restart * field.released[:, None] + (n.first_lap if lap == 1 else m.ZERO)
    factor = np.where((field.regime[:, None] == VSC) | (field.regime[:, None] == SAFETY_CAR), m.ZERO, factor)
    failure = packed.cars_f[m.FAILURE]
    race, car = np.nonzero(field.running & (u < failure + n.accident_hazard * factor))
    failed = u[race, car] < failure[car]
    v = rng.random(len(race), np.float32)[:, None]
    asked = 4 - (v >= np.where(failed[:, None], n.after_failure, n.after_accident)).sum(axis=1)
    np.maximum.at(field.called, race, asked)
    out = failed | (rng.random(len(race), np.float32) < n.out_p)
    y[race[~out], car[~out]] += n.lost_s
    y[race[out], car[out]] = m.OUT_S - m.OUT_PER_LAP_S * _f4(lap)
    field.running[race[out], car[out]] = False
    driven: Floats = np.where(field.running | (y > m.DISQUALIFIED_S), y, m.STILL_S).astype(np.float32)
    return driven


def _stops(
    packed: Packed, field: _Field, own: int, call: tuple[int, int], lap: int, y: Floats, rng: np.random.Generator
) -> Floats:
    n, remaining = packed.n, int(packed.n.total_laps) - lap
    if remaining < 1:
        return y
    neutral = (field.regime == VSC) | (field.regime == SAFETY_CAR)
    must = n.finish[field.had] == 0
    stop = (
        rng.random(field.t.shape, np.float32) * (m.ONE + np.exp(-_logit(packed, field, must, neutral, remaining))) < 1
    )
    stop |= must & (remaining <= 1)
    chosen = np.full(field.t.shape, -1)
    if own >= 0:
        early = (
            field.fresh
            & (lap > n.now + 1)
            & (field.worn[:, own] >= n.young_laps)
            & (call[0] - lap <= m.EARLY_STOP_LAPS)
        )
        takes = field.open & ((lap == call[0]) | early) & (call[0] > 0)
        stop[:, own] = np.where(field.open, takes, stop[:, own])
        chosen[takes, own] = call[1]
        field.open &= ~takes
    race, car = np.nonzero(stop & field.running & (y < m.DISQUALIFIED_S))
    compound = _compounds(packed, field, race, car, remaining, rng)
    compound = np.where(chosen[race, car] >= 0, chosen[race, car], compound)
    road = np.where(
        field.regime == VSC, n.loss_vsc_s, np.where(field.regime == SAFETY_CAR, n.loss_sc_s, n.loss_green_s)
    )
    odds = rng.random(len(race), np.float32)
    crew = n.scale_s * ((odds + _f4(1e-7)) / (m.ONE - odds)) ** n.per_shape
    botched = rng.random(len(race), np.float32) < n.botch_p
    crew = np.where(botched, crew + n.botch_s * rng.standard_exponential(len(race), np.float32), crew)
    y[race, car] += road[race] + n.station_s + np.minimum(crew, m.LONGEST_EXTRA_S)
    field.on[race, car] = compound
    field.had[race, car] |= 1 << compound
    field.stops[race, car] += 1
    field.worn[race, car] = m.ZERO
    field.new[race, car] = True
    return y


def _logit(packed: Packed, field: _Field, must: Bools, neutral: Bools, remaining: int) -> Floats:
    n, b, tyres = packed.n, packed.n.stop, packed.tyres
    used, rest = field.worn * tyres[field.on, m.PER_LIFE], _f4(remaining)
    z = b[m.BIAS] + b[m.LIFE_USED] * used + b[m.BEYOND_LIFE] * np.maximum(m.ZERO, used - m.ONE)
    z = z + b[m.RACE_LEFT] * (rest * n.per_total)
    z = z + b[m.WEAR_COST] * np.minimum(m.MOST_WEAR_S, _wear_cost(packed, field))
    closing = b[m.RULE_CLOSING] * max(0.0, 1.0 - remaining / float(m.CLOSING_LAPS))
    last = b[m.LAST_LAPS] * max(0.0, 1.0 - remaining * float(n.per_last))
    lasts = b[m.LASTS] * (field.worn + rest <= tyres[field.on, m.LIFE])
    z = z + np.where(must, b[m.RULE_OPEN] + closing, lasts + last)
    fresh = (field.fresh & neutral)[:, None] & (field.worn >= n.young_laps)
    sc = field.regime == SAFETY_CAR
    shown = np.where(sc, b[m.SC], b[m.IN_VSC]) * neutral
    new = np.where(sc, b[m.NEW_SC], b[m.NEW_VSC])
    logit: Floats = (z + shown[:, None] + new[:, None] * fresh).astype(np.float32)
    return logit


def _compounds(
    packed: Packed, field: _Field, race: Whole, car: Whole, remaining: int, rng: np.random.Generator
) -> Whole:
    """A draw from the softmax of minus the cost to the flag, among what the rules allow."""
    n, plan = packed.n, packed.plans[remaining]
    kinds = 1 << np.arange(COMPOUNDS)
    may = np.broadcast_to((n.legal & kinds) > 0, (len(race), COMPOUNDS))
    had = field.had[race, car]
    closes = may & (n.finish[had[:, None] | kinds] != 0) & (n.finish[had] == 0)[:, None]
    may = np.where(closes.any(axis=1)[:, None], closes, may)
    cost = plan[:COMPOUNDS] + field.wear[race, car][:, None] * plan[COMPOUNDS:]
    gumbel = -np.log(np.maximum(rng.standard_exponential(cost.shape, np.float32), _TINY))
    score = np.where(may, gumbel / n.per_compound - cost, -np.inf)
    chosen: Whole = score.argmax(axis=1)
    return chosen


def _together(n: Numbers, field: _Field, lap: int, y: Floats, rng: np.random.Generator) -> None:
    """From laps with nobody near to times at the line and the new order."""
    start = np.take_along_axis(field.t, field.order, axis=1)
    x = np.take_along_axis(y, field.order, axis=1)
    sc, vsc = field.regime == SAFETY_CAR, field.regime == VSC
    slow_at = np.where(sc, n.sc_dev_s, np.where(vsc, n.vsc_dev_s, m.ZERO)) + m.SLOW_S
    x[:, 0] = np.where(sc & (x[:, 0] != m.STILL_S), np.maximum(x[:, 0], n.sc_dev_s), x[:, 0])
    steady = (x != m.STILL_S) & (x <= slow_at[:, None])
    wake = np.zeros_like(x)
    for k, lost_s in ((1, n.dirty1_s), (2, n.dirty2_s), (3, n.dirty3_s)):
        gap = start[:, k:] - start[:, :-k]
        wake[:, k:] += lost_s * np.maximum(m.ZERO, m.ONE - gap * n.per_dirty_gap)
    wake = np.where(steady & ~(sc | vsc)[:, None], wake, m.ZERO)
    wake[:, 0] = m.ZERO
    np.put_along_axis(field.wake, field.order, wake, axis=1)
    x = x + wake
    slow = (x == m.STILL_S) | (x > slow_at[:, None])
    t, order = _duels(n, field, lap, start, x, slow, rng)
    by_time = np.argsort(t, axis=1, kind="stable")
    field.order = np.take_along_axis(order, by_time, axis=1)
    np.put_along_axis(field.t, field.order, np.take_along_axis(t, by_time, axis=1), axis=1)


def _duels(
    n: Numbers, field: _Field, lap: int, start: Floats, x: Floats, slow: Bools, rng: np.random.Generator
) -> tuple[Floats, Whole]:
    """Times and cars by position, as far as duels settle them."""
    z0 = np.where(field.regime == GREEN, n.pass_intercept + n.restart_pass * field.released, _NOBODY_S)
    aid = np.where(field.released | (lap <= 2), m.ZERO, n.pass_aid)  # no aid on the first two laps
    hold = np.where(field.regime == SAFETY_CAR, n.queue_gap_s, n.hold_gap_s).astype(np.float32)
    u = rng.random(x.shape, np.float32)
    threshold = np.log((u + _f4(1e-7)) / (m.ONE - u))
    x = np.where(x == m.STILL_S, m.ZERO, x)
    on = np.take_along_axis(field.on, field.order, axis=1)
    t, order = np.empty_like(x), np.empty_like(field.order)
    held, held_x, held_on, held_slow = field.order[:, 0], x[:, 0], on[:, 0], slow[:, 0]
    held_t, floor = start[:, 0] + x[:, 0], np.full(len(x), _NOBODY_S)
    for q in range(1, x.shape[1]):
        mine = start[:, q] + x[:, q]
        z = z0 + (held_x - x[:, q]) * n.pass_per_s + n.pass_bite * (held_on - on[:, q])
        z = z + np.where(start[:, q] - start[:, q - 1] < n.aid_gap_s, aid, m.ZERO)
        free = slow[:, q] | held_slow
        passes = (mine < held_t) & (free | (threshold[:, q] < z))
        passing = np.where(slow[:, q], mine, np.maximum(mine, floor + hold))
        pushed = np.maximum(held_t, passing + hold + n.duel_s)
        behind = np.where(free, mine, np.maximum(mine, held_t + hold))
        t[:, q - 1] = np.where(passes, passing, held_t)
        order[:, q - 1] = np.where(passes, field.order[:, q], held)
        floor = np.where(np.where(passes, slow[:, q], held_slow), floor, t[:, q - 1])
        held_t = np.where(passes, np.where(free, held_t, pushed), behind)
        held = np.where(passes, held, field.order[:, q])
        held_x = np.where(passes, held_x, x[:, q])
        held_on = np.where(passes, held_on, on[:, q])
        held_slow = np.where(passes, held_slow, slow[:, q])
    t[:, -1], order[:, -1] = held_t, held
    return t, order
