"""Elasticsearch itself: wrong passwords, kills, blocks, and indexes that move under searches."""

import asyncio
import subprocess
import sys
from uuid import uuid4

import httpx
import pytest

from pitcall.adapters.knowledge.elastic import ElasticKnowledge
from pitcall.errors import (
    DeadlineExceeded,
    InvalidRequest,
    KnowledgeReadOnly,
    KnowledgeUnavailable,
    PitcallError,
    Unauthenticated,
)
from pitcall.knowledge.library import ignore
from pitcall.knowledge.messages import Query
from tests.contract.knowledge.conftest import settings_for
from tests.contract.knowledge.servers import PASSWORD, started
from tests.contract.knowledge.shelf import EMBEDDER, Other, entry, put, search, texts

pytestmark = [pytest.mark.contract, pytest.mark.timeout(400)]

#: Load of the test of the alias swap: searches a second, and for how many seconds at least.
RATE, LASTS_S = 50, 4.0


@pytest.fixture(scope="module")
def server():
    """One that may be killed."""
    with started() as running:
        yield running


@pytest.fixture
async def store(server):
    opened = ElasticKnowledge(settings_for(server.url, f"test-{uuid4().hex[:12]}"))
    yield opened
    await opened.destroy()
    await opened.close()


@pytest.fixture
def alias(store):
    return store._settings.index


def raw(server, method, path, body=None):
    """What somebody else does to the index."""
    return httpx.request(method, server.url + path, json=body).json()


def kill_after(lines, code):
    """Run Python until it has printed so many lines, and a moment longer."""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        for _ in range(lines):
            assert process.stdout.readline()
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.01 * lines)
        process.kill()


class TestCredentials:
    async def test_that_are_wrong_or_missing_are_one_clear_error(self):
        """Without the password in it; the right ones work."""
        with started(auth=True) as secured:
            host = secured.url.removeprefix("http://")
            for user in ("svc:wrong@", ""):
                store = ElasticKnowledge(settings_for(f"http://{user}{host}", "test-auth"))
                with pytest.raises(Unauthenticated, match="does not know this user, password or key") as raised:
                    await put(store, "a", "undercut")
                assert "wrong" not in str(raised.value)
                await store.close()
            store = ElasticKnowledge(settings_for(f"http://svc:{PASSWORD}@{host}", "test-auth"))
            await put(store, "a", "undercut")
            assert texts(await search(store, "undercut")) == ["undercut"]
            assert PASSWORD not in (await store.info()).where
            await store.close()


class TestDown:
    async def test_is_unavailable_and_may_be_retried(self):
        """Nobody listens there."""
        store = ElasticKnowledge(settings_for("http://127.0.0.1:9", "test"))
        with pytest.raises(
            KnowledgeUnavailable, match=r"no connection to Elasticsearch at http://127\.0\.0\.1:9"
        ) as raised:
            await search(store, "undercut")
        assert raised.value.retryable
        await store.close()

    @pytest.mark.parametrize("url", ["localhost:9200", "ftp://x", "http://"])
    def test_an_address_that_is_none_is_refused(self, url):
        """Before anything is sent."""
        with pytest.raises(InvalidRequest, match="ELASTICSEARCH_URL"):
            ElasticKnowledge(settings_for(url, "test"))

    async def test_silent_is_out_of_time(self, silent_url):
        """A server that takes the question and says nothing: the budget of the search holds."""
        store = ElasticKnowledge(settings_for(silent_url, "test", timeout_s=0.3))
        with pytest.raises(DeadlineExceeded, match="did not answer in time"):
            await search(store, "undercut")
        await store.close()


@pytest.fixture
async def silent_url():
    connections = []
    listening = await asyncio.start_server(lambda reader, writer: connections.append(writer), "127.0.0.1", 0)
    yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    listening.close()
    for writer in connections:
        writer.close()


