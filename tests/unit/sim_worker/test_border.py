"""Bodies and headers at the border."""

import asyncio
from contextlib import nullcontext

import pytest
from fastapi import Request
from pitcall_sim_worker import border
from pitcall_sim_worker.simulator import DECIDE_REQUEST, EVALUATE_REQUEST
from starlette.responses import PlainTextResponse

from pitcall.errors import InvalidRequest, Overloaded
from pitcall.sim.evaluate import EvaluateRequest

pytestmark = pytest.mark.unit


def with_header(value):
    return Request({"type": "http", "headers": [(b"x-pitcall-deadline-ms", value)] if value is not None else []})


@pytest.mark.parametrize(
    ("old", "new", "where"),
    [
        (b'"seed":7', b'"seed":-1', "body: seed"),
        (b'"seed":7', b'"seed":7.5', "seed: "),
        (b'"seed":7', b'"seed":"7"', "seed: "),
        (b'"seed":7', b'"seed":18446744073709551616', "body: seed"),
        (b'"seed":7', b'"sead":7', "seed: Field required"),
        (b'"seed":7', b'"seed":7,"sead":8', "sead: "),
        (b'"car":"A"', b'"car":"Z"', "body: car: 'Z' is not on the grid"),
        (b'"pit_loss_s":20.0', b'"pit_loss_s":NaN', "race.circuit: pit_loss_s must be finite"),
        (b'"pit_loss_s":20.0', b'"pit_loss_s":-Infinity', "race.circuit: pit_loss_s must be finite"),
        (b'"pit_loss_s":20.0', b'"pit_loss_s":"20"', "race.circuit.pit_loss_s: "),
        (b'"pace_s":[90.0,', b'"pace_s":["x",', "race.grid.pace_s.0: "),
        (b'"pace_s":[90.0,', b'"pace_s":[', "race.grid: pace_s: 1 values for 2 cars"),
        (b'"lap":7', b'"lap":5', "body: candidates: laps 6 to 11 only"),
        (b'"first_paths":64', b'"first_paths":0', "budget: "),
        (b'"indifference":null', b'"indifference":NaN', "budget: indifference"),
    ],
)
def test_a_wrong_field_is_named_by_its_path(request_, old, new, where):
    """One sentence that says where; never the whole body."""
    body = DECIDE_REQUEST.dump_json(request_)
    assert old in body
    with pytest.raises(InvalidRequest) as error:
        border.parse(DECIDE_REQUEST, body.replace(old, new, 1))
    assert error.value.detail.startswith(where)
    assert len(error.value.detail) <= border.MAX_DETAIL


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b'"\\ud800"', b"[" * 100_000, b"\xff\xfe", b'{"a":1e999999}']
)
def test_what_is_no_request_is_refused_in_one_sentence(body):
    """Broken, nested too deep or of another shape: InvalidRequest, never another exception."""
    with pytest.raises(InvalidRequest, match=r"^[a-z_.]+: "):
        border.parse(DECIDE_REQUEST, body)


@pytest.mark.parametrize(
    ("value", "seconds"), [(None, 30.0), (b"1500", 1.5), (b"0.5", 0.0005), (b"99999999", 30.0), (b"-5", -0.005)]
)
def test_deadline_is_the_callers_but_never_longer_than_ours(value, seconds):
    """Milliseconds in the header, seconds inside; the setting is the default and the bound."""
    assert border.deadline_s(with_header(value), 30.0) == pytest.approx(seconds)


@pytest.mark.parametrize("value", [b"", b"soon", b"nan", b"inf", b"1 s"])
def test_a_deadline_that_is_no_number_is_refused(value):
    """It is not silently taken for no deadline."""
    with pytest.raises(InvalidRequest, match="x-pitcall-deadline-ms"):
        border.deadline_s(with_header(value), 30.0)


class TestBounded:
    """The middleware, with an app that reads its body and says so."""

    @staticmethod
    async def sent(app, *body, place=nullcontext, most_s=10.0, path="/v1/decide"):
        """What is sent for a request whose body comes in these pieces and is then held back."""
        pieces, out = [{"type": "http.request", "body": piece, "more_body": True} for piece in body], []

        async def receive():
            if pieces:
                return pieces.pop(0)
            return await asyncio.get_running_loop().create_future()

        async def send(message):
            out.append(message)

        bounded = border.Bounded(app, ["/v1/decide"], place, most_s)
        await bounded({"type": "http", "path": path, "headers": []}, receive, send)
        return out

    async def test_refuses_before_the_body_is_read_when_there_is_no_place(self):
        """429, and the app is never called."""

        async def app(scope, receive, send):
            raise AssertionError("the app was called")

        def full():
            raise Overloaded("full", retry_after_s=1.0)

        head, _ = await self.sent(app, b"x", place=full)
        assert head["status"] == 429
        assert (b"retry-after", b"1") in head["headers"]

    async def test_drops_who_sends_too_slowly_and_gives_the_place_back(self):
        """A body that never ends is a 504."""
        held = []

        class Place:
            def __enter__(self):
                held.append(self)

            def __exit__(self, *_):
                held.pop()

        async def app(scope, receive, send):
            assert held
            while True:
                await receive()

        head, _ = await self.sent(app, b"x", place=Place, most_s=0.02)
        assert head["status"] == 504
        assert not held

    async def test_leaves_other_paths_alone(self):
        """Health answers when all places are taken."""

        def full():
            raise Overloaded("full")

        head, _ = await self.sent(PlainTextResponse("ok"), place=full, path="/health")
        assert head["status"] == 200


@pytest.mark.parametrize(
    ("old", "new", "where"),
    [
        (b'"paths":64', b'"paths":1000000000', "body: paths"),
        (b'"paths":64', b'"paths":0', "body: paths"),
        (b'"paths":64', b'"paths":64.5', "paths: "),
        (b'"first_path":0', b'"first_path":65536', "body: first_path"),
        (b'"car":"A"', b'"car":null', "body: candidates"),
        (b'"lap":7', b'"lap":12', "body: candidates: laps 6 to 11 only"),
        (b'"compound":2', b'"compound":5', "candidates.1: compound"),
        (b'"pit_loss_s":20.0', b'"pit_loss_s":NaN', "race.circuit: pit_loss_s must be finite"),
    ],
)
def test_a_wrong_field_of_a_range_is_named_by_its_path(request_, old, new, where):
    """The same for what a model server asks as for what a person does."""
    ask = EvaluateRequest(request_.race, 7, 0, 64, "A", request_.candidates)
    body = EVALUATE_REQUEST.dump_json(ask)
    assert old in body
    with pytest.raises(InvalidRequest) as error:
        border.parse(EVALUATE_REQUEST, body.replace(old, new, 1))
    assert error.value.detail.startswith(where)
