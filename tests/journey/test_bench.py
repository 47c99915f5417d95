"""The benches count what they say they count; how fast it was is for people to read."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from exporter import decode as ours
from exporter.config import Limits, Retention
from exporter.model import Signal
from otel_ax.semconv import SPAN_PENDING, TENANT_ID
from tests import oracle
from tests.bench import loops
from tests.bench.payloads import ITEMS, Template, read_templates, write_templates
from tests.factories import spans_request
from tests.otlp import EXPORTS, START, Plain, key_values, points_of, request_of

RETENTION: Final = Retention()
ROOT: Final = Path(__file__).parents[2]
INGEST: Final = {
    "spans_per_s",
    "noop_spans_per_s",
    "ratio",
    "p50_ack_ms",
    "p99_ack_ms",
    "rss_mb",
    "bytes_per_span",
}
"""Figures that scripts read."""
RECORDS: Final = {"records_per_s", "noop_records_per_s", "ratio", "times_spans", "p99_ack_ms", "bytes_per_record"}
ROUND: Final = ("--seconds=0.3", "--rounds=1", "--templates=4")


@pytest.mark.parametrize(
    ("bench", "options", "item", "named"),
    [
        pytest.param("ingest", (*ROUND, "--idle-seconds=0.5", "--starts=1"), "spans", INGEST, marks=pytest.mark.slow),
        pytest.param("logs", ROUND, "records", RECORDS, marks=pytest.mark.slow),
        pytest.param("metrics", ROUND, "records", RECORDS, marks=pytest.mark.slow),
        ("restart", ("--megabytes=4", "--rounds=1", "--templates=4"), "spans", {"ready_s", "stored_s"}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_bench_prints_one_object_in_which_all_that_was_acknowledged_is_stored(
    bench: str, options: Sequence[str], item: str, named: set[str]
) -> None:
    command = [sys.executable, "-m", "tests.bench", bench, "--json", *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=180, check=False)
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    assert figures["errors"] == []
    assert figures[f"stored_{item}"] == figures[f"acked_{item}"] > 0
    assert [name for name in named if not figures[name] > 0] == []


@pytest.mark.parametrize(
    ("bench", "options", "named"),
    [
        pytest.param(
            "query",
            ("--millions=0.001", "--templates=2", "--runs=1"),
            {"query_ms", "bytes_per_row", "files"},
            marks=pytest.mark.slow,
        ),
        pytest.param(
            "files", ("--hour-every=600", "--days=1", "--days-every=14400"), {"hour", "days"}, marks=pytest.mark.slow
        ),
        pytest.param(
            "rollup",
            ("--millions=0.002", "--templates=2", "--runs=1"),
            {"cells", "raw_ms", "rolled_ms"},
            marks=pytest.mark.slow,
        ),
    ],
)
def test_a_bench_of_reading_finds_all_that_was_stored(bench: str, options: Sequence[str], named: set[str]) -> None:
    command = [sys.executable, "-m", "tests.bench", bench, "--json", *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=180, check=False)
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    assert figures["errors"] == []
    assert [name for name in named if not all(value > 0 for value in figures[name].values())] == []


RECORDS_OF: Final = {
    Signal.TRACES: lambda export: list(export.resource_spans[0].scope_spans[0].spans),
    Signal.METRICS: lambda export: [
        point for metric in export.resource_metrics[0].scope_metrics[0].metrics for point in points_of(metric)
    ],
    Signal.LOGS: lambda export: list(export.resource_logs[0].scope_logs[0].log_records),
}
IDS: Final = ("trace_id", "span_id", "parent_span_id")
LATER: Final = START + 5_000_000_000


@pytest.mark.parametrize("signal", Signal, ids=lambda signal: signal.label)
def test_a_template_rewrites_ids_and_times_and_nothing_else(signal: Signal, tmp_path: Path) -> None:
    (template,) = templates(signal, 1, tmp_path)
    before = records(signal, template.request(0, START))
    after = records(signal, template.request(7, LATER))
    assert len(before) == template.items == ITEMS
    for old, new in zip(before, after, strict=True):
        for field in [field.name for field, _ in old.ListFields()]:
            if field in IDS:
                assert moved(getattr(old, field), 7) == getattr(new, field)
            elif field.endswith("_time_unix_nano") or field == "time_unix_nano":
                assert getattr(new, field) - getattr(old, field) == LATER - START
            else:
                assert getattr(new, field) == getattr(old, field)


def test_no_two_requests_have_an_id_in_common_and_children_keep_their_parents(tmp_path: Path) -> None:
    made = templates(Signal.TRACES, 2, tmp_path)
    sent: list[list[Span]] = [
        records(Signal.TRACES, template.request(nonce, LATER)) for nonce, template in enumerate([*made, *made], 1)
    ]
    ids = [span.span_id for spans in sent for span in spans]
    assert len(set(ids)) == len(ids) == 4 * ITEMS
    assert len({span.trace_id for spans in sent for span in spans}) == 4 * ITEMS // 8
    for spans in sent:
        known = {(span.trace_id, span.span_id) for span in spans}
        assert all((span.trace_id, span.parent_span_id) in known for span in spans if span.parent_span_id)
        assert spans[0].start_time_unix_nano == LATER
        assert all(span.start_time_unix_nano < span.end_time_unix_nano for span in spans)


@pytest.mark.parametrize("signal", [Signal.LOGS, Signal.METRICS], ids=lambda signal: signal.label)
def test_records_of_a_bench_differ_from_each_other(signal: Signal, tmp_path: Path) -> None:
    sent = [
        record for template in templates(signal, 2, tmp_path) for record in records(signal, template.request(1, START))
    ]
    assert len({record.SerializeToString() for record in sent}) == len(sent) == 2 * ITEMS


def templates(signal: Signal, count: int, room: Path) -> list[Template]:
    """As a client of a bench reads them."""
    write_templates(room / "templates", count, signal)
    return read_templates(room / "templates")


def records(signal: Signal, body: bytes) -> list[Any]:
    """The spans, points or log records of a request."""
    return RECORDS_OF[signal](EXPORTS[signal].FromString(body))


def moved(identity: bytes, by: int) -> bytes:
    """An id whose last eight bytes, a little-endian number, have become `by` more."""
    head, tail = identity[:-8], identity[-8:]
    return head + ((int.from_bytes(tail, "little") + by) % 2**64).to_bytes(8, "little")


def test_the_loops_that_ours_is_compared_with_make_the_same_table() -> None:
    usual = [spans_request(ITEMS, seed, service=f"service-{seed}") for seed in range(3)]
    varied = spans_request(8, seed=3)
    varied.resource_spans[0].resource.attributes.extend(key_values({TENANT_ID: "acme"}))
    for span in varied.resource_spans[0].scope_spans[0].spans:
        span.attributes.extend(key_values(OF_EACH_KIND))
        span.events.add(name="seen", time_unix_nano=START, attributes=key_values(OF_EACH_KIND))
    requests = [request_of(export) for export in (*usual, varied)] + [request_of(varied, tenant="token's")]
    of_loops = loops.spans(requests, Limits(), RETENTION)["spans"]
    of_ours = ours.decode(requests, Limits(), RETENTION).tables["spans"]
    assert of_loops.schema == of_ours.schema
    assert oracle.rows(of_loops) == oracle.rows(of_ours)


OF_EACH_KIND: Final[dict[str, Plain]] = {
    "text": "ü",
    "empty": "",
    "nothing": None,
    "yes": True,
    "whole": -(2**63),
    "real": 0.1,
    "bytes": b"\x00\xff",
    "list": ["stop", 1, None],
    "pairs": {"a": {"b": 2.5}},
}
ODD: Final[dict[str, Span]] = {
    "a key twice": Span(attributes=[*key_values({"key": 1}), *key_values({"key": 2})]),
    "too many attributes": Span(attributes=key_values({str(i): i for i in range(129)})),
    "a long value": Span(attributes=key_values({"key": "x" * (2**16 + 1)})),
    "a long key": Span(attributes=key_values({"k" * 257: 1})),
    "pending": Span(attributes=key_values({SPAN_PENDING: True})),
    "its own tenant": Span(attributes=key_values({TENANT_ID: "acme"})),
    "no id": Span(span_id=b"\x00" * 8),
    "an end before its start": Span(start_time_unix_nano=START, end_time_unix_nano=1),
}


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
def test_what_is_odd_the_loops_leave_to_ours(odd: Span) -> None:
    export = spans_request(8)
    export.resource_spans[0].scope_spans[0].spans[5].MergeFrom(odd)
    requests = [request_of(export)]
    with pytest.raises(loops.OddError):
        loops.spans(requests, Limits(), RETENTION)
    decoded = loops.decode(requests, Limits(), RETENTION)
    assert decoded == ours.decode(requests, Limits(), RETENTION)
