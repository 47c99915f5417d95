"""`ax monitor status` and `ax monitor stats`.

In: what is stored, the server's health and its changes. Out: how all is now, on one screen; how much there is.
"""

import json
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Group, RenderableType
from rich.live import Live
from rich.text import Text

from exporter.cli import server, words
from exporter.cli.options import AsJson, Data, Range, directory
from exporter.cli.show import Column, console, print_json, table
from exporter.clock import Clock, SystemClock
from exporter.control.database import FILE, Control
from exporter.health import Event
from exporter.health.events import events
from exporter.query.calls import Failure
from exporter.query.figures import Figures
from exporter.query.measures import MEASURES
from exporter.query.now import Now, now
from exporter.query.period import Period
from exporter.query.providers import Provider
from exporter.query.storage import Stored, storage
from exporter.query.traces import Statistics, statistics
from exporter.query.views import reading
from exporter.query.workflows import Run
from exporter.units import parse_duration

_WATCH_S: Final = 2.0
_CHANGES: Final = 5
_CODES: Final = {"healthy": 0, "degraded": 1, "unhealthy": 2}
_STATES: Final = {"healthy": "green", "degraded": "yellow", "unhealthy": "red", "down": "red", "idle": "dim"}


@dataclass(frozen=True, slots=True)
class Status:
    """How all is; `health` is None where no server runs."""

    health: Mapping[str, Any] | None
    now: Now
    changes: tuple[Event, ...] = ()


