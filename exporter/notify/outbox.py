"""The outbox: what channels are to be told, in the transaction that saves why.

In: a transaction of `DATA/control.sqlite`, and changes or answers. Out: batches, each fixed before it is sent.

Of one fingerprint, a channel hears in order. What is not yet sent is not sent once it is no longer so: an alert that
ended before anybody heard of it is not told at all.
"""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from typing import Final

from exporter.alert.shapes import Change
from exporter.control.database import rows
from exporter.notify import agenda, silences
from exporter.notify.agenda import COOLDOWN_NS, RECHECK_NS, Line
from exporter.notify.declared import Channel, Route, audience
from exporter.notify.match import names_of
from exporter.notify.notice import (
    RANKS,
    Batch,
    Kind,
    Notice,
    Said,
    dump_change,
    dump_labels,
    dump_notices,
    key_of,
    key_of_batch,
    load_change,
    load_labels,
    load_notices,
)
from exporter.notify.silences import Silence

LINE: Final = f"SELECT {', '.join(one.name for one in fields(Line))} FROM notify_lines"  # noqa: S608 -- names of ours
_BATCH: Final = "SELECT number, key, channel, group_labels, notices, made_at, attempts FROM notify_batches"
_AT_ONCE: Final = 200
_IN_ORDER: Final = (  # the few that are being sent; SQLite would rather look through all of the channel's
    "fingerprint NOT IN (SELECT fingerprint FROM notify_lines INDEXED BY notify_lines_of_batch "
    "WHERE batch IS NOT NULL AND channel = :name)"
)
_DUE: Final = (
    f"{LINE} WHERE channel = :name AND due_at <= :now AND batch IS NULL AND {_IN_ORDER} "
    f"ORDER BY due_at, number LIMIT {_AT_ONCE}"
)
_OF_GROUP: Final = (
    f"{LINE} WHERE channel = :name AND group_key = :key AND due_at IS NOT NULL AND batch IS NULL AND free_at <= :now "
    f"AND {_IN_ORDER} ORDER BY number LIMIT {_AT_ONCE}"
)
_FIRST: Final = (
    "due_at FROM notify_lines WHERE channel = :name AND due_at IS NOT NULL AND batch IS NULL "
    f"AND {_IN_ORDER} ORDER BY due_at LIMIT 1"
)
_AGAIN: Final = "min(next_at) FROM notify_batches WHERE channel = :name AND ended_at IS NULL"
_PAUSED: Final = "max(paused_until) FROM notify_channels WHERE name = :name"
_NEXT: Final = f"SELECT (SELECT {_FIRST}), (SELECT {_AGAIN}), (SELECT {_PAUSED})"
_FIRING: Final = {"firing", "escalated", "deescalated"}
_OVER: Final = {"resolved", "dropped"}


def enqueue(
    connection: sqlite3.Connection,
    changes: Iterable[Change],
    routes: Sequence[Route],
    channels: Sequence[Channel],
    now: int,
    cooldowns: Mapping[str, int] | None = None,
) -> None:
    """Notes what channels are to be told of these changes, in the caller's transaction; sends nothing.

    `cooldowns` are those of rules, by id; others have five minutes. Order counts: changes come as they happened.
    """
    takes = {one.name: one for one in channels}
    for change in changes:
        kind: Kind = "no_data" if change.transition == "no_data" else "alert"
        if change.from_state == "no_data" and kind != "no_data":
            _end(connection, change, takes, now, kind="no_data")
        if change.transition in _OVER:
            _end(connection, change, takes, now)
        elif change.transition == "acknowledged":
            connection.execute(
                "UPDATE notify_lines SET is_acknowledged = 1, change = ?, changed_at = ? "
                "WHERE episode = ? AND NOT is_over",
                (dump_change(change), now, change.episode),
            )
            _plan_episode(connection, change.episode, takes)
        elif change.transition in _FIRING or kind == "no_data":
            cooldown_ns = (cooldowns or {}).get(change.rule_id, COOLDOWN_NS)
            _begin(connection, change, kind, audience(change, routes, channels), cooldown_ns, now)
            _plan_episode(connection, change.episode, takes)


