"""The stock Python exporters, of all signals and protocols, against a real receiver."""

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import grpc
import pytest
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter as GrpcLogExporter
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter as GrpcMetricExporter
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcSpanExporter
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter as HttpLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter as HttpMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpSpanExporter
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from exporter.model import Signal
from tests.exporter.receiving import Receiver, receiving, until

WAYS = ["grpc", "grpc gzip", "http", "http gzip", "http deflate"]


@pytest.fixture(scope="module")
def receiver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receiver]:
    with receiving(tmp_path_factory.mktemp("data")) as running:
        yield running


def exporter_for(
    way: str, receiver: Receiver, path: str, of_grpc: Callable[..., Any], of_http: Callable[..., Any]
) -> Any:
    protocol, _, compression = way.partition(" ")
    if protocol == "grpc":
        kind = grpc.Compression.Gzip if compression else grpc.Compression.NoCompression
        return of_grpc(endpoint=receiver.grpc, insecure=True, compression=kind)
    return of_http(endpoint=f"{receiver.http}/v1/{path}", compression=Compression(compression or "none"))


def spans() -> list[ReadableSpan]:
    memory = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(memory))
    tracer = provider.get_tracer("test", "1.0")
    with tracer.start_as_current_span("root", attributes={"a": 1, "b": ["x", "y"], "c": 0.5}) as root:
        root.add_event("happened", {"d": True})
        with tracer.start_as_current_span("child"):
            pass
    return list(memory.get_finished_spans())


@pytest.mark.parametrize("way", WAYS)
def test_spans_of_the_stock_exporter_are_in_the_journal_once_it_has_exported_them(receiver: Receiver, way: str) -> None:
    exporter = exporter_for(way, receiver, "traces", GrpcSpanExporter, HttpSpanExporter)
    sent = spans()
    try:
        assert exporter.export(sent) is SpanExportResult.SUCCESS
    finally:
        exporter.shutdown()
    request = receiver.stored()[-1]
    assert (request.signal, request.items, request.tenant) == (Signal.TRACES, 2, "default")
    stored = ExportTraceServiceRequest.FromString(request.payload).resource_spans[0].scope_spans[0].spans
    assert [span.span_id for span in stored] == [span.context.span_id.to_bytes(8) for span in sent]


@pytest.mark.parametrize("way", WAYS)
def test_logs_of_the_stock_exporter_are_in_the_journal(receiver: Receiver, way: str) -> None:
    memory = InMemoryLogRecordExporter()
    provider = LoggerProvider()
    provider.add_log_record_processor(SimpleLogRecordProcessor(memory))
    record = LogRecord(body={"said": [way, 1, None]}, severity_number=SeverityNumber.WARN, attributes={"n": 1})
    provider.get_logger("test").emit(record)
    exporter = exporter_for(way, receiver, "logs", GrpcLogExporter, HttpLogExporter)
    try:
        assert exporter.export(memory.get_finished_logs()).name == "SUCCESS"
    finally:
        exporter.shutdown()
    assert (receiver.stored()[-1].signal, receiver.stored()[-1].items) == (Signal.LOGS, 1)


@pytest.mark.parametrize("way", WAYS)
def test_metrics_of_the_stock_exporter_are_in_the_journal(receiver: Receiver, way: str) -> None:
    reader = InMemoryMetricReader()
    meter = MeterProvider([reader]).get_meter("test")
    meter.create_counter("count").add(1, {"way": way})
    for value in (0.1, 3, 70):
        meter.create_histogram("spread").record(value)
    exporter = exporter_for(way, receiver, "metrics", GrpcMetricExporter, HttpMetricExporter)
    try:
        assert exporter.export(reader.get_metrics_data()).name == "SUCCESS"
    finally:
        exporter.shutdown()
    assert (receiver.stored()[-1].signal, receiver.stored()[-1].items) == (Signal.METRICS, 2)


@pytest.mark.parametrize("way", ["grpc", "http"])
def test_an_overloaded_receiver_makes_the_stock_exporter_wait_as_told_and_loses_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, way: str
) -> None:
    caplog.set_level(logging.WARNING)
    soon = {"retry_after_min": "30ms", "retry_after_max": "30ms"}
    with receiving(tmp_path, journal={"backlog_bytes": "1B"}, receive=soon) as receiver:
        first = exporter_for("grpc", receiver, "traces", GrpcSpanExporter, HttpSpanExporter)
        assert first.export(spans()) is SpanExportResult.SUCCESS
        first.shutdown()

        results: list[SpanExportResult] = []
        exporter = exporter_for(way, receiver, "traces", GrpcSpanExporter, HttpSpanExporter)
        sent = spans()
        thread = Thread(target=lambda: results.append(exporter.export(sent)))
        thread.start()
        until(lambda: receiver.counted("refused_items", reason="overloaded") > 0)
        receiver.catch_up()
        thread.join()
        exporter.shutdown()

        assert results == [SpanExportResult.SUCCESS]
        assert receiver.counted("accepted_items") == 4
        refusals = receiver.counted("refused_items")
        assert refusals == receiver.counted("refused_items", reason="overloaded")
        assert refusals % 2 == 0
        assert receiver.counted("received_items") == 4 + refusals
    told = "0.03s" if way == "grpc" else "1.00s"  # HTTP's Retry-After knows whole seconds only
    assert f"retrying in {told}" in caplog.text
