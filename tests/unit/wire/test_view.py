"""What a client sees of a race."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pitcall_orchestrator.hub import RaceLog

from pitcall.domain.race import RaceState, gap_s, laps_down
from pitcall.synth import synthesise
from pitcall.wire.view import delta, race_view

pytestmark = pytest.mark.unit

RACE = synthesise(11, cars=8, laps=25, race="synth")
LOG = RaceLog(RACE)
FIELDS = {"id", "name", "series", "total_laps", "lap", "t_s", "track", "finished", "wet", "messages", "cars"}
CAR = {
    "car", "number", "driver", "team", "position", "status", "lap", "gap_s", "interval_s", "laps_down", "last_lap_s",
    "compound", "tyre_age", "stops",
}  # fmt: skip


def test_fields_are_those_of_the_contract(state):
    """No more and no less, and what is not known is null."""
    view = race_view(state)
    assert set(view) == FIELDS
    assert all(set(car) == CAR for car in view["cars"])
    assert view["cars"][0]["tyre_age"] is None
    assert view["cars"][0]["interval_s"] is None
    assert view["cars"][0]["compound"] == "unknown"


def test_gaps_and_laps_down(state):
    """Two seconds apart; PER is a lap down, by as much as it lost."""
    cars = {car["car"]: car for car in race_view(state)["cars"]}
    assert list(cars) == ["VER", "HAM", "LEC", "PER"]
    assert [cars[car]["gap_s"] for car in cars] == [0.0, 2.0, 4.0, 101.0]
    assert [cars[car]["interval_s"] for car in cars] == [None, 2.0, 2.0, 97.0]
    assert [cars[car]["laps_down"] for car in cars] == [0, 0, 0, 1]


def test_on_the_grid_no_gap_is_known(events):
    """There is an order and nothing else."""
    view = race_view(RaceLog(events).at(5))
    assert [car["car"] for car in view["cars"]] == ["VER", "HAM", "LEC", "PER"]
    assert {car["gap_s"] for car in view["cars"]} == {None}
    assert {car["laps_down"] for car in view["cars"]} == {0}


def test_a_state_without_cars_has_a_view():
    """A log can begin before its entries."""
    assert race_view(RaceState(race="r", total_laps=3))["cars"] == []


@given(seq=st.integers(0, len(RACE)))
def test_gap_to_the_leader_is_that_at_the_last_common_line(seq):
    """The binary search finds what a plain scan of the leader's laps finds."""
    order = LOG.at(seq).order()
    for car in order:
        at_line = [record.time_s for record in order[0].laps if record.lap == car.laps_done and car.laps]
        assert gap_s(car, order[0]) == (max(0.0, car.time_s - at_line[0]) if at_line else None)
        passed = [record.lap for record in order[0].laps if record.time_s <= car.time_s and car.laps]
        assert laps_down(car, order[0]) == max(0, passed[-1] - car.laps_done if passed else 0)


@given(a=st.integers(0, len(RACE)), b=st.integers(0, len(RACE)))
def test_a_delta_makes_one_view_of_the_other(a, b):
    """Only what changed is sent, and it is enough."""
    first, second = sorted((a, b))
    before, after = race_view(LOG.at(first)), race_view(LOG.at(second))
    change = delta("synth", before, after)
    cars = {car["car"]: car for car in before["cars"]} | {car["car"]: car for car in change["cars"]}
    patched = {**before, **change["changes"], "cars": sorted(cars.values(), key=lambda car: car["position"])}
    assert patched == after
    assert all(before[name] != value for name, value in change["changes"].items())


def test_nothing_changed_is_an_empty_delta(state):
    """No car travels for nothing."""
    view = race_view(state)
    assert delta("toy", view, race_view(replace(state))) == {"race": "toy", "changes": {}, "cars": []}
