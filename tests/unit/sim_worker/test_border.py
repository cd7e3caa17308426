"""Bodies and headers at the border."""

import pytest
from fastapi import Request
from pitcall_sim_worker import border
from pitcall_sim_worker.simulator import DECIDE_REQUEST

from pitcall.errors import InvalidRequest

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
        (b'"indifference":0.15', b'"indifference":NaN', "budget: indifference"),
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
