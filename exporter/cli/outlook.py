"""`ax monitor anomalies`, `trends`, `advice` and `capacity`: what is unusual, where it goes, what could be cheaper.

In: what is stored. Out: tables, and JSON for programs.
"""

import os
from collections.abc import Callable, Iterable
from typing import Annotated, Any, Final

import typer

from exporter import settings
from exporter.cli import words
from exporter.cli.monitor_metrics import SAY
from exporter.cli.options import AsJson, By, Data, Limit, Range, Where, directory, fields
from exporter.cli.show import Column, Form, console, label_columns, plain, print_json, show, table
from exporter.clock import SystemClock
from exporter.outlook.advice import Advice, advice
from exporter.outlook.anomaly import Hour
from exporter.outlook.capacity import Capacity, Growth, look
from exporter.outlook.trend import WATCHED, Going, Trend, going
from exporter.outlook.unusual import Unusual, unusual
from exporter.query.answer import Answer
from exporter.query.measures import MEASURES
from exporter.query.period import HOUR, Period
from exporter.query.views import reading
from exporter.units import parse_duration

_WATCHED: Final = ("calls", "cost", "tokens", "error_rate", "avg_latency")
_MOST_HOURS: Final = 7 * 24
_STYLES: Final = {"high": "red", "low": "red", "learning": "dim"}

Named = tuple[str, Unusual, Hour]


