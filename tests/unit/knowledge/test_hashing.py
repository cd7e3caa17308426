"""The embedder that needs nothing."""

import numpy as np
import pytest

from pitcall.knowledge.hashing import DIMS, HashingEmbedder

pytestmark = pytest.mark.unit

embed = HashingEmbedder().embed


def test_a_text_has_the_same_vector_in_any_company():
    """Of unit length, float32, the same bits alone or among others; it is kept in stores, so it may never change."""
    alone, among = embed(["undercut"]), embed(["overcut", "undercut"])
    assert alone.dtype == np.float32
    assert alone.shape == (1, DIMS)
    assert np.array_equal(alone[0], among[1])
    assert np.linalg.norm(alone[0]) == pytest.approx(1.0)
    assert np.flatnonzero(alone[0])[:5].tolist() == [28, 56, 68, 76, 108]


def test_an_ending_or_a_typo_stays_near():
    """Nearer than another word."""
    undercut, typo, plural, other = embed(["undercut", "undrecut", "undercuts", "intermediate"])
    assert undercut @ plural > undercut @ typo > undercut @ other


@pytest.mark.parametrize("text", ["", "   ", "?!", "the of and"])
def test_a_text_without_words_has_a_vector_too(text):
    """A store cannot take one of length zero."""
    assert np.linalg.norm(embed([text])[0]) == pytest.approx(1.0)


def test_no_texts_no_vectors():
    """An empty list is fine."""
    assert embed([]).shape == (0, DIMS)
