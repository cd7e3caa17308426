"""Knowledge stores over SQLite, an Elasticsearch emulator, and Elasticsearch itself."""

import asyncio
import os
from uuid import uuid4

import pytest

from pitcall.adapters.knowledge.elastic import ElasticKnowledge
from pitcall.adapters.knowledge.settings import KnowledgeSettings
from pitcall.adapters.knowledge.sqlite import SqliteKnowledge
from tests.contract.knowledge.servers import emulator, started


@pytest.fixture(scope="session")
def elasticsearch_url():
    """The server that the environment names, else one of our own."""
    if os.environ.get("ELASTICSEARCH_URL"):
        yield os.environ["ELASTICSEARCH_URL"]
        return
    with started() as server:
        yield server.url


@pytest.fixture(scope="session")
def emulator_url(tmp_path_factory):
    """What every machine has."""
    with emulator(tmp_path_factory.mktemp("noida")) as url:
        yield url


def settings_for(url, index, **more):
    """``standard``: the slim distribution has no other analyzer."""
    return KnowledgeSettings(url=url, index=index, analyzer="standard", repository=index, **more)


@pytest.fixture(params=["sqlite", "emulator", "elasticsearch"])
def backend(request, tmp_path):
    """Makes stores that all see the same documents."""
    if request.param == "sqlite":
        yield lambda: SqliteKnowledge(tmp_path / "knowledge.db")
        return
    url, index = request.getfixturevalue(f"{request.param}_url"), f"test-{uuid4().hex[:12]}"
    settings = settings_for(url, index)
    yield lambda: ElasticKnowledge(settings)
    asyncio.run(_destroy(settings))


async def _destroy(settings):
    store = ElasticKnowledge(settings)
    await store.destroy()
    await store.close()


@pytest.fixture
async def store(backend):
    opened = backend()
    yield opened
    await opened.close()
