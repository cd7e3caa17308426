"""What the wire may and may not say of a race."""

import math
from dataclasses import replace
from types import MappingProxyType

import pytest

from pitcall.domain.events import MAX_LAPS, MAX_TEXT, Track
from pitcall.domain.race import CarState, CarStatus, LapRecord, PitStop, RaceState
from pitcall.domain.tyres import Compound
from pitcall.errors import InvalidRequest
from pitcall.sim.race import MAX_CARS
from pitcall.wire import convert
from pitcall.wire.v1 import strategy_pb2 as pb

pytestmark = pytest.mark.unit

NAN, INF = math.nan, math.inf


def a_state() -> RaceState:
    """Two cars: one has stopped, one is in the lane and hides its tyres."""
    first = CarState(
        car="VER", number="33", driver="Max Verstappen", team="Red Bull", grid=2, compound=Compound.HARD, tyre_age=1,
        compounds_used=frozenset({Compound.SOFT, Compound.HARD}),
        laps=(
            LapRecord(1, 95.0, None, Compound.SOFT, 1, pit_in=False, pit_out=False, green=True),
            LapRecord(2, 190.5, 95.5, Compound.SOFT, 2, pit_in=True, pit_out=False, green=True),
            LapRecord(3, 300.0, 109.5, Compound.HARD, 1, pit_in=False, pit_out=True, green=False),
        ),
        stops=(PitStop(2, 188.0, 212.0),),
    )  # fmt: skip
    second = CarState(
        car="HAM", laps=(LapRecord(1, 94.0, 94.0, Compound.UNKNOWN, None, pit_in=False, pit_out=False, green=True),),
        stops=(PitStop(2, 189.0, None),), status=CarStatus.IN_PIT,
    )  # fmt: skip
    return RaceState(
        race="2019-12", name="Hungary", series="f1", season=2019, round=12, circuit="Hungaroring", total_laps=70,
        seq=9, t=300.0, cars=MappingProxyType({"VER": first, "HAM": second}), track=Track.VSC, track_since_s=250.0,
        green_since_s=0.0, air_temp_c=25.5, rain=False,
    )  # fmt: skip


@pytest.fixture
def wire():
    return convert.state_to_wire(a_state())


