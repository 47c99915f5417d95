"""A real server that holds what two tenants sent with their tokens; whatever one of them named has its mark in it.

In: a data directory. Out: the server, tokens, and the ids of each tenant's things.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from exporter.auth import tokens
from exporter.clock import SystemClock
from exporter.control import Control
from exporter.units import NS_PER_S
from otel_ax import semconv
from tests.factories import metrics_request
from tests.otlp import Export, Plain, any_value, key_values
from tests.running import Server, running, until

TENANTS: Final = ("acme", "rival")
RULES: Final = """
groups:
  - name: each
    interval: 1s
    rules:
      - alert: Busy
        sql: >-
          select tenant, mark, 7 as value from (values ('acme', 'acmemark'), ('rival', 'rivalmark')) t(tenant, mark)
        by: [tenant, mark]
        operator: ">"
        threshold: 5
        window: 1m
budgets:
  - {name: acmemark-budget, usd: 1000, per: month, scope: {tenant: acme}}
  - {name: rivalmark-budget, usd: 1000, per: month, scope: {tenant: rival}}
channels:
  - {name: rivalmark-channel, type: console}
"""


def mark_of(tenant: str) -> str:
    """What is in every text of this tenant's, and in none of others."""
    return f"{tenant}mark"


@dataclass(frozen=True, slots=True)
class Two:
    """The server; a token of each tenant that may read and ask by SQL; what tenants' things are called."""

    server: Server
    client: httpx.Client
    tokens: Mapping[str, str]
    ids: Mapping[str, Mapping[str, str]]

    def ask(self, tenant: str | None, method: str, path: str, **more: Any) -> httpx.Response:
        """An answer to a tenant, or to somebody without a token, who sees all."""
        headers = {**({} if tenant is None else {"Authorization": f"Bearer {self.tokens[tenant]}"})}
        headers |= more.pop("headers", {})
        return self.client.request(method, path, headers=headers, **more)


@contextmanager
def two_tenants(data: Path) -> Iterator[Two]:
    """All that each of them sent can be asked for, and an alert of each fires."""
    (data / "rules").mkdir(parents=True)
    (data / "rules" / "own.yaml").write_text(RULES)
    made = _tokens(data)
    environ = {"AX_ALERT_DELAY": "0s", "AX_RECEIVE_SELF_METRICS_INTERVAL": "0s"}  # nothing is stored but theirs
    with running(data, environ=environ) as server:
        for tenant in TENANTS:
            for path, export in exports(tenant).items():
                send(server, path, export, made[tenant, "ingest"])
        until(lambda: _is_stored(server), "both tenants' data", seconds=120)
        until(lambda: len(_alerts(server)) == len(TENANTS), "an alert of each", seconds=120)
        for tenant, alert in _alerts(server).items():  # so that its history tells whose it is
            path = f"{server.ui}/api/alerts/{alert}/acknowledge"
            httpx.post(path, json={"by": mark_of(tenant)}, timeout=60).raise_for_status()
        alerts = _alerts(server)
        ids = {tenant: ids_of(tenant) | {"alert": alerts[tenant]} for tenant in TENANTS}
        with httpx.Client(base_url=server.ui, timeout=60) as client:
            yield Two(server, client, {tenant: made[tenant, "read"] for tenant in TENANTS}, ids)


def ids_of(tenant: str) -> dict[str, str]:
    """What the things that a tenant sent are called."""
    mark = mark_of(tenant)
    return {
        "trace": _trace(tenant).hex(),
        "span": _span(tenant, CHAT).hex(),
        "run": f"{mark}-run",
        "conversation": f"{mark}-conversation",
        "metric": f"{mark}.process.memory.usage",
        "budget": f"{mark}-budget",
    }


def _tokens(data: Path) -> dict[tuple[str, str], str]:
    now = SystemClock().wall()
    control = Control.open(data)
    try:
        with control.writing() as connection:
            return {
                (tenant, name): tokens.create(connection, f"{tenant}-{name}", scopes, now, tenant=tenant)
                for tenant in TENANTS
                for name, scopes in (("ingest", ("ingest",)), ("read", ("read", "sql")))
            }
    finally:
        control.close()


def send(server: Server, path: str, export: Export, token: str | None = None) -> None:
    """Sends it; it is taken."""
    headers = {"Content-Type": "application/x-protobuf"}
    headers |= {} if token is None else {"Authorization": f"Bearer {token}"}
    answer = httpx.post(f"{server.http}{path}", content=export.SerializeToString(), headers=headers, timeout=60)
    assert answer.status_code == 200, answer.text


