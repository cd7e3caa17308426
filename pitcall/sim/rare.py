"""The race model's rules for what happens rarely: cautions, weather, stops, compounds. Pure.

Plain scalar functions that twin and kernel call for one race at a time, so they are written once;
what happens on every lap is written twice. Arithmetic: see ``pitcall.sim.model``.
"""

# The fields of a record have no types.
# mypy: disable-error-code=no-any-return

from typing import Protocol

import numpy as np
from numba.extending import register_jitable

from pitcall.sim import chance
from pitcall.sim.model import (
    BEHIND_FIELD,
    BEYOND_LIFE,
    BIAS,
    CLOSING_LAPS,
    COMPOUND_REACH,
    DAMAGE_COST,
    FOREVER,
    IN_VSC,
    KEPT,
    LAST_LAPS,
    LASTS,
    LATELY,
    LIFE_USED,
    LONGEST_EXTRA_S,
    MOST_LATELY,
    MOST_WEAR_S,
    NEW_SC,
    NEW_VSC,
    ONE,
    PER_CLOSING,
    PLENTY,
    RACE_LEFT,
    RULE_CLOSING,
    RULE_OPEN,
    SC,
    UNLIMITED_S,
    WEAR_COST,
    WET_BEST,
    WET_COST,
    WET_HORIZON,
    WET_OVER,
    WET_UNDER,
    ZERO,
    Floats,
    Numbers,
    f4,
)
from pitcall.sim.race import COMPOUNDS, GREEN, RED, SAFETY_CAR, VSC, YELLOW

#: The low and the high word of a path's key, see ``pitcall.sim.chance``.
Key = tuple[int | np.int64, int | np.int64]


class Tables(Protocol):
    """What the choice of a compound reads of a race."""

    @property
    def n(self) -> Numbers:
        """The scalars."""

    @property
    def tyres(self) -> Floats:
        """[compound, column]."""

    @property
    def plans(self) -> Floats:
        """[laps left, ...], see ``model.Packed``."""


@register_jitable
def uniform(key: Key, lap: int, car: int, channel: int) -> f4:
    """A number in (0, 1) for one question of one path."""
    return chance.uniform(key[0], key[1], chance.counter(lap, car, channel))


@register_jitable
def caution_length(n: Numbers, key: Key, lap: int, regime: int) -> int:
    """Laps that a safety car or VSC that begins on ``lap`` lasts."""
    u = uniform(key, lap, 0, chance.CAUTION_LAPS)
    length = 1
    for i in range(7):
        if u >= (n.sc_laps[i] if regime == SAFETY_CAR else n.vsc_laps[i]):
            length += 1
        else:
            break
    return length


@register_jitable
def first_regime(n: Numbers, key: Key) -> tuple[int, int, bool, bool]:
    """What rules on the first lap after the question when the race is not green then; as ``next_regime``."""
    if n.regime in (SAFETY_CAR, VSC):
        left = max(1, caution_length(n, key, n.now, n.regime) - n.regime_laps)
        return n.regime, left, n.regime_laps == 0, False
    return n.regime, 1, False, n.regime == RED


@register_jitable
def next_regime(n: Numbers, key: Key, lap: int, regime: int, left: int, called: int) -> tuple[int, int, bool, bool]:
    """What rules on ``lap``: (regime, laps that it still lasts, a neutralisation began, the race was just released).

    A red flag is the lap after the restart: nobody drives while it is shown.

    Args:
        n: the numbers.
        key: the path's.
        lap: the lap that begins.
        regime: of the lap before.
        left: laps that it still lasted then.
        called: the worst that an incident of the lap before asks for.
    """
    released = False
    if regime in (SAFETY_CAR, VSC):
        left -= 1
        if called == RED:
            return RED, 1, False, True
        if regime == VSC and (called == SAFETY_CAR or uniform(key, lap, 1, chance.CAUTION) < n.vsc_to_sc):
            return SAFETY_CAR, caution_length(n, key, lap, SAFETY_CAR), True, False
        if regime == SAFETY_CAR and called == SAFETY_CAR:
            left = max(left, 2)
        if left > 0:
            return regime, left, False, False
        released = regime == SAFETY_CAR
    u = uniform(key, lap, 0, chance.CAUTION)
    worst = called
    if u < n.red_below:
        worst = max(worst, RED)
    elif u < n.sc_below:
        worst = max(worst, SAFETY_CAR)
    elif u < n.vsc_below:
        worst = max(worst, VSC)
    elif u < n.yellow_below:
        worst = max(worst, YELLOW)
    if worst == GREEN:
        return GREEN, 0, False, released
    if worst in (SAFETY_CAR, VSC):
        return worst, caution_length(n, key, lap, worst), True, False
    return worst, 1, False, released or worst == RED


@register_jitable
def incident_calls(n: Numbers, u: f4, accident: bool) -> int:
    """What a car that stops on track asks for. ``u`` is uniform."""
    for i in range(4):
        if u < (n.after_accident[i] if accident else n.after_failure[i]):
            return RED - i
    return GREEN


