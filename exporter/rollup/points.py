"""Points of metrics to what they add to the cells of their minutes.

In: rows of the tables `metrics_*`. Out: `Parts`, or None where no row adds anything. Values of gauges and what points
of delta temporality say add up as they are. What a cumulative point adds depends on the one before: see `increments`.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from exporter import model
from exporter.rollup import columns as c
from exporter.rollup.group import Numbers, Parts, Sketch, nothing
from otel_ax import semconv

_TEXTS: Final = {
    "tenant_id": "tenant_id",
    "service_name": "service_name",
    "operation": "gen_ai_operation_name",
    "provider": "gen_ai_provider_name",
    "model": "gen_ai_request_model",
    "workflow": "gen_ai_workflow_name",
    "agent": "gen_ai_agent_name",
    "metric_name": "metric_name",
    "unit": "metric_unit",
}
_COMMON: Final = (
    *_TEXTS.values(),
    "gen_ai_response_model",
    "time_unix_nano",
    "flags",
    "clock_skew",
    "ingest_time",
)
_VALUES: Final = ("value", "count", "sum", "min", "max", "aggregation_temporality", "is_monotonic")
BUCKETS: Final = (
    "bucket_counts",
    "explicit_bounds",
    "scale",
    "zero_count",
    "positive_offset",
    "positive_bucket_counts",
    "negative_offset",
    "negative_bucket_counts",
)
_OUTCOMES: Final = {
    semconv.CACHE_REQUESTS: (semconv.CACHE_OUTCOME, {"hit": "cache_hits", "miss": "cache_misses"}),
    semconv.RATE_LIMIT_REQUESTS: (
        semconv.RATE_LIMIT_OUTCOME,
        {"allowed": "rate_limit_allowed", "denied": "rate_limit_denied"},
    ),
}
"""Counters, the attribute that tells what became of a request, and the figures that it adds to. The SDK also puts an
event on the span at hand, which says the same once more and so adds nothing."""
_NO_VALUE: Final = 1
"""The flag of a point that says only that there is no value."""
_MOST: Final = 2**50


def needed(table: str) -> Sequence[str]:
    """The columns of a table that this reads."""
    columns = model.TABLES[table].columns
    outcomes = ["attributes"] if table == "metrics_sum" else []
    return [*_COMMON, *(name for name in (*_VALUES, *BUCKETS) if name in columns), *outcomes]


def parts_of_gauges(rows: pa.Table) -> Parts | None:
    """What each value adds: to its sum, its least, greatest and last."""
    rows = _usable(rows)
    return of_increments(rows, c.reals(rows["value"])) if rows.num_rows else None


def parts_of_sums(rows: pa.Table) -> Parts | None:
    """What each increment adds; a sum that goes up and down, and says how much it is, is as good as a gauge."""
    rows = _usable(rows)
    keep = _is(rows, "DELTA") | (_is(rows, "CUMULATIVE") & ~c.true(rows["is_monotonic"]))
    rows = rows if keep.all() else rows.filter(pa.array(keep))
    return of_increments(rows, c.reals(rows["value"])) if rows.num_rows else None


def parts_of_histograms(rows: pa.Table) -> Parts | None:
    """What each histogram of an interval adds: how many values, their sum, and its buckets."""
    rows = _usable(rows)
    rows = rows.filter(pa.array(_is(rows, "DELTA")))
    return of_changes(rows, *counted(rows), explicit(rows), extremes=True) if rows.num_rows else None


def parts_of_exp_histograms(rows: pa.Table) -> Parts | None:
    """The same; buckets of a coarser scale have bounds that finer ones have too, so that they add up."""
    rows = _usable(rows)
    rows = rows.filter(pa.array(_is(rows, "DELTA")))
    return of_changes(rows, *counted(rows), exponential(rows), extremes=True) if rows.num_rows else None


def growing(rows: pa.Table) -> pa.Table:
    """The rows that say how much there was since their series began."""
    rows = _usable(rows)
    keep = _is(rows, "CUMULATIVE")
    if "is_monotonic" in rows.column_names:
        keep &= c.true(rows["is_monotonic"])
    return rows if keep.all() else rows.filter(pa.array(keep))


def _usable(rows: pa.Table) -> pa.Table:
    """The rows that say something."""
    keep = c.ints(rows["flags"]) & _NO_VALUE == 0
    if "value" in rows.column_names:
        keep &= np.isfinite(c.reals(rows["value"]))
    return rows if keep.all() else rows.filter(pa.array(keep))


def _is(rows: pa.Table, temporality: str) -> c.Mask:
    return c.equal(c.one_dictionary(rows["aggregation_temporality"]), temporality)


def of_increments(rows: pa.Table, value: c.Reals) -> Parts:
    """What rows with these values or increments add."""
    numbers: dict[str, Numbers] = {"count": np.ones(rows.num_rows, dtype=np.int64), "sum": value}
    numbers |= {"min": value, "max": value, "last": value}
    return _parts(rows, numbers | (_outcomes(rows, value) if "attributes" in rows.column_names else {}))


def of_changes(rows: pa.Table, count: c.Ints, total: c.Reals, sketch: Sketch, *, extremes: bool = False) -> Parts:
    """What rows with these changes of a histogram add; the extremes of an interval are its own."""
    numbers: dict[str, Numbers] = {"count": count, "sum": total}
    if extremes:
        for name in ("min", "max"):
            found = c.reals(rows[name])
            numbers[name] = np.where(np.isfinite(found), found, nothing(name))
    return _parts(rows, numbers, sketch)


def counted(rows: pa.Table) -> tuple[c.Ints, c.Reals]:
    """How many values histograms have, and their sums."""
    total = c.reals(rows["sum"])
    return np.clip(c.ints(rows["count"]), 0, _MOST), np.where(np.isfinite(total), total, 0.0)


def _parts(rows: pa.Table, numbers: dict[str, Numbers], sketch: Sketch | None = None) -> Parts:
    texts = {name: c.one_dictionary(rows[column]) for name, column in _TEXTS.items()}
    texts["model"] = c.first_of(texts["model"], c.one_dictionary(rows["gen_ai_response_model"]))
    point = np.zeros(rows.num_rows, dtype=np.int32)
    texts["source"] = pa.DictionaryArray.from_arrays(pa.array(point), pa.array(["point"]))
    time = c.effective_us(c.ints(rows["time_unix_nano"]), rows)
    if "last" in numbers:
        numbers["last_time_unix_nano"] = c.ints(rows["time_unix_nano"])
    return Parts(time, texts, numbers, {} if sketch is None else {"value_buckets": sketch})


def _outcomes(rows: pa.Table, value: Numbers) -> dict[str, Numbers]:
    """What the counters of caches and rate limits add."""
    found: dict[str, Numbers] = {}
    names = c.one_dictionary(rows["metric_name"])
    for metric, (attribute, figures) in _OUTCOMES.items():
        places = np.flatnonzero(c.equal(names, metric))
        if not len(places):
            continue
        said = _attribute(rows["attributes"].take(pa.array(places)), attribute)
        for outcome, figure in figures.items():
            added = np.zeros(rows.num_rows, dtype=np.int64)
            of_outcome = np.array([text == outcome for text in said], dtype=np.bool_)
            added[places] = np.clip(np.rint(value[places]), 0, _MOST).astype(np.int64) * of_outcome
            found[figure] = added
    return found


def _attribute(maps: pa.ChunkedArray, key: str) -> list[str | None]:
    """The value of an attribute of each row; only those of a few counters are asked for it."""
    return [dict(pairs).get(key) for pairs in maps.to_pylist()]


def explicit(rows: pa.Table) -> Sketch:
    """The buckets that hold anything, by their upper bounds."""
    of, place, counts = _flat(rows["bucket_counts"])
    bounds, starts, lengths = _lists(rows["explicit_bounds"])
    many = np.bincount(of, minlength=rows.num_rows)
    fits = many == lengths + 1
    kept = fits[of] & (counts > 0)
    of, place, counts = of[kept], place[kept], counts[kept]
    is_last = place == lengths[of]
    edges = np.full(len(of), np.inf)
    edges[~is_last] = bounds[starts[of[~is_last]] + place[~is_last]]
    return Sketch(of, edges, np.minimum(counts, _MOST))


def exponential(rows: pa.Table, scale: c.Ints | None = None) -> Sketch:
    """The buckets that hold anything, by their upper bounds; of a coarser `scale` than their own where it is given."""
    own = c.ints(rows["scale"])
    per_doubling = np.exp2((own if scale is None else scale).astype(np.float64))
    coarser = np.zeros_like(own) if scale is None else np.clip(own - scale, 0, 63)
    found = []
    for side, sign in (("positive", 1), ("negative", -1)):
        of, place, counts = _flat(rows[f"{side}_bucket_counts"])
        index = (c.ints(rows[f"{side}_offset"])[of] + place) >> coarser[of]
        at = index + (sign > 0)  # a bucket below zero ends nearer to it
        with np.errstate(over="ignore"):
            found.append(Sketch(of, sign * np.exp2(at / per_doubling[of]), counts))
    everything = np.arange(rows.num_rows)
    found.append(Sketch(everything, np.zeros(rows.num_rows), c.ints(rows["zero_count"])))
    of, at, counts = (np.concatenate([getattr(one, name) for one in found]) for name in ("rows", "at", "counts"))
    kept = counts > 0
    return Sketch(of[kept], at[kept], np.minimum(counts[kept], _MOST))


def signature(lists: pa.ChunkedArray) -> c.Reals:
    """A number for each list, equal for equal ones and hardly ever for others."""
    of, place, values = _flat(lists)
    return np.bincount(of, weights=np.sin(place + 1.0) * values, minlength=len(lists)).astype(np.float64)


def _flat(column: pa.ChunkedArray) -> tuple[c.Ints, c.Ints, Numbers]:
    """Elements of lists: of which row, at which place in it, and what they are."""
    values, _, lengths = _lists(column)
    of = np.repeat(np.arange(len(lengths)), lengths)
    firsts = np.cumsum(lengths) - lengths
    return of, np.arange(len(of)) - firsts[of], values


def _lists(column: pa.ChunkedArray) -> tuple[Numbers, c.Ints, c.Ints]:
    """The elements of all lists, where each list begins among them, and how long it is."""
    lengths = c.ints(pc.list_value_length(column))
    return pc.list_flatten(column).to_numpy(), np.cumsum(lengths) - lengths, lengths
