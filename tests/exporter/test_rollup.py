"""Cells: what rows add up to, within which error, and how many there may be."""

import math
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter import config, rollup
from exporter.dimensions import DIMENSIONS
from exporter.rollup import sketch
from exporter.store import Store, publish
from exporter.units import NS_PER_S
from otel_ax import semconv
from tests.exporter.store_tables import (
    DAY,
    HOUR,
    NOON,
    StillClock,
    append,
    ask,
    opened,
    seconds,
    segment_files,
    spans,
    table,
)

MINUTE = 60 * NS_PER_S
SQL = Path(publish.__file__).parent / "sql" / "views"
ERROR_RATIO = 0.011
"""What every percentile of durations promises."""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = opened(tmp_path, StillClock(NOON + 10 * MINUTE))
    yield store
    store.close()


def _cells(name: str, rows: pa.Table) -> list[dict[str, Any]]:
    """The cells of rows, without figures that say nothing."""
    found = rollup.cells_of({name: rows}).to_pylist()
    return [{key: value for key, value in cell.items() if value not in (None, 0, [], False)} for cell in found]


def _nearest_rank(values: Sequence[int], p: float) -> int:
    return sorted(values)[max(1, math.ceil(p * len(values))) - 1]


# ── Percentiles ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def macros() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        for name in ("sketch_value", "nearest_rank", "sketch_quantile"):
            connection.execute((SQL / f"{name}.sql").read_text())
        yield connection


@given(
    durations=st.lists(st.integers(0, 2**50) | st.integers(0, 50).map(lambda n: 2**n), min_size=1, max_size=80),
    p=st.sampled_from([0.0, 0.5, 0.9, 0.95, 0.99, 1.0]),
)
@settings(max_examples=60)
def test_a_percentile_of_a_sketch_is_within_its_error_of_the_nearest_rank(
    macros: duckdb.DuckDBPyConnection, durations: list[int], p: float
) -> None:
    cell = rollup.cells_of({"spans": spans([NOON] * len(durations), duration_ns=durations)})
    exact = _nearest_rank(durations, p)
    assert abs(_quantile(macros, cell, p) - exact) <= ERROR_RATIO * exact


def _quantile(macros: duckdb.DuckDBPyConnection, cells: pa.Table, p: float) -> float:
    """What SQL says of the sketches of some cells."""
    macros.register("cells", cells)
    query = f"SELECT sketch_quantile(flatten(list(latency_buckets)), {p}) FROM cells"
    found: float = macros.execute(query).fetchall()[0][0]
    macros.unregister("cells")
    return found


def test_a_bucket_says_the_same_in_sql_and_in_python(macros: duckdb.DuckDBPyConnection) -> None:
    said = macros.execute("SELECT sketch_value(i) FROM range(-1, 1601) AS t(i)").fetchall()
    assert [value for (value,) in said] == pytest.approx([sketch.value_of(bucket) for bucket in range(-1, 1601)])


def test_sketches_of_parts_strung_together_say_what_one_of_all_says(macros: duckdb.DuckDBPyConnection) -> None:
    durations = [(place * 7_919) % 1_000_003 for place in range(900)]
    parts = [spans([NOON] * 300, duration_ns=durations[first : first + 300]) for first in (0, 300, 600)]
    apart = pa.concat_tables([rollup.cells_of({"spans": part}) for part in parts])
    whole = rollup.cells_of({"spans": pa.concat_tables(parts)})
    assert apart.num_rows == 3
    assert rollup.added_up(apart, 60).equals(whole)
    gone = rollup.negated(rollup.cells_of({"spans": parts[1]}))
    left = rollup.cells_of({"spans": pa.concat_tables([parts[0], parts[2]])})
    for p in (0.01, 0.5, 0.99):
        assert _quantile(macros, apart, p) == _quantile(macros, whole, p)
        assert _quantile(macros, pa.concat_tables([apart, gone]), p) == _quantile(macros, left, p)


