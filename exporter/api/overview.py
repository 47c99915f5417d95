"""Routes: how all is on one page, what stands out and where it goes; and what can be asked for.

In: a period, a filter. Out: states, statistics, rankings, trends, advice; names for completion.
"""

from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request, Response

from exporter.api import described
from exporter.api.asked import Fields, Time, Where
from exporter.api.callers import Overseer, Reader
from exporter.api.described import Some
from exporter.api.figured import EXAMPLE, Labels, Whose, labelled
from exporter.api.pages import Limit
from exporter.api.problems import RESPONSES
from exporter.api.shared import Shared
from exporter.api.shown import answered, one
from exporter.errors import AxError
from exporter.outlook.advice import Advice, advice
from exporter.outlook.capacity import Capacity, Growth, look
from exporter.outlook.trend import WATCHED, Going, going
from exporter.query.answer import EXACT, Answer
from exporter.query.columns import Asked, Column, Known, View, asked, columns
from exporter.query.compare import Change, compared
from exporter.query.measures import MEASURES, Measure
from exporter.query.named import GROUPS
from exporter.query.providers import DEFAULTS, State, providers
from exporter.query.providers import Provider as Judged
from exporter.query.service_map import Edge, service_map
from exporter.query.storage import storage
from exporter.query.traces import Statistics, statistics
from exporter.query.workflows import workflows
from exporter.units import NS_PER_US

_START: Final = 1_795_340_400_000_000_000
_GPT: Final = "gpt-4.1-mini"


@dataclass(frozen=True, slots=True)
class Table:
    """What is stored of a kind of record; times are those of its oldest and newest row."""

    table: str
    rows: int
    bytes: int
    bytes_per_row: float | None
    segments: int
    oldest_ns: int | None
    newest_ns: int | None


@dataclass(frozen=True, slots=True)
class Stats:
    """How much is stored, and what the traces of the time come to."""

    tables: tuple[Table, ...]
    traces: Statistics
    start_ns: int
    end_ns: int


@dataclass(frozen=True, slots=True)
class Provider:
    """A provider's health over the last `window_ns`, and by which bounds.

    It is down below a success of `down_success_ratio`, or where none of its last `last_calls` succeeded; degraded below
    `degraded_success_ratio`, or where its p95 is more than `degraded_latency_factor` times that of the day.
    """

    provider: str
    state: State
    reason: str
    success_ratio: float | None
    calls: int
    failed: int
    p95_ns: int | None
    p95_day_ns: int | None
    cost_nanos: int
    window_ns: int
    down_success_ratio: float
    degraded_success_ratio: float
    degraded_latency_factor: float
    last_calls: int


@dataclass(frozen=True, slots=True)
class Workflow:
    """What the runs of a workflow come to; `last_ns` is when the last one began."""

    workflow: str | None
    runs: int
    success_ratio: float | None
    completed: int
    failed: int
    cancelled: int
    running: int
    lost: int
    avg_duration_ns: float | None
    p95_duration_ns: int | None
    last_ns: int


@dataclass(frozen=True, slots=True)
class Ranked:
    """A measure of a group, its part of all where it adds up, and what it was in as much time before."""

    labels: Labels
    value: float | None
    unit: str
    share_ratio: float | None
    before: float | None
    change_ratio: float | None


@dataclass(frozen=True, slots=True)
class Trend:
    """Where a measure goes: against as much time before, by whole day (UTC), and how much a day.

    `is_clear` where chance would give as clear a trend in less than 5 % of cases; unknown of less than five days.
    """

    measure: str
    unit: str
    value: float | None
    before: float | None
    change_ratio: float | None
    by_day: tuple[float | None, ...]
    slope_per_day: float | None
    is_clear: bool | None


