"""A store and an embedder together."""

import threading

import pytest

from pitcall.adapters.knowledge.sqlite import SqliteKnowledge
from pitcall.errors import InvalidRequest
from pitcall.knowledge.chunk import Outline
from pitcall.knowledge.hashing import HashingEmbedder
from pitcall.knowledge.library import Draft, Library, document_id
from pitcall.knowledge.messages import Filter, Labels

pytestmark = pytest.mark.unit

SOURCE = "https://example.org/docs/Handbook.md"


def draft(*paragraphs, source=SOURCE, title="Handbook", **labels):
    outline = Outline()
    for number, text in enumerate(paragraphs):
        outline.heading(1, f"Section {number}")
        outline.text(text)
    return Draft(source, title, outline.sections(), Labels(**labels))


class Meaningful(HashingEmbedder):
    """Says that it knows meaning."""

    semantic = True  # type: ignore[misc]  # on purpose


@pytest.fixture
async def library(tmp_path):
    made = Library(SqliteKnowledge(tmp_path / "knowledge.db"), Meaningful())
    yield made
    await made.store.close()


class TestAdd:
    async def test_again_does_no_work(self, library):
        """The same source with the same content: not embedded, not written, and not new."""
        document, new = await library.add(draft("The undercut.", "The overcut."))
        assert new
        assert (document.id, document.passages, document.title) == ("handbook-d32ae822", 2, "Handbook")
        calls = []
        library._embedder = type("Broken", (HashingEmbedder,), {"embed": lambda self, texts: calls.append(texts)})()
        assert await library.add(draft("The undercut.", "The overcut.")) == (document, False)
        assert calls == []

    @pytest.mark.parametrize(
        "changed",
        [
            draft("The undercut.", "Something else."),
            draft("The undercut."),
            draft("The undercut.", "The overcut.", title="Other"),
            draft("The undercut.", "The overcut.", season=2026),
        ],
    )
    async def test_of_another_content_replaces_the_document(self, library, changed):
        """Text, title or label: one document with the new content is left."""
        await library.add(draft("The undercut.", "The overcut."))
        document, new = await library.add(changed)
        assert new
        assert await library.store.documents() == [document]

    async def test_of_another_embedder_is_new(self, library):
        """Vectors of two embedders never mix: the store says so."""
        await library.add(draft("The undercut."))
        digest = (await library.store.documents())[0].digest

        class Other(HashingEmbedder):
            id = "other@1"  # type: ignore[misc]  # on purpose

        await library.store.reindex(Other(), lambda done, total: None)
        again = Library(library.store, Other())
        document, new = await again.add(draft("The undercut."))
        assert new
        assert document.digest != digest

    async def test_tells_how_far_it_is(self, library):
        """From nothing to all passages."""
        told = []
        await library.add(draft(*(f"Text {n}." for n in range(150))), lambda done, total: told.append((done, total)))
        assert told == [(0, 150), (64, 150), (128, 150), (150, 150)]

    async def test_of_nothing_is_refused(self, library):
        """A document without text would never be found."""
        with pytest.raises(InvalidRequest, match="has no text"):
            await library.add(draft())


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("https://example.org/docs/Handbook.md", "handbook-"),
        ("file:///x/Sporting%20Rules%202026.pdf", "sporting-20rules-202026-"),
        ("https://example.org/", "example-"),
        ("https://example.org/a?b=c#d", "a-b-c-"),
        ("日本", "document-"),
    ],
)
def test_an_id_is_readable_and_of_one_source(source, name):
    """The same every time, and another for any other source."""
    assert document_id(source).startswith(name)
    assert document_id(source) == document_id(source)
    assert document_id(source) != document_id(source + "x")


class TestSearch:
    async def test_uses_words_and_meaning(self, library):
        """Both legs rank the passage."""
        await library.add(draft("The undercut works with fresh tyres.", "Rain helps nobody."))
        hit = (await library.search("undercut")).hits[0]
        assert hit.passage.heading == "Section 0"
        assert hit.ranks == {"bm25": 1, "dense": 1}

    async def test_without_meaning_goes_by_words_while_there_are_any(self, library):
        """The hashing embedder only helps where no word is found: a typo."""
        await library.add(draft("The undercut works with fresh tyres.", "Rain helps nobody."))
        plain = Library(library.store, HashingEmbedder())
        assert (await plain.search("undercut")).hits[0].ranks == {"bm25": 1}
        hit = (await plain.search("undrecut")).hits[0]
        assert hit.ranks == {"dense": 1}
        assert hit.passage.heading == "Section 0"

    async def test_within_some_documents(self, library):
        """The filter reaches the store."""
        await library.add(draft("The undercut.", series="f1"))
        await library.add(draft("The undercut.", source="x:other", series="wec"))
        found = await library.search("undercut", Filter(series=("wec",)))
        assert [hit.document.labels.series for hit in found.hits] == ["wec"]

    async def test_with_a_slow_embedder_goes_by_words_and_says_so(self, library):
        """The budget holds, and the leg that missed it is named."""
        await library.add(draft("The undercut."))
        release = threading.Event()

        class Slow(Meaningful):
            def embed(self, texts):
                release.wait(30)
                return super().embed(texts)

        try:
            found = await Library(library.store, Slow()).search("undercut", budget_s=3.0)
        finally:
            release.set()
        assert found.missed == ("dense",)
        assert found.hits[0].ranks == {"bm25": 1}

    async def test_refuses_what_is_no_question(self, library):
        """Before anything is embedded."""
        await library.add(draft("The undercut."))
        library._embedder = None
        for text in ("", "x" * 10_000_000, "a\0b"):
            with pytest.raises(InvalidRequest):
                await library.search(text)

    async def test_lets_a_reranker_have_the_last_word(self, library):
        """It sees more hits than are wanted and puts them into another order."""
        for number in range(8):
            await library.add(draft(f"The undercut {number}.", source=f"x:{number}"))
        seen = []

        class Backwards:
            def rerank(self, text, hits):
                seen.append((text, len(hits)))
                return sorted(hits, key=lambda hit: hit.passage.text, reverse=True)

        found = await Library(library.store, Meaningful(), Backwards()).search("undercut", hits=2)
        assert seen == [("undercut", 8)]
        assert [hit.passage.text for hit in found.hits] == ["The undercut 7.", "The undercut 6."]

    async def test_names_its_embedder(self, library):
        """For the provenance of an answer."""
        assert library.embedder == "hashing-384@1"


async def test_reindex_uses_the_embedder_of_the_library(library):
    """What was stored by another one is searched by this one."""
    await library.add(draft("The undercut."))

    class Other(HashingEmbedder):
        id = "other@1"  # type: ignore[misc]  # on purpose

    other = Library(library.store, Other())
    await other.reindex()
    assert (await other.search("undercut")).hits
