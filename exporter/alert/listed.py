"""Alerts as people see them: episodes, their history, how many there were.

In: a connection to the control database. Out: frozen values, the newest first.
"""

import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Final, Literal

from exporter.alert.quantity import Unit
from exporter.alert.shapes import Labels, Severity, Transition
from exporter.control.published import unit_of
from exporter.errors import AxError
from exporter.units import NS_PER_S

Shown = Literal["inactive", "pending", "firing", "acknowledged", "resolved"]
"""The state of an alert, as people see it; `inactive` only as where one came from or went before it fired."""

_DAY_NS: Final = 86_400 * NS_PER_S
_MOST_LISTED: Final = 1_000
_TENANT: Final = "json_extract(labels, '$.tenant')"
"""Whose an alert is, by its labels: rules that tell tenants apart give it, and budgets of one tenant. Others are about
all, so no tenant sees them."""


class NoAlert(AxError):
    """No alert, or more than one, has an id that begins so; or it is over."""


@dataclass(frozen=True, slots=True)
class Alert:
    """One episode. `value` and `threshold` are those of now, in `unit`; `id` begins `episode`."""

    id: str
    rule: str
    state: Shown
    severity: Severity
    labels: Labels
    annotations: Labels
    value: float | None
    threshold: float | None
    started_at: int
    fired_at: int | None
    acknowledged_at: int | None
    acknowledged_by: str | None
    note: str
    resolved_at: int | None
    resolved_by: str | None
    reason: str
    rule_id: str
    tenant_id: str
    fingerprint: str
    episode: str
    unit: Unit


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the history: what an alert went from and to, at a slot or by somebody's hand."""

    number: int
    alert_id: str
    rule: str
    at: int
    from_state: Shown
    to_state: Shown
    value: float | None
    by: str | None
    reason: str
    transition: Transition
    severity: Severity
    threshold: float | None
    rule_id: str
    unit: Unit


@dataclass(frozen=True, slots=True)
class Count:
    """How many alerts were in this state, with this severity."""

    state: Shown
    severity: Severity
    alerts: int


@dataclass(frozen=True, slots=True)
class Statistics:
    """Of alerts that were there in the 24 h before `to_ns`; resolve time is from the first firing, None without any."""

    from_ns: int
    to_ns: int
    counts: tuple[Count, ...]
    fired: int
    resolved: int
    mean_resolve_ns: int | None


def find(connection: sqlite3.Connection, prefix: str, *, active: bool = True, tenant: str | None = None) -> Alert:
    """The one alert whose id or episode begins with `prefix`; those that are over only where not `active`.

    With a `tenant` there are only its own. Raises `NoAlert`.
    """
    mark = prefix.strip().lower()
    if not mark or any(character not in "0123456789abcdef" for character in mark):
        raise NoAlert(f"{prefix!r} is no alert's id", mend="`ax monitor alerts list` shows their ids")
    own, values = _of(tenant)
    values = [mark, mark + "g", *values]
    found = _alerts(connection, f"episode >= ? AND episode < ? AND {own} ORDER BY episode LIMIT 3", values)
    open_ones = [one for one in found if one.state != "resolved"]
    if active and found and not open_ones:
        raise NoAlert(f"alert {found[0].id} is resolved already", mend="`ax monitor alerts list` shows what is not")
    wanted = open_ones if active else found
    if len(wanted) != 1:
        what = f"several alerts begin with {mark}" if wanted else f"no alert begins with {mark}"
        raise NoAlert(what, mend="`ax monitor alerts list` shows their ids")
    return wanted[0]


def listed(
    connection: sqlite3.Connection,
    *,
    states: Sequence[Shown] = (),
    severities: Sequence[Severity] = (),
    rule: str | None = None,
    before: tuple[int, str] | None = None,
    limit: int = 100,
    tenant: str | None = None,
) -> tuple[Alert, ...]:
    """Alerts, the newest first; of a rule by its id or name; `before` is the last one's (started_at, episode)."""
    own, values = _of(tenant)
    conditions = [own]
    for column, wanted in (("state", states), ("severity", severities)):
        if wanted:
            conditions.append(f"{column} IN ({', '.join('?' for _ in wanted)})")
            values += wanted
    if rule is not None:
        conditions.append("(rule_id = ? OR rule = ?)")
        values += [rule, rule]
    if before is not None:
        conditions.append("(started_at, episode) < (?, ?)")
        values += before
    values.append(min(limit, _MOST_LISTED))
    return _alerts(connection, f"{' AND '.join(conditions)} ORDER BY started_at DESC, episode DESC LIMIT ?", values)


