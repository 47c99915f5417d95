"""Typed questions over what is published: their numbers against a count by hand, their statements, what they refuse."""

import re
from collections.abc import Iterator
from dataclasses import replace
from math import ceil
from pathlib import Path

import pyarrow as pa
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from exporter.config import Config
from exporter.decode import decode
from exporter.errors import AxError
from exporter.query import (
    calls,
    compare,
    components,
    costs,
    figures,
    logs,
    measures,
    named,
    points,
    providers,
    service_map,
    traces,
    workflows,
)
from exporter.query.answer import EXACT, SKETCH, TooMany
from exporter.query.figures import Of
from exporter.query.metric_names import KNOWN, MEASURED
from exporter.query.period import DAY, HOUR, MINUTE, Period
from exporter.query.views import SQL, Views, reading
from exporter.store import Counts, Store
from otel_ax.instruments import CATALOGUE
from tests.exporter.store_tables import NOON, StillClock
from tests.factories import logs_request, metrics_request, spans_request
from tests.otlp import key_values, request_of

NOW = NOON
S = 10**9
MS = 10**6
QUERY = SQL.parent


def call(at: int, took_ns: int, provider: str, model: str, **more: object) -> Span:
    """A call of a model that ends at `at`."""
    start = at - took_ns
    attributes = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": provider,
        "gen_ai.request.model": model,
        "gen_ai.usage.input_tokens": 1000,
        "gen_ai.usage.output_tokens": 100,
        "user.id": f"u-{at % 3}",
    } | more
    failed = "error.type" in more
    identity = (at * 1_000 + took_ns) % 2**60
    return Span(
        trace_id=identity.to_bytes(16, "big"),
        span_id=identity.to_bytes(8, "big"),
        name=f"chat {model}",
        kind=Span.SPAN_KIND_CLIENT,
        start_time_unix_nano=start,
        end_time_unix_nano=at,
        status=Status(code=Status.STATUS_CODE_ERROR if failed else Status.STATUS_CODE_UNSET),
        attributes=key_values(attributes),
    )


def made() -> list[Span]:
    """Three hours of calls, one a minute and provider; the last ten minutes of one provider are bad."""
    spans = []
    for minute in range(180):
        at = NOW - minute * MINUTE - S
        spans.append(call(at, (100 + minute) * MS, "openai", "gpt-4.1-mini"))
        bad: dict[str, object] = {"error.type": "RateLimitError"} if minute < 10 else {}
        spans.append(call(at + 1, (300 + minute) * MS, "anthropic", "claude-sonnet-4-5", **bad))
    return spans


