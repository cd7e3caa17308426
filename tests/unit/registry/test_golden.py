"""A model is asked what it was asked when it was made."""

import numpy as np
import pytest

from pitcall.errors import ModelRefused
from pitcall.registry import golden

pytestmark = pytest.mark.unit

ROWS = np.arange(12, dtype=np.float32).reshape(4, 3)
GOLDEN = {"in.rows": ROWS, "out.odds": 2 * ROWS}


def ask(answer, tolerance=0.0):
    golden.check(lambda inputs: {"odds": answer(inputs["rows"])}, GOLDEN, tolerance, "m v")


def test_the_same_answers_pass():
    """To the bit, or within the tolerance of the manifest."""
    ask(lambda rows: 2 * rows)
    ask(lambda rows: 2 * rows + np.float32(1e-4), tolerance=2e-4)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (lambda rows: 2 * rows + np.float32(1e-4), "differ by 0.0001"),
        (lambda rows: np.full_like(rows, np.nan), "NaN or infinity"),
        (lambda rows: 2 * rows[:2], r"shape \[4, 3\], the model gives shape \[2, 3\]"),
    ],
)
def test_other_answers_are_refused(answer, why):
    """With how they differ."""
    with pytest.raises(ModelRefused, match=f"m v.*{why}"):
        ask(answer)


def test_no_answer_is_refused():
    """A model that lost an output is another model."""
    with pytest.raises(ModelRefused, match="the model gives none"):
        golden.check(lambda inputs: {}, GOLDEN, 1.0, "m v")