def test_a_day_is_the_sum_of_its_1440_minutes() -> None:
    durations = [1 + (place * 104_729) % 90_000_000_000 for place in range(2 * 1_440)]
    midnight = NOON - 12 * HOUR
    times = [midnight + minute % 1_440 * MINUTE for minute in range(2 * 1_440)]
    starts = [time - duration for time, duration in zip(times, durations, strict=True)]
    rows = spans(times, duration_ns=durations, start_time_unix_nano=starts)
    minutes = rollup.cells_of({"spans": rows})
    assert minutes.num_rows == 1_440
    hours = rollup.added_up(minutes, 3_600)
    assert hours.num_rows == 24
    day = rollup.added_up(hours, 86_400)
    assert day.equals(rollup.added_up(minutes, 86_400))
    assert day["latency_sum_ns"].to_pylist() == [sum(durations)]
    (buckets,) = day["latency_buckets"].to_pylist()
    assert {one["bucket"]: one["count"] for one in buckets} == _counted(durations)


def _counted(durations: Sequence[int]) -> dict[int, int]:
    buckets = [math.ceil(math.log2(duration) * 32) for duration in durations]
    return {bucket: buckets.count(bucket) for bucket in set(buckets)}


# ── Spans ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_only_what_counts_has_tokens_and_cost() -> None:
    rows = spans(
        [NOON, NOON + 1, NOON + 2],
        gen_ai_usage_input_tokens=10,
        cost_nanos=[7, None, 7],
        unpriced=[None, "unknown model", None],
        is_counted=[True, True, False],
        status_code=["OK", "ERROR", "OK"],
    )
    called, other = sorted(_cells("spans", rows), key=lambda cell: cell["source"])
    assert (called["source"], called["count"], called["failed"]) == ("call", 2, 1)
    assert (called["tokens_input"], called["cost_nanos"], called["unpriced"]) == (20, 7, 1)
    assert (other["source"], other["count"]) == ("span", 1)
    assert not {"tokens_input", "cost_nanos"} & other.keys()


def test_a_span_counts_in_the_minute_in_which_it_ended() -> None:
    (cell,) = _cells("spans", spans([NOON], duration_ns=150 * NS_PER_S))
    assert cell["time"].minute == 2


def test_a_call_that_wraps_one_of_another_batch_counts_no_longer_once_the_hour_closes(
    store: Store, tmp_path: Path
) -> None:
    call = {"gen_ai_operation_name": "chat", "is_counted": True, "cost_nanos": 100, "trace_id": "ab" * 16}
    append(store, spans([NOON + 1], span_id="b" * 16, parent_span_id="a" * 16, **call))
    append(store, spans([NOON], span_id="a" * 16, **call))
    query = "SELECT source, count, cost_nanos FROM rollup_1min ORDER BY source"
    assert ask(tmp_path, query) == [("call", 2, 200)]
    store.maintain(NOON + 2 * HOUR)
    assert ask(tmp_path, query) == [("call", 1, 100), ("span", 1, 0)]
    assert ask(tmp_path, "SELECT span_id, is_counted, cost_nanos FROM spans ORDER BY 1") == [
        ("a" * 16, False, None),
        ("b" * 16, True, 100),
    ]


def test_rows_that_an_older_mapping_made_are_understood_anew_and_their_cells_with_them(
    store: Store, tmp_path: Path
) -> None:
    said = [("gen_ai.operation.name", "chat"), ("gen_ai.usage.input_tokens", "12")]
    rows = spans([NOON, NOON + 1], mapping_version=0, attributes=[said, []], attribute_types=["si", ""])
    append(store, rows)
    query = "SELECT source, operation, count, tokens_input FROM rollup_1min ORDER BY source"
    assert ask(tmp_path, query) == [("span", None, 2, 0)]
    store.maintain(NOON + 2 * HOUR)
    assert ask(tmp_path, query) == [("call", "chat", 1, 12), ("span", None, 1, 0)]
    assert ask(tmp_path, "SELECT count(*) FROM llm_calls") == [(1,)]


