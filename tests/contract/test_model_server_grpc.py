"""The model server over real gRPC, with a real sim worker behind it over real HTTP."""

import asyncio
import socket
import threading
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace

import grpc
import numpy as np
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from pitcall_model_server.server import SERVICES, ModelServer
from pitcall_model_server.settings import Settings
from pitcall_sim_worker.app import create_app
from pitcall_sim_worker.settings import Settings as SimSettings
from pitcall_sim_worker.simulator import NumbaKernel, Simulator

from pitcall import forecast as model
from pitcall.adapters.model import shipped
from pitcall.domain.reducer import reduce_all, until_lap
from pitcall.learned.outlook import outlook as learned_outlook
from pitcall.sim import decision as loop
from pitcall.sim.engine import Engine
from pitcall.sim.messages import Budget, DecideRequest, Decision, Option
from pitcall.synth import synthesise
from pitcall.wire import convert, reply
from pitcall.wire.request import MAX_MESSAGE
from pitcall.wire.v1 import strategy_pb2 as pb
from pitcall.wire.v1 import strategy_pb2_grpc as rpc

from .kernels import Held

pytestmark = pytest.mark.contract

SERVING, NOT_SERVING = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING
EVENTS = synthesise(7, cars=4, laps=12)
STATE = reduce_all(until_lap(EVENTS, 6))
CAR = STATE.order()[1].car
BUDGET = pb.Budget(first_paths=4, max_paths=32, indifference=1e-9)
QUESTION = pb.AdviseRequest(state=convert.state_to_wire(STATE), car=CAR, seed=7, budget=BUDGET)
SCREEN = Decision((Option(None, None, 1.5, (0.5, 0.5), 0.0, 0.0, 16),), 0, False, 1, 16)


def stuck(_threads):
    return Held(SCREEN)


@asynccontextmanager
async def sim_worker(serve_http, kernel, port=0, **settings):
    """A warm sim worker; its URL."""
    chosen = SimSettings(threads=1, **settings)
    simulator = Simulator(chosen, kernel)
    await asyncio.to_thread(simulator.warm_up)
    async with serve_http(create_app(chosen, simulator), port) as url:
        yield url


@asynccontextmanager
async def model_server(sim_urls, **settings):
    """A model server that is ready, without torch; a channel to it."""
    server = ModelServer(Settings(port=0, sim_urls=sim_urls, **settings), load=lambda: "cpu")
    port = await server.start()
    await server.load()
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield channel
    finally:
        await server.stop(0)


@asynccontextmanager
async def broken_worker(answer):
    """Something that takes a connection, reads, sends ``answer`` and closes."""

    async def handle(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


@pytest.fixture
async def mesh(serve_http):
    """Starts a sim worker with a kernel and a model server in front of it; gives the channel."""
    async with AsyncExitStack() as stack:

        async def start(kernel=NumbaKernel, **settings):
            url = await stack.enter_async_context(sim_worker(serve_http, kernel, **settings))
            return await stack.enter_async_context(model_server(url))

        yield start


async def advise(channel, request=QUESTION, timeout_s=20.0):
    call = rpc.StrategyServiceStub(channel).Advise(request, timeout=timeout_s)
    return [reply.advice_from_wire(message) async for message in call]


async def refusal(channel, request=QUESTION, timeout_s=20.0):
    """(status, error class, retry-after) of a question that must fail."""
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await advise(channel, request, timeout_s)
    trailing = dict(error.value.trailing_metadata())
    assert "Traceback" not in (error.value.details() or "")
    return error.value.code(), trailing.get("pitcall-error"), trailing.get("retry-after")


async def health(channel, service=""):
    answer = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(service=service))
    return answer.status


def unused_url():
    with socket.create_server(("127.0.0.1", 0)) as free:
        return f"http://127.0.0.1:{free.getsockname()[1]}"


async def until(event):
    assert await asyncio.to_thread(event.wait, 10)


