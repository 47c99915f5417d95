"""The page of what is published of the control database: DuckDB cannot read SQLite without a download.

In: nothing. Out: for each view of `ax.duckdb` its columns and the statement that gives them; `files.py` writes them.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

_MOST_HISTORY: Final = 100_000  # rows; 30 days of a change each 26 s


class Kind(Enum):
    """What a column holds in SQLite: its type in the file, and SQL for what readers of the view see of it."""

    TEXT = "VARCHAR", "{}"
    COUNT = "BIGINT", "{}"
    NUMBER = "DOUBLE", "{}"
    FLAG = "BIGINT", "{} <> 0"
    MAP = "MAP(VARCHAR, VARCHAR)", "{}"
    """A JSON object of text."""
    TIME = "BIGINT", "make_timestamptz({} // 1000)"
    """Unix nanoseconds."""
    USD = "BIGINT", "({} * 0.000000001::DECIMAL(10, 9))::DECIMAL(19, 9)"
    """Nano-dollars."""

    def field(self, name: str) -> str:
        """A column of the file."""
        return f"'{name}': '{self.value[0]}'"

    def column(self, name: str) -> str:
        """A column of the view."""
        return f"{self.value[1].format(_quoted(name))} AS {_quoted(name)}"


def _quoted(name: str) -> str:
    return f'"{name}"'


READ: Final[Mapping[Kind, Callable[[Any], Any]]] = {
    Kind.MAP: lambda text: {_whole(name): _whole(str(value)) for name, value in json.loads(text).items()},
}
"""How a value of SQLite becomes one of the file, where it is another."""


def _whole(text: str) -> str:
    """Without halves of surrogate pairs, which JSON can hold and DuckDB cannot."""
    return text.encode("utf-8", "replace").decode()


@dataclass(frozen=True, slots=True)
class Published:
    """A view: its columns in order, and the statement over SQLite that gives them under these names.

    `mark`, where it is told, is a cheap statement whose answer changes whenever that of `sql` does.
    """

    columns: Mapping[str, Kind]
    sql: str
    mark: str = ""

    def select(self, path: str) -> str:
        """SQL for the rows of the view, from the file at `path`, which is a literal."""
        fields = ", ".join(kind.field(name) for name, kind in self.columns.items())
        columns = ", ".join(kind.column(name) for name, kind in self.columns.items())
        read = f"read_json({path}, format = 'newline_delimited', columns = {{{fields}}})"
        return f"SELECT {columns} FROM {read}"  # noqa: S608 (names of ours)


def unit_of(table: str) -> str:
    """SQL for what values of a rule are numbers of; budgets are no rules, and count money."""
    return (
        f"coalesce((SELECT r.unit FROM alert_rules r WHERE r.id = {table}.rule_id), "  # noqa: S608 (a name of ours)
        f"CASE WHEN {table}.rule_id GLOB 'ax/budget/*' THEN 'usd_nanos' ELSE 'number' END)"
    )


PUBLISHED: Final[Mapping[str, Published]] = {
    "alert_rules": Published(
        {
            "id": Kind.TEXT,
            "name": Kind.TEXT,
            "group": Kind.TEXT,
            "source": Kind.TEXT,
            "enabled": Kind.FLAG,
            "severity": Kind.TEXT,
            "unit": Kind.TEXT,
            "interval_ns": Kind.COUNT,
            "window_ns": Kind.COUNT,
            "for_ns": Kind.COUNT,
            "description": Kind.TEXT,
            "labels": Kind.MAP,
            "definition": Kind.TEXT,
            "health": Kind.TEXT,
            "error": Kind.TEXT,
            "missed": Kind.COUNT,
            "evaluated_at": Kind.TIME,
            "took_ns": Kind.COUNT,
        },
        """SELECT id, name, "group", source, enabled, severity, unit, interval_ns, window_ns, for_ns, description,
            labels, definition, health, error, missed, evaluated_at, took_ns FROM alert_rules ORDER BY id""",
    ),
    "alerts": Published(
        {
            "id": Kind.TEXT,
            "rule": Kind.TEXT,
            "state": Kind.TEXT,
            "severity": Kind.TEXT,
            "labels": Kind.MAP,
            "value": Kind.NUMBER,
            "threshold": Kind.NUMBER,
            "started_at": Kind.TIME,
            "fired_at": Kind.TIME,
            "acknowledged_at": Kind.TIME,
            "acknowledged_by": Kind.TEXT,
            "resolved_at": Kind.TIME,
            "resolved_by": Kind.TEXT,
            "reason": Kind.TEXT,
            "annotations": Kind.MAP,
            "rule_id": Kind.TEXT,
            "tenant_id": Kind.TEXT,
            "fingerprint": Kind.TEXT,
            "episode": Kind.TEXT,
            "unit": Kind.TEXT,
        },
        f"""SELECT a.id, a.rule, a.state, a.severity, a.labels,
            coalesce(i.value, a.value) AS value, coalesce(i.threshold, a.threshold) AS threshold,
            a.started_at, a.fired_at, a.acknowledged_at, a.acknowledged_by, a.resolved_at, a.resolved_by, a.reason,
            a.annotations, a.rule_id, a.tenant_id, a.fingerprint, a.episode, {unit_of("a")} AS unit
        FROM alerts a LEFT JOIN alert_instances i ON i.episode = a.episode AND a.state <> 'resolved'
        ORDER BY a.started_at, a.episode""",  # noqa: S608 (names of ours)
    ),
    "alert_history": Published(
        {
            "alert_id": Kind.TEXT,
            "rule": Kind.TEXT,
            "at": Kind.TIME,
            "from_state": Kind.TEXT,
            "to_state": Kind.TEXT,
            "value": Kind.NUMBER,
            "by": Kind.TEXT,
            "reason": Kind.TEXT,
            "transition": Kind.TEXT,
            "severity": Kind.TEXT,
            "threshold": Kind.NUMBER,
            "rule_id": Kind.TEXT,
            "tenant_id": Kind.TEXT,
            "episode": Kind.TEXT,
            "unit": Kind.TEXT,
        },
        f"""SELECT substr(episode, 1, 12) AS alert_id, rule, at, from_state, to_state, value, by, reason, transition,
            severity, threshold, rule_id, tenant_id, episode, {unit_of("h")} AS unit
        FROM (SELECT * FROM alert_history ORDER BY number DESC LIMIT {_MOST_HISTORY}) h ORDER BY number""",  # noqa: S608
        mark="SELECT max(number), count(*) FROM alert_history",
    ),
    "budgets": Published(
        {
            "name": Kind.TEXT,
            "usd": Kind.USD,
            "spent_usd": Kind.USD,
            "used_ratio": Kind.NUMBER,
            "per": Kind.TEXT,
            "zone": Kind.TEXT,
            "scope": Kind.MAP,
            "period_start": Kind.TIME,
            "period_end": Kind.TIME,
            "state": Kind.TEXT,
            "calls": Kind.COUNT,
            "unpriced": Kind.COUNT,
            "generation": Kind.COUNT,
            "updated_at": Kind.TIME,
        },
        """SELECT g.budget AS name, g.limit_nanos AS usd, p.nanos AS spent_usd,
            1.0 * p.nanos / g.limit_nanos AS used_ratio, g.per, g.zone, g.scope, p.period_start, p.period_end,
            CASE WHEN p.nanos >= g.limit_nanos THEN 'exceeded' WHEN 100 * p.unpriced > p.calls THEN 'incomplete'
                WHEN EXISTS (SELECT 1 FROM budget_events e WHERE e.budget = g.budget AND e.generation = g.generation
                    AND e.period_start = p.period_start AND e.basis = 'spent') THEN 'warning' ELSE 'ok' END AS state,
            p.calls, p.unpriced, g.generation, p.updated_at
        FROM budget_generations g JOIN budget_periods p ON p.budget = g.budget AND p.generation = g.generation
        WHERE g.retired_at IS NULL AND p.period_start = (SELECT max(period_start) FROM budget_periods l
            WHERE l.budget = g.budget AND l.generation = g.generation)
        ORDER BY name""",
    ),
    "budget_events": Published(
        {
            "budget": Kind.TEXT,
            "at": Kind.TIME,
            "threshold": Kind.COUNT,
            "basis": Kind.TEXT,
            "spent_usd": Kind.USD,
            "usd": Kind.USD,
            "period_start": Kind.TIME,
            "period_end": Kind.TIME,
            "late": Kind.FLAG,
            "told": Kind.FLAG,
            "generation": Kind.COUNT,
        },
        """SELECT budget, at, threshold, basis, nanos AS spent_usd, limit_nanos AS usd, period_start, period_end, late,
            told, generation FROM budget_events ORDER BY at, budget, threshold""",
        mark="SELECT max(rowid), count(*) FROM budget_events",
    ),
    "cost_projections": Published(
        {
            "budget": Kind.TEXT,
            "at": Kind.TIME,
            "projected_usd": Kind.USD,
            "low_usd": Kind.USD,
            "high_usd": Kind.USD,
            "usd": Kind.USD,
            "spent_usd": Kind.USD,
            "period_start": Kind.TIME,
            "period_end": Kind.TIME,
            "gone_at": Kind.TIME,
        },
        """SELECT p.budget, p.shown_at AS at, p.expected_nanos AS projected_usd, p.low_nanos AS low_usd,
            p.high_nanos AS high_usd, g.limit_nanos AS usd, p.nanos AS spent_usd, p.period_start, p.period_end,
            p.gone_at
        FROM budget_periods p JOIN budget_generations g ON g.budget = p.budget AND g.generation = p.generation
        WHERE p.expected_nanos IS NOT NULL ORDER BY p.period_start, p.budget""",
    ),
}
"""Every view over control tables by its name."""
