"""What is blessed is followed, what is bad is refused or rolled back: real servers over one store in a folder."""

import asyncio
import hashlib
import itertools
import logging
import pickle
import re
import threading
import time
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import grpc
import numpy as np
import pytest
from pitcall_model_server.server import ModelServer
from pitcall_model_server.settings import Settings
from safetensors.numpy import load_file, save, save_file

from pitcall.adapters.objects import open_store, read_settings
from pitcall.adapters.registry import Shelf, describe, store_url
from pitcall.errors import KnowledgeUnavailable
from pitcall.registry.alias import Alias
from pitcall.registry.manifest import File, Manifest, Origin, version_of
from pitcall.registry.tensors import Tensor
from pitcall.wire.v1 import model_pb2 as pb
from pitcall.wire.v1 import model_pb2_grpc as rpc

pytestmark = pytest.mark.contract

NAME = "wear"
ORIGIN = Origin("Apache-2.0", tolerance=1e-4)
#: Within which a bad version on trial must be gone, s.
WITHIN_S = 30.0
ROWS = np.ones((2, 16), np.float32)


@pytest.fixture(autouse=True)
def own_home(tmp_path, monkeypatch):
    monkeypatch.setenv("PITCALL_HOME", str(tmp_path / "home"))


@pytest.fixture
def shelf():
    settings = read_settings()
    return Shelf(open_store(store_url(settings), settings), settings)


@pytest.fixture
def publish(tmp_path, shelf):
    """Stores a network; other weights are another version."""

    def make(seed, *, hidden=32, scale=0.1):
        folder = tmp_path / f"network-{seed}"
        folder.mkdir()
        random = np.random.default_rng(seed)
        sizes = (16, hidden, hidden, 4)
        weights = {}
        for n, (inputs, outputs) in enumerate(itertools.pairwise(sizes)):
            weights[f"{n}.weight"] = scale * random.standard_normal((outputs, inputs), np.float32)
            weights[f"{n}.bias"] = np.zeros(outputs, np.float32)
        save_file(weights, folder / "mlp.safetensors")
        zeros = np.zeros((1, 16), np.float32)
        save_file({"in.rows": zeros, "out.rows": zeros[:, :4]}, folder / "golden.safetensors")
        manifest = describe(NAME, folder, ORIGIN)
        shelf.publish(manifest, folder)
        return manifest.version

    return make


@pytest.fixture
def good(publish, shelf):
    version = publish(0)
    shelf.change(NAME, partial(Alias.bless, version=version, at=1.0))
    return version


def no_documents():
    raise KnowledgeUnavailable("none in these tests")


@asynccontextmanager
async def serving(**settings):
    """A server of networks, its watcher, and a stub."""
    chosen: dict[str, Any] = {"port": 0, "handbook": False, "serve": NAME, "watch_s": 0.0} | settings
    server = ModelServer(Settings(**chosen), load=lambda: "cpu", documents=no_documents)
    port = await server.start()
    await server.load()
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield server.models.watcher, rpc.ModelServiceStub(channel)
    finally:
        await server.stop(0)


def question(race="", rows=ROWS):
    return pb.PredictRequest(name=NAME, race=race, rows=len(rows), values=rows.tobytes())


async def refusal(call):
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await call
    return error.value.code().name, dict(error.value.trailing_metadata())["pitcall-error"], error.value.details()


