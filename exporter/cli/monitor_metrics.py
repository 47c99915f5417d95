"""`ax monitor metrics` and `ax monitor costs`.

In: a measure or a stored metric, a range, dimensions. Out: its value now and before, over time, as a table or a chart.
"""

from collections.abc import Callable, Sequence
from typing import Annotated, Any, Final

import typer

from exporter.cli import words
from exporter.cli.budgets import show_budgets
from exporter.cli.options import AsJson, By, Data, Limit, Range, Where, directory, fields
from exporter.cli.show import Column, Form, chart, console, label_columns, note, plain, print_json, show, table
from exporter.clock import SystemClock
from exporter.errors import AxError
from exporter.query.answer import Answer
from exporter.query.compare import Change, compared
from exporter.query.costs import Cost
from exporter.query.costs import costs as costs_of
from exporter.query.figures import Figures, Of, figures
from exporter.query.measures import MEASURES, Measure
from exporter.query.named import Named, Value, both, named, series
from exporter.query.period import MOST_BUCKETS, Period
from exporter.query.points import Metric, Points
from exporter.query.points import metrics as stored_metrics
from exporter.query.points import points as stored_points
from exporter.query.views import Views, reading
from exporter.units import NS_PER_S, parse_duration

SAY: Final[dict[str, Callable[[float | None], str]]] = {
    "ns": words.duration,
    "usd_nanos": words.money,
    "ratio": words.ratio,
    "count": words.count,
    "tokens": words.count,
}
_SCALES: Final = {"ns": (1e9, "s"), "usd_nanos": (1e9, "US$"), "ratio": (0.01, "%")}
_UNITS: Final = {"usd_nanos": "US$", "ns": "s"}
_LINES: Final = 7
_TABLE_BUCKETS: Final = 30

FormOption = Annotated[Form, typer.Option("--format", "-f", help="How it is shown.")]


