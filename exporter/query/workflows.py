"""Workflows: what their runs come to, the runs, and one run step by step; running ones too.

In: a period and a filter, or a run's id or the beginning of one. Out: statistics, runs, steps.
"""

from dataclasses import dataclass

from exporter.errors import AxError
from exporter.query import paged
from exporter.query.answer import Answer, NotStored
from exporter.query.fields import RUNS
from exporter.query.filter import parse
from exporter.query.paged import Mark
from exporter.query.period import Period
from exporter.query.views import Views


@dataclass(frozen=True, slots=True)
class Workflow:
    """What the runs of a workflow come to; `last_us` is when the last one began, Unix microseconds."""

    workflow_name: str | None
    runs: int
    completed: int
    failed: int
    cancelled: int
    running: int
    lost: int
    avg_duration_ns: float | None
    p95_duration_ns: int | None
    last_us: int

    @property
    def success_ratio(self) -> float | None:
        """The share of the runs that ended which completed."""
        ended = self.completed + self.failed + self.cancelled + self.lost
        return self.completed / ended if ended else None


@dataclass(frozen=True, slots=True)
class Run:
    """One run; `duration_ns` is None until it has ended."""

    run_id: str
    workflow_name: str | None
    status: str
    trace_id: str | None
    start_ns: int
    duration_ns: int | None
    steps_total: int | None
    steps_completed: int | None
    steps_failed: int | None
    error_type: str | None
    status_message: str | None
    service_name: str | None
    tenant_id: str | None
    user_id: str | None


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a run; `duration_ns` is None until it has ended."""

    step_key: str | None
    step_name: str | None
    status: str
    span_id: str | None
    start_ns: int
    duration_ns: int | None
    retry_count: int | None
    input_bytes: int | None
    output_bytes: int | None
    error_type: str | None
    status_message: str | None


def workflows(views: Views, period: Period, *, where: str | None = None) -> Answer[Workflow]:
    """What the runs that began in a period come to, a row per workflow. Raises `BadFilter`."""
    condition = parse(where, RUNS)
    parameters = {**period.us(), **condition.parameters}
    rows = views.rows("workflow_statistics", Workflow, parameters, {"where": condition.sql})
    return Answer(rows, period=period, source="workflow_runs")


def runs(views: Views, period: Period, *, where: str | None = None, limit: int = 50) -> Answer[Run]:
    """The newest `limit` runs that began in a period. Raises `BadFilter`."""
    return page_of_runs(views, period, where=where, limit=limit)[0]


def page_of_runs(
    views: Views, period: Period, *, where: str | None = None, limit: int = 50, mark: Mark | None = None
) -> tuple[Answer[Run], Mark | None]:
    """The same behind a mark, and where the next page begins. Raises `BadFilter`."""
    condition = parse(where, RUNS)
    parameters = {**period.us(), **paged.asked(mark, limit), **condition.parameters}
    rows = views.rows("workflow_runs", Run, parameters, {"where": condition.sql})
    following = paged.following([run.start_ns for run in rows], limit, mark)
    return Answer(rows[:limit], period=period, source="workflow_runs"), following


def changed(views: Views, after_us: int, *, where: str | None = None, limit: int = 50) -> tuple[Run, ...]:
    """The newest `limit` runs of which something was taken in after `after_us` (Unix). Raises `BadFilter`."""
    condition = parse(where, RUNS)
    parameters = {"after_us": after_us, "limit": limit, **condition.parameters}
    return views.rows("workflow_changes", Run, parameters, {"where": condition.sql})


def timeline(views: Views, prefix: str) -> tuple[Run, tuple[Step, ...]]:
    """The run whose id is `prefix`, or whose id, or whose trace's id, begins with it; and its steps.

    Raises `NotStored` where there is none, `AxError` where there are several.
    """
    found = views.rows("workflow_run", Run, {"prefix": prefix.strip()}) if prefix.strip() else ()
    if not found or (len(found) > 1 and found[0].run_id != prefix.strip()):
        mend = "`ax monitor workflows --runs` lists them"
        if found:
            raise AxError(f"several runs begin with {prefix}", mend=mend)
        raise NotStored(f"no run begins with {prefix!r}", mend=mend)
    run = found[0]
    return run, views.rows("workflow_timeline", Step, {"run_id": run.run_id, "trace_id": run.trace_id})
