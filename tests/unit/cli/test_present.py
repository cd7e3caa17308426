"""Answers for a person."""

import pytest
from rich.console import Console

from pitcall.cli.goals import call
from pitcall.cli.present import answer

pytestmark = pytest.mark.unit

UTILITY = {"goal": "position", "target": 10, "tail": 0.2, "zone": 0.15}
KNOWN = {
    "best": 1, "resolved": True, "cut": False, "draws": 1_024, "tied": [], "utility": UTILITY, "contingencies": [],
    "break_evens": [],
}  # fmt: skip


def option(lap, mean, **changes):
    return {
        "lap": lap, "compound": "hard" if lap else None, "mean_position": mean, "p_position": [0.25, 0.5, 0.25],
        "delta_positions": mean - 2.0, "utility": mean, "delta": mean - 2.0, "standard_error": 0.05, "draws": 1_024,
        "rejoin_position": 4.2, "rejoin_ahead": None, "rejoin_gap_ahead_s": None, "rejoin_behind": None,
        "rejoin_gap_behind_s": None, "wait_cost": None, "wait_cost_error": None,
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
    assert [" ".join(row[:3]).strip(",") for row in rows] == ["box lap 22", "box lap 23", "stay out 3.00"]
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
        (KNOWN | {"tied": [0, 2]}, "cannot be told apart from it: box lap 23, hard; stay out"),
        (KNOWN | {"tied": [2, 0, 1, 2, 0]}, "and 2 more"),
    ],
)
def test_it_says_how_sure_it_is(state, words):
    """Calls that cannot be told apart are an answer too."""
    assert words in shown(body(decision=body()["decision"] | state))


def test_the_best_call_says_where_it_comes_out_and_what_waiting_costs():
    """Between whom, how close, and the price of one lap."""
    best = option(
        22, 2.0, rejoin_ahead="NOR", rejoin_gap_ahead_s=1.24, rejoin_behind="GAS", rejoin_gap_behind_s=0.8,
        wait_cost=0.2, wait_cost_error=0.02,
    )  # fmt: skip
    text = shown(body(decision=KNOWN | {"options": [best], "best": 0}))
    assert "comes out P4.2, 1.2 s behind NOR, 0.8 s ahead of GAS; one lap later costs 0.20 ± 0.02" in text


def test_a_car_on_both_sides_of_the_best_call_is_named_once():
    """Ahead in some races and behind in others."""
    best = option(
        22, 2.0, rejoin_ahead="NOR", rejoin_gap_ahead_s=1.24, rejoin_behind="NOR", rejoin_gap_behind_s=0.8
    )  # fmt: skip
    text = shown(body(decision=KNOWN | {"options": [best], "best": 0}))
    assert "comes out P4.2, around NOR: 1.2 s behind it or 0.8 s ahead" in text


@pytest.mark.parametrize(
    ("utility", "value", "head", "row"),
    [
        ({"goal": "points"}, 12.25, "points", ["0.06", "±", "0.05", "9.00", "12.25", "P4"]),
        ({"goal": "win"}, 0.25, "P(win)", ["6.0", "±", "5.0", "%", "9.00", "25.0", "%", "P4"]),
        ({"goal": "target", "target": 6}, 0.75, "P(top 6)", ["6.0", "±", "5.0", "%", "9.00", "75.0", "%", "P4"]),
        ({"goal": "cvar"}, 5.5, "worst 20 %", ["0.06", "±", "0.05", "9.00", "5.50", "P4"]),
    ],
)
def test_a_goal_has_its_column_and_its_unit(utility, value, head, row):
    """Best first by that goal, not by the mean position."""
    options = [option(20, 1.0, utility=value - 0.5, delta=0.5), option(21, 9.0, utility=value, delta=0.06)]
    lines = shown(body(decision=KNOWN | {"options": options, "utility": UTILITY | utility})).splitlines()
    assert head in next(line for line in lines if "worse by" in line)
    rows = [line.split() for line in lines if "±" in line]
    assert rows[0][:4] == ["box", "lap", "21,", "hard"]
    assert rows[0][4:] == row


