"""Agents and workflows: totals, lists and time lines are those of the store, and a run is seen while it runs."""

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any, Final

import httpx
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.running import ENVIRON, Server, until
from tests.web.browsing import Faults

NS: Final = {"ns": 1, "µs": 1e3, "ms": 1e6, "s": 1e9, "m": 60e9, "h": 3600e9}
LATE_MS: Final = 10_000
"""A page that is not told, but asks again by itself, is later."""
_PROGRAM: Final = """
import sys
import otel_ax

otel_ax.configure(service_name="till", endpoint=sys.argv[1], pending=True, schedule_delay_s=0.05)
with otel_ax.workflow("checkout", run_id="order-17", steps=2):
    with otel_ax.step("reserve"):
        pass
    with otel_ax.step("charge"):
        print("charging", flush=True)
        sys.stdin.readline()
print("done", flush=True)
sys.stdin.readline()
"""
_UNTIL_GONE: Final = """
(text) => {
    const look = () => {
        if (!window.seenMs && !document.querySelector("main").innerText.includes(text)) window.seenMs = Date.now();
    };
    new MutationObserver(look).observe(document.body, {childList: true, subtree: true, characterData: true});
    look();
}
"""


@pytest.fixture
def program(server: Server) -> Iterator["subprocess.Popen[str]"]:
    """A program with a workflow that is in its second step, until it is told a line."""
    command = [sys.executable, "-c", _PROGRAM, server.http]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=ENVIRON) as one:
        assert one.stdin is not None
        assert one.stdout is not None
        assert one.stdout.readline() == "charging\n"
        yield one
        one.stdin.close()


def go_on(program: "subprocess.Popen[str]") -> None:
    """Lets its workflow end."""
    assert program.stdin is not None
    program.stdin.write("\n")
    program.stdin.flush()


def items(server: Server, path: str, **asked: Any) -> list[dict[str, Any]]:
    """Rows of the API, of the last day."""
    answer = httpx.get(f"{server.ui}{path}", params={"range": "1d", **asked}, timeout=60).raise_for_status()
    return list(answer.json()["items"])


def stat(page: Page, label: str) -> str:
    """What one of the numbers at the top says, when it is there."""
    value = page.locator(".panel").filter(has=page.get_by_text(label, exact=True)).locator("> span").nth(1)
    expect(value).to_have_text(re.compile(r"\S"))
    return value.inner_text()


def plain_ns(text: str) -> float:
    """A duration as people read it: `812 µs`, `3 m 12 s`."""
    parts = re.findall(r"([\d.,]+) (ns|µs|ms|s|m|h)\b", text)
    assert parts != [], text
    return float(sum(float(number.replace(",", "")) * NS[unit] for number, unit in parts))


def table(page: Page, name: str) -> Locator:
    """The rows of a table below its head."""
    return page.get_by_role("region", name=name, exact=True).locator("tbody tr[data-at]")


# ── What they say is so ───────────────────────────────────────────────────────────────────────────────────────────


def test_totals_of_workflows_are_those_of_the_store(page: Page, server: Server) -> None:
    page.goto("/runs?range=1d")
    ((runs, completed, failed, ended, p95),) = server.sql("""
        SELECT count(*), count(*) FILTER (status = 'completed'), count(*) FILTER (status = 'failed'),
            count(*) FILTER (status <> 'running'),
            quantile_disc(duration_ns, 0.95) FILTER (workflow_name = 'refund')
        FROM workflow_runs""")
    assert stat(page, "Workflow runs") == f"{runs:,}"
    assert stat(page, "Failed") == str(failed)
    assert float(stat(page, "Success").removesuffix(" %")) == pytest.approx(100 * completed / ended, abs=0.05)
    cells = table(page, "Workflows").filter(has_text="refund").get_by_role("cell")
    assert plain_ns(cells.nth(8).inner_text()) == pytest.approx(p95, rel=0.01)


