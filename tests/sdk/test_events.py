"""Lifecycle events: seven of them, as log events for the backend and as callbacks in the process."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator

import pytest

from otel_ax.decorators import step, workflow
from otel_ax.errors import BadSettings
from otel_ax.events import EVENTS, Event, on
from otel_ax.testing import Recorder


@pytest.fixture
def heard() -> Iterator[list[Event]]:
    """Every event, in its order."""
    events: list[Event] = []
    offs = [on(name, events.append) for name in EVENTS]
    yield events
    for off in offs:
        off()


@workflow("triage", run_id="r1", tenant="acme")
def _triage(error: BaseException | None = None) -> None:
    with step("fetch"):
        pass
    with step("write"):
        if error is not None:
            raise error


def _logged(recorder: Recorder) -> list[str | None]:
    return [log.log_record.event_name for log in recorder.logs]


def test_a_run_that_completes(heard: list[Event], otel_ax_recorder: Recorder) -> None:
    _triage()
    assert [(event.name, event.step) for event in heard] == [
        ("workflow.started", None),
        ("step.started", "fetch"),
        ("step.completed", "fetch"),
        ("step.started", "write"),
        ("step.completed", "write"),
        ("workflow.completed", None),
    ]
    assert {(event.workflow, event.run, event.error) for event in heard} == {("triage", "r1", None)}
    assert _logged(otel_ax_recorder) == [f"ax.{event.name}" for event in heard]


def test_a_run_that_fails(heard: list[Event], otel_ax_recorder: Recorder) -> None:
    error = ValueError("bad")
    with pytest.raises(ValueError, match="bad"):
        _triage(error)
    assert [event.name for event in heard[-2:]] == ["step.failed", "workflow.failed"]
    assert [event.error for event in heard[-2:]] == [error, error]
    record = otel_ax_recorder.log("ax.workflow.failed").log_record
    span = otel_ax_recorder.span("invoke_workflow triage")
    assert (record.trace_id, record.span_id) == (span.context.trace_id, span.context.span_id)
    assert record.severity_text == "ERROR"
    assert record.body == "workflow triage failed: ValueError"
    assert record.attributes["ax.workflow.status"] == "failed"
    assert record.attributes["ax.workflow.steps.failed"] == 1
    assert record.attributes["ax.tenant.id"] == "acme"
    assert record.attributes["error.type"] == "ValueError"
    failed_step = otel_ax_recorder.log("ax.step.failed").log_record
    assert failed_step.attributes["ax.step.key"] == "write"
    assert failed_step.attributes["ax.workflow.run.id"] == "r1"
    assert failed_step.attributes["error.type"] == "ValueError"


def test_a_run_that_is_cancelled(heard: list[Event], otel_ax_recorder: Recorder) -> None:
    with pytest.raises(asyncio.CancelledError):
        _triage(asyncio.CancelledError())
    assert [event.name for event in heard[-2:]] == ["step.failed", "workflow.cancelled"]
    assert heard[-2].attributes["ax.step.status"] == "cancelled"
    assert otel_ax_recorder.log("ax.workflow.cancelled").log_record.severity_text == "WARN"


def test_the_names_are_seven() -> None:
    assert len(EVENTS) == len(set(EVENTS)) == 7
    with pytest.raises(BadSettings, match=r"no event is named 'workflow\.ended'; choose from workflow\.started, "):
        on("workflow.ended", print)


def test_a_callback_is_called_until_it_is_put_off() -> None:
    names: list[str] = []
    off = on("workflow.completed", lambda event: names.append(event.name))
    _triage()
    off()
    off()
    _triage()
    assert names == ["workflow.completed"]


def test_a_callback_that_raises_changes_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delenv("PYTEST_VERSION")
    reached: list[Event] = []

    def fail(event: Event) -> None:
        raise RuntimeError(event.name)

    offs = [on("step.completed", fail), on("step.completed", reached.append)]
    try:
        _triage()
    finally:
        for off in offs:
            off()
    assert [event.step for event in reached] == ["fetch", "write"]
    told = [record.message for record in caplog.records if record.name == "otel_ax"]
    assert len(told) == 1, "once a minute"
    assert told[0].startswith("otel_ax: the callback on step.completed failed; your program is not affected")


UNCONFIGURED = """
from otel_ax.decorators import step, workflow
from otel_ax.events import on
on("workflow.completed", lambda event: print(event.name, event.attributes["ax.workflow.steps.completed"]))
with workflow("triage"), step("fetch"):
    pass
"""


def test_callbacks_are_called_where_nothing_is_configured() -> None:
    done = subprocess.run([sys.executable, "-c", UNCONFIGURED], capture_output=True, text=True, check=True, timeout=60)
    assert (done.stdout, done.stderr) == ("workflow.completed 1\n", "")
