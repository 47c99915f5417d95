"""What budgets measure: from the calls of a store and from its cells, the same; and what is published of it."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Final
from zoneinfo import ZoneInfo

import pytest

import exporter.control
from exporter.budget import Budget, as_json, keep_projections, measure, settle, shown
from exporter.budget.periods import day_at, period_at
from exporter.control.published import PUBLISHED
from exporter.dimensions import DIMENSIONS
from exporter.query.files import manifest
from exporter.query.period import DAY, HOUR, MINUTE, Period
from exporter.query.spend import Asked, Kept, Spent, arrived, spend
from exporter.query.views import Views, reading
from exporter.store import Store
from tests.exporter.store_tables import NOON, StillClock, append, opened, spans

TABLES = (Path(exporter.control.__file__).parent / "sql" / "budgets.sql").read_text()
ALL: Final = Kept(0, 0, 0)
CALLS_ONLY: Final = Kept(0, NOON, NOON)
COST = 1_000_000_000
ZONE = ZoneInfo("UTC")
PROVIDERS = ["openai", "anthropic", "google"]
USERS = ["ann", "ben"]


def made(
    store: Store, rows: int = 300, *, since: int = NOON - 5 * DAY, seed: int = 0
) -> list[tuple[int, dict[str, str], int]]:
    """Calls at odd times, each of one second, stored; as (end, scope, cost)."""
    random = Random(seed)
    starts = sorted(random.randrange(since, NOON - 2 * HOUR) // 1_000 * 1_000 for _ in range(rows))
    scopes = [
        {
            "tenant": random.choice(["acme", "umbrella"]),
            "provider": random.choice(PROVIDERS),
            "model": random.choice("abc"),
            "agent": random.choice(["helper", "coder"]),
            "workflow": "w",
            "user": random.choice(USERS),
            "session": random.choice("xyz"),
        }
        for _ in starts
    ]
    costs = [random.choice([None, *range(1, 50)]) for _ in starts]
    append(
        store,
        spans(
            starts,
            duration_ns=10**9,
            is_counted=True,
            gen_ai_operation_name="chat",
            gen_ai_provider_name=[one["provider"] for one in scopes],
            gen_ai_request_model=[one["model"] for one in scopes],
            gen_ai_agent_name=[one["agent"] for one in scopes],
            gen_ai_workflow_name="w",
            gen_ai_conversation_id=[one["session"] for one in scopes],
            user_id=[one["user"] for one in scopes],
            tenant_id=[one["tenant"] for one in scopes],
            cost_nanos=[None if cost is None else cost * COST for cost in costs],
            unpriced=["no_price" if cost is None else None for cost in costs],
        ),
    )
    return [
        (start + 10**9, scope, -1 if cost is None else cost * COST)
        for start, scope, cost in zip(starts, scopes, costs, strict=True)
    ]


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[tuple[int, dict[str, str], int]]]:
    path = tmp_path_factory.mktemp("spend") / "data"
    store = opened(path, StillClock(NOON))
    calls = made(store)
    store.close()
    return path, calls


@pytest.fixture
def views(stored: tuple[Path, object]) -> Iterator[Views]:
    with reading(stored[0]) as found:
        yield found


@pytest.fixture
def control() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(TABLES)
        yield connection


def by_hand(calls: list[tuple[int, dict[str, str], int]], period: Period, scope: dict[str, list[str]]) -> Spent:
    mine = [
        cost
        for end, told, cost in calls
        if period.start_ns <= end < period.end_ns and all(told[part] in values for part, values in scope.items())
    ]
    return Spent(sum(cost for cost in mine if cost >= 0), len(mine), sum(cost < 0 for cost in mine))


SCOPES: Final[list[dict[str, list[str]]]] = [
    {},
    {"provider": ["openai"]},
    {"provider": ["openai", "google"], "model": ["a"]},
    {"tenant": ["acme"], "agent": ["coder"]},
    {"user": ["ann"]},
    {"session": ["x", "y"], "workflow": ["w"]},
    {"provider": ["nobody"]},
]


@pytest.mark.parametrize("kept", [ALL, CALLS_ONLY], ids=["cells", "calls"])
def test_accounts_spend_what_a_count_by_hand_says(
    views: Views, stored: tuple[Path, list[tuple[int, dict[str, str], int]]], kept: Kept
) -> None:
    periods = [Period(NOON - 4 * DAY, NOON), Period(NOON - 2 * DAY - 30 * MINUTE, NOON - DAY)]
    asked = [Asked((place, period), period, scope) for place, scope in enumerate(SCOPES) for period in periods]
    found = spend(views, asked, kept)
    assert found == {one.key: by_hand(stored[1], one.period, dict(one.scope)) for one in asked}  # type: ignore[arg-type]
    assert found[0, periods[0]].unpriced > 0


def test_what_the_data_no_longer_know_is_left_out(views: Views) -> None:
    period = Period(NOON - 4 * DAY, NOON)
    gone = Kept(NOON, NOON, NOON)
    assert spend(views, [Asked("gone", period)], gone) == {}
    hours_only = Kept(NOON, NOON, 0)
    aligned, askew = Asked("aligned", period), Asked("askew", Period(period.start_ns + 30 * MINUTE, period.end_ns))
    assert set(spend(views, [aligned, askew], hours_only)) == {"aligned"}


def test_what_rollups_do_not_tell_apart_is_counted_from_calls(views: Views) -> None:
    period = Period(NOON - 4 * DAY, NOON)
    narrow = Kept(0, 0, 0, dimensions=[name for name in DIMENSIONS if name != "agent"])
    asked = [Asked("coder", period, {"agent": ["coder"]})]
    assert spend(views, asked, narrow) == spend(views, asked, CALLS_ONLY)


def test_a_scope_whose_cells_have_lost_their_dimensions_is_counted_from_calls(tmp_path: Path) -> None:
    store = opened(tmp_path, StillClock(NOON), rollup={"cells": 2})
    starts = [NOON - 3 * HOUR] * 30
    append(
        store,
        spans(
            starts,
            is_counted=True,
            gen_ai_operation_name="chat",
            gen_ai_provider_name=[f"p{place % 10}" for place in range(30)],
            cost_nanos=COST,
        ),
    )
    store.close()
    day = day_at(NOON, ZONE)
    with reading(tmp_path) as found:
        sums = spend(found, [Asked("all", day), Asked("p3", day, {"provider": ["p3"]})], ALL)
    assert (sums["all"].nanos, sums["p3"].nanos) == (30 * COST, 3 * COST)


def test_new_segments_tell_where_something_changed(tmp_path: Path) -> None:
    clock = StillClock(NOON)
    store = opened(tmp_path, clock)
    append(store, spans([NOON - 3 * DAY], is_counted=True, cost_nanos=COST))
    seen, touched = arrived(manifest(tmp_path), frozenset())
    assert len(touched) == 1
    assert arrived(manifest(tmp_path), seen) == (seen, [])
    append(store, spans([NOON - DAY], is_counted=True, cost_nanos=COST))
    _, touched = arrived(manifest(tmp_path), seen)
    (period,) = touched
    assert period.start_ns <= NOON - DAY < period.end_ns
    assert period.length_ns < HOUR
    store.close()


def test_the_ledger_outlives_what_it_was_counted_from(
    views: Views, control: sqlite3.Connection, stored: tuple[Path, list[tuple[int, dict[str, str], int]]]
) -> None:
    month = Budget.model_validate({"name": "month", "usd": 10_000, "scope": {"user": "ann"}})
    settle(control, [month], measure(views, [month], NOON, ALL), NOON)
    spent = shown(control, month, NOON).spent
    assert spent == by_hand(stored[1], period_at(month, NOON), {"user": ["ann"]})
    gone = Kept(NOON, NOON, NOON)
    settle(control, [month], measure(views, [month], NOON, gone), NOON)
    assert shown(control, month, NOON).spent == spent


def test_published_views_and_json_say_the_same(views: Views, control: sqlite3.Connection) -> None:
    months = [Budget.model_validate({"name": name, "usd": usd}) for name, usd in (("small", 100), ("large", 10**6))]
    settle(control, months, measure(views, months, NOON, ALL), NOON)
    keep_projections(control, months, NOON)
    rows = {}
    for view in ("budgets", "budget_events", "cost_projections"):
        cursor = control.execute(PUBLISHED[view].sql)
        names = [column[0] for column in cursor.description]
        assert names == list(PUBLISHED[view].columns)
        rows[view] = [dict(zip(names, row, strict=True)) for row in cursor]
    small = as_json(shown(control, months[0], NOON))
    of_view = next(row for row in rows["budgets"] if row["name"] == "small")
    assert (
        (of_view["state"], of_view["spent_usd"])
        == (small["state"], small["spent_nanos"])
        == ("exceeded", of_view["spent_usd"])
    )
    assert small["crossed"] == [50, 80, 95, 100]
    of_money = [row["threshold"] for row in rows["budget_events"] if row["basis"] == "spent"]
    assert of_money == [50, 80, 95, 100]
    expected = {row["budget"]: row["projected_usd"] for row in rows["cost_projections"]}
    assert expected["small"] == small["projection"]["expected_nanos"] >= small["spent_nanos"]
    assert small["projection"]["gone_on"] == "2026-11-10"
