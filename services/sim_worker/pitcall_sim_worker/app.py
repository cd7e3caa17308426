"""The sim worker's HTTP: it reads, hands over to the Simulator and streams."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TypeAlias, TypeVar

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from pydantic import TypeAdapter

from pitcall_sim_worker import border
from pitcall_sim_worker.settings import Settings
from pitcall_sim_worker.simulator import DECIDE_REQUEST, EVALUATE_REQUEST, FORECAST_REQUEST, Simulator

T = TypeVar("T")
Answer: TypeAlias = AsyncGenerator[bytes, None]

SIMULATIONS = ("/v1/decide", "/v1/forecast", "/v1/evaluate")
#: A request may take this much longer than any deadline, for its answer to be sent, s.
SENDING_S = 5.0


def create_app(settings: Settings, worker: Simulator, on_failure: Callable[[], None] = lambda: None) -> FastAPI:
    """Build the worker's HTTP; ``on_failure`` is called, in a thread, if the kernel cannot be built."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        worker.start(on_failure)  # the port listens meanwhile
        yield
        await asyncio.to_thread(worker.close)

    app = FastAPI(title="Pitcall sim worker", lifespan=lifespan)
    app.add_middleware(border.Bounded, paths=SIMULATIONS, place=worker.place, most_s=settings.deadline_s + SENDING_S)
    app.add_middleware(border.Traced, paths=SIMULATIONS)  # the later one is the outer one
    border.add_error_handlers(app)

    def simulation(path: str, adapter: TypeAdapter[T], answer: Callable[[T, float, float], Answer], kind: str) -> None:
        @app.post(path)
        async def post(request: Request) -> Response:
            started, deadline_s = time.perf_counter(), border.deadline_s(request, settings.deadline_s)
            question = border.parse(adapter, await border.read_body(request, settings.body_bytes))
            return border.Lines(answer(question, deadline_s, started), kind)

    simulation("/v1/decide", DECIDE_REQUEST, worker.decide, "application/x-ndjson")
    simulation("/v1/forecast", FORECAST_REQUEST, worker.forecast, "application/json")
    simulation("/v1/evaluate", EVALUATE_REQUEST, worker.evaluate, "application/octet-stream")

    @app.get("/health")
    async def health() -> JSONResponse:
        return JSONResponse({"status": "ok"})

    @app.get("/ready")
    async def ready() -> JSONResponse:
        return JSONResponse({"ready": worker.ready}, 200 if worker.ready else 503)

    return app
