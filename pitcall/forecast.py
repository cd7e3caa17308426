"""Race so far -> filter -> policy -> kernel input: the one path from a state to a simulation. Pure.

``read`` turns what was seen into what the kernel plays: each car's pace and tyre wear with what
the laps leave open of them, the pit loss, the regime. It is a pure function of state and model. Where
nothing was seen it falls back on the model, and says so in ``Reading.assumed``.
"""

import hashlib
import math
from dataclasses import dataclass, field, replace
from itertools import pairwise
from statistics import median
from typing import Final

import numpy as np

from pitcall.calibrate.filter import Fit, Posterior, Prior, base_lap, posterior, usable
from pitcall.domain.events import Track
from pitcall.domain.race import CarState, RaceState, must_change_compound
from pitcall.domain.strategy import Evidence, Threat, legal_calls
from pitcall.domain.tyres import DRY, RAIN, Compound
from pitcall.form import FIELD_RELIABILITY, UNKNOWN
from pitcall.model import HAND_SET, Model
from pitcall.parameters import Parameters
from pitcall.sim.messages import Candidate
from pitcall.sim.race import GREEN, RED, SAFETY_CAR, STOPS_KEPT, VSC, YELLOW, Circuit, Grid, Race, Weather

#: A field that laps this many times slower than its circuit's green lap, before any clean lap, is behind a safety
#: car whatever is shown: a wet lap is 1.1 to 1.25 times as long as a dry one (lap tables 2018-2022).
CRAWL: Final = 1.4
#: A car is late when its lap takes this much longer, s, than it should; this many laps late, it is out.
LATE_S: Final = 5.0
#: Laps under a safety car or VSC are at most this many times as long as green ones (pitcall.priors: 1.4 to 1.6).
SLOWEST: Final = 1.6
LOST_LAPS: Final = 0.5
#: Most that a team's record changes its failures, as a factor up or down.
RECORD_BOUND: Final = 2.0


@dataclass(frozen=True, slots=True)
class Reading:
    """A state as the simulator sees it."""

    race: Race
    assumed: tuple[str, ...]  #: what was not known and what was taken instead, one sentence each
    model: str  #: name and version of the model behind it, for provenance
    known: Posterior = field(compare=False, repr=False)  #: of the cars of ``race.grid``, before it became that


def candidates(state: RaceState, car: str) -> tuple[Candidate, ...]:
    """Every legal call of one car. Raises NotFound (no such car) and StaleFeed (nothing left to call)."""
    calls = legal_calls(state, state.car(car))
    return tuple(Candidate(c.lap, None if c.compound is None else int(c.compound)) for c in calls)