@register_jitable
def wet_cost(tyres: Floats, compound: int, wetness: f4) -> f4:
    """Seconds a lap for being on the wrong tyres for the wetness."""
    off = wetness - tyres[compound, WET_BEST]
    return off * tyres[compound, WET_OVER] if off > ZERO else -off * tyres[compound, WET_UNDER]


@register_jitable
def fits(n: Numbers, tyres: Floats, compound: int, wetness: f4) -> bool:
    """The compound is not badly wrong for the wetness."""
    here = wet_cost(tyres, compound, wetness)
    best = here
    for k in range(COMPOUNDS):
        best = min(best, wet_cost(tyres, k, wetness))
    return bool(here - best < n.crossover_s)


@register_jitable
def next_weather(n: Numbers, key: Key, lap: int, wetness: f4, strength: f4) -> tuple[f4, f4]:
    """(wetness, strength of the rain) on ``lap`` from those of the lap before; strength 0 = it does not rain."""
    u = uniform(key, lap, 0, chance.RAIN)
    if strength > ZERO:
        if u < n.rain_stop_hazard:
            strength = ZERO
    elif u < n.rain_hazard or lap == n.rain_lap:
        strength = f4(0.3) + f4(0.7) * uniform(key, lap, 1, chance.RAIN)
    if strength > ZERO:
        more = wetness + n.wetting
        if more < strength:
            return more, strength
        return (max(strength, wetness)), strength
    less = wetness - n.drying
    return (max(ZERO, less)), strength


@register_jitable
def laps_left(n: Numbers, leader_s: f4, lap: int) -> f4:
    """Laps after ``lap`` by distance or by the leader's clock, whichever is less; ``leader_s`` at his last line."""
    laps = f4(n.total_laps - lap)
    if n.time_left_s >= UNLIMITED_S:
        return laps
    clock = leader_s + n.base_lap_s * f4(lap - n.now)  # at his next line, by the reference lap
    more = f4(np.ceil((n.time_left_s - clock) / n.base_lap_s))
    return f4(min(laps, max(ZERO, more)))


@register_jitable
def road_loss(n: Numbers, regime: int) -> f4:
    """What a stop costs besides standing: less where the field is slow."""
    if regime == VSC:
        return n.loss_vsc_s
    return n.loss_sc_s if regime == SAFETY_CAR else n.loss_green_s


@register_jitable
def must_stop(n: Numbers, used: int, stops: int) -> bool:
    """A rule does not let this car take the flag without another stop."""
    return n.finish[used] == 0 or stops < n.min_stops


@register_jitable
def to_the_flag(p: Tables, k: int, wear: f4, remaining: f4, wetness: f4) -> f4:
    """Seconds that the ``remaining`` laps cost on one fresh set: offset, wear, cliff, wetness of the next laps."""
    left = int(remaining)
    cost = p.plans[left, k] + wear * p.plans[left, COMPOUNDS + k]
    if p.n.wet_race:
        cost = cost + min(WET_HORIZON, remaining) * wet_cost(p.tyres, k, wetness)
    return f4(cost)


@register_jitable
def _weight(n: Numbers, behind_s: f4) -> f4:
    """Softmax weight of a compound that costs ``behind_s`` more than the quickest, which has 1."""
    if behind_s == ZERO:
        return ONE
    behind = behind_s * n.per_compound
    return chance.exp32(-behind) if behind < COMPOUND_REACH else ZERO


@register_jitable
def may_fit(n: Numbers, used: int, sets: int) -> int:
    """Set of compounds that are legal and left; while a rule is open, those that close it, if there are any."""
    may = n.legal
    if sets != PLENTY:
        for k in range(COMPOUNDS):
            if (sets >> (3 * k)) & 7 == 0:
                may &= ~(1 << k)
    closing = may & n.closing[used]
    if closing == 0:
        return may
    return closing


@register_jitable
def choose_compound(
    p: Tables, key: Key, lap: int, car: int, wear: f4, used: int, sets: int, remaining: f4, wetness: f4
) -> int:
    """The compound for a stop at the end of ``lap``: a draw from the softmax of minus the cost to the flag; -1: none.

    ``remaining`` laps come after this stop. Only legal compounds with a set left; while a rule is
    open, those that close it come first. Written out for five compounds: a loop with a list of
    weights cost a third of the kernel's time.
    """
    may = may_fit(p.n, used, sets)
    if may == 0:
        return -1
    cost0 = to_the_flag(p, 0, wear, remaining, wetness) if may & 1 else FOREVER
    cost1 = to_the_flag(p, 1, wear, remaining, wetness) if may & 2 else FOREVER
    cost2 = to_the_flag(p, 2, wear, remaining, wetness) if may & 4 else FOREVER
    cost3 = to_the_flag(p, 3, wear, remaining, wetness) if may & 8 else FOREVER
    cost4 = to_the_flag(p, 4, wear, remaining, wetness) if may & 16 else FOREVER
    least = min(cost0, cost1, cost2, cost3, cost4)
    up_to0 = _weight(p.n, cost0 - least)
    up_to1 = up_to0 + _weight(p.n, cost1 - least)
    up_to2 = up_to1 + _weight(p.n, cost2 - least)
    up_to3 = up_to2 + _weight(p.n, cost3 - least)
    u = uniform(key, lap, car, chance.COMPOUND) * (up_to3 + _weight(p.n, cost4 - least))
    return int(u >= up_to0) + int(u >= up_to1) + int(u >= up_to2) + int(u >= up_to3)


