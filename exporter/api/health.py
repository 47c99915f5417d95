"""Whether the server is well, part by part.

In: figures, free disk, memory in use, the time. Out: a state and a sentence for each component, and the worst of all.
"""

from dataclasses import dataclass
from typing import Final, Literal

from pydantic import BaseModel

from exporter.config import Config
from exporter.figures import STALE_NS, Figures
from exporter.units import NS_PER_S

State = Literal["healthy", "degraded", "unhealthy"]
_WORST_FIRST: Final[tuple[State, ...]] = ("unhealthy", "degraded", "healthy")

_DISK_DEGRADED_BYTES: Final = 500 * 10**6
_MEMORY_RATIO: Final = (0.85, 0.95)
_BACKLOG_RATIO: Final = (0.5, 0.9)
_FRESHNESS_S: Final = (10.0, 60.0)


class Component(BaseModel):
    """One part of the server: its state, and why."""

    state: State
    detail: str


class Health(BaseModel):
    """The whole server; `state` is the worst of its components'."""

    state: State
    version: str
    uptime_s: int
    components: dict[str, Component]


class Readiness(BaseModel):
    """Whether requests are taken in and stored; `waiting_for` names what is missing."""

    ready: bool
    waiting_for: list[str]


@dataclass(frozen=True, slots=True)
class Observed:
    """What health is judged by: figures of the processes, free disk, memory used of all, whether views are there."""

    now: int
    started: int
    receive: Figures | None
    write: Figures | None
    free_bytes: int
    memory_ratio: float
    is_published: bool


def health(observed: Observed, config: Config, version: str) -> Health:
    """The health of what was `observed`."""
    components = {
        "receive": _process(observed.receive, observed.now, "requests are taken in"),
        "journal": _journal(observed.receive, config.journal.backlog_bytes),
        "write": _write(observed.write, observed.now),
        "disk": _disk(observed.free_bytes, config.journal.min_free_bytes),
        "memory": _level(observed.memory_ratio, _MEMORY_RATIO, f"{observed.memory_ratio:.0%} of memory is in use"),
    }
    states = {component.state for component in components.values()}
    return Health(
        state=next(state for state in _WORST_FIRST if state in states),
        version=version,
        uptime_s=max(observed.now - observed.started, 0) // NS_PER_S,
        components=components,
    )


def readiness(observed: Observed) -> Readiness:
    """Whether both working processes are alive and `ax.duckdb` is published."""
    missing = {
        "receive": not _is_fresh(observed.receive, observed.now),
        "write": not _is_fresh(observed.write, observed.now),
        "ax.duckdb": not observed.is_published,
    }
    waiting_for = [name for name, is_missing in missing.items() if is_missing]
    return Readiness(ready=not waiting_for, waiting_for=waiting_for)


def gauge(figures: Figures | None, name: str) -> float:
    """The greatest value of a gauge; 0 where it is not known."""
    samples = figures.gauges if figures else ()
    return max((sample.value for sample in samples if sample.name == name), default=0)


def _is_fresh(figures: Figures | None, now: int) -> bool:
    return figures is not None and now - figures.time < STALE_NS


def _process(figures: Figures | None, now: int, well: str) -> Component:
    if figures is None:
        return Component(state="unhealthy", detail="it has not started yet")
    if not _is_fresh(figures, now):
        return Component(state="unhealthy", detail=f"no sign of life for {(now - figures.time) // NS_PER_S} s")
    return Component(state="healthy", detail=well)


def _write(figures: Figures | None, now: int) -> Component:
    process = _process(figures, now, "")
    if process.state != "healthy":
        return process
    age_s = gauge(figures, "ax_freshness_seconds")
    return _level(age_s, _FRESHNESS_S, f"the oldest record that is not yet queryable is {age_s:.1f} s old")


def _journal(figures: Figures | None, limit_bytes: int) -> Component:
    backlog_bytes = int(gauge(figures, "ax_journal_backlog_bytes"))
    detail = f"{backlog_bytes} of at most {limit_bytes} bytes wait to be stored"
    return _level(backlog_bytes / limit_bytes, _BACKLOG_RATIO, detail)


def _disk(free_bytes: int, least_bytes: int) -> Component:
    detail = f"{free_bytes} bytes are free"
    if free_bytes < least_bytes:
        return Component(state="unhealthy", detail=f"{detail}: requests are refused")
    return Component(state="degraded" if free_bytes < _DISK_DEGRADED_BYTES else "healthy", detail=detail)


def _level(value: float, levels: tuple[float, float], detail: str) -> Component:
    degraded, unhealthy = levels
    state: State = "unhealthy" if value > unhealthy else "degraded" if value > degraded else "healthy"
    return Component(state=state, detail=detail)
