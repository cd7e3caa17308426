"""Reciprocal rank fusion."""

import pytest

from pitcall.knowledge.fuse import fuse
from pitcall.knowledge.messages import Candidate, Leg

pytestmark = pytest.mark.unit


def ranked(*keys):
    """Candidates of a leg; the document is the first letter of the key."""
    return [Candidate(key, key[0], 1.0 / n) for n, key in enumerate(keys, start=1)]


def test_what_both_legs_find_beats_what_one_ranks_first():
    """1/62 + 1/62 is more than 1/61: the arithmetic of the paper."""
    found = fuse({"bm25": ranked("a1", "c1"), "dense": ranked("b1", "c1")})
    assert [one.key for one in found] == ["c1", "a1", "b1"]
    assert found[0].score == pytest.approx(2 / 62)
    assert found[1].score == pytest.approx(1 / 61)
    assert found[0].ranks == {"bm25": 2, "dense": 2}


def test_ties_have_one_order():
    """By the better place in any leg, then by key; whichever leg comes first."""
    legs: dict[Leg, list[Candidate]] = {"bm25": ranked("b1", "a1"), "dense": ranked("a1", "b1")}
    assert [one.key for one in fuse(legs)] == ["a1", "b1"]
    assert fuse(legs) == fuse({"dense": legs["dense"], "bm25": legs["bm25"]})


@pytest.mark.parametrize(("most", "keys"), [(1, ["a1", "b1"]), (2, ["a1", "a2", "b1"]), (9, ["a1", "a2", "a3", "b1"])])
def test_a_document_has_its_best_passages_only(most, keys):
    """The others of it give room to other documents."""
    assert [one.key for one in fuse({"bm25": ranked("a1", "a2", "a3", "b1")}, per_document=most)] == keys


def test_no_legs_no_passages():
    """And an empty leg is fine."""
    assert fuse({}) == []
    assert fuse({"bm25": [], "dense": []}) == []
