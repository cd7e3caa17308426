"""A block of 32 paths: where its numbers lie, how it starts, and the random tables that all calls share.

State is a struct of arrays, one row of 32 lanes per car and quantity. ``car_row(WORN, c)`` is the offset
of lane 0 of car ``c``; add a lane to reach one race. Rows by position (``T`` and ``ORDER`` first of all)
are kept nearly sorted from lap to lap. Units: seconds and laps, times as in ``pitcall.sim.model``.
"""

# The fields of a record have no types.
# mypy: disable-error-code=no-any-return

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from pitcall.sim import chance
from pitcall.sim.model import (
    AGE,
    BEHIND_FIELD,
    CLIFF,
    CLIFF_SD,
    COLD,
    COMPOUND,
    DAMAGE,
    DONE,
    FUEL,
    HALF,
    LIFE,
    MOST_PLACES,
    OFFSET,
    ONE,
    OUT_PER_LAP_S,
    OUT_S,
    PACE,
    PACE_SD,
    PENALTY,
    PER_LIFE,
    RACING,
    SETS,
    SLOW_S,
    SMALLEST_CLIFF,
    SMALLEST_WEAR,
    STILL_S,
    STINT,
    STOPS,
    TIME,
    USED,
    WEAR,
    WEAR2_S,
    WEAR_S,
    WEAR_Z1,
    WEAR_Z2,
    ZERO,
    Floats,
    Ints,
    Numbers,
    f4,
)
from pitcall.sim.race import GREEN, RED, SAFETY_CAR, VSC, YELLOW
from pitcall.sim.rare import must_stop, neutral_logit, next_weather, uniform
from pitcall.sim.simd import LANES, bits, ctz, inlined, load, splat, store, vmax

W: Final = LANES
#: All lanes, as a set of bits.
ALL: Final = (1 << W) - 1

# ``f`` begins with a block of rows for each car: what its lap needs lies together;
(LEVEL, LINEAR, SQUARE, STEEP, CLIFF_AT, WORN, TANK, HURT, CHILL, HINT_EVEN, HINT_ODD, LIFE_NOW, PER_LIFE_NOW,
 FEWER_Z, STOP_Z, OWED, AT_WHEEL, PACE_NOW, WEAR_NOW, CLIFF_NOW, STOOD) = range(21)  # fmt: skip
OWN_ROWS: Final = 21
# then one row a car, all cars together: its lap, and the wake in which it drove the lap before;
LAP, WAKE = range(21, 23)
# one a position: the lap being resolved, what of it is dirty air, what closing up gains, time at the last line;
LAP_AT, WAKE_AT, GAIN_AT, T = range(23, 27)
CAR_ROWS: Final = 27
# then, as if more cars followed, times of nobody, so that who looks at the next ``MOST_PLACES`` cars need not ask
# whether there are any;
BEHIND_ALL: Final = MOST_PLACES
# then one row each for all cars of a race: what rules; the field's stops; what all cars' odds of a stop share.
(LEAST, STEP, SLOW_AT, HOLD, GREEN_AIR, SC_NOW, SHOWN_Z, SHOWN_NEW_Z, YELLOW_NOW, PASS_Z, AID, REMAINING,
 WETNESS) = range(BEHIND_ALL, BEHIND_ALL + 13)  # fmt: skip
CARS_ON, MADE, JUST_MADE, OF_LATE, CROWD_Z, RACE_Z, CLOSING_Z, LAST_Z = range(BEHIND_ALL + 13, BEHIND_ALL + 21)
LANE_ROWS: Final = BEHIND_ALL + 21
# The same for the counts ``s``: by car; by position; one each.
RUNNING, ON, HAD, LEFT, STOPPED, PIT_LAP, MUST = range(7)
ORDER: Final = 7
COUNT_ROWS: Final = 8
REGIME, REGIME_LEFT, IS_FRESH, IS_RELEASED, CALLED, OPEN_CALL, OWN_STOPPED, LO, HI = range(9)
LANE_COUNTS: Final = 9
# Tables [lap, car, lane]; behind them [lap, lane] wetness, then [stop, car, lane] time of the crew.
NOISE, STOP_AT, PASS_AT = range(3)
#: Stops of a car for which the crew's time is drawn with the tables; further ones are drawn when they happen.
CREWS: Final = 4
#: Earlier than any car, and later.
NOBODY_S: Final = f4(-1e9)
NOBODY_BEHIND_S: Final = f4(np.inf)


