"""What the stop policy sees on one lap: its features for every car, worked out by the twin. Pure.

The twin's log-odds are linear in the weights ``Policy.stop``, so a feature is what the twin says when
its weight is 1 and all others are 0. That is how a policy is trained on exactly what the kernel computes.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numba import njit

from pitcall.sim import chance
from pitcall.sim.model import (
    AGE,
    COMPOUND,
    DAMAGE,
    NUMBERS,
    OUT_S,
    RACING,
    SETS,
    STOPS,
    TIME,
    USED,
    WEAR,
    ZERO,
    Floats,
    Ints,
    Packed,
    f4,
    pack,
)
from pitcall.sim.race import COMPOUNDS, STOP_FEATURES, Race
from pitcall.sim.rare import crowd, may_fit, to_the_flag
from pitcall.sim.twin import field_stops, step, wear_cost, wet_gap
from pitcall.sim.twin_state import (
    F_ROWS,
    HAD,
    HINT_EVEN,
    HINT_ODD,
    HURT,
    IS_FRESH,
    LEFT,
    NOW_REGIME,
    RUNNING,
    S_ROWS,
    STOPPED,
    W_ROWS,
    WEAR_NOW,
    WORN,
    Lap,
    Path,
    T,
    fit,
    sort,
)
from pitcall.sim.twin_stops import logit, tell

Flags = npt.NDArray[np.bool_]

#: Cars that were not seen at a line are this far from each other, s: nobody is next to them.
_APART_S = 1e4


@dataclass(frozen=True, slots=True)
class Seen:
    """One lap as each car met it, in the order of the grid."""

    regime: Ints
    fresh: Flags  #: it is the car's first lap under this regime
    before_s: npt.NDArray[np.float64]  #: time at the line before the last one; nan: not seen there
    stopped: Flags  #: it stopped at the end of the lap before


def look(race: Race, seen: Seen) -> tuple[Floats, Floats]:
    """What decides on the stops at the end of one lap.

    Args:
        race: all racing cars have done the same laps; the next one is looked at, without chance: each car
            has its mean wear, and ``stops_lately`` is that of this lap.
        seen: how the cars met that lap and what happened on the one before.

    Returns:
        Features [car, ``STOP_FEATURES``], and [car, compound] the seconds that a fresh set would take to the
        flag (inf: it may not be fitted).
    """
    packed, cars = pack(race), len(race.grid.cars)
    records = np.repeat(np.array([packed.n], NUMBERS), len(STOP_FEATURES))
    records["stop"] = np.eye(len(STOP_FEATURES), dtype=np.float32)
    before = np.where(np.isnan(seen.before_s), _APART_S * (1.0 + np.arange(cars)), seen.before_s - race.grid.time_s[0])
    features, costs = np.zeros((cars, len(STOP_FEATURES)), np.float32), np.full((cars, COMPOUNDS), np.inf, np.float32)
    for k in range(len(STOP_FEATURES)):
        one = packed._replace(n=records[k])
        _look(one, seen.regime, seen.fresh, before.astype(np.float32), seen.stopped, features[:, k], costs)
    return features, costs


# Not cached on disk: numba would not see that the model it compiles in has changed.
@njit(nogil=True)
def _look(
    packed: Packed, regime: Ints, fresh: Flags, before: Floats, stopped: Flags, feature: Floats, costs: Floats
) -> None:
    n, cars = packed.n, packed.cars_f.shape[1]
    lap = n.first_lap_played
    f, s, w = np.zeros((F_ROWS, cars), np.float32), np.zeros((S_ROWS, cars), np.int32), np.zeros(W_ROWS, np.int32)
    order, trace = np.arange(cars).astype(np.int32), np.zeros((0, 0, 0), np.float32)
    p = Path(
        n, packed.tyres, packed.plans, packed.cars_f, packed.cars_i, chance.path_key(0, 0), -1, 0, 0, f, s, w, order,
        trace,
    )  # fmt: skip
    f[T] = before
    sort(p)
    for c in range(cars):
        if stopped[c]:
            tell(p, lap - 1, c)
    _line_up(p)
    running, made, _ = field_stops(p, lap)
    now = Lap(lap, f4(n.total_laps - lap), n.wetness, crowd(n, made, running, n.stops_lately))
    for c in range(cars):
        if not s[RUNNING, c]:
            continue
        w[NOW_REGIME], w[IS_FRESH] = regime[c], fresh[c]
        worn_s, gap = wear_cost(p, c), wet_gap(p, now, c) if n.wet_race else ZERO
        f[WORN, c] = f[WORN, c] + step(regime[c])
        feature[c] = logit(p, now, c, worn_s, gap, f[HINT_EVEN if lap % 2 == 0 else HINT_ODD, c])
        may = may_fit(n, s[HAD, c], s[LEFT, c])
        for k in range(COMPOUNDS):
            if may >> k & 1:
                costs[c, k] = to_the_flag(p, k, f[WEAR_NOW, c], now.remaining, now.wetness)


@njit(nogil=True)
def _line_up(p: Path) -> None:
    """The cars as they crossed the last line, each with its mean wear."""
    for c in range(p.f.shape[1]):
        p.f[WEAR_NOW, c], p.f[T, c], p.f[HURT, c] = p.cars_f[WEAR, c], p.cars_f[TIME, c], p.cars_f[DAMAGE, c]
        p.s[RUNNING, c], p.s[HAD, c] = p.cars_i[RACING, c], p.cars_i[USED, c]
        p.s[LEFT, c], p.s[STOPPED, c] = p.cars_i[SETS, c], p.cars_i[STOPS, c]
        fit(p, c, p.cars_i[COMPOUND, c])
        p.f[WORN, c] = f4(p.cars_i[AGE, c])
        if not p.s[RUNNING, c]:
            p.f[T, c] = OUT_S
    sort(p)
