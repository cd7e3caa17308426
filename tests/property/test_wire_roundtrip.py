"""Whatever a race is, it crosses the wire unchanged; whatever bytes come, they are a state or a typed error."""

import contextlib
from dataclasses import replace
from itertools import accumulate
from types import MappingProxyType

import pytest
from google.protobuf.message import DecodeError
from hypothesis import given
from hypothesis import strategies as st

from pitcall.domain.events import MAX_LAPS, Track
from pitcall.domain.race import CarState, CarStatus, LapRecord, PitStop, RaceState
from pitcall.domain.strategy import Evidence, Threat
from pitcall.domain.tyres import Compound
from pitcall.errors import InvalidRequest
from pitcall.sim.messages import BreakEven, Contingency, Decision, Forecast, Option
from pitcall.wire import convert, reply
from pitcall.wire.knowledge import Grounding, Source, plain
from pitcall.wire.v1 import strategy_pb2 as pb

pytestmark = pytest.mark.property

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
keys = st.text("ABCDEFGHIJ", min_size=1, max_size=3)
times = st.floats(0, 600_000)
finite = st.floats(allow_nan=False, allow_infinity=False)
ages = st.none() | st.integers(0, MAX_LAPS)
known = st.sampled_from([c for c in Compound if c is not Compound.UNKNOWN])


def optional(values):
    return st.none() | values


@st.composite
def laps(draw):
    """Laps in order, the clock running: gaps in the numbers are allowed, as a feed may lose one."""
    n = draw(st.integers(0, 5))
    numbers = accumulate(draw(st.lists(st.integers(1, 9), min_size=n, max_size=n)))
    clock = accumulate(draw(st.lists(st.floats(0.125, 500), min_size=n, max_size=n)))
    return tuple(
        LapRecord(
            lap,
            t,
            draw(optional(st.floats(1e-3, 1e6))),
            draw(st.sampled_from(Compound)),
            draw(ages),
            draw(st.booleans()),
            draw(st.booleans()),
            draw(st.booleans()),
        )
        for lap, t in zip(numbers, clock, strict=True)
    )


@st.composite
def stops(draw):
    """A stop that ended, or one under way."""
    came = draw(st.floats(0, 1_000))
    return PitStop(draw(st.integers(0, MAX_LAPS)), came, draw(optional(st.floats(came, 2_000))))


@st.composite
def cars(draw, key):
    """One car."""
    return CarState(
        car=key,
        number=draw(texts),
        driver=draw(texts),
        team=draw(texts),
        grid=draw(optional(st.integers(0, 40))),
        compound=draw(st.sampled_from(Compound)),
        tyre_age=draw(ages),
        compounds_used=draw(st.frozensets(known)),
        laps=draw(laps()),
        stops=tuple(draw(st.lists(stops(), max_size=3))),
        status=draw(st.sampled_from(CarStatus)),
        retired_reason=draw(texts),
    )


@st.composite
def states(draw):
    """A race at any moment."""
    names = draw(st.lists(keys, unique=True, max_size=5))
    return RaceState(
        race=draw(texts),
        name=draw(texts),
        series=draw(texts),
        season=draw(optional(st.integers(0, 3_000))),
        round=draw(optional(st.integers(0, 30))),
        circuit=draw(optional(texts)),
        total_laps=draw(st.integers(1, MAX_LAPS)),
        seq=draw(st.integers(0, 2**64 - 1)),
        t=draw(times),
        cars=MappingProxyType({name: draw(cars(name)) for name in names}),
        track=draw(st.sampled_from(Track)),
        track_since_s=draw(times),
        green_since_s=draw(times),
        air_temp_c=draw(optional(finite)),
        track_temp_c=draw(optional(finite)),
        rain=draw(optional(st.booleans())),
        messages=((1.0, "stays at home"),),
        flag_s=draw(optional(times)),
    )


probabilities = st.lists(st.floats(0, 1), min_size=3, max_size=3).map(tuple)
counts = st.integers(0, 2**32 - 1)


calls = st.just((None, None)) | st.tuples(st.integers(1, 500), st.integers(0, 4))


@st.composite
def options(draw):
    """A stop, or staying out."""
    lap, compound = draw(calls)
    numbers = {
        name: draw(finite)
        for name in (
            "mean_position", "delta_positions", "standard_error", "utility", "delta", "expected_points", "p_win",
            "p_target", "cvar_position",
        )
    }  # fmt: skip
    perhaps = {
        name: draw(optional(finite))
        for name in ("rejoin_position", "rejoin_gap_ahead_s", "rejoin_gap_behind_s", "wait_cost", "wait_cost_error")
    }
    names = {name: draw(texts) for name in ("rejoin_ahead", "rejoin_behind")}
    return Option(
        lap=lap, compound=compound, p_position=draw(probabilities), draws=draw(counts), **numbers, **perhaps, **names
    )


