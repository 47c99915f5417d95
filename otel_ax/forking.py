"""A fork finds no lock held by a thread of ours that the child, which has no such thread, would wait for for ever.

In: work of our threads that takes locks the program takes too: those of OpenTelemetry's metrics, of a span that runs,
of modules that are being imported. Out: the same, never in the middle of a fork. Loads no OpenTelemetry.
"""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

__all__ = ["LONGEST_S", "unforked"]

LONGEST_S: Final = 5.0
"""What a fork waits for at most; the work takes milliseconds, the import of prices a quarter of a second, once."""


class _Gate:
    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._held = False
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(before=self._before, after_in_parent=self._in_parent, after_in_child=self._in_child)

    @contextmanager
    def __call__(self, within_s: float = -1) -> Iterator[bool]:
        """Whether that is so; a thread of the program, which may not wait for ever, says how long it waits."""
        lock = self._lock
        held = lock.acquire(timeout=within_s)
        try:
            yield held
        finally:
            if held:
                lock.release()

    def _before(self) -> None:
        self._held = self._lock.acquire(timeout=LONGEST_S)

    def _in_parent(self) -> None:
        if self._held:
            self._lock.release()

    def _in_child(self) -> None:
        self._lock = threading.RLock()


unforked: Final = _Gate()
"""`with unforked():` around what takes such locks; no network in it."""
