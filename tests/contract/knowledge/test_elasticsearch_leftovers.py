"""What an ingest or a reindex that died leaves in Elasticsearch costs nobody anything."""

from uuid import uuid4

import pytest

from pitcall.adapters.knowledge.elastic import ElasticKnowledge
from pitcall.adapters.knowledge.elastic.indexes import Indexes
from pitcall.knowledge.library import ignore
from tests.contract.knowledge.conftest import settings_for
from tests.contract.knowledge.shelf import EMBEDDER, Other, put, search, texts

pytestmark = pytest.mark.contract


@pytest.fixture
async def store(emulator_url):
    opened = ElasticKnowledge(settings_for(emulator_url, f"test-{uuid4().hex[:12]}"))
    yield opened
    await opened.destroy()
    await opened.close()


async def dies(*_):
    raise ConnectionAbortedError


async def test_takes_no_place_from_what_is_there(store, monkeypatch):
    """Better matches that were never committed are looked past: every visible passage is still found."""
    await put(store, "a", *(f"undercut and so on, part {n}" for n in range(10)))
    with monkeypatch.context() as broken:
        broken.setattr(store, "_commit", dies)
        for name in ("a", "b"):
            with pytest.raises(ConnectionAbortedError):
                await put(store, name, *(f"undercut {n}" for n in range(30)))
    found = texts(await search(store, "undercut", hits=10, per_document=10, depth=10))
    assert sorted(found) == sorted(f"undercut and so on, part {n}" for n in range(10))
    assert [one.id for one in await store.documents()] == ["a"]


async def test_is_taken_over_when_the_ingest_is_done_again(store, monkeypatch):
    """The ids follow from the content, so nothing is there twice."""
    with monkeypatch.context() as broken:
        broken.setattr(store, "_commit", dies)
        with pytest.raises(ConnectionAbortedError):
            await put(store, "a", *(f"undercut {n}" for n in range(30)))
    await put(store, "a", *(f"undercut {n}" for n in range(30)))
    assert [one.id for one in await store.documents()] == ["a"]
    answer = await store._client.count(index=store._settings.index)
    assert answer["count"] == 31


async def test_an_index_that_a_broken_reindex_left_behind_goes_with_the_next(store, monkeypatch):
    """The alias has moved: the new vectors answer, and writers go on."""
    await put(store, "a", "undercut")
    with monkeypatch.context() as broken:
        broken.setattr(Indexes, "drop_before", dies)
        with pytest.raises(ConnectionAbortedError):
            await store.reindex(Other(), ignore)
    assert (await store.info()).embedder == Other.id
    assert len(await store._indexes.numbered()) == 2
    await store.reindex(EMBEDDER, ignore)
    await put(store, "b", "overcut")
    assert len(await store._indexes.numbered()) == 1
    assert [one.id for one in await store.documents()] == ["a", "b"]
