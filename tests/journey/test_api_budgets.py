"""Budgets over the API of a real server: made, spent, told, edited, deleted; those of files are read."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from exporter.clock import SystemClock
from tests.certified import token
from tests.factories import spans_request
from tests.running import Server, running, until

S = 10**9
FILE = """
budgets:
  - {name: filed, usd: 900, per: month}
  - {name: acme, usd: 5, scope: {tenant: acme}}
channels:
  - {name: log, type: console}
"""
OPENAI = {
    "name": "openai",
    "usd": "$0.000001",
    "per": "month",
    "alert_at": [50, 100],
    "scope": {"provider": ["openai"]},
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with a budget of a file, and calls of the last minute."""
    data = tmp_path_factory.mktemp("budgets") / "data"
    (data / "rules").mkdir(parents=True)
    (data / "rules" / "own.yaml").write_text(FILE)
    with running(data) as one:
        export = spans_request(200, 3, SystemClock().wall() - 60 * S)
        headers = {"Content-Type": "application/x-protobuf"}
        assert httpx.post(f"{one.http}/v1/traces", content=export.SerializeToString(), headers=headers).is_success
        until(lambda: one.sql("SELECT count(*) FROM spans") == [(200,)], "spans")
        yield one


def ask(server: Server, method: str, path: str, body: object = None) -> tuple[int, Any]:
    """Status and JSON of an answer."""
    answer = httpx.request(method, f"{server.ui}/api/{path}", json=body, timeout=60)
    return answer.status_code, answer.json() if answer.content else None


def told(server: Server, budget: str) -> list[int]:
    """The thresholds that were crossed, in order."""
    found = ask(server, "GET", f"budgets/events?budget={budget}")[1]["items"]
    return [one["threshold"] for one in reversed(found) if one["basis"] == "spent"]


def test_a_budget_is_made_told_edited_and_deleted(server: Server) -> None:
    status, made = ask(server, "POST", "budgets", {"budget": OPENAI, "by": "ada"})
    assert (status, made["origin"], made["limit_nanos"], made["scope"]) == (201, "api", 1_000, {"provider": ["openai"]})
    assert made["definition"] == {name: value for name, value in OPENAI.items() if name != "per"}, "but for defaults"
    assert ask(server, "POST", "budgets", {"budget": OPENAI})[0] == 409
    until(lambda: told(server, "openai") == [50, 100], "both thresholds are crossed", seconds=60)
    until(lambda: "budget openai" in server.log(), "told", seconds=60)
    nanos = server.sql("SELECT sum(round(cost_usd * 1e9))::BIGINT FROM llm_calls WHERE provider = 'openai'")[0][0]
    shown = ask(server, "GET", "budgets/openai")[1]
    assert (shown["spent_nanos"], shown["state"]) == (nanos, "exceeded")

    status, changed = ask(server, "PUT", "budgets/openai", {"budget": {**OPENAI, "usd": 500}})
    assert (status, changed["limit_usd"], changed["state"]) == (200, 500, "ok")
    until(lambda: server.sql("SELECT generation FROM budgets WHERE name = 'openai'") == [(2,)], "another generation")
    status, labelled = ask(server, "PUT", "budgets/openai", {"budget": {**OPENAI, "usd": 500, "description": "chat"}})
    assert (status, labelled["definition"]["description"]) == (200, "chat")
    assert ask(server, "PUT", "budgets/openai", {"budget": {**OPENAI, "name": "other"}})[0] == 409

    assert ask(server, "DELETE", "budgets/openai")[0] == 204
    status, problem = ask(server, "GET", "budgets/openai")
    assert (status, bool(problem["mend"])) == (404, True)
    assert told(server, "openai") == [50, 100], "what was told stays known"
    path = "alerts?rule=ax/budget/openai&state=firing"
    until(lambda: ask(server, "GET", path)[1]["items"] == [], "what it told ends", seconds=60)
    for method in ("PUT", "DELETE"):
        assert ask(server, method, "budgets/openai", {"budget": OPENAI} if method == "PUT" else None)[0] == 404


def test_a_budget_of_a_file_is_read_and_not_changed(server: Server) -> None:
    found = ask(server, "GET", "budgets/filed")[1]
    assert (found["origin"].endswith("own.yaml:3"), found["limit_usd"]) == (True, 900)
    filed = {"budget": {**OPENAI, "name": "filed"}}
    for method, path in (("POST", "budgets"), ("PUT", "budgets/filed"), ("DELETE", "budgets/filed")):
        status, problem = ask(server, method, path, None if method == "DELETE" else filed)
        assert (status, "own.yaml" in problem["title"], bool(problem["mend"])) == (409, True, True), (method, problem)


