"""Routes: SQL of anybody who may ask, in the sandbox.

In: one SELECT. Out: its rows within limits, as JSON, CSV or an Arrow stream, by `Accept`. Who goes away before they are
there ends the statement.
"""

import asyncio
import csv
import io
import json
from typing import Annotated, Any, Final

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from exporter.api.callers import who_may
from exporter.api.problems import RESPONSES
from exporter.api.shared import Shared
from exporter.api.shown import ARROW, CSV, JSON, form_of
from exporter.auth import Caller
from exporter.query.plain import csv_cell
from exporter.sandbox import Cancel, Limits, Rows, Stream
from exporter.units import NS_PER_MS

_LOOK_S: Final = 0.1
_MOST: Final = 16
"""Threads that wait for a statement; the sandbox lets fewer in, and refuses the others at once."""
_EXAMPLE: Final = "select model, count(*) as calls, sum(cost_usd) as usd from llm_calls group by model"


TRUNCATED: Final = "X-Ax-Truncated"
"""The header of an answer that has not all rows; JSON says it inside too."""
_RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "headers": {
            TRUNCATED: {"description": "`true` where there were more rows", "schema": {"type": "string"}},
        },
        "content": {
            JSON: {
                "example": {
                    "columns": [
                        {"name": "model", "type": "VARCHAR"},
                        {"name": "calls", "type": "BIGINT"},
                        {"name": "usd", "type": "DECIMAL(38,9)"},
                    ],
                    "rows": [["gpt-5-mini", 1204, 3.1415]],
                    "row_count": 1,
                    "truncated": False,
                    "elapsed_ms": 41.5,
                }
            },
            CSV: {"schema": {"type": "string"}, "example": "model,calls,usd\ngpt-5-mini,1204,3.1415\n"},
            ARROW: {"schema": {"type": "string", "format": "binary"}},
        },
    }
}
Asker = Annotated[Caller, Depends(who_may("sql"))]
"""Who may ask by SQL; of a tenant, about its own data."""


class Asked(BaseModel):
    """A statement, and how many rows at most."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"query": _EXAMPLE}]})

    query: str = Field(max_length=Limits().statement_bytes)
    limit: int = Field(Limits().rows, ge=1, le=Limits().rows)


class Named(BaseModel):
    """A column."""

    name: str
    type: str


class Answered(BaseModel):
    """Rows in the order of the columns; `truncated` where there were more."""

    columns: list[Named]
    rows: list[list[Any]]
    row_count: int
    truncated: bool
    elapsed_ms: float


def routes(shared: Shared) -> APIRouter:
    """The one there is."""
    router = APIRouter(tags=["sql"], responses=RESPONSES)
    places = CapacityLimiter(_MOST)

    @router.post("/api/sql", response_model=Answered, responses=_RESPONSES)
    async def sql(asked: Asked, request: Request, caller: Asker) -> Response:
        """Asks the published views: one SELECT or EXPLAIN, 10 s, 10,000 rows, 32 MiB.

        Two statements run at once, five wait, others are told to come back (429). The views are those of `ax sql`; a
        token of one tenant sees what came with its tokens, and nothing of rules, alerts and budgets.
        """
        form = form_of(request)
        cancel = Cancel()

        def ask() -> Response:
            run = shared.sandbox.arrow if form == ARROW else shared.sandbox.run
            limits = Limits(rows=asked.limit)
            return _sent(form, run(shared.config.data, asked.query, tenant=caller.tenant, limits=limits, cancel=cancel))

        leaving = asyncio.create_task(_gone(request, cancel))
        try:
            return await to_thread.run_sync(ask, limiter=places)
        finally:
            cancel.set()
            leaving.cancel()

    return router


async def _gone(request: Request, cancel: Cancel) -> None:
    """Cancels the statement when nobody waits for it."""
    while not await request.is_disconnected():  # noqa: ASYNC110 (ASGI has no event for it)
        await asyncio.sleep(_LOOK_S)
    cancel.set()


def _sent(form: str, found: Rows | Stream) -> Response:
    """The answer, written in the thread that asked: 32 MiB of it would hold up everybody else."""
    headers = {"Vary": "Accept", **({TRUNCATED: "true"} if found.truncated else {})}
    if isinstance(found, Stream):
        return Response(found.arrow, headers=headers, media_type=ARROW)
    body = _csv(found) if form == CSV else _json(found)
    return Response(body.encode(errors="replace"), headers=headers, media_type=form)


def _json(rows: Rows) -> str:
    answer = {
        "columns": [{"name": column.name, "type": column.type} for column in rows.columns],
        "rows": rows.rows,
        "row_count": len(rows.rows),
        "truncated": rows.truncated,
        "elapsed_ms": rows.elapsed_ns / NS_PER_MS,
    }
    return json.dumps(answer, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _csv(rows: Rows) -> str:
    """NULL is empty; text that a spreadsheet would take for a formula is quoted, in names of columns too."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([csv_cell(column.name) for column in rows.columns])
    writer.writerows([csv_cell(value) for value in row] for row in rows.rows)
    return text.getvalue()
