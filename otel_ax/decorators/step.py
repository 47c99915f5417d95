"""A step of a workflow: `@step`, `@step("fetch", retries=2)`, or `with step("fetch") as it:`.

In: a function. Out: a span `step {name}` with key, status, retries and sizes; events `step.started`, `.completed`,
`.failed`; the run around counts it. A step that fails and is called again, with none of its key beside it, is a retry.
"""

import asyncio
import inspect
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import wraps
from typing import Any, Final, overload

from opentelemetry.context import Context, create_key, get_value

from otel_ax import adapter, events, guard, semconv
from otel_ax.adapter import Invocation, Untold
from otel_ax.context import AttributeValue, Scope, current, entered
from otel_ax.decorators.sizes import json_bytes
from otel_ax.decorators.work import CANCELS, Work
from otel_ax.decorators.workflow import Run, run_of
from otel_ax.decorators.wrap import F, Maker, is_bare, name_of
from otel_ax.errors import BudgetExceeded

__all__ = ["Step", "StepRun", "step"]

_STEP: Final = create_key("otel_ax.step")


class StepRun(Work):
    """A step that runs. All its methods may be left out, and none raises."""

    __slots__ = ("_retries", "_run", "_scope", "key", "name", "status")

    def __init__(self, invocation: Invocation, scope: Scope, name: str, run: Run | None) -> None:
        super().__init__(invocation)
        self._scope, self._run = scope, run
        self._retries = 0
        self.key = scope.step or name
        self.name = name
        self.status = "running"
        """running, completed, failed or cancelled."""

    @guard.guarded
    def retry(self, error: BaseException | None = None) -> None:
        """An attempt has failed, and another one is made within the step."""
        self._retries += 1
        attributes: dict[str, AttributeValue] = {semconv.STEP_RETRY_COUNT: self._retries}
        if error is not None:
            attributes[semconv.ERROR_TYPE] = type(error).__name__
        self.invocation.span.add_event(semconv.STEP_RETRY_EVENT, attributes)

    @guard.guarded
    def input(self, value: Any) -> None:
        """What it was given, to tell its size."""
        self._size(semconv.STEP_INPUT_SIZE, value)

    @guard.guarded
    def output(self, value: Any) -> None:
        """What it gave back, to tell its size."""
        self._size(semconv.STEP_OUTPUT_SIZE, value)

    def take(self, result: Any) -> None:
        """What the function gave back."""
        self.output(result)

    def started(self) -> None:
        """Tells that it runs; it may be one that has failed before."""
        if self._run is not None:
            self._retries = self._run.counts.start(self.key)
            self._run.invocation.span.set_attribute(semconv.WORKFLOW_CURRENT_STEP, self.key)
        self._emit("step.started", None)

    def settle(self) -> None:
        """Writes status and retries."""
        self.invocation.attributes[semconv.STEP_STATUS] = self.status
        self.invocation.attributes[semconv.STEP_RETRY_COUNT] = self._retries

    def finished(self) -> None:
        """The end, as it should be."""
        self._end("completed", None, super().finished)

    def failed(self, error: BaseException) -> None:
        """The end, by this error or cancellation."""
        if isinstance(error, GeneratorExit):
            self.invocation.attributes[semconv.STREAM_ABANDONED] = True
            self._end("cancelled", None, super().finished)
            return
        if isinstance(error, Exception):
            self.invocation.span.record_exception(error)
        status = "cancelled" if isinstance(error, CANCELS) else "failed"
        self._end(status, error, lambda: super(StepRun, self).failed(error))

    def _end(self, status: str, error: BaseException | None, end: Callable[[], None]) -> None:
        if self.ended:
            return
        self.status = status
        if self._run is not None:
            self._run.counts.end(self.key, status)
        end()
        self._emit("step.completed" if status == "completed" else "step.failed", error)

    def _size(self, name: str, value: Any) -> None:
        size = json_bytes(value)
        if size is not None:
            self.invocation.attributes[name] = size

    def _emit(self, event: str, error: BaseException | None) -> None:
        attributes = {
            **self._scope.attributes(),
            **self.invocation.attributes,
            semconv.STEP_KEY: self.key,
            semconv.STEP_NAME: self.name,
            semconv.STEP_STATUS: self.status,
            semconv.STEP_RETRY_COUNT: self._retries,
        }
        told = events.Event(event, self._scope.workflow, self._scope.workflow_run, self.key, error, attributes)
        events.emit(told, self.invocation.context)


