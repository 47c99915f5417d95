"""Health: thresholds, what is observed of others, changes that are written down and told."""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from exporter.alert.listed import listed
from exporter.clock import SystemClock
from exporter.config import Config, Journal
from exporter.control import Control
from exporter.figures import Figures, Sample, path_of, publish
from exporter.health import Component, State, events, own, together
from exporter.health.observed import components
from exporter.notify.guard import allowed
from exporter.notify.reach import Reach
from exporter.query.observed import Cache, Gauge, caches, gauges
from exporter.query.period import MINUTE, Period
from exporter.query.providers import Seen, judge
from exporter.query.views import reading
from exporter.units import NS_PER_S
from exporter.watch import Watch
from exporter.watch.health import Watching
from tests.exporter.store_tables import NOON, append, opened, table

NOW = 1_800_000_000 * NS_PER_S
CONFIG = Config(data=Path("/data"))


def figures(time: int = NOW, *gauges: Sample) -> Figures:
    """Figures of a process."""
    return Figures(time, NOW - NS_PER_S, os.getpid(), (), gauges)


def observed(**changes: object) -> own.Observed:
    """What is seen of a server that is well, but for `changes`."""
    well = own.Observed(NOW, NOW - 90 * NS_PER_S, figures(), figures(), 10**10, 0.3, is_published=True)
    return replace(well, **changes)  # type: ignore[arg-type]


# ── Our own components ────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("changes", "component", "state"),
    [
        ({}, "receive", "healthy"),
        ({"receive": None}, "receive", "unhealthy"),
        ({"write": figures(NOW - 6 * NS_PER_S)}, "write", "unhealthy"),
        ({"write": figures(NOW, Sample("ax_freshness_seconds", {}, 11.0))}, "write", "degraded"),
        ({"write": figures(NOW, Sample("ax_freshness_seconds", {}, 61.0))}, "write", "unhealthy"),
        ({"receive": figures(NOW, Sample("ax_in_flight_bytes", {}, 200 * 2**20))}, "queue", "degraded"),
        ({"receive": figures(NOW, Sample("ax_in_flight_bytes", {}, 250 * 2**20))}, "queue", "unhealthy"),
        ({"receive": figures(NOW, Sample("ax_journal_backlog_bytes", {}, 1.2 * 2**30))}, "journal", "degraded"),
        ({"receive": figures(NOW, Sample("ax_journal_backlog_bytes", {}, 1.9 * 2**30))}, "journal", "unhealthy"),
        ({"free_bytes": 500_000_000}, "disk", "healthy"),
        ({"free_bytes": 499_999_999}, "disk", "degraded"),
        ({"free_bytes": 99_999_999}, "disk", "unhealthy"),
        ({"memory_ratio": 0.85}, "memory", "healthy"),
        ({"memory_ratio": 0.86}, "memory", "degraded"),
        ({"memory_ratio": 0.96}, "memory", "unhealthy"),
    ],
)
def test_a_threshold_of_the_machine(changes: dict[str, object], component: str, state: State) -> None:
    found = own.processes(observed(**changes), CONFIG)
    assert (found[component].state, together(found)) == (state, state)
    assert [name for name, part in found.items() if part.state != "healthy"] == [component] * (state != "healthy")


@pytest.mark.parametrize(
    ("watched", "component", "state"),
    [
        (own.Watched(database_ns=100_000_000), "database", "healthy"),
        (own.Watched(database_ns=100_000_001), "database", "degraded"),
        (own.Watched(database_ns=None), "database", "unhealthy"),
        (own.Watched(database_ns=1, failing_rules=["a/b", "a/c", "a/d", "a/e"]), "rules", "degraded"),
        (own.Watched(database_ns=1, threads={"rules": "OSError: full"}), "rules", "unhealthy"),
        (own.Watched(database_ns=1, channels=["ops"]), "notifier", "degraded"),
        (own.Watched(database_ns=1, dead=1), "notifier", "degraded"),
        (own.Watched(database_ns=1, waiting_ns=301 * NS_PER_S), "notifier", "degraded"),
        (own.Watched(database_ns=1, waiting_ns=299 * NS_PER_S), "notifier", "healthy"),
    ],
)
def test_a_threshold_of_the_loop(watched: own.Watched, component: str, state: State) -> None:
    found = own.loop(watched)
    assert {name: part.state for name, part in found.items() if part.state != "healthy"} == (
        {component: state} if state != "healthy" else {}
    )


