"""gRPC at its border: typed errors, deadlines, traces, and the gate that opens when the server is ready."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

import grpc

from pitcall.adapters import telemetry
from pitcall.errors import ModelServerUnavailable, Overloaded, PitcallError
from pitcall_model_server.models import Models

#: Trailing metadata: the name of the error class, and the seconds to wait before the next try.
ERROR_KEY = "pitcall-error"
RETRY_KEY = "retry-after"
#: The same pause as google.rpc.RetryInfo, where generic clients look for it.
DETAILS_KEY = "grpc-status-details-bin"
#: Kept back from the caller's deadline for the way back, s.
RETURN_S = 0.02
#: gRPC refuses trailing metadata beyond 8 KiB; percent-encoding triples what is not ASCII.
MAX_DETAIL = 1_000

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"

_log = logging.getLogger(__name__)


class Gate:
    """Holds the models once there are any."""

    def __init__(self) -> None:
        self._models: Models | None = None

    def open(self, models: Models) -> None:
        """Let requests through."""
        self._models = models

    @property
    def models(self) -> Models:
        """Who answers. Raises ModelServerUnavailable before the gate is open."""
        if self._models is None:
            raise ModelServerUnavailable("the model server is loading its models; try again in a second")
        return self._models


def deadline_s(context: Context, default: float) -> float:
    """Seconds that the caller leaves for the answer, less the way back; may be negative."""
    left: float | None = context.time_remaining()  # None without a deadline, whatever the annotation says
    return default if left is None else min(left, default) - RETURN_S


@asynccontextmanager
async def typed_errors(name: str, context: Context) -> AsyncIterator[None]:
    """Run an RPC in the caller's trace; end it with the status of its error, never with a stack trace."""
    headers = {key: value for key, value in context.invocation_metadata() or () if isinstance(value, str)}
    with telemetry.span(name, headers):
        try:
            yield
        except PitcallError as exc:
            await _abort(context, exc)
        except Exception:  # noqa: BLE001  # of any other kind the caller learns nothing, the log all
            _log.exception("%s failed", name)
            await _abort(context, PitcallError("the model server failed; its log has the reason"))


async def _abort(context: Context, exc: PitcallError) -> None:
    metadata: list[tuple[str, str | bytes]] = [(ERROR_KEY, type(exc).__name__)]
    if isinstance(exc, Overloaded):
        metadata += [(RETRY_KEY, f"{exc.retry_after_s:g}"), (DETAILS_KEY, _retry_info(exc))]
    await context.abort(getattr(grpc.StatusCode, exc.grpc), exc.detail[:MAX_DETAIL], tuple(metadata))


def _retry_info(exc: Overloaded) -> bytes:
    """A google.rpc.Status with the pause to make."""
    from google.rpc import code_pb2, error_details_pb2, status_pb2  # noqa: PLC0415  # only an overloaded server needs it

    status = status_pb2.Status(code=code_pb2.RESOURCE_EXHAUSTED, message=exc.detail[:MAX_DETAIL])
    info = error_details_pb2.RetryInfo()
    info.retry_delay.FromNanoseconds(round(exc.retry_after_s * 1e9))
    status.details.add().Pack(info)
    found: bytes = status.SerializeToString()
    return found
