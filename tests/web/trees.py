"""Traces of many spans, of agents that call models and tools, and a way to send them.

In: how many spans. Out: OTLP requests; the same number gives the same tree, but for its ids and when it began.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from secrets import token_bytes
from typing import Final

import httpx
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from exporter.clock import SystemClock
from exporter.units import NS_PER_MS, NS_PER_S
from tests.otlp import key_values
from tests.running import Server, until

_SERVICES: Final = ("front", "desk", "search", "billing")
_BATCH: Final = 2_000
_AGENT: Final = 20
"""Spans of an agent's run, with its own."""
_FAILS: Final = 97
"""One of so many fails."""


@dataclass(frozen=True, slots=True)
class Tree:
    """A trace that was sent: its id, and the id of its root."""

    trace: str
    root: str


def spans_of(count: int, seed: int, start_ns: int) -> Iterator[tuple[str, Span]]:
    """Spans with their services: a root, agents below it one after another, and what each of them calls.

    Half of an agent's calls run beside each other, so not all of them are on the critical path.
    """
    random = Random(seed)
    trace = token_bytes(16)
    root = _span(trace, random.randbytes(8), b"", "POST /plan", start_ns, start_ns)
    at, end, agent = start_ns + NS_PER_MS, start_ns, root
    for number in range(1, count):
        service = _SERVICES[number % len(_SERVICES)]
        if number % _AGENT == 1:
            agent = _span(trace, random.randbytes(8), root.span_id, f"invoke_agent planner-{number}", at, at)
            agent.attributes.extend(key_values({"gen_ai.operation.name": "invoke_agent"}))
            yield _SERVICES[1], agent
            continue
        took = random.randrange(NS_PER_MS, 30 * NS_PER_MS)
        name = ("chat gpt-5-mini", "execute_tool look_up", "GET /orders")[number % 3]
        span = _span(trace, random.randbytes(8), agent.span_id, name, at, at + took)
        if name.startswith("chat"):
            span.attributes.extend(key_values(_call(number)))
        if number % _FAILS == 0:
            span.status.CopyFrom(Status(code=Status.STATUS_CODE_ERROR, message="no answer"))
        end = max(end, at + took)
        agent.end_time_unix_nano = end
        at = end if number % 2 else at + took // 3
        yield service, span
    root.end_time_unix_nano = end + NS_PER_MS
    yield _SERVICES[0], root


def send(server: Server, count: int, *, seed: int = 1) -> Tree:
    """Sends a trace, and waits until all of it can be asked for."""
    start_ns = SystemClock().wall() - max(count * 20 * NS_PER_MS, 60 * NS_PER_S)
    spans = list(spans_of(count, seed, start_ns))
    for first in range(0, count, _BATCH):
        export = ExportTraceServiceRequest()
        for service in _SERVICES:
            group = export.resource_spans.add()
            group.resource.attributes.extend(key_values({"service.name": service}))
            group.scope_spans.add().spans.extend(span for own, span in spans[first : first + _BATCH] if own == service)
        answer = httpx.post(
            f"{server.http}/v1/traces",
            content=export.SerializeToString(),
            headers={"Content-Type": "application/x-protobuf"},
            timeout=60,
        )
        answer.raise_for_status()
    sent = spans[-1][1]
    trace = sent.trace_id.hex()
    query = "SELECT count(*) FROM spans WHERE trace_id = ?"
    until(lambda: server.sql(query, trace) == [(count,)], f"{count} spans", seconds=120)
    return Tree(trace, sent.span_id.hex())


def _span(trace: bytes, span: bytes, parent: bytes, name: str, start_ns: int, end_ns: int) -> Span:
    return Span(
        trace_id=trace,
        span_id=span,
        parent_span_id=parent,
        name=name,
        start_time_unix_nano=start_ns,
        end_time_unix_nano=end_ns,
    )


def _call(number: int) -> dict[str, str | int]:
    return {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-5-mini",
        "gen_ai.usage.input_tokens": 100 + number % 900,
        "gen_ai.usage.output_tokens": 10 + number % 90,
    }
