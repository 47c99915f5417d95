"""Cumulative points to what each adds to the one before it of its series.

In: rows of a table `metrics_*` as they come in, and the `Last` points of series before them. Out: what they add to the
cells of their minutes, and the last points from now on, which are those of the stored rows: after a restart `Last` is
made of what came in during the last hour. A point older than the last one of its series adds nothing; what it would
have added the later one has, so that sums stay right. Of a table at most `MOST` are remembered: beyond, those that were
silent for longest are let go, and add nothing when they come back, since what they had added before is not known.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa

from exporter import model
from exporter.rollup import columns as c
from exporter.rollup import points
from exporter.rollup.group import Parts, Sketch
from exporter.rollup.series import Keys, keys_of, needed, of_streams

WINDOW_NS: Final = 3_600 * 10**9
"""A series that was silent for longer begins anew."""
FRESH_NS: Final = 120 * 10**9
"""A series whose first point is no older than this began where it says, at nothing; of others the first is unknown."""

MOST: Final = 2**17
"""As many series are remembered of a tenant and table; of sums and both kinds of histograms all took 340 MB at most."""
_ROOM: Final = MOST // 4
"""As many are let go at once, and more come before the next have to be sought out."""

_SERIES: Final = "series"
_KEY: Final = "stream"
"""A series from one start on: several processes may be one series, each with a count of its own."""
TABLES: Final = ("metrics_sum", "metrics_histogram", "metrics_exp_histogram")
"""The tables that have cumulative points."""

_KEPT: Final = (
    "start_time_unix_nano",
    "time_unix_nano",
    "value",
    "count",
    "sum",
    *points.BUCKETS,
)

NEEDED: Final[Mapping[str, Sequence[str]]] = {
    name: sorted({*points.needed(name), *needed(name), *_KEPT} & model.TABLES[name].columns.keys()) for name in TABLES
}
"""The columns of a table that this reads."""


@dataclass(frozen=True, slots=True)
class Last:
    """The last point of each series: its key and what the next one is compared with.

    Series that were last seen until `forgotten` (Unix nanoseconds; 0: none) may have been let go.
    """

    rows: pa.Table
    forgotten: int = 0


@dataclass(frozen=True, slots=True)
class _Steps:
    """Points that add something: `rows` of the batch, each after `before` in `known` (-1: from nothing)."""

    rows: c.Ints
    before: c.Ints
    known: pa.Table


def increments(table: str, rows: pa.Table, last: Last | None) -> tuple[Parts | None, Last | None]:
    """What the cumulative ones among `rows` add, and the last points with them."""
    rows = points.growing(rows)
    if not rows.num_rows:
        return None, last
    series = keys_of(table, rows)
    streams = of_streams(series, c.ints(rows["start_time_unix_nano"]))
    fresh = _kept(rows).append_column(_SERIES, pa.array(series)).append_column(_KEY, pa.array(streams))
    steps, after = _steps(table, fresh, last)
    if not len(steps.rows):
        return None, after
    return _parts(table, rows.select(points.needed(table)).take(pa.array(steps.rows)), steps), after


def _kept(rows: pa.Table) -> pa.Table:
    return rows.select([name for name in _KEPT if name in rows.column_names])


def _steps(table: str, fresh: pa.Table, last: Last | None) -> tuple[_Steps, Last]:
    last = last or Last(fresh.slice(0, 0))
    goes_on = np.isin(last.rows[_SERIES].to_numpy(), fresh[_SERIES].to_numpy())
    known = pa.concat_tables([last.rows.filter(pa.array(goes_on)), fresh])
    earlier = known.num_rows - fresh.num_rows
    key = known[_KEY].to_numpy()
    time = c.ints(known["time_unix_nano"])
    usable = np.arange(known.num_rows) < earlier
    usable[earlier:] = time[earlier:] > _last_times(key[earlier:], key[:earlier], time[:earlier])
    order = np.lexsort((np.arange(known.num_rows), time, key))
    order = order[usable[order]]
    same = np.concatenate([[False], key[order][1:] == key[order][:-1]])
    doubled = same & np.concatenate([[False], time[order][1:] == time[order][:-1]])
    order, same = order[~doubled], same[~doubled]
    before = np.where(same, np.concatenate([[-1], order[:-1]]), -1)
    whole = known.combine_chunks()
    after = whole.take(pa.array(order[np.concatenate([~same[1:], [True]])]))
    is_fresh = order >= earlier
    rows, before = order[is_fresh], before[is_fresh]
    adds, before = _judged(table, whole, rows, before, last.forgotten)
    others = last.rows.filter(pa.array(~goes_on))
    return _Steps(rows[adds] - earlier, before[adds], whole), _remembered([others, after], last.forgotten)


def _remembered(parts: Sequence[pa.Table], forgotten: int) -> Last:
    """Those that were not silent for too long, and no more than `MOST`."""
    rows = pa.concat_tables(parts).combine_chunks()
    time = c.ints(rows["time_unix_nano"])
    is_recent = time >= time.max() - WINDOW_NS
    if not is_recent.all():
        rows, time = rows.filter(pa.array(is_recent)), time[is_recent]
    if len(time) <= MOST:
        return Last(rows, forgotten)
    place = np.argpartition(time, excess := len(time) - MOST + _ROOM)
    return Last(rows.take(pa.array(np.sort(place[excess:]))), max(forgotten, int(time[place[:excess]].max())))


def _last_times(key: Keys, known: Keys, time: c.Ints) -> c.Ints:
    """The time of the last known point of each series; each has one at most."""
    order = np.argsort(known)
    if not len(order):
        return np.full(len(key), np.iinfo(np.int64).min)
    place = np.minimum(np.searchsorted(known[order], key), len(order) - 1)
    found = known[order][place] == key
    return np.where(found, time[order][place], np.iinfo(np.int64).min)


def _judged(table: str, known: pa.Table, rows: c.Ints, before: c.Ints, forgotten: int) -> tuple[c.Mask, c.Ints]:
    """Which points add anything, and after which one; -1 where they count from nothing."""
    start, time = c.ints(known["start_time_unix_nano"]), c.ints(known["time_unix_nano"])
    is_new = before < 0
    before = np.where((before >= 0) & (time[rows] - time[before] <= WINDOW_NS), before, -1)
    is_first = before < 0
    began = (start[rows] > 0) & (start[rows] < time[rows]) & (time[rows] - start[rows] <= FRESH_NS)
    if (is_new & ~began).any():
        began |= is_new & (start[rows] < time[rows]) & (start[rows] >= _since(known, time)[rows])
    began &= ~is_new | (start[rows] > forgotten)
    goes_on = (start[rows] == start[before]) & ~_reset(table, known, rows, before)
    return ~is_first | began, np.where(is_first | ~goes_on, -1, before)


def _since(known: pa.Table, time: c.Ints) -> c.Ints:
    """The first time at which each point's series is known; a stream of it that began later began at nothing."""
    _, place = np.unique(known[_SERIES].to_numpy(), return_inverse=True)
    first = np.full(known.num_rows, np.iinfo(np.int64).max)
    np.minimum.at(first, place, time)
    found: c.Ints = first[place]
    return found