def test_runs_are_those_of_the_api_and_a_link_shows_the_same(page: Page, server: Server) -> None:
    page.goto("/runs?range=1d")
    page.get_by_role("radiogroup", name="Status").get_by_text("failed", exact=True).click()
    expect(page).to_have_url(re.compile("status=failed"))
    failed = items(server, "/api/workflow-runs", filter='status = "failed"', limit=500)
    rows = table(page, "Runs")
    expect(rows.filter(has_text="completed")).to_have_count(0)
    expect(page.get_by_role("region", name="Runs", exact=True).get_by_role("table")).to_have_attribute(
        "aria-rowcount", str(1 + min(len(failed), 100))
    )
    first = failed[0]
    assert plain_ns(rows.first.get_by_role("cell").nth(4).inner_text()) == pytest.approx(first["duration_ns"], rel=0.01)
    page.reload()
    expect(rows.first).to_contain_text(first["error_type"].split(".")[-1])


def test_a_run_tells_its_steps_and_leads_to_their_spans(page: Page, server: Server) -> None:
    run = items(server, "/api/workflow-runs", filter='status = "failed"', limit=1)[0]
    page.goto(f"/runs/{run['run_id']}")
    expect(page.get_by_role("heading", level=1)).to_contain_text("refund")
    told = httpx.get(f"{server.ui}/api/workflow-runs/{run['run_id']}", timeout=30).json()
    bars = items(server, f"/api/workflow-runs/{run['run_id']}/timeline")
    rows = table(page, "Steps")
    expect(rows).to_have_count(len(bars))
    longest = max(bar["offset_ns"] + bar["duration_ns"] for bar in bars)
    for at, bar in enumerate(bars):
        expect(rows.nth(at)).to_contain_text(bar["step_name"])
        expect(rows.nth(at)).to_contain_text(bar["status"])
        assert plain_ns(rows.nth(at).get_by_role("cell").nth(2).inner_text()) == pytest.approx(
            bar["duration_ns"], rel=0.01
        )
        share = rows.nth(at).locator("[data-status]").evaluate("one => parseFloat(one.style.width)")
        whole = max(longest, told["run"]["duration_ns"])
        assert share == pytest.approx(100 * bar["duration_ns"] / whole, abs=0.5)
    expect(page.get_by_role("listitem").filter(has_text="the run")).to_contain_text(run["status_message"])
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(rows.nth(1)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(f"/traces/{run['trace_id']}.*span={bars[1]['span_id']}"))


def test_what_a_run_called_is_what_the_store_says(page: Page, server: Server) -> None:
    ((run, calls, cost),) = server.sql("""
        SELECT workflow_run_id, count(*), sum(cost_nanos) FROM llm_calls
        WHERE workflow_run_id IS NOT NULL GROUP BY ALL HAVING sum(cost_nanos) > 0 ORDER BY ALL LIMIT 1""")
    page.goto(f"/runs/{run}")
    expect(table(page, "LLM calls")).to_have_count(calls)
    assert stat(page, "LLM calls") == str(calls)
    assert float(stat(page, "Cost").removeprefix("$")) == pytest.approx(cost / 1e9, rel=0.01)


@pytest.mark.parametrize(
    ("tab", "view", "name", "title", "what"),
    [
        ("agents", "agent_runs", "agent_name", "Agents", "Agent runs"),
        ("tools", "tool_calls", "tool_name", "Tools", "Tool calls"),
    ],
)
def test_work_is_counted_as_in_the_store(
    page: Page, server: Server, tab: str, view: str, name: str, title: str, what: str
) -> None:
    rows = server.sql(f"SELECT {name}, count(*), count(*) FILTER (failed) FROM {view} GROUP BY ALL")
    page.goto(f"/runs?range=1d&tab={tab}")
    assert stat(page, what) == f"{sum(count for _, count, _ in rows):,}"
    expect(table(page, title)).to_have_count(len(rows))
    for called, count, failed in rows:
        cells = table(page, title).filter(has=page.get_by_text(called, exact=True)).get_by_role("cell")
        assert cells.nth(1).inner_text() == f"{count:,}"
        assert float(cells.nth(2).inner_text().removesuffix(" %")) == pytest.approx(100 * failed / count, rel=0.01)


def test_the_map_has_all_who_call_and_are_called(page: Page, server: Server) -> None:
    edges = items(server, "/api/service-map", limit=500)
    page.goto("/runs?range=1d&tab=map")
    drawing = page.get_by_role("group", name="Who calls whom")
    nodes = {edge["caller"] for edge in edges} | {edge["callee"] for edge in edges}
    for node in nodes:
        expect(drawing.get_by_text(node, exact=True)).to_be_visible()
    expect(table(page, "Calls")).to_have_count(len(edges))
    drawing.get_by_role("link").filter(has_text="openai").click()
    expect(page).to_have_url(re.compile(r"/calls\?filter=provider.*openai.*range=1d"))