class TestAnswers:
    async def test_advise_is_what_the_library_decides_bit_for_bit(self, mesh):
        """Two network hops change no bit: same state, same seed, same options in every refinement."""
        reading = model.read(STATE, model=shipped())
        engine = Engine(1)
        expected = list(
            loop.decide(
                DecideRequest(reading.race, CAR, model.candidates(STATE, CAR), 7, Budget(4, 32, 1e-9), by_rule=True),
                engine,
            )
        )
        engine.close()
        advices = await advise(await mesh())
        assert [replace(a.decision, compute_ms=0.0) for a in advices] == expected
        assert len(advices) > 1

    async def test_every_answer_has_its_provenance_evidence_and_times(self, mesh):
        """Who says so, on what, and where the time went."""
        *_, last = await advise(await mesh())
        best = model.candidates(STATE, CAR)[last.decision.best]
        reading = model.read(STATE, model=shipped())
        assert last.provenance == reply.Provenance(
            reading.model, 7, STATE.cars[CAR].laps_done, STATE.t, reading.assumed
        )
        assert last.evidence == model.evidence(STATE, reading, CAR, best)
        assert last.timings.sim_worker_ms > 0
        assert last.timings.model_server_ms > 0

    async def test_a_question_without_a_seed_gets_one_from_the_state(self, mesh):
        """Asked twice it is the same, and the answer names it."""
        channel = await mesh()
        question = pb.AdviseRequest(state=QUESTION.state, car=CAR, budget=BUDGET)
        (*_, first), (*_, again) = [await advise(channel, question) for _ in range(2)]
        assert first.provenance.seed == model.seed_of(STATE, CAR)
        assert replace(first.decision, compute_ms=0.0) == replace(again.decision, compute_ms=0.0)

    async def test_what_if_changes_the_race_that_is_played(self, mesh):
        """assume_track reaches the simulation: behind a safety car the same stop costs less."""
        channel = await mesh()
        what_if = pb.AdviseRequest(state=QUESTION.state, car=CAR, seed=7, budget=BUDGET)
        what_if.assume_track = pb.TRACK_SAFETY_CAR
        (*_, green), (*_, safety_car) = await advise(channel), await advise(channel, what_if)
        assert safety_car.evidence.pit_loss_s < green.evidence.pit_loss_s
        assert safety_car.decision.options != green.decision.options

    async def test_forecast_is_what_the_library_forecasts(self, mesh):
        """A row for every car, from the same seed the same bits."""
        stub = rpc.StrategyServiceStub(await mesh())
        answer = reply.outlook_from_wire(
            await stub.Forecast(pb.ForecastRequest(state=QUESTION.state, seed=7, paths=64))
        )
        engine = Engine(1)
        race = model.read(STATE, model=shipped()).race
        expected = learned_outlook(STATE, race.grid, engine.finish(race, 7, range(64)), shipped())
        engine.close()
        assert answer.forecast.cars == expected.cars
        assert np.array(answer.forecast.p_position) == pytest.approx(expected.p)
        assert answer.provenance.race_lap == STATE.laps_done


