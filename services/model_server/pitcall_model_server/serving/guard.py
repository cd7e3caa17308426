"""Watches the answers of versions that are new, beside those of the version that they stand against.

A version is under suspicion while it is on trial, and for ten minutes after it was blessed. It is condemned for NaN,
for failing clearly more often, or for being clearly slower. What only looks bad by chance goes on: shares are compared
by their confidence intervals, times by their medians, and times of a clock on the wall only where both versions were
asked meanwhile: a machine that is busier than before makes no version slow. Questions that no version can answer
condemn none: the other one fails them as often. Whether forecasts come true shows after the flag, see
``pitcall race grade``.
"""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median
from typing import Final, NamedTuple

from pitcall.ledger import wilson
from pitcall_model_server.serving.versions import Answered

#: Answers of each version before their times are compared, and how many are kept of each.
ANSWERS: Final = 20
KEPT: Final = 200
#: A suspect is slow when its median is so many times that of the other version, and so much longer, s: nobody waits
#: for microseconds, and on a busy machine they say little.
SLOWER: Final = 3.0
LONGER_S: Final = 1e-4
#: Failures before a share of them counts, and the share that is too much where there is nothing to compare with.
FAILURES: Final = 3
TOO_MANY: Final = 0.25
#: How long a version that was blessed is under suspicion, s.
PROBATION_S: Final = 600.0


class _Kind(NamedTuple):
    question: str
    own_time: bool  #: of the thread, not of a clock on the wall


@dataclass(slots=True)
class _Record:
    """The last answers of one version."""

    failed: deque[bool] = field(default_factory=lambda: deque(maxlen=KEPT))
    last: str = ""  #: failure
    #: Races for which it answered NaN, until the other version was asked the same.
    nan_for: deque[str] = field(default_factory=lambda: deque(maxlen=KEPT))
    #: By kind of question, s: an answer to 256 rows is not compared with one to a single row.
    times: dict[_Kind, deque[float]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Suspect:
    version: str
    against: str | None
    until: float  #: on the clock


class Guard:
    """Collects answers by version and says when one is bad. Belongs to one event loop.

    Args:
        condemn: told name, version and reason, once; it takes the version out of service.
        clock: seconds, never going back.
    """

    def __init__(self, condemn: Callable[[str, str, str], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._condemn = condemn
        self._clock = clock
        self._records: dict[tuple[str, str], _Record] = {}
        self._suspects: dict[str, tuple[_Suspect, ...]] = {}

    def suspect(self, name: str, version: str, against: str | None, for_s: float = PROBATION_S) -> None:
        """From now on a version is compared with another one; what it answered before is forgotten.

        Of the other one are forgotten the times of a clock on the wall.
        """
        self.clear(name, version)
        self._suspects[name] = (*self._of(name), _Suspect(version, against, self._clock() + for_s))
        self._records.pop((name, version), None)
        other = self._record(name, against)
        other.times = {kind: times for kind, times in other.times.items() if kind.own_time}

    def clear(self, name: str, version: str) -> None:
        """A version is no longer compared with another one."""
        self._suspects[name] = tuple(one for one in self._suspects.get(name, ()) if one.version != version)

    def keep(self, name: str, versions: frozenset[str]) -> None:
        """Forget all versions of a model but these."""
        self._suspects[name] = tuple(one for one in self._suspects.get(name, ()) if one.version in versions)
        for gone in [key for key in self._records if key[0] == name and key[1] not in versions]:
            del self._records[gone]

    def saw(self, told: Answered, kind: str = "") -> None:
        """A version answered, or failed to. Only like questions are compared; by default passes of one size."""
        record = self._record(told.name, told.version)
        record.failed.append(told.error is not None)
        if told.error is None:
            # A pass takes its time however few of its rows are asked for.
            like = _Kind(kind or f"2^{told.rows.bit_length()} rows", told.own_time)
            record.times.setdefault(like, deque(maxlen=KEPT)).append(told.seconds)
        else:
            record.last = told.error.detail
        if told.nan:
            record.nan_for.append(told.race)
        for one in self._of(told.name):
            if told.version in (one.version, one.against) and (why := self._bad(told, one)):
                self.clear(told.name, one.version)
                self._condemn(told.name, one.version, why)

    def _of(self, name: str) -> tuple[_Suspect, ...]:
        return tuple(one for one in self._suspects.get(name, ()) if self._clock() < one.until)

    def _record(self, name: str, version: str | None) -> _Record:
        return self._records.setdefault((name, version or ""), _Record())

    def _bad(self, told: Answered, one: _Suspect) -> str:
        """Why a suspect is bad, now that it or the one that it stands against has answered; empty if it is not."""
        record, other = self._record(told.name, one.version), self._record(told.name, one.against)
        if told.version == one.against:  # it is asked what the suspect failed at
            if told.race not in record.nan_for:
                return ""
            record.nan_for.remove(told.race)
            return f"it answered NaN where {one.against} did not" if told.error is None else ""
        if told.error is not None:
            return _fails(record, other, one.against)
        return _slow(record, other, one.against)


def _fails(record: _Record, other: _Record, against: str | None) -> str:
    failed, usual = record.failed, other.failed
    if sum(failed) < FAILURES:
        return ""
    least, _ = wilson(sum(failed) / len(failed), len(failed))
    _, most = wilson(sum(usual) / len(usual), len(usual)) if usual else (0.0, TOO_MANY)
    if least <= most:
        return ""
    beside = f"{sum(usual)} of {len(usual)} of {against}" if usual else "with none to compare with"
    return f"{sum(failed)} of its last {len(failed)} answers failed, {beside}: {record.last}"


def _slow(record: _Record, other: _Record, against: str | None) -> str:
    if len(record.failed) % 10:  # not each of hundreds a second sorts its figures
        return ""
    for kind, times in record.times.items():
        usual = other.times.get(kind, ())
        if len(times) < ANSWERS or len(usual) < ANSWERS:
            continue
        slow, fast = median(times), median(usual)
        if slow > max(SLOWER * fast, fast + LONGER_S):
            return (
                f"it takes {slow / fast:.1f} times as long as {against}: "
                f"{slow * 1e3:.3g} ms in place of {fast * 1e3:.3g} ms"
            )
    return ""
