"""A run of a workflow: `@workflow`, `@workflow("triage")`, or `with workflow("triage", tenant="acme") as run:`.

In: a function. Out: a span `invoke_workflow {name}` with the run's id, status and steps; all within carry the id;
events `workflow.started` and `workflow.completed`, `.failed` or `.cancelled`.
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, overload

from opentelemetry.context import Context, create_key, get_value

from otel_ax import adapter, events, guard, semconv
from otel_ax.adapter import Invocation, Untold
from otel_ax.context import AttributeValue, Scope, current, entered, within
from otel_ax.decorators.work import CANCELS, Work
from otel_ax.decorators.wrap import F, Maker, is_bare, name_of

__all__ = ["Run", "Steps", "Workflow", "run_of", "workflow"]

_RUN: Final = create_key("otel_ax.run")
_MOST_KEYS: Final = 1_000
"""Keys of failed steps that a run remembers, to know a retry."""


class Steps:
    """The steps of a run, counted; safe for threads. A failed step that is run again is one step that was retried."""

    def __init__(self) -> None:
        self.total = self.completed = self.failed = 0
        self.current: str | None = None
        self._failures: dict[str, int] = {}
        self._running: dict[str, int] = {}
        self._lock = threading.RLock()  # a garbage collection within may end a step

    def start(self, key: str) -> int:
        """A step starts; how often it failed before, with none of its key beside it."""
        with self._lock:
            self.current = key
            beside = self._running.get(key, 0)
            self._running[key] = beside + 1
            failures = 0 if beside else self._failures.get(key, 0)
            if failures:
                self.failed -= 1
            else:
                self.total += 1
            return failures

    def end(self, key: str, status: str) -> None:
        """A step ends: completed, failed or cancelled."""
        with self._lock:
            running = self._running.pop(key, 1) - 1
            if running > 0:
                self._running[key] = running
            if status == "completed":
                self.completed += 1
                self._failures.pop(key, None)
            elif status == "failed":
                self.failed += 1
                if key in self._failures or len(self._failures) < _MOST_KEYS:
                    self._failures[key] = self._failures.get(key, 0) + 1


class Run(Work):
    """A run of a workflow. All its methods may be left out, and none raises."""

    __slots__ = ("_planned", "_scope", "counts", "id", "name", "status")

    def __init__(self, invocation: Invocation, scope: Scope, counts: Steps) -> None:
        super().__init__(invocation)
        self._scope = scope
        self._planned = 0
        self.counts = counts
        self.id = scope.workflow_run
        self.name = scope.workflow
        self.status = "running"
        """running, completed, failed or cancelled."""

    @guard.guarded
    def steps(self, total: int) -> None:
        """How many steps it will have, where that is known before they start."""
        self._planned = total

    @guard.guarded
    def metadata(self, **values: AttributeValue) -> None:
        """What became known of the run meanwhile, as `ax.metadata.*` of its span."""
        self.invocation.attributes.update({semconv.METADATA_PREFIX + name: value for name, value in values.items()})

    def finished(self) -> None:
        """The end, as it should be."""
        self._end("completed", None, super().finished)

    def failed(self, error: BaseException) -> None:
        """The end, by this error or cancellation."""
        if isinstance(error, GeneratorExit):
            self.invocation.attributes[semconv.STREAM_ABANDONED] = True
            self._end("cancelled", None, super().finished)
            return
        _record(self.invocation, error)
        status = "cancelled" if isinstance(error, CANCELS) else "failed"
        self._end(status, error, lambda: super(Run, self).failed(error))

    def settle(self) -> None:
        """Writes status and steps."""
        counts = self.counts
        told: dict[str, Any] = self.invocation.attributes
        told[semconv.WORKFLOW_STATUS] = self.status
        told[semconv.WORKFLOW_STEPS_TOTAL] = max(self._planned, counts.total)
        told[semconv.WORKFLOW_STEPS_COMPLETED] = counts.completed
        told[semconv.WORKFLOW_STEPS_FAILED] = counts.failed
        if counts.current is not None:
            told[semconv.WORKFLOW_CURRENT_STEP] = counts.current

    def started(self) -> None:
        """Tells that it runs."""
        self.invocation.span.set_attribute(semconv.WORKFLOW_STATUS, self.status)
        self._emit("workflow.started", None)

    def _end(self, status: str, error: BaseException | None, end: Callable[[], None]) -> None:
        if self.ended:
            return
        self.status = status
        end()
        self._emit(f"workflow.{status}", error)

    def _emit(self, name: str, error: BaseException | None) -> None:
        told: dict[str, Any] = self.invocation.attributes
        attributes = {**told, semconv.WORKFLOW_STATUS: self.status}
        event = events.Event(name, self.name, self.id, None, error, attributes)
        events.emit(event, self.invocation.context)


def run_of(context: Context | None = None) -> Run | None:
    """The run that this place in the program belongs to."""
    found = get_value(_RUN, context)
    return found.run if isinstance(found, _Held) else None


@dataclass(slots=True)
class _Held:
    """The run in its own context, which is made first."""

    run: Run | None = None


def _record(invocation: Invocation, error: BaseException) -> None:
    if isinstance(error, Exception):
        invocation.span.record_exception(error)


class Workflow(Maker[Run]):
    """What `workflow(...)` gives: a decorator, and a context manager."""

    __slots__ = ("name", "run_id", "steps", "within")

    def __init__(self, name: str | None, run_id: str | None, steps: int, **parts: Any) -> None:
        super().__init__()
        self.name, self.run_id, self.steps, self.within = name, run_id, steps, parts

    def begin(
        self,
        function: Callable[..., Any] | None,
        args: tuple[Any, ...],  # noqa: ARG002 (a run tells no arguments)
        kwargs: Mapping[str, Any],  # noqa: ARG002
        *,
        attached: bool,
    ) -> Run:
        """Starts the run."""
        name = self.name or name_of(function, "workflow")
        run_id = self.run_id or adapter.new_id()
        scope = replace(within(current(), **self.within), workflow=name, workflow_run=run_id, step=None)
        held = _Held()
        context = Context({**entered(scope), _RUN: held})
        invocation = adapter.workflow(name, context=context, attached=attached)
        invocation.attributes.update(scope.attributes())
        held.run = run = Run(invocation, scope, Steps())
        run.steps(self.steps)
        run.started()
        return run

    def untold(self, invocation: Untold) -> Run:
        """A run that tells nothing."""
        return Run(invocation, Scope(), Steps())


@overload
def workflow(function: F, /) -> F: ...
@overload
def workflow(
    name: str | None = None,
    *,
    run_id: str | None = None,
    steps: int = 0,
    tenant: str | None = None,
    user: str | None = None,
    conversation: str | None = None,
    metadata: Mapping[str, AttributeValue] | None = None,
    carry: bool | None = None,
) -> Workflow: ...
def workflow(name: Any = None, *, run_id: str | None = None, steps: int = 0, **parts: Any) -> Any:
    """Marks a function or a block as a run of a workflow.

    Args:
        name: The workflow's name; else the function's.
        run_id: The run's id where you have one; else a new one for each run.
        steps: How many steps it will have, where that is known.
        parts: `tenant=`, `user=`, `conversation=`, `metadata=` and `carry=`, as of `using(...)`.
    """
    if is_bare(name):
        return Workflow(None, None, steps)(name)
    return Workflow(name, run_id, steps, **parts)
