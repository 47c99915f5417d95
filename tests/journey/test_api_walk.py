"""A walk over all that can be asked: each operation is described, guarded and bounded, and answers well and wrong.

What an answer holds is tested where the area is; here nothing can be forgotten.
"""

import re
import subprocess
from collections.abc import Iterator, Mapping
from typing import Any, Final

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from jsonschema import Draft202012Validator

from exporter.api import callers, create
from exporter.api.pages import MOST
from exporter.clock import SystemClock
from exporter.config import Config
from tests.demonstrated import BUDGET, RULE, demonstrated, known, make
from tests.running import AX, ENVIRON, Server

Operation = tuple[str, str]
PROBLEM: Final = "application/problem+json"
OPEN: Final = {"/healthz", "/readyz", "/api/openapi.json", "/api/session"}
"""Who asks these need not say who it is."""
BOUNDED: Final[Mapping[str, str]] = {
    "/api/providers": "providers of a day; cells have a bound",
    "/api/trends": "one for each of few measures",
    "/api/fields": "one for each subject",
    "/api/views": "one for each view",
    "/api/traces/stats": "one row",
    "/api/logs/levels": "buckets of `step`, whose number has a bound",
    "/api/workflow-runs/{run}/timeline": "steps of one run, 20,000 at most",
    "/api/metrics/{name}/labels": "100 values of each label",
    "/api/metrics/{name}/series": "30,000 rows",
    "/api/costs/series": "30,000 rows",
    "/api/calls/series": "30,000 rows",
    "/api/latency": "one for each kind of work and name, of which cells have a bound",
    "/api/silences": "1,000",
    "/api/rules/problems": "those of the files there are",
    "/api/projections": "one for each budget",
    "/api/notifications/channels": "one for each channel",
    "/api/notifications/channels/{name}/test": "two",
}
"""Lists that need no limit, and why."""


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> FastAPI:
    """The application, of which nothing is asked."""
    return create(Config(data=tmp_path_factory.mktemp("none")), SystemClock(), "0")


def described(app: FastAPI) -> Iterator[tuple[Operation, dict[str, Any]]]:
    """Operations as OpenAPI tells of them."""
    for path, methods in app.openapi()["paths"].items():
        for method, about in methods.items():
            yield (method.upper(), path), about


# ── Described ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_each_says_in_a_sentence_what_it_does_and_where_it_belongs(app: FastAPI) -> None:
    silent = [
        operation
        for operation, about in described(app)
        if not about.get("description", "").rstrip().endswith((".", "`"))
        or about["summary"].rstrip(".") not in about["description"].replace("\n", " ")
        or len(about.get("tags", [])) != 1
    ]
    assert silent == []


def test_each_shows_an_example(app: FastAPI) -> None:
    schemas = app.openapi()["components"]["schemas"]
    assert [operation for operation, about in described(app) if not _shown(about, schemas)] == []


def test_examples_are_as_they_are_described(app: FastAPI) -> None:
    wrong = []
    for operation, about in described(app):
        for response in about["responses"].values():
            media = response.get("content", {}).get("application/json", {})
            if "example" in media:
                schema = {**media.get("schema", {}), "components": app.openapi()["components"]}
                errors = Draft202012Validator(schema).iter_errors(media["example"])
                wrong += [(operation, error.json_path, error.message[:200]) for error in errors]
    assert wrong == []


def _shown(about: dict[str, Any], schemas: dict[str, Any]) -> bool:
    """Whether it has an example of its body, or of its answer, or answers with nothing."""
    body = about.get("requestBody")
    good = [one for status, one in about["responses"].items() if status.startswith("2")]
    parts = [body] if body else good
    media = [one for part in parts for one in part.get("content", {}).values()]
    return any(_has_example(one, schemas) for one in media) or not media


def _has_example(part: Any, schemas: dict[str, Any]) -> bool:
    if isinstance(part, list):
        return any(_has_example(one, schemas) for one in part)
    if not isinstance(part, dict):
        return False
    name = str(part.get("$ref", "")).rpartition("/")[2]
    if "example" in part or "examples" in part or (name and _has_example(schemas[name], schemas)):
        return True
    return any(_has_example(value, schemas) for value in part.values())


def test_each_tells_its_problems(app: FastAPI) -> None:
    wrong = []
    for operation, about in described(app):
        needed = {"400", "401", "403", "421", "429", "503"} if operation[1] not in OPEN else {"421"}
        needed |= {"404"} if "{" in operation[1] else set()
        needed |= {"411", "413", "415"} if "requestBody" in about else set()
        wrong += [(operation, status) for status in sorted(needed - about["responses"].keys())]
        for status, response in about["responses"].items():
            if status[0] in "45" and (operation[1], status) != ("/readyz", "503"):
                wrong += [(operation, status)] if response.get("content", {}).keys() != {PROBLEM} else []
    assert wrong == []


