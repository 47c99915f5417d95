"""`ax monitor traces`.

In: a range and a filter, or a trace. Out: a list of traces, or one as a waterfall.
"""

from typing import Annotated, Final

import typer
from rich.text import Text

from exporter.cli import render, words
from exporter.cli.options import AsJson, Data, Limit, Range, Where, directory
from exporter.cli.show import Column, Form, console, print_json, show
from exporter.cli.waterfall import Bar, waterfall
from exporter.clock import SystemClock
from exporter.query.period import Period
from exporter.query.traces import Span, Trace, trace, tree
from exporter.query.traces import traces as found
from exporter.query.views import reading
from exporter.units import parse_duration

_LONGEST_VALUE: Final = 2_000


def traces(
    trace_id: Annotated[
        str | None, typer.Argument(metavar="ID", help="A trace or a span, or the beginning of a trace's id.")
    ] = None,
    span: Range = "1h",
    where: Where = None,
    limit: Limit = 20,
    data: Data = None,
    *,
    attributes: Annotated[bool, typer.Option("--attributes", help="With ID: show each span's attributes.")] = False,
    as_json: AsJson = False,
) -> None:
    """List traces, or show one as a waterfall.

    ax monitor traces
    ax monitor traces --range 24h --filter 'failed or duration > 10s'
    ax monitor traces 4bf92f
    ax monitor traces 4bf92f --attributes

    Fields of the filter are name, service, duration, spans, errors, failed. Spans that still run are shown too.
    """
    with reading(directory(data)) as views:
        if trace_id is None:
            period = Period.last(parse_duration(span), SystemClock().wall())
            answer = found(views, period, where=where, limit=limit)
            show(answer, _TRACES, Form.JSON if as_json else Form.TABLE, empty="no traces in this time")
            return
        full_id, spans = trace(views, trace_id)
    ordered = list(tree(spans))
    if as_json:
        print_json({"trace_id": full_id, "spans": [_plain(depth, one) for depth, one in ordered]})
        return
    screen = console()
    first, last = min(one.start_ns for one in spans), max(one.end_ns for one in spans)
    failed = sum(one.status_code == "ERROR" for one in spans)
    cost = sum(one.cost_nanos or 0 for one in spans)
    took = "still running" if any(one.is_running for one in spans) else words.duration(last - first)
    said = [f"{len(spans)} span{'' if len(spans) == 1 else 's'}", took, f"{failed} failed" if failed else ""]
    said += [words.money(cost) if cost else "", f"began {words.clock(first)}"]
    screen.print(Text(f"trace {full_id}", style="bold"))
    screen.print(Text(", ".join(filter(None, said))))
    screen.print()
    services = {one.service_name for one in spans}
    waterfall([_bar(depth, one, with_service=len(services) > 1) for depth, one in ordered], screen)
    if attributes:
        for _, one in ordered:
            screen.print()
            screen.print(Text(f"{render.shown(one.name)}  {one.span_id}", style="bold"))
            for key, value in sorted(one.attributes.items()):
                screen.print(Text(f"  {render.shown(key)}: {render.shown((value or '')[:_LONGEST_VALUE])}"))


def _bar(depth: int, one: Span, *, with_service: bool) -> Bar:
    style = "cyan" if one.is_running else "red" if one.status_code == "ERROR" or one.error_type else ""
    tokens = f"{words.count(one.tokens_input)}→{words.count(one.tokens_output)} tokens" if one.tokens_input else None
    notes = [one.service_name if with_service else None, one.model, tokens]
    notes += [words.money(one.cost_nanos) if one.cost_nanos else None, one.error_type, one.status_message or None]
    if not style and one.operation:
        style = "green"
    return Bar(depth, one.name, one.start_ns, one.duration_ns, style, ", ".join(filter(None, notes)))


def _plain(depth: int, one: Span) -> dict[str, object]:
    return {
        "depth": depth,
        "span_id": one.span_id,
        "parent_span_id": one.parent_span_id,
        "name": one.name,
        "kind": one.kind,
        "service": one.service_name,
        "start_time": words.iso(one.start_ns),
        "duration_ns": one.duration_ns,
        "status": "RUNNING" if one.is_running else one.status_code,
        "error_type": one.error_type,
        "operation": one.operation,
        "model": one.model,
        "tokens_input": one.tokens_input,
        "tokens_output": one.tokens_output,
        "cost_nanos": one.cost_nanos,
        "attributes": one.attributes,
    }


_TRACES: Final[list[Column[Trace]]] = [
    Column("trace_id", lambda row: row.trace_id, "trace", words.short),
    Column("start_time", lambda row: words.iso(row.start_ns), "began", words.local),
    Column("name", lambda row: row.root_name, is_wide=True),
    Column("service", lambda row: row.service_name),
    Column("duration_ns", lambda row: row.duration_ns, "took", words.duration),
    Column("spans", lambda row: row.spans, "spans", words.count),
    Column("errors", lambda row: row.errors, "errors", words.count, lambda row: "red" if row.errors else ""),
    Column("cost_nanos", lambda row: row.cost_nanos or None, "cost", words.money),
]
