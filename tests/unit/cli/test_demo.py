"""``pitcall demo``: the question that a newcomer sees."""

import pytest

from pitcall.adapters.races import RaceStore
from pitcall.cli.demo import CAR, LAP, RACE, chart_url
from pitcall.domain.race import CarStatus
from pitcall.domain.reducer import reduce_all, until_lap

pytestmark = pytest.mark.unit


def test_the_question_is_worth_asking(tmp_path):
    """The car still runs on its first tyres, with cars around it and enough laps left for every kind of call."""
    state = reduce_all(until_lap(RaceStore(tmp_path).events(RACE), LAP, CAR))
    car = state.car(CAR)
    assert (car.status, car.laps_done, car.stops) == (CarStatus.RUNNING, LAP, ())
    assert 1 < [other.car for other in state.order()].index(CAR) + 1 < len(state.order())
    assert state.total_laps / 2 > LAP


def test_the_link_opens_the_page_at_the_question():
    """As docs/reference/socket.md says; the text is encoded."""
    expected = f"http://127.0.0.1:8080/?race={RACE}&car={CAR}&lap={LAP}&ask=When+should+I+pit%3F"
    assert chart_url("http://127.0.0.1:8080") == expected
