"""The values that every message of ``pitcall.wire.v1`` is made of, read without trust. Pure.

Each reader takes ``where``, the field's path, and raises InvalidRequest that begins with it.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Any, Final, TypeVar, cast

from google.protobuf.message import Message

from pitcall.domain.events import MAX_TEXT, MAX_TIME_S, Track
from pitcall.domain.tyres import Compound
from pitcall.errors import InvalidRequest
from pitcall.wire.v1 import strategy_pb2 as pb

T = TypeVar("T")

# Enums. On the wire 0 means "not given", so every value moves up by one.

COMPOUND_TO_WIRE: Final = {c: cast("pb.Compound", pb.Compound.Value(f"COMPOUND_{c.name}")) for c in Compound}
COMPOUND_FROM_WIRE: Final[dict[int, Compound]] = {wire: c for c, wire in COMPOUND_TO_WIRE.items()}
TRACK_TO_WIRE: Final = {t: cast("pb.Track", pb.Track.Value(f"TRACK_{t.name}")) for t in Track}
TRACK_FROM_WIRE: Final[dict[int, Track]] = {wire: t for t, wire in TRACK_TO_WIRE.items()}


def call_to_wire(lap: int | None, compound: int | None) -> tuple[int, int]:
    """Lap and compound of a call; (0, 0) for staying out."""
    return lap or 0, 0 if compound is None else COMPOUND_TO_WIRE[Compound(compound)]


def call_from_wire(lap: int, compound: int, where: str) -> tuple[int | None, int | None]:
    """Lap and compound of a call, both or neither."""
    if (lap == 0) != (compound == pb.COMPOUND_UNSPECIFIED):
        raise InvalidRequest(f"{where}: lap and compound must be given together")
    if lap == 0:
        return None, None
    found = known(COMPOUND_FROM_WIRE, compound, f"{where}.compound")
    if found is Compound.UNKNOWN:
        raise InvalidRequest(f"{where}.compound: a call needs a compound that is known")
    return lap, int(found)


def rows(columns: Message, where: str) -> int:
    """The one length of all columns of a message. Every number in them is finite, or NaN."""
    count = -1
    for field in columns.DESCRIPTOR.fields:
        column = getattr(columns, field.name)
        if count >= 0 and len(column) != count:
            raise InvalidRequest(f"{where}.{field.name}: {len(column)} values for {count} rows")
        count = len(column)
        if field.cpp_type == field.CPPTYPE_DOUBLE and any(map(math.isinf, column)):
            raise InvalidRequest(f"{where}.{field.name}: must be finite numbers, or NaN for none")
    return count


def missing(value: float | None) -> float:
    """None as it travels in a column."""
    return math.nan if value is None else value


def present(value: float) -> float | None:
    """NaN as what it stands for."""
    return None if math.isnan(value) else value


def plain(kind: type, message: Message, where: str) -> dict[str, Any]:
    """The fields of ``kind`` from a message with the same names; None where an optional one is absent."""
    out: dict[str, Any] = {}
    for field in fields(kind):
        value = getattr(message, field.name)
        if isinstance(value, float):
            value = finite(value, f"{where}.{field.name}")
        optional = message.DESCRIPTOR.fields_by_name[field.name].has_presence
        out[field.name] = None if optional and not message.HasField(field.name) else value
    return out


def known(table: Mapping[int, T], value: int, where: str) -> T:
    """What a value stands for."""
    if value not in table:
        raise InvalidRequest(f"{where}: {value} is not given or not known to this version")
    return table[value]


def all_known(table: Mapping[int, T], column: Iterable[int], where: str) -> list[T]:
    """What the values of a column stand for."""
    values = list(column)
    for value in set(values):  # few, however long the column
        known(table, value, where)
    return list(map(table.__getitem__, values))


def finite(value: float, where: str) -> float:
    """A number, not NaN or infinite."""
    if not math.isfinite(value):
        raise InvalidRequest(f"{where}: must be a finite number, not {value}")
    return value


def time(value: float, where: str) -> float:
    """Seconds of a race."""
    if not 0 <= value <= MAX_TIME_S:  # false for NaN too
        raise InvalidRequest(f"{where}: 0 to {MAX_TIME_S:.0f} s, not {value}")
    return value


def text(value: str, where: str) -> str:
    """A text of a length that a race can hold."""
    if len(value) > MAX_TEXT:
        raise InvalidRequest(f"{where}: at most {MAX_TEXT} characters, not {len(value)}")
    return value


def probabilities(values: Iterable[float], where: str) -> tuple[float, ...]:
    """Numbers from 0 to 1."""
    row = tuple(values)
    if not all(0 <= p <= 1 + 1e-9 for p in row):  # a sum of weights may round to just above 1
        raise InvalidRequest(f"{where}: probabilities are between 0 and 1")
    return row
