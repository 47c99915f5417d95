"""Traces: the list says what the API says; thousands of spans are gone through by keys; a span is shown whole."""

import re
from collections.abc import Callable
from typing import Any, Final

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from playwright.sync_api import Locator, Page, expect

from exporter.clock import SystemClock
from exporter.units import NS_PER_S
from tests.otlp import key_values
from tests.running import Server
from tests.web import trees
from tests.web.browsing import Faults
from tests.web.trees import Tree

HOSTILE = '<img src=x onerror="alert(1)">\u202egnp.exe'


@pytest.fixture(scope="module")
def large(server: Server) -> Tree:
    return trees.send(server, 2_000)


@pytest.fixture(scope="module")
def small(server: Server) -> Tree:
    return trees.send(server, 42, seed=2)


def ask(server: Server, path: str, **query: str | int) -> Any:
    return httpx.get(f"{server.ui}{path}", params=query, timeout=30).raise_for_status().json()


HIDDEN: Final = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""What turns text round, and is shown as a mark in its place."""


def rows_of(page: Page) -> Locator:
    return page.get_by_role("treegrid").locator("[role=row][data-row]")


def active(page: Page) -> Locator:
    return page.get_by_role("treegrid").locator("[role=row][data-active]")


def dollars(text: str) -> float:
    return float(text.replace("$", "").replace(",", ""))


# ── The list ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_list_has_the_traces_of_the_api_in_their_order(page: Page, server: Server, small: Tree) -> None:
    page.goto("/traces?range=24h")
    expect(page.get_by_role("row").nth(1)).to_be_visible()
    told = ask(server, "/api/traces", range="24h", limit=5)["items"]
    for at, trace in enumerate(told, start=1):
        row = page.get_by_role("region", name="Traces").get_by_role("row").nth(at)
        expect(row.get_by_role("cell").first).to_contain_text(HIDDEN.sub("\ufffd", trace["root_name"]))
        expect(row.get_by_role("cell").nth(4)).to_have_text(f"{trace['spans']:,}")
    assert small.trace in {trace["trace_id"] for trace in ask(server, "/api/traces", range="24h", limit=50)["items"]}


def test_the_head_says_what_the_traces_of_the_time_come_to(page: Page, server: Server, large: Tree) -> None:
    (told,) = ask(server, "/api/traces/stats", range="24h")["items"]
    page.goto("/traces?range=24h")
    for label, value in (("Traces", told["traces"]), ("Spans", told["spans"]), ("Failed traces", told["failed"])):
        stat = page.locator(".panel", has=page.get_by_text(label, exact=True)).first
        expect(stat).to_contain_text(f"{value:,}")
    assert told["spans"] >= 2_000, large


def test_a_filter_narrows_the_list_and_a_bad_one_says_how_it_is_mended(
    page: Page, server: Server, large: Tree, faults: Faults
) -> None:
    faults.forgive("400")
    page.goto("/traces?range=24h")
    field = page.get_by_role("textbox", name="Filter")
    field.fill("spans > 1500")
    field.press("Enter")
    expect(page.get_by_role("region", name="Traces").get_by_role("row")).to_have_count(2)
    expect(page).to_have_url(re.compile("filter=spans"))
    field.fill("colour = 3")
    field.press("Enter")
    expect(page.get_by_text(re.compile("no field.*colour|colour"))).to_be_visible()
    assert ask(server, "/api/traces", range="24h", filter="spans > 1500")["items"][0]["trace_id"] == large.trace


def test_keys_lead_from_the_list_into_a_trace_and_the_way_back_keeps_the_range(page: Page, small: Tree) -> None:
    page.goto("/traces?range=24h&filter=spans+%3D+42")
    expect(page.get_by_role("region", name="Traces").get_by_role("row")).to_have_count(2)
    page.keyboard.press("j")
    expect(page.locator("tr[data-at]:focus")).to_have_count(1)  # it has the focus with the next frame
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(rf"/traces/{small.trace}\?range=24h"))
    page.get_by_role("link", name="All traces").click()
    expect(page).to_have_url(re.compile(r"/traces\?range=24h$"))


def test_a_trace_that_is_sent_appears_by_itself(page: Page, server: Server) -> None:
    page.goto("/traces?filter=spans+%3D+17")
    expect(page.get_by_text("No trace matches")).to_be_visible()
    trees.send(server, 17, seed=17)
    expect(page.get_by_role("region", name="Traces").get_by_role("row")).to_have_count(2)


# ── A trace ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_of_thousands_of_spans_only_those_in_sight_are_in_the_page(page: Page, large: Tree) -> None:
    page.goto(f"/traces/{large.trace}")
    expect(page.get_by_role("treegrid")).to_have_attribute("aria-rowcount", "2001")
    assert rows_of(page).count() < 120
    page.get_by_role("treegrid").focus()
    page.keyboard.press("End")
    expect(active(page)).to_have_attribute("aria-rowindex", "2001")
    expect(active(page)).to_be_in_viewport()
    assert rows_of(page).count() < 120


def test_keys_go_through_the_tree_and_fold_it(page: Page, server: Server, large: Tree) -> None:
    agents = sum(one["depth"] == 1 for one in ask(server, f"/api/traces/{large.trace}")["spans"])
    page.goto(f"/traces/{large.trace}")
    tree = page.get_by_role("treegrid")
    tree.focus()
    page.keyboard.press("Home")
    page.keyboard.press("j")
    expect(active(page)).to_have_attribute("aria-level", "2")
    expect(active(page)).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("h")
    expect(active(page)).to_have_attribute("aria-expanded", "false")
    expect(tree).to_have_attribute("aria-rowcount", "1982")
    page.keyboard.press("l")
    expect(tree).to_have_attribute("aria-rowcount", "2001")
    page.keyboard.press("h")
    page.keyboard.press("h")
    expect(active(page)).to_have_attribute("aria-level", "1")
    page.get_by_role("button", name="Expand all").click()
    page.get_by_role("button", name="Collapse all").click()
    expect(tree).to_have_attribute("aria-rowcount", "2")
    tree.focus()
    page.keyboard.press("l")
    expect(tree).to_have_attribute("aria-rowcount", f"{agents + 2}")


def test_the_critical_path_is_that_of_the_api(page: Page, server: Server, small: Tree) -> None:
    spans = ask(server, f"/api/traces/{small.trace}")["spans"]
    page.set_viewport_size({"width": 1440, "height": 1440})
    page.goto(f"/traces/{small.trace}")
    expect(rows_of(page)).to_have_count(len(spans))
    aside = rows_of(page).evaluate_all("(rows) => rows.map((row) => 'faint' in row.dataset)")
    assert aside == [not one["is_critical"] for one in spans]
    assert any(aside)
    page.get_by_role("switch", name="Critical path").press("Space")
    expect(page.locator("[data-faint]")).to_have_count(0)
    expect(page).to_have_url(re.compile("path=off"))


def test_tokens_and_cost_of_a_subtree_are_the_sums_of_sql(page: Page, server: Server, small: Tree) -> None:
    sums = server.sql(
        """SELECT parent_span_id, sum(gen_ai_usage_input_tokens + gen_ai_usage_output_tokens)::BIGINT,
        sum(cost_nanos)::BIGINT FROM spans WHERE trace_id = ? AND gen_ai_operation_name = 'chat' GROUP BY 1""",
        small.trace,
    )
    spans = ask(server, f"/api/traces/{small.trace}")["spans"]
    page.goto(f"/traces/{small.trace}")
    page.get_by_role("button", name="Collapse all").click()
    page.get_by_role("treegrid").focus()
    page.keyboard.press("Home")
    page.keyboard.press("l")
    for parent, tokens, cost in [*sums, (small.root, sum(one[1] for one in sums), sum(one[2] for one in sums))]:
        name = next(one["name"] for one in spans if one["span_id"] == parent)
        cells = rows_of(page).filter(has=page.get_by_title(name, exact=True)).get_by_role("gridcell")
        expect(cells.nth(3)).to_have_text(f"{tokens:,}")
        assert dollars(cells.nth(4).inner_text()) == pytest.approx(cost / 1e9, rel=0.006)


def test_a_search_leads_from_one_span_to_the_next(page: Page, server: Server, large: Tree) -> None:
    failed = [one for one in ask(server, f"/api/traces/{large.trace}")["spans"] if one["status_message"] == "no answer"]
    page.goto(f"/traces/{large.trace}")
    page.get_by_role("button", name="Collapse all").click()
    page.keyboard.press("/")
    page.keyboard.type("no answer")
    page.keyboard.press("Enter")
    expect(page.get_by_text(f"1 of {len(failed)}")).to_be_visible()
    expect(active(page)).to_contain_text(failed[0]["name"])
    page.keyboard.press("Enter")
    expect(page.get_by_text(f"2 of {len(failed)}")).to_be_visible()
    expect(active(page)).to_contain_text("failed")


def test_zoom_is_in_the_address(page: Page, large: Tree) -> None:
    page.goto(f"/traces/{large.trace}")
    expect(rows_of(page).first).to_be_visible()
    page.keyboard.press("+")
    expect(page).to_have_url(re.compile(r"zoom=\d+(\.\d+)?\.\.\d+"))
    page.keyboard.press("0")
    expect(page).not_to_have_url(re.compile("zoom"))
    row = rows_of(page).nth(2).bounding_box()
    assert row is not None
    page.mouse.dblclick(row["x"] + row["width"] - 40, row["y"] + 10)
    expect(page).to_have_url(re.compile("zoom="))


# ── A span ────────────────────────────────────────────────────────────────────────────────────────────────────────


def call_of(server: Server) -> tuple[str, str, str, int]:
    found = server.sql(
        """SELECT trace_id, span_id, attributes['gen_ai.output.messages'], cost_nanos FROM spans
        WHERE attributes['gen_ai.output.messages'] IS NOT NULL AND cost_nanos > 0 ORDER BY ALL LIMIT 1"""
    )
    trace, span, output, cost = found[0]
    return trace, span, output, cost


def test_a_call_is_shown_whole_and_its_address_shows_it_again(page: Page, server: Server) -> None:
    trace, span, output, cost = call_of(server)
    page.goto(f"/traces/{trace}?span={span}")
    pane = page.get_by_role("complementary", name="Span")
    said = re.search(r'"content": ?"([^"\\]{10,60})', output)
    assert said is not None
    expect(pane.get_by_role("list", name="Completion")).to_contain_text(said[1])
    pane.get_by_role("tab", name="Cost").click()
    expect(page).to_have_url(re.compile("tab=cost"))
    page.reload()
    together = pane.get_by_role("row", name=re.compile("Together")).get_by_role("cell").last
    assert dollars(together.inner_text()) == pytest.approx(cost / 1e9, rel=0.006)
    pane.get_by_role("tab", name="Attributes").click()
    expect(pane.get_by_text("gen_ai.operation.name", exact=True)).to_be_visible()
    pane.get_by_role("textbox", name="Search in attributes").fill("usage.output")
    expect(pane.locator("dt.mono")).to_have_text(["gen_ai.usage.output_tokens"])
    page.get_by_role("treegrid").focus()
    page.keyboard.press("Escape")
    expect(pane).to_have_count(0)
    expect(page).not_to_have_url(re.compile("span="))


def test_with_a_span_open_the_keys_lead_to_the_next(page: Page, server: Server, small: Tree) -> None:
    spans = ask(server, f"/api/traces/{small.trace}")["spans"]
    page.goto(f"/traces/{small.trace}")
    page.get_by_role("treegrid").focus()
    page.keyboard.press("Home")
    page.keyboard.press("Enter")
    for span in spans[:3]:
        expect(page).to_have_url(re.compile(f"span={span['span_id']}"))
        expect(page.get_by_role("complementary", name="Span")).to_contain_text(span["span_id"])
        page.keyboard.press("j")


def send_one(server: Server, trace: bytes, name: str) -> None:
    now = SystemClock().wall()
    export = ExportTraceServiceRequest()
    span = (
        export.resource_spans.add()
        .scope_spans.add()
        .spans.add(
            trace_id=trace,
            span_id=name.encode()[:8].ljust(8, b"."),
            name=name,
            start_time_unix_nano=now - NS_PER_S,
            end_time_unix_nano=now,
        )
    )
    span.attributes.extend(key_values({"said": HOSTILE}))
    headers = {"Content-Type": "application/x-protobuf"}
    httpx.post(f"{server.http}/v1/traces", content=export.SerializeToString(), headers=headers, timeout=30)


def test_a_trace_grows_while_it_is_looked_at_and_hostile_names_are_text(
    page: Page, server: Server, faults: Faults
) -> None:
    faults.forgive("404")  # it may be asked for before it is stored
    trace = b"hostile trace 16"
    send_one(server, trace, HOSTILE)
    page.goto(f"/traces/{trace.hex()}")
    for _ in range(20):
        if page.get_by_role("treegrid").or_(page.get_by_text("There is no such trace")).first.is_visible():
            break
        page.wait_for_timeout(200)
    expect(page.get_by_role("heading", level=1)).to_contain_text("<img src=x")
    expect(rows_of(page)).to_have_count(1)
    send_one(server, trace, "second")
    expect(rows_of(page)).to_have_count(2)
    rows_of(page).first.click()
    expect(page.get_by_role("complementary", name="Span")).to_contain_text("onerror")
    assert page.locator("main img[src=x]").count() == 0


def test_a_trace_that_is_not_there_says_so(page: Page, faults: Faults) -> None:
    faults.forgive("404")
    page.goto(f"/traces/{'0' * 31}1")
    expect(page.get_by_text("There is no such trace")).to_be_visible()
    expect(page.get_by_role("button", name="Look again")).to_be_visible()


# ── In each size and theme ────────────────────────────────────────────────────────────────────────────────────────


def test_the_list_is_fit_to_be_seen(page: Page, large: Tree, examine: Callable[[Page, str], None]) -> None:
    assert large
    page.goto("/traces?range=24h")
    expect(page.get_by_role("region", name="Traces").get_by_role("row").nth(3)).to_be_visible()
    examine(page, "traces")


@pytest.mark.parametrize("tab", ["", "attributes", pytest.param("cost", marks=pytest.mark.slow)])
def test_a_trace_is_fit_to_be_seen(page: Page, server: Server, examine: Callable[[Page, str], None], tab: str) -> None:
    trace, span, _, _ = call_of(server)
    page.goto(f"/traces/{trace}?span={span}&tab={tab}")
    expect(page.get_by_role("complementary", name="Span").get_by_role("tabpanel")).to_be_visible()
    examine(page, f"trace-{tab or 'said'}")
