"""What routes are asked with, and what they answer in: times, steps, names, forms; each refusal names its parameter."""

import csv
import io
import json
from collections.abc import Iterator, Mapping, MutableMapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest
from fastapi import FastAPI, Request, Response
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Receive, Send

from exporter.api import shown
from exporter.api.asked import MOST_POINTS, By, Fields, Step, Time, Where, instant_ns
from exporter.api.described import Some, rows
from exporter.api.problems import refuse
from exporter.auth import ANYBODY
from exporter.clock import SystemClock
from exporter.config import Config
from exporter.errors import AxError
from exporter.query.answer import SKETCH, Answer
from exporter.query.period import HOUR, Period
from exporter.units import NS_PER_S, NS_PER_US


@dataclass(frozen=True, slots=True)
class Part:
    """A row within a row."""

    name: str
    value: int | None


@dataclass(frozen=True, slots=True)
class Thing:
    """A row with a column of each kind."""

    id: str
    start_ns: int
    ratio: float | None
    is_odd: bool
    labels: Mapping[str, str | None]
    parts: tuple[Part, ...]


THINGS = (
    Thing("=1+1", 2**62, 0.5, is_odd=True, labels={"a": "1", "b": None}, parts=(Part("x", None), Part("y", -1))),
    Thing('"é",\n\u2028', -1, None, is_odd=False, labels={}, parts=()),
)


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """An application with routes that say what they were asked."""
    data = tmp_path_factory.mktemp("asked")
    (data / "ax.duckdb").touch()
    app = FastAPI()
    refuse(app)
    app.state.shared = SimpleNamespace(config=Config(data=data), clock=SystemClock())

    @app.get("/asked")
    def asked(time: Time, step: Step, by: By, fields: Fields, where: Where = None) -> dict[str, Any]:
        period = time.period(1_000 * HOUR)
        about = {"by": by, "fields": fields, "filter": where, "step_ns": step.ns(period)}
        return {"start_ns": period.start_ns, "end_ns": period.end_ns, **about}

    @app.get("/things", **rows(THINGS[0], Some[Thing]))
    def things(request: Request, time: Time, fields: Fields, cursor: str | None = None) -> Response:
        del time
        answer = Answer(THINGS, SKETCH, Period(1, 2), "spans")
        return shown.answered(request, answer, Thing, fields=fields, next_cursor="two&" if cursor is None else None)

    async def let_in(scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        scope["caller"] = ANYBODY
        await app(scope, receive, send)

    with TestClient(let_in) as one:
        yield one


def asked_of(client: TestClient, query: str) -> dict[str, Any]:
    answer = client.get(f"/asked?{query}")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


# ── What is asked ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("query", "start_ns", "end_ns"),
    [
        ("", 999 * HOUR, 1_000 * HOUR + NS_PER_US),
        ("range=15m", 1_000 * HOUR - HOUR // 4, 1_000 * HOUR + NS_PER_US),
        ("start=1970-01-01T00:00:00Z", 0, 1_000 * HOUR),
        ("start=1970-01-01T00:00:00Z&end=1970-01-01T01:00:00.000000001Z", 0, HOUR + 1),
        ("start=1970-01-01T02:00:00%2B01:00&end=1970-01-01T00:00:00-02:00", HOUR, 2 * HOUR),
        ("start=1970-01-01T02:00:00+01:00&end=1970-01-01t02:00:00z", HOUR, 2 * HOUR),
    ],
)
def test_a_time_is_a_range_or_a_start_with_an_end(client: TestClient, query: str, start_ns: int, end_ns: int) -> None:
    found = asked_of(client, query)
    assert (found["start_ns"], found["end_ns"]) == (start_ns, end_ns)


@given(st.integers(0, 4_000_000_000 * NS_PER_S))
def test_an_instant_is_read_to_the_nanosecond(instant: int) -> None:
    whole = datetime.fromtimestamp(instant // NS_PER_S, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    assert instant_ns(f"{whole}.{instant % NS_PER_S:09}Z", "start") == instant


@given(st.text(max_size=40))
def test_what_is_no_instant_is_refused(text: str) -> None:
    with pytest.raises(AxError, match=r"^start: "):
        instant_ns(f"x{text}", "start")


@pytest.mark.parametrize(
    ("query", "field", "said"),
    [
        ("range=1h&start=2026-11-22T00:00:00Z", "range", "beside start"),
        ("range=1", "range", "cannot read '1'"),
        ("range=0s", "range", "not within"),
        ("range=400d", "range", "not within"),
        ("end=2026-11-22T00:00:00Z", "start", "missing"),
        ("start=yesterday", "start", "cannot read 'yesterday'"),
        ("start=2026-11-22T00:00:00", "start", "cannot read"),
        ("start=2026-13-22T00:00:00Z", "start", "is no time"),
        ("start=1969-12-31T23:59:59Z", "start", "nothing is stored"),
        ("start=9999-12-31T23:59:59Z", "start", "nothing is stored"),
        ("start=2026-11-22T00:00:00Z", "start", "not before the end"),
        ("start=1970-01-02T00:00:00Z&end=1970-01-02T00:00:00Z", "start", "not before the end"),
        ("start=2020-01-01T00:00:00Z&end=2026-01-01T00:00:00Z", "start", "more than 366 days"),
        ("step=1s", "step", "at most"),
        ("step=1ms", "step", "less than a second"),
        ("step=often", "step", "cannot read 'often'"),
        ("by=a,b,c,d,e,f", "by", "more than 5"),
        ("by=a,,b", "by", "empty"),
        ("fields=", "fields", "empty"),
    ],
)
def test_what_cannot_be_asked_names_the_parameter_and_the_mend(
    client: TestClient, query: str, field: str, said: str
) -> None:
    answer = client.get(f"/asked?{query}")
    problem = answer.json()
    assert (answer.status_code, problem["field"]) == (400, field)
    assert said in problem["title"]
    assert problem["mend"]


def test_names_come_by_commas_or_repeated_and_each_once(client: TestClient) -> None:
    found = asked_of(client, "by=a,%20b&by=c,a&fields=x&filter=model%20~%20%22g*%22")
    assert (found["by"], found["fields"], found["filter"]) == (["a", "b", "c"], ["x"], 'model ~ "g*"')
    assert (asked_of(client, "")["by"], asked_of(client, "")["fields"]) == ([], None)


def test_a_step_that_is_too_fine_is_told_the_one_that_fits(client: TestClient) -> None:
    assert asked_of(client, "range=1d&step=1m")["step_ns"] == 60 * NS_PER_S
    assert asked_of(client, "range=1h")["step_ns"] == 30 * NS_PER_S
    mend = client.get("/asked?range=7d&step=1m").json()["mend"]
    fitting = asked_of(client, f"range=7d&step={mend.rpartition(' ')[2]}")
    assert (fitting["end_ns"] - fitting["start_ns"]) / fitting["step_ns"] <= MOST_POINTS + 1


# ── How it is answered ────────────────────────────────────────────────────────────────────────────────────────────


def things(client: TestClient, accept: str | None = None, query: str = "", **headers: str) -> Any:
    return client.get(f"/things?{query}", headers={**headers, **({} if accept is None else {"Accept": accept})})


def test_json_says_how_exact_rows_are_and_where_the_next_page_begins(client: TestClient) -> None:
    answer = things(client)
    assert answer.headers["content-type"] == "application/json"
    found = answer.json()
    items = found.pop("items")
    assert found == {
        "next_cursor": "two&",
        "precision": "sketch",
        "error_ratio": 0.011,
        "start_ns": 1,
        "end_ns": 2,
        "source": "spans",
    }
    parts = [{"name": "x", "value": None}, {"name": "y", "value": -1}]
    labels = {"a": "1", "b": None}
    assert items[0] == {
        "id": "=1+1", "start_ns": 2**62, "ratio": 0.5, "is_odd": True, "labels": labels, "parts": parts
    }  # fmt: skip
    assert items[1]["id"] == THINGS[1].id


def test_the_link_to_the_next_page_asks_the_same(client: TestClient) -> None:
    answer = things(client, query="range=2h&fields=id")
    assert answer.headers["link"] == '</things?range=2h&fields=id&cursor=two%26>; rel="next"'
    assert "link" not in things(client, query="cursor=two%26").headers


def test_arrow_and_csv_have_the_same_rows_as_json(client: TestClient) -> None:
    items = things(client).json()["items"]
    answer = things(client, shown.ARROW)
    table = pa.ipc.open_stream(answer.content).read_all()
    assert [{**row, "labels": dict(row["labels"])} for row in table.to_pylist()] == items
    assert json.loads(table.schema.metadata[b"precision"]) == "sketch"
    answer = things(client, shown.CSV)
    read = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    assert [row["start_ns"] for row in read] == [str(item["start_ns"]) for item in items]
    assert [json.loads(row["parts"]) for row in read] == [item["parts"] for item in items]
    assert [row["id"] for row in read] == ["'=1+1", THINGS[1].id]


@pytest.mark.parametrize("accept", [shown.JSON, shown.CSV, shown.ARROW])
def test_only_the_fields_that_are_asked_for_are_shown(client: TestClient, accept: str) -> None:
    answer = things(client, accept, "fields=start_ns,id")
    match accept:
        case shown.JSON:
            names = set(answer.json()["items"][0])
        case shown.CSV:
            names = set(answer.text.splitlines()[0].split(","))
        case _:
            names = set(pa.ipc.open_stream(answer.content).schema.names)
    assert names == {"id", "start_ns"}
    answer = things(client, accept, "fields=start")
    assert (answer.status_code, answer.json()["field"]) == (400, "fields")
    assert answer.json()["mend"] == "did you mean start_ns?"


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        (None, shown.JSON),
        ("", shown.JSON),
        ("*/*", shown.JSON),
        ("text/*", shown.CSV),
        ("text/csv;q=0.5, application/json;q=0.4", shown.CSV),
        ("text/csv, application/json", shown.JSON),
        ("*/*, application/json;q=0", shown.CSV),
        ("text/html,application/xhtml+xml,*/*;q=0.8", shown.JSON),
        ("APPLICATION/VND.APACHE.ARROW.STREAM", shown.ARROW),
        ("text/csv;q=much", shown.CSV),
    ],
)
def test_the_form_is_the_one_that_the_client_likes_best(client: TestClient, accept: str | None, form: str) -> None:
    answer = things(client, accept)
    assert (answer.status_code, answer.headers["content-type"].partition(";")[0]) == (200, form)
    assert answer.headers["vary"] == "Accept"


