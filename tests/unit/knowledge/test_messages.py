"""What may be asked and stored."""

import numpy as np
import pytest

from pitcall.errors import InvalidRequest
from pitcall.knowledge.messages import Document, Entry, Filter, Hit, Labels, Passage, Query, plain

pytestmark = pytest.mark.unit


class TestQuery:
    @pytest.mark.parametrize(
        ("text", "says"),
        [
            ("", "is empty"),
            (" \n", "is empty"),
            ("when\0pit", "null byte"),
            ("x" * 10_000_000, r"has 10,000,000 characters; at most 4,000"),
        ],
    )
    def test_that_is_none_is_refused(self, text, says):
        """Before it reaches a store; the message does not repeat ten million characters."""
        with pytest.raises(InvalidRequest, match=says) as raised:
            Query(text)
        assert len(str(raised.value)) < 200

    @pytest.mark.parametrize("options", [{"hits": 0}, {"hits": 101}, {"per_document": 0}, {"hits": 50, "depth": 20}])
    def test_has_numbers_within_bounds(self, options):
        """One clear error."""
        with pytest.raises(InvalidRequest, match="between 1 and 100"):
            Query("pit", **options)

    def test_by_meaning_alone_needs_no_words(self):
        """A leg without input does not run."""
        assert Query("", np.ones(3, np.float32), "e").text == ""


class TestLabels:
    @pytest.mark.parametrize("written", ["Las Vegas", "las-vegas", "  LAS_VEGAS "])
    def test_meet_however_they_are_written(self, written):
        """In a document and in a filter."""
        assert Labels(circuit=written).circuit == "las-vegas"
        assert Filter(circuit=(written,)).circuit == ("las-vegas",)

    def test_are_short_and_printable(self):
        """A label is no text."""
        for label in ("x" * 101, "a\x00b"):
            with pytest.raises(InvalidRequest, match="cannot be a label"):
                plain(label)

    def test_have_a_season_that_is_a_year(self):
        """26 is no year."""
        with pytest.raises(InvalidRequest, match="season 26"):
            Labels(season=26)

    def test_restrict_only_what_is_named(self):
        """In a fixed order, as SQL and Elasticsearch need it."""
        assert Filter(season=(2026,), series=("f1", "")).wanted() == {"series": ("f1", ""), "season": (2026,)}


@pytest.mark.parametrize("name", ["", "a b", "A", "a@b", "../a", "-a", "x" * 101, "a\n"])
def test_a_document_cannot_have_any_id(name):
    """Stores put it into names of their own."""
    with pytest.raises(InvalidRequest, match="cannot be the id"):
        Document(name, "x:", "X")


@pytest.mark.parametrize(("passages", "vectors", "announced"), [(0, 0, 0), (2, 1, 2), (1, 2, 1), (1, 1, 2)])
def test_an_entry_is_whole(passages, vectors, announced):
    """A caller's mistake is found before anything is written."""
    with pytest.raises(InvalidRequest, match=f"{passages} passages, {vectors} vectors, {announced} announced"):
        Entry(
            Document("a", "x:", "A", passages=announced),
            [Passage(n, "x") for n in range(passages)],
            np.ones((vectors, 3), np.float32),
        )


def test_a_hit_links_to_its_place():
    """With an anchor if the passage has one."""
    document = Document("a", "https://example.org/a.pdf", "A")
    assert Hit(document, Passage(0, "x", anchor="page=3"), 1.0, {}).link == "https://example.org/a.pdf#page=3"
    assert Hit(document, Passage(0, "x"), 1.0, {}).link == "https://example.org/a.pdf"