# ── It is seen while it runs ──────────────────────────────────────────────────────────────────────────────────────


def test_a_run_is_seen_to_run_and_to_end(page: Page, server: Server, program: "subprocess.Popen[str]") -> None:
    page.goto("/runs")
    running = table(page, "Running now").filter(has_text="checkout")
    expect(running).to_have_count(1)
    elapsed = running.get_by_role("cell").last
    before = plain_ns(elapsed.inner_text())
    expect(elapsed).not_to_have_text(elapsed.inner_text())  # it ticks
    assert plain_ns(elapsed.inner_text()) > before
    running.click()
    expect(page).to_have_url(re.compile("/runs/order-17"))
    expect(page.get_by_text("follows live")).to_be_visible()
    bar = table(page, "Steps").filter(has_text="charge").locator("[data-running]")
    width = float(bar.evaluate("one => parseFloat(one.style.width)"))
    until(lambda: float(bar.evaluate("one => parseFloat(one.style.width)")) > width, "the bar grows", seconds=10)

    page.evaluate(_UNTIL_GONE, "Running for")
    go_on(program)
    stored = "SELECT epoch_ms(ingest_time) FROM workflow_runs WHERE run_id = 'order-17' AND status = 'completed'"
    until(lambda: bool(server.sql(stored)), "the run ends")
    expect(page.get_by_text("follows live")).to_have_count(0)
    expect(table(page, "Steps").filter(has_text="completed")).to_have_count(2)
    expect(page.locator("[data-running]")).to_have_count(0)
    late_ms = page.evaluate("window.seenMs") - server.sql(stored)[0][0]
    assert late_ms < LATE_MS, "it was seen late, as if the page had asked by itself"


# ── Errors, emptiness, looks ──────────────────────────────────────────────────────────────────────────────────────


def test_a_filter_that_cannot_be_read_says_how_to_mend_it(page: Page, faults: Faults) -> None:
    faults.forgive("400")
    page.goto("/runs?filter=bogus%20%3D%201")
    expect(page.get_by_text("workflow runs have no field 'bogus'")).to_be_visible()
    box = page.get_by_role("textbox", name="Filter")
    box.fill('workflow = "refund"')
    box.press("Enter")
    expect(page.get_by_text("have no field")).to_have_count(0)
    expect(table(page, "Workflows")).to_have_count(1)


def test_a_run_that_is_not_there_says_so(page: Page, faults: Faults) -> None:
    faults.forgive("404")
    page.goto("/runs/nobody")
    expect(page.get_by_role("alert")).to_contain_text("no run begins with 'nobody'")


@pytest.mark.parametrize(("tab", "says"), [("workflows", "No workflow ran"), ("agents", "No agent runs in the")])
def test_an_empty_time_tells_how_to_begin(page: Page, tab: str, says: str) -> None:
    page.goto(f"/runs?tab={tab}&start=2001-01-01T00:00:00Z&end=2001-01-02T00:00:00Z")
    expect(page.get_by_text(says)).to_be_visible()
    expect(page.get_by_text("import otel_ax")).to_be_visible()
    expect(page.get_by_role("button", name="Copy")).to_be_visible()


@pytest.mark.parametrize("tab", ["workflows", "agents", "map"])
def test_it_fits_and_axe_finds_nothing(page: Page, tab: str, examine: Callable[[Page, str], None]) -> None:
    page.goto(f"/runs?tab={tab}&range=1d")
    expect(page.locator("tbody tr[data-at]").first).to_be_visible()
    expect(page.locator(".mantine-Skeleton-root")).to_have_count(0)
    examine(page, f"runs-{tab}")


def test_a_run_fits_and_axe_finds_nothing(page: Page, server: Server, examine: Callable[[Page, str], None]) -> None:
    run = items(server, "/api/workflow-runs", filter='status = "failed"', limit=1)[0]
    page.goto(f"/runs/{run['run_id']}")
    expect(table(page, "Steps").first).to_be_visible()
    expect(page.locator(".mantine-Skeleton-root")).to_have_count(0)
    examine(page, "run")