@register_jitable
def crew_s(n: Numbers, key: Key, stop: int, car: int) -> f4:
    """What the crew takes on top of the shortest stop: log-logistic, by its quantile function.

    The number hangs on the count of the stop, not on the lap: calls that differ by the lap meet the
    same crew.
    """
    return n.scale_s * chance.exp32(chance.logistic(uniform(key, stop, car, chance.STATION)) * n.per_shape)


@register_jitable
def standing_s(
    n: Numbers,
    key: Key,
    extra: f4,
    stop: int,
    car: int,
    penalty: f4,
    damage: f4,
    refuel: f4,
    change_driver: bool,
) -> f4:
    """Seconds in the box at this car's ``stop``-th stop; ``extra`` from ``crew_s``, ``refuel`` in laps of fuel."""
    v = uniform(key, stop, car, chance.BOTCH)
    if v < n.botch_p:
        extra = extra - n.botch_s * chance.log32(v / n.botch_p)
    extra = min(extra, LONGEST_EXTRA_S)
    t = n.station_s + extra
    if damage > ZERO:
        t = t + n.repair_s
    if change_driver and t < n.driver_s:
        t = n.driver_s
    if refuel > ZERO:
        fuelling = refuel / n.fuel_per_s
        if n.two_stage_refuel:
            t = t + fuelling
        elif fuelling > t:
            t = fuelling
    return t + penalty


@register_jitable
def lately(before: f4, stopped: f4, running: f4) -> f4:
    """``Race.stops_lately`` a lap later, on which so many of the cars running have stopped."""
    return f4(KEPT * before + stopped / max(ONE, running))


@register_jitable
def crowd(n: Numbers, made: f4, running: f4, lately_now: f4) -> f4:
    """Log-odds that all cars share, from the field's stops: ``made`` by the cars running, and those of late.

    A car's own stops are still to come off, each ``behind_field`` times.
    """
    return f4(n.stop[BEHIND_FIELD] * (made / max(ONE, running)) + n.stop[LATELY] * min(MOST_LATELY, lately_now))


@register_jitable
def neutral_logit(n: Numbers, regime: int, fresh: bool, old_enough: bool) -> f4:
    """Log-odds from what is shown: a safety car or VSC, and more on its first lap unless the set is new."""
    z = ZERO
    if regime == SAFETY_CAR:
        z = n.stop[SC]
        if fresh and old_enough:
            z = z + n.stop[NEW_SC]
    elif regime == VSC:
        z = n.stop[IN_VSC]
        if fresh and old_enough:
            z = z + n.stop[NEW_VSC]
    return f4(z)


@register_jitable
def stop_logit(
    n: Numbers,
    life: f4,
    per_life: f4,
    age: f4,
    must: bool,
    remaining: f4,
    shown: f4,
    wear_cost: f4,
    wet_gap: f4,
    damage: f4,
) -> f4:
    """Log-odds that the policy boxes now, from what the car itself knows. In lanes: ``drive._own_logit``.

    Args:
        n: the numbers.
        life: of its tyres, laps; ``per_life``: 1 / life.
        per_life: see ``life``.
        age: laps on them, this one included.
        must: a rule asks for another stop.
        remaining: laps after this one.
        shown: from ``neutral_logit``.
        wear_cost: what wear costs on this lap, s.
        wet_gap: what the wrong tyres for the wetness cost, s.
        damage: what damage costs, s.
    """
    b = n.stop
    used = age * per_life
    z = b[BIAS] + b[LIFE_USED] * used
    if used > ONE:
        z = z + b[BEYOND_LIFE] * (used - ONE)
    z = z + b[RACE_LEFT] * (remaining * n.per_total)
    z = z + b[WEAR_COST] * min(MOST_WEAR_S, wear_cost)
    z = z + b[WET_COST] * wet_gap
    z = z + b[DAMAGE_COST] * damage
    if must:
        z = z + b[RULE_OPEN]
        if remaining < CLOSING_LAPS:
            z = z + b[RULE_CLOSING] * (ONE - remaining * PER_CLOSING)
    else:
        if age + remaining <= life:
            z = z + b[LASTS]
        if remaining < n.last_laps:
            z = z + b[LAST_LAPS] * (ONE - remaining * n.per_last)
    return f4(z + shown)
