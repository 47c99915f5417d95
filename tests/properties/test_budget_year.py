"""A year of spending, with days of 23 and 25 hours: a count by hand and the ledger say the same, each threshold once.

What costs come in when is drawn: on time, late, corrected downwards; the process is started again now and then.
"""

import sqlite3
from collections import defaultdict
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

import pytest

import exporter.control
from exporter.budget import Budget, Event, settle
from exporter.budget.ledger import Day, days_that_count
from exporter.query.period import DAY, HOUR, Period
from exporter.query.spend import Spent

TABLES = (Path(exporter.control.__file__).parent / "sql" / "budgets.sql").read_text()
USD = 10**9
START = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp()) * 10**9
STEP = 3 * HOUR

BUDGETS = [
    Budget.model_validate({"name": name, "usd": usd, "per": per, "zone": zone, "anchor": anchor})
    for name, usd, per, zone, anchor in [
        ("day", 24, "day", "Europe/Berlin", 1),
        ("week", 180, "week", "America/New_York", 1),
        ("month", 700, "month", "Australia/Lord_Howe", 31),
        ("quarter", 2_000, "quarter", "Asia/Kolkata", 1),
    ]
]


class World:
    """Costs as they become known: when they were made, when they came in, how much."""

    def __init__(self, seed: int, days: int) -> None:
        random = Random(seed)
        self.steps = range(START, START + days * DAY, STEP)
        self.known: dict[int, list[tuple[int, int]]] = defaultdict(list)
        for now in self.steps:
            made = now - random.randrange(STEP)
            nanos = round(random.lognormvariate(0, 0.6) * 1.9 * USD)
            late = random.choice([0] * 20 + [1, 12, 30, 60])
            self.known[now + late * STEP].append((made, nanos))
            if random.random() < 0.02:
                self.known[now + 3 * STEP].append((made, -nanos // 2))  # priced anew
        self.costs: list[tuple[int, int]] = []

    def spent(self, day: Period) -> Spent:
        nanos = sum(cost for made, cost in self.costs if day.start_ns <= made < day.end_ns)
        return Spent(nanos, int(nanos != 0))


def calendar_period(budget: Budget, at_ns: int) -> tuple[date, date]:
    """By hand: the first and the last day of a budget's period, in its zone."""
    day = datetime.fromtimestamp(at_ns / 1e9, UTC).astimezone(ZoneInfo(budget.zone)).date()
    return days_around(budget.per, budget.anchor, day)


@cache
def days_around(per: str, anchor: int, day: date) -> tuple[date, date]:
    """The first and the last day of the period that holds a day: by looking at each day before and after."""

    def starts(one: date) -> bool:
        is_anchor = one.day == anchor or (one.day < anchor and (one + timedelta(days=1)).month != one.month)
        match per:
            case "week":
                return one.isoweekday() == 1
            case "month":
                return is_anchor
            case "quarter":
                return is_anchor and one.month in {1, 4, 7, 10}
        return True

    first = day
    while not starts(first):
        first -= timedelta(days=1)
    last = day
    while not starts(last + timedelta(days=1)):
        last += timedelta(days=1)
    return first, last


def bounds(budget: Budget, first: date, last: date) -> tuple[int, int]:
    zone = ZoneInfo(budget.zone)
    start, end = (datetime(one.year, one.month, one.day, tzinfo=zone) for one in (first, last + timedelta(days=1)))
    return int(start.timestamp()) * 10**9, int(end.timestamp()) * 10**9


def lived(world: World, connection: sqlite3.Connection) -> list[Event]:
    """The events of all steps; days that were touched are measured, as in the server."""
    events: list[Event] = []
    for now in world.steps:
        new = world.known.pop(now, [])
        world.costs += new
        touched = [Period(made, made + 1) for made, _ in new]
        days: dict[Day, object] = dict(days_that_count(BUDGETS, now, touched))
        events += settle(connection, BUDGETS, {day: world.spent(day[1]) for day in days}, now)
        world.costs = [cost for cost in world.costs if cost[0] > now - 10 * DAY]  # nothing older is asked for
    return events


def expected(world: World) -> dict[tuple[str, date], set[int]]:
    """By hand: the thresholds that a period's spend reached at any step until three days after its end."""
    sums: dict[tuple[str, date], int] = defaultdict(int)
    met: dict[tuple[str, date], set[int]] = defaultdict(set)
    for now in world.steps:
        for made, nanos in world.known.get(now, []):
            for budget in BUDGETS:
                first, last = calendar_period(budget, made)
                # The first settlement is at START: of what was over by then nobody wants to know.
                if START < bounds(budget, first, last)[1] > now - 3 * DAY:
                    sums[budget.name, first] += nanos
        for budget in BUDGETS:
            for key in [key for key in sums if key[0] == budget.name][-8:]:  # of older ones nothing changes any more
                met[key] |= {percent for percent in budget.alert_at if sums[key] * 100 >= percent * budget.limit_nanos}
    return {key: found for key, found in met.items() if found}


def check_a_year(seed: int, days: int) -> int:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(TABLES)
        by_hand = expected(World(seed, days))
        events = lived(World(seed, days), connection)
        rows = connection.execute("SELECT budget, period_start, threshold FROM budget_events WHERE basis = 'spent'")
        found: dict[tuple[str, date], set[int]] = defaultdict(set)
        zones = {budget.name: ZoneInfo(budget.zone) for budget in BUDGETS}
        for name, start, threshold in rows:
            first = datetime.fromtimestamp(start / 1e9, UTC).astimezone(zones[name]).date()
            assert threshold not in found[name, first]
            found[name, first].add(threshold)
        assert found == by_hand
    crossed = [event for event in events if event.kind == "crossed"]
    told = [(event.budget.name, event.period.start_ns, percent) for event in crossed for percent in event.crossed]
    assert len(told) == len(set(told))
    ended = {(one.budget.name, one.period.start_ns, one.is_late) for one in events if one.kind == "ended"}
    assert ended <= {(one.budget.name, one.period.start_ns, one.is_late) for one in crossed}
    return len(told)


def test_a_year_with_summer_time_tells_each_threshold_once_a_period() -> None:
    assert check_a_year(seed=1, days=365) > 400


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2, 30))
def test_other_years(seed: int) -> None:
    assert check_a_year(seed, 365) > 400
