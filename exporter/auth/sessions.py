"""Browsers that are logged in: a token of theirs, for as long as a cookie says so.

In: a token's text. Out: a cookie's value, which stands for it until it is ended, is too old or the token is revoked.

Sessions are in memory: a server that is started again has none, and a browser logs in anew.
"""

import hashlib
import secrets
from collections import OrderedDict
from typing import Final

from exporter.auth.known import Known
from exporter.auth.tokens import Token
from exporter.clock import Clock
from exporter.units import NS_PER_S

LIFE_S: Final = 12 * 3_600
MOST: Final = 1_000
"""Sessions at a time; the oldest ends where another begins."""
_BYTES: Final = 32


class Sessions:
    """They belong to one event loop. What is kept of a cookie is its SHA-256."""

    def __init__(self, known: Known, clock: Clock) -> None:
        self._known = known
        self._clock = clock
        self._begun: OrderedDict[bytes, tuple[bytes, int]] = OrderedDict()

    def begin(self, token: Token) -> str:
        """The value of the cookie that stands for a token."""
        cookie = secrets.token_urlsafe(_BYTES)
        self._begun[_key(cookie)] = token.digest, self._clock.monotonic()
        if len(self._begun) > MOST:
            self._begun.popitem(last=False)
        return cookie

    def find(self, cookie: str) -> Token | None:
        """The token that a cookie stands for, where it still does."""
        key = _key(cookie)
        digest, since = self._begun.get(key, (b"", 0))
        if digest and self._clock.monotonic() - since >= LIFE_S * NS_PER_S:
            del self._begun[key]
            return None
        return self._known.of(digest)

    def end(self, cookie: str) -> None:
        """The cookie stands for nothing any more."""
        self._begun.pop(_key(cookie), None)

    def __len__(self) -> int:
        """How many there are."""
        return len(self._begun)


def _key(cookie: str) -> bytes:
    return hashlib.sha256(cookie.encode(errors="surrogateescape")).digest()
