"""HTTP at its border: one shape of error everywhere, and the built page."""

import logging
from http import HTTPStatus
from pathlib import Path
from typing import Final

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, JSONResponse
from starlette.exceptions import HTTPException
from starlette.staticfiles import StaticFiles

from pitcall.errors import InvalidRequest, NotFound, PitcallError, error_body

_NO_PAGE: Final = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Pitcall</title>
<h1>Pitcall is running, but its page is not built</h1>
<p>Build it with <code>make web</code> and start again. Until then ask in a terminal:</p>
<pre>pitcall ask "When should I pit?" --race demo --lap 20</pre>
<p>Or speak to the socket on <code>/ws</code>. Races: <a href="/v1/races">/v1/races</a>.</p>
</html>
"""

_log = logging.getLogger(__name__)


def add_errors(app: FastAPI) -> None:
    """Send every error as ``{error, detail, retryable, trace_id}``, never with a stack trace."""

    @app.exception_handler(PitcallError)
    async def typed(_: Request, exc: PitcallError) -> JSONResponse:
        return JSONResponse(error_body(exc), exc.http)

    @app.exception_handler(HTTPException)
    async def of_the_framework(request: Request, exc: HTTPException) -> JSONResponse:
        if exc.status_code == HTTPStatus.NOT_FOUND:
            error: PitcallError = NotFound(f"there is nothing at {request.url.path[:80]!r}")
        else:
            error = InvalidRequest(f"{request.method} {request.url.path[:80]!r}: {exc.detail}")
        return JSONResponse(error_body(error), exc.status_code, exc.headers)

    @app.exception_handler(Exception)
    async def unexpected(_: Request, exc: Exception) -> JSONResponse:
        _log.error("request failed", exc_info=exc)
        return JSONResponse(error_body(PitcallError("the orchestrator failed; its log has the reason")), 500)


def add_page(app: FastAPI, folder: Path) -> None:
    """Serve the built page on ``/`` with its assets; without one, a plain page that says how to get it."""
    if (folder / "index.html").is_file():
        app.mount("/", StaticFiles(directory=folder, html=True))
        return

    @app.get("/", include_in_schema=False)
    async def not_built() -> HTMLResponse:
        return HTMLResponse(_NO_PAGE, HTTPStatus.NOT_FOUND)
