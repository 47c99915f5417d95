"""Realistic requests to test with, the same at every call; `tests/strategies.py` generates the odd ones.

In: a count, a seed and a start time. Out: protobuf export requests.
"""

from itertools import pairwise
from math import ceil, inf, log2
from random import Random
from typing import Any, Final

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.logs.v1.logs_pb2 import SEVERITY_NUMBER_ERROR, SEVERITY_NUMBER_INFO, LogRecord
from opentelemetry.proto.metrics.v1.metrics_pb2 import (
    AGGREGATION_TEMPORALITY_CUMULATIVE,
    AGGREGATION_TEMPORALITY_DELTA,
    Exemplar,
    ExponentialHistogram,
    ExponentialHistogramDataPoint,
    Gauge,
    Histogram,
    HistogramDataPoint,
    Metric,
    NumberDataPoint,
    Sum,
    Summary,
    SummaryDataPoint,
)
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from tests.otlp import START, Plain, Point, any_value, key_values, points_of

MS: Final = 1_000_000
SPANS_PER_TRACE: Final = 8

_MODELS: Final = ("gpt-4.1-mini", "gpt-5", "claude-sonnet-4-5", "gemini-2.5-flash", "mistral-large-2411")
_PROVIDERS: Final = ("openai", "openai", "anthropic", "gcp.gemini", "mistral_ai")
_TOOLS: Final = ("search_orders", "get_weather", "create_ticket", "lookup_customer")
_TABLES: Final = ("orders", "customers", "tickets", "inventory")
_BOUNDS: Final = (0.01, 0.04, 0.16, 0.64, 2.56, 10.24)
_WORDS: Final = ("order", "shipped", "after", "retry", "of", "payment", "by", "model", "answer", "from", "cache", "to")


def spans_request(
    count: int = 512, seed: int = 0, start: int = START, *, service: str = "checkout"
) -> ExportTraceServiceRequest:
    """`count` spans in traces of eight, a millisecond apart: about 12 attributes and 600 B each, with random ids."""
    rng = Random(seed)
    spans: list[Span] = []
    for i in range(count):
        place = i % SPANS_PER_TRACE
        root = spans[i - place] if place else None
        spans.append(_span(rng, i, start + i * MS, root))
    export = ExportTraceServiceRequest()
    group = export.resource_spans.add(resource=resource(service, seed))
    group.scope_spans.add(scope=_scope("opentelemetry.util.genai"), spans=spans)
    return export


def logs_request(
    count: int = 512, seed: int = 0, start: int = START, *, service: str = "checkout"
) -> ExportLogsServiceRequest:
    """`count` log records of one service, a millisecond apart, each in a trace of its own."""
    rng = Random(seed)
    export = ExportLogsServiceRequest()
    group = export.resource_logs.add(resource=resource(service, seed))
    group.scope_logs.add(scope=_scope("shop.log"), log_records=[_log(rng, start + i * MS) for i in range(count)])
    return export


def metrics_request(
    count: int = 512, seed: int = 0, start: int = START, *, service: str = "checkout"
) -> ExportMetricsServiceRequest:
    """`count` points of one service, all collected at `start`; the metrics of all five kinds take turns."""
    rng = Random(seed)
    metrics = _metrics()
    for i in range(count):
        metric = metrics[i % len(metrics)]
        getattr(metric, metric.WhichOneof("data") or "").data_points.append(_point(rng, metric, i, start))
    export = ExportMetricsServiceRequest()
    group = export.resource_metrics.add(resource=resource(service, seed))
    group.scope_metrics.add(scope=_scope("shop.metrics"), metrics=[metric for metric in metrics if points_of(metric)])
    return export


def resource(service: str = "checkout", seed: int = 0) -> Resource:
    """A process of `service`, as an SDK in a container describes it."""
    attributes: dict[str, Plain] = {
        "telemetry.sdk.language": "python",
        "telemetry.sdk.version": "1.45.2",
        "service.name": service,
        "service.namespace": "shop",
        "service.version": "2.14.0",
        "service.instance.id": f"{service}-{seed:08x}",
        "deployment.environment.name": "production",
        "host.name": f"node-{seed % 7}.example.net",
        "process.pid": 4_000 + seed % 1_000,
    }
    return Resource(attributes=key_values(attributes))


def _scope(name: str) -> InstrumentationScope:
    return InstrumentationScope(name=name, version="1.3b0")


