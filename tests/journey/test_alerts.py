"""An alert's life in a whole server, as somebody at a terminal sees it; and what is left without a server."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from exporter.clock import SystemClock
from tests.factories import spans_request
from tests.running import ENVIRON, Server, ax, running, sql, until

RULES = """
groups:
  - name: now
    interval: 1s
    delay: 0s
    rules:
      - alert: Seen
        metric: calls
        of: spans
        by: [service]
        operator: ">="
        threshold: 1
        window: 1h
        severity: critical
        annotations: {summary: "{{ labels.service }} has {{ value }}"}
      - {alert: Wrong, sql: "SELECT nothing AS value", threshold: 1}
"""
S = 10**9
WIDE = ENVIRON | {"COLUMNS": "200"}


def alerts(data: Path, *arguments: str, code: int = 0) -> str:
    """What `ax monitor alerts` prints."""
    return ax("monitor", "alerts", *arguments, "--data", data, code=code, environ=WIDE)


def rows(data: Path, *arguments: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(alerts(data, *arguments, "--json"))["rows"]
    return found


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    data = tmp_path_factory.mktemp("alerts") / "data"
    (data / "rules").mkdir(parents=True)
    (data / "rules" / "now.yaml").write_text(RULES)
    with running(data, environ={"AX_ALERT_DEFAULTS": "false"}) as server:
        yield server


def breach(server: Server, service: str) -> str:
    """The id of the alert that a span of `service` makes, once the views have it."""
    export = spans_request(1, seed=len(service), start=SystemClock().wall() - S, service=service)
    headers = {"content-type": "application/x-protobuf"}
    httpx.post(f"{server.http}/v1/traces", content=export.SerializeToString(), headers=headers).raise_for_status()
    query = f"SELECT id FROM alerts WHERE labels['service'] = '{service}'"
    until(lambda: len(server.sql(query)) == 1, "it fires")
    return str(server.sql(query)[0][0])


def state(server: Server, alert: str) -> list[tuple[Any, ...]]:
    return server.sql(f"SELECT state, acknowledged_by, resolved_by FROM alerts WHERE id = '{alert}'")


def test_an_alert_is_seen_looked_after_and_ended(server: Server) -> None:
    alert = breach(server, "shop")
    seen = {one["id"]: one for one in rows(server.data, "list", "--state", "firing", "--rule", "Seen")}[alert]
    assert (seen["value"], seen["labels"]) == (1.0, {"service": "shop"})
    assert seen["summary"] == "shop has 1"
    assert "shop has 1" in alerts(server.data)

    assert "acknowledged by ada" in alerts(server.data, "ack", alert[:6], "--user", "ada", "--note", "on it")
    until(lambda: state(server, alert) == [("acknowledged", "ada", None)], "in the views", seconds=10)
    until(lambda: "ACKNOWLEDGED critical: Seen" in server.log(), "told", seconds=10)

    assert "resolved by bob" in alerts(server.data, "resolve", alert, "--user", "bob")
    until(lambda: state(server, alert) == [("resolved", "ada", "bob")], "in the views", seconds=10)
    lines = [(line["from_state"], line["to_state"], line["by"]) for line in rows(server.data, "history", alert)]
    assert lines == [
        ("acknowledged", "resolved", "bob"),
        ("firing", "acknowledged", "ada"),
        ("inactive", "firing", None),
    ]
    assert "resolved already" in alerts(server.data, "ack", alert, code=1)


@pytest.mark.slow  # what is silenced is looked at again each 60 s
def test_what_is_silenced_is_not_told_and_its_state_goes_on(server: Server) -> None:
    made = alerts(server.data, "silence", "--match", "service=quiet*", "--for", "1h", "--user", "ada")
    breach(server, "quiet-one")
    breach(server, "loud")
    until(lambda: "loud has 1" in server.log(), "the other is told")
    assert "quiet-one" not in server.log()
    assert [one["matchers"] for one in rows(server.data, "silences")] == [["service=quiet*"]]
    alerts(server.data, "unsilence", made.split(":")[0])
    assert rows(server.data, "silences") == []
    until(lambda: "quiet-one has 1" in server.log(), "told after all", seconds=90)


def test_rules_say_how_they_do(server: Server) -> None:
    until(lambda: len(rows(server.data, "list", "--rule", "AxRuleError")) == 1, "three failures are told")
    found = {one["id"]: one for one in rows(server.data, "rules")}
    assert set(found) == {"now/Seen", "now/Wrong"}
    assert found["now/Seen"]["health"] == "ok"
    assert found["now/Wrong"]["health"] == "error"
    assert "nothing" in found["now/Wrong"]["error"]
    counted = json.loads(alerts(server.data, "stats", "--json"))
    assert counted["fired"] >= 1
    assert {one["severity"] for one in counted["counts"]} <= {"critical", "warning"}


@pytest.mark.parametrize(
    ("arguments", "mend"),
    [
        (("list", "--state", "burning"), "pending, firing, acknowledged, resolved"),
        (("ack", "no such id"), "ax monitor alerts list"),
        (("silence",), "--match"),
        (("silence", "--match", "nonsense"), "team=chat"),
        (("silence", "--match", "a=b", "--for", "soon"), "30s, 5m"),
        (("unsilence", "ffff"), "silences"),
    ],
)
def test_what_is_wrong_is_said_with_its_mend(server: Server, arguments: tuple[str, ...], mend: str) -> None:
    assert mend in alerts(server.data, *arguments, code=1)


def test_without_a_server_views_stay_and_follow_commands(tmp_path: Path) -> None:
    data = tmp_path / "data"
    assert "start `ax serve`" in alerts(data, "list", code=1)
    (data / "rules").mkdir(parents=True)
    (data / "rules" / "now.yaml").write_text(RULES)
    with running(data, environ={"AX_ALERT_DEFAULTS": "false"}) as server:
        alert = breach(server, "shop")
    assert sql(data, "SELECT state FROM alerts WHERE rule = 'Seen'") == [("firing",)]
    alerts(data, "ack", alert, "--user", "ada")
    assert sql(data, "SELECT state, acknowledged_by FROM alerts WHERE rule = 'Seen'") == [("acknowledged", "ada")]
    with running(data, environ={"AX_ALERT_DEFAULTS": "false"}) as server:
        assert state(server, alert) == [("acknowledged", "ada", None)]
        until(lambda: "ACKNOWLEDGED critical: Seen" in server.log(), "told by the next server", seconds=20)
        assert server.log().count("FIRING critical: Seen") == 1, "and nobody is paged again"