class TestState:
    def test_comes_back_equal(self, wire):
        """Every field, what is not known included."""
        assert convert.state_from_wire(pb.RaceState.FromString(wire.SerializeToString())) == a_state()

    def test_leaves_the_messages_at_home(self):
        """No decision depends on what race control wrote, so it is not sent."""
        noisy = replace(a_state(), messages=((1.0, "CAR 33 UNDER INVESTIGATION"),))
        assert convert.state_to_wire(noisy) == convert.state_to_wire(a_state())

    def test_that_does_not_fit_is_refused_in_our_words(self):
        """A negative season or half a surrogate pair is an InvalidRequest, not protobuf's ValueError."""
        for broken in ({"season": -1}, {"name": "\ud800"}, {"round": 2**40}):
            with pytest.raises(InvalidRequest, match="cannot be sent"):
                convert.state_to_wire(replace(a_state(), **broken))

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("total_laps", 0),
            ("total_laps", MAX_LAPS + 1),
            ("t_s", NAN),
            ("t_s", -1.0),
            ("track", pb.TRACK_UNSPECIFIED),
            ("track", 99),
            ("track_since_s", INF),
            ("green_since_s", NAN),
            ("air_temp_c", NAN),
            ("track_temp_c", INF),
            ("flag_s", -0.5),
            ("name", "x" * (MAX_TEXT + 1)),
            ("race", "x" * (MAX_TEXT + 1)),
            ("circuit", "x" * (MAX_TEXT + 1)),
        ],
    )
    def test_names_a_wrong_field(self, wire, field, value):
        """The message says which field of the state cannot be."""
        setattr(wire, field, value)
        with pytest.raises(InvalidRequest, match=rf"^state\.{field}: "):
            convert.state_from_wire(wire)

    @pytest.mark.parametrize(
        ("field", "value", "named"),
        [
            ("car", "", "car"),
            ("car", "HAM", "car"),
            ("driver", "x" * (MAX_TEXT + 1), "driver"),
            ("tyre_age_laps", MAX_LAPS + 1, "tyre_age_laps"),
            ("compound", pb.COMPOUND_UNSPECIFIED, "compound"),
            ("compound", 17, "compound"),
            ("status", pb.CAR_STATUS_UNSPECIFIED, "status"),
            ("status", -3, "status"),
            ("compounds_used", [pb.COMPOUND_UNKNOWN], "compounds_used"),
            ("compounds_used", [42], "compounds_used"),
            ("stop_lap", [1, 2], "stop_lap"),
            ("stop_lap", [MAX_LAPS + 1], "stop_lap"),
            ("stop_in_s", [NAN], "stop_in_s"),
            ("stop_in_s", [], "stop_in_s"),
            ("stop_out_s", [1.0], "stop_out_s"),
            ("stop_out_s", [INF], "stop_out_s"),
        ],
    )
    def test_names_a_wrong_field_of_a_car(self, wire, field, value, named):
        """The message says which car and which field."""
        target = wire.cars[0]
        if isinstance(value, list):
            getattr(target, field)[:] = value
        else:
            setattr(target, field, value)
        with pytest.raises(InvalidRequest, match=rf"^state\.cars\[\d\].*{named}"):
            convert.state_from_wire(wire)

    @pytest.mark.parametrize(
        ("column", "row", "value"),
        [
            ("lap", 0, 0),
            ("lap", 2, MAX_LAPS + 1),
            ("lap", 1, 1),  # the same lap twice
            ("time_s", 0, NAN),
            ("time_s", 3, -1.0),
            ("time_s", 1, 95.0),  # the clock stands still
            ("lap_time_s", 1, 0.0),
            ("lap_time_s", 1, INF),
            ("compound", 0, 0),
            ("compound", 0, 7),
            ("tyre_age", 0, -2),
            ("tyre_age", 0, MAX_LAPS + 1),
            ("flags", 0, 8),
        ],
    )
    def test_names_a_wrong_column(self, wire, column, row, value):
        """One value of one lap is enough."""
        getattr(wire.laps, column)[row] = value
        with pytest.raises(InvalidRequest, match=rf"^state\.laps\.{column}: "):
            convert.state_from_wire(wire)

    @pytest.mark.parametrize("column", ["lap", "time_s", "lap_time_s", "compound", "tyre_age", "flags"])
    @pytest.mark.parametrize("change", ["short", "long"])
    def test_names_a_column_of_another_length(self, wire, column, change):
        """Columns are parallel: one value less or more is refused, not guessed."""
        values = getattr(wire.laps, column)
        values.pop() if change == "short" else values.append(values[0])
        with pytest.raises(InvalidRequest, match=rf"^state\.laps\.{column}: [35] values, but the counts add up to 4"):
            convert.state_from_wire(wire)

    @pytest.mark.parametrize("count", [[], [4], [3, 1, 0], [2**32 - 1, 2**32 - 1], [4, 1], [0, 0]])
    def test_does_not_believe_counts(self, wire, count):
        """Huge or missing counts cost nothing and are refused."""
        wire.laps.count[:] = count
        with pytest.raises(InvalidRequest, match=r"^state\.laps\."):
            convert.state_from_wire(wire)

    def test_has_at_most_as_many_cars_as_a_simulation(self, wire):
        """One car more than the kernel takes is refused at the border."""
        for n in range(MAX_CARS):
            wire.cars.append(pb.Car(car=f"C{n}"))
        with pytest.raises(InvalidRequest, match=r"^state\.cars: at most 64, not 66"):
            convert.state_from_wire(wire)