class TestRefusals:
    @pytest.mark.parametrize(
        ("change", "code", "name"),
        [
            ({"car": "XXX"}, "NOT_FOUND", "NotFound"),
            ({"car": ""}, "NOT_FOUND", "NotFound"),
            ({"state": pb.RaceState()}, "INVALID_ARGUMENT", "InvalidRequest"),
            ({"state": pb.RaceState(total_laps=5, track=pb.TRACK_GREEN)}, "INVALID_ARGUMENT", "InvalidRequest"),
            ({"budget": pb.Budget(max_paths=1_000_000)}, "INVALID_ARGUMENT", "InvalidRequest"),
            ({"assume_track": 55}, "INVALID_ARGUMENT", "InvalidRequest"),
            ({"state": convert.state_to_wire(reduce_all(EVENTS))}, "FAILED_PRECONDITION", "StaleFeed"),
        ],
    )
    async def test_a_question_that_cannot_be_answered_gets_a_typed_status(self, mesh, change, code, name):
        """Status and class name; no pause, for trying again would not help."""
        fields = {"state": QUESTION.state, "car": CAR, "seed": 7, "budget": BUDGET} | change
        found = await refusal(await mesh(stuck), pb.AdviseRequest(**fields))
        assert found == (grpc.StatusCode[code], name, None)

    async def test_a_message_that_is_too_large_is_refused_before_it_is_read(self, mesh, monkeypatch):
        """50 MB: gRPC's own status at once, nothing is parsed, and the connection goes on to answer."""
        read, real = [], convert.state_from_wire

        def counted(message):
            read.append(message)
            return real(message)

        monkeypatch.setattr(convert, "state_from_wire", counted)
        channel = await mesh()
        send = channel.unary_stream("/pitcall.wire.v1.StrategyService/Advise", request_serializer=bytes)
        with pytest.raises(grpc.aio.AioRpcError) as error:
            [_ async for _ in send(bytes(50 * 2**20), timeout=5)]
        assert error.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert read == []
        assert (await advise(channel))[-1].decision.final
        assert len(read) == 1

    async def test_the_largest_message_is_what_both_sides_say(self, mesh):
        """A question of exactly MAX_MESSAGE bytes is read, and refused for what is in it."""
        question = pb.AdviseRequest(state=QUESTION.state, car="x" * MAX_MESSAGE)
        question.car = question.car[: MAX_MESSAGE - question.ByteSize()]
        assert question.ByteSize() == MAX_MESSAGE
        channel = await mesh(stuck)
        assert await refusal(channel, question) == (grpc.StatusCode.NOT_FOUND, "NotFound", None)
        question.car += "x"
        assert await refusal(channel, question) == (grpc.StatusCode.RESOURCE_EXHAUSTED, None, None)

    async def test_no_worker_is_unavailable(self):
        """Connection refused: retryable, and it names the class."""
        async with model_server(unused_url()) as channel:
            assert await refusal(channel) == (grpc.StatusCode.UNAVAILABLE, "SimulatorUnavailable", None)

    @pytest.mark.parametrize(
        "answer",
        [
            b"",
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
            b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
            b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nnot json\n",
            b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 4\r\n\r\noops",
            b"SSH-2.0-OpenSSH_9.2\r\n",
        ],
        ids=["silence", "half a stream", "no line", "no JSON", "a proxy", "another protocol"],
    )
    async def test_a_worker_that_breaks_off_is_unavailable(self, answer):
        """Whatever it was that answered, it gave no decision: another instance may."""
        async with broken_worker(answer) as url, model_server(url) as channel:
            assert await refusal(channel) == (grpc.StatusCode.UNAVAILABLE, "SimulatorUnavailable", None)

    async def test_a_worker_that_dies_after_an_answer_is_unavailable(self):
        """The answers so far arrive, then the typed error."""
        line = b'{"options":[{"lap":null,"compound":null,"mean_position":1.5,"p_position":[0.5,0.5],' \
               b'"delta_positions":0.0,"standard_error":0.0,"draws":16,"rejoin_position":null}],"best":0,' \
               b'"resolved":false,"rounds":1,"draws":16,"final":false,"cut":false,"compute_ms":1.5}\n'  # fmt: skip
        head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
        async with (
            broken_worker(head + b"%x\r\n%b\r\n" % (len(line), line)) as url,
            model_server(url) as channel,
        ):
            call = rpc.StrategyServiceStub(channel).Advise(QUESTION)
            first = await call.read()
            assert reply.advice_from_wire(first).timings.sim_worker_ms == 1.5
            with pytest.raises(grpc.aio.AioRpcError) as error:
                await call.read()
        assert error.value.code() is grpc.StatusCode.UNAVAILABLE
        assert dict(error.value.trailing_metadata())["pitcall-error"] == "SimulatorUnavailable"

    async def test_a_worker_that_comes_back_is_found_again(self, serve_http):
        """The next question after a restart on the same port works, on the same pool."""
        url = unused_url()
        async with model_server(url) as channel:
            for _ in range(2):
                assert (await refusal(channel))[1] == "SimulatorUnavailable"
                async with sim_worker(serve_http, NumbaKernel, int(url.rpartition(":")[2])):
                    assert (await advise(channel))[-1].decision.final

    async def test_a_full_queue_is_resource_exhausted_with_the_pause_to_make(self, mesh):
        """429 of the worker keeps its meaning and its Retry-After."""
        kernel = Held(SCREEN)
        channel = await mesh(lambda _: kernel, running=1, waiting=0)
        first = rpc.StrategyServiceStub(channel).Advise(QUESTION)
        await first.read()
        assert await refusal(channel) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "Overloaded", "1")
        first.cancel()

    async def test_a_deadline_steers_the_simulation(self, mesh):
        """A question without a seed is answered in time with what is known by then, and says that it was cut."""

        class Slow(Held):
            def decide(self, request, *, out_of_time, cancelled):
                pause = threading.Event()
                while not out_of_time():
                    pause.wait(0.001)
                yield replace(SCREEN, final=True, cut=True)

        question = pb.AdviseRequest(state=QUESTION.state, car=CAR)
        (answer,) = await advise(await mesh(lambda _: Slow()), question, timeout_s=2.0)
        assert answer.decision.cut

    async def test_a_deadline_ends_the_simulation(self, mesh):
        """A question by rule that runs out of time is an error here, and nothing plays on there."""
        kernel = Held(SCREEN)
        channel = await mesh(lambda _: kernel)
        code, _, _ = await refusal(channel, timeout_s=0.5)
        assert code is grpc.StatusCode.DEADLINE_EXCEEDED
        await until(kernel.stopped)

    async def test_the_inside_stays_inside(self, mesh):
        """A failure of the worker is INTERNAL without its text."""
        stub = rpc.StrategyServiceStub(await mesh(stuck))
        with pytest.raises(grpc.aio.AioRpcError) as error:
            await stub.Forecast(pb.ForecastRequest(state=QUESTION.state))
        assert error.value.code() is grpc.StatusCode.INTERNAL
        assert "inside" not in (error.value.details() or "")

    async def test_a_failure_of_our_own_stays_inside_too(self, mesh, monkeypatch, caplog):
        """Not even the name of the exception leaves; the log has it all."""

        def fail(*_):
            raise KeyError("secret")

        monkeypatch.setattr("pitcall.forecast.candidates", fail)
        channel = await mesh(stuck)
        assert await refusal(channel) == (grpc.StatusCode.INTERNAL, "PitcallError", None)
        assert "secret" in caplog.text


