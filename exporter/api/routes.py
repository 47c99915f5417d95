"""The routes of the UI port.

In: HTTP requests. Out: answers of the parts that know them; `Guard` is the outermost layer.
"""

from fastapi import FastAPI

from exporter.api import alerts, budgets, health, notifications, rules, sql
from exporter.api.guard import Guard
from exporter.api.problems import refuse
from exporter.api.shared import Shared
from exporter.clock import Clock
from exporter.config import Config
from exporter.notify.reach import Reach
from exporter.sandbox import Sandbox
from exporter.watch import Watch
from exporter.watch.health import Watching

ROUTES = (health.routes, alerts.routes, rules.routes, budgets.routes, notifications.routes, sql.routes)
"""One function an area, in the order in which OpenAPI shows them."""


def create(
    config: Config,
    clock: Clock,
    version: str,
    *,
    any_host: bool,
    watch: Watch | None = None,
    watching: Watching | None = None,
    reach: Reach | None = None,
) -> FastAPI:
    """The application of one server; `Guard`, which is told `any_host`, is its outermost layer.

    `watch` is the loop of this process, `watching` its health, `reach` what test notices are sent with; without them
    the routes that need them answer 503.
    """
    app = FastAPI(
        title="otel-ax",
        version=version,
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
    )
    app.add_middleware(Guard, any_host=any_host)
    refuse(app)
    shared = Shared(
        config=config,
        clock=clock,
        version=version,
        health=watching or Watching(config, clock, watch),
        sandbox=Sandbox(),
        loop=watch,
        reach=reach,
    )
    for routes in ROUTES:
        app.include_router(routes(shared))
    return app
