"""Budgets made over the API.

In: a connection to the control database, within a transaction. Out: budgets as `watch.declared` takes them. Who changes
something here asks the loop to reload.
"""

import logging
import re
import sqlite3
from collections.abc import Mapping
from typing import Any, Final

from pydantic import ValidationError

from exporter.budget.budget import Budget
from exporter.errors import BadConfig
from exporter.rules.read import entry_of

MOST: Final = 500
_LARGEST_BYTES: Final = 64 * 2**10
_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_ .:-]{0,99}")
TAKEN: Final = ("events",)
"""Names of other routes."""
_log: Final = logging.getLogger(__name__)


def budget_of(definition: Mapping[str, Any]) -> Budget:
    """The budget that a definition stands for. Raises `BadConfig`, which names the first field that is wrong."""
    budget = entry_of(definition, Budget)
    if _NAME.fullmatch(budget.name) is None or budget.name in TAKEN:
        mend = "begin with a letter or a number; after that also _ . : - and blanks"
        raise BadConfig("name: no budget that is made here can be called so", mend=mend)
    if len(budget.model_dump_json().encode()) > _LARGEST_BYTES:
        raise BadConfig("this is too much for one budget", mend="give it fewer labels, or parts of its scope")
    return budget


def kept(connection: sqlite3.Connection) -> list[Budget]:
    """Each of them, by name; one that today's version cannot read is left out, and said."""
    found = []
    for name, definition in connection.execute("SELECT name, definition FROM kept_budgets ORDER BY name").fetchall():
        try:
            found.append(Budget.model_validate_json(definition))
        except ValidationError as error:
            _log.warning("the budget %s cannot be used: %s", name, error.errors(include_url=False)[0]["msg"])
    return found


def has(connection: sqlite3.Connection, name: str) -> bool:
    """Whether one of that name was made."""
    return connection.execute("SELECT 1 FROM kept_budgets WHERE name = ?", (name,)).fetchone() is not None


def mark(connection: sqlite3.Connection) -> tuple[int | None, ...]:
    """Another one after anybody made, changed or removed one."""
    found: tuple[int | None, ...] = connection.execute("SELECT count(*), max(changed_at) FROM kept_budgets").fetchone()
    return found


def keep(connection: sqlite3.Connection, budget: Budget, now: int, by: str | None = None) -> None:
    """Makes a budget, or puts it in the place of the one of its name. Raises `BadConfig` where there are too many."""
    count, is_there = connection.execute(
        "SELECT count(*), count(*) FILTER (WHERE name = ?) FROM kept_budgets", (budget.name,)
    ).fetchone()
    if count >= MOST and not is_there:
        raise BadConfig(f"there are {count} budgets already", mend="delete some, or put them into files in rules/")
    connection.execute(
        """INSERT INTO kept_budgets (name, definition, made_at, changed_at, by) VALUES (?, ?, ?, ?, ?)
        ON CONFLICT DO UPDATE SET definition = excluded.definition, changed_at = excluded.changed_at, by = excluded.by
        """,
        (budget.name, budget.model_dump_json(exclude_defaults=True), now, now, by),
    )


def remove(connection: sqlite3.Connection, name: str) -> bool:
    """Removes a budget made over the API; False where there is none of that name. What was spent of it stays known."""
    return connection.execute("DELETE FROM kept_budgets WHERE name = ?", (name,)).rowcount > 0
