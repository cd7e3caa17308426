"""A recorded race played again for one session: a cursor over its log that moves in event time.

No task and no sleep in here: ``wait_s`` says when the next event is due and ``advance`` moves there.
"""

import math
import time
from bisect import bisect_right
from collections.abc import Callable

from pitcall.domain.race import RaceState
from pitcall.errors import InvalidRequest
from pitcall_orchestrator.hub import RaceLog


class Replay:
    """Paused on the grid at first, or where ``seek`` would go."""

    def __init__(
        self, log: RaceLog, car: str | None = None, lap: int = 0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Raises InvalidRequest if ``lap`` is past the end."""
        self._log = log
        self._clock = clock  # s, any origin
        self.playing = False
        self.speed = 1.0
        self.seek(lap, car)

    @property
    def t_s(self) -> float:
        """Race time on the replay's clock."""
        if not self.playing:
            return self._base_s
        # Not past the last event: nothing is known of what comes after it.
        return min(self._base_s + (self._clock() - self._since) * self.speed, self._log.times[-1])

    @property
    def ended(self) -> bool:
        """True when every event was played."""
        return self.state.seq == len(self._log)

    def play(self) -> None:
        """Let the clock run; at the end of the log it stays there."""
        self.advance()
        self._rebase()
        self.playing = not self.ended

    def pause(self) -> None:
        """Stop the clock."""
        self._rebase()
        self.playing = False

    def set_speed(self, speed: float) -> None:
        """Race seconds per second from now on."""
        self._rebase()
        self.speed = speed

    def seek(self, lap: int, car: str | None = None) -> None:
        """Go to the moment at which a car completed ``lap``; 0 is lights out. A playing replay plays on.

        Without a car, and where it never completed that lap, the lap is the leader's.

        Raises:
            InvalidRequest: the race has no such lap; the replay stays where it is.
        """
        total = self._log.last.total_laps
        if lap > total:
            raise InvalidRequest(f"lap {lap}: race {self._log.last.race} has {total} laps")
        seq = self._log.seq_of(lap, car)
        if seq == len(self._log):
            seq = self._log.seq_of(lap)
        self.state: RaceState = self._log.at(seq)
        self._base_s = max(self._log.time_s(seq), self._log.start_s)
        self._since = self._clock()
        self.playing = self.playing and not self.ended

    def advance(self) -> RaceState:
        """Play all events that are due and return the state after them."""
        if self.playing:
            due = bisect_right(self._log.times, self.t_s)
            self.state = self._log.forward(self.state, max(due, self.state.seq))
            if self.ended:
                self.pause()
        return self.state

    def wait_s(self) -> float:
        """Seconds on the wall clock until the next event is due; infinite while paused."""
        if not self.playing or self.ended:
            return math.inf
        return max(0.0, self._log.times[self.state.seq] - self.t_s) / self.speed

    def feed_age_s(self) -> float:
        """Race time since the newest event, s; 0 while paused."""
        return max(0.0, self.t_s - self.state.t) if self.playing else 0.0

    def to_json(self) -> dict[str, object]:
        """``Replay`` of the socket protocol."""
        return {
            "playing": self.playing,
            "speed": self.speed,
            "lap": self.state.laps_done,
            "total_laps": self.state.total_laps,
            "t_s": round(self.t_s, 3),
            "ended": self.ended,
        }

    def _rebase(self) -> None:
        self._base_s, self._since = self.t_s, self._clock()
