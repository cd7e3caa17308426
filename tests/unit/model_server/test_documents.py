"""The embedded store and what every machine has in it."""

import asyncio

import pytest
from pitcall_model_server import documents

from pitcall.adapters.knowledge.sqlite import SqliteKnowledge
from pitcall.errors import Cancelled
from pitcall.knowledge import pack
from pitcall.knowledge.chunk import Outline
from pitcall.knowledge.hashing import HashingEmbedder
from pitcall.knowledge.library import Draft, Library
from pitcall.knowledge.messages import Labels
from pitcall.parameters import DEFAULT

pytestmark = pytest.mark.unit


def page(name, text):
    outline = Outline()
    outline.text(text)
    return Draft(f"{pack.SOURCES[0]}{name}", name, outline.sections(), Labels(kind=pack.HANDBOOK))


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("PITCALL_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def pages(monkeypatch):
    """A handbook of two pages, which a test changes."""
    drafts = [page("undercut", "It gains a place."), page("overcut", "It is rarer.")]
    monkeypatch.setattr(pack, "documents", lambda _: drafts)
    return drafts


@pytest.fixture
def library(home):
    return Library(SqliteKnowledge(home / "knowledge" / "knowledge.db"), HashingEmbedder())


def titles(library):
    return sorted(document.title for document in asyncio.run(library.store.documents()))


def bring(library, stopping=lambda: False):
    documents.bring_pack(DEFAULT, library, stopping)


class TestHandbook:
    def test_is_read_in_once_a_version(self, library, pages):
        """A page that somebody removed stays away until there is a new version of the handbook."""
        bring(library)
        assert titles(library) == ["overcut", "undercut"]
        asyncio.run(library.store.remove(asyncio.run(library.store.documents())[0].id))
        bring(library)
        assert titles(library) == ["undercut"]
        pages[0] = page("undercut", "It gains a place or two.")
        bring(library)
        assert titles(library) == ["overcut", "undercut"]

    def test_goes_on_where_it_was_broken_off(self, library, pages):
        """A server that ends does not wait for the last page."""
        answers = iter([False, True])
        with pytest.raises(Cancelled, match="1 of 2 documents are there"):
            bring(library, lambda: next(answers))
        assert titles(library) == ["undercut"]
        bring(library)
        assert titles(library) == ["overcut", "undercut"]

    def test_comes_back_with_a_new_store(self, library, pages, home):
        """Whoever deletes the file wants a fresh one."""
        bring(library)
        asyncio.run(library.store.close())
        for file in (home / "knowledge").glob("knowledge.db*"):
            file.unlink()
        bring(library)
        assert titles(library) == ["overcut", "undercut"]

    def test_is_not_put_on_somebodys_server(self, library, pages, monkeypatch):
        """There it is added on request."""
        monkeypatch.setenv("ELASTICSEARCH_URL", "http://127.0.0.1:9")
        bring(library)
        monkeypatch.delenv("ELASTICSEARCH_URL")
        assert asyncio.run(library.store.info()).documents == 0


def test_the_library_is_that_of_the_home(home, monkeypatch):
    """With an embedder that has worked once."""
    monkeypatch.setattr(documents, "open_embedder", lambda _: HashingEmbedder())
    opened = documents.open_library()
    assert asyncio.run(opened.store.info()).where == str(home / "knowledge" / "knowledge.db")
    assert opened.embedder == HashingEmbedder.id
