"""Routes: rules. Those of files can be read, turned off and tried; those made here can be changed.

In: rules as JSON, in the words of `rules/*.yaml`. Out: rules and how they do; what they say now, and would have said.
"""

from collections.abc import Mapping
from typing import Any, Final

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from exporter.alert import ask, kept
from exporter.alert.backtest import backtest
from exporter.alert.declared import OWN
from exporter.alert.evaluate import Context, Failure, evaluate
from exporter.alert.rule import Group, Watched
from exporter.api import pages
from exporter.api.callers import Admin, Overseer
from exporter.api.pages import Cursor, Limit, Page
from exporter.api.problems import RESPONSES, Conflict, NotFound, about, described
from exporter.api.shared import Shared
from exporter.api.trying import Places, bounded
from exporter.query.period import DAY, Period
from exporter.query.views import reading
from exporter.units import parse_duration

_SLOW: Final[dict[str, JsonValue]] = {
    "alert": "SlowCalls",
    "metric": "p95_latency",
    "by": ["model"],
    "operator": ">",
    "threshold": "2s",
    "window": "5m",
    "severity": "warning",
}
_LONGEST_NS: Final = 31 * DAY
_FEW: Final = 100


class Made(BaseModel):
    """A rule, the group that it is in, and who says so."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"rule": _SLOW, "by": "ada"}]})

    rule: dict[str, Any]
    group: str = Field(OWN, pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.:-]{0,99}$")
    by: str | None = Field(None, max_length=200)


class Changed(BaseModel):
    """A rule in the place of the one there is; its name may not change."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"rule": _SLOW, "by": "ada"}]})

    rule: dict[str, Any]
    by: str | None = Field(None, max_length=200)


class Switch(BaseModel):
    """On, off, or null: as the rule says itself."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"enabled": False, "by": "ada"}]})

    enabled: bool | None
    by: str | None = Field(None, max_length=200)


class Tried(BaseModel):
    """A rule by its id, or one that there is not yet."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"id": "defaults/SlowCalls"}, {"rule": _SLOW}]}
    )

    id: str | None = None
    rule: dict[str, Any] | None = None


class TriedBack(Tried):
    """The same over a range of time up to now."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"id": "defaults/SlowCalls", "range": "24h"}]}
    )

    span: str = Field("24h", alias="range", max_length=50)


class Ruled(BaseModel):
    """A rule and how it does; times are Unix nanoseconds. `origin` is `default`, `api` or FILE:LINE."""

    id: str
    name: str
    group: str
    origin: str
    enabled: bool
    severity: str
    interval_ns: int
    definition: dict[str, Any]
    health: str
    error: str
    missed: int
    evaluated_at: int | None


def routes(shared: Shared) -> APIRouter:
    """All of them."""
    router = APIRouter(tags=["rules"], responses=RESPONSES)
    _add_reading(router, shared)
    _add_changing(router, shared)
    _add_trying(router, shared)
    return router


def _add_reading(router: APIRouter, shared: Shared) -> None:
    @router.get("/api/rules", response_model=Page[Ruled])
    def rules(_: Overseer, limit: Limit = 100, cursor: Cursor = None) -> object:
        """All rules that are evaluated, by id."""
        mark = pages.read(cursor, str)
        known = sorted(shared.watch.declared.rules, key=lambda one: one.id)
        after = [one for one in known if mark is None or one.id > mark[0]][: limit + 1]
        did = _did(shared)
        shown = [_ruled(shared, one, did.get(one.id, {})) for one in after]
        return pages.page(shown, limit, lambda one: [one.id])

    @router.get("/api/rules/problems")
    def problems(_: Overseer) -> list[str]:
        """What is wrong with files of rules that cannot be used: FILE:LINE:COLUMN, what, and the mend."""
        return [str(one) for one in shared.watch.declared.problems]

    @router.get("/api/rules/{group}/{name}")
    def rule(group: str, name: str, _: Overseer) -> Ruled:
        """One rule, by group and name."""
        found = _known(shared, f"{group}/{name}")
        return _ruled(shared, found, _did(shared).get(found.id, {}))


def _add_changing(router: APIRouter, shared: Shared) -> None:
    @router.post("/api/rules", status_code=201, responses=described(409))
    def make(said: Made, _: Admin) -> Ruled:
        """Makes a rule; 409 where there is one of that group and name."""
        identity = f"{said.group}/{said.rule.get('alert')}"
        if any(one.id == identity for one in shared.watch.declared.rules):
            raise Conflict(f"there is a rule {identity}", mend="give it another name, or PUT it")
        return _keep(shared, said.group, said.rule, said.by)

    @router.put("/api/rules/{group}/{name}", responses=described(409))
    def change(group: str, name: str, said: Changed, _: Admin) -> Ruled:
        """Puts another in the place of a rule that was made here."""
        _own(shared, f"{group}/{name}")
        if said.rule.get("alert", name) != name:
            raise Conflict("rule.alert: a rule keeps its name", mend="make another, and delete this one")
        return _keep(shared, group, {**said.rule, "alert": name}, said.by)

    @router.delete("/api/rules/{group}/{name}", status_code=204, responses=described(409))
    def delete(group: str, name: str, _: Admin) -> None:
        """Removes a rule that was made here; its alerts end."""
        found = _own(shared, f"{group}/{name}")
        with shared.watch.control.writing() as connection:
            kept.remove(connection, found.id)
        shared.watch.reload()

    @router.post("/api/rules/{group}/{name}/toggle")
    def toggle(group: str, name: str, said: Switch, _: Admin) -> Ruled:
        """Turns a rule on or off, also one of a file; its state goes on, nobody is told."""
        found = _known(shared, f"{group}/{name}")
        with shared.watch.control.writing() as connection:
            kept.toggle(connection, found.id, shared.clock.wall(), on=said.enabled, by=said.by)
        shared.watch.reload()
        return _ruled(shared, _known(shared, found.id), _did(shared).get(found.id, {}))


def _add_trying(router: APIRouter, shared: Shared) -> None:
    settings = shared.config.alert
    places = Places()

    @router.post("/api/rules/test", responses=described(409, 422))
    def test(said: Tried, _: Admin) -> dict[str, Any]:
        """Asks a rule's question once, now: the values, and what they would change. Nobody is told."""
        watched, now = _tried(shared, said), shared.clock.wall()
        delay_ns = watched.group.delay_ns(settings.delay)
        with places.one(), reading(shared.config.data) as views:
            answer = ask.samples(views, [watched], now, delay_ns, run_sql=bounded(shared))[watched.id]
        context = Context(started_at=0, interval_ns=watched.group.interval_ns(settings.interval))
        changes = evaluate(watched, (), answer, now, context)[1]
        if isinstance(answer, Failure):
            return {"id": watched.id, "error": answer.message, "samples": [], "changes": []}
        return {
            "id": watched.id,
            "error": None,
            "unit": watched.rule.unit,
            "samples": [
                {"labels": dict(one.labels), "value": one.value, "records": one.records} for one in answer[:_FEW]
            ],
            "changes": [
                {"labels": dict(one.labels), "transition": one.transition, "severity": one.severity, "value": one.value}
                for one in changes[:_FEW]
            ],
        }

    @router.post("/api/rules/backtest", responses=described(409, 422))
    def past(said: TriedBack, _: Admin) -> dict[str, Any]:
        """What a rule would have done with what is stored; times are Unix nanoseconds."""
        watched, now = _tried(shared, said), shared.clock.wall()
        with about("range"):
            length_ns = min(parse_duration(said.span), _LONGEST_NS)
        with places.one(), reading(shared.config.data) as views:
            found = backtest(
                views,
                watched,
                Period(now - length_ns, now),
                interval_ns=watched.group.interval_ns(settings.interval),
                delay_ns=watched.group.delay_ns(settings.delay),
                run_sql=bounded(shared),
            )
        return {
            "id": found.rule_id,
            "start_ns": found.period.start_ns,
            "end_ns": found.period.end_ns,
            "every_ns": found.every_ns,
            "slots": found.slots,
            "pending": found.pending,
            "failures": found.failures,
            "failure": found.failure,
            "fired": [
                {
                    "labels": dict(one.labels),
                    "severity": one.severity,
                    "fired_at": one.fired_at,
                    "resolved_at": one.resolved_at,
                    "value": one.value,
                    "threshold": one.threshold,
                    "summary": one.summary,
                }
                for one in found.fired[:_FEW]
            ],
            "fired_count": len(found.fired),
        }


