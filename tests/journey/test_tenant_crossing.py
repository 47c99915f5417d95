"""No route shows one tenant what is another's; routes are taken from the application, so that none is forgotten.

Of each route it is also looked whether it shows to somebody who may see all what it must hide from a tenant: a server
that does not tell tenants apart fails here.
"""

import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from fastapi.routing import iter_route_contexts
from starlette.routing import WebSocketRoute

from exporter.api import create
from exporter.api.shown import FORMS
from exporter.clock import SystemClock
from exporter.config import Config
from exporter.store.publish import OBJECTS
from exporter.tenants import CONTROL
from tests.two_tenants import Two, mark_of, two_tenants

OWN, OTHER = "acme", "rival"
OPEN: Final = ("/healthz", "/readyz", "/api/session", "/api/openapi.json")
"""Of nobody's data, and of what nobody need be known for."""
OF_ALL: Final = (
    "/metrics",
    "/api/capacity",
    "/api/health",
    "/api/health/components",
    "/api/health/events",
    "/api/notifications/channels",
    "/api/notifications/dead",
    "/api/rules",
    "/api/rules/problems",
    "/api/rules/{group}/{name}",
    "/api/silences",
)
"""What is about all tenants, which no tenant reads."""
MARKED: Final = (
    "/api/agent-runs",
    "/api/alerts",
    "/api/alerts/history",
    "/api/alerts/{alert}",
    "/api/budgets",
    "/api/budgets/{name}",
    "/api/calls",
    "/api/calls/failures",
    "/api/calls/top",
    "/api/conversations",
    "/api/conversations/{conversation}",
    "/api/costs",
    "/api/evaluations",
    "/api/llm-calls",
    "/api/llm-calls/{span}",
    "/api/logs",
    "/api/metric-points",
    "/api/metrics",
    "/api/projections",
    "/api/providers",
    "/api/service-map",
    "/api/spans",
    "/api/spans-pending",
    "/api/spans/{trace}/{span}",
    "/api/tool-calls",
    "/api/traces",
    "/api/traces/{trace}",
    "/api/traces/{trace}/logs",
    "/api/voice-turns",
    "/api/workflow-runs",
    "/api/workflow-runs/{run}",
    "/api/workflow-steps",
    "/api/workflows",
    "/metrics/rollups",
)
"""Routes of which it is known that they say what tenants have named; others need not."""
SINGLE: Final = (
    "/api/alerts/{alert}",
    "/api/budgets/{name}",
    "/api/conversations/{conversation}",
    "/api/llm-calls/{span}",
    "/api/llm-calls/{span}/cost",
    "/api/spans/{trace}/{span}",
    "/api/traces/{trace}",
    "/api/workflow-runs/{run}",
    "/api/workflow-runs/{run}/timeline",
)
"""One thing by its id: another's is not there."""
PLACES: Final = {
    "/api/metrics/{name}": {"name": "metric"},
    "/api/metrics/{name}/labels": {"name": "metric"},
    "/api/metrics/{name}/series": {"name": "metric"},
    "/api/budgets/{name}": {"name": "budget"},
}
"""What stands for a place in a path, where it is not the thing of that name in `Two.ids`."""
QUERIES: Final[tuple[dict[str, str], ...]] = ({}, {"by": "provider", "search": "rivalmark"})
_PLACE: Final = re.compile(r"\{(\w+)\}")


def routes() -> list[tuple[str, str]]:
    """Method and path of all there are; WEBSOCKET for those."""
    with tempfile.TemporaryDirectory() as folder:
        app = create(Config(data=Path(folder)), SystemClock(), "0")
        found = set[tuple[str, str]]()
        for each in iter_route_contexts(app.routes):
            methods = ["WEBSOCKET"] if isinstance(each.original_route, WebSocketRoute) else each.methods or ()
            found |= {(method, each.path_format or each.path or "") for method in methods}
        return sorted(found)


ROUTES: Final = routes()
READING: Final = [path for method, path in ROUTES if method == "GET" and path not in OPEN]
CHANGING: Final = [
    (method, path)
    for method, path in ROUTES
    if method not in {"GET", "HEAD", "WEBSOCKET"} and path not in {*OPEN, "/api/sql"}
]


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Two]:
    with two_tenants(tmp_path_factory.mktemp("two") / "data") as one:
        yield one


def filled(two: Two, path: str, tenant: str) -> str:
    """The path of that tenant's thing."""

    def thing(found: re.Match[str]) -> str:
        name = PLACES.get(path, {}).get(found[1], found[1])
        return two.ids[tenant].get(name, "none")

    return _PLACE.sub(thing, path)


