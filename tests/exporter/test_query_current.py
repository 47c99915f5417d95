"""The views that are kept open between requests: whose data they show, when they are opened, and when they go."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from exporter.query import traces
from exporter.query.ask import NoData, OutOfBounds, QueryFailed
from exporter.query.current import Current
from exporter.query.period import Period
from exporter.query.views import Views
from exporter.store import Store
from exporter.tenants import of_tenant
from tests.exporter.store_tables import HOUR, NOON, append, opened, seconds, segment_files, spans

AROUND = Period(NOON - HOUR, NOON + HOUR)
ENDLESS = "(SELECT sum(a.range * b.range) FROM range(1000000) a, range(1000000) b) IS NOT NULL"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """3 spans of nobody's tenant, 2 of acme and one of rival, below a path that SQL has to quote."""
    one = opened(tmp_path / "it's [data]")
    append(one, spans(seconds(NOON, 3), name="ours"))
    append(one, spans(seconds(NOON, 2), name="acme"), tenant="acme")
    append(one, spans(seconds(NOON, 1), name="rival"), tenant="rival")
    yield one
    one.close()


@pytest.fixture
def data(store: Store, tmp_path: Path) -> Path:
    del store
    return tmp_path / "it's [data]"


@pytest.fixture
def current(data: Path) -> Iterator[Current]:
    one = Current(data)
    yield one
    one.close()


def count(views: Views) -> int:
    (row,) = traces.statistics(views, AROUND).rows
    return row.spans


def spans_of(current: Current, tenant: str | None) -> int:
    with current.views(tenant, longest_s=60) as views:
        return count(views)


def test_each_tenant_sees_its_own_and_who_has_none_sees_all(current: Current) -> None:
    expected = {None: 6, "acme": 2, "rival": 1, "default": 3, "nobody": 0, "*": 0, "acme/../rival": 0}
    assert {tenant: spans_of(current, tenant) for tenant in expected} == expected


def test_a_tenant_has_no_views_of_what_operators_decide(current: Current) -> None:
    names = {}
    for tenant in (None, "acme"):
        copy = current.take(tenant)
        with copy.instance.connection.cursor() as cursor:
            found = cursor.execute(
                "SELECT view_name, sql FROM duckdb_views() WHERE database_name = $name", {"name": copy.name}
            ).fetchall()
        current.give_back(copy)
        names[tenant] = {name for name, _ in found}
        assert tenant is None or not any("tenant=rival" in sql or "/control/" in sql for _, sql in found)
    assert names[None] - names["acme"] == {
        "alert_history", "alert_rules", "alerts", "alerts_active_summary", "budget_events", "budgets",
        "cost_projections",
    }  # fmt: skip


def test_a_list_that_cannot_be_read_is_shown_to_nobody() -> None:
    with pytest.raises(RuntimeError, match="cannot be read"):
        of_tenant("CREATE VIEW stored.spans AS FROM ['/d/segments/spans/tenant=b/x.parquet']", Path("/d"), "spans", "a")


def test_they_are_opened_once_for_a_publication(current: Current, store: Store) -> None:
    first, again = current.take("acme"), current.take("acme")
    assert first is again
    append(store, spans(seconds(NOON, 4), name="more"), tenant="acme")
    newer = current.take("acme")
    assert newer is not first
    assert spans_of(current, "acme") == 6
    databases = newer.instance.connection.execute("SELECT database_name FROM duckdb_databases()").fetchall()
    assert {(first.name,), (newer.name,)} <= set(databases), "somebody asks the older one still"
    current.give_back(first)
    current.give_back(again)
    databases = newer.instance.connection.execute("SELECT database_name FROM duckdb_databases()").fetchall()
    assert (first.name,) not in databases
    assert (newer.name,) in databases
    current.give_back(newer)


