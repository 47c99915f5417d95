"""The server's own components.

In: figures of its processes, disk, memory, how long a question takes, what rules and channels say. Out: components.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from exporter.config import Config
from exporter.figures import STALE_NS, Figures
from exporter.health.shapes import Component, Readiness, level
from exporter.units import NS_PER_MS, NS_PER_S, format_duration

_DISK_DEGRADED_BYTES: Final = 500 * 10**6
_MEMORY_RATIO: Final = (0.85, 0.95)
_BACKLOG_RATIO: Final = (0.5, 0.9)
_IN_FLIGHT_RATIO: Final = (0.5, 0.9)
_FRESHNESS_S: Final = (10.0, 60.0)
_SLOW_NS: Final = 100 * NS_PER_MS
_WAITING_NS: Final = 300 * NS_PER_S
_NAMED: Final = 3


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


@dataclass(frozen=True, slots=True)
class Watched:
    """What the loop knows of itself.

    `database_ns` is what the quickest of some small questions took, None where none was answered. `rules` is how many
    there are, `failing_rules` ids of those whose question fails, `threads` what fails in the loop. `channels` are those
    that do not take what they are sent, `dead` notices that were given up in the last hour, `waiting_ns` the age of the
    oldest notice that was tried and not taken.
    """

    database_ns: int | None
    rules: int = 0
    failing_rules: Sequence[str] = ()
    threads: Mapping[str, str] | None = None
    channels: Sequence[str] = ()
    dead: int = 0
    waiting_ns: int = 0


def processes(observed: Observed, config: Config) -> dict[str, Component]:
    """What the processes and the machine tell of themselves."""
    return {
        "receive": _process(observed.receive, observed.now, "requests are taken in"),
        "queue": _queue(observed.receive, config.receive.in_flight_bytes),
        "journal": _journal(observed.receive, config.journal.backlog_bytes),
        "write": _write(observed.write, observed.now),
        "disk": _disk(observed.free_bytes, config.journal.min_free_bytes),
        "memory": _memory(observed.memory_ratio),
    }


def loop(watched: Watched) -> dict[str, Component]:
    """The components that the loop in the serving process looks at."""
    return {"database": _database(watched.database_ns), "rules": _rules(watched), "notifier": _notifier(watched)}


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
    return level(age_s, _FRESHNESS_S, f"the oldest record that is not yet queryable is {age_s:.1f} s old")


def _queue(figures: Figures | None, limit_bytes: int) -> Component:
    held_bytes = int(gauge(figures, "ax_in_flight_bytes"))
    return level(held_bytes / limit_bytes, _IN_FLIGHT_RATIO, f"requests of {_size(held_bytes)} are being answered")


def _journal(figures: Figures | None, limit_bytes: int) -> Component:
    backlog_bytes = int(gauge(figures, "ax_journal_backlog_bytes"))
    detail = f"{_size(backlog_bytes)} of at most {_size(limit_bytes)} wait to be stored"
    return level(backlog_bytes / limit_bytes, _BACKLOG_RATIO, detail)


def _memory(ratio: float) -> Component:
    return level(ratio, _MEMORY_RATIO, f"{ratio * 100:.0f} % of memory is in use")


def _disk(free_bytes: int, least_bytes: int) -> Component:
    detail = f"{_size(free_bytes)} are free"
    if free_bytes < least_bytes:
        return Component(state="unhealthy", detail=f"{detail}: requests are refused")
    return Component(state="degraded" if free_bytes < _DISK_DEGRADED_BYTES else "healthy", detail=detail)


def _database(took_ns: int | None) -> Component:
    if took_ns is None:
        return Component(state="unhealthy", detail="a question to the database fails")
    detail = f"a small question takes {took_ns / NS_PER_MS:.1f} ms"
    return Component(state="degraded" if took_ns > _SLOW_NS else "healthy", detail=detail)


def _rules(watched: Watched) -> Component:
    if watched.threads:
        said = "; ".join(f"{name}: {why}" for name, why in sorted(watched.threads.items()))
        return Component(state="unhealthy", detail=f"the loop fails at {said}"[:500])
    if watched.failing_rules:
        return Component(state="degraded", detail=f"the question of {_some(watched.failing_rules)} fails")
    return Component(state="healthy", detail=f"{watched.rules} rules are evaluated")


def _notifier(watched: Watched) -> Component:
    if watched.channels:
        return Component(state="degraded", detail=f"{_some(watched.channels)} does not take what it is sent")
    if watched.dead:
        return Component(state="degraded", detail=f"{watched.dead} notices were given up in the last hour")
    if watched.waiting_ns > _WAITING_NS:
        age = format_duration(watched.waiting_ns // NS_PER_S * NS_PER_S)
        return Component(state="degraded", detail=f"a notice has waited for {age}")
    return Component(state="healthy", detail="no notice waits for long")


def _size(size_bytes: int) -> str:
    """Such as `56.9 GB`."""
    scales = ((10**9, "GB"), (10**6, "MB"), (10**3, "kB"))
    return next((f"{size_bytes / size:.1f} {unit}" for size, unit in scales if size_bytes >= size), f"{size_bytes} B")


def _some(names: Sequence[str]) -> str:
    """Names, the first of them where there are many."""
    more = len(names) - _NAMED
    return ", ".join(sorted(names)[:_NAMED]) + (f" and {more} more" if more > 0 else "")
