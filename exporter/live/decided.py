"""The channels alerts and health: what was decided here, by the number of its change.

In: a look. Out: what holds now, then each change once, newest first.
"""

import sqlite3
from typing import Any

from exporter.alert import listed
from exporter.alert.listed import Alert, Entry, NoAlert
from exporter.health import Event, events
from exporter.live.asked import MOST_ITEMS, Cursor
from exporter.live.told import Look, Told


def alerts(look: Look) -> Told:
    """The alerts that are not over, as /api/alerts has them; then changes, as /api/alerts/history has them.

    Each change has the `alert` as it is now, None where it never fired and is over.
    """
    asked, cursor = look.asked, look.cursor
    with look.sources.control().reading() as connection:
        newest = listed.history(connection, limit=MOST_ITEMS)
        last = newest[0].number if newest else 0
        if cursor is None or not _reaches(cursor, last, newest[-1].number if newest else 0):
            found = listed.listed(
                connection,
                states=("pending", "firing", "acknowledged"),
                severities=asked.severity,
                rule=asked.rule,
                limit=asked.limit,
            )
            return Told(found, Cursor(last), is_anew=True)
        changes = [one for one in newest if one.number > cursor.at and _concerns(look, one)]
        shown = changes[: asked.limit]
        items = [{**_entry(one), "alert": _alert(connection, one)} for one in shown]
    return Told(items, Cursor(last), len(changes) - len(shown))


def health(look: Look) -> Told:
    """The components, as /api/health has them; then changes, as /api/health/events has them."""
    asked, cursor = look.asked, look.cursor
    with look.sources.control().reading() as connection:
        newest = events.events(connection, limit=MOST_ITEMS)
    last = newest[0].number if newest else 0
    if cursor is None or not _reaches(cursor, last, newest[-1].number if newest else 0):
        items = [
            {"component": name, **one.model_dump()}
            for name, one in look.sources.health().components.items()
            if asked.component in {None, name}
        ]
        return Told(items[: asked.limit], Cursor(last), len(items[asked.limit :]), is_anew=True)
    changes: list[Event] = [
        one for one in newest if one.number > cursor.at and asked.component in {None, one.component}
    ]
    return Told(changes[: asked.limit], Cursor(last), len(changes[asked.limit :]))


def _reaches(cursor: Cursor, last: int, first: int) -> bool:
    """Whether all changes behind the cursor are among the newest."""
    return first - 1 <= cursor.at <= last


def _concerns(look: Look, one: Entry) -> bool:
    asked = look.asked
    return (not asked.severity or one.severity in asked.severity) and asked.rule in {None, one.rule, one.rule_id}


def _entry(one: Entry) -> dict[str, Any]:
    return {name: getattr(one, name) for name in Entry.__dataclass_fields__}


def _alert(connection: sqlite3.Connection, one: Entry) -> Alert | None:
    try:
        return listed.find(connection, one.alert_id, active=False)
    except NoAlert:
        return None
