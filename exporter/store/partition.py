"""Where rows belong: by the UTC day, and for the last two days the hour, of their effective time.

In: an Arrow table of `model.arrow_schema`. Out: its rows by partition.
A row's effective time is its own, or when it came in where its sender's clock is off by more than we keep.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from exporter import model
from exporter.units import NS_PER_S, NS_PER_US

HOUR_NS: Final = 3_600 * NS_PER_S
DAY_NS: Final = 24 * HOUR_NS

_HOUR_US: Final = HOUR_NS // NS_PER_US
_LAST_US: Final = (2**63 - 1) // NS_PER_US  # 2262-04-11: beyond it Unix nanoseconds leave 64 bits
_EPOCH: Final = date(1970, 1, 1)

Hours = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True, slots=True)
class Piece:
    """Rows of one partition: `day` as in `date=YYYY-MM-DD`, `hour` None in a day that is no longer split.

    `min_time` and `max_time` are the least and the greatest effective time, Unix nanoseconds.
    """

    day: str
    hour: int | None
    min_time: int
    max_time: int
    rows: pa.Table


def day_of(time: int) -> str:
    """The UTC day of a time in Unix nanoseconds."""
    return (_EPOCH + timedelta(days=time // DAY_NS)).isoformat()


def start_of(day: str) -> int:
    """Unix nanoseconds at which a UTC day begins."""
    return (date.fromisoformat(day) - _EPOCH).days * DAY_NS


def first_split_day(now: int) -> str:
    """Yesterday: the first day whose partitions are hours."""
    return day_of(now - DAY_NS)


def pieces(table: model.Table, rows: pa.Table, now: int) -> list[Piece]:
    """The rows of `table` by partition, in order of time; at most one piece a partition, none without rows.

    `now` (Unix nanoseconds) is when rows came in that do not say it: cells.
    """
    if rows.num_rows == 0:
        return []
    newest = now // NS_PER_US if table.name in model.FIGURES else _newest_us(rows)
    times = _effective_us(table, rows)
    hours = times // _HOUR_US
    first, last = int(hours.min()), int(hours.max())
    if first == last:  # nearly always: no row is touched
        return [_piece(rows, times, _keys(newest, hours[:1])[0])]
    keys = _keys(newest, hours)
    found = []
    for key in np.unique(keys):
        places = np.flatnonzero(keys == key)
        found.append(_piece(_taken(rows, places), times[places], key))
    return sorted(found, key=lambda piece: piece.min_time)


def time_range(table: model.Table, rows: pa.Table) -> tuple[int, int]:
    """The least and the greatest effective time of rows, at least one, in Unix nanoseconds."""
    times = _effective_us(table, rows)
    return int(times.min()) * NS_PER_US, int(times.max()) * NS_PER_US


def _effective_us(table: model.Table, rows: pa.Table) -> Hours:
    if table.name in model.FIGURES:
        own_times: Hours = rows[table.time].cast(pa.int64()).to_numpy()
        return own_times
    arrived = rows["ingest_time"].cast(pa.int64())
    own = rows[table.time].cast(pa.int64())
    usable = pc.and_(pc.greater_equal(own, 0), pc.less_equal(own, _LAST_US))
    trusted = pc.fill_null(pc.and_not(usable, pc.fill_null(rows["clock_skew"], fill_value=False)), fill_value=False)
    times: Hours = pc.if_else(trusted, own, arrived).to_numpy()
    return times


def _newest_us(rows: pa.Table) -> int:
    return int(pc.max(rows["ingest_time"].cast(pa.int64())).as_py())


def _keys(newest: int, hours: Hours) -> Hours:
    """One number a partition: the hour since the epoch, or minus one minus the day."""
    first_split = newest // (24 * _HOUR_US) - 1
    return np.where(hours // 24 >= first_split, hours, -1 - hours // 24)


def _piece(rows: pa.Table, times: Hours, key: np.int64) -> Piece:
    day, hour = (int(key) // 24, int(key) % 24) if key >= 0 else (-1 - int(key), None)
    return Piece(
        (_EPOCH + timedelta(days=day)).isoformat(),
        hour,
        int(times.min()) * NS_PER_US,
        int(times.max()) * NS_PER_US,
        rows,
    )


def _taken(rows: pa.Table, places: Hours) -> pa.Table:
    """The rows at `places`, their dictionaries without what only other rows use."""
    taken = rows.take(pa.array(places))
    columns = [
        pc.dictionary_encode(column.cast(column.type.value_type)) if pa.types.is_dictionary(column.type) else column
        for column in taken.columns
    ]
    return pa.Table.from_arrays(columns, schema=rows.schema)