def test_made_up_figures_do_not_break_sums(store: Store, tmp_path: Path) -> None:
    rows = spans(
        [NOON] * 3,
        duration_ns=[2**63 - 1, -(2**63), 2**62],
        gen_ai_usage_input_tokens=[2**63 - 1, -5, 2**63 - 1],
        cost_nanos=2**62,
        is_counted=True,
    )
    append(store, rows)
    ((count, latency, tokens),) = ask(
        tmp_path, "SELECT sum(count), sum(latency_sum_ns), sum(tokens_input) FROM rollup_1min"
    )
    assert (count, latency, tokens) == (3, 2 * sketch.LONGEST_NS, 2 * 2**50)


# ── Points ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_gauges_have_a_last_a_least_and_a_greatest_value() -> None:
    rows = table("metrics_gauge", [NOON + 2, NOON, NOON + 1], value=[5.0, 9.0, 1.0], flags=[0, 0, 0])
    (cell,) = _cells("metrics_gauge", rows)
    assert {name: cell[name] for name in ("count", "sum", "min", "max", "last")} == {
        "count": 3,
        "sum": 15.0,
        "min": 1.0,
        "max": 9.0,
        "last": 5.0,
    }


def test_a_point_without_a_value_adds_nothing() -> None:
    assert _cells("metrics_gauge", table("metrics_gauge", [NOON, NOON], value=[3.0, float("nan")], flags=[1, 0])) == []


def test_outcomes_of_caches_and_rate_limits_are_figures() -> None:
    said = [
        (semconv.CACHE_REQUESTS, semconv.CACHE_OUTCOME, "hit", 3.0),
        (semconv.CACHE_REQUESTS, semconv.CACHE_OUTCOME, "miss", 4.0),
        (semconv.CACHE_REQUESTS, semconv.CACHE_OUTCOME, "store", 4.0),
        (semconv.RATE_LIMIT_REQUESTS, semconv.RATE_LIMIT_OUTCOME, "allowed", 6.0),
        (semconv.RATE_LIMIT_REQUESTS, semconv.RATE_LIMIT_OUTCOME, "denied", 7.0),
    ]
    rows = _sums(
        [NOON] * len(said),
        value=[value for *_, value in said],
        metric_name=[name for name, *_ in said],
        attributes=[[(key, outcome)] for _, key, outcome, _ in said],
        aggregation_temporality="DELTA",
    )
    found: dict[str, Any] = {}
    for cell in _cells("metrics_sum", rows):
        found |= cell
    assert [found[name] for name in ("cache_hits", "cache_misses", "rate_limit_allowed", "rate_limit_denied")] == [
        3,
        4,
        6,
        7,
    ]


def _sums(times: list[int], **columns: Any) -> pa.Table:
    return table("metrics_sum", times, **{"flags": 0, "is_monotonic": True, "start_time_unix_nano": NOON, **columns})


@given(st.data())
@settings(max_examples=25)
def test_cumulative_points_add_up_to_how_much_the_sum_grew_however_they_come_in(data: st.DataObject) -> None:
    grown = data.draw(st.lists(st.integers(0, 9), min_size=2, max_size=12))
    values = [float(sum(grown[: place + 1])) for place in range(len(grown))]
    times = [NOON + (place + 1) * 20 * NS_PER_S for place in range(len(grown))]
    rows = _sums(times, value=values, aggregation_temporality="CUMULATIVE")
    places = data.draw(st.permutations(range(len(grown))))
    cut = data.draw(st.integers(0, len(grown)))
    found, last = [], None
    for batch in (places[:cut], places[cut:], places[:1]):  # the last one came in already
        came = {"metrics_sum": rows.take(pa.array(batch, pa.int64()))}
        cells, after = rollup.cells_with(came, {"metrics_sum": last}, DIMENSIONS)
        found.append(cells)
        last = after["metrics_sum"]
    oldest = min(places[:cut] or places)
    known_from_the_start = oldest < 6  # began within `FRESH_NS` before it
    expected = values[-1] if known_from_the_start else values[-1] - values[oldest]
    assert sum(pa.concat_tables(found)["sum"].to_pylist()) == expected


