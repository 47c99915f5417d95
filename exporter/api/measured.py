"""Routes: measures of ours, and metrics that senders stored.

In: a name, a period, dimensions, a filter. Out: what there is, one number for each group, the same over time, labels.
"""

from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import APIRouter, Path, Query, Request, Response

from exporter.api import described, pages
from exporter.api.asked import Fields, Step, Time, Where
from exporter.api.callers import Reader
from exporter.api.described import Some
from exporter.api.figured import EXAMPLE, MOST_ROWS, OF, Kind, Labels, Whose, labelled
from exporter.api.pages import Cursor, Limit
from exporter.api.problems import RESPONSES
from exporter.api.shared import Shared
from exporter.api.shown import answered
from exporter.query.answer import Answer
from exporter.query.labels import Label, labels
from exporter.query.measures import MEASURES
from exporter.query.named import Total, Value, named, series, totals
from exporter.query.points import Aggregation, Metric, metrics

Name = Annotated[
    str, Path(max_length=300, description="a measure, a stored metric, or one of the names that people ask by")
]
How = Annotated[
    Aggregation | None, Query(alias="aggregation", description="of a stored metric; a measure is a figure by itself")
]
_START: Final = 1_795_340_400_000_000_000


@dataclass(frozen=True, slots=True)
class Listed:
    """What can be asked for by name; `services` and `points` are of a stored metric."""

    name: str
    kind: str
    unit: str
    description: str
    services: int | None
    points: int | None


@dataclass(frozen=True, slots=True)
class Measured:
    """A number of a group, and what it was in as much time before.

    `share_ratio` is the part of all groups, where a measure adds up; what follows it is told of stored metrics alone.
    """

    labels: Labels
    value: float | None
    unit: str
    before: float | None
    change_ratio: float | None
    share_ratio: float | None
    count: int | None = None
    sum: float | None = None
    mean: float | None = None
    min: float | None = None
    max: float | None = None
    last: float | None = None
    p50: float | None = None
    p95: float | None = None
    p99: float | None = None


@dataclass(frozen=True, slots=True)
class Then:
    """A number of a bucket, which begins at `bucket_ns`, and group; `count` is of how many records."""

    bucket_ns: int
    labels: Labels
    value: float | None
    unit: str
    count: int


_LISTED: Final = Listed("p95_latency", "measure", "ns", "95 % took at most as long", None, None)
_MEASURED: Final = Measured(EXAMPLE, 1_904_000_000, "ns", 1_700_000_000, 0.12, None)
_THEN: Final = Then(_START, EXAMPLE, 1_904_000_000, "ns", 120)
_LABEL: Final = Label("provider", ("openai", "anthropic"), 2)


def routes(shared: Shared) -> APIRouter:
    """All of them."""
    router = APIRouter(tags=["metrics"], responses=RESPONSES)
    _add_list(router, shared)
    _add_values(router, shared)
    return router


def _add_list(router: APIRouter, shared: Shared) -> None:
    @router.get("/api/metrics", **described.rows(_LISTED, Some[Listed], source="metrics_*"))
    def listed(
        request: Request, caller: Reader, time: Time, fields: Fields, limit: Limit = 100, cursor: Cursor = None
    ) -> Response:
        """The measures, and the stored metrics that have points in the time, by name."""
        mark = pages.read(cursor, str, str)
        with shared.views(caller) as views:
            found = metrics(views, time.period(shared.clock.wall()))
        every = sorted([*_measures(), *map(_listed, found.rows)], key=lambda one: (one.name, one.kind))
        after = [one for one in every if mark is None or [one.name, one.kind] > mark]
        page = pages.page(after[: limit + 1], limit, lambda one: [one.name, one.kind])
        answer = Answer(tuple(page["items"]), period=found.period, source=found.source)
        return answered(request, answer, Listed, fields=fields, next_cursor=page["next_cursor"])

    @router.get("/api/metrics/{name:path}/labels", **described.rows(_LABEL, Some[Label], source="cells_1min"))
    def label_values(
        request: Request,
        name: Name,
        caller: Reader,
        time: Time,
        fields: Fields,
        where: Where = None,
        of: Kind = "calls",
    ) -> Response:
        """By what it can be told apart and filtered, each with its values, the most frequent first, 100 at most."""
        with shared.views(caller) as views:
            period = time.period(shared.clock.wall())
            found = labels(views, named(views, name, period), period, where=where, of=OF[of])
        return answered(request, found, Label, fields=fields)


def _add_values(router: APIRouter, shared: Shared) -> None:
    # What senders name may have slashes in it, so of two paths the longer comes first.
    @router.get("/api/metrics/{name:path}/series", **described.rows(_THEN, Some[Then], source="llm_calls"))
    def over_time(
        request: Request,
        name: Name,
        caller: Reader,
        time: Time,
        step: Step,
        whose: Whose,
        fields: Fields,
        aggregation: How = None,
    ) -> Response:
        """It over time: a row for each bucket and group in which there was anything, 30,000 at most."""
        with shared.views(caller) as views:
            period = time.period(shared.clock.wall())
            one = named(views, name, period)
            step_ns = step.ns(period)
            found = series(
                views,
                one,
                period,
                step_ns,
                aggregation=aggregation,
                by=whose.by,
                where=whose.where,
                of=whose.of,
                most=MOST_ROWS,
            )
        rows = tuple(_then(whose.by, row) for row in found.rows)
        answer = Answer(rows, found.precision, found.period, found.source)
        return answered(request, answer, Then, fields=fields)

    @router.get("/api/metrics/{name:path}", **described.rows(_MEASURED, Some[Measured], source="llm_calls"))
    def metric(
        request: Request,
        name: Name,
        caller: Reader,
        time: Time,
        whose: Whose,
        fields: Fields,
        aggregation: How = None,
        limit: Limit = 100,
    ) -> Response:
        """It by group, the greatest first, against as much time before."""
        with shared.views(caller) as views:
            period = time.period(shared.clock.wall())
            one = named(views, name, period)
            found = totals(
                views, one, period, aggregation=aggregation, by=whose.by, where=whose.where, of=whose.of, limit=limit
            )
        rows = tuple(_measured(whose.by, row) for row in found.rows)
        answer = Answer(rows, found.precision, found.period, found.source)
        return answered(request, answer, Measured, fields=fields)


def _measures() -> list[Listed]:
    return [Listed(one.name, "measure", one.unit, one.description, None, None) for one in MEASURES.values()]


def _listed(one: Metric) -> Listed:
    return Listed(one.name, one.kind, one.unit or "", one.description or "", one.services, one.points)


def _measured(by: tuple[str, ...], row: Total) -> Measured:
    about = (labelled(by, row.labels), row.value, row.unit, row.before, row.change_ratio, row.share)
    if (points := row.points) is None:
        return Measured(*about)
    return Measured(
        *about, points.count, points.sum, points.mean, points.min, points.max, points.last, *points.percentiles
    )


def _then(by: tuple[str, ...], row: Value) -> Then:
    return Then(row.bucket_ns, labelled(by, row.labels), row.value, row.unit, row.count)
