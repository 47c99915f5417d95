"""Which segments to merge: a function of the catalog's rows and the time.

In: live segments. Out: merges, those that shorten the list of files first.
Within an hour, eight segments of one size make one of the next size, rows as they are. An hour that is over, and late
rows with it, becomes one segment without doubles; so do eight small hours of a day, and the day, each once it has been
over for long.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from exporter.store.catalog import Segment
from exporter.store.partition import DAY_NS, HOUR_NS, start_of

MERGED: Final = 1
HOUR: Final = 2
DAY: Final = 3
"""Levels of segments; fresh ones have 0. What was made of several hours has `HOUR` and no hour."""

TIER: Final = 8
"""As many segments of one size class merge; a class spans sizes up to as many times its smallest."""

FILE_ROWS: Final = 4 * 2**20
"""About as many rows are in the largest segments."""

MERGE_ROWS: Final = 32 * 2**20
"""Most rows of one merge: what is larger closes in several, and doubles in different ones stay."""

_LONG: Final = 24
"""As many times the lateness of an hour is that of a day, and of an hour that is merged with others."""


@dataclass(frozen=True, slots=True)
class Merge:
    """Segments of one table, tenant and day to replace by merged ones of `level` in the partition of `hour`."""

    inputs: tuple[Segment, ...]
    level: int
    hour: int | None


def plan(segments: Iterable[Segment], now: int, lateness: int) -> list[Merge]:
    """The merges that are due at `now`; `lateness` is how long a closed hour waits for late rows (nanoseconds).

    No segment is in two of them.
    """
    days = defaultdict(list)
    for one in segments:
        days[one.table, one.tenant, one.day].append(one)
    merges = [merge for of_day in days.values() for merge in _day(of_day, now, lateness)]
    return sorted(merges, key=lambda merge: (merge.level, merge.inputs[0].number))


def _day(segments: Sequence[Segment], now: int, lateness: int) -> Iterator[Merge]:
    day = segments[0].day
    is_over = now >= start_of(day) + DAY_NS + _LONG * lateness
    if is_over and sum(one.rows for one in segments) <= MERGE_ROWS:
        yield from _partition(segments, DAY, None, now, _LONG * lateness)
        return
    hours = defaultdict(list)
    for one in segments:
        hours[one.hour].append(one)
    small: list[Segment] = []
    for hour, of_hour in hours.items():
        if hour is None:
            came_late = [one for one in of_hour if one.level != HOUR]
            yield from _partition(came_late, DAY, None, now, _LONG * lateness)
            continue
        end = start_of(day) + (hour + 1) * HOUR_NS
        if now < end + lateness:
            yield from _tiers(of_hour, hour)
            continue
        yield from _partition(of_hour, HOUR, hour, now, lateness)
        if now >= end + _LONG * lateness and all(_is_small_hour(one) for one in of_hour):
            small += of_hour
    if len({one.hour for one in small}) >= TIER:
        yield Merge(tuple(sorted(small, key=_time)), HOUR, None)


def _is_small_hour(one: Segment) -> bool:
    return one.level == HOUR and one.rows <= FILE_ROWS // TIER


def _partition(segments: Sequence[Segment], level: int, hour: int | None, now: int, patience: int) -> Iterator[Merge]:
    """Close what is over; rows that came later wait for others, so that each does not rewrite all before it."""
    open_rows = [one for one in segments if one.level < level]
    closed_rows = sum(one.rows for one in segments if one.level >= level)
    due = (
        closed_rows == 0
        or TIER * sum(one.rows for one in open_rows) >= closed_rows
        or any(now - one.created >= patience for one in open_rows)
    )
    if open_rows and due:
        yield from (
            Merge(tuple(batch), level, hour) for batch in _batches(segments) if any(one.level < level for one in batch)
        )
        return
    waiting = defaultdict(list)
    for one in open_rows:
        waiting[one.hour].append(one)
    for of, rows in waiting.items():
        yield from _tiers(rows, of)


def _batches(segments: Sequence[Segment]) -> Iterator[list[Segment]]:
    """The segments in order of time, in runs of at most `MERGE_ROWS`."""
    batch: list[Segment] = []
    for one in sorted(segments, key=_time):
        if batch and sum(other.rows for other in batch) + one.rows > MERGE_ROWS:
            yield batch
            batch = []
        batch.append(one)
    yield batch


def _tiers(segments: Iterable[Segment], hour: int | None) -> Iterator[Merge]:
    classes = defaultdict(list)
    for one in segments:
        if one.rows <= FILE_ROWS // TIER:  # merging larger ones would make several files again
            classes[(one.rows.bit_length() - 1) // (TIER.bit_length() - 1)].append(one)
    for of_size in classes.values():
        if len(of_size) >= TIER:
            yield Merge(tuple(sorted(of_size, key=_number)), MERGED, hour)


def _number(one: Segment) -> int:
    return one.number


def _time(one: Segment) -> tuple[int, int]:
    return one.min_time, one.number
