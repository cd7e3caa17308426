"""Race so far -> filter -> policy -> kernel input: the one path from a state to a simulation. Pure.

``read`` turns what was seen into what the kernel plays: each car's pace and tyre wear with what
the laps leave open of them, the pit loss, the regime. It is a pure function of the state. Where
nothing was seen it falls back on ``pitcall.priors``, and says so in ``Reading.assumed``.
"""

import hashlib
from bisect import bisect_left
from dataclasses import dataclass, replace
from statistics import median
from typing import Final

import numpy as np
import numpy.typing as npt

from pitcall.domain.events import Track
from pitcall.domain.race import CarState, LapRecord, RaceState, must_change_compound
from pitcall.domain.strategy import Evidence, Threat, legal_calls
from pitcall.domain.tyres import DRY, RAIN, Compound
from pitcall.priors import (
    GRID_GAP_S,
    NOISE_S,
    OUT_LAP_SHARE,
    REFERENCE_LAP_S,
    default_circuit,
    default_race,
    tyres_for,
)
from pitcall.sim.messages import Candidate
from pitcall.sim.race import GREEN, RED, SAFETY_CAR, VSC, YELLOW, Circuit, Grid, Race, Tyre, Weather

#: Name and version of the parameters in this module, for provenance.
MODEL: Final = "prior@2"

#: How many seen stops the prior pit loss is worth (docs/data.md#pit-loss).
PIT_LOSS_WEIGHT: Final = 2.0
#: Sd of a car's pace about the field before it has driven, s.
PACE_SD_S: Final = 1.0
#: On the grid: pace lost from one slot to the next, and the sd of a car's pace about that, s (docs/data.md#pace).
PACE_PER_SLOT_S: Final = 0.125
SLOT_SD_S: Final = 0.55
#: Sd of the field's wear and of one car's about it, as multiples of the compound's wear.
FIELD_WEAR_SD: Final = 0.4
CAR_WEAR_SD: Final = 0.25
#: Smallest wear multiple that is believed. Fuel burn, track evolution and traffic all hide wear, and a
#: simulation without any would never stop (design choice until the calibration).
WEAR_FLOOR: Final = 0.4
#: Weight of the prior lap-time noise in laps, and the bounds of the estimate, s.
NOISE_WEIGHT: Final = 20.0
NOISE_BOUNDS_S: Final = (0.15, 1.2)
#: Residual, in noise sds, beyond which a lap counts less (traffic, mistakes): Huber's k.
HUBER_K: Final = 1.5
#: A lap that ends this near to the car ahead, s, says at most how slow the car is; what such a lap counts.
HELD_GAP_S: Final = 1.0
HELD_WEIGHT: Final = 0.25
#: Share of the noise variance that does not average out over a stint (form, traffic): floor of the pace sd, s.
PACE_FLOOR_S: Final = 0.08
#: Wetness that is taken when the field runs on intermediates, and on wets.
INTERMEDIATE_WETNESS: Final = 0.45
WET_WETNESS: Final = 0.85
#: Wetness of a track on which it rains and the field is still on slicks.
DAMP: Final = 0.1

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Reading:
    """A state as the simulator sees it."""

    race: Race
    assumed: tuple[str, ...]  #: what was not known and what was taken instead, one sentence each


def candidates(state: RaceState, car: str) -> tuple[Candidate, ...]:
    """Every legal call of one car. Raises NotFound (no such car) and StaleFeed (nothing left to call)."""
    calls = legal_calls(state, state.car(car))
    return tuple(Candidate(c.lap, None if c.compound is None else int(c.compound)) for c in calls)


