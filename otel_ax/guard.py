"""Our bugs stay ours: caught and told once a minute in a user's program, raised again under pytest.

In: code of ours that a user's program runs. Out: its result, or None. Source: OpenTelemetry specification, "Error
handling": what instruments must not throw at run time.
"""

import logging
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Final, ParamSpec, TypeVar

__all__ = ["guarded", "guarding", "report"]

EVERY_S: Final = 60.0
"""Seconds between two lines of log about the same thing."""

_log: Final = logging.getLogger("otel_ax")
_told: dict[str, float] = {}
_MOST_TOLD: Final = 256

P = ParamSpec("P")
R = TypeVar("R")


def report(what: str, error: BaseException | None = None) -> None:
    """One line of log, unless `what` was told within a minute. Under pytest, an `error` that is a bug is raised."""
    if error is not None and "PYTEST_VERSION" in os.environ:
        raise error
    now = time.monotonic()
    if now - _told.get(what, -EVERY_S) < EVERY_S:
        return
    if len(_told) >= _MOST_TOLD:
        _told.clear()
    _told[what] = now
    if error is None:
        _log.warning("%s", what)
    else:
        _log.warning("%s: %s: %s", what, type(error).__name__, error, exc_info=_log.isEnabledFor(logging.DEBUG))


def guarded(function: Callable[P, R]) -> Callable[P, R | None]:
    """The function, whose errors are reported; it then gives None."""
    what = f"otel_ax: {function.__qualname__} failed; your program is not affected, its telemetry may be"

    @wraps(function)
    def safe(*args: P.args, **kwargs: P.kwargs) -> R | None:
        try:
            return function(*args, **kwargs)
        except Exception as error:  # noqa: BLE001 (the promise)
            report(what, error)
            return None

    return safe


@contextmanager
def guarding(what: str) -> Iterator[None]:
    """A block of our own code, never the user's: its errors are reported and end there."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 (the promise)
        report(f"otel_ax: {what} failed; your program is not affected, its telemetry may be", error)