@pytest.mark.parametrize("accept", ["text/html", "application/json;q=0", "image/*", "nonsense"])
def test_a_form_that_we_have_not_is_refused(client: TestClient, accept: str) -> None:
    answer = things(client, accept)
    assert (answer.status_code, shown.CSV in answer.json()["mend"]) == (406, True)


def test_what_has_not_changed_is_not_sent_again(client: TestClient) -> None:
    absolute = "start=2026-11-22T00:00:00Z&end=2026-11-22T01:00:00Z"
    answer = things(client, query=absolute)
    tag = answer.headers["etag"]
    assert tag.startswith('W/"')
    again = things(client, query=absolute, **{"If-None-Match": f'W/"other", {tag}'})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    other = things(client, shown.CSV, absolute, **{"If-None-Match": tag})
    assert other.status_code == 200
    assert "etag" not in things(client, query="range=1h").headers


def test_openapi_shows_all_forms_with_an_example(client: TestClient) -> None:
    described = client.get("/openapi.json").json()
    content = described["paths"]["/things"]["get"]["responses"]["200"]["content"]
    assert set(content) == set(shown.FORMS)
    assert content[shown.JSON]["example"]["items"][0]["id"] == "=1+1"
    assert content[shown.JSON]["schema"]["$ref"].startswith("#/components/schemas/Answered")
    schema = described["components"]["schemas"]["Thing"]
    assert "required" not in schema
    assert set(schema["properties"]) == {"id", "start_ns", "ratio", "is_odd", "labels", "parts"}
