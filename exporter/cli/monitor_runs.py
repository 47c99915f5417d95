"""`ax monitor workflows`.

In: a range, or a run. Out: what the runs of each workflow come to, the runs, or the steps of one as a timeline.
"""

from typing import Annotated, Any, Final

import typer
from rich.text import Text

from exporter.cli import words
from exporter.cli.options import AsJson, Data, Limit, Range, Where, directory
from exporter.cli.show import Column, Form, console, print_json, show
from exporter.cli.waterfall import Bar, waterfall
from exporter.clock import SystemClock
from exporter.query.period import Period
from exporter.query.views import reading
from exporter.query.workflows import Run, Step, Workflow, runs, timeline
from exporter.query.workflows import workflows as statistics
from exporter.units import parse_duration

STATES: Final = {"completed": "green", "failed": "red", "cancelled": "yellow", "running": "cyan", "lost": "magenta"}


def workflows(
    run: Annotated[str | None, typer.Argument(metavar="RUN", help="A run, by its id or the beginning of it.")] = None,
    span: Range = "24h",
    where: Where = None,
    limit: Limit = 20,
    data: Data = None,
    *,
    list_runs: Annotated[bool, typer.Option("--runs", help="List runs, newest first, running ones too.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show how workflows do, their runs, or one run step by step.

    ax monitor workflows
    ax monitor workflows --runs --filter 'status = running'
    ax monitor workflows 4f2a
    """
    form = Form.JSON if as_json else Form.TABLE
    period = Period.last(parse_duration(span), SystemClock().wall())
    with reading(directory(data)) as views:
        if run is not None:
            _timeline(*timeline(views, run), form)
        elif list_runs:
            show(runs(views, period, where=where, limit=limit), _RUNS, form, empty="no runs in this time")
        else:
            show(statistics(views, period, where=where), _WORKFLOWS, form, empty="no runs in this time")


def _timeline(run: Run, steps: tuple[Step, ...], form: Form) -> None:
    if form is Form.JSON:
        row = {column.key: column.read(run) for column in _RUNS}
        print_json({**row, "steps": [{column.key: column.read(step) for column in _STEPS} for step in steps]})
        return
    screen = console()
    screen.print(Text(f"{run.workflow_name or 'workflow'} {run.run_id}", style="bold"))
    done = f"{run.steps_completed or 0} of {run.steps_total or 0} steps completed"
    took = words.duration(run.duration_ns) if run.duration_ns is not None else "so far"
    screen.print(
        Text(f"{run.status}, {took}, {done}, began {words.clock(run.start_ns)}", style=STATES.get(run.status, ""))
    )
    if run.error_type or run.status_message:
        screen.print(Text(": ".join(filter(None, (run.error_type, run.status_message))), style="red"))
    screen.print()
    bars = [
        Bar(
            depth=0,
            name=step.step_name or step.step_key or "step",
            start_ns=step.start_ns,
            duration_ns=step.duration_ns,
            style=STATES.get(step.status, ""),
            note=_note(step),
        )
        for step in steps
    ]
    waterfall(bars, screen)


def _note(step: Step) -> str:
    retried = f"{step.retry_count} retries" if step.retry_count else None
    return ", ".join(filter(None, (step.status if step.status != "completed" else None, retried, step.error_type)))


def _status_style(row: Any) -> str:
    return STATES.get(row.status, "")


_WORKFLOWS: Final[list[Column[Workflow]]] = [
    Column("workflow", lambda row: row.workflow_name),
    Column("runs", lambda row: row.runs, "runs", words.count),
    Column("success_ratio", lambda row: row.success_ratio, "success", words.ratio),
    Column("running", lambda row: row.running, "running", words.count),
    Column("completed", lambda row: row.completed, "completed", words.count),
    Column("failed", lambda row: row.failed, "failed", words.count, lambda row: "red" if row.failed else ""),
    Column("cancelled", lambda row: row.cancelled, "cancelled", words.count),
    Column("lost", lambda row: row.lost, "lost", words.count),
    Column("avg_duration_ns", lambda row: row.avg_duration_ns, "mean", words.duration),
    Column("p95_duration_ns", lambda row: row.p95_duration_ns, "p95", words.duration),
    Column("last", lambda row: words.iso(row.last_us * 1_000), "last began", words.local),
]
_RUNS: Final[list[Column[Run]]] = [
    Column("run_id", lambda row: row.run_id, "run"),
    Column("workflow", lambda row: row.workflow_name),
    Column("status", lambda row: row.status, style=_status_style),
    Column("start_time", lambda row: words.iso(row.start_ns), "began", words.local),
    Column("duration_ns", lambda row: row.duration_ns, "took", words.duration),
    Column("steps_completed", lambda row: row.steps_completed, "done", words.count),
    Column("steps_total", lambda row: row.steps_total, "steps", words.count),
    Column("steps_failed", lambda row: row.steps_failed, "failed", words.count),
    Column("error_type", lambda row: row.error_type, "error", style=lambda _: "red", is_wide=True),
    Column("tenant", lambda row: row.tenant_id),
    Column("user", lambda row: row.user_id),
    Column("trace_id", lambda row: row.trace_id, "trace", words.short),
]
_STEPS: Final[list[Column[Step]]] = [
    Column("step_key", lambda row: row.step_key),
    Column("step_name", lambda row: row.step_name),
    Column("status", lambda row: row.status),
    Column("span_id", lambda row: row.span_id),
    Column("start_time", lambda row: words.iso(row.start_ns), "start_time", words.local),
    Column("duration_ns", lambda row: row.duration_ns),
    Column("retry_count", lambda row: row.retry_count),
    Column("input_bytes", lambda row: row.input_bytes),
    Column("output_bytes", lambda row: row.output_bytes),
    Column("error_type", lambda row: row.error_type),
]
