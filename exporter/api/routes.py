"""The routes of the UI port.

In: HTTP requests. Out: answers made from what the processes publish in `DATA/run/`.
"""

import json
import os
import shutil
from typing import Annotated

import psutil
from fastapi import FastAPI, Header, Response

from exporter import figures
from exporter.api.guard import Guard
from exporter.api.health import Health, Observed, Readiness, health, readiness
from exporter.api.metrics import exposition, media_type
from exporter.clock import Clock
from exporter.config import Config
from exporter.figures import Figures, Sample

_PROCESSES = ("receive", "write")


def create(config: Config, clock: Clock, version: str, *, any_host: bool) -> FastAPI:
    """The application of one server; `Guard`, which is told `any_host`, is its outermost layer."""
    app = FastAPI(
        title="otel-ax",
        version=version,
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
    )
    app.add_middleware(Guard, any_host=any_host)
    started = clock.wall()

    @app.get("/healthz", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
    def healthz() -> Response:
        """Says that this process answers."""
        return Response("ok", media_type="text/plain")

    @app.get("/readyz", responses={503: {"model": Readiness}})
    def readyz(response: Response) -> Readiness:
        """Says whether requests are taken in and stored; 503 when not."""
        state = readiness(_observe(config, clock.wall(), started))
        response.status_code = 200 if state.ready else 503
        return state

    @app.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
    def metrics(accept: Annotated[str, Header()] = "") -> Response:
        """Our own counters and gauges, for Prometheus."""
        media = media_type(accept)
        parts = [figures.read(figures.path_of(config.data, process)) for process in _PROCESSES]
        own = _own_figures(config, clock.wall(), started, parts)
        return Response(exposition([*filter(None, parts), own], media), media_type=media)

    @app.get("/api/health")
    def api_health() -> Health:
        """The state of each component, and the worst of them."""
        return health(_observe(config, clock.wall(), started), config, version)

    return app


def _observe(config: Config, now: int, started: int) -> Observed:
    return Observed(
        now=now,
        started=_server_started(config) or started,
        receive=figures.read(figures.path_of(config.data, "receive")),
        write=figures.read(figures.path_of(config.data, "write")),
        free_bytes=shutil.disk_usage(config.data).free,
        memory_ratio=psutil.virtual_memory().percent / 100,
        is_published=(config.data / "ax.duckdb").is_file(),
    )


def _server_started(config: Config) -> int | None:
    """When the parent was ready; this process may have been started again since."""
    try:
        started = json.loads(figures.path_of(config.data, "server").read_bytes())["started"]
    except (OSError, ValueError, KeyError):
        return None
    return started if isinstance(started, int) else None


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