def _span(rng: Random, i: int, start: int, root: Span | None) -> Span:
    duration = int(rng.lognormvariate(4, 1.2) * MS)
    failed = rng.random() < 1 / 50
    name, kind, attributes = _work(rng, root)
    if failed:
        attributes["error.type"] = "TimeoutError"
    return Span(
        trace_id=root.trace_id if root else rng.randbytes(16),
        span_id=rng.randbytes(8),
        parent_span_id=root.span_id if root else b"",
        flags=0x101,
        name=name,
        kind=kind,
        start_time_unix_nano=start,
        end_time_unix_nano=start + duration,
        attributes=key_values(attributes),
        events=[_exception(start + duration)] if failed else [],
        links=[Span.Link(trace_id=rng.randbytes(16), span_id=rng.randbytes(8))] if i % 100 == SPANS_PER_TRACE else [],
        status=Status(code=Status.STATUS_CODE_ERROR, message="deadline exceeded") if failed else None,
    )


def _work(rng: Random, root: Span | None) -> tuple[str, "Span.SpanKind.ValueType", dict[str, Plain]]:
    common: dict[str, Plain] = {
        "session.id": f"{rng.getrandbits(64):016x}",
        "user.id": f"u-{rng.randrange(100_000)}",
        "thread.id": 139_000 + rng.randrange(64),
        "code.function.name": f"shop.{rng.choice(_TABLES)}.{rng.choice(_WORDS)}",
    }
    if root is None:
        route = f"/v1/{rng.choice(_TABLES)}/{{id}}"
        return f"POST {route}", Span.SPAN_KIND_SERVER, common | _http(rng, route)
    choice = rng.random()
    if choice < 1 / 2:
        model = rng.randrange(len(_MODELS))
        return f"chat {_MODELS[model]}", Span.SPAN_KIND_CLIENT, common | _chat(rng, model)
    if choice < 3 / 4:
        tool = rng.choice(_TOOLS)
        return f"execute_tool {tool}", Span.SPAN_KIND_INTERNAL, common | _tool(rng, tool)
    table = rng.choice(_TABLES)
    return f"SELECT {table}", Span.SPAN_KIND_CLIENT, common | _query(rng, table)


def _http(rng: Random, route: str) -> dict[str, Plain]:
    return {
        "http.request.method": "POST",
        "http.route": route,
        "url.path": route.replace("{id}", str(rng.randrange(10**6))),
        "http.response.status_code": rng.choice((200, 200, 200, 201, 404, 500)),
        "server.address": "shop.example.net",
        "server.port": 443,
        "client.address": f"10.{rng.randrange(256)}.{rng.randrange(256)}.{rng.randrange(256)}",
        "user_agent.original": "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
    }


def _chat(rng: Random, model: int) -> dict[str, Plain]:
    return {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": _PROVIDERS[model],
        "gen_ai.request.model": _MODELS[model],
        "gen_ai.response.model": _MODELS[model],
        "gen_ai.response.id": f"chatcmpl-{rng.getrandbits(96):024x}",
        "gen_ai.response.finish_reasons": ["stop"],
        "gen_ai.usage.input_tokens": rng.randrange(20, 8_000),
        "gen_ai.usage.output_tokens": rng.randrange(1, 1_200),
        "gen_ai.request.temperature": 0.7,
        "gen_ai.conversation.id": f"conv-{rng.getrandbits(48):012x}",
    }


def _tool(rng: Random, tool: str) -> dict[str, Plain]:
    return {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": tool,
        "gen_ai.tool.call.id": f"call_{rng.getrandbits(80):020x}",
        "gen_ai.tool.call.arguments": f'{{"id":{rng.randrange(10**6)},"note":"{sentence(rng, 12)}"}}',
        "gen_ai.agent.name": "support-agent",
        "gen_ai.conversation.id": f"conv-{rng.getrandbits(48):012x}",
    }


def _query(rng: Random, table: str) -> dict[str, Plain]:
    return {
        "db.system.name": "postgresql",
        "db.namespace": "shop",
        "db.operation.name": "SELECT",
        "db.collection.name": table,
        "db.query.text": f"SELECT * FROM {table} WHERE id = $1 AND note LIKE '%{sentence(rng, 8)}%' LIMIT 20",
        "db.response.returned_rows": rng.randrange(20),
        "server.address": "db-1.example.net",
        "server.port": 5432,
    }


def _exception(time: int) -> Span.Event:
    attributes: dict[str, Plain] = {
        "exception.type": "TimeoutError",
        "exception.message": "deadline exceeded",
        "exception.stacktrace": 'Traceback (most recent call last):\n  File "shop/client.py", line 88, in call\n',
    }
    return Span.Event(time_unix_nano=time, name="exception", attributes=key_values(attributes))


