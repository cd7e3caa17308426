"""``pitcall bench retrieval``."""

import gzip
import json
import math

import numpy as np
import pytest
from typer.testing import CliRunner

from pitcall.cli.bench import bench, retrieval
from pitcall.cli.bench.relevance import ndcg, recall
from pitcall.cli.bench.retrieval_speed import Sample
from pitcall.errors import InvalidRequest

pytestmark = pytest.mark.unit


class TestMeasures:
    def test_ndcg_of_a_case_worked_out_by_hand(self):
        """Worths 3, 2, 3, 0, 1, 2 at the six places, two more judged 3 and 2: linear gain, log2(place + 1)."""
        judged = {"a": 3, "b": 2, "c": 3, "e": 1, "f": 2, "g": 3, "h": 2}
        gain = 3 / 1 + 2 / math.log2(3) + 3 / 2 + 0 + 1 / math.log2(6) + 2 / math.log2(7)
        ideal = 3 / 1 + 3 / math.log2(3) + 3 / 2 + 2 / math.log2(5) + 2 / math.log2(6) + 2 / math.log2(7)
        assert ndcg(list("abcdef"), judged, depth=6) == pytest.approx(gain / ideal)
        assert gain / ideal == pytest.approx(0.785, abs=5e-4)

    def test_ndcg_of_one_relevant_document_is_its_discount(self):
        """1 at the first place, 1/log2(11 ) at the tenth, nothing below."""
        ranking = [f"d{n}" for n in range(20)]
        assert ndcg(ranking, {"d0": 1}) == 1.0
        assert ndcg(ranking, {"d9": 1}) == pytest.approx(1 / math.log2(11))
        assert ndcg(ranking, {"d10": 1}) == 0.0
        assert ndcg([], {"d0": 1}) == 0.0

    def test_recall_is_the_share_of_what_is_relevant(self):
        """Within the depth; a document judged irrelevant is none."""
        ranking = [f"d{n}" for n in range(200)]
        assert recall(ranking, {"d0": 1, "d99": 1, "d100": 1, "d5": 0}) == pytest.approx(2 / 3)


WORDS = ("tyre", "rain", "undercut", "safety", "fuel", "wing", "brake", "engine")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Eight documents and three questions; the first word of each says which belong together."""
    monkeypatch.setenv("PITCALL_HOME", str(tmp_path / "home"))
    monkeypatch.setattr("pitcall.adapters.registry.package.DEFAULTS", {})
    monkeypatch.delenv("ELASTICSEARCH_URL", raising=False)
    write(tmp_path, "corpus", [{"id": n, "title": word, "text": f"{word} it is"} for n, word in enumerate(WORDS)])
    write(tmp_path, "queries", [{"id": f"q{n}", "text": f"what of {WORDS[n]}"} for n in range(4)])
    write(tmp_path, "qrels", [{"q": f"q{n}", "rel": {str(n): 1}} for n in range(3)])
    return tmp_path


def write(folder, part, rows):
    with gzip.open(folder / f"toy.{part}.jsonl.gz", "wt") as out:
        out.writelines(json.dumps(row) + "\n" for row in rows)


def test_every_leg_is_measured(folder):
    """A collection where the words give it away: perfect by words, and the speed beside it."""
    result = CliRunner().invoke(bench, ["retrieval", "--ir", str(folder), "--chunks", "40", "--clients", "2", "--json"])
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["sqlite"]["bm25"] == {"ndcg10": 1.0, "r100": 1.0}
    assert set(found["sqlite"]) == {"bm25", "dense", "hybrid"}
    assert found["sqlite"]["hybrid"]["ndcg10"] == 1.0
    assert found["collection"] == {"name": "toy", "documents": 8, "questions": 3}
    assert found["speed"]["sqlite"]["chunks"] == 40
    assert found["speed"]["sqlite"]["recall10"] == 1.0
    assert found["speed"]["sqlite"]["open_ms"] > 0
    assert found["speed"]["sqlite"]["first_ms"] > 0
    assert "elasticsearch" not in found
    assert found["embedder"] == "hashing-384@1"


def test_vectors_are_made_once(folder, monkeypatch):
    """The second run embeds nothing."""
    command = ["retrieval", "--ir", str(folder), "--chunks", "0"]
    assert "embedding 8 documents" in CliRunner().invoke(bench, command).output
    again = CliRunner().invoke(bench, command)
    assert again.exit_code == 0
    assert "embedding" not in again.output
    assert "sqlite hybrid" in again.stdout


def test_a_collection_that_is_none_is_refused(folder):
    """With what is missing."""
    with pytest.raises(InvalidRequest, match=r"has 0 files \*\.corpus\.jsonl\.gz"):
        retrieval.load(folder / "nowhere")
    (folder / "toy.qrels.jsonl.gz").write_bytes(b"not gzip")
    with pytest.raises(InvalidRequest, match="is no test collection: BadGzipFile"):
        retrieval.load(folder)


def test_passages_of_one_text_have_different_vectors():
    """Near their text's own, as those of a document are, and of unit length."""
    vectors = np.eye(3, 384, dtype=np.float32)
    texts, made = Sample(["a.", "b.", "c."], vectors, 300).passages()
    assert texts[:4] == ["a.", "b.", "c.", "a."]
    np.testing.assert_allclose(np.linalg.norm(made, axis=1), 1.0, atol=1e-5)
    assert 0.7 < float(np.mean([made[n] @ vectors[n % 3] for n in range(300)])) < 0.9
