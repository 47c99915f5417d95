"""Somebody who asks.

In: nothing. Out: types.
"""

from dataclasses import dataclass
from typing import Final, Literal, get_args

Scope = Literal["ingest", "read", "sql", "admin"]
SCOPES: Final[tuple[Scope, ...]] = get_args(Scope)


@dataclass(frozen=True, slots=True)
class Caller:
    """`name` is that of the token, or where somebody without one came in; `tenant` None means everybody's data."""

    name: str
    scopes: frozenset[Scope]
    tenant: str | None = None

    def may(self, scope: Scope) -> bool:
        """Whether it may do that; `admin` may do all."""
        return scope in self.scopes or "admin" in self.scopes


ANYBODY: Final = Caller("loopback", frozenset(SCOPES))
"""Who reaches a server on loopback without a token."""
NOBODY: Final = Caller("nobody", frozenset())
"""Who asks without a token where one is needed; what needs no scope is answered all the same."""
