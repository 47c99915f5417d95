"""Alerts in the control database: what the next evaluation needs to know, what happened, which rules there are.

In: instances and changes, within the caller's transaction. Out: the same instances. What people see is in `listed.py`.
People and the loop change the same rows, so whoever changes an instance reads it in the transaction that writes it.
"""

import json
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import fields
from typing import Any, Final

from exporter.alert.evaluate import FAULT_RULE_ID, fault_fingerprint
from exporter.alert.listed import Shown
from exporter.alert.rule import Watched
from exporter.alert.shapes import Change, Instance, Labels, Transition
from exporter.units import NS_PER_S

RESOLVED_KEPT_NS: Final = 900 * NS_PER_S
"""As long an instance that is over is remembered: by then what is to be told of it has been."""

_SHOWN: Final[dict[Transition, Shown | None]] = {
    "pending": "pending",
    "firing": "firing",
    "escalated": "firing",
    "deescalated": None,  # as it was
    "recovering": None,
    "acknowledged": "acknowledged",
    "resolved": "resolved",
    "dropped": "inactive",
    "no_data": "firing",
}
_INSTANCE: Final = tuple(field.name for field in fields(Instance))
_LABELS: Final = _INSTANCE.index("labels")
_RULE: Final = (
    "id",
    "name",
    '"group"',
    "source",
    "enabled",
    "severity",
    "unit",
    "interval_ns",
    "window_ns",
    "for_ns",
    "description",
    "labels",
    "definition",
)
_PUT: Final = (
    f"INSERT OR REPLACE INTO alert_instances ({', '.join(_INSTANCE)}) "  # noqa: S608 (names of fields)
    f"VALUES ({', '.join('?' for _ in _INSTANCE)})"
)


def instances(connection: sqlite3.Connection, rule_id: str) -> tuple[Instance, ...]:
    """What is known of a rule's instances, and of its own alert that it cannot be evaluated."""
    return _instances(
        connection, "rule_id = ? OR fingerprint = ? ORDER BY fingerprint", rule_id, fault_fingerprint(rule_id)
    )


def instances_of(connection: sqlite3.Connection, episode: str) -> tuple[Instance, ...]:
    """The instance whose episode this is, if it goes on."""
    return _instances(connection, "episode = ?", episode)


def left_behind(connection: sqlite3.Connection, rules: Iterable[str]) -> tuple[Instance, ...]:
    """Instances of rules that are none of `rules`, and of nothing of ours."""
    declared = set(rules)
    with closing(connection.execute("SELECT DISTINCT rule_id FROM alert_instances")) as found:
        gone = [rule for (rule,) in found if rule not in declared and rule != FAULT_RULE_ID]
    return tuple(one for rule in gone for one in instances(connection, rule))


def save(
    connection: sqlite3.Connection,
    before: Iterable[Instance],
    after: Iterable[Instance],
    changes: Iterable[Change],
) -> None:
    """Replaces the instances `before`, as `instances` gave them in this transaction, and records what changed."""
    known = {one.fingerprint: one for one in before}
    kept = {one.fingerprint: one for one in after}
    gone = [(mark,) for mark in known if mark not in kept]
    connection.executemany("DELETE FROM alert_instances WHERE fingerprint = ?", gone)
    connection.executemany(_PUT, [_row(one) for mark, one in kept.items() if known.get(mark) != one])
    record(connection, changes)


def record(connection: sqlite3.Connection, changes: Iterable[Change]) -> None:
    """Writes changes to alerts and their history; a change that is no episode's makes an alert that begins with it."""
    for change in changes:
        row = connection.execute("SELECT state FROM alerts WHERE episode = ?", (change.episode,)).fetchone()
        state: Shown = row[0] if row else "inactive"
        shown = _SHOWN[change.transition] or state
        _log(connection, change, state, shown)
        if shown == "inactive":
            connection.execute("DELETE FROM alerts WHERE episode = ?", (change.episode,))
        else:
            _show(connection, change, shown)


def declare(connection: sqlite3.Connection, rules: Iterable[tuple[Watched, int]]) -> None:
    """These rules, with their intervals in nanoseconds, are all that are evaluated; how they did stays known."""
    now = {
        watched.id: (
            watched.id,
            watched.rule.alert,
            watched.group.name,
            watched.origin,
            int(watched.enabled),
            watched.rule.worst,
            watched.rule.unit,
            interval_ns,
            watched.rule.window,
            watched.rule.hold,
            watched.rule.description,
            json.dumps(dict(watched.rule.labels)),
            watched.rule.model_dump_json(by_alias=True, exclude_defaults=True),
        )
        for watched, interval_ns in rules
    }
    before = {row[0]: row for row in connection.execute(f"SELECT {', '.join(_RULE)} FROM alert_rules")}  # noqa: S608
    connection.executemany("DELETE FROM alert_rules WHERE id = ?", [(rule,) for rule in before if rule not in now])
    connection.executemany(
        f"INSERT INTO alert_rules ({', '.join(_RULE)}) VALUES ({', '.join('?' for _ in _RULE)}) "  # noqa: S608
        f"ON CONFLICT (id) DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in _RULE[1:])}",
        [row for rule, row in now.items() if before.get(rule) != row],
    )


