"""Metrics: values in the table and in the chart are those that SQL has; what is chosen is in the URL."""

import re
from collections.abc import Callable
from typing import Any, Final

import httpx
from playwright.sync_api import Locator, Page, expect

from tests.running import Server

DAY: Final = "range=24h"
CALLS_AT: Final = """
SELECT count(*) FROM llm_calls
WHERE strftime(
  time_bucket(INTERVAL 15 minutes, start_time + to_microseconds(duration_ns // 1000)) AT TIME ZONE 'UTC', '%H:%M:%S'
) = ?
"""
"""That ended in a bucket as wide as a day's are, by when it begins."""


def cells(page: Page, *, at: int = 1) -> dict[str, str]:
    """What the table says of each group: the text of its column `at`."""
    found = {}
    for row in page.get_by_role("region", name="Values by group").locator("tbody tr[data-at]").all():
        texts = row.locator("td").all_inner_texts()
        found[texts[0]] = texts[at]
    return found


def chart(page: Page, name: str) -> Locator:
    """The figure of a metric."""
    return page.get_by_role("figure", name=f"{name} over time")


def test_values_by_group_are_those_that_sql_has(page: Page, server: Server) -> None:
    page.goto(f"/explore?{DAY}&metric=calls&by=model")
    stored = server.sql("SELECT request_model, count(*) FROM llm_calls GROUP BY ALL")
    assert len(stored) > 2
    page.get_by_role("region", name="Values by group").wait_for()
    assert cells(page) == {model or "(none)": f"{number:,}" for model, number in stored}


def test_each_point_of_the_chart_is_what_sql_has(page: Page, server: Server) -> None:
    page.goto(f"/explore?{DAY}&metric=calls")
    figure = chart(page, "calls")
    box = figure.locator(".u-over").bounding_box()
    assert box is not None
    seen = 0
    for part in range(60, 100):
        page.mouse.move(box["x"] + box["width"] * part / 100, box["y"] + 40)
        legend = figure.locator("figcaption").inner_text()
        moment = re.search(r"(?:(\d+) (\w{3}) )?(\d\d:\d\d:\d\d)$", legend)
        assert moment is not None, legend
        shown = re.search(r"all\s+([\d,]+)", legend)
        assert shown is not None, legend
        ((stored,),) = server.sql(CALLS_AT, moment[3])
        assert shown[1].replace(",", "") == str(stored), legend
        seen += stored > 0
    assert seen > 0


def test_a_stored_histogram_is_shown_by_its_percentiles(page: Page, server: Server) -> None:
    page.goto(f"/explore?{DAY}&metric=ax.operation.duration")
    legend = chart(page, "ax.operation.duration").locator("figcaption")
    for name in ("p50", "p95", "p99"):
        expect(legend.get_by_role("button", name=re.compile(f"^{name} "))).to_be_visible()
    answer = httpx.get(f"{server.ui}/api/metrics/ax.operation.duration?{DAY}&aggregation=count", timeout=30)
    page.get_by_role("combobox", name="Aggregation").click()
    page.get_by_role("option", name="how many").click()
    expect(page).to_have_url(re.compile("aggregation=count"))
    (total,) = answer.json()["items"]
    expect(page.get_by_role("region", name="Values by group").locator("tbody td").nth(1)).to_have_text(
        f"{int(total['value']):,}"
    )


def test_a_metric_is_found_and_chosen(page: Page) -> None:
    page.goto(f"/explore?{DAY}")
    expect(page.get_by_role("heading", name="calls", exact=True)).to_be_visible()
    page.keyboard.press("f")
    page.keyboard.type("error share")
    names = page.get_by_role("navigation", name="Metrics").get_by_role("link")
    expect(names).to_have_count(1)
    names.first.click()
    expect(page.get_by_role("heading", name="error_rate", exact=True)).to_be_visible()
    expect(page).to_have_url(re.compile("metric=error_rate"))


def test_a_group_leads_to_its_calls(page: Page) -> None:
    page.goto(f"/explore?{DAY}&metric=cost&by=provider")
    row = page.get_by_role("region", name="Values by group").locator("tbody tr[data-at]").first
    provider = row.locator("td").first.inner_text()
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/calls\?"))
    assert f"provider+%3D+%22{provider}%22" in page.url or f"provider%20%3D%20%22{provider}%22" in page.url


def test_a_filter_that_cannot_be_read_says_so(page: Page, faults: Any) -> None:
    faults.forgive("400")
    page.goto(f"/explore?{DAY}&filter=nothing%20%3D%201")
    expect(page.get_by_text("have no field 'nothing'")).to_be_visible()


def test_a_metric_without_points_says_so(page: Page, faults: Any) -> None:
    faults.forgive("400")
    faults.forgive("404")
    page.goto(f"/explore?{DAY}&metric=no.such.metric")
    expect(page.get_by_role("alert")).to_contain_text("there is no measure no.such.metric")


def test_it_reads_in_each_size_and_theme(page: Page, examine: Callable[[Page, str], None]) -> None:
    page.goto(f"/explore?{DAY}&metric=tokens&by=model&stacked=1")
    chart(page, "tokens").locator("canvas").wait_for()
    page.get_by_role("region", name="Values by group").wait_for()
    examine(page, "metrics")
