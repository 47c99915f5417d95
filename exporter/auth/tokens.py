"""Tokens: who may do what, as the control database keeps it.

In: transactions of `exporter.control`. Out: a token's text, once, when it is made; later only what it is for.

A token is 256 random bits. What is kept is its SHA-256, so that who reads the database cannot ask with what it holds.
"""

import hashlib
import hmac
import re
import secrets
import sqlite3
from collections.abc import Collection, Iterable
from contextlib import closing
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from exporter.auth.caller import SCOPES, Caller, Scope
from exporter.dimensions import DEFAULT_TENANT
from exporter.errors import AxError
from exporter.units import NS_PER_S

PREFIX: Final = "ax_"
"""What every token begins with, so that scanners for secrets find it."""
MOST: Final = 1_000
"""Tokens that hold at a time; every process has them in memory."""
_BYTES: Final = 32
_NAME: Final = re.compile(r"\w[\w.@-]{0,63}")
_MOST_TENANT_BYTES: Final = 200
"""A tenant is a directory's name, where it is percent-encoded."""
_KEPT_NS: Final = 90 * 86_400 * NS_PER_S
"""How long what does not hold any more is still listed."""
_COLUMNS: Final = "number, name, digest, scopes, tenant, created_at, expires_at, revoked_at, last_used_at"
_HOLDS: Final = "revoked_at IS NULL AND (expires_at IS NULL OR expires_at > :now)"


class BadToken(AxError):
    """A token cannot be made so."""


class NoToken(AxError):
    """There is no token of that name."""


@dataclass(frozen=True, slots=True)
class Token:
    """All that is kept of a token; times are Unix nanoseconds, `tenant` None is all of them."""

    number: int
    name: str
    digest: bytes
    scopes: tuple[Scope, ...]
    tenant: str | None
    created_at: int
    expires_at: int | None
    revoked_at: int | None
    last_used_at: int | None

    def holds(self, now: int) -> bool:
        """Whether it is neither revoked nor has it expired."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)

    @property
    def caller(self) -> Caller:
        """Who asks with it."""
        return Caller(self.name, frozenset(self.scopes), self.tenant)


def digest_of(text: str) -> bytes:
    """What is kept of a token's text."""
    return hashlib.sha256(text.encode(errors="surrogateescape")).digest()


def is_of(digest: bytes, token: Token) -> bool:
    """Whether a digest is the token's; the time that it takes tells nothing."""
    return hmac.compare_digest(digest, token.digest)


def create(
    connection: sqlite3.Connection,
    name: str,
    scopes: Collection[str],
    now: int,
    *,
    tenant: str | None = None,
    expires_at: int | None = None,
) -> str:
    """Makes a token; gives its text, which nobody can ask for again. Raises `BadToken`."""
    chosen = _scopes(scopes)
    _check(name, chosen, tenant, expires_at, now)
    at = {"now": now}
    connection.execute(
        "DELETE FROM tokens WHERE coalesce(revoked_at, expires_at) < :before", {"before": now - _KEPT_NS}
    )
    # The name of one that has expired is free again.
    connection.execute("UPDATE tokens SET revoked_at = expires_at WHERE revoked_at IS NULL AND expires_at <= :now", at)
    (count,) = connection.execute(f"SELECT count(*) FROM tokens WHERE {_HOLDS}", at).fetchone()  # noqa: S608 (ours)
    if count >= MOST:
        raise BadToken(
            f"there are {MOST} tokens already", mend="revoke some: `ax token list` shows when they were used"
        )
    text = PREFIX + secrets.token_urlsafe(_BYTES)
    try:
        connection.execute(
            "INSERT INTO tokens (name, digest, scopes, tenant, created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?)",
            (name, digest_of(text), ",".join(chosen), tenant, now, expires_at),
        )
    except sqlite3.IntegrityError:
        raise BadToken(
            f"there is a token {name} already", mend=f"take another name, or revoke it: ax token revoke {name}"
        ) from None
    return text


