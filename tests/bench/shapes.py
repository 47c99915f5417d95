"""Log records and metric points as a web shop with language models makes them; its spans are in `tests/factories.py`.

In: a count and a seed. Out: protobuf export requests of one process, all records of which differ.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import product
from random import Random
from typing import Any, Final

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.logs.v1.logs_pb2 import SEVERITY_NUMBER_ERROR, SEVERITY_NUMBER_INFO, LogRecord
from opentelemetry.proto.metrics.v1 import metrics_pb2 as pb

from exporter.model import Signal
from tests.factories import MS, resource, sentence, spans_request
from tests.otlp import START, Export, Plain, any_value, key_values

_RECORDS_PER_TRACE: Final = 4
_POINTS_PER_EXEMPLAR: Final = 8

_MODELS: Final = ("gpt-4.1-mini", "gpt-5", "claude-sonnet-4-5", "gemini-2.5-flash", "mistral-large-2411")
_ROUTES: Final = tuple(
    f"/v1/{noun}{rest}" for noun in ("orders", "customers", "tickets") for rest in ("", "/{id}", "/search")
)

# A line of log: what it says, and the attributes that only it has. `{…}` are drawn anew for each record.
_LINES: Final[Sequence[tuple[str, Sequence[str]]]] = (
    ("{method} {route} answered {status} in {ms} ms ({size} bytes)", ("http.route", "http.response.status_code")),
    ("payment {number} of {cents} cents captured for order {order}: {words}", ("shop.order.id",)),
    ("{model} answered with {tokens} tokens in {ms} ms, {words}", ("gen_ai.request.model", "gen_ai.conversation.id")),
    ("cache miss for key customer:{number}:basket, loaded {size} bytes from replica {replica}", ()),
)
_FAILURE: Final = "gave up on {method} {route} after {retries} tries and {ms} ms: {words}"

# A metric: its unit, its kind, and the attributes whose combinations are its series.
_METRICS: Final[Mapping[str, tuple[str, str, Mapping[str, Sequence[Plain]]]]] = {
    "system.cpu.utilization": (
        "1",
        "gauge",
        {"cpu.logical_number": range(32), "cpu.mode": ("user", "system", "iowait", "idle")},
    ),
    "shop.tokens.used": (
        "{token}",
        "sum",
        {
            "gen_ai.request.model": _MODELS,
            "gen_ai.token.type": ("input", "output"),
            "gen_ai.agent.name": ("support", "sales", "refunds", "search"),
            "shop.plan": ("free", "team", "business", "enterprise"),
        },
    ),
    "http.server.request.duration": (
        "s",
        "histogram",
        {
            "http.request.method": ("GET", "POST", "PUT", "DELETE"),
            "http.route": _ROUTES,
            "http.response.status_code": (200, 201, 404, 500),
        },
    ),
    "gen_ai.client.operation.duration": (
        "s",
        "exponential_histogram",
        {
            "gen_ai.operation.name": ("chat", "embeddings", "execute_tool"),
            "gen_ai.request.model": _MODELS,
            "server.address": tuple(f"llm-{i}.example.net" for i in range(4)),
            "error.type": ("", "TimeoutError", "RateLimitError"),
        },
    ),
}
_BOUNDS: Final = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)
_BUCKETS: Final = 24


def logs_request(count: int, seed: int, *, service: str) -> ExportLogsServiceRequest:
    """`count` log records, a millisecond apart, four to a trace, with six to eight attributes each."""
    rng = Random(seed)
    records: list[LogRecord] = []
    for i in range(count):
        trace_id = records[-1].trace_id if i % _RECORDS_PER_TRACE else rng.randbytes(16)
        records.append(_record(rng, START + i * MS, trace_id))
    export = ExportLogsServiceRequest()
    group = export.resource_logs.add(resource=resource(service, seed))
    group.scope_logs.add(scope=InstrumentationScope(name="shop.log"), log_records=records)
    return export


def metrics_request(count: int, seed: int, *, service: str) -> ExportMetricsServiceRequest:
    """About `count` points, all collected at once: gauges, sums and both kinds of histogram, a quarter each."""
    rng = Random(seed)
    export = ExportMetricsServiceRequest()
    group = export.resource_metrics.add(resource=resource(service, seed))
    scope = group.scope_metrics.add(scope=InstrumentationScope(name="shop.metrics", version="1.3b0"))
    for name, (unit, kind, attributes) in _METRICS.items():
        metric = scope.metrics.add(name=name, unit=unit)
        data = getattr(metric, kind)
        if kind != "gauge":
            data.aggregation_temporality = pb.AGGREGATION_TEMPORALITY_CUMULATIVE
        if kind == "sum":
            data.is_monotonic = True
        series = list(product(*attributes.values()))
        for values in rng.sample(series, count // len(_METRICS)):
            data.data_points.append(_POINTS[kind](rng, key_values(dict(zip(attributes, values, strict=True)))))
    return export


def _record(rng: Random, time: int, trace_id: bytes) -> LogRecord:
    failed = rng.random() < 1 / 25
    line, names = (_FAILURE, ("exception.type", "exception.message")) if failed else rng.choice(_LINES)
    drawn = _drawn(rng)
    of_line: dict[str, Plain] = {
        "http.route": drawn["route"],
        "http.response.status_code": drawn["status"],
        "shop.order.id": f"o-{drawn['order']}",
        "gen_ai.request.model": drawn["model"],
        "gen_ai.conversation.id": f"conv-{rng.getrandbits(48):012x}",
        "exception.type": "TimeoutError",
        "exception.message": f"no answer within {drawn['ms']} ms",
    }
    attributes: dict[str, Plain] = {
        "code.file.path": f"/srv/shop/{rng.choice(('orders', 'payments', 'chat', 'stock'))}.py",
        "code.line.number": rng.randrange(1, 900),
        "code.function.name": rng.choice(("create", "capture", "answer", "refresh", "search", "notify")),
        "thread.name": f"worker-{rng.randrange(32)}",
        "session.id": f"{rng.getrandbits(64):016x}",
        "user.id": f"u-{rng.randrange(100_000)}",
        **{name: of_line[name] for name in names},
    }
    return LogRecord(
        time_unix_nano=time,
        observed_time_unix_nano=time + 20_000,
        severity_number=SEVERITY_NUMBER_ERROR if failed else SEVERITY_NUMBER_INFO,
        severity_text="ERROR" if failed else "INFO",
        body=any_value(line.format(**drawn)),
        attributes=key_values(attributes),
        trace_id=trace_id,
        span_id=rng.randbytes(8),
        flags=1,
    )


def _drawn(rng: Random) -> dict[str, Any]:
    return {
        "method": rng.choice(("GET", "POST", "PUT")),
        "route": rng.choice(_ROUTES),
        "status": rng.choice((200, 200, 201, 404, 500)),
        "ms": rng.randrange(1, 30_000),
        "size": rng.randrange(100, 100_000),
        "number": rng.randrange(10**9),
        "cents": rng.randrange(100, 100_000),
        "order": rng.randrange(10**8),
        "model": rng.choice(_MODELS),
        "tokens": rng.randrange(1, 4_000),
        "replica": rng.randrange(4),
        "retries": rng.randrange(2, 6),
        "words": sentence(rng, 6),
    }


def _times() -> dict[str, Any]:
    return {"start_time_unix_nano": START - 3_600_000 * MS, "time_unix_nano": START}


def _gauge(rng: Random, attributes: Sequence[Any]) -> pb.NumberDataPoint:
    return pb.NumberDataPoint(**_times(), attributes=attributes, as_double=rng.random())


def _sum(rng: Random, attributes: Sequence[Any]) -> pb.NumberDataPoint:
    return pb.NumberDataPoint(
        **_times(), attributes=attributes, as_int=rng.randrange(10**7), exemplars=_exemplars(rng, rng.random())
    )


def _histogram(rng: Random, attributes: Sequence[Any]) -> pb.HistogramDataPoint:
    counts = [rng.randrange(200) for _ in range(len(_BOUNDS) + 1)]
    return pb.HistogramDataPoint(
        **_times(), **_distribution(rng, counts), attributes=attributes, bucket_counts=counts, explicit_bounds=_BOUNDS
    )


def _exponential(rng: Random, attributes: Sequence[Any]) -> pb.ExponentialHistogramDataPoint:
    counts = [rng.randrange(200) for _ in range(_BUCKETS)]
    buckets = pb.ExponentialHistogramDataPoint.Buckets(offset=rng.randrange(-20, 0), bucket_counts=counts)
    return pb.ExponentialHistogramDataPoint(
        **_times(), **_distribution(rng, counts), attributes=attributes, scale=2, positive=buckets
    )


def _distribution(rng: Random, counts: Sequence[int]) -> dict[str, Any]:
    """What both kinds of histogram have."""
    mean = rng.lognormvariate(-1, 1)
    return {
        "count": sum(counts),
        "sum": sum(counts) * mean,
        "min": mean * rng.random(),
        "max": mean / rng.uniform(0.01, 1),
        "exemplars": _exemplars(rng, mean),
    }


def _exemplars(rng: Random, value: float) -> list[pb.Exemplar]:
    """One for every eighth point."""
    if rng.randrange(_POINTS_PER_EXEMPLAR):
        return []
    ids = {"trace_id": rng.randbytes(16), "span_id": rng.randbytes(8)}
    return [pb.Exemplar(time_unix_nano=START - rng.randrange(1, 60_000) * MS, as_double=value, **ids)]  # type: ignore[arg-type]


_POINTS: Final[Mapping[str, Callable[[Random, Sequence[Any]], Any]]] = {
    "gauge": _gauge,
    "sum": _sum,
    "histogram": _histogram,
    "exponential_histogram": _exponential,
}

REQUESTS: Final[Mapping[Signal, Callable[[int, int, str], Export]]] = {
    Signal.TRACES: lambda count, seed, service: spans_request(count, seed, service=service),
    Signal.METRICS: lambda count, seed, service: metrics_request(count, seed, service=service),
    Signal.LOGS: lambda count, seed, service: logs_request(count, seed, service=service),
}
"""How many records, a seed and a service's name become a request of each signal."""
