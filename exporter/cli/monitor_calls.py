"""`ax monitor calls`, `latency` and `conversation`.

In: a range and a filter, or a conversation. Out: how calls went and why some failed; where time goes; what was said.
"""

import json
from typing import Annotated, Any, Final

import typer
from rich.text import Text

from exporter.cli import render, words
from exporter.cli.options import AsJson, By, Data, Limit, Range, Where, directory, fields
from exporter.cli.show import Column, Form, console, label_columns, note, plain, print_json, show, table
from exporter.clock import SystemClock
from exporter.errors import AxError
from exporter.query.calls import Failure, Turn, failures
from exporter.query.calls import conversation as turns_of
from exporter.query.components import Component, components
from exporter.query.costs import called
from exporter.query.figures import Figures
from exporter.query.measures import MEASURES
from exporter.query.period import Period
from exporter.query.views import reading
from exporter.units import NS_PER_US, parse_duration

_LONGEST: Final = 500


def calls(
    span: Range = "1h",
    by: By = "provider,model",
    where: Where = None,
    limit: Limit = 20,
    data: Data = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Show how LLM calls went, by provider and model, and why some failed.

    ax monitor calls
    ax monitor calls --range 24h --by tenant --filter 'duration > 2s'
    """
    period = Period.last(parse_duration(span), SystemClock().wall())
    chosen = fields(by)
    with reading(directory(data)) as views:
        ranked = called(views, period, by=chosen, where=where, limit=limit)
        reasons = failures(views, period, where=where, limit=limit)
    columns = [*label_columns(chosen), *_CALLS]
    if as_json:
        print_json({**plain(ranked, columns), "failures": plain(reasons, _FAILURES)["rows"]})
        return
    screen = console()
    screen.print(table(ranked.rows, columns) if ranked.rows else "no calls in this time")
    if reasons.rows:
        screen.print()
        screen.print(table(reasons.rows, _FAILURES, "why calls failed"))
    note(screen, ranked)


def latency(span: Range = "1h", where: Where = None, data: Data = None, *, as_json: AsJson = False) -> None:
    """Show where time goes: model calls, tools, retrieval, databases, HTTP, and the parts of voice turns.

    ax monitor latency
    ax monitor latency --range 24h --filter 'service = helpdesk'

    What runs inside another counts in both.
    """
    period = Period.last(parse_duration(span), SystemClock().wall())
    with reading(directory(data)) as views:
        answer = components(views, period, where=where)
    show(answer, _COMPONENTS, Form.JSON if as_json else Form.TABLE, empty="no spans in this time")


def conversation(
    name: Annotated[str, typer.Argument(metavar="ID", help="A conversation or a session.")],
    data: Data = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Show what happened in a conversation, in order; and what was said, where the sender tells.

    ax monitor conversation conv_3f1c
    """
    with reading(directory(data)) as views:
        answer = turns_of(views, name)
    if not answer.rows:
        raise AxError(f"nothing is known of a conversation {name!r}", mend="`ax sql 'from conversations'` lists them")
    if as_json:
        print_json(plain(answer, _TURNS))
        return
    screen = console()
    cost = sum(turn.cost_nanos or 0 for turn in answer.rows)
    screen.print(Text(f"{len(answer.rows)} steps, {words.money(cost)}", style="bold"))
    screen.print(table(answer.rows, [column for column in _TURNS if column.key not in {"input", "output", "span_id"}]))
    for turn in answer.rows:
        for way, message in (("→", turn.input), ("←", turn.output)):
            for line in _messages(message):
                screen.print(Text(f"{words.clock(turn.start_ns, day=False)} {way} {line}"))


def _messages(raw: str | None) -> list[str]:
    """Each message in a line: who, and what."""
    if not raw:
        return []
    try:
        parsed = json.loads(raw)
        return [f"{one.get('role', '')}: {render.shown(_said(one))[:_LONGEST]}" for one in parsed]
    except (ValueError, AttributeError, TypeError):
        return [render.shown(raw[:_LONGEST])]


def _said(message: dict[str, Any]) -> str:
    parts = message.get("parts") or [{"content": message.get("content")}]
    return " ".join(str(part.get("content") or part.get("name") or part.get("response") or "") for part in parts)


_CALLS: Final[list[Column[Figures]]] = [
    Column("calls", lambda row: row.count, "calls", words.count),
    Column("failed", lambda row: row.failed, "failed", words.count, lambda row: "red" if row.failed else ""),
    Column("success_ratio", MEASURES["success_rate"].read, "success", words.ratio),
    Column("p50_latency_ns", lambda row: row.percentiles_ns[0], "p50", words.duration),
    Column("p95_latency_ns", lambda row: row.percentiles_ns[1], "p95", words.duration),
    Column("p99_latency_ns", lambda row: row.percentiles_ns[2], "p99", words.duration),
    Column("tokens_input", lambda row: row.tokens_input, "tokens in", words.count),
    Column("tokens_cache_read", lambda row: row.tokens_cache_read, "cached", words.count),
    Column("tokens_output", lambda row: row.tokens_output, "tokens out", words.count),
    Column("cost_nanos", lambda row: row.cost_nanos, "cost", words.money),
    Column("unpriced", lambda row: row.unpriced or None, "unpriced", words.count),
]
_FAILURES: Final[list[Column[Failure]]] = [
    Column("reason", lambda row: row.reason, style=lambda _: "red"),
    Column("provider", lambda row: row.provider),
    Column("model", lambda row: row.model),
    Column("count", lambda row: row.count, "count", words.count),
    Column("last", lambda row: words.iso(row.last_us * NS_PER_US), "last", words.local),
    Column("trace_id", lambda row: row.trace_id, "in trace", words.short),
]
_COMPONENTS: Final[list[Column[Component]]] = [
    Column("component", lambda row: row.component),
    Column("count", lambda row: row.count, "count", words.count),
    Column("failed", lambda row: row.failed, "failed", words.count, lambda row: "red" if row.failed else ""),
    Column("p50_ns", lambda row: row.percentiles_ns[0], "p50", words.duration),
    Column("p95_ns", lambda row: row.percentiles_ns[1], "p95", words.duration),
    Column("p99_ns", lambda row: row.percentiles_ns[2], "p99", words.duration),
    Column("max_ns", lambda row: row.max_ns, "max", words.duration),
    Column("total_ns", lambda row: row.total_ns, "together", words.duration),
]
_TURNS: Final[list[Column[Turn]]] = [
    Column("start_time", lambda row: words.iso(row.start_ns), "began", words.local),
    Column("operation", lambda row: row.operation),
    Column("name", lambda row: row.name, is_wide=True),
    Column("model", lambda row: row.model),
    Column("agent", lambda row: row.agent),
    Column("tool", lambda row: row.tool),
    Column("duration_ns", lambda row: row.duration_ns, "took", words.duration),
    Column("tokens_input", lambda row: row.tokens_input, "in", words.count),
    Column("tokens_output", lambda row: row.tokens_output, "out", words.count),
    Column("cost_nanos", lambda row: row.cost_nanos, "cost", words.money),
    Column("error_type", lambda row: row.error_type, "error", style=lambda _: "red"),
    Column("input", lambda row: row.input),
    Column("output", lambda row: row.output),
    Column("trace_id", lambda row: row.trace_id, "trace", words.short),
    Column("span_id", lambda row: row.span_id, "span"),
]
