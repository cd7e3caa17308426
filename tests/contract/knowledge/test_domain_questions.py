"""Does a question about strategy find the passage that answers it? 60 questions to our own documents.

How many of them did, pages and questions being what they were when they first met, is in docs/bench-retrieval.md.
"""

import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest

from pitcall.adapters.knowledge.minilm import NAME, MiniLM
from pitcall.adapters.knowledge.sqlite import SqliteKnowledge
from pitcall.adapters.model import shipped
from pitcall.adapters.registry import open_model
from pitcall.errors import PitcallError
from pitcall.knowledge import pack
from pitcall.knowledge.hashing import HashingEmbedder
from pitcall.knowledge.library import Library
from pitcall.knowledge.messages import Filter

pytestmark = pytest.mark.contract

#: Passages that a person looks at.
TOP = 3
#: Where the race is that a general question is asked in; a question about a circuit is asked there.
ELSEWHERE = "hungaroring"


@dataclass(frozen=True)
class Question:
    text: str
    passages: tuple[tuple[str, str], ...]  # page and heading
    circuit: str  # of the race in which it is asked


def questions():
    pages = {one.labels.circuit for one in pack.documents(shipped().parameters)}
    rows = tomllib.loads((Path(__file__).parent / "questions.toml").read_text("utf-8"))["question"]
    for row in rows:
        passages = tuple((page, heading) for page, heading in row["passages"])
        yield Question(row["text"], passages, passages[0][0] if passages[0][0] in pages else ELSEWHERE)


QUESTIONS = list(questions())


async def found(embedder, path):
    """The share of the questions whose passage is among the first three, asked as the orchestrator asks: in a race."""
    library = Library(SqliteKnowledge(path), embedder)
    here = {"", *(one.circuit for one in QUESTIONS)}  # other circuits' pages are never looked at
    await pack.bring(library, [one for one in pack.documents(shipped().parameters) if one.labels.circuit in here])
    right = []
    for asked in QUESTIONS:
        where = Filter(series=("f1", ""), circuit=(asked.circuit, ""))
        hits = (await library.search(asked.text, where, hits=TOP, per_document=TOP, budget_s=60.0)).hits
        places = {(hit.document.source.rpartition("/")[2], hit.passage.heading) for hit in hits}
        right.append(bool(places.intersection(asked.passages)))
    await library.store.close()
    return sum(right) / len(right), [
        asked.text for asked, is_right in zip(QUESTIONS, right, strict=True) if not is_right
    ]


def test_every_answer_is_in_the_pack():
    """60 different questions; pages and headings that they name are there."""
    there = {
        (one.source.rpartition("/")[2], section.heading)
        for one in pack.documents(shipped().parameters)
        for section in one.sections
    }
    assert len({one.text for one in QUESTIONS}) == 60
    assert {place for one in QUESTIONS for place in one.passages} - there == set()


async def test_by_words_and_meaning(tmp_path):
    """At least nine in ten with MiniLM on SQLite."""
    pytest.importorskip("torch", reason="needs torch: pip install -e '.[model-server]'", exc_type=ImportError)
    try:
        with open_model(NAME) as model:
            embedder = MiniLM(model.folder, "cpu")
    except PitcallError as exc:
        pytest.skip(f"needs the weights of MiniLM (make setup): {exc.detail}")
    share, missed = await found(embedder, tmp_path / "knowledge.db")
    assert share >= 0.9, f"{share:.1%}; not found: {missed}"


async def test_by_words_alone(tmp_path):
    """At least four in five where the weights are missing and hashed words serve."""
    share, missed = await found(HashingEmbedder(), tmp_path / "knowledge.db")
    assert share >= 0.8, f"{share:.1%}; not found: {missed}"
