"""One line of log a minute, however much goes wrong on the way to the endpoint.

In: what could not be sent, and the log lines of the stock exporters, which are kept from the program's log while they
run on threads of ours. Out: a warning of the logger `otel_ax`, with the first of these lines as its reason.
"""

import logging
import threading
import time
from typing import Final

__all__ = ["THREADS", "hush", "overheard", "tell"]

EVERY_S: Final = 60.0
LONGEST: Final = 400
"""Characters of a reason."""
THREADS: Final = "otel-ax "
"""How the names of our threads begin."""

_LOGGERS: Final = (
    "opentelemetry.exporter.otlp.common.http",
    "opentelemetry.exporter.otlp.proto.grpc.exporter",
    "opentelemetry.exporter.otlp.proto.http._common",
    "opentelemetry.exporter.otlp.proto.http._log_exporter",
    "opentelemetry.exporter.otlp.proto.http.metric_exporter",
    "opentelemetry.exporter.otlp.proto.http.trace_exporter",
    "urllib3.connectionpool",
)
_log: Final = logging.getLogger("otel_ax")
_heard: Final = threading.local()
_told_at = -EVERY_S


class _Hush(logging.Filter):
    """Holds back what is said on our threads, and remembers what was said first."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno < logging.WARNING or not (record.threadName or "").startswith(THREADS):
            return True
        if not getattr(_heard, "words", ""):
            _heard.words = record.getMessage()[:LONGEST]
        return False


_HUSH: Final = _Hush()


def hush() -> None:
    """From now on the stock exporters say nothing on our threads."""
    for name in _LOGGERS:
        logging.getLogger(name).addFilter(_HUSH)  # a filter that is there already is not added again


def overheard() -> str:
    """The first that was held back on this thread since it was last asked for."""
    words = getattr(_heard, "words", "")
    _heard.words = ""
    return str(words)


def tell(what: str) -> None:
    """One warning, unless there was one within a minute."""
    global _told_at  # noqa: PLW0603 (one clock for all that is told)
    now = time.monotonic()
    if now - _told_at >= EVERY_S:
        _told_at = now
        _log.warning("%s", what)
