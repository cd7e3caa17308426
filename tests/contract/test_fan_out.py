"""One question over several sim workers: real processes with the shipped kernel, real HTTP, real gRPC in front."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import aclosing, contextmanager
from dataclasses import replace

import grpc
import httpx
import numpy as np
import pytest
from pitcall_model_server.fan_out import Fleet
from pitcall_model_server.server import ModelServer
from pitcall_model_server.settings import Settings
from pitcall_model_server.sim_client import SimClient

from pitcall import forecast as model
from pitcall.adapters.model import shipped
from pitcall.domain.reducer import reduce_all, until_lap
from pitcall.errors import DeadlineExceeded, SimulatorUnavailable
from pitcall.sim.messages import Budget, DecideRequest, Decision, ForecastRequest
from pitcall.synth import synthesise
from pitcall.wire import convert, reply
from pitcall.wire.v1 import strategy_pb2 as pb
from pitcall.wire.v1 import strategy_pb2_grpc as rpc

pytestmark = pytest.mark.contract

STATE = reduce_all(until_lap(synthesise(7, cars=6, laps=16), 6))
CAR = STATE.order()[1].car
RACE = model.read(STATE, model=shipped()).race
CALLS = model.candidates(STATE, CAR)
#: Never resolved, so it plays every round.
QUESTION = DecideRequest(RACE, CAR, CALLS, 2**64 - 1, Budget(64, 512, 0.0), by_rule=True)
#: Plays for many seconds unless it is stopped.
LONG = replace(QUESTION, budget=Budget(64, 65_536, 0.0))


class Process:
    """A sim worker as it is shipped, on a port of its own."""

    def __init__(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self._child = subprocess.Popen(
            [sys.executable, "-m", "pitcall_sim_worker"],
            env=os.environ | {"PITCALL_SIM_PORT": str(port), "PITCALL_SIM_THREADS": "1"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def send(self, number: int) -> None:
        self._child.send_signal(number)

    def kill(self) -> None:
        self._child.kill()
        self._child.wait()

    def wait_ready(self) -> "Process":
        pause = threading.Event()
        for _ in range(2_000):
            try:
                if httpx.get(f"{self.url}/ready", timeout=2).status_code == 200:
                    return self
            except httpx.HTTPError:
                pass
            pause.wait(0.02)
        raise AssertionError("the sim worker is not ready after 40 s")


@contextmanager
def processes(count: int):
    started = [Process() for _ in range(count)]
    try:
        yield [process.wait_ready() for process in started]
    finally:
        for process in started:
            process.kill()


@pytest.fixture(scope="module")
def three():
    """Three workers that every test finds alive and leaves alive."""
    with processes(3) as running:
        yield running


@pytest.fixture
def mortal():
    """Three workers to be killed."""
    with processes(3) as running:
        yield running


@pytest.fixture
async def simulators():
    """Makes what the model server would for these addresses; closes it after the test."""
    made = []

    def make(*urls):
        clients = [SimClient(url) for url in urls]
        made.append(clients[0] if len(clients) == 1 else Fleet(clients))
        return made[-1]

    yield make
    for simulator in made:
        await simulator.close()


def timeless(answer):
    return replace(answer, compute_ms=0.0)


async def decisions(simulator, request=QUESTION, deadline_s=60.0):
    return [timeless(decision) async for decision in simulator.decide(request, deadline_s)]


class TestSameBits:
    async def test_a_decision_over_three_workers_is_that_of_one(self, three, simulators):
        """Every refinement, every probability, bit for bit."""
        urls = [process.url for process in three]
        expected = await decisions(simulators(urls[0]))
        assert len(expected) == 4
        assert await decisions(simulators(*urls)) == expected

    async def test_a_forecast_over_three_workers_is_that_of_one(self, three, simulators):
        """Cut at other places, joined to the same table."""
        urls, ask = [process.url for process in three], ForecastRequest(RACE, 7, 700)
        expected = await simulators(urls[0]).places(ask, 60.0)
        assert np.array_equal(await simulators(*urls).places(ask, 60.0), expected)

    async def test_advice_over_grpc_is_that_of_one_worker(self, three):
        """From a question to every figure of its answer; the times of the hops add up."""
        question = pb.AdviseRequest(
            state=convert.state_to_wire(STATE), car=CAR, seed=7, budget=pb.Budget(first_paths=64, max_paths=256)
        )
        urls = [process.url for process in three]
        *_, one = await advice(urls[0], question)
        began = time.perf_counter()
        *_, several = await advice(",".join(urls), question)
        total_ms = (time.perf_counter() - began) * 1e3
        assert timeless(several.decision) == timeless(one.decision)
        assert several.timings.sim_worker_ms > 0
        assert several.timings.model_server_ms > 0
        assert several.timings.sim_worker_ms + several.timings.model_server_ms <= total_ms


async def advice(urls, question):
    """All advice of a model server in front of these workers."""
    server = ModelServer(Settings(port=0, sim_urls=urls), load=lambda: "cpu")
    port = await server.start()
    await server.load()
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            call = rpc.StrategyServiceStub(channel).Advise(question, timeout=60)
            return [reply.advice_from_wire(message) async for message in call]
    finally:
        await server.stop(0)


class TestLoss:
    async def test_a_worker_killed_during_a_decision_changes_no_bit(self, mortal, simulators):
        """Kill -9 after the first answer: the others play its part, and nobody sees it. The last one does it alone."""
        several = simulators(*(process.url for process in mortal))
        for victim, seed in ((0, 1), (1, 2)):
            request = replace(QUESTION, seed=seed, budget=Budget(64, 4_096, 0.0))
            got: list[Decision] = []
            async with aclosing(several.decide(request, 60.0)) as stream:
                async for decision in stream:
                    if not got:
                        mortal[victim].kill()
                    got.append(timeless(decision))
            assert got == await decisions(simulators(mortal[2].url), request)

    async def test_a_worker_that_hangs_changes_no_bit(self, three, simulators):
        """SIGSTOP: the connection stands, nothing comes. After a while another one gets its part."""
        request, urls = replace(QUESTION, seed=3), [process.url for process in three]
        expected = await decisions(simulators(urls[0]), request)
        three[1].send(signal.SIGSTOP)
        try:
            assert await decisions(simulators(*urls), request, 20.0) == expected
        finally:
            three[1].send(signal.SIGCONT)

    async def test_when_all_die_it_is_a_retryable_error_in_time(self, mortal, simulators):
        """SimulatorUnavailable, long before the deadline."""
        began = time.perf_counter()
        async with aclosing(simulators(*(process.url for process in mortal)).decide(LONG, 20.0)) as stream:
            await anext(stream)
            for process in mortal:
                process.kill()
            with pytest.raises(SimulatorUnavailable):
                [decision async for decision in stream]
        assert time.perf_counter() - began < 10.0

    async def test_when_all_hang_the_deadline_ends_it(self, three, simulators):
        """DeadlineExceeded at the deadline: nobody waits for a worker for ever. Best of two, for a busy machine."""
        simulator = simulators(*(process.url for process in three))
        for process in three:
            process.send(signal.SIGSTOP)
        try:
            took = []
            for seed in (5, 6):
                began = time.perf_counter()
                with pytest.raises(DeadlineExceeded):
                    await decisions(simulator, replace(QUESTION, seed=seed), 1.0)
                took.append(time.perf_counter() - began)
            assert min(took) < 1.5, took
        finally:
            for process in three:
                process.send(signal.SIGCONT)


class TestCancel:
    async def test_leaving_stops_all_workers(self, three, simulators):
        """What would play for a minute is over at once: each worker answers a small question."""
        stream = simulators(*(process.url for process in three)).decide(LONG, 60.0)
        async with aclosing(stream):
            await anext(stream)
        began = time.perf_counter()
        for process in three:
            await simulators(process.url).places(ForecastRequest(RACE, 7, 64), 10.0)
        assert time.perf_counter() - began < 2.0


@pytest.fixture
def slow(three):
    """The address of a worker behind a line that takes 60 ms each way."""
    name = "toxiproxy-server"
    binary = shutil.which(name) or shutil.which(name, path=os.environ.get("PITCALL_TEST_BIN", ""))
    if binary is None:
        pytest.skip(f"no {name} on PATH or in PITCALL_TEST_BIN")
    with socket.create_server(("127.0.0.1", 0)) as free, socket.create_server(("127.0.0.1", 0)) as other:
        api, port = free.getsockname()[1], other.getsockname()[1]
    child = subprocess.Popen([binary, "-port", str(api)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        transport = httpx.HTTPTransport(retries=8)
        with httpx.Client(transport=transport, base_url=f"http://127.0.0.1:{api}") as client:
            upstream = three[2].url.removeprefix("http://")
            proxy = {"name": "slow", "listen": f"127.0.0.1:{port}", "upstream": upstream}
            client.post("/proxies", json=proxy).raise_for_status()
            toxic = {"type": "latency", "attributes": {"latency": 60}}
            client.post("/proxies/slow/toxics", json=toxic).raise_for_status()
        yield f"http://127.0.0.1:{port}"
    finally:
        child.kill()
        child.wait()


async def test_a_slow_line_changes_no_bit(three, slow, simulators):
    """Only the time of the answer."""
    request = replace(QUESTION, seed=4)
    expected = await decisions(simulators(three[0].url), request)
    assert await decisions(simulators(three[0].url, three[1].url, slow), request) == expected
