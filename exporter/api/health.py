"""Routes: whether the server and what it observes are well.

In: the health that the loop looks at. Out: states, changes, Prometheus text.
"""

import os
import shutil
from typing import Annotated, Any, Final

import psutil
from fastapi import APIRouter, Header, Query, Response

from exporter import figures
from exporter.api import pages
from exporter.api.callers import Anyone, Overseer
from exporter.api.metrics import OPENMETRICS, TEXT, exposition, media_type
from exporter.api.pages import Cursor, Limit, Page
from exporter.api.problems import RESPONSES, described
from exporter.api.shared import Shared
from exporter.config import Config
from exporter.figures import Figures, Sample
from exporter.health import Component, Event, Health, Readiness, State, events, own

_PROCESSES = ("receive", "write")
_TEXT: Final[dict[int | str, dict[str, Any]]] = {200: {"content": {"text/plain": {"example": "ok"}}}}
_OPENMETRICS: Final[dict[int | str, dict[str, Any]]] = {
    200: {"content": {name.partition(";")[0]: {"schema": {"type": "string"}} for name in (TEXT, OPENMETRICS)}}
}


def routes(shared: Shared) -> APIRouter:
    """All of them."""
    router = APIRouter(tags=["health"])
    config, clock = shared.config, shared.clock
    started = clock.wall()

    @router.get("/healthz", response_class=Response, responses=_TEXT | described(421))
    async def healthz() -> Response:
        """Says that this process answers; also while every thread is at work for somebody."""
        return Response("ok", media_type="text/plain")

    @router.get("/readyz", responses=described(421) | {503: {"model": Readiness}})
    def readyz(caller: Anyone, response: Response) -> Readiness:
        """Says whether requests are taken in and stored; 503 when not, and to who may read what for."""
        state = own.readiness(shared.health.observe())
        response.status_code = 200 if state.ready else 503
        return state if caller.may("read") else Readiness(ready=state.ready, waiting_for=[])

    @router.get("/metrics", response_class=Response, responses=RESPONSES | _OPENMETRICS)
    def metrics(_: Overseer, accept: Annotated[str, Header()] = "") -> Response:
        """Our own counters and gauges, for Prometheus."""
        media = media_type(accept)
        parts = [figures.read(figures.path_of(config.data, process)) for process in _PROCESSES]
        ours = _own_figures(config, clock.wall(), started, parts)
        return Response(exposition([*filter(None, parts), ours], media), media_type=media)

    @router.get("/api/health", responses=RESPONSES)
    def health(_: Overseer) -> Health:
        """The state of each component, and the worst of them."""
        return shared.health.health(shared.version)

    @router.get("/api/health/components", responses=RESPONSES)
    def components(_: Overseer, state: Annotated[list[State] | None, Query()] = None) -> dict[str, Component]:
        """The components, or those that are in some state."""
        found = shared.health.health(shared.version).components
        return {name: one for name, one in found.items() if not state or one.state in state}

    @router.get("/api/health/events", response_model=Page[Event], responses=RESPONSES)
    def changes(_: Overseer, component: str | None = None, limit: Limit = 100, cursor: Cursor = None) -> object:
        """Changes of components, the latest first; times are Unix nanoseconds."""
        mark = pages.read(cursor, int)
        with shared.watch.control.reading() as connection:
            before = mark[0] if mark else None
            found = events.events(connection, component=component, before=before, limit=limit + 1)
        return pages.page(found, limit, lambda one: [one.number])

    return router


def _own_figures(config: Config, now: int, started: int, parts: list[Figures | None]) -> Figures:
    up = [
        Sample("ax_process_up", {"process": name}, int(part is not None and now - part.time < figures.STALE_NS))
        for name, part in zip(_PROCESSES, parts, strict=True)
    ]
    gauges = (
        *up,
        Sample("ax_process_resident_memory_bytes", {"process": "serve"}, psutil.Process().memory_info().rss),
        Sample("ax_free_disk_bytes", {}, shutil.disk_usage(config.data).free),
    )
    return Figures(now, started, os.getpid(), (), gauges)
