"""ModelService over real gRPC: networks from a store in a folder, swapped while they are asked."""

import asyncio
import os
import subprocess
import sys
import threading
from contextlib import asynccontextmanager, contextmanager
from itertools import count, cycle

import grpc
import numpy as np
import pytest
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_status import rpc_status  # type: ignore[import-untyped]  # it has no types
from pitcall_model_server.server import KNOWLEDGE, ModelServer
from pitcall_model_server.serving import network as networks
from pitcall_model_server.settings import Settings

from pitcall.adapters.registry import describe
from pitcall.cli import ports
from pitcall.cli.bench import mlp
from pitcall.registry.manifest import Origin
from pitcall.wire.v1 import model_pb2 as pb
from pitcall.wire.v1 import model_pb2_grpc as rpc
from tests.contract.memory import memory

pytestmark = pytest.mark.contract

NAME = "wear"
SIZES = (16, 32, 4)
SERVING, NOT_SERVING = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING
#: Who asks while versions are swapped.
CLIENTS = 16
#: Loads before the memory of the process counts.
SETTLING = 10
ROWS = np.random.default_rng(7).standard_normal((3, SIZES[0]), dtype=np.float32)


@pytest.fixture(autouse=True)
def own_home(tmp_path, monkeypatch):
    """A store and a cache for each test."""
    monkeypatch.setenv("PITCALL_HOME", str(tmp_path / "home"))


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    made = []
    for seed in range(4):
        made.append(tmp_path_factory.mktemp("networks") / str(seed))
        mlp.write(made[-1], SIZES, seed)
    return made


@pytest.fixture
def published(folders):
    """Versions in the store, the first one blessed."""
    return [mlp.publish(NAME, folder, bless=n == 0).version for n, folder in enumerate(folders)]


@asynccontextmanager
async def serving(**settings):
    """A model server that is ready, without advice, and a channel to it."""
    server = ModelServer(Settings(port=0, handbook=False, **{"serve": NAME} | settings), load=lambda: "cpu")
    port = await server.start()
    await server.load()
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield server, channel
    finally:
        await server.stop(0)


def asked(about=ROWS, **fields):
    """A question about these rows."""
    return pb.PredictRequest(**{"name": NAME, "rows": len(about), "values": about.astype("<f4").tobytes()} | fields)


async def refusal(call):
    """Status, name of the class, and the sentence."""
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await call
    found = dict(error.value.trailing_metadata())
    return error.value.code(), found.get("pitcall-error"), error.value.details()


async def health(channel, service):
    stub = health_pb2_grpc.HealthStub(channel)
    return (await stub.Check(health_pb2.HealthCheckRequest(service=service))).status


async def until(true):
    """Let everything else run until this holds."""
    while not true():  # noqa: ASYNC110  # it is a number in the server, nobody sets an event for it
        await asyncio.sleep(0)


def offline(folder):
    """What the network in a folder answers without a server."""
    return networks.load(folder, describe(NAME, folder, Origin("Apache-2.0", tolerance=mlp.TOLERANCE))).answer_all


class Stuck:
    """Passes of a version in memory that do not end before ``go``."""

    def __init__(self, server, version):
        (served,) = [one for one in server.versions.listed(NAME) if one.version == version]
        self.batcher, self._answer = served.batcher, served.network.answer
        served.network.answer = self.answer
        self.begun, self.go, self.passes = threading.Event(), threading.Event(), 0

    def answer(self, parts):
        self.passes += 1
        self.begun.set()
        assert self.go.wait(10)
        return self._answer(parts)


