"""The vectors that ship, where the weights that made them are installed."""

import sys

import numpy as np
import pytest

from pitcall.adapters.knowledge import prepare
from pitcall.adapters.knowledge.minilm import MiniLM
from pitcall.adapters.knowledge.open import open_embedder
from pitcall.adapters.knowledge.settings import KnowledgeSettings
from pitcall.adapters.model import shipped
from pitcall.knowledge import pack
from pitcall.knowledge.prepared import Prepared, texts_of

pytestmark = pytest.mark.unit

DRAFTS = pack.documents(shipped().parameters)


def test_the_vectors_are_those_that_the_embedder_computes(folder, monkeypatch):
    """Within rounding, for a page of the handbook and one of a circuit; and it is not asked to."""
    texts = [texts_of(DRAFTS[:1])[0], texts_of(DRAFTS[-1:])[0]]
    computed = MiniLM(folder, "cpu").embed(texts)
    prepared = open_embedder(KnowledgeSettings(embedder=folder, device="cpu"))
    monkeypatch.setattr(MiniLM, "embed", None)
    np.testing.assert_allclose(prepared.embed(texts), computed, atol=1e-5)


def test_the_command_writes_what_is_read(folder, tmp_path, monkeypatch):
    """Here of the first page only: all of them take a quarter of a minute."""
    monkeypatch.setattr(pack, "documents", lambda _: DRAFTS[:1])
    monkeypatch.setattr(sys, "argv", ["prepare", str(tmp_path / "vectors.npz")])
    prepare.main()
    made = Prepared.from_bytes((tmp_path / "vectors.npz").read_bytes())
    assert (made.embedder, made.lacks(texts_of(DRAFTS[:1]))) == (MiniLM.id, [])
    assert len(made.vectors) == len(texts_of(DRAFTS[:1]))
