"""Routes: what was spent on what, how calls went and why some failed, where time goes, how much of quotas is used.

In: a period, dimensions, a filter. Out: rows by group, the greatest first, or over time.
"""

from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request, Response

from exporter.api import described
from exporter.api.asked import By, Fields, Step, Time, Where
from exporter.api.callers import Reader
from exporter.api.described import Some
from exporter.api.figured import (
    CALLED,
    CALLED_THEN,
    EXAMPLE,
    MOST_ROWS,
    Called,
    CalledThen,
    Labels,
    Whose,
    called_of,
    called_then,
    labelled,
)
from exporter.api.pages import Limit
from exporter.api.problems import RESPONSES
from exporter.api.shared import Shared
from exporter.api.shown import answered
from exporter.query.answer import EXACT, Answer
from exporter.query.calls import Failure, failures
from exporter.query.components import components
from exporter.query.costs import called, costs
from exporter.query.figures import figures
from exporter.query.quotas import Quota, quotas
from exporter.query.top import Rank, TopCall, top_calls
from exporter.units import NS_PER_US

_START: Final = 1_795_340_400_000_000_000


@dataclass(frozen=True, slots=True)
class Cost:
    """What the calls of a group cost, and did in as much time before; `unpriced` ones count as nothing."""

    labels: Labels
    cost_nanos: int
    calls: int
    unpriced: int
    share_ratio: float | None
    before_nanos: int | None
    change_ratio: float | None


@dataclass(frozen=True, slots=True)
class CostThen:
    """What the calls of a bucket, which begins at `bucket_ns`, and group cost."""

    bucket_ns: int
    labels: Labels
    cost_nanos: int
    calls: int
    unpriced: int


@dataclass(frozen=True, slots=True)
class Failed:
    """A reason for which calls failed; `trace_id` is that of the last one."""

    reason: str
    provider: str | None
    model: str | None
    count: int
    last_ns: int
    trace_id: str | None


@dataclass(frozen=True, slots=True)
class Latency:
    """How long a kind of work took; what runs inside another counts in both."""

    component: str
    count: int
    failed: int
    p50_ns: int
    p95_ns: int
    p99_ns: int
    max_ns: int
    total_ns: int


_COST: Final = Cost(EXAMPLE, 1_804_113_000, 1_204, 0, 0.81, 1_500_000_000, 0.2)
_COST_THEN: Final = CostThen(_START, EXAMPLE, 30_060_000, 20, 0)
_FAILED: Final = Failed("RateLimitError", "openai", "gpt-4.1-mini", 6, _START, "4f2a91c03b7de5124f2a91c03b7de512")
_TOP: Final = TopCall(
    "4f2a91c03b7de5124f2a91c03b7de512", "6d215f59e4c5f063", _START, 3_100_000_000, "checkout", "chat", "openai",
    "gpt-4.1-mini", "triage", 3_450, 210, 8_721_000, None, failed=False,
)  # fmt: skip
_LATENCY: Final = Latency("chat", 1_204, 6, 700_000_000, 1_900_000_000, 3_100_000_000, 4_000_000_000, 977_648_000_000)
_QUOTA: Final = Quota("quota", "tokens-a-day", "checkout", "default", 0.82, 1e6, None, None, None, _START)


def routes(shared: Shared) -> APIRouter:
    """All of them."""
    router = APIRouter(tags=["costs and calls"], responses=RESPONSES)
    _add_costs(router, shared)
    _add_calls(router, shared)
    _add_reasons(router, shared)
    return router


def _add_costs(router: APIRouter, shared: Shared) -> None:
    @router.get("/api/costs", **described.rows(_COST, Some[Cost], source="llm_calls"))
    def spent(
        request: Request, caller: Reader, time: Time, by: By, fields: Fields, where: Where = None, limit: Limit = 100
    ) -> Response:
        """What calls cost, the dearest groups first, against as much time before; without `by` all together."""
        with shared.views(caller) as views:
            found, _ = costs(views, time.period(shared.clock.wall()), by=by, where=where, limit=limit)
        rows = tuple(
            Cost(
                labelled(by, row.labels),
                row.cost_nanos,
                row.calls,
                row.unpriced,
                row.share,
                row.before_nanos,
                row.change_ratio,
            )
            for row in found.rows
        )
        return answered(request, Answer(rows, EXACT, found.period, found.source), Cost, fields=fields)

    @router.get("/api/costs/series", **described.rows(_COST_THEN, Some[CostThen], source="llm_calls"))
    def spent_over_time(
        request: Request, caller: Reader, time: Time, step: Step, by: By, fields: Fields, where: Where = None
    ) -> Response:
        """What calls cost over time: a row for each bucket and group in which there were any, 30,000 at most."""
        with shared.views(caller) as views:
            period = time.period(shared.clock.wall())
            found = figures(
                views,
                period,
                by=by,
                where=where,
                step_ns=step.ns(period),
                is_quick=True,
                percentiles=False,
                most=MOST_ROWS,
            )
        rows = tuple(
            CostThen(row.bucket_ns, labelled(by, row.labels), row.cost_nanos, row.count, row.unpriced)
            for row in found.rows
        )
        return answered(request, Answer(rows, EXACT, found.period, found.source), CostThen, fields=fields)


