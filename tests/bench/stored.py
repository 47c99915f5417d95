"""What a server has stored, as any other process finds it.

In: a data directory and a signal. Out: numbers of rows, and what the live files of the signal's tables are.
"""

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from exporter.clock import SystemClock
from exporter.model import TABLES, Signal
from exporter.units import NS_PER_S
from tests.running import sql

_DRAIN_S: Final = 600.0
_POLL_S: Final = 0.02


@dataclass(frozen=True, slots=True)
class Live:
    """The live files of a signal: how many, their bytes and rows, and how many of the rows were merged."""

    files: int
    size_bytes: int
    rows: int
    merged_rows: int


def live(data: Path, signal: Signal) -> Live:
    """What `manifest.json` lists."""
    listed = json.loads((data / "manifest.json").read_text())
    files = [file for name, table in TABLES.items() if table.signal is signal for file in listed[name]]
    return Live(
        len(files),
        sum(file["bytes"] for file in files),
        sum(file["rows"] for file in files),
        sum(file["rows"] for file in files if not file["path"].endswith("-l0.parquet")),
    )


def count(data: Path, signal: Signal) -> int:
    """How many rows of the signal a query finds, without our own metrics."""
    own = "WHERE service_name <> 'otel-ax'" if signal is Signal.METRICS else ""
    views = [f"SELECT count(*) AS n FROM {name} {own}" for name, table in TABLES.items() if table.signal is signal]
    ((found,),) = sql(data, f"SELECT sum(n) FROM ({' UNION ALL '.join(views)})")
    return int(found)


def drained(data: Path, signal: Signal, items: int) -> tuple[int, int]:
    """Unix nanoseconds when a query found `items` rows, or when that was given up, and how many it found."""
    clock = SystemClock()
    deadline = clock.monotonic() + int(_DRAIN_S * NS_PER_S)
    while True:
        # A query of a second beside the server would be seen in what is measured; a look at the list is not.
        found = count(data, signal) if live(data, signal).rows >= items else 0
        if found >= items or clock.monotonic() > deadline:
            return clock.wall(), found
        time.sleep(_POLL_S)
