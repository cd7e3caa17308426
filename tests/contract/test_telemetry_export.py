"""Spans and counters reach a collector, over OTLP as any collector takes it."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

pytestmark = pytest.mark.contract

#: A service in small: it is set up, does one thing that is traced and one that is counted, and ends.
SERVICE = """
import sys
from pitcall.adapters import telemetry
{before}
telemetry.configure("model-server")
from pitcall_model_server.serving import events
with telemetry.span("advise"):
    events.withdrawn("wear", "abc", "NaN")
"""


class Collector(ThreadingHTTPServer):
    """Keeps what is sent to it."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Door)
        self.taken: list[tuple[str, bytes]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Door(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        self.server.taken.append((self.path, self.rfile.read(int(self.headers["content-length"]))))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # its name
        pass


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def run(before: str = "", **environment: str) -> str:
    """What the service logs."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    done = subprocess.run(
        [sys.executable, "-c", SERVICE.format(before=before)],
        env=kept | environment, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stderr


def test_spans_and_counters_reach_the_collector(collector):
    """Before the process ends, each under the name of its service."""
    run(OTEL_EXPORTER_OTLP_ENDPOINT=collector.url)
    assert {path for path, _ in collector.taken} == {"/v1/traces", "/v1/metrics"}
    (traces,) = [body for path, body in collector.taken if path == "/v1/traces"]
    (sent,) = ExportTraceServiceRequest.FromString(traces).resource_spans
    assert [span.name for scope in sent.scope_spans for span in scope.spans] == ["advise"]
    named = {one.key: one.value.string_value for one in sent.resource.attributes}
    assert named["service.name"] == "pitcall-model-server"
    counted = [body for path, body in collector.taken if path == "/v1/metrics"][-1]
    (found,) = ExportMetricsServiceRequest.FromString(counted).resource_metrics
    metrics = {metric.name: metric.sum for scope in found.scope_metrics for metric in scope.metrics}
    (point,) = metrics["pitcall.model.withdrawn"].data_points
    assert (point.as_int, point.attributes[0].key, point.attributes[0].value.string_value) == (1, "model", "wear")


def test_each_kind_may_have_a_collector_of_its_own(collector):
    """Or none."""
    run(OTEL_EXPORTER_OTLP_METRICS_ENDPOINT=f"{collector.url}/counters")
    assert {path for path, _ in collector.taken} == {"/counters"}


def test_without_a_collector_nothing_is_sent(collector):
    """And nothing is said about it."""
    assert "OTEL" not in run()
    assert collector.taken == []


def test_without_the_package_the_service_runs_and_says_what_to_install(collector):
    """A collector that is named is meant."""
    gone = "sys.modules['opentelemetry.exporter.otlp.proto.http.trace_exporter'] = None"
    said = run(gone, OTEL_EXPORTER_OTLP_ENDPOINT=collector.url)
    assert "pip install 'pitcall[telemetry]'" in said
    assert collector.taken == []


def test_a_collector_that_is_down_costs_no_answer(collector):
    """The service does its work and ends; what could not be sent is gone."""
    said = run(OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9", OTEL_EXPORTER_OTLP_TIMEOUT="1")
    assert "wear: abc is withdrawn: NaN" in said
