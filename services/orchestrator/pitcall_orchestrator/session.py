"""One client's session: the races that it follows, the questions that it has open, the frames it gets.

A session outlives its connection for a while, so that a reconnect loses nothing: its questions and
replays go on, and their frames wait in the outbox.
"""

import asyncio
import logging
import math
from dataclasses import dataclass
from typing import Any, Final, assert_never

from pitcall.adapters import telemetry
from pitcall.domain.race import RaceState
from pitcall.errors import Cancelled, InvalidRequest, NotFound, Overloaded, PitcallError, error_body
from pitcall.ledger import over
from pitcall.sim.messages import Utility
from pitcall.wire.view import delta, race_view
from pitcall_orchestrator import protocol
from pitcall_orchestrator.hub import Hub, RaceLog
from pitcall_orchestrator.names import names_of
from pitcall_orchestrator.outbox import Outbox
from pitcall_orchestrator.replay import Replay
from pitcall_orchestrator.settings import Settings
from pitcall_orchestrator.tools import Advised, AsOf, Question, Tools

Json = dict[str, Any]

#: Races that one session may follow.
_MAX_FOLLOWED: Final = 8
#: Least time between two deltas of one race, s: five a second are smooth enough.
_DELTA_S: Final = 0.2
#: Frames waiting for a slow client above which deltas are held back and merged.
_SLOW: Final = 50

_TAKEN_BACK: Final = Cancelled("the question was taken back")

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Followed:
    """One race as this session sees it."""

    log: RaceLog
    car: str | None
    replay: Replay
    shown: Json  #: the view that the client has
    changed: asyncio.Event  #: the replay was controlled
    driver: asyncio.Task[None] | None = None


