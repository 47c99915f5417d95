"""Days and periods by the calendar of a time zone.

In: a budget, an instant. Out: half-open ranges between local midnights: days have 23 to 25 hours, weeks begin on
Mondays, months and quarters on their anchor, or on the last day where a month is shorter.
"""

from calendar import monthrange
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from exporter.budget.budget import NANOS, Budget
from exporter.query.period import DAY, Period

LATE_NS: Final = 3 * DAY
"""How long after its end a period still counts what comes in."""
_MONTHS: Final = {"month": 1, "quarter": 3}
_YEAR: Final = 12


def midnight_ns(day: date, zone: ZoneInfo) -> int:
    """The first instant of a local day; where clocks skip midnight, the instant at which they do."""
    return int(datetime.combine(day, time(), zone).timestamp()) * NANOS


def local_day(at_ns: int, zone: ZoneInfo) -> date:
    """The day that calendars show."""
    return datetime.fromtimestamp(at_ns // NANOS, UTC).astimezone(zone).date()


def day_at(at_ns: int, zone: ZoneInfo) -> Period:
    """The local day that holds an instant."""
    day = local_day(at_ns, zone)
    return Period(midnight_ns(day, zone), midnight_ns(day + timedelta(days=1), zone))


@lru_cache(maxsize=1_024)
def days_of(period: Period, zone: ZoneInfo) -> tuple[Period, ...]:
    """The local days of a period that begins and ends with one."""
    days: list[Period] = []
    start = period.start_ns
    while start < period.end_ns:
        days.append(day_at(start, zone))
        start = days[-1].end_ns
    return tuple(days)


def period_at(budget: Budget, at_ns: int) -> Period:
    """The period that holds an instant; a custom budget has one, wherever the instant is."""
    zone = ZoneInfo(budget.zone)
    first, after = _dates(budget, local_day(at_ns, zone))
    return Period(midnight_ns(first, zone), midnight_ns(after, zone))


def counting(budget: Budget, now_ns: int) -> list[Period]:
    """The periods that count what comes in now, oldest first: those that go on, or ended less than `LATE_NS` ago."""
    found = [period_at(budget, now_ns)]
    while found[0].start_ns > now_ns - LATE_NS and budget.per != "custom":
        found.insert(0, period_at(budget, found[0].start_ns - 1))
    return [one for one in found if one.start_ns <= now_ns < one.end_ns + LATE_NS]


def _dates(budget: Budget, day: date) -> tuple[date, date]:
    """The first day, and the first day after."""
    match budget.per:
        case "day":
            return day, day + timedelta(days=1)
        case "week":
            monday = day - timedelta(days=day.weekday())
            return monday, monday + timedelta(days=7)
        case "custom":
            assert budget.start is not None  # noqa: S101 (the model says so)
            assert budget.end is not None  # noqa: S101
            return budget.start, budget.end
    length = _MONTHS[budget.per]
    month = day.year * _YEAR + (day.month - 1) // length * length
    while _anchored(month, budget.anchor) > day:
        month -= length
    while _anchored(month + length, budget.anchor) <= day:
        month += length
    return _anchored(month, budget.anchor), _anchored(month + length, budget.anchor)


def _anchored(month: int, anchor: int) -> date:
    """The anchor's day of a month counted from year 0, or its last day."""
    year, place = divmod(month, _YEAR)
    return date(year, place + 1, min(anchor, monthrange(year, place + 1)[1]))
