"""One door to `opentelemetry-util-genai`: LLM calls, tools, agents and workflows start here, as do our own spans.

In: what starts. Out: an open invocation (`span`, `context`, `attributes`, `stop()`, `fail(error)`, `suspend()`),
already current unless `attached=False`. Providers are looked up at each call, since they may be set long after a
function was decorated; while there are none, what is given out does nothing.
"""

import os
import sys
import uuid
from typing import Any, Final, NamedTuple

from opentelemetry import metrics, trace
from opentelemetry._logs import Logger, get_logger_provider
from opentelemetry.context import Context, attach, detach, get_current
from opentelemetry.metrics import MeterProvider
from opentelemetry.trace import ProxyTracerProvider, Span, SpanKind, Status, StatusCode, Tracer, set_span_in_context
from opentelemetry.util.genai.completion_hook import load_completion_hook
from opentelemetry.util.genai.environment_variables import OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT
from opentelemetry.util.genai.handler import TelemetryHandler
from opentelemetry.util.genai.invocation import GenAIInvocation
from opentelemetry.util.genai.stream import (
    AbandonedStreamError,
    AsyncStreamManagerWrapper,
    AsyncStreamWrapper,
    SyncStreamManagerWrapper,
    SyncStreamWrapper,
)
from opentelemetry.util.genai.types import InputMessage, OutputMessage, TextPart
from opentelemetry.util.genai.utils import fq_exception_type

from otel_ax import __version__, guard, semconv
from otel_ax.context import AttributeValue
from otel_ax.errors import BudgetExceeded

__all__ = [
    "AbandonedStreamError",
    "AsyncStreamManagerWrapper",
    "AsyncStreamWrapper",
    "GenAIInvocation",
    "InputMessage",
    "Invocation",
    "OutputMessage",
    "Plain",
    "SyncStreamManagerWrapper",
    "SyncStreamWrapper",
    "TextPart",
    "Untold",
    "agent",
    "gate",
    "inference",
    "logger",
    "new_id",
    "plain",
    "tool",
    "workflow",
]

SCOPE: Final = "otel_ax"
"""The instrumentation scope of all that is told from here."""


class _Open(NamedTuple):
    """What tells to the providers of this moment."""

    handler: TelemetryHandler
    tracer: Tracer
    of: tuple[object, object, object, str | None]


class Plain:
    """A span of ours that is no GenAI operation (a step, a voice turn), with an invocation's face."""

    __slots__ = ("_token", "attributes", "context", "span")
    should_capture_content: Final = False

    def __init__(self, span: Span, context: Context | None, *, attached: bool) -> None:
        self.attributes: dict[str, Any] = {}
        """What is set when the span ends."""
        self.span = span
        self.context = set_span_in_context(span, context)
        self._token = attach(self.context) if attached else None

    def suspend(self) -> None:
        """What was current before is current again."""
        token, self._token = self._token, None
        if token is not None:
            detach(token)

    def stop(self) -> None:
        """The end, without an error."""
        self.span.set_attributes(self.attributes)
        self.suspend()
        self.span.end()

    def fail(self, error: BaseException) -> None:
        """The end, with this error."""
        self.span.set_status(Status(StatusCode.ERROR, str(error)))
        self.attributes[semconv.ERROR_TYPE] = fq_exception_type(error)
        self.stop()


class Untold:
    """An invocation where no provider is set: takes everything, tells nothing; its context is current all the same."""

    should_capture_content: Final = False
    span: Final = trace.INVALID_SPAN

    def __init__(self, context: Context | None, *, attached: bool) -> None:
        self.attributes: dict[str, Any] = {}
        self.context = get_current() if context is None else context
        self._token = attach(context) if attached and context is not None else None

    def suspend(self) -> None:
        """What was current before is current again."""
        token, self._token = self._token, None
        if token is not None:
            detach(token)

    def record_stream_chunk(self) -> None:
        """Nobody counts."""

    def stop(self) -> None:
        """The end."""
        self.suspend()

    def fail(self, error: BaseException) -> None:
        """The end, of which nobody hears why."""
        del error
        self.suspend()


