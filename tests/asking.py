"""A small story of every kind of record, told to a real server, and questions to its API.

In: a server. Out: what it stored, which is of one minute and of which much has the same time; answers.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlencode

import httpx
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.metrics.v1.metrics_pb2 import Gauge, Histogram, HistogramDataPoint, Metric, NumberDataPoint
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from exporter.clock import SystemClock
from tests.otlp import Export, Plain, any_value, key_values
from tests.running import Server, until

S: Final = 10**9
MS: Final = 10**6
MINUTE: Final = 60 * S
TIED: Final = 7
"""Calls of each kind that begin at one nanosecond."""
TRACE: Final = bytes(range(1, 17))
KINDS: Final[Mapping[str, Mapping[str, Plain]]] = {
    "chat": {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4.1-mini",
        "gen_ai.usage.input_tokens": 1000,
        "gen_ai.usage.output_tokens": 100,
        "gen_ai.input.messages": json.dumps([{"role": "user", "parts": [{"type": "text", "content": "=Where?"}]}]),
    },
    "agent": {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "support"},
    "tool": {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "search", "gen_ai.tool.call.id": "=call"},
    "turn": {"ax.kind": "voice_turn", "ax.voice.call.id": "call-1", "ax.voice.heard_silence": 0.8},
    "step": {"ax.kind": "step", "ax.step.key": "load", "ax.workflow.run.id": "run-1"},
    "run": {"gen_ai.operation.name": "invoke_workflow", "gen_ai.workflow.name": "refund"},
    "pending": {"gen_ai.operation.name": "chat", "ax.span.pending": True},
    "score": {"gen_ai.evaluation.name": "relevance", "gen_ai.evaluation.score.value": 0.5},
}


@dataclass(frozen=True, slots=True)
class Told:
    """A server that knows the story; `at` is when it begins, Unix nanoseconds."""

    server: Server
    at: int

    @property
    def during(self) -> dict[str, str]:
        """Parameters: the minute of the story."""
        return {"start": rfc(self.at - S), "end": rfc(self.at + MINUTE)}

    def get(self, path: str, accept: str = "application/json", **parameters: object) -> httpx.Response:
        """An answer."""
        query = urlencode({name: str(value) for name, value in parameters.items()})
        return httpx.get(f"{self.server.ui}{path}?{query}", headers={"Accept": accept}, timeout=60)

    def read(self, path: str, **parameters: object) -> Any:
        """The JSON of an answer that is one."""
        answer = self.get(path, **parameters)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def listed(self, path: str, **parameters: object) -> list[dict[str, Any]]:
        """Rows of the story's minute."""
        return list(self.read(path, **(self.during | parameters))["items"])

    def refused(self, path: str, **parameters: object) -> tuple[int, str, str]:
        """Status, field and mend of a refusal."""
        answer = self.get(path, **parameters)
        problem = answer.json()
        assert answer.headers["content-type"] == "application/problem+json", answer.text
        assert problem["mend"], problem
        return answer.status_code, problem.get("field", ""), problem["mend"]


def rfc(ns: int) -> str:
    """An instant as RFC 3339 has it."""
    return f"{datetime.fromtimestamp(ns // S, UTC):%Y-%m-%dT%H:%M:%S}.{ns % S:09}Z"


def tell(server: Server) -> Told:
    """Sends the story of ten minutes ago, and waits until it is stored."""
    at = (SystemClock().wall() - 10 * MINUTE) // S * S
    for path, export in (("traces", _spans(at)), ("logs", _lines(at)), ("metrics", _points(at))):
        _send(server, path, export)
    ended = len(_story(at)) - TIED
    until(lambda: server.sql("SELECT count(*) FROM spans") == [(ended,)], "spans")
    until(lambda: server.sql("SELECT count(*) FROM logs") == [(2 * TIED,)], "logs")
    until(lambda: server.sql("SELECT count(*) FROM metrics_gauge WHERE metric_name = 'load'") == [(TIED,)], "points")
    until(lambda: server.sql("SELECT count(*) FROM spans_pending") == [(TIED,)], "spans that began")
    return Told(server, at)


def span(number: int, parent: int | None, kind: str, at: int, took: int, *, trace: bytes = TRACE) -> Span:
    """A span; those of odd kinds have failed every third time."""
    failed = kind == "tool" and number % 3 == 0
    more: dict[str, Plain] = {"error.type": "Timeout"} if failed else {}
    who: dict[str, Plain] = {"gen_ai.conversation.id": f"conv-{number % 3}", "user.id": "ada"}
    return Span(
        trace_id=trace,
        span_id=number.to_bytes(8, "big"),
        parent_span_id=b"" if parent is None else parent.to_bytes(8, "big"),
        name=f"{kind} {number}",
        start_time_unix_nano=at,
        end_time_unix_nano=at + took,
        status=Status(code=Status.STATUS_CODE_ERROR if failed else Status.STATUS_CODE_UNSET),
        attributes=key_values({**KINDS[kind], **who, **more}),
        events=[Span.Event(time_unix_nano=at, name="=seen", attributes=key_values({"n": 1}))],
    )


def _story(at: int) -> list[Span]:
    """A trace with a run, its step and two calls; and of each kind some in traces of their own at one time."""
    spans = [
        span(1, None, "run", at, 4 * S),
        span(2, 1, "step", at, 3 * S),
        span(3, 2, "chat", at, S),
        span(4, 2, "chat", at + S, 2 * S),
    ]
    for place, kind in enumerate(KINDS):
        for which in range(TIED):
            number = 100 * (place + 1) + which
            spans.append(span(number, None, kind, at + 10 * S, S, trace=number.to_bytes(16, "big")))
    return spans


def _spans(at: int) -> ExportTraceServiceRequest:
    export = ExportTraceServiceRequest()
    group = export.resource_spans.add()
    group.resource.attributes.extend(key_values({"service.name": "shop"}))
    group.scope_spans.add().spans.extend(_story(at))
    return export


def _lines(at: int) -> ExportLogsServiceRequest:
    """Lines of which all have one time, and half of them are alike."""
    export = ExportLogsServiceRequest()
    group = export.resource_logs.add()
    group.resource.attributes.extend(key_values({"service.name": "shop"}))
    for number in range(2 * TIED):
        body = "=alike" if number % 2 else f"line {number}"
        severity: Any = 17 if number % 2 else 9
        line = LogRecord(time_unix_nano=at, severity_number=severity, body=any_value(body), trace_id=TRACE)
        group.scope_logs.add().log_records.append(line)
    return export


def _points(at: int) -> ExportMetricsServiceRequest:
    export = ExportMetricsServiceRequest()
    group = export.resource_metrics.add()
    group.resource.attributes.extend(key_values({"service.name": "shop"}))
    gauge = [NumberDataPoint(time_unix_nano=at, as_double=n / 4, attributes=key_values({"n": n})) for n in range(TIED)]
    counted = HistogramDataPoint(time_unix_nano=at, count=3, sum=1.5, bucket_counts=[1, 2], explicit_bounds=[1])
    group.scope_metrics.add().metrics.extend(
        [
            Metric(name="load", unit="1", gauge=Gauge(data_points=gauge)),
            Metric(name="took", unit="s", histogram=Histogram(data_points=[counted], aggregation_temporality=1)),
        ]
    )
    return export


def _send(server: Server, path: str, export: Export) -> None:
    headers = {"Content-Type": "application/x-protobuf"}
    answer = httpx.post(f"{server.http}/v1/{path}", content=export.SerializeToString(), headers=headers, timeout=30)
    assert answer.status_code == 200