def sentence(rng: Random, words: int) -> str:
    """`words` random words."""
    return " ".join(rng.choices(_WORDS, k=words))


def _log(rng: Random, time: int) -> LogRecord:
    failed = rng.random() < 1 / 20
    attributes: dict[str, Plain] = {
        "code.file.path": f"/srv/shop/{rng.choice(_TABLES)}.py",
        "code.line.number": rng.randrange(1, 900),
        "code.function.name": rng.choice(_WORDS),
        "session.id": f"{rng.getrandbits(64):016x}",
        "user.id": f"u-{rng.randrange(100_000)}",
    }
    if failed:
        attributes |= {"exception.type": "TimeoutError", "exception.message": "deadline exceeded"}
    return LogRecord(
        time_unix_nano=time,
        observed_time_unix_nano=time + 20_000,
        severity_number=SEVERITY_NUMBER_ERROR if failed else SEVERITY_NUMBER_INFO,
        severity_text="ERROR" if failed else "INFO",
        body=any_value(sentence(rng, 10)),
        attributes=key_values(attributes),
        trace_id=rng.randbytes(16),
        span_id=rng.randbytes(8),
        flags=1,
    )


def _metrics() -> list[Metric]:
    delta, cumulative = AGGREGATION_TEMPORALITY_DELTA, AGGREGATION_TEMPORALITY_CUMULATIVE
    return [
        Metric(name="process.memory.usage", unit="By", description="Memory in use.", gauge=Gauge()),
        Metric(name="shop.tokens", unit="{token}", sum=Sum(aggregation_temporality=cumulative, is_monotonic=True)),
        Metric(
            name="http.server.request.duration",
            unit="s",
            description="Duration of HTTP server requests.",
            histogram=Histogram(aggregation_temporality=cumulative),
        ),
        Metric(
            name="gen_ai.client.operation.duration",
            unit="s",
            exponential_histogram=ExponentialHistogram(aggregation_temporality=delta),
        ),
        Metric(name="rpc.server.latency", unit="ms", summary=Summary()),
    ]


def _point(rng: Random, metric: Metric, i: int, time: int) -> Point:
    common: dict[str, Any] = {
        "start_time_unix_nano": time - 60_000 * MS,
        "time_unix_nano": time,
        "attributes": key_values(
            {
                "gen_ai.operation.name": "chat",
                "gen_ai.request.model": rng.choice(_MODELS),
                "http.response.status_code": rng.choice((200, 404, 500)),
                "worker": i,
            }
        ),
    }
    values = sorted(rng.lognormvariate(-1, 1) for _ in range(20))
    many: dict[str, Any] = {"count": len(values), "sum": sum(values)}
    match metric.WhichOneof("data"):
        case "gauge":
            return NumberDataPoint(**common, as_double=rng.random() * 2**30)
        case "sum":
            return NumberDataPoint(**common, as_int=rng.randrange(10**7), exemplars=[_exemplar(rng, time)])
        case "summary":
            quantiles = [SummaryDataPoint.ValueAtQuantile(quantile=q, value=values[int(q * 19)]) for q in (0.5, 0.99)]
            return SummaryDataPoint(**common, **many, quantile_values=quantiles)
    many |= {"min": values[0], "max": values[-1], "exemplars": [_exemplar(rng, time)]}
    if metric.HasField("histogram"):
        counts = [sum(low < value <= high for value in values) for low, high in pairwise((-inf, *_BOUNDS, inf))]
        return HistogramDataPoint(**common, **many, bucket_counts=counts, explicit_bounds=_BOUNDS)
    # At scale 0 bucket i holds (2^i, 2^(i+1)].
    places = [ceil(log2(value)) - 1 for value in values]
    counts = [places.count(place) for place in range(places[0], places[-1] + 1)]
    buckets = ExponentialHistogramDataPoint.Buckets(offset=places[0], bucket_counts=counts)
    return ExponentialHistogramDataPoint(**common, **many, scale=0, positive=buckets, zero_threshold=1e-9)


def _exemplar(rng: Random, time: int) -> Exemplar:
    made = Exemplar(time_unix_nano=time - rng.randrange(60_000) * MS, as_double=rng.random())
    made.trace_id, made.span_id = rng.randbytes(16), rng.randbytes(8)
    made.filtered_attributes.extend(key_values({"user.id": f"u-{rng.randrange(100_000)}"}))
    return made
