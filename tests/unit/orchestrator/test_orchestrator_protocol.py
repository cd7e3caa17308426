"""Client frames read, parts of server frames built."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pitcall_orchestrator import protocol

from pitcall.domain.tyres import Compound
from pitcall.errors import InvalidRequest
from pitcall.sim.messages import Decision, Forecast, Option, Utility

pytestmark = pytest.mark.unit

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=10,
)
TYPES = st.sampled_from(["hello", "follow", "unfollow", "ask", "cancel", "replay.control"])
NAMES = ["type", "version", "resume", "last_seq", "race", "car", "lap", "id", "text", "seed", "action", "speed"]


@given(raw=st.dictionaries(st.sampled_from(NAMES), JSON, max_size=8), kind=TYPES)
def test_any_object_is_a_frame_or_one_error(raw, kind):
    """Nothing else can come out, whatever a client sends."""
    frame, error = None, ""
    try:
        frame = protocol.parse({**raw, "type": kind})
    except InvalidRequest as exc:
        error = exc.detail
    assert frame is not None or error.startswith(kind)
    assert len(error) < 300


@given(text=st.text(max_size=200))
def test_any_text_is_an_object_or_one_error(text):
    """Broken JSON is the client's mistake, never ours."""
    with contextlib.suppress(InvalidRequest):
        assert isinstance(protocol.decode(text), dict)


def test_integers_may_be_given_for_numbers_and_not_the_other_way():
    """Speed 2 is 2.0; lap 2.0 is not a lap."""
    control = {"type": "replay.control", "race": "r", "action": "speed", "speed": 2}
    frame = protocol.parse(control)
    assert isinstance(frame, protocol.Control)
    assert frame.speed == 2.0
    with pytest.raises(InvalidRequest, match="lap"):
        protocol.parse({"type": "follow", "race": "r", "lap": 2.0})


def test_null_is_the_same_as_absent():
    """Clients that fill in every field are served."""
    frame = protocol.parse({"type": "ask", "id": "q", "text": "Box?", "race": None, "car": None, "lap": None})
    assert isinstance(frame, protocol.Ask)
    assert frame.race is None


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [({"goal": "fame"}, "goal"), ({"goal": "target", "target": 0}, "target"),
     ({"goal": "win", "target": 3}, "needs the goal"), ({"target": 3}, "needs the goal")],
)  # fmt: skip
def test_a_goal_that_cannot_be_is_refused(fields, wrong):
    """A target without its goal would be ignored in silence."""
    with pytest.raises(InvalidRequest, match=wrong):
        protocol.parse({"type": "ask", "id": "q", "text": "Box?", **fields})


@given(
    total=st.floats(0, 1e5), model=st.floats(0, 1e5), sim=st.floats(0, 1e5)
)  # also what cannot be: hops that take longer than the whole
def test_timings_sum_to_the_total_exactly(total, model, sim):
    """In any order, and no self time is negative."""
    found = protocol.timings_json(total, model, sim)
    parts = [found["orchestrator"], found["model_server"], found["sim_worker"]]
    assert sum(parts) == sum(reversed(parts)) == found["total"]
    assert min(parts) >= 0
    assert abs(found["total"] - total) <= 1 / 16


def test_timings_are_those_measured():
    """To an eighth of a millisecond."""
    assert protocol.timings_json(100.06, 20.0, 70.13) == {
        "total": 100.0, "orchestrator": 9.875, "model_server": 20.0, "sim_worker": 70.125,
    }  # fmt: skip


def test_decision_of_staying_out():
    """Lap and compound are null, and so is where one rejoins."""
    option = Option(None, None, 2.0, (0.2, 0.8), 0.0, 0.0, 64)
    found = protocol.decision_json(Decision((option,), 0, True, 1, 64, final=True), Utility())
    assert (found["action"], found["lap"], found["compound"]) == ("stay", None, None)
    assert found["options"][0]["rejoin_position"] is None


def test_decision_names_tyres_in_lower_case():
    """As the radio does."""
    option = Option(5, int(Compound.INTERMEDIATE), 2.0, (0.2, 0.8), 0.0, 0.0, 64, 4.5)
    found = protocol.decision_json(Decision((option,), 0, True, 1, 64, final=True), Utility())
    assert (found["action"], found["lap"], found["compound"]) == ("box", 5, "intermediate")


def test_forecast_is_sorted_by_mean_position():
    """The best first, whatever the order of the grid."""
    found = protocol.forecast_json(Forecast(("A", "B"), ((0.2, 0.8), (0.8, 0.2)), 10))
    assert [car["car"] for car in found["cars"]] == ["B", "A"]
    assert found["cars"][0]["mean_position"] == pytest.approx(1.2)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_crosses_the_socket_bit_for_bit(value):
    """Same seed, same decision: that holds for what the client reads."""
    assert json.loads(protocol.encode(1, "x", {"value": value}))["value"] == value


@pytest.mark.parametrize(
    ("raw", "found"),
    [
        ({"type": "ask", "id": "q", "lap": "x"}, "q"),
        ({"type": "cancel", "id": "q"}, "q"),
        ({"type": "ask", "id": 7}, None),
        ({"type": "ask", "id": "q" * 65}, None),
        ({"type": "ask", "id": "\ud800"}, None),
        ({"type": "follow", "id": "q"}, None),
    ],
)
def test_a_broken_question_is_known_by_its_id(raw, found):
    """So that whoever waits for its answer learns of the error."""
    assert protocol.question_id(raw) == found
