"""A fork finds no lock of OpenTelemetry's metrics held by a thread of ours, which the child would wait for in vain.

In: work of our threads that takes such locks. Out: the same, never in the middle of a fork.
"""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

__all__ = ["unforked"]

LONGEST_S: Final = 0.5
"""What a fork waits for at most; the work takes milliseconds."""


class _Gate:
    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._held = False
        os.register_at_fork(before=self._before, after_in_parent=self._in_parent, after_in_child=self._in_child)

    @contextmanager
    def __call__(self) -> Iterator[None]:
        with self._lock:
            yield

    def _before(self) -> None:
        self._held = self._lock.acquire(timeout=LONGEST_S)

    def _in_parent(self) -> None:
        if self._held:
            self._lock.release()

    def _in_child(self) -> None:
        self._lock = threading.RLock()


unforked: Final = _Gate()
"""`with unforked():` around what takes such locks; no network in it."""
