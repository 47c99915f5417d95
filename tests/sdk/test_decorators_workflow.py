"""Workflows and steps: status, counts, retries and sizes on their spans; the run is known to all within."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any

import pytest

from otel_ax.context import current
from otel_ax.decorators import step, workflow
from otel_ax.decorators.sizes import json_bytes
from otel_ax.errors import BudgetExceeded
from otel_ax.testing import Recorder

RUN = "invoke_workflow triage"


def _steps(span: Any) -> tuple[int, int, int]:
    """Total, completed, failed."""
    return tuple(span.attributes[f"ax.workflow.steps.{name}"] for name in ("total", "completed", "failed"))  # type: ignore[return-value]


def _fail(error: BaseException) -> None:
    raise error


def test_a_run_counts_its_steps_and_tells_where_it_stopped(otel_ax_recorder: Recorder) -> None:
    @workflow("triage", run_id="r1", steps=5)
    def triage() -> None:
        step("fetch")(lambda: None)()
        step("rank")(lambda: None)()
        with step("write"):
            raise ValueError("bad")

    with pytest.raises(ValueError, match="bad"):
        triage()
    span = otel_ax_recorder.span(RUN)
    assert _steps(span) == (5, 2, 1)
    assert span.attributes["ax.workflow.status"] == "failed"
    assert span.attributes["ax.workflow.current_step"] == "write"
    assert span.attributes["ax.workflow.run.id"] == "r1"
    assert [event.name for event in span.events] == ["exception"]
    assert [one.attributes["ax.step.status"] for one in otel_ax_recorder.spans[:3]] == [
        "completed",
        "completed",
        "failed",
    ]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), asyncio.CancelledError(), GeneratorExit(), SystemExit(0)])
def test_a_run_that_is_stopped_is_cancelled(error: BaseException, otel_ax_recorder: Recorder) -> None:
    with pytest.raises(type(error)), workflow("triage"), step("wait"):
        _fail(error)
    wait, run = otel_ax_recorder.spans
    assert (wait.attributes["ax.step.status"], run.attributes["ax.workflow.status"]) == ("cancelled", "cancelled")
    assert _steps(run) == (1, 0, 0)


def test_each_run_has_an_id_of_its_own_and_runs_within_runs_too(otel_ax_recorder: Recorder) -> None:
    seen = []

    @workflow
    def inner() -> None:
        seen.append(current().workflow_run)

    @workflow("triage", tenant="acme")
    def outer() -> None:
        seen.append(current().workflow_run)
        with step("s"):
            inner()
        assert current().tenant == "acme"

    outer()
    outer()
    assert len(set(seen)) == 4
    assert [_steps(span) for span in otel_ax_recorder.spans if span.name == RUN] == [(1, 1, 0)] * 2
    ids = [span.attributes["ax.workflow.run.id"] for span in otel_ax_recorder.spans if span.name == RUN]
    assert ids == [seen[0], seen[2]]


def test_a_step_is_tried_again_as_often_as_asked(otel_ax_recorder: Recorder) -> None:
    errors = [OSError("one"), OSError("two")]

    @step("fetch", retries=2)
    def fetch() -> str:
        if errors:
            raise errors.pop(0)
        return "got"

    with workflow("triage"):
        assert fetch() == "got"
    span = otel_ax_recorder.span("step fetch")
    assert (span.attributes["ax.step.retry_count"], span.attributes["ax.step.status"]) == (2, "completed")
    assert [dict(event.attributes) for event in span.events] == [
        {"ax.step.retry_count": 1, "error.type": "OSError"},
        {"ax.step.retry_count": 2, "error.type": "OSError"},
    ]
    assert _steps(otel_ax_recorder.span(RUN)) == (1, 1, 0)


def test_the_last_error_is_the_callers(otel_ax_recorder: Recorder) -> None:
    errors = [OSError("one"), OSError("two"), OSError("three")]
    last = errors[-1]

    @step(retries=2, delay_s=0.001)
    async def fetch() -> None:
        raise errors.pop(0)

    with pytest.raises(OSError, match="three") as caught:
        asyncio.run(fetch())
    assert caught.value is last
    assert last.__context__ is None
    assert otel_ax_recorder.span("step fetch").attributes["ax.step.retry_count"] == 2


@pytest.mark.parametrize("error", [KeyboardInterrupt(), BudgetExceeded("b", spent_usd=1, limit_usd=1, per="day")])
def test_what_must_stop_is_not_tried_again(error: BaseException, otel_ax_recorder: Recorder) -> None:
    calls = []

    @step("fetch", retries=5)
    def fetch() -> None:
        calls.append(1)
        raise error

    with pytest.raises(type(error)):
        fetch()
    assert len(calls) == 1
    assert otel_ax_recorder.span("step fetch").attributes["ax.step.retry_count"] == 0


def test_a_step_that_failed_and_is_called_again_is_one_step_retried(otel_ax_recorder: Recorder) -> None:
    @step
    def fetch(attempt: int) -> None:
        if attempt < 2:
            raise OSError

    with workflow("triage"):
        for attempt in range(3):  # as tenacity does
            try:
                fetch(attempt)
            except OSError:
                continue
        fetch(2)  # it had succeeded: this is another one
    assert [span.attributes["ax.step.retry_count"] for span in otel_ax_recorder.spans[:4]] == [0, 1, 2, 0]
    assert _steps(otel_ax_recorder.span(RUN)) == (2, 2, 0)


def test_steps_of_one_key_beside_each_other_are_no_retries(otel_ax_recorder: Recorder) -> None:
    gates = [asyncio.Event() for _ in range(3)]

    @step
    async def fetch(number: int) -> None:
        await gates[number].wait()
        if number == 0:
            raise OSError

    async def run() -> None:
        with workflow("triage"):
            first, second = asyncio.create_task(fetch(0)), asyncio.create_task(fetch(1))
            await asyncio.sleep(0)
            gates[0].set()
            await asyncio.wait([first])
            third = asyncio.create_task(fetch(2))
            await asyncio.sleep(0)
            gates[1].set(), gates[2].set()
            await asyncio.gather(first, second, third, return_exceptions=True)

    asyncio.run(run())
    assert _steps(otel_ax_recorder.span(RUN)) == (3, 2, 1)


def test_steps_in_threads_count(otel_ax_recorder: Recorder) -> None:
    fetch = step("fetch")(lambda: current().workflow_run)
    with workflow("triage", run_id="r1"), ThreadPoolExecutor(4) as pool:
        contexts = [copy_context() for _ in range(40)]
        assert {one.result() for one in [pool.submit(context.run, fetch) for context in contexts]} == {"r1"}
    assert _steps(otel_ax_recorder.span(RUN)) == (40, 40, 0)


def test_a_step_tells_sizes_and_not_what_it_was_given(otel_ax_recorder: Recorder) -> None:
    @step
    def fetch(city: str, *, days: int) -> dict[str, Any]:
        return {"city": city, "days": days}

    fetch("Köln", days=3)
    attributes = otel_ax_recorder.span("step fetch").attributes
    assert attributes["ax.step.input.size"] == len('["Köln",3]'.encode())
    assert attributes["ax.step.output.size"] == len('{"city":"Köln","days":3}'.encode())
    assert "Köln" not in str(dict(attributes))


def test_a_block_tells_more(otel_ax_recorder: Recorder) -> None:
    with workflow("triage", metadata={"plan": "pro"}) as run, step("fetch", name="Fetch it") as it:
        run.metadata(score=0.5)
        run.steps(9)
        it.retry(OSError())
        it.input("1234")
        it.output([])
    fetch, span = otel_ax_recorder.spans
    assert (fetch.name, fetch.attributes["ax.step.key"], fetch.attributes["ax.step.name"]) == (
        "step Fetch it",
        "fetch",
        "Fetch it",
    )
    assert (fetch.attributes["ax.step.input.size"], fetch.attributes["ax.step.output.size"]) == (6, 2)
    assert fetch.attributes["ax.step.retry_count"] == 1
    assert (span.attributes["ax.metadata.plan"], span.attributes["ax.metadata.score"]) == ("pro", 0.5)
    assert span.attributes["ax.workflow.steps.total"] == 9


@pytest.mark.parametrize(
    ("value", "size"),
    [
        (None, 4),
        (True, 4),
        (False, 5),
        (-12, 3),
        (1.5, 3),
        ("ä€", 7),
        ([], 2),
        ([1, [2]], 7),
        ({}, 2),
        ({"a": {"b": [1, 2]}, "c": None}, 26),
        (object(), 4),
        (b"123", 5),
        (["\ud800"], 7),
    ],
)
def test_sizes_are_those_of_compact_json(value: Any, size: int) -> None:
    assert json_bytes(value) == size


def test_what_has_no_end_has_no_size() -> None:
    cycle: list[Any] = []
    cycle.append(cycle)
    assert json_bytes(cycle) is None
    assert json_bytes(list(range(20_000))) is None
    assert json_bytes("x" * 10**7) == 10**7 + 2
