"""LLM calls: what the page counts is what is stored; a group, a reason and a call lead on; a call tells its price."""

import re
from collections.abc import Callable
from typing import Final
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.running import Server
from tests.web.browsing import Faults
from tests.web.calling import call, said, usd

ALL: Final = "range=7d"
NEWEST: Final = "SELECT span_id, trace_id FROM llm_calls ORDER BY start_time DESC LIMIT 1"


def rows(page: Page, table: str) -> Locator:
    """The rows of a table, without its head."""
    return page.get_by_role("region", name=table).locator("tbody tr:not([aria-hidden])")


def stat(page: Page, label: str) -> Locator:
    """A number at the top."""
    return page.locator(".panel", has=page.get_by_text(label, exact=True)).first


def filtered(page: Page) -> str:
    """The filter in the URL."""
    return parse_qs(urlsplit(page.url).query).get("filter", [""])[0]


def test_totals_are_those_that_are_stored(page: Page, server: Server) -> None:
    page.goto(f"/calls?{ALL}")
    ((calls, failed, cost),) = server.sql(
        "SELECT count(*), count(*) FILTER (failed), sum(cost_nanos)::BIGINT FROM llm_calls"
    )
    assert failed > 0
    expect(stat(page, "Calls")).to_contain_text(f"{calls:,}")
    expect(stat(page, "Failed")).to_contain_text(f"{failed:,} calls")
    expect(stat(page, "Cost")).to_contain_text(usd(cost))


@pytest.mark.parametrize(
    "by", ["model", *(pytest.param(by, marks=pytest.mark.slow) for by in ("provider", "operation"))]
)
def test_groups_are_counted_as_they_are_stored(page: Page, server: Server, by: str) -> None:
    page.goto(f"/calls?{ALL}")
    page.get_by_role("radiogroup", name="Group by").get_by_text(by.capitalize(), exact=True).click()
    stored = server.sql(f"SELECT {by}, count(*), sum(cost_nanos)::BIGINT FROM llm_calls GROUP BY 1 ORDER BY 2 DESC, 1")
    found = rows(page, f"LLM calls by {by}")
    expect(found).to_have_count(len(stored))
    for name, calls, cost in stored:
        row = found.filter(has=page.get_by_role("link", name=name, exact=True))
        expect(row.locator("td").nth(1)).to_have_text(f"{calls:,}")
        expect(row.locator("td").nth(10)).to_have_text(usd(cost))
    assert parse_qs(urlsplit(page.url).query).get("by", ["model"]) == [by]


def test_a_group_leads_to_its_calls_alone(page: Page, server: Server) -> None:
    page.goto(f"/calls?{ALL}")
    rows(page, "LLM calls by model").get_by_role("link", name="gpt-5-mini", exact=True).click()
    expect(page.get_by_label("Filter", exact=True)).to_have_value('model = "gpt-5-mini"')
    ((calls,),) = server.sql("SELECT count(*) FROM llm_calls WHERE model = 'gpt-5-mini'")
    expect(stat(page, "Calls")).to_contain_text(f"{calls:,}")
    expect(rows(page, "LLM calls by model")).to_have_count(1)


def test_a_reason_leads_to_the_calls_that_failed_for_it(page: Page, server: Server) -> None:
    page.goto(f"/calls?{ALL}")
    reason, model, calls = server.sql(
        "SELECT error_type, model, count(*) FROM llm_calls WHERE failed GROUP BY ALL ORDER BY 3 DESC, 2 LIMIT 1"
    )[0]
    row = rows(page, "Reasons of failures").filter(has_text=model)
    expect(row.locator("td").nth(3)).to_have_text(f"{calls:,}")
    row.get_by_role("link").first.click()
    expect(stat(page, "Calls")).to_contain_text(f"{calls:,}")
    assert reason in filtered(page)
    expect(rows(page, "LLM calls, newest first").first).to_contain_text("failed")


def test_a_filter_that_cannot_be_read_says_where(page: Page, faults: Faults) -> None:
    faults.forgive("400")
    page.goto("/calls?filter=model+%3D")
    expect(page.get_by_text(re.compile("column 8")).first).to_be_visible()


def test_the_newest_call_is_opened_by_keys_and_tells_its_price(page: Page, server: Server) -> None:
    asked = {"gen_ai.input.messages": [said("user", "what is <b>this</b>?")], "gen_ai.agent.name": "by-keys"}
    span = call(server, "gpt-5-mini", asked)
    page.goto(f"/calls?{ALL}")
    expect(rows(page, "LLM calls, newest first").first).to_contain_text("by-keys")
    page.keyboard.press("j")
    expect(page.locator("tr[data-at]:focus")).to_have_count(1)
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(f"/calls/{span}"))
    ((cost, cost_in, trace),) = server.sql(
        "SELECT cost_nanos, (cost_input_usd * 1e9)::BIGINT, trace_id FROM llm_calls WHERE span_id = ?", span
    )
    bill = page.get_by_role("table", name="What the call cost, by part")
    expect(bill.get_by_role("row", name=re.compile("^Input")).locator("td").last).to_have_text(usd(cost_in))
    expect(bill.get_by_role("row", name=re.compile("^Together")).locator("td").last).to_have_text(usd(cost))
    expect(page.get_by_role("list", name="Prompt")).to_contain_text("what is <b>this</b>?")
    link = page.get_by_role("link", name="Open in its trace")
    expect(link).to_have_attribute("href", re.compile(f"^/traces/{trace}\\?span={span}"))


def test_a_call_without_text_says_how_to_have_it_kept(page: Page, server: Server) -> None:
    span = call(server, "gpt-5-mini")
    page.goto(f"/calls/{span}")
    expect(page.get_by_text("Not captured")).to_be_visible()
    expect(page.get_by_text("AX_CONTENT=true")).to_be_visible()


def test_a_call_that_comes_in_is_shown_at_once(page: Page, server: Server) -> None:
    page.goto("/calls?range=1h")
    expect(page.locator("[data-connection=live]")).to_be_visible()
    call(server, "gpt-5-nano")
    expect(rows(page, "LLM calls, newest first").filter(has_text="gpt-5-nano")).to_be_visible()
    expect(rows(page, "LLM calls by model").get_by_role("link", name="gpt-5-nano", exact=True)).to_be_visible()


def test_where_nothing_is_it_says_what_to_do(page: Page) -> None:
    page.goto("/calls?start=2020-01-01T00:00:00Z&end=2020-01-02T00:00:00Z")
    expect(page.get_by_text("No LLM calls in this time")).to_be_visible()
    expect(page.get_by_text("otel_ax.configure")).to_be_visible()


def test_it_fits_and_can_be_read_by_all(page: Page, server: Server, examine: Callable[[Page, str], None]) -> None:
    page.goto(f"/calls?{ALL}")
    expect(rows(page, "LLM calls, newest first").first).to_be_visible()
    expect(page.get_by_role("figure").first).to_be_visible()
    examine(page, "calls")
    ((span, trace),) = server.sql(NEWEST)
    page.goto(f"/calls/{span}?trace={trace}")
    expect(page.get_by_role("heading", name="All attributes")).to_be_visible()
    examine(page, "call")
