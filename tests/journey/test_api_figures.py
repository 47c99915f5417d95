"""Figures over the API of a real server: measures, costs, calls, latency, quotas, overview; each against plain SQL."""

import csv
import io
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pyarrow as pa
import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.metrics.v1.metrics_pb2 import (
    AGGREGATION_TEMPORALITY_DELTA,
    Gauge,
    Metric,
    NumberDataPoint,
    Sum,
)

from exporter.clock import SystemClock
from tests.factories import logs_request, metrics_request, resource, spans_request
from tests.otlp import Export, key_values
from tests.running import Server, ax, running, until

S = 10**9
SPANS = 400
ARROW = "application/vnd.apache.arrow.stream"
ROUTES = (
    "/api/metrics", "/api/metrics/cost", "/api/metrics/cost/series", "/api/metrics/cost/labels",
    "/api/costs", "/api/costs/series", "/api/calls", "/api/calls/series", "/api/calls/failures", "/api/calls/top",
    "/api/latency", "/api/quotas", "/api/providers", "/api/workflows", "/api/service-map", "/api/trends", "/api/top",
    "/api/advice", "/api/fields", "/api/views",
)  # fmt: skip
"""Those that answer with rows."""


def told(now: int) -> ExportMetricsServiceRequest:
    """A quota that is used to 80 %, and a rate limit that denied one of four."""

    def point(value: float, **labels: str) -> NumberDataPoint:
        attributes = key_values({name.replace("__", "."): text for name, text in labels.items()})
        return NumberDataPoint(as_double=value, time_unix_nano=now, attributes=attributes)

    quota = {"ax__quota__name": "tokens"}
    counted = [
        point(3, ax__rate_limit__type="burst", ax__rate_limit__outcome="allowed"),
        point(1, ax__rate_limit__type="burst", ax__rate_limit__outcome="denied"),
    ]
    export = ExportMetricsServiceRequest()
    group = export.resource_metrics.add(resource=resource("desk"))
    group.scope_metrics.add().metrics.extend(
        [
            Metric(name="ax.quota.usage", unit="1", gauge=Gauge(data_points=[point(0.8, **quota)])),
            Metric(name="ax.quota.limit", unit="1", gauge=Gauge(data_points=[point(500, **quota)])),
            Metric(
                name="ax.rate_limit.requests",
                unit="{request}",
                sum=Sum(data_points=counted, aggregation_temporality=AGGREGATION_TEMPORALITY_DELTA, is_monotonic=True),
            ),
        ]
    )
    return export


