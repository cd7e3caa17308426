"""What an ingest that died leaves in Elasticsearch costs nobody anything."""

from uuid import uuid4

import pytest

from pitcall.adapters.knowledge.elastic import ElasticKnowledge
from tests.contract.knowledge.conftest import settings_for
from tests.contract.knowledge.shelf import put, search, texts

pytestmark = pytest.mark.contract


@pytest.fixture
async def store(emulator_url):
    opened = ElasticKnowledge(settings_for(emulator_url, f"test-{uuid4().hex[:12]}"))
    yield opened
    await opened.destroy()
    await opened.close()


async def dies_before_the_record(*_):
    raise ConnectionAbortedError


async def test_takes_no_place_from_what_is_there(store, monkeypatch):
    """Better matches that were never committed are looked past: every visible passage is still found."""
    await put(store, "a", *(f"undercut and so on, part {n}" for n in range(10)))
    with monkeypatch.context() as broken:
        broken.setattr(store, "_commit", dies_before_the_record)
        for name in ("a", "b"):
            with pytest.raises(ConnectionAbortedError):
                await put(store, name, *(f"undercut {n}" for n in range(30)))
    found = texts(await search(store, "undercut", hits=10, per_document=10, depth=10))
    assert sorted(found) == sorted(f"undercut and so on, part {n}" for n in range(10))
    assert [one.id for one in await store.documents()] == ["a"]


async def test_is_taken_over_when_the_ingest_is_done_again(store, monkeypatch):
    """The ids follow from the content, so nothing is there twice."""
    with monkeypatch.context() as broken:
        broken.setattr(store, "_commit", dies_before_the_record)
        with pytest.raises(ConnectionAbortedError):
            await put(store, "a", *(f"undercut {n}" for n in range(30)))
    await put(store, "a", *(f"undercut {n}" for n in range(30)))
    assert [one.id for one in await store.documents()] == ["a"]
    answer = await store._client.count(index=store._settings.index)
    assert answer["count"] == 31
