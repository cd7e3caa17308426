"""HTTP at its border: bodies of bounded size, typed errors, streams that end with their reader."""

import asyncio
import logging
import math
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractContextManager, aclosing
from typing import TypeVar

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from pydantic import TypeAdapter, ValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pitcall.adapters import telemetry
from pitcall.errors import DeadlineExceeded, InvalidRequest, NotFound, Overloaded, PitcallError, error_body

T = TypeVar("T")

#: Milliseconds that the caller still gives.
DEADLINE_HEADER = "x-pitcall-deadline-ms"
#: Longest detail of an error, characters: field names of a hostile body are as long as it likes.
MAX_DETAIL = 300

_log = logging.getLogger(__name__)


async def read_body(request: Request, most: int) -> bytes:
    """The whole body. Raises InvalidRequest with HTTP status 413 as soon as it is longer than ``most`` bytes."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            error = InvalidRequest(f"body: longer than {most} bytes")
            error.http = 413
            raise error
    return bytes(body)


def parse(adapter: TypeAdapter[T], body: bytes) -> T:
    """The request that a JSON body holds. Raises InvalidRequest that names the first wrong field."""
    try:
        return adapter.validate_json(body, strict=True, extra="forbid")
    except ValidationError as exc:
        first = exc.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(map(str, first["loc"])) or "body"
        detail = f"{where}: {first['msg'].removeprefix('Value error, ')}"
        raise InvalidRequest(detail[:MAX_DETAIL]) from exc


def deadline_s(request: Request, default: float) -> float:
    """Seconds that are left. Raises InvalidRequest for a header that is not a number of milliseconds."""
    raw = request.headers.get(DEADLINE_HEADER)
    if raw is None:
        return default
    try:
        left = float(raw)
    except ValueError:
        left = math.nan
    if not math.isfinite(left):
        raise InvalidRequest(f"{DEADLINE_HEADER}: a number of milliseconds, not {raw[:40]!r}")
    return min(left / 1e3, default)


def to_response(exc: PitcallError) -> JSONResponse:
    """The one shape of an error, with Retry-After where waiting helps."""
    headers = {"retry-after": str(math.ceil(exc.retry_after_s))} if isinstance(exc, Overloaded) else None
    return JSONResponse(error_body(exc, telemetry.trace_id()), exc.http, headers)


def add_error_handlers(app: FastAPI) -> None:
    """Every failure leaves in the one shape; a stack trace goes to the log only."""

    @app.exception_handler(PitcallError)
    async def typed(_: Request, exc: PitcallError) -> Response:
        return to_response(exc)

    @app.exception_handler(HTTPException)
    async def routing(request: Request, exc: HTTPException) -> Response:
        error = NotFound(f"no {request.url.path[:80]} here") if exc.status_code == 404 else InvalidRequest(exc.detail)
        error.http = exc.status_code
        return to_response(error)

    @app.exception_handler(Exception)
    async def unforeseen(_: Request, exc: Exception) -> Response:
        _log.error("request failed", exc_info=exc)
        return to_response(PitcallError("the worker failed; its log has the reason"))


class Lines(Response):
    """A response of lines, or of one piece. An error before the first is a status, after it a last line.

    It stops the lines when the reader leaves, also before the first one.
    """

    def __init__(self, lines: AsyncGenerator[bytes, None], media_type: str) -> None:
        super().__init__(media_type=media_type)
        del self.headers["content-length"]
        self._lines = lines

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the lines, or as many as the reader stays for."""
        writer = asyncio.create_task(self._write(scope, receive, send))
        reader = asyncio.create_task(_gone(receive))
        try:
            await asyncio.wait((writer, reader), return_when=asyncio.FIRST_COMPLETED)
        finally:
            reader.cancel()
            writer.cancel()  # no effect on one that is done
            await asyncio.gather(reader, writer, return_exceptions=True)
        if not writer.cancelled():
            writer.result()

    async def _write(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False
        async with aclosing(self._lines):
            try:
                async for line in self._lines:
                    if not started:
                        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
                        started = True
                    await send({"type": "http.response.body", "body": line, "more_body": True})
            except PitcallError as exc:
                response = to_response(exc)
                if not started:
                    await response(scope, receive, send)
                    return
                await send({"type": "http.response.body", "body": bytes(response.body) + b"\n", "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


class Traced:
    """Runs every request for a simulation as a span of the caller's trace."""

    def __init__(self, app: ASGIApp, paths: Sequence[str]) -> None:
        self._app = app
        self._paths = paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, inside a span if its path is one to trace."""
        if scope["type"] != "http" or scope["path"] not in self._paths:
            await self._app(scope, receive, send)
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        with telemetry.span(scope["path"].rpartition("/")[2], headers):
            await self._app(scope, receive, send)


class Bounded:
    """Lets a simulation's request in if there is a place for it, before its body is read; refuses it at once if not.

    Nobody keeps a place for ever by sending or reading slowly: after ``most_s`` the request is dropped.
    """

    def __init__(
        self, app: ASGIApp, paths: Sequence[str], place: Callable[[], AbstractContextManager[None]], most_s: float
    ) -> None:
        self._app = app
        self._paths = paths
        self._place = place
        self._most_s = most_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, inside a place if its path is one that needs it."""
        if scope["type"] != "http" or scope["path"] not in self._paths:
            await self._app(scope, receive, send)
            return
        started = False

        async def sending(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            with self._place():
                async with asyncio.timeout(self._most_s):
                    await self._app(scope, receive, sending)
        except Overloaded as exc:
            await to_response(exc)(scope, receive, send)
        except TimeoutError:
            if not started:  # else uvicorn closes the connection, for the answer is not whole
                await to_response(DeadlineExceeded("the request was not sent in time"))(scope, receive, send)
