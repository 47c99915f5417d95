"""Routes: budgets, where spend goes, what is unusual. Budgets of `rules/*.yaml` are read; those made here can change.

In: budgets as JSON, in the words of `rules/*.yaml`; the ledger and the rollups. Out: budgets as they stand, which the
SDK's gate asks too; projections; anomalies. Of a tenant only budgets that are its own alone.
"""

import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field, JsonValue
from starlette.convertors import StringConvertor, register_url_convertor  # codespell:ignore convertors

from exporter.api import pages
from exporter.api.asked import By, Where
from exporter.api.callers import Admin, Reader
from exporter.api.pages import Cursor, Limit
from exporter.api.problems import RESPONSES, Conflict, NotFound, about, described
from exporter.api.shared import Shared
from exporter.auth import Caller
from exporter.budget import kept
from exporter.budget.budget import Budget
from exporter.budget.shown import as_json, shown
from exporter.outlook.unusual import Unusual, unusual
from exporter.query.metric_names import known_as
from exporter.query.named import both

_HOURS: Final = 168
_EVENTS: Final = (
    "number", "budget", "at", "threshold", "basis", "spent_nanos", "limit_nanos", "period_start", "period_end", "late",
)  # fmt: skip
_MADE: Final[dict[str, JsonValue]] = {
    "name": "support",
    "usd": "$50",
    "per": "day",
    "zone": "Europe/Berlin",
    "alert_at": [50, 80, 100],
    "scope": {"agent": ["support-agent"]},
}


class Budgeted(BaseModel):
    """A budget, and who says so."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"budget": _MADE, "by": "ada"}]})

    budget: dict[str, Any]
    by: str | None = Field(None, max_length=200)


class _Name(StringConvertor):
    """A budget's name in a path: not that of another route, which then would seem to take what budgets take."""

    regex = rf"(?!(?:{'|'.join(kept.TAKEN)})$)[^/]+"


def routes(shared: Shared) -> APIRouter:
    """All of them."""
    register_url_convertor("budget", _Name())
    router = APIRouter(tags=["budgets"], responses=RESPONSES)
    _add_reading(router, shared)
    _add_changing(router, shared)
    _add_outlook(router, shared)
    return router


def _add_reading(router: APIRouter, shared: Shared) -> None:
    @router.get("/api/budgets")
    def budgets(caller: Reader, limit: Limit = 100, cursor: Cursor = None) -> dict[str, Any]:
        """The budgets that hold, as they stand, by name."""
        mark = pages.read(cursor, str)
        after = [one for one in _of(shared, caller) if mark is None or one.name > mark[0]][: limit + 1]
        with shared.watch.control.reading() as connection:
            found = [_told(shared, connection, one) for one in after]
        return pages.page(found, limit, lambda one: [one["name"]])

    @router.get("/api/budgets/events")
    def events(caller: Reader, budget: str | None = None, limit: Limit = 100, cursor: Cursor = None) -> dict[str, Any]:
        """Thresholds that were crossed, the latest first; times are Unix nanoseconds."""
        mark = pages.read(cursor, int)
        with shared.watch.control.reading() as connection:
            rows = connection.execute(
                """SELECT e.rowid, e.budget, at, threshold, basis, nanos, e.limit_nanos, period_start, period_end, late
                FROM budget_events e
                LEFT JOIN budget_generations g ON g.budget = e.budget AND g.generation = e.generation
                WHERE (:budget IS NULL OR e.budget = :budget) AND (:before IS NULL OR e.rowid < :before)
                    AND (:tenant IS NULL OR (json_array_length(meaning, '$.scope.tenant') = 1
                        AND json_extract(meaning, '$.scope.tenant[0]') = :tenant))
                ORDER BY e.rowid DESC LIMIT :limit""",
                {
                    "budget": budget,
                    "before": mark[0] if mark else None,
                    "tenant": caller.tenant,
                    "limit": limit + 1,
                },
            ).fetchall()
        found = [dict(zip(_EVENTS, row, strict=True)) for row in rows]
        return pages.page(found, limit, lambda one: [one["number"]])

    @router.get("/api/budgets/{name:budget}")
    def budget(name: str, caller: Reader) -> dict[str, Any]:
        """One budget: what is spent of how much by everybody together, for the gate in the SDK."""
        found = next((one for one in _of(shared, caller) if one.name == name), None)
        if found is None:
            raise _missing(name)
        with shared.watch.control.reading() as connection:
            return _told(shared, connection, found)


