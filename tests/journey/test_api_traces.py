"""Traces, spans, logs, runs and conversations one by one over the API of a real server."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from exporter.api import shown
from tests.asking import MINUTE, MS, TIED, TRACE, S, Told, rfc, tell
from tests.running import running

HEX = TRACE.hex()


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    with running(tmp_path_factory.mktemp("traces") / "data") as server:
        yield tell(server)


@pytest.mark.parametrize("name", [HEX, HEX[:10], "0000000000000003", f" {HEX.upper()} "])
def test_a_trace_is_a_tree_with_own_time_critical_path_and_what_all_below_cost(told: Told, name: str) -> None:
    found = told.read(f"/api/traces/{name}")
    assert (found["trace_id"], found["root_name"], found["service_name"]) == (HEX, "run 1", "shop")
    assert (found["span_count"], found["errors"], found["duration_ns"]) == (4, 0, 4 * S)
    spans = found["spans"]
    assert [(one["depth"], one["name"]) for one in spans] == [(0, "run 1"), (1, "step 2"), (2, "chat 3"), (2, "chat 4")]
    assert [one["self_ns"] for one in spans] == [S, 0, S, 2 * S]
    assert sum(one["critical_ns"] for one in spans) == found["duration_ns"]
    assert [one["is_critical"] for one in spans] == [True] * 4
    assert [one["total_cost_nanos"] for one in spans] == [1_120_000, 1_120_000, 560_000, 560_000]
    assert [one["total_tokens"] for one in spans] == [2_200, 2_200, 1_100, 1_100]
    assert (found["total_cost_nanos"], found["total_tokens"], found["is_truncated"]) == (1_120_000, 2_200, False)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/traces/" + "f" * 32, 404),
        ("/api/traces/abcd", 404),
        ("/api/traces/0000", 400),  # several
        ("/api/traces/nothing", 404),
        (f"/api/spans/{HEX}/ffffffffffffffff", 404),
        (f"/api/spans/{'f' * 32}/0000000000000003", 404),
        ("/api/workflow-runs/none", 404),
        ("/api/workflow-runs/none/timeline", 404),
        ("/api/conversations/none", 404),
    ],
)
def test_what_is_not_there_is_told_with_the_mend(told: Told, path: str, status: int) -> None:
    assert told.refused(path)[0] == status


def test_a_span_is_given_with_everything_that_is_stored_of_it(told: Told) -> None:
    found = told.read(f"/api/spans/{HEX}/0000000000000003")
    assert (found["name"], found["duration_ns"], found["start_time_unix_nano"]) == ("chat 3", S, told.at)
    assert found["attributes"]["gen_ai.request.model"] == "gpt-4.1-mini"
    assert found["resource_attributes"] == {"service.name": "shop"}
    assert found["events"][0]["name"] == "=seen"
    assert found["events"][0]["attributes"] == {"n": "1"}
    assert (found["links"], found["cost_nanos"]) == ([], 560_000)


def test_a_span_that_has_not_ended_is_given_as_it_began(told: Told) -> None:
    pending = told.listed("/api/spans-pending", limit=1)[0]
    found = told.read(f"/api/spans/{pending['trace_id']}/{pending['span_id']}")
    assert (found["name"], found["attributes"]["ax.span.pending"]) == (pending["name"], "true")


def test_the_logs_of_a_trace_come_in_pages(told: Told) -> None:
    path = f"/api/traces/{HEX}/logs"
    whole = told.read(path, limit=500)["items"]
    assert len(whole) == 2 * TIED
    rows: list[Any] = []
    cursor: dict[str, Any] = {}
    while True:
        found = told.read(path, limit=4, **cursor)
        rows += found["items"]
        if found["next_cursor"] is None:
            break
        cursor = {"cursor": found["next_cursor"]}
    assert rows == whole
    assert told.refused(path, cursor="x")[:2] == (400, "cursor")
    assert told.read(f"/api/traces/{'f' * 32}/logs")["items"] == []


def test_traces_come_to_figures(told: Told) -> None:
    (found,) = told.listed("/api/traces/stats")
    assert (found["traces"], found["failed"]) == (1 + 7 * TIED, 3)
    assert found["p95_duration_ns"] == S
    assert told.refused("/api/traces/stats", range="soon")[:2] == (400, "range")


# ── Logs ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_logs_are_searched(told: Told) -> None:
    assert len(told.listed("/api/logs", search="alike level:error")) == TIED
    assert [row["body"] for row in told.listed("/api/logs", search='"line 4"')] == ["line 4"]
    assert told.refused("/api/logs", search='"open')[:2] == (400, "search")
    assert told.refused("/api/logs", search="grade:error", **told.during)[:2] == (400, "search")


def test_logs_are_counted_by_level_and_bucket(told: Told) -> None:
    found = told.listed("/api/logs/levels", step="1m")
    assert {(row["level"], row["count"]) for row in found} == {("info", TIED), ("error", TIED)}
    assert {row["bucket_ns"] % MINUTE for row in found} == {0}
    assert told.refused("/api/logs/levels", step="1s", range="7d")[:2] == (400, "step")
    assert told.refused("/api/logs/levels", search='"open')[:2] == (400, "search")


# ── Runs and conversations ────────────────────────────────────────────────────────────────────────────────────────


def test_a_run_has_its_steps_on_a_time_line(told: Told) -> None:
    run = told.listed("/api/workflow-runs", filter=f"trace = {HEX}")[0]
    found = told.read(f"/api/workflow-runs/{run['run_id']}")
    assert found["run"] == run
    bars = told.read(f"/api/workflow-runs/{run['run_id']}/timeline")["items"]
    assert {(bar["step_key"], bar["status"], bar["is_running"]) for bar in bars} <= {("load", "completed", False)}
    assert all(bar["duration_ns"] >= S for bar in bars)
    answer = told.get(f"/api/workflow-runs/{run['run_id']}/timeline", shown.CSV)
    assert answer.text.startswith("step_key,step_name,status")


def test_a_conversation_is_told_in_order_and_in_pages(told: Told) -> None:
    (about,) = told.listed("/api/conversations", filter="conversation = conv-1")
    path = "/api/conversations/conv-1"
    whole = told.read(path, limit=500)["items"]
    assert [row["start_ns"] for row in whole] == sorted(row["start_ns"] for row in whole)
    assert sum(row["operation"] == "chat" for row in whole) == about["llm_calls"]
    rows = told.read(path, limit=3)
    rest = told.read(path, limit=500, cursor=rows["next_cursor"])
    assert rows["items"] + rest["items"] == whole
    assert told.refused(path, cursor="W10")[:2] == (400, "cursor")
    assert told.refused(path, fields="bodi")[:2] == (400, "fields")


def test_a_trace_that_began_before_the_window_is_not_taken_for_a_later_one(told: Told) -> None:
    """Without its root it is known by its first span alone, which a narrower time does not hold."""
    cut = {"start": rfc(told.at + 500 * MS), "end": rfc(told.at + MINUTE)}
    (found,) = told.listed("/api/traces", filter=f"trace = {HEX}", **cut)
    assert (found["has_root"], found["start_ns"], found["spans"]) == (False, told.at + S, 1)


@pytest.mark.parametrize("text", ["\x00", "'; drop view spans; --", "\u202e%", "[(*", "{where}", "$limit", "a" * 90])
def test_hostile_text_is_text(told: Told, text: str) -> None:
    word = quote(text, safe="")
    for path in ("/api/traces/{}", "/api/spans/{0}/{0}", "/api/llm-calls/{}", "/api/conversations/{}"):
        assert told.get(path.format(word)).status_code == 404, path
    assert told.read(f"/api/traces/{word}/logs")["items"] == []
    value = json.dumps(text, ensure_ascii=False)
    for path, column in (("/api/spans", "name"), ("/api/conversations", "user"), ("/api/workflow-runs", "workflow")):
        assert told.listed(path, filter=f"{column} = {value}") == []
    assert told.listed("/api/logs", search=value) == []
