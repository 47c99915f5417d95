"""What happens to workflows and steps, told as it happens: log events for the backend, callbacks in the process.

In: `emit(...)` from a run or a step. Out: an OpenTelemetry log event `ax.workflow.failed` (and the other six), and the
callbacks that `on("workflow.failed", callback)` has put there. A callback that raises is reported and changes nothing.
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.context import Context

from otel_ax import adapter, guard, semconv
from otel_ax.context import AttributeValue
from otel_ax.errors import BadSettings

__all__ = ["EVENTS", "Event", "emit", "on"]

EVENTS: Final = (*semconv.WORKFLOW_EVENTS, *semconv.STEP_EVENTS)
"""The seven."""

_SEVERITIES: Final = {"failed": SeverityNumber.ERROR, "cancelled": SeverityNumber.WARN}


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a run of a workflow, or to a step of it."""

    name: str
    """One of `EVENTS`."""
    workflow: str | None
    """The workflow's name; None for a step outside of any."""
    run: str | None
    """The run's id."""
    step: str | None
    """The step's key; None if it is about the run."""
    error: BaseException | None
    attributes: Mapping[str, AttributeValue]
    """What the log event carries: tenant, user, counts of steps, retries, error."""


Callback = Callable[[Event], object]
_callbacks: Final[dict[str, tuple[Callback, ...]]] = {}
_putting: Final = threading.Lock()


def on(event: str, callback: Callback) -> Callable[[], None]:
    """Calls back, on the thread where it happens, at each such event; gives what ends that.

    Args:
        event: workflow.started, workflow.completed, workflow.failed, workflow.cancelled, step.started, step.completed
            or step.failed.
        callback: Takes an `Event`. What it raises is reported and goes no further.

    Raises:
        BadSettings: There is no event of that name.
    """
    if event not in EVENTS:
        raise BadSettings(f"no event is named {event!r}; choose from {', '.join(EVENTS)}")
    with _putting:
        _callbacks[event] = (*_callbacks.get(event, ()), callback)

    def off() -> None:
        with _putting:
            _callbacks[event] = tuple(one for one in _callbacks[event] if one is not callback)

    return off


def emit(event: Event, context: Context) -> None:
    """Tells the backend and the callbacks; `context` is where it happened."""
    with guard.guarding("a log event"):
        _log(event, context)
    for callback in _callbacks.get(event.name, ()):
        with guard.guarding(f"the callback on {event.name}"):
            callback(event)


def _log(event: Event, context: Context) -> None:
    logger = adapter.logger()
    severity = _SEVERITIES.get(event.name.rpartition(".")[2], SeverityNumber.INFO)
    if not logger.enabled(context=context, severity_number=severity, event_name=semconv.EVENT_PREFIX + event.name):
        return
    logger.emit(
        LogRecord(
            event_name=semconv.EVENT_PREFIX + event.name,
            body=_sentence(event),
            severity_number=severity,
            severity_text=severity.name,
            attributes=dict(event.attributes),
            context=context,
            exception=event.error if severity is SeverityNumber.ERROR else None,
        )
    )


def _sentence(event: Event) -> str:
    what, _, happened = event.name.partition(".")
    who = event.workflow if event.step is None else event.step
    error = f": {type(event.error).__name__}" if event.error is not None else ""
    return f"{what} {who} {happened}{error}"