def introduce(
    connection: sqlite3.Connection,
    firing: Iterable[Change],
    routes: Sequence[Route],
    channels: Sequence[Channel],
    now: int,
    cooldowns: Mapping[str, int] | None = None,
) -> None:
    """Notes what channels that were added, or that routes now name, are to be told of alerts that fire already.

    Who has heard of an alert, or is about to, is told nothing more: it is a no-op when nothing was added.
    """
    takes = {one.name: one for one in channels}
    for change in firing:
        kind: Kind = "no_data" if change.transition == "no_data" else "alert"
        cooldown_ns = (cooldowns or {}).get(change.rule_id, COOLDOWN_NS)
        before = connection.execute("SELECT max(number) FROM notify_lines").fetchone()[0] or 0
        _add(connection, change, kind, audience(change, routes, channels), cooldown_ns, now)
        query = f"{LINE} WHERE episode = :episode AND number > :before"
        for line in rows(connection, Line, query, {"episode": change.episode, "before": before}):
            _plan(connection, line, acknowledgements=takes[line.channel].takes.acknowledgements)


def _begin(
    connection: sqlite3.Connection,
    change: Change,
    kind: Kind,
    told: Sequence[tuple[Channel, Route]],
    cooldown_ns: int,
    now: int,
) -> None:
    """Lines for who has none yet and takes this severity; the change and its severity for those that are there."""
    connection.execute(
        "UPDATE notify_lines SET change = ?, severity = ?, changed_at = ?, is_acknowledged = is_acknowledged AND NOT ? "
        "WHERE episode = ? AND kind = ? AND NOT is_over",
        (dump_change(change), change.severity, now, change.transition == "escalated", change.episode, kind),
    )
    _add(connection, change, kind, told, cooldown_ns, now)


def _add(
    connection: sqlite3.Connection,
    change: Change,
    kind: Kind,
    told: Sequence[tuple[Channel, Route]],
    cooldown_ns: int,
    now: int,
) -> None:
    names = names_of(change)
    text = dump_change(change)
    connection.executemany(
        "INSERT INTO notify_lines (channel, episode, kind, fingerprint, group_key, group_labels, change, severity, "
        "since, changed_at, group_wait_ns, group_interval_ns, repeat_interval_ns, cooldown_ns) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        [
            (channel.name, change.episode, kind, change.fingerprint, *_group(channel, route, change, names), text)
            + (change.severity, change.at, now)
            + ((route.group_wait, route.group_interval) if channel.takes.grouped else (0, 0))
            + (route.repeat_interval, cooldown_ns)
            for channel, route in told
            if RANKS[change.severity] >= RANKS[channel.severity]
        ],
    )


def _group(channel: Channel, route: Route, change: Change, names: Mapping[str, str]) -> tuple[str, str]:
    """Key and labels of the group; a channel that takes one at a time has one for each fingerprint."""
    labels = tuple(sorted((name, names.get(name, "")) for name in route.group_by))
    said = dump_labels(labels)
    return (said if channel.takes.grouped else change.fingerprint), said


def _end(
    connection: sqlite3.Connection, change: Change, takes: Mapping[str, Channel], now: int, kind: Kind | None = None
) -> None:
    connection.execute(
        "UPDATE notify_lines SET is_over = 1, is_acknowledged = 0, change = ?, changed_at = ? "
        "WHERE episode = ? AND kind = coalesce(?, kind) AND NOT is_over",
        (dump_change(change), now, change.episode, kind),
    )
    waiting = connection.execute(
        "SELECT DISTINCT b.number FROM notify_batches b JOIN notify_lines l ON l.batch = b.number "
        "WHERE l.episode = ? AND b.state = 'waiting'",
        (change.episode,),
    ).fetchall()
    for (number,) in waiting:
        overtake(connection, number, now)
    _plan_episode(connection, change.episode, takes)


