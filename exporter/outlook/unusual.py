"""Which measures are unusual just now: those of calls, or a stored metric, by any dimension of the rollups.

In: the views, a name, a time. Out: for each group its last whole hours, each with what was expected.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import nan
from zoneinfo import ZoneInfo

from exporter.errors import AxError
from exporter.outlook.anomaly import HOUR_NS, LEARNED, Hour, K, judged
from exporter.query.figures import Of, figures
from exporter.query.measures import MEASURES
from exporter.query.measures import of as measured_of
from exporter.query.period import HOUR, Period
from exporter.query.points import points
from exporter.query.views import Views

_ADDS_UP = frozenset({"count", "tokens", "usd_nanos"})
Bucket = tuple[int, tuple[str | None, ...], float | None]


@dataclass(frozen=True, slots=True)
class Unusual:
    """A group's last hours, oldest first; the last one says what holds now."""

    labels: tuple[str | None, ...]
    unit: str
    hours: tuple[Hour, ...]

    @property
    def now(self) -> Hour:
        """The last whole hour."""
        return self.hours[-1]


def unusual(  # noqa: PLR0913 (what is asked)
    views: Views,
    name: str,
    at_ns: int,
    *,
    by: Sequence[str] = (),
    where: str | None = None,
    of: Of = Of.CALLS,
    zone: str = "UTC",
    last: int = 1,
    k: float = K,
) -> list[Unusual]:
    """The `last` whole hours before `at_ns` of a measure, or of a stored metric by that name, for each group.

    A rule's condition is met for a group where `now.state` is high or low; `learning` is no data. Raises `AxError`.
    """
    _check_zone(zone)
    end_ns = at_ns // HOUR * HOUR
    period = Period(end_ns - (LEARNED + last + 2) * HOUR, end_ns)
    unit, buckets = _buckets(views, name, period, by, where, of)
    grouped: dict[tuple[str | None, ...], dict[int, float]] = {}
    for at, labels, value in buckets:
        if value is not None:
            grouped.setdefault(labels, {})[at] = value
    missing = 0.0 if unit in _ADDS_UP else nan
    return [
        Unusual(labels, unit, tuple(_judged(values, end_ns, missing, last, zone, k)))
        for labels, values in grouped.items()
    ]


def _check_zone(zone: str) -> None:
    try:
        ZoneInfo(zone)
    except (KeyError, ValueError, OSError):
        raise AxError(f"zone: there is none called {zone!r}", mend="write one such as UTC or Europe/Berlin") from None


def _buckets(
    views: Views, name: str, period: Period, by: Sequence[str], where: str | None, of: Of
) -> tuple[str, Iterator[Bucket]]:
    measure = MEASURES.get(name)
    if measure is not None:
        of, where = measured_of(measure, of, where)
        found = figures(
            views,
            period,
            of=of,
            by=by,
            where=where,
            step_ns=HOUR,
            from_rollups=True,
            percentiles=measure.is_percentile,
        )
        return measure.unit, ((row.bucket_ns, row.labels, measure.read(row)) for row in found.rows)
    stored = points(views, name, period, by=by, where=where, step_ns=HOUR).rows
    adds_up = all(row.last is None for row in stored)  # a gauge has a last value, and its mean is what it says
    unit = "count" if adds_up else next((row.unit or "" for row in stored), "")
    return unit, ((row.bucket_ns, row.labels, row.sum if adds_up else row.mean) for row in stored)


def _judged(values: dict[int, float], end_ns: int, missing: float, last: int, zone: str, k: float) -> Iterator[Hour]:
    """Of a group that was there before: nothing is known of the time before its first hour."""
    start_ns = min(values)
    series = [values.get(at, missing) for at in range(start_ns, end_ns, HOUR_NS)]
    yield from judged(series, start_ns, last=min(last, len(series)), zone=zone, k=k)