class Block(NamedTuple):
    """A race and 32 paths of it. The arrays are borrowed: counted ones in a tuple cost half of the kernel's speed."""

    n: Numbers
    tyres: Floats
    plans: Floats
    cars_f: Floats
    cars_i: Ints
    f: Floats  #: state, rows above
    s: Ints  #: counts, rows above
    tables: Floats
    flags: npt.NDArray[np.int64]  #: sets of lanes: [lap, car] incident possible; [lap] caution; [car] may, will box
    own: int  #: asking car, -1: nobody asks
    cars: int
    laps: int  #: that are still played


def scratch_sizes(cars: int, laps: int) -> tuple[int, int, int, int]:
    """Elements of ``f``, ``s`` (both twice: now and at the start), ``tables`` and ``flags``."""
    return (
        2 * (CAR_ROWS * cars + LANE_ROWS) * W,
        2 * (COUNT_ROWS * cars + LANE_COUNTS) * W,
        ((3 * cars + 1) * laps + CREWS * cars) * W,
        (cars + 1) * laps + (2 + W) * cars,
    )


@inlined
def _forward(offset: int) -> int:
    """The same offset, and the compiler knows that it is not negative.

    Else every access of a single number asks whether to count from the end of the array, which cost a tenth of the
    kernel's time.
    """
    return offset & 0x7FFFFFFF


@inlined
def row(b: Block, quantity: int, c: int) -> int:
    """Offset of a row per car or position, in ``s`` or, from ``LAP`` on, in ``f``."""
    return _forward((quantity * b.cars + c) * W)


@inlined
def car_row(quantity: int, c: int) -> int:
    """Offset in ``f`` of a row of one car's own block."""
    return _forward((c * OWN_ROWS + quantity) * W)


@inlined
def lane_f(b: Block, quantity: int) -> int:
    """Offset in ``f`` of a row that all cars share."""
    return _forward((CAR_ROWS * b.cars + quantity) * W)


@inlined
def lane_s(b: Block, quantity: int) -> int:
    """Offset in ``s`` of a row that all cars share."""
    return _forward((COUNT_ROWS * b.cars + quantity) * W)


@inlined
def entry(b: Block, table: int, lap: int, c: int) -> int:
    """Offset in ``tables``."""
    return _forward(((table * b.laps + lap - b.n.first_lap_played) * b.cars + c) * W)


@inlined
def wetness_at(b: Block, lap: int) -> int:
    """Offset in ``tables`` of the wetness."""
    return _forward((3 * b.laps * b.cars + lap - b.n.first_lap_played) * W)


@inlined
def crew_at(b: Block, stop: int, c: int) -> int:
    """Offset in ``tables`` of the crew's time at the car's ``stop``-th stop from now."""
    return _forward(((3 * b.cars + 1) * b.laps + stop * b.cars + c) * W)


@inlined
def may_box(b: Block, c: int) -> int:
    """Index in ``flags`` of the lanes in which the car may box at the end of this lap, if the policy says so."""
    return (b.cars + 1) * b.laps + c


@inlined
def will_box(b: Block, c: int) -> int:
    """Index in ``flags`` of the lanes in which the car boxes, whatever the policy says."""
    return (b.cars + 1) * b.laps + b.cars + c


@inlined
def boxes_at(b: Block, i: int) -> int:
    """Index in ``flags`` of the ``i``-th stop of this lap: lane, and above it in 8 bits each car and position."""
    return _forward((b.cars + 1) * b.laps + 2 * b.cars + i)


@inlined
def key(b: Block, w: int) -> tuple[int, int]:
    """The path key of a lane."""
    return b.s[lane_s(b, LO) + w], b.s[lane_s(b, HI) + w]


@inlined
def position(b: Block, c: int, w: int) -> int:
    """Where car ``c`` runs, from 0."""
    at, q = row(b, ORDER, 0) + w, 0
    while b.s[at] != c:
        at += W
        q += 1
    return q


@inlined
def fit(b: Block, c: int, w: int, compound: int) -> None:
    """A fresh set on one car."""
    f, wear = b.f, b.f[car_row(WEAR_NOW, c) + w]
    b.s[row(b, ON, c) + w] = compound
    f[car_row(LEVEL, c) + w] = f[car_row(PACE_NOW, c) + w] + b.tyres[compound, OFFSET]
    f[car_row(LINEAR, c) + w] = wear * b.tyres[compound, WEAR_S]
    f[car_row(SQUARE, c) + w] = wear * b.tyres[compound, WEAR2_S]
    f[car_row(STEEP, c) + w] = wear * b.tyres[compound, CLIFF]
    factor = ONE + b.tyres[compound, CLIFF_SD] * f[car_row(CLIFF_NOW, c) + w]
    f[car_row(CLIFF_AT, c) + w] = b.tyres[compound, LIFE] * (max(SMALLEST_CLIFF, factor))
    f[car_row(WORN, c) + w] = ZERO
    f[car_row(CHILL, c) + w] = b.tyres[compound, COLD]
    f[car_row(LIFE_NOW, c) + w] = b.tyres[compound, LIFE]
    f[car_row(PER_LIFE_NOW, c) + w] = b.tyres[compound, PER_LIFE]


