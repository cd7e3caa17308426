"""Requests to parts of Elasticsearch that no server of the tests has, by their shape on the wire."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from pitcall.adapters.knowledge.elastic import ElasticKnowledge
from pitcall.errors import Overloaded, PermissionDenied
from tests.contract.knowledge.conftest import settings_for

pytestmark = pytest.mark.contract


class Recorder(ThreadingHTTPServer):
    """Answers everything with yes, or with what ``answer`` says, and remembers what was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.answer: tuple[int, Any] = (200, {"acknowledged": True})

        class Handler(BaseHTTPRequestHandler):
            def _record(handler) -> None:  # noqa: N805  # self is the server
                body = handler.rfile.read(int(handler.headers.get("content-length", 0)))
                self.asked.append((handler.command, handler.path, json.loads(body) if body else None))
                self.headers.append(dict(handler.headers))
                status, value = self.answer
                content = json.dumps(value).encode()
                handler.send_response(status)
                handler.send_header("X-Elastic-Product", "Elasticsearch")
                handler.send_header("Content-Type", "application/vnd.elasticsearch+json;compatible-with=8")
                handler.send_header("Content-Length", str(len(content)))
                handler.end_headers()
                handler.wfile.write(content)

            do_PUT = do_GET = do_POST = _record  # noqa: N815  # the names that the base class calls

            def log_message(self, *_: Any) -> None:
                """Quiet."""

        super().__init__(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


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
