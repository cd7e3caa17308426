"""``pitcall`` as people run it: processes, signals, ports and files."""

import json
import os
import re
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc
import httpx
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from pitcall.cli import ports
from pitcall.cli.demo import CAR, LAP

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).parents[2]

#: A process that was told to stop has this long.
GONE_S = 10.0

#: Try to connect every 20 ms: by the default of a second, the models may be loaded already.
EAGER = [
    ("grpc.enable_http_proxy", 0),
    *((f"grpc.{name}_reconnect_backoff_ms", 20) for name in ("initial", "min", "max")),
]


def assert_gone(pid: int) -> None:
    """Wait for the end of a process that is not a child of this one."""
    try:
        watch = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        assert select.select([watch], [], [], GONE_S)[0], f"process {pid} is still there"
    finally:
        os.close(watch)


@contextmanager
def up(home: Path, port: int) -> Iterator[tuple["subprocess.Popen[str]", dict[str, int]]]:
    """``pitcall up`` once it printed its address, and the process ids that it announced."""
    process = subprocess.Popen(
        [sys.executable, "-m", "pitcall.cli", "up", "--port", str(port), "--home", str(home)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            run = json.loads((home / "run" / "mesh.json").read_text())
            assert run["url"] == url
            yield process, run["pids"]
        finally:
            process.kill()


def test_sigterm_stops_all_and_is_not_a_failure(tmp_path):
    """Nothing is left: no process, no port, no file that says that it runs."""
    (port,) = ports.free("127.0.0.1", 1)
    with up(tmp_path, port) as (process, pids):
        assert httpx.get(f"http://127.0.0.1:{port}/health", trust_env=False).status_code == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(GONE_S) == 0
    for pid in pids.values():
        assert_gone(pid)
    assert not (tmp_path / "run" / "mesh.json").exists()
    assert ports.first_free("127.0.0.1", port) == port
    assert {path.name for path in (tmp_path / "logs").iterdir()} == {
        "orchestrator.log",
        "model-server.log",
        "sim-worker.log",
    }


def test_ctrl_c_stops_all_and_is_not_a_failure(tmp_path):
    """The way to end it."""
    with up(tmp_path, 0) as (process, pids):
        process.send_signal(signal.SIGINT)
        assert process.wait(GONE_S) == 0
    for pid in pids.values():
        assert_gone(pid)


def test_no_service_outlives_a_killed_parent(tmp_path, pitcall):
    """SIGKILL gives ``pitcall up`` no chance to stop its children; they notice. The file it left is recognised."""
    with up(tmp_path, 0) as (process, pids):
        process.kill()
        for pid in pids.values():
            assert_gone(pid)
    assert (tmp_path / "run" / "mesh.json").exists()
    doctor = json.loads(pitcall("doctor", "--json", "--home", str(tmp_path)).stdout)
    assert {check["name"]: check["detail"] for check in doctor["checks"]}["mesh"] == "not running"
    assert not (tmp_path / "run" / "mesh.json").exists()


def test_a_service_that_dies_is_reported_and_the_others_are_stopped(tmp_path):
    """Name, how it ended and its last lines, exit code 1, and no half mesh."""
    with up(tmp_path, 0) as (process, pids):
        os.kill(pids["model-server"], signal.SIGKILL)
        assert process.wait(GONE_S) == 1
        assert process.stderr is not None
        said = process.stderr.read()
    assert "error: model-server was killed by signal 9; its log: " in said
    assert "model-server: info: " in said.partition("last lines:")[2]
    for pid in pids.values():
        assert_gone(pid)


def test_a_busy_port_makes_way_for_the_next(tmp_path):
    """Said on stderr, and the address on stdout is the one that works."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with up(tmp_path, port) as (process, _):
            url = json.loads((tmp_path / "run" / "mesh.json").read_text())["url"]
            process.send_signal(signal.SIGTERM)
            process.wait(GONE_S)
            assert process.stderr is not None
            said = process.stderr.read()
    assert f"port {port} is busy, taking {url.rpartition(':')[2]}" in said
    assert url != f"http://127.0.0.1:{port}"


def _shape(line: str) -> str:
    """A line of output without its figures and its frame: another processor may round a race to another end."""
    return " ".join(re.sub(r"[\d.,]+", "#", line.strip("╭─╮│╰╯ ")).split())


def test_the_demo_answers_once_in_a_fresh_home(tmp_path, pitcall):
    """What the README shows: question, call, sources, link; exit code 0, nothing left running. With any embedder."""
    environment = {"COLUMNS": "100", "PITCALL_MODEL_HANDBOOK": "true"}
    done = pitcall("demo", "--once", "--port", "0", "--home", str(tmp_path), **environment)
    assert (done.returncode, "Traceback" in done.stderr) == (0, False)
    assert "the documents are there after" in done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == f'"When should I pit?" ({CAR} after lap {LAP} of the race demo)'
    (link,) = [line for line in lines if line.startswith("chart: ")]
    assert link.endswith(f"/?race=demo&car={CAR}&lap={LAP}&ask=When+should+I+pit%3F")
    readme = re.search(r"```text\n(\".*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert readme
    assert [_shape(line) for line in readme[1].splitlines()] == [_shape(line) for line in lines if line != link]
    assert not (tmp_path / "run" / "mesh.json").exists()


def test_the_model_server_listens_before_it_serves():
    """Health says NOT_SERVING while torch is imported, then SERVING; no one is sent to a server that cannot answer."""
    (port,) = ports.free("127.0.0.1", 1)
    environment = os.environ | {"PITCALL_MODEL_PORT": str(port)}
    command = [sys.executable, "-m", "pitcall_model_server"]
    with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as process:
        try:
            with grpc.insecure_channel(f"127.0.0.1:{port}", options=EAGER) as channel:
                watch = health_pb2_grpc.HealthStub(channel).Watch(
                    health_pb2.HealthCheckRequest(), wait_for_ready=True, timeout=60
                )
                assert [next(watch).status for _ in range(2)] == [
                    health_pb2.HealthCheckResponse.NOT_SERVING,
                    health_pb2.HealthCheckResponse.SERVING,
                ]
        finally:
            process.terminate()
    assert process.returncode == 0
