"""A plain OTLP/HTTP receiver on a real socket, which may answer well, badly, late or never.

In: requests of any OTLP client. Out: their spans, metrics and log records, as protobuf, and programs that are run
against it.
"""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.running import ENVIRON

ROOT: Final = Path(__file__).parents[2]
KINDS: Final[dict[str, Any]] = {
    "/v1/traces": ExportTraceServiceRequest,
    "/v1/metrics": ExportMetricsServiceRequest,
    "/v1/logs": ExportLogsServiceRequest,
}


@dataclass(slots=True)
class Receiver:
    """`status` is what requests are answered with, after `delay_s`; `hung`, they are not until it is closed."""

    url: str = ""
    status: int = 200
    delay_s: float = 0.0
    hung: bool = False
    requests: list[Any] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    refused: int = 0
    closed: threading.Event = field(default_factory=threading.Event)

    def spans(self, *, pending: bool = False) -> list[Span]:
        """Those that were accepted; the pending copies apart."""
        found = [
            span
            for request in list(self.requests)
            if isinstance(request, ExportTraceServiceRequest)
            for group in request.resource_spans
            for scope in group.scope_spans
            for span in scope.spans
        ]
        return [span for span in found if pending == ("ax.span.pending" in told(span.attributes))]

    def names(self, *, pending: bool = False) -> list[str]:
        """Of the spans, in order."""
        return sorted(span.name for span in self.spans(pending=pending))

    def logs(self) -> list[LogRecord]:
        """Those that were accepted."""
        return [
            record
            for request in list(self.requests)
            if isinstance(request, ExportLogsServiceRequest)
            for group in request.resource_logs
            for scope in group.scope_logs
            for record in scope.log_records
        ]

    def metrics(self, name: str) -> list[Metric]:
        """Those of a name that were accepted."""
        return [
            metric
            for request in list(self.requests)
            if isinstance(request, ExportMetricsServiceRequest)
            for group in request.resource_metrics
            for scope in group.scope_metrics
            for metric in scope.metrics
            if metric.name == name
        ]

    def resources(self) -> list[dict[str, Any]]:
        """Their attributes, of all signals."""
        groups = [group for request in list(self.requests) for _, value in request.ListFields() for group in value]
        return [told(group.resource.attributes) for group in groups]

    def total(self, name: str) -> float:
        """The sum of a counter's deltas."""
        return sum(point.as_int + point.as_double for metric in self.metrics(name) for point in metric.sum.data_points)


def told(attributes: Any) -> dict[str, Any]:
    """Scalar attributes as Python values."""
    return {pair.key: _value(pair) for pair in attributes}


def _value(pair: KeyValue) -> Any:
    kind = pair.value.WhichOneof("value")
    return getattr(pair.value, kind) if kind else None


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        """A program that ends resets its connections."""


@contextmanager
def receiving(**state: Any) -> Iterator[Receiver]:
    """A receiver that listens."""
    receiver = Receiver(**state)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if receiver.hung:
                receiver.closed.wait(60)
                return
            receiver.closed.wait(receiver.delay_s)
            if receiver.status == 200:
                receiver.headers.append(dict(self.headers.items()))
                receiver.requests.append(KINDS[self.path].FromString(body))
            else:
                receiver.refused += 1
            self.send_response(receiver.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = _Server(("127.0.0.1", 0), Handler)
    receiver.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        receiver.closed.set()
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass(frozen=True, slots=True)
class Done:
    """A program that has ended; `took_s` from its first line after `configure`'s import to its end is in its output."""

    status: int
    out: str
    err: str
    took_s: float


def program(code: str | Path, endpoint: str, *, environ: dict[str, str] | None = None, timeout_s: float = 60) -> Done:
    """Runs Python code, or a file of it, in a process of its own, whose OTLP goes to `endpoint`."""
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, *([str(code)] if isinstance(code, Path) else ["-c", code])],
        cwd=ROOT,
        env=environment(endpoint) | (environ or {}),
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )
    return Done(done.returncode, done.stdout, done.stderr, time.monotonic() - began)


def environment(endpoint: str) -> dict[str, str]:
    """Ours, with an endpoint; a program that runs with it is not under pytest."""
    ours = {name: value for name, value in ENVIRON.items() if not name.startswith("PYTEST")}
    return ours | {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "PYTHONPATH": str(ROOT)}
