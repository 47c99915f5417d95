"""A server with the telemetry of `ax demo` in it, and one of all that can be made over the API.

In: a data directory. Out: the server, and ids of what is in it.
"""

import fcntl
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, Final

import httpx
import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from tests.otlp import key_values
from tests.running import AX, ENVIRON, Server, running, until

_OWN: Final = """
groups:
  - name: quick
    interval: 1s
    rules:
      - {alert: Always, sql: "select 'a' as team, 7 as value", by: [team], operator: ">", threshold: 5, window: 1m}
channels:
  - {name: log, type: console}
"""
SETTINGS: Final = {"AX_ALERT_DELAY": "0s", "AX_RATE_REQUESTS": "100000", "AX_RATE_BURST": "100000"}
RULE: Final = {"alert": "Kept", "metric": "p95_latency", "operator": ">", "threshold": "2s", "window": "5m"}
BUDGET: Final = {"name": "kept", "usd": 5, "per": "day"}
_MADE: Final[Mapping[str, dict[str, Any]]] = {
    "/api/rules": {"rule": RULE, "by": "ada"},
    "/api/silences": {"by": "ada", "for": "2h", "matchers": ["alert=Kept"]},
    "/api/budgets": {"budget": BUDGET, "by": "ada"},
}
_KNOWN: Final[Mapping[str, tuple[str, str]]] = {
    "trace": ("/api/spans?range=1d&limit=1", "trace_id"),
    "span": ("/api/spans?range=1d&limit=1", "span_id"),
    "call": ("/api/llm-calls?range=1d&limit=3", "span_id"),
    "run": ("/api/workflow-runs?range=1d&limit=3", "run_id"),
    "conversation": ("/api/conversations?range=1d&limit=3", "conversation_id"),
    "metric": ("/api/metrics?range=1d&limit=20", "name"),
    "alert": ("/api/alerts?state=firing&rule=quick/Always", "id"),
}


def demonstration(factory: pytest.TempPathFactory) -> Path:
    """A data directory of a server that has stopped, with all of it; made once for all workers, who copy it."""
    base = factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    name = shared / "demonstrated"
    with (shared / "demonstrated.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not name.exists():
            data = Path(mkdtemp(dir=shared)) / "data"
            subprocess.run([*AX, "demo", "--once", "--data", str(data)], env=ENVIRON, capture_output=True, check=True)
            (data / "rules" / "own.yaml").write_text(_OWN)
            with _made(data) as server:
                _judge(server)
            name.symlink_to(data)
    return name.resolve()


@contextmanager
def demonstrated(data: Path, factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server on a copy of it; it is well afterwards, and no error of ours is in its log."""
    shutil.copytree(demonstration(factory), data)
    with _made(data) as server:
        yield server


@contextmanager
def _made(data: Path) -> Iterator[Server]:
    with running(data, environ=SETTINGS) as server:
        make(server)
        until(lambda: bool(_ids(server, "alert")), "the alert fires")
        yield server
        assert httpx.get(f"{server.ui}/healthz", timeout=30).text == "ok"
        assert [line for line in server.log().splitlines() if "Traceback" in line] == []


def make(server: Server) -> None:
    """A rule, a silence and a budget, where they are not there."""
    for path, body in _MADE.items():
        answer = httpx.post(f"{server.ui}{path}", json=body, timeout=30)
        assert answer.status_code in {201, 409}, answer.text


def known(server: Server) -> dict[str, list[str]]:
    """Ids of what is stored, by kind."""
    found = {kind: _ids(server, kind) for kind in _KNOWN}
    assert [kind for kind, ids in found.items() if not ids] == []
    made = {"budget": [BUDGET["name"]], "group": ["api"], "rule": [RULE["alert"]], "channel": ["log"]}
    silences = httpx.get(f"{server.ui}/api/silences", timeout=30).json()
    return {**found, **made, "silence": [one["id"] for one in silences]}


def _ids(server: Server, kind: str) -> list[str]:
    path, name = _KNOWN[kind]
    items = httpx.get(f"{server.ui}{path}", timeout=60).raise_for_status().json()["items"]
    return sorted({str(item[name]) for item in items})


def _judge(server: Server) -> None:
    """Some calls are judged, as an evaluator would tell it."""
    calls = server.sql(
        "SELECT trace_id, span_id, epoch_ns(start_time) + duration_ns FROM llm_calls ORDER BY ALL LIMIT 40"
    )
    export = ExportLogsServiceRequest()
    records = export.resource_logs.add().scope_logs.add().log_records
    for at, (trace, span, end) in enumerate(calls):
        for name, score in (("relevance", 0.95 - at % 7 / 10), ("tone", 1.0 if at % 5 else 0.0)):
            said = "pass" if score > 0.5 else "fail"
            record = records.add(time_unix_nano=end, event_name="gen_ai.evaluation.result")
            record.trace_id, record.span_id = bytes.fromhex(trace), bytes.fromhex(span)
            judged = {"name": name, "score.value": score, "score.label": said, "explanation": f"{name} of the answer"}
            record.attributes.extend(key_values({f"gen_ai.evaluation.{key}": value for key, value in judged.items()}))
    headers = {"Content-Type": "application/x-protobuf"}
    httpx.post(f"{server.http}/v1/logs", content=export.SerializeToString(), headers=headers, timeout=30)
    wanted = 2 * len(calls)
    until(lambda: server.sql("SELECT count(*) FROM evaluations") == [(wanted,)], "evaluations")
