"""Race states, decisions and forecasts to ``pitcall.wire.v1`` messages and back. Pure.

``*_from_wire`` trusts nothing: a message that cannot be true raises InvalidRequest that names the
field. What is not known is absent, NaN or -1 on the wire, as the proto says, and None here. A state
comes back equal to the one sent, less its race-control messages, on which no decision depends.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from itertools import accumulate, pairwise
from operator import lt
from types import MappingProxyType
from typing import Any, Final, TypeVar, cast

from google.protobuf.message import Message

from pitcall.domain.events import MAX_LAPS, MAX_TEXT, MAX_TIME_S, Track
from pitcall.domain.race import CarState, CarStatus, LapRecord, PitStop, RaceState
from pitcall.domain.strategy import Evidence, Threat
from pitcall.domain.tyres import Compound
from pitcall.errors import InvalidRequest
from pitcall.sim.messages import MAX_CARS, Budget, Decision, Forecast, Option
from pitcall.wire.v1 import strategy_pb2 as pb

T = TypeVar("T")

#: Most visits to the pit lane of one car that a state may hold.
MAX_STOPS: Final = 500


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where an answer comes from."""

    model: str  #: name@version
    seed: int
    race_lap: int  #: laps that the asking car had completed; of the leader in a forecast
    state_t_s: float  #: event time of the state
    assumed: tuple[str, ...] = ()  #: what was not known and what was taken instead, for a person


@dataclass(frozen=True, slots=True)
class Timings:
    """Self times of the hops behind the orchestrator, ms."""

    model_server_ms: float
    sim_worker_ms: float


@dataclass(frozen=True, slots=True)
class Advice:
    """One AdviseResponse. ``timings.sim_worker_ms`` is ``decision.compute_ms``."""

    decision: Decision
    provenance: Provenance
    timings: Timings
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class Outlook:
    """One ForecastResponse. ``timings.sim_worker_ms`` is ``forecast.compute_ms``."""

    forecast: Forecast
    provenance: Provenance
    timings: Timings


# Enums. On the wire 0 means "not given", so every value moves up by one.

_COMPOUND_TO_WIRE: Final = {c: cast("pb.Compound", pb.Compound.Value(f"COMPOUND_{c.name}")) for c in Compound}
_COMPOUND_FROM_WIRE: Final[dict[int, Compound]] = {wire: c for c, wire in _COMPOUND_TO_WIRE.items()}
_TRACK_TO_WIRE: Final = {t: cast("pb.Track", pb.Track.Value(f"TRACK_{t.name}")) for t in Track}
_TRACK_FROM_WIRE: Final[dict[int, Track]] = {wire: t for t, wire in _TRACK_TO_WIRE.items()}
_STATUS_TO_WIRE: Final = {s: cast("pb.CarStatus", pb.CarStatus.Value(f"CAR_STATUS_{s.name}")) for s in CarStatus}
_STATUS_FROM_WIRE: Final[dict[int, CarStatus]] = {wire: s for s, wire in _STATUS_TO_WIRE.items()}
#: LapColumns.flags -> (pit_in, pit_out, green).
_FLAGS: Final = {bits: (bool(bits & 1), bool(bits & 2), bool(bits & 4)) for bits in range(8)}


def track_to_wire(track: Track | None) -> pb.Track:
    """``None`` is UNSPECIFIED."""
    return pb.TRACK_UNSPECIFIED if track is None else _TRACK_TO_WIRE[track]


def track_from_wire(value: int, where: str = "assume_track") -> Track | None:
    """None for UNSPECIFIED. Raises InvalidRequest for a value that this version does not know."""
    return None if value == pb.TRACK_UNSPECIFIED else _known(_TRACK_FROM_WIRE, value, where)


def budget_from_wire(message: pb.Budget, max_paths: int = Budget().max_paths) -> Budget:
    """The simulation's budget; a field that is 0 takes its default. Raises InvalidRequest out of range."""
    default, most = Budget(), message.max_paths or max_paths
    try:
        return Budget(
            first_paths=message.first_paths or min(default.first_paths, most),
            max_paths=most,
            indifference=message.indifference or default.indifference,
        )
    except ValueError as exc:
        raise InvalidRequest(f"budget: {exc}") from exc


def state_to_wire(state: RaceState) -> pb.RaceState:
    """All of a state but its messages.

    Raises:
        InvalidRequest: a value does not fit its wire type (a negative season, a text that is not Unicode).
    """
    try:
        return _state_to_wire(state)
    except (ValueError, TypeError) as exc:
        raise InvalidRequest(f"race {state.race!r} cannot be sent: {exc}") from exc


