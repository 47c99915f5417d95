"""The views: every column, and the ClickHouse exporter's names."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter import model
from exporter.model import Signal
from exporter.store import Store, publish
from tests.exporter.store_tables import NOON, append, ask, opened, spans, table

SQL = Path(publish.__file__).parent / "sql" / "views"
EXTREMES = [0, 1, -1, NOON, 2**63 - 1, -(2**63), 2**62, -(2**62)]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = opened(tmp_path)
    yield store
    store.close()


def _columns(data: Path, view: str) -> list[str]:
    return [name for name, *_ in ask(data, f"DESCRIBE {view}")]


def test_every_sql_file_is_used_and_holds_the_object_that_it_is_named_after() -> None:
    assert sorted(publish.OBJECTS) == sorted(path.stem for path in SQL.glob("*.sql"))
    for name in publish.OBJECTS:
        text = (SQL / f"{name}.sql").read_text()
        assert text.startswith("-- ")
        assert f"CREATE VIEW {name} AS" in text or f"CREATE MACRO {name}(" in text
        assert len(duckdb.extract_statements(text)) == 1
        assert "INSERT" not in text


def test_every_column_of_the_model_is_in_its_view_in_order(store: Store, tmp_path: Path) -> None:
    assert store.position == 0
    for name, kind in model.TABLES.items():
        more = ["end_time_unix_nano", "end_time"] if kind.signal == Signal.TRACES else []
        assert _columns(tmp_path, name) == [*kind.columns, *more]


def test_attributes_are_as_stored(store: Store, tmp_path: Path) -> None:
    append(store, spans([NOON, NOON], attributes=[[("k", "v")], []], attribute_types=["s", ""]))
    assert ask(tmp_path, "SELECT attributes, attribute_types FROM spans ORDER BY ALL DESC") == [
        ({"k": "v"}, "s"),
        ({}, ""),
    ]


def test_attributes_that_are_not_selected_are_not_read(store: Store, tmp_path: Path) -> None:
    append(store, spans([NOON]))
    plan = str(ask(tmp_path, "EXPLAIN SELECT count(*) FROM spans WHERE service_name = 'shop'"))
    assert "attributes" not in plan


def test_an_end_is_the_start_plus_the_duration_modulo_two_to_the_64(store: Store, tmp_path: Path) -> None:
    pairs = [(start, duration) for start in EXTREMES for duration in EXTREMES]
    rows = spans([start for start, _ in pairs], duration_ns=[duration for _, duration in pairs], start_time=0)
    append(store, rows)
    read = ask(tmp_path, "SELECT end_time_unix_nano, epoch_us(end_time) FROM spans")
    ends = [(start + duration) % 2**64 for start, duration in pairs]
    assert read == [(end - 2**64 if end >= 2**63 else end, end // 1000) for end in ends]
    assert ask(tmp_path, "SELECT count(duration_ns) FROM traces")[0][0] > 0


@given(st.lists(st.dictionaries(st.text(max_size=8), st.none() | st.text(max_size=8), max_size=4), max_size=200))
@settings(max_examples=10)
def test_a_map_literal_reads_back(maps: list[dict[str, str | None]]) -> None:
    def quoted(text: str | None) -> str:
        return "NULL" if text is None else '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'

    literals = ["{" + ", ".join(f"{quoted(key)}={quoted(value)}" for key, value in one.items()) + "}" for one in maps]
    with duckdb.connect() as connection:
        connection.execute((SQL / "text_map.sql").read_text())
        read = connection.execute("SELECT text_map(literal) FROM unnest(?::VARCHAR[]) AS of_all (literal)", [literals])
        assert read.fetchall() == [(one,) for one in maps]


def test_a_trace_is_named_for_its_root_or_for_its_first_span(store: Store, tmp_path: Path) -> None:
    rows = spans(
        [NOON + 5, NOON, NOON + 2, NOON + 1],
        trace_id=["aa", "aa", "bb", "bb"],
        parent_span_id=["01", None, "01", "01"],
        name=["child", "root", "second", "first"],
        service_name=["db", "shop", "db", "shop"],
        status_code=["ERROR", "OK", "OK", "OK"],
    )
    append(store, rows)
    query = "SELECT trace_id, root_name, service_name, spans, errors, duration_ns, has_root FROM traces ORDER BY 1"
    assert ask(tmp_path, query) == [
        ("aa", "root", "shop", 2, 1, 1_000_005, True),
        ("bb", "first", "shop", 2, 0, 1_000_001, False),
    ]


def test_an_event_is_a_row(store: Store, tmp_path: Path) -> None:
    events = [{"time_unix_nano": NOON + 1, "name": "exception", "attributes": [("a", "b")], "attribute_types": "s"}]
    append(store, spans([NOON, NOON], name="work", events=[events, []]))
    query = "SELECT span_name, name, epoch_us(time), attributes FROM span_events"
    assert ask(tmp_path, query) == [("work", "exception", NOON // 1000, {"a": "b"})]


COMMON = """
    ResourceAttributes ResourceSchemaUrl ScopeName ScopeVersion ScopeAttributes ScopeDroppedAttrCount ScopeSchemaUrl
    ServiceName MetricName MetricDescription MetricUnit Attributes StartTimeUnix TimeUnix
