"""The race model in plain Python: one race, readable, slow, and the oracle of the kernel.

``pitcall.sim.kernel`` plays the same model on arrays; tests hold both against each other path by
path. The twin also writes down what happened, which is how synthetic races are made. Read
docs/explanation/race-model.md beside it. Units: seconds, laps.

Laps are simulated one by one for all cars together. A car that has already completed the lap
being played (it is ahead on the road at the moment of the question) keeps its known time. Whether
the track is neutralised goes by time, not by lap number: the i-th lap of every car from now.
"""

import math
from dataclasses import dataclass, field

import numpy as np

from pitcall.sim import randomness as rnd
from pitcall.sim.messages import GREEN, SAFETY_CAR, VSC, Candidate, Race

#: A car whose candidate stop is this close takes the stop early when the race is neutralised, laps.
#: Teams pre-commit that answer; the value is a design choice (compare REACT of the speed study).
EARLY_STOP_LAPS = 12
#: Tyres younger than this are not changed because of a neutralisation, laps (design choice).
YOUNG_TYRE_LAPS = 5
#: Rivals do not stop in the last laps unless a rule makes them (design choice).
LAST_LAPS = 3
#: Logit that keeps a rival out when its tyres last to the flag anyway (design choice).
LASTS_LOGIT = -6.0
#: Race time of a car that is out, far behind every finisher; later retirements rank higher.
OUT_S = 1e7
OUT_PER_LAP_S = 1e4
#: Added to a car that breaks the two-compound rule: behind the finishers, before the retired.
DISQUALIFIED_S = 5e6
DRY_BITS = 0b00111
RAIN_BITS = 0b11000
INTERMEDIATE = 3
HARD = 2


@dataclass(slots=True)
class TraceLap:
    """One lap of one car as it was driven."""

    lap: int
    car: int  #: index into the grid
    lap_time_s: float
    time_s: float  #: at the line
    compound: int
    tyre_age: int  #: laps on the set, this one included
    pitted: bool
    pit_loss_s: float
    new_compound: int
    retired: bool
    regime: int


@dataclass(slots=True)
class _Car:
    index: int
    pace_s: float
    wear: float
    done: int
    time_s: float
    extra_s: float
    racing: bool
    boxing: bool
    compound: int
    age: int
    used: int
    lap_s: float = 0.0  #: free lap time of the lap being played
    slow: bool = False  #: stopped or broke down on it: holds nobody up and is not held up
    regime: int = GREEN  #: on the lap being played
    fresh_regime: bool = False  #: it began on this lap


@dataclass(slots=True)
class _Path:
    race: Race
    key: np.uint64
    path: int
    own: int
    call: Candidate | None
    cars: list[_Car]
    timeline: list[tuple[int, bool]]
    open_call: bool
    rejoin: int = 0
    trace: list[TraceLap] | None = None
    order: list[_Car] = field(default_factory=list)

    def uniform(self, lap: int, car: int, channel: int) -> float:
        return float(rnd.uniform(self.key, self.path, lap, car, channel))


def play(
    race: Race,
    seed: int,
    path: int,
    car: int | None = None,
    candidate: Candidate | None = None,
    trace: list[TraceLap] | None = None,
) -> tuple[list[int], int]:
    """Play path ``path`` of the race to the flag.

    Args:
        race: the state and the model.
        seed: with ``path`` it fixes every chance event; 64 bits.
        path: which of the possible races.
        car: index of the asking car; None: every car follows the rival policy.
        candidate: the asking car's call.
        trace: gets one entry per car and lap, in the order in which laps are played.

    Returns:
        Finishing position (1 = first) by grid index, and the position of the asking car at the line
        right after its first stop (0 = it never stopped).
    """
    with np.errstate(over="ignore"):  # uint64 wraps by design
        p = _start(race, seed, path, -1 if car is None else car, candidate, trace)
        racing = [c.done for c in p.cars if c.racing]
        for lap in range(min(racing, default=race.circuit.total_laps) + 1, race.circuit.total_laps + 1):
            _play_lap(p, lap)
    return _classify(p), p.rejoin


def _start(
    race: Race, seed: int, path: int, own: int, candidate: Candidate | None, trace: list[TraceLap] | None
) -> _Path:
    grid, total = race.grid, race.circuit.total_laps
    key = rnd.mix(np.uint64(seed))
    p = _Path(race, key, path, own, candidate, [], [], own >= 0 and candidate is not None, trace=trace)
    for i in range(len(grid.cars)):
        pace = grid.pace_s[i] + grid.pace_sd_s[i] * rnd.normal(p.uniform(0, i, rnd.PACE))
        wear = max(0.0, grid.wear[i] + grid.wear_sd[i] * rnd.normal(p.uniform(0, i, rnd.WEAR)))
        out = not grid.racing[i]
        time_s = OUT_S - OUT_PER_LAP_S * grid.laps_done[i] if out else grid.time_s[i]
        p.cars.append(
            _Car(i, pace, wear, grid.laps_done[i], time_s, grid.extra_s[i], not out, grid.boxing[i],
                 grid.compound[i], grid.tyre_age[i], grid.used[i])
        )  # fmt: skip
    p.order = sorted(p.cars, key=lambda c: (not c.racing, -c.done if c.racing else 0, c.time_s))
    p.timeline = _timeline(p, total - min((c.done for c in p.cars if c.racing), default=total))
    return p