def _state_to_wire(state: RaceState) -> pb.RaceState:
    cars = list(state.cars.values())
    return pb.RaceState(
        race=state.race,
        name=state.name,
        series=state.series,
        season=state.season,
        round=state.round,
        circuit=state.circuit,
        total_laps=state.total_laps,
        seq=state.seq,
        t_s=state.t,
        cars=[_car_to_wire(car) for car in cars],
        laps=_laps_to_wire(cars),
        track=_TRACK_TO_WIRE[state.track],
        track_since_s=state.track_since_s,
        green_since_s=state.green_since_s,
        air_temp_c=state.air_temp_c,
        track_temp_c=state.track_temp_c,
        rain=state.rain,
        flag_s=state.flag_s,
    )


def _car_to_wire(car: CarState) -> pb.Car:
    return pb.Car(
        car=car.car,
        number=car.number,
        driver=car.driver,
        team=car.team,
        grid=car.grid,
        compound=_COMPOUND_TO_WIRE[car.compound],
        tyre_age_laps=car.tyre_age,
        compounds_used=[_COMPOUND_TO_WIRE[c] for c in sorted(car.compounds_used)],
        status=_STATUS_TO_WIRE[car.status],
        retired_reason=car.retired_reason,
        stop_lap=[stop.lap for stop in car.stops],
        stop_in_s=[stop.in_s for stop in car.stops],
        stop_out_s=[math.nan if stop.out_s is None else stop.out_s for stop in car.stops],
    )


def _laps_to_wire(cars: Sequence[CarState]) -> pb.LapColumns:
    laps = [record for car in cars for record in car.laps]
    return pb.LapColumns(
        count=[len(car.laps) for car in cars],
        lap=[r.lap for r in laps],
        time_s=[r.time_s for r in laps],
        lap_time_s=[math.nan if r.lap_time_s is None else r.lap_time_s for r in laps],
        compound=[r.compound + 1 for r in laps],  # as _COMPOUND_TO_WIRE, which costs a lookup per lap
        tyre_age=[-1 if r.tyre_age is None else r.tyre_age for r in laps],
        flags=[r.pit_in | r.pit_out << 1 | r.green << 2 for r in laps],
    )


def state_from_wire(message: pb.RaceState) -> RaceState:
    """The state that was sent; ``messages`` is empty.

    Raises:
        InvalidRequest: columns of different length, an unknown enum value, a number out of range,
            a car twice, laps out of order. The text names the field.
    """
    if not 1 <= message.total_laps <= MAX_LAPS:
        raise InvalidRequest(f"state.total_laps: 1 to {MAX_LAPS}, not {message.total_laps}")
    if len(message.cars) > MAX_CARS:
        raise InvalidRequest(f"state.cars: at most {MAX_CARS}, not {len(message.cars)}")
    laps = _laps_from_wire(message.laps, len(message.cars))
    cars: dict[str, CarState] = {}
    for index, entry in enumerate(message.cars):
        where = f"state.cars[{index}]"
        if not entry.car or entry.car in cars:
            raise InvalidRequest(f"{where}.car: {entry.car!r:.80} is empty or was there before")
        cars[entry.car] = _car_from_wire(entry, laps[index], where)
    return RaceState(
        race=_text(message.race, "state.race"),
        name=_text(message.name, "state.name"),
        series=_text(message.series, "state.series"),
        season=message.season if message.HasField("season") else None,
        round=message.round if message.HasField("round") else None,
        circuit=_text(message.circuit, "state.circuit") if message.HasField("circuit") else None,
        total_laps=message.total_laps,
        seq=message.seq,
        t=_time(message.t_s, "state.t_s"),
        cars=MappingProxyType(cars),
        track=_known(_TRACK_FROM_WIRE, message.track, "state.track"),
        track_since_s=_time(message.track_since_s, "state.track_since_s"),
        green_since_s=_time(message.green_since_s, "state.green_since_s"),
        air_temp_c=_finite(message.air_temp_c, "state.air_temp_c") if message.HasField("air_temp_c") else None,
        track_temp_c=_finite(message.track_temp_c, "state.track_temp_c") if message.HasField("track_temp_c") else None,
        rain=message.rain if message.HasField("rain") else None,
        flag_s=_time(message.flag_s, "state.flag_s") if message.HasField("flag_s") else None,
    )


