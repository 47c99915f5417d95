"""The ingest bench counts what it says it counts; how fast it was is for people to read."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Final

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.bench.payloads import SPANS, read_templates, write_templates
from tests.otlp import START

NAMED: Final = {
    "spans_per_s",
    "noop_spans_per_s",
    "ratio",
    "p50_ack_ms",
    "p99_ack_ms",
    "rss_mb",
    "bytes_per_span",
}
"""Figures that scripts read."""


def test_it_prints_one_object_in_which_all_that_was_acknowledged_is_stored() -> None:
    command = [sys.executable, "-m", "tests.bench", "ingest", "--json", "--seconds=1", "--rounds=1", "--templates=4"]
    root = Path(__file__).parents[2]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    assert figures.keys() >= NAMED
    assert figures["stored_spans"] == figures["acked_spans"] > 0
    assert all(figures[name] > 0 for name in NAMED)


def test_no_two_requests_have_an_id_in_common_and_children_keep_their_parents(tmp_path: Path) -> None:
    write_templates(tmp_path / "templates", 2)
    templates = read_templates(tmp_path / "templates")
    later = START + 5_000_000_000
    sent = [_spans(template.request(nonce, later)) for nonce, template in enumerate([*templates, *templates], 1)]
    ids = [span.span_id for spans in sent for span in spans]
    assert len(set(ids)) == len(ids) == 4 * SPANS
    assert len({span.trace_id for spans in sent for span in spans}) == 4 * SPANS // 8
    for spans in sent:
        known = {(span.trace_id, span.span_id) for span in spans}
        assert all((span.trace_id, span.parent_span_id) in known for span in spans if span.parent_span_id)
        assert spans[0].start_time_unix_nano == later
        assert all(span.start_time_unix_nano < span.end_time_unix_nano for span in spans)


def _spans(request: bytes) -> list[Span]:
    return list(ExportTraceServiceRequest.FromString(request).resource_spans[0].scope_spans[0].spans)