def test_the_lists_here_name_routes_that_there_are() -> None:
    assert {*OF_ALL, *MARKED, *SINGLE} <= set(READING)
    assert {path for path in READING if "{" in path} <= {*OF_ALL, *MARKED, *SINGLE, *PLACES}, (
        "say what stands in its place"
    )
    assert [path for method, path in ROUTES if method == "WEBSOCKET"] == ["/api/live"], "test the new one for tenants"


@pytest.mark.parametrize("path", READING)
def test_a_tenant_is_never_shown_what_is_another_s(two: Two, path: str) -> None:
    own_path, other_path = filled(two, path, OWN), filled(two, path, OTHER)
    is_shown, is_own = False, False
    for query in QUERIES:
        is_shown = is_shown or _is_shown(two.ask(None, "GET", other_path, params=query))
        own = two.ask(OWN, "GET", own_path, params=query)
        is_own = is_own or mark_of(OWN) in own.text
        hide(own, query)
    for form in FORMS[1:]:
        hide(two.ask(OWN, "GET", own_path, headers={"Accept": form}), {})
    if own_path != other_path:
        hide(two.ask(OWN, "GET", other_path), {}, other_path)
    if path in OF_ALL:
        assert two.ask(OWN, "GET", own_path).status_code == 403
    if path in MARKED:
        assert is_shown, "the server says nothing of it to anybody, so this proves nothing"
        assert is_own, "a tenant does not see what is its own"


def _is_shown(answer: httpx.Response) -> bool:
    return answer.status_code == 200 and mark_of(OTHER) in answer.text


def hide(answer: httpx.Response, query: dict[str, str], path: str = "") -> None:
    """Nothing of another's is in it, but what was asked for, which a refusal may say again."""
    assert answer.status_code < 500, answer.text
    said = answer.content.decode(errors="replace")
    if answer.status_code >= 400:
        for echo in (*query.values(), *path.split("/")):
            said = said.replace(echo, "") if mark_of(OTHER) in echo else said
    assert mark_of(OTHER) not in said, said[:1_000]


@pytest.mark.parametrize("path", SINGLE)
def test_an_id_of_another_s_is_unknown(two: Two, path: str) -> None:
    assert two.ask(OTHER, "GET", filled(two, path, OTHER)).status_code == 200
    crossed = two.ask(OWN, "GET", filled(two, path, OTHER))
    made_up = two.ask(OWN, "GET", filled(two, path, OTHER).replace(mark_of(OTHER), "nobody"))
    assert crossed.status_code == made_up.status_code == 404


@pytest.mark.parametrize(("method", "path"), CHANGING)
def test_a_tenant_changes_nothing(two: Two, method: str, path: str) -> None:
    answer = two.ask(OWN, method, filled(two, path, OWN), json={})
    assert answer.status_code == 403, answer.text


def test_no_view_shows_a_tenant_what_is_another_s(two: Two) -> None:
    views = two.ask(None, "GET", "/api/views").json()
    names = [one["name"] for one in views["items"]] if isinstance(views, dict) else [one["name"] for one in views]
    seen = 0
    for name in names:
        if name in CONTROL:
            continue
        answer = two.ask(OWN, "POST", "/api/sql", json={"query": f"SELECT * FROM {name}"})
        assert answer.status_code == 200, answer.text
        assert mark_of(OTHER) not in answer.text, name
        seen += mark_of(OWN) in answer.text
    assert set(names) <= set(OBJECTS)
    assert seen >= 20


@pytest.mark.parametrize("form", FORMS)
def test_sql_tells_a_tenant_of_its_own_in_each_form(two: Two, form: str) -> None:
    query: dict[str, Any] = {"query": "SELECT name, attributes FROM spans"}
    headers = {"Accept": form}
    everybody = two.ask(None, "POST", "/api/sql", json=query, headers=headers)
    own = two.ask(OWN, "POST", "/api/sql", json=query, headers=headers)
    assert (everybody.headers["content-type"].split(";")[0], own.status_code) == (form, 200)
    assert mark_of(OTHER).encode() in everybody.content
    assert mark_of(OTHER).encode() not in own.content
    assert mark_of(OWN).encode() in own.content


@pytest.mark.parametrize("view", sorted(CONTROL))
def test_what_operators_decide_is_no_view_of_a_tenant(two: Two, view: str) -> None:
    assert two.ask(None, "POST", "/api/sql", json={"query": f"FROM {view}"}).status_code == 200
    refused = two.ask(OWN, "POST", "/api/sql", json={"query": f"FROM {view}"})
    assert (refused.status_code, refused.json()["title"]) == (400, f"there is no view {view}")
