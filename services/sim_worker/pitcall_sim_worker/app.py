"""The sim worker's HTTP: it reads, hands over to the Simulator and streams."""

import asyncio
import logging
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from pitcall_sim_worker import border
from pitcall_sim_worker.settings import Settings
from pitcall_sim_worker.simulator import DECIDE_REQUEST, FORECAST_REQUEST, Simulator


def create_app(settings: Settings, worker: Simulator, on_failure: Callable[[], None] = lambda: None) -> FastAPI:
    """Build the worker's HTTP; ``on_failure`` is called, in a thread, if the kernel cannot be built."""

    def warm_up() -> None:
        try:
            worker.warm_up()
        except Exception:  # whatever it is, a worker that cannot play must not stay up
            logging.getLogger(__name__).exception("warm-up failed")
            on_failure()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        # The port listens meanwhile. A daemon: a compiler cannot be stopped, and shutdown does not wait for it.
        threading.Thread(target=warm_up, name="warm-up", daemon=True).start()
        yield
        await asyncio.to_thread(worker.close)

    app = FastAPI(title="Pitcall sim worker", lifespan=lifespan)
    app.add_middleware(border.Traced, paths=("/v1/decide", "/v1/forecast"))
    border.add_error_handlers(app)

    @app.post("/v1/decide")
    async def decide(request: Request) -> Response:
        started, deadline_s = time.perf_counter(), border.deadline_s(request, settings.deadline_s)
        question = border.parse(DECIDE_REQUEST, await border.read_body(request, settings.body_bytes))
        return border.Lines(worker.decide(question, deadline_s, started))

    @app.post("/v1/forecast")
    async def forecast(request: Request) -> Response:
        started, deadline_s = time.perf_counter(), border.deadline_s(request, settings.deadline_s)
        question = border.parse(FORECAST_REQUEST, await border.read_body(request, settings.body_bytes))
        return Response(await worker.forecast(question, deadline_s, started), media_type="application/json")

    @app.get("/health")
    async def health() -> JSONResponse:
        return JSONResponse({"status": "ok"})

    @app.get("/ready")
    async def ready() -> JSONResponse:
        return JSONResponse({"ready": worker.ready}, 200 if worker.ready else 503)

    return app
