"""Which traces are recorded, and which of those are sent."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON, Sampler
from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind, StatusCode, TraceFlags

from otel_ax import semconv
from otel_ax.errors import BadSettings
from otel_ax.export import PricedExporter
from otel_ax.processors import RateSampler, TailSampling
from otel_ax.processors.journey import Journey
from otel_ax.settings import Settings


class Kept(SpanProcessor):
    """What has ended."""

    def __init__(self) -> None:
        self.ended: list[ReadableSpan] = []

    def on_end(self, span: ReadableSpan) -> None:
        self.ended.append(span)


# Tail sampling: spans are made by a real tracer; what is sampled afterwards is what is sent.

S: int = 1_000_000_000


def made(*, error: bool = False, seconds: float = 0.001, cost: float = 0.0, children: int = 1) -> list[ReadableSpan]:
    """A trace's spans in the order in which they end, the root last."""
    kept = Kept()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(kept)
    tracer = provider.get_tracer("test")
    root = tracer.start_span("root", start_time=S)
    for number in range(children):
        child = tracer.start_span("child", trace.set_span_in_context(root), start_time=S, attributes={"cost": cost})
        if error and number == 0:
            child.set_status(StatusCode.ERROR)
        child.end(S + 1)
    root.end(S + int(seconds * S))
    return kept.ended


def sampling(*, keep_ratio: float = 0.0, most: int = 1000, most_bytes: int = 1 << 30) -> TailSampling:
    def cost_usd(span: ReadableSpan) -> float:
        cost = (span.attributes or {}).get("cost", 0.0)
        return cost if isinstance(cost, float) else 0.0

    return TailSampling(
        keep_ratio=keep_ratio, slow_s=10, costly_usd=1, cost_usd=cost_usd, most=most, most_bytes=most_bytes
    )


def sent(spans: list[ReadableSpan]) -> list[bool]:
    return [span.context.trace_flags.sampled for span in spans]


@pytest.mark.parametrize(
    ("spans", "kept"),
    [
        (made(), False),
        (made(error=True), True),
        (made(seconds=10), True),
        (made(cost=0.4, children=2), False),
        (made(cost=0.4, children=3), True),
    ],
    ids=["usual", "failed", "slow", "cheap", "costly"],
)
def test_failed_slow_and_costly_traces_are_kept(spans: list[ReadableSpan], *, kept: bool) -> None:
    tail = sampling()
    assert tail.sift(spans[:-1], 0) == []
    out = tail.sift(spans[-1:], 1)
    assert sent(out) == [kept] * len(spans)
    assert [span.name for span in out] == [span.name for span in spans]


def test_late_spans_follow_their_trace() -> None:
    tail = sampling()
    late_of_dropped, late_of_kept = made(error=True), made()
    tail.sift([late_of_dropped[1]], 0)
    tail.sift([late_of_kept[1]], 0)
    assert sent(tail.sift([late_of_dropped[0]], 1)) == [False]
    failed = made(error=True, children=2)
    assert sent(tail.sift([failed[0], failed[2]], 1)) == [True, True]
    assert sent(tail.sift([failed[1]], 2)) == [True]


def test_a_trace_that_does_not_end_is_kept_once_it_is_slow_and_at_the_end_what_is_known_decides() -> None:
    tail = sampling()
    running = made()[:1]
    assert tail.sift(running, 0) == []
    assert tail.sift([], 9.9) == []
    assert sent(tail.sift([], 10)) == [True]
    assert tail.sift(made()[:1], 20) == []
    assert sent(tail.sift([], 21, all_of_them=True)) == [False]


def test_memory_is_bounded_by_deciding_the_oldest_trace_first() -> None:
    tail = sampling(most=10)
    out = [span for _ in range(100) for span in tail.sift(made(children=3)[:3], 0)]
    assert 300 - len(out) <= 10
    assert not any(sent(out))
    heavy = sampling(most_bytes=100_000)
    out = [span for _ in range(100) for span in heavy.sift(made(children=3)[:3], 0)]
    assert 0 < 300 - len(out) < 50


def test_a_trace_is_not_decided_by_a_copy_of_its_root_that_still_runs() -> None:
    memory = InMemorySpanExporter()
    journey = Journey(Settings(keep_ratio=0.0), PricedExporter(memory, redact=True, metrics=None))
    kept = Kept()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(kept)
    root: Any = provider.get_tracer("test").start_span("root")
    assert journey.export([root])
    assert [span.name for span in memory.get_finished_spans()] == ["root"]
    root.set_status(StatusCode.ERROR)
    root.end()
    assert journey.export(kept.ended)
    assert [semconv.SPAN_PENDING in (span.attributes or {}) for span in memory.get_finished_spans()] == [True, False]


def test_a_share_of_the_rest_is_kept_and_every_process_keeps_the_same() -> None:
    traces = [made() for _ in range(400)]
    one, other = ([all(sent(sampling(keep_ratio=0.25).sift(spans, 0))) for spans in traces] for _ in range(2))
    assert one == other
    assert 50 < sum(one) < 150


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 4)), max_size=12), st.randoms(use_true_random=False))
def test_no_span_is_lost_or_doubled_however_traces_are_mixed(shapes: list[tuple[bool, int]], random: object) -> None:
    traces = [made(error=error, children=children) for error, children in shapes]
    spans = [span for one in traces for span in one]
    random.shuffle(spans)  # type: ignore[attr-defined]
    tail = sampling(most=5)
    out = [span for at, span_in in enumerate(spans) for span in tail.sift([span_in], at)]
    out += tail.sift([], 100, all_of_them=True)
    assert sorted(span.context.span_id for span in out) == sorted(span.context.span_id for span in spans)


# Head sampling.


def decided(sampler: RateSampler, attributes: dict[str, str] | None = None, parent: Context | None = None) -> str:
    return sampler.should_sample(parent, 2**127 + 2**63, "name", SpanKind.CLIENT, attributes).decision.name


def under(*, sampled: bool) -> Context:
    flags = TraceFlags(TraceFlags.SAMPLED if sampled else TraceFlags.DEFAULT)
    return trace.set_span_in_context(NonRecordingSpan(SpanContext(1, 2, is_remote=True, trace_flags=flags)), Context())


def test_the_rate_may_change_and_parents_are_followed() -> None:
    sampler = RateSampler(1.0)
    assert decided(sampler) == "RECORD_AND_SAMPLE"
    sampler.ratio = 0.25
    assert decided(sampler) == "DROP"
    assert decided(sampler, parent=under(sampled=True)) == "RECORD_AND_SAMPLE"
    sampler.ratio = 1.0
    assert decided(sampler, parent=under(sampled=False)) == "DROP"


@pytest.mark.parametrize("attributes", [{semconv.OPERATION_NAME: "chat"}, {semconv.KIND: "step"}])
@pytest.mark.parametrize("root", [None, ALWAYS_OFF], ids=["ratio", "root"])
def test_calls_that_are_not_sampled_are_still_recorded(root: Sampler | None, attributes: dict[str, str]) -> None:
    sampler = RateSampler(0.0, root)
    assert decided(sampler, attributes) == "RECORD_ONLY"
    assert decided(sampler) == "DROP"


def test_another_sampler_decides_until_a_rate_is_set() -> None:
    sampler = RateSampler(0.0, ALWAYS_ON)
    assert decided(sampler) == "RECORD_AND_SAMPLE"
    sampler.ratio = 0.0
    assert decided(sampler) == "DROP"


def test_a_rate_is_from_0_to_1() -> None:
    with pytest.raises(BadSettings):
        RateSampler(1.5)
