"""The process and its small HTTP side."""

import asyncio
import os
import signal
import socket
import sys

import httpx
import pytest
import websockets
from pitcall_orchestrator.app import create_app
from pitcall_orchestrator.settings import Settings

pytestmark = pytest.mark.contract


@pytest.fixture
async def http(orchestrator):
    async with httpx.AsyncClient(base_url=orchestrator.http, trust_env=False) as client:
        yield client


class TestHttp:
    async def test_health_ready_and_races(self, http):
        """What a probe and a page need."""
        assert (await http.get("/health")).json() == {"status": "ok"}
        assert (await http.get("/ready")).json() == {
            "ready": True,
            "model_server": True,
            "ledger": True,
            "knowledge": True,
        }
        assert [race["id"] for race in (await http.get("/v1/races")).json()] == ["demo", "toy"]

    async def test_ready_says_that_the_model_server_is_gone(self, http, model_server):
        """Replays still work: that is degraded, not down."""
        await model_server.stop()
        reply = await http.get("/ready")
        assert (reply.status_code, reply.json()) == (
            200,
            {"ready": True, "model_server": False, "ledger": True, "knowledge": False},
        )

    @pytest.mark.parametrize(
        ("method", "path", "status", "error"),
        [("GET", "/nothing", 404, "NotFound"), ("POST", "/health", 405, "InvalidRequest")],
    )
    async def test_errors_have_one_shape(self, http, method, path, status, error):
        """Also those that the framework raises."""
        reply = await http.request(method, path)
        assert reply.status_code == status
        assert set(reply.json()) == {"error", "detail", "retryable", "trace_id"}
        assert reply.json()["error"] == error

    async def test_without_a_built_page_it_says_what_to_do(self, http):
        """A person who opens the address is not left with a 404 in JSON."""
        reply = await http.get("/")
        assert reply.status_code == 404
        assert "make web" in reply.text

    async def test_the_built_page_and_its_assets_are_served(self, tmp_path):
        """``/`` is the page whatever its query; a missing asset is an error of the one shape."""
        (tmp_path / "assets").mkdir()
        (tmp_path / "index.html").write_text("<title>Pitcall</title>")
        (tmp_path / "assets" / "app.js").write_text("export {}")
        transport = httpx.ASGITransport(app=create_app(Settings(page=tmp_path)))
        async with httpx.AsyncClient(base_url="http://test", transport=transport) as client:
            assert "Pitcall" in (await client.get("/?race=demo&lap=20")).text
            script = await client.get("/assets/app.js")
            assert script.headers["content-type"].startswith("text/javascript")
            assert (await client.get("/assets/none.js")).json()["error"] == "NotFound"
            assert (await client.get("/health")).json() == {"status": "ok"}


async def test_sigterm_drains_and_exits_with_0(tmp_path):
    """A client hears ``draining`` and 1012; the process is gone within seconds, without a complaint."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    environment = {**os.environ, "PITCALL_HOME": str(tmp_path), "PITCALL_ORCHESTRATOR_PORT": str(port)}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "pitcall_orchestrator", env=environment, stderr=asyncio.subprocess.PIPE
    )
    assert process.stderr is not None
    lines: list[str] = []
    while "Uvicorn running" not in (line := (await asyncio.wait_for(process.stderr.readline(), 20)).decode()):
        assert line, lines
        lines.append(line)
    async with websockets.connect(f"ws://127.0.0.1:{port}/ws", proxy=None) as connection:
        await connection.send('{"type":"hello","version":1}')
        assert '"welcome"' in await connection.recv()
        process.send_signal(signal.SIGTERM)
        assert '"draining"' in await asyncio.wait_for(connection.recv(), 5)
        with pytest.raises(websockets.ConnectionClosed) as closed:
            await asyncio.wait_for(connection.recv(), 5)
    assert str(closed.value).startswith("received 1012")
    log = (await process.stderr.read()).decode()
    assert await asyncio.wait_for(process.wait(), 5) == 0
    assert "Traceback" not in log
