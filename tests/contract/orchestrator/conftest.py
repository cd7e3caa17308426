"""A real orchestrator on a free port, a real gRPC server with canned decisions, a real WebSocket client."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import grpc
import pytest
import websockets
from grpc_health.v1 import health as health_checks
from grpc_health.v1.health_pb2 import HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import add_HealthServicer_to_server
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from pitcall_orchestrator.__main__ import Server, serve
from pitcall_orchestrator.advice import KNOWLEDGE
from pitcall_orchestrator.settings import Settings

from pitcall.adapters.races import RaceStore
from pitcall.domain import events as ev
from pitcall.domain.strategy import Evidence, Threat
from pitcall.domain.tyres import Compound
from pitcall.errors import PitcallError
from pitcall.sim.messages import BreakEven, Contingency, Decision, Forecast, Option
from pitcall.wire import reply
from pitcall.wire.knowledge import Grounding, Passages, Source, passages_to_wire
from pitcall.wire.request import planned_from_wire
from pitcall.wire.v1 import knowledge_pb2, knowledge_pb2_grpc
from pitcall.wire.v1 import strategy_pb2 as pb
from pitcall.wire.v1 import strategy_pb2_grpc as rpc

#: Longest wait for a frame, s. Only a broken server waits so long.
PATIENCE_S = 10.0
LAPS = 12
CARS = ("VER", "HAM", "LEC")


def race_log(race: str = "toy") -> list[ev.Event]:
    """Three cars, 12 laps of 90 s, a second apart; HAM stops on lap 5 and loses 20 s."""
    log: list[ev.Event] = [ev.Session(t=0.0, race=race, name="Toy Grand Prix", total_laps=LAPS)]
    log += [
        ev.Car(t=0.0, car=car, number=str(n), driver=car, compound=Compound.SOFT, tyre_age=0, grid=n)
        for n, car in enumerate(CARS, start=1)
    ]
    laps: list[ev.Event] = [
        ev.Lap(t=90.0 * lap + n + (20.0 if car == "HAM" and lap > 5 else 0.0), car=car, lap=lap, lap_time_s=90.0)
        for lap in range(1, LAPS + 1)
        for n, car in enumerate(CARS)
    ]
    laps += [
        ev.PitIn(t=448.0, car="HAM", lap=5),
        ev.PitOut(t=472.0, car="HAM", lap=6, compound=Compound.HARD, tyre_age=0),
    ]
    return log + sorted(laps, key=lambda event: event.t) + [ev.Message(t=1200.0, text="Chequered flag")]


def decision(state: pb.RaceState, car: str, *, final: bool) -> Decision:
    """Stopping two laps from now for hards is best, whatever the state."""
    done = list(state.laps.count)[[entry.car for entry in state.cars].index(car)]
    laps = range(done + 1, state.total_laps)
    best = min(done + 3, state.total_laps - 1)
    options = tuple(option(lap, Compound.HARD, abs(lap - best) / 2) for lap in laps)
    found = Decision(options, best=best - done - 1, resolved=final, rounds=2 if final else 1, draws=64, final=final)
    if not final:
        return found
    return replace(
        found,
        contingencies=(Contingency("safety_car", "", done + 1, int(Compound.SOFT), 0.75, 0.05, changes=True),),
        break_evens=(BreakEven("pit_loss_s", 20.0, 26.0, 24.0, None, 0, 12.0, 32.0),),
    )


def option(lap: int | None, compound: Compound | None, delta: float) -> Option:
    """A call that costs ``delta`` positions against the best one."""
    if lap is None or compound is None:
        return Option(None, None, 2.0 + delta, (0.25, 0.5, 0.25), delta, 0.01, 64, utility=2.0 + delta, delta=delta)
    return Option(
        lap, int(compound), 2.0 + delta, (0.25, 0.5, 0.25), delta, 0.01, 64, 2.5, utility=2.0 + delta, delta=delta,
        expected_points=16.5, p_win=0.25, p_target=1.0, cvar_position=2.75, rejoin_ahead="LEC", rejoin_gap_ahead_s=1.5,
        wait_cost=0.5, wait_cost_error=0.02,
    )  # fmt: skip


class FakeModelServer(rpc.StrategyServiceServicer, knowledge_pb2_grpc.KnowledgeServiceServicer):
    """Two answers a question: screen and final. Tests hold it, make it fail, and see what it was asked."""

    def __init__(self) -> None:
        self.asked: list[pb.AdviseRequest] = []
        self.compared: list[pb.CompareRequest] = []
        self.forecasts: list[pb.ForecastRequest] = []
        self.metadata: list[dict[str, str]] = []
        self.go_on = asyncio.Event()
        self.go_on.set()
        self.cancelled = asyncio.Event()
        self.fails: PitcallError | None = None
        self.grounding: Grounding | None = None  # of every final decision
        self.searched: list[knowledge_pb2.SearchRequest] = []
        self.passages: tuple[Source, ...] = ()  # that every search finds
        self.server: grpc.aio.Server | None = None
        self.port = 0

    async def Advise(self, request, context):  # noqa: N802  # gRPC's name
        self.asked.append(request)
        self.metadata.append(dict(context.invocation_metadata()))
        if self.fails is not None:
            await context.abort(
                getattr(grpc.StatusCode, self.fails.grpc),
                self.fails.detail,
                (("pitcall-error", type(self.fails).__name__),),
            )
        yield self._answer(request, final=False)
        try:
            await self.go_on.wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        yield self._answer(request, final=True)

    async def Compare(self, request, context):  # noqa: N802  # gRPC's name
        """Plan A is better by half a position; on hards where no tyres are named."""
        self.compared.append(request)
        if self.fails is not None:
            await context.abort(
                getattr(grpc.StatusCode, self.fails.grpc),
                self.fails.detail,
                (("pitcall-error", type(self.fails).__name__),),
            )
        plans = [planned_from_wire(plan, "plan") for plan in (request.a, request.b)]
        fitted = [Compound.HARD if plan.compound is None else plan.compound for plan in plans]
        tyres = [None if plan.lap is None else tyre for plan, tyre in zip(plans, fitted, strict=True)]
        options = tuple(option(plan.lap, tyre, n / 2) for n, (plan, tyre) in enumerate(zip(plans, tyres, strict=True)))
        advice = reply.advice_from_wire(self._answer(request, final=True))
        found = Decision(options, 0, resolved=True, rounds=1, draws=64, final=True, compute_ms=0.5)
        return reply.comparison_to_wire(reply.Comparison(replace(advice, decision=found), 0, 1))

    async def Search(self, request, context):  # noqa: N802  # gRPC's name
        self.searched.append(request)
        if self.fails is not None:
            await context.abort(
                getattr(grpc.StatusCode, self.fails.grpc),
                self.fails.detail,
                (("pitcall-error", type(self.fails).__name__),),
            )
        return passages_to_wire(Passages(self.passages, "fake-embedder@1", took_ms=0.5))

    async def Forecast(self, request, context):  # noqa: N802  # gRPC's name
        self.forecasts.append(request)
        cars = tuple(entry.car for entry in request.state.cars)
        rows = ((0.5, 0.3, 0.2), (0.3, 0.5, 0.2), (0.2, 0.2, 0.6))
        found = reply.Outlook(
            Forecast(cars, rows, draws=2048, compute_ms=1.0),
            reply.Provenance("fake@1", 7, 0, request.state.t_s),
            reply.Timings(0.5, 1.0),
        )
        return reply.outlook_to_wire(found)

    def _answer(self, request: pb.AdviseRequest | pb.CompareRequest, *, final: bool) -> pb.AdviseResponse:
        done = list(request.state.laps.count)[[entry.car for entry in request.state.cars].index(request.car)]
        seed = request.seed if request.HasField("seed") else 99
        evidence = Evidence(
            compound="soft", tyre_age_laps=done, pit_loss_s=20.0, wear_s_per_lap=0.1, wear_sd_s_per_lap=0.02,
            fresh_gain_s=0.8, position=1, ahead="", gap_ahead_s=0.0, behind="HAM", gap_behind_s=1.0,
            rejoin_position=3, rejoin_ahead="LEC", rejoin_gap_ahead_s=2.5, rejoin_behind="",
            rejoin_gap_behind_s=0.0, undercut_threats=(Threat("HAM", 1.0, 0.4),),
        )  # fmt: skip
        found = reply.Advice(
            replace(decision(request.state, request.car, final=final), compute_ms=0.5),
            reply.Provenance("fake@1", seed, done, request.state.t_s, ("Wear is a guess.",)),
            reply.Timings(0.25, 0.5),
            evidence,
            self.grounding if final else None,
        )
        return reply.advice_to_wire(found)

    async def start(self) -> None:
        """Listen; after a stop, on the same port as before."""
        self.server = grpc.aio.server()
        rpc.add_StrategyServiceServicer_to_server(self, self.server)
        knowledge_pb2_grpc.add_KnowledgeServiceServicer_to_server(self, self.server)
        health = health_checks.aio.HealthServicer()
        add_HealthServicer_to_server(health, self.server)
        for service in ("", KNOWLEDGE):
            await health.set(service, HealthCheckResponse.SERVING)
        self.port = self.server.add_insecure_port(f"127.0.0.1:{self.port}")
        await self.server.start()

    async def stop(self) -> None:
        """Drop every call and stop listening."""
        assert self.server is not None
        await self.server.stop(grace=None)


class Client:
    """One WebSocket connection that checks the numbering of what it gets."""

    def __init__(self, connection: websockets.ClientConnection) -> None:
        self.connection = connection
        self.seq = 0
        self.token = ""

    async def send(self, kind: str, **fields: Any) -> None:
        await self.connection.send(json.dumps({"type": kind, **fields}))

    async def frame(self) -> dict[str, Any]:
        """The next frame; its number must follow on the last one."""
        frame: dict[str, Any] = json.loads(await asyncio.wait_for(self.connection.recv(), PATIENCE_S))
        assert frame["type"] == "welcome" or frame["seq"] == self.seq + 1, frame
        self.seq = frame["seq"]
        return frame

    async def until(self, *kinds: str) -> dict[str, Any]:
        """The next frame of one of these types; an error that was not asked for fails the test."""
        while (frame := await self.frame())["type"] not in kinds:
            assert frame["type"] != "error", frame
        return frame

    async def hello(self, **fields: Any) -> dict[str, Any]:
        await self.send("hello", version=1, **fields)
        welcome = await self.until("welcome")
        self.token = welcome["session"]
        return welcome

    async def answer(self, text: str, **fields: Any) -> dict[str, Any]:
        """``answer.done`` of one question."""
        await self.send("ask", id=f"q{self.seq}", text=text, **fields)
        return await self.until("answer.done")


class Orchestrator:
    """The server under test."""

    def __init__(self, port: int) -> None:
        self.url = f"ws://127.0.0.1:{port}/ws"
        self.http = f"http://127.0.0.1:{port}"

    @contextlib.asynccontextmanager
    async def connect(self, *, hello: bool = True) -> AsyncIterator[Client]:
        async with websockets.connect(self.url, proxy=None, max_size=None) as connection:
            client = Client(connection)
            if hello:
                await client.hello()
            yield client


@pytest.fixture(scope="session", autouse=True)
def tracing() -> None:
    """Without a provider there are no trace ids."""
    if not isinstance(trace.get_tracer_provider(), TracerProvider):
        trace.set_tracer_provider(TracerProvider())


@pytest.fixture
async def model_server() -> AsyncIterator[FakeModelServer]:
    fake = FakeModelServer()
    await fake.start()
    yield fake
    await fake.stop()


@pytest.fixture
def settings(model_server: FakeModelServer, tmp_path) -> Settings:
    return Settings(port=0, model_server=f"127.0.0.1:{model_server.port}", page=tmp_path / "page", retention_s=5.0)


@pytest.fixture
async def orchestrator_server(settings: Settings, tmp_path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Server]:
    monkeypatch.setenv("PITCALL_HOME", str(tmp_path / "home"))
    RaceStore().save(race_log())
    server = serve(settings)
    start, started = server.startup, asyncio.Event()

    async def startup(*args: Any, **options: Any) -> None:
        await start(*args, **options)
        started.set()

    monkeypatch.setattr(server, "startup", startup)  # uvicorn tells nobody when it listens
    running = asyncio.create_task(server.serve())
    await started.wait()
    yield server
    server.should_exit = True
    await running


@pytest.fixture
def orchestrator(orchestrator_server: Server) -> Orchestrator:
    return Orchestrator(orchestrator_server.servers[0].sockets[0].getsockname()[1])


@pytest.fixture
async def client(orchestrator: Orchestrator) -> AsyncIterator[Client]:
    async with orchestrator.connect() as connected:
        yield connected
