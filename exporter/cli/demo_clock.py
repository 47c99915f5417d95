"""The time of the help desk: told, for what is past, or waited for, in what happens now.

In: seconds that something takes. Out: times, also those that OpenTelemetry writes. What is past is told at once: its
clock stands still while the program runs and moves by what the story says, so that latencies are the story's.
"""

import logging
import threading
import timeit
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib import import_module
from typing import Any, Final, Protocol

from exporter.units import NS_PER_S

_READERS: Final = (
    "opentelemetry.sdk.trace",  # spans and their events
    "opentelemetry._logs._internal",  # log events
    "opentelemetry.instrumentation.logging.handler",
)
"""Where `time_ns` is read for what is sent. Durations are measured by `timeit.default_timer`."""


class Passing(Protocol):
    """How time passes."""

    def passes(self, seconds: float) -> None:
        """Something takes that long."""


class Waited:
    """Time that really passes, until `stop` is set."""

    def __init__(self, stop: threading.Event) -> None:
        self._stop = stop

    def passes(self, seconds: float) -> None:
        """Waits that long."""
        self._stop.wait(seconds)


class Told:
    """Time that passes when it is told to. One thread tells."""

    def __init__(self, now_ns: int) -> None:
        self._began_ns = self._now_ns = now_ns

    def at(self, now_ns: int) -> None:
        """It is that time now, of Unix nanoseconds."""
        self._now_ns = now_ns

    def passes(self, seconds: float) -> None:
        """It is that much later now."""
        self._now_ns += round(seconds * NS_PER_S)

    @contextmanager
    def everywhere(self) -> Iterator[None]:
        """What is told to OpenTelemetry within happens at this clock's times."""
        with ExitStack() as undo:
            for owner, name, reads in self._places():
                undo.callback(setattr, owner, name, getattr(owner, name))
                setattr(owner, name, reads)
            undo.callback(logging.setLogRecordFactory, logging.getLogRecordFactory())
            logging.setLogRecordFactory(self._record)
            yield

    def _places(self) -> Iterator[tuple[Any, str, Any]]:
        for module in _READERS:
            yield import_module(module), "time_ns", self._time_ns
        yield timeit, "default_timer", self._timer_s

    def _time_ns(self) -> int:
        return self._now_ns

    def _timer_s(self) -> float:
        return (self._now_ns - self._began_ns) / NS_PER_S

    def _record(self, *args: Any, **kwargs: Any) -> logging.LogRecord:
        record = logging.LogRecord(*args, **kwargs)
        record.created = self._now_ns / NS_PER_S
        return record