def status(
    span: Range = "15m",
    data: Data = None,
    *,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Show it anew every 2 s, until Ctrl-C.")] = False,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="End with 0 healthy, 1 degraded, 2 unhealthy or no server.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show how the server, what it observes, calls and workflows are.

    ax monitor status
    ax monitor status --watch --range 1h
    ax monitor status --exit-code || page-somebody

    The exit code is 1 where a provider is down or the server is unhealthy, unless --exit-code asks for the state.
    """
    path, length_ns, clock = directory(data), parse_duration(span), SystemClock()
    found = look(path, length_ns, clock)
    if as_json:
        print_json(_plain(found))
    elif not watch:
        console().print(_screen(found, path))
    else:
        screen, stop = console(), threading.Event()
        live = Live(_screen(found, path), console=screen, screen=screen.is_terminal, auto_refresh=False)
        with live, suppress(KeyboardInterrupt):
            while not stop.wait(_WATCH_S):
                found = look(path, length_ns, clock)
                live.update(_screen(found, path), refresh=True)
    if exit_code:
        raise typer.Exit(_CODES.get(str((found.health or {}).get("state")), _CODES["unhealthy"]))
    is_ill = found.health is not None and found.health.get("state") == "unhealthy"
    raise typer.Exit(int(is_ill or any(one.state == "down" for one in found.now.providers)))


def look(data: Path, length_ns: int, clock: Clock) -> Status:
    """How all is now, and was in the last `length_ns`. Raises `AxError`."""
    running = server.find(data)
    health: Mapping[str, Any] | None = None
    if running is not None:
        try:
            health = running.health()
        except (OSError, ValueError, json.JSONDecodeError) as error:
            health = {"state": "unhealthy", "components": {"serve": {"state": "unhealthy", "detail": str(error)}}}
    at = clock.wall()
    period = Period.last(length_ns, at)
    with reading(data) as views:
        return Status(health, now(views, period, at), _changes(data, period))


def _changes(data: Path, period: Period) -> tuple[Event, ...]:
    """The last changes of health in a period; none where no server has run."""
    if not (data / FILE).is_file():
        return ()
    control = Control.open(data)
    try:
        with control.reading() as connection:
            return tuple(one for one in events(connection, limit=_CHANGES) if one.at >= period.start_ns)
    finally:
        control.close()


def stats(span: Range = "24h", data: Data = None, *, as_json: AsJson = False) -> None:
    """Show how much is stored, and what traces come to.

    ax monitor stats
    ax monitor stats --range 7d --json
    """
    path = directory(data)
    period = Period.last(parse_duration(span), SystemClock().wall())
    with reading(path) as views:
        (of_traces,) = statistics(views, period).rows
    stored = storage(path)
    if as_json:
        tables = [{column.key: column.read(row) for column in _STORED} for row in stored]
        print_json({"tables": tables, "traces": {column.key: column.read(of_traces) for column in _TRACES}})
        return
    screen = console()
    screen.print(table([*stored, _total(stored)], _STORED, f"stored in {path}"))
    screen.print()
    screen.print(table([of_traces], _TRACES, f"traces of the last {period}"))


def _screen(found: Status, data: Path) -> RenderableType:
    parts: list[RenderableType] = [_server_line(found, data), Text("")]
    one = found.now.calls
    if one is None or not one.count:
        parts.append(Text(f"no LLM calls in the last {found.now.period}", style="dim"))
    else:
        failed = MEASURES["error_rate"].read(one)
        unpriced = f", {words.count(one.unpriced)} without a price" if one.unpriced else ""
        calls = f"calls   {words.count(one.count):>9}  {words.spark(found.now.calls_over_time)}  "
        parts.append(Text(calls).append(f"{words.ratio(failed)} failed", style="red" if failed else "green"))
        p50, p95, p99 = map(words.duration, one.percentiles_ns)
        parts.append(Text(f"p95     {p95:>9}  {words.spark(found.now.p95_over_time)}  p50 {p50}, p99 {p99}"))
        tokens = f"{words.count(one.tokens_input)} tokens in, {words.count(one.tokens_output)} out"
        parts.append(Text(f"cost    {words.money(one.cost_nanos):>9}  {tokens}{unpriced}"))
    if (spans := found.now.spans) is not None:
        parts.append(Text(f"spans   {words.count(spans.count):>9}  {words.count(spans.failed)} failed"))
    counted = ", ".join(f"{words.count(count)} {level}" for level, count in found.now.logs.items())
    parts.append(Text(f"logs    {words.count(sum(found.now.logs.values())):>9}  {counted}"))
    for title, rows, columns in (
        ("providers, last 5 minutes", found.now.providers, _PROVIDERS),
        ("running workflows", found.now.running, _RUNNING),
        ("why calls failed", found.now.failures, _FAILED),
        ("changes of health", found.changes, _CHANGED),
    ):
        if rows:
            shown: Any = columns
            parts += [Text(""), table(rows, shown, title)]
    return Group(*parts)


def _server_line(found: Status, data: Path) -> Text:
    if found.health is None:
        return Text(f"no server runs on {data}; this is what is stored", style="yellow")
    state = str(found.health.get("state", "unknown"))
    line = Text("server  ").append(state, style=_STATES.get(state, ""))
    if "uptime_s" in found.health:
        line.append(f", up {words.duration(int(found.health['uptime_s']) * 10**9)}, {data}")
    parts = dict(found.health.get("components", {}))
    if parts:
        well = sum(part["state"] == "healthy" for part in parts.values())
        line.append(f"\n        {well} of {len(parts)} parts are healthy")
    for name, part in parts.items():
        if part["state"] != "healthy":
            line.append(f"\n        {name} is {part['state']}: {part['detail']}", style=_STATES.get(part["state"], ""))
    return line


def _plain(found: Status) -> dict[str, Any]:
    def rows(of: Any, columns: list[Any]) -> list[dict[str, Any]]:
        return [{column.key: column.read(row) for column in columns} for row in of]

    def sums(one: Figures | None) -> dict[str, Any] | None:
        if one is None:
            return None
        return {measure.name: measure.read(one) for measure in MEASURES.values() if not measure.needs_rollups}

    spans = found.now.spans
    return {
        "from": words.iso(found.now.period.start_ns),
        "to": words.iso(found.now.period.end_ns),
        "server": found.health,
        "calls": sums(found.now.calls),
        "spans": None if spans is None else {"spans": spans.count, "failed": spans.failed},
        "logs": dict(found.now.logs),
        "providers": rows(found.now.providers, _PROVIDERS),
        "running": rows(found.now.running, _RUNNING),
        "failures": rows(found.now.failures, _FAILED),
        "changes": rows(found.changes, _CHANGED),
    }


def _total(stored: list[Stored]) -> Stored:
    segments, size = sum(one.segments for one in stored), sum(one.bytes for one in stored)
    return Stored("together", segments, sum(one.rows for one in stored), size, None, None)


_PROVIDERS: Final[list[Column[Provider]]] = [
    Column("provider", lambda row: row.provider),
    Column("state", lambda row: row.state, style=lambda row: _STATES[row.state]),
    Column("calls", lambda row: row.count, "calls", words.count),
    Column("success_ratio", lambda row: row.success_ratio, "success", words.ratio),
    Column("p95_ns", lambda row: row.p95_ns, "p95", words.duration),
    Column("p95_day_ns", lambda row: row.p95_day_ns, "p95 of 24h", words.duration),
    Column("cost_nanos", lambda row: row.cost_nanos, "cost", words.money),
    Column("reason", lambda row: row.reason),
]
_RUNNING: Final[list[Column[Run]]] = [
    Column("run_id", lambda row: row.run_id, "run"),
    Column("workflow", lambda row: row.workflow_name),
    Column("start_time", lambda row: words.iso(row.start_ns), "began", words.local),
    Column("steps_completed", lambda row: row.steps_completed, "done", words.count),
    Column("steps_total", lambda row: row.steps_total, "steps", words.count),
]
_FAILED: Final[list[Column[Failure]]] = [
    Column("reason", lambda row: row.reason, style=lambda _: "red"),
    Column("model", lambda row: row.model),
    Column("count", lambda row: row.count, "count", words.count),
    Column("trace_id", lambda row: row.trace_id, "last trace", words.short),
]
_CHANGED: Final[list[Column[Event]]] = [
    Column("at", lambda row: words.iso(row.at), "at", words.local),
    Column("component", lambda row: row.component),
    Column("state", lambda row: row.to_state or "gone", style=lambda row: _STATES.get(row.to_state or "", "")),
    Column("detail", lambda row: row.detail, is_wide=True),
]
_STORED: Final[list[Column[Stored]]] = [
    Column("table", lambda row: row.table),
    Column("rows", lambda row: row.rows, "rows", words.count),
    Column("bytes", lambda row: row.bytes, "size", words.size),
    Column("bytes_per_row", lambda row: row.bytes / row.rows if row.rows else None, "a row", words.size),
    Column("segments", lambda row: row.segments, "files", words.count),
    Column("oldest", lambda row: None if row.min_time is None else words.iso(row.min_time), "oldest", words.local),
    Column("newest", lambda row: None if row.max_time is None else words.iso(row.max_time), "newest", words.local),
]
_TRACES: Final[list[Column[Statistics]]] = [
    Column("traces", lambda row: row.traces, "traces", words.count),
    Column("spans", lambda row: row.spans, "spans", words.count),
    Column("failed", lambda row: row.failed, "with errors", words.count),
    Column("spans_per_trace", lambda row: row.spans_per_trace, "spans a trace", words.count),
    Column("avg_duration_ns", lambda row: row.avg_duration_ns, "mean", words.duration),
    Column("p95_duration_ns", lambda row: row.p95_duration_ns, "p95", words.duration),
]