class TestFollowing:
    async def test_a_server_follows_what_is_blessed_elsewhere_without_a_failed_question(self, publish, good, shelf):
        """Every answer comes from the one or the other; then all come from the new one."""
        new = publish(1)
        async with serving(watch_s=0.05) as (_, stub), asyncio.timeout(10):
            assert (await stub.Predict(question())).version == good
            shelf.change(NAME, partial(Alias.bless, version=new, at=2.0))
            seen = [good]
            while seen[-1] != new:
                seen.append((await stub.Predict(question())).version)
            assert set(seen) == {good, new}

    async def test_bless_and_rollback_take_effect_at_once(self, publish, good, shelf):
        """Here with the answer of the RPC; elsewhere with the next look."""
        new = publish(1)
        async with serving() as (_, stub), serving() as (other, there):
            blessed = await stub.Bless(pb.BlessRequest(name=NAME, version=new, why="better"))
            assert (blessed.blessed, list(blessed.previous)) == (new, [good])
            assert [(await one.Predict(question())).version for one in (stub, there)] == [new, good]
            await other.look(NAME)
            assert (await there.Predict(question())).version == new
            back = await there.Rollback(pb.RollbackRequest(name=NAME, why="slow"))
            assert (back.blessed, (await there.Predict(question())).version) == (good, good)
            assert shelf.alias(NAME)[0].events[-1].why == "slow"
            assert (await refusal(stub.Rollback(pb.RollbackRequest(name=NAME))))[:2] == (
                "INVALID_ARGUMENT",
                "InvalidRequest",
            )

    async def test_of_two_who_bless_at_once_one_wins(self, publish, good, shelf, monkeypatch):
        """Both have read the same alias; the other one is told so and nothing of it is written."""
        one, two = publish(1), publish(2)
        both, read, reader = threading.Event(), Shelf.alias, itertools.count(1)

        def together(self, name):
            found = read(self, name)
            if name == NAME and (number := next(reader)) <= 2:
                if number == 2:
                    both.set()
                assert both.wait(10)
            return found

        async with serving() as (_, left), serving() as (_, right):
            monkeypatch.setattr(Shelf, "alias", together)
            calls = (
                left.Bless(pb.BlessRequest(name=NAME, version=one)),
                right.Bless(pb.BlessRequest(name=NAME, version=two)),
            )
            found = await asyncio.gather(*calls, return_exceptions=True)
        (lost,) = [one for one in found if isinstance(one, grpc.aio.AioRpcError)]
        assert lost.code() is grpc.StatusCode.ABORTED
        (won,) = [one for one in found if isinstance(one, pb.AliasResponse)]
        alias, _ = read(shelf, NAME)
        assert (alias.blessed, alias.previous) == (won.blessed, (good,))


class TestRollback:
    @pytest.mark.parametrize(
        ("bad", "why"),
        [({"scale": 1e16}, "it answered NaN where"), ({"hidden": 1500, "scale": 1e-3}, "times as long as")],
        ids=["NaN", "slow"],
    )
    async def test_a_bad_version_on_trial_is_rolled_back_by_itself(self, publish, good, shelf, caplog, bad, why):
        """It passed all checks when it was loaded. No question fails, and the alias says what happened."""
        new = publish(1, **bad)
        began = time.monotonic()
        rows = 1e6 * ROWS
        async with serving() as (_, stub), asyncio.timeout(WITHIN_S):
            await stub.Bless(pb.BlessRequest(name=NAME, version=new, percent=50.0))
            answers = 0
            while shelf.alias(NAME)[0].canary is not None:
                asked = [question(f"race {answers + n}", rows) for n in range(8)]
                assert {one.version for one in await asyncio.gather(*map(stub.Predict, asked))} <= {good, new}
                answers += len(asked)
            assert {(await stub.Predict(question(f"race {n}", rows))).version for n in range(20)} == {good}
        assert time.monotonic() - began < WITHIN_S
        alias, _ = shelf.alias(NAME)
        assert (alias.blessed, alias.events[-1].what, alias.events[-1].version) == (good, "canary ended", new)
        assert why in alias.events[-1].why
        assert f"{NAME}: {new} is withdrawn" in caplog.text

    async def test_a_good_version_on_trial_stays(self, publish, good, shelf):
        """A thousand answers of two like versions are no alarm."""
        new = publish(1)
        async with serving() as (_, stub):
            await stub.Bless(pb.BlessRequest(name=NAME, version=new, percent=50.0))
            for n in range(0, 1000, 20):
                found = await asyncio.gather(*(stub.Predict(question(f"race {n + k}")) for k in range(20)))
                assert {one.version for one in found} == {good, new}
            assert shelf.alias(NAME)[0].canary is not None


def damaged(change):
    """A stored file of which ``change`` makes another one, under the manifest of the good one."""

    def make(shelf, publish, root):
        version = publish(1)
        path = root / "models" / NAME / version / "files" / "mlp.safetensors"
        path.write_bytes(change(path.read_bytes()))
        return version

    return make


