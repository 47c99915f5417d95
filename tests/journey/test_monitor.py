"""`ax monitor` and `ax cost` on a real server, as somebody at a terminal and as a script would use them."""

import csv
import io
import json
import os
import pty
import re
import select
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from exporter.clock import SystemClock
from tests.otlp import Export, Plain, any_value, key_values
from tests.running import AX, ENVIRON, Server, ax, running, until

S = 10**9
MS = 10**6
CHAT: dict[str, Plain] = {"gen_ai.operation.name": "chat", "gen_ai.usage.output_tokens": 100}
TRACE = bytes(range(16))


def read(*arguments: object, code: int = 0) -> Any:
    return json.loads(ax(*arguments, "--json", code=code))


def span(
    identity: int,
    parent: int | None,
    name: str,
    start: int,
    took: int,
    attributes: Mapping[str, Plain],
    *,
    trace: bytes = TRACE,
) -> Span:
    failed = "error.type" in attributes
    return Span(
        trace_id=trace,
        span_id=identity.to_bytes(8, "big"),
        parent_span_id=b"" if parent is None else parent.to_bytes(8, "big"),
        name=name,
        kind=Span.SPAN_KIND_CLIENT,
        start_time_unix_nano=start,
        end_time_unix_nano=start + took,
        status=Status(code=Status.STATUS_CODE_ERROR if failed else Status.STATUS_CODE_UNSET),
        attributes=key_values(attributes),
    )


def story(now: int) -> ExportTraceServiceRequest:
    """A run of a workflow with two steps and two calls of models, a minute ago; and one that still runs."""
    at = now - 60 * S
    run: dict[str, Plain] = {"ax.workflow.run.id": "run-1", "gen_ai.workflow.name": "refund"}
    who: dict[str, Plain] = {"gen_ai.conversation.id": "conv-1", "ax.tenant.id": "acme", "user.id": "ada"}
    gpt: dict[str, Plain] = {"gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4.1-mini"}
    claude: dict[str, Plain] = {"gen_ai.provider.name": "anthropic", "gen_ai.request.model": "claude-sonnet-4-5"}
    none: dict[str, Plain] = {"gen_ai.provider.name": "nobody", "gen_ai.request.model": "none", "error.type": "Timeout"}
    said = json.dumps([{"role": "user", "parts": [{"type": "text", "content": "Where is my order?"}]}])
    own = CHAT | run | who
    asked = {"gen_ai.usage.input_tokens": 1000, "gen_ai.input.messages": said}
    whole = {**run, **who, "gen_ai.operation.name": "invoke_workflow"}
    slow: dict[str, Plain] = {"ax.workflow.run.id": "run-2", "gen_ai.workflow.name": "slow", "ax.span.pending": True}
    slow["gen_ai.operation.name"] = "invoke_workflow"
    spans = [
        span(1, None, "invoke_workflow refund", at, 4 * S, whole),
        span(2, 1, "look up", at, S, {**run, **who, "ax.kind": "step", "ax.step.key": "look-up"}),
        span(3, 2, "chat gpt", at, 800 * MS, own | gpt | asked),
        span(4, 1, "answer", at + S, 3 * S, {**run, **who, "ax.kind": "step", "ax.step.key": "answer"}),
        span(5, 4, "chat claude", at + S, 2 * S, own | claude | {"gen_ai.usage.input_tokens": 2000}),
        span(6, 4, "chat nobody", at + 3 * S, S, own | none),
        span(9, None, "invoke_workflow slow", now - 5 * S, 0, slow, trace=bytes(range(1, 17))),
    ]
    export = ExportTraceServiceRequest()
    group = export.resource_spans.add()
    group.resource.attributes.extend(key_values({"service.name": "desk"}))
    group.scope_spans.add().spans.extend(spans)
    return export


def lines(now: int, *bodies: tuple[str, int]) -> ExportLogsServiceRequest:
    export = ExportLogsServiceRequest()
    group = export.resource_logs.add()
    group.resource.attributes.extend(key_values({"service.name": "desk"}))
    records = [
        LogRecord(time_unix_nano=now + place, severity_number=severity, body=any_value(body), trace_id=TRACE)  # type: ignore[arg-type]
        for place, (body, severity) in enumerate(bodies)
    ]
    group.scope_logs.add().log_records.extend(records)
    return export


