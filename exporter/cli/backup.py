"""`ax backup` and `ax restore`.

In: a data directory, of a running server too. Out: a folder that is a copy; and a data directory from such a folder.
"""

import json
import os
import sys
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from threading import Event
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

from exporter import settings
from exporter.app import orders
from exporter.cli import server
from exporter.cli.options import AsJson, Data, directory
from exporter.clock import SystemClock
from exporter.control import Control
from exporter.control.files import publish_once
from exporter.journal.head import NAME, Head
from exporter.store import backup as backups
from exporter.units import NS_PER_S

_POLL_S: Final = 0.05


def backup(
    target: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where to; it is not there yet, or empty.")],
    data: Data = None,
    wait: Annotated[int, typer.Option(metavar="SECONDS", help="Longest wait for what is not yet stored.")] = 30,
    *,
    copy: Annotated[bool, typer.Option("--copy", help="Copy each file, where it could be a hard link.")] = False,
    as_json: AsJson = False,
) -> None:
    """Copy a data directory to a folder, while its server runs.

    All that was acknowledged before is in it, and rules, alerts, silences, budgets and notices as they are. On the same
    file system files are hard links, which takes no time and no room; move the folder to another disk then, or say
    --copy.

        ax backup /backups/ax-monday
        ax backup --data ./telemetry --copy /mnt/usb/ax
    """
    path, clock = directory(data), SystemClock()
    acknowledged = _durable(path) if server.find(path) else 0
    deadline = clock.monotonic() + wait * NS_PER_S
    while backups.position(path) < acknowledged and clock.monotonic() < deadline:
        Event().wait(_POLL_S)
    made = backups.backup(path, target.absolute(), clock.wall(), link=not copy)
    missing = max(0, acknowledged - made.position)
    if missing:
        print(f"ax: {missing} bytes of the journal were not stored within {wait} s and are not in it", file=sys.stderr)
    if as_json:
        print(json.dumps({**asdict(made), "folder": str(target.absolute()), "missing_bytes": missing}))
    else:
        print(f"{made.rows:,} rows in {made.segments} files, {made.bytes:,} bytes, in {target}")
    raise typer.Exit(int(bool(missing)))


def restore(
    source: Annotated[Path, typer.Argument(metavar="FOLDER", help="What `ax backup` made.")],
    data: Data = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Make a data directory from a backup; it is not there yet, or empty.

    Each file is copied and its checksum verified. Then `ax sql` answers from it, and `ax serve` goes on with it.

        ax restore /backups/ax-monday --data ./telemetry
    """
    path = directory(data)
    with Progress(
        TextColumn("restoring"),
        BarColumn(),
        DownloadColumn(),
        console=Console(stderr=True),
        transient=True,
        disable=not sys.stderr.isatty(),
    ) as progress:
        task = progress.add_task("", total=None)
        restored = backups.restore(source, path, lambda done, of: progress.update(task, completed=done, total=of))
    with orders.owning(settings.load(path, None, os.environ, {}), SystemClock()):
        pass  # opening it publishes `ax.duckdb`
    with closing(Control.open(path)) as control:
        publish_once(control, path)
    if as_json:
        print(json.dumps({**asdict(restored), "data": str(path)}))
    else:
        print(f"{restored.rows:,} rows in {restored.segments} files, {restored.bytes:,} bytes, in {path}")


def _durable(data: Path) -> int:
    if not (data / "journal" / NAME).is_file():
        return 0
    head = Head.open(data / "journal")
    try:
        return head.durable
    finally:
        head.close()