class TestCancel:
    async def test_reaches_the_thread_that_plays(self, mesh):
        """Two hops away, the simulation stops soon after the caller took its question back."""
        kernel = Held(SCREEN)
        call = rpc.StrategyServiceStub(await mesh(lambda _: kernel)).Advise(QUESTION)
        await call.read()
        assert not kernel.stopped.is_set()
        call.cancel()
        await until(kernel.stopped)


class TestLife:
    async def test_listens_and_says_not_serving_until_it_has_loaded(self, mesh):
        """Health answers at once; a question meanwhile is told to try again; then both say yes."""
        gate = threading.Event()

        def slow():
            gate.wait(10)
            return "cpu"

        server = ModelServer(Settings(port=0), load=slow)
        port = await server.start()
        loading = asyncio.create_task(server.load())
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            assert [await health(channel, service) for service in SERVICES] == [NOT_SERVING] * len(SERVICES)
            assert await refusal(channel) == (grpc.StatusCode.UNAVAILABLE, "ModelServerUnavailable", None)
            gate.set()
            await loading
            assert [await health(channel, service) for service in SERVICES] == [SERVING] * len(SERVICES)
        await server.stop(0)

    async def test_a_model_that_cannot_be_loaded_is_never_served(self):
        """load() raises, health stays NOT_SERVING."""

        def broken():
            raise OSError("no torch")

        server = ModelServer(Settings(port=0), load=broken)
        port = await server.start()
        with pytest.raises(OSError, match="no torch"):
            await server.load()
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            assert await health(channel) == NOT_SERVING
        await server.stop(0)

    async def test_stop_says_not_serving_and_lets_open_answers_end(self, serve_http):
        """A probe sees it go while the question that is open gets its time."""
        kernel = Held(SCREEN)
        async with sim_worker(serve_http, lambda _: kernel) as url:
            server = ModelServer(Settings(port=0, sim_urls=url), load=lambda: "cpu")
            port = await server.start()
            await server.load()
            async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
                watch = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest())
                assert (await watch.read()).status == SERVING
                call = rpc.StrategyServiceStub(channel).Advise(QUESTION, timeout=2.0)
                await call.read()
                stopping = asyncio.create_task(server.stop(5))
                assert (await watch.read()).status == NOT_SERVING
                watch.cancel()
                with pytest.raises(grpc.aio.AioRpcError) as error:
                    await call.read()
                assert error.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED  # its own end, not ours
                await stopping

    async def test_a_port_that_is_taken_is_an_error(self):
        """Two servers never share a port in silence, as gRPC would let them."""
        first = ModelServer(Settings(port=0), load=lambda: "cpu")
        port = await first.start()
        second = ModelServer(Settings(port=port), load=lambda: "cpu")
        with pytest.raises(RuntimeError):
            await second.start()
        await first.stop(0)
        await second.stop(0)

    async def test_reflection_lists_what_is_served(self, mesh):
        """Tools such as grpcurl find the service and health."""
        channel = await mesh(stuck)
        stub = reflection_pb2_grpc.ServerReflectionStub(channel)
        call = stub.ServerReflectionInfo(iter([reflection_pb2.ServerReflectionRequest(list_services="")]))
        answer = await call.read()
        names = {service.name for service in answer.list_services_response.service}
        assert names >= {"pitcall.wire.v1.StrategyService", "grpc.health.v1.Health"}
