"""A report as JSON, as text and on a page."""

import numpy as np
import pytest

from pitcall.backtest.report import OURS, Report, as_json, lines, page, results, slug
from pitcall.backtest.run import marks
from pitcall.train.plots import reliability_svg

pytestmark = pytest.mark.unit


@pytest.fixture
def report(races):
    """We know the order; the others know nothing."""
    cases = [case for race in races for case in race.cases]
    flat = [{car.car: np.full(case.n, 1 / case.n) for car in case.scored} for case in cases]
    sure = [{car.car: np.eye(case.n)[car.final - 1] for car in case.scored} for case in cases]
    scored = marks(races, {OURS: sure, "transition": flat, "pairwise": flat})
    return Report("Made", scored, {"events": {"vsc": {"seen": 0.25}}}, results(races, sure))


def test_json_rounds_like_the_scripts_that_define_the_scores(report):
    """Five digits of RPS, three of the others; four by share of the race."""
    told = as_json(report, by_season=False)
    flat = told["pairwise"]
    assert told["rps"] == 0
    assert flat["rps"] == round(flat["rps"], 5) > 0.1
    assert flat["log_loss"] == 1.386
    assert told["difference"]["pairwise"]["rps"]["mean"] == pytest.approx(-flat["rps"], abs=1e-5)
    assert as_json(report, by_season=True)["seasons"].keys() == {2018, 2019}


def test_text_has_a_table_for_each_question(report):
    """Scores, differences, shares of the race, one per tier."""
    text = "\n".join(lines(report))
    assert "| pitcall | 0.0000 | 0.0000 | 0.00 | 0.000 |" in text
    assert "| 10% |" in text
    assert "| vsc | 0.250 |" in text


def test_certainty_that_is_right_is_calibrated(report):
    """All that was said with 1 happened, all with 0 did not."""
    assert [(one.said, one.happened) for one in report.reliability["win"]] == [(0, 0), (1, 1)]


def test_a_section_is_replaced_and_the_rest_stays(report):
    """Head, other sections and their order."""
    first = page("# Head\n\ntext\n\n## Made\nold\n\n## Other\nkept\n", report, "pitcall backtest", "a.svg")
    assert first.startswith("# Head\n\ntext\n\n## Made\n`pitcall backtest`\n")
    assert "old" not in first
    assert first.endswith("## Other\nkept\n")
    assert page(first, report, "pitcall backtest", "a.svg") == first


def test_a_new_page_has_a_head(report):
    """A file that was not there."""
    assert page("", report, "c", "a.svg").startswith("# How good are the forecasts?\n\n## Made\n`c`\n")


def test_a_slug_is_a_file_name():
    """Letters, digits and dashes; what is in brackets is left out."""
    assert slug("2022 (11 races), learned from 2018") == "2022-learned-from-2018"


def test_a_plot_is_the_same_every_time(report):
    """So that a page that is written again changes only where the figures did."""
    svg = reliability_svg(report.reliability)
    assert svg == reliability_svg(report.reliability)
    assert ">podium<" in svg