def listed(connection: sqlite3.Connection) -> list[Token]:
    """All of them, the newest last; those that do not hold any more go 90 days after."""
    return _read(connection, f"SELECT {_COLUMNS} FROM tokens ORDER BY number", {})  # noqa: S608 (names of ours)


def holding(connection: sqlite3.Connection, now: int) -> list[Token]:
    """Those that somebody may ask with."""
    return _read(connection, f"SELECT {_COLUMNS} FROM tokens WHERE {_HOLDS}", {"now": now})  # noqa: S608


def find(connection: sqlite3.Connection, text: str, now: int) -> Token | None:
    """The token of that text, where it holds."""
    digest = digest_of(text)
    statement = f"SELECT {_COLUMNS} FROM tokens WHERE digest = :digest AND {_HOLDS}"  # noqa: S608 (names of ours)
    found = _read(connection, statement, {"digest": digest, "now": now})
    return found[0] if found and is_of(digest, found[0]) else None


def revoke(connection: sqlite3.Connection, name: str, now: int) -> Token:
    """Ends the token of that name; gives what it was. Raises `NoToken`."""
    statement = f"SELECT {_COLUMNS} FROM tokens WHERE name = :name AND {_HOLDS}"  # noqa: S608 (names of ours)
    found = _read(connection, statement, {"name": name, "now": now})
    if not found:
        raise NoToken(f"there is no token {name!r} that holds", mend="`ax token list` shows their names")
    connection.execute("UPDATE tokens SET revoked_at = ? WHERE number = ?", (now, found[0].number))
    return found[0]


def used(connection: sqlite3.Connection, when: Iterable[tuple[bytes, int]]) -> None:
    """Notes when tokens, by their digests, were last used."""
    connection.executemany(
        "UPDATE tokens SET last_used_at = max(coalesce(last_used_at, 0), ?) WHERE digest = ?",
        [(at, digest) for digest, at in when],
    )


def _scopes(asked: Collection[str]) -> tuple[Scope, ...]:
    unknown = sorted(set(asked) - set(SCOPES))
    if unknown or not asked:
        what = f"there is no scope {unknown[0]!r}" if unknown else "a token needs a scope"
        raise BadToken(what, mend=f"choose from {', '.join(SCOPES)}")
    return tuple(scope for scope in SCOPES if scope in asked)


def _check(name: str, scopes: tuple[Scope, ...], tenant: str | None, expires_at: int | None, now: int) -> None:
    if not _NAME.fullmatch(name):
        raise BadToken(f"a token cannot be named {name!r}", mend="write up to 64 letters, digits and . _ - @")
    if expires_at is not None and expires_at <= now:
        raise BadToken("the token would have expired already", mend="let it live longer, such as 90d")
    if tenant is None:
        return
    encoded = tenant.encode(errors="replace").decode()
    if not tenant.isprintable() or encoded != tenant or not 0 < len(quote(tenant, safe="")) <= _MOST_TENANT_BYTES:
        raise BadToken(f"a tenant cannot be named {tenant!r}", mend="write a short name, without control characters")
    if "admin" in scopes:
        raise BadToken("the scope admin is for all tenants", mend="leave out the tenant, or give other scopes")
    if tenant == DEFAULT_TENANT and "ingest" in scopes:
        raise BadToken(
            f"{tenant} is what comes without a tenant, and may name one itself", mend="leave out the tenant, or name it"
        )


def _read(connection: sqlite3.Connection, statement: str, parameters: dict[str, object]) -> list[Token]:
    with closing(connection.execute(statement, parameters)) as cursor:
        return [_token(*row) for row in cursor]


def _token(number: int, name: str, digest: bytes, scopes: str, *rest: object) -> Token:
    words = scopes.split(",")
    return Token(number, name, digest, tuple(scope for scope in SCOPES if scope in words), *rest)  # type: ignore[arg-type]