def _reset(table: str, known: pa.Table, rows: c.Ints, before: c.Ints) -> c.Mask:
    """Where a point cannot follow the one before it, though it says that it began then."""
    if table == "metrics_sum":
        value = c.reals(known["value"])
        lower: c.Mask = value[rows] < value[before]
        return lower
    count = c.ints(known["count"])
    fell: c.Mask = count[rows] < count[before]
    if table == "metrics_histogram":
        bounds = known["explicit_bounds"]
        then = points.signature(bounds.take(pa.array(np.maximum(before, 0))))  # there is none before -1
        other: c.Mask = points.signature(bounds.take(pa.array(rows))) != then
        return fell | other
    scale = c.ints(known["scale"])
    finer: c.Mask = scale[rows] > scale[before]
    return fell | finer


def _parts(table: str, rows: pa.Table, steps: _Steps) -> Parts:
    follows = np.flatnonzero(steps.before >= 0)
    before = steps.known.take(pa.array(steps.before[follows]))
    if table == "metrics_sum":
        value = c.reals(rows["value"]).copy()
        value[follows] -= c.reals(before["value"])
        return points.of_increments(rows, value)
    count, total = points.counted(rows)
    count_before, total_before = points.counted(before)
    count[follows] -= count_before
    total[follows] -= total_before
    return points.of_changes(rows, count, total, _changed(table, rows, before, follows))


def _changed(table: str, rows: pa.Table, before: pa.Table, follows: c.Ints) -> Sketch:
    """The buckets of rows, without those of the points before them."""
    if table == "metrics_histogram":
        now, then = points.explicit(rows), points.explicit(before)
    else:
        now, then = points.exponential(rows), points.exponential(before, c.ints(rows["scale"])[follows])
    return Sketch(
        np.concatenate([now.rows, follows[then.rows]]),
        np.concatenate([now.at, then.at]),
        np.concatenate([now.counts, -then.counts]),
    )