@inlined
def start(b: Block, seed: np.uint64, first_path: int) -> None:
    """Who each car really is on each path, and the running order, which no path changes."""
    b.f[:] = ZERO
    b.s[:] = 0
    for w in range(W):
        b.s[lane_s(b, LO) + w], b.s[lane_s(b, HI) + w] = chance.path_key(seed, first_path + w)
        show(b, w, GREEN, 0, False, False)
    lo, hi = load(b.s, lane_s(b, LO)), load(b.s, lane_s(b, HI))
    for c in range(b.cars):
        z1 = chance.vnormal(chance.vuniform(lo, hi, chance.counter(0, c, chance.PACE)))
        z2 = chance.vnormal(chance.vuniform(lo, hi, chance.counter(0, c, chance.WEAR)))
        z3 = chance.vnormal(chance.vuniform(lo, hi, chance.counter(0, c, chance.CLIFF)))
        store(b.f, car_row(PACE_NOW, c), z1 * b.cars_f[PACE_SD, c] + b.cars_f[PACE, c])
        wear = z1 * b.cars_f[WEAR_Z1, c] + b.cars_f[WEAR, c] + z2 * b.cars_f[WEAR_Z2, c]
        store(b.f, car_row(WEAR_NOW, c), vmax(wear, SMALLEST_WEAR))
        store(b.f, car_row(CLIFF_NOW, c), z3)
        for w in range(W):
            _start_car(b, c, w)
    racing, made = 0, 0
    for c in range(b.cars):
        if b.cars_i[RACING, c]:
            racing += 1
            made += b.cars_i[STOPS, c]
    store(b.f, lane_f(b, CARS_ON), splat(f4(racing)))
    store(b.f, lane_f(b, MADE), splat(f4(made)))
    store(b.f, lane_f(b, OF_LATE), splat(b.n.stops_lately))
    for q in range(b.cars, b.cars + BEHIND_ALL):
        store(b.f, row(b, T, q), splat(NOBODY_BEHIND_S))
    _line_up(b)


@inlined
def _start_car(b: Block, c: int, w: int) -> None:
    fit(b, c, w, b.cars_i[COMPOUND, c])
    b.f[car_row(WORN, c) + w] = f4(b.cars_i[AGE, c])
    if b.cars_i[AGE, c] > 0:
        b.f[car_row(CHILL, c) + w] = ZERO
    b.f[car_row(TANK, c) + w], b.f[car_row(HURT, c) + w] = b.cars_f[FUEL, c], b.cars_f[DAMAGE, c]
    b.f[car_row(OWED, c) + w], b.f[car_row(AT_WHEEL, c) + w] = b.cars_f[PENALTY, c], b.cars_f[STINT, c]
    b.s[row(b, RUNNING, c) + w], b.s[row(b, HAD, c) + w] = b.cars_i[RACING, c], b.cars_i[USED, c]
    b.s[row(b, LEFT, c) + w], b.s[row(b, STOPPED, c) + w] = b.cars_i[SETS, c], b.cars_i[STOPS, c]
    b.s[row(b, MUST, c) + w] = must_stop(b.n, b.cars_i[USED, c], b.cars_i[STOPS, c])
    b.f[car_row(FEWER_Z, c) + w] = -b.n.stop[BEHIND_FIELD] * f4(b.cars_i[STOPS, c])


@inlined
def _line_up(b: Block) -> None:
    """Insertion sort by time, the same in every lane."""
    for c in range(b.cars):
        t = b.cars_f[TIME, c] if b.cars_i[RACING, c] else OUT_S - OUT_PER_LAP_S * f4(b.cars_i[DONE, c])
        q = c
        while q > 0 and b.f[row(b, T, q - 1)] > t:
            for w in range(W):
                b.f[row(b, T, q) + w] = b.f[row(b, T, q - 1) + w]
                b.s[row(b, ORDER, q) + w] = b.s[row(b, ORDER, q - 1) + w]
            q -= 1
        for w in range(W):
            b.f[row(b, T, q) + w], b.s[row(b, ORDER, q) + w] = t, c


