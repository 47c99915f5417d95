"""The routes of the UI port.

In: HTTP requests. Out: answers of the parts that know them; `Guard` is the outermost layer.
"""

from fastapi import FastAPI

from exporter.api import (
    alerts,
    budgets,
    costs,
    health,
    live,
    logs,
    measured,
    notifications,
    overview,
    records,
    rollups,
    rules,
    runs,
    session,
    sql,
    status,
    traces,
)
from exporter.api.entry import Entry
from exporter.api.guard import Guard, Hosts
from exporter.api.openapi import describe
from exporter.api.problems import refuse
from exporter.api.shared import Shared
from exporter.api.web import Web, built
from exporter.auth import Doors
from exporter.auth.sessions import Sessions
from exporter.clock import Clock
from exporter.config import Config
from exporter.notify.reach import Reach
from exporter.query.current import Current
from exporter.sandbox import Sandbox
from exporter.watch import Watch
from exporter.watch.health import Watching

ROUTES = (
    health.routes,
    overview.routes,
    status.routes,
    traces.routes,
    logs.routes,
    runs.routes,
    records.routes,
    measured.routes,
    costs.routes,
    alerts.routes,
    rules.routes,
    budgets.routes,
    notifications.routes,
    sql.routes,
    live.routes,
    rollups.routes,
)
"""One function an area, in the order in which OpenAPI shows them."""


def create(
    config: Config,
    clock: Clock,
    version: str,
    *,
    doors: Doors | None = None,
    watch: Watch | None = None,
    watching: Watching | None = None,
    reach: Reach | None = None,
) -> FastAPI:
    """The application of one server; `Guard` is its outermost layer, then come `Web` and `Entry`.

    `doors` are kept fresh by somebody else; without, they stay as they are found now. `watch` is the loop of this
    process, `watching` its health, `reach` what test notices are sent with; without them the routes that need them
    answer 503.
    """
    app = FastAPI(
        title="otel-ax",
        version=version,
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
    )
    doors = doors or Doors.open(config, clock)
    door, sessions, is_tls = doors.of("serve.ui"), Sessions(doors.known, clock), doors.certificates is not None
    cookie = session.cookie_name(is_tls=is_tls)
    app.add_middleware(Entry, door=door, sessions=sessions, cookie=cookie, rate=config.rate, clock=clock)
    app.add_middleware(Web, built=built())
    app.add_middleware(Guard, hosts=Hosts.of(config.serve))
    refuse(app)
    shared = Shared(
        config=config,
        clock=clock,
        version=version,
        health=watching or Watching(config, clock, watch),
        sandbox=Sandbox(),
        current=Current(config.data),
        loop=watch,
        reach=reach,
    )
    app.state.shared = shared
    for routes in ROUTES:
        app.include_router(routes(shared))
    app.include_router(session.routes(door, sessions, is_tls=is_tls))
    describe(app)
    return app
