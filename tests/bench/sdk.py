"""What `otel_ax` adds to the stock SDK: to a span, to a decorated call, to an import; beside it in the same run.

In: a `Plan`. Out: `Figures`.
"""

import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.util.genai.handler import TelemetryHandler

import otel_ax
from otel_ax.budget import DEFAULT, Budget
from otel_ax.export import PricedExporter, SpanMetrics
from tests.bench.rounds import Say
from tests.bench.sink import sinking

ATTRIBUTES: Final[Mapping[str, Any]] = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-4o",
    "gen_ai.response.model": "gpt-4o-2024-08-06",
    "gen_ai.response.id": "chatcmpl-9J3uIL87gldCFtiIbyaOvTeYBRA3l",
    "gen_ai.usage.input_tokens": 1200,
    "gen_ai.usage.output_tokens": 180,
    "gen_ai.request.temperature": 0.2,
    "server.address": "api.openai.com",
    "server.port": 443,
    "app.feature": "answer a question of a customer",
    "app.release": "2026-11-21.3",
}
"""Twelve."""
BURST: Final = 20
PAUSE_S: Final = 0.02
"""Between two bursts: about a thousand spans a second, which an export thread keeps up with."""


@dataclass(frozen=True, slots=True)
class Plan:
    """`rounds` of `spans` each, by the stock SDK and by ours in turn; `imports` fresh interpreters."""

    spans: int = 2_000
    rounds: int = 5
    imports: int = 5


@dataclass(frozen=True, slots=True)
class Figures:
    """Medians over the rounds of percentiles within each, in µs on the caller's thread; added: within each round.

    Ours has everything on: scope, pending spans, tail sampling, budgets, ledger, process metrics; `encode_us` and
    `priced_us` are a span's CPU time on the export thread, `*_ms` that of a fresh interpreter.
    """

    stock_p50_us: float
    stock_p99_us: float
    added_p50_us: float
    added_p99_us: float
    bare_call_us: float
    decorated_call_us: float
    call_ratio: float
    sdk_import_ms: float
    added_import_ms: float
    added_configure_ms: float
    encode_us: float
    priced_us: float
    errors: list[str]


def measure(plan: Plan, say: Say) -> Figures:
    """All of it."""
    with sinking() as url:
        stock = _stock(url)
        handle = otel_ax.configure(
            service_name="bench", endpoint=url, pending=True, keep_ratio=0.5, schedule_delay_s=1, sigterm=False
        )
        DEFAULT.add(Budget("bench", 1_000_000, "day"))
        ours = trace.get_tracer("bench")
        rounds = [_round(stock.get_tracer("bench"), ours, plan.spans, say) for _ in range(plan.rounds)]
        bare, decorated = _calls(plan)
        say(f"a call: {bare:.1f} µs bare, {decorated:.1f} µs decorated")
        ended = handle.flush(10)
        handle.shutdown()
        stock.shutdown()
    encode_us, priced_us = _export_thread()
    sdk_ms, import_ms, configure_ms = _imports(plan)
    stock_p50, stock_p99 = (statistics.median(one[at] for one in rounds) for at in (0, 1))
    added_p50, added_p99 = (statistics.median(one[at + 2] - one[at] for one in rounds) for at in (0, 1))
    return Figures(
        stock_p50_us=round(stock_p50, 1),
        stock_p99_us=round(stock_p99, 1),
        added_p50_us=round(added_p50, 1),
        added_p99_us=round(added_p99, 1),
        bare_call_us=round(bare, 1),
        decorated_call_us=round(decorated, 1),
        call_ratio=round(decorated / bare, 2),
        sdk_import_ms=round(sdk_ms, 1),
        added_import_ms=round(import_ms - sdk_ms, 1),
        added_configure_ms=round(configure_ms - sdk_ms, 1),
        encode_us=round(encode_us, 1),
        priced_us=round(priced_us, 1),
        errors=[] if ended else ["spans were not sent in time"],
    )


def _stock(url: str) -> TracerProvider:
    provider = TracerProvider(resource=Resource.create({"service.name": "bench"}), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(f"{url}/v1/traces")))
    return provider