def test_many_failing_rules_are_named_in_few_words() -> None:
    found = own.loop(own.Watched(database_ns=1, failing_rules=["d", "c", "b", "a"]))
    assert found["rules"].detail == "the question of a, b, c and 1 more fails"


def test_what_is_only_observed_makes_the_whole_degraded_at_most() -> None:
    ours, theirs = Component(state="healthy", detail=""), Component(state="unhealthy", detail="", part="observed")
    assert together({"disk": ours, "provider x": theirs}) == "degraded"
    assert together({"disk": Component(state="unhealthy", detail="")}) == "unhealthy"
    assert together({}) == "healthy"


def test_a_server_is_ready_when_both_processes_live_and_the_views_are_published() -> None:
    assert own.readiness(observed()).ready
    assert own.readiness(observed(receive=None, is_published=False)).waiting_for == ["receive", "ax.duckdb"]
    assert own.readiness(observed(write=figures(NOW - 6 * NS_PER_S))).waiting_for == ["write"]


# ── What telemetry tells of others ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("gauge", "name", "state"),
    [
        (Gauge("ax.provider.up", "desk", "openai", 1), "provider openai", "healthy"),
        (Gauge("ax.provider.up", "desk", "openai", 0), "provider openai", "unhealthy"),
        (Gauge("ax.worker_pool.utilization", "desk", "calls", 0.8), "worker pool calls", "healthy"),
        (Gauge("ax.worker_pool.utilization", "desk", "calls", 0.81), "worker pool calls", "degraded"),
        (Gauge("process.cpu.utilization", "desk", None, 0.9), "worker desk", "degraded"),
        (Gauge("ax.queue.length", "desk", "jobs", 100), "queue jobs", "healthy"),
        (Gauge("ax.queue.length", "desk", "jobs", 101), "queue jobs", "degraded"),
        (Gauge("ax.circuit_breaker.state", "desk", "llm", 0), "breaker llm", "healthy"),
        (Gauge("ax.circuit_breaker.state", "desk", "llm", 1), "breaker llm", "degraded"),
        (Gauge("ax.circuit_breaker.state", "desk", "llm", 2), "breaker llm", "unhealthy"),
        (Gauge("db.client.connection.utilization", "desk", "pg", 0.9), "database pool pg", "degraded"),
        (Gauge("ax.quota.usage", "desk", "tokens", 0.9), "quota tokens", "degraded"),
    ],
)
def test_a_gauge_is_a_component(gauge: Gauge, name: str, state: State) -> None:
    found = components((), [gauge], (), 0)
    assert [(key, one.state, one.part) for key, one in found.items()] == [(name, state, "observed")]


@pytest.mark.parametrize(
    ("hits", "misses", "state"), [(4, 6, "healthy"), (7, 12, "healthy"), (7, 13, "degraded"), (8, 12, "healthy")]
)
def test_a_cache_is_judged_by_20_look_ups_or_more(hits: int, misses: int, state: State) -> None:
    assert components((), (), [Cache("answers", hits, misses)], 0)["cache answers"].state == state


def test_of_calls_and_a_gauge_that_tell_of_one_provider_the_worse_counts() -> None:
    provider = judge(Seen("openai", 10, 0, 1, 1, 0, 10, 10))
    down = Gauge("ax.provider.up", "desk", "openai", 0)
    assert components([provider], [down], (), 0)["provider openai"].state == "unhealthy"
    failing = judge(Seen("openai", 10, 10, 1, 1, 0, 10, 0))
    assert components([failing], [replace(down, value=1.0)], (), 0)["provider openai"].state == "unhealthy"