Invocation = GenAIInvocation | Plain | Untold

_last: _Open | None = None


def _open() -> _Open | None:
    """For the providers that are set now, or None if there are none. The last answer is kept: they seldom change."""
    global _last  # noqa: PLW0603 (a cache of one)
    tracers, meters, loggers = trace.get_tracer_provider(), metrics.get_meter_provider(), get_logger_provider()
    content = os.environ.get(OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT)
    found = _last
    if found is not None:
        of = found.of
        if of[0] is tracers and of[1] is meters and of[2] is loggers and of[3] == content:
            return found
    if isinstance(tracers, ProxyTracerProvider) and not _is_set(meters):
        return None
    handler = TelemetryHandler(
        tracers,
        meters,
        loggers,
        completion_hook=load_completion_hook(),
        instrumentation_scope_name=SCOPE,
        instrumentation_scope_version=__version__,
    )
    tracer = trace.get_tracer(SCOPE, __version__, tracers)
    _last = found = _Open(handler, tracer, (tracers, meters, loggers, content))
    return found


def _is_set(meters: MeterProvider) -> bool:
    return not type(meters).__name__.startswith("_Proxy")


def new_id() -> str:
    """Of a run or a call, where the user has none."""
    return uuid.uuid4().hex


def logger() -> Logger:
    """Who tells log events now."""
    return get_logger_provider().get_logger(SCOPE, __version__)


def gate(provider: str | None, model: str | None) -> None:
    """Asks the budgets before a call that costs; costs nothing where no budget was ever made.

    Raises:
        BudgetExceeded: A budget says stop.
    """
    check = getattr(sys.modules.get("otel_ax.budget"), "check", None)
    if check is None:
        return
    try:
        check(provider=provider, model=model)
    except BudgetExceeded:
        raise
    except Exception as error:  # noqa: BLE001 (the promise)
        guard.report("otel_ax: the budget could not be checked; the call is made", error)


def inference(
    provider: str | None,
    model: str | None,
    operation: str,
    *,
    context: Context | None = None,
    attached: bool = True,
) -> Invocation:
    """A call of a model. Within another one it tells what it learns to that one, so that tokens count once."""
    found = _open()
    if found is None:
        return Untold(context, attached=attached)
    if operation == "embeddings":
        return found.handler.embedding(
            provider,  # type: ignore[arg-type]  # None is left out, and filled in by an instrumented client within
            request_model=model,
            context=context,
            _attach_to_context=attached,
        )
    return found.handler.inference(
        provider,  # type: ignore[arg-type]  # as above
        request_model=model,
        operation_name=operation,
        context=context,
        _attach_to_context=attached,
    )


def tool(
    name: str, tool_type: str | None, agent_name: str | None, *, context: Context | None = None, attached: bool = True
) -> Invocation:
    """A tool that runs."""
    found = _open()
    if found is None:
        return Untold(context, attached=attached)
    return found.handler.tool(
        name, tool_type=tool_type, agent_name=agent_name, context=context, _attach_to_context=attached
    )


def agent(name: str | None, model: str | None, *, context: Context | None = None, attached: bool = True) -> Invocation:
    """An agent that runs in this process."""
    found = _open()
    if found is None:
        return Untold(context, attached=attached)
    return found.handler.invoke_local_agent(
        agent_name=name, request_model=model, context=context, _attach_to_context=attached
    )


def workflow(name: str, *, context: Context | None = None, attached: bool = True) -> Invocation:
    """A run of a workflow."""
    found = _open()
    if found is None:
        return Untold(context, attached=attached)
    return found.handler.workflow(name, context=context, _attach_to_context=attached)


def plain(
    name: str,
    attributes: dict[str, AttributeValue],
    *,
    kind: SpanKind = SpanKind.INTERNAL,
    context: Context | None = None,
    attached: bool = True,
) -> Plain | Untold:
    """A span of ours."""
    found = _open()
    if found is None:
        return Untold(context, attached=attached)
    span = found.tracer.start_span(name, context=context, kind=kind, attributes=attributes)
    return Plain(span, context, attached=attached)
