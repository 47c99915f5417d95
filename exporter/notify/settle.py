"""What follows from an answer: told, tried again, or given up; and what people do with what was given up.

In: a transaction of `DATA/control.sqlite`, a batch and its answer. Out: lines and batches as they are then.
"""

import hashlib
import sqlite3
from dataclasses import dataclass
from typing import Final

from exporter.alert.shapes import Change, Labels
from exporter.control.database import rows
from exporter.notify.agenda import Line
from exporter.notify.answers import GIVE_UP_NS, Answer
from exporter.notify.declared import FAILED, Channel
from exporter.notify.notice import Batch, Notice, dump_labels, load_notices
from exporter.notify.outbox import LINE, overtake, plan
from exporter.units import NS_PER_S

_TENANT: Final = "default"
_AGAIN_NS: Final = 3_600 * NS_PER_S


@dataclass(frozen=True, slots=True)
class Dead:
    """A batch that was given up."""

    number: int
    channel: str
    made_at: int
    ended_at: int
    attempts: int
    status: str
    notices: tuple[Notice, ...]


@dataclass(frozen=True, slots=True)
class Post:
    """How a channel does: how much waits, since when, what was given up, and the last answer."""

    name: str
    waiting: int
    oldest_at: int | None
    dead: int
    status: str
    status_at: int | None
    is_failing: bool


def recover(connection: sqlite3.Connection, channel: str, now: int) -> None:
    """Before the first batch: what was being sent when the process ended goes out again, the same, at once.

    Times from before the clock was put back count as now.
    """
    connection.execute(
        "UPDATE notify_batches SET state = 'waiting', is_maybe = 1, next_at = ? "
        "WHERE channel = ? AND state = 'sending'",
        (now, channel),
    )
    connection.execute(
        "UPDATE notify_batches SET made_at = min(made_at, :now), next_at = min(next_at, :now + :most) "
        "WHERE channel = :name AND state = 'waiting'",
        {"now": now, "most": _AGAIN_NS, "name": channel},
    )
    connection.execute("UPDATE notify_groups SET flushed_at = min(flushed_at, ?) WHERE channel = ?", (now, channel))
    connection.execute(
        "UPDATE notify_lines SET due_at = :now, free_at = min(free_at, :now) WHERE channel = :name AND due_at > "
        ":now + max(repeat_interval_ns, group_interval_ns + group_wait_ns, cooldown_ns)",
        {"now": now, "name": channel},
    )
    connection.execute(
        "UPDATE notify_channels SET paused_until = min(paused_until, ?) WHERE name = ?", (now + _AGAIN_NS, channel)
    )


def settle(
    connection: sqlite3.Connection, channel: Channel, batch: Batch, answer: Answer, now: int, delay_ns: int
) -> list[Change]:
    """Writes down what became of a batch. The changes are our own: that the channel fails, or does no longer."""
    is_dead = answer.outcome == "refused" or (answer.outcome == "again" and now - batch.made_at >= GIVE_UP_NS)
    paused_until = now + int(answer.rest_s * NS_PER_S) if answer.outcome == "again" and answer.rest_s else 0
    connection.execute(
        "INSERT INTO notify_channels (name, paused_until, status, status_at) VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE "
        "SET paused_until = excluded.paused_until, status = excluded.status, status_at = excluded.status_at",
        (channel.name, paused_until, answer.status, now),
    )
    if answer.outcome == "taken":
        _close(connection, batch, "sent", answer, now)
        for notice in batch.notices:
            _told(connection, batch, notice, now)
    elif is_dead:
        _close(connection, batch, "dead", answer, now)
    else:
        next_at = min(now + delay_ns, batch.made_at + GIVE_UP_NS)
        connection.execute(
            "UPDATE notify_batches SET state = 'waiting', next_at = ?, status = ?, is_maybe = is_maybe OR ? "
            "WHERE number = ?",
            (max(next_at, now), answer.status, answer.is_maybe, batch.number),
        )
        overtake(connection, batch.number, now)
        return []
    lines = rows(connection, Line, f"{LINE} WHERE batch = :batch", {"batch": batch.number})
    if is_dead:
        _may_be_told(connection, batch, now)
    connection.execute(
        "UPDATE notify_lines SET batch = NULL, tries = tries + ? WHERE batch = ?", (is_dead, batch.number)
    )
    for line in lines:
        plan(connection, line.number, acknowledgements=channel.takes.acknowledgements)
    if is_dead:
        _put_off(connection, batch, lines, now)
    return _own(connection, channel.name, answer, now, is_dead=is_dead)


def _may_be_told(connection: sqlite3.Connection, batch: Batch, now: int) -> None:
    """A firing that was given up, but that the service may have: its end is told later."""
    connection.execute(
        "UPDATE notify_lines SET told_at = coalesce(told_at, :now), told_severity = coalesce(told_severity, severity) "
        "WHERE batch = :batch AND (SELECT is_maybe FROM notify_batches WHERE number = :batch)",
        {"now": now, "batch": batch.number},
    )


def _put_off(connection: sqlite3.Connection, batch: Batch, lines: list[Line], now: int) -> None:
    """What is as it was when it was given up is tried again when it would be repeated; an end only by hand."""
    ends = {(one.change.episode, one.kind) for one in batch.notices if one.said == "resolved"}
    for line in lines:
        if line.changed_at > batch.made_at and (line.episode, line.kind) not in ends:
            continue  # there is news
        at = None if (line.episode, line.kind) in ends else now + line.repeat_interval_ns
        connection.execute(
            "UPDATE notify_lines SET due_at = ?, free_at = ? WHERE number = ?", (at, at or 0, line.number)
        )


