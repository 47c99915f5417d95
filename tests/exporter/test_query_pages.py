"""Pages of traces and conversations over stored spans are those of one question for all, whatever the windows hold."""

from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from exporter.config import Limits, Retention
from exporter.decode import decode
from exporter.query import calls, traces
from exporter.query.calls import Conversation
from exporter.query.period import HOUR, MINUTE, Period
from exporter.query.traces import Trace
from exporter.query.views import Views, reading
from tests.exporter.store_tables import append, opened
from tests.otlp import START, key_values, request_of

PERIOD = Period(START, START + 3 * HOUR)
"""Windows of five minutes, of forty, and of the rest."""


def stories() -> Iterator[Span]:
    """Traces that are short or last for hours, with a root that begins first or without one, many at one time."""
    rng = Random(7)
    for number in range(1, 60):
        begun = START + rng.choice([0, 170 * MINUTE, rng.randrange(3 * HOUR)])
        lasts = rng.choice([0, MINUTE, 2 * HOUR])
        times = sorted([begun, *(begun + rng.randrange(lasts + 1) for _ in range(rng.randrange(4)))])
        has_root = rng.random() < 0.6
        for place, at in enumerate(times):
            is_root = has_root and place == 0
            yield Span(
                trace_id=number.to_bytes(16, "big"),
                span_id=(number * 100 + place).to_bytes(8, "big"),
                parent_span_id=b"" if is_root else b"\1" * 8,
                name=f"span {place}",
                start_time_unix_nano=at,
                end_time_unix_nano=at + 1_000,
                attributes=key_values(
                    {"gen_ai.operation.name": "chat", "gen_ai.conversation.id": f"conversation-{number % 40}"}
                ),
            )


@pytest.fixture(scope="module")
def views(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Views]:
    data: Path = tmp_path_factory.mktemp("pages")
    export = ExportTraceServiceRequest()
    export.resource_spans.add().scope_spans.add().spans.extend(stories())
    store = opened(data)
    for name, rows in decode([request_of(export)], Limits(), Retention()).tables.items():
        append(store, rows, name)
    store.close()
    with reading(data) as found:
        yield found


def pages_of_traces(views: Views, limit: int, **asked: Any) -> list[Trace]:
    rows, after = [], None
    while True:
        found, after = traces.page_of_traces(views, PERIOD, limit=limit, after=after, **asked)
        rows += found.rows
        if after is None:
            return rows


def pages_of_conversations(views: Views, limit: int, **asked: Any) -> list[Conversation]:
    rows, after = [], None
    while True:
        found, after = calls.conversations(views, PERIOD, limit=limit, after=after, **asked)
        rows += found.rows
        if after is None:
            return rows


@pytest.mark.parametrize("where", [None, "spans > 1"])
@pytest.mark.parametrize("limit", [4, 15])
def test_traces_in_pages_are_those_of_one_question(views: Views, limit: int, where: str | None) -> None:
    whole = traces.traces(views, PERIOD, where=where, limit=10_000).rows
    assert len(whole) > 10
    assert pages_of_traces(views, limit, where=where) == list(whole)


@pytest.mark.parametrize("where", [None, "calls > 3"])
@pytest.mark.parametrize("limit", [4, 15])
def test_conversations_in_pages_are_those_of_one_question(views: Views, limit: int, where: str | None) -> None:
    whole = pages_of_conversations(views, 10_000, where=where)
    assert len(whole) > 10
    assert len({one.conversation_id for one in whole}) == len(whole)
    assert [one.last_ns for one in whole] == sorted((one.last_ns for one in whole), reverse=True)
    assert pages_of_conversations(views, limit, where=where) == whole
