"""The lists of the API on a real server: pages, forms, columns, filters, times; and each refusal with its mend."""

import csv
import io
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pyarrow as pa
import pytest

from exporter.api import shown
from exporter.api.examples import ROWS
from exporter.query.listed import LISTS
from tests.asking import KINDS, MINUTE, TIED, Told, rfc, tell
from tests.running import running

PATHS = {
    **{f"/api/{name}": of.columns[0] for name, of in LISTS.items()},
    "/api/traces": "trace_id",
    "/api/logs": "time_ns",
    "/api/workflow-runs": "run_id",
    "/api/conversations": "conversation_id",
}
"""Every list, and a column of it."""
COUNTS = {
    "/api/spans": 4 + TIED * (len(KINDS) - 1),
    "/api/spans-pending": TIED,
    "/api/llm-calls": 2 + TIED,
    "/api/agent-runs": TIED,
    "/api/tool-calls": TIED,
    "/api/workflow-steps": 1 + TIED,
    "/api/voice-turns": TIED,
    "/api/evaluations": TIED,
    "/api/metric-points": TIED + 1,
    "/api/traces": 1 + TIED * (len(KINDS) - 1),
    "/api/logs": 2 * TIED,
    "/api/conversations": 3,
}
FILTERS = {
    "/api/spans": ('failed and service = "shop"', 3),
    "/api/spans-pending": ("operation = chat", TIED),
    "/api/llm-calls": ('model ~ "gpt-4*" and tokens_input = 1000 and cost < $0.01', 2 + TIED),
    "/api/agent-runs": ("agent = support and not failed", TIED),
    "/api/tool-calls": ("tool = search and error = Timeout", 3),
    "/api/workflow-steps": ("step = load and run = run-1", 1 + TIED),
    "/api/voice-turns": ("silence > 500ms and call = call-1", TIED),
    "/api/evaluations": ("name = relevance and score >= 0.5", TIED),
    "/api/metric-points": ("metric = load and kind = gauge and value > 1", 2),
    "/api/traces": ("spans = 4", 1),
    "/api/logs": ("severity >= 17", TIED),
    "/api/workflow-runs": ("workflow = refund and status = completed", 1 + TIED),
    "/api/conversations": ("conversation = conv-1 and calls > 0", 1),
}


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    with running(tmp_path_factory.mktemp("records") / "data") as server:
        yield tell(server)


def leafed(told: Told, path: str, limit: int, **parameters: object) -> list[dict[str, Any]]:
    """All rows, page by page."""
    rows: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        found = told.read(path, **(told.during | parameters | cursor), limit=limit)
        assert len(found["items"]) <= limit
        rows += found["items"]
        if found["next_cursor"] is None:
            return rows
        assert len(found["items"]) == limit
        cursor = {"cursor": found["next_cursor"]}


@pytest.mark.parametrize("path", PATHS)
def test_pages_neither_skip_nor_repeat_what_shares_a_time(told: Told, path: str) -> None:
    whole = told.listed(path, limit=500)
    assert len(whole) == COUNTS.get(path, len(whole))
    assert len(whole) >= 3
    for limit in (1, 3, 5):
        if len(whole) // limit > 20:  # a page is a question
            continue
        assert leafed(told, path, limit) == whole


@pytest.mark.parametrize("path", PATHS)
def test_csv_and_arrow_have_the_rows_of_json(told: Told, path: str) -> None:
    items = told.listed(path)
    answer = told.get(path, shown.ARROW, **told.during)
    table = pa.ipc.open_stream(answer.content).read_all()
    assert table.column_names == list(items[0])
    assert [_plain(row) for row in table.to_pylist()] == [_plain(row) for row in items]
    answer = told.get(path, shown.CSV, **told.during)
    rows = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    assert [[_cell(value) for value in item.values()] for item in items] == [list(row.values()) for row in rows]


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    """A row as both have it: times without their form, maps as dicts, money as a number."""
    return {name: _value(value) for name, value in row.items()}


def _value(value: Any) -> Any:
    if hasattr(value, "isoformat"):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, list) and value and isinstance(value[0], tuple):
        return dict(value)
    return float(value) if type(value).__name__ == "Decimal" else value or None


def _cell(value: Any) -> str:
    """What the API's CSV has for a value of its JSON."""
    if value is None:
        return ""
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    text = str(value)
    return f"'{text}" if isinstance(value, str) and text[:1] in tuple("=+-@\t\r") else text


@pytest.mark.parametrize("path", PATHS)
def test_columns_are_chosen_and_an_unknown_one_names_the_near_one(told: Told, path: str) -> None:
    column = PATHS[path]
    assert {tuple(row) for row in told.listed(path, fields=column)} == {(column,)}
    status, field, mend = told.refused(path, fields=f"{column}x", **told.during)
    assert (status, field, mend) == (400, "fields", f"did you mean {column}?")


@pytest.mark.parametrize("path", FILTERS)
def test_the_filter_language_narrows_each_list(told: Told, path: str) -> None:
    text, count = FILTERS[path]
    assert len(told.listed(path, filter=text, limit=500)) == count
    status, field, mend = told.refused(path, filter="servis = shop", **told.during)
    assert (status, field) == (400, "filter")
    assert "service" in mend
    assert told.refused(path, filter="(", **told.during)[:2] == (400, "filter")


