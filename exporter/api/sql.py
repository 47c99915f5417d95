"""Routes: SQL of anybody who may ask, in the sandbox.

In: one SELECT. Out: its rows within limits. Who goes away before they are there ends the statement.
"""

import asyncio
import json
from typing import Any, Final

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from exporter.api.problems import RESPONSES
from exporter.api.shared import Shared
from exporter.sandbox import Cancel, Limits, Rows
from exporter.units import NS_PER_MS

_LOOK_S: Final = 0.1
_MOST: Final = 16
"""Threads that wait for a statement; the sandbox lets fewer in, and refuses the others at once."""
_EXAMPLE: Final = "select model, count(*) as calls, sum(cost_usd) as usd from llm_calls group by model"


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

    @router.post("/api/sql", response_model=Answered)
    async def sql(asked: Asked, request: Request) -> Response:
        """Asks the published views: one SELECT or EXPLAIN, 10 s, 10,000 rows, 32 MiB.

        Two statements run at once, five wait, others are told to come back (429). The views are those of `ax sql`.
        """
        cancel = Cancel()

        def ask() -> bytes:
            return _written(
                shared.sandbox.run(shared.config.data, asked.query, limits=Limits(rows=asked.limit), cancel=cancel)
            )

        leaving = asyncio.create_task(_gone(request, cancel))
        try:
            body = await to_thread.run_sync(ask, limiter=places)
        finally:
            cancel.set()
            leaving.cancel()
        return Response(body, media_type="application/json")

    return router


async def _gone(request: Request, cancel: Cancel) -> None:
    """Cancels the statement when nobody waits for it."""
    while not await request.is_disconnected():  # noqa: ASYNC110 (ASGI has no event for it)
        await asyncio.sleep(_LOOK_S)
    cancel.set()


def _written(rows: Rows) -> bytes:
    """The answer as JSON, written in the thread that asked: 32 MiB of it would hold up everybody else."""
    answer = {
        "columns": [{"name": column.name, "type": column.type} for column in rows.columns],
        "rows": rows.rows,
        "row_count": len(rows.rows),
        "truncated": rows.truncated,
        "elapsed_ms": rows.elapsed_ns / NS_PER_MS,
    }
    return json.dumps(answer, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode(errors="replace")