class TestPredict:
    async def test_answers_with_the_blessed_version_and_names_it(self, folders, published):
        """Bit for bit what the network answers offline, one row or many."""
        many = np.random.default_rng(1).standard_normal((700, SIZES[0]), dtype=np.float32)
        async with serving() as (_, channel):
            stub = rpc.ModelServiceStub(channel)
            for rows in (ROWS, ROWS[:1], many):
                answer = await stub.Predict(asked(rows))
                assert (answer.version, answer.rows) == (published[0], len(rows))
                assert answer.values == offline(folders[0])(rows).tobytes()
                assert answer.compute_ms > 0

    async def test_a_version_can_be_asked_for_by_name(self, folders, published):
        """Once it is loaded; before, the error says so."""
        async with serving() as (_, channel):
            stub = rpc.ModelServiceStub(channel)
            question = asked(version=published[2])
            assert (await refusal(stub.Predict(question)))[:2] == (grpc.StatusCode.NOT_FOUND, "NotFound")
            await stub.Load(pb.LoadRequest(name=NAME, version=published[2]))
            answer = await stub.Predict(question)
            assert (answer.version, answer.values) == (published[2], offline(folders[2])(ROWS).tobytes())

    @pytest.mark.parametrize(
        ("fields", "code", "told"),
        [
            ({"name": "other"}, "NOT_FOUND", "no version of 'other' answers here"),
            ({"rows": 0}, "INVALID_ARGUMENT", "are not 0 rows of float32"),
            ({"rows": 5}, "INVALID_ARGUMENT", "192 bytes are not 5 rows of float32"),
            ({"values": b""}, "INVALID_ARGUMENT", "0 bytes are not 3 rows"),
            ({"rows": 1}, "INVALID_ARGUMENT", "takes one or more rows of 16 numbers"),
            ({"values": b"\xff" * 192}, "INVALID_ARGUMENT", "row 0 for wear"),
        ],
    )
    async def test_a_wrong_question_gets_a_typed_status(self, published, fields, code, told):
        """And one sentence."""
        async with serving() as (_, channel):
            found = await refusal(rpc.ModelServiceStub(channel).Predict(asked(**fields)))
            assert found[0] is grpc.StatusCode[code]
            assert told in found[2]

    async def test_before_it_has_loaded_the_server_says_so(self):
        """Retryable: it will."""
        server = ModelServer(Settings(port=0), load=lambda: "cpu")
        async with grpc.aio.insecure_channel(f"127.0.0.1:{await server.start()}") as channel:
            found = await refusal(rpc.ModelServiceStub(channel).Predict(asked()))
            assert found[:2] == (grpc.StatusCode.UNAVAILABLE, "ModelServerUnavailable")
        await server.stop(0)


class TestPressure:
    async def test_a_full_queue_is_resource_exhausted_with_retry_info(self, published):
        """As our own clients read it, and as google.rpc.RetryInfo."""
        async with serving(queue_rows=4) as (server, channel):
            stub, stuck = rpc.ModelServiceStub(channel), Stuck(server, published[0])
            first = asyncio.ensure_future(stub.Predict(asked()))
            await asyncio.to_thread(stuck.begun.wait, 10)
            waiting = [asyncio.ensure_future(stub.Predict(asked())) for _ in range(2)]
            await until(lambda: stuck.batcher.waiting == 6)
            with pytest.raises(grpc.aio.AioRpcError) as error:
                await stub.Predict(asked())
            assert error.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
            metadata = dict(error.value.trailing_metadata())
            info = error_details_pb2.RetryInfo()
            details = rpc_status.from_call(_Sync(error.value)).details
            assert details[0].Unpack(info)
            assert 0 < info.retry_delay.ToTimedelta().total_seconds() == pytest.approx(float(metadata["retry-after"]))
            stuck.go.set()
            assert [answer.rows for answer in await asyncio.gather(first, *waiting)] == [3, 3, 3]

    async def test_a_deadline_and_a_cancellation_reach_the_batch(self, published):
        """A question that was taken back, or whose time is over, is in no pass that begins after it."""
        async with serving() as (server, channel):
            stub, stuck = rpc.ModelServiceStub(channel), Stuck(server, published[0])
            first = asyncio.ensure_future(stub.Predict(asked()))
            await asyncio.to_thread(stuck.begun.wait, 10)
            gone = stub.Predict(asked())
            late = asyncio.ensure_future(refusal(stub.Predict(asked(), timeout=1.0)))
            await until(lambda: stuck.batcher.waiting == 6)
            gone.cancel()
            assert (await late)[0] is grpc.StatusCode.DEADLINE_EXCEEDED
            await until(lambda: not stuck.batcher.waiting)
            stuck.go.set()
            assert (await first).rows == 3
            assert stuck.passes == 1

    async def test_work_that_cannot_end_in_time_is_refused_before_it_begins(self, published):
        """By the time of earlier passes: the caller hears it at once, not after its deadline."""
        async with serving() as (server, channel):
            stub = rpc.ModelServiceStub(channel)
            await stub.Predict(asked())
            (served,) = server.versions.listed(NAME)
            served.batcher._least_s = 60.0
            found = await refusal(stub.Predict(asked(), timeout=5.0))
            assert found[:2] == (grpc.StatusCode.DEADLINE_EXCEEDED, "DeadlineExceeded")
            assert served.answered == 1


