"""Python's `logging`, and structlog where it is used, as OpenTelemetry's log records.

In: what a program logs. Out: log records with trace, span, tenant, user, workflow and, of errors, the stack trace.

`bridge()` (which `configure()` calls) takes OpenTelemetry's own handler and makes it harmless: what the program prints
stays as it was, what OpenTelemetry and its exporters log is not sent in a loop, and no bad log call raises.
`ScopeLogs` fills in the scope (`otel_ax.using`) on every log record, events of instrumentors among them.
For structlog, `structlog_processor` stands in the chain before the renderer:

    structlog.configure(processors=[structlog.processors.add_log_level, structlog_processor, JSONRenderer()])
"""

import logging
import os
import sys
from collections.abc import Mapping, MutableMapping
from contextvars import ContextVar
from typing import Any, Final

from opentelemetry.instrumentation.logging import LoggingInstrumentor
from opentelemetry.instrumentation.utils import is_instrumentation_enabled
from opentelemetry.sdk._logs import LogRecordProcessor, ReadWriteLogRecord

from otel_ax import context
from otel_ax.guard import guarded

__all__ = ["ScopeLogs", "bridge", "structlog_processor", "unbridge"]

_LEVEL: Final = "OTEL_PYTHON_LOG_HANDLER_LEVEL"
"""OpenTelemetry's variable for the least level that is sent; unset, all that the program's loggers let through."""
_QUIET: Final = ("opentelemetry", "otel_ax")
"""Loggers that tell of telemetry itself: sent, each failed export would make the next."""
_THREADS: Final = "otel-ax "
"""How the names of our threads begin (`otel_ax.processors`)."""
_LEVELS: Final = {"warn": "WARNING", "fatal": "CRITICAL", "exception": "ERROR", "msg": "INFO"}
"""structlog's names of levels, where `logging` has others."""
_STRUCTLOG_OWN: Final = frozenset({"event", "level", "timestamp", "exc_info", "exception", "logger", "stack_info"})
_rendered: Final[ContextVar[tuple[str, str] | None]] = ContextVar("otel_ax.rendered", default=None)
"""Logger and event that structlog is about to hand to `logging`, as text, after we have sent it whole."""


class ScopeLogs(LogRecordProcessor):
    """Tenant, user, conversation, workflow and metadata of `otel_ax.using`, where a record does not have its own."""

    @guarded
    def on_emit(self, log_record: ReadWriteLogRecord) -> None:
        """Fills in what is missing."""
        record = log_record.log_record
        scope = context.current(record.context)
        has = record.attributes
        missing = {name: value for name, value in scope.attributes().items() if has is None or name not in has}
        if missing:
            record.attributes = {**(has or {}), **missing}

    def shutdown(self) -> None:
        """Holds nothing."""

    def force_flush(self, timeout_millis: int = 30_000) -> bool:  # noqa: ARG002 (OpenTelemetry's signature)
        """Holds nothing."""
        return True


@guarded
def bridge(*, level: int | str | None = None) -> logging.Handler | None:
    """What is logged goes to OpenTelemetry, too; once, however often this is called. Gives the handler.

    Args:
        level: The least level that is sent: `"WARNING"` or `logging.WARNING`. Unset, `OTEL_PYTHON_LOG_HANDLER_LEVEL`,
            else all that loggers let through; Python's own default lets warnings through.
    """
    handler = _handler()
    if handler is None:
        if not LoggingInstrumentor().is_instrumented_by_opentelemetry:
            LoggingInstrumentor().instrument()
        handler = _handler()
    if handler is None:
        return None  # switched off: OTEL_PYTHON_LOG_AUTO_INSTRUMENTATION=false
    if not any(isinstance(gate, _Gate) for gate in handler.filters):
        handler.addFilter(_Gate())
        setattr(handler, "emit", guarded(handler.emit))  # noqa: B010 (mypy: a method)
    wanted = level if level is not None else os.environ.get(_LEVEL, "").upper() or None
    if wanted is not None:
        handler.setLevel(wanted)
    return handler


def unbridge() -> None:
    """Undoes `bridge`."""
    if LoggingInstrumentor().is_instrumented_by_opentelemetry:
        LoggingInstrumentor().uninstrument()


def _handler() -> logging.Handler | None:
    """OpenTelemetry's handler, the SDK's deprecated one included, where one is on already."""
    handlers = logging.getLogger().handlers
    return next((each for each in handlers if _is_otels(each)), None)


def _is_otels(handler: logging.Handler) -> bool:
    kinds = type(handler).__mro__
    return any(kind.__name__ == "LoggingHandler" and kind.__module__.startswith("opentelemetry.") for kind in kinds)


class _Gate(logging.Filter):
    """What goes to OpenTelemetry; and to standard error, what nobody else would have printed now that we listen."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to send the record."""
        if not _is_heard(record.name) and logging.lastResort and record.levelno >= logging.lastResort.level:
            logging.lastResort.handle(record)
        ours = _is_quiet(record.name) or _is_exporting() or (record.threadName or "").startswith(_THREADS)
        return not ours and _is_whole(record) and not _is_told(record)


def _is_heard(name: str) -> bool:
    """Whether a handler of the program's hears this logger. Without any, `logging` prints warnings itself."""
    logger: logging.Logger | None = logging.getLogger(name)
    while logger is not None:
        if any(not _is_otels(handler) for handler in logger.handlers):
            return True
        logger = logger.parent if logger.propagate else None
    return False


def _is_quiet(name: str) -> bool:
    return name.partition(".")[0] in _QUIET


def _is_exporting() -> bool:
    """Whether this is an exporter's thread, in which also urllib3 and others have nothing new to say."""
    return not is_instrumentation_enabled()


def _is_whole(record: logging.LogRecord) -> bool:
    """Whether its message can be made; `logging` itself tells of those that cannot."""
    try:
        record.getMessage()
    except Exception:  # noqa: BLE001 (the program's own objects are formatted)
        return False
    return True


def _is_told(record: logging.LogRecord) -> bool:
    """Whether this is structlog's rendering of what `structlog_processor` has sent."""
    told = _rendered.get()
    _rendered.set(None)
    return told is not None and told[0] == record.name and told[1] in record.getMessage()


def structlog_processor(logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A processor of structlog's: sends the event with its fields as attributes, and leaves it as it is."""
    _send(logger, method, event)
    return event


@guarded
def _send(logger: Any, method: str, event: Mapping[str, Any]) -> None:
    handler = bridge()
    named = str(event.get("level") or method).lower()
    level = logging.getLevelNamesMapping().get(_LEVELS.get(named, named.upper()), logging.INFO)
    name = str(getattr(logger, "name", None) or event.get("logger") or "structlog")
    if handler is None or level < handler.level or _is_quiet(name) or _is_exporting():
        return
    through_logging = isinstance(logger, logging.Logger)
    if through_logging and not logger.isEnabledFor(level):
        return
    text = str(event.get("event", ""))
    record = logging.LogRecord(name, level, "", 0, text, None, _exception(event.get("exc_info")))
    for key, value in event.items():
        if key not in _STRUCTLOG_OWN and not key.startswith("_"):
            setattr(record, f"{key}_" if key in record.__dict__ else key, value)
    handler.emit(record)
    if through_logging:
        _rendered.set((name, text))


def _exception(told: Any) -> Any:
    if told is True:
        return sys.exc_info()
    if isinstance(told, BaseException):
        return (type(told), told, told.__traceback__)
    return told if isinstance(told, tuple) else None