def send(server: Server, path: str, export: Export) -> None:
    headers = {"Content-Type": "application/x-protobuf"}
    sent = httpx.post(f"{server.http}/v1/{path}", content=export.SerializeToString(), headers=headers)
    assert sent.status_code == 200


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that has what the factories make of the last minute."""
    with running(tmp_path_factory.mktemp("figures") / "data") as one:
        now = SystemClock().wall()
        send(one, "traces", spans_request(SPANS, 7, now - 60 * S))
        send(one, "logs", logs_request(40, 7, now - 60 * S))
        send(one, "metrics", metrics_request(50, 7, now - 60 * S))
        send(one, "metrics", told(now - 30 * S))
        until(lambda: one.sql("SELECT count(*) FROM spans") == [(SPANS,)], "spans")
        until(lambda: one.sql("SELECT count(*) FROM logs") == [(40,)], "logs")
        until(lambda: one.sql("SELECT count(*) FROM metrics_gauge WHERE service_name = 'desk'") == [(2,)], "points")
        yield one


def get(server: Server, path: str, **parameters: Any) -> tuple[int, Any]:
    """Status and JSON."""
    answer = httpx.get(f"{server.ui}{path}", params=parameters, timeout=60)
    return answer.status_code, answer.json()


def rows(server: Server, path: str, **parameters: Any) -> list[dict[str, Any]]:
    status, body = get(server, path, **parameters)
    assert status == 200, body
    return list(body["items"])


# ── Costs and calls ───────────────────────────────────────────────────────────────────────────────────────────────


def test_costs_by_provider_are_those_of_the_calls_and_add_up_over_time(server: Server) -> None:
    by_hand = server.sql(
        "SELECT provider, sum(cost_nanos)::BIGINT, count(*), count(*) FILTER (unpriced IS NOT NULL)"
        " FROM (SELECT *, round(cost_usd * 1e9)::BIGINT AS cost_nanos FROM llm_calls) GROUP BY provider"
    )
    found = rows(server, "/api/costs", by="provider")
    told_of = {(one["labels"]["provider"], one["cost_nanos"], one["calls"], one["unpriced"]) for one in found}
    assert told_of == {(provider, nanos or 0, calls, bare) for provider, nanos, calls, bare in by_hand}
    assert [one["cost_nanos"] for one in found] == sorted((one["cost_nanos"] for one in found), reverse=True)
    assert sum(one["share_ratio"] for one in found) == pytest.approx(1)
    (together,) = rows(server, "/api/costs")
    assert (together["labels"], together["cost_nanos"]) == ({}, sum(one["cost_nanos"] for one in found))
    over_time = rows(server, "/api/costs/series", by="provider", step="10s")
    assert sum(one["cost_nanos"] for one in over_time) == together["cost_nanos"]


def test_calls_are_told_by_provider_and_model_as_the_terminal_tells_them(server: Server) -> None:
    told = json.loads(ax("monitor", "calls", "--data", server.data, "--json"))
    shown = {(one["provider"], one["model"]): one for one in told["rows"]}
    found = rows(server, "/api/calls", by="provider,model")
    assert len(found) == len(shown) > 1
    for one in found:
        same = shown[one["labels"]["provider"], one["labels"]["model"]]
        keys = set(same) - {"provider", "model", "unpriced"}
        assert {key: one[key] for key in keys} == {key: same[key] for key in keys}
    over_time = rows(server, "/api/calls/series", by="provider,model", step="10s")
    assert sum(one["calls"] for one in over_time) == sum(one["calls"] for one in found)
    reasons = rows(server, "/api/calls/failures")
    assert sum(one["count"] for one in reasons) == sum(one["failed"] for one in found)


@pytest.mark.parametrize(("measure", "column"), [("duration", "duration_ns"), ("cost", "cost_nanos")])
def test_the_calls_that_stand_out_are_those_of_all_the_time(server: Server, measure: str, column: str) -> None:
    found = rows(server, "/api/calls/top", measure=measure, limit="7", filter='provider = "openai"')
    by_hand = server.sql(
        f"SELECT {column} FROM llm_calls WHERE provider = 'openai' ORDER BY {column} DESC NULLS LAST LIMIT 7"
    )
    assert [(one[column],) for one in found] == by_hand
    assert {one["provider"] for one in found} == {"openai"}


def test_a_filter_narrows_and_of_spans_counts_all(server: Server) -> None:
    (everything,) = rows(server, "/api/calls", of="spans")
    (only,) = rows(server, "/api/calls", filter='provider = "openai"')
    assert everything["calls"] == SPANS
    assert only["calls"] == server.sql("SELECT count(*) FROM llm_calls WHERE provider = 'openai'")[0][0]


def test_latency_tells_each_kind_of_work(server: Server) -> None:
    found = {one["component"]: one for one in rows(server, "/api/latency")}
    assert {"chat", "execute_tool", "database", "http server"} <= set(found)
    assert sum(one["count"] for one in found.values()) == SPANS
    assert all(one["p50_ns"] <= one["p95_ns"] <= one["p99_ns"] <= one["max_ns"] for one in found.values())


def test_quotas_tell_what_is_used_and_what_was_denied(server: Server) -> None:
    found = {one["kind"]: one for one in rows(server, "/api/quotas")}
    assert (found["quota"]["name"], found["quota"]["used_ratio"], found["quota"]["limit"]) == ("tokens", 0.8, 500)
    limit = found["rate_limit"]
    assert (limit["name"], limit["allowed"], limit["denied"], limit["denial_ratio"]) == ("burst", 3, 1, 0.25)


# ── Measures and metrics ──────────────────────────────────────────────────────────────────────────────────────────


def test_metrics_are_listed_in_pages_with_the_measures(server: Server) -> None:
    seen: list[tuple[str, str]] = []
    cursor: str | None = ""
    while cursor is not None:
        status, page = get(server, "/api/metrics", limit=10, **({"cursor": cursor} if cursor else {}))
        assert status == 200
        seen += [(one["name"], one["kind"]) for one in page["items"]]
        cursor = page["next_cursor"]
    assert seen == sorted(set(seen))
    assert {("p95_latency", "measure"), ("ax.quota.usage", "gauge"), ("ax.rate_limit.requests", "sum")} <= set(seen)


def test_a_measure_and_a_stored_metric_are_asked_alike(server: Server) -> None:
    found = rows(server, "/api/metrics/p95_latency", by="provider")
    exact = dict(
        server.sql("SELECT provider, quantile_disc(duration_ns, 0.95)::BIGINT FROM llm_calls GROUP BY provider")
    )
    assert {one["labels"]["provider"]: one["value"] for one in found} == exact
    assert {one["unit"] for one in found} == {"ns"}
    (denied,) = rows(server, "/api/metrics/ax.rate_limit.requests")
    assert (denied["value"], denied["count"], denied["max"]) == (4, 2, 3)
    (usage,) = rows(server, "/api/metrics/quota.usage")
    assert usage["value"] == 0.8, "the last value of a gauge, by the name that people ask by"
    (mean,) = rows(server, "/api/metrics/ax.rate_limit.requests", aggregation="avg")
    assert mean["value"] == 2
    over_time = rows(server, "/api/metrics/ax.rate_limit.requests/series", step="1m")
    assert sum(one["value"] for one in over_time) == 4
    calls = rows(server, "/api/metrics/calls/series", step="10s", by="provider")
    assert sum(one["value"] for one in calls) == server.sql("SELECT count(*) FROM llm_calls")[0][0]


def test_labels_are_those_that_filters_take(server: Server) -> None:
    found = {one["label"]: one["values"] for one in rows(server, "/api/metrics/cost/labels")}
    providers = {name for (name,) in server.sql("SELECT DISTINCT provider FROM llm_calls")}
    assert set(found["provider"]) == providers
    for name in providers:
        assert rows(server, "/api/metrics/calls", filter=f'provider = "{name}"')[0]["value"] > 0
    of_metric = {one["label"]: one["values"] for one in rows(server, "/api/metrics/ax.quota.usage/labels")}
    assert of_metric["service"] == ["desk"]


# ── Overview ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_stats_count_what_is_stored(server: Server) -> None:
    status, found = get(server, "/api/stats")
    tables = {one["table"]: one["rows"] for one in found["tables"]}
    assert (status, tables["spans"], tables["logs"], found["traces"]["spans"]) == (200, SPANS, 40, SPANS)
    assert found["traces"]["traces"] == server.sql("SELECT count(DISTINCT trace_id) FROM spans")[0][0]


def test_status_is_one_page(server: Server) -> None:
    status, found = get(server, "/api/status", range="15m")
    assert (status, found["spans"]["spans"]) == (200, SPANS)
    assert found["state"] in {"healthy", "degraded", "unhealthy"}
    assert found["calls"]["calls"] == sum(one or 0 for one in found["calls_over_time"])
    assert {one["provider"] for one in found["providers"]} >= {"openai", "anthropic"}
    assert sum(one["count"] for one in found["logs"]) == 40


def test_providers_are_judged_by_bounds_that_are_told(server: Server) -> None:
    found = rows(server, "/api/providers")
    assert {one["state"] for one in found} <= {"healthy", "degraded", "down", "idle"}
    assert {(one["degraded_success_ratio"], one["down_success_ratio"], one["last_calls"]) for one in found} == {
        (0.95, 0.5, 10)
    }


def test_who_stands_out_and_who_calls_whom(server: Server) -> None:
    first, *_ = rows(server, "/api/top", measure="calls", by="provider", limit=1)
    most = server.sql("SELECT provider, count(*) FROM llm_calls GROUP BY provider ORDER BY 2 DESC LIMIT 1")
    assert (first["labels"]["provider"], first["value"]) == most[0]
    assert first["before"] is None
    edges = {(one["caller"], one["callee"]): one for one in rows(server, "/api/service-map", limit=500)}
    of_view = server.sql("SELECT caller, callee, calls, failed FROM service_map")
    assert {(*pair, one["calls"], one["failed"]) for pair, one in edges.items()} == set(of_view)
    trends = {one["measure"]: one for one in rows(server, "/api/trends", range="7d")}
    assert trends["calls"]["value"] == server.sql("SELECT count(*) FROM llm_calls")[0][0]
    assert rows(server, "/api/workflows") == []
    assert isinstance(rows(server, "/api/advice"), list)
    status, capacity = get(server, "/api/capacity")
    assert (status, capacity["free_bytes"] > 0) == (200, True)


def test_names_for_completion_are_those_that_work(server: Server) -> None:
    known = {one["subject"]: {field["name"] for field in one["fields"]} for one in rows(server, "/api/fields")}
    assert {"provider", "model", "duration"} <= known["calls"]
    views = {one["name"]: one for one in rows(server, "/api/views")}
    assert {"spans", "logs", "llm_calls", "rollup_1min"} <= set(views)
    assert "cells_1min" not in views
    assert {"name": "cost_usd", "type": "DECIMAL(18,9)"} in views["llm_calls"]["columns"]
    assert all(one["description"] for one in views.values())


# ── All of them ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("path", ROUTES)
def test_rows_are_the_same_in_each_form(server: Server, path: str) -> None:
    body = httpx.get(f"{server.ui}{path}", timeout=60).json()
    assert {"items", "next_cursor", "precision", "error_ratio", "start_ns", "end_ns", "source"} == set(body)
    text = httpx.get(f"{server.ui}{path}", headers={"Accept": "text/csv"}, timeout=60)
    assert len(list(csv.DictReader(io.StringIO(text.text)))) == len(body["items"])
    arrow = httpx.get(f"{server.ui}{path}", headers={"Accept": ARROW}, timeout=60)
    with pa.ipc.open_stream(arrow.content) as stream:
        assert stream.read_all().num_rows == len(body["items"])
    assert httpx.get(f"{server.ui}{path}", headers={"Accept": "image/png"}, timeout=60).status_code == 406
    refused = httpx.get(f"{server.ui}{path}", params={"fields": "nothing"}, timeout=60)
    assert (refused.status_code, refused.json()["field"]) == (400, "fields")


@pytest.mark.parametrize(
    ("path", "status", "field"),
    [
        ("/api/metrics/nothing", 404, None),
        ("/api/metrics/p95_latenzy", 404, None),
        ("/api/metrics/cost?aggregation=avg", 400, "aggregation"),
        ("/api/metrics/cost?by=colour", 400, "by"),
        ("/api/metrics/ax.quota.usage?aggregation=middle", 400, "query.aggregation"),
        ("/api/metrics/cost/series?range=30d&step=1s", 400, "step"),
        ("/api/metrics?cursor=made-up", 400, "cursor"),
        ("/api/costs?by=a,b,c,d,e,f", 400, "by"),
        ("/api/costs?filter=provider%20%3D", 400, "filter"),
        ("/api/costs?range=1h&start=2026-11-22T00:00:00Z", 400, "range"),
        ("/api/calls?limit=501", 400, "query.limit"),
        ("/api/calls?of=people", 400, "query.of"),
        ("/api/calls/top?measure=luck", 400, "query.measure"),
        ("/api/top?measure=luck", 400, "measure"),
        ("/api/latency?filter=nope(", 400, "filter"),
        ("/api/stats?range=never", 400, "range"),
    ],
)
def test_what_cannot_be_asked_names_the_field_and_the_mend(
    server: Server, path: str, status: int, field: str | None
) -> None:
    answer = httpx.get(f"{server.ui}{path}", timeout=60)
    problem = answer.json()
    assert (answer.status_code, problem.get("field")) == (status, field), problem
    assert problem["mend"]
    assert answer.headers["content-type"] == "application/problem+json"
