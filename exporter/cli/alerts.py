"""`ax monitor alerts`: what fires, who looks after it, what happened.

In: questions and orders as commands. Out: tables and JSON; orders go into the control database, whether a server runs
or not, and a running one acts on them at once.
"""

import getpass
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.text import Text

from exporter import settings
from exporter.alert import listed
from exporter.alert.shapes import SEVERITIES
from exporter.cli import alerts_show, server, words
from exporter.cli.options import AsJson, Data, Limit, directory
from exporter.cli.show import Column, console, print_json, table
from exporter.clock import SystemClock
from exporter.control import FILE, Control
from exporter.control.files import publish_once
from exporter.errors import AxError
from exporter.notify import silences
from exporter.notify.match import parse
from exporter.units import parse_duration
from exporter.watch import declared, hands

app: Final = typer.Typer(add_completion=False, rich_markup_mode="rich")
User = Annotated[str | None, typer.Option("--user", metavar="NAME", help="Who does it; else the name of your login.")]
Note = Annotated[str, typer.Option("--note", metavar="TEXT", help="Why, or what is being done.")]
Id = Annotated[str, typer.Argument(metavar="ID", help="An alert's id, or how it begins.")]
_STATES: Final = ("pending", "firing", "acknowledged", "resolved")


@app.callback(invoke_without_command=True)
def alerts(context: typer.Context, data: Data = None, *, as_json: AsJson = False) -> None:
    """See what fires, and say who looks after it.

    ax monitor alerts
    ax monitor alerts ack 3fa2 --user ada --note "provider is down"
    ax monitor alerts silence 3fa2 --for 2h
    ax monitor alerts silence --match team=chat --for 1h
    ax monitor alerts history --limit 20

    An id may be cut short. Without a command it lists what is not resolved.
    """
    if context.invoked_subcommand is None:
        list_alerts(data=data, as_json=as_json)


@app.command("list")
def list_alerts(
    state: Annotated[str | None, typer.Option(help="pending, firing, acknowledged or resolved; several: a,b.")] = None,
    severity: Annotated[str | None, typer.Option(help="info, warning, error or critical; several: a,b.")] = None,
    rule: Annotated[str | None, typer.Option(help="Of this rule: its id or its name.")] = None,
    limit: Limit = 50,
    data: Data = None,
    *,
    everything: Annotated[bool, typer.Option("--all", help="Those that are resolved too.")] = False,
    as_json: AsJson = False,
) -> None:
    """List alerts, the newest first.

    ax monitor alerts list
    ax monitor alerts list --state firing,acknowledged --severity critical
    ax monitor alerts list --all --rule SlowCalls --json
    """
    states: Any = _among("state", state, _STATES) or (() if everything else _STATES[:-1])
    severities: Any = _among("severity", severity, SEVERITIES)
    with _control(directory(data)) as control, control.reading() as connection:
        found = listed.listed(connection, states=states, severities=severities, rule=rule, limit=limit)
    _show(
        found,
        alerts_show.ALERTS if as_json else alerts_show.SEEN,
        as_json=as_json,
        empty="no alerts" if everything else "nothing fires",
    )


@app.command()
def rules(data: Data = None, *, as_json: AsJson = False) -> None:
    """Show the rules that the server evaluates, and how their last evaluation went.

    ax monitor alerts rules
    ax monitor alerts rules --json
    """
    with _control(directory(data)) as control, control.reading() as connection:
        found = [alerts_show.Evaluated(*row) for row in connection.execute(alerts_show.RULES_SQL)]
    _show(found, alerts_show.RULES, as_json=as_json, empty="no rules: the server has not started yet")


@app.command()
def ack(identity: Id, user: User = None, note: Note = "", data: Data = None) -> None:
    """Say that somebody looks after an alert: it is told no more, unless it gets worse.

    ax monitor alerts ack 3fa2 --user ada
    """
    path, by = directory(data), _who(user)
    with _control(path, changes=True) as control:
        alert = hands.acknowledge(control, _declared(path), identity, by, SystemClock().wall(), note)
    _say(f"{alert.id} {alert.rule}: {alert.state} by {alert.acknowledged_by}")


@app.command()
def resolve(identity: Id, user: User = None, data: Data = None) -> None:
    """End an alert; where what it is about goes on, the next evaluation begins another.

    ax monitor alerts resolve 3fa2 --user ada
    """
    path, by = directory(data), _who(user)
    with _control(path, changes=True) as control:
        alert = hands.resolve(control, _declared(path), identity, by, SystemClock().wall())
    _say(f"{alert.id} {alert.rule}: resolved by {by}")


