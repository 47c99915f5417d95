"""The ledger: what accounts spent by local day, in SQLite, for longer than the calls themselves are kept.

In: a connection within a transaction, days and sums. Out: rows that may be written again: the last word counts.
"""

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from zoneinfo import ZoneInfo

from exporter.budget.budget import Budget
from exporter.budget.periods import counting, days_of
from exporter.query.period import Period
from exporter.query.spend import Asked, Kept, Spent, spend
from exporter.query.views import Views

Day = tuple[str, Period]
"""An account's."""


@dataclass(frozen=True, slots=True)
class Generation:
    """A budget as it was meant from `since` on."""

    number: int
    since: int
    is_edit: bool
    """It has just replaced another meaning of the same budget."""


def days_that_count(
    budgets: Iterable[Budget], now_ns: int, touched: Sequence[Period] | None = None
) -> dict[Day, Mapping[str, Sequence[str]]]:
    """The days of all periods that count now, up to today, with their scopes.

    With `touched` only today and those that it touches; None is all, as at a start or when budgets have changed.
    """
    found: dict[Day, Mapping[str, Sequence[str]]] = {}
    for budget in budgets:
        scope = dict(budget.scope.parts())
        for period in counting(budget, now_ns):
            for day in days_of(period, ZoneInfo(budget.zone)):
                if day.start_ns <= now_ns and (touched is None or _concerns(day, now_ns, touched)):
                    found[budget.account, day] = scope
    return found


def _concerns(day: Period, now_ns: int, touched: Sequence[Period]) -> bool:
    return now_ns < day.end_ns or any(one.start_ns < day.end_ns and one.end_ns > day.start_ns for one in touched)


def measure(
    views: Views, budgets: Iterable[Budget], now_ns: int, kept: Kept, touched: Sequence[Period] | None = None
) -> dict[Day, Spent]:
    """What the days that count spent, as the data say now; days whose data are gone are left out. Raises `AxError`."""
    days = days_that_count(budgets, now_ns, touched)
    if not days:
        return {}
    found = spend(views, [Asked(day, day[1], scope) for day, scope in days.items()], kept)
    return {day: found[day] for day in days if day in found}


_KEEP_DAY: Final = """
    INSERT INTO budget_days (account, day_start, day_end, nanos, calls, unpriced, updated_at)
    VALUES (?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (account, day_start) DO UPDATE SET
        day_end = excluded.day_end, nanos = excluded.nanos, calls = excluded.calls, unpriced = excluded.unpriced,
        updated_at = excluded.updated_at
    WHERE nanos <> excluded.nanos OR calls <> excluded.calls OR unpriced <> excluded.unpriced"""


def record(connection: sqlite3.Connection, spent: Mapping[Day, Spent], now_ns: int) -> None:
    """Writes days anew; a day without a call has no row until it has had one."""
    connection.executemany(
        _KEEP_DAY,
        [
            (account, day.start_ns, day.end_ns, one.nanos, one.calls, one.unpriced, now_ns)
            for (account, day), one in spent.items()
            if one.calls or one.nanos
        ],
    )
    connection.executemany(
        "UPDATE budget_days SET nanos = 0, calls = 0, unpriced = 0, updated_at = ?"
        " WHERE account = ? AND day_start = ? AND calls <> 0",
        [(now_ns, account, day.start_ns) for (account, day), one in spent.items() if not (one.calls or one.nanos)],
    )


def total(connection: sqlite3.Connection, account: str, period: Period) -> Spent:
    """The sum of an account's days within a period."""
    row = connection.execute(
        "SELECT coalesce(sum(nanos), 0), coalesce(sum(calls), 0), coalesce(sum(unpriced), 0) FROM budget_days"
        " WHERE account = ? AND day_start >= ? AND day_start < ?",
        (account, period.start_ns, period.end_ns),
    ).fetchone()
    return Spent(*row)


def by_day(connection: sqlite3.Connection, account: str, period: Period) -> dict[int, int]:
    """Nano-dollars by the start of the day."""
    rows = connection.execute(
        "SELECT day_start, nanos FROM budget_days WHERE account = ? AND day_start >= ? AND day_start < ?",
        (account, period.start_ns, period.end_ns),
    )
    return dict(rows.fetchall())


def generation_of(connection: sqlite3.Connection, budget: Budget, now_ns: int) -> Generation:
    """The generation that a budget's meaning is; a new one where it changed."""
    last = connection.execute(
        "SELECT generation, since, meaning, retired_at FROM budget_generations WHERE budget = ?"
        " ORDER BY generation DESC LIMIT 1",
        (budget.name,),
    ).fetchone()
    if last is not None and last[2] == budget.meaning:
        if last[3] is not None:
            connection.execute(
                "UPDATE budget_generations SET retired_at = NULL WHERE budget = ? AND generation = ?",
                (budget.name, last[0]),
            )
        return Generation(last[0], last[1], is_edit=False)
    number = last[0] + 1 if last else 1
    scope = json.dumps({name: ",".join(values) for name, values in budget.scope.parts()}, ensure_ascii=False)
    connection.execute(
        "INSERT INTO budget_generations (budget, generation, meaning, account, scope, limit_nanos, per, zone, since)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            budget.name,
            number,
            budget.meaning,
            budget.account,
            scope,
            budget.limit_nanos,
            budget.per,
            budget.zone,
            now_ns,
        ),
    )
    return Generation(number, now_ns, is_edit=last is not None)


def retire(connection: sqlite3.Connection, budgets: Iterable[Budget], now_ns: int) -> None:
    """Marks what is no longer declared, or meant otherwise."""
    meant = {(one.name, one.meaning) for one in budgets}
    known = connection.execute("SELECT budget, meaning, generation FROM budget_generations WHERE retired_at IS NULL")
    for name, meaning, number in known.fetchall():
        if (name, meaning) not in meant:
            connection.execute(
                "UPDATE budget_generations SET retired_at = ? WHERE budget = ? AND generation = ?",
                (now_ns, name, number),
            )
