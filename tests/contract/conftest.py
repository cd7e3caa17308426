"""Servers on free ports for contract tests: real sockets, in the test's event loop."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import uvicorn
from pitcall_model_server import documents

from pitcall.knowledge.hashing import HashingEmbedder


@asynccontextmanager
async def serve(app, port=0) -> AsyncIterator[str]:
    """The URL of an ASGI app behind uvicorn, as the services run it."""
    listener = socket.create_server(("127.0.0.1", port))
    config = uvicorn.Config(app, log_config=None, access_log=False, timeout_graceful_shutdown=5)
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        await task
        listener.close()


@pytest.fixture(autouse=True)
def light_embedder(monkeypatch):
    """Model servers in the test's process embed by hashing: the weights take half a second each time."""
    monkeypatch.setattr(documents, "open_embedder", lambda _: HashingEmbedder())


@pytest.fixture
def serve_http():
    return serve
