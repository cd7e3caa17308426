"""gRPC at its border: typed errors, deadlines, traces, and the gate that opens when the server is ready."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

import grpc

from pitcall.adapters import telemetry
from pitcall.errors import ModelServerUnavailable, Overloaded, PitcallError
from pitcall_model_server.advisor import Advisor

#: Trailing metadata: the name of the error class, and the seconds to wait before the next try.
ERROR_KEY = "pitcall-error"
RETRY_KEY = "retry-after"
#: Kept back from the caller's deadline for the way back, s.
RETURN_S = 0.02
#: gRPC refuses trailing metadata beyond 8 KiB; percent-encoding triples what is not ASCII.
MAX_DETAIL = 1_000

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"

_log = logging.getLogger(__name__)


class Gate:
    """Holds the Advisor once there is one."""

    def __init__(self) -> None:
        self._advisor: Advisor | None = None

    def open(self, advisor: Advisor) -> None:
        """Let requests through."""
        self._advisor = advisor

    def advisor(self) -> Advisor:
        """The Advisor. Raises ModelServerUnavailable before the gate is open."""
        if self._advisor is None:
            raise ModelServerUnavailable("the model server is loading its models; try again in a second")
        return self._advisor


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
    metadata = [(ERROR_KEY, type(exc).__name__)]
    if isinstance(exc, Overloaded):
        metadata.append((RETRY_KEY, f"{exc.retry_after_s:g}"))
    await context.abort(getattr(grpc.StatusCode, exc.grpc), exc.detail[:MAX_DETAIL], tuple(metadata))
