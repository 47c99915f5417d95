"""Log records: searched, counted by level, followed.

In: a search, a period. Out: records, newest first; counts; what came in since.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from exporter.query import paged, search
from exporter.query.answer import Answer
from exporter.query.fields import LOGS
from exporter.query.filter import EVERYTHING, Condition, parse
from exporter.query.paged import Mark
from exporter.query.period import Period
from exporter.query.views import Views
from exporter.units import NS_PER_US

_AT_ONCE: Final = 1_000
_FEW: Final = 2_048
_MANY: Final = 65_536
"""Of so many of the newest records a page is looked for first; where there is a search, in a row group's worth."""


@dataclass(frozen=True, slots=True)
class Record:
    """One log record; `ingest_us` is when it was taken in, Unix microseconds."""

    time_ns: int
    ingest_us: int
    severity_number: int
    severity_text: str | None
    service_name: str | None
    event_name: str | None
    body: str | None
    trace_id: str | None
    span_id: str | None
    error_type: str | None
    attributes: Mapping[str, str | None]

    def __post_init__(self) -> None:
        """DuckDB's maps come as lists of pairs."""
        pairs: Any = self.attributes or ()
        object.__setattr__(self, "attributes", dict(pairs))


@dataclass(frozen=True, slots=True)
class Level:
    """How many records of a level there are in a bucket."""

    bucket_ns: int
    level: str
    count: int


def search_logs(
    views: Views, period: Period, text: str | None = None, *, where: str | None = None, limit: int = 100
) -> Answer[Record]:
    """The newest `limit` records of a period that the search `text` and the filter `where` find.

    Raises `BadFilter`.
    """
    return page_of_logs(views, period, text, where=where, limit=limit)[0]


def page_of_logs(
    views: Views,
    period: Period,
    text: str | None = None,
    *,
    where: str | None = None,
    limit: int = 100,
    mark: Mark | None = None,
) -> tuple[Answer[Record], Mark | None]:
    """The same behind a mark, and where the next page begins. Raises `BadFilter`."""
    condition = _condition(text, where)
    places = {"where": condition.sql}

    # Two questions: one for all columns reads all of them of every record, 960 against 400 ms of CPU for a million.
    def times(window: Period, last_ns: int, most: int) -> list[int]:
        until = Period(window.start_ns, min(window.end_ns, last_ns + 1))
        asked = {**until.us(), "limit": most, **condition.parameters}
        found = views.table("log_times", asked, places, within=until)
        return [one * NS_PER_US for one in found["time_us"].to_pylist()]

    def last(stretch: Period) -> Period | None:
        return views.last(_FEW if condition is EVERYTHING else _MANY, stretch, "FROM stored.logs")

    place = paged.page(times, period, mark, limit, last)
    if place is None:
        return Answer((), period=period, source="logs"), None
    times_us = [one // NS_PER_US for one in place.times]
    parameters = {**place.parameters(), "times_us": times_us, **condition.parameters}
    rows = views.rows("log_search", Record, parameters, places, within=place.period)
    return Answer(rows, period=period, source="logs"), place.following


def of_trace(views: Views, trace_id: str, *, limit: int = 100, skip: int = 0) -> Answer[Record]:
    """The log records of a trace in the order of their times, behind the first `skip`."""
    wanted = trace_id.strip().lower()
    when = views.when(wanted, "logs")
    parameters = {"trace_id": wanted, "limit": limit, "skip": skip, **when.us()}
    return Answer(views.rows("trace_logs", Record, parameters, within=when), source="logs")


def levels(
    views: Views, period: Period, text: str | None = None, *, where: str | None = None, step_ns: int = 0
) -> Answer[Level]:
    """How many records are found by level, a row per level and bucket of `step_ns` (0: one). Raises `BadFilter`."""
    condition = _condition(text, where)
    parameters = {**period.us(step_ns), **condition.parameters}
    rows = views.rows("log_levels", Level, parameters, {"where": condition.sql}, within=period)
    return Answer(rows, period=period, source="logs")


def came_in(views: Views, after_us: int, text: str | None = None, *, where: str | None = None) -> Iterator[Record]:
    """Records taken in after `after_us`, in that order; read a thousand at a time. Raises `BadFilter`."""
    condition = _condition(text, where)
    skip = 0
    while True:  # many may have come in at one moment, so pages are told by their place
        parameters = {"after_us": after_us, "limit": _AT_ONCE, "skip": skip, **condition.parameters}
        found = views.rows("log_follow", Record, parameters, {"where": condition.sql})
        yield from found
        skip += len(found)
        if len(found) < _AT_ONCE:
            return


def _condition(text: str | None, where: str | None) -> Condition:
    return search.parse(text).both(parse(where, LOGS))