class TestVersions:
    async def test_list_and_health_say_what_is_in_memory(self, published):
        """Per name and version; gone means gone."""
        async with serving() as (server, channel):
            stub = rpc.ModelServiceStub(channel)
            await stub.Load(pb.LoadRequest(name=NAME, version=published[1]))
            await server.versions.canary(NAME, published[2], 5.0)
            await stub.Predict(asked())
            found = {one.version: one for one in (await stub.List(pb.ListRequest())).models}
            assert [pb.Role.Name(found[version].role) for version in published[:3]] == [
                "ROLE_BLESSED",
                "ROLE_SPARE",
                "ROLE_CANARY",
            ]
            one = found[published[0]]
            assert (one.inputs, one.outputs, one.answered, one.failed, one.percent) == (16, 4, 1, 0, 95.0)
            assert one.bytes == 4 * (16 * 32 + 32 + 32 * 4 + 4)
            assert one.buckets[0] == networks.BUCKETS[0]
            assert [await health(channel, f"{NAME}@{version}") for version in published[:3]] == [SERVING] * 3
            await stub.Unload(pb.UnloadRequest(name=NAME, version=published[1]))
            assert await health(channel, f"{NAME}@{published[1]}") == NOT_SERVING
            assert {one.version for one in (await stub.List(pb.ListRequest(name=NAME))).models} == {
                published[0],
                published[2],
            }

    async def test_what_answers_is_not_unloaded(self, published):
        """The only version there is."""
        async with serving() as (_, channel):
            found = await refusal(
                rpc.ModelServiceStub(channel).Unload(pb.UnloadRequest(name=NAME, version=published[0]))
            )
            assert found[:2] == (grpc.StatusCode.INVALID_ARGUMENT, "InvalidRequest")

    async def test_a_network_that_is_not_named_in_the_settings_can_be_loaded(self, published):
        """Without a version it is the blessed one, which then answers."""
        async with serving(serve="") as (_, channel):
            stub = rpc.ModelServiceStub(channel)
            assert (await refusal(stub.Predict(asked())))[0] is grpc.StatusCode.NOT_FOUND
            model = (await stub.Load(pb.LoadRequest(name=NAME))).model
            assert (model.version, model.role, model.source) == (published[0], pb.ROLE_BLESSED, "store")
            assert (await stub.Predict(asked())).version == published[0]

    async def test_a_damaged_version_is_refused_and_the_old_one_answers(self, published, tmp_path):
        """One flipped bit in the store: DATA_LOSS or FAILED_PRECONDITION with the reason."""
        (stored,) = (tmp_path / "home").rglob(f"{published[1]}/files/{networks.WEIGHTS}")
        content = bytearray(stored.read_bytes())
        content[-1] ^= 1
        stored.write_bytes(content)
        async with serving() as (_, channel):
            stub = rpc.ModelServiceStub(channel)
            code, name, told = await refusal(stub.Load(pb.LoadRequest(name=NAME, version=published[1])))
            assert code in {grpc.StatusCode.DATA_LOSS, grpc.StatusCode.FAILED_PRECONDITION}
            assert name in {"Corrupt", "ModelRefused"}
            assert published[1] in told
            assert (await stub.Predict(asked())).version == published[0]