class TestKilled:
    async def test_in_the_middle_of_an_ingest_shows_no_half_document(self, server, store):
        """The error is typed; after the restart every document is whole, and doing it again completes the rest."""
        await put(store, "a", *(f"undercut old part{n}" for n in range(20)))
        entries = [entry(f"d-{n}", *(f"undercut new part{k}" for k in range(100))) for n in range(20)]
        entries.append(entry("a", *(f"undercut new part{n}" for n in range(20))))

        async def ingest() -> None:
            for one in entries:
                await store.put([one], EMBEDDER.id)

        working = asyncio.create_task(ingest())
        while len(await store.documents()) < 4:
            assert not working.done()
        server.kill()
        with pytest.raises((KnowledgeUnavailable, DeadlineExceeded)):
            await working
        server.start()
        await self.check_whole(store)
        for one in entries:
            await store.put([one], EMBEDDER.id)
        await self.check_whole(store)
        info = await store.info()
        assert (info.documents, info.passages) == (21, 20 * 100 + 20)

    @staticmethod
    async def check_whole(store):
        for name in [one.id for one in await store.documents()]:
            document = await store.document(name)
            assert document is not None
            found = await store.search(Query("undercut", hits=100, per_document=100, depth=3_000))
            versions = {hit.passage.text.split()[1] for hit in found.hits if hit.document.id == name}
            assert len(versions) <= 1

    async def test_in_the_middle_of_a_reindex_keeps_the_old_vectors(self, server, store):
        """Searches answer as before after the restart, and the next reindex is whole."""
        for number in range(6):
            await put(store, f"d-{number}", f"undercut {number}")

        class Killing(Other):
            """Pulls the plug at the third document."""

            calls = 0

            def embed(self, texts):
                Killing.calls += 1
                if self.calls == 3:
                    server.kill()
                return super().embed(texts)

        with pytest.raises((KnowledgeUnavailable, DeadlineExceeded)):
            await store.reindex(Killing(), ignore)
        server.start()
        assert len((await search(store, "undercut", hits=6)).hits) == 6
        await put(store, "d-6", "undercut 6")
        await store.reindex(Other(), ignore)
        assert len((await search(store, "undercut", embedder=Other(), hits=7)).hits) == 7

    async def test_a_killed_client_leaves_no_half_document(self, server, store, alias):
        """Kill -9 of the process that adds: what it left behind is never shown."""
        code = (
            "import asyncio\n"
            "from tests.contract.knowledge.conftest import settings_for\n"
            "from tests.contract.knowledge.shelf import put\n"
            "from pitcall.adapters.knowledge.elastic import ElasticKnowledge\n"
            "async def main():\n"
            f"    store, version = ElasticKnowledge(settings_for({server.url!r}, {alias!r})), 0\n"
            "    while True:\n"
            "        await put(store, 'a', *(f'undercut version{version} part{n}' for n in range(60)))\n"
            "        print(version, flush=True)\n"
            "        version += 1\n"
            "asyncio.run(main())\n"
        )
        for rounds in (1, 2, 3):
            kill_after(rounds, code)
            found = texts(await search(store, "undercut", hits=60, per_document=60))
            assert len({text.split()[1] for text in found}) == 1
            assert len(found) == 60


class TestBlocked:
    async def test_takes_no_writes_and_says_why(self, server, store, alias):
        """The block that the server sets when its disk is full."""
        await put(store, "a", "undercut")
        raw(server, "PUT", f"/{alias}/_settings", {"index.blocks.read_only_allow_delete": True})
        with pytest.raises(KnowledgeReadOnly, match="takes no writes"):
            await put(store, "b", "overcut")
        assert texts(await search(store, "undercut")) == ["undercut"]
        assert await store.document("b") is None

    async def test_an_index_that_somebody_removed_is_an_error(self, server, store, alias):
        """Not an empty list; and a write does not make an index that nobody planned."""
        await put(store, "a", "undercut")
        raw(server, "DELETE", f"/{alias}-000001")
        with pytest.raises(KnowledgeUnavailable, match="no knowledge index"):
            await search(store, "undercut")
        answer = raw(server, "POST", f"/{alias}-000009/_doc", {"x": 1})
        assert answer["error"]["type"] == "index_not_found_exception"

    async def test_a_field_that_nobody_planned_is_refused(self, server, store, alias):
        """Strict mapping: no type is guessed."""
        await put(store, "a", "undercut")
        answer = raw(server, "POST", f"/{alias}-000001/_doc", {"surprise": "2024-01-01"})
        assert answer["error"]["type"] == "strict_dynamic_mapping_exception"

    async def test_an_analyzer_that_the_server_lacks_is_named(self, server):
        """With what to set instead."""
        settings = settings_for(server.url, "test-analyzer").model_copy(update={"analyzer": "klingon"})
        store = ElasticKnowledge(settings)
        with pytest.raises(InvalidRequest, match=r"klingon.*PITCALL_KNOWLEDGE_ANALYZER=standard"):
            await put(store, "a", "undercut")
        await store.destroy()
        await store.close()


async def test_a_swap_under_fifty_searches_a_second_fails_none_and_mixes_none(server, store, alias):
    """Every answer has all passages, all with vectors of one embedder."""
    for number in range(10):
        await put(store, f"d-{number}", f"undercut {number}")
    reader = ElasticKnowledge(settings_for(server.url, alias))
    failed: list[object] = []
    answered = 0

    async def ask() -> None:
        nonlocal answered
        try:
            found = await reader.search(Query("undercut", hits=10, budget_s=20.0))
        except PitcallError as exc:
            failed.append(exc)
            return
        answered += 1
        if sorted(texts(found)) != sorted(f"undercut {n}" for n in range(10)):
            failed.append(texts(found))

    loop = asyncio.get_running_loop()
    asked: list[asyncio.Task[None]] = []
    for number in range(int(RATE * LASTS_S)):
        loop.call_later(number / RATE, lambda: asked.append(asyncio.create_task(ask())))
    moves = 0
    while len(asked) < RATE * LASTS_S or moves < 2:
        await store.reindex(Other() if moves % 2 == 0 else EMBEDDER, ignore)
        moves += 1
    await asyncio.gather(*asked)
    await reader.close()
    assert failed == []
    assert answered == RATE * LASTS_S


async def test_a_deleted_index_comes_back_from_a_snapshot(server, store, alias):
    """The restore drill: equal documents, counts and answers."""
    for number in range(10):
        await put(store, f"d-{number}", f"undercut {number}", f"overcut {number}", season=2000 + number)
    documents, info = await store.documents(), await store.info()
    before = texts(await search(store, "undercut", hits=10))
    await store.snapshot("drill")
    raw(server, "DELETE", f"/{alias}-000001")
    with pytest.raises(KnowledgeUnavailable):
        await search(store, "undercut")
    await store.restore("drill")
    assert await store.documents() == documents
    assert (await store.info()).passages == info.passages
    assert texts(await search(store, "undercut", hits=10)) == before