def _add_calls(router: APIRouter, shared: Shared) -> None:
    @router.get("/api/calls", **described.rows(CALLED, Some[Called], source="llm_calls"))
    def calls(
        request: Request,
        caller: Reader,
        time: Time,
        whose: Whose,
        fields: Fields,
        limit: Limit = 100,
    ) -> Response:
        """How calls went, those groups first of which there are most; without `by` all together."""
        with shared.views(caller) as views:
            period = time.period(shared.clock.wall())
            found = called(views, period, by=whose.by, where=whose.where, of=whose.of, limit=limit)
        return answered(request, called_of(whose.by, found), Called, fields=fields)

    @router.get("/api/calls/top", **described.rows(_TOP, Some[TopCall], source="llm_calls"))
    def most(
        request: Request,
        caller: Reader,
        time: Time,
        fields: Fields,
        where: Where = None,
        measure: Annotated[Rank, Query(description="what they are compared by")] = "duration",
        limit: Limit = 10,
    ) -> Response:
        """Single calls that stand out: the slowest, the dearest, or those with most tokens."""
        with shared.views(caller) as views:
            found = top_calls(views, time.period(shared.clock.wall()), measure, where=where, limit=limit)
        return answered(request, found, TopCall, fields=fields)

    @router.get("/api/calls/series", **described.rows(CALLED_THEN, Some[CalledThen], source="llm_calls"))
    def calls_over_time(
        request: Request,
        caller: Reader,
        time: Time,
        step: Step,
        whose: Whose,
        fields: Fields,
    ) -> Response:
        """How calls went over time: a row for each bucket and group in which there were any, 30,000 at most."""
        with shared.views(caller) as views:
            period = time.period(shared.clock.wall())
            found = figures(
                views,
                period,
                of=whose.of,
                by=whose.by,
                where=whose.where,
                step_ns=step.ns(period),
                is_quick=True,
                most=MOST_ROWS,
            )
        rows = tuple(called_then(whose.by, row) for row in found.rows)
        answer = Answer(rows, found.precision, found.period, found.source)
        return answered(request, answer, CalledThen, fields=fields)


def _add_reasons(router: APIRouter, shared: Shared) -> None:
    @router.get("/api/calls/failures", **described.rows(_FAILED, Some[Failed], source="llm_calls"))
    def why(
        request: Request, caller: Reader, time: Time, fields: Fields, where: Where = None, limit: Limit = 100
    ) -> Response:
        """Why calls failed, the most frequent reason first."""
        with shared.views(caller) as views:
            found = failures(views, time.period(shared.clock.wall()), where=where, limit=limit)
        rows = tuple(failed(row) for row in found.rows)
        return answered(request, Answer(rows, EXACT, found.period, found.source), Failed, fields=fields)

    @router.get("/api/latency", **described.rows(_LATENCY, Some[Latency]))
    def latency(request: Request, caller: Reader, time: Time, fields: Fields, where: Where = None) -> Response:
        """Where time goes: models, tools, retrieval, databases, HTTP, parts of voice turns; the longest first."""
        with shared.views(caller) as views:
            found = components(views, time.period(shared.clock.wall()), where=where)
        rows = tuple(
            Latency(row.component, row.count, row.failed, *row.percentiles_ns, row.max_ns, row.total_ns)
            for row in found.rows
        )
        return answered(request, Answer(rows, EXACT, found.period, found.source), Latency, fields=fields)

    @router.get("/api/quotas", **described.rows(_QUOTA, Some[Quota], source="metrics_gauge, metrics_sum"))
    def used(request: Request, caller: Reader, time: Time, fields: Fields, limit: Limit = 100) -> Response:
        """How much of quotas is used, as programs tell it, and how often rate limits let nothing through."""
        with shared.views(caller) as views:
            found = quotas(views, time.period(shared.clock.wall()), limit=limit)
        return answered(request, found, Quota, fields=fields)


def failed(row: Failure) -> Failed:
    """A reason as it is shown."""
    return Failed(row.reason, row.provider, row.model, row.count, row.last_us * NS_PER_US, row.trace_id)