def _timeline(p: _Path, laps: int) -> list[tuple[int, bool]]:
    """(regime, it began on this lap) for the i-th lap from now, i = 0, 1, ..."""
    circuit = p.race.circuit
    out: list[tuple[int, bool]] = []
    regime, left = p.race.regime, 0
    if regime != GREEN:
        low, high = circuit.sc_laps if regime == SAFETY_CAR else circuit.vsc_laps
        left = max(1, low + int(p.uniform(0, 0, rnd.CAUTION_LAPS) * (high - low + 1)) - p.race.regime_laps)
    began = regime != GREEN and p.race.regime_laps == 0
    for i in range(laps):
        if left == 0:
            regime, began = GREEN, False
            u = p.uniform(i, 0, rnd.CAUTION)
            if u < circuit.sc_hazard + circuit.vsc_hazard:
                regime, began = (SAFETY_CAR if u < circuit.sc_hazard else VSC), True
                low, high = circuit.sc_laps if regime == SAFETY_CAR else circuit.vsc_laps
                left = low + int(p.uniform(i + 1, 0, rnd.CAUTION_LAPS) * (high - low + 1))
        out.append((regime, began))
        if left > 0:
            left -= 1
        began = False
    return out


def _play_lap(p: _Path, lap: int) -> None:
    starts = {c.index: c.time_s for c in p.cars}
    playing = [c for c in p.order if c.racing and c.done == lap - 1]
    ahead: _Car | None = None
    for c in playing:
        c.regime, c.fresh_regime = p.timeline[c.done - p.race.grid.laps_done[c.index]]
        c.slow = c.extra_s > 0.0
        c.lap_s = _free_lap(p, c, lap)
        if c.regime == GREEN and ahead is not None:
            gap = starts[c.index] - starts[ahead.index]
            if gap < p.race.circuit.dirty_air_gap_s:
                c.lap_s += p.race.circuit.dirty_air_s * (1.0 - gap / p.race.circuit.dirty_air_gap_s)
        ahead = c
        _drive(p, c, lap)
    _resolve(p, lap, {c.index for c in playing})
    for c in playing:
        c.done = lap
    _sort(p.order, lap)
    if p.trace is not None:
        for record in p.trace[-len(playing) :] if playing else []:
            record.time_s = p.cars[record.car].time_s
            record.lap_time_s = record.time_s - starts[record.car]
    if p.own >= 0 and p.rejoin < 0:
        p.rejoin = 1 + p.order.index(p.cars[p.own])


def _free_lap(p: _Path, c: _Car, lap: int) -> float:
    """Lap time with nobody near: pace, fuel, tyre, noise; a fixed one when neutralised."""
    circuit = p.race.circuit
    if c.regime == VSC:
        return circuit.base_lap_s * circuit.vsc_pace
    if c.regime == SAFETY_CAR:
        leads = p.order[0] is c
        return circuit.base_lap_s * (circuit.sc_pace if leads else circuit.catch_pace)
    tyre = p.race.tyres[c.compound]
    wear = tyre.wear_s * c.age + tyre.cliff_s * max(0, c.age - tyre.life_laps)
    t = c.pace_s + circuit.fuel_s * (circuit.total_laps - lap) + tyre.offset_s + c.wear * wear
    if c.age == 0:
        t += tyre.cold_s
    return t + circuit.noise_s * float(rnd.normal(p.uniform(lap, c.index, rnd.LAP)))


def _drive(p: _Path, c: _Car, lap: int) -> None:
    """Move the car to the line: the lap, a stop at its end, a breakdown."""
    circuit = p.race.circuit
    c.time_s += c.lap_s + c.extra_s
    c.extra_s = 0.0
    driven, age, loss, pitted = c.compound, c.age + 1, 0.0, False
    retired = p.uniform(lap, c.index, rnd.RETIRE) < circuit.retire_hazard
    if retired:
        c.racing, c.slow = False, True
        c.time_s = OUT_S - OUT_PER_LAP_S * lap
    else:
        compound = _stop(p, c, lap)
        c.age = age
        c.boxing = False
        if compound >= 0:
            share = (1.0, circuit.pit_vsc, circuit.pit_sc)[c.regime]
            loss = circuit.pit_loss_s * share - circuit.pit_tail_s * math.log(p.uniform(lap, c.index, rnd.PIT))
            c.time_s += loss
            c.compound, c.age, c.slow, pitted = compound, 0, True, True
            c.used |= 1 << compound
            if c.index == p.own and p.rejoin == 0:
                p.rejoin = -1  # to be read once the lap's order is known
    if p.trace is not None:
        p.trace.append(TraceLap(lap, c.index, 0.0, 0.0, driven, age, pitted, loss, c.compound, retired, c.regime))


