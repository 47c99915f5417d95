"""`ax erase`.

In: a tenant, a user or a conversation. Out: a data directory that holds nothing of theirs.
"""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from threading import Event
from typing import Annotated, Any, Final

import typer

from exporter import query, settings
from exporter.app import orders as app_orders
from exporter.cli import server
from exporter.cli.options import AsJson, ConfigFile, Data, directory
from exporter.clock import SystemClock
from exporter.errors import AxError
from exporter.store import orders
from exporter.store.erase import Whose
from exporter.units import NS_PER_S

_POLL_S: Final = 0.1
_PICKED_UP_NS: Final = 600 * NS_PER_S


def erase(
    tenant: Annotated[str | None, typer.Option(metavar="NAME", help="All that this tenant sent.")] = None,
    user: Annotated[str | None, typer.Option(metavar="ID", help="All traces and records that name this user.")] = None,
    conversation: Annotated[
        str | None, typer.Option(metavar="ID", help="All traces and records of this conversation or session.")
    ] = None,
    data: Data = None,
    config: ConfigFile = None,
    *,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask first.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count what would go.")] = False,
    as_json: AsJson = False,
) -> None:
    """Erase what is stored of a tenant, a user or a conversation, for good.

    The Parquet files that hold their rows are rewritten without them, and the old ones unlinked at once. Of a user or
    a conversation go the records that name them, and the whole traces that those are in, logs too. Rollups stay, since
    they name nobody; a tenant's go. A running server does it, without a pause; where none runs, this command does.

        ax erase --user u-17 --dry-run
        ax erase --user u-17 --yes
        ax erase --tenant acme

    Not touched are backups, files under quarantine/, and the journal, whose files are written over as requests come.
    """
    given = {Whose.TENANT: tenant, Whose.USER: user, Whose.CONVERSATION: conversation}
    chosen = [(whose, name) for whose, name in given.items() if name is not None]
    if len(chosen) != 1 or not chosen[0][1]:
        raise typer.BadParameter("name one: --tenant, --user or --conversation")
    ((whose, name),) = chosen
    path = directory(data)
    there = query.concerned(path, whose, name)
    if dry_run:
        _say({"rows": there, "erased": False}, as_json=as_json)
        return
    if not yes:
        asked = f"Erase {_counted(there)} of {whose.value} {name}, and what is not yet stored, for good?"
        if not sys.stdin.isatty() or not typer.confirm(asked, err=True):
            raise AxError("nothing was erased", mend="add --yes where nobody can be asked")
    outcome = order(path, config, "erase", {"whose": whose.value, "name": name})
    _say({"rows": outcome["rows"], "erased": True}, as_json=as_json)


def order(data: Path, config: Path | None, kind: str, details: Mapping[str, Any]) -> Mapping[str, Any]:
    """What became of an order to the store: the running server's answer, or ours where none runs. Raises `AxError`."""
    clock = SystemClock()
    running = server.find(data)
    if running is None:
        with app_orders.owning(settings.load(data, config, os.environ, {}), clock) as store:
            return app_orders.done(store, orders.Order("", kind, details), clock.wall())
    given = orders.give(data, kind, details)
    deadline = clock.monotonic() + _PICKED_UP_NS
    while (answer := orders.answered(data, given)) is None:
        if server.find(data) is None:
            raise AxError("the server has stopped", mend="its next start carries out the order; or run this again")
        if clock.monotonic() > deadline:
            raise AxError("the server has not answered within 10 minutes", mend="it goes on; its log says more")
        Event().wait(_POLL_S)
    if "error" in answer:
        raise AxError(f"the server could not do it: {answer['error']}", mend="its log says more")
    return answer


def _counted(rows: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in rows.items()) or "nothing"


def _say(outcome: Mapping[str, Any], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(outcome))
    else:
        print(f"{'erased' if outcome['erased'] else 'found'} {_counted(outcome['rows'])}")
