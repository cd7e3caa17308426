"""A race played again in the terminal: a screen with keys, or one line per lap."""

import os
import select
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from types import TracebackType
from typing import Any, Final, Self

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from pitcall.cli.timing import timing_table
from pitcall.domain.events import Event
from pitcall.domain.race import RaceState
from pitcall.domain.reducer import reduce, reduce_all, until_lap

#: Screens a second.
FRAME_RATE: Final = 10
#: Bounds of the speed factor that the keys reach.
SPEEDS: Final = (0.25, 500.0)
#: What + and - do to the speed.
FASTER: Final = 1.5

KEYS_HELP: Final = "space pause   left/right lap   +/- speed   q quit"


class Player:
    """Moves through the log of a race. It has no clock: whoever holds it says how much time has passed."""

    def __init__(self, events: Sequence[Event], *, speed: float, first: int = 0, last: int | None = None) -> None:
        self._events = events
        self._last = last
        self.speed = speed  #: race seconds per second
        self.playing = True
        self.seek(first)

    @property
    def ended(self) -> bool:
        """True when nothing is left to play."""
        return self._next >= len(self._events) or (self._last is not None and self.state.laps_done >= self._last)

    def seek(self, lap: int) -> None:
        """Jump to the moment at which the first car completes ``lap``; 0 is the grid."""
        known = until_lap(self._events, max(0, lap))
        self._next = len(known)
        self.state: RaceState = reduce_all(known)
        self.t = self.state.t

    def advance(self, seconds: float) -> None:
        """Let ``seconds`` of real time pass."""
        if self.playing and not self.ended:
            self.t += seconds * self.speed
            while not self.ended and self._events[self._next].t <= self.t:
                self._step()

    def laps(self) -> Iterator[RaceState]:
        """The state at the end of each further lap of the lead, as fast as they are taken."""
        while not self.ended:
            lap = self.state.laps_done
            while not self.ended and self.state.laps_done == lap:
                self._step()
            if self.state.laps_done > lap:
                yield self.state

    def _step(self) -> None:
        self.state = reduce(self.state, self._events[self._next])
        self._next += 1
        self.t = max(self.t, self.state.t)


def print_laps(player: Player, show: Callable[[RaceState], None], pause: Callable[[float], None] = time.sleep) -> None:
    """Show the state at the end of each lap, at the player's speed (0 = at once), and the last one of all."""
    shown = player.state
    for state in player.laps():
        if player.speed > 0:
            pause((state.t - shown.t) / player.speed)
        shown = state
        show(state)
    if player.state.seq > shown.seq:  # the cars behind the winner have come home
        show(player.state)


class Keys:
    """Single key presses from a terminal, without echo. The terminal is restored on the way out, also after Ctrl-C."""

    _NAMES: Final = {"\x1b[D": "left", "\x1b[C": "right", "\x1bOD": "left", "\x1bOC": "right"}

    def __init__(self) -> None:
        self._saved: list[Any] | None = None

    def __enter__(self) -> Self:
        import termios  # noqa: PLC0415  # Unix only; without it a replay prints lines
        import tty  # noqa: PLC0415

        descriptor = sys.stdin.fileno()
        self._saved = termios.tcgetattr(descriptor)
        tty.setcbreak(descriptor)  # Ctrl-C still interrupts
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        import termios  # noqa: PLC0415

        if self._saved is not None:
            termios.tcsetattr(sys.stdin.fileno(), termios.TCSADRAIN, self._saved)

    def read(self, timeout_s: float) -> str:
        """The next key, or "" when none came in time. Arrows are named, a closed stdin is "q"."""
        descriptor = sys.stdin.fileno()
        if not select.select([descriptor], [], [], timeout_s)[0]:
            return ""
        pressed = os.read(descriptor, 8).decode(errors="replace")  # an arrow arrives as three bytes at once
        return self._NAMES.get(pressed, pressed[:1]) if pressed else "q"


def watch(player: Player, console: Console, keys: Keys) -> None:
    """Show the timing screen until the race ends or a key quits it."""
    with Live(console=console, auto_refresh=False, screen=False, transient=False) as live:
        shown = time.monotonic()
        while True:
            live.update(_screen(player), refresh=True)
            if player.ended and player.playing:
                return
            key = keys.read(1 / FRAME_RATE)
            now = time.monotonic()
            if player.speed > 0:
                player.advance(now - shown)
            elif player.playing:
                next(player.laps(), None)
            shown = now
            if key == "q":
                return
            press(player, key)


def press(player: Player, key: str) -> None:
    """What a key does to the replay; other keys do nothing."""
    if key == " ":
        player.playing = not player.playing
    elif key in ("left", "right"):
        player.seek(player.state.laps_done + (1 if key == "right" else -1))
    elif key in ("+", "="):
        player.speed = min(SPEEDS[1], player.speed * FASTER)
    elif key in ("-", "_"):
        player.speed = max(SPEEDS[0], player.speed / FASTER)


def _screen(player: Player) -> Group:
    speed = "paused" if not player.playing else f"{player.speed:.3g}x" if player.speed > 0 else "full speed"
    # The keys come first: a terminal that is too low cuts the bottom.
    return Group(Text(f"{speed}   {KEYS_HELP}", style="dim"), timing_table(player.state))


def has_keys() -> bool:
    """True when somebody sits at a terminal from which single keys can be read."""
    return sys.stdin.isatty() and find_spec("termios") is not None