def test_more_than_a_hundred_running_workflows_are_too_many_and_none_are_not_shown() -> None:
    assert components((), (), (), 0) == {}
    assert components((), (), (), 100)["workflows"].state == "healthy"
    assert components((), (), (), 101)["workflows"].state == "degraded"


def test_the_worst_are_shown_where_there_are_too_many() -> None:
    many = [Gauge("ax.queue.length", "desk", f"q{number:04}", 1) for number in range(500)]
    found = components((), [*many, Gauge("ax.queue.length", "desk", "slow", 1_000)], (), 0)
    assert (len(found), found["queue slow"].state) == (100, "degraded")


def test_gauges_and_look_ups_are_read_from_what_is_stored(tmp_path: Path) -> None:
    """Of two processes the worse; of each its last value; a pool's share from two metrics."""

    def told(name: str, at: int, value: float, labels: dict[str, str], instance: str = "a") -> None:
        rows = table(
            "metrics_gauge",
            [at],
            metric_name=name,
            value=value,
            attributes=[list(labels.items())],
            service_instance_id=instance,
        )
        append(store, rows, "metrics_gauge")

    def counted(at: int, value: float, outcome: str) -> None:
        attributes = [[("ax.cache.name", "answers"), ("ax.cache.outcome", outcome)]]
        rows = table(
            "metrics_sum",
            [at],
            metric_name="ax.cache.requests",
            value=value,
            attributes=attributes,
            aggregation_temporality="DELTA",
        )
        append(store, rows, "metrics_sum")

    store = opened(tmp_path)
    told("ax.circuit_breaker.state", NOON, 2, {"ax.circuit_breaker.name": "llm"})
    told("ax.circuit_breaker.state", NOON + 1_000_000, 0, {"ax.circuit_breaker.name": "llm"})
    told("ax.provider.up", NOON, 1, {"gen_ai.provider.name": "openai"})
    told("ax.provider.up", NOON, 0, {"gen_ai.provider.name": "openai"}, "b")
    pool = {"db.client.connection.pool.name": "pg"}
    told("db.client.connection.count", NOON, 9, {**pool, "db.client.connection.state": "used"})
    told("db.client.connection.count", NOON, 1, {**pool, "db.client.connection.state": "idle"})
    told("db.client.connection.max", NOON, 10, pool)
    told("something.else", NOON, 7, {})
    counted(NOON, 3, "hit")
    counted(NOON + 1_000_000, 2, "hit")
    counted(NOON, 5, "miss")
    counted(NOON, 100, "store")
    store.close()
    with reading(tmp_path) as views:
        period = Period(NOON - MINUTE, NOON + MINUTE)
        assert [(one.metric, one.name, one.value) for one in gauges(views, period).rows] == [
            ("ax.circuit_breaker.state", "llm", 0),
            ("ax.provider.up", "openai", 0),
            ("db.client.connection.utilization", "pg", 0.9),
        ]
        assert caches(views, period).rows == (Cache("answers", 5, 5),)


# ── Changes ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def control(tmp_path: Path) -> Iterator[Control]:
    one = Control.open(tmp_path)
    yield one
    one.close()


def seen(**states: State) -> dict[str, Component]:
    return {name: Component(state=state, detail=f"{name} is so") for name, state in states.items()}


def test_changes_are_written_down_once_and_what_was_never_ill_is_none(control: Control) -> None:
    story = [
        (seen(disk="healthy", memory="degraded"), [("memory", None, "degraded")]),
        (seen(disk="healthy", memory="degraded"), []),
        (seen(disk="unhealthy", memory="healthy"),
         [("disk", "healthy", "unhealthy"), ("memory", "degraded", "healthy")]),
        (seen(memory="healthy"), [("disk", "unhealthy", None)]),
        (seen(), []),
        (seen(disk="healthy"), []),
    ]  # fmt: skip
    for at, (components_now, expected) in enumerate(story):
        with control.writing() as connection:
            found = events.record(connection, components_now, at)
        assert [(one.component, one.from_state, one.to_state) for one in found] == expected
    with control.reading() as connection:
        assert [one.number for one in events.events(connection)] == [4, 3, 2, 1]
        assert [one.at for one in events.events(connection, component="disk", before=4, limit=1)] == [2]