def test_a_cumulative_series_goes_on_after_a_restart_and_begins_anew_after_a_reset(tmp_path: Path) -> None:
    clock = StillClock(NOON + 10 * MINUTE)
    store = opened(tmp_path, clock)
    for at, value in ((1, 5.0), (2, 9.0), (3, 10.0), (4, 15.0), (5, 2.0)):
        append(store, _sums([NOON + at * MINUTE], value=value, aggregation_temporality="CUMULATIVE"), "metrics_sum")
        if at in (2, 3):
            store.close()
            store = opened(tmp_path, clock)
    again = _sums([NOON + 6 * MINUTE], value=4.0, start_time_unix_nano=NOON + 5 * MINUTE + 1)
    append(store, again.set_column(*_cumulative(again)), "metrics_sum")
    store.close()
    assert ask(tmp_path, "SELECT minute(time), sum FROM rollup_1min ORDER BY time") == [
        (1, 5.0),
        (2, 4.0),
        (3, 1.0),
        (4, 5.0),
        (5, 2.0),
        (6, 4.0),
    ]


def test_processes_that_say_to_be_the_same_series_count_on_their_own() -> None:
    began = [NOON, NOON + NS_PER_S, NOON + 2 * MINUTE]  # the third one's first point comes 8 minutes after that
    batches = []
    for minute in range(1, 12):
        of = [start for start in began if start < NOON + MINUTE or minute >= 10]
        values = [100.0 * minute + began.index(start) for start in of]
        batches.append(_sums([NOON + minute * MINUTE] * len(of), value=values, start_time_unix_nano=of))
    assert sum(_added(batches)[0]) == 1_100.0 + 1_101.0 + (1_102.0 - 1_002.0)


def test_a_series_that_begins_anew_long_before_its_first_point_counts_from_there() -> None:
    first = _sums([NOON + MINUTE], value=5.0, start_time_unix_nano=NOON)
    anew = _sums([NOON + 9 * MINUTE], value=7.0, start_time_unix_nano=NOON + 2 * MINUTE)
    assert _added([first, anew])[0] == [5.0, 7.0]


def _added(batches: Iterable[pa.Table]) -> tuple[list[float], rollup.Last]:
    """What cumulative batches add, one after the other, and what is remembered at the end."""
    last, found = None, []
    for rows in batches:
        told = rows.set_column(*_cumulative(rows))
        cells, after = rollup.cells_with({"metrics_sum": told}, {"metrics_sum": last}, DIMENSIONS)
        last = after["metrics_sum"]
        found.append(sum(cells["sum"].to_pylist()))
    assert last is not None
    return found, last


def _of_series(name: int, minute: int, value: float, start: int = NOON) -> pa.Table:
    return _sums(
        [NOON + minute * MINUTE], value=value, attributes=[[("series", str(name))]], start_time_unix_nano=start
    )


def test_series_that_come_in_different_batches_go_on_each_by_itself() -> None:
    first = ((0, 1, 5.0), (1, 1, 50.0), (0, 2, 7.0), (2, 4, 500.0), (1, 3, 51.0), (2, 5, 500.0))
    found, last = _added(_of_series(*one) for one in (*first, (0, 62, 9.0), (0, 64, 10.0)))
    assert found == [5, 50, 2, 0, 1, 0, 2, 1]  # of the third one nobody knows what was before
    assert last.rows.num_rows == 2  # the second one was silent for an hour


def test_only_so_many_series_are_remembered_and_who_was_forgotten_is_not_counted_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rollup.increments, "MOST", 8)
    monkeypatch.setattr(rollup.increments, "_ROOM", 2)
    new = [_of_series(name, name + 1, 5.0, NOON + name * MINUTE + 50 * NS_PER_S) for name in range(30)]
    again = [_of_series(0, 31, 8.0, NOON + 50 * NS_PER_S), _of_series(0, 32, 10.0, NOON + 50 * NS_PER_S)]
    found, last = _added([*new, *again])
    assert found == [5.0] * 30 + [0.0, 2.0]
    assert 6 <= last.rows.num_rows <= 8
    assert last.forgotten >= NOON + 20 * MINUTE


