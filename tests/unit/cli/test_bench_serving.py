"""``pitcall bench serving``: what is counted."""

import asyncio
import json
import os
from importlib.metadata import PackageNotFoundError
from types import SimpleNamespace
from typing import Any

import grpc
import numpy as np
import pytest
from safetensors.numpy import load_file
from typer.testing import CliRunner

from pitcall.cli import ports
from pitcall.cli.__main__ import app
from pitcall.cli.bench import mlp, serving
from pitcall.cli.bench.serving_load import cpu, measure, memory_mib
from pitcall.errors import PitcallError
from pitcall.wire.v1 import model_pb2 as pb
from pitcall.wire.v1 import model_pb2_grpc as rpc

pytestmark = pytest.mark.unit


async def test_every_answer_counts_and_every_failure(tmp_path):
    """Rows by the clock and by CPU time, times as the client and as the server says; failures apart."""
    turn = 0

    async def ask():
        nonlocal turn
        turn += 1
        await asyncio.sleep(0)
        sum(range(2000))  # CPU time, of this process
        if turn % 10 == 0:
            raise OSError("broken pipe")
        return 0.25

    cell = await measure(ask, os.getpid(), rows=32, clients=4, seconds=0.3)
    assert (cell.rows, cell.clients, cell.server_p50_ms) == (32, 4, 0.25)
    assert cell.failed > 0
    assert 0 < cell.p50_ms <= cell.p99_ms
    assert cell.rows_per_s > 0
    # one core at most is ours: by CPU time it is not less than by the clock
    assert cell.rows_per_s_core >= 0.8 * cell.rows_per_s


def test_cpu_and_memory_are_those_of_this_process():
    """A process that is gone used none that can be read."""
    before = cpu(os.getpid())
    sum(n * n for n in range(2_000_000))
    assert cpu(os.getpid()) > before
    assert memory_mib(os.getpid()) > 10
    assert (cpu(2**22), memory_mib(2**22)) == (0.0, 0.0)


def test_a_wrong_answer_ends_the_measurement():
    """Fast and wrong is not measured: by length each, by value the first."""
    expected = np.ones((2, 8), np.float32)
    serving._check(expected)(expected.tobytes())
    with pytest.raises(PitcallError, match="32 bytes in place of 64"):
        serving._check(expected)(expected[:1].tobytes())
    with pytest.raises(PitcallError, match="differ by 1"):
        serving._check(expected)((expected + 1).tobytes())


@pytest.mark.parametrize("starts_after_s", [0.0, 1.3])
async def test_all_connections_are_open_when_the_load_begins(starts_after_s):
    """However late the server comes: none of them waits for its next try, and fails requests meanwhile."""

    class Echo(rpc.ModelServiceServicer):
        async def Predict(self, request, context):  # noqa: N802  # its name on the wire
            return pb.PredictResponse(values=request.values)

    async def start():
        await asyncio.sleep(starts_after_s)
        late = grpc.aio.server()
        rpc.add_ModelServiceServicer_to_server(Echo(), late)
        late.add_insecure_port(f"127.0.0.1:{port}")
        await late.start()
        return late

    (port,) = ports.free("127.0.0.1", 1)
    rows = np.ones((2, 8), np.float32)
    process: Any = SimpleNamespace(poll=lambda: None)
    server: Any = SimpleNamespace(name="echo", port=port)
    starting = asyncio.create_task(start())
    async with serving._grpc(port) as asker:
        ask = asker(rows, rows)
        await serving._ready(ask, process, server)
        cell = await measure(ask, os.getpid(), rows=2, clients=1, seconds=0.2)
    await (await starting).stop(0)
    assert cell.rows_per_s > 0
    assert cell.failed == 0


def test_the_network_has_golden_rows_that_are_its_answers(tmp_path):
    """Of the widths that figures are given for."""
    mlp.write(tmp_path / "network")
    golden = load_file(tmp_path / "network" / "golden.safetensors")
    tensors = load_file(tmp_path / "network" / "mlp.safetensors")
    layers = [(tensors[f"{n}.weight"], tensors[f"{n}.bias"]) for n in (0, 2, 4)]
    assert [layer[0].shape for layer in layers] == [(256, 64), (256, 256), (8, 256)]
    assert np.array_equal(mlp.answers(layers, golden["in.rows"]), golden["out.rows"])


def test_a_server_that_is_not_installed_has_a_row_that_says_so(monkeypatch):
    """And how to install it; the others are measured."""

    def missing(package):
        raise PackageNotFoundError

    monkeypatch.setattr(serving, "version", missing)
    done = CliRunner().invoke(app, ["bench", "serving", "--only", "mosec", "--json"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["mosec"] == {"missing": "pip install 'pitcall[bench]'"}
    told = CliRunner().invoke(app, ["bench", "serving", "--only", "mosec"])
    assert "mosec: not installed: pip install 'pitcall[bench]'" in told.stdout


def test_a_server_that_nobody_knows_is_refused():
    """With those that are known."""
    done = CliRunner().invoke(app, ["bench", "serving", "--only", "triton"])
    assert done.exit_code == 2
    assert "litserve, mosec, pitcall" in done.stderr
