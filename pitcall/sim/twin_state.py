"""The twin's picture of one race: a row per quantity, a column per car. Used by ``twin`` and ``twin_traffic``."""

from typing import Final, NamedTuple

from numba.extending import register_jitable

from pitcall.sim.model import (
    CLIFF,
    CLIFF_SD,
    LIFE,
    OFFSET,
    ONE,
    SMALLEST_CLIFF,
    WEAR2_S,
    WEAR_S,
    ZERO,
    Floats,
    Ints,
    Numbers,
    f4,
)
from pitcall.sim.rare import Key

# Rows of ``f``: at its last line; the lap being played; who it is; its tyres; what it carries.
T, START, LAP, PACE_NOW, WEAR_NOW, CLIFF_NOW, FORM = range(7)
LEVEL, LINEAR, SQUARE, STEEP, CLIFF_AT, WORN = range(7, 13)
TANK, HURT, OWED, WAKE, AT_WHEEL, STOOD, HINT_EVEN, HINT_ODD, GAIN = range(13, 22)
F_ROWS: Final = 22
# Rows of ``s``.
RUNNING, ON, HAD, LEFT, STOPPED, PIT_LAP, LAPS_ON = range(7)
S_ROWS: Final = 7
# Entries of ``w``, what all cars share.
NOW_REGIME, REGIME_LEFT, IS_FRESH, IS_RELEASED, CALLED, OPEN_CALL, OWN_STOPPED = range(7)
W_ROWS: Final = 7
# Columns of a trace [lap, car, column].
(TR_PLAYED, TR_TIME, TR_COMPOUND, TR_AGE, TR_PITTED, TR_LOSS, TR_NEW, TR_OUT, TR_REGIME) = range(9)
TRACE_COLUMNS: Final = 9


class Path(NamedTuple):
    """One race on its way."""

    n: Numbers
    tyres: Floats
    plans: Floats
    cars_f: Floats
    cars_i: Ints
    key: Key
    own: int  #: asking car, -1: nobody asks
    call_lap: int  #: 0: it stays out
    call_compound: int
    f: Floats  #: [row, car]
    s: Ints  #: [row, car]
    w: Ints
    order: Ints  #: car at each position
    trace: Floats


class Lap(NamedTuple):
    """The lap that all cars play."""

    lap: int
    remaining: f4  #: laps after it
    wetness: f4
    crowd: f4  #: log-odds of a stop that the field's stops so far give to all cars


@register_jitable
def fit(p: Path, c: int, compound: int) -> None:
    """A fresh set of ``compound`` on car ``c``."""
    p.s[ON, c] = compound
    p.f[LEVEL, c] = p.f[PACE_NOW, c] + p.tyres[compound, OFFSET]
    p.f[LINEAR, c] = p.f[WEAR_NOW, c] * p.tyres[compound, WEAR_S]
    p.f[SQUARE, c] = p.f[WEAR_NOW, c] * p.tyres[compound, WEAR2_S]
    p.f[STEEP, c] = p.f[WEAR_NOW, c] * p.tyres[compound, CLIFF]
    factor = ONE + p.tyres[compound, CLIFF_SD] * p.f[CLIFF_NOW, c]
    p.f[CLIFF_AT, c] = p.tyres[compound, LIFE] * max(SMALLEST_CLIFF, factor)
    p.f[WORN, c] = ZERO
    p.s[LAPS_ON, c] = 0


@register_jitable
def position(p: Path, c: int) -> int:
    """Where car ``c`` runs, from 0."""
    q = 0
    while p.order[q] != c:
        q += 1
    return q


@register_jitable
def sort(p: Path) -> None:
    """By time at the line, stable."""
    for q in range(1, p.order.shape[0]):
        c, to = p.order[q], q
        while to > 0 and p.f[T, p.order[to - 1]] > p.f[T, c]:
            p.order[to] = p.order[to - 1]
            to -= 1
        p.order[to] = c
