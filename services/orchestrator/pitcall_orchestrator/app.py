"""The orchestrator's app: a socket, a few small endpoints, and the page."""

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import Any

from fastapi import FastAPI, WebSocket

from pitcall import __version__
from pitcall.adapters.ledger import SqliteLedger
from pitcall.adapters.races import RaceStore
from pitcall.ledger import Ledger
from pitcall_orchestrator.advice import KNOWLEDGE, ModelServer
from pitcall_orchestrator.connection import Connection
from pitcall_orchestrator.edge import add_errors, add_page
from pitcall_orchestrator.hub import Hub
from pitcall_orchestrator.recorder import Recorder
from pitcall_orchestrator.sessions import Sessions
from pitcall_orchestrator.settings import Settings
from pitcall_orchestrator.tools import Tools


def create_app(
    settings: Settings | None = None, store: RaceStore | None = None, ledger: Ledger | None = None
) -> FastAPI:
    """Build the orchestrator. Tests pass settings, races and a ledger; nothing is read at import time."""
    settings = settings or Settings()
    hub = Hub(store or RaceStore(), settings.races)
    model_server = ModelServer(settings.model_server)
    recorder = Recorder(ledger or SqliteLedger())
    sessions = Sessions(hub, Tools(model_server, recorder), settings)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        gc.freeze()  # what the imports made stays: no collection need look at it again inside a question
        yield
        await sessions.close()
        await recorder.close()
        await model_server.close()

    app = FastAPI(title="Pitcall orchestrator", version=__version__, lifespan=lifespan, docs_url=None, redoc_url=None)
    app.state.sessions = sessions
    add_errors(app)

    @app.get("/health")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/ready")
    async def ready() -> dict[str, bool]:
        # Without a model server standings and replays still work: that is degraded, not down.
        # Without a ledger calls are not graded, without documents they have no source: so is that.
        serving, knowledge = await asyncio.gather(model_server.serving(), model_server.serving(KNOWLEDGE))
        return {"ready": True, "model_server": serving, "ledger": not recorder.degraded, "knowledge": knowledge}

    @app.get("/v1/races")
    async def races() -> list[dict[str, Any]]:
        return await hub.races()

    @app.get("/v1/skill")
    async def skill() -> dict[str, Any]:
        return {"models": [asdict(each) for each in await recorder.skill()], "degraded": recorder.degraded}

    @app.websocket("/ws")
    async def socket(websocket: WebSocket) -> None:
        await Connection(websocket, sessions).serve()

    add_page(app, settings.page)
    return app
