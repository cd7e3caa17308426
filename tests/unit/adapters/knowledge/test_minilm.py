"""The embedder MiniLM, where its weights are installed."""

from functools import partial

import numpy as np
import pytest

from pitcall.adapters.knowledge import minilm
from pitcall.adapters.knowledge.minilm import MiniLM
from pitcall.adapters.knowledge.open import open_embedder
from pitcall.adapters.knowledge.settings import KnowledgeSettings
from pitcall.adapters.objects import StorageSettings, open_store
from pitcall.adapters.registry import Shelf, describe
from pitcall.errors import KnowledgeUnavailable
from pitcall.knowledge.hashing import HashingEmbedder
from pitcall.registry.alias import Alias
from pitcall.registry.manifest import Origin

pytestmark = pytest.mark.unit


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
    monkeypatch.setattr("pitcall.adapters.registry.package.DEFAULTS", {})
    found = open_embedder(KnowledgeSettings())
    assert isinstance(found, HashingEmbedder)
    assert "knows no meaning" in caplog.text


def test_a_blessed_copy_serves_and_another_model_of_its_name_does_not(folder, tmp_path, monkeypatch, caplog):
    """The store is asked before the package; vectors of other weights must not meet those that are stored."""
    monkeypatch.setenv("PITCALL_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PITCALL_STORAGE_BUCKET", str(tmp_path / "bucket"))
    settings = StorageSettings(bucket=str(tmp_path / "bucket"))
    shelf = Shelf(open_store(settings.bucket, settings), settings)
    other = tmp_path / "other"
    other.mkdir()
    (other / "model.safetensors").write_bytes((2).to_bytes(8, "little") + b"{}")
    for source in (folder, other):
        manifest = describe(minilm.NAME, source, Origin("Apache-2.0"))
        shelf.publish(manifest, source)
        shelf.change(minilm.NAME, partial(Alias.bless, version=manifest.version, at=0.0))
    monkeypatch.setattr("pitcall.adapters.registry.package.DEFAULTS", {})
    assert open_embedder(KnowledgeSettings(device="cpu")).id == MiniLM.id
    assert "is not the file that this Pitcall was evaluated with" in caplog.text