# ── Guarded and bounded ───────────────────────────────────────────────────────────────────────────────────────────


def test_each_knows_who_asks(app: FastAPI) -> None:
    routes = [one for one in iter_route_contexts(app.routes) if one.path_format not in OPEN]
    assert len(routes) > 60
    assert [one.path_format for one in routes if not _has_caller(one.dependant)] == []


def _has_caller(dependant: Any) -> bool:
    """Whether a dependency, or one of its own, is one that `callers` makes."""
    is_one = getattr(dependant.call, "__module__", "") == callers.__name__
    return is_one or any(_has_caller(one) for one in dependant.dependencies)


def test_each_list_has_an_end(app: FastAPI) -> None:
    endless = []
    for operation, about in described(app):
        limits = [one["schema"] for one in about.get("parameters", []) if one["name"] == "limit"]
        endless += [operation for one in limits if not one.get("maximum", MOST + 1) <= MOST]
        if not limits and operation[1] not in BOUNDED and _is_list(about, app.openapi()["components"]["schemas"]):
            endless.append(operation)
    assert endless == []


def _is_list(about: dict[str, Any], schemas: dict[str, Any]) -> bool:
    """Whether the answer is an array without `maxItems`, or one in `items`."""
    schema = about["responses"].get("200", {}).get("content", {}).get("application/json", {}).get("schema", {})
    schema = schemas[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
    schema = schema.get("properties", {}).get("items", schema)
    return schema.get("type") == "array" and "maxItems" not in schema


# ── Asked ─────────────────────────────────────────────────────────────────────────────────────────────────────────

BODIES: Final[Mapping[Operation, Any]] = {
    ("POST", "/api/alerts/{alert}/acknowledge"): {"by": "ada"},
    ("POST", "/api/alerts/{alert}/silence"): {"by": "ada", "for": "1h"},
    ("POST", "/api/alerts/{alert}/resolve"): {"by": "ada"},
    ("POST", "/api/silences"): {"by": "ada", "matchers": ["alert=Walked"]},
    ("POST", "/api/rules"): {"rule": {**RULE, "alert": "Walked"}},
    ("PUT", "/api/rules/{group}/{name}"): {"rule": RULE},
    ("POST", "/api/rules/{group}/{name}/toggle"): {"enabled": False},
    ("POST", "/api/rules/test"): {"id": "api/Kept"},
    ("POST", "/api/rules/backtest"): {"id": "api/Kept", "range": "1h"},
    ("POST", "/api/budgets"): {"budget": {**BUDGET, "name": "walked"}},
    ("PUT", "/api/budgets/{name}"): {"budget": BUDGET},
    ("POST", "/api/sql"): {"query": "select count(*) from spans"},
    ("POST", "/api/session"): {"token": "{token}"},
}
"""What is sent; of changes the order in which they are asked for, with those that delete at the end."""
NAMED: Final[Mapping[str, str]] = {"/api/llm-calls": "call", "/api/metrics": "metric", "/api/budgets": "budget"}
"""Where a parameter of a path is not named as what it identifies."""
NAMES: Final[Mapping[str, str]] = {"/api/rules": "rule", "/api/notifications": "channel"}
MAYBE_EMPTY: Final = {
    *("/api/spans-pending", "/api/quotas", "/api/anomalies", "/api/notifications/dead", "/api/rules/problems"),
    *("/api/health/events", "/api/budgets/events", "/api/capacity", "/api/evaluations", "/api/advice", "/api/trends"),
    "/api/traces/{trace}/logs",
}
"""Of these the demo has nothing."""
WRONG: Final[Mapping[Operation, tuple[str, Any, int]]] = {
    ("POST", "/api/session"): ("", {"token": "none"}, 401),
    ("POST", "/api/sql"): ("", {"query": "drop view spans"}, 400),
    ("GET", "/api/anomalies"): ("?hours=0", None, 400),
    ("GET", "/api/traces/{trace}/logs"): ("?limit=0", None, 400),
    ("PUT", "/api/budgets/{name}"): ("", {"budget": {"usd": 5, "per": "day"}}, 404),
    ("GET", "/api/silences"): ("?coming=perhaps", None, 400),
    ("GET", "/api/health/components"): ("?state=fine", None, 400),
}
"""Queries and bodies that do not fit, where `unfit` finds none by itself, and how they are refused."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One that has all that can be asked for."""
    with demonstrated(tmp_path_factory.mktemp("walk") / "data", tmp_path_factory) as one:
        yield one


@pytest.fixture
def client(server: Server) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.ui, timeout=60) as one:
        yield one