def send(server: Server, export: Export) -> None:
    path = "logs" if isinstance(export, ExportLogsServiceRequest) else "traces"
    headers = {"Content-Type": "application/x-protobuf"}
    answer = httpx.post(f"{server.http}/v1/{path}", content=export.SerializeToString(), headers=headers)
    assert answer.status_code == 200


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("monitor") / "data") as started:
        now = SystemClock().wall()
        send(started, story(now))
        send(started, lines(now - 30 * S, ("order looked up", 9), ("model was slow", 13), ("it broke\x1b[2J", 17)))
        until(lambda: started.sql("SELECT count(*) FROM spans") == [(6,)], "spans")
        until(lambda: started.sql("SELECT count(*) FROM logs") == [(3,)], "logs")
        yield started


@pytest.fixture(scope="module")
def data(server: Server) -> tuple[str, Path]:
    return "--data", server.data


def test_status_tells_how_all_is(server: Server, data: tuple[str, Path]) -> None:
    shown = ax("monitor", "status", *data, code=1)  # a provider is down
    assert re.match(r"server  (healthy|degraded|unhealthy), up ", shown)  # a loaded machine is neither of the first
    for said in ("why calls failed", "Timeout", "providers, last 5 minutes", "running workflows", "run-2"):
        assert said in shown
    assert "33.3 % failed" in shown
    found = read("monitor", "status", *data, code=1)
    assert (found["calls"]["calls"], found["calls"]["failures"], found["calls"]["unpriced"]) == (3, 1, 1)
    parts = found["server"]["components"]
    assert {parts[name]["state"] for name in ("receive", "write", "disk")} == {"healthy"}
    assert [row["run_id"] for row in found["running"]] == ["run-2"]
    states = {row["provider"]: row["state"] for row in found["providers"]}
    assert states == {"nobody": "down", "anthropic": "healthy", "openai": "healthy"}
    assert server.process.poll() is None


def test_costs_are_told_by_dimension(data: tuple[str, Path]) -> None:
    found = read("monitor", "costs", "--range", "1h", "--by", "provider,model", *data)
    by_provider = {row["provider"]: row["cost_usd_nanos"] for row in found["rows"]}
    assert by_provider["openai"] == 1000 * 400 + 100 * 1600  # $0.40 and $1.60 a million
    assert by_provider["anthropic"] == 2000 * 3000 + 100 * 15_000
    assert found["cost_nanos"] == by_provider["openai"] + by_provider["anthropic"]
    assert (found["calls"], found["unpriced"], found["precision"]) == (3, 1, "exact")
    shown = ax("monitor", "costs", "--range", "30d", *data)
    assert "$0.0081 in 30d for 3 calls, 1 without a price" in shown
    assert re.search(r"anthropic +\$0\.0075 +93\.1 %", shown)
    chart = ax("monitor", "costs", "--range", "1h", "--format", "chart", *data)
    assert "cost (US$)" in chart
    assert "\x1b" not in chart


def test_cost_explain_adds_up(data: tuple[str, Path]) -> None:
    found = read("cost", "explain", "0000000000000005", *data)
    assert found["cost_nanos"] == 7_500_000
    assert [(part["part"], part["tokens"], part["cost_nanos"]) for part in found["parts"]] == [
        ("input", 2000, 6_000_000),
        ("output", 100, 1_500_000),
        ("together", None, 7_500_000),
    ]
    assert found["price_version"].startswith("genai-prices ")
    shown = ax("cost", "explain", "0000000000000006", *data)
    assert "no price: unknown " in shown
    assert "no span begins with 'ff'" in ax("cost", "explain", "ff", *data, code=1)


