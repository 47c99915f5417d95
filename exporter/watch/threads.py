"""Threads that do one thing again and again, and end at once when they are told to.

In: work that says how long to wait. Out: the same work, whatever it raises; failures are counted and logged once.
"""

import logging
import threading
from collections.abc import Callable
from time import monotonic
from typing import Final

Work = Callable[[], float]
"""Does what there is to do now; gives the seconds until there may be more."""

_AFTER_FAILURE_S: Final = 1.0
_log: Final = logging.getLogger(__name__)


class Repeated:
    """A thread that calls `work`. `failures` counts what it raised; `failing` says what, while it does."""

    def __init__(self, name: str, work: Work) -> None:
        self.name = name
        self.failures = 0
        self.failing = ""
        self._work = work
        self._ended = threading.Event()
        self._woken = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begins."""
        self._thread.start()

    def wake(self) -> None:
        """There is something to do now."""
        self._woken.set()

    def end(self) -> None:
        """No more work after what is being done."""
        self._ended.set()
        self._woken.set()

    def join(self, deadline: float) -> bool:
        """Whether it has ended, at the latest at `deadline` (seconds of `time.monotonic`)."""
        if self._thread.ident is not None:
            self._thread.join(max(0.0, deadline - monotonic()))
        return not self._thread.is_alive()

    def _run(self) -> None:
        while not self._ended.is_set():
            self._woken.clear()
            try:
                wait_s = self._work()
                self.failing = ""
            except Exception as error:  # noqa: BLE001 (whatever it is, the next time may be better)
                if self._ended.is_set():
                    return
                self.failures += 1
                wait_s = _AFTER_FAILURE_S
                if (said := f"{type(error).__name__}: {error}") != self.failing:
                    _log.exception("%s: tried again in %g s", self.name, wait_s)
                self.failing = said
            self._woken.wait(wait_s)
