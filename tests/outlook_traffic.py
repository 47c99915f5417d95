"""Made-up spending and traffic of known kinds, for what projects it and what finds the unusual in it.

In: a kind, a generator of random numbers. Out: months of daily costs; five weeks of hourly values.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

Reals = npt.NDArray[np.float64]

MONTHS: Final = ("plain", "season", "season+trend", "season+like", "idle", "young")
"""Of daily costs: all days alike; quieter weekends; rising or falling; days like the day before; two days in five
without any; known for no longer than the month itself."""
KINDS: Final = (
    *("weekly", "flat", "business", "trend", "shift", "intermittent", "zeroheavy", "dst", "counts", "wild", "fresh"),
)
"""Of hours: by day and week; noise; office hours; rising 1.5 % a day; doubled two weeks before; two hours in three and
nineteen in twenty without any; office hours around the end of summer time; small counts; twice the noise; doubled
three days before."""

WEEK_H: Final = 7 * 24
_DAYS: Final = 30
_NOISE: Final = 0.25


@dataclass(frozen=True)
class Month:
    """A month that is seen from somewhere in a day of it."""

    history: list[int]
    weekdays: list[int]
    spent: int
    to_come: list[int]
    left: float
    total: int


def month(kind: str, random: np.random.Generator, day: int) -> Month:
    """One of 30 days, seen from its `day`-th, after four to ten weeks of which all is known."""
    before = int(random.integers(28, 70))
    places = np.arange(before + _DAYS)
    weekdays = (int(random.integers(7)) + places) % 7
    profile = np.array([1, 1.05, 1.1, 1.05, 0.95, 0.35, 0.3]) if "season" in kind else np.ones(7)
    rise = random.normal(0, 0.006) if "trend" in kind else 0.0
    noise = random.lognormal(0, _NOISE, len(places))
    if "like" in kind:
        drift = np.zeros(len(places))
        for place in places[1:]:
            drift[place] = 0.4 * drift[place - 1] + random.normal(0, 0.9 * _NOISE)
        noise = np.exp(drift)
    costs = 50e9 * np.exp(rise * (places - before)) * profile[weekdays] * noise
    if kind == "idle":
        costs *= random.random(len(places)) < 0.6
    today, first = before + day - 1, before if kind == "young" else 0
    left = float(random.random())
    spent = int(costs[before:today].sum() + costs[today] * (1 - left))
    return Month(
        [int(cost) for cost in costs[first:today]],
        weekdays[first:today].tolist(),
        spent,
        weekdays[today:].tolist(),
        left,
        int(costs[before:].sum()),
    )


def start_of(kind: str) -> int:
    """A Monday at midnight, Unix nanoseconds; the last of five weeks may hold the end of summer time."""
    start = datetime(2026, 9, 21, tzinfo=UTC) if kind == "dst" else datetime(2026, 1, 5, tzinfo=UTC)
    return int(start.timestamp()) * 10**9


def hourly(kind: str, random: np.random.Generator) -> tuple[Reals, Reals]:
    """Five weeks; and what each hour would have held if something had happened in it."""
    hours = np.arange(5 * WEEK_H)
    of_day, of_week = _clock(kind, hours)
    daily = (1 + 0.8 * np.sin((of_day - 9) / 24 * 2 * np.pi)) * np.where(of_week >= 5, 0.4, 1.0)
    office = np.where((of_day >= 8) & (of_day < 18) & (of_week < 5), 1.0, 0.1)
    noise = random.lognormal(0, 2 * _NOISE if kind == "wild" else _NOISE, len(hours))
    judged = 4 * WEEK_H
    shapes: dict[str, Reals] = {
        "flat": np.ones(len(hours)),
        "business": office,
        "dst": office,
        "trend": daily * (1 + 0.015 * hours / 24),
        "shift": daily * np.where(hours < judged - 14 * 24, 1, 2),
        "fresh": daily * np.where(hours < judged - 3 * 24, 1, 2),
    }
    is_idle = kind in {"intermittent", "zeroheavy"}
    values: Reals = 100 * shapes.get(kind, np.ones(len(hours)) if is_idle else daily) * noise
    if kind == "counts":
        values = random.poisson(20 * daily).astype(np.float64)
    active = values.copy()
    if is_idle:
        values = values * (random.random(len(hours)) < (0.3 if kind == "intermittent" else 0.05))
    return values, active


def _clock(kind: str, hours: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    if kind != "dst":
        return hours % 24, hours // 24 % 7
    zone, start = ZoneInfo("Europe/Berlin"), start_of(kind) // 10**9
    shown = [datetime.fromtimestamp(start + 3_600 * int(hour), UTC).astimezone(zone) for hour in hours]
    return np.array([one.hour for one in shown]), np.array([one.weekday() for one in shown])
