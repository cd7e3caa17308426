"""``pitcall bench``: what is measured."""

import pytest

from pitcall.cli.bench.answer import CARS, LAPS, SPREAD, _questions, _useful
from pitcall.cli.bench.figures import Quantiles, quantiles
from pitcall.client import Frame
from pitcall.synth import synthesise

pytestmark = pytest.mark.unit


def test_quantiles_are_values_that_were_measured():
    """Nearest rank: of 1 to 100, the 50th and the 95th, in any order."""
    assert quantiles([float(value) for value in reversed(range(1, 101))]) == Quantiles(50.0, 95.0)


def test_the_slowest_of_a_few_is_the_95th_percentile():
    """With 5 questions nothing slower than 95 % of them may be hidden."""
    assert quantiles([1.0, 2.0, 3.0, 4.0, 500.0]) == Quantiles(3.0, 500.0)


@pytest.mark.parametrize(
    ("kind", "errors", "useful"),
    [("answer.delta", [0.0, 0.1], True), ("answer.delta", [0.0, None], False), ("tool.call", [], False)],
)
def test_an_answer_is_useful_with_every_error_of_estimate(kind, errors, useful):
    """A delta that lacks the standard error of one option does not count as the first answer."""
    options = [{"standard_error": error} for error in errors]
    assert _useful(Frame(kind, 1, {"decision": {"options": options}})) is useful


def test_no_question_is_asked_twice():
    """Another car or another lap each time, near half distance: nothing can come from a cache."""
    asked = _questions(synthesise(7, cars=CARS, laps=LAPS), 50)
    assert len(set(asked)) == 50
    assert {lap for _, lap in asked} <= set(range(LAPS // 2 - SPREAD, LAPS // 2 + SPREAD + 1))
    assert len({car for car, _ in asked}) > CARS // 2
