"""Race states as the simulator sees them, by the bytes in which they came.

The questions of one lap share their state: it is read once. The key is all that a reading depends
on, so what is kept can change the time of an answer but not a bit of it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial

from pitcall import forecast as rest
from pitcall.domain.events import Track
from pitcall.domain.race import RaceState
from pitcall.errors import InvalidRequest
from pitcall.model import HAND_SET, Model
from pitcall.wire import convert
from pitcall.wire.v1 import strategy_pb2 as pb

#: Readings kept: at most 30 MB where each is a full race of 64 cars.
KEPT = 32


@dataclass(frozen=True, slots=True)
class Known:
    """A state and its reading."""

    state: RaceState
    reading: rest.Reading


def readings(model: Model = HAND_SET, kept: int = KEPT) -> Callable[[pb.RaceState, Track | None], Known]:
    """A function that reads states by ``model`` and remembers the last ones.

    It raises InvalidRequest like ``state_from_wire``.
    """
    recent = lru_cache(kept)(partial(_read, model))
    return lambda message, assume: recent(message.SerializeToString(deterministic=True), assume)


def _read(model: Model, raw: bytes, assume: Track | None) -> Known:
    state = convert.state_from_wire(pb.RaceState.FromString(raw))
    if not state.cars:
        raise InvalidRequest("state.cars: there is no car in this race yet")
    try:
        return Known(state, rest.read(state, assume, model))
    except ValueError as exc:
        raise InvalidRequest(f"this race state cannot be simulated: {exc}") from exc