def test_of_many_tenants_the_views_of_some_are_kept(data: Path, store: Store) -> None:
    del store
    current = Current(data, tenants=2)
    for number in range(4):
        assert spans_of(current, f"tenant-{number}") == 0
    copy = current.take("acme")
    databases = copy.instance.connection.execute("SELECT count(*) FROM duckdb_databases() WHERE NOT internal")
    assert databases.fetchall() == [(2 + 1,)]  # and the empty one that it begins with
    current.give_back(copy)
    current.close()


def test_a_new_duckdb_takes_over_after_so_many_copies(data: Path, store: Store) -> None:
    current = Current(data, copies=2)
    held = current.take(None)
    for _ in range(3):
        append(store, spans(seconds(NOON, 1)))
        spans_of(current, None)
    newest = current.take(None)
    assert newest.instance is not held.instance
    assert held.instance.connection.execute(f"SELECT count(*) FROM {held.name}.spans").fetchall() == [(6,)]
    current.give_back(held)
    current.give_back(newest)
    current.close()


def test_many_ask_while_more_is_published(current: Current, store: Store) -> None:
    with ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(spans_of, current, ("acme", "rival", None)[number % 3]) for number in range(30)]
        for _ in range(5):
            append(store, spans(seconds(NOON, 1), name="rival"), tenant="rival")
        found = [one.result(60) for one in asked]
    assert set(found[::3]) == {2}
    assert found[1::3] == sorted(found[1::3]) or max(found[1::3]) <= 6
    assert spans_of(current, "rival") == 6


def test_where_files_are_gone_the_newer_list_is_asked(tmp_path: Path) -> None:
    store = opened(tmp_path, grace=0)
    append(store, spans(seconds(NOON, 3)))
    current = Current(tmp_path)
    with current.views(None, longest_s=60) as views:
        assert count(views) == 3
        for _ in range(2):
            store.maintain(NOON + 400 * 24 * HOUR)
        assert not list(segment_files(tmp_path))
        assert count(views) == 3, "it was answered before, of the views as they were opened"
        (row,) = traces.statistics(views, Period(NOON - HOUR, NOON + 2 * HOUR)).rows
        assert row.spans == 0
    current.close()
    store.close()


def test_what_takes_too_long_is_ended_and_so_is_what_follows(current: Current) -> None:
    began = time.monotonic()
    with current.views(None, longest_s=0.5) as views:
        with pytest.raises(OutOfBounds, match="longer than") as late:
            views.table("traces", {**AROUND.us(), "limit": 1}, {"where": ENDLESS, "after": "true"})
        with pytest.raises(OutOfBounds):
            count(views)
    assert (late.value.reason, late.value.mend) == ("timeout", "ask for a shorter range")
    assert time.monotonic() - began < 60
    assert spans_of(current, None) == 6


def test_who_waits_for_others_is_answered_after_them_or_told_in_time(data: Path) -> None:
    current = Current(data, at_once=1)
    with ThreadPoolExecutor(1) as pool, current.views(None, longest_s=60) as views:
        asked = pool.submit(_ask_endlessly, current, 4)
        time.sleep(1)
        with current.views(None, longest_s=0.5) as hasty, pytest.raises(OutOfBounds, match=r"longer than 0\.5 s"):
            count(hasty)
        assert not asked.done()
        assert count(views) == 6
        assert asked.result(60).reason == "timeout"
    current.close()


def _ask_endlessly(current: Current, longest_s: float) -> OutOfBounds:
    with current.views(None, longest_s=longest_s) as views, pytest.raises(OutOfBounds) as late:
        views.table("traces", {**AROUND.us(), "limit": 1}, {"where": ENDLESS, "after": "true"})
    return late.value


def test_a_wrong_statement_is_no_timeout(current: Current) -> None:
    with current.views(None, longest_s=60) as views, pytest.raises(QueryFailed) as wrong:
        views.table("traces", {**AROUND.us(), "limit": 1}, {"where": "nope", "after": "true"})
    assert not isinstance(wrong.value, OutOfBounds)


def test_without_data_the_mend_is_said(tmp_path: Path) -> None:
    with pytest.raises(NoData, match="start `ax serve`"), Current(tmp_path).views(None, longest_s=1):
        pass
