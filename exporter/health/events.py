"""Changes of health, in the control database.

In: components as they are now, within the caller's transaction. Out: what has changed since the last time, recorded.
"""

import sqlite3
from collections.abc import Mapping
from typing import Final

from exporter.health.shapes import Component, Event

_MOST: Final = 1_000


def record(connection: sqlite3.Connection, components: Mapping[str, Component], now: int) -> list[Event]:
    """Writes down which components came, changed their state or went; what was never well before is no change."""
    before = dict(connection.execute("SELECT component, state FROM health_components").fetchall())
    changes = [
        (name, before.get(name), one.state if one else None, one.detail if one else "it is seen no more")
        for name in sorted({*before, *components})
        if (one := components.get(name)) is None or one.state != before.get(name)
    ]
    events = []
    for name, was, state, detail in changes:
        if state is None:
            connection.execute("DELETE FROM health_components WHERE component = ?", (name,))
        else:
            connection.execute("INSERT OR REPLACE INTO health_components VALUES (?, ?, ?)", (name, state, now))
        if was != state and not (was is None and state == "healthy") and not (was == "healthy" and state is None):
            number = connection.execute(
                """INSERT INTO health_events (at, component, from_state, to_state, detail) VALUES (?, ?, ?, ?, ?)
                RETURNING number""",
                (now, name, was, state, detail),
            ).fetchone()[0]
            events.append(Event(number=number, at=now, component=name, from_state=was, to_state=state, detail=detail))
    return events


def events(
    connection: sqlite3.Connection, *, component: str | None = None, before: int | None = None, limit: int = 100
) -> list[Event]:
    """What changed, the latest first; `before` is the number of the last one that is known."""
    rows = connection.execute(
        """SELECT number, at, component, from_state, to_state, detail FROM health_events
        WHERE (:component IS NULL OR component = :component) AND (:before IS NULL OR number < :before)
        ORDER BY number DESC LIMIT :limit""",
        {"component": component, "before": before, "limit": min(limit, _MOST)},
    )
    names = ("number", "at", "component", "from_state", "to_state", "detail")
    return [Event.model_validate(dict(zip(names, row, strict=True))) for row in rows]


def prune(connection: sqlite3.Connection, before: int) -> None:
    """Forgets what changed before then."""
    connection.execute("DELETE FROM health_events WHERE at < ?", (before,))