@inlined
def draw(b: Block) -> None:
    """Fill ``tables`` and ``flags``."""
    for c in range(b.cars):
        _draw_laps(b, c)
    lo, hi = load(b.s, lane_s(b, LO)), load(b.s, lane_s(b, HI))
    for i in range(b.laps):
        u = chance.vuniform(lo, hi, chance.counter(b.n.first_lap_played + i, 0, chance.CAUTION))
        b.flags[b.laps * b.cars + i] = bits(u < b.n.yellow_below)
    for stop in range(CREWS):
        for c in range(b.cars):
            u = chance.vuniform(lo, hi, chance.counter(b.cars_i[STOPS, c] + stop, c, chance.STATION))
            store(b.tables, crew_at(b, stop, c), chance.vexp32(chance.vlogistic(u) * b.n.per_shape) * b.n.scale_s)
    if b.n.wet_race:
        for w in range(W):
            _draw_weather(b, w)


@inlined
def _draw_laps(b: Block, c: int) -> None:
    """Noise, thresholds and possible incidents of one car."""
    n = b.n
    lo, hi = load(b.s, lane_s(b, LO)), load(b.s, lane_s(b, HI))
    form = splat(ZERO)
    for i in range(b.laps):
        lap = n.first_lap_played + i
        z = chance.vnormal(chance.vuniform(lo, hi, chance.counter(lap, c, chance.LAP)))
        form = z * n.noise_s if i == 0 else form * n.noise_memory + z * n.innovation_s
        store(b.tables, entry(b, NOISE, lap, c), form)
        if n.mistake_hazard > ZERO:
            u = chance.vuniform(lo, hi, chance.counter(lap, c, chance.MISTAKE))
            mistakes = bits(u < n.mistake_hazard)
            while mistakes:
                w = ctz(mistakes)
                mistakes &= mistakes - 1
                path = key(b, w)
                v, at = uniform(path, lap, c, chance.MISTAKE), entry(b, NOISE, lap, c) + w
                b.tables[at] = b.tables[at] - n.mistake_s * chance.log32(v * n.per_mistake)
        u = chance.vuniform(lo, hi, chance.counter(lap, c, chance.STOP))
        store(b.tables, entry(b, STOP_AT, lap, c), chance.vlogistic(u))
        u = chance.vuniform(lo, hi, chance.counter(lap, c, chance.PASS))
        store(b.tables, entry(b, PASS_AT, lap, c), chance.vlogistic(u))
        u = chance.vuniform(lo, hi, chance.counter(lap, c, chance.EVENT))
        b.flags[i * b.cars + c] = bits(u < (n.event_most_first if lap == 1 else n.event_most))


@inlined
def _draw_weather(b: Block, w: int) -> None:
    path = key(b, w)
    wetness, strength = b.n.wetness, ONE if b.n.raining else ZERO
    for i in range(b.laps):
        lap = b.n.first_lap_played + i
        if lap > b.n.now:
            wetness, strength = next_weather(b.n, path, lap, wetness, strength)
        b.tables[wetness_at(b, lap) + w] = wetness


@inlined
def show(b: Block, w: int, regime: int, left: int, fresh: bool, released: bool) -> None:
    """What lane ``w`` drives under from now on."""
    n, f, s = b.n, b.f, b.s
    s[lane_s(b, REGIME) + w], s[lane_s(b, REGIME_LEFT) + w] = regime, left
    s[lane_s(b, IS_FRESH) + w], s[lane_s(b, IS_RELEASED) + w] = fresh, released
    neutral = regime in (VSC, SAFETY_CAR)
    slower = n.sc_dev_s if regime == SAFETY_CAR else n.vsc_dev_s
    f[lane_f(b, LEAST) + w] = slower if neutral else STILL_S
    f[lane_f(b, STEP) + w] = ONE if not neutral else f4(0.25) if regime == SAFETY_CAR else HALF
    f[lane_f(b, SLOW_AT) + w] = slower + SLOW_S if neutral else SLOW_S
    f[lane_f(b, HOLD) + w] = n.queue_gap_s if regime == SAFETY_CAR else n.hold_gap_s
    f[lane_f(b, GREEN_AIR) + w] = ZERO if neutral else ONE
    f[lane_f(b, SC_NOW) + w] = ONE if regime == SAFETY_CAR else ZERO
    f[lane_f(b, SHOWN_Z) + w] = neutral_logit(n, regime, fresh, True)
    f[lane_f(b, SHOWN_NEW_Z) + w] = neutral_logit(n, regime, fresh, False)
    f[lane_f(b, YELLOW_NOW) + w] = n.yellow_s if regime == YELLOW else ZERO
    z = n.pass_intercept
    if released:
        z = z + n.restart_pass
    f[lane_f(b, PASS_Z) + w] = z if regime in (GREEN, RED) else NOBODY_S
    f[lane_f(b, AID) + w] = ZERO if released else n.pass_aid
