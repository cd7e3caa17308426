"""Logs and traces: JSON lines on stderr, one W3C trace id through all three hops.

The trace context travels in headers (HTTP) or metadata (gRPC), never in a body, so it cannot
change a cached answer. Spans and counters go to the collector that the standard variables name
(``OTEL_EXPORTER_OTLP_ENDPOINT``, or one each for ``_TRACES_`` and ``_METRICS_``); without them nowhere.
"""

import json
import logging
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime

from opentelemetry import metrics, trace
from opentelemetry.propagate import extract
from opentelemetry.propagate import inject as _inject
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider

_log = logging.getLogger(__name__)


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
    """Log JSON lines to stderr, trace and count as ``service``. Call once, at process start."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_JsonLines(service))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    resource = Resource.create({SERVICE_NAME: f"pitcall-{service}"})
    tracers = TracerProvider(resource=resource)
    trace.set_tracer_provider(tracers)
    try:
        if _endpoint("TRACES"):
            _export_traces(tracers)
        if _endpoint("METRICS"):
            _export_metrics(resource)
    except ImportError:
        _log.warning("a collector is named in OTEL_EXPORTER_OTLP_*; to send to it: pip install 'pitcall[telemetry]'")


def _endpoint(kind: str) -> str:
    return os.environ.get(f"OTEL_EXPORTER_OTLP_{kind}_ENDPOINT") or os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT", "")


def _export_traces(tracers: TracerProvider) -> None:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415  # optional
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415  # only here

    tracers.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))


def _export_metrics(resource: Resource) -> None:
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter  # noqa: PLC0415  # optional
    from opentelemetry.sdk.metrics import MeterProvider  # noqa: PLC0415  # only here
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader  # noqa: PLC0415  # only here

    reader = PeriodicExportingMetricReader(OTLPMetricExporter())
    metrics.set_meter_provider(MeterProvider(resource=resource, metric_readers=[reader]))


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
