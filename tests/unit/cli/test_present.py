"""Answers for a person."""

import pytest
from rich.console import Console

from pitcall.cli.present import answer, call

pytestmark = pytest.mark.unit

KNOWN = {"best": 1, "resolved": True, "cut": False, "draws": 1_024}


def option(lap, mean, **changes):
    return {
        "lap": lap, "compound": "hard" if lap else None, "mean_position": mean, "p_position": [0.25, 0.5, 0.25],
        "delta_positions": mean - 2.0, "standard_error": 0.05, "draws": 1_024, "rejoin_position": 4.2,
    } | changes  # fmt: skip


def body(**changes):
    decision = {"options": [option(None, 5.0, rejoin_position=None), option(22, 2.0), option(23, 2.5)]} | KNOWN
    provenance = {"model": "prior@1", "seed": 7, "race": "monza", "race_lap": 20, "feed_age_s": 0.0, "assumed": []}
    timings = {"total": 100.4, "orchestrator": 10.0, "model_server": 20.0, "sim_worker": 70.4}
    return {
        "text": "Box lap 22", "why": ["fresh tyres gain 1.2 s"], "decision": decision, "forecast": None,
        "standings": None, "provenance": provenance, "timings_ms": timings,
    } | changes  # fmt: skip


def shown(answer_body):
    console = Console(width=100, record=True, file=None)
    with console.capture() as captured:
        console.print(answer(answer_body))
    return captured.get()


def test_the_call_comes_first_and_then_why():
    """A reader in a hurry needs one line."""
    text = shown(body())
    assert text.index("Box lap 22") < text.index("fresh tyres gain 1.2 s") < text.index("mean position")


def test_options_are_shown_best_first_with_their_error():
    """How much worse an option is means nothing without the error of that difference."""
    lines = shown(body()).splitlines()
    rows = [line.split() for line in lines if "±" in line]
    assert [" ".join(row[:3]).strip(",") for row in rows] == ["box lap 22", "box lap 23", "stay out 5.00"]
    assert "0.50 ± 0.05" in " ".join(rows[1])


def test_only_the_best_options_are_shown():
    """Forty rows would hide the call; --json has them all."""
    many = {"options": [option(lap, 2.0 + lap / 10) for lap in range(21, 51)]} | KNOWN
    text = shown(body(decision=many))
    assert (text.count("±"), "best 8 of 30 options" in text) == (8, True)


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (KNOWN, "best call known, 1,024 races per option"),
        (KNOWN | {"resolved": False}, "the best calls cannot be told apart, 1,024"),
        (KNOWN | {"cut": True}, "cut by the deadline"),
    ],
)
def test_it_says_how_sure_it_is(state, words):
    """Calls that cannot be told apart are an answer too."""
    assert words in shown(body(decision=body()["decision"] | state))


def test_it_says_where_the_figures_come_from():
    """Model, seed, moment and the time of each hop."""
    text = shown(body())
    assert "model prior@1, seed 7, race monza after lap 20, feed 0 s old" in text
    assert "100 ms: orchestrator 10, model server 20, sim worker 70" in text


def test_what_was_assumed_is_said():
    """Nothing is answered silently from missing data."""
    provenance = body()["provenance"] | {"assumed": ["tyres of HAM unknown: medium taken"]}
    assert "assumed: tyres of HAM unknown: medium taken" in shown(body(provenance=provenance))


def test_an_answer_without_a_decision_is_its_text():
    """Standings and explanations have no options."""
    text = shown(body(text="VER leads", decision=None))
    assert "VER leads" in text
    assert "mean position" not in text


def test_a_forecast_is_a_table_of_chances():
    """Summed from the distribution of each car."""
    forecast = {"draws": 64, "cars": [{"car": "VER", "mean_position": 1.5, "p_position": [0.6, 0.3, 0.05, 0.05]}]}
    row = next(line.split() for line in shown(body(decision=None, forecast=forecast)).splitlines() if "VER" in line)
    assert row == ["VER", "1.50", "60", "%", "95", "%", "100", "%"]


@pytest.mark.parametrize(
    ("changes", "gap"),
    [({"gap_s": None}, ["-"]), ({"gap_s": 3.21}, ["+3.2", "s"]), ({"status": "retired"}, ["retired"])],
)
def test_standings_say_what_is_not_known(changes, gap):
    """A gap that is not known is a dash, never 0; a car that is out has none."""
    car = {
        "position": 1, "car": "VER", "driver": "Max", "status": "running", "gap_s": 0.0, "compound": "soft",
        "tyre_age": None, "stops": 0,
    } | changes  # fmt: skip
    row = next(line.split() for line in shown(body(decision=None, standings=[car])).splitlines() if "VER" in line)
    assert row == ["1", "VER", "Max", *gap, "soft", "-", "0"]


def test_brackets_in_an_answer_are_not_markup():
    """Text of a server is text."""
    assert "[bold]not bold" in shown(body(text="[bold]not bold"))


@pytest.mark.parametrize(("lap", "compound", "words"), [(22, "hard", "box lap 22, hard"), (None, None, "stay out")])
def test_a_call_in_words(lap, compound, words):
    """As the radio would say it."""
    assert call(lap, compound) == words
