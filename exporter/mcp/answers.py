"""What each tool answers, but for traces.

In: a question's arguments. Out: lines; strangers' text is cut and in one line each.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Final, Literal

from exporter.alert import listed
from exporter.alert.quantity import shown
from exporter.budget.shown import Shown
from exporter.errors import AxError
from exporter.mcp import text
from exporter.mcp.asking import Asking
from exporter.mcp.trace import described
from exporter.query.calls import failures
from exporter.query.figures import Figures, figures
from exporter.query.logs import search_logs
from exporter.query.top import Rank, TopCall, top_calls
from exporter.query.traces import trace
from exporter.sandbox import Limits
from exporter.watch import standing

MOST_ROWS: Final = 50
_SQL_CHARACTERS: Final = 4_000
_GROUPS: Final = 15
_BUDGETS: Final = 15
_ALERTS: Final = 20
_PROBLEMS: Final = 3
_SPANS: Final = 20_000
_LABELS: Final = 4
_RANKS: Final[dict[str, Rank]] = {"slow": "duration", "costly": "cost"}

Kind = Literal["slow", "failed", "costly"]


def find_calls(asking: Asking, *, kind: Kind, length: str, where: str, by: Sequence[str], limit: int) -> list[str]:
    """Calls that stand out; with `by` what they come to by that. Raises `AxError`."""
    period = asking.period(length)
    with asking.views() as views:
        if by:
            answer = figures(views, period, by=by, where=where)
            ranked = sorted(answer.rows, key=lambda one: -_weight(kind, one))
            lines = text.table((*by, *_FIGURES), (_figures(one) for one in ranked[:limit]))
            return [*lines, *_more(len(ranked) - limit), *_precision(str(answer.precision), bool(lines))] or _none(
                length
            )
        if kind == "failed":
            reasons = failures(views, period, where=where, limit=limit).rows
            rows = (
                (
                    f"x{one.count}",
                    text.name(one.reason),
                    text.name(one.provider),
                    text.name(one.model),
                    f"{text.took(asking.ago(one.last_us * 1_000))} ago",
                    text.identity(one.trace_id),
                )
                for one in reasons
            )
            return text.table(("calls", "error", "provider", "model", "last", "its trace"), rows) or _none(length)
        calls = top_calls(views, period, _RANKS[kind], where=where, limit=limit).rows
    return text.table(_CALLS, (_call(asking, one) for one in calls)) or _none(length)


_CALLS: Final = ("took", "cost", "tokens", "model", "service", "error", "began", "trace")
_FIGURES: Final = ("calls", "failed", "p50", "p95", "cost", "tokens")


def _call(asking: Asking, one: TopCall) -> tuple[str, ...]:
    return (
        text.took(one.duration_ns),
        text.usd(one.cost_nanos),
        text.tokens(one.tokens_input, one.tokens_output) or text.NONE,
        text.name(one.model or one.provider, 40),
        text.name(one.service_name, 40),
        text.name(one.error_type, 40),
        f"{text.took(asking.ago(one.start_ns))} ago",
        text.identity(one.trace_id),
    )


def _weight(kind: Kind, one: Figures) -> int:
    return {"slow": one.percentiles_ns[1] or 0, "failed": one.failed, "costly": one.cost_nanos}[kind]


def _figures(one: Figures) -> tuple[str, ...]:
    return (
        *(text.name(label) for label in one.labels),
        text.count(one.count),
        text.count(one.failed),
        text.took(one.percentiles_ns[0]),
        text.took(one.percentiles_ns[1]),
        text.usd(one.cost_nanos),
        text.tokens(one.tokens_input, one.tokens_output) or text.NONE,
    )


def describe_trace(asking: Asking, *, identity: str) -> list[str]:
    """A trace, by the beginning of its id. Raises `AxError`."""
    with asking.views() as views:
        try:
            trace_id, spans = trace(views, identity, most=_SPANS, has_attributes=False)
        except AxError as error:  # people are told of a command
            mend = "find_calls tells ids of traces" if "`ax " in error.mend else error.mend
            raise AxError(error.message, mend=mend) from None
    cut = [f"(of its first {_SPANS} spans)"] if len(spans) == _SPANS else []
    return [*described(trace_id, spans), *cut]


def spend(asking: Asking, *, length: str, where: str, by: Sequence[str]) -> list[str]:
    """What was spent on what, and how budgets stand. Raises `AxError`."""
    period = asking.period(length)
    with asking.views() as views:
        answer = figures(views, period, by=by, where=where, percentiles=False)
        budgets, problems = standing.budgets(asking.config, views, asking.clock.wall())
    rows = sorted(answer.rows, key=lambda one: -one.cost_nanos)
    total, calls, unpriced = (sum(getattr(one, field) for one in rows) for field in ("cost_nanos", "count", "unpriced"))
    lines = [
        f"{text.usd(total)} for {calls} calls in the last {length}" + (f", {unpriced} without a price" * bool(unpriced))
    ]
    if by:
        told = (
            (
                *(text.name(label) for label in one.labels),
                text.usd(one.cost_nanos),
                text.share(one.cost_nanos, total),
                text.count(one.count),
                text.tokens(one.tokens_input, one.tokens_output) or text.NONE,
            )
            for one in rows[:_GROUPS]
        )
        lines += text.table((*by, "cost", "share", "calls", "tokens"), told)
        lines += _more(len(rows) - _GROUPS)
    ranked = sorted(budgets, key=lambda one: -one.used_ratio)
    wrong = [f"not used: {text.name(str(one), 300)}" for one in problems[:_PROBLEMS]]
    return [*lines, *map(_budget, ranked[:_BUDGETS]), *_more(len(ranked) - _BUDGETS), *wrong]


def _budget(one: Shown) -> str:
    of = f"{text.usd(one.spent.nanos)} of {text.usd(one.limit_nanos)} a {one.budget.per}"
    found = one.projection
    expected = f", expected {text.usd(found.expected_nanos)}" if found is not None else ""
    return f"budget {text.name(one.budget.name)}: {of} ({one.used_ratio:.0%}) {one.state}{expected}"


def alerts(asking: Asking) -> list[str]:
    """What fires and what is about to. Raises `AxError`."""
    with standing.decided(asking.config.data) as connection:
        if connection is None:
            raise AxError("no rules were evaluated here yet", mend="start `ax serve` on this directory")
        found = listed.listed(connection, states=("firing", "acknowledged", "pending"), limit=_ALERTS + 1)
    return [*(_alert(asking, one) for one in found[:_ALERTS]), *_more(len(found) - _ALERTS)] or ["nothing fires"]


def _alert(asking: Asking, one: listed.Alert) -> str:
    labels = ", ".join(f"{text.name(key, 30)}={text.name(value, 40)}" for key, value in one.labels[:_LABELS])
    value = "" if one.value is None else shown(one.value, one.unit)
    against = "" if one.threshold is None else f"(threshold {shown(one.threshold, one.unit)})"
    summary = text.said(dict(one.annotations).get("summary"))
    since = f"for {text.took(asking.ago(one.started_at))}"
    return text.line(
        one.severity, one.state, text.name(one.rule), labels, value, against, since, summary, f"id {one.id}"
    )


def logs(asking: Asking, *, search: str, length: str, limit: int) -> list[str]:
    """Log records, the newest first. Raises `BadFilter`."""
    with asking.views() as views:
        found = search_logs(views, asking.period(length), search, limit=limit).rows
    rows = (
        (
            f"{text.took(asking.ago(one.time_ns))} ago",
            text.name(one.severity_text, 12),
            text.name(one.service_name, 40),
            text.line(text.name(one.event_name, 40) if one.event_name else "", text.said(one.body, 200)) or text.NONE,
            text.identity(one.trace_id),
        )
        for one in found
    )
    return text.table(("when", "level", "service", "record", "trace"), rows) or _none(length)


def sql(asking: Asking, *, query: str) -> list[str]:
    """Rows of one SELECT. Raises `SqlRefused`."""
    found = asking.sandbox.run(asking.config.data, query, limits=Limits(rows=MOST_ROWS), cancel=asking.given_up)
    lines = ["\t".join(text.name(column.name) for column in found.columns)]
    room = _SQL_CHARACTERS
    for row in found.rows:
        lines.append("\t".join(map(_cell, row)))
        room -= len(lines[-1])
        if room < 0 and len(lines) <= len(found.rows):
            left = len(found.rows) - len(lines) + 1
            return [*lines, f"({left}{' and more' * found.truncated} rows left out: ask for fewer columns or rows)"]
    if found.truncated:
        return [*lines, f"(cut after {MOST_ROWS} rows: aggregate, or add LIMIT and ORDER BY)"]
    return lines if found.rows else [*lines, "(no rows)"]


def _cell(value: object) -> str:
    if value is None:
        return "NULL"
    return text.name(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False), 200)


def _more(left: int) -> Iterator[str]:
    if left > 0:
        yield f"({left} more)"


def _precision(words: str, is_told: bool) -> Iterator[str]:  # noqa: FBT001 (private)
    if is_told and words != "exact":
        yield f"({words})"


def _none(length: str) -> list[str]:
    return [f"nothing in the last {length}; ask for a longer range, or another filter"]
