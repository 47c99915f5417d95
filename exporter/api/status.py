"""Routes: how all is now, on one screen.

In: what is stored, the health that the loop looks at. Out: one answer, as `ax monitor status` has it.
"""

from dataclasses import dataclass
from typing import Final

from fastapi import APIRouter, Request, Response

from exporter.api import described
from exporter.api.asked import Time
from exporter.api.callers import Reader
from exporter.api.costs import Failed, failed
from exporter.api.figured import CALLED, Called
from exporter.api.figured import called as flat
from exporter.api.overview import PROVIDER, Provider, provider
from exporter.api.problems import RESPONSES
from exporter.api.shared import Shared
from exporter.api.shown import one
from exporter.health import State
from exporter.query.now import Now, now
from exporter.query.workflows import Run

_START: Final = 1_795_340_400_000_000_000


@dataclass(frozen=True, slots=True)
class Spans:
    """How many ended, and how many of them failed."""

    spans: int
    failed: int


@dataclass(frozen=True, slots=True)
class Level:
    """How many log records there are of a level."""

    level: str
    count: int


@dataclass(frozen=True, slots=True)
class Status:
    """How all is: `state` is the server's, told to who may see all tenants. Of series the last number is now."""

    start_ns: int
    end_ns: int
    step_ns: int
    state: State | None
    calls: Called | None
    calls_over_time: tuple[float | None, ...]
    p95_over_time_ns: tuple[float | None, ...]
    spans: Spans | None
    logs: tuple[Level, ...]
    providers: tuple[Provider, ...]
    running: tuple[Run, ...]
    failures: tuple[Failed, ...]


_STATUS: Final = Status(
    _START, _START + 900 * 10**9, 30 * 10**9, "healthy", CALLED, (12, None, 14), (1.9e9, None, 2.1e9),
    Spans(9_000, 12), (Level("error", 3),), (PROVIDER,), (), (),
)  # fmt: skip


def routes(shared: Shared) -> APIRouter:
    """The one there is."""
    router = APIRouter(tags=["overview"], responses=RESPONSES)

    @router.get("/api/status", **described.one(_STATUS))
    def status(request: Request, caller: Reader, time: Time) -> Response:
        """How the server, calls, providers, workflows and logs are, and were in the time."""
        at = shared.clock.wall()
        with shared.views(caller) as views:
            found = now(views, time.period(at), at)
        state = shared.health.health(shared.version).state if caller.tenant is None else None
        return one(request, _status(found, state), Status)

    return router


def _status(found: Now, state: State | None) -> Status:
    return Status(
        found.period.start_ns,
        found.period.end_ns,
        found.step_ns,
        state,
        None if found.calls is None else flat((), found.calls),
        found.calls_over_time,
        found.p95_over_time,
        None if found.spans is None else Spans(found.spans.count, found.spans.failed),
        tuple(Level(name, count) for name, count in found.logs.items()),
        tuple(provider(row) for row in found.providers),
        found.running,
        tuple(failed(row) for row in found.failures),
    )
