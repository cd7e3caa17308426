"""Requests to parts of Elasticsearch that no server of the tests has, by their shape on the wire."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import repeat
from threading import Thread
from typing import Any

import pytest

from pitcall.adapters.knowledge.elastic import ElasticKnowledge
from pitcall.errors import KnowledgeUnavailable, Overloaded, PermissionDenied
from pitcall.knowledge.messages import Query
from tests.contract.knowledge.conftest import settings_for

pytestmark = pytest.mark.contract


class Recorder(ThreadingHTTPServer):
    """Answers everything with yes, or with what ``answer`` says, and remembers what was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.answer: tuple[int, Any] = (200, {"acknowledged": True})
        self.answers: dict[str, Iterator[tuple[int, Any]]] = {}  # by the last part of the path, before ``answer``

        class Handler(BaseHTTPRequestHandler):
            def _record(handler) -> None:  # noqa: N805  # self is the server
                body = handler.rfile.read(int(handler.headers.get("content-length", 0)))
                self.asked.append((handler.command, handler.path, _read(body)))
                self.headers.append(dict(handler.headers))
                status, value = next(
                    self.answers.get(handler.path.split("?")[0].rpartition("/")[2], iter(())), self.answer
                )
                content = json.dumps(value).encode()
                handler.send_response(status)
                handler.send_header("X-Elastic-Product", "Elasticsearch")
                handler.send_header("Content-Type", "application/vnd.elasticsearch+json;compatible-with=8")
                handler.send_header("Content-Length", str(len(content)))
                handler.end_headers()
                handler.wfile.write(content)

            do_PUT = do_GET = do_POST = do_DELETE = _record  # noqa: N815  # the names that the base class calls

            def log_message(self, *_: Any) -> None:
                """Quiet."""

        super().__init__(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


def _read(body: bytes) -> Any:
    """None, an object, or the list of those that stand in a line each."""
    lines = [json.loads(line) for line in body.splitlines()]
    return lines[0] if len(lines) == 1 else lines or None


@pytest.fixture
def server() -> Iterator[Recorder]:
    with Recorder() as running:
        thread = Thread(target=running.serve_forever, daemon=True)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


async def test_snapshots_are_taken_every_six_hours_and_kept_for_seven_days(server):
    """The policy of snapshot lifecycle management, over a repository in a bucket."""
    store = ElasticKnowledge(settings_for(server.url, "kb").model_copy(update={"bucket": "our-backups"}))
    assert await store.schedule() == "kb"
    await store.close()
    assert server.asked == [
        ("PUT", "/_snapshot/kb", {"type": "gcs", "settings": {"bucket": "our-backups", "base_path": "kb"}}),
        (
            "PUT",
            "/_slm/policy/kb",
            {
                "name": "<kb-{now/H{yyyy.MM.dd-HH}}>",
                "schedule": "0 0 */6 * * ?",
                "repository": "kb",
                "config": {"indices": ["kb-*"], "include_global_state": False},
                "retention": {"expire_after": "7d", "min_count": 4, "max_count": 40},
            },
        ),
    ]


async def test_without_a_bucket_the_repository_is_a_folder_of_the_server(server):
    """Below its path.repo."""
    store = ElasticKnowledge(settings_for(server.url, "kb"))
    await store.schedule()
    await store.close()
    assert server.asked[0] == ("PUT", "/_snapshot/kb", {"type": "fs", "settings": {"location": "kb"}})


async def test_a_key_is_sent_instead_of_a_password(server):
    """In the header where Elasticsearch looks for it."""
    store = ElasticKnowledge(settings_for(server.url, "kb", api_key="c2VjcmV0"))
    await store.schedule()
    await store.close()
    assert {headers["authorization"] for headers in server.headers} == {"ApiKey c2VjcmV0"}


@pytest.mark.parametrize(("status", "error"), [(403, PermissionDenied), (429, Overloaded)])
async def test_a_refusal_is_a_typed_error(server, status, error):
    """A user without rights, a server with too much to do."""
    server.answer = (status, {"error": {"type": "x", "reason": "because"}, "status": status})
    store = ElasticKnowledge(settings_for(server.url, "kb"))
    with pytest.raises(error):
        await store.schedule()
    await store.close()


#: What the server says of an index that has no open shard, as a part of a multi search.
NO_SHARDS = {"status": 503, "error": {"type": "search_phase_execution_exception", "reason": "all shards failed"}}
NOTHING = {"status": 200, "timed_out": False, "hits": {"hits": []}}


#: What is behind the alias: what is asked first.
OURS = (200, {"kb-000001": {"mappings": {"_meta": {"embedder": "e", "dims": 2, "analyzer": "english"}}}})


async def test_an_index_that_is_being_opened_is_waited_for(server):
    """A search between the making of an index and its first open shard."""
    parts = (NO_SHARDS, NO_SHARDS, NO_SHARDS, NOTHING)
    server.answers = {"_mapping": repeat(OURS), "_msearch": ((200, {"responses": [one]}) for one in parts)}
    store = ElasticKnowledge(settings_for(server.url, "kb"))
    found = await store.search(Query("undercut"))
    await store.close()
    assert found.hits == ()
    assert [path for _, path, _ in server.asked].count("/_msearch") == 4


async def test_an_index_that_never_opens_is_an_error_that_says_so(server):
    """After a second, not never."""
    server.answers = {"_mapping": repeat(OURS), "_msearch": repeat((200, {"responses": [NO_SHARDS]}))}
    store = ElasticKnowledge(settings_for(server.url, "kb"))
    with pytest.raises(KnowledgeUnavailable, match="no shard of the knowledge index answers"):
        await store.search(Query("undercut", budget_s=10.0))
    await store.close()


async def test_the_alias_moves_before_the_old_index_goes(server):
    """In one step the server would close the shards while it still shows them behind the alias."""
    indexes = {f"kb-{n:06}": {"settings": {"index": {"provided_name": f"kb-{n:06}"}}} for n in (1, 2, 3)}
    server.answers = {"kb-*": repeat((200, indexes))}
    store = ElasticKnowledge(settings_for(server.url, "kb"))
    await store._indexes.swap("kb-000003")
    await store._indexes.drop_before("kb-000003")
    await store.close()
    moved, looked, dropped = ((method, path.split("?")[0], body) for method, path, body in server.asked)
    assert moved[:2] == ("POST", "/_aliases")
    assert [next(iter(action)) for action in moved[2]["actions"]] == ["remove", "add"]
    assert looked[1] == "/kb-*"
    assert dropped[:2] == ("DELETE", "/kb-000001,kb-000002")
