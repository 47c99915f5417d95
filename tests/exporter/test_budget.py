"""Budgets: what can be declared, their periods by the calendar, and each threshold once a period."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

import exporter.control
from exporter.budget import DEFAULT, Budget, Event, change_of, in_force, settle, shown
from exporter.budget.ledger import Day, days_that_count
from exporter.budget.periods import counting, day_at, days_of, period_at
from exporter.query.period import DAY, HOUR, MINUTE, Period
from exporter.query.spend import Spent

TABLES = (Path(exporter.control.__file__).parent / "sql" / "budgets.sql").read_text()
USD = 10**9
BERLIN = "Europe/Berlin"


def at(text: str, zone: str = "UTC") -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()) * 10**9


def said(period: Period, zone: str = "UTC") -> str:
    ends = (
        datetime.fromtimestamp(end / 1e9, UTC).astimezone(ZoneInfo(zone)) for end in (period.start_ns, period.end_ns)
    )
    return " ".join(f"{end:%Y-%m-%dT%H:%M}" for end in ends)


def budget(usd: object = 100, **parts: object) -> Budget:
    return Budget.model_validate({"name": "all", "usd": usd, "per": "day", **parts})


# ── What can be declared ──────────────────────────────────────────────────────────────────────────────────────────


def test_an_amount_is_whole_nano_dollars() -> None:
    assert budget("$0.1").limit_nanos == 100_000_000
    assert budget("1,000.000000001").limit_nanos == 1_000_000_000_001
    assert budget(500).limit_nanos == 500 * USD
    again = Budget.model_validate_json(budget("12.345").model_dump_json())
    assert again == budget("12.345")


@pytest.mark.parametrize(
    ("parts", "mend"),
    [
        ({"usd": 0}, "amount over 0"),
        ({"usd": "five"}, "cannot read .five. as an amount"),
        ({"zone": "Mars/Olympus"}, "no time zone 'Mars/Olympus'"),
        ({"alert_at": [0]}, "no percents"),
        ({"per": "fortnight"}, "'day', 'week'"),
        ({"per": "week", "anchor": 5}, "a week has no anchor"),
        ({"per": "custom", "start": "2026-11-01"}, "a start and an end"),
        ({"per": "custom", "start": "2026-11-02", "end": "2026-11-02"}, "first day after"),
        ({"start": "2026-11-02"}, "a day has no such day"),
        ({"scope": {"colour": "red"}}, "Extra inputs"),
        ({"limit": 5}, "Extra inputs"),
    ],
)
def test_what_cannot_be_meant_is_refused(parts: dict[str, object], mend: str) -> None:
    with pytest.raises(ValidationError, match=mend):
        budget(**{"usd": 100, **parts})


def test_the_default_budget_is_there_until_one_is_declared() -> None:
    assert (DEFAULT.limit_nanos, DEFAULT.per, DEFAULT.alert_at) == (500 * USD, "month", (80, 95))
    assert in_force([]) == (DEFAULT,)
    assert in_force([], defaults=False) == ()
    assert in_force([budget(), budget(name="off", enabled=False)]) == (budget(),)
    assert in_force([budget(1), budget(2)]) == (budget(1),)


# ── Periods ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("parts", "when", "period"),
    [
        ({"per": "day"}, "2026-11-21T12:00", "2026-11-21T00:00 2026-11-22T00:00"),
        ({"per": "week"}, "2026-11-21T12:00", "2026-11-16T00:00 2026-11-23T00:00"),
        ({"per": "week"}, "2027-01-01T12:00", "2026-12-28T00:00 2027-01-04T00:00"),
        ({"per": "month"}, "2026-02-28T23:59", "2026-02-01T00:00 2026-03-01T00:00"),
        ({"per": "month", "anchor": 31}, "2026-02-27T12:00", "2026-01-31T00:00 2026-02-28T00:00"),
        ({"per": "month", "anchor": 31}, "2026-02-28T00:00", "2026-02-28T00:00 2026-03-31T00:00"),
        ({"per": "month", "anchor": 30}, "2024-02-29T12:00", "2024-02-29T00:00 2024-03-30T00:00"),
        ({"per": "month", "anchor": 15}, "2026-01-14T12:00", "2025-12-15T00:00 2026-01-15T00:00"),
        ({"per": "quarter"}, "2026-11-21T12:00", "2026-10-01T00:00 2027-01-01T00:00"),
        ({"per": "quarter", "anchor": 31}, "2026-04-29T12:00", "2026-01-31T00:00 2026-04-30T00:00"),
        (
            {"per": "custom", "start": "2026-11-03", "end": "2026-11-20"},
            "2026-12-24T12:00",
            "2026-11-03T00:00 2026-11-20T00:00",
        ),
    ],
)
def test_a_period_is_between_midnights(parts: dict[str, object], when: str, period: str) -> None:
    assert said(period_at(budget(**parts), at(when))) == period


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-07-01", 24)])
def test_a_day_has_as_many_hours_as_clocks_show(day: str, hours: int) -> None:
    period = period_at(budget(zone=BERLIN), at(f"{day}T12:00", BERLIN))
    assert said(period, BERLIN).startswith(f"{day}T00:00 ")
    assert period.length_ns == hours * HOUR


def test_where_clocks_skip_midnight_the_day_begins_when_they_do() -> None:
    zone = "Africa/Cairo"  # from 24 April 2026 00:00 to 01:00
    period = period_at(budget(zone=zone), at("2026-04-24T12:00", zone))
    assert said(period, zone) == "2026-04-24T01:00 2026-04-25T00:00"


ZONES = st.sampled_from(["UTC", BERLIN, "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Africa/Cairo"])
TIMES = st.integers(at("2024-01-01"), at("2030-01-01"))


@given(ZONES, TIMES, st.sampled_from(["day", "week", "month", "quarter"]), st.integers(1, 31))
def test_every_instant_is_in_exactly_one_period(zone: str, now: int, per: str, anchor: int) -> None:
    one = budget(per=per, zone=zone, anchor=anchor if per in {"month", "quarter"} else 1)
    period = period_at(one, now)
    assert period.start_ns <= now < period.end_ns
    assert period_at(one, period.start_ns) == period_at(one, period.end_ns - 1) == period
    assert period_at(one, period.end_ns).start_ns == period.end_ns
    days = days_of(period, ZoneInfo(zone))
    assert [days[0].start_ns, *(day.end_ns for day in days)] == [*(day.start_ns for day in days), period.end_ns]
    assert all(before.end_ns == after.start_ns for before, after in pairwise(days))
    assert day_at(now, ZoneInfo(zone)) in days


def test_a_period_counts_for_three_days_after_its_end() -> None:
    daily = counting(budget(), at("2026-11-21T12:00"))
    assert [said(one)[:10] for one in daily] == ["2026-11-18", "2026-11-19", "2026-11-20", "2026-11-21"]
    monthly = budget(per="month")
    assert len(counting(monthly, at("2026-11-03T23:59"))) == 2
    assert len(counting(monthly, at("2026-11-04T00:00"))) == 1


# ── Thresholds ────────────────────────────────────────────────────────────────────────────────────────────────────


class World:
    """A ledger, budgets, and a clock that the test turns."""

    def __init__(self, *budgets: Budget, now: str = "2026-11-21T12:00") -> None:
        self.connection = sqlite3.connect(":memory:")
        self.connection.executescript(TABLES)
        self.budgets = list(budgets)
        self.now = at(now)

    def spends(self, usd: float, *, day: str | None = None, calls: int = 1_000, unpriced: int = 0) -> list[Event]:
        """What is told when the data say that a day, else today, has cost so much by now."""
        found: dict[Day, Spent] = {}
        when = self.now if day is None else at(f"{day}T12:00")
        for one in self.budgets:
            found[one.account, day_at(when, ZoneInfo(one.zone))] = Spent(round(usd * USD), calls, unpriced)
        return settle(self.connection, self.budgets, found, self.now)

    def crossed(self, usd: float, **more: str) -> list[tuple[int, ...]]:
        return [event.crossed for event in self.spends(usd, **more) if event.kind == "crossed"]  # type: ignore[arg-type]

    def recorded(self) -> list[tuple[int, int, int]]:
        rows = self.connection.execute("SELECT threshold, told, late FROM budget_events ORDER BY at, threshold")
        return rows.fetchall()


@pytest.fixture
def world() -> Iterator[World]:
    made = World(budget())
    with closing(made.connection):
        yield made


def test_each_threshold_is_told_once(world: World) -> None:
    spent = [10, 50, 51, 79.99, 80, 80, 94, 95, 99.999999999, 100, 250]
    assert [world.crossed(usd) for usd in spent] == [
        *([], [(50,)], [], [], [(80,)], [], [], [(95,)], [], [(100,)], []),
    ]


def test_a_jump_records_all_and_tells_the_highest_once(world: World) -> None:
    assert world.crossed(40) == []
    assert world.crossed(97) == [(50, 80, 95)]
    assert world.recorded() == [(50, 0, 0), (80, 0, 0), (95, 1, 0)]


def test_falling_spend_takes_nothing_back(world: World) -> None:
    assert world.crossed(85) == [(50, 80)]
    assert world.crossed(20) == []
    assert shown(world.connection, world.budgets[0], world.now).spent.nanos == 20 * USD
    assert world.crossed(85) == []
    assert world.crossed(96) == [(95,)]


def test_the_next_period_begins_anew(world: World) -> None:
    assert world.crossed(60) == [(50,)]
    world.now += DAY
    assert [event.kind for event in world.spends(0)] == ["ended"]
    assert world.crossed(60) == [(50,)]


def test_a_restart_and_the_same_data_tell_nothing(world: World) -> None:
    world.spends(60)
    rows = list(world.connection.iterdump())
    again = World(budget())
    again.connection.executescript("DROP TABLE budget_days; DROP TABLE budget_generations; DROP TABLE budget_periods;"
                                   "DROP TABLE budget_events; DROP TABLE kept_budgets;")  # fmt: skip
    again.connection.executescript("\n".join(rows))
    assert again.spends(60) == []
    assert again.crossed(81) == [(80,)]
    again.connection.close()


def test_a_new_amount_is_a_new_generation_and_says_nothing_that_was_said(world: World) -> None:
    assert world.crossed(60) == [(50,)]
    world.budgets = [budget(70)]  # 60 of 70: over 80 %
    assert world.spends(60)[0].kind == "ended"
    assert shown(world.connection, world.budgets[0], world.now).crossed == (50, 80)
    assert world.crossed(67) == [(95,)]
    world.budgets = [budget(1_000)]
    world.spends(67)
    assert world.crossed(850) == []  # 80 %, and 95 were told
    assert world.crossed(1_000) == [(95, 100)]


def test_other_labels_are_the_same_generation(world: World) -> None:
    world.spends(60)
    world.budgets = [budget(labels={"team": "chat"}, description="of the chat")]
    assert world.spends(60) == []
    assert world.connection.execute("SELECT count(*) FROM budget_generations").fetchone() == (1,)


def test_what_comes_late_counts_for_three_days_and_says_so(world: World) -> None:
    assert world.crossed(40) == []
    world.now += DAY
    world.spends(0)
    (event,) = world.spends(55, day="2026-11-21")
    assert (event.crossed, event.is_late, event.is_first) == ((50,), True, True)
    assert change_of(event).reason == "late"
    assert shown(world.connection, world.budgets[0], world.now).late_nanos == 15 * USD
    world.now += 3 * DAY
    assert [(one.kind, one.is_late) for one in world.spends(0)] == [("ended", True)]
    assert world.crossed(99, day="2026-11-21") == []


def test_a_budget_does_not_judge_the_time_before_it(world: World) -> None:
    assert world.crossed(99, day="2026-11-20") == []


def test_calls_without_a_price_make_it_incomplete_once(world: World) -> None:
    assert world.spends(10, unpriced=10) == []
    (event,) = world.spends(10, unpriced=11)
    assert event.kind == "incomplete"
    assert "11 of 1,000 calls have no price" in dict(change_of(event).annotations)["summary"]
    assert world.spends(10, unpriced=500) == []
    assert shown(world.connection, world.budgets[0], world.now).state == "incomplete"


def test_a_removed_budget_is_retired_and_comes_back_as_it_was(world: World) -> None:
    world.spends(60)
    kept, world.budgets = world.budgets, []
    world.spends(60)
    assert world.connection.execute("SELECT count(*) FROM budget_generations WHERE retired_at > 0").fetchone() == (1,)
    world.budgets = kept
    assert world.spends(60) == []
    assert world.connection.execute("SELECT count(*) FROM budget_generations WHERE retired_at > 0").fetchone() == (0,)


# ── What is told ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_changes_of_a_period_are_one_episode(world: World) -> None:
    world.budgets = [budget(scope={"tenant": "acme", "model": ["a", "b"]}, labels={"team": "chat"})]
    changes = [change_of(event) for usd in (50, 95, 100) for event in world.spends(usd)]
    assert [(one.transition, one.severity) for one in changes] == [
        ("firing", "warning"),
        ("escalated", "error"),
        ("escalated", "critical"),
    ]
    world.now += DAY + 11 * MINUTE
    changes += [change_of(event) for event in world.spends(0)]
    assert changes[-1].transition == "resolved"
    assert len({(one.rule_id, one.fingerprint, one.episode) for one in changes}) == 1
    first = changes[0]
    assert (first.rule_id, first.tenant_id) == ("ax/budget/all", "acme")
    assert (first.value, first.threshold, first.unit) == (50e9, 50e9, "usd_nanos")
    assert dict(first.labels) == {"budget": "all", "per": "day", "tenant": "acme", "model": "a,b", "team": "chat"}
    world.spends(0)
    (next_day,) = world.spends(50)
    assert change_of(next_day).episode != first.episode
    assert change_of(next_day).fingerprint == first.fingerprint


def test_days_that_count_are_those_that_were_touched() -> None:
    now = at("2026-11-21T12:00")
    monthly = budget(per="month")
    assert len(days_that_count([monthly], now)) == 21
    assert len(days_that_count([monthly], now, ())) == 1
    touched = [Period(at("2026-11-03T23:00"), at("2026-11-04T01:00"))]
    assert {said(day)[:10] for _, day in days_that_count([monthly], now, touched)} == {
        *("2026-11-03", "2026-11-04", "2026-11-21"),
    }
