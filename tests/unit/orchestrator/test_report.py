"""Forecasts and standings in words."""

import pytest
from pitcall_orchestrator.planner import Intent, Plan
from pitcall_orchestrator.report import car_ahead, event, forecast, standings, supposed, supposition

from pitcall.domain.events import Track
from pitcall.domain.race import RaceState
from pitcall.errors import NotFound
from pitcall.sim.messages import Forecast
from pitcall.wire.reply import Outlook, Provenance, Timings
from pitcall.wire.request import WhatIf

pytestmark = pytest.mark.unit

OUTLOOK = Outlook(
    Forecast(
        ("VER", "HAM", "LEC", "PER"),
        ((0.6, 0.3, 0.1, 0.0), (0.3, 0.4, 0.2, 0.1), (0.096, 0.3, 0.6, 0.004), (0.004, 0.0, 0.1, 0.896)),
        draws=2048,
    ),
    Provenance("prior@1", 1, 10, 900.0, ("Wear is a guess.",)),
    Timings(1.0, 2.0),
)


@pytest.mark.parametrize(
    ("plan", "text"),
    [
        (Plan(Intent.FINISH, car="VER"), "P1.5 expected. Win 60 %, podium 100 %, top ten 100 %."),
        (Plan(Intent.FINISH, car="HAM", top=3), "P2.1 expected. Podium: 90 %."),
        (Plan(Intent.FINISH, car="HAM", top=2), "P2.1 expected. Top 2: 70 %."),
        (Plan(Intent.FINISH, car="PER", named=True, top=1), "PER: P3.9 expected. Win: under 1 %."),
        (Plan(Intent.FINISH, car="LEC", top=3), "P2.5 expected. Podium: over 99 %."),
        (Plan(Intent.WINNER, car="VER"), "VER 60 %, HAM 30 %, LEC 10 % to win."),
    ],
)
def test_forecast(state, plan, text):
    """Expected place and the chances that were asked for."""
    assert forecast(plan, state, OUTLOOK).text == text


def test_forecast_says_where_it_comes_from(state):
    """Now, most likely, from how many races, on what assumptions."""
    said = forecast(Plan(Intent.FINISH, car="HAM", what_if=WhatIf(Track.VSC)), state, OUTLOOK)
    assert said.why == (
        "P2 now. Most likely P2 (40 %).",
        "From 2048 simulated races.",
        "Supposed: virtual safety car from now on.",
        "Wear is a guess.",
    )


@pytest.mark.parametrize(
    ("plan", "text"),
    [
        (Plan(Intent.ORDER), "Leading: VER, HAM +2.0 s, LEC +4.0 s."),
        (Plan(Intent.ORDER, car="HAM"), "Leading: VER, HAM +2.0 s, LEC +4.0 s. You are P2."),
        (
            Plan(Intent.ORDER, car="PER", named=True),
            "Leading: VER, HAM +2.0 s, LEC +4.0 s. PER is P4, +1 lap.",
        ),
        (Plan(Intent.GAP, car="HAM"), "HAM is P2. Ahead: VER, 2.0 s. Behind: LEC, 2.0 s."),
        (Plan(Intent.GAP, car="VER"), "VER is P1. Behind: HAM, 2.0 s."),
        (Plan(Intent.GAP, car="VER", other="LEC"), "LEC is 4.0 s behind you."),
        (Plan(Intent.GAP, car="LEC", other="VER"), "You are 4.0 s behind VER."),
        (Plan(Intent.GAP, car="LEC", other="VER", named=True), "LEC is 4.0 s behind VER."),
        (Plan(Intent.GAP, car="VER", other="PER"), "PER is 1 lap behind you."),
    ],
)
def test_standings(state, plan, text):
    """Who leads, where one is, and the gaps at the last line."""
    assert standings(plan, state).text == text
    assert standings(plan, state).why == ("Lap 10 of 30, green flag.",)


def test_on_the_grid_there_are_no_gaps(grid):
    """An order without figures."""
    assert standings(Plan(Intent.ORDER), grid).text == "On the grid: VER, HAM, LEC."
    said = standings(Plan(Intent.GAP, car="HAM", other="VER"), grid)
    assert said.text == "You are behind VER; the gap is not known yet."


def test_nobody_is_entered_yet():
    """A log can begin before its entries."""
    assert standings(Plan(Intent.ORDER), RaceState(race="r", total_laps=3)).text == "No car is entered yet."


def test_an_unknown_car_is_not_found(state):
    """As everywhere."""
    with pytest.raises(NotFound):
        standings(Plan(Intent.GAP, car="ALO"), state)


def test_car_ahead(state):
    """Nobody is ahead of the leader."""
    assert car_ahead(state, "HAM") == "VER"
    assert car_ahead(state, "VER") is None


@pytest.mark.parametrize(
    ("what_if", "heading", "fact"),
    [
        (WhatIf(Track.SAFETY_CAR), "Under a safety car", "safety car from now on"),
        (WhatIf(rain_in_laps=0), "If it rains now", "rain now"),
        (WhatIf(rain_in_laps=1), "If it rains in 1 lap", "rain in 1 lap"),
        (WhatIf(boxes_now="HAM"), "If HAM boxes now", "HAM boxes now"),
        (WhatIf(Track.VSC, 5), "Under a virtual safety car, if it rains in 5 laps",
         "virtual safety car from now on, rain in 5 laps"),
    ],
)  # fmt: skip
def test_what_is_supposed_is_said(what_if, heading, fact):
    """All of it, before the call and among the reasons."""
    assert supposition(what_if) == heading
    assert supposed(what_if) == fact


@pytest.mark.parametrize(
    ("name", "rival", "words"),
    [
        ("safety_car", "", "Safety car now"),
        ("vsc", "", "Virtual safety car now"),
        ("rain", "", "Rain now"),
        ("rival_boxes", "HAM", "HAM boxes now"),
    ],
)
def test_an_event_has_words(name, rival, words):
    """What stands before the call that it would make."""
    assert event(name, rival) == words