def filled(path: str, ids: Mapping[str, list[str]]) -> str:
    """A path with ids in it."""
    area = "/".join(path.split("/")[:3])
    for name in re.findall(r"\{(\w+)\}", path):
        kind = NAMED.get(area, name) if name in {"name", "span"} else name
        path = path.replace(f"{{{name}}}", (ids[NAMES.get(area, kind)] if name == "name" else ids[kind])[0])
    return path


def walked(app: FastAPI) -> list[tuple[Operation, dict[str, Any]]]:
    """All operations: first what only reads, then changes in the order of `BODIES`, then those that delete."""
    order = list(BODIES)
    return sorted(
        described(app),
        key=lambda one: (one[0][0] != "GET", one[0][0] == "DELETE", order.index(one[0]) if one[0] in order else -1),
    )


def test_each_refuses_what_does_not_fit(client: httpx.Client, app: FastAPI) -> None:
    wrong, without = [], []
    for operation, about in walked(app):
        found = unfit(operation, about)
        if found is None:
            without.append(operation)
            continue
        query, body, status = found
        answer = client.request(operation[0], query, json=body)
        problem = answer.json() if answer.headers["content-type"] == PROBLEM else {}
        if answer.status_code != status or not problem.get("title"):
            wrong.append((operation, query, answer.status_code, answer.text[:200]))
    assert wrong == []
    assert [one for one in without if one[1] not in TAKES_NOTHING] == []


def unfit(operation: Operation, about: dict[str, Any]) -> tuple[str, Any, int] | None:
    """A path and a body that do not fit, and the status that says so; None where nothing is taken."""
    path = re.sub(r"\{\w+\}", "none", operation[1].replace("{trace}", "f" * 32))
    if operation in WRONG:
        query, body, status = WRONG[operation]
        return path + query, body, status
    if "{" in operation[1]:
        query = "?" if operation[0] == "GET" else ""
        return path + query, BODIES.get(operation), 404
    if "requestBody" in about:
        return path, {"none": 1}, 400
    taken = {one["name"] for one in about.get("parameters", [])}
    for name, text in (("limit", "0"), ("range", "soon"), ("fields", "nothing-of-that-name")):
        if name in taken:
            return f"{path}?{name}={text}", None, 400
    return None


TAKES_NOTHING: Final = {
    *("/healthz", "/readyz", "/metrics", "/metrics/rollups", "/api/health", "/api/capacity", "/api/live"),
    *("/api/alerts/stats", "/api/rules/problems", "/api/projections", "/api/notifications/channels"),
    *("/api/session", "/api/notifications/dead/retry"),
}
"""A request to these can be wrong in nothing but whom it is for and who asks, of which the browser's tests are."""


def test_each_answers_what_fits(server: Server, client: httpx.Client, app: FastAPI) -> None:
    command = [*AX, "token", "create", "walker", "--scope", "read", "--data", str(server.data)]
    made = subprocess.run(command, env=ENVIRON, capture_output=True, text=True, check=True, timeout=60)
    token = re.search(r"ax_\S+", made.stdout)
    assert token is not None, made.stdout
    make(server)
    ids, wrong = known(server), []
    for operation, about in walked(app):
        path = filled(operation[1], ids)
        if "range" in {one["name"] for one in about.get("parameters", [])}:
            path += "?range=1d"
        body = BODIES.get(operation)
        if operation == ("POST", "/api/session"):
            body = {"token": token[0]}
        answer = client.request(operation[0], path, json=body)
        client.cookies.clear()  # it stays the one whom loopback lets do all
        good = min(int(one) for one in about["responses"] if one.startswith("2") or one == "426")
        is_empty = answer.content in {b"[]", b"{}"} or b'"items":[]' in answer.content
        if answer.status_code != good or (is_empty and operation[1] not in MAYBE_EMPTY):
            wrong.append((operation, path, answer.status_code, answer.text[:200]))
    assert wrong == []


@pytest.mark.parametrize("accept", ["application/json", "text/csv", "application/vnd.apache.arrow.stream"])
def test_rows_come_in_each_form_that_is_described(
    server: Server, client: httpx.Client, app: FastAPI, accept: str
) -> None:
    make(server)  # what another test has deleted
    ids, wrong = known(server), []
    for operation, about in described(app):
        if accept in about["responses"].get("200", {}).get("content", {}) and operation[0] == "GET":
            answer = client.get(filled(operation[1], ids), headers={"Accept": accept})
            if answer.status_code != 200 or not answer.headers["content-type"].startswith(accept):
                wrong.append((operation, answer.status_code, answer.text[:200]))
    assert wrong == []
