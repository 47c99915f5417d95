"""When the disk is full: what comes in a day, how long it is kept, how much room there is.

In: what is stored by table, retention, free bytes, the time. Out: growth by table, and the day on which room ends.
"""

import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from exporter.config import Config
from exporter.query.period import DAY, HOUR
from exporter.query.storage import Stored, storage

_LEAST_NS: Final = HOUR
"""Of less time nothing is made out."""
_AHEAD_DAYS: Final = 3_650


@dataclass(frozen=True, slots=True)
class Growth:
    """A table: what it holds, what a day adds, how long that goes on, and what it comes to in the end."""

    table: str
    rows: int
    bytes: int
    rows_per_day: float | None
    bytes_per_day: float | None
    kept_days: float
    settled_bytes: int | None


@dataclass(frozen=True, slots=True)
class Capacity:
    """`full_in_days` is None where retention takes as much away as comes in before the disk is full, or unknown."""

    tables: tuple[Growth, ...]
    used_bytes: int
    free_bytes: int
    kept_free_bytes: int
    bytes_per_day: float | None
    settled_bytes: int | None
    full_in_days: float | None

    @property
    def is_tight(self) -> bool:
        """Whether the disk is full before old records make room."""
        return self.full_in_days is not None


def look(config: Config, now_ns: int) -> Capacity:
    """The outlook of a data directory on its disk. Raises `AxError` where it is none."""
    stored = storage(config.data)
    retention = config.store.retention.model_dump()
    kept = {one.table: retention.get(one.table, retention["metrics"]) for one in stored}
    kept["steps"] = retention["runs"]
    return capacity(
        stored,
        kept,
        free_bytes=shutil.disk_usage(config.data).free,
        kept_free_bytes=config.journal.min_free_bytes,
        now_ns=now_ns,
    )


def capacity(
    stored: Iterable[Stored], kept_ns: Mapping[str, int], *, free_bytes: int, kept_free_bytes: int, now_ns: int
) -> Capacity:
    """`kept_ns` is each table's retention, `kept_free_bytes` what is to stay free, under which requests are refused."""
    tables = tuple(sorted((_growth(one, kept_ns, now_ns) for one in stored), key=lambda one: -one.bytes))
    rates = [one.bytes_per_day for one in tables if one.bytes_per_day is not None]
    settled = [one.settled_bytes for one in tables]
    return Capacity(
        tables,
        sum(one.bytes for one in tables),
        free_bytes,
        kept_free_bytes,
        sum(rates) if rates else None,
        None if None in settled or not settled else sum(one for one in settled if one is not None),
        _full_in_days(tables, free_bytes - kept_free_bytes),
    )


def _growth(one: Stored, kept_ns: Mapping[str, int], now_ns: int) -> Growth:
    kept = kept_ns.get(one.table, 0) / DAY
    length_ns = now_ns - one.min_time if one.min_time is not None else 0
    if length_ns < _LEAST_NS:
        return Growth(one.table, one.rows, one.bytes, None, None, kept, None)
    days = length_ns / DAY
    daily = one.bytes / days
    settled = round(max(daily * kept, one.bytes)) if kept else None
    return Growth(one.table, one.rows, one.bytes, one.rows / days, daily, kept, settled)


def _full_in_days(tables: Iterable[Growth], room_bytes: int) -> float | None:
    """When what was added is more than there is room; each table grows until as much goes as comes."""
    if room_bytes <= 0:
        return 0.0
    growing = [
        (one.bytes_per_day, (one.settled_bytes - one.bytes) / one.bytes_per_day)
        for one in tables
        if one.bytes_per_day and one.settled_bytes is not None
    ]
    at, added = 0.0, 0.0
    for stop in sorted({days for _, days in growing if days > 0}):
        rate = sum(daily for daily, days in growing if days > at)
        if added + rate * (stop - at) > room_bytes:
            return at + (room_bytes - added) / rate
        added += rate * (stop - at)
        at = stop
        if at > _AHEAD_DAYS:
            break
    return None
