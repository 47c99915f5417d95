"""Routes: budgets, where spend goes, what is unusual. Budgets are declared in `rules/*.yaml`.

In: the ledger and the rollups. Out: budgets as they stand, which the SDK's gate asks too; projections; anomalies.
"""

from dataclasses import asdict
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query

from exporter.api import pages
from exporter.api.pages import Cursor, Limit
from exporter.api.problems import RESPONSES, NotFound
from exporter.api.shared import Shared
from exporter.budget.budget import Budget
from exporter.budget.shown import as_json, shown
from exporter.outlook.unusual import Unusual, unusual
from exporter.query.views import reading

_HOURS: Final = 168
_EVENTS: Final = (
    "number", "budget", "at", "threshold", "basis", "spent_nanos", "limit_nanos", "period_start", "period_end", "late",
)  # fmt: skip


def routes(shared: Shared) -> APIRouter:
    """All of them."""
    router = APIRouter(tags=["budgets"], responses=RESPONSES)
    _add_budgets(router, shared)
    _add_outlook(router, shared)
    return router


def _add_budgets(router: APIRouter, shared: Shared) -> None:
    @router.get("/api/budgets")
    def budgets(limit: Limit = 100, cursor: Cursor = None) -> dict[str, Any]:
        """The budgets that hold, as they stand, by name."""
        mark = pages.read(cursor, str)
        known = sorted(shared.watch.declared.budgets, key=lambda one: one.name)
        after = [one for one in known if mark is None or one.name > mark[0]][: limit + 1]
        with shared.watch.control.reading() as connection:
            found = [as_json(shown(connection, one, shared.clock.wall())) for one in after]
        return pages.page(found, limit, lambda one: [one["name"]])

    @router.get("/api/budgets/events")
    def events(budget: str | None = None, limit: Limit = 100, cursor: Cursor = None) -> dict[str, Any]:
        """Thresholds that were crossed, the latest first; times are Unix nanoseconds."""
        mark = pages.read(cursor, int)
        with shared.watch.control.reading() as connection:
            rows = connection.execute(
                """SELECT rowid, budget, at, threshold, basis, nanos, limit_nanos, period_start, period_end, late
                FROM budget_events
                WHERE (:budget IS NULL OR budget = :budget) AND (:before IS NULL OR rowid < :before)
                ORDER BY rowid DESC LIMIT :limit""",
                {"budget": budget, "before": mark[0] if mark else None, "limit": limit + 1},
            ).fetchall()
        found = [dict(zip(_EVENTS, row, strict=True)) for row in rows]
        return pages.page(found, limit, lambda one: [one["number"]])

    @router.get("/api/budgets/{name}")
    def budget(name: str) -> dict[str, Any]:
        """One budget: what is spent of how much by everybody together, for the gate in the SDK."""
        found = _named(shared, name)
        with shared.watch.control.reading() as connection:
            return as_json(shown(connection, found, shared.clock.wall()))


def _add_outlook(router: APIRouter, shared: Shared) -> None:
    @router.get("/api/projections")
    def projections() -> list[dict[str, Any]]:
        """What each budget's period will have cost, P10 to P90; null before its third day."""
        names = ("name", "limit_nanos", "spent_nanos", "period_start", "period_end", "projection")
        with shared.watch.control.reading() as connection:
            found = [as_json(shown(connection, one, shared.clock.wall())) for one in shared.watch.declared.budgets]
        return [{name: one[name] for name in names} for one in found]

    @router.get("/api/anomalies")
    def anomalies(
        metric: str = "hourly_cost",
        by: Annotated[list[str] | None, Query(max_length=8)] = None,
        where: Annotated[str | None, Query(alias="filter", max_length=4_000)] = None,
        zone: Annotated[str, Query(max_length=100)] = "UTC",
        hours: Annotated[int, Query(ge=1, le=_HOURS)] = 1,
        limit: Limit = 100,
    ) -> list[dict[str, Any]]:
        """The last whole hours of a measure or a stored metric, each with what was expected; the unusual ones first."""
        with reading(shared.config.data) as views:
            found = unusual(views, metric, shared.clock.wall(), by=tuple(by or ()), where=where, zone=zone, last=hours)
        ranked = sorted(found, key=lambda one: (one.now.state not in {"high", "low"}, str(one.labels)))
        return [_unusual(one, tuple(by or ())) for one in ranked[:limit]]


def _named(shared: Shared, name: str) -> Budget:
    for one in shared.watch.declared.budgets:
        if one.name == name:
            return one
    raise NotFound(f"there is no budget {name[:200]}", mend="GET /api/budgets lists them; rules/*.yaml declares them")


def _unusual(one: Unusual, by: tuple[str, ...]) -> dict[str, Any]:
    labels = dict(zip(by, one.labels, strict=False))
    return {"labels": labels, "unit": one.unit, "state": one.now.state, "hours": [asdict(hour) for hour in one.hours]}
