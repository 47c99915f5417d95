"""Budgets as they stand now, for who only looks: the ledger as it is, what the data say today, and nothing written.

In: the control database where there is one, the views, budgets. Out: what `shown` says, as if a server had looked now.
"""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Final

import exporter.control
from exporter.budget import ledger
from exporter.budget.budget import Budget
from exporter.budget.shown import Shown, shown
from exporter.query.spend import Kept
from exporter.query.views import Views

_TABLES: Final = Path(exporter.control.__file__).parent / "sql" / "budgets.sql"
_COPIED: Final = ("budget_days", "budget_generations", "budget_periods", "budget_events")


def preview(
    connection: sqlite3.Connection | None, views: Views, budgets: Sequence[Budget], now_ns: int, kept: Kept
) -> list[Shown]:
    """Each budget in its present period. Raises `AxError`."""
    measured = ledger.measure(views, budgets, now_ns, kept)
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as scratch:
        scratch.executescript(_TABLES.read_text(encoding="utf-8"))
        if connection is not None:
            _copy(connection, scratch)
        ledger.record(scratch, measured, now_ns)
        return [shown(scratch, budget, now_ns) for budget in budgets]


def _copy(connection: sqlite3.Connection, scratch: sqlite3.Connection) -> None:
    for table in _COPIED:
        for row in connection.execute(f"SELECT * FROM {table}"):  # noqa: S608 (names of ours)
            scratch.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(row))})", row)  # noqa: S608