def _car_from_wire(entry: pb.Car, laps: tuple[LapRecord, ...], where: str) -> CarState:
    age = entry.tyre_age_laps if entry.HasField("tyre_age_laps") else None
    if age is not None and age > MAX_LAPS:
        raise InvalidRequest(f"{where}.tyre_age_laps: at most {MAX_LAPS}, not {age}")
    used = frozenset(_known(_COMPOUND_FROM_WIRE, c, f"{where}.compounds_used") for c in set(entry.compounds_used))
    if Compound.UNKNOWN in used:
        raise InvalidRequest(f"{where}.compounds_used: a compound that is not known cannot be counted as used")
    return CarState(
        car=_text(entry.car, f"{where}.car"),
        number=_text(entry.number, f"{where}.number"),
        driver=_text(entry.driver, f"{where}.driver"),
        team=_text(entry.team, f"{where}.team"),
        grid=entry.grid if entry.HasField("grid") else None,
        compound=_known(_COMPOUND_FROM_WIRE, entry.compound, f"{where}.compound"),
        tyre_age=age,
        compounds_used=used,
        laps=laps,
        stops=_stops_from_wire(entry, where),
        status=_known(_STATUS_FROM_WIRE, entry.status, f"{where}.status"),
        retired_reason=_text(entry.retired_reason, f"{where}.retired_reason"),
    )


def _stops_from_wire(entry: pb.Car, where: str) -> tuple[PitStop, ...]:
    n = len(entry.stop_lap)
    if n > MAX_STOPS or len(entry.stop_in_s) != n or len(entry.stop_out_s) != n:
        raise InvalidRequest(
            f"{where}: stop_lap, stop_in_s and stop_out_s must have one length of at most {MAX_STOPS}, "
            f"not {n}, {len(entry.stop_in_s)} and {len(entry.stop_out_s)}"
        )
    stops = []
    for lap, in_s, out_s in zip(entry.stop_lap, entry.stop_in_s, entry.stop_out_s, strict=True):
        if lap > MAX_LAPS:
            raise InvalidRequest(f"{where}.stop_lap: at most {MAX_LAPS}, not {lap}")
        out = None if math.isnan(out_s) else _time(out_s, f"{where}.stop_out_s")
        if out is not None and out < in_s:
            raise InvalidRequest(f"{where}.stop_out_s: {out} s is before the car came in, at {in_s} s")
        stops.append(PitStop(lap, _time(in_s, f"{where}.stop_in_s"), out))
    return tuple(stops)


def _laps_from_wire(columns: pb.LapColumns, cars: int) -> list[tuple[LapRecord, ...]]:
    """The laps of each car. Whole columns are checked at a time: a full race has 1,400 laps."""
    count = list(columns.count)
    if len(count) != cars:
        raise InvalidRequest(f"state.laps.count: {len(count)} values for {cars} cars")
    if any(n > MAX_LAPS for n in count):
        raise InvalidRequest(f"state.laps.count: at most {MAX_LAPS} laps a car, not {max(count)}")
    total = sum(count)
    for name in ("lap", "time_s", "lap_time_s", "compound", "tyre_age", "flags"):
        if (length := len(getattr(columns, name))) != total:
            raise InvalidRequest(f"state.laps.{name}: {length} values, but the counts add up to {total}")
    bounds = list(pairwise(accumulate(count, initial=0)))
    lap, time_s = list(columns.lap), list(columns.time_s)
    for first, end in bounds:
        if not all(map(lt, lap[first : end - 1], lap[first + 1 : end])):
            raise InvalidRequest("state.laps.lap: the laps of a car must be in order, each once")
        if not all(map(lt, time_s[first : end - 1], time_s[first + 1 : end])):
            raise InvalidRequest("state.laps.time_s: the clock runs backwards from one lap of a car to the next")
    records = _records(columns, lap, time_s)
    return [tuple(records[first:end]) for first, end in bounds]


def _records(columns: pb.LapColumns, lap: list[int], time_s: list[float]) -> list[LapRecord]:
    """One record per row. Raises InvalidRequest for a value out of range."""
    if not all(1 <= n <= MAX_LAPS for n in lap):
        raise InvalidRequest(f"state.laps.lap: 1 to {MAX_LAPS} only")
    if not all(0 <= t <= MAX_TIME_S for t in time_s):  # false for NaN too
        raise InvalidRequest(f"state.laps.time_s: 0 to {MAX_TIME_S:.0f} s only")
    lap_time_s = [None if math.isnan(v) else v for v in columns.lap_time_s]
    if not all(v is None or 0 < v < math.inf for v in lap_time_s):
        raise InvalidRequest("state.laps.lap_time_s: positive, or NaN where it is not known")
    age = [None if v == -1 else v for v in columns.tyre_age]
    if not all(v is None or 0 <= v <= MAX_LAPS for v in age):
        raise InvalidRequest(f"state.laps.tyre_age: 0 to {MAX_LAPS}, or -1 where it is not known")
    compound = [_known(_COMPOUND_FROM_WIRE, c, "state.laps.compound") for c in columns.compound]
    flags = [_known(_FLAGS, bits, "state.laps.flags") for bits in columns.flags]
    pit_in, pit_out, green = zip(*flags, strict=True) if flags else ((), (), ())
    return list(map(LapRecord, lap, time_s, lap_time_s, compound, age, pit_in, pit_out, green))