def seed_of(state: RaceState, car: str) -> int:
    """A seed that names the question: same state and car, same seed. 53 bits: what every JSON reader keeps."""
    digest = hashlib.sha256(f"{state.race}/{state.seq}/{state.t}/{car}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 11


def read(state: RaceState, assume: Track | None = None) -> Reading:
    """The state as the simulator sees it.

    Args:
        state: the race so far.
        assume: play on as if this were shown from now on; None: what is shown.
    """
    assumed: list[str] = []
    cars = list(state.cars.values())
    tyres_now = {car.car: _tyres_now(state, car, assumed) for car in cars}
    laps = {car.car: _usable(car) for car in cars}
    base = _base_lap(laps)
    if base is None:
        assumed.append(f"No clean lap yet: lap time taken as {REFERENCE_LAP_S:.0f} s.")
    circuit = default_circuit(state.total_laps, base or REFERENCE_LAP_S)
    tyres = tyres_for(state.total_laps, circuit.base_lap_s)
    fit = _fit(cars, laps, circuit, tyres)
    loss, seen = _pit_loss(cars, laps, circuit.pit_loss_s)
    circuit = replace(circuit, noise_s=fit.noise_s, pit_loss_s=loss)
    if not seen:
        assumed.append(f"No green stop seen yet: pit loss taken as {loss:.0f} s.")
    regime, regime_laps = _regime(state, assume)
    grid = _grid(state, cars, tyres_now, fit, circuit)
    race = replace(
        default_race(circuit, grid, two_compounds=state.series == "f1"),
        tyres=tyres,
        weather=_weather(state, cars, assumed),
        regime=regime,
        regime_laps=regime_laps,
    )
    return Reading(race, tuple(assumed))


def _weather(state: RaceState, cars: list[CarState], assumed: list[str]) -> Weather:
    """Wetness by what the field has fitted, rain by what is reported. No rain is foreseen on a dry day."""
    raining = bool(state.rain)
    if not state.wet and not raining:
        return Weather()
    fitted = [car.compound for car in cars if car.racing]
    wetness = DAMP
    if state.wet:
        flooded = 2 * sum(c is Compound.WET for c in fitted) > sum(c in RAIN for c in fitted)
        wetness = WET_WETNESS if flooded else INTERMEDIATE_WETNESS
    assumed.append(f"Wetness of the track taken as {wetness:.2f}, from the tyres of the field and the rain report.")
    return Weather(
        wetness=wetness, raining=raining, rain_hazard=0.02, stop_hazard=0.06, wetting=0.05, drying=0.03
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Fit:
    """Posterior of each car, in the order of the cars."""

    pace_s: Floats
    pace_sd_s: Floats
    wear: Floats
    wear_sd: Floats
    pace_wear: Floats  #: correlation of the two errors
    noise_s: float


def _usable(car: CarState) -> list[LapRecord]:
    """Laps that say something about pace: green, timed, neither in-lap nor out-lap nor the first."""
    return [
        r
        for r in car.laps
        if r.green and r.lap > 1 and r.lap_time_s is not None and not r.pit_in and not r.pit_out and r.tyre_age
    ]


def _base_lap(laps: dict[str, list[LapRecord]]) -> float | None:
    """The field's green lap: median of the cars' medians."""
    medians = [median(r.lap_time_s for r in records if r.lap_time_s) for records in laps.values() if records]
    return median(medians) if medians else None


def _fit(cars: list[CarState], laps: dict[str, list[LapRecord]], circuit: Circuit, tyres: tuple[Tyre, ...]) -> _Fit:
    """Pace and wear of each car: two-level Bayesian regression with Huber weights.

    A lap time less what fuel, compound and cliff explain is ``pace + wear * (wear_s * age)`` plus
    noise. Level one pools the field's wear about 1, level two each car's about the field's. Normal
    priors, so each car is one 2 x 2 solve; three sweeps re-weight laps that are far off and
    re-estimate the noise.
    """
    x, y, driven = _columns([laps[car.car] for car in cars], circuit, tyres)
    wake, held = _traffic(cars, laps, circuit)
    y[driven] -= wake
    known = driven.astype(np.float64)  # what a lap can tell
    known[driven] = np.where(held, HELD_WEIGHT, 1.0)
    # The last lap's fuel is the reference, so pace is what is left of a lap time at the flag.
    levels = [median(row[at].tolist()) for row, at in zip(y - x, driven, strict=True) if at.any()]
    centre = median(levels) if levels else circuit.base_lap_s - circuit.fuel_s * circuit.total_laps / 2
    noise = NOISE_S
    weights = known
    for _ in range(3):
        field = _field_wear(x, y, weights, noise)
        pace, wear, pace_var, wear_var, covariance = _posterior(x, y, weights / noise**2, centre, field)
        residuals = y - pace[:, None] - wear[:, None] * x
        noise = _noise(residuals[driven])
        weights = known * np.minimum(1.0, HUBER_K * noise / np.maximum(np.abs(residuals), 1e-9))
    sd = np.hypot(np.sqrt(pace_var), PACE_FLOOR_S)
    return _Fit(pace, sd, np.maximum(wear, WEAR_FLOOR), np.sqrt(wear_var), covariance / (sd * np.sqrt(wear_var)), noise)


def _columns(
    records: list[list[LapRecord]], circuit: Circuit, tyres: tuple[Tyre, ...]
) -> tuple[Floats, Floats, npt.NDArray[np.bool_]]:
    """[car, lap]: wear seconds at multiple 1; lap time less fuel, compound and cliff; which cells hold a lap."""
    shape = (len(records), max((len(laps) for laps in records), default=0))
    driven = np.arange(shape[1]) < np.array([len(laps) for laps in records])[:, None]
    rows = [(_playable(r.compound), (r.tyre_age or 1) - 1, r.lap, r.lap_time_s) for laps in records for r in laps]
    compound, age, lap, lap_time = np.array(rows, np.float64).reshape(-1, 4).T
    offset, wear, cliff, life, cold = np.array(
        [(t.offset_s, t.wear_s, t.cliff_s, t.life_laps, t.cold_s) for t in tyres]
    )[compound.astype(int)].T
    x, y = np.zeros(shape), np.zeros(shape)  # age: laps on the set before this one
    x[driven] = wear * age + cliff * np.maximum(0.0, age - life)
    y[driven] = lap_time - circuit.fuel_s * (circuit.total_laps - lap) - offset - np.where(age == 0, cold, 0.0)
    return x, y, driven


def _traffic(
    cars: list[CarState], laps: dict[str, list[LapRecord]], circuit: Circuit
) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """For each usable lap, car by car: what the air of the cars ahead cost, s, and whether one of them held it up."""
    lines: dict[int, list[float]] = {}
    for car in cars:
        for record in car.laps:
            lines.setdefault(record.lap, []).append(record.time_s)
    for times in lines.values():
        times.sort()

    def ahead(lap: int, time_s: float) -> list[float]:
        times = lines.get(lap, [])
        at = bisect_left(times, time_s)
        return [time_s - t for t in times[max(0, at - 3) : at][::-1]]

    wake, held = [], []
    for car in cars:
        for r in laps[car.car]:
            began = ahead(r.lap - 1, r.time_s - (r.lap_time_s or 0.0))
            losses = zip(began, circuit.dirty_air_s, strict=False)
            wake.append(sum(loss * max(0.0, 1 - gap / circuit.dirty_air_gap_s) for gap, loss in losses))
            held.append(any(gap < HELD_GAP_S for gap in ahead(r.lap, r.time_s)[:1]))
    return np.array(wake), np.array(held, np.bool_)


def _field_wear(x: Floats, y: Floats, weights: Floats, noise: float) -> float:
    """The field's wear multiple: pooled slope within cars, shrunk to 1."""
    total = np.maximum(weights.sum(axis=1, keepdims=True), 1e-9)
    dx = x - (weights * x).sum(axis=1, keepdims=True) / total
    dy = y - (weights * y).sum(axis=1, keepdims=True) / total
    prior = 1.0 / FIELD_WEAR_SD**2
    top = prior + float((weights * dx * dy).sum()) / noise**2
    return max(WEAR_FLOOR, top / (prior + float((weights * dx**2).sum()) / noise**2))


def _posterior(
    x: Floats, y: Floats, precision: Floats, pace: float, wear: float
) -> tuple[Floats, Floats, Floats, Floats, Floats]:
    """Means, variances and covariance of each car's pace and wear after its laps: a 2 x 2 normal update, written out.

    ``pace`` and ``wear`` are the prior means; the prior's sds are the module's constants.
    """
    pace_prior, wear_prior = 1.0 / PACE_SD_S**2, 1.0 / CAR_WEAR_SD**2
    a = pace_prior + precision.sum(axis=1)
    b = (precision * x).sum(axis=1)
    c = wear_prior + (precision * x**2).sum(axis=1)
    u = pace_prior * pace + (precision * y).sum(axis=1)
    v = wear_prior * wear + (precision * x * y).sum(axis=1)
    determinant = a * c - b**2  # positive: both priors are proper
    return (
        (c * u - b * v) / determinant,
        (a * v - b * u) / determinant,
        c / determinant,
        a / determinant,
        -b / determinant,
    )


def _noise(residuals: Floats) -> float:
    """Robust sd of all residuals (1.4826 x median absolute value), shrunk to the prior, bounded."""
    n = len(residuals)
    seen = 1.4826 * float(np.median(np.abs(residuals))) if n else NOISE_S
    pooled = np.sqrt((n * seen**2 + NOISE_WEIGHT * NOISE_S**2) / (n + NOISE_WEIGHT))
    return float(np.clip(pooled, *NOISE_BOUNDS_S))


def _pit_loss(cars: list[CarState], laps: dict[str, list[LapRecord]], prior_s: float) -> tuple[float, int]:
    """Green pit loss from the stops so far, shrunk to the prior, and how many stops it rests on."""
    losses = []
    for car in cars:
        if not car.stops:
            continue
        by_lap = {r.lap: r for r in car.laps}
        normal = [r.lap_time_s for r in laps[car.car] if r.lap_time_s]
        for stop in car.stops:
            come, go = by_lap.get(stop.lap), by_lap.get(stop.lap + 1)
            if come and go and come.green and go.green and come.lap_time_s and go.lap_time_s and len(normal) >= 3:
                losses.append(come.lap_time_s + go.lap_time_s - 2 * median(normal))
    losses = [loss for loss in losses if 5.0 < loss < 60.0]  # a drive-through at least, a repair at most
    if not losses:
        return prior_s, 0
    n = len(losses)
    return (n * median(losses) + PIT_LOSS_WEIGHT * prior_s) / (n + PIT_LOSS_WEIGHT), n


_REGIMES: Final = {Track.YELLOW: YELLOW, Track.VSC: VSC, Track.SAFETY_CAR: SAFETY_CAR, Track.RED: RED}


def _regime(state: RaceState, assume: Track | None) -> tuple[int, int]:
    """(regime, laps that the leader has completed under it) for the kernel."""
    shown = assume or state.track
    regime = _REGIMES.get(shown, GREEN)
    if regime == GREEN or (assume is not None and assume is not state.track):
        return regime, 0
    return regime, sum(r.time_s > state.track_since_s for r in state.order()[0].laps)


def _tyres_now(state: RaceState, car: CarState, assumed: list[str]) -> tuple[int, int, int]:
    """(compound, laps on the set, bits of the compounds used) at the car's last line; says what it guessed."""
    compound, age, used = car.compound, car.tyre_age, car.compounds_used
    changing = _on_out_lap(car) and (not car.stops or car.stops[-1].out_s is None)
    if changing and car.racing:  # in its box: what it gets is not known yet
        fresh = Compound.INTERMEDIATE if state.wet else _likely(car)
        assumed.append(f"{car.car} is in the pits: new {fresh.label} tyres assumed.")
        return int(fresh), 0, _bits(used | {fresh})
    if compound is Compound.UNKNOWN:
        compound = Compound.INTERMEDIATE if state.wet else Compound.MEDIUM
        if car.racing:
            assumed.append(f"{car.car}'s tyres are not known: {compound.label} assumed.")
    if age is None:
        since = car.laps_done - (car.stops[-1].lap if car.stops else 0)
        age = max(0, since)
        if car.racing:
            assumed.append(f"{car.car}'s tyre age is not known: {age} laps assumed.")
    return int(compound), age, _bits(used | {compound})


def _likely(car: CarState) -> Compound:
    """What a car in its box most likely gets: hard, or medium when it comes off hard and needs a change."""
    return Compound.MEDIUM if car.compound is Compound.HARD and must_change_compound(car) else Compound.HARD


def _on_out_lap(car: CarState) -> bool:
    """True from the line at the end of its in-lap to the end of its out-lap."""
    return bool(car.laps) and (car.laps[-1].pit_in or (bool(car.stops) and car.stops[-1].lap == car.laps_done))


def _boxing(car: CarState) -> bool:
    """True while the car is in the pit lane before the line: this lap's stop is certain."""
    return bool(car.stops) and car.stops[-1].lap == car.laps_done + 1


def _grid(
    state: RaceState,
    cars: list[CarState],
    tyres_now: dict[str, tuple[int, int, int]],
    fit: _Fit,
    circuit: Circuit,
) -> Grid:
    leader_laps = state.laps_done
    order = {car.car: i for i, car in enumerate(state.order())}

    def time_s(car: CarState) -> float:
        return car.time_s if car.laps else order[car.car] * GRID_GAP_S

    pace, pace_sd = fit.pace_s, fit.pace_sd_s
    if leader_laps == 0:  # nobody has driven: the grid is all that is known of pace
        slots = np.array([order[car.car] for car in cars])
        pace = pace + PACE_PER_SLOT_S * (slots - slots.mean())
        pace_sd = np.full(len(cars), SLOT_SD_S)
    # A car that never left the grid while the others race is out, whatever the feed says.
    racing = tuple(car.racing and not (car.laps_done == 0 and leader_laps >= 2) for car in cars)
    return Grid(
        cars=tuple(car.car for car in cars),
        laps_done=tuple(min(car.laps_done, circuit.total_laps) for car in cars),
        time_s=tuple(time_s(car) for car in cars),
        extra_s=tuple(
            circuit.pit_loss_s * OUT_LAP_SHARE if r and _on_out_lap(c) else 0.0
            for c, r in zip(cars, racing, strict=True)
        ),
        racing=racing,
        boxing=tuple(_boxing(car) for car in cars),
        compound=tuple(tyres_now[car.car][0] for car in cars),
        tyre_age=tuple(tyres_now[car.car][1] for car in cars),
        used=tuple(tyres_now[car.car][2] for car in cars),
        pace_s=tuple(pace.tolist()),
        pace_sd_s=tuple(pace_sd.tolist()),
        wear=tuple(fit.wear.tolist()),
        wear_sd=tuple(fit.wear_sd.tolist()),
        pace_wear=tuple(fit.pace_wear.tolist()),
        stops=tuple(len(car.stops) for car in cars),
        team=_teams(cars),
    )


def _teams(cars: list[CarState]) -> tuple[int, ...]:
    """One number per team; a car whose team is not known is its own."""
    numbers: dict[str, int] = {}
    return tuple(numbers.setdefault(car.team or f"/{car.car}", len(numbers)) for car in cars)


def _playable(compound: Compound) -> int:
    """The wear-table row of a compound; medium for an unknown one."""
    return int(Compound.MEDIUM if compound is Compound.UNKNOWN else compound)


def _bits(used: frozenset[Compound]) -> int:
    return sum(1 << int(c) for c in used if c in (*DRY, *RAIN))


def evidence(state: RaceState, reading: Reading, car: str, best: Candidate) -> Evidence:
    """The facts behind a call, from posterior means: gaps, wear against a fresh set, where a stop comes out.

    Order-at-gap arithmetic for one lap, without chance; the decision itself is simulated.
    Raises NotFound for an unknown car.
    """
    me, race = state.car(car), reading.race
    grid, i = race.grid, race.grid.cars.index(car)
    now = me.laps_done
    rivals = [state.cars[c] for c in grid.cars if c != car and grid.racing[grid.cars.index(c)]]
    at_line = {rival.car: _line_s(race, rival, now) for rival in rivals}
    mine = _line_s(race, me, now)
    next_line = {rival.car: _line_s(race, rival, now + 1) for rival in rivals}
    pit_loss_s = race.pit_loss_s
    stopped = _line_s(race, me, now + 1) + pit_loss_s
    ahead, gap_ahead, behind, gap_behind = _neighbours(at_line, mine)
    out_ahead, out_gap_ahead, out_behind, out_gap_behind = _neighbours(next_line, stopped)
    tyre = race.tyres[grid.compound[i]]
    fresh = best.compound if best.compound is not None else int(_likely(me))
    old_lap = _lap_s(race, i, now + 2, grid.compound[i], grid.tyre_age[i] + 1)
    known = me.compound is not Compound.UNKNOWN
    return Evidence(
        compound=Compound(grid.compound[i]).label if known else Compound.UNKNOWN.label,
        tyre_age_laps=grid.tyre_age[i] if me.tyre_age is not None else None,
        pit_loss_s=pit_loss_s,
        wear_s_per_lap=grid.wear[i] * tyre.wear_s,
        wear_sd_s_per_lap=grid.wear_sd[i] * tyre.wear_s,
        fresh_gain_s=old_lap - _lap_s(race, i, now + 2, fresh, 1),
        position=1 + sum(t < mine for t in at_line.values()),
        ahead=ahead,
        gap_ahead_s=gap_ahead,
        behind=behind,
        gap_behind_s=gap_behind,
        rejoin_position=1 + sum(t < stopped for t in next_line.values()),
        rejoin_ahead=out_ahead,
        rejoin_gap_ahead_s=out_gap_ahead,
        rejoin_behind=out_behind,
        rejoin_gap_behind_s=out_gap_behind,
        undercut_threats=_threats(race, at_line, mine, old_lap, now, fresh),
    )


def _lap_s(race: Race, i: int, lap: int, compound: int, age: int) -> float:
    """Expected green lap of grid entry ``i`` with nobody near (the kernel's free lap without noise)."""
    tyre, circuit = race.tyres[compound], race.circuit
    wear = tyre.wear_s * age + tyre.cliff_s * max(0, age - tyre.life_laps)
    cold = tyre.cold_s if age == 0 else 0.0
    fuel = circuit.fuel_s * (circuit.total_laps - lap)
    return race.grid.pace_s[i] + fuel + tyre.offset_s + race.grid.wear[i] * wear + cold


def _line_s(race: Race, car: CarState, lap: int) -> float:
    """When the car completed ``lap``, or will if it does not stop (a car now in the pit lane does)."""
    grid = race.grid
    i = grid.cars.index(car.car)
    for record in reversed(car.laps):
        if record.lap == lap:
            return record.time_s
    t, age = grid.time_s[i], grid.tyre_age[i]
    for step, next_lap in enumerate(range(grid.laps_done[i] + 1, lap + 1)):
        t += _lap_s(race, i, next_lap, grid.compound[i], age + step)
        if step == 0:
            t += grid.extra_s[i] + (race.circuit.pit_loss_s if grid.boxing[i] else 0.0)
    return t


def _neighbours(times: dict[str, float], mine: float) -> tuple[str, float, str, float]:
    """(car ahead, its lead, car behind, its deficit) at one line; "" and 0 where there is none."""
    ahead = max(((t, c) for c, t in times.items() if t < mine), default=(mine, ""))
    behind = min(((t, c) for c, t in times.items() if t >= mine), default=(mine, ""))
    return ahead[1], mine - ahead[0], behind[1], behind[0] - mine


def _threats(
    race: Race, at_line: dict[str, float], mine: float, old_lap: float, now: int, fresh: int
) -> tuple[Threat, ...]:
    """Cars behind whose first lap on fresh tyres gains more on the asking car's old ones than their gap."""
    out = []
    for rival, t in at_line.items():
        j = race.grid.cars.index(rival)
        gap = t - mine
        margin = old_lap - _lap_s(race, j, now + 2, fresh, 0) - gap
        if gap >= 0 and margin > 0 and race.grid.laps_done[j] >= now - 1 and race.grid.extra_s[j] == 0.0:
            out.append(Threat(rival, gap, margin))
    return tuple(sorted(out, key=lambda threat: threat.gap_s))
