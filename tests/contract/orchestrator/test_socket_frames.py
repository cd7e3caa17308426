"""What is wrong with a frame: exactly one typed error each, and the socket stays up."""

import json
import logging
from typing import Any

import pytest
import websockets

pytestmark = pytest.mark.contract

ASK: dict[str, Any] = {"type": "ask", "id": "q", "text": "When should I pit?", "race": "toy", "car": "VER", "lap": 4}
PLAY: dict[str, Any] = {"type": "replay.control", "race": "toy", "action": "play"}

#: What is wrong -> frame, class of the error, a part of its detail, the question that it is about.
BROKEN: dict[str, tuple[Any, str, str, str | None]] = {
    "not JSON": ("{", "InvalidRequest", "not JSON", None),
    "empty": ("", "InvalidRequest", "not JSON", None),
    "binary": (b"{}", "InvalidRequest", "binary", None),
    "a list": ("[1]", "InvalidRequest", "JSON object", None),
    "a number": ("7", "InvalidRequest", "JSON object", None),
    "null": ("null", "InvalidRequest", "JSON object", None),
    "deeply nested": ("[" * 50_000, "InvalidRequest", "not JSON", None),
    "no type": ({"id": "q"}, "InvalidRequest", "type", None),
    "type is a number": ({"type": 7}, "InvalidRequest", "type", None),
    "unknown type": ({"type": "shout"}, "InvalidRequest", "'shout' is not one of", None),
    "a type of the server": ({"type": "welcome"}, "InvalidRequest", "not one of", None),
    "hello again": ({"type": "hello", "version": 1}, "InvalidRequest", "already", None),
    "hello of version 2": ({"type": "hello", "version": 2}, "InvalidRequest", "version", None),
    "hello with text for a number": ({"type": "hello", "version": "1"}, "InvalidRequest", "version", None),
    "ask without id": ({"type": "ask", "text": "x"}, "InvalidRequest", "id", None),
    "ask with an empty id": ({**ASK, "id": ""}, "InvalidRequest", "id", None),
    "ask with a long id": ({**ASK, "id": "q" * 65}, "InvalidRequest", "id", None),
    "ask with a number for id": ({**ASK, "id": 5}, "InvalidRequest", "id", None),
    "ask without text": ({"type": "ask", "id": "q"}, "InvalidRequest", "text", "q"),
    "ask with a long text": ({**ASK, "text": "x" * 501}, "InvalidRequest", "text", "q"),
    "ask with half a surrogate": ('{"type":"ask","id":"q","text":"\\ud800"}', "InvalidRequest", "text", "q"),
    "ask with an unknown field": ({**ASK, "haste": True}, "InvalidRequest", "haste", "q"),
    "ask with text for a lap": ({**ASK, "lap": "4"}, "InvalidRequest", "lap", "q"),
    "ask with half a lap": ({**ASK, "lap": 4.5}, "InvalidRequest", "lap", "q"),
    "ask with true for a lap": ({**ASK, "lap": True}, "InvalidRequest", "lap", "q"),
    "ask with a negative lap": ({**ASK, "lap": -1}, "InvalidRequest", "lap", "q"),
    "ask past the end": ({**ASK, "lap": 13}, "InvalidRequest", "12 laps", "q"),
    "ask with NaN": ('{"type":"ask","id":"q","text":"x","lap":NaN}', "InvalidRequest", "not JSON", None),
    "ask with a seed of 65 bits": ({**ASK, "seed": 2**64}, "InvalidRequest", "seed", "q"),
    "ask with no paths": ({**ASK, "max_paths": 0}, "InvalidRequest", "max_paths", "q"),
    "ask with no time": ({**ASK, "deadline_ms": 1}, "InvalidRequest", "deadline_ms", "q"),
    "ask of no race": ({"type": "ask", "id": "q", "text": "Box?"}, "InvalidRequest", "which race", "q"),
    "ask of an unknown race": ({**ASK, "race": "x"}, "NotFound", "no race 'x'", "q"),
    "ask of an impossible race": ({**ASK, "race": "../x"}, "InvalidRequest", "race id", "q"),
    "ask for an unknown car": ({**ASK, "car": "ALO"}, "NotFound", "cars: HAM, LEC, VER", "q"),
    "ask about an unknown driver": ({**ASK, "text": "When should Alonso pit?"}, "NotFound", "Alonso", "q"),
    "ask nothing": ({**ASK, "text": "lovely weather"}, "NotUnderstood", "Ask when to pit", "q"),
    "ask for no car": ({"type": "ask", "id": "q", "text": "Box?", "race": "toy"}, "NotUnderstood", "Which car", "q"),
    "cancel of nothing": ({"type": "cancel", "id": "z"}, "NotFound", "'z'", "z"),
    "follow of no race": ({"type": "follow"}, "InvalidRequest", "race", None),
    "follow of an unknown race": ({"type": "follow", "race": "x"}, "NotFound", "toy", None),
    "follow of an unknown car": ({"type": "follow", "race": "toy", "car": "X"}, "NotFound", "cars", None),
    "follow past the end": ({"type": "follow", "race": "toy", "lap": 13}, "InvalidRequest", "12 laps", None),
    "unfollow of nothing": ({"type": "unfollow", "race": "toy"}, "NotFound", "not followed", None),
    "control of nothing": (PLAY, "NotFound", "not followed", None),
    "unknown action": ({**PLAY, "action": "rewind"}, "InvalidRequest", "action", None),
    "seek without lap": ({**PLAY, "action": "seek"}, "InvalidRequest", "needs lap", None),
    "play with lap": ({**PLAY, "lap": 3}, "InvalidRequest", "takes no lap", None),
    "play with car": ({**PLAY, "car": "HAM"}, "InvalidRequest", "takes no car", None),
    "speed without speed": ({**PLAY, "action": "speed"}, "InvalidRequest", "needs speed", None),
    "speed 0": ({**PLAY, "action": "speed", "speed": 0}, "InvalidRequest", "speed", None),
    "infinite speed": (json.dumps(PLAY)[:-1] + ',"speed":1e999}', "InvalidRequest", "speed", None),
    "too large": ({**ASK, "text": "x" * 70_000}, "InvalidRequest", "at most 65536 bytes", None),
}  # fmt: skip