def decision_to_wire(decision: Decision) -> pb.Decision:
    """A decision without its ``compute_ms``, which travels in Timings."""
    options = decision.options
    return pb.Decision(
        options=pb.OptionColumns(
            lap=[o.lap or 0 for o in options],
            compound=[0 if o.compound is None else _COMPOUND_TO_WIRE[Compound(o.compound)] for o in options],
            mean_position=[o.mean_position for o in options],
            p_position=[p for o in options for p in o.p_position],
            delta_positions=[o.delta_positions for o in options],
            standard_error=[o.standard_error for o in options],
            draws=[o.draws for o in options],
            rejoin_position=[math.nan if o.rejoin_position is None else o.rejoin_position for o in options],
        ),
        best=decision.best,
        resolved=decision.resolved,
        rounds=decision.rounds,
        draws=decision.draws,
        final=decision.final,
        cut=decision.cut,
    )


def decision_from_wire(message: pb.Decision) -> Decision:
    """The decision; ``compute_ms`` is 0. Raises InvalidRequest for one that cannot be true."""
    options = _options_from_wire(message.options)
    if message.best >= len(options):
        raise InvalidRequest(f"decision.best: {message.best} is no row of {len(options)} options")
    return Decision(
        options=options,
        best=message.best,
        resolved=message.resolved,
        rounds=message.rounds,
        draws=message.draws,
        final=message.final,
        cut=message.cut,
    )


def _options_from_wire(columns: pb.OptionColumns) -> tuple[Option, ...]:
    rows = len(columns.lap)
    for name in ("compound", "mean_position", "delta_positions", "standard_error", "draws", "rejoin_position"):
        if len(getattr(columns, name)) != rows:
            raise InvalidRequest(f"decision.options.{name}: {len(getattr(columns, name))} values for {rows} options")
    for name in ("mean_position", "delta_positions", "standard_error"):
        if not all(map(math.isfinite, getattr(columns, name))):
            raise InvalidRequest(f"decision.options.{name}: must be finite numbers")
    if not all(map(math.isfinite, (v for v in columns.rejoin_position if not math.isnan(v)))):
        raise InvalidRequest("decision.options.rejoin_position: must be finite, or NaN where there is no stop")
    p, cars = tuple(columns.p_position), len(columns.p_position) // max(rows, 1)
    if len(p) != rows * cars:
        raise InvalidRequest(f"decision.options.p_position: {len(p)} values do not fill {rows} rows")
    if p and not (min(p) >= 0 and max(p) <= 1 + 1e-9 and math.isfinite(sum(p))):  # a sum of weights may round above 1
        raise InvalidRequest("decision.options.p_position: probabilities are between 0 and 1")
    calls = map(_call_from_wire, columns.lap, columns.compound)
    return tuple(
        Option(
            lap,
            compound,
            mean,
            p[i * cars : (i + 1) * cars],
            delta,
            error,
            draws,
            None if math.isnan(rejoin) else rejoin,
        )
        for i, ((lap, compound), mean, delta, error, draws, rejoin) in enumerate(
            zip(
                calls,
                columns.mean_position,
                columns.delta_positions,
                columns.standard_error,
                columns.draws,
                columns.rejoin_position,
                strict=True,
            )
        )
    )


def _call_from_wire(lap: int, compound: int) -> tuple[int | None, int | None]:
    if (lap == 0) != (compound == pb.COMPOUND_UNSPECIFIED):
        raise InvalidRequest("decision.options: lap and compound must be given together")
    if lap == 0:
        return None, None
    found = _known(_COMPOUND_FROM_WIRE, compound, "decision.options.compound")
    if found is Compound.UNKNOWN:
        raise InvalidRequest("decision.options.compound: a call needs a compound that is known")
    return lap, int(found)


def evidence_to_wire(evidence: Evidence) -> pb.Evidence:
    """The facts behind a call: the same names on both sides."""
    return pb.Evidence(**asdict(evidence))