def test_a_check_writes_events_tells_of_an_alert_and_ends_it(tmp_path: Path) -> None:
    clock = SystemClock()
    opened(tmp_path).close()
    control = Control.open(tmp_path)
    said: list[str] = []
    watch = Watch(Config(data=tmp_path), clock, control, Reach({}, clock, said.append, allowed(())))
    health = Watching(Config(data=tmp_path), clock, watch)

    def check(**receive: float) -> set[tuple[str, str | None]]:
        for process in ("receive", "write"):
            samples = tuple(Sample(name, {}, value) for name, value in receive.items())
            publish(path_of(tmp_path, process), replace(figures(clock.wall(), *samples)))
        return {(one.component, one.to_state) for one in health.check() if one.component == "journal"}

    def alerts() -> list[tuple[str, str, str]]:
        with control.reading() as connection:
            return [(one.rule, one.state, one.severity) for one in listed(connection, rule="ax/AxUnhealthy")
                    if dict(one.labels)["component"] == "journal"]  # fmt: skip

    try:
        assert check() == set()
        assert alerts() == []
        degraded, unhealthy = 1.2 * 2**30, 1.9 * 2**30
        for _ in range(3):  # now and then
            assert check(ax_journal_backlog_bytes=unhealthy) == {("journal", "unhealthy")}
            assert alerts() == [], "one look is chance"
            assert check() == {("journal", "healthy")}
        assert check(ax_journal_backlog_bytes=degraded) == {("journal", "degraded")}
        assert alerts() == []
        assert check(ax_journal_backlog_bytes=unhealthy) == {("journal", "unhealthy")}
        assert alerts() == [("AxUnhealthy", "firing", "warning")], "as bad as both looks agree on"
        assert check(ax_journal_backlog_bytes=unhealthy) == set()
        assert alerts() == [("AxUnhealthy", "firing", "critical")]
        assert check(ax_journal_backlog_bytes=degraded) == {("journal", "degraded")}
        assert alerts() == [("AxUnhealthy", "firing", "warning")]
        assert check() == {("journal", "healthy")}
        assert alerts() == [("AxUnhealthy", "resolved", "warning")]
        shown = health.health("1.2.3")
        assert {"receive", "write", "database", "rules", "notifier", "disk"} <= set(shown.components)
        assert shown.checked_at is not None
    finally:
        watch.stop()


def test_a_disk_that_fills_is_told_at_once(tmp_path: Path) -> None:
    clock = SystemClock()
    full = Config(data=tmp_path, journal=Journal(min_free_bytes=2**62))
    opened(tmp_path).close()
    control = Control.open(tmp_path)
    watch = Watch(full, clock, control, Reach({}, clock, print, allowed(())))
    health = Watching(full, clock, watch)
    for process in ("receive", "write"):
        publish(path_of(tmp_path, process), figures(clock.wall()))
    try:
        health.check()
        with control.reading() as connection:
            found = [(dict(one.labels)["component"], one.severity) for one in listed(connection, rule="ax/AxUnhealthy")]
        assert found == [("disk", "critical")]
    finally:
        watch.stop()


def test_a_server_that_is_still_starting_is_not_ill(tmp_path: Path) -> None:
    clock = SystemClock()
    watch = Watch(Config(data=tmp_path), clock, Control.open(tmp_path), Reach({}, clock, print, allowed(())))
    try:
        assert Watching(Config(data=tmp_path), clock, watch).check() == []
    finally:
        watch.stop()
