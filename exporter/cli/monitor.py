"""`ax monitor`: what happens and what happened, in the terminal.

In: questions as commands. Out: tables, charts, JSON and CSV, from any process, whether a server runs or not.
"""

from typing import Final

import typer

from exporter.cli import (
    alerts,
    monitor_calls,
    monitor_logs,
    monitor_metrics,
    monitor_runs,
    monitor_status,
    monitor_traces,
    outlook,
)

app: Final = typer.Typer(add_completion=False, no_args_is_help=True, rich_markup_mode="rich")


@app.callback()
def monitor() -> None:
    """Watch models, agents, workflows, logs and costs in the terminal.

    ax monitor status --watch
    ax monitor metrics p95_latency --range 1h --by provider --format chart
    ax monitor costs --range 30d --by model
    ax monitor traces --filter "failed"
    ax monitor alerts

    It reads what is stored, beside a running server or without one. All of them take --json; filters look like
    'provider = "openai" and duration > 2s and model ~ "gpt-*"'. Times are those of this machine's zone.
    """


app.command()(monitor_status.status)
app.command()(monitor_metrics.metrics)
app.command()(monitor_metrics.costs)
app.command()(outlook.anomalies)
app.command()(outlook.trends)
app.command("advice")(outlook.advise)
app.command()(outlook.capacity)
app.command()(monitor_calls.calls)
app.command()(monitor_calls.latency)
app.command()(monitor_calls.conversation)
app.command()(monitor_runs.workflows)
app.command()(monitor_traces.traces)
app.command()(monitor_logs.logs)
app.command()(monitor_status.stats)
app.add_typer(alerts.app, name="alerts")
