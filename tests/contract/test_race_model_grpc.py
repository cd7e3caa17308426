"""The race model comes from the registry and is swapped while it is asked: real server, real sim worker, one store."""

import asyncio
import math
import re
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial

import grpc
import numpy as np
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from pitcall_model_server.server import ModelServer
from pitcall_model_server.settings import Settings
from pitcall_sim_worker.app import create_app
from pitcall_sim_worker.settings import Settings as SimSettings
from pitcall_sim_worker.simulator import Simulator

from pitcall.adapters.model import manifest as fit_manifest
from pitcall.adapters.model import named, save, shipped
from pitcall.adapters.objects import open_store, read_settings
from pitcall.adapters.registry import Shelf, describe, race_model, store_url
from pitcall.adapters.registry.package import DEFAULTS
from pitcall.domain.reducer import reduce_all, until_lap
from pitcall.errors import KnowledgeUnavailable
from pitcall.registry.alias import Alias
from pitcall.synth import synthesise
from pitcall.wire import convert
from pitcall.wire.v1 import model_pb2, model_pb2_grpc
from pitcall.wire.v1 import strategy_pb2 as pb
from pitcall.wire.v1 import strategy_pb2_grpc as rpc

pytestmark = pytest.mark.contract

NAME = race_model.NAME
STATE = convert.state_to_wire(reduce_all(until_lap(synthesise(7, cars=4, laps=12), 6)))
FORECAST = pb.ForecastRequest(state=STATE, seed=7, paths=64)
ADVISE = pb.AdviseRequest(state=STATE, car=STATE.cars[1].car, seed=7, budget=pb.Budget(first_paths=4, max_paths=32))
SHIPPED = shipped()
assert SHIPPED.ranks is not None
RANKS = SHIPPED.ranks
MANY = {name: np.tile(array, (60, *(1,) * (array.ndim - 1))) for name, array in RANKS.arrays().items()}
#: Sixty times as many networks: the same forecast, later.
SLOW = replace(SHIPPED, ranks=replace(RANKS, **MANY | {"mean": RANKS.mean, "sd": RANKS.sd}))
#: Overflows as soon as it is asked about a race.
WILD = replace(SHIPPED, ranks=replace(RANKS, out=RANKS.out * np.float32(1e37)))
OTHER = replace(SHIPPED, ranks=replace(RANKS, odds=RANKS.odds * np.float32(0.9)))


@pytest.fixture(autouse=True)
def own_home(tmp_path, monkeypatch):
    monkeypatch.setenv("PITCALL_HOME", str(tmp_path / "home"))


@pytest.fixture
def shelf():
    settings = read_settings()
    return Shelf(open_store(store_url(settings), settings), settings)


@pytest.fixture
def publish(tmp_path, shelf):
    """Stores a race model. Returns its version, and its name in provenance."""

    def make(model, *, golden=True, change=None):
        model = named(model)
        folder = tmp_path / model.version.replace("@", "-")
        save(folder, model, replace(fit_manifest(), version=model.version))
        if not golden:
            (folder / "golden.safetensors").unlink()
        if change is not None:
            change(folder)
        manifest = describe(NAME, folder, DEFAULTS[NAME].origin)
        shelf.publish(manifest, folder)
        return manifest.version, model.version

    return make


def no_documents():
    raise KnowledgeUnavailable("none in these tests")


@pytest.fixture
async def serving(serve_http):
    """Starts model servers in front of a sim worker; gives each with a channel."""
    chosen = SimSettings(threads=1)
    simulator = Simulator(chosen)
    await asyncio.to_thread(simulator.warm_up)
    async with serve_http(create_app(chosen, simulator)) as url:

        @asynccontextmanager
        async def start(**more):
            settings = Settings(port=0, sim_urls=url, watch_s=0.0, handbook=False, **more)
            server = ModelServer(settings, load=lambda: "cpu", documents=no_documents)
            port = await server.start()
            await server.load()
            try:
                async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
                    yield server, channel
            finally:
                await server.stop(0)

        yield start


async def model_of(channel):
    """Who answers, by provenance: each of three kinds of question says the same."""
    stub = rpc.StrategyServiceStub(channel)
    compared = await stub.Compare(
        pb.CompareRequest(state=STATE, car=ADVISE.car, seed=7, budget=ADVISE.budget, a=pb.Call(lap=8), b=pb.Call(lap=9))
    )
    advised = [message.provenance.model async for message in stub.Advise(ADVISE)]
    found = {(await stub.Forecast(FORECAST)).provenance.model, compared.provenance.model, *advised}
    assert len(found) == 1
    return found.pop()


