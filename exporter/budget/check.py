"""Thresholds: each is told once a period, whatever comes late, is priced anew or is started again.

In: a connection within a transaction, the ledger, budgets, the time. Out: events, recorded there before they are told.
"""

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from exporter.budget import ledger
from exporter.budget.budget import Budget
from exporter.budget.ledger import Day, Generation
from exporter.budget.periods import LATE_NS, counting
from exporter.query.period import MINUTE, Period
from exporter.query.spend import Kept, Spent
from exporter.query.views import Views

GRACE_NS: Final = 10 * MINUTE
"""What comes in later after a period's end is late."""
_INCOMPLETE_PERCENT: Final = 1
"""A budget of whose calls more are unpriced does not know what was spent."""
_WHOLE: Final = 100

Kind = Literal["crossed", "incomplete", "ended"]


@dataclass(frozen=True, slots=True)
class Event:
    """What is to be told.

    `crossed` are thresholds in percent, the last one the highest; `ended` is told of a period of which something was
    told before. `is_first` of its kind in this period; `is_late` where the period had closed before.
    """

    budget: Budget
    generation: int
    period: Period
    kind: Kind
    at: int
    spent: Spent
    crossed: tuple[int, ...] = ()
    is_first: bool = True
    is_late: bool = False


def check(
    connection: sqlite3.Connection,
    views: Views,
    budgets: Sequence[Budget],
    now_ns: int,
    kept: Kept,
    *,
    touched: Sequence[Period] | None = None,
) -> list[Event]:
    """`ledger.measure`, then `settle`: where the transaction should be short, call them one by one."""
    return settle(connection, budgets, ledger.measure(views, budgets, now_ns, kept, touched), now_ns)


def settle(
    connection: sqlite3.Connection, budgets: Sequence[Budget], spent: Mapping[Day, Spent], now_ns: int
) -> list[Event]:
    """Writes what was measured, and says what is to be told now that was not told before."""
    ledger.record(connection, spent, now_ns)
    ledger.retire(connection, budgets, now_ns)
    return [event for budget in budgets for event in _settle_one(connection, budget, now_ns)]


def _settle_one(connection: sqlite3.Connection, budget: Budget, now_ns: int) -> list[Event]:
    generation = ledger.generation_of(connection, budget, now_ns)
    events: list[Event] = []
    for period in counting(budget, now_ns):
        if period.end_ns <= generation.since:
            continue  # over before anybody wanted to know
        spent = ledger.total(connection, budget.account, period)
        is_closed = _keep(connection, budget, generation, period, spent, now_ns)
        found = _crossed(connection, budget, generation, period, spent, now_ns, is_late=is_closed)
        events += [*found, *_incomplete(connection, budget, generation, period, spent, now_ns)]
    return [*events, *_ends(connection, budget, generation.number, now_ns)]


def _keep(
    connection: sqlite3.Connection,
    budget: Budget,
    generation: Generation,
    period: Period,
    spent: Spent,
    now_ns: int,
) -> bool:
    """Writes the period's row; whether it had closed before."""
    key = (budget.name, generation.number, period.start_ns)
    before = connection.execute(
        "SELECT nanos, calls, unpriced, closed_nanos FROM budget_periods"
        " WHERE budget = ? AND generation = ? AND period_start = ?",
        key,
    ).fetchone()
    if before is None:
        connection.execute(
            "INSERT INTO budget_periods (budget, generation, period_start, period_end, nanos, calls, unpriced,"
            " updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (*key, period.end_ns, spent.nanos, spent.calls, spent.unpriced, now_ns),
        )
    elif tuple(before[:3]) != (spent.nanos, spent.calls, spent.unpriced):
        connection.execute(
            "UPDATE budget_periods SET nanos = ?, calls = ?, unpriced = ?, updated_at = ?"
            " WHERE budget = ? AND generation = ? AND period_start = ?",
            (spent.nanos, spent.calls, spent.unpriced, now_ns, *key),
        )
    return before is not None and before[3] is not None


