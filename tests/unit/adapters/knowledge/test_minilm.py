"""The embedder MiniLM, where its weights are installed."""

import numpy as np
import pytest

from pitcall.adapters.knowledge import minilm
from pitcall.adapters.knowledge.minilm import MiniLM
from pitcall.adapters.knowledge.open import open_embedder, weights
from pitcall.adapters.knowledge.settings import KnowledgeSettings
from pitcall.errors import KnowledgeUnavailable
from pitcall.knowledge.hashing import HashingEmbedder

pytestmark = pytest.mark.unit


@pytest.fixture(scope="module")
def folder():
    pytest.importorskip("torch", reason="needs torch: pip install -e '.[model-server]'", exc_type=ImportError)
    found = weights()
    if found is None:
        pytest.skip("needs the weights of MiniLM: make setup")
    return found


@pytest.fixture(scope="module")
def embedder(folder):
    return MiniLM(folder, "cpu")


def test_meaning_is_near_whatever_the_words(embedder):
    """No word in common with the question, but the same thing."""
    asked, same, other = embedder.embed(["A car has crashed", "Accident of a vehicle", "The race was easy"])
    assert asked @ same > asked @ other + 0.2


def test_vectors_are_those_of_the_published_model(embedder):
    """Cosines of the pairs on the model's card, to the digits given there."""
    first, *others = embedder.embed(
        ["That is a happy person", "That is a happy dog", "That is a very happy person", "Today is a sunny day"]
    )
    assert [round(float(first @ other), 3) for other in others] == [0.695, 0.943, 0.257]


def test_a_text_has_the_same_vector_in_any_company(embedder):
    """Padding, order and length of the others change nothing beyond rounding."""
    texts = ["undercut", "a " * 400, "", "What about a much longer question about tyres and safety cars?", "x"] * 9
    together = embedder.embed(texts)
    assert together.shape == (45, 384)
    assert together.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1.0, atol=1e-5)
    for text, row in zip(texts[:5], together[:5], strict=True):
        np.testing.assert_allclose(embedder.embed([text])[0], row, atol=2e-6)


def test_a_long_text_is_cut_at_its_end(embedder):
    """256 word pieces count, two of them are the model's own."""
    head = "tyre " * 254
    first, same, other = embedder.embed([head, head + "rain " * 500, "tyre " * 100 + "rain " * 154])
    np.testing.assert_allclose(first, same, atol=2e-6)
    assert first @ other < 0.99


def test_no_texts_no_vectors(embedder):
    """An empty list is fine."""
    assert embedder.embed([]).shape == (0, 384)


def test_other_weights_are_refused(folder, tmp_path):
    """Whoever packed them: the file is the pinned one or none."""
    for name in minilm.DIGESTS:
        (tmp_path / name).write_bytes((folder / name).read_bytes()[:-1] + b"?")
    with pytest.raises(KnowledgeUnavailable, match=r"is not the pinned file: its SHA-256 is \w{8}…, not 53aa5117…"):
        MiniLM(tmp_path)


def test_a_folder_without_weights_is_named(tmp_path):
    """When the settings say so; nothing else is taken silently."""
    with pytest.raises(KnowledgeUnavailable, match=r"cannot read the embedder's .*model\.safetensors: No such file"):
        open_embedder(KnowledgeSettings(embedder=tmp_path))


def test_without_weights_the_hashing_embedder_serves(monkeypatch, caplog):
    """With a warning, and under its own name."""
    monkeypatch.setattr("pitcall.adapters.knowledge.open.WEIGHTS", "no_such_package")
    found = open_embedder(KnowledgeSettings())
    assert isinstance(found, HashingEmbedder)
    assert "knows no meaning" in caplog.text
