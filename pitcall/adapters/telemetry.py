"""Logs and traces: JSON lines on stderr, one W3C trace id through all three hops.

The trace context travels in headers (HTTP) or metadata (gRPC), never in a body, so it cannot
change a cached answer. Spans go to whatever exporter the environment configures
(``OTEL_TRACES_EXPORTER`` and friends, when the SDK's exporters are installed); none by default.
"""

import json
import logging
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime

from opentelemetry import trace
from opentelemetry.propagate import extract
from opentelemetry.propagate import inject as _inject
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider


class _JsonLines(logging.Formatter):
    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "severity": record.levelname,
            "service": self._service,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if found := trace_id():
            line["trace_id"] = found
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def configure(service: str, level: str = "INFO") -> None:
    """Log JSON lines to stderr and trace as ``service``. Call once, at process start."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_JsonLines(service))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    trace.set_tracer_provider(TracerProvider(resource=Resource.create({SERVICE_NAME: f"pitcall-{service}"})))


@contextmanager
def span(name: str, headers: Mapping[str, str] | None = None) -> Iterator[None]:
    """Run a block as a span; with ``headers`` it continues the caller's trace."""
    context = extract(dict(headers)) if headers is not None else None
    with trace.get_tracer("pitcall").start_as_current_span(name, context=context):
        yield


def inject() -> dict[str, str]:
    """Headers that carry the current trace to the next hop; empty outside a span."""
    carrier: dict[str, str] = {}
    _inject(carrier)
    return carrier


def trace_id() -> str:
    """The current trace id, 32 hex digits; empty outside a span."""
    context = trace.get_current_span().get_span_context()
    return format(context.trace_id, "032x") if context.is_valid else ""
