"""A connection whose client is slow, gone or replaced, on a socket that the test controls."""

import asyncio
import json
from typing import Any

import pytest
from pitcall_orchestrator.advice import ModelServer
from pitcall_orchestrator.connection import Connection
from pitcall_orchestrator.hub import Hub
from pitcall_orchestrator.recorder import Recorder
from pitcall_orchestrator.session import Session
from pitcall_orchestrator.sessions import Sessions
from pitcall_orchestrator.settings import Settings
from pitcall_orchestrator.tools import Tools

from pitcall.adapters.ledger import SqliteLedger
from pitcall.adapters.races import RaceStore
from pitcall.errors import Overloaded

pytestmark = pytest.mark.unit


class Socket:
    """What Starlette's WebSocket does here. While ``reading`` is clear the client takes nothing."""

    def __init__(self) -> None:
        self.incoming: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.sent: list[dict[str, Any]] = []
        self.closed: tuple[int, str] | None = None
        self.reading = asyncio.Event()
        self.reading.set()
        self.news = asyncio.Event()
        self.idle = asyncio.Event()

    async def accept(self) -> None:
        pass

    async def receive(self) -> dict[str, Any]:
        if self.incoming.empty():
            self.idle.set()
        return await self.incoming.get()

    async def send_text(self, text: str) -> None:
        await self.reading.wait()
        self.sent.append(json.loads(text))
        self.news.set()

    async def close(self, code: int, reason: str) -> None:
        self.closed = (code, reason)

    def say(self, kind: str, **fields: Any) -> None:
        self.incoming.put_nowait({"type": "websocket.receive", "text": json.dumps({"type": kind, **fields})})

    def leave(self) -> None:
        self.incoming.put_nowait({"type": "websocket.disconnect"})

    async def read_out(self) -> None:
        """Until everything said so far was dealt with."""
        self.idle.clear()
        await self.idle.wait()

    async def heard(self, kind: str) -> dict[str, Any]:
        """The first frame of a type."""
        async with asyncio.timeout(5):
            while not (found := [frame for frame in self.sent if frame["type"] == kind]):
                self.news.clear()
                await self.news.wait()
        return found[0]


@pytest.fixture
def settings() -> Settings:
    return Settings(kept_frames=10, retention_s=0.05, sessions=2, drain_s=0.01)


@pytest.fixture
async def sessions(settings, tmp_path, events):
    store = RaceStore(tmp_path)
    store.save(events)
    model_server, recorder = ModelServer("127.0.0.1:1"), Recorder(SqliteLedger(tmp_path / "ledger.db"))
    sessions = Sessions(Hub(store), Tools(model_server, recorder), settings)
    yield sessions
    await sessions.close()
    await recorder.close()
    await model_server.close()


@pytest.fixture
async def socket():
    return Socket()


def serve(socket: Socket, sessions: Sessions, stalled_s: float = 20.0) -> asyncio.Task[None]:
    return asyncio.create_task(Connection(socket, sessions, stalled_s).serve())  # type: ignore[arg-type]  # a fake


async def test_a_client_that_takes_nothing_is_closed_with_1013(sessions, socket):
    """It does not keep a frame waiting for ever."""
    serving = serve(socket, sessions, stalled_s=0.01)
    socket.say("hello", version=1)
    await socket.heard("welcome")
    socket.reading.clear()
    socket.say("follow", race="toy")
    async with asyncio.timeout(5):
        await serving
    assert socket.closed == (1013, "too slow: nothing was read for a while")


async def test_a_client_that_lost_frames_is_closed_with_1013(sessions, socket):
    """More than the outbox keeps: the numbering would have a hole."""
    serving = serve(socket, sessions)
    socket.say("hello", version=1)
    await socket.heard("welcome")
    socket.reading.clear()
    for _ in range(20):
        socket.say("unfollow", race="toy")  # an error each
    await socket.read_out()
    socket.reading.set()
    async with asyncio.timeout(5):
        await serving
    assert socket.closed == (1013, "too slow: frames were lost")
    assert len(socket.sent) < 20


async def test_a_session_ends_after_its_retention(sessions, socket, monkeypatch):
    """Then its token is worth nothing and its replays stop."""
    ended, close = asyncio.Event(), Session.close

    async def closing(session: Session) -> None:
        await close(session)
        ended.set()

    monkeypatch.setattr(Session, "close", closing)
    serving = serve(socket, sessions)
    socket.say("hello", version=1)
    token = (await socket.heard("welcome"))["session"]
    socket.leave()
    await serving
    async with asyncio.timeout(5):
        await ended.wait()
    again = Socket()
    serving = serve(again, sessions)
    again.say("hello", version=1, resume=token, last_seq=1)
    assert (await again.heard("welcome"))["resumed"] is False
    again.leave()
    await serving


async def test_a_waiting_session_makes_room_and_a_connected_one_does_not(sessions):
    """With two places: the third client gets the one whose owner is away, or none."""
    sockets = [Socket() for _ in range(4)]
    serving = [serve(socket, sessions) for socket in sockets]
    for socket in sockets[:2]:
        socket.say("hello", version=1)
        await socket.heard("welcome")
    sockets[2].say("hello", version=1)
    assert (await sockets[2].heard("error"))["error"] == "Overloaded"
    sockets[0].leave()
    await serving[0]
    sockets[3].say("hello", version=1)
    assert (await sockets[3].heard("welcome"))["resumed"] is False
    for socket in sockets[1:]:
        socket.leave()
    await asyncio.gather(*serving[1:])


async def test_a_draining_server_takes_no_new_client(sessions, socket):
    """The client is told to try again: another instance will answer."""
    await sessions.drain()
    serving = serve(socket, sessions)
    socket.say("hello", version=1)
    error = await socket.heard("error")
    assert (error["error"], error["retryable"]) == (Overloaded.__name__, True)
    socket.leave()
    await serving


async def test_a_bug_becomes_one_error_and_the_socket_stays_up(sessions, socket, monkeypatch, caplog):
    """The client reads one sentence; the log has the rest."""

    async def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("pitcall_orchestrator.session.Session.handle", broken)
    serving = serve(socket, sessions)
    socket.say("hello", version=1)
    socket.say("follow", race="toy")
    error = await socket.heard("error")
    assert error["error"] == "PitcallError"
    assert "ZeroDivision" not in error["detail"]
    assert "ZeroDivisionError" in caplog.text
    socket.leave()
    await serving