_TABLE: Final = Table("spans", 1_204_113, 130_000_000, 107.9, 12, _START, _START + 10**13)
_STATS: Final = Stats(
    (_TABLE,), Statistics(150_000, 1_204_113, 120, 8.0, 2.1e9, 5_000_000_000), _START, _START + 10**12
)
PROVIDER: Final = Provider(
    "openai", "healthy", "99.5 % of calls succeeded", 0.995, 1_204, 6, 1_900_000_000, 1_700_000_000, 1_804_113_000,
    300_000_000_000, 0.5, 0.95, 2.0, 10,
)  # fmt: skip
_WORKFLOW: Final = Workflow("refund", 120, 0.98, 115, 2, 0, 2, 1, 4.1e9, 9_000_000_000, _START)
_EDGE: Final = Edge(
    "checkout", "openai", "provider", 1_204, 6, 812_000_000, 1_900_000_000, 4_000_000_000, 1, _START, _START
)
_RANKED: Final = Ranked(EXAMPLE, 1_804_113_000, "usd_nanos", 0.81, 1_500_000_000, 0.2)
_TREND: Final = Trend("cost", "usd_nanos", 5e9, 4e9, 0.25, (7e8, 7.2e8, None, 7.1e8, 7.3e8, 7.4e8), 8e6, is_clear=True)
_ADVICE: Final = Advice(
    "cache", "openai", _GPT, "support-agent", 120_000_000, "3 % of 902,113 input tokens came from the cache; …",
    "put what does not change first in the prompt",
)  # fmt: skip
_CAPACITY: Final = Capacity(
    (Growth("spans", 1_204_113, 130_000_000, 86_400.0, 9.3e6, 14.0, 140_000_000),),
    130_000_000, 80_000_000_000, 1_000_000_000, 9.3e6, 140_000_000, None,
)  # fmt: skip
_ASKED: Final = Asked("calls", "LLM calls", True, (Known("provider", "text"), Known("duration", "duration")))  # noqa: FBT003
_VIEW: Final = View(
    "llm_calls", "One row a call of a model.", (Column("model", "VARCHAR"), Column("duration_ns", "BIGINT"))
)


def routes(shared: Shared) -> APIRouter:
    """All of them."""
    router = APIRouter(tags=["overview"], responses=RESPONSES)
    _add_now(router, shared)
    _add_outlook(router, shared)
    _add_names(router, shared)
    return router


def _add_now(router: APIRouter, shared: Shared) -> None:
    @router.get("/api/stats", **described.one(_STATS))
    def stats(request: Request, caller: Reader, time: Time) -> Response:
        """How much is stored, whenever it came; and what traces of the time come to."""
        period = time.period(shared.clock.wall())
        with shared.views(caller) as views:
            found = statistics(views, period)
        (of_traces,), period = found.rows, found.period or period
        tables = tuple(
            Table(
                row.table,
                row.rows,
                row.bytes,
                row.bytes / row.rows if row.rows else None,
                row.segments,
                row.min_time,
                row.max_time,
            )
            for row in storage(shared.config.data, caller.tenant)
        )
        return one(request, Stats(tables, of_traces, period.start_ns, period.end_ns), Stats)

    @router.get("/api/providers", **described.rows(PROVIDER, Some[Provider], source="llm_calls", precision="sketch"))
    def health(request: Request, caller: Reader, fields: Fields) -> Response:
        """How providers do that were called within a day, the worst first, and by which bounds that is judged."""
        with shared.views(caller) as views:
            found = providers(views, shared.clock.wall())
        rows = tuple(provider(row) for row in found.rows)
        answer = Answer(rows, found.precision, found.period, found.source)
        return answered(request, answer, Provider, fields=fields)

    @router.get("/api/workflows", **described.rows(_WORKFLOW, Some[Workflow], source="workflow_runs"))
    def of_workflows(
        request: Request, caller: Reader, time: Time, fields: Fields, where: Where = None, limit: Limit = 100
    ) -> Response:
        """What the runs that began in the time come to, by workflow, those with most runs first."""
        with shared.views(caller) as views:
            found = workflows(views, time.period(shared.clock.wall()), where=where)
        rows = tuple(
            Workflow(
                row.workflow_name,
                row.runs,
                row.success_ratio,
                row.completed,
                row.failed,
                row.cancelled,
                row.running,
                row.lost,
                row.avg_duration_ns,
                row.p95_duration_ns,
                row.last_us * NS_PER_US,
            )
            for row in found.rows[:limit]
        )
        return answered(request, Answer(rows, EXACT, found.period, found.source), Workflow, fields=fields)

    @router.get("/api/service-map", **described.rows(_EDGE, Some[Edge]))
    def edges(request: Request, caller: Reader, time: Time, fields: Fields, limit: Limit = 100) -> Response:
        """Who calls whom: services, and the providers, tools and databases behind them, the busiest first."""
        with shared.views(caller) as views:
            found = service_map(views, time.period(shared.clock.wall()), limit=limit)
        return answered(request, found, Edge, fields=fields)