def _is_stored(server: Server) -> bool:
    views = ("logs", "metrics_gauge", "metrics_summary", "llm_calls", "workflow_runs", "spans_pending", "rollup_1min")
    counts = " UNION ALL ".join(f"SELECT count(DISTINCT tenant_id) FROM {view} " for view in views)
    return {count for (count,) in server.sql(counts)} == {len(TENANTS)}


def _alerts(server: Server) -> dict[str, str]:
    found = httpx.get(f"{server.ui}/api/alerts?rule=each/Busy", timeout=60).json()
    return {dict(one["labels"])["tenant"]: one["id"] for one in found.get("items", ())}


# ── What they send ────────────────────────────────────────────────────────────────────────────────────────────────

ROOT, STEP, AGENT, CHAT, TOOL, TURN, JUDGED, UNDER_WAY = range(1, 9)


def _trace(tenant: str) -> bytes:
    return tenant[:1].encode() * 16


def _span(tenant: str, number: int) -> bytes:
    return tenant[:1].encode() * 7 + bytes([number])


def exports(tenant: str) -> dict[str, Export]:
    """Of each kind of thing one, whose every text has the tenant's mark in it."""
    now = SystemClock().wall() - 60 * NS_PER_S
    return {
        "/v1/traces": _spans(tenant, now),
        "/v1/logs": _logs(tenant, now),
        "/v1/metrics": _metrics(tenant, now),
    }


def _spans(tenant: str, now: int) -> ExportTraceServiceRequest:
    mark = mark_of(tenant)
    run = {semconv.WORKFLOW_RUN_ID: f"{mark}-run", "gen_ai.workflow.name": f"{mark}-trip"}
    message = f'[{{"role": "user", "parts": [{{"type": "text", "content": "{mark} asks"}}]}}]'
    kinds: dict[int, dict[str, Plain]] = {
        ROOT: {"gen_ai.operation.name": "invoke_workflow", **run},
        STEP: {semconv.KIND: "step", semconv.STEP_KEY: f"{mark}-step", **run},
        AGENT: {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": f"{mark}-agent"},
        CHAT: {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": f"{mark}-provider",
            "gen_ai.request.model": f"{mark}-model",
            "gen_ai.usage.input_tokens": 1_000,
            "gen_ai.usage.output_tokens": 100,
            "gen_ai.conversation.id": f"{mark}-conversation",
            "gen_ai.input.messages": message,
            "error.type": f"{mark}-error",
        },
        TOOL: {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": f"{mark}-tool"},
        TURN: {semconv.KIND: "voice_turn", semconv.VOICE_TURN_NUMBER: 1, semconv.VOICE_CALL_ID: f"{mark}-call"},
        JUDGED: {"gen_ai.evaluation.name": f"{mark}-verdict", "gen_ai.evaluation.score.value": 0.5},
        UNDER_WAY: {semconv.SPAN_PENDING: True, "gen_ai.workflow.name": f"{mark}-trip"},
    }
    export = ExportTraceServiceRequest()
    group = export.resource_spans.add()
    group.resource.attributes.extend(key_values({"service.name": f"{mark}-shop", "host.name": f"{mark}-host"}))
    scope = group.scope_spans.add()
    for number, attributes in kinds.items():
        span = scope.spans.add(
            trace_id=_trace(tenant),
            span_id=_span(tenant, number),
            parent_span_id=b"" if number == ROOT else _span(tenant, ROOT),
            name=f"{mark}-{number}",
            start_time_unix_nano=now,
            end_time_unix_nano=now + (0 if number == UNDER_WAY else number * NS_PER_S),
            attributes=key_values({**attributes, "user.id": f"{mark}-user"}),
        )
        if number == CHAT:
            span.status.code, span.status.message = 2, f"{mark} failed"
            span.events.add(name=f"{mark}-event", time_unix_nano=now)
    return export


def _logs(tenant: str, now: int) -> ExportLogsServiceRequest:
    mark = mark_of(tenant)
    export = ExportLogsServiceRequest()
    group = export.resource_logs.add()
    group.resource.attributes.extend(key_values({"service.name": f"{mark}-shop"}))
    group.scope_logs.add().log_records.add(
        time_unix_nano=now,
        severity_number=17,
        body=any_value(f"{mark} went wrong"),
        trace_id=_trace(tenant),
        span_id=_span(tenant, CHAT),
        attributes=key_values({"note": f"{mark}-note"}),
    )
    return export


def _metrics(tenant: str, now: int) -> ExportMetricsServiceRequest:
    mark = mark_of(tenant)
    export = metrics_request(10, start=now, service=f"{mark}-shop")
    for metric in export.resource_metrics[0].scope_metrics[0].metrics:
        metric.name = f"{mark}.{metric.name}"
    return export
