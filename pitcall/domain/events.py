"""Race events: the one union that every feed is parsed into and every log holds. Pure.

On disk a race is JSON lines, one event a line, ``{"type": "lap", "t": 1834.2, ...}``.
``t`` is event time: seconds since the session started. ``source`` names the feed.
A field that a feed did not send is absent, never zero.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from enum import StrEnum
from types import NoneType
from typing import Any, ClassVar, Final

from pitcall.domain.tyres import Compound, parse_compound
from pitcall.errors import InvalidEvent

#: Largest session time that can be true, seconds: a week, longer than any endurance race.
MAX_TIME_S: Final = 7 * 86_400.0
#: Most laps that a race can have: 24 h on a short circuit.
MAX_LAPS: Final = 2_000
#: Largest number that any other field can truly hold.
MAX_NUMBER: Final = 1e9
#: Longest text in an event, characters.
MAX_TEXT: Final = 500


def _in_range(what: str, value: int | None, low: int, high: int) -> None:
    if value is not None and not low <= value <= high:
        raise InvalidEvent(f"{what} must be {low} to {high}, not {value}")


class Track(StrEnum):
    """What the marshals show."""

    GREEN = "green"
    YELLOW = "yellow"
    VSC = "vsc"
    SAFETY_CAR = "safety_car"
    RED = "red"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What all events share."""

    type: ClassVar[str] = ""
    t: float  #: s since the session started
    source: str = ""

    def __post_init__(self) -> None:
        if not (math.isfinite(self.t) and 0 <= self.t <= MAX_TIME_S):
            raise InvalidEvent(f"{self.type}: t must be between 0 and {MAX_TIME_S:.0f} s, not {self.t}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Session(Event):
    """The race itself. The first event of a log."""

    type: ClassVar[str] = "session"
    race: str  #: id, such as ``2019-12``
    name: str
    series: str = "f1"
    season: int | None = None
    round: int | None = None
    circuit: str | None = None
    total_laps: int

    def __post_init__(self) -> None:
        Event.__post_init__(self)
        _in_range("session: total_laps", self.total_laps, 1, MAX_LAPS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Car(Event):
    """An entry. ``car`` is its key in every other event: the three-letter code where a series has one."""

    type: ClassVar[str] = "car"
    car: str
    number: str = ""
    driver: str = ""
    team: str = ""
    grid: int | None = None  #: starting slot, 1-based; None = not known
    compound: Compound = Compound.UNKNOWN
    tyre_age: int | None = None

    def __post_init__(self) -> None:
        Event.__post_init__(self)
        _in_range(f"car {self.car}: grid", self.grid, 1, MAX_LAPS)
        _in_range(f"car {self.car}: tyre age", self.tyre_age, 0, MAX_LAPS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lap(Event):
    """A car crossed the line; ``t`` is that moment."""

    type: ClassVar[str] = "lap"
    car: str
    lap: int  #: completed laps, 1-based
    lap_time_s: float | None = None
    position: int | None = None
    compound: Compound = Compound.UNKNOWN
    tyre_age: int | None = None  #: laps on the set, this one included
    pit_in: bool = False  #: the lap ended in the pit lane
    pit_out: bool = False  #: the lap began in the pit lane
    track: str = ""  #: digits of all statuses seen on the lap, as FastF1 writes them; "" = not sent

    def __post_init__(self) -> None:
        Event.__post_init__(self)
        _in_range(f"lap of {self.car}: lap", self.lap, 1, MAX_LAPS)
        _in_range(f"lap {self.lap} of {self.car}: position", self.position, 1, MAX_LAPS)
        _in_range(f"lap {self.lap} of {self.car}: tyre age", self.tyre_age, 0, MAX_LAPS)
        if self.lap_time_s is not None and not (math.isfinite(self.lap_time_s) and self.lap_time_s > 0):
            raise InvalidEvent(f"lap {self.lap} of {self.car}: lap time must be positive, not {self.lap_time_s}")


@dataclass(frozen=True, slots=True, kw_only=True)
class PitIn(Event):
    """A car entered the pit lane on lap ``lap``, which it has not completed yet."""

    type: ClassVar[str] = "pit_in"
    car: str
    lap: int

    def __post_init__(self) -> None:
        Event.__post_init__(self)
        _in_range(f"pit_in of {self.car}: lap", self.lap, 1, MAX_LAPS)


@dataclass(frozen=True, slots=True, kw_only=True)
class PitOut(Event):
    """A car left the pit lane on lap ``lap``, on the tyres named."""

    type: ClassVar[str] = "pit_out"
    car: str
    lap: int
    compound: Compound = Compound.UNKNOWN
    tyre_age: int | None = None  #: laps the set already had; None = not known

    def __post_init__(self) -> None:
        Event.__post_init__(self)
        _in_range(f"pit_out of {self.car}: lap", self.lap, 1, MAX_LAPS)
        _in_range(f"pit_out of {self.car}: tyre age", self.tyre_age, 0, MAX_LAPS)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackStatus(Event):
    """The marshals show something else from now on."""

    type: ClassVar[str] = "track_status"
    status: Track


@dataclass(frozen=True, slots=True, kw_only=True)
class Weather(Event):
    """A weather sample."""

    type: ClassVar[str] = "weather"
    air_temp_c: float | None = None
    track_temp_c: float | None = None
    rain: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Retired(Event):
    """A car is out of the race."""

    type: ClassVar[str] = "retired"
    car: str
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message(Event):
    """Race control said something."""

    type: ClassVar[str] = "message"
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finish(Event):
    """The chequered flag is out: each car ends its race the next time it crosses the line."""

    type: ClassVar[str] = "finish"


KINDS: Final[dict[str, type[Event]]] = {
    kind.type: kind for kind in (Session, Car, Lap, PitIn, PitOut, TrackStatus, Weather, Retired, Message, Finish)
}


def to_dict(event: Event) -> dict[str, Any]:
    """A JSON-ready mapping; fields that still have their default are left out."""
    out: dict[str, Any] = {"type": event.type}
    for field in fields(event):
        value = getattr(event, field.name)
        if value != field.default:
            out[field.name] = value.label if isinstance(value, Compound) else value
    return out


def from_dict(raw: Mapping[str, Any]) -> Event:
    """The event that a mapping describes.

    Raises:
        InvalidEvent: unknown type, missing or unknown field, a value of the wrong type or out of range.
    """
    kind = KINDS.get(str(raw.get("type")))
    if kind is None:
        raise InvalidEvent(f"unknown event type {raw.get('type')!r}; known: {', '.join(KINDS)}")
    known = {field.name: field for field in fields(kind)}
    values: dict[str, Any] = {}
    for name, value in raw.items():
        if name == "type":
            continue
        if name not in known:
            raise InvalidEvent(f"{kind.type}: unknown field {name!r}")
        values[name] = _checked(kind, name, known[name].type, value)
    missing = [
        name
        for name, field in known.items()
        if name not in values and field.default is MISSING and field.default_factory is MISSING
    ]
    if missing:
        raise InvalidEvent(f"{kind.type}: missing {', '.join(missing)}")
    return kind(**values)


#: Field annotation -> what a feed may send for it. ``from_dict`` looks the annotation up here.
_ACCEPTS: Final[dict[object, tuple[type, ...]]] = {
    str: (str,),
    str | None: (str, NoneType),
    int: (int,),
    int | None: (int, NoneType),
    float: (int, float),
    float | None: (int, float, NoneType),
    bool: (bool,),
    bool | None: (bool, NoneType),
    Compound: (str,),
    Track: (str,),
}


def _checked(kind: type[Event], name: str, annotation: object, value: object) -> object:
    """``value`` as the field's type. Raises InvalidEvent for another type, an unknown name or a long text."""
    boolean_for_number = isinstance(value, bool) and bool not in _ACCEPTS[annotation]
    if isinstance(value, _ACCEPTS[annotation]) and not boolean_for_number:
        if annotation is Compound:
            return parse_compound(str(value))
        if annotation is Track and str(value) in list(Track):
            return Track(str(value))
        if isinstance(value, int | float) and not isinstance(value, bool):
            if abs(value) <= MAX_NUMBER:  # not so for NaN, which Python's JSON reader lets pass
                return float(value) if annotation in (float, float | None) else value
        elif annotation is not Track and not (isinstance(value, str) and len(value) > MAX_TEXT):
            return value
    raise InvalidEvent(f"{kind.type}: {name} cannot be {value!r:.80}")


def to_json(event: Event) -> str:
    """One line of a race log, without the newline."""
    return json.dumps(to_dict(event), separators=(",", ":"), ensure_ascii=False)


def from_json(line: str | bytes) -> Event:
    """The event on one line of a race log.

    Raises:
        InvalidEvent: the line is not JSON or not an event.
    """
    try:
        raw = json.loads(line)
    except (ValueError, RecursionError) as exc:
        raise InvalidEvent(f"not JSON: {str(line)[:60]!r}") from exc
    if not isinstance(raw, dict):
        raise InvalidEvent(f"an event is a JSON object, not {type(raw).__name__}")
    return from_dict(raw)
