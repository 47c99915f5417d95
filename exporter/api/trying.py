"""Bounds of rules and channels that are tried over the API, which must not hold up those that are watched, nor others.

In: a request to try something. Out: a place, and statements that end.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from exporter.alert.ask import RunSql
from exporter.api.problems import Busy
from exporter.api.shared import Shared
from exporter.sandbox import Rows, SqlRefused
from exporter.units import NS_PER_S

AT_ONCE: Final = 4
SQL_S: Final = 60
"""What the statements of one backtest may take together."""


class Places:
    """As many as are tried at once: each takes one of the threads that answer everybody."""

    def __init__(self, most: int = AT_ONCE) -> None:
        self._most = most
        self._free = threading.BoundedSemaphore(most)

    @contextmanager
    def one(self) -> Iterator[None]:
        """A place; who finds none is told to come back. Raises `Busy`."""
        if not self._free.acquire(blocking=False):
            raise Busy(f"{self._most} are being tried already", mend="try again in a second")
        try:
            yield
        finally:
            self._free.release()


def bounded(shared: Shared) -> RunSql:
    """Statements in the API's own sandbox, so that those of watched rules never wait for them, for `SQL_S` at most."""
    deadline = shared.clock.monotonic() + SQL_S * NS_PER_S

    def run(data: Path, sql: str) -> Rows:
        if shared.clock.monotonic() > deadline:
            mend = "ask for a shorter range, or for a faster statement"
            raise SqlRefused("timeout", f"its statements take longer than {SQL_S} s together", mend=mend)
        return shared.sandbox.run(data, sql)

    return run