def _crossed(
    connection: sqlite3.Connection,
    budget: Budget,
    generation: Generation,
    period: Period,
    spent: Spent,
    now_ns: int,
    *,
    is_late: bool,
) -> list[Event]:
    """Records what is newly crossed; tells the highest of it, unless as much or more was told of this time before."""
    limit = budget.limit_nanos
    met = [percent for percent in budget.alert_at if spent.nanos * _WHOLE >= percent * limit]
    if not met:
        return []
    key = (budget.name, generation.number, period.start_ns)
    known = {
        threshold
        for (threshold,) in connection.execute(
            "SELECT threshold FROM budget_events"
            " WHERE budget = ? AND generation = ? AND period_start = ? AND basis = 'spent'",
            key,
        )
    }
    new = [percent for percent in met if percent not in known]
    if not new:
        return []
    told = connection.execute(
        "SELECT coalesce(max(threshold), 0), count(*) FILTER (WHERE generation = ? AND late = ?)"
        " FROM budget_events WHERE budget = ? AND basis = 'spent' AND told AND period_start < ? AND period_end > ?",
        (generation.number, is_late, budget.name, period.end_ns, period.start_ns),
    ).fetchone()
    tells = not generation.is_edit and new[-1] > told[0]
    connection.executemany(
        "INSERT OR IGNORE INTO budget_events VALUES (?, ?, ?, ?, ?, 'spent', ?, ?, ?, ?, ?)",
        [
            (*key, period.end_ns, percent, now_ns, spent.nanos, limit, is_late, tells and percent == new[-1])
            for percent in new
        ],
    )
    if not tells:
        return []
    first = told[1] == 0
    return [
        Event(
            budget,
            generation.number,
            period,
            "crossed",
            now_ns,
            spent,
            tuple(new),
            is_first=first,
            is_late=is_late,
        )
    ]


def _incomplete(
    connection: sqlite3.Connection,
    budget: Budget,
    generation: Generation,
    period: Period,
    spent: Spent,
    now_ns: int,
) -> list[Event]:
    if not is_incomplete(spent):
        return []
    key = (budget.name, generation.number, period.start_ns, period.end_ns, _INCOMPLETE_PERCENT)
    added = connection.execute(
        "INSERT OR IGNORE INTO budget_events SELECT ?, ?, ?, ?, ?, 'unpriced', ?, ?, ?, 0, NOT EXISTS ("
        "SELECT 1 FROM budget_events WHERE budget = ? AND basis = 'unpriced' AND period_start < ? AND period_end > ?)",
        (*key, now_ns, spent.nanos, budget.limit_nanos, budget.name, period.end_ns, period.start_ns),
    ).rowcount
    told = connection.execute(
        "SELECT told FROM budget_events WHERE budget = ? AND generation = ? AND period_start = ?"
        " AND basis = 'unpriced'",
        (budget.name, generation.number, period.start_ns),
    ).fetchone()
    if not added or not told[0]:
        return []
    return [Event(budget, generation.number, period, "incomplete", now_ns, spent)]


def is_incomplete(spent: Spent) -> bool:
    """Whether too many calls have no price for the sum to be believed."""
    return spent.unpriced * _WHOLE > spent.calls * _INCOMPLETE_PERCENT


def _ends(connection: sqlite3.Connection, budget: Budget, number: int, now_ns: int) -> list[Event]:
    """Closes periods that are over, of all generations, and freezes those for which it is too late."""
    rows = connection.execute(
        "SELECT generation, period_start, period_end, nanos, calls, unpriced, closed_nanos FROM budget_periods"
        " WHERE budget = ? AND frozen_at IS NULL AND (period_end <= ? OR generation <> ?)",
        (budget.name, now_ns - GRACE_NS, number),
    ).fetchall()
    events: list[Event] = []
    for generation, start_ns, end_ns, nanos, calls, unpriced, closed in rows:
        period = Period(start_ns, end_ns)
        spent = Spent(nanos, calls, unpriced)
        is_gone = generation != number or now_ns >= end_ns + LATE_NS
        key = (budget.name, generation, start_ns)
        if closed is None:
            if _told(connection, key, late=False):
                events.append(Event(budget, generation, period, "ended", now_ns, spent))
            connection.execute(
                "UPDATE budget_periods SET closed_nanos = nanos"
                " WHERE budget = ? AND generation = ? AND period_start = ?",
                key,
            )
        elif is_gone and _told(connection, key, late=True):
            events.append(Event(budget, generation, period, "ended", now_ns, spent, is_late=True))
        if is_gone:
            connection.execute(
                "UPDATE budget_periods SET frozen_at = ? WHERE budget = ? AND generation = ? AND period_start = ?",
                (now_ns, *key),
            )
    return events


def _told(connection: sqlite3.Connection, key: tuple[str, int, int], *, late: bool) -> bool:
    found = connection.execute(
        "SELECT 1 FROM budget_events WHERE budget = ? AND generation = ? AND period_start = ? AND told AND late = ?",
        (*key, late),
    ).fetchone()
    return found is not None
