"""What budgets tell, in the words of alerts: so that routes, channels and the outbox treat them alike.

In: an event. Out: a `Change` of the rule `ax/budget/NAME`, whose episode is a period; what came late has its own.
"""

import hashlib
import sqlite3
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

from exporter.alert.listed import Alert, find
from exporter.alert.shapes import Change, Labels, Severity, State, Transition
from exporter.budget.budget import NANOS, Budget
from exporter.budget.check import Event

RULE: Final = "ax/budget/"
"""Rule ids of budgets begin with it."""
_ERROR: Final = 95
_CRITICAL: Final = 100


def change_of(event: Event) -> Change:
    """One event as a change; `value` and `threshold` are nano-dollars."""
    budget = event.budget
    labels = _labels(budget)
    # What has no price is a story of its own, which does not end with that of the money.
    rule_id = _rules(budget)[event.kind == "incomplete"]
    fingerprint = _fingerprint(budget, rule_id)
    told_of = f"{fingerprint}/{event.period.start_ns}/{event.generation}/{event.is_late}"
    transition, from_state, to_state = _transition(event)
    percent = event.crossed[-1] if event.crossed else None
    return Change(
        rule_id=rule_id,
        rule=f"budget {budget.name}",
        fingerprint=fingerprint,
        episode=hashlib.sha256(told_of.encode()).hexdigest()[:32],
        tenant_id=budget.tenant_id,
        transition=transition,
        at=event.at,
        from_state=from_state,
        to_state=to_state,
        severity=_severity(percent),
        value=float(event.spent.nanos),
        threshold=None if percent is None else budget.limit_nanos * percent / 100,
        labels=labels,
        annotations=tuple(sorted(_annotations(event).items())),
        reason=_reason(event),
        unit="usd_nanos",
    )


def left_behind(connection: sqlite3.Connection, budgets: Iterable[Budget]) -> list[Alert]:
    """Open alerts of budgets that are none of these, or that have other labels now."""
    known = {_fingerprint(budget, rule_id) for budget in budgets for rule_id in _rules(budget)}
    query = "SELECT episode, fingerprint FROM alerts WHERE state <> 'resolved' AND substr(rule_id, 1, ?) = ?"
    found = connection.execute(query, (len(RULE), RULE)).fetchall()
    return [find(connection, episode) for episode, fingerprint in found if fingerprint not in known]


def _rules(budget: Budget) -> tuple[str, str]:
    return f"{RULE}{budget.name}", f"{RULE}{budget.name}/unpriced"


def _fingerprint(budget: Budget, rule_id: str) -> str:
    return hashlib.sha256(repr((budget.tenant_id, rule_id, _labels(budget))).encode()).hexdigest()


def _severity(percent: int | None) -> Severity:
    if percent is None or percent < _ERROR:
        return "warning"
    return "critical" if percent >= _CRITICAL else "error"


def _transition(event: Event) -> tuple[Transition, State, State]:
    if event.kind == "ended":
        return "resolved", "firing", "inactive"
    if event.is_first:
        return "firing", "inactive", "firing"
    return "escalated", "firing", "firing"


def _labels(budget: Budget) -> Labels:
    scope = {name: ",".join(values) for name, values in budget.scope.parts()}
    return tuple(sorted({**budget.labels, **scope, "budget": budget.name, "per": budget.per}.items()))


def _annotations(event: Event) -> dict[str, str]:
    budget, spent = event.budget, event.spent
    zone = ZoneInfo(budget.zone)
    first, after = (datetime.fromtimestamp(at // NANOS, UTC).astimezone(zone) for at in _ends(event))
    of = f"${spent.nanos / NANOS:,.2f} of ${budget.limit_nanos / NANOS:,.2f}"
    about = f"{first:%Y-%m-%d} to {after:%Y-%m-%d} ({budget.zone}, the last day excluded)"
    annotations = {"period": about, "description": budget.description, "scope": str(budget.scope) or "everything"}
    if event.kind == "incomplete":
        said = f"incomplete: {spent.unpriced:,} of {spent.calls:,} calls have no price; {of}"
    elif event.kind == "ended":
        said = f"its {_noun(budget)} is over, {of} were spent"
    else:
        late = ", by calls that came late" if event.is_late else ""
        said = f"{event.crossed[-1]} % are spent, {of} a {_noun(budget)}{late}"
        annotations["percent"] = str(event.crossed[-1])
        annotations["crossed"] = ", ".join(f"{percent} %" for percent in event.crossed)
    return {"summary": said, **{name: value for name, value in annotations.items() if value}}


def _noun(budget: Budget) -> str:
    return "period" if budget.per == "custom" else budget.per


def _ends(event: Event) -> tuple[int, int]:
    return event.period.start_ns, event.period.end_ns


def _reason(event: Event) -> str:
    if event.kind == "ended":
        return "period_ended"
    return event.kind if event.kind == "incomplete" else "late" if event.is_late else "spent"