def _close(connection: sqlite3.Connection, batch: Batch, state: str, answer: Answer, now: int) -> None:
    connection.execute(
        "UPDATE notify_batches SET state = ?, status = ?, is_maybe = is_maybe OR ?, ended_at = ? WHERE number = ?",
        (state, answer.status, answer.is_maybe, now, batch.number),
    )


def _told(connection: sqlite3.Connection, batch: Batch, notice: Notice, now: int) -> None:
    told_at = None if notice.said in {"acknowledged", "resolved"} else now
    connection.execute(
        "UPDATE notify_lines SET told_at = coalesce(:told_at, told_at), told_severity = :severity, "
        "told_acknowledged = CASE :said WHEN 'acknowledged' THEN 1 WHEN 'escalated' THEN 0 ELSE told_acknowledged END, "
        "told_over = max(told_over, :said = 'resolved'), repeats = repeats + (:said = 'repeated') "
        "WHERE channel = :channel AND episode = :episode AND kind = :kind",
        {
            "told_at": told_at,
            "severity": notice.severity,
            "said": notice.said,
            "channel": batch.channel,
            "episode": notice.change.episode,
            "kind": notice.kind,
        },
    )


def _own(connection: sqlite3.Connection, channel: str, answer: Answer, now: int, *, is_dead: bool) -> list[Change]:
    """AxNotifierFailed of a channel fires with its first dead letter and ends with the next that is taken."""
    (failed_at,) = connection.execute("SELECT failed_at FROM notify_channels WHERE name = ?", (channel,)).fetchone()
    if is_dead == (failed_at is not None):
        return []
    connection.execute("UPDATE notify_channels SET failed_at = ? WHERE name = ?", (now if is_dead else None, channel))
    labels: Labels = (("channel", channel),)
    fingerprint = hashlib.sha256(f"{_TENANT}\n{FAILED}\n{dump_labels(labels)}".encode()).hexdigest()
    episode = hashlib.sha256(f"{fingerprint}\n{now if is_dead else failed_at}".encode()).hexdigest()[:32]
    summary = f"The channel {channel} did not take a notice: {answer.status}"
    return [
        Change(
            rule_id=FAILED,
            rule=FAILED.partition("/")[2],
            fingerprint=fingerprint,
            episode=episode,
            tenant_id=_TENANT,
            transition="firing" if is_dead else "resolved",
            at=now,
            from_state="inactive" if is_dead else "firing",
            to_state="firing" if is_dead else "inactive",
            severity="error",
            value=None,
            threshold=None,
            labels=labels,
            annotations=(("summary", summary),) if is_dead else (),
            reason="" if is_dead else "false",
        )
    ]


def dead(connection: sqlite3.Connection, channel: str | None = None, limit: int = 100) -> list[Dead]:
    """What was given up, the newest first."""
    found = connection.execute(
        "SELECT number, channel, made_at, ended_at, attempts, status, notices FROM notify_batches "
        "WHERE state = 'dead' AND channel = coalesce(?, channel) ORDER BY ended_at DESC, number DESC LIMIT ?",
        (channel, limit),
    )
    return [
        Dead(number, name, made_at, ended_at, attempts, status, load_notices(notices))
        for number, name, made_at, ended_at, attempts, status, notices in found
    ]


def retry(connection: sqlite3.Connection, now: int, channel: str | None = None) -> tuple[int, int]:
    """Lets what was given up go out again, as far as it is still so; how many notices do, and how many do not."""
    going = past = 0
    for one in dead(connection, channel, limit=10_000):
        for notice in one.notices:
            changed = connection.execute(
                "UPDATE notify_lines SET due_at = :now, free_at = 0 WHERE channel = :channel AND episode = :episode "
                "AND kind = :kind AND batch IS NULL AND NOT told_over AND tries > 0",
                {"now": now, "channel": one.channel, "episode": notice.change.episode, "kind": notice.kind},
            ).rowcount
            going, past = going + changed, past + (not changed)
        connection.execute("UPDATE notify_batches SET state = 'retried' WHERE number = ?", (one.number,))
    return going, past


def posts(connection: sqlite3.Connection, names: list[str]) -> list[Post]:
    """How each of these channels does."""
    found = []
    for name in names:
        waiting, oldest_at, dead_count = connection.execute(
            "SELECT (SELECT count(*) FROM notify_lines WHERE channel = :name AND (batch IS NOT NULL OR told_at IS NULL "
            "OR (is_over AND NOT told_over AND due_at IS NOT NULL))), "
            "(SELECT min(made_at) FROM notify_batches WHERE channel = :name AND ended_at IS NULL), "
            "(SELECT count(*) FROM notify_batches WHERE channel = :name AND state = 'dead')",
            {"name": name},
        ).fetchone()
        status, status_at, failed_at = connection.execute(
            "SELECT status, status_at, failed_at FROM notify_channels WHERE name = ?", (name,)
        ).fetchone() or ("", None, None)
        found.append(Post(name, waiting, oldest_at, dead_count, status, status_at, failed_at is not None))
    return found


def prune(connection: sqlite3.Connection, before: int) -> None:
    """Forgets what was settled before then."""
    connection.execute("DELETE FROM notify_batches WHERE ended_at < ?", (before,))
    connection.execute("DELETE FROM notify_lines WHERE batch IS NULL AND is_over AND changed_at < ?", (before,))
    connection.execute("DELETE FROM notify_groups WHERE flushed_at < ?", (before,))