def evidence_from_wire(message: pb.Evidence) -> Evidence:
    """The facts behind a call. Raises InvalidRequest for a number that is not finite."""
    threats = tuple(Threat(**_plain(Threat, t, "evidence.undercut_threats")) for t in message.undercut_threats)
    return Evidence(**_plain(Evidence, message, "evidence") | {"undercut_threats": threats})


def advice_to_wire(advice: Advice) -> pb.AdviseResponse:
    """One message of the Advise stream."""
    return pb.AdviseResponse(
        decision=decision_to_wire(advice.decision),
        provenance=pb.Provenance(**asdict(advice.provenance)),
        timings=pb.Timings(**asdict(advice.timings)),
        evidence=evidence_to_wire(advice.evidence),
    )


def advice_from_wire(message: pb.AdviseResponse) -> Advice:
    """One message of the Advise stream. Raises InvalidRequest for one that cannot be true."""
    timings = _timings_from_wire(message.timings)
    return Advice(
        decision=replace(decision_from_wire(message.decision), compute_ms=timings.sim_worker_ms),
        provenance=_provenance_from_wire(message.provenance),
        timings=timings,
        evidence=evidence_from_wire(message.evidence),
    )


def outlook_to_wire(outlook: Outlook) -> pb.ForecastResponse:
    """The answer of Forecast; the rows of ``p_position`` one after the other."""
    rows = outlook.forecast.p_position
    return pb.ForecastResponse(
        cars=outlook.forecast.cars,
        positions=len(rows[0]) if rows else 0,
        p_position=[p for row in rows for p in row],
        draws=outlook.forecast.draws,
        provenance=pb.Provenance(**asdict(outlook.provenance)),
        timings=pb.Timings(**asdict(outlook.timings)),
    )


def outlook_from_wire(message: pb.ForecastResponse) -> Outlook:
    """The answer of Forecast. Raises InvalidRequest for one that cannot be true."""
    n, width = len(message.cars), message.positions
    if n > MAX_CARS or width > MAX_CARS or len(message.p_position) != n * width:
        raise InvalidRequest(f"p_position: {len(message.p_position)} values for {n} cars and {width} positions")
    flat = _probabilities(message.p_position, "p_position")
    timings = _timings_from_wire(message.timings)
    return Outlook(
        forecast=Forecast(
            cars=tuple(message.cars),
            p_position=tuple(flat[row * width : (row + 1) * width] for row in range(n)),
            draws=message.draws,
            compute_ms=timings.sim_worker_ms,
        ),
        provenance=_provenance_from_wire(message.provenance),
        timings=timings,
    )


def _provenance_from_wire(message: pb.Provenance) -> Provenance:
    return Provenance(**_plain(Provenance, message, "provenance") | {"assumed": tuple(message.assumed)})


def _timings_from_wire(message: pb.Timings) -> Timings:
    return Timings(**_plain(Timings, message, "timings"))


def _plain(kind: type, message: Message, where: str) -> dict[str, Any]:
    """The fields of ``kind`` from a message with the same names; None where an optional one is absent."""
    out: dict[str, Any] = {}
    for field in fields(kind):
        value = getattr(message, field.name)
        if isinstance(value, float):
            value = _finite(value, f"{where}.{field.name}")
        optional = message.DESCRIPTOR.fields_by_name[field.name].has_presence
        out[field.name] = None if optional and not message.HasField(field.name) else value
    return out


def _known(table: Mapping[int, T], value: int, where: str) -> T:
    if value not in table:
        raise InvalidRequest(f"{where}: {value} is not given or not known to this version")
    return table[value]


def _finite(value: float, where: str) -> float:
    if not math.isfinite(value):
        raise InvalidRequest(f"{where}: must be a finite number, not {value}")
    return value


def _time(value: float, where: str) -> float:
    if not 0 <= value <= MAX_TIME_S:  # false for NaN too
        raise InvalidRequest(f"{where}: 0 to {MAX_TIME_S:.0f} s, not {value}")
    return value


def _text(value: str, where: str) -> str:
    if len(value) > MAX_TEXT:
        raise InvalidRequest(f"{where}: at most {MAX_TEXT} characters, not {len(value)}")
    return value


def _probabilities(values: Iterable[float], where: str) -> tuple[float, ...]:
    row = tuple(values)
    if not all(0 <= p <= 1 + 1e-9 for p in row):  # a sum of weights may round to just above 1
        raise InvalidRequest(f"{where}: probabilities are between 0 and 1")
    return row