def _add_changing(router: APIRouter, shared: Shared) -> None:
    @router.post("/api/budgets", status_code=201, responses=described(409))
    def make(said: Budgeted, _: Admin) -> dict[str, Any]:
        """Makes a budget; 409 where there is one of that name. The first that is made takes the place of ours."""
        wanted = _budget_of(said.budget)

        def may_be_made(*, is_kept: bool, origin: str) -> None:
            if is_kept or origin not in {"api", "default"}:
                where = "already" if is_kept else f"in {origin}"
                raise Conflict(f"there is a budget {wanted.name} {where}", mend="give it another name, or change it")

        return _keep(shared, wanted, said.by, may_be_made)

    @router.put("/api/budgets/{name:budget}", responses=described(409))
    def change(name: str, said: Budgeted, _: Admin) -> dict[str, Any]:
        """Puts another in the place of a budget that was made here.

        Where amount, period or scope change, what was crossed is worked out anew; nobody is told of less than before.
        """
        if said.budget.get("name", name) != name:
            raise Conflict("budget.name: a budget keeps its name", mend="make another, and delete this one")
        wanted = _budget_of({**said.budget, "name": name})
        return _keep(shared, wanted, said.by, lambda *, is_kept, origin: _own(shared, name, origin, is_kept=is_kept))

    @router.delete("/api/budgets/{name:budget}", status_code=204, responses=described(409))
    def delete(name: str, _: Admin) -> None:
        """Removes a budget that was made here; what it told ends, what was spent stays known."""
        watch = shared.watch
        with watch.control.writing() as connection:
            _own(shared, name, watch.declared.origin_of(name), is_kept=kept.remove(connection, name))
        watch.reload()


def _add_outlook(router: APIRouter, shared: Shared) -> None:
    @router.get("/api/projections")
    def projections(caller: Reader) -> list[dict[str, Any]]:
        """What each budget's period will have cost, P10 to P90; null before its third day."""
        names = ("name", "limit_nanos", "spent_nanos", "period_start", "period_end", "projection")
        with shared.watch.control.reading() as connection:
            found = [as_json(shown(connection, one, shared.clock.wall())) for one in _of(shared, caller)]
        return [{name: one[name] for name in names} for one in found]

    @router.get("/api/anomalies")
    def anomalies(
        caller: Reader,
        by: By,
        metric: Annotated[str, Query(max_length=300)] = "hourly_cost",
        where: Where = None,
        zone: Annotated[str, Query(max_length=100)] = "UTC",
        hours: Annotated[int, Query(ge=1, le=_HOURS)] = 1,
        limit: Limit = 100,
    ) -> list[dict[str, Any]]:
        """The last whole hours of a measure or a stored metric, each with what was expected; the unusual ones first."""
        name, only = known_as(metric)
        where = both(only, where)
        with shared.views(caller) as views:
            found = unusual(views, name, shared.clock.wall(), by=by, where=where, zone=zone, last=hours)
        ranked = sorted(found, key=lambda one: (one.now.state not in {"high", "low"}, str(one.labels)))
        return [_unusual(one, by) for one in ranked[:limit]]


def _of(shared: Shared, caller: Caller) -> list[Budget]:
    """The budgets that hold and that somebody may see, by name."""
    found = (one for one in shared.watch.declared.budgets if one.is_shown_to(caller.tenant))
    return sorted(found, key=lambda one: one.name)


def _told(shared: Shared, connection: sqlite3.Connection, one: Budget) -> dict[str, Any]:
    """A budget as it stands, where it comes from, and as it was written."""
    return {
        **as_json(shown(connection, one, shared.clock.wall())),
        "origin": shared.watch.declared.origin_of(one.name),
        "enabled": one.enabled,
        "definition": one.model_dump(mode="json", exclude_defaults=True),
    }


def _budget_of(definition: Mapping[str, Any]) -> Budget:
    with about("budget"):
        return kept.budget_of(definition)


def _keep(shared: Shared, wanted: Budget, by: str | None, check: Callable[..., None]) -> dict[str, Any]:
    watch = shared.watch
    with watch.control.writing() as connection:
        check(is_kept=kept.has(connection, wanted.name), origin=watch.declared.origin_of(wanted.name))
        kept.keep(connection, wanted, shared.clock.wall(), by)
    watch.reload()
    with watch.control.reading() as connection:
        return _told(shared, connection, wanted)


def _own(shared: Shared, name: str, origin: str, *, is_kept: bool) -> None:
    """Raises `NotFound` and `Conflict` where a budget was not made here."""
    if is_kept:
        return
    if origin not in {"api", "default"}:
        raise Conflict(f"the budget {name[:200]} is declared in {origin}", mend="change it there")
    if any(one.name == name for one in shared.watch.declared.budgets):
        raise Conflict(f"the budget {name[:200]} comes with us", mend="POST /api/budgets makes one in its place")
    raise _missing(name)


def _missing(name: str) -> NotFound:
    mend = "GET /api/budgets lists them; rules/*.yaml and POST /api/budgets make them"
    return NotFound(f"there is no budget {name[:200]}", mend=mend)


def _unusual(one: Unusual, by: tuple[str, ...]) -> dict[str, Any]:
    labels = dict(zip(by, one.labels, strict=False))
    return {"labels": labels, "unit": one.unit, "state": one.now.state, "hours": [asdict(hour) for hour in one.hours]}