def test_a_tenant_sees_its_own_budgets_alone_and_changes_none(server: Server) -> None:
    everybodys = {**OPENAI, "name": "everybodys"}
    theirs = {**OPENAI, "name": "theirs", "scope": {"tenant": "default"}}
    for one in (everybodys, theirs):
        assert ask(server, "POST", "budgets", {"budget": one})[0] == 201
        until(lambda one=one: told(server, one["name"]) == [50, 100], "told", seconds=60)  # type: ignore[misc]
    headers = {"Authorization": f"Bearer {token(server.data, 'tenants', 'read', tenant='default')}"}
    with httpx.Client(base_url=f"{server.ui}/api", headers=headers, timeout=60) as tenant:
        until(lambda: tenant.get("/budgets").status_code == 200, "the token is known")
        assert [one["name"] for one in tenant.get("/budgets").json()["items"]] == ["theirs"]
        assert [one["name"] for one in tenant.get("/projections").json()] == ["theirs"]
        assert {one["budget"] for one in tenant.get("/budgets/events").json()["items"]} == {"theirs"}
        assert tenant.get("/budgets/events?budget=everybodys").json()["items"] == []
        assert [tenant.get(f"/budgets/{name}").status_code for name in ("theirs", "everybodys")] == [200, 404]
        assert tenant.post("/budgets", json={"budget": OPENAI}).status_code == 403
        assert tenant.delete("/budgets/theirs").status_code == 403
        assert tenant.get("/capacity").status_code == 403, "the disk is everybody's"


def test_a_tenant_without_data_is_told_of_none(server: Server) -> None:
    headers = {"Authorization": f"Bearer {token(server.data, 'acme', 'read', tenant='acme')}"}
    with httpx.Client(base_url=f"{server.ui}/api", headers=headers, timeout=60) as acme:
        until(lambda: acme.get("/budgets").status_code == 200, "the token is known")
        assert [one["name"] for one in acme.get("/budgets").json()["items"]] == ["acme"]
        assert acme.get("/stats").json()["tables"] == []
        assert acme.get("/status").json()["state"] is None, "the server is everybody's"
        assert acme.get("/costs").json()["items"] == []
        assert acme.get("/providers").json()["items"] == []


def test_a_budget_that_is_off_is_kept_and_does_not_hold(server: Server) -> None:
    off = {**OPENAI, "name": "resting", "enabled": False}
    status, made = ask(server, "POST", "budgets", {"budget": off})
    assert (status, made["enabled"]) == (201, False)
    assert ask(server, "GET", "budgets/resting")[0] == 404
    assert ask(server, "PUT", "budgets/resting", {"budget": {**off, "enabled": True}})[0] == 200
    assert ask(server, "GET", "budgets/resting")[1]["origin"] == "api"
    assert ask(server, "DELETE", "budgets/resting")[0] == 204


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"usd": 0}, "budget.usd"),
        ({"usd": "much"}, "budget.usd"),
        ({"per": "year"}, "budget.per"),
        ({"zone": "Mars/Base"}, "budget.zone"),
        ({"alert_at": [0]}, "budget.alert_at"),
        ({"anchor": 40}, "budget.anchor"),
        ({"per": "day", "anchor": 3}, "budget.anchor"),
        ({"per": "custom"}, "budget.per"),
        ({"scope": {"colour": "red"}}, "budget.scope.colour"),
        ({"name": "events"}, "budget.name"),
        ({"name": "a/b"}, "budget.name"),
        ({"colour": "red"}, "budget.colour"),
    ],
)
def test_a_wrong_budget_names_the_field(server: Server, wrong: dict[str, Any], field: str) -> None:
    status, problem = ask(server, "POST", "budgets", {"budget": {**OPENAI, "name": "wrong", **wrong}})
    assert (status, problem["field"]) == (400, field), problem


def test_what_is_not_a_budget_takes_nothing_that_budgets_take(server: Server) -> None:
    for method in ("PUT", "DELETE"):
        answer = httpx.request(method, f"{server.ui}/api/budgets/events", json={"budget": OPENAI}, timeout=60)
        assert (answer.status_code, answer.headers["allow"]) == (405, "GET")
    described = ask(server, "GET", "openapi.json")[1]["paths"]
    assert set(described["/api/budgets/{name}"]) == {"get", "put", "delete"}


def test_a_silence_that_there_is_not_is_not_found(server: Server) -> None:
    status, problem = ask(server, "DELETE", "silences/0123456789ab")
    assert (status, bool(problem["mend"])) == (404, True)