@pytest.mark.parametrize("name", ["calls", "latency", "p95_latency", "error_rate", "cost", "tokens", "hourly_cost"])
def test_a_measure_is_shown_in_every_form(data: tuple[str, Path], name: str) -> None:
    found = read("monitor", "metrics", name, "--by", "provider", *data)
    assert {row["provider"] for row in found["rows"]} == {"openai", "anthropic", "nobody"}
    table = ax("monitor", "metrics", name, "--by", "provider", *data)
    assert "openai" in table
    rows = list(csv.DictReader(io.StringIO(ax("monitor", "metrics", name, "--format", "csv", "--every", "1m", *data))))
    assert sum(int(row["count"]) for row in rows) == 3
    assert rows[0]["time"].endswith("Z")


def test_measures_and_metrics_are_listed(data: tuple[str, Path]) -> None:
    shown = ax("monitor", "metrics", *data)
    assert "p95_latency" in shown
    assert "rate_limit_denial_rate" in shown
    assert "there is no measure nope" in ax("monitor", "metrics", "nope", *data, code=1)


def test_a_wrong_filter_is_pointed_at(data: tuple[str, Path]) -> None:
    said = ax("monitor", "metrics", "cost", "--filter", 'provider = "openai" and duraton > 2s', *data, code=1)
    assert said.splitlines() == [
        "ax: column 25: LLM calls have no field 'duraton'; did you mean duration?",
        '  provider = "openai" and duraton > 2s',
        "                          ^",
    ]


def test_traces_are_listed_and_drawn(data: tuple[str, Path]) -> None:
    (row,) = read("monitor", "traces", "--filter", "failed", *data)["rows"]
    assert (row["trace_id"], row["spans"], row["errors"], row["duration_ns"]) == (TRACE.hex(), 6, 1, 4 * S)
    shown = ax("monitor", "traces", TRACE.hex()[:8], *data).splitlines()
    assert shown[0] == f"trace {TRACE.hex()}"
    bars = {line.split("  ")[0].strip() or line.strip().split("  ")[0]: line for line in shown[3:]}
    whole, late = bars["invoke_workflow refund"], next(line for line in shown if "chat claude" in line)
    assert whole.index("█") < late.index("█")
    assert whole.count("█") > late.count("█") > 10
    tree = read("monitor", "traces", TRACE.hex(), *data)["spans"]
    assert [(one["depth"], one["name"]) for one in tree] == [
        (0, "invoke_workflow refund"),
        (1, "look up"),
        (2, "chat gpt"),
        (1, "answer"),
        (2, "chat claude"),
        (2, "chat nobody"),
    ]
    running_one = ax("monitor", "traces", bytes(range(1, 17)).hex(), *data)
    assert "running" in running_one
    assert "user.id: ada" in ax("monitor", "traces", TRACE.hex(), "--attributes", *data)


def test_workflows_are_told_with_their_steps(data: tuple[str, Path]) -> None:
    found = {row["workflow"]: row for row in read("monitor", "workflows", *data)["rows"]}
    assert (found["refund"]["runs"], found["refund"]["success_ratio"]) == (1, 1.0)
    assert found["slow"]["running"] == 1
    run = read("monitor", "workflows", "run-1", *data)
    assert (run["status"], [step["step_key"] for step in run["steps"]]) == ("completed", ["look-up", "answer"])
    shown = ax("monitor", "workflows", "run-1", *data)
    assert "2 of 2 steps completed" in shown
    assert "█" in shown
    runs = read("monitor", "workflows", "--runs", "--filter", "status = running", *data)["rows"]
    assert [row["run_id"] for row in runs] == ["run-2"]


def test_logs_are_searched_without_moving_the_cursor(data: tuple[str, Path]) -> None:
    told = ("--filter", 'not body ~ "live*" and not body ~ "many*"', *data)  # those come with another test
    shown = ax("monitor", "logs", *told).splitlines()
    assert [line.split("desk ")[1].split("  trace:")[0] for line in shown[:3]] == [
        "order looked up",
        "model was slow",
        r"it broke\x1b[2J",
    ]
    found = read("monitor", "logs", "order OR slow", "--level", "warn", *data)["rows"]
    assert [(row["level"], row["body"]) for row in found] == [("warn", "model was slow")]
    assert json.loads(ax("monitor", "logs", "--count", "--json", *told)) == {"error": 1, "warn": 1, "info": 1}