def history(
    connection: sqlite3.Connection,
    *,
    episode: str | None = None,
    before: int | None = None,
    limit: int = 100,
    tenant: str | None = None,
) -> tuple[Entry, ...]:
    """What changed, the latest first: of one alert, or of all; `before` is the last one's number."""
    cursor = connection.execute(
        f"""SELECT number, substr(episode, 1, 12), rule, at, from_state, to_state, value, by, reason, transition,
            severity, threshold, rule_id, {unit_of("alert_history")}
        FROM alert_history
        WHERE (:episode IS NULL OR episode = :episode) AND (:before IS NULL OR number < :before)
            AND (:tenant IS NULL OR episode IN (SELECT a.episode FROM alerts a WHERE {_TENANT} = :tenant))
        ORDER BY number DESC LIMIT :limit""",  # noqa: S608 (ours, with names)
        {"episode": episode, "before": before, "limit": min(limit, _MOST_LISTED), "tenant": tenant},
    )
    with closing(cursor) as rows:
        return tuple(Entry(*row) for row in rows)


def statistics(connection: sqlite3.Connection, now: int, *, tenant: str | None = None) -> Statistics:
    """How many alerts there were in the last 24 h, by the state that they are in now and their severity."""
    since = now - _DAY_NS
    asked = {"since": since, "tenant": tenant}
    own = f"(:tenant IS NULL OR {_TENANT} = :tenant)"
    rows = connection.execute(
        f"""SELECT state, severity, count(*) FROM alerts
        WHERE (state <> 'resolved' OR resolved_at >= :since) AND {own}
        GROUP BY state, severity ORDER BY state, severity""",  # noqa: S608 (ours, with names)
        asked,
    ).fetchall()
    fired, resolved, mean = connection.execute(
        f"""SELECT count(*) FILTER (WHERE fired_at >= :since), count(*) FILTER (WHERE resolved_at >= :since),
            avg(resolved_at - fired_at) FILTER (WHERE resolved_at >= :since)
        FROM alerts WHERE {own}""",  # noqa: S608 (ours, with names)
        asked,
    ).fetchone()
    return Statistics(
        from_ns=since,
        to_ns=now,
        counts=tuple(Count(*row) for row in rows),
        fired=fired,
        resolved=resolved,
        mean_resolve_ns=None if mean is None else round(mean),
    )


def _of(tenant: str | None) -> tuple[str, list[Any]]:
    """A condition on alerts, and its values."""
    return ("1", []) if tenant is None else (f"{_TENANT} = ?", [tenant])


def _alerts(connection: sqlite3.Connection, condition: str, values: Sequence[object]) -> tuple[Alert, ...]:
    cursor = connection.execute(
        f"""SELECT id, rule, state, severity, labels, annotations,
            coalesce((SELECT i.value FROM alert_instances i WHERE i.episode = alerts.episode), value),
            coalesce((SELECT i.threshold FROM alert_instances i WHERE i.episode = alerts.episode), threshold),
            started_at, fired_at, acknowledged_at, acknowledged_by, note, resolved_at, resolved_by, reason, rule_id,
            tenant_id, fingerprint, episode,
            {unit_of("alerts")}
        FROM alerts WHERE {condition}""",  # noqa: S608 (ours, with question marks)
        values,
    )
    with closing(cursor) as rows:
        return tuple(_alert(row) for row in rows)


def _alert(row: Sequence[Any]) -> Alert:
    labels, annotations = _pairs(row[4]), _pairs(row[5])
    values = [*row[:4], labels, annotations, *row[6:]]
    return Alert(*values)


def _pairs(text: str) -> Labels:
    return tuple(sorted(json.loads(text).items()))
