"""Calls count as if all spans had come in at once, however their requests were cut, where children end first."""

import itertools
from dataclasses import dataclass

from hypothesis import example, given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from exporter.config import Limits, Retention
from exporter.decode import Recent, decode, nesting
from exporter.model import Request, Signal

KINDS = ("chat", "", "invoke_agent", "text_completion", "execute_tool")
"""What a span does; an empty one is a request or a retry, which a call may lie behind."""


@dataclass(frozen=True)
class Made:
    number: int
    parent: int
    """0 for none."""
    kind: str
    trace: int


@st.composite
def forests(draw: st.DrawFn) -> list[Made]:
    """Spans, each after all that are inside it."""
    count = draw(st.integers(2, nesting.DEPTH + 1))  # how far is looked is another question
    parents = [draw(st.integers(0, number - 1)) for number in range(1, count + 1)]  # of a lower number: outside
    trace_of = {0: 0}
    made = []
    for number, parent in enumerate(parents, start=1):
        trace_of[number] = trace_of[parent] if parent else draw(st.integers(1, 2))
        made.append(Made(number, parent, draw(st.sampled_from(KINDS)), trace_of[number]))
    return made[::-1]


def request(spans: list[Made]) -> Request:
    export = ExportTraceServiceRequest()
    scope = export.resource_spans.add().scope_spans.add()
    for made in spans:
        span = scope.spans.add(
            trace_id=bytes([made.trace] * 16),
            span_id=made.number.to_bytes(8, "big"),
            parent_span_id=made.parent.to_bytes(8, "big") if made.parent else b"",
            name=f"{made.kind} {made.number}",
            start_time_unix_nano=10**18 + made.number,
            end_time_unix_nano=2 * 10**18 - made.number,
        )
        if made.kind:
            span.attributes.add(key="gen_ai.operation.name").value.string_value = made.kind
    return Request(Signal.TRACES, "default", 10**18, len(spans), export.SerializeToString())


def counted(requests: list[Request], recent: Recent | None) -> set[str]:
    """Names of the spans that count as calls, of requests that are decoded one after the other."""
    found: set[str] = set()
    for one in requests:
        table = decode([one], Limits(), Retention(), recent).tables["spans"]
        rows = zip(table["name"].to_pylist(), table["is_counted"].to_pylist(), strict=True)
        found |= {name for name, is_counted in rows if is_counted}
    return found


# What lies between comes in with the wrapper, after the call.
@example([Made(3, 2, "chat", 1), Made(2, 1, "", 1), Made(1, 0, "chat", 1)], [1])
@given(forests(), st.lists(st.integers(1, nesting.DEPTH), max_size=5))
def test_cutting_makes_no_difference(spans: list[Made], cuts: list[int]) -> None:
    places = [0, *sorted(cut for cut in set(cuts) if cut < len(spans)), len(spans)]
    parts = [request(spans[start:end]) for start, end in itertools.pairwise(places)]
    assert counted(parts, Recent()) == counted([request(spans)], None)


def test_what_goes_round_in_a_circle_counts_with_a_memory_as_without() -> None:
    ring = request([Made(1, 2, "chat", 1), Made(2, 1, "", 1)])
    assert counted([ring], Recent()) == counted([ring], None) == {"chat 1"}


def test_without_a_memory_a_wrapper_counts_too() -> None:
    spans = [Made(2, 1, "chat", 1), Made(1, 0, "chat", 1)]
    parts = [request([span]) for span in spans]
    assert counted(parts, None) == {"chat 2", "chat 1"}
    assert counted(parts, Recent()) == {"chat 2"}


def test_a_retry_is_no_wrapper_of_itself() -> None:
    span = Made(2, 1, "chat", 1)
    again, ring = request([span]), request([Made(3, 3, "chat", 1)])
    assert counted([again, again], Recent()) == {"chat 2"}
    assert counted([ring, ring], Recent()) == {"chat 3"}


def test_what_is_remembered_is_bounded_and_the_oldest_goes() -> None:
    inner, outer = request([Made(2, 1, "chat", 1)]), request([Made(1, 0, "chat", 1)])
    others = [request([Made(number, number + 1000, "chat", 2)]) for number in range(10, 14)]
    assert "chat 1" not in counted([inner, *others, outer], Recent())
    assert "chat 1" in counted([inner, *others, outer], Recent(most=1))