@app.command()
def silence(
    identity: Annotated[str | None, typer.Argument(metavar="[ID]", help="An alert's id, or how it begins.")] = None,
    match: Annotated[
        list[str] | None, typer.Option("--match", metavar="NAME=VALUE", help="A label, alert, rule, severity; again.")
    ] = None,
    span: Annotated[str, typer.Option("--for", metavar="DURATION", help="How long: 30m, 2h, 1d …")] = "1h",
    user: User = None,
    note: Note = "",
    data: Data = None,
) -> None:
    """Tell nobody of an alert, or of all that match, for a while. Their state goes on.

    ax monitor alerts silence 3fa2 --for 2h
    ax monitor alerts silence --match team=chat --match severity!=critical --for 1h
    """
    if not identity and not match:
        raise AxError("what is to be silenced?", mend="name an alert's id, or --match team=chat")
    for_ns, matchers = parse_duration(span), [parse(one) for one in match or ()]
    with _control(directory(data), changes=True) as control:
        now = SystemClock().wall()
        made = hands.silence(control, matchers, alert=identity, for_ns=for_ns, by=_who(user), now=now, note=note)
    _say(f"{made.id}: silent until {words.local(words.iso(made.ends_at))}")


@app.command("silences")
def list_silences(data: Data = None, *, as_json: AsJson = False) -> None:
    """List the silences that hold, and those to come.

    ax monitor alerts silences
    """
    with _control(directory(data)) as control, control.reading() as connection:
        found = silences.active(connection, SystemClock().wall(), coming=True)
    _show(found, alerts_show.SILENCES, as_json=as_json, empty="nothing is silenced")


@app.command()
def unsilence(
    identity: Annotated[str, typer.Argument(metavar="ID", help="A silence's id, or how it begins.")], data: Data = None
) -> None:
    """End a silence now.

    ax monitor alerts silences
    ax monitor alerts unsilence 81c0
    """
    with _control(directory(data), changes=True) as control:
        _say(f"{hands.lift(control, identity, SystemClock().wall()).id}: ended")


@app.command()
def history(
    identity: Annotated[str | None, typer.Argument(metavar="[ID]", help="Of this alert alone.")] = None,
    limit: Limit = 50,
    data: Data = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Show what changed, the latest first: of all alerts, or of one.

    ax monitor alerts history
    ax monitor alerts history 3fa2
    """
    with _control(directory(data)) as control, control.reading() as connection:
        episode = listed.find(connection, identity, active=False).episode if identity else None
        found = listed.history(connection, episode=episode, limit=limit)
    _show(
        found,
        alerts_show.HISTORY if as_json else alerts_show.HISTORY_SEEN,
        as_json=as_json,
        empty="nothing has happened",
    )


@app.command()
def stats(data: Data = None, *, as_json: AsJson = False) -> None:
    """Count the alerts of the last 24 hours, by state and severity.

    ax monitor alerts stats
    """
    with _control(directory(data)) as control, control.reading() as connection:
        found = listed.statistics(connection, SystemClock().wall())
    if as_json:
        print_json(
            {
                "from": words.iso(found.from_ns),
                "to": words.iso(found.to_ns),
                "fired": found.fired,
                "resolved": found.resolved,
                "mean_resolve_ns": found.mean_resolve_ns,
                "counts": [{column.key: column.read(one) for column in alerts_show.COUNTS} for one in found.counts],
            }
        )
        return
    screen = console()
    screen.print(table(found.counts, alerts_show.COUNTS) if found.counts else "no alerts in the last 24 h")
    took = "" if found.mean_resolve_ns is None else f", after {words.duration(found.mean_resolve_ns)} on average"
    screen.print(Text(f"In the last 24 hours {found.fired} fired and {found.resolved} resolved{took}", style="dim"))


@contextmanager
def _control(data: Path, *, changes: bool = False) -> Iterator[Control]:
    """The control database; where no server runs, what `changes` is published too. Raises `AxError`."""
    if not (data / FILE).is_file():
        raise AxError(f"no {FILE} in {data}", mend="start `ax serve`, or name its directory with --data")
    control = Control.open(data)
    try:
        yield control
        if changes and server.find(data) is None:
            publish_once(control, data)
    finally:
        control.close()


def _declared(data: Path) -> declared.Declared:
    """What is declared: the channels, so that an acknowledgement can be told."""
    return declared.load(data, settings.load(data, None, os.environ, {}).alert)


def _who(user: str | None) -> str:
    name = (user or "").strip()
    try:
        return name or getpass.getuser()
    except (KeyError, OSError):
        raise AxError("who are you?", mend="say it with --user NAME") from None


def _among(what: str, text: str | None, known: tuple[str, ...]) -> tuple[str, ...]:
    names = tuple(name.strip().lower() for name in (text or "").split(",") if name.strip())
    if wrong := [name for name in names if name not in known]:
        raise AxError(f"{wrong[0]!r} is no {what}", mend=f"use {', '.join(known)}")
    return names


def _say(line: str) -> None:
    console().print(Text(line))


def _show(rows: Any, columns: list[Column[Any]], *, as_json: bool, empty: str) -> None:
    if as_json:
        print_json({"rows": [{column.key: column.read(row) for column in columns} for row in rows]})
    else:
        console().print(table(rows, columns) if rows else Text(empty))