def _add_outlook(router: APIRouter, shared: Shared) -> None:
    @router.get("/api/top", **described.rows(_RANKED, Some[Ranked], source="llm_calls"))
    def top(
        request: Request,
        caller: Reader,
        time: Time,
        whose: Whose,
        fields: Fields,
        measure: Annotated[str, Query(max_length=100, description="what is compared")] = "cost",
        limit: Limit = 10,
    ) -> Response:
        """The groups that have most of a measure, each with its share, and what it was in as much time before."""
        known = _measure(measure)
        with shared.views(caller) as views:
            period = time.period(shared.clock.wall())
            found = compared(
                views, period, known, by=whose.by, where=whose.where, of=whose.of, limit=limit, most=GROUPS
            )
        rows = tuple(_ranked(whose.by, row, known) for row in found.rows)
        answer = Answer(rows, found.precision, found.period, found.source)
        return answered(request, answer, Ranked, fields=fields)

    @router.get("/api/trends", **described.rows(_TREND, Some[Trend], source="rollups", precision="sketch"))
    def trends(request: Request, caller: Reader, time: Time, fields: Fields, where: Where = None) -> Response:
        """Where calls, cost, errors and latency go; ask for `range=14d` to see it day by day."""
        period = time.period(shared.clock.wall())
        with shared.views(caller) as views:
            found = going(views, period, [MEASURES[name] for name in WATCHED], where=where)
        answer = Answer(tuple(_trend(row) for row in found), period=period, source="rollups")
        return answered(request, answer, Trend, fields=fields)

    @router.get("/api/advice", **described.rows(_ADVICE, Some[Advice], source="llm_calls"))
    def advise(
        request: Request, caller: Reader, time: Time, fields: Fields, where: Where = None, limit: Limit = 20
    ) -> Response:
        """What could be cheaper, the dearest first, each with what it would have saved in the time that is answered."""
        period = time.period(shared.clock.wall())
        with shared.views(caller) as views:
            answer = advice(views, period, where=where, limit=limit)
        return answered(request, answer, Advice, fields=fields)

    @router.get("/api/capacity", **described.one(_CAPACITY))
    def capacity(request: Request, _: Overseer) -> Response:
        """When the disk is full: what comes in a day, how long it is kept, how much room there is."""
        return one(request, look(shared.config, shared.clock.wall()), Capacity)


def _add_names(router: APIRouter, shared: Shared) -> None:
    @router.get("/api/fields", **described.rows(_ASKED, Some[Asked], source="filters"))
    def known(request: Request, _: Reader, fields: Fields) -> Response:
        """What the filter of each kind of record knows, and `by` where it is text."""
        return answered(request, asked(), Asked, fields=fields)

    @router.get("/api/views", **described.rows(_VIEW, Some[View], source="ax.duckdb"))
    def of_sql(request: Request, caller: Reader, fields: Fields) -> Response:
        """The views that SQL may ask, with their columns."""
        with shared.views(caller) as views:
            found = columns(views)
        return answered(request, found, View, fields=fields)


def _measure(name: str) -> Measure:
    if name in MEASURES:
        return MEASURES[name]
    raise AxError(f"measure: there is none called {name!r}", mend=f"measures are {', '.join(MEASURES)}")


def provider(row: Judged) -> Provider:
    """One, with the bounds."""
    return Provider(
        row.provider,
        row.state,
        row.reason,
        row.success_ratio,
        row.count,
        row.failed,
        row.p95_ns,
        row.p95_day_ns,
        row.cost_nanos,
        DEFAULTS.window_ns,
        DEFAULTS.down_success,
        DEFAULTS.degraded_success,
        DEFAULTS.degraded_latency,
        DEFAULTS.last_calls,
    )


def _ranked(by: tuple[str, ...], row: Change, measure: Measure) -> Ranked:
    share = row.share if by else None
    return Ranked(labelled(by, row.labels), row.value, measure.unit, share, row.before, row.change_ratio)


def _trend(row: Going) -> Trend:
    slope, is_clear = (row.trend.slope, row.trend.is_clear) if row.trend else (None, None)
    return Trend(
        row.measure.name, row.measure.unit, row.value, row.before, row.change_ratio, row.by_day, slope, is_clear
    )