class Step(Maker[StepRun]):
    """What `step(...)` gives: a decorator, and a context manager."""

    __slots__ = ("delay_s", "key", "name", "retries")

    def __init__(self, key: str | None, name: str | None, retries: int, delay_s: float) -> None:
        super().__init__()
        self.key, self.name, self.retries, self.delay_s = key, name, retries, delay_s

    def __call__(self, function: F) -> F:
        """The function, with a span around each call, and called again where it fails."""
        again: F = _retrying(function, self.retries, self.delay_s) if self.retries > 0 else function
        return super().__call__(again)

    def begin(
        self,
        function: Callable[..., Any] | None,
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        *,
        attached: bool,
    ) -> StepRun:
        """Starts the step."""
        key = self.key or self.name or name_of(function, "step")
        name = self.name or key
        run = run_of()
        scope = replace(current(), step=key)
        holder: list[StepRun] = []
        context = Context({**entered(scope), _STEP: holder})
        attributes: dict[str, AttributeValue] = {
            semconv.KIND: "step",
            semconv.STEP_KEY: key,
            semconv.STEP_NAME: name,
            semconv.STEP_STATUS: "running",
        }
        if scope.workflow_run is not None:
            attributes[semconv.WORKFLOW_RUN_ID] = scope.workflow_run
        invocation = adapter.plain(f"step {name}", attributes, context=context, attached=attached)
        running = StepRun(invocation, scope, name, run)
        holder.append(running)
        if function is not None and (args or kwargs):
            running.input([*args, *kwargs.values()])
        running.started()
        return running

    def untold(self, invocation: Untold) -> StepRun:
        """A step that tells nothing."""
        return StepRun(invocation, Scope(), self.name or "step", None)


def _retrying(function: Any, retries: int, delay_s: float) -> Any:
    """The function, called again up to `retries` times where it raises, the pause doubling each time."""
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        guard.report(f"otel_ax: {name_of(function, 'a generator')} yields, so that it cannot be retried; it runs once")
        return function
    return (
        _retrying_async(function, retries, delay_s)
        if inspect.iscoroutinefunction(function)
        else _retrying_sync(function, retries, delay_s)
    )


def _retrying_sync(function: Any, retries: int, delay_s: float) -> Any:
    @wraps(function)
    def retried(*args: Any, **kwargs: Any) -> Any:
        for attempt in range(retries):
            try:
                return function(*args, **kwargs)
            except BudgetExceeded:
                raise
            except Exception as error:  # noqa: BLE001 (it is tried again, as asked)
                _tell_retry(error)
            time.sleep(delay_s * 2**attempt)
        return function(*args, **kwargs)

    return retried


def _retrying_async(function: Any, retries: int, delay_s: float) -> Any:
    @wraps(function)
    async def retried(*args: Any, **kwargs: Any) -> Any:
        for attempt in range(retries):
            try:
                return await function(*args, **kwargs)
            except BudgetExceeded:
                raise
            except Exception as error:  # noqa: BLE001 (it is tried again, as asked)
                _tell_retry(error)
            await asyncio.sleep(delay_s * 2**attempt)
        return await function(*args, **kwargs)

    return retried


def _tell_retry(error: Exception) -> None:
    holder = get_value(_STEP)
    if isinstance(holder, list) and holder:
        holder[0].retry(error)


@overload
def step(function: F, /) -> F: ...
@overload
def step(key: str | None = None, *, name: str | None = None, retries: int = 0, delay_s: float = 0.0) -> Step: ...
def step(key: Any = None, *, name: str | None = None, retries: int = 0, delay_s: float = 0.0) -> Any:
    """Marks a function or a block as a step of a workflow.

    Args:
        key: What tells the step apart within the workflow; else its name, else the function's.
        name: What people call it; else the key.
        retries: How often a function that raises is called again, within the step.
        delay_s: The pause before the first retry; it doubles with each.
    """
    if is_bare(key):
        return Step(None, name, retries, delay_s)(key)
    return Step(key, name, retries, delay_s)
