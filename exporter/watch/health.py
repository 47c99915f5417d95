"""Health, looked at again and again: what it is, what has changed, who is told.

In: the loop, figures, the machine, stored telemetry. Out: the components as they were last seen; events and alerts of
the rule `ax/AxUnhealthy`, committed together. Whether a provider is down is for rules to tell, not for this one.
"""

import hashlib
import json
import logging
import shutil
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import duckdb
import psutil

from exporter import figures
from exporter.alert import saved
from exporter.alert.shapes import Change, Severity, Transition
from exporter.clock import Clock
from exporter.config import Config
from exporter.control import Control
from exporter.errors import AxError
from exporter.health import Component, Event, Health, events, observed, own, together
from exporter.health.shapes import WORST_FIRST, State
from exporter.notify import settle
from exporter.query.observed import caches, gauges, running
from exporter.query.period import DAY, HOUR, MINUTE, Period
from exporter.query.providers import providers
from exporter.query.views import reading
from exporter.store import duck
from exporter.units import NS_PER_S
from exporter.watch.loop import Watch
from exporter.watch.round import tell

EVERY_S: Final = 30.0
RULE: Final = "ax/AxUnhealthy"
_TENANT: Final = "default"
_SEEN_NS: Final = 5 * MINUTE
_START_NS: Final = 30 * NS_PER_S
_TRIES: Final = 3
_QUICK_NS: Final = 100_000_000
_TOLD: Final = frozenset({"receive", "queue", "journal", "write", "disk", "memory", "database"})
"""Rules and notifier have alerts of their own."""
_AT_ONCE: Final = frozenset({"disk"})
"""A full disk is no slow moment."""
_SEVERITIES: Final[Mapping[str, Severity]] = {"degraded": "warning", "unhealthy": "critical"}
_log: Final = logging.getLogger(__name__)


class Watching:
    """The health of one server; `watch` is None where its loop does not run. Any thread may ask."""

    def __init__(self, config: Config, clock: Clock, watch: Watch | None = None) -> None:
        self._config = config
        self._clock = clock
        self._watch = watch
        self._started = clock.wall()
        self._seen: dict[str, Component] = {}
        self._before: dict[str, State] = {}
        self._checked_at: int | None = None

    def observe(self) -> own.Observed:
        """The processes and the machine at this moment."""
        data = self._config.data
        return own.Observed(
            now=self._clock.wall(),
            started=_server_started(data) or self._started,
            receive=figures.read(figures.path_of(data, "receive")),
            write=figures.read(figures.path_of(data, "write")),
            free_bytes=shutil.disk_usage(data).free,
            memory_ratio=psutil.virtual_memory().percent / 100,
            is_published=(data / duck.FILE).is_file(),
        )

    def health(self, version: str) -> Health:
        """The processes as they are now, and the rest as it was last looked at."""
        seen = self.observe()
        components = own.processes(seen, self._config) | self._seen
        return Health(
            state=together(components),
            version=version,
            uptime_s=max(seen.now - seen.started, 0) // NS_PER_S,
            components=components,
            checked_at=self._checked_at,
        )

    def check(self) -> list[Event]:
        """Looks at everything, writes down what has changed and tells of it. Raises `OSError` where it cannot."""
        if self._watch is None:
            return []
        seen = self.observe()
        if seen.now - seen.started < _START_NS and not own.readiness(seen).ready:
            return []  # it is still starting, which is no fault
        others, opened_ns = _others(self._config.data, seen.now, self._clock)
        database_ns = _database(self._watch.control, self._config.data, opened_ns, self._clock)
        components = own.loop(_watched(self._watch, database_ns, seen.now)) | others
        self._seen, self._checked_at = components, seen.now
        everything = own.processes(seen, self._config) | components
        with self._watch.control.writing() as connection:
            changed = events.record(connection, everything, seen.now)
            events.prune(connection, seen.now - self._config.alert.retention)
            changes = list(_changes(connection, everything, self._before, seen.now))
            saved.record(connection, changes)
            tell(connection, changes, self._watch.declared, seen.now)
        self._before = {name: one.state for name, one in everything.items()}
        if changes:
            self._watch.wake()
        for event in changed:
            _log.info("%s is %s: %s", event.component, event.to_state or "gone", event.detail)
        return changed


def _server_started(data: Path) -> int | None:
    """When the parent was ready; this process may have been started again since."""
    try:
        started = json.loads(figures.path_of(data, "server").read_bytes())["started"]
    except (OSError, ValueError, KeyError):
        return None
    return started if isinstance(started, int) else None