def seed_of(state: RaceState, car: str) -> int:
    """A seed that names the question: same state and car, same seed. 53 bits: what every JSON reader keeps."""
    digest = hashlib.sha256(f"{state.race}/{state.seq}/{state.t}/{car}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 11


def read(state: RaceState, assume: Track | None = None, model: Model = HAND_SET) -> Reading:
    """The state as the simulator sees it.

    Args:
        state: the race so far.
        assume: play on as if this were shown from now on; None: what is shown.
        model: what past races say; default: the hand-set priors.
    """
    assumed: list[str] = []
    parameters, cars = model.parameters, list(state.cars.values())
    tyres_now = {car.car: _tyres_now(state, car, assumed) for car in cars}
    laps = [car.laps for car in cars]
    place, season = state.circuit, state.season
    base = base_lap(laps)
    circuit = parameters.circuit(place, state.total_laps, base, season, assumed)
    crawl_s = _crawl_s(cars, circuit.base_lap_s) if base is None else None
    if crawl_s is not None:  # the queue's lap is what was seen; a green one follows from it
        circuit = parameters.circuit(place, state.total_laps, crawl_s / parameters.cautions.sc_pace, season)
    tyres = parameters.tyres(place, season, state.total_laps, circuit.base_lap_s)
    prior = _prior(state, cars, model, circuit.base_lap_s)
    known = posterior(laps, circuit, tyres, prior, parameters.filter)
    fit = known.fit(state.total_laps - state.laps_done)
    loss, seen = _pit_loss(cars, circuit.pit_loss_s, parameters.typical.pit_loss_weight)
    circuit = replace(circuit, noise_s=fit.noise_s, noise_memory=fit.noise_memory, pit_loss_s=loss)
    if not seen:
        assumed.append(f"No green stop seen yet: pit loss taken as {loss:.0f} s.")
    regime, regime_laps = (SAFETY_CAR, 0) if crawl_s is not None and assume is None else _regime(state, assume)
    grid = _grid(state, tyres_now, fit, circuit, model)
    race = replace(
        parameters.race(circuit, grid, place, season, two_compounds=state.series == "f1"),
        weather=_weather(state, parameters, assumed),
        regime=regime,
        regime_laps=regime_laps,
        stops_lately=_stops_lately(cars, grid),
    )
    if model.policy is not None:
        race = replace(race, policy=model.policy.at(place))
    return Reading(parameters.tuned.race(race), tuple(assumed), model.version, known)


def _crawl_s(cars: list[CarState], green_s: float) -> float | None:
    """The field's lap so far where it is too slow for racing, s."""
    laps = [now.time_s - then.time_s for car in cars for then, now in pairwise(car.laps) if now.lap == then.lap + 1]
    laps = laps or [car.laps[0].time_s for car in cars if car.laps and car.laps[0].lap == 1]
    usual = median(laps) if laps else 0.0
    return usual if usual > CRAWL * green_s else None


def _weather(state: RaceState, parameters: Parameters, assumed: list[str]) -> Weather:
    """Wetness by what the field has fitted, rain by what is reported. No rain is foreseen on a dry day."""
    raining, rain = bool(state.rain), parameters.rain
    if not state.wet and not raining:
        return Weather()
    wetness = rain.damp
    if state.wet:
        wetness = rain.wet if _rain_tyre(state) is Compound.WET else rain.intermediate
    assumed.append(f"Wetness of the track taken as {wetness:.2f}, from the tyres of the field and the rain report.")
    return rain.weather(wetness, raining=raining)


def _rain_tyre(state: RaceState) -> Compound:
    """The tyre with a tread that most of those who run on one have fitted."""
    fitted = [car.compound for car in state.cars.values() if car.racing and car.compound in RAIN]
    return Compound.WET if 2 * sum(c is Compound.WET for c in fitted) > len(fitted) else Compound.INTERMEDIATE


def _pit_loss(cars: list[CarState], prior_s: float, weight: float) -> tuple[float, int]:
    """Green pit loss from the stops so far, shrunk to the prior, and how many stops it rests on."""
    losses = []
    for car in cars:
        if not car.stops:
            continue
        by_lap = {r.lap: r for r in car.laps}
        normal = [r.lap_time_s for r in usable(car.laps) if r.lap_time_s]
        for stop in car.stops:
            come, go = by_lap.get(stop.lap), by_lap.get(stop.lap + 1)
            if come and go and come.green and go.green and come.lap_time_s and go.lap_time_s and len(normal) >= 3:
                losses.append(come.lap_time_s + go.lap_time_s - 2 * median(normal))
    losses = [loss for loss in losses if 5.0 < loss < 60.0]  # a drive-through at least, a repair at most
    if not losses:
        return prior_s, 0
    n = len(losses)
    return (n * median(losses) + weight * prior_s) / (n + weight), n


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
        fresh = _rain_tyre(state) if state.wet else _likely(car)
        assumed.append(f"{car.car} is in the pits: new {fresh.label} tyres assumed.")
        return int(fresh), 0, _bits(used | {fresh})
    if compound is Compound.UNKNOWN:
        compound = _rain_tyre(state) if state.wet else Compound.MEDIUM
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


def _prior(state: RaceState, cars: list[CarState], model: Model, base_lap_s: float) -> Prior:
    """Pace by the order in which the cars completed the first lap, on the grid by their slots, and by their form."""
    first = {car.car: car.laps[0].time_s for car in cars if car.laps and car.laps[0].lap == 1}
    order = sorted((car.car for car in state.order()), key=lambda car: first.get(car, math.inf))
    slots = np.array([order.index(car.car) for car in cars], np.float64)
    unseen = model.parameters.unseen
    pace, sd = unseen.pace_per_slot_s * (slots - slots.mean()), np.full(len(cars), unseen.slot_sd_s)
    if model.form.races:
        forms = model.form.prior(state)
        per_cent = base_lap_s / 100.0
        past = np.array([forms[car.car].pace * per_cent for car in cars])
        # Who starts in front was quick on Saturday, which the form does not know; the two are taken as independent.
        trust = 1.0 / np.array([forms[car.car].sd * per_cent for car in cars]) ** 2
        pace = (trust * past + pace / sd**2) / (trust + 1.0 / sd**2)
        sd = 1.0 / np.sqrt(trust + 1.0 / sd**2)
    return Prior(pace, sd, np.ones(len(cars)), np.full(len(cars), unseen.wear_sd))


def _grid(
    state: RaceState, tyres_now: dict[str, tuple[int, int, int]], fit: Fit, circuit: Circuit, model: Model
) -> Grid:
    leader_laps = state.laps_done
    cars = list(state.cars.values())
    order = {car.car: i for i, car in enumerate(state.order())}
    typical, unseen = model.parameters.typical, model.parameters.unseen

    def time_s(car: CarState) -> float:
        return car.time_s if car.laps else order[car.car] * unseen.gap_s

    # Event times of a feed can be wrong; a line that somebody crossed is a moment that has passed.
    now_s = max((car.time_s for car in cars), default=0.0)
    late = [
        0.0 if state.track is Track.RED else _late_s(car, now_s, state.track, circuit, typical.out_lap_share)
        for car in cars
    ]
    # A car that never left the grid while the others race is out, and so is one that is lost, whatever the feed says.
    racing = tuple(
        car.racing and not (car.laps_done == 0 and leader_laps >= 2) and by <= LOST_LAPS * circuit.base_lap_s
        for car, by in zip(cars, late, strict=True)
    )
    return Grid(
        cars=tuple(car.car for car in cars),
        laps_done=tuple(min(car.laps_done, circuit.total_laps) for car in cars),
        time_s=tuple(time_s(car) for car in cars),
        extra_s=tuple(
            (circuit.pit_loss_s * typical.out_lap_share if _on_out_lap(c) else 0.0) + by if r else 0.0
            for c, r, by in zip(cars, racing, late, strict=True)
        ),
        racing=racing,
        boxing=tuple(_boxing(car) for car in cars),
        compound=tuple(tyres_now[car.car][0] for car in cars),
        tyre_age=tuple(tyres_now[car.car][1] for car in cars),
        used=tuple(tyres_now[car.car][2] for car in cars),
        pace_s=tuple(fit.pace_s.tolist()),
        pace_sd_s=tuple(fit.pace_sd_s.tolist()),
        wear=tuple(fit.wear.tolist()),
        wear_sd=tuple(fit.wear_sd.tolist()),
        pace_wear=tuple(fit.pace_wear.tolist()),
        stops=tuple(len(car.tyre_stops) for car in cars),
        team=_teams(cars),
        reliability=_failures(state, cars, model),
    )


def _late_s(car: CarState, now_s: float, track: Track, circuit: Circuit, out_lap_share: float) -> float:
    """By how much a car's next line is overdue, s; 0 while it is not. It has not crossed it: that is known, too."""
    if not car.laps or not car.racing:
        return 0.0
    before = car.laps[-2].time_s if len(car.laps) > 1 else 0.0
    slow = SLOWEST if track in (Track.SAFETY_CAR, Track.VSC) else 1.0
    lap = max(circuit.base_lap_s * slow, car.laps[-1].time_s - before)  # it may go on as slowly as it has
    if _on_out_lap(car):
        lap += circuit.pit_loss_s * out_lap_share
    if _boxing(car):
        lap += circuit.pit_loss_s
    return max(0.0, now_s - car.time_s - lap - LATE_S)


def _failures(state: RaceState, cars: list[CarState], model: Model) -> tuple[float, ...]:
    """Factor on each car's failure hazard: what its team's season was fitted to, else what its form says."""
    if not model.form.races:
        return tuple(model.parameters.failure(state.season, car.team) for car in cars)
    forms = model.form.prior(state)
    usual = -math.log(FIELD_RELIABILITY)
    return tuple(
        min(RECORD_BOUND, max(1 / RECORD_BOUND, -math.log(forms.get(car.car, UNKNOWN).reliability) / usual))
        for car in cars
    )


def _stops_lately(cars: list[CarState], grid: Grid) -> float:
    """``Race.stops_lately`` for the first lap that is still played."""
    racing = [(car, done) for car, done, on in zip(cars, grid.laps_done, grid.racing, strict=True) if on]
    first = 1 + min((done for _, done in racing), default=0)
    weights = [STOPS_KEPT ** max(0, first - 1 - stop.lap) for car, _ in racing for stop in car.tyre_stops]
    return sum(weights) / max(1, len(racing))


def _teams(cars: list[CarState]) -> tuple[int, ...]:
    """One number per team; a car whose team is not known is its own."""
    numbers: dict[str, int] = {}
    return tuple(numbers.setdefault(car.team or f"/{car.car}", len(numbers)) for car in cars)


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