"""
EXEMPLARS = " ".join(f"Exemplars.{name}" for name in ("FilteredAttributes", "TimeUnix", "Value", "SpanId", "TraceId"))
CLICKHOUSE = {
    "otel_traces": """
        Timestamp TraceId SpanId ParentSpanId TraceState SpanName SpanKind ServiceName ResourceAttributes ScopeName
        ScopeVersion SpanAttributes Duration StatusCode StatusMessage Events.Timestamp Events.Name Events.Attributes
        Links.TraceId Links.SpanId Links.TraceState Links.Attributes
    """,
    "otel_logs": """
        Timestamp TimestampTime TraceId SpanId TraceFlags SeverityText SeverityNumber ServiceName Body
        ResourceSchemaUrl ResourceAttributes ScopeSchemaUrl ScopeName ScopeVersion ScopeAttributes LogAttributes
        EventName
    """,
    "otel_metrics_gauge": f"{COMMON} Value Flags {EXEMPLARS}",
    "otel_metrics_sum": f"{COMMON} Value Flags {EXEMPLARS} AggregationTemporality IsMonotonic",
    "otel_metrics_histogram": f"""
        {COMMON} Count Sum BucketCounts ExplicitBounds {EXEMPLARS} Flags Min Max AggregationTemporality
    """,
    "otel_metrics_exponential_histogram": f"""
        {COMMON} Count Sum Scale ZeroCount PositiveOffset PositiveBucketCounts NegativeOffset NegativeBucketCounts
        {EXEMPLARS} Flags Min Max AggregationTemporality
    """,
    "otel_metrics_summary": f"{COMMON} Count Sum ValueAtQuantiles.Quantile ValueAtQuantiles.Value Flags",
}


def test_the_clickhouse_exporters_columns_are_all_there(store: Store, tmp_path: Path) -> None:
    assert store.position == 0
    assert {view: _columns(tmp_path, view) for view in CLICKHOUSE} == {
        view: columns.split() for view, columns in CLICKHOUSE.items()
    }


def test_a_query_of_the_clickhouse_exporters_tables_carries_over(store: Store, tmp_path: Path) -> None:
    events = [{"time_unix_nano": NOON, "name": "exception", "attributes": []}]
    links: list[dict[str, Any]] = [{"trace_id": "aa", "span_id": None, "trace_state": "", "attributes": []}]
    rows = spans(
        [NOON],
        kind="SERVER",
        status_code="ERROR",
        attributes=[[("error.type", "timeout")]],
        events=[events],
        links=[links],
    )
    append(store, rows)
    query = """
        SELECT SpanKind, SpanAttributes['error.type'], ResourceAttributes['service.name'], Duration / 1e6,
            "Events.Name", "Links.TraceId", "Links.SpanId"
        FROM otel_traces WHERE StatusCode = 'Error' AND ParentSpanId = ''
    """
    assert ask(tmp_path, query) == [("Server", "timeout", "shop", 1.0, ["exception"], ["aa"], [""])]
    append(store, table("logs", [NOON + 1], severity_number=17, flags=257, body=None), "logs")
    query = "SELECT Body, SeverityNumber, TraceFlags, epoch_ns(TimestampTime) FROM otel_logs"
    assert ask(tmp_path, query) == [("", 17, 1, NOON)]
    append(store, table("metrics_sum", [NOON], value=2.0, aggregation_temporality="CUMULATIVE"), "metrics_sum")
    assert ask(tmp_path, "SELECT MetricName, Value, AggregationTemporality FROM otel_metrics_sum") == [
        ("requests", 2.0, 2)
    ]
