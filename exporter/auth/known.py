"""The tokens that hold, in memory: what a process asks for each request.

In: `DATA/control.sqlite`, whoever writes it, looked at by `refresh` once a second. Out: the caller of a token's text.
"""

import logging
import os
import sqlite3
from collections.abc import Mapping
from contextlib import closing, suppress
from pathlib import Path
from threading import Lock
from typing import Final

from exporter.auth import tokens
from exporter.auth.tokens import Token, digest_of, is_of
from exporter.clock import Clock
from exporter.control import FILE
from exporter.units import NS_PER_S

EVERY_S: Final = 1.0
"""How often `refresh` is to be called: what is revoked is refused two seconds later at most."""
_NOTED_NS: Final = 60 * NS_PER_S
_BUSY_S: Final = 1.0
_log: Final = logging.getLogger(__name__)


class Known:
    """Any thread may `find`; `refresh` reads and writes files, and belongs in a thread that may wait.

    While the database cannot be read, what was last known holds; there are none before the first `refresh`.
    """

    def __init__(self, data: Path, clock: Clock) -> None:
        self._path = data / FILE
        self._clock = clock
        self._by_digest: Mapping[bytes, Token] = {}
        self._used: dict[bytes, int] = {}
        self._noted_at = clock.monotonic()
        self._connection: sqlite3.Connection | None = None
        self._identity: tuple[int, int] | None = None
        self._version: int | None = None
        self._complained = ""
        self._refreshing = Lock()

    def find(self, text: str) -> Token | None:
        """The token of that text, where it holds; that it was used is noted later."""
        digest = digest_of(text)
        found = self.of(digest)
        if found is None or not is_of(digest, found):
            return None
        self._used[digest] = self._clock.wall()
        return found

    def of(self, digest: bytes) -> Token | None:
        """The token with that digest, where it holds."""
        found = self._by_digest.get(digest)
        return found if found is not None and found.holds(self._clock.wall()) else None

    def refresh(self) -> None:
        """Looks whether anything has changed, and reads it; notes each minute when tokens were used."""
        with self._refreshing:
            try:
                self._refresh()
                self._complained = ""
            except (OSError, sqlite3.Error) as error:
                self._close()
                if str(error) != self._complained:
                    self._complained = str(error)
                    _log.warning("tokens cannot be read, so those hold that did: %s", error)

    def close(self) -> None:
        """Notes what is still to be noted, and closes the database."""
        with self._refreshing:
            with suppress(sqlite3.Error):
                self._note()
            self._close()

    def _refresh(self) -> None:
        identity = _identity(self._path)
        if identity != self._identity or self._connection is None:
            self._close()
            self._identity = identity
            if identity is None:  # none was made yet, or a damaged one was set aside: it has no tokens
                self._by_digest = {}
                return
            self._connection = _connect(self._path)
        version = int(self._connection.execute("PRAGMA data_version").fetchone()[0])
        if version != self._version:
            self._by_digest = {one.digest: one for one in _holding(self._connection, self._clock.wall())}
            self._version = version
        if self._used and self._clock.monotonic() - self._noted_at >= _NOTED_NS:
            self._note()

    def _note(self) -> None:
        when, self._used = self._used, {}
        self._noted_at = self._clock.monotonic()
        if self._connection is not None and when:
            with self._connection:  # one transaction; `data_version` tells of those of others alone
                tokens.used(self._connection, list(when.items()))

    def _close(self) -> None:
        if self._connection is not None:
            with suppress(sqlite3.Error):
                self._connection.close()
        self._connection, self._version = None, None


def _identity(path: Path) -> tuple[int, int] | None:
    """Which file is there; another one takes the place of one that is damaged."""
    try:
        found = os.stat(path)  # noqa: PTH116 (once a second)
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def _connect(path: Path) -> sqlite3.Connection:
    """To a database that is there, and is not made."""
    return sqlite3.connect(f"{path.as_uri()}?mode=rw", uri=True, timeout=_BUSY_S, check_same_thread=False)


def _holding(connection: sqlite3.Connection, now: int) -> list[Token]:
    with closing(connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'tokens'")) as there:
        if not there.fetchone()[0]:  # made by an older version, and not opened by a server since
            return []
    return tokens.holding(connection, now)
