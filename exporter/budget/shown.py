"""Budgets as they stand: spent, of how much, what is expected, when it will be gone.

In: a connection to the control database. Out: values for the terminal, the API and the SDK's gate; the projection, kept
beside the period so that the view `cost_projections` has it.
"""

import sqlite3
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

from exporter.budget import ledger
from exporter.budget.budget import NANOS, Budget
from exporter.budget.check import is_incomplete
from exporter.budget.periods import day_at, days_of, local_day, period_at
from exporter.outlook.projection import LEARNED_DAYS, Projection, projected
from exporter.query.period import DAY, MINUTE, Period
from exporter.query.spend import Spent

STALE_NS: Final = 10 * MINUTE
"""A projection that is older is worked out anew."""
_SHOWN_FROM: Final = 2
"""Whole days of a period after which its projection is shown: from the third day on."""

State = Literal["ok", "warning", "exceeded", "incomplete"]


@dataclass(frozen=True, slots=True)
class Shown:
    """A budget in its present period.

    `days` are nano-dollars by local day so far; `gone_at` is the start of the day on which it will be gone.
    """

    budget: Budget
    period: Period
    spent: Spent
    late_nanos: int
    days: tuple[tuple[int, int], ...]
    crossed: tuple[int, ...]
    projection: Projection | None
    gone_at: int | None

    @property
    def limit_nanos(self) -> int:
        """Of the whole period."""
        return self.budget.limit_nanos

    @property
    def used_ratio(self) -> float:
        """The part that is spent; above 1 where it is gone."""
        return self.spent.nanos / self.limit_nanos

    @property
    def state(self) -> State:
        """`warning` from the first threshold on, `exceeded` at the whole amount."""
        if self.spent.nanos >= self.limit_nanos:
            return "exceeded"
        if is_incomplete(self.spent):
            return "incomplete"
        first = min(self.budget.alert_at, default=100)
        return "warning" if self.spent.nanos * 100 >= first * self.limit_nanos else "ok"


def shown(connection: sqlite3.Connection, budget: Budget, now_ns: int) -> Shown:
    """A budget as the ledger has it; `measure` and `settle` have been called, or it shows what they last wrote."""
    period = period_at(budget, now_ns)
    by_day = ledger.by_day(connection, budget.account, period)
    days = [day for day in days_of(period, ZoneInfo(budget.zone)) if day.start_ns <= now_ns]
    projection = project(connection, budget, now_ns)
    crossed = connection.execute(
        "SELECT DISTINCT threshold FROM budget_events WHERE budget = ? AND basis = 'spent' AND period_start = ?"
        " AND generation = (SELECT max(generation) FROM budget_generations WHERE budget = ?) ORDER BY threshold",
        (budget.name, period.start_ns, budget.name),
    ).fetchall()
    return Shown(
        budget,
        period,
        ledger.total(connection, budget.account, period),
        _late(connection, budget, period),
        tuple((day.start_ns, by_day.get(day.start_ns, 0)) for day in days),
        tuple(threshold for (threshold,) in crossed),
        projection,
        _gone_at(budget, projection, now_ns),
    )


def _late(connection: sqlite3.Connection, budget: Budget, period: Period) -> int:
    """What came to the period before after it had closed."""
    before = period_at(budget, period.start_ns - 1)
    row = connection.execute(
        "SELECT nanos - closed_nanos FROM budget_periods WHERE budget = ? AND period_start = ?"
        " AND closed_nanos IS NOT NULL ORDER BY generation DESC LIMIT 1",
        (budget.name, before.start_ns),
    ).fetchone()
    return max(row[0], 0) if row else 0


