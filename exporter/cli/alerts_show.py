"""How `ax monitor alerts` shows alerts, rules, silences and what happened.

In: rows of the control database. Out: their columns, for people and for programs.
"""

from dataclasses import dataclass
from typing import Any, Final

from exporter.alert.listed import Alert, Count, Entry
from exporter.alert.quantity import Unit, shown
from exporter.cli import words
from exporter.cli.show import Column
from exporter.notify.silences import Silence

_STYLES: Final = {"critical": "bold red", "error": "red", "warning": "yellow", "info": ""}


@dataclass(frozen=True, slots=True)
class Evaluated:
    """A rule as the server evaluates it."""

    id: str
    severity: str
    enabled: int
    health: str
    error: str
    evaluated_at: int | None
    took_ns: int | None
    missed: int
    source: str
    active: int


RULES_SQL: Final = """
    SELECT id, severity, enabled, health, error, evaluated_at, took_ns, missed, source,
        (SELECT count(*) FROM alerts WHERE rule_id = r.id AND state <> 'resolved')
    FROM alert_rules r ORDER BY id"""


def _time(at: int | None) -> str | None:
    return None if at is None else words.iso(at)


def _labels(pairs: Any) -> str:
    return " ".join(f"{name}={value}" for name, value in pairs)


def _figure(value: float | None, unit: Unit) -> str:
    return words.NONE if value is None else shown(value, unit)


def _severe(row: Any) -> str:
    return _STYLES.get(row.severity, "")


ALERTS: Final[list[Column[Alert]]] = [
    Column("id", lambda row: row.id),
    Column("rule", lambda row: row.rule),
    Column("state", lambda row: row.state),
    Column("severity", lambda row: row.severity, style=_severe),
    Column("value", lambda row: row.value),
    Column("threshold", lambda row: row.threshold),
    Column("unit", lambda row: row.unit),
    Column("started_at", lambda row: _time(row.started_at), "since", words.local),
    Column("acknowledged_by", lambda row: row.acknowledged_by, "looked after by"),
    Column("resolved_at", lambda row: _time(row.resolved_at), "resolved", words.local),
    Column("labels", lambda row: dict(row.labels), "labels", lambda value: _labels(value.items())),
    Column("summary", lambda row: dict(row.annotations).get("summary"), is_wide=True),
]
SEEN: Final[list[Column[Alert]]] = [
    Column("value", lambda row: _figure(row.value, row.unit))
    if column.key == "value"
    else Column("threshold", lambda row: _figure(row.threshold, row.unit))
    if column.key == "threshold"
    else column
    for column in ALERTS
    if column.key != "unit"
]
"""As people read them."""
RULES: Final[list[Column[Evaluated]]] = [
    Column("id", lambda row: row.id, "rule"),
    Column("severity", lambda row: row.severity, style=_severe),
    Column("enabled", lambda row: bool(row.enabled), "on", lambda on: "yes" if on else "no"),
    Column("health", lambda row: row.health, style=lambda row: "red" if row.health == "error" else ""),
    Column("active", lambda row: row.active, "alerts", words.count),
    Column("evaluated_at", lambda row: _time(row.evaluated_at), "evaluated", words.local),
    Column("took_ns", lambda row: row.took_ns, "took", words.duration),
    Column("missed", lambda row: row.missed, "missed", words.count),
    Column("source", lambda row: row.source),
    Column("error", lambda row: row.error, is_wide=True),
]
HISTORY: Final[list[Column[Entry]]] = [
    Column("at", lambda row: _time(row.at), "at", words.local),
    Column("alert_id", lambda row: row.alert_id, "alert"),
    Column("rule", lambda row: row.rule),
    Column("from_state", lambda row: row.from_state, "from"),
    Column("to_state", lambda row: row.to_state, "to"),
    Column("severity", lambda row: row.severity, style=_severe),
    Column("value", lambda row: row.value),
    Column("unit", lambda row: row.unit),
    Column("by", lambda row: row.by),
    Column("reason", lambda row: row.reason),
]
HISTORY_SEEN: Final[list[Column[Entry]]] = [
    Column("value", lambda row: _figure(row.value, row.unit)) if column.key == "value" else column
    for column in HISTORY
    if column.key != "unit"
]
"""As people read it."""
SILENCES: Final[list[Column[Silence]]] = [
    Column("id", lambda row: row.id),
    Column("matchers", lambda row: [str(one) for one in row.matchers], "of", ", ".join),
    Column("starts_at", lambda row: _time(row.starts_at), "from", words.local),
    Column("ends_at", lambda row: _time(row.ends_at), "until", words.local),
    Column("by", lambda row: row.by),
    Column("note", lambda row: row.note, is_wide=True),
]
COUNTS: Final[list[Column[Count]]] = [
    Column("state", lambda row: row.state),
    Column("severity", lambda row: row.severity, style=_severe),
    Column("alerts", lambda row: row.alerts, "alerts", words.count),
]