def evaluated(connection: sqlite3.Connection, rule_id: str, error: str, at: int, took_ns: int, missed: int) -> None:
    """How the evaluation of a rule at slot `at` went; `error` is empty where it was answered."""
    connection.execute(
        """UPDATE alert_rules SET health = CASE WHEN :error = '' THEN 'ok' ELSE 'error' END, error = :error,
            failures = CASE WHEN :error = '' THEN 0 ELSE failures + 1 END, evaluated_at = :at, took_ns = :took_ns,
            missed = :missed
        WHERE id = :id""",
        {"id": rule_id, "error": error, "at": at, "took_ns": took_ns, "missed": missed},
    )


def forget(connection: sqlite3.Connection, now: int, retention_ns: int) -> None:
    """Drops what is over for longer than it is kept: alerts and history, and what was known of instances."""
    connection.execute("DELETE FROM alerts WHERE resolved_at < ?", (now - retention_ns,))
    connection.execute("DELETE FROM alert_history WHERE at < ?", (now - retention_ns,))
    long_ago = now - RESOLVED_KEPT_NS
    connection.execute(
        """DELETE FROM alert_instances
        WHERE state = 'inactive' AND coalesce(resolved_at, 0) < ? AND coalesce(evaluated_at, 0) < ?""",
        (long_ago, long_ago),
    )


def _log(connection: sqlite3.Connection, change: Change, before: Shown, after: Shown) -> None:
    connection.execute(
        """INSERT INTO alert_history
            (episode, rule_id, rule, fingerprint, tenant_id, transition, at, from_state, to_state, severity, value,
            threshold, by, reason)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)""",
        (
            change.episode,
            change.rule_id,
            change.rule,
            change.fingerprint,
            change.tenant_id,
            change.transition,
            change.at,
            before,
            after,
            change.severity,
            change.value,
            change.threshold,
            change.by,
            change.reason,
        ),
    )


def _show(connection: sqlite3.Connection, change: Change, shown: Shown) -> None:
    """Makes or changes the row of an episode. Annotations stay where a change has none, as one by hand."""
    connection.execute(
        """INSERT INTO alerts
            (episode, rule_id, rule, fingerprint, tenant_id, state, severity, labels, annotations, value, threshold,
            started_at, fired_at, acknowledged_at, acknowledged_by, resolved_at, resolved_by, reason)
        VALUES (:episode, :rule_id, :rule, :fingerprint, :tenant_id, :state, :severity, :labels, :annotations, :value,
            :threshold, :at, CASE WHEN :state = 'firing' THEN :at END, CASE WHEN :state = 'acknowledged' THEN :at END,
            CASE WHEN :state = 'acknowledged' THEN :by END, CASE WHEN :state = 'resolved' THEN :at END,
            CASE WHEN :state = 'resolved' THEN :by END, :reason)
        ON CONFLICT (episode) DO UPDATE SET
            state = excluded.state, severity = excluded.severity, value = coalesce(excluded.value, value),
            threshold = coalesce(excluded.threshold, threshold), labels = excluded.labels,
            annotations = CASE WHEN excluded.annotations = '{}' THEN annotations ELSE excluded.annotations END,
            fired_at = coalesce(fired_at, excluded.fired_at),
            acknowledged_at = CASE WHEN excluded.state = 'firing' THEN NULL
                ELSE coalesce(excluded.acknowledged_at, acknowledged_at) END,
            acknowledged_by = CASE WHEN excluded.state = 'firing' THEN NULL
                ELSE coalesce(excluded.acknowledged_by, acknowledged_by) END,
            resolved_at = excluded.resolved_at, resolved_by = excluded.resolved_by, reason = excluded.reason""",
        {
            "episode": change.episode,
            "rule_id": change.rule_id,
            "rule": change.rule,
            "fingerprint": change.fingerprint,
            "tenant_id": change.tenant_id,
            "state": shown,
            "severity": change.severity,
            "labels": _text(change.labels),
            "annotations": _text(change.annotations),
            "value": change.value,
            "threshold": change.threshold,
            "at": change.at,
            "by": change.by,
            "reason": change.reason,
        },
    )


def _instances(connection: sqlite3.Connection, condition: str, *values: str) -> tuple[Instance, ...]:
    statement = f"SELECT {', '.join(_INSTANCE)} FROM alert_instances WHERE {condition}"  # noqa: S608 (ours)
    with closing(connection.execute(statement, values)) as rows:
        return tuple(_instance(row) for row in rows)


def _instance(row: Sequence[Any]) -> Instance:
    values = list(row)
    values[_LABELS] = _pairs(values[_LABELS])
    return Instance(*values)


def _row(one: Instance) -> tuple[object, ...]:
    return tuple(_text(one.labels) if name == "labels" else getattr(one, name) for name in _INSTANCE)


def _text(labels: Labels) -> str:
    return json.dumps(dict(labels))


def _pairs(text: str) -> Labels:
    return tuple(sorted(json.loads(text).items()))
