"""The client's half of the socket protocol, without a socket: text in, text out. Pure.

docs/reference/socket.md is the contract. ``Conversation`` writes the frames that a client sends
and reads those that it gets; it keeps what a conversation must remember (session token, last
sequence number, every followed race as it is now). The shell in ``socket.py`` only moves bytes.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypedDict, Unpack
from urllib.parse import urlsplit

import orjson

from pitcall.errors import InvalidRequest, PitcallError, by_name

VERSION: Final = 1

#: Frames that end a question.
_LAST: Final = frozenset({"answer.done", "error"})


class Question(TypedDict, total=False):
    """What may be said about a question beside its text; absent or None = the server's default."""

    race: str | None  #: id; default: the race that is followed
    car: str | None  #: key; default: the car that is followed
    lap: int | None  #: completed laps of that car; default: now
    seed: int | None  #: of the random numbers: same state and seed, same decision
    max_paths: int | None  #: most simulated races per option
    deadline_ms: int | None
    goal: str | None  #: position, points, win, target or cvar; default: what the words say, or position
    target: int | None  #: of the goal ``target``: finish there or better


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame from the server. ``body`` holds all fields, ``type`` and ``seq`` included."""

    type: str
    seq: int
    body: Mapping[str, Any]

    @property
    def id(self) -> str | None:
        """The question that it belongs to; None for frames about a race or the session."""
        found = self.body.get("id")
        return found if isinstance(found, str) else None

    @property
    def last(self) -> bool:
        """True when no frame of the same question follows."""
        return self.type in _LAST

    def error(self) -> PitcallError:
        """The error that an ``error`` frame carries, as its class of ``pitcall.errors``."""
        raised = by_name(str(self.body.get("error", "")))(str(self.body.get("detail", "")))
        if trace_id := self.body.get("trace_id"):
            raised.add_note(f"trace id {trace_id}")
        return raised


@dataclass(slots=True)
class Conversation:
    """One session with an orchestrator."""

    session: str | None = None
    last_seq: int = 0
    races: dict[str, dict[str, Any]] = field(default_factory=dict)  #: id -> Race, as snapshot and deltas made it
    replays: dict[str, dict[str, Any]] = field(default_factory=dict)  #: id -> Replay, of recorded races

    def hello(self) -> str:
        """The first frame of every connection; a second one resumes the session."""
        if self.session is None:
            return _frame("hello", version=VERSION)
        return _frame("hello", version=VERSION, resume=self.session, last_seq=self.last_seq)

    def follow(self, race: str, car: str | None = None, lap: int | None = None) -> str:
        """Ask for a race: one snapshot, then what changes."""
        return _frame("follow", race=race, car=car, lap=lap)

    def unfollow(self, race: str) -> str:
        """Stop following, and forget the race."""
        self.races.pop(race, None)
        self.replays.pop(race, None)
        return _frame("unfollow", race=race)

    def ask(self, question: str, text: str, **options: Unpack[Question]) -> str:
        """Ask. An option that is None is left out."""
        return _frame("ask", id=question, text=text, **options)

    def cancel(self, question: str) -> str:
        """Take a question back."""
        return _frame("cancel", id=question)

    def control(
        self, race: str, action: str, *, lap: int | None = None, car: str | None = None, speed: float | None = None
    ) -> str:
        """Play, pause, seek to a lap (of another car from now on), or set the speed of a replay."""
        return _frame("replay.control", race=race, action=action, lap=lap, car=car, speed=speed)

    def receive(self, text: str | bytes) -> Frame | None:
        """Read one frame and remember what it says; None for one that was already seen before a resume.

        Raises:
            PitcallError: it is not a frame of this protocol, or frames before it are missing.
        """
        frame = parse(text)
        if frame.type == "welcome":
            self._welcome(frame.body)
        elif frame.seq <= self.last_seq:
            return None
        elif frame.seq != self.last_seq + 1:
            raise PitcallError(f"frames {self.last_seq + 1} to {frame.seq - 1} were lost; connect again")
        self.last_seq = max(self.last_seq, frame.seq)
        if frame.type == "race.snapshot":
            self._snapshot(frame.body)
        elif frame.type == "race.delta":
            self._delta(frame.body)
        return frame

    def _welcome(self, body: Mapping[str, Any]) -> None:
        if body.get("version") != VERSION:
            raise PitcallError(f"the server speaks version {body.get('version')} of the protocol, not {VERSION}")
        if not body.get("resumed"):
            self.last_seq = 0
            self.races.clear()
            self.replays.clear()
        self.session = body.get("session")

    def _snapshot(self, body: Mapping[str, Any]) -> None:
        race = dict(body["race"])
        self.races[race["id"]] = race
        self.replays.pop(race["id"], None)
        if body.get("replay"):
            self.replays[race["id"]] = dict(body["replay"])

    def _delta(self, body: Mapping[str, Any]) -> None:
        name = body["race"]
        if name not in self.races:
            return  # unfollowed while this was on its way
        race = {**self.races[name], **body.get("changes", {})}
        cars = {car["car"]: car for car in race["cars"]}
        cars.update((car["car"], car) for car in body.get("cars", ()))
        race["cars"] = sorted(cars.values(), key=lambda car: car["position"] or len(cars) + 1)
        self.races[name] = race
        if body.get("replay"):
            self.replays[name] = dict(body["replay"])


def parse(text: str | bytes) -> Frame:
    """The frame that a message holds.

    Raises:
        PitcallError: it is not a JSON object with a ``type`` and a ``seq``.
    """
    try:
        body = orjson.loads(text)
    except ValueError as exc:
        raise PitcallError(f"the server sent what is not JSON: {text[:60]!r}") from exc
    if not isinstance(body, dict) or not isinstance(body.get("type"), str) or not isinstance(body.get("seq"), int):
        raise PitcallError(f"the server sent what is not a frame: {text[:60]!r}")
    return Frame(body["type"], body["seq"], body)


def socket_url(url: str) -> str:
    """``ws://host:port/ws`` for the address of a page or of the socket itself.

    Raises:
        InvalidRequest: the address is not http, https, ws or wss.
    """
    parts = urlsplit(url)
    scheme = {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}.get(parts.scheme)
    if scheme is None or not parts.netloc:
        raise InvalidRequest(f"{url!r} is not an address such as http://127.0.0.1:8080")
    path = parts.path.rstrip("/")
    return f"{scheme}://{parts.netloc}{path if path.endswith('/ws') else path + '/ws'}"


def _frame(kind: str, **fields: object) -> str:
    return json.dumps({"type": kind, **{name: value for name, value in fields.items() if value is not None}})