async def test_every_broken_frame_gets_one_error(client, caplog):
    """One frame, one error of the right class that says where; then the next frame is served as ever."""
    assert len(BROKEN) > 20
    with caplog.at_level(logging.INFO):
        for name, (frame, error, detail, question) in BROKEN.items():
            await client.connection.send(frame if isinstance(frame, str | bytes) else json.dumps(frame))
            found = await client.until("error")
            assert (found["error"], found["id"]) == (error, question), name
            assert detail in found["detail"], (name, found["detail"])
            assert found["retryable"] is False, name
            assert set(found) == {"type", "seq", "id", "error", "detail", "retryable", "trace_id"}, name
        done = await client.answer(**{name: value for name, value in ASK.items() if name not in ("type", "id")})
    assert done["decision"]["lap"] == 7
    assert not [record for record in caplog.records if record.exc_info], "a stack trace was logged"


async def test_a_second_question_of_an_open_id(client, model_server):
    """It is refused without an id, so that the first one goes on."""
    model_server.go_on.clear()
    await client.send(**{("kind" if name == "type" else name): value for name, value in ASK.items()})
    await client.until("answer.delta")
    await client.send(**{("kind" if name == "type" else name): value for name, value in ASK.items()})
    error = await client.until("error")
    assert (error["error"], error["id"]) == ("InvalidRequest", None)
    model_server.go_on.set()
    assert (await client.until("answer.done"))["id"] == "q"


class TestBeforeHello:
    async def test_nothing_is_served(self, orchestrator):
        """Each frame gets its error, and hello still works."""
        async with orchestrator.connect(hello=False) as client:
            for frame in (json.dumps(ASK), "{", json.dumps({"type": "hello", "version": 2})):
                await client.connection.send(frame)
                assert (await client.until("error"))["error"] == "InvalidRequest"
            client.seq = 0
            assert (await client.hello())["seq"] == 1

    async def test_a_frame_that_was_never_sent_cannot_be_resumed_from(self, orchestrator):
        """That is a bug of the client, and it is told so."""
        async with orchestrator.connect() as client:
            pass
        async with orchestrator.connect(hello=False) as again:
            await again.send("hello", version=1, resume=client.token, last_seq=999)
            assert "has sent 1 frames" in (await again.until("error"))["detail"]


async def test_a_frame_beyond_a_megabyte_closes_the_connection(client):
    """Nobody has to read such a frame to its end."""
    await client.connection.send("x" * (2 << 20))
    with pytest.raises(websockets.ConnectionClosed) as closed:
        await client.frame()
    assert str(closed.value).startswith("received 1009")