def overtake(connection: sqlite3.Connection, number: int, now: int) -> bool:
    """Cancels a batch that waits to be sent again, once all of which it says that it fires is over.

    Where the service may have it all the same, what it said counts as told, and the end is told too.
    """
    lines = rows(connection, Line, f"{LINE} WHERE batch = :batch", {"batch": number})
    notices, is_maybe = connection.execute(
        "SELECT notices, is_maybe FROM notify_batches WHERE number = ?", (number,)
    ).fetchone()
    if any(one.said == "resolved" for one in load_notices(notices)) or not all(line.is_over for line in lines):
        return False
    connection.execute("UPDATE notify_batches SET state = 'cancelled', ended_at = ? WHERE number = ?", (now, number))
    connection.execute(
        "UPDATE notify_lines SET batch = NULL, told_severity = severity, "
        "told_at = CASE WHEN ? THEN coalesce(told_at, ?) ELSE told_at END WHERE batch = ?",
        (is_maybe, now, number),
    )
    for line in lines:
        plan(connection, line.number, acknowledgements=False)
        connection.execute(
            "UPDATE notify_lines SET due_at = ? WHERE number = ? AND due_at IS NOT NULL", (now, line.number)
        )
    return True


def _plan_episode(connection: sqlite3.Connection, episode: str, takes: Mapping[str, Channel]) -> None:
    for line in rows(connection, Line, f"{LINE} WHERE episode = :episode", {"episode": episode}):
        channel = takes.get(line.channel)
        _plan(connection, line, acknowledgements=channel is not None and channel.takes.acknowledgements)


def _plan(connection: sqlite3.Connection, line: Line, *, acknowledgements: bool) -> None:
    """Writes down when a line is due; forgets one that is over and was never told."""
    if line.batch is not None:
        return  # decided when the answer is there
    if line.is_over and line.told_at is None:
        connection.execute("DELETE FROM notify_lines WHERE number = ?", (line.number,))
        return
    (flushed_at,) = connection.execute(
        "SELECT max(flushed_at) FROM notify_groups WHERE channel = ? AND group_key = ?", (line.channel, line.group_key)
    ).fetchone()
    (told_before,) = connection.execute(
        "SELECT max(told_at) FROM notify_lines WHERE channel = ? AND fingerprint = ? AND kind = ? AND number <> ?",
        (line.channel, line.fingerprint, line.kind, line.number),
    ).fetchone()
    due_at, free_at = agenda.due(
        line, acknowledgements=acknowledgements, flushed_at=flushed_at, told_before=told_before
    )
    if (due_at, free_at) != (line.due_at, line.free_at):
        connection.execute(
            "UPDATE notify_lines SET due_at = ?, free_at = ? WHERE number = ?", (due_at, free_at, line.number)
        )


def plan(connection: sqlite3.Connection, number: int, *, acknowledgements: bool) -> None:
    """Writes down when a line is due, from what is so and what was told; forgets one that nobody need hear of."""
    for line in rows(connection, Line, f"{LINE} WHERE number = :number", {"number": number}):
        _plan(connection, line, acknowledgements=acknowledgements)


def next_at(connection: sqlite3.Connection, channel: str) -> int | None:
    """When there is something for a channel to do, None for never."""
    (due_at, again_at, paused_until) = connection.execute(
        _NEXT,
        {"name": channel},
    ).fetchone()
    at = min((one for one in (due_at, again_at) if one is not None), default=None)
    return None if at is None else max(at, paused_until or 0)


