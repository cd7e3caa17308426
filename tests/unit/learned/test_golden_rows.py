"""Golden rows tell one race model from another, and from a broken one."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from pitcall.adapters.model import shipped
from pitcall.adapters.registry.package import RACE_MODEL_TOLERANCE
from pitcall.errors import ModelRefused
from pitcall.learned import golden
from pitcall.learned.features import Features
from pitcall.model import HAND_SET
from pitcall.sim.race import STOP_FEATURES

pytestmark = pytest.mark.unit

MODEL = shipped()
assert MODEL.ranks is not None
assert MODEL.policy is not None
RANKS, POLICY = MODEL.ranks, MODEL.policy
ASKED = golden.questions(MODEL)


def answers(**changed):
    """Of the model that ships, or with another part."""
    found = golden.answers(replace(MODEL, **changed), ASKED)
    return {name: np.asarray(array, np.float64) for name, array in found.items()}


ANSWERS = answers()


def with_weight(name, factor):
    """The network with its largest weight of one array multiplied."""
    array = RANKS.arrays()[name].copy()
    array[np.unravel_index(np.abs(array).argmax(), array.shape)] *= np.float32(factor)
    return replace(RANKS, **{name: array})


def test_the_same_model_is_asked_the_same_and_answers_the_same():
    """To the bit, and as probabilities."""
    again = golden.questions(MODEL)
    assert {name: array.tobytes() for name, array in again.items()} == {
        name: array.tobytes() for name, array in ASKED.items()
    }
    assert all(np.array_equal(array, ANSWERS[name]) for name, array in answers().items())
    assert ANSWERS["stop"].shape == (1 + len(POLICY.circuits), 16)
    assert ANSWERS["ranks"].sum(axis=2) == pytest.approx(1.0)
    assert np.ptp(ANSWERS["stop"]) > 0.9
    assert np.ptp(ANSWERS["ranks"]) > 0.3


def test_arithmetic_of_another_machine_stays_well_within_the_tolerance():
    """The same in double precision differs by less than a tenth of it."""
    wide = object.__new__(type(RANKS))
    for name, array in RANKS.arrays().items():
        object.__setattr__(wide, name, array.astype(np.float64))
    own, shared, ahead, mates = (ASKED[name].astype(np.float64) for name in ("own", "shared", "ahead", "team_mates"))
    cars = tuple(map(str, range(8)))
    states: list[Any] = [Features(cars, *state, 8) for state in zip(own, shared, ahead, mates, strict=True)]
    ranks = np.array([wide.ranks(state) for state in states])
    assert np.abs(ranks - ANSWERS["ranks"]).max() < RACE_MODEL_TOLERANCE / 10


@pytest.mark.parametrize("name", ["hidden", "out", "odds", "stop"])
def test_a_weight_that_is_off_by_a_percent_shows(name):
    """Beyond the tolerance."""
    found = answers(ranks=with_weight(name, 1.01))
    assert np.abs(found["ranks"] - ANSWERS["ranks"]).max() > RACE_MODEL_TOLERANCE


@pytest.mark.parametrize("feature", STOP_FEATURES)
def test_a_weight_of_the_policy_that_is_off_by_a_percent_shows(feature):
    """Every one that is not 0."""
    stop = list(POLICY.policy.stop)
    at = STOP_FEATURES.index(feature)
    stop[at] = stop[at] * 1.01 if stop[at] else 0.01
    found = answers(policy=replace(POLICY, policy=replace(POLICY.policy, stop=tuple(stop))))
    assert np.abs(found["stop"] - ANSWERS["stop"]).max() > RACE_MODEL_TOLERANCE


def test_a_circuit_of_other_odds_shows():
    """In its own row."""
    circuits = dict(POLICY.circuits)
    circuits["Monza"] += 0.01
    found = answers(policy=replace(POLICY, circuits=circuits))
    changed = np.abs(found["stop"] - ANSWERS["stop"]).max(axis=1) > RACE_MODEL_TOLERANCE
    assert changed.nonzero()[0].tolist() == [1 + sorted(circuits).index("Monza")]


def test_what_learned_nothing_is_asked_nothing():
    """The priors have no golden rows."""
    assert golden.questions(HAND_SET) == {}
    assert golden.answers(HAND_SET, {}) == {}


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ({"stops": ASKED["stops"]}, "'own' is missing"),
        (ASKED | {"stops": np.zeros((2, 3), np.float32)}, "other shapes"),
        (ASKED | {"own": np.zeros((1, 10_000, 20), np.float32)}, "other shapes"),
        (ASKED | {"ahead": np.zeros((3, 8), np.float32)}, "other shapes"),
    ],
)
def test_rows_that_do_not_fit_are_refused(asked, why):
    """They come from a file that somebody else wrote."""
    with pytest.raises(ModelRefused, match=why):
        golden.answers(MODEL, asked)
