"""The asynchronous client: ``Conversation`` over a WebSocket."""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncGenerator, Mapping
from types import TracebackType
from typing import Any, Final, Literal, Self, Unpack
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from pitcall.client.protocol import Conversation, Frame, Question, socket_url
from pitcall.errors import OrchestratorUnavailable, PitcallError

#: Largest frame that is accepted, bytes: a decision of 400 options over 60 positions is under 1 MB.
MAX_FRAME: Final = 4 << 20
#: Seconds to wait for the connection and for ``welcome``.
OPEN_TIMEOUT_S: Final = 10.0

_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


class PitcallClient:
    """Ask and follow races over one connection. Use it as ``async with PitcallClient(url) as client``.

    Any number of questions may be open at once. Errors of the server are raised as classes of
    ``pitcall.errors``; ``OrchestratorUnavailable`` means that the connection could not be made or broke.
    """

    def __init__(self, url: str = "http://127.0.0.1:8080", *, open_timeout_s: float = OPEN_TIMEOUT_S) -> None:
        self._url = socket_url(url)
        self._open_timeout_s = open_timeout_s
        self._conversation = Conversation()
        self._connection: ClientConnection | None = None
        self._reader: asyncio.Task[None] | None = None
        self._numbers = itertools.count(1)
        self._questions: dict[str, asyncio.Queue[Frame | PitcallError]] = {}
        self._news = asyncio.Condition()
        self._broken: PitcallError | None = None
        self._refused: PitcallError | None = None
        self.welcome: Mapping[str, Any] = {}  #: the server's first frame: races, version, session

    async def __aenter__(self) -> Self:
        """Connect.

        Raises:
            OrchestratorUnavailable: nothing answers there.
            PitcallError: what answers does not speak this protocol.
        """
        try:
            await self._open()
        except BaseException:
            await self.close()
            raise
        return self

    async def _open(self) -> None:
        # A proxy from the environment cannot reach this machine's own ports.
        proxy: Literal[True] | None = None if urlsplit(self._url).hostname in _LOOPBACK else True
        try:
            async with asyncio.timeout(self._open_timeout_s):
                self._connection = await connect(self._url, max_size=MAX_FRAME, open_timeout=None, proxy=proxy)
                await self._connection.send(self._conversation.hello())
                first = self._conversation.receive(await self._connection.recv())
        except (OSError, WebSocketException) as exc:  # TimeoutError is an OSError
            raise OrchestratorUnavailable(f"no orchestrator answers at {self._url}: {_reason(exc)}") from exc
        if first is None or first.type != "welcome":
            raise first.error() if first and first.type == "error" else PitcallError("the server did not say welcome")
        self.welcome = first.body
        self._reader = asyncio.create_task(self._read(self._connection))

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connection; open questions end with OrchestratorUnavailable."""
        if self._connection is not None:
            await self._connection.close()
        if self._reader is not None:
            await self._reader

    async def ask(self, text: str, **options: Unpack[Question]) -> AsyncGenerator[Frame]:
        """Ask, and yield every frame of the answer; the last is ``answer.done``.

        Leaving the iterator before that, by ``aclose`` or by cancelling the task, cancels the question.

        Raises:
            PitcallError: the class that the server named.
            OrchestratorUnavailable: the connection broke.
        """
        question = f"q{next(self._numbers)}"
        inbox = self._questions[question] = asyncio.Queue()
        done = False
        try:
            await self._send(self._conversation.ask(question, text, **options))
            while not done:
                frame = await inbox.get()
                if isinstance(frame, PitcallError):
                    done = True
                    raise frame
                done = frame.last
                if frame.type == "error":
                    raise frame.error()
                yield frame
        finally:
            del self._questions[question]
            if not done:
                with contextlib.suppress(PitcallError):
                    await self._send(self._conversation.cancel(question))

    async def answer(self, text: str, **options: Unpack[Question]) -> Mapping[str, Any]:
        """The ``answer.done`` of a question; arguments and errors are those of ``ask``."""
        body: Mapping[str, Any] = {}
        async for frame in self.ask(text, **options):
            body = frame.body
        return body

    async def follow(
        self, race: str, car: str | None = None, lap: int | None = None
    ) -> AsyncGenerator[Mapping[str, Any]]:
        """Follow a race and yield it as it is now, at once and after each change.

        A consumer slower than the race skips states, never sees an old one. Leaving the iterator unfollows.

        Raises:
            NotFound: no such race or car.
            OrchestratorUnavailable: the connection broke.
        """
        await self._send(self._conversation.follow(race, car, lap))
        state: Mapping[str, Any] | None = None
        try:
            while True:
                state = await self._change(race, state)
                yield {**state, "replay": self._conversation.replays.get(race)}
        finally:
            with contextlib.suppress(PitcallError):
                await self._send(self._conversation.unfollow(race))

    async def control(
        self, race: str, action: str, *, lap: int | None = None, car: str | None = None, speed: float | None = None
    ) -> None:
        """Control the replay of a followed race; a refusal is raised by its ``follow`` iterator.

        Raises:
            OrchestratorUnavailable: the connection broke.
        """
        await self._send(self._conversation.control(race, action, lap=lap, car=car, speed=speed))

    async def _change(self, race: str, seen: Mapping[str, Any] | None) -> Mapping[str, Any]:
        """The state of a race once it is another than ``seen``. Every delta makes a new object."""

        def changed() -> bool:
            now = self._conversation.races.get(race)
            return now is not None and now is not seen

        async with self._news:
            await self._news.wait_for(lambda: self._broken or self._refused or changed())
        if self._broken is not None:
            raise self._broken
        if self._refused is not None:
            refused, self._refused = self._refused, None
            raise refused
        return self._conversation.races[race]

    async def _send(self, text: str) -> None:
        if self._broken is not None:
            raise self._broken
        assert self._connection is not None, "use it as: async with PitcallClient(...)"  # noqa: S101 - a bug of the caller
        try:
            await self._connection.send(text)
        except WebSocketException as exc:
            raise OrchestratorUnavailable(f"the connection to {self._url} broke: {_reason(exc)}") from exc

    async def _read(self, connection: ClientConnection) -> None:
        """Hand every frame to whom it concerns, until the connection ends."""
        try:
            async for text in connection:
                frame = self._conversation.receive(text)
                if frame is not None:
                    await self._deliver(frame)
            broken: PitcallError = OrchestratorUnavailable(f"{self._url} closed the connection")
        except WebSocketException as exc:
            broken = OrchestratorUnavailable(f"the connection to {self._url} broke: {_reason(exc)}")
        except PitcallError as exc:
            broken = exc
        self._broken = broken
        for inbox in self._questions.values():
            inbox.put_nowait(broken)
        async with self._news:
            self._news.notify_all()
        await connection.close()

    async def _deliver(self, frame: Frame) -> None:
        if frame.id in self._questions:
            self._questions[frame.id].put_nowait(frame)
            return
        if frame.type == "error" and frame.id is None:
            self._refused = frame.error()
        async with self._news:
            self._news.notify_all()


def _reason(exc: BaseException) -> str:
    return "no answer in time" if isinstance(exc, TimeoutError) else str(exc) or type(exc).__name__