def test_a_damaged_segment_of_points_does_not_stop_those_that_come_after_a_restart(tmp_path: Path) -> None:
    clock = StillClock(NOON + 10 * MINUTE)
    store = opened(tmp_path, clock)
    append(store, _sums([NOON + MINUTE], value=5.0, aggregation_temporality="CUMULATIVE"), "metrics_sum")
    store.close()
    store = opened(tmp_path, clock)
    (path,) = segment_files(tmp_path)
    content = bytearray(path.read_bytes())
    content[4 : len(content) // 2] = bytes(len(content) // 2 - 4)
    path.write_bytes(content)
    append(store, _sums([NOON + 9 * MINUTE], value=7.0, aggregation_temporality="CUMULATIVE"), "metrics_sum")
    append(store, _sums([NOON + 10 * MINUTE], value=9.0, aggregation_temporality="CUMULATIVE"), "metrics_sum")
    store.close()
    assert ask(tmp_path, "SELECT sum(sum) FROM cells_1min") == [(5.0 + 2.0,)]


def _cumulative(rows: pa.Table) -> tuple[int, str, pa.Array]:
    column = pa.array(["CUMULATIVE"] * rows.num_rows).dictionary_encode()
    return rows.schema.get_field_index("aggregation_temporality"), "aggregation_temporality", column


def test_a_series_whose_beginning_is_unknown_starts_at_its_first_point() -> None:
    rows = _sums([NOON + HOUR, NOON + HOUR + MINUTE], value=[1_000.0, 1_004.0], aggregation_temporality="CUMULATIVE")
    cells, _ = rollup.cells_with({"metrics_sum": rows}, {}, DIMENSIONS)
    assert cells["sum"].to_pylist() == [4.0]


def test_attributes_in_another_order_are_the_same_series() -> None:
    pairs = [("a", "1"), ("b", "2")]
    rows = _sums(
        [NOON + MINUTE, NOON + 2 * MINUTE, NOON + 2 * MINUTE],
        value=[3.0, 5.0, 50.0],
        attributes=[pairs, pairs[::-1], [("a", "2"), ("b", "1")]],
        aggregation_temporality="CUMULATIVE",
    )
    cells, last = rollup.cells_with({"metrics_sum": rows}, {}, DIMENSIONS)
    assert sum(cells["sum"].to_pylist()) == 3.0 + 2.0 + 50.0
    assert last["metrics_sum"].rows.num_rows == 2


def _histograms(name: str, times: list[int], **columns: Any) -> pa.Table:
    common = {"flags": 0, "start_time_unix_nano": NOON, "sum": 1.0, "metric_name": "h"}
    return table(name, times, **{**common, **columns})


def _buckets(cells: pa.Table) -> dict[float, int]:
    (cell,) = rollup.added_up(cells, 86_400).to_pylist()
    return {one["bound"]: one["count"] for one in cell["value_buckets"]}


@pytest.mark.parametrize("temporality", ["DELTA", "CUMULATIVE"])
def test_histograms_are_merged_bucket_by_bucket(temporality: str) -> None:
    counts = [[1, 0, 2], [1, 3, 7]] if temporality == "CUMULATIVE" else [[1, 0, 2], [0, 3, 5]]
    rows = _histograms(
        "metrics_histogram",
        [NOON + MINUTE, NOON + 2 * MINUTE],
        bucket_counts=counts,
        explicit_bounds=[[1.0, 2.0], [1.0, 2.0]],
        count=[sum(one) for one in counts],
        aggregation_temporality=temporality,
    )
    cells, _ = rollup.cells_with({"metrics_histogram": rows}, {}, DIMENSIONS)
    assert _buckets(cells) == {1.0: 1, 2.0: 3, math.inf: 7}
    assert sum(cells["count"].to_pylist()) == 11


def test_exponential_histograms_are_merged_over_scales_and_signs() -> None:
    rows = _histograms(
        "metrics_exp_histogram",
        [NOON + MINUTE, NOON + 2 * MINUTE],
        scale=[1, 0],
        zero_count=[1, 1],
        zero_threshold=0.0,
        positive_offset=[0, 0],
        positive_bucket_counts=[[1, 1, 1], [2, 3]],  # at scale 0 the first is [2, 1]
        negative_offset=[0, 0],
        negative_bucket_counts=[[], [4]],
        count=[4, 10],
        aggregation_temporality="CUMULATIVE",
    )
    cells, _ = rollup.cells_with({"metrics_exp_histogram": rows}, {}, DIMENSIONS)
    assert _buckets(cells) == {-1.0: 4, 0.0: 1, 2**0.5: 1, 2.0: 1, 2**1.5: 1, 4.0: 2}


# ── How many there may be ─────────────────────────────────────────────────────────────────────────────────────────


def test_cells_beyond_the_bound_lose_their_dimensions_and_no_figure(tmp_path: Path) -> None:
    store = opened(tmp_path, rollup=config.Rollup(cells=10))
    for batch in range(12):
        names = [f"model-{batch}-{place}" for place in range(40)]
        rows = spans(seconds(NOON, 40), gen_ai_request_model=names, is_counted=True, cost_nanos=3)
        append(store, rows)
        if batch == 5:
            append(store, rows)  # whose cells are lost in others, and are taken back from them
    store.maintain(NOON + MINUTE)
    store.maintain(NOON + 2 * HOUR)
    store.maintain(NOON + 2 * HOUR)
    query = "SELECT count(*), sum(count), sum(cost_nanos), min(count), bool_or(overflow) FROM"
    ((cells, spans_found, cost, least, is_over),) = ask(tmp_path, f"{query} cells_1min")
    assert (spans_found, cost, is_over) == (480, 3 * 480, True)
    assert cells <= 10
    assert least > 0
    assert ask(tmp_path, f"{query} cells_1day")[0][1:3] == (480, 3 * 480)
    store.close()


def test_only_the_dimensions_of_the_settings_tell_cells_apart(tmp_path: Path) -> None:
    store = opened(tmp_path, rollup=config.Rollup(dimensions=("model",)))
    append(store, spans([NOON] * 4, gen_ai_request_model=["a", "a", "b", "b"], service_name=["x", "y", "x", "y"]))
    store.close()
    query = "SELECT model, service_name, count FROM rollup_1min ORDER BY model"
    assert ask(tmp_path, query) == [("a", None, 2), ("b", None, 2)]


def test_tenants_have_cells_of_their_own(store: Store, tmp_path: Path) -> None:
    append(store, spans([NOON], tenant_id="a"), tenant="a")
    append(store, spans([NOON], tenant_id="b"), tenant="b")
    assert ask(tmp_path, "SELECT tenant_id, count FROM rollup_1min ORDER BY 1") == [("a", 1), ("b", 1)]


# ── Views ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_three_views_are_one() -> None:
    texts = [(SQL / f"rollup_{width}.sql").read_text() for width in ("1min", "1hour", "1day")]
    words = (("1min", "minute"), ("1hour", "hour"), ("1day", "day"))
    alike = {
        text.replace(width, "WIDTH").replace(f"each {word}", "each WORD")
        for text, (width, word) in zip(texts, words, strict=True)
    }
    assert len(alike) == 1


def test_cells_live_as_long_as_the_settings_say(tmp_path: Path) -> None:
    store = opened(tmp_path)
    append(store, spans(seconds(NOON, 5)))
    for day in (0, 1, 2, 8, 31, 91, 366):
        store.maintain(NOON + day * DAY + HOUR)
        store.maintain(NOON + day * DAY + HOUR)
        there = {name for name, stats in store.stats().items() if stats.rows}
        kept = {"spans": 7, "cells_1min": 30, "cells_1hour": 90, "cells_1day": 365}
        began = {"spans": 0, "cells_1min": 0, "cells_1hour": 1, "cells_1day": 1}
        assert there == {name for name, days in kept.items() if began[name] <= day <= days}, day
    store.close()
