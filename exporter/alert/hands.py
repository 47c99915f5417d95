"""What ends or changes alerts beside evaluations: people look after one or end it, and rules go.

In: the beginning of an alert's id, and who says so, within the caller's transaction. Out: changes, which are recorded
and still to be told (`exporter.notify.outbox`).
"""

import sqlite3
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from exporter.alert import machine, saved
from exporter.alert.listed import Alert, NoAlert, find, listed
from exporter.alert.shapes import Change, Instance, Transition


def acknowledge(connection: sqlite3.Connection, prefix: str, by: str, now: int, note: str = "") -> tuple[Change, ...]:
    """Somebody looks after an alert: it is told no more until it ends or gets worse. Raises `NoAlert`."""
    alert = find(connection, prefix)
    if alert.state == "pending":
        raise NoAlert(f"alert {alert.id} has not fired yet", mend="silence it, if it is not to be told at all")
    instance = _of(connection, alert)
    if instance is None:
        changes: tuple[Change, ...] = (_by_hand(alert, "acknowledged", by, now),)
        saved.record(connection, changes)
    else:
        after, made = machine.acknowledged(instance, by, now)
        changes = _dressed(alert, made)
        saved.save(connection, [instance], [after], changes)
    if changes or note:
        connection.execute("UPDATE alerts SET note = ? WHERE episode = ?", (note, alert.episode))
    return changes


def resolve(connection: sqlite3.Connection, prefix: str, by: str, now: int) -> tuple[Change, ...]:
    """Somebody ends an alert; where what it is about goes on, the next evaluation begins another. Raises `NoAlert`."""
    alert = find(connection, prefix)
    instance = _of(connection, alert)
    if instance is None:
        changes: tuple[Change, ...] = (_by_hand(alert, "resolved", by, now),)
        saved.record(connection, changes)
    else:
        after, made = machine.closed(instance, "by_hand", now, by=by)
        changes = _dressed(alert, made)
        saved.save(connection, [instance], [after], changes)
    return changes


def remove(connection: sqlite3.Connection, gone: Iterable[Instance], reason: str, now: int) -> tuple[Change, ...]:
    """Ends what is known of rules that are no more, and forgets it."""
    instances = tuple(gone)
    told: list[Change] = []
    for instance in instances:
        _, changes = machine.closed(instance, reason, now)
        for change in changes:
            told += _dressed(find(connection, change.episode, active=False), (change,))
    saved.save(connection, instances, (), told)
    return tuple(told)


def close(connection: sqlite3.Connection, alerts: Iterable[Alert], reason: str, now: int) -> tuple[Change, ...]:
    """Ends alerts that no instance is known of, as of a budget that is no more."""
    changes = tuple(replace(_by_hand(each, "resolved", None, now), reason=reason) for each in alerts)
    saved.record(connection, changes)
    return changes


def firing(connection: sqlite3.Connection) -> tuple[Change, ...]:
    """The alerts that fire and that nobody looks after, as changes that say so: for who has not heard of them."""
    return tuple(
        replace(
            _by_hand(alert, "firing", None, alert.fired_at or alert.started_at),
            transition="no_data" if (known := _of(connection, alert)) and known.state == "no_data" else "firing",
            from_state="inactive",
        )
        for alert in listed(connection, states=("firing",), limit=1_000)
    )


def _dressed(alert: Alert, changes: Iterable[Change]) -> tuple[Change, ...]:
    """The changes in the words of the alert: with its rule's name and labels, and with annotations."""
    words: dict[str, Any] = {"rule": alert.rule, "labels": alert.labels, "annotations": alert.annotations}
    return tuple(replace(change, **words, unit=alert.unit) for change in changes)


def _by_hand(alert: Alert, transition: Transition, by: str | None, now: int) -> Change:
    """The change of an alert that no instance is known of: a budget's, or our own."""
    return Change(
        rule_id=alert.rule_id,
        rule=alert.rule,
        fingerprint=alert.fingerprint,
        episode=alert.episode,
        tenant_id=alert.tenant_id,
        transition=transition,
        at=now,
        from_state="pending" if alert.state == "pending" else "firing",
        to_state="inactive" if transition == "resolved" else "firing",
        severity=alert.severity,
        value=alert.value,
        threshold=alert.threshold,
        labels=alert.labels,
        annotations=alert.annotations,
        by=by,
        reason="by_hand" if transition == "resolved" else "",
        unit=alert.unit,
    )


def _of(connection: sqlite3.Connection, alert: Alert) -> Instance | None:
    found = saved.instances_of(connection, alert.episode)
    return found[0] if found else None