def forged(change, path="mlp.safetensors"):
    """A version whose manifest vouches for a file that ``change`` makes of good weights."""

    def make(shelf, publish, root):
        folder = root / "models" / NAME / publish(1) / "files"
        content = change(load_file(folder / "mlp.safetensors"))
        manifest = as_manifest({path: content, "golden.safetensors": (folder / "golden.safetensors").read_bytes()})
        files = {file.path: file for file in manifest.files}
        target = root / "models" / NAME / manifest.version
        (target / "files").mkdir(parents=True)
        for name in files:
            inside = (target / "files" / name).resolve()
            if inside.is_relative_to(target.resolve()):
                inside.write_bytes(content if name == path else (folder / name).read_bytes())
        (target / "manifest.json").write_bytes(manifest.to_json())
        return manifest.version

    return make


def as_manifest(contents):
    files = tuple(
        File(name, len(content), hashlib.sha256(content).hexdigest()) for name, content in sorted(contents.items())
    )
    tensors = {
        "golden.safetensors": {"in.rows": Tensor("F32", (1, 16)), "out.rows": Tensor("F32", (1, 4))},
        "mlp.safetensors": {
            **{f"{n}.weight": Tensor("F32", shape) for n, shape in enumerate(((32, 16), (32, 32), (4, 32)))},
            **{f"{n}.bias": Tensor("F32", (size,)) for n, size in enumerate((32, 32, 4))},
        },
    }
    return Manifest(NAME, version_of(files), 0.0, "0", ORIGIN, files, tensors)


def flip(content):
    return content[:-1] + bytes([content[-1] ^ 1])


def with_nan(weights):
    weights["0.weight"][3, 3] = np.nan
    return save(weights)


def with_header(text):
    return len(text).to_bytes(8, "little") + text


def outside(weights):
    return save({"../../weights": weights["0.weight"]})


HOSTILE = {
    "flipped bit": (damaged(flip), "Corrupt", "the bytes were changed"),
    "truncated": (damaged(lambda content: content[:-100]), "Corrupt", "it is cut off"),
    "NaN weights": (forged(with_nan), "ModelRefused", "a weight is NaN or infinite"),
    "wrong shape": (
        forged(lambda weights: save(weights | {"0.weight": weights["0.weight"].T.copy()})),
        "ModelRefused",
        r"F32 of shape \[16, 32\], the manifest names F32 of shape \[32, 16\]",
    ),
    "bomb in the header": (
        forged(lambda _: (1 << 40).to_bytes(8, "little") + b"{}"),
        "ModelRefused",
        "its header claims 1,099,511,627,776 bytes",
    ),
    "deep header": (forged(lambda _: with_header(b'{"a":' * 50_000)), "ModelRefused", "is nested too deep"),
    "tensor outside": (forged(outside), "ModelRefused", "it leads out of its folder"),
    "file outside": (
        forged(save, path="../mlp.safetensors"),
        "ModelRefused",
        "it leads out of its folder, or is no plain name",
    ),
    "renamed pickle": (forged(lambda _: pickle.dumps({"w": [1.0] * 99})), "ModelRefused", "is a pickle, whatever"),
    "other answers": (
        forged(lambda weights: save(weights | {"2.bias": weights["2.bias"] + np.float32(1)})),
        "ModelRefused",
        "for the golden rows differ by 1",
    ),
}


@pytest.mark.parametrize(("make", "kind", "why"), HOSTILE.values(), ids=HOSTILE)
async def test_what_is_hostile_is_refused_with_its_own_message_and_the_old_version_serves(
    publish, good, shelf, tmp_path, caplog, make, kind, why
):
    """Also if somebody writes it into the alias by hand, past every check."""
    bad = make(shelf, publish, tmp_path / "home" / "objects")
    async with serving() as (watcher, stub):
        code, name, _ = await refusal(stub.Bless(pb.BlessRequest(name=NAME, version=bad)))
        assert (code, name) in {("DATA_LOSS", "Corrupt"), ("FAILED_PRECONDITION", "ModelRefused")}, kind
        shelf.change(NAME, partial(Alias.bless, version=bad, at=2.0))
        with caplog.at_level(logging.ERROR):
            await watcher.look(NAME)
        assert re.search(rf"{NAME}: {bad} is refused, {good} goes on: .*{why}", caplog.text), caplog.text
        assert (await stub.Predict(question())).version == good
        caplog.clear()
        await watcher.look(NAME)
        assert caplog.text == "", "it is not fetched again before somebody chooses it again"
