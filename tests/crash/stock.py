"""The stock Python exporters, as programs use them, against a server that may refuse.

In: endpoints. Out: which batches they say they delivered, and what they did until then.
"""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Final

from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcSpanExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from tests.running import Server

SPANS: Final = 5
"""Spans in a batch, all named after it."""
NAMED: Final = "SELECT name, count(*) FROM spans WHERE service_name = 'stock' GROUP BY ALL"
"""How many spans of each batch are stored."""
_PATIENCE_S: Final = 60
"""Before they give a batch up, 10 s otherwise: tests decide for how long they are refused."""
_EXPORTER: Final = "opentelemetry.exporter.otlp.proto"
_LOGGERS: Final = (f"{_EXPORTER}.grpc.exporter", f"{_EXPORTER}.http.trace_exporter")


@dataclass(slots=True)
class Exports:
    """Batches by name: delivered, or given up; `said` is what was logged about each attempt that was refused."""

    delivered: set[str] = field(default_factory=set)
    given_up: set[str] = field(default_factory=set)
    said: list[str] = field(default_factory=list)

    @property
    def refusals(self) -> int:
        """How many attempts were refused."""
        return len(self.said)


@contextmanager
def exporting(server: Server, *, grpc: int, http: int) -> Iterator[Exports]:
    """So many exporters of each protocol, each of which exports a batch after the other until the `with` ends."""
    exports = Exports()
    over = threading.Event()
    makers: list[Any] = [lambda: GrpcSpanExporter(endpoint=server.grpc, insecure=True, timeout=_PATIENCE_S)] * grpc
    makers += [lambda: HttpSpanExporter(endpoint=f"{server.http}/v1/traces", timeout=_PATIENCE_S)] * http
    threads = [
        threading.Thread(target=_export_all, args=(make(), f"batch {i}", exports, over))
        for i, make in enumerate(makers)
    ]
    with _overheard(exports):
        for thread in threads:
            thread.start()
        try:
            yield exports
        finally:
            over.set()
            for thread in threads:
                thread.join()


def _export_all(exporter: Any, name: str, exports: Exports, over: threading.Event) -> None:
    for number in count():
        batch = f"{name}.{number}"
        result = exporter.export(_spans(batch))
        (exports.delivered if result is SpanExportResult.SUCCESS else exports.given_up).add(batch)
        if over.wait(0.05):
            break
    exporter.shutdown()


def _spans(name: str) -> list[ReadableSpan]:
    memory = InMemorySpanExporter()
    provider = TracerProvider(resource=Resource({"service.name": "stock"}), shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(memory))
    for _ in range(SPANS):
        provider.get_tracer("tests").start_span(name).end()
    return list(memory.get_finished_spans())


@contextmanager
def _overheard(exports: Exports) -> Iterator[None]:
    """Writes down what the exporters log: a record for each attempt that is refused."""

    def hear(record: logging.LogRecord) -> bool:
        exports.said.append(record.getMessage())
        return True

    loggers = [logging.getLogger(name) for name in _LOGGERS]
    for logger in loggers:
        logger.filters.insert(0, hear)  # before the exporters' own filter, which drops what was said a moment ago
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeFilter(hear)
