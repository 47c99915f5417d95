"""Routes: lists of records as `exporter.query.listed` describes them, and one call of a model.

In: what is stored. Out: pages of rows with the views' columns; a call with its messages; its bill.
"""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from exporter.api import described, examples, fresh, marks, shown
from exporter.api.asked import Fields, Time, Where
from exporter.api.callers import Reader
from exporter.api.pages import Cursor, Limit
from exporter.api.problems import RESPONSES, about
from exporter.api.shared import Shared
from exporter.query import calls
from exporter.query.calls import Bill
from exporter.query.listed import LISTS, Listed, page

SpanId = Annotated[
    str, Path(max_length=100, description="a span's id, or its beginning", examples=["6d215f59e4c5f063"])
]
OfTrace = Annotated[
    str | None,
    Query(alias="trace", max_length=100, description="the id of its trace, by which it is found at once"),
]


def routes(shared: Shared) -> APIRouter:
    """All of them."""
    router = APIRouter(tags=["records"], responses=RESPONSES)
    for name, of in LISTS.items():
        about = described.rows(examples.ROWS[name], source=of.view)
        router.get(f"/api/{name}", description=of.says, name=name, **about)(_list(shared, of))
    _add_call(router, shared)
    return router


def _list(shared: Shared, of: Listed) -> Callable[..., Response]:
    def rows(
        request: Request,
        caller: Reader,
        time: Time,
        where: Where = None,
        fields: Fields = None,
        limit: Limit = 100,
        cursor: Cursor = None,
    ) -> Response:
        columns = None if fields is None else shown.chosen_of(fields, of.known)
        mark, period = marks.read(cursor), time.period(shared.clock.wall())
        with shared.views(caller) as views:
            found = page(views, of, period, where=where, columns=columns, mark=mark, limit=limit)
        following = marks.written(found.following)
        return shown.listed(request, found.table, next_cursor=following, period=period, source=of.view)

    return rows


def _add_call(router: APIRouter, shared: Shared) -> None:
    unchanged = [Depends(fresh.unchanged)]

    @router.get("/api/llm-calls/{span}", dependencies=unchanged, **described.object_of(examples.CALL))
    def call(request: Request, caller: Reader, span: SpanId, trace: OfTrace = None) -> Response:
        """One call of a model, by its span's id, with its messages: input, output and instructions."""
        with about("span"), shared.views(caller) as views:
            return shown.single(request, calls.call(views, span, trace))

    @router.get("/api/llm-calls/{span}/cost", dependencies=unchanged, **described.one(examples.BILL))
    def cost(request: Request, caller: Reader, span: SpanId, trace: OfTrace = None) -> Response:
        """What one call cost by part, in nano-dollars, by which price; `unpriced` says why it has none."""
        with about("span"), shared.views(caller) as views:
            return shown.one(request, calls.bill(views, span, trace), Bill)