SPANS = made()


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with the calls, and what the factories make in its last minute."""
    path = tmp_path_factory.mktemp("questions") / "data"
    config = Config(data=path)
    export = ExportTraceServiceRequest()
    group = export.resource_spans.add()
    group.resource.attributes.extend(key_values({"service.name": "shop"}))
    group.scope_spans.add().spans.extend(SPANS)
    start = NOW - 30 * S
    requests = [
        request_of(export, received_at=NOW),
        request_of(logs_request(40, 1, start), received_at=NOW),
        request_of(metrics_request(50, 1, start), received_at=NOW),
        request_of(spans_request(64, 1, start, service="checkout"), received_at=NOW),
    ]
    store = Store.open(path, config.store, StillClock(NOW))
    tables: dict[tuple[str, str], pa.Table] = {}
    for place, one in enumerate(requests):
        decoded = decode([one], config.limits, config.store.retention)
        tables = {("default", name): table for name, table in decoded.tables.items()}
        store.append(tables, (place + 1) * 100, Counts(accepted=decoded.stored, stored=decoded.stored))
    store.close()
    return path


@pytest.fixture
def views(data: Path) -> Iterator[Views]:
    with reading(data) as found:
        yield found


def nearest(values: list[int], p: float) -> int:
    return sorted(values)[max(1, ceil(len(values) * p)) - 1]


def durations(provider: str, period: Period) -> list[int]:
    """Of the calls of a provider that ended in a period, by hand."""
    return [
        one.end_time_unix_nano - one.start_time_unix_nano
        for one in SPANS
        if one.attributes[1].value.string_value == provider
        and period.start_ns <= one.end_time_unix_nano < period.end_ns
    ]


HOURLY = Period(NOW - HOUR, NOW)
SHOP = 'service = "shop"'


def test_figures_of_an_hour_are_exact(views: Views) -> None:
    answer = figures.figures(views, HOURLY, by=["provider"], where=SHOP)
    assert (answer.precision, answer.source, answer.period) == (EXACT, "llm_calls", HOURLY)
    assert [row.labels for row in answer.rows] == [("anthropic",), ("openai",)]
    for row in answer.rows:
        by_hand = durations(str(row.labels[0]), HOURLY)
        assert row.count == len(by_hand) == 60
        assert row.latency_sum_ns == sum(by_hand)
        assert (row.latency_min_ns, row.latency_max_ns) == (min(by_hand), max(by_hand))
        assert row.percentiles_ns == tuple(nearest(by_hand, p) for p in (0.5, 0.95, 0.99))
        assert (row.tokens_input, row.tokens_output) == (60_000, 6_000)
        assert row.cost_nanos > 0
    assert [row.failed for row in answer.rows] == [10, 0]


def test_a_call_counts_when_it_ends(views: Views) -> None:
    within = Period(NOW - MINUTE - S - 50 * MS, NOW)  # two calls began before and ended in it
    (row,) = figures.figures(views, within, where=SHOP).rows
    assert row.count == len(durations("openai", within)) + len(durations("anthropic", within)) == 4
    before = Period(NOW - MINUTE - S - 50 * MS, NOW - MINUTE - S)
    assert figures.figures(views, before, where=SHOP).rows == ()


def test_figures_of_rollups_are_the_same_but_for_percentiles_within_their_bound(views: Views) -> None:
    exact = figures.figures(views, HOURLY, by=["provider"], where=SHOP, from_rollups=False)
    rolled = figures.figures(views, HOURLY, by=["provider"], where=SHOP, from_rollups=True)
    assert (rolled.precision, rolled.source) == (SKETCH, "cells_1min")
    assert len(exact.rows) == len(rolled.rows) == 2
    for one, other in zip(exact.rows, rolled.rows, strict=True):
        for name in ("labels", "count", "failed", "latency_sum_ns", "latency_min_ns", "latency_max_ns", "cost_nanos"):
            assert getattr(one, name) == getattr(other, name), name
        assert (one.tokens_input, one.unpriced) == (other.tokens_input, other.unpriced)
        for said, near in zip(one.percentiles_ns, other.percentiles_ns, strict=True):
            assert said is not None
            assert near == pytest.approx(said, rel=rolled.precision.error_ratio)


def test_figures_of_rollups_without_percentiles_are_the_same_but_for_these(views: Views) -> None:
    full = figures.figures(views, HOURLY, by=["provider"], from_rollups=True).rows
    less = figures.figures(views, HOURLY, by=["provider"], from_rollups=True, percentiles=False).rows
    assert all(None not in row.percentiles_ns for row in full)
    assert less == tuple(replace(row, percentiles_ns=(None, None, None)) for row in full)


def test_a_long_range_is_answered_from_rollups_and_a_filter_that_they_do_not_have_from_calls(views: Views) -> None:
    long = Period(NOW - 3 * HOUR, NOW)
    assert figures.figures(views, long).source == "cells_1min"
    assert figures.figures(views, long, where="duration > 100ms").source == "llm_calls"
    assert figures.figures(views, long, by=["user"]).source == "llm_calls"
    assert figures.cells_for(Period(NOW - 30 * DAY, NOW), 0) == ("cells_1day", DAY)
    assert figures.cells_for(Period(NOW - DAY, NOW), HOUR) == ("cells_1hour", HOUR)
    assert figures.cells_for(Period(NOW - DAY, NOW), 5 * MINUTE) == ("cells_1min", MINUTE)


@pytest.mark.parametrize("from_rollups", [False, True])
def test_a_series_adds_up_to_its_aggregate(views: Views, *, from_rollups: bool) -> None:
    whole = figures.figures(views, HOURLY, where=SHOP, from_rollups=from_rollups).rows[0]
    buckets = figures.figures(views, HOURLY, where=SHOP, from_rollups=from_rollups, step_ns=5 * MINUTE).rows
    assert len(buckets) == 12
    assert all(row.bucket_ns % (5 * MINUTE) == 0 for row in buckets)
    assert sum(row.count for row in buckets) == whole.count == 120
    assert sum(row.cost_nanos for row in buckets) == whole.cost_nanos
    assert max(row.latency_max_ns or 0 for row in buckets) == whole.latency_max_ns


def test_figures_of_spans_count_every_span(views: Views) -> None:
    answer = figures.figures(views, HOURLY, of=Of.SPANS, by=["service"])
    assert {row.labels[0]: row.count for row in answer.rows} == {"checkout": 64, "shop": 120}


def test_measures_read_figures(views: Views) -> None:
    (row,) = figures.figures(views, HOURLY, where='provider = "anthropic" and service = "shop"').rows
    read = {name: measure.read(row) for name, measure in measures.MEASURES.items()}
    assert (read["calls"], read["failures"], read["error_rate"]) == (60, 10, 10 / 60)
    assert read["success_rate"] == 50 / 60
    assert read["avg_latency"] == read["latency"] == sum(durations("anthropic", HOURLY)) / 60
    assert read["cache_hit_rate"] is None
    promised = {"latency", "avg_latency", "p95_latency", "p99_latency", "error_rate", "success_rate", "cache_hit_rate"}
    assert promised | {"hourly_cost", "rate_limit_denial_rate"} <= measures.MEASURES.keys()


def test_a_comparison_ranks_and_tells_the_change(views: Views) -> None:
    half = Period(NOW - 30 * MINUTE, NOW)
    answer = compare.compared(views, half, measures.MEASURES["avg_latency"], by=["provider"], where=SHOP)
    assert [row.labels[0] for row in answer.rows] == ["anthropic", "openai"]
    for row in answer.rows:
        now, before = durations(str(row.labels[0]), half), durations(str(row.labels[0]), half.before())
        assert (row.value, row.before) == (sum(now) / len(now), sum(before) / len(before))
        assert row.change_ratio is not None
        assert row.change_ratio < 0
    top = compare.compared(views, half, measures.MEASURES["calls"], by=["provider"], where=SHOP, limit=1)
    assert [(row.value, row.share) for row in top.rows] == [(30, 0.5)]


def test_providers_are_judged_by_the_last_minutes(views: Views) -> None:
    answer = providers.providers(views, NOW)
    states = {row.provider: row.state for row in answer.rows}
    assert states["anthropic"] == "down"
    assert states["openai"] == "healthy"
    assert [row.provider for row in answer.rows if row.state == "down"] == [answer.rows[0].provider]
    assert "of calls succeeded" in answer.rows[0].reason


@pytest.mark.parametrize(
    ("seen", "state", "reason"),
    [
        (providers.Seen("p", 100, 0, 100, 100, 0, 10, 10), "healthy", "100.0 % of calls succeeded"),
        (providers.Seen("p", 100, 5, 100, 100, 0, 10, 10), "healthy", "95.0 % of calls succeeded"),
        (providers.Seen("p", 100, 6, 100, 100, 0, 10, 10), "degraded", "94.0 % of calls succeeded"),
        (providers.Seen("p", 100, 0, 201, 100, 0, 10, 10), "degraded", "its p95 is 2.0 times that of the day"),
        (providers.Seen("p", 100, 0, 200, 100, 0, 10, 10), "healthy", "100.0 % of calls succeeded"),
        (providers.Seen("p", 100, 50, 100, None, 0, 10, 5), "degraded", "50.0 % of calls succeeded"),
        (providers.Seen("p", 100, 51, 100, None, 0, 10, 5), "down", "49.0 % of calls succeeded"),
        (providers.Seen("p", 100, 4, 100, None, 0, 10, 0), "down", "none of its last 10 calls succeeded"),
        (providers.Seen("p", 9, 9, 100, None, 0, 9, 0), "down", "0.0 % of calls succeeded"),
        (providers.Seen("p", 0, 0, None, 100, 0, 0, 0), "idle", "no call within the window"),
    ],
)
def test_a_provider_is_judged(seen: providers.Seen, state: str, reason: str) -> None:
    judged = providers.judge(seen)
    assert (judged.state, judged.reason) == (state, reason)


def test_failures_tell_why(views: Views) -> None:
    (reason,) = calls.failures(views, HOURLY, where=SHOP).rows
    assert (reason.reason, reason.provider, reason.count) == ("RateLimitError", "anthropic", 10)


def test_a_bill_adds_up(views: Views) -> None:
    span_id = SPANS[0].span_id.hex()
    bill = calls.bill(views, span_id)
    assert (bill.provider, bill.tokens_input, bill.is_counted) == ("openai", 1000, True)
    parts = [bill.cost_input_nanos, bill.cost_cache_read_nanos, bill.cost_cache_write_nanos]
    parts += [bill.cost_output_nanos, bill.cost_other_nanos]
    assert sum(part or 0 for part in parts) == bill.cost_nanos
    assert bill.cost_nanos == 1000 * 400 + 100 * 1600  # gpt-4.1-mini: $0.40 and $1.60 a million
    with pytest.raises(AxError, match="no span begins with 'ffffffff'"):
        calls.bill(views, "ffffffff")


def test_logs_are_searched_and_counted(views: Views) -> None:
    everything = logs.search_logs(views, HOURLY, limit=1_000).rows
    assert len(everything) == 40
    assert [row.time_ns for row in everything] == sorted((row.time_ns for row in everything), reverse=True)
    errors = logs.search_logs(views, HOURLY, "level:error", limit=1_000).rows
    assert 0 < len(errors) < 40
    counted = {row.level: row.count for row in logs.levels(views, HOURLY).rows}
    assert sum(counted.values()) == 40
    assert counted["error"] == len(errors)
    word = str(everything[0].body).split()[0]
    found = logs.search_logs(views, HOURLY, word.upper(), limit=1_000).rows
    assert everything[0].time_ns in {row.time_ns for row in found}
    assert logs.search_logs(views, HOURLY, limit=7).rows == everything[:7]
    assert logs.search_logs(views, HOURLY, "nobody-ever-wrote-this").rows == ()
    assert not list(logs.came_in(views, NOW // 1_000))
    assert len(list(logs.came_in(views, NOW // 1_000 - 1))) == 40


def test_traces_are_listed_and_shown_as_a_tree(views: Views) -> None:
    listed = traces.traces(views, HOURLY, where="service = checkout").rows
    assert len(listed) == 8
    assert all(one.spans == 8 and one.has_root for one in listed)
    trace_id, spans = traces.trace(views, listed[0].trace_id[:12])
    assert (trace_id, len(spans)) == (listed[0].trace_id, 8)
    depths = [depth for depth, _ in traces.tree(spans)]
    assert depths[0] == 0
    assert len(depths) == 8
    assert traces.trace(views, str(spans[3].span_id))[0] == trace_id
    (of_all,) = traces.statistics(views, HOURLY).rows
    assert (of_all.traces, of_all.spans) == (8 + 120, 64 + 120)
    for prefix, said in (("xyz", "is no trace"), ("00", "several traces"), ("f" * 32, "no trace begins")):
        with pytest.raises(AxError, match=said):
            traces.trace(views, prefix)


def test_a_ring_of_spans_is_shown_once() -> None:
    def span(identity: str, parent: str | None) -> traces.Span:
        values = (
            identity,
            parent,
            "x",
            "INTERNAL",
            None,
            0,
            1,
            "UNSET",
            None,
            None,
            None,
            None,
            None,
            None,
            None,
            None,
        )
        return traces.Span(*values, is_counted=None, is_running=False, attributes={})

    ring = [span("a", "b"), span("b", "a"), span("c", "c"), span("d", "gone")]
    assert [(depth, one.span_id) for depth, one in traces.tree(ring)] == [(0, "c"), (0, "d"), (0, "a"), (1, "b")]


def test_components_and_metrics_are_told(views: Views) -> None:
    found = {row.component: row for row in components.components(views, HOURLY, where=SHOP).rows}
    assert found["chat"].count == 120
    assert found["chat"].failed == 10
    names = {row.name for row in points.metrics(views, HOURLY).rows}
    assert len(names) >= 5


def test_without_runs_workflows_say_nothing_and_how_to_go_on(views: Views) -> None:
    assert workflows.workflows(views, HOURLY).rows == ()
    with pytest.raises(AxError, match="no run begins with 'abc'"):
        workflows.timeline(views, "abc")


def test_an_answer_is_bounded_and_says_how_to_narrow_it(views: Views) -> None:
    count = len(figures.figures(views, HOURLY, by=["provider"]).rows)
    assert len(figures.figures(views, HOURLY, by=["provider"], most=count).rows) == count > 1
    for rolled in (False, True):
        with pytest.raises(TooMany, match="more than 1 rows"):
            figures.figures(views, HOURLY, by=["provider"], most=1, from_rollups=rolled)
    stored = next(one.name for one in points.metrics(views, HOURLY).rows if one.kind == "gauge")
    with pytest.raises(TooMany):
        points.points(views, stored, HOURLY, step_ns=MINUTE, most=0)


def test_costs_are_against_the_time_before_and_what_ended_is_there_too(views: Views) -> None:
    answer, together = costs.costs(views, HOURLY, by=["provider"])
    assert together.calls == sum(row.calls for row in answer.rows)
    assert together.cost_nanos == sum(row.cost_nanos for row in answer.rows)
    assert {row.before_nanos for row in answer.rows} != {None}
    last = Period(NOW - MINUTE, NOW)
    quiet, _ = costs.costs(views, last, by=["model"], where='service = "shop" and duration > 400ms')
    assert quiet.rows == ()


@pytest.mark.parametrize(("kind", "value"), [("gauge", "last"), ("sum", "sum"), ("histogram", "mean")])
def test_a_stored_metric_comes_to_what_is_usual_for_its_kind(views: Views, kind: str, value: str) -> None:
    name = next(one.name for one in points.metrics(views, HOURLY).rows if one.kind == kind)
    one = named.named(views, name, HOURLY)
    (row,) = named.totals(views, one, HOURLY).rows
    (whole,) = points.points(views, name, HOURLY).rows
    assert (one.kind, row.value) == (kind, getattr(whole, value))
    with pytest.raises(named.NoMetric, match="no metric of that name"):
        named.named(views, "nothing", HOURLY)


def test_services_are_told_with_whom_they_call(views: Views) -> None:
    found = {(one.caller, one.callee): one for one in service_map.service_map(views, HOURLY).rows}
    edge = found["shop", "anthropic"]
    took = durations("anthropic", Period(NOW - 2 * HOUR, NOW))
    assert (edge.callee_kind, edge.failed, edge.max_duration_ns in took) == ("provider", 10, True)
    assert service_map.service_map(views, HOURLY, limit=1).rows[0].calls == max(one.calls for one in found.values())


def test_an_unknown_dimension_names_those_that_there_are(views: Views) -> None:
    with pytest.raises(AxError, match="LLM calls cannot be told apart by colour; what they can is provider, model"):
        figures.figures(views, HOURLY, by=["colour"])


# ── Statements ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_statement_is_used_and_every_use_is_a_statement() -> None:
    source = "\n".join(path.read_text() for path in QUERY.parent.rglob("*.py"))
    files = {path.stem for path in SQL.glob("*.sql")}
    used = {name for name in files if f'"{name}"' in source}
    assert files - used == set()
    asked = set(re.findall(r"(?:views\.rows|views\.table|text)\(\s*\"(\w+)\"", source))
    assert asked - files == set()


@pytest.mark.parametrize("path", sorted(SQL.glob("*.sql")), ids=lambda path: path.stem)
def test_a_statements_header_tells_its_parameters_and_places(path: Path) -> None:
    text = path.read_text()
    header = "\n".join(line for line in text.splitlines() if line.startswith("--"))
    body = "\n".join(line for line in text.splitlines() if not line.startswith("--"))
    assert header
    assert ";" not in body
    assert set(re.findall(r"\$(\w+)", body)) <= set(re.findall(r"\$(\w+)", header))
    assert set(re.findall(r"\{(\w+)\}", body)) <= set(re.findall(r"\{(\w+)\}", header))


def test_periods_are_widened_and_cut_into_few_buckets() -> None:
    period = Period(61 * S, 119 * S)
    assert period.widened(MINUTE) == Period(60 * S, 120 * S)
    assert period.before() == Period(3 * S, 61 * S)
    for length in (S, MINUTE, HOUR, DAY, 30 * DAY, 365 * DAY):
        step = Period(0, length).step_ns()
        assert length / step <= 300
        assert step % S == 0


def test_names_that_people_ask_by_mean_what_the_sdk_records() -> None:
    recorded = {name: (one.metric, dict(one.where)) for name, one in CATALOGUE.items()}
    assert set(recorded) == set(KNOWN) | set(MEASURED)
    for name, (metric, only) in KNOWN.items():
        operation = recorded[name][1].get("gen_ai.operation.name")
        assert (metric, only) == (recorded[name][0], f"operation = {operation}" if operation else None)
    assert set(MEASURED.values()) <= measures.MEASURES.keys()
