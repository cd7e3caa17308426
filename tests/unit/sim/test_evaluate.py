"""What a range of paths may be."""

from dataclasses import replace

import pytest

from pitcall import forecast
from pitcall.sim.evaluate import MAX_RACES, EvaluateRequest
from pitcall.sim.messages import MAX_PATHS, MAX_SEED, Candidate

pytestmark = pytest.mark.unit


@pytest.fixture
def ask(state):
    return EvaluateRequest(forecast.read(state).race, 7, 0, 64, "VER", (Candidate(), Candidate(12, 2)))


def test_the_largest_are_allowed(ask):
    """Bounds belong to what they bound."""
    replace(ask, seed=MAX_SEED, first_path=MAX_PATHS - 1, paths=1)
    replace(ask, car=None, candidates=(), paths=MAX_PATHS)
    replace(ask, candidates=(Candidate(),) * 2_048, paths=MAX_RACES // 2_048)


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"seed": -1}, "seed: "),
        ({"seed": 2**64}, "seed: "),
        ({"first_path": -1}, "first_path: "),
        ({"first_path": MAX_PATHS}, "first_path: "),
        ({"paths": 0}, "paths: "),
        ({"paths": 10**9}, "paths: "),
        ({"first_path": 10, "paths": MAX_PATHS - 9}, "paths: "),
        ({"car": "nobody"}, "car: "),
        ({"car": None}, "candidates: "),
        ({"candidates": ()}, "candidates: "),
        ({"candidates": (Candidate(1, 0),)}, "candidates: laps"),
        ({"candidates": (Candidate(400, 0),)}, "candidates: laps"),
        ({"candidates": (Candidate(),) * 2_049}, "candidates: "),
        ({"candidates": (Candidate(),) * 2_048, "paths": 129}, "paths: with 2048 candidates"),
    ],
)
def test_what_cannot_be_played_is_refused_by_the_name_of_its_field(ask, change, where):
    """ValueError, so that the border can say where."""
    with pytest.raises(ValueError, match=f"^{where}"):
        replace(ask, **change)
