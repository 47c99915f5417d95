"""`otel_ax.testing`: what is told is recorded, the same each run, and one test's telemetry is not another's."""

import json
import os
import subprocess
import sys
import timeit
import tomllib
from pathlib import Path

import pytest
from opentelemetry import metrics, trace
from opentelemetry._logs import get_logger
from opentelemetry.util.genai.handler import TelemetryHandler

from otel_ax.context import using
from otel_ax.testing import Recorder, recording
from tests.sdk.receiving import ROOT, environment
from tests.sdk.rivals import installed

TRACER = trace.get_tracer("held by a module since it was imported")
COUNTER = metrics.get_meter("held").create_counter("tests.run")


def _tell() -> None:
    with TRACER.start_as_current_span("outer", attributes={"b": 1, "a": "x"}), TRACER.start_as_current_span("inner"):
        get_logger("a.logger").emit(body="within", event_name="an.event")
    COUNTER.add(2, {"of": "this"})


@pytest.mark.parametrize("run", [1, 2, 3])
def test_ids_times_and_counts_begin_anew_for_each_test(otel_ax_recorder: Recorder, run: int) -> None:
    del run
    _tell()
    outer, inner = otel_ax_recorder.span("outer"), otel_ax_recorder.span("inner")
    assert (outer.context.trace_id, outer.context.span_id, inner.context.span_id) == (1, 1, 2)
    assert otel_ax_recorder.log("an.event").log_record.span_id == 2
    assert [(point.name, point.value, dict(point.attributes)) for point in otel_ax_recorder.metrics] == [
        ("tests.run", 2, {"of": "this"})
    ]


def test_the_story_is_the_same_each_time() -> None:
    stories = []
    for _ in range(2):
        with recording() as recorder:
            _tell()
            stories.append(json.dumps(recorder.story()))
    assert stories[0] == stories[1]
    (outer,) = json.loads(stories[0])
    assert (outer["name"], outer["ms"], list(outer["attributes"])) == ("outer", [1.0, 5.0], ["a", "b"])
    assert [child["name"] for child in outer["children"]] == ["inner"]


def test_durations_follow_the_recorders_clock(otel_ax_recorder: Recorder) -> None:
    handler = TelemetryHandler(instrumentation_scope_name="t")
    with handler.inference("openai", request_model="gpt-5"):
        otel_ax_recorder.clock.advance(3)
    (duration,) = otel_ax_recorder.metrics
    assert (duration.name, duration.count) == ("gen_ai.client.operation.duration", 1)
    assert 3 < duration.value < 3.01


def test_what_is_told_outside_is_not_recorded_and_clocks_are_given_back() -> None:
    timer = timeit.default_timer
    with recording() as recorder:
        assert timeit.default_timer is not timer
    _tell()
    assert timeit.default_timer is timer
    assert (recorder.spans, recorder.logs) == ((), ())
    with TRACER.start_as_current_span("now") as span:
        assert span.get_span_context().trace_id > 2**64


def test_clear_forgets(otel_ax_recorder: Recorder) -> None:
    _tell()
    otel_ax_recorder.clear()
    assert (otel_ax_recorder.spans, otel_ax_recorder.logs, otel_ax_recorder.metrics) == ((), (), ())
    _tell()
    assert [point.value for point in otel_ax_recorder.metrics] == [2]


def test_spans_and_logs_hold_whom_they_are_for(otel_ax_recorder: Recorder) -> None:
    with using(tenant="acme"):
        _tell()
    assert otel_ax_recorder.span("inner").attributes["ax.tenant.id"] == "acme"
    assert otel_ax_recorder.log("an.event").log_record.attributes["ax.tenant.id"] == "acme"


USERS_TEST = """
from opentelemetry import trace

def test_mine(otel_ax_recorder):
    with trace.get_tracer("t").start_as_current_span("mine"):
        pass
    assert otel_ax_recorder.span("mine").context.span_id == 1
"""


def test_users_get_the_fixture_with_the_package(tmp_path: Path) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    site = installed(tmp_path / "site", "otel-ax", {"pytest11": project["entry-points"]["pytest11"]})
    (tmp_path / "test_users.py").write_text(USERS_TEST)
    environ = environment("http://127.0.0.1:9") | {"PYTHONPATH": os.pathsep.join([str(site), str(ROOT)])}
    command = [sys.executable, "-m", "pytest", "-q", "--rootdir=.", "-p", "no:cacheprovider", "test_users.py"]
    done = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=90, check=False)
    assert "1 passed" in done.stdout, done.stdout + done.stderr


def test_a_span_that_is_not_there_is_told_with_those_that_are(otel_ax_recorder: Recorder) -> None:
    _tell()
    with pytest.raises(LookupError, match="0 spans are named 'missing'; the spans that ended: inner, outer"):
        otel_ax_recorder.span("missing")
