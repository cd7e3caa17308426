"""Race states to ``pitcall.wire.v1`` messages and back. Pure.

``*_from_wire`` trusts nothing: a message that cannot be true raises InvalidRequest that names the
field. What is not known is absent, NaN or -1 on the wire, as the proto says, and None here. A state
comes back equal to the one sent, less its race-control messages, on which no decision depends.
"""

import math
from collections.abc import Sequence
from itertools import accumulate, pairwise
from operator import lt
from types import MappingProxyType
from typing import Final, cast

from pitcall.domain.events import MAX_LAPS, MAX_TIME_S
from pitcall.domain.race import CarState, CarStatus, LapRecord, PitStop, RaceState
from pitcall.domain.tyres import Compound
from pitcall.errors import InvalidRequest
from pitcall.sim.race import MAX_CARS
from pitcall.wire import fields
from pitcall.wire.v1 import strategy_pb2 as pb

#: Most visits to the pit lane of one car that a state may hold.
MAX_STOPS: Final = 500

_STATUS_TO_WIRE: Final = {s: cast("pb.CarStatus", pb.CarStatus.Value(f"CAR_STATUS_{s.name}")) for s in CarStatus}
_STATUS_FROM_WIRE: Final[dict[int, CarStatus]] = {wire: s for s, wire in _STATUS_TO_WIRE.items()}
#: LapColumns.flags -> (pit_in, pit_out, green).
_FLAGS: Final = {bits: (bool(bits & 1), bool(bits & 2), bool(bits & 4)) for bits in range(8)}


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
        track=fields.TRACK_TO_WIRE[state.track],
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
        compound=fields.COMPOUND_TO_WIRE[car.compound],
        tyre_age_laps=car.tyre_age,
        compounds_used=[fields.COMPOUND_TO_WIRE[c] for c in sorted(car.compounds_used)],
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
        compound=[r.compound + 1 for r in laps],  # as fields.COMPOUND_TO_WIRE, which costs a lookup per lap
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
        race=fields.text(message.race, "state.race"),
        name=fields.text(message.name, "state.name"),
        series=fields.text(message.series, "state.series"),
        season=message.season if message.HasField("season") else None,
        round=message.round if message.HasField("round") else None,
        circuit=fields.text(message.circuit, "state.circuit") if message.HasField("circuit") else None,
        total_laps=message.total_laps,
        seq=message.seq,
        t=fields.time(message.t_s, "state.t_s"),
        cars=MappingProxyType(cars),
        track=fields.known(fields.TRACK_FROM_WIRE, message.track, "state.track"),
        track_since_s=fields.time(message.track_since_s, "state.track_since_s"),
        green_since_s=fields.time(message.green_since_s, "state.green_since_s"),
        air_temp_c=fields.finite(message.air_temp_c, "state.air_temp_c") if message.HasField("air_temp_c") else None,
        track_temp_c=(
            fields.finite(message.track_temp_c, "state.track_temp_c") if message.HasField("track_temp_c") else None
        ),
        rain=message.rain if message.HasField("rain") else None,
        flag_s=fields.time(message.flag_s, "state.flag_s") if message.HasField("flag_s") else None,
    )


def _car_from_wire(entry: pb.Car, laps: tuple[LapRecord, ...], where: str) -> CarState:
    age = entry.tyre_age_laps if entry.HasField("tyre_age_laps") else None
    if age is not None and age > MAX_LAPS:
        raise InvalidRequest(f"{where}.tyre_age_laps: at most {MAX_LAPS}, not {age}")
    used = frozenset(
        fields.known(fields.COMPOUND_FROM_WIRE, c, f"{where}.compounds_used") for c in set(entry.compounds_used)
    )
    if Compound.UNKNOWN in used:
        raise InvalidRequest(f"{where}.compounds_used: a compound that is not known cannot be counted as used")
    return CarState(
        car=fields.text(entry.car, f"{where}.car"),
        number=fields.text(entry.number, f"{where}.number"),
        driver=fields.text(entry.driver, f"{where}.driver"),
        team=fields.text(entry.team, f"{where}.team"),
        grid=entry.grid if entry.HasField("grid") else None,
        compound=fields.known(fields.COMPOUND_FROM_WIRE, entry.compound, f"{where}.compound"),
        tyre_age=age,
        compounds_used=used,
        laps=laps,
        stops=_stops_from_wire(entry, where),
        status=fields.known(_STATUS_FROM_WIRE, entry.status, f"{where}.status"),
        retired_reason=fields.text(entry.retired_reason, f"{where}.retired_reason"),
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
        out = None if math.isnan(out_s) else fields.time(out_s, f"{where}.stop_out_s")
        if out is not None and out < in_s:
            raise InvalidRequest(f"{where}.stop_out_s: {out} s is before the car came in, at {in_s} s")
        stops.append(PitStop(lap, fields.time(in_s, f"{where}.stop_in_s"), out))
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
    if lap and not (min(lap) >= 1 and max(lap) <= MAX_LAPS):
        raise InvalidRequest(f"state.laps.lap: 1 to {MAX_LAPS} only")
    if not all(0 <= t <= MAX_TIME_S for t in time_s):  # false for NaN too
        raise InvalidRequest(f"state.laps.time_s: 0 to {MAX_TIME_S:.0f} s only")
    lap_time_s = [None if math.isnan(v) else v for v in columns.lap_time_s]
    if not all(v is None or 0 < v < math.inf for v in lap_time_s):
        raise InvalidRequest("state.laps.lap_time_s: positive, or NaN where it is not known")
    age = [None if v == -1 else v for v in columns.tyre_age]
    if not all(v is None or 0 <= v <= MAX_LAPS for v in age):
        raise InvalidRequest(f"state.laps.tyre_age: 0 to {MAX_LAPS}, or -1 where it is not known")
    compound = fields.all_known(fields.COMPOUND_FROM_WIRE, columns.compound, "state.laps.compound")
    flags = fields.all_known(_FLAGS, columns.flags, "state.laps.flags")
    pit_in, pit_out, green = zip(*flags, strict=True) if flags else ((), (), ())
    return list(map(LapRecord._make, zip(lap, time_s, lap_time_s, compound, age, pit_in, pit_out, green, strict=True)))
