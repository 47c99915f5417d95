"""Rules made over the API, and rules turned on or off by hand.

In: a connection to the control database, within a transaction. Out: rules as `declared` takes them. Who changes
something here asks the loop to reload.
"""

import logging
import sqlite3
from collections.abc import Mapping
from typing import Any, Final

from pydantic import ValidationError

from exporter.alert import template
from exporter.alert.rule import Rule
from exporter.errors import BadConfig
from exporter.rules.read import entry_of

MOST: Final = 2_000
_log: Final = logging.getLogger(__name__)


def rule_of(definition: Mapping[str, Any]) -> Rule:
    """The rule that a definition stands for. Raises `BadConfig`, which names the first field that is wrong."""
    rule = entry_of(definition, Rule)
    for name, wrong in template.check(rule):
        raise BadConfig(f"annotations.{name}: {wrong.message}", mend=wrong.mend)
    return rule


def kept(connection: sqlite3.Connection) -> list[tuple[str, Rule]]:
    """Group and rule of each, by name; one that today's version cannot read is left out, and said."""
    found = []
    query = 'SELECT "group", name, definition FROM kept_rules ORDER BY "group", name'
    for group, name, definition in connection.execute(query).fetchall():
        try:
            found.append((group, Rule.model_validate_json(definition)))
        except ValidationError as error:
            _log.warning("the rule %s/%s cannot be used: %s", group, name, error.errors(include_url=False)[0]["msg"])
    return found


def mark(connection: sqlite3.Connection) -> tuple[int | None, ...]:
    """Another one after anybody made, changed, removed or switched a rule."""
    found: tuple[int | None, ...] = connection.execute(
        """SELECT (SELECT count(*) FROM kept_rules), (SELECT max(changed_at) FROM kept_rules),
            (SELECT count(*) FROM rule_switches), (SELECT max(at) FROM rule_switches)"""
    ).fetchone()
    return found


def keep(connection: sqlite3.Connection, group: str, rule: Rule, now: int, by: str | None = None) -> str:
    """Makes a rule, or puts it in the place of the one of its group and name; its id. Raises `BadConfig`."""
    count, is_there = connection.execute(
        'SELECT count(*), count(*) FILTER (WHERE "group" = ? AND name = ?) FROM kept_rules', (group, rule.alert)
    ).fetchone()
    if count >= MOST and not is_there:
        raise BadConfig(f"there are {count} rules already", mend="delete some, or put them into files in rules/")
    definition = rule.model_dump_json(by_alias=True, exclude_defaults=True)
    connection.execute(
        """INSERT INTO kept_rules ("group", name, definition, made_at, changed_at, by) VALUES (?, ?, ?, ?, ?, ?)
        ON CONFLICT DO UPDATE SET definition = excluded.definition, changed_at = excluded.changed_at, by = excluded.by
        """,
        (group, rule.alert, definition, now, now, by),
    )
    return f"{group}/{rule.alert}"


def remove(connection: sqlite3.Connection, rule_id: str) -> bool:
    """Removes a rule made over the API, and what a hand said of it; False where there is none of that id."""
    group, _, name = rule_id.partition("/")
    gone = connection.execute('DELETE FROM kept_rules WHERE "group" = ? AND name = ?', (group, name)).rowcount > 0
    if gone:
        connection.execute("DELETE FROM rule_switches WHERE rule_id = ?", (rule_id,))
    return gone


def toggled(connection: sqlite3.Connection) -> dict[str, bool]:
    """Ids of rules that somebody turned on or off."""
    return {rule_id: bool(on) for rule_id, on in connection.execute("SELECT rule_id, enabled FROM rule_switches")}


def toggle(connection: sqlite3.Connection, rule_id: str, now: int, *, on: bool | None, by: str | None = None) -> None:
    """Turns a rule on or off, whatever it says itself; None leaves it to the rule again."""
    if on is None:
        connection.execute("DELETE FROM rule_switches WHERE rule_id = ?", (rule_id,))
        return
    connection.execute(
        """INSERT INTO rule_switches (rule_id, enabled, at, by) VALUES (?, ?, ?, ?)
        ON CONFLICT DO UPDATE SET enabled = excluded.enabled, at = excluded.at, by = excluded.by""",
        (rule_id, int(on), now, by),
    )
