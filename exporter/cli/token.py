"""`ax token`: who may send data, read it, ask by SQL, change things.

In: the control database, beside a running server or without one. Out: a token's text, once; what is known of all.
"""

from pathlib import Path
from time import sleep
from typing import Annotated, Final

import typer

from exporter.app.lock import holder
from exporter.auth import EVERY_S, SCOPES, first, tokens
from exporter.auth.tokens import Token
from exporter.cli import words
from exporter.cli.options import AsJson, Data, directory
from exporter.cli.show import Column, console, print_json, table
from exporter.clock import SystemClock
from exporter.control import Control
from exporter.units import parse_duration

app: Final = typer.Typer(add_completion=False, no_args_is_help=True, rich_markup_mode="rich")

_Name = Annotated[str, typer.Argument(metavar="NAME", help="Of your choice: who is to use it.")]
_CLOCK: Final = SystemClock()
_LOOKED_S: Final = 0.5  # what a look at the tokens may take on a busy machine


def _state(token: Token) -> str:
    if token.revoked_at is not None:
        return "revoked"
    return "holds" if token.holds(_CLOCK.wall()) else "expired"


def _when(time: int | None) -> str | None:
    return None if time is None else words.clock(time)


_COLUMNS: Final[tuple[Column[Token], ...]] = (
    Column("name", lambda one: one.name),
    Column("scopes", lambda one: ",".join(one.scopes)),
    Column("tenant", lambda one: one.tenant),
    Column("state", _state, style=lambda one: "" if _state(one) == "holds" else "dim"),
    Column("created_at", lambda one: _when(one.created_at), "made"),
    Column("expires_at", lambda one: _when(one.expires_at), "expires"),
    Column("last_used_at", lambda one: _when(one.last_used_at), "last used"),
)


@app.callback()
def token() -> None:
    """Make and revoke the tokens by which a server knows who asks.

    ax token create shop --scope ingest
    ax token create grafana --scope read,sql --expires 90d
    ax token create acme --scope ingest,read --tenant acme
    ax token revoke shop

    Loopback needs none, unless `auth` is `required`.
    """


@app.command()
def create(
    name: _Name,
    data: Data = None,
    *,
    scope: Annotated[
        list[str] | None, typer.Option(metavar="SCOPE", help=f"Some of {', '.join(SCOPES)}; admin may do all. [ingest]")
    ] = None,
    tenant: Annotated[str | None, typer.Option(metavar="TENANT", help="It sends and sees this tenant's alone.")] = None,
    expires: Annotated[str | None, typer.Option(metavar="DURATION", help="It holds for 12h, 90d …; else on.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make a token and print it, this once; a running server knows it when this ends.

    TOKEN=$(ax token create shop --scope ingest)
    OTEL_EXPORTER_OTLP_HEADERS="authorization=Bearer $TOKEN" python app.py
    """
    now = _CLOCK.wall()
    expires_at = None if expires is None else now + parse_duration(expires)
    scopes = [word.strip() for one in scope or ["ingest"] for word in one.split(",")]
    path = directory(data)
    control = Control.open(path)
    try:
        with control.writing() as connection:
            text = tokens.create(connection, name, scopes, now, tenant=tenant, expires_at=expires_at)
            made = tokens.find(connection, text, now)
    finally:
        control.close()
    if as_json and made is not None:
        print_json({"token": text, **_plain(made)})
    else:
        print(text, flush=True)
    _let_servers_know(path)


@app.command("list")
def listed(data: Data = None, *, as_json: AsJson = False) -> None:
    """Show the tokens: what they may do, and when they were last used, to the minute."""
    control = Control.open(directory(data))
    try:
        with control.reading() as connection:
            found = tokens.listed(connection)
    finally:
        control.close()
    if as_json:
        print_json([_plain(one) for one in found])
    else:
        console().print(table(found, _COLUMNS) if found else "no tokens")


@app.command()
def revoke(name: _Name, data: Data = None, *, as_json: AsJson = False) -> None:
    """End a token; a running server refuses it when this ends."""
    path = directory(data)
    control = Control.open(path)
    try:
        with control.writing() as connection:
            ended = tokens.revoke(connection, name, _CLOCK.wall())
    finally:
        control.close()
    first.forget(path, ended.digest)
    if as_json:
        print_json({"revoked": name})
    else:
        print(f"{name} is revoked", flush=True)
    _let_servers_know(path)


def _let_servers_know(data: Path) -> None:
    """A script uses a token at once, and exporters drop what is refused as unauthenticated."""
    if holder(data) is not None:
        sleep(EVERY_S + _LOOKED_S)


def _plain(one: Token) -> dict[str, object]:
    """Without what is kept of its text."""
    return {
        "name": one.name,
        "scopes": list(one.scopes),
        "tenant": one.tenant,
        "state": _state(one),
        "created_at": one.created_at,
        "expires_at": one.expires_at,
        "revoked_at": one.revoked_at,
        "last_used_at": one.last_used_at,
    }
