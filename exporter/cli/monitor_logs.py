"""`ax monitor logs`.

In: a search. Out: log records, the newest last, and those that come in while one looks.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Event
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.text import Text

from exporter.cli import render, words
from exporter.cli.options import AsJson, Data, Limit, Range, Where, directory
from exporter.cli.show import Column, console, note, plain, print_json, table
from exporter.clock import SystemClock
from exporter.query.answer import Answer
from exporter.query.logs import Level, Record, came_in, levels, search_logs
from exporter.query.period import Period
from exporter.query.search import LEVELS
from exporter.query.views import reading
from exporter.units import NS_PER_US, parse_duration

_POLL_S: Final = 0.5
_OVERLAP_US: Final = 5_000_000
"""A request that came in earlier may be stored a little later than one that came in after it."""
_STYLES: Final = ((21, "bold red"), (17, "red"), (13, "yellow"), (9, ""), (0, "dim"))
_LEVELS: Final = ("fatal", "error", "warn", "info", "debug", "trace", "none")


def logs(  # noqa: PLR0913 (a command's options)
    search: Annotated[
        str | None, typer.Argument(metavar="SEARCH", help='Words, OR, "phrases", -not, field:value, level:warn.')
    ] = None,
    span: Range = "1h",
    level: Annotated[str | None, typer.Option(help="That level and worse: debug, info, warn, error, fatal.")] = None,
    where: Where = None,
    limit: Limit = 50,
    data: Data = None,
    *,
    follow: Annotated[bool, typer.Option("--follow", help="Go on with what comes in, until Ctrl-C.")] = False,
    count: Annotated[bool, typer.Option("--count", help="Only count, by level.")] = False,
    as_json: AsJson = False,
) -> None:
    """Search log records, and follow them.

    ax monitor logs
    ax monitor logs 'timeout OR "connection refused" -health' --level error --range 24h
    ax monitor logs 'service:checkout trace:4bf92f3577b34da6a3ce929d0e0e4736'
    ax monitor logs level:warn --follow

    Words are looked for in body and event name, whatever their case, and all must be there but for those that OR
    joins. Fields are service, event, user, conversation, trace, span, tenant, error and such, or any attribute with a
    dot, http.route:/chat*.
    """
    text = f"{search or ''} level:{level}" if level else search
    period = Period.last(parse_duration(span), SystemClock().wall())
    path = directory(data)
    with reading(path) as views:
        if count:
            _counts(levels(views, period, text, where=where).rows, as_json=as_json)
            return
        answer = search_logs(views, period, text, where=where, limit=limit)
    screen = console()
    if follow:
        _print(answer.rows[::-1], screen, as_json=as_json)
        with suppress(KeyboardInterrupt):
            for new in _coming(path, answer, text, where):
                _print(new, screen, as_json=as_json)
    elif as_json:
        print_json(plain(answer, _COLUMNS))
    else:
        _print(answer.rows[::-1], screen, as_json=False)
        if not answer.rows:
            screen.print("no records in this time")
        elif len(answer.rows) == limit:
            screen.print(Text(f"the newest {limit}; --limit shows more", style="dim"))
        note(screen, answer)


def _coming(path: Path, answer: Answer[Record], text: str | None, where: str | None) -> Iterator[list[Record]]:
    """Records that come in, each once, for ever."""
    start_ns, end_ns = (answer.period.start_ns, answer.period.end_ns) if answer.period else (0, 0)
    seen = {_key(record) for record in answer.rows}
    after = max((record.ingest_us for record in answer.rows), default=end_ns // NS_PER_US)
    stop = Event()
    while not stop.wait(_POLL_S):
        with reading(path) as views:
            found = came_in(views, after - _OVERLAP_US, text, where=where)
            new = [record for record in found if _key(record) not in seen and record.time_ns >= start_ns]
        seen |= {_key(record) for record in new}
        after = max([after, *(record.ingest_us for record in new)])
        seen = {key for key in seen if key[0] > after - _OVERLAP_US}
        yield new


def _print(records: Sequence[Record], screen: Console, *, as_json: bool) -> None:
    """A line each; as JSON too, since a stream has no end."""
    for record in records:
        if as_json:
            import json

            row = {column.key: column.read(record) for column in _COLUMNS}
            print(json.dumps(row, ensure_ascii=False), flush=True)
            continue
        style = next(style for least, style in _STYLES if record.severity_number >= least)
        line = Text(words.clock(record.time_ns), style="dim")
        line.append(f" {_level(record):5} ", style=style)
        line.append(f"{record.service_name or words.NONE} ", style="cyan")
        is_error = record.severity_number >= LEVELS["error"]
        line.append(render.shown(record.body or record.event_name or ""), style=style if is_error else "")
        if record.error_type:
            line.append(f" {render.shown(record.error_type)}", style="red")
        if record.trace_id:
            line.append(f"  trace:{record.trace_id[:12]}", style="dim")
        screen.print(line, soft_wrap=True)


def _level(record: Record) -> str:
    names = ("trace", "debug", "info", "warn", "error", "fatal")
    return names[min((record.severity_number - 1) // 4, 5)] if record.severity_number > 0 else "–"


def _key(record: Record) -> tuple[int, int, str | None, str | None]:
    return record.ingest_us, record.time_ns, record.body or record.event_name, record.span_id


def _counts(found: Sequence[Level], *, as_json: bool) -> None:
    counted = {level.level: level.count for level in found}
    rows = [(name, counted[name]) for name in _LEVELS if name in counted]
    if as_json:
        print_json(dict(rows))
        return
    columns: list[Column[tuple[str, int]]] = [
        Column("level", lambda row: row[0]),
        Column("count", lambda row: row[1], "count", words.count),
    ]
    console().print(table(rows, columns) if rows else "no records in this time")


_COLUMNS: Final[list[Column[Record]]] = [
    Column("time", lambda row: words.iso(row.time_ns), "time", words.local),
    Column("level", _level),
    Column("severity_number", lambda row: row.severity_number),
    Column("service", lambda row: row.service_name),
    Column("event", lambda row: row.event_name or None),
    Column("body", lambda row: row.body),
    Column("error_type", lambda row: row.error_type),
    Column("trace_id", lambda row: row.trace_id),
    Column("span_id", lambda row: row.span_id),
    Column("attributes", lambda row: row.attributes),
]