def _stop(p: _Path, c: _Car, lap: int) -> int:
    """The compound to change to at the end of this lap, or -1: stay on track."""
    total = p.race.circuit.total_laps
    if lap >= total:
        return -1
    if c.index == p.own and p.open_call and p.call is not None:
        if p.call.lap is None or p.call.compound is None:
            return -1
        # Not on the lap of the question: what is shown then is known, and the calls differ by it.
        fresh = c.fresh_regime and c.done > p.race.grid.laps_done[c.index]
        early = fresh and c.age + 1 >= YOUNG_TYRE_LAPS and p.call.lap - lap <= EARLY_STOP_LAPS
        if lap == p.call.lap or early:
            p.open_call = False
            return p.call.compound
        return -1
    must = _must_change(p, c)
    forced = c.boxing or (must and lap == total - 1)
    if not forced and rnd.logistic(p.uniform(lap, c.index, rnd.STOP)) >= _stop_logit(p, c, lap, must):
        return -1
    return _next_compound(p, c, total - lap, must)


def _stop_logit(p: _Path, c: _Car, lap: int, must: bool) -> float:
    circuit, remaining = p.race.circuit, p.race.circuit.total_laps - lap
    age, life = c.age + 1, p.race.tyres[c.compound].life_laps
    z = circuit.stop_intercept + circuit.stop_per_life * (age / life)
    if c.fresh_regime and age >= YOUNG_TYRE_LAPS:
        z += circuit.stop_sc
    if not must and age + remaining <= life:
        z += LASTS_LOGIT
    if not must and remaining <= LAST_LAPS:
        z = -20.0
    return z


def _must_change(p: _Path, c: _Car) -> bool:
    dry = c.used & DRY_BITS
    return p.race.circuit.two_compounds and not p.race.wet and not c.used & RAIN_BITS and dry in (0, 1, 2, 4)


def _next_compound(p: _Path, c: _Car, remaining: int, must: bool) -> int:
    """The softest compound that lasts to the flag, else the hardest; another one where the rule wants that."""
    if p.race.wet:
        return INTERMEDIATE
    choice = -1
    for compound in range(3):
        if must and c.used & (1 << compound):
            continue
        choice = compound
        if p.race.tyres[compound].life_laps >= remaining:
            break
    return choice


def _resolve(p: _Path, lap: int, playing: set[int]) -> None:
    """Front to back: who passes, who is held up. A car passes at most one car that fights back per lap."""
    circuit = p.race.circuit
    queue = [c for c in p.order if c.index in playing or (c.racing and c.done == lap)]
    rest_ahead = [c for c in p.order if c.racing and c.done > lap]
    rest_behind = [c for c in p.order if c not in queue and c not in rest_ahead]
    out: list[_Car] = []
    held: _Car | None = None  # the car whose place is still open
    floor = -math.inf  # line time of the last car that is settled
    for c in queue:
        if held is None:
            held = c
            continue
        if held.index in playing and c.index in playing and c.time_s < held.time_s and _passes(p, c, held, lap):
            c.time_s = max(c.time_s, floor + circuit.hold_gap_s)
            if not held.slow:
                held.time_s = max(held.time_s, c.time_s + circuit.hold_gap_s)
            if not c.slow:
                floor = c.time_s
            out.append(c)
            continue
        if c.index in playing and not c.slow and not held.slow:
            gap = circuit.queue_gap_s if c.regime == SAFETY_CAR else circuit.hold_gap_s
            c.time_s = max(c.time_s, held.time_s + gap)
        out.append(held)
        if not held.slow:
            floor = held.time_s
        held = c
    if held is not None:
        out.append(held)
    p.order = rest_ahead + out + rest_behind


def _passes(p: _Path, c: _Car, held: _Car, lap: int) -> bool:
    if c.slow or held.slow:
        return True
    if c.regime != GREEN or held.regime != GREEN:
        return False
    z = p.race.circuit.pass_intercept + p.race.circuit.pass_per_s * (held.lap_s - c.lap_s)
    return bool(rnd.logistic(p.uniform(lap, c.index, rnd.PASS)) < z)


def _sort(order: list[_Car], lap: int) -> None:
    """Stable: cars already past this lap first, then by time at the line."""
    order.sort(key=lambda c: (not (c.racing and c.done > lap), c.time_s if not (c.racing and c.done > lap) else 0.0))


def _classify(p: _Path) -> list[int]:
    for c in p.cars:
        if c.racing and _must_change(p, c):
            c.time_s += DISQUALIFIED_S
    _sort(p.order, p.race.circuit.total_laps)
    positions = [0] * len(p.cars)
    for position, c in enumerate(p.order, start=1):
        positions[c.index] = position
    return positions