def project(connection: sqlite3.Connection, budget: Budget, now_ns: int) -> Projection | None:
    """What the present period will have cost; None before its third day. The same data give the same numbers."""
    zone = ZoneInfo(budget.zone)
    period = period_at(budget, now_ns)
    today = day_at(min(max(now_ns, period.start_ns), period.end_ns - 1), zone)
    before = [day for day in days_of(period, zone) if day.start_ns < today.start_ns]
    if len(before) < _SHOWN_FROM:
        return None
    known = ledger.by_day(connection, budget.account, Period(today.start_ns - (LEARNED_DAYS + 1) * DAY, today.end_ns))
    # Nothing is known of days before the first call: they are no days on which nothing was spent.
    first = min(known, default=period.start_ns)
    past = days_of(Period(day_at(first, zone).start_ns, today.start_ns), zone)
    ahead = [day for day in days_of(period, zone) if day.start_ns >= today.start_ns]
    spent = ledger.total(connection, budget.account, period).nanos
    return projected(
        [known.get(day.start_ns, 0) for day in past],
        [_weekday(day, zone) for day in past],
        spent_nanos=spent,
        to_come=[_weekday(day, zone) for day in ahead],
        left_of_today=min(max((today.end_ns - now_ns) / today.length_ns, 0.0), 1.0),
        limit_nanos=budget.limit_nanos,
        seed=zlib.crc32(budget.name.encode()),
    )


def keep_projections(connection: sqlite3.Connection, budgets: Sequence[Budget], now_ns: int) -> None:
    """Works out the projections that are older than `STALE_NS`, and keeps them beside their periods."""
    for budget in budgets:
        period = period_at(budget, now_ns)
        row = connection.execute(
            "SELECT generation FROM budget_periods WHERE budget = ? AND period_start = ? AND frozen_at IS NULL"
            " AND (shown_at IS NULL OR shown_at <= ? OR shown_at > ?) ORDER BY generation DESC LIMIT 1",
            (budget.name, period.start_ns, now_ns - STALE_NS, now_ns),
        ).fetchone()
        if row is None:
            continue
        found = project(connection, budget, now_ns)
        values = (found.expected_nanos, found.low_nanos, found.high_nanos) if found else (None, None, None)
        connection.execute(
            "UPDATE budget_periods SET shown_at = ?, expected_nanos = ?, low_nanos = ?, high_nanos = ?, gone_at = ?"
            " WHERE budget = ? AND generation = ? AND period_start = ?",
            (now_ns, *values, _gone_at(budget, found, now_ns), budget.name, row[0], period.start_ns),
        )


def as_json(one: Shown) -> dict[str, Any]:
    """What `GET /api/budgets/NAME` answers: money is text of dollars and whole nano-dollars, times ISO 8601 in UTC."""
    projection = one.projection
    return {
        "name": one.budget.name,
        "state": one.state,
        "per": one.budget.per,
        "zone": one.budget.zone,
        "scope": {name: list(values) for name, values in one.budget.scope.parts()},
        "limit_nanos": one.limit_nanos,
        "limit_usd": one.limit_nanos / NANOS,
        "spent_nanos": one.spent.nanos,
        "spent_usd": one.spent.nanos / NANOS,
        "used_ratio": one.used_ratio,
        "late_nanos": one.late_nanos,
        "calls": one.spent.calls,
        "unpriced": one.spent.unpriced,
        "period_start": _iso(one.period.start_ns),
        "period_end": _iso(one.period.end_ns),
        "period_start_unix_nano": one.period.start_ns,
        "period_end_unix_nano": one.period.end_ns,
        "alert_at": list(one.budget.alert_at),
        "crossed": list(one.crossed),
        "projection": projection
        and {
            "expected_nanos": projection.expected_nanos,
            "low_nanos": projection.low_nanos,
            "high_nanos": projection.high_nanos,
            "interval": "P10-P90",
            "gone_on": _day(one.gone_at, one.budget.zone),
        },
    }


def _gone_at(budget: Budget, projection: Projection | None, now_ns: int) -> int | None:
    if projection is None or projection.gone_in_days is None:
        return None
    zone = ZoneInfo(budget.zone)
    ahead = [day for day in days_of(period_at(budget, now_ns), zone) if day.end_ns > now_ns]
    return ahead[min(projection.gone_in_days, len(ahead) - 1)].start_ns if ahead else None


def _weekday(day: Period, zone: ZoneInfo) -> int:
    return local_day(day.start_ns, zone).weekday()


def _day(at_ns: int | None, zone: str) -> str | None:
    return None if at_ns is None else local_day(at_ns, ZoneInfo(zone)).isoformat()


def _iso(at_ns: int) -> str:
    return datetime.fromtimestamp(at_ns // NANOS, UTC).isoformat().replace("+00:00", "Z")