def _round(stock: trace.Tracer, ours: trace.Tracer, spans: int, say: Say) -> tuple[float, float, float, float]:
    plain = _timed(lambda: _span(stock), spans)
    with otel_ax.using(tenant="acme", user="ada", conversation="c-1", metadata={"plan": "free"}):
        full = _timed(lambda: _span(ours), spans)
    figures = (_percentile(plain, 50), _percentile(plain, 99), _percentile(full, 50), _percentile(full, 99))
    say("a span in µs (stock p50, p99, ours p50, p99): " + ", ".join(f"{figure:.1f}" for figure in figures))
    return figures


def _span(tracer: trace.Tracer) -> None:
    with tracer.start_as_current_span("chat gpt-4o", attributes=ATTRIBUTES):
        pass


def _timed(work: Callable[[], object], times: int) -> list[float]:
    """µs of each."""
    taken = []
    for number in range(times):
        if number % BURST == 0:
            time.sleep(PAUSE_S)
        began = time.perf_counter_ns()
        work()
        taken.append((time.perf_counter_ns() - began) / 1000)
    return taken


def _percentile(values: Sequence[float], percent: int) -> float:
    return sorted(values)[-(-len(values) * percent // 100) - 1]


def _calls(plan: Plan) -> tuple[float, float]:
    """The median call in µs, by util-genai alone and decorated, both through our pipeline."""
    handler = TelemetryHandler()

    def bare() -> str:
        with handler.inference("openai", request_model="gpt-4o") as call:
            call.input_tokens, call.output_tokens = 1200, 180
            return "hello"

    @otel_ax.llm("openai", "gpt-4o")
    def decorated(_question: str) -> str:
        return "hello"

    rounds = [
        (
            statistics.median(_timed(bare, plan.spans // 4)),
            statistics.median(_timed(lambda: decorated("?"), plan.spans // 4)),
        )
        for _ in range(plan.rounds)
    ]
    return statistics.median(one for one, _ in rounds), statistics.median(other for _, other in rounds)


class _Kept(SpanProcessor):
    def __init__(self) -> None:
        self.spans: list[ReadableSpan] = []

    def on_end(self, span: ReadableSpan) -> None:
        self.spans.append(span)


def _export_thread() -> tuple[float, float]:
    """µs a span of the stock encoder, and of pricing, redacting and counting."""
    kept = _Kept()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(kept)
    for _ in range(512):
        _span(provider.get_tracer("bench"))
    metrics = SpanMetrics(MeterProvider(shutdown_on_exit=False).get_meter("bench"))
    priced = PricedExporter(None, redact=True, metrics=metrics)
    return (
        _per_span(lambda: encode_spans(kept.spans).SerializePartialToString()),
        _per_span(lambda: priced.export(kept.spans)),
    )


def _per_span(work: Callable[[], object]) -> float:
    taken = []
    for _ in range(15):
        began = time.thread_time_ns()
        work()
        taken.append(time.thread_time_ns() - began)
    return statistics.median(taken) / 512 / 1000


SDK: Final = "import " + ", ".join(
    f"opentelemetry.{name}"
    for name in (
        "sdk.trace.export",
        "sdk.metrics.export",
        "sdk._logs.export",
        "exporter.otlp.proto.http.trace_exporter",
        "exporter.otlp.proto.http.metric_exporter",
        "exporter.otlp.proto.http._log_exporter",
    )
)
"""What a program loads that sets the stock SDK up."""


def _imports(plan: Plan) -> tuple[float, float, float]:
    """Milliseconds of CPU of a fresh interpreter: the SDK; with `import otel_ax`; with what `configure` loads."""
    loaded = f"{SDK}; import otel_ax.pipeline, otel_ax.exits; otel_ax.configure; otel_ax.llm"
    programs = (SDK, f"{SDK}; import otel_ax", loaded)
    rounds = [[_fresh(program) for program in programs] for _ in range(plan.imports)]
    sdk, ours, configure = (statistics.median(column) for column in zip(*rounds, strict=True))
    return sdk, ours, configure


def _fresh(program: str) -> float:
    code = f"import time; began = time.process_time(); {program}; print((time.process_time() - began) * 1000)"
    return float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)
