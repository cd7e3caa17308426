"""The gRPC server: listens at once, says NOT_SERVING until its models are there."""

import asyncio
import gc
import logging
import os
import time
from collections.abc import Callable
from functools import partial

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from pitcall.knowledge.library import Library
from pitcall.wire.request import MAX_MESSAGE
from pitcall.wire.v1 import knowledge_pb2, knowledge_pb2_grpc, model_pb2, model_pb2_grpc
from pitcall.wire.v1 import strategy_pb2 as pb
from pitcall.wire.v1 import strategy_pb2_grpc as rpc
from pitcall_model_server.advisor import Advisor
from pitcall_model_server.documents import bring_pack, open_library
from pitcall_model_server.edge import Gate
from pitcall_model_server.fan_out import Fleet
from pitcall_model_server.knowledge_servicer import KnowledgeServicer
from pitcall_model_server.librarian import Librarian
from pitcall_model_server.model_servicer import ModelServicer
from pitcall_model_server.models import Models
from pitcall_model_server.servicer import StrategyServicer
from pitcall_model_server.serving.versions import Versions
from pitcall_model_server.settings import Settings
from pitcall_model_server.sim_client import SimClient

#: What health is asked about; "" is the server as a whole.
SERVICES = (
    "",
    pb.DESCRIPTOR.services_by_name["StrategyService"].full_name,
    model_pb2.DESCRIPTOR.services_by_name["ModelService"].full_name,
)

#: Its health is that of the documents: UNKNOWN while they are opened, the handbook is read in, or they cannot be
#: reached. It answers all the same, if only why not; the server as a whole is as healthy, and its calls may come
#: without sources.
KNOWLEDGE = knowledge_pb2.DESCRIPTOR.services_by_name["KnowledgeService"].full_name

_OPTIONS = (
    ("grpc.so_reuseport", 0),  # a port that is taken is an error, not a second server behind the first
    # An orchestrator may look every 10 s whether an idle connection still stands.
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
    # RESOURCE_EXHAUSTED before a byte of the message is kept.
    ("grpc.max_receive_message_length", MAX_MESSAGE),
)

_log = logging.getLogger(__name__)


def load_torch() -> str:
    """Import torch, which takes seconds, and set it up. Returns the device it will use."""
    # One row at a time and a simulation beside it: more threads only fight over the cores. The variable counts for
    # every thread that computes, the call for this one.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    import torch  # noqa: PLC0415  # after the port listens

    torch.set_num_threads(1)
    torch.set_num_interop_threads(1)
    return "cuda" if torch.cuda.is_available() else "cpu"


class ModelServer:
    """One server.

    Args:
        settings: of the environment.
        load: runs in a thread after the port listens, and returns the device's name.
        documents: opens the library, while the server already answers.
    """

    def __init__(
        self,
        settings: Settings,
        load: Callable[[], str] = load_torch,
        documents: Callable[[], Library] = open_library,
    ) -> None:
        self._settings = settings
        self._load = load
        self._documents = documents
        self._librarian = Librarian(self._say_documents)
        self._gate = Gate()
        self._health = health.aio.HealthServicer()
        self._server = grpc.aio.server(options=_OPTIONS)
        self._simulator: SimClient | Fleet | None = None
        self._models: Models | None = None

    @property
    def models(self) -> Models:
        """Who answers. Raises ModelServerUnavailable before ``load`` has ended."""
        return self._gate.models

    @property
    def versions(self) -> Versions:
        """The networks in memory. Raises ModelServerUnavailable before ``load`` has ended."""
        return self.models.networks

    async def start(self) -> int:
        """Listen and return the port. Raises RuntimeError if it is taken."""
        servicer = StrategyServicer(self._gate, self._settings.max_paths, self._settings.deadline_s)
        rpc.add_StrategyServiceServicer_to_server(servicer, self._server)  # type: ignore[no-untyped-call]  # generated
        models = ModelServicer(
            lambda: self.versions,
            lambda: self.models.races,
            lambda: self.models.aliases,
            self._settings.deadline_s,
        )
        model_pb2_grpc.add_ModelServiceServicer_to_server(models, self._server)  # type: ignore[no-untyped-call]  # as above
        documents = KnowledgeServicer(self._librarian)
        knowledge_pb2_grpc.add_KnowledgeServiceServicer_to_server(documents, self._server)  # type: ignore[no-untyped-call]  # as above
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        names = (*SERVICES[1:], KNOWLEDGE, health.SERVICE_NAME, reflection.SERVICE_NAME)
        reflection.enable_server_reflection(names, self._server)
        await self._say(health_pb2.HealthCheckResponse.NOT_SERVING)
        await self._say_documents(there=False)
        port = self._server.add_insecure_port(f"{self._settings.host}:{self._settings.port}")
        await self._server.start()
        _log.info("listening on %s:%d", self._settings.host, port)
        return port

    async def load(self) -> None:
        """Load the models, then answer. Raises whatever keeps them from loading."""
        started = time.perf_counter()
        device = await asyncio.to_thread(self._load)
        gc.freeze()  # what torch brought along stays: no collection need look at it again inside a question
        workers = [SimClient(url) for url in self._settings.workers]
        # One worker runs the decision itself: fewer hops. Several share it.
        self._simulator = workers[0] if len(workers) == 1 else Fleet(workers)
        advise = partial(Advisor, self._simulator, documents=self._librarian, evidence_s=self._settings.evidence_s)
        self._models = Models(self._settings, advise, device, self._say_of)
        served = await self._models.open()
        self._gate.open(self._models)
        await self._say(health_pb2.HealthCheckResponse.SERVING)
        model = served.model
        _log.info("ready after %.2f s, device %s, model %s", time.perf_counter() - started, device, model.version)
        stock = partial(bring_pack, model.parameters) if self._settings.handbook else None
        self._librarian.start(self._documents, stock)

    async def stop(self, grace_s: float) -> None:
        """Say NOT_SERVING, give open RPCs ``grace_s`` to end, then close."""
        await self._health.enter_graceful_shutdown()
        await self._server.stop(grace_s)
        if self._models is not None:
            await self._models.close()
        if self._simulator is not None:
            await self._simulator.close()
        await self._librarian.close()

    async def _say_of(self, service: str, alive: bool) -> None:
        serving = health_pb2.HealthCheckResponse.SERVING if alive else health_pb2.HealthCheckResponse.NOT_SERVING
        await self._health.set(service, serving)

    async def _say_documents(self, *, there: bool) -> None:
        status = health_pb2.HealthCheckResponse
        await self._health.set(KNOWLEDGE, status.SERVING if there else status.UNKNOWN)

    async def _say(self, status: health_pb2.HealthCheckResponse.ServingStatus) -> None:
        for service in SERVICES:
            await self._health.set(service, status)