def anomalies(
    name: Annotated[str | None, typer.Argument(help="A measure or a stored metric; else the usual ones.")] = None,
    span: Range = "24h",
    by: By = None,
    where: Where = None,
    zone: Annotated[str, typer.Option(help="The time zone whose days and weekends are meant.")] = "UTC",
    data: Data = None,
    *,
    everything: Annotated[bool, typer.Option("--all", help="The hours that are as usual, too.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show hours that are unusual: far from the same hours of the four weeks before, above or below.

        ax monitor anomalies
        ax monitor anomalies cost --by model --range 7d
        ax monitor anomalies error_rate --all --json

    It learns for seven days before it says anything; weekends are told apart after fourteen.
    """
    hours = min(max(parse_duration(span) // HOUR, 1), _MOST_HOURS)
    now = SystemClock().wall()
    found: list[tuple[str, Unusual]] = []
    with reading(directory(data)) as views:
        for one in [name] if name else _WATCHED:
            told = unusual(views, one, now, by=fields(by), where=where, zone=zone, last=hours)
            found += [(one, group) for group in told]
    rows: list[Named] = [
        (one, group, hour)
        for one, group in found
        for hour in group.hours
        if everything or hour.state in {"high", "low"}
    ]
    answer = Answer(tuple(rows), period=Period(now // HOUR * HOUR - hours * HOUR, now // HOUR * HOUR), source="rollups")
    columns = _hour_columns(fields(by))
    if as_json:
        print_json(plain(answer, columns))
        return
    learning = {one for one, group in found if group.now.state == "learning"}
    nothing = "nothing is unusual" if found else "no whole hour of calls in the last four weeks"
    show(answer, columns, Form.TABLE, empty=nothing)
    if learning:
        console().print(f"still learning: {', '.join(sorted(learning))}; it takes seven days")


def trends(
    span: Range = "7d",
    where: Where = None,
    data: Data = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Show where calls, cost, errors and latency go: against as much time before, and day by day.

    ax monitor trends --range 14d
    ax monitor trends --filter 'provider = "openai"' --json
    """
    period = Period.last(parse_duration(span), SystemClock().wall())
    with reading(directory(data)) as views:
        found = going(views, period, [MEASURES[name] for name in WATCHED], where=where)
    answer = Answer(tuple(found), period=period, source="rollups")
    if as_json:
        print_json(plain(answer, _TREND))
    else:
        show(answer, _TREND_SEEN, Form.TABLE, empty="no calls in this time")


def advise(
    span: Range = "7d", where: Where = None, limit: Limit = 20, data: Data = None, *, as_json: AsJson = False
) -> None:
    """Show what could be cheaper: caches that are not used, prompts that repeat, failures and retries that cost.

    ax monitor advice --range 7d

    Savings are of the range, or of its newest part where it has very many calls, at the prices that were paid; where no
    price is known, none is guessed.
    """
    period = Period.last(parse_duration(span), SystemClock().wall())
    with reading(directory(data)) as views:
        answer = advice(views, period, where=where, limit=limit)
    if as_json:
        print_json(plain(answer, _ADVICE))
        return
    show(answer, _ADVICE, Form.TABLE, empty="nothing stands out")


def capacity(data: Data = None, *, as_json: AsJson = False) -> None:
    """Show when the disk is full: what comes in a day, how long it is kept, how much room there is.

    ax monitor capacity
    """
    found = look(settings.load(directory(data), None, os.environ, {}), SystemClock().wall())
    if as_json:
        about = {name: getattr(found, name) for name in ("used_bytes", "free_bytes", "bytes_per_day", "settled_bytes")}
        print_json({**about, "full_in_days": found.full_in_days, **plain(Answer(found.tables), _GROWTH)})
        return
    screen = console()
    screen.print(_said(found))
    screen.print(table(found.tables, _GROWTH))


def _said(found: Capacity) -> str:
    room = f"{words.size(found.used_bytes)} stored, {words.size(found.free_bytes)} free"
    if found.bytes_per_day is None:
        return f"{room}; less than an hour is stored, so nothing is known of growth yet"
    growth = f"{words.size(found.bytes_per_day)} a day come in"
    if found.full_in_days is not None:
        return f"{room}; {growth}: the disk is full in {found.full_in_days:.0f} days; keep less (store.retention)"
    return f"{room}; {growth}, and it settles at about {words.size(found.settled_bytes)}: it fits"


def _hour_columns(by: Iterable[str]) -> list[Column[Named]]:
    def say(one: float | None) -> str:
        return words.number(one)

    labels = [Column(column.key, _of_group(column.read)) for column in label_columns(tuple(by))]
    return [
        Column("time", lambda row: words.iso(row[2].start_ns), "hour", words.local),
        Column("measure", lambda row: row[0]),
        *labels,
        Column("state", lambda row: row[2].state, style=lambda row: _STYLES.get(row[2].state, "")),
        Column("value", lambda row: row[2].value, "value", say),
        Column("expected", lambda row: row[2].expected, "expected", say),
        Column("low", lambda row: row[2].low, "from", say),
        Column("high", lambda row: row[2].high, "to", say),
        Column("unit", lambda row: row[1].unit),
    ]


def _of_group(read: Callable[[Any], Any]) -> Callable[[Named], Any]:
    return lambda row: read(row[1])


_TREND: Final[list[Column[Going]]] = [
    Column("measure", lambda row: row.measure.name),
    Column("value", lambda row: row.value),
    Column("before", lambda row: row.before),
    Column("change_ratio", lambda row: row.change_ratio),
    Column("unit", lambda row: row.measure.unit),
    Column("by_day", lambda row: row.by_day),
    Column("slope_per_day", lambda row: row.trend.slope if row.trend else None),
    Column("is_clear", lambda row: row.trend.is_clear if row.trend else None),
]
_TREND_SEEN: Final[list[Column[Going]]] = [
    Column("measure", lambda row: row.measure.name),
    Column("value", lambda row: SAY[row.measure.unit](row.value), "value"),
    Column("before", lambda row: SAY[row.measure.unit](row.before), "before"),
    Column("change_ratio", lambda row: row.change_ratio, "change", words.change),
    Column("by_day", lambda row: words.spark(row.by_day) or None, "day by day"),
    Column("slope_per_day", lambda row: _slope(row.trend, row.measure.unit), "a day"),
]
_ADVICE: Final[list[Column[Advice]]] = [
    Column("kind", lambda row: row.kind),
    Column("saves_nanos", lambda row: row.saves_nanos, "would have saved", words.money),
    Column("provider", lambda row: row.provider),
    Column("model", lambda row: row.model),
    Column("asker", lambda row: row.asker, "who"),
    Column("finding", lambda row: row.finding, is_wide=True),
    Column("mend", lambda row: row.mend, "what to do", is_wide=True),
]
_GROWTH: Final[list[Column[Growth]]] = [
    Column("table", lambda row: row.table),
    Column("rows", lambda row: row.rows, "rows", words.count),
    Column("bytes", lambda row: row.bytes, "size", words.size),
    Column("rows_per_day", lambda row: row.rows_per_day, "rows a day", words.number),
    Column("bytes_per_day", lambda row: row.bytes_per_day, "a day", words.size),
    Column("kept_days", lambda row: row.kept_days, "kept, days", words.number),
    Column("settled_bytes", lambda row: row.settled_bytes, "settles at", words.size),
]


def _slope(found: Trend | None, unit: str) -> str | None:
    if found is None:
        return None
    sign = "+" if found.slope >= 0 else "−"
    return f"{sign}{SAY[unit](abs(found.slope))}" if found.is_clear else "steady"