@pytest.mark.parametrize(
    ("swaps", "requests"), [(5, 500), pytest.param(50, 10_000, marks=pytest.mark.soak)], ids=["short", "long"]
)
async def test_swaps_under_load_fail_nobody(folders, published, swaps, requests):
    """Every request is answered, by exactly one version: all its rows have the bytes of the version that it names."""
    rows = np.random.default_rng(2).standard_normal((300, SIZES[0]), dtype=np.float32)  # two passes
    expected = {version: offline(folder)(rows).tobytes() for version, folder in zip(published, folders, strict=True)}
    assert len(set(expected.values())) == len(folders)
    numbers, seen, swapped = count(), dict.fromkeys(published, 0), asyncio.Event()
    failed: list[grpc.aio.AioRpcError] = []
    async with serving() as (server, channel):
        stub = rpc.ModelServiceStub(channel)

        async def client():
            while next(numbers) < requests or not swapped.is_set():
                try:
                    answer = await stub.Predict(asked(rows))
                except grpc.aio.AioRpcError as exc:
                    failed.append(exc)
                    continue
                assert answer.values == expected[answer.version]
                seen[answer.version] += 1

        async def swapper():
            for number, version in zip(range(swaps), cycle(published[1:] + published[:1])):
                due = requests * number / swaps
                await until(lambda due=due: sum(seen.values()) + len(failed) >= due)
                await server.versions.serve(NAME, version)
                before = seen[version]
                await until(lambda version=version, before=before: failed or seen[version] > before)
            swapped.set()

        await asyncio.gather(swapper(), *(client() for _ in range(CLIENTS)))
    assert failed == []
    assert (
        sum(seen.values()) == next(numbers) - CLIENTS >= requests
    )  # each client stops at a number that it does not ask
    assert all(seen.values())


@pytest.mark.soak
def test_memory_does_not_grow_with_loads(tmp_path):
    """200 times into memory and out: at no time 5 % more than before. A process of its own is measured."""
    versions = []
    for seed in range(2):
        mlp.write(tmp_path / str(seed), (64, 1024, 1024, 8), seed)
        versions.append(mlp.publish(NAME, tmp_path / str(seed), bless=seed == 0).version)
    one = {"name": NAME, "version": versions[1]}
    with process() as (pid, channel):
        stub = rpc.ModelServiceStub(channel)
        sizes = []
        for _ in range(SETTLING + 200):
            stub.Load(pb.LoadRequest(**one))
            stub.Predict(asked(np.ones((1, 64), np.float32), **one))
            stub.Unload(pb.UnloadRequest(**one))
            sizes.append(memory(pid)["VmRSS"])
    before, *after = sizes[SETTLING - 1 :]
    assert max(after) < 1.05 * before, f"{before:,} -> {max(after):,} bytes"


@contextmanager
def process():
    """The process id of a model server that serves ``NAME`` and has its documents open, and a channel to it.

    Its threads share one heap: else each keeps memory of its own from its first load on, whenever that is.
    """
    (port,) = ports.free("127.0.0.1", 1)
    settings = {
        "PITCALL_MODEL_PORT": str(port),
        "PITCALL_MODEL_SERVE": NAME,
        "PITCALL_MODEL_HANDBOOK": "false",
        "MALLOC_ARENA_MAX": "1",
    }
    command = [sys.executable, "-m", "pitcall_model_server"]
    with subprocess.Popen(command, env=os.environ | settings, stderr=subprocess.DEVNULL) as server:
        try:
            with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
                watched = health_pb2_grpc.HealthStub(channel).Watch(
                    health_pb2.HealthCheckRequest(service=KNOWLEDGE), wait_for_ready=True, timeout=60
                )
                assert any(one.status == SERVING for one in watched)
                yield server.pid, channel
        finally:
            server.terminate()


class _Sync:
    """An AioRpcError as ``grpc_status`` wants a call."""

    def __init__(self, error):
        self.code, self.details, self.trailing_metadata = error.code, error.details, error.trailing_metadata
