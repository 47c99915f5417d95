"""Routes: log records, searched and counted.

In: what is stored. Out: pages of records, newest first; counts by level.
"""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from exporter.api import described, examples, marks, shown
from exporter.api.asked import Fields, Step, Time, Where
from exporter.api.callers import Reader
from exporter.api.described import Some
from exporter.api.pages import Cursor, Limit
from exporter.api.problems import RESPONSES
from exporter.api.shared import Shared
from exporter.errors import AxError
from exporter.query import logs, search
from exporter.query.filter import BadFilter
from exporter.query.logs import Level, Record

Search = Annotated[
    str | None, Query(max_length=4096, description='such as: timeout OR "connection refused" -health level:error')
]


def routes(shared: Shared) -> APIRouter:
    """All of them."""
    router = APIRouter(tags=["logs"], responses=RESPONSES)

    @router.get("/api/logs", **described.rows(examples.RECORD, Some[Record], source="logs"))
    def records(
        request: Request,
        caller: Reader,
        time: Time,
        search: Search = None,
        where: Where = None,
        fields: Fields = None,
        limit: Limit = 100,
        cursor: Cursor = None,
    ) -> Response:
        """Log records that a search and a filter find, the newest first."""
        _check(search)
        mark, period = marks.read(cursor), time.period(shared.clock.wall())
        with shared.views(caller) as views:
            found, following = logs.page_of_logs(views, period, search, where=where, limit=limit, mark=mark)
        return shown.answered(request, found, Record, fields=fields, next_cursor=marks.written(following))

    @router.get("/api/logs/levels", **described.rows(examples.LEVEL, source="logs"))
    def levels(
        request: Request, caller: Reader, time: Time, step: Step, search: Search = None, where: Where = None
    ) -> Response:
        """How many records of each level a search and a filter find, by bucket of `step`."""
        _check(search)
        period = time.period(shared.clock.wall())
        step_ns = step.ns(period)
        with shared.views(caller) as views:
            return shown.answered(request, logs.levels(views, period, search, where=where, step_ns=step_ns), Level)

    return router


def _check(text: str | None) -> None:
    """Raises `AxError` that says that it is the search which cannot be read."""
    try:
        search.parse(text)
    except BadFilter as error:
        raise AxError(f"search: {error.message}", mend=error.mend) from None
