"""PitcallClient over a real WebSocket, against a scripted server."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from websockets.asyncio.server import ServerConnection, serve

from pitcall.cli import ports
from pitcall.client import PitcallClient
from pitcall.errors import NotFound, OrchestratorUnavailable, PitcallError

pytestmark = pytest.mark.contract

RACE = {"id": "monza", "lap": 3, "cars": [{"car": "VER", "position": 1}]}


class Peer:
    """The server's side of one connection: numbers what it sends, reads what the client sent."""

    def __init__(self, connection: ServerConnection) -> None:
        self._connection = connection
        self._seq = 0

    async def send(self, kind: str, **fields: object) -> None:
        self._seq += 1
        await self._connection.send(json.dumps({"type": kind, "seq": self._seq, **fields}))

    async def read(self) -> dict[str, object]:
        return dict(json.loads(await self._connection.recv()))

    async def welcome(self) -> None:
        assert (await self.read())["type"] == "hello"
        await self.send("welcome", version=1, session="token", resumed=False, races=[], server={"version": "9"})

    async def drop(self) -> None:
        self._connection.transport.abort()


Script = Callable[[Peer], Awaitable[None]]


@contextlib.asynccontextmanager
async def talking_to(script: Script) -> AsyncIterator[PitcallClient]:
    """A client connected to a server that plays ``script`` after the welcome."""

    async def handle(connection: ServerConnection) -> None:
        peer = Peer(connection)
        await peer.welcome()
        await script(peer)
        await connection.wait_closed()

    async with serve(handle, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        async with PitcallClient(f"http://127.0.0.1:{port}") as client:
            yield client


async def test_an_answer_arrives_frame_by_frame():
    """Every frame of the question is yielded in order and answer.done ends the iterator."""

    async def script(peer: Peer) -> None:
        question = (await peer.read())["id"]
        await peer.send("answer.delta", id=question, stage="screen")
        await peer.send("answer.delta", id="another", stage="screen")
        await peer.send("answer.done", id=question, text="Box now")

    async with talking_to(script) as client:
        assert [frame.type async for frame in client.ask("When?")] == ["answer.delta", "answer.done"]


async def test_two_questions_at_once_get_their_own_answers():
    """Frames are told apart by the id of the question, in whatever order they come."""

    async def script(peer: Peer) -> None:
        asked = [await peer.read(), await peer.read()]
        for question in reversed(asked):
            await peer.send("answer.done", id=question["id"], text=question["text"])

    async with talking_to(script) as client:
        one, two = await asyncio.gather(client.answer("one"), client.answer("two"))
    assert (one["text"], two["text"]) == ("one", "two")


async def test_an_error_of_a_question_is_raised_as_its_class():
    """The socket stays open: the next question is answered."""

    async def script(peer: Peer) -> None:
        await peer.send("error", id=(await peer.read())["id"], error="NotFound", detail="no car", retryable=False)
        await peer.send("answer.done", id=(await peer.read())["id"], text="fine")

    async with talking_to(script) as client:
        with pytest.raises(NotFound, match="no car"):
            await client.answer("When?")
        assert (await client.answer("When?"))["text"] == "fine"


async def test_leaving_an_answer_early_cancels_the_question():
    """The server must not go on simulating for nobody."""
    seen: asyncio.Future[dict[str, object]] = asyncio.get_running_loop().create_future()

    async def script(peer: Peer) -> None:
        await peer.send("answer.delta", id=(await peer.read())["id"], stage="screen")
        seen.set_result(await peer.read())

    async with talking_to(script) as client:
        async with contextlib.aclosing(client.ask("When?")) as frames:
            await anext(frames)
        assert await seen == {"type": "cancel", "id": "q1"}


async def test_a_connection_that_breaks_ends_every_question():
    """A retryable error, not an endless wait; and later questions fail at once."""

    async def script(peer: Peer) -> None:
        await peer.read()
        await peer.drop()

    async with talking_to(script) as client:
        for _ in range(2):
            with pytest.raises(OrchestratorUnavailable) as caught:
                await client.answer("When?")
            assert caught.value.retryable


async def test_a_followed_race_is_yielded_as_it_changes():
    """Snapshot first, then the state with every delta merged in."""

    async def script(peer: Peer) -> None:
        await peer.read()
        await peer.send("race.snapshot", race=RACE, replay={"playing": False})
        await peer.read()
        await peer.send("race.delta", race="monza", changes={"lap": 4}, cars=[], replay={"playing": True})

    async with talking_to(script) as client, contextlib.aclosing(client.follow("monza")) as states:
        assert await anext(states) == {**RACE, "replay": {"playing": False}}
        await client.control("monza", "play")
        assert await anext(states) == {**RACE, "lap": 4, "replay": {"playing": True}}


async def test_a_race_that_cannot_be_followed_raises():
    """The refusal has no question id; it belongs to the follow."""

    async def script(peer: Peer) -> None:
        await peer.read()
        await peer.send("error", id=None, error="NotFound", detail="no race", retryable=False)

    async with talking_to(script) as client, contextlib.aclosing(client.follow("imola")) as states:
        with pytest.raises(NotFound, match="no race"):
            await anext(states)


async def test_nobody_there_is_a_retryable_error():
    """The message names the address."""
    (port,) = ports.free("127.0.0.1", 1)
    with pytest.raises(OrchestratorUnavailable, match=str(port)):
        async with PitcallClient(f"http://127.0.0.1:{port}"):
            pass


async def test_a_server_that_says_nothing_is_given_up():
    """An open port that never welcomes is no orchestrator."""

    async def handle(connection: ServerConnection) -> None:
        await connection.wait_closed()

    async with serve(handle, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        with pytest.raises(OrchestratorUnavailable, match="no answer in time"):
            async with PitcallClient(f"http://127.0.0.1:{port}", open_timeout_s=0.1):
                pass


async def test_a_server_that_speaks_another_protocol_is_refused():
    """Said in words, not as a parse error."""

    async def handle(connection: ServerConnection) -> None:
        await connection.send("hello, I am chat")
        await connection.wait_closed()

    async with serve(handle, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        with pytest.raises(PitcallError, match="not JSON"):
            async with PitcallClient(f"http://127.0.0.1:{port}"):
                pass
