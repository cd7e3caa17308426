"""Vectors that were made beforehand."""

import numpy as np
import pytest

from pitcall.adapters.knowledge.sqlite import SqliteKnowledge
from pitcall.adapters.model import shipped as shipped_model
from pitcall.knowledge import pack, prepared
from pitcall.knowledge.hashing import HashingEmbedder
from pitcall.knowledge.library import Library
from pitcall.knowledge.prepared import Prepared, PreparedEmbedder

pytestmark = pytest.mark.unit

DRAFTS = pack.documents(shipped_model().parameters)


class Counting(HashingEmbedder):
    """It says what it was asked to compute."""

    def __init__(self):
        self.computed = []

    def embed(self, texts):
        self.computed += texts
        return super().embed(texts)


@pytest.fixture
def counting():
    return Counting()


def test_every_page_of_today_has_its_vector():
    """A page, a parameter or the cut has changed if this fails: make the file again."""
    held, texts = prepared.shipped(), prepared.texts_of(DRAFTS)
    again = "run: python -m pitcall.adapters.knowledge.prepare pitcall/data/knowledge/vectors.npz"
    assert held.lacks(texts) == [], again
    assert len(held.vectors) == len(set(texts)), f"there are vectors of texts that are gone; {again}"


def test_the_vectors_that_ship_are_of_unit_length():
    """As an embedder promises."""
    rows = np.stack(list(prepared.shipped().vectors.values()))
    assert rows.dtype == np.float32
    assert rows.shape[1] == 384
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1.0, atol=1e-5)


async def test_the_pack_is_read_in_without_computing(tmp_path, counting):
    """The texts that a library embeds are those that were prepared, and what is stored is the same."""
    book = prepared.prepare(HashingEmbedder(), DRAFTS)
    store = SqliteKnowledge(tmp_path / "knowledge.db")
    library = Library(store, PreparedEmbedder(counting, book))
    await pack.bring(library, DRAFTS)
    assert counting.computed == []
    assert (library.embedder, (await store.info()).documents) == (HashingEmbedder.id, len(DRAFTS))
    await store.close()


def test_what_is_not_prepared_is_computed(counting):
    """Among what is; the order is that of the texts."""
    known, *_ = prepared.texts_of(DRAFTS[:1])
    embedder = PreparedEmbedder(counting, prepared.prepare(HashingEmbedder(), DRAFTS[:1]))
    texts = ["mine", known, "yours", known + "."]
    np.testing.assert_array_equal(embedder.embed(texts), HashingEmbedder().embed(texts))
    assert counting.computed == ["mine", "yours", known + "."]
    assert embedder.embed([]).shape == (0, HashingEmbedder.dims)


def test_a_file_holds_what_was_made():
    """To the bit, and the same vectors make the same file."""
    made = prepared.prepare(HashingEmbedder(), DRAFTS[:3])
    read = Prepared.from_bytes(made.to_bytes())
    assert read.embedder == made.embedder
    assert read.vectors.keys() == made.vectors.keys()
    assert all((read.vectors[key] == row).all() for key, row in made.vectors.items())
    assert read.to_bytes() == made.to_bytes()


def test_vectors_of_another_embedder_are_not_taken():
    """They must not meet: the embedder stays as it is."""
    embedder = HashingEmbedder()
    assert prepared.with_shipped(embedder) is embedder
    with pytest.raises(ValueError, match=r"vectors of minilm-l6-v2@53aa5117 are not those of hashing-384@1"):
        PreparedEmbedder(embedder, prepared.shipped())