def _keep(shared: Shared, group: str, definition: Mapping[str, Any], by: str | None) -> Ruled:
    with about("rule"):
        rule = kept.rule_of(definition)
    with shared.watch.control.writing() as connection:
        identity = kept.keep(connection, group, rule, shared.clock.wall(), by)
    shared.watch.reload()
    return _ruled(shared, _known(shared, identity), _did(shared).get(identity, {}))


def _known(shared: Shared, identity: str) -> Watched:
    for one in shared.watch.declared.rules:
        if one.id == identity:
            return one
    raise NotFound(f"there is no rule {identity[:200]}", mend="GET /api/rules lists them")


def _own(shared: Shared, identity: str) -> Watched:
    found = _known(shared, identity)
    if not found.is_own:
        where = "comes with us" if found.origin == "default" else f"is declared in {found.origin}"
        raise Conflict(f"the rule {identity} {where}", mend="change it there, or POST …/toggle to turn it off")
    return found


def _tried(shared: Shared, said: Tried) -> Watched:
    if said.id is not None and said.rule is None:
        return _known(shared, said.id)
    if said.rule is None or said.id is not None:
        raise Conflict("id: one of id and rule is tried", mend="give one of them")
    with about("rule"):
        rule = kept.rule_of(said.rule)
    return Watched(f"{OWN}/{rule.alert}", rule, Group(name=OWN, rules=(rule,)), "api", enabled=True)


def _did(shared: Shared) -> dict[str, dict[str, Any]]:
    """How each rule's last evaluation went."""
    with shared.watch.control.reading() as connection:
        rows = connection.execute("SELECT id, health, error, missed, evaluated_at FROM alert_rules").fetchall()
    names = ("health", "error", "missed", "evaluated_at")
    return {identity: dict(zip(names, rest, strict=True)) for identity, *rest in rows}


def _ruled(shared: Shared, one: Watched, did: Mapping[str, Any]) -> Ruled:
    return Ruled(
        id=one.id,
        name=one.rule.alert,
        group=one.group.name,
        origin=one.origin,
        enabled=one.enabled,
        severity=one.rule.worst,
        interval_ns=one.group.interval_ns(shared.config.alert.interval),
        definition=one.rule.model_dump(mode="json", by_alias=True, exclude_defaults=True),
        health=did.get("health") or "new",
        error=did.get("error") or "",
        missed=did.get("missed") or 0,
        evaluated_at=did.get("evaluated_at"),
    )
