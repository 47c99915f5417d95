"""Routes: alerts, what became of them, and silences.

In: the control database. Out: alerts as people see them; what somebody does about one is told as any change is.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from exporter.alert import listed
from exporter.alert.listed import Alert, Entry, Shown, Statistics
from exporter.alert.shapes import Severity
from exporter.api import pages
from exporter.api.callers import Admin, Overseer, Reader
from exporter.api.pages import Cursor, Limit, Page
from exporter.api.problems import RESPONSES, about
from exporter.api.shared import Shared
from exporter.notify import silences
from exporter.notify.match import parse
from exporter.units import parse_duration
from exporter.watch import hands


class By(BaseModel):
    """Who does something about an alert."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"by": "ada", "note": "on it"}]})

    by: str = Field(min_length=1, max_length=200)
    note: str = Field("", max_length=1_000)


class Snooze(By):
    """Who wants not to be told of an alert, and for how long."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"by": "ada", "for": "2h"}]})

    duration: str = Field("1h", alias="for", max_length=50)


class Hush(Snooze):
    """Nobody is told of what fulfils all matchers."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"by": "ada", "for": "2h", "matchers": ["team=chat", "alert=Slow*"]}]},
    )

    matchers: list[str] = Field(min_length=1, max_length=20)


class Hushed(BaseModel):
    """A silence; times are Unix nanoseconds."""

    id: str
    matchers: list[str]
    starts_at: int
    ends_at: int
    by: str
    note: str


def routes(shared: Shared) -> APIRouter:
    """All of them; times are Unix nanoseconds, labels and annotations are lists of pairs."""
    router = APIRouter(tags=["alerts"], responses=RESPONSES)
    _add_reading(router, shared)
    _add_doing(router, shared)
    _add_silences(router, shared)
    return router


def _add_reading(router: APIRouter, shared: Shared) -> None:
    @router.get("/api/alerts", response_model=Page[Alert])
    def alerts(
        caller: Reader,
        state: Annotated[list[Shown] | None, Query()] = None,
        severity: Annotated[list[Severity] | None, Query()] = None,
        rule: str | None = None,
        limit: Limit = 100,
        cursor: Cursor = None,
    ) -> object:
        """Alerts, the newest first; of a rule by its id or name. Of a tenant those that have its label `tenant`."""
        mark = pages.read(cursor, int, str)
        with shared.watch.control.reading() as connection:
            found = listed.listed(
                connection,
                states=state or (),
                severities=severity or (),
                rule=rule,
                before=(mark[0], mark[1]) if mark else None,
                limit=limit + 1,
                tenant=caller.tenant,
            )
        return pages.page(found, limit, lambda one: [one.started_at, one.episode])

    @router.get("/api/alerts/stats")
    def stats(caller: Reader) -> Statistics:
        """How many there were in the last 24 h, by state and severity."""
        with shared.watch.control.reading() as connection:
            return listed.statistics(connection, shared.clock.wall(), tenant=caller.tenant)

    @router.get("/api/alerts/history", response_model=Page[Entry])
    def history(caller: Reader, alert: str | None = None, limit: Limit = 100, cursor: Cursor = None) -> object:
        """What changed, the latest first: of one alert, by the beginning of its id, or of all."""
        mark, tenant = pages.read(cursor, int), caller.tenant
        with shared.watch.control.reading() as connection:
            episode = None if alert is None else listed.find(connection, alert, active=False, tenant=tenant).episode
            before = mark[0] if mark else None
            found = listed.history(connection, episode=episode, before=before, limit=limit + 1, tenant=tenant)
        return pages.page(found, limit, lambda one: [one.number])

    @router.get("/api/alerts/{alert}")
    def alert(alert: str, caller: Reader) -> Alert:
        """One alert, by the beginning of its id."""
        with shared.watch.control.reading() as connection:
            return listed.find(connection, alert, active=False, tenant=caller.tenant)


def _add_doing(router: APIRouter, shared: Shared) -> None:
    @router.post("/api/alerts/{alert}/acknowledge")
    def acknowledge(alert: str, said: By, _: Admin) -> Alert:
        """Somebody looks after it: it is told no more until it ends or gets worse."""
        watch = shared.watch
        found = hands.acknowledge(watch.control, watch.declared, alert, said.by, shared.clock.wall(), said.note)
        watch.wake()
        return found

    @router.post("/api/alerts/{alert}/resolve")
    def resolve(alert: str, said: By, _: Admin) -> Alert:
        """Somebody ends it; where what it is about goes on, the next evaluation begins another."""
        watch = shared.watch
        found = hands.resolve(watch.control, watch.declared, alert, said.by, shared.clock.wall())
        watch.wake()
        return found

    @router.post("/api/alerts/{alert}/silence")
    def snooze(alert: str, said: Snooze, _: Admin) -> Hushed:
        """Nobody is told of it, and of those that follow it there, for a while."""
        watch = shared.watch
        made = hands.silence(
            watch.control,
            (),
            alert=alert,
            for_ns=_length_ns(said),
            by=said.by,
            now=shared.clock.wall(),
            note=said.note,
        )
        return _hushed(made)


def _add_silences(router: APIRouter, shared: Shared) -> None:
    @router.get("/api/silences")
    def silenced(_: Overseer, *, coming: bool = False) -> list[Hushed]:
        """The silences that hold now, and with `coming` those that will; 1,000 at most."""
        with shared.watch.control.reading() as connection:
            return [_hushed(one) for one in silences.active(connection, shared.clock.wall(), coming=coming)]

    @router.post("/api/silences", status_code=201)
    def silence(said: Hush, _: Admin) -> Hushed:
        """Lets nobody be told, for a while, of what fulfils all matchers."""
        with about("matchers"):
            matchers = [parse(text) for text in said.matchers]
        made = hands.silence(
            shared.watch.control,
            matchers,
            for_ns=_length_ns(said),
            by=said.by,
            now=shared.clock.wall(),
            note=said.note,
        )
        return _hushed(made)

    @router.delete("/api/silences/{silence}")
    def lift(silence: str, _: Admin) -> Hushed:
        """Ends a silence now, by the beginning of its id."""
        watch = shared.watch
        found = hands.lift(watch.control, silence, shared.clock.wall())
        watch.wake()
        return _hushed(found)


def _length_ns(said: Snooze) -> int:
    with about("for"):
        return parse_duration(said.duration)


def _hushed(silence: silences.Silence) -> Hushed:
    shown: dict[str, Any] = silences.shown(silence)
    return Hushed.model_validate(shown)