class TestStart:
    async def test_the_package_serves_when_nothing_is_configured(self, serving):
        """No bucket, no account; health names the version."""
        async with serving() as (server, channel):
            assert await model_of(channel) == SHIPPED.version
            pointer = server.models.races.pointer(NAME)
            check = health_pb2.HealthCheckRequest(service=f"{NAME}@{pointer.blessed}")
            answer = await health_pb2_grpc.HealthStub(channel).Check(check)
            assert answer.status == health_pb2.HealthCheckResponse.SERVING
            stub = model_pb2_grpc.ModelServiceStub(channel)
            (one,) = (await stub.List(model_pb2.ListRequest())).models
            assert (one.name, one.version, one.source) == (NAME, pointer.blessed, "package")
            assert (one.role, one.percent, one.answered, one.failed) == (model_pb2.ROLE_BLESSED, 100.0, 3, 0)

    async def test_the_blessed_one_serves_and_a_folder_overrides_it(self, serving, publish, shelf, tmp_path):
        """With a folder nothing that is blessed is followed, and an attempt says why."""
        version, name = publish(OTHER)
        shelf.change(NAME, partial(Alias.bless, version=version, at=1.0))
        async with serving() as (_, channel):
            assert await model_of(channel) == name
        save(tmp_path / "mine", SHIPPED, fit_manifest())
        async with serving(model=tmp_path / "mine") as (server, channel):
            assert await server.models.watcher.round()
            assert await model_of(channel) == SHIPPED.version
            with pytest.raises(grpc.aio.AioRpcError, match="PITCALL_MODEL_MODEL"):
                await model_pb2_grpc.ModelServiceStub(channel).Bless(model_pb2.BlessRequest(name=NAME, version=version))

    @pytest.mark.parametrize(
        ("change", "why"),
        [
            (lambda folder: (folder / "form.json").write_text('{"races": 1}'), "is not the file that manifest.json"),
            (lambda folder: (folder / "parameters.json").unlink(), "is no race model: no parameters.json"),
        ],
        ids=["another form", "no parameters"],
    )
    async def test_a_model_that_is_none_is_refused_and_the_package_serves(
        self, serving, publish, shelf, caplog, change, why
    ):
        """At the start, and when it is followed."""
        version, _ = publish(OTHER, change=change)
        shelf.change(NAME, partial(Alias.bless, version=version, at=1.0))
        async with serving() as (server, channel):
            caplog.clear()
            await server.models.watcher.look(NAME)
            assert f"{NAME}: {version} is refused" in caplog.text
            assert why in caplog.text
            assert await model_of(channel) == SHIPPED.version


async def test_a_swap_drops_no_question_and_mixes_no_two_models(serving, publish):
    """Streams that began with the one end with it; after the swap only the other one answers."""
    version, name = publish(OTHER)
    async with serving() as (_, channel):
        stub = rpc.StrategyServiceStub(channel)

        async def asked():
            models = [message.provenance.model async for message in stub.Advise(ADVISE)]
            assert len(set(models)) == 1
            return models[0]

        questions = [asyncio.ensure_future(asked()) for _ in range(12)]
        await questions[0]
        await model_pb2_grpc.ModelServiceStub(channel).Bless(model_pb2.BlessRequest(name=NAME, version=version))
        assert set(await asyncio.gather(*questions)) <= {SHIPPED.version, name}
        assert await model_of(channel) == name


@pytest.mark.parametrize(
    ("model", "why"), [(WILD, "answered NaN|answers failed"), (SLOW, "times as long as")], ids=["NaN", "slow"]
)
async def test_a_bad_model_on_trial_is_rolled_back_by_itself_and_no_race_pays(serving, publish, shelf, model, why):
    """Within 30 s of traffic: every forecast is made of numbers, and in the end the blessed model makes all."""
    version, name = publish(model, golden=False)
    async with serving() as (server, channel), asyncio.timeout(30):
        stub = rpc.StrategyServiceStub(channel)
        good = server.models.races.pointer(NAME).blessed
        shelf.change(NAME, partial(Alias.bless, version=good, at=1.0))
        shelf.change(NAME, partial(Alias.try_out, version=version, percent=50.0, at=2.0))
        await server.models.watcher.look(NAME)
        seen = set()
        for race in map(str, range(10_000)):
            question = pb.ForecastRequest(state=STATE, seed=7, paths=64)
            question.state.race = race
            answer = await stub.Forecast(question)
            seen.add(answer.provenance.model)
            assert all(map(math.isfinite, answer.p_position))
            if shelf.alias(NAME)[0].canary is None:
                break
        assert seen == ({SHIPPED.version} if model is WILD else {SHIPPED.version, name})
        await server.models.watcher.settled()
        assert server.models.races.pointer(NAME).canary is None
    event = shelf.alias(NAME)[0].events[-1]
    assert (event.what, event.version) == ("canary ended", version)
    assert re.search(why, event.why)
