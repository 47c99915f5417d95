"""The channels alerts and health: what was decided here, by the number of its change.

In: a look. Out: what holds now, then each change once, newest first.
"""

import sqlite3
from collections.abc import Sequence
from typing import Any

from exporter.alert import listed
from exporter.alert.listed import Alert, Entry, NoAlert
from exporter.health import Event, events
from exporter.live.asked import MOST_ITEMS, Cursor
from exporter.live.told import Look, Told


def alerts(look: Look) -> Told:
    """The alerts that are not over, as /api/alerts has them; then changes, as /api/alerts/history has them.

    Each change has the `alert` as it is now, None where it never fired and is over. A tenant is told of its own.
    """
    asked, cursor, tenant = look.asked, look.cursor, look.caller.tenant
    with look.sources.control().reading() as connection:
        last = max((one.number for one in listed.history(connection, limit=1)), default=0)
        newest = listed.history(connection, limit=MOST_ITEMS, tenant=tenant)
        if cursor is None or not _reaches(cursor, last, [one.number for one in newest]):
            found = listed.listed(
                connection,
                states=("pending", "firing", "acknowledged"),
                severities=asked.severity,
                rule=asked.rule,
                limit=asked.limit,
                tenant=tenant,
            )
            return Told(found, Cursor(last), is_anew=True)
        changes = [one for one in newest if one.number > cursor.at and _concerns(look, one)]
        shown = changes[: asked.limit]
        items = [{**_entry(one), "alert": _alert(connection, one, tenant)} for one in shown]
    return Told(items, Cursor(last), len(changes) - len(shown))


def health(look: Look) -> Told:
    """The components, as /api/health has them; then changes, as /api/health/events has them."""
    asked, cursor = look.asked, look.cursor
    with look.sources.control().reading() as connection:
        newest = events.events(connection, limit=MOST_ITEMS)
    last = newest[0].number if newest else 0
    if cursor is None or not _reaches(cursor, last, [one.number for one in newest]):
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


def _reaches(cursor: Cursor, last: int, newest: Sequence[int]) -> bool:
    """Whether all changes behind the cursor are among the newest."""
    return cursor.at <= last and (len(newest) < MOST_ITEMS or newest[-1] <= cursor.at + 1)


def _concerns(look: Look, one: Entry) -> bool:
    asked = look.asked
    return (not asked.severity or one.severity in asked.severity) and asked.rule in {None, one.rule, one.rule_id}


def _entry(one: Entry) -> dict[str, Any]:
    return {name: getattr(one, name) for name in Entry.__dataclass_fields__}


def _alert(connection: sqlite3.Connection, one: Entry, tenant: str | None) -> Alert | None:
    try:
        return listed.find(connection, one.alert_id, active=False, tenant=tenant)
    except NoAlert:
        return None