class Session:
    """What one client follows and asks. ``outbox`` holds what it is told."""

    def __init__(self, token: str, hub: Hub, tools: Tools, settings: Settings) -> None:
        self.token = token
        self.outbox = Outbox(settings.kept_frames, settings.kept_bytes)
        self._hub = hub
        self._tools = tools
        self._settings = settings
        self._followed: dict[str, _Followed] = {}  # in the order of follow: the last one is the default
        self._open: dict[str, asyncio.Task[None]] = {}
        self._last: Advised | None = None

    @property
    def open_questions(self) -> tuple[asyncio.Task[None], ...]:
        """The tasks of the questions that are not answered yet."""
        return tuple(self._open.values())

    def is_open(self, question: str) -> bool:
        """True while a question of that id is not answered."""
        return question in self._open

    async def handle(self, frame: protocol.Frame, received: float) -> None:
        """Do what a client frame says. ``received``: ``time.perf_counter()`` of its arrival.

        Raises:
            PitcallError: what is wrong with it; the session goes on.
        """
        match frame:
            case protocol.Follow():
                await self._follow(frame)
            case protocol.Unfollow():
                self._drop(frame.race)
            case protocol.Ask():
                self._ask(frame, received)
            case protocol.Cancel():
                self._cancel(frame.id)
            case protocol.Control():
                self._control(frame)
            case protocol.Hello():
                raise InvalidRequest("hello: this connection has said it already")
            case _:
                assert_never(frame)

    def error(self, exc: PitcallError, question: str | None = None) -> None:
        """Tell the client what is wrong."""
        self.outbox.add("error", {"id": question, **error_body(exc, telemetry.trace_id())})

    async def close(self) -> None:
        """End questions and replays."""
        tasks = [*self._open.values(), *(f.driver for f in self._followed.values() if f.driver)]
        for task in tasks:
            task.cancel()
        self._followed.clear()
        await asyncio.gather(*tasks, return_exceptions=True)

    # Following.

    async def _follow(self, frame: protocol.Follow) -> None:
        if len(self._followed) >= _MAX_FOLLOWED and frame.race not in self._followed:
            raise InvalidRequest(f"follow: at most {_MAX_FOLLOWED} races at a time; unfollow one first")
        log = await self._hub.open(frame.race)
        car = None if frame.car is None else _car(log, frame.car)
        replay = Replay(log, car, frame.lap)
        if frame.race in self._followed:
            self._drop(frame.race)
        followed = _Followed(log, car, replay, {}, asyncio.Event())
        self._followed[frame.race] = followed
        self._snapshot(followed)
        followed.driver = asyncio.create_task(self._drive(followed))

    def _drop(self, race: str) -> None:
        followed = self._at(race)
        if followed.driver:
            followed.driver.cancel()
        del self._followed[race]

    def _control(self, frame: protocol.Control) -> None:
        followed = self._at(frame.race)
        replay = followed.replay
        if frame.action == "play":
            replay.play()
        elif frame.action == "pause":
            replay.pause()
        elif frame.lap is not None:
            car = followed.car if frame.car is None else _car(followed.log, frame.car)
            replay.seek(frame.lap, car)
            followed.car = car
        elif frame.speed is not None:
            replay.set_speed(frame.speed)
        if frame.action == "seek":
            self._snapshot(followed)
        else:
            self._delta(followed)
        followed.changed.set()

    def _at(self, race: str) -> _Followed:
        if race not in self._followed:
            names = ", ".join(self._followed) or "none"
            raise NotFound(f"race {race!r} is not followed; followed: {names}")
        return self._followed[race]

    def _snapshot(self, followed: _Followed) -> None:
        followed.shown = race_view(followed.replay.state)
        self.outbox.add("race.snapshot", {"race": followed.shown, "replay": followed.replay.to_json()})

    def _delta(self, followed: _Followed) -> None:
        view = race_view(followed.replay.advance())
        change = delta(view["id"], followed.shown, view)
        followed.shown = view
        self.outbox.add("race.delta", {**change, "replay": followed.replay.to_json()})

    async def _drive(self, followed: _Followed) -> None:
        """Send what a playing replay changes, a few times a second at most, and nothing while it is paused."""
        while True:
            wait = max(followed.replay.wait_s(), _DELTA_S)
            try:
                async with asyncio.timeout(None if math.isinf(wait) else wait):
                    await followed.changed.wait()
                followed.changed.clear()  # told already; how long to wait has changed
            except TimeoutError:
                self._tick(followed)

    def _tick(self, followed: _Followed) -> None:
        """Tell what has changed, unless the client is behind: what it misses now is in the next delta."""
        if self.outbox.backlog < _SLOW:
            self._delta(followed)

    # Questions.

    def _ask(self, frame: protocol.Ask, received: float) -> None:
        if frame.id in self._open:
            raise InvalidRequest(f"ask: question {frame.id!r} is open already; choose another id")
        if len(self._open) >= self._settings.open_questions:
            raise Overloaded(f"{len(self._open)} questions are open already; wait for an answer or cancel one")
        race = frame.race or next(reversed(self._followed), None)
        if race is None:
            raise InvalidRequest("ask: which race? Name it, or follow one")
        followed = self._followed.get(race)
        # The present moment is that of the frame's arrival, whatever the replay does next.
        moment = (followed.replay.advance(), followed.replay.feed_age_s()) if followed else None
        task = asyncio.create_task(self._answer(frame, race, followed, moment, received))
        self._open[frame.id] = task
        task.add_done_callback(lambda _: self._never_began(frame.id))

    async def _answer(
        self,
        frame: protocol.Ask,
        race: str,
        followed: _Followed | None,
        moment: tuple[RaceState, float] | None,
        received: float,
    ) -> None:
        """Answer a question about a race, as it was followed when the question arrived."""
        with telemetry.span("ask", {}):  # a trace of its own: the connection has one that goes on
            try:
                log = followed.log if followed else await self._hub.open(race)
                question = self._question(frame, log, followed, moment, received)
                last = self._last if self._last and self._last.state.race == race else None
                advised = await self._tools.answer(question, last, self.outbox.add)
                self._last = advised or self._last
            except asyncio.CancelledError:
                self.error(_TAKEN_BACK, frame.id)
            except PitcallError as exc:
                self.error(exc, frame.id)
            except Exception:  # noqa: BLE001  # the client learns no more than the trace id, the log all
                _log.exception("question failed")
                self.error(PitcallError("the orchestrator failed; its log has the reason"), frame.id)
            finally:
                del self._open[frame.id]

    def _never_began(self, question: str) -> None:
        """A task that is cancelled before its first step runs no handler of its own."""
        if self._open.pop(question, None) is not None:
            self.error(_TAKEN_BACK, question)

    def _question(
        self,
        frame: protocol.Ask,
        log: RaceLog,
        followed: _Followed | None,
        moment: tuple[RaceState, float] | None,
        received: float,
    ) -> Question:
        """The question with its defaults. Raises NotFound (car) and InvalidRequest (lap)."""
        car = followed.car if followed else None
        if frame.car is not None:
            car = _car(log, frame.car)
        if frame.lap is not None and frame.lap > log.last.total_laps:
            raise InvalidRequest(f"ask: lap {frame.lap}: race {log.last.race} has {log.last.total_laps} laps")
        return Question(
            id=frame.id,
            text=frame.text,
            as_of=_as_of(log, frame.lap, moment),
            received=received,
            deadline_s=(frame.deadline_ms or self._settings.deadline_ms) / 1e3,
            car=car,
            lap=frame.lap,
            seed=frame.seed,
            max_paths=frame.max_paths,
            utility=_utility(frame),
            live=not over(log.last),
        )

    def _cancel(self, question: str) -> None:
        if question not in self._open:
            raise NotFound(f"cancel: no question {question!r} is open")
        self._open[question].cancel()


def _car(log: RaceLog, name: str) -> str:
    """The car that is meant. Raises NotFound."""
    return names_of(log.last.cars.values()).resolve(name)


def _utility(frame: protocol.Ask) -> Utility | None:
    """What the fields of a question ask the call to be best for."""
    if frame.goal is None:
        return None
    return Utility(frame.goal) if frame.target is None else Utility(frame.goal, frame.target)


def _as_of(log: RaceLog, lap: int | None, moment: tuple[RaceState, float] | None) -> AsOf:
    """A named lap as it was known then; else the replay's present; else the end of the log."""

    def as_of(car: str | None) -> tuple[RaceState, float]:
        if lap is not None:
            return log.at(log.seq_of(lap, car)), 0.0
        return moment or (log.last, 0.0)

    return as_of