contingencies = st.builds(
    lambda event, rival, call, delta, error, changes: Contingency(
        event, rival, call[0], call[1], delta, error, changes
    ),
    st.sampled_from(["safety_car", "vsc", "rain", "rival_boxes"]), texts, calls, finite, finite, st.booleans(),
)  # fmt: skip


@st.composite
def break_evens(draw, rows):
    """Somewhere, or nowhere within the range."""
    value, low, high = (draw(optional(finite)) for _ in range(3))
    parameter = draw(st.sampled_from(["pit_loss_s", "wear", "caution_rate"]))
    other = draw(st.integers(0, rows - 1))
    return BreakEven(parameter, draw(finite), value, low, high, other, draw(finite), draw(finite))


evidences = st.builds(
    lambda floats, names, places, age, threats: Evidence(
        compound=names[0], tyre_age_laps=age, pit_loss_s=floats[0], wear_s_per_lap=floats[1],
        wear_sd_s_per_lap=floats[2], fresh_gain_s=floats[3], position=places[0], ahead=names[1],
        gap_ahead_s=floats[4], behind=names[2], gap_behind_s=floats[5], rejoin_position=places[1],
        rejoin_ahead=names[3], rejoin_gap_ahead_s=floats[6], rejoin_behind=names[4], rejoin_gap_behind_s=floats[7],
        undercut_threats=tuple(threats),
    ),
    st.lists(finite, min_size=8, max_size=8),
    st.lists(texts, min_size=5, max_size=5),
    st.lists(counts, min_size=2, max_size=2),
    optional(counts),
    st.lists(st.builds(Threat, texts, finite, finite), max_size=2),
)  # fmt: skip


sources = st.builds(
    Source,
    *[texts] * 6,
    marks=st.lists(st.tuples(counts, counts), max_size=3).map(tuple),
    covered=st.floats(0, 1),
    quote=texts,
    topic=texts,
    kind=texts,
)
groundings = st.builds(Grounding, st.lists(sources, max_size=3).map(tuple), texts, texts.map(plain))


@st.composite
def advices(draw):
    """One message of an answer."""
    chosen = tuple(draw(st.lists(options(), min_size=1, max_size=4)))
    flags = [draw(st.booleans()) for _ in range(3)]
    ms = draw(finite)
    best = draw(st.integers(0, len(chosen) - 1))
    return reply.Advice(
        Decision(
            chosen,
            best,
            flags[0],
            draw(counts),
            draw(counts),
            flags[1],
            flags[2],
            tied=tuple(draw(st.lists(st.integers(0, len(chosen) - 1), max_size=3))),
            contingencies=tuple(draw(st.lists(contingencies, max_size=3))),
            break_evens=tuple(draw(st.lists(break_evens(len(chosen)), max_size=3))),
            compute_ms=ms,
        ),
        reply.Provenance(draw(texts), draw(st.integers(0, 2**64 - 1)), draw(counts), draw(finite), (draw(texts),)),
        reply.Timings(draw(finite), ms),
        draw(evidences),
        draw(optional(groundings)),
    )


@given(states())
def test_a_state_crosses_unchanged_but_for_its_messages(state):
    """Equal, in the order of its cars, through real bytes."""
    raw = convert.state_to_wire(state).SerializeToString()
    back = convert.state_from_wire(pb.RaceState.FromString(raw))
    assert back == replace(state, messages=())
    assert list(back.cars) == list(state.cars)


@given(advices())
def test_an_advice_crosses_unchanged(advice):
    """Every number bit for bit."""
    raw = reply.advice_to_wire(advice).SerializeToString()
    assert reply.advice_from_wire(pb.AdviseResponse.FromString(raw)) == advice


@given(st.lists(probabilities, max_size=4), counts, finite)
def test_an_outlook_crosses_unchanged(rows, draws, ms):
    """Any number of cars, none included."""
    cars = tuple(f"C{n}" for n in range(len(rows)))
    outlook = reply.Outlook(
        Forecast(cars, tuple(rows), draws, ms), reply.Provenance("m@1", 1, 2, 3.0), reply.Timings(0.0, ms)
    )
    raw = reply.outlook_to_wire(outlook).SerializeToString()
    assert reply.outlook_from_wire(pb.ForecastResponse.FromString(raw)) == outlook


@given(states(), st.data())
def test_damaged_bytes_are_a_state_or_a_typed_error(state, data):
    """Bytes changed at random either do not parse, are refused as InvalidRequest, or hold a whole state."""
    raw = bytearray(convert.state_to_wire(state).SerializeToString())
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(DecodeError, InvalidRequest):
        back = convert.state_from_wire(pb.RaceState.FromString(bytes(raw)))
        assert convert.state_from_wire(convert.state_to_wire(back)) == back
