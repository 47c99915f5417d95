"""Costs & budgets: spend is as stored; budgets are made, changed and deleted; what has no price is told."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import httpx
import pytest
from playwright.sync_api import Locator, Page, expect

from exporter.clock import SystemClock
from tests.running import Server, until
from tests.web.browsing import Faults
from tests.web.calling import DAY, call, percent, usd

ALL: Final = "range=7d"


def rows(page: Page, table: str | re.Pattern[str]) -> Locator:
    """The rows of a table, without its head."""
    return page.get_by_role("region", name=table).locator("tbody tr:not([aria-hidden])")


def budget(server: Server, name: str) -> dict[str, Any]:
    """A budget as the API tells it; empty where there is none."""
    answer = httpx.get(f"{server.ui}/api/budgets/{name}", timeout=30)
    found: dict[str, Any] = answer.json() if answer.status_code == 200 else {}
    return found


def of(page: Page, name: str) -> Locator:
    """A budget on the page."""
    return page.get_by_role("listitem").filter(has=page.get_by_role("meter", name=f"Used of {name}", exact=True))


@pytest.fixture
def made(server: Server) -> Iterator[Callable[..., None]]:
    """Makes a budget over the API, which is gone afterwards."""
    names: list[str] = []

    def make(name: str, **more: object) -> None:
        answer = httpx.post(f"{server.ui}/api/budgets", json={"budget": {"name": name, **more}}, timeout=30)
        assert answer.status_code == 201, answer.text
        names.append(name)

    yield make
    for name in names:
        httpx.delete(f"{server.ui}/api/budgets/{name}", timeout=30)


# ── What is spent on what ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("by", "column"),
    [
        ("user", "user_id"),
        *(pytest.param(*by, marks=pytest.mark.slow) for by in (("model", "model"), ("tenant", "tenant_id"))),
    ],
)
def test_spend_by_a_dimension_is_that_of_sql(page: Page, server: Server, by: str, column: str) -> None:
    page.goto(f"/costs?{ALL}")
    page.get_by_label("Group by").select_option(by)
    stored = server.sql(
        f"SELECT {column}, sum(cost_nanos)::BIGINT AS nanos, count(*) FROM llm_calls"
        " GROUP BY 1 HAVING nanos IS NOT NULL ORDER BY 2 DESC LIMIT 5"
    )
    ((total,),) = server.sql("SELECT sum(cost_nanos)::BIGINT FROM llm_calls")
    for at, (name, nanos, calls) in enumerate(stored):
        cells = rows(page, f"Spent by {by}").nth(at).locator("td")
        expect(cells.nth(0)).to_have_text(name or "(none)")
        expect(cells.nth(1)).to_have_text(usd(nanos))
        expect(cells.nth(2)).to_contain_text(percent(nanos / total))
        expect(cells.nth(4)).to_have_text(f"{calls:,}")
    expect(page.locator(".panel", has=page.get_by_text("Spent", exact=True)).first).to_contain_text(usd(total))


def test_a_group_leads_to_its_calls(page: Page) -> None:
    page.goto(f"/costs?{ALL}&by=model&filter=operation+%3D+chat")
    rows(page, "Spent by model").get_by_role("link").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("LLM calls")
    expect(page.get_by_label("Filter", exact=True)).to_have_value(re.compile('operation = chat and model = "'))


def test_dear_calls_are_the_dearest_and_lead_to_their_bill(page: Page, server: Server) -> None:
    ((dearest, nanos),) = server.sql("SELECT span_id, cost_nanos FROM llm_calls ORDER BY 2 DESC NULLS LAST LIMIT 1")
    page.goto(f"/costs?{ALL}")
    first = rows(page, re.compile("^Calls that cost more")).first
    expect(first.locator("td").first).to_have_text(usd(nanos))
    first.click()
    page.wait_for_url(re.compile(f"/calls/{dearest}"))


def test_calls_without_a_price_are_named(page: Page, server: Server) -> None:
    call(server, "our-own-13b", {"gen_ai.provider.name": "our-cellar"})
    page.goto(f"/costs?{ALL}")
    row = rows(page, "Models whose calls have no price").filter(has_text="our-own-13b")
    expect(row.locator("td").last).to_have_text("1")
    expect(page.get_by_text('model = "our-own-13b"')).to_be_visible()
    expect(page.get_by_text("ax cost reprice --since 7d")).to_be_visible()


# ── Budgets ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_budget_is_made_changed_and_deleted(page: Page, server: Server, faults: Faults) -> None:
    faults.forgive("400")
    page.goto(f"/costs?{ALL}")
    page.get_by_role("button", name="New budget").click()
    form = page.get_by_role("dialog", name="New budget")
    form.get_by_label("Name").fill("agents")
    form.get_by_label("Amount").fill("many")
    form.get_by_label("Time zone").fill("Europe/Berlin")
    form.get_by_label("Period").select_option("week")
    form.get_by_label("agent", exact=True).fill("support-agent, refund")
    form.get_by_role("button", name="Make it").click()
    expect(form.get_by_label("Amount")).to_have_attribute("aria-invalid", "true")
    form.get_by_label("Amount").fill("12.50")
    form.get_by_role("button", name="Make it").click()
    expect(of(page, "agents")).to_contain_text("$12.50")
    kept = budget(server, "agents")
    assert (kept["limit_nanos"], kept["per"], kept["zone"]) == (12_500_000_000, "week", "Europe/Berlin")
    assert kept["scope"] == {"agent": ["support-agent", "refund"]}

    page.get_by_role("button", name="Change agents").click()
    form = page.get_by_role("dialog", name="Change agents")
    form.get_by_label("Amount").fill("20")
    form.get_by_role("button", name="Save").click()
    expect(of(page, "agents")).to_contain_text("$20.00")
    assert budget(server, "agents")["scope"] == kept["scope"]

    page.get_by_role("button", name="Change agents").click()
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("button", name="Really delete agents").click()
    expect(of(page, "agents")).to_have_count(0)
    assert budget(server, "agents") == {}


def test_a_budget_of_a_file_cannot_be_changed_here(page: Page, server: Server) -> None:
    items = httpx.get(f"{server.ui}/api/budgets", timeout=30).json()["items"]
    page.goto(f"/costs?{ALL}")
    for one in items:
        is_ours = one["origin"] == "api"
        expect(of(page, one["name"])).to_contain_text("%")
        expect(page.get_by_role("button", name=f"Change {one['name']}", exact=True)).to_have_count(int(is_ours))
        if not is_ours:
            expect(of(page, one["name"])).to_contain_text(f"declared in {one['origin']}: change it there")


def test_a_period_is_projected_with_its_interval(page: Page, server: Server, made: Callable[..., None]) -> None:
    now = SystemClock().wall()
    for days in range(1, 5):
        call(server, "gpt-5-mini", {"gen_ai.agent.name": "projected"}, ago_ns=days * DAY)
    today = datetime.fromtimestamp(now / 1e9, UTC).date()
    start, end = today - timedelta(days=4), today + timedelta(days=6)
    made("ahead", usd=1, per="custom", start=f"{start}", end=f"{end}", scope={"agent": ["projected"]})
    until(lambda: bool((budget(server, "ahead").get("projection") or {}).get("expected_nanos")), "the projection")
    expected = budget(server, "ahead")["projection"]
    page.goto(f"/costs?{ALL}&budget=ahead")
    panel = page.locator("section", has=page.get_by_role("heading", name="What is expected of ahead"))
    for name in ("expected_nanos", "low_nanos", "high_nanos"):
        expect(panel).to_contain_text(usd(expected[name]))
    expect(panel.get_by_role("button", name=re.compile("^P90"))).to_be_visible()
    text = f"expected {usd(expected['expected_nanos'])} at the end of the period"
    expect(of(page, "ahead").get_by_role("meter")).to_have_attribute("aria-valuetext", re.compile(re.escape(text)))


def test_it_fits_and_can_be_read_by_all(page: Page, examine: Callable[[Page, str], None]) -> None:
    page.goto(f"/costs?{ALL}")
    expect(rows(page, "Spent by model").first).to_be_visible()
    expect(page.get_by_role("region", name="Advice")).to_be_visible()
    expect(rows(page, re.compile("^Calls that cost more")).first).to_be_visible()
    examine(page, "costs")
    page.get_by_role("button", name="New budget").click()
    expect(page.get_by_role("dialog", name="New budget")).to_be_visible()
    examine(page, "budget")