def fix(connection: sqlite3.Connection, channel: Channel, now: int, silenced: Sequence[Silence] = ()) -> Batch | None:
    """The batch that is to be sent now, None where there is none: one that failed before, or a new one."""
    (paused_until,) = connection.execute(
        "SELECT max(paused_until) FROM notify_channels WHERE name = ?", (channel.name,)
    ).fetchone()
    if (paused_until or 0) > now:
        return None
    again = connection.execute(
        f"{_BATCH} WHERE channel = ? AND state = 'waiting' AND next_at <= ? ORDER BY number LIMIT 1",
        (channel.name, now),
    ).fetchone()
    if again is not None:
        connection.execute(
            "UPDATE notify_batches SET state = 'sending', attempts = attempts + 1 WHERE number = ?", again[:1]
        )
        return _batch((*again[:-1], again[-1] + 1))
    acks = channel.takes.acknowledgements
    while due := rows(connection, Line, _DUE, {"name": channel.name, "now": now}):
        quiet = [(line, _silent_until(line, silenced, now)) for line in due]
        connection.executemany(
            "UPDATE notify_lines SET due_at = ? WHERE number = ?",
            [(min(end, now + RECHECK_NS), line.number) for line, end in quiet if end is not None],
        )
        first = next((line for line, end in quiet if end is None), None)
        if first is None:
            continue
        going = _going(connection, first, now, silenced, acknowledgements=acks)[: channel.takes.most]
        if going:
            return _made(connection, channel.name, going, now)
        _plan(connection, first, acknowledgements=acks)  # nothing to say after all, as when its type was changed
        connection.execute(
            "UPDATE notify_lines SET due_at = NULL WHERE number = ? AND due_at <= ?", (first.number, now)
        )
    return None


def _silent_until(line: Line, silenced: Sequence[Silence], now: int) -> int | None:
    return silences.until(load_change(line.change), silenced, now) if silenced else None


def _going(
    connection: sqlite3.Connection, first: Line, now: int, silenced: Sequence[Silence], *, acknowledgements: bool
) -> list[tuple[Line, Said]]:
    """All of the line's group that there is to say and that may be said now, in the order in which it began."""
    lines = rows(connection, Line, _OF_GROUP, {"name": first.channel, "key": first.group_key, "now": now})
    found = [(line, agenda.said(line, acknowledgements=acknowledgements)) for line in lines]
    return [(line, what) for line, what in found if what is not None and _silent_until(line, silenced, now) is None]


def _made(connection: sqlite3.Connection, channel: str, going: Sequence[tuple[Line, Said]], now: int) -> Batch:
    notices = tuple(_notice(line, what) for line, what in going)
    key, group = key_of_batch(notices), going[0][0].group_labels
    number = connection.execute(
        "INSERT INTO notify_batches (key, channel, group_labels, notices, made_at, attempts, next_at, state) "
        "VALUES (?, ?, ?, ?, ?, 1, ?, 'sending')",
        (key, channel, group, dump_notices(notices), now, now),
    ).lastrowid
    assert number is not None  # noqa: S101 -- an INSERT has one
    connection.executemany(
        "UPDATE notify_lines SET batch = ? WHERE number = ?", [(number, line.number) for line, _ in going]
    )
    connection.execute("INSERT OR REPLACE INTO notify_groups VALUES (?, ?, ?)", (channel, going[0][0].group_key, now))
    return Batch(number, key, channel, load_labels(group), notices, now, 1)


def _notice(line: Line, what: Said) -> Notice:
    """A line's notice; firing and resolved come once an episode and try, the others are told apart by when."""
    again = f"@{line.tries}" if line.tries else ""
    which = {"firing": again, "resolved": again, "repeated": f"@{line.repeats + 1}"}.get(what, f"@{line.changed_at}")
    kind = "" if line.kind == "alert" else f"{line.kind}:"
    key = key_of(line.fingerprint, line.episode, f"{kind}{what}{which}", line.channel)
    return Notice(key, what, line.kind, line.since, load_change(line.change))


def _batch(row: tuple[int, str, str, str, str, int, int]) -> Batch:
    number, key, channel, group, notices, made_at, attempts = row
    return Batch(number, key, channel, load_labels(group), load_notices(notices), made_at, attempts)
