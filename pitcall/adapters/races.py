"""Races on disk: one folder a race, ``<root>/<id>/events.jsonl``, one event a line. And the bundled one.

The race ``demo`` is package data, so there is always something to ask about; a stored race of
that id shadows it.
"""

import gzip
import logging
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final
from uuid import uuid4

from pitcall.adapters.home import home
from pitcall.domain.events import Car, Event, Session, from_json, to_json
from pitcall.domain.reducer import reduce_all
from pitcall.errors import InvalidEvent, InvalidRequest, NotFound, PitcallError

#: Id of the race that comes with the package.
DEMO: Final = "demo"

_FILE: Final = "events.jsonl"
_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_CAR_LINE: Final = re.compile(rb'"type"\s*:\s*"car"')

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RaceSummary:
    """What a list of races shows."""

    id: str
    name: str
    series: str
    total_laps: int
    cars: int


# Inside RaceStore the name ``list`` is the method.
_Events = list[Event]
_Summaries = list[RaceSummary]
_Ids = list[str]
_Lines = list[bytes]


class RaceStore:
    """The races under one folder. Nothing is created before the first ``save``."""

    def __init__(self, root: Path | None = None) -> None:
        self._root = root if root is not None else home() / "races"
        self._summaries: dict[str, tuple[tuple[int, int], RaceSummary]] = {}

    def list(self) -> _Summaries:
        """Every race that can be opened, by id. A damaged one is left out with a warning in the log."""
        found = []
        for race in self._ids():
            try:
                found.append(self.summary(race))
            except PitcallError as exc:
                _log.warning("race %s is left out: %s", race, exc.detail)
        return found

    def summary(self, race: str) -> RaceSummary:
        """What a list shows of one race; read once per version of the file.

        Raises:
            InvalidRequest: ``race`` cannot be an id.
            NotFound: no such race; the message names those there are.
            InvalidEvent: the log does not begin with its session.
        """
        path = self._find(race)
        stamp = (0, 0)  # the bundled race never changes
        if path is not None:
            stat = path.stat()
            stamp = (stat.st_mtime_ns, stat.st_size)
        cached = self._summaries.get(race)
        if cached is not None and cached[0] == stamp:
            return cached[1]
        where, lines = self._lines(path)
        session = _parse(where, 1, lines[0]) if lines else None
        if not isinstance(session, Session):
            raise InvalidEvent(f"{where}:1: a race begins with a session event; import the race again")
        cars = {
            event.car
            for number, line in enumerate(lines, start=1)
            if _CAR_LINE.search(line) and isinstance(event := _parse(where, number, line), Car)
        }
        summary = RaceSummary(race, session.name, session.series, session.total_laps, len(cars))
        self._summaries[race] = (stamp, summary)
        return summary

    def events(self, race: str) -> _Events:
        """The whole log of one race, in the order of arrival.

        Raises:
            InvalidRequest: ``race`` cannot be an id.
            NotFound: no such race; the message names those there are.
            InvalidEvent: a line is not an event; the message names file and line.
        """
        where, lines = self._lines(self._find(race))
        return [_parse(where, number, line) for number, line in enumerate(lines, start=1) if line.strip()]

    def save(self, events: Sequence[Event]) -> Path:
        """Store a race under the id of its session event and return its file. An older log of that id is replaced.

        Raises:
            InvalidEvent: the events do not reduce to a race or could not be read back; nothing is written.
            InvalidRequest: the session's id cannot be an id.
            PitcallError: the folder cannot be written to.
        """
        content = encode(events)
        race = _checked_id(reduce_all(from_json(line) for line in content.splitlines()).race)
        target = self._root / race / _FILE
        part = target.with_name(f".{uuid4().hex}.part")  # unique: two imports may run at once
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                part.write_bytes(content)
                part.replace(target)  # atomic: a reader sees all of the log or none
            finally:
                part.unlink(missing_ok=True)
        except OSError as exc:
            raise PitcallError(f"cannot store race {race} in {target.parent}: {exc.strerror}") from exc
        return target

    def _ids(self) -> _Ids:
        stored = {path.parent.name for path in self._root.glob(f"*/{_FILE}") if _ID.fullmatch(path.parent.name)}
        return sorted(stored | {DEMO})

    def _find(self, race: str) -> Path | None:
        """The log of a race; None for the bundled one."""
        path = self._root / _checked_id(race) / _FILE
        if path.is_file():
            return path
        if race == DEMO:
            return None
        raise NotFound(f"no race {race!r}; races: {', '.join(self._ids())}")

    @staticmethod
    def _lines(path: Path | None) -> tuple[str, _Lines]:
        if path is None:
            return f"{DEMO}.jsonl.gz", gzip.decompress(bundled().read_bytes()).splitlines()
        try:
            return str(path), path.read_bytes().splitlines()
        except OSError as exc:
            raise PitcallError(f"cannot read {path}: {exc.strerror}") from exc


def bundled() -> Traversable:
    """The log of the bundled race, gzip of JSON lines."""
    return files("pitcall") / "data" / f"{DEMO}.jsonl.gz"


def encode(events: Iterable[Event]) -> bytes:
    """A race log as it stands on disk."""
    return "".join(to_json(event) + "\n" for event in events).encode()


def _checked_id(race: str) -> str:
    if not _ID.fullmatch(race):
        raise InvalidRequest(
            f"{race!r:.80} cannot be a race id: up to 64 letters, digits, '-', '_' and '.', the first a letter or digit"
        )
    return race


def _parse(where: str, number: int, line: bytes) -> Event:
    try:
        return from_json(line)
    except InvalidEvent as exc:
        raise InvalidEvent(f"{where}:{number}: {exc.detail}") from exc