@pytest.mark.parametrize(("told_apart", "words"), [(True, "the two can be told apart"), (False, "the two cannot be")])
def test_a_comparison_says_whether_the_two_differ(told_apart, words):
    """That is its question; which of many calls is best is not."""
    comparison = {"a": 0, "b": 1, "difference": 0.5, "standard_error": 0.05, "told_apart": told_apart}
    text = shown(body(comparison=comparison))
    assert words in text
    assert "best call known" not in text


def test_what_would_change_the_call_is_a_table():
    """If, then, and what that is worth; what changes nothing is said too."""
    event = {"rival": None, "lap": 21, "compound": "soft", "delta": 0.75, "standard_error": 0.05, "changes": True}
    found = {
        "contingencies": [
            event | {"event": "safety_car"},
            event | {"event": "rival_boxes", "rival": "HAM", "changes": False},
        ],
        "break_evens": [
            {"parameter": "pit_loss_s", "now": 20.0, "value": 26.04, "low": 24.0, "high": None, "other": 2,
             "tried_low": 12.0, "tried_high": 32.0},
            {"parameter": "wear", "now": 1.0, "value": None, "low": None, "high": None, "other": 2, "tried_low": 0.6,
             "tried_high": 1.6},
            {"parameter": "wear", "now": 1.0, "value": 1.5, "low": None, "high": None, "other": 2, "tried_low": 0.6,
             "tried_high": 1.6},
        ],
    }  # fmt: skip
    text = shown(body(decision=body()["decision"] | found))
    rows = [" ".join(line.split()) for line in text.splitlines()]
    at = rows.index("what would change the call")
    assert rows[at + 2 : at + 7] == [
        "safety car now box lap 21, soft better by 0.75 ± 0.05",
        "HAM boxes now the call stands",
        "pit loss above 26.0 s box lap 23, hard now 20.0 s; 95 %: 24.0 s or more",
        "tyre wear 0.60 x to 1.60 x the call stands now 1.00 x",
        "tyre wear above 1.50 x box lap 23, hard now 1.00 x; 95 %: anything from 0.60 x to 1.60 x",
    ]
    assert "what would change the call" not in shown(body())


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


@pytest.mark.parametrize(
    ("lap", "compound", "words"),
    [(22, "hard", "box lap 22, hard"), (9, "intermediate", "box lap 9, inter"), (None, None, "stay out")],
)
def test_a_call_in_words(lap, compound, words):
    """As the radio would say it."""
    assert call(lap, compound) == words


SOURCE = {
    "number": 1, "document": "undercut-1", "title": "Undercut", "heading": "Its price", "location": "line 19",
    "link": None, "kind": "handbook", "text": "The next stint is longer. [bold]Not bold.[/bold]", "marks": [],
}  # fmt: skip


def test_a_source_is_named_with_where_it_stands():
    """The number is the one in the words; the passage itself is one question away."""
    text = shown(body(why=["Undercut: “It costs.” [1]"], sources=[SOURCE], ungrounded=None))
    assert "[1] Undercut > Its price  handbook, line 19" in text
    assert "The next stint" not in text


def test_the_passage_is_shown_where_it_is_the_answer():
    """As it stands: what looks like markup is text."""
    text = shown(body(tool="search", decision=None, sources=[{**SOURCE, "link": "https://e.org/a"}]))
    assert "handbook, line 19, https://e.org/a" in text
    assert SOURCE["text"] in text


def test_a_call_without_sources_says_why():
    """An answer that needs none says nothing."""
    assert "without a source: the documents cannot be reached" in shown(
        body(ungrounded="the documents cannot be reached")
    )
    assert "source" not in shown(body(sources=[], ungrounded=None))