def metrics(  # noqa: PLR0913 (a command's options)
    name: Annotated[str | None, typer.Argument(help="A measure or a stored metric; none lists them.")] = None,
    span: Range = "1h",
    by: By = None,
    where: Where = None,
    every: Annotated[
        str | None, typer.Option("--every", metavar="DURATION", help="The width of buckets; else as fits.")
    ] = None,
    form: FormOption = Form.TABLE,
    limit: Limit = 20,
    data: Data = None,
    *,
    spans: Annotated[bool, typer.Option("--spans", help="Of all spans, not only of LLM calls.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show a measure or a stored metric over a range: totals by dimension, or over time.

    Measures are of LLM calls: latency, p95_latency, error_rate, cost, tokens and so on.

        ax monitor metrics
        ax monitor metrics p95_latency --range 1h --by provider
        ax monitor metrics cost --range 30d --by provider
        ax monitor metrics latency --range 24h --format chart
        ax monitor metrics gen_ai.client.operation.duration --by model
        ax monitor metrics error_rate --filter 'model ~ "gpt-*"' --every 5m --format csv

    Ranges up to 2h are exact; percentiles of longer ones are from sketches, and the last line says how far off they
    may be.
    """
    form = Form.JSON if as_json else form
    now = SystemClock().wall()
    with reading(directory(data)) as views:
        if name is None:
            _list(views, Period.last(parse_duration(span), now), form)
            return
        period = Period.last(parse_duration(span), now)
        found = named(views, name, period)
        period = found.period(period)
        asked = _Asked(period, fields(by), where, parse_duration(every) if every else None, form, limit)
        if found.measure is not None:
            _measure(views, found.measure, Of.SPANS if spans else Of.CALLS, asked)
        else:
            _stored(views, found, asked)


def costs(  # noqa: PLR0913 (a command's options)
    span: Range = "30d",
    by: By = "provider",
    where: Where = None,
    form: FormOption = Form.TABLE,
    limit: Limit = 20,
    data: Data = None,
    *,
    projection: Annotated[
        bool, typer.Option("--projection", help="What each budget's period will have cost at its end.")
    ] = False,
    budget: Annotated[bool, typer.Option("--budget", help="Only what is spent of each budget.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show what LLM calls cost: by dimension, day by day, against the time before.

        ax monitor costs --range 30d --by provider
        ax monitor costs --projection --budget
        ax monitor costs --range 7d --by tenant,model --json
        ax monitor costs --range 24h --filter 'agent = "support-agent"' --format chart

    Calls without a known price are counted beside it, never guessed; `ax cost explain SPAN` shows how one was priced.
    """
    form = Form.JSON if as_json else form
    measure = MEASURES["cost"]
    now = SystemClock().wall()
    period = Period.last(parse_duration(span), now)
    with reading(directory(data)) as views:
        if budget or projection:
            show_budgets(directory(data), views, now, form, projection=projection)
            return
        asked = _Asked(period, fields(by), where, None, form, limit)
        if form is Form.CHART:
            _measure(views, measure, Of.CALLS, asked)
            return
        answer, total = costs_of(views, period, by=asked.by, where=where, limit=limit)
        step = period.step_ns(_TABLE_BUCKETS)
        over_time = figures(views, period, where=where, step_ns=step, is_quick=True, percentiles=measure.is_percentile)
    if form is Form.JSON:
        about = {name: getattr(total, name) for name in ("cost_nanos", "calls", "unpriced")}
        print_json({**plain(answer, _cost_columns(asked.by)), **about})
        return
    if form is Form.CSV:
        show(answer, _cost_columns(asked.by), form)
        return
    screen = console()
    unpriced = f", {words.count(total.unpriced)} without a price" if total.unpriced else ""
    screen.print(f"{words.money(total.cost_nanos)} in {period} for {words.count(total.calls)} calls{unpriced}")
    screen.print(f"over time  {words.spark(_filled(over_time, measure, period, step))}\n")
    screen.print(table(answer.rows, _cost_columns(asked.by)) if answer.rows else "no calls")
    note(screen, answer)


class _Asked:
    """What the options of a question say."""

    def __init__(
        self, period: Period, by: tuple[str, ...], where: str | None, every: int | None, form: Form, limit: int
    ) -> None:
        self.period = period
        self.by = by
        self.where = where
        self.every = every
        self.form = form
        self.limit = limit

    def step(self) -> int:
        """The width of buckets in nanoseconds. Raises `AxError` where there would be too many."""
        step = self.every or self.period.step_ns(60)
        if step < NS_PER_S or self.period.length_ns / step > MOST_BUCKETS + 1:
            raise AxError(
                f"that makes more than {MOST_BUCKETS} buckets", mend="give a longer --every or a shorter --range"
            )
        return step


def _measure(views: Views, measure: Measure, of: Of, asked: _Asked) -> None:
    if asked.form is Form.TABLE and asked.every is None:
        answer = compared(views, asked.period, measure, by=asked.by, where=asked.where, of=of, limit=asked.limit)
        show(answer, _change_columns(measure, asked.by), asked.form, empty="no calls in this time")
        return
    found = series(
        views,
        Named(measure.name, "measure", measure),
        asked.period,
        asked.step(),
        by=asked.by,
        where=asked.where,
        of=of,
    )
    if asked.form is not Form.CHART:
        show(found, _series_columns(measure, asked.by), asked.form, empty="no calls in this time")
        return
    lines: dict[str, list[tuple[int, float | None]]] = {}
    for row in found.rows:
        lines.setdefault(_label(row.labels), []).append((row.bucket_ns, row.value))
    _draw(lines, measure.name, measure.unit, found)


def _stored(views: Views, found: Named, asked: _Asked) -> None:
    """A metric that senders recorded."""
    if asked.form is Form.CHART:
        over_time = series(views, found, asked.period, asked.step(), by=asked.by, where=asked.where)
        lines: dict[str, list[tuple[int, float | None]]] = {}
        for row in over_time.rows:
            lines.setdefault(_label(row.labels), []).append((row.bucket_ns, row.value))
        _draw(lines, found.name, over_time.rows[0].unit if over_time.rows else "", over_time)
        return
    everything = asked.form is Form.TABLE and asked.every is None
    step = 0 if everything else asked.step()
    where = both(found.only, asked.where)
    answer = stored_points(views, found.name, asked.period, by=asked.by, where=where, step_ns=step)
    show(answer, _point_columns(asked.by, over_time=not everything), asked.form, empty="no points in this time")


def _draw(lines: dict[str, list[tuple[int, float | None]]], name: str, unit: str, answer: Answer[Any]) -> None:
    screen = console()
    if not lines:
        screen.print("nothing to draw in this time")
        return
    most = sorted(lines, key=lambda label: -sum(value or 0 for _, value in lines[label]))[:_LINES]
    scale, shown = _SCALES.get(unit, (1.0, unit))
    print(chart({label: lines[label] for label in most}, name, scale, shown))
    if len(lines) > _LINES:
        screen.print(f"{len(lines) - _LINES} more are not drawn; --format csv has all")
    note(screen, answer)


def _list(views: Views, period: Period, form: Form) -> None:
    stored = stored_metrics(views, period)
    if form is Form.JSON:
        measures = [{"name": one.name, "unit": one.unit, "description": one.description} for one in MEASURES.values()]
        print_json({"measures": measures, "metrics": plain(stored, _METRIC)["rows"]})
        return
    if form is Form.CSV:
        show(stored, _METRIC, form)
        return
    screen = console()
    screen.print(table(list(MEASURES.values()), _MEASURE, "measures of LLM calls (with --spans, of all spans)"))
    screen.print()
    title = f"metrics with points in the last {period}"
    screen.print(table(stored.rows, _METRIC, title) if stored.rows else f"no {title}")


def _filled(answer: Answer[Figures], measure: Measure, period: Period, step_ns: int) -> list[float | None]:
    """A value for each bucket, none where nothing happened."""
    found = {row.bucket_ns: measure.read(row) for row in answer.rows}
    whole = period.widened(step_ns)
    return [found.get(at) for at in range(whole.start_ns, whole.end_ns, step_ns)]


def _label(labels: tuple[str | None, ...]) -> str:
    return ", ".join(label or words.NONE for label in labels)


def _change_columns(measure: Measure, by: Sequence[str]) -> list[Column[Change]]:
    say = SAY[measure.unit]
    unit = "" if measure.name.endswith(measure.unit) else f"_{measure.unit}"
    return [
        *label_columns(by),
        Column(f"{measure.name}{unit}", lambda row: row.value, measure.name, say),
        Column("share_ratio", lambda row: row.share if by else None, "share", words.ratio),
        Column("before", lambda row: row.before, "before", say),
        Column(
            "change_ratio",
            lambda row: row.change_ratio,
            "change",
            words.change,
        ),
    ]


def _cost_columns(by: Sequence[str]) -> list[Column[Cost]]:
    return [
        *label_columns(by),
        Column("cost_usd_nanos", lambda row: row.cost_nanos, "cost", words.money),
        Column("share_ratio", lambda row: row.share if by else None, "share", words.ratio),
        Column("before", lambda row: row.before_nanos, "before", words.money),
        Column("change_ratio", lambda row: row.change_ratio, "change", words.change),
    ]


def _series_columns(measure: Measure, by: Sequence[str]) -> list[Column[Value]]:
    unit = "" if measure.name.endswith(measure.unit) else f"_{measure.unit}"
    return [
        Column("time", lambda row: words.iso(row.bucket_ns), "time", words.local),
        *label_columns(by),
        Column(f"{measure.name}{unit}", lambda row: row.value, measure.name, SAY[measure.unit]),
        Column("count", lambda row: row.count, "count", words.count),
    ]


def _point_columns(by: Sequence[str], *, over_time: bool) -> list[Column[Points]]:
    time: list[Column[Points]] = (
        [Column("time", lambda row: words.iso(row.bucket_ns), "time", words.local)] if over_time else []
    )
    return [
        *time,
        *label_columns(by),
        Column("count", lambda row: row.count, "count", words.count),
        Column("sum", lambda row: row.sum, "sum", words.number),
        Column("mean", lambda row: row.mean, "mean", words.number),
        Column("min", lambda row: row.min, "min", words.number),
        Column("max", lambda row: row.max, "max", words.number),
        Column("last", lambda row: row.last, "last", words.number),
        Column("p50", lambda row: row.percentiles[0], "p50", words.number),
        Column("p95", lambda row: row.percentiles[1], "p95", words.number),
        Column("p99", lambda row: row.percentiles[2], "p99", words.number),
        Column("unit", lambda row: row.unit or None),
    ]


_MEASURE: Final[list[Column[Measure]]] = [
    Column("name", lambda row: row.name),
    Column("unit", lambda row: _UNITS.get(row.unit, row.unit)),
    Column("description", lambda row: row.description),
]
_METRIC: Final[list[Column[Metric]]] = [
    Column("name", lambda row: row.name),
    Column("kind", lambda row: row.kind),
    Column("unit", lambda row: row.unit or None),
    Column("points", lambda row: row.points, "points", words.count),
    Column("description", lambda row: row.description or None, is_wide=True),
]
