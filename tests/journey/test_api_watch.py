"""The API of a real server: alerts, rules, budgets, health, notifications and SQL, as a program would use them."""

import json
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from exporter.clock import SystemClock
from exporter.config import Config
from exporter.store import Store
from tests.running import AX, ENVIRON, Server, running, until

RULES = """
groups:
  - name: quick
    interval: 1s
    rules:
      - {alert: Always, sql: "select 'a' as team, 7 as value", by: [team], operator: ">", threshold: 5, window: 1m}
      - {alert: Never, sql: "select 1 as value", operator: ">", threshold: 5, window: 1m}
channels:
  - {name: log, type: console}
"""
SLOW = {"alert": "Slow", "metric": "p95_latency", "operator": ">", "threshold": "2s", "window": "5m"}
ENDLESS = "select sum(a.range * b.range * c.range) from range(100000) a, range(100000) b, range(100000) c"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server with a rule that fires at once."""
    data = tmp_path_factory.mktemp("watch") / "data"
    (data / "rules").mkdir(parents=True)
    (data / "rules" / "own.yaml").write_text(RULES)
    with running(data, environ={"AX_ALERT_DELAY": "0s"}) as one:
        yield one


def ask(server: Server, method: str, path: str, body: object = None, **headers: str) -> tuple[int, Any]:
    """Status and JSON of an answer."""
    answer = httpx.request(method, f"{server.ui}{path}", json=body, headers=headers, timeout=30)
    return answer.status_code, answer.json() if answer.content else None


def read(server: Server, path: str) -> Any:
    status, body = ask(server, "GET", path)
    assert status == 200, body
    return body


def firing(server: Server) -> list[dict[str, Any]]:
    found = read(server, "/api/alerts?rule=quick/Always&state=firing&state=acknowledged")
    return list(found["items"])


# ── Alerts ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_alert_fires_is_acknowledged_silenced_and_resolved(server: Server) -> None:
    until(lambda: bool(firing(server)), "the alert fires", seconds=30)
    (alert,) = firing(server)
    assert (alert["state"], alert["value"], alert["threshold"], alert["severity"]) == ("firing", 7, 5, "warning")
    assert ["team", "a"] in alert["labels"]
    path = f"/api/alerts/{alert['id']}"

    status, after = ask(server, "POST", f"{path}/acknowledge", {"by": "ada", "note": "on it"})
    assert (status, after["state"], after["acknowledged_by"], after["note"]) == (200, "acknowledged", "ada", "on it")
    status, silence = ask(server, "POST", f"{path}/silence", {"by": "ada", "for": "2h"})
    assert (status, silence["matchers"]) == (200, [f"fingerprint={alert['fingerprint']}"])
    assert silence["ends_at"] - silence["starts_at"] == 2 * 3600 * 10**9
    assert silence in read(server, "/api/silences")
    assert ask(server, "DELETE", f"/api/silences/{silence['id']}")[0] == 200
    assert silence["id"] not in {one["id"] for one in read(server, "/api/silences")}

    status, after = ask(server, "POST", f"{path}/resolve", {"by": "ada"})
    assert (status, after["state"], after["resolved_by"]) == (200, "resolved", "ada")
    changes = read(server, f"/api/alerts/history?alert={alert['id']}")["items"]
    assert [one["transition"] for one in changes][:2] == ["resolved", "acknowledged"]
    assert read(server, path)["state"] == "resolved"
    assert read(server, "/api/alerts/stats")["fired"] >= 1
    status, problem = ask(server, "POST", f"{path}/resolve", {"by": "ada"})
    assert (status, "resolved already" in problem["title"]) == (404, True)
    until(lambda: bool(firing(server)), "what goes on begins another alert", seconds=30)


def test_pages_follow_each_other_and_a_made_up_cursor_is_refused(server: Server) -> None:
    whole = [one["id"] for one in read(server, "/api/rules?limit=500")["items"]]
    seen, cursor = [], ""
    while cursor is not None:
        found = read(server, f"/api/rules?limit=2{cursor and '&cursor=' + cursor}")
        assert len(found["items"]) <= 2
        seen += [one["id"] for one in found["items"]]
        cursor = found["next_cursor"]
    assert seen == whole
    assert "quick/Always" in whole
    for path in ("/api/alerts", "/api/rules", "/api/alerts/history", "/api/health/events", "/api/budgets"):
        for cursor in ("x", "bm9uZQ", "WzEsMiwzXQ", "%00", "W251bGxd"):
            status, problem = ask(server, "GET", f"{path}?cursor={cursor}")
            assert (status, problem["field"], bool(problem["mend"])) == (400, "cursor", True)


# ── Rules ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_rule_is_made_changed_tried_turned_off_and_deleted(server: Server) -> None:
    status, made = ask(server, "POST", "/api/rules", {"rule": SLOW, "by": "ada"})
    assert (status, made["id"], made["origin"], made["enabled"]) == (201, "api/Slow", "api", True)
    assert ask(server, "POST", "/api/rules", {"rule": SLOW})[0] == 409
    status, changed = ask(server, "PUT", "/api/rules/api/Slow", {"rule": {**SLOW, "severity": "critical"}})
    assert (status, changed["severity"]) == (200, "critical")
    status, problem = ask(server, "PUT", "/api/rules/api/Slow", {"rule": {**SLOW, "alert": "Other"}})
    assert (status, problem["field"]) == (409, "rule.alert")
    status, off = ask(server, "POST", "/api/rules/api/Slow/toggle", {"enabled": False, "by": "ada"})
    assert (status, off["enabled"]) == (200, False)
    assert read(server, "/api/rules/api/Slow")["enabled"] is False
    assert ask(server, "DELETE", "/api/rules/api/Slow")[0] == 204
    status, problem = ask(server, "GET", "/api/rules/api/Slow")
    assert (status, problem["title"], bool(problem["mend"])) == (404, "there is no rule api/Slow", True)


def test_a_rule_of_a_file_is_turned_off_but_not_changed(server: Server) -> None:
    found = read(server, "/api/rules/quick/Never")
    assert found["origin"].endswith("own.yaml:7")
    for method in ("PUT", "DELETE"):
        body = {"rule": SLOW} if method == "PUT" else None
        status, problem = ask(server, method, "/api/rules/quick/Never", body)
        assert (status, "own.yaml" in problem["title"]) == (409, True)
    assert ask(server, "POST", "/api/rules/quick/Never/toggle", {"enabled": False})[1]["enabled"] is False
    assert ask(server, "POST", "/api/rules/quick/Never/toggle", {"enabled": None})[1]["enabled"] is True


def test_a_wrong_rule_names_the_field_and_the_mend(server: Server) -> None:
    for wrong, field in (
        ({"threshold": "two"}, "threshold"),
        ({"window": "5 min"}, "window"),
        ({"colour": "red"}, "colour"),
        ({"severity": "bad"}, "severity"),
    ):
        status, problem = ask(server, "POST", "/api/rules", {"rule": {**SLOW, **wrong}})
        assert (status, problem["field"], bool(problem["mend"])) == (400, f"rule.{field}", True), problem


def test_a_rule_is_tried_now_and_on_what_is_stored(server: Server) -> None:
    status, found = ask(server, "POST", "/api/rules/test", {"id": "quick/Always"})
    assert (status, found["samples"]) == (200, [{"labels": {"team": "a"}, "value": 7.0, "records": None}])
    assert [one["transition"] for one in found["changes"]] == ["firing"]
    status, found = ask(server, "POST", "/api/rules/backtest", {"rule": SLOW, "range": "1h"})
    assert (status, found["fired_count"]) == (200, 0)
    assert found["slots"] > 0
    assert ask(server, "POST", "/api/rules/test", {})[0] == 409


# ── Budgets, notifications, health ────────────────────────────────────────────────────────────────────────────────


def test_budgets_are_shown_as_the_gate_asks_for_them(server: Server) -> None:
    (budget,) = read(server, "/api/budgets")["items"]
    assert (budget["name"], budget["limit_usd"], budget["state"], budget["per"]) == ("default", 500, "ok", "month")
    shown = read(server, "/api/budgets/default")
    assert (shown["spent_nanos"], shown["limit_nanos"]) == (0, 500 * 10**9)
    assert read(server, "/api/budgets/events") == {"items": [], "next_cursor": None}
    assert [one["name"] for one in read(server, "/api/projections")] == ["default"]
    assert ask(server, "GET", "/api/budgets/none")[0] == 404
    assert read(server, "/api/anomalies?metric=error_rate") == []
    assert ask(server, "GET", "/api/anomalies?metric=error_rate&filter=nope(")[0] == 400


def test_channels_are_shown_and_tried(server: Server) -> None:
    (channel,) = read(server, "/api/notifications/channels")
    assert (channel["name"], channel["type"], channel["failing"]) == ("log", "console", False)
    status, tries = ask(server, "POST", "/api/notifications/channels/log/test")
    assert (status, [(one["said"], one["taken"]) for one in tries]) == (200, [("firing", True), ("resolved", True)])
    until(lambda: "test" in server.log().lower(), "the parent has written the child's line")
    assert read(server, "/api/notifications/dead") == []
    assert ask(server, "POST", "/api/notifications/dead/retry")[1] == {"again": 0, "over": 0}
    assert ask(server, "POST", "/api/notifications/channels/none/test")[0] == 404


def test_health_shows_the_server_and_the_loop(server: Server) -> None:
    until(lambda: read(server, "/api/health")["checked_at"] is not None, "health was looked at", seconds=60)
    health = read(server, "/api/health")
    own = {"receive", "queue", "journal", "write", "disk", "memory", "database", "rules", "notifier"}
    assert own <= set(health["components"])
    assert health["components"]["rules"]["state"] == "healthy", health["components"]["rules"]
    assert health["uptime_s"] >= 0
    healthy = read(server, "/api/health/components?state=healthy")
    assert healthy
    assert {one["state"] for one in healthy.values()} == {"healthy"}
    assert "items" in read(server, "/api/health/events?component=disk&limit=5")


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_status_in_the_terminal_ends_with_the_state_where_it_is_asked_to(
    server: Server, options: tuple[str, ...]
) -> None:
    command = [*AX, "monitor", "status", "--data", str(server.data), "--exit-code", *options]
    done = subprocess.run(command, capture_output=True, text=True, env=ENVIRON, timeout=60, check=False)
    state = read(server, "/api/health")["state"]
    assert (done.returncode, done.stderr) == ({"healthy": 0, "degraded": 1, "unhealthy": 2}[state], "")
    assert state in done.stdout


def test_status_without_a_server_is_not_healthy(tmp_path: Path) -> None:
    Store.open(tmp_path, Config(data=tmp_path).store, SystemClock()).close()
    command = [*AX, "monitor", "status", "--data", str(tmp_path), "--exit-code"]
    assert subprocess.run(command, capture_output=True, env=ENVIRON, timeout=60, check=False).returncode == 2


# ── SQL ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_sql_is_answered_within_limits(server: Server) -> None:
    status, found = ask(server, "POST", "/api/sql", {"query": "select range as n, 'x' as t from range(3)", "limit": 2})
    assert (status, found["rows"], found["row_count"], found["truncated"]) == (200, [[0, "x"], [1, "x"]], 2, True)
    assert found["columns"] == [{"name": "n", "type": "BIGINT"}, {"name": "t", "type": "VARCHAR"}]
    assert found["elapsed_ms"] > 0
    status, found = ask(server, "POST", "/api/sql", {"query": "select count(*) from alerts"})
    assert (status, len(found["rows"])) == (200, 1)


@pytest.mark.parametrize(
    ("query", "status", "reason"),
    [
        ("select * from read_text('/etc/passwd')", 400, "statement"),
        ("drop view spans", 400, "statement"),
        ("select nope from spans", 400, "failed"),
        ("select generate_series(1, 2000000000)", 422, "memory"),
    ],
)
def test_sql_that_may_not_run_is_a_problem_with_a_reason(server: Server, query: str, status: int, reason: str) -> None:
    answer = httpx.post(f"{server.ui}/api/sql", json={"query": query}, timeout=30)
    assert (answer.status_code, answer.json()["reason"]) == (status, reason)
    assert answer.headers["content-type"] == "application/problem+json"
    assert str(server.data) not in answer.text


def test_who_goes_away_frees_the_place_of_the_statement(server: Server) -> None:
    """Seven go away; if their statements still ran for 10 s, the next would be refused or wait for them."""
    host, _, port = server.ui.removeprefix("http://").rpartition(":")
    body = json.dumps({"query": ENDLESS}).encode()
    request = (
        b"POST /api/sql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    )
    sockets = [socket.create_connection((host, int(port))) for _ in range(7)]
    for one in sockets:
        one.sendall(request % len(body) + body)
    time.sleep(1)
    for one in sockets:
        one.close()
    started = time.monotonic()
    until(lambda: ask(server, "POST", "/api/sql", {"query": "select 1"})[0] == 200, "a place is free", seconds=8)
    assert time.monotonic() - started < 9


def test_statements_beyond_two_that_run_and_five_that_wait_are_told_to_come_back(server: Server) -> None:
    statuses: list[int] = []

    def endless() -> None:
        try:
            httpx.post(f"{server.ui}/api/sql", json={"query": ENDLESS}, timeout=4)
        except httpx.ReadTimeout:
            statuses.append(0)

    threads = [threading.Thread(target=endless) for _ in range(7)]
    for thread in threads:
        thread.start()
    time.sleep(1.5)
    answer = httpx.post(f"{server.ui}/api/sql", json={"query": "select 1"}, timeout=20)
    assert (answer.status_code, answer.headers["retry-after"], answer.json()["retryable"]) == (429, "1", True)
    for thread in threads:
        thread.join()
    assert statuses == [0] * 7
    until(lambda: ask(server, "POST", "/api/sql", {"query": "select 1"})[0] == 200, "places are free again", seconds=8)


# ── Who may ask ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Origin": "{ui}"}, 200),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "http://localhost:1"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "{ui}.evil.example"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "{ui}"}, 200),
        ({"Content-Type": "text/plain"}, 415),
        ({"Content-Type": "application/x-www-form-urlencoded"}, 415),
        ({"Content-Type": "application/json; charset=utf-8"}, 200),
    ],
)
def test_a_change_is_not_asked_for_by_another_site(server: Server, headers: dict[str, str], status: int) -> None:
    sent = {"Content-Type": "application/json"} | {
        name: one.replace("{ui}", server.ui) for name, one in headers.items()
    }
    answer = httpx.post(f"{server.ui}/api/sql", content=b'{"query": "select 1"}', headers=sent, timeout=30)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    if status != 200:
        assert answer.json()["mend"]


def test_a_body_that_is_too_large_or_does_not_tell_its_length_is_refused(server: Server) -> None:
    large = httpx.post(f"{server.ui}/api/sql", json={"query": "x" * 2**20}, timeout=30)
    assert large.status_code == 413
    chunked = httpx.post(f"{server.ui}/api/sql", content=iter([b"{}"]), headers={"Content-Type": "application/json"})
    assert chunked.status_code == 411


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"query": 1}', b'{"query": "select 1", "more": 1}', b"\xff"])
def test_a_body_that_is_none_names_what_is_wrong(server: Server, body: bytes) -> None:
    answer = httpx.post(f"{server.ui}/api/sql", content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")
    assert answer.json()["title"]


def test_an_unknown_path_and_method_are_problems_too(server: Server) -> None:
    assert ask(server, "GET", "/api/nothing")[1]["status"] == 404
    assert ask(server, "DELETE", "/api/alerts")[1]["status"] == 405


def test_the_stored_file_of_a_server_is_not_told(server: Server, tmp_path: Path) -> None:
    assert str(server.data) not in json.dumps(read(server, "/api/health"))
    assert not list(tmp_path.iterdir())
