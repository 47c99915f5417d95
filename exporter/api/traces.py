"""Routes: traces, and one span by span.

In: what is stored. Out: pages of traces, what they come to; a trace as a tree; a span with all that is stored of it.
"""

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Path, Request, Response

from exporter.api import described, examples, fresh, marks, pages, shown
from exporter.api.asked import Fields, Time, Where
from exporter.api.callers import Reader
from exporter.api.described import Some
from exporter.api.pages import Cursor, Limit
from exporter.api.problems import RESPONSES, about
from exporter.api.shared import Shared
from exporter.query import detail, logs, traces
from exporter.query.detail import Detail
from exporter.query.logs import Record
from exporter.query.traces import Statistics, Trace

MOST_SPANS: Final = 20_000
_UNCHANGED: Final = [Depends(fresh.unchanged)]

TraceId = Annotated[
    str, Path(max_length=100, description="a trace's id, or its beginning", examples=[examples.TRACE_ID])
]
SpanId = Annotated[str, Path(max_length=100, description="a span's id", examples=[examples.SPAN_ID])]


def routes(shared: Shared) -> APIRouter:
    """All of them."""
    router = APIRouter(tags=["traces"], responses=RESPONSES)
    _add_lists(router, shared)
    _add_one(router, shared)
    return router


def _add_lists(router: APIRouter, shared: Shared) -> None:
    @router.get("/api/traces", **described.rows(examples.TRACE, Some[Trace]))
    def listed(
        request: Request,
        caller: Reader,
        time: Time,
        where: Where = None,
        fields: Fields = None,
        limit: Limit = 100,
        cursor: Cursor = None,
    ) -> Response:
        """Traces that began in a period, the newest first, with what they cost."""
        after, period = marks.read_after(cursor), time.period(shared.clock.wall())
        with shared.views(caller) as views:
            found, following = traces.page_of_traces(views, period, where=where, limit=limit, after=after)
        return shown.answered(request, found, Trace, fields=fields, next_cursor=marks.written_after(following))

    @router.get("/api/traces/stats", **described.rows(examples.STATISTICS))
    def statistics(request: Request, caller: Reader, time: Time) -> Response:
        """What the traces of a period come to: how many, how long, how many failed; one row."""
        with shared.views(caller) as views:
            found = traces.statistics(views, time.period(shared.clock.wall()))
        return shown.answered(request, found, Statistics)


def _add_one(router: APIRouter, shared: Shared) -> None:
    @router.get("/api/traces/{trace}", dependencies=_UNCHANGED, **described.one(examples.DETAIL))
    def trace(request: Request, caller: Reader, trace: TraceId) -> Response:
        """One trace: its spans in the order of their tree, with own time, critical path, and cost of all below."""
        with about("trace"), shared.views(caller) as views:
            return shown.one(request, detail.detail(views, trace, most=MOST_SPANS), Detail)

    @router.get("/api/traces/{trace}/logs", dependencies=_UNCHANGED, **described.rows(examples.RECORD, Some[Record]))
    def records(
        request: Request,
        caller: Reader,
        trace: TraceId,
        fields: Fields = None,
        limit: Limit = 100,
        cursor: Cursor = None,
    ) -> Response:
        """The log records of a trace, in the order of their times; of the whole id of a trace."""
        skip = pages.skip_of(cursor)
        with about("trace"), shared.views(caller) as views:
            found = logs.of_trace(views, trace, limit=limit + 1, skip=skip)
        shown_rows, next_cursor = pages.cut(found, limit, skip)
        return shown.answered(request, shown_rows, Record, fields=fields, next_cursor=next_cursor)

    @router.get("/api/spans/{trace}/{span}", dependencies=_UNCHANGED, **described.object_of(examples.SPAN))
    def span(request: Request, caller: Reader, trace: TraceId, span: SpanId) -> Response:
        """One span with everything that is stored of it: attributes, events, links, resource and scope."""
        with about("trace"), shared.views(caller) as views:
            return shown.single(request, detail.span(views, trace, span))
