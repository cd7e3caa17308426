"""Which version of a model answers: blessed, on trial, and the ones to go back to. Every change is a new alias.

The alias is one small file, ``aliases/<name>.json``, replaced only at the generation that was read: of two people who
bless at once one wins, the other one is told.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from pitcall.errors import InvalidRequest, ModelRefused
from pitcall.registry import fields
from pitcall.registry.manifest import check_version

FORMAT: Final = 1
#: Largest alias file, bytes.
MAX_BYTES: Final = 1 << 16
#: Versions to go back to.
PREVIOUS: Final = 3
#: Changes that are remembered.
EVENTS: Final = 20


@dataclass(frozen=True, slots=True)
class Canary:
    """A version on trial: it answers this share of the races."""

    version: str
    percent: float


@dataclass(frozen=True, slots=True)
class Event:
    """A change, for ``pitcall model status``."""

    at: float  #: seconds since 1970
    what: str  #: blessed, canary, canary ended, rolled back, alarm, removed
    version: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class Alias:
    """What is blessed, what was before, what is on trial."""

    blessed: str | None = None
    previous: tuple[str, ...] = ()  #: latest first
    canary: Canary | None = None
    #: Being removed: cannot be blessed any more. Keeps `gc` and a blesser who knew the version from passing each other.
    leaving: tuple[str, ...] = ()
    events: tuple[Event, ...] = ()  #: latest last

    @property
    def versions(self) -> tuple[str, ...]:
        """All that somebody may ask for, blessed first."""
        trial = (self.canary.version,) if self.canary else ()
        return (*((self.blessed,) if self.blessed else ()), *self.previous, *trial)

    def bless(self, version: str, at: float, why: str = "") -> "Alias":
        """This version answers from now on. Ends a trial.

        Raises:
            InvalidRequest: the version is being removed.
        """
        self._check(version)
        if version == self.blessed and self.canary is None:
            return self
        before = [one for one in (self.blessed, *self.previous) if one and one != version]
        blessed = replace(self, blessed=version, previous=tuple(before[:PREVIOUS]), canary=None)
        return _with(blessed, Event(at, "blessed", version, why))

    def try_out(self, version: str, percent: float, at: float) -> "Alias":
        """This version answers a share of the races.

        Raises:
            InvalidRequest: nothing is blessed, or this version is; no share; or the version is being removed.
        """
        self._check(version)
        if self.blessed in (None, version):
            raise InvalidRequest(
                f"{version} is blessed already" if self.blessed else "nothing is blessed to try a version against"
            )
        if not 0 < percent <= 100:
            raise InvalidRequest(f"a share of the races is more than 0 and at most 100 percent, not {percent:g}")
        return _with(replace(self, canary=Canary(version, percent)), Event(at, "canary", version, f"{percent:g} %"))

    def end_trial(self, at: float, why: str = "") -> "Alias":
        """The blessed version answers all races again.

        Raises:
            InvalidRequest: none is on trial.
        """
        if self.canary is None:
            raise InvalidRequest("no version is on trial")
        return _with(replace(self, canary=None), Event(at, "canary ended", self.canary.version, why))

    def roll_back(self, at: float, to: str | None = None, why: str = "") -> "Alias":
        """Go back to the version before, or to an earlier one. What was blessed since is not among the previous ones.

        Raises:
            InvalidRequest: there is none, or not that one.
        """
        if not self.previous or (to is not None and to not in self.previous):
            known = f"; before it came {', '.join(self.previous)}" if self.previous else ": nothing was blessed before"
            raise InvalidRequest(f"cannot go back to {to or 'the version before'}{known}")
        step = self.previous.index(to) if to else 0
        left = replace(self, blessed=self.previous[step], previous=self.previous[step + 1 :], canary=None)
        return _with(left, Event(at, "rolled back", self.previous[step], why or f"from {self.blessed}"))

    def withdraw(self, version: str, at: float, why: str) -> "Alias":
        """A version turned out bad: its trial ends, or the one before it answers again.

        Where there is none before it, that is remembered, once; of a version that does not answer nothing is.
        """
        if self.canary is not None and version == self.canary.version:
            return self.end_trial(at, why)
        if version != self.blessed or (self.events and self.events[-1].what == "alarm"):
            return self
        return self.roll_back(at, why=why) if self.previous else _with(self, Event(at, "alarm", version, why))

    def put_at(self, version: str) -> float:
        """When somebody last chose this version, to answer or to be tried, s since 1970; 0: nobody, or long ago."""
        chosen = ("blessed", "canary", "rolled back")
        return max((one.at for one in self.events if one.version == version and one.what in chosen), default=0.0)

    def leave(self, versions: Iterable[str], at: float) -> "Alias":
        """These are about to be removed.

        Raises:
            InvalidRequest: one of them may be asked for.
        """
        leaving = tuple(versions)
        if wanted := sorted(set(leaving) & set(self.versions)):
            raise InvalidRequest(f"{wanted[0]} is blessed, was blessed, or is on trial: it stays")
        changed = replace(self, leaving=leaving)
        for version in leaving:
            changed = _with(changed, Event(at, "removed", version))
        return changed

    def to_json(self) -> bytes:
        """The text that ``read`` takes."""
        return json.dumps({"format": FORMAT} | asdict(self), indent=1, ensure_ascii=False).encode() + b"\n"

    def _check(self, version: str) -> None:
        if version in self.leaving:
            raise InvalidRequest(f"{version} is being removed; upload it again when `pitcall model gc` has ended")


def read(text: bytes, where: str) -> Alias:
    """The alias in a text.

    Raises:
        ModelRefused: there is none in it.
    """
    raw = fields.parse(text, where)
    if isinstance(raw, dict) and raw.get("format", FORMAT) != FORMAT:
        raise ModelRefused(f"{where} is of format {raw['format']!r:.20}, this Pitcall reads {FORMAT}; update Pitcall")
    raw = fields.table(raw, ("format", "blessed", "previous", "canary", "leaving", "events"), where)
    lists = {name: fields.of_kind(raw[name], list, f"{where}, {name}") for name in ("previous", "leaving", "events")}
    return Alias(
        blessed=None if raw["blessed"] is None else _version(raw["blessed"], where),
        previous=tuple(_version(one, where) for one in lists["previous"]),
        canary=None if raw["canary"] is None else _canary(raw["canary"], where),
        leaving=tuple(_version(one, where) for one in lists["leaving"]),
        events=tuple(_event(one, where) for one in lists["events"]),
    )


def _version(value: object, where: str) -> str:
    try:
        return check_version(fields.of_kind(value, str, where))
    except InvalidRequest as exc:
        raise ModelRefused(f"{where}: {exc.detail}") from exc


def _canary(raw: Any, where: str) -> Canary:  # noqa: ANN401  # whatever the text holds
    raw = fields.table(raw, ("version", "percent"), f"{where}, canary")
    percent = fields.number(raw["percent"], f"{where}, percent")
    if not 0 < percent <= 100:
        raise ModelRefused(f"{where}: a canary cannot have {percent:g} percent")
    return Canary(_version(raw["version"], where), percent)


def _event(raw: Any, where: str) -> Event:  # noqa: ANN401  # as above
    raw = fields.table(raw, ("at", "what", "version", "why"), f"{where}, events")
    at = fields.number(raw["at"], f"{where}, at")
    texts = {name: fields.of_kind(raw[name], str, f"{where}, {name}") for name in ("what", "version", "why")}
    return Event(at=at, **texts)


def _with(alias: Alias, event: Event) -> Alias:
    return replace(alias, events=(*alias.events, event)[-EVENTS:])