@pytest.mark.parametrize("path", PATHS)
def test_a_time_bounds_each_list(told: Told, path: str) -> None:
    assert told.listed(path, start=rfc(told.at - 10 * MINUTE), end=rfc(told.at - MINUTE)) == []
    found = told.read(path, range="1h", limit=500, filter="service = shop")
    assert len(found["items"]) == COUNTS.get(path, len(found["items"])) > 0
    assert found["end_ns"] - found["start_ns"] == 60 * MINUTE + 1_000
    assert told.refused(path, range="1h", start=rfc(told.at))[:2] == (400, "range")
    assert told.refused(path, start="yesterday")[:2] == (400, "start")


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("cursor", ["x", "bm9uZQ", "WzEsMiwzXQ", "WzEsLTFd", "WzEsOTk5OTk5OTk5OTk5XQ", "\x00"])
def test_a_made_up_cursor_is_refused(told: Told, path: str, cursor: str) -> None:
    assert told.refused(path, cursor=cursor, **told.during)[:2] == (400, "cursor")


@pytest.mark.parametrize("path", PATHS)
def test_a_list_is_bounded_and_taken_in_no_other_form(told: Told, path: str) -> None:
    assert told.refused(path, limit=501)[0] == 400
    assert told.refused(path, limit=0)[0] == 400
    answer = told.get(path, "text/html", **told.during)
    assert (answer.status_code, answer.json()["status"]) == (406, 406)


def test_what_has_not_changed_is_not_sent_again(told: Told) -> None:
    """Whether something else is published meanwhile is the server's affair; one of a few tries finds it unchanged."""
    url, statuses = f"{told.server.ui}/api/spans", set()
    for _ in range(20):
        tag = httpx.get(url, params=told.during, timeout=60).headers["etag"]
        again = httpx.get(url, params=told.during, headers={"If-None-Match": tag}, timeout=60)
        statuses.add(again.status_code)
        if again.status_code == 304:
            assert (again.content, again.headers["etag"]) == (b"", tag)
            break
    assert 304 in statuses
    other = httpx.get(url, params={**told.during, "limit": "2"}, headers={"If-None-Match": tag}, timeout=60)
    assert other.status_code == 200
    assert "etag" not in told.get("/api/spans", range="1h").headers


def test_the_columns_that_are_described_are_those_of_the_views(told: Told) -> None:
    for name, of in LISTS.items():
        found = told.read(f"/api/{name}", **told.during, fields=",".join(of.known), limit=1)
        assert list(found["items"][0]) == list(of.known), name
        assert set(ROWS[name]) <= set(of.known), name


def test_times_are_rfc_3339_money_is_a_number_and_attributes_are_an_object(told: Told) -> None:
    row = told.listed("/api/llm-calls", fields="start_time,cost_usd,cost_nanos,attributes", filter="span ~ *04")[0]
    assert row["start_time"] == rfc(told.at + 10**9).replace(".000000000", "")
    assert (row["cost_usd"], row["cost_nanos"]) == (0.00056, 560_000)  # $0.40 and $1.60 a million
    assert row["attributes"]["gen_ai.request.model"] == "gpt-4.1-mini"


# ── One call ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("of_trace", [False, True])
def test_one_call_has_its_messages_and_its_bill(told: Told, of_trace: bool) -> None:  # noqa: FBT001 (a parameter of the test)
    trace = {"trace": bytes(range(1, 17)).hex()} if of_trace else {}
    call = told.read("/api/llm-calls/0000000000000003", **trace)
    assert json.loads(call["input_messages"])[0]["parts"][0]["content"] == "=Where?"
    assert (call["model"], call["cost_nanos"]) == ("gpt-4.1-mini", 560_000)
    bill = told.read("/api/llm-calls/0000000000000003/cost", **trace)
    assert (bill["cost_nanos"], bill["cost_input_nanos"], bill["cost_output_nanos"]) == (560_000, 400_000, 160_000)


@pytest.mark.parametrize("path", ["/api/llm-calls/{}", "/api/llm-calls/{}/cost"])
def test_a_call_that_is_not_there_is_not_found(told: Told, path: str) -> None:
    assert told.refused(path.format("ffffffffffffffff"))[0] == 404
    assert told.refused(path.format("0000000000000003"), trace="0" * 32)[0] == 404
    assert told.refused(path.format("00"))[0] == 400  # several
    assert told.get(path.format("0000000000000003"), "text/csv").status_code == 406


def test_openapi_has_an_example_of_every_list_in_every_form(told: Told) -> None:
    described = told.read("/api/openapi.json")["paths"]
    for path in PATHS:
        about = described[path]["get"]
        content = about["responses"]["200"]["content"]
        assert set(content) == set(shown.FORMS)
        assert content[shown.JSON]["example"]["items"][0], path
        assert {"400", "406"} <= set(about["responses"])
        assert {"limit", "cursor", "filter", "fields", "range", "start", "end"} == {
            one["name"] for one in about["parameters"] if one["name"] != "search"
        }
        assert about["description"]
