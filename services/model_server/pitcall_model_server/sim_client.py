"""The sim worker over HTTP: one keep-alive pool, streamed lines, typed errors."""

import math
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import TypeVar

import aiohttp
import numpy as np
from pydantic import BaseModel, TypeAdapter, ValidationError

from pitcall.adapters import telemetry
from pitcall.errors import DeadlineExceeded, Overloaded, PitcallError, SimulatorUnavailable, by_name
from pitcall.sim.evaluate import MAX_RACES, EvaluateRequest
from pitcall.sim.messages import DecideRequest, Decision, ForecastRequest
from pitcall.sim.outcome import Bytes
from pitcall.sim.outcome_bytes import unpack_finish

T = TypeVar("T")

#: A worker that does not take a connection in this time is not there, s.
CONNECT_S = 2.0
#: Simulations asked for at once; one more waits for its turn, within its deadline.
MAX_CONNECTIONS = 256
#: Idle connections live shorter than the worker's 75 s, so that no request meets one that it just closed.
KEEPALIVE_S = 30.0
#: A stream's last line, if the stream failed, begins with this.
_ERROR = b'{"error":'

_DECIDE_REQUEST = TypeAdapter(DecideRequest)
_EVALUATE_REQUEST = TypeAdapter(EvaluateRequest)
_DECISION = TypeAdapter(Decision)


class _Error(BaseModel):
    error: str
    detail: str


class SimClient:
    """A sim worker at ``url``. Belongs to one event loop; ``close`` it there."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._http = aiohttp.ClientSession(
            url, connector=aiohttp.TCPConnector(limit=MAX_CONNECTIONS, keepalive_timeout=KEEPALIVE_S)
        )

    async def close(self) -> None:
        """Close the pool."""
        await self._http.close()

    async def decide(self, request: DecideRequest, deadline_s: float) -> AsyncGenerator[Decision, None]:
        """Refining decisions, the last one final. Closing the generator stops the simulation.

        Raises:
            SimulatorUnavailable: no worker, or it broke off.
            DeadlineExceeded: not done within ``deadline_s``.
            Overloaded: its queue is full.
            PitcallError: whatever else the worker answered, by its class.
        """
        final = False
        async with self._post("/v1/decide", _DECIDE_REQUEST.dump_json(request), deadline_s) as response:
            async for line in _lines(response):  # to its end: a connection with something unread is thrown away
                if line.startswith(_ERROR):
                    raise _typed(line, response)
                decision = _read(_DECISION, line)
                final = decision.final
                yield decision
        if not final:
            raise SimulatorUnavailable("the sim worker ended its answer before the final decision")

    async def places(self, request: ForecastRequest, deadline_s: float) -> Bytes:
        """[path, car] finishing positions of the forecast's races. Raises what ``decide`` raises."""
        ends, parts = time.perf_counter() + deadline_s, []
        for first in range(0, request.paths, MAX_RACES):
            paths = min(MAX_RACES, request.paths - first)
            asked = EvaluateRequest(request.race, request.seed, first, paths)
            raw = await self.evaluate(_EVALUATE_REQUEST.dump_json(asked), ends - time.perf_counter())
            try:
                parts.append(unpack_finish(raw, paths, len(request.race.grid.cars)))
            except ValueError as exc:
                raise SimulatorUnavailable("the sim worker answered with something that is no outcome") from exc
        return np.concatenate(parts)

    async def evaluate(self, body: bytes, deadline_s: float) -> bytes:
        """The outcome, in bytes, of an EvaluateRequest in JSON. Raises what ``decide`` raises."""
        async with self._post("/v1/evaluate", body, deadline_s) as response:
            return await response.read()

    @asynccontextmanager
    async def _post(self, path: str, body: bytes, deadline_s: float) -> AsyncIterator[aiohttp.ClientResponse]:
        """The response, once its status says that it is a good one."""
        ends = time.monotonic() + deadline_s
        if deadline_s <= 0:
            raise DeadlineExceeded("the time that the caller gave was over before the simulation began")
        headers = {
            "content-type": "application/json",
            "x-pitcall-deadline-ms": f"{deadline_s * 1e3:.0f}",
            **telemetry.inject(),
        }
        timeout = aiohttp.ClientTimeout(deadline_s, sock_connect=min(CONNECT_S, deadline_s))
        try:
            async with self._http.post(path, data=body, headers=headers, timeout=timeout) as response:
                if response.status != HTTPStatus.OK:
                    raise _typed(await response.read(), response)
                yield response
        except TimeoutError as exc:
            if time.monotonic() >= ends:
                raise DeadlineExceeded("the simulation did not end in the time that the caller gave") from exc
            raise SimulatorUnavailable(f"the sim worker at {self._url} stopped answering") from exc
        except aiohttp.ClientError as exc:
            kind = type(exc).__name__  # its text may hold addresses of the inside
            raise SimulatorUnavailable(f"no answer from the sim worker at {self._url} ({kind})") from exc


async def _lines(response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    """Complete lines; what stands after the last newline is no line."""
    rest = b""
    async for chunk in response.content.iter_any():
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            yield line


def _read(adapter: TypeAdapter[T], raw: bytes) -> T:
    try:
        return adapter.validate_json(raw)
    except ValidationError as exc:
        raise SimulatorUnavailable("the sim worker's answer cannot be read: is it of another version?") from exc


def _typed(raw: bytes, response: aiohttp.ClientResponse) -> PitcallError:
    """The error that a body of the one shape stands for."""
    try:
        body = _Error.model_validate_json(raw)
    except ValidationError:
        # Something else answers there: a load balancer, or another program.
        return SimulatorUnavailable(f"HTTP {response.status} in place of an answer of the sim worker")
    kind = by_name(body.error)
    if issubclass(kind, Overloaded):
        return kind(body.detail, retry_after_s=_seconds(response.headers.get("retry-after")))
    return kind(body.detail)


def _seconds(text: str | None) -> float:
    try:
        value = float(text or "")
    except ValueError:
        return 1.0
    return value if math.isfinite(value) and value > 0 else 1.0