def test_logs_are_followed_each_once(server: Server, data: tuple[str, Path]) -> None:
    command = [*AX, "monitor", "logs", "service:desk", "--follow", "--json", *map(str, data)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=ENVIRON) as following:
        assert following.stdout is not None
        try:
            before = [json.loads(following.stdout.readline())["body"] for _ in range(3)]
            assert before[0] == "order looked up"
            for number in range(4):
                send(server, lines(SystemClock().wall(), (f"live {number}", 9)))
            live = [json.loads(following.stdout.readline())["body"] for _ in range(4)]
            assert live == [f"live {number}" for number in range(4)]
            for batch in range(3):  # more at once than one look reads
                send(server, lines(SystemClock().wall(), *((f"many {batch} {number}", 9) for number in range(700))))
            many = [json.loads(following.stdout.readline())["body"] for _ in range(2_100)]
            assert sorted(many) == sorted(f"many {batch} {number}" for batch in range(3) for number in range(700))
        finally:
            following.terminate()


def test_the_rest_has_answers(data: tuple[str, Path]) -> None:
    calls = read("monitor", "calls", *data)
    assert {row["provider"]: row["failed"] for row in calls["rows"]} == {"openai": 0, "anthropic": 0, "nobody": 1}
    assert [(row["reason"], row["count"]) for row in calls["failures"]] == [("Timeout", 1)]
    latency = {row["component"]: row["count"] for row in read("monitor", "latency", *data)["rows"]}
    assert latency["chat"] == 3
    said = ax("monitor", "conversation", "conv-1", *data)
    assert "→ user: Where is my order?" in said
    stats = read("monitor", "stats", *data)
    assert {row["table"]: row["rows"] for row in stats["tables"]}["spans"] == 6
    assert (stats["traces"]["traces"], stats["traces"]["spans_per_trace"]) == (1, 6.0)


def test_colours_are_for_terminals_that_want_them(data: tuple[str, Path]) -> None:
    assert "\x1b[" in on_terminal("monitor", "calls", *data, environ={"TERM": "xterm-256color"})
    plain = on_terminal("monitor", "calls", *data, environ={"TERM": "xterm-256color", "NO_COLOR": "1"})
    assert "Timeout" in plain
    assert "\x1b[3" not in plain


def test_watching_draws_anew_until_it_is_stopped(server: Server, data: tuple[str, Path]) -> None:
    shown = on_terminal("monitor", "status", "--watch", *data, environ={"TERM": "xterm-256color"}, draws=2)
    assert shown.count("server  ") >= 2
    assert server.process.poll() is None


def on_terminal(*arguments: object, environ: Mapping[str, str], draws: int = 1_000) -> str:
    """What a command writes to a terminal of 120 columns until it ends, or has drawn the server's line that often."""
    mine, its = pty.openpty()
    environ = ENVIRON | {"COLUMNS": "120", "LINES": "50"} | dict(environ)
    process = subprocess.Popen([*AX, *map(str, arguments)], stdout=its, stderr=its, stdin=its, env=environ)
    os.close(its)
    written = b""
    deadline = time.monotonic() + 30
    try:
        while time.monotonic() < deadline and (process.poll() is None or select.select([mine], [], [], 0)[0]):
            if written.count(b"server  ") >= draws:
                break
            if select.select([mine], [], [], 0.1)[0]:
                try:
                    written += os.read(mine, 65_536)
                except OSError:  # it has ended, and said all
                    break
    finally:
        process.terminate()
        process.wait(10)
        os.close(mine)
    return written.decode()


@pytest.mark.parametrize(
    "command",
    ["status", "metrics", "costs", "calls", "latency", "conversation", "workflows", "traces", "logs", "stats"],
)
def test_every_command_teaches_with_an_example(command: str) -> None:
    assert f"ax monitor {command}" in ax("monitor", command, "--help")


def test_without_data_the_mend_is_said(tmp_path: Path) -> None:
    said = ax("monitor", "status", "--data", tmp_path, code=1)
    assert said == f"ax: no ax.duckdb in {tmp_path}; start `ax serve`, or name its directory with --data\n"