def _watched(watch: Watch, database_ns: int | None, now: int) -> own.Watched:
    with watch.control.reading() as connection:
        count = connection.execute("SELECT count(*) FROM alert_rules WHERE enabled").fetchone()[0]
        failing = connection.execute("SELECT id FROM alert_rules WHERE health = 'error' ORDER BY id").fetchall()
        posts = settle.posts(connection, [one.name for one in watch.declared.channels])
        dead = [one for one in settle.dead(connection) if one.ended_at > now - HOUR]
    tried = [one.oldest_at for one in posts if one.oldest_at is not None and one.status]
    return own.Watched(
        database_ns=database_ns,
        rules=count,
        failing_rules=[rule for (rule,) in failing],
        threads=watch.failing(),
        channels=[one.name for one in posts if one.is_failing],
        dead=len(dead),
        waiting_ns=max((now - at for at in tried), default=0),
    )


def _database(control: Control, data: Path, opened_ns: int | None, clock: Clock) -> int | None:
    """What opening what is published took, and a look at the control database; of some tries the quickest."""
    best: int | None = None
    for number in range(_TRIES):
        began = clock.monotonic()
        try:
            if number or opened_ns is None:
                with reading(data):
                    opened_ns = clock.monotonic() - began
            began = clock.monotonic()
            with control.reading() as connection:
                connection.execute("SELECT count(*) FROM health_components").fetchall()
        except (duckdb.Error, sqlite3.Error, OSError, AxError):
            continue
        took = opened_ns + clock.monotonic() - began
        best = took if best is None else min(best, took)
        if best <= _QUICK_NS:
            break
    return best


def _others(data: Path, now: int, clock: Clock) -> tuple[dict[str, Component], int | None]:
    """What telemetry tells of others, and how long it took to open it; nothing and None where it cannot be asked."""
    period, began = Period.last(_SEEN_NS, now), clock.monotonic()
    try:
        with reading(data) as views:
            opened_ns = clock.monotonic() - began
            found = observed.components(
                providers(views, now).rows,
                gauges(views, period).rows,
                caches(views, period).rows,
                running(views, Period.last(DAY, now)),
            )
    except AxError as error:
        _log.debug("what telemetry tells of others is not known: %s", error)
        return {}, None
    return found, opened_ns


def _changes(
    connection: sqlite3.Connection, now: Mapping[str, Component], before: Mapping[str, State], at: int
) -> Iterator[Change]:
    """The alerts that our own components begin, make worse or milder, or end.

    One slow look is chance: an alert says what two looks in a row agree on. Only a disk that fills does not wait.
    """
    query = "SELECT json_extract(labels, '$.component'), episode, severity FROM alerts WHERE rule_id = ? AND state <> ?"
    found = {name: (episode, severity) for name, episode, severity in connection.execute(query, (RULE, "resolved"))}
    for name in sorted(_TOLD):
        one, open_one = now.get(name), found.get(name)
        is_over = one is None or one.state == "healthy"
        state = "healthy" if one is None else one.state
        if not is_over and name not in _AT_ONCE:
            state = max(state, before.get(name, "healthy"), key=WORST_FIRST.index)
        severity = open_one[1] if is_over and open_one else _SEVERITIES.get(state)
        if severity is None or (is_over and open_one is None) or (open_one and not is_over and severity == open_one[1]):
            continue
        yield _change(name, one, state, severity, open_one, at)


def _change(
    name: str, one: Component | None, state: State, severity: Severity, open_one: tuple[str, Severity] | None, at: int
) -> Change:
    fingerprint = hashlib.sha256(f"{_TENANT}\n{RULE}\n{name}".encode()).hexdigest()
    is_over = state == "healthy"
    transition: Transition = "resolved" if is_over else "firing"
    if open_one is not None and not is_over:
        transition = "escalated" if state == "unhealthy" else "deescalated"
    episode = open_one[0] if open_one else hashlib.sha256(f"{fingerprint}\n{at}".encode()).hexdigest()[:32]
    summary = f"{name} is {state}: {one.detail if one else 'it is seen no more'}"
    return Change(
        rule_id=RULE,
        rule=RULE.partition("/")[2],
        fingerprint=fingerprint,
        episode=episode,
        tenant_id=_TENANT,
        transition=transition,
        at=at,
        from_state="firing" if open_one else "inactive",
        to_state="inactive" if is_over else "firing",
        severity=severity,
        value=None,
        threshold=None,
        labels=(("component", name),),
        annotations=() if is_over else (("summary", summary),),
        reason="false" if is_over else "",
    )
