"""Logs: what the page counts and lists is what is stored; it follows; a record leads on; what was sent stays text."""

import os
import re
import time
from collections.abc import Callable
from itertools import count
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import httpx
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from playwright.sync_api import Locator, Page, expect

from exporter.clock import SystemClock
from tests.otlp import key_values
from tests.running import Server, until

PROTOBUF: Final = {"Content-Type": "application/x-protobuf"}
LEVELS: Final = {"error": (17, 20), "warn": (13, 16), "info": (9, 12)}
SOON_S: Final = 1.0
"""Within which a stored record is shown, by a machine that has no more to do than processors to do it."""
_numbers: Final = count()


def send(server: Server, *bodies: str, severity: int = 9, **attributes: str) -> None:
    """A service logs these now."""
    export = ExportLogsServiceRequest()
    resource = export.resource_logs.add()
    resource.resource.attributes.extend(key_values({"service.name": "till"}))
    records = resource.scope_logs.add().log_records
    for at, body in enumerate(bodies):
        record = records.add(time_unix_nano=SystemClock().wall() + at, severity_number=severity)
        record.body.string_value = body
        record.attributes.extend(key_values({f"till.{name}": value for name, value in attributes.items()}))
    httpx.post(f"{server.http}/v1/logs", content=export.SerializeToString(), headers=PROTOBUF, timeout=30)


def found(server: Server, **query: str) -> list[dict[str, Any]]:
    """Records as the API lists them."""
    answer = httpx.get(f"{server.ui}/api/logs", params={"range": "24h", "limit": "500", **query}, timeout=30)
    items: list[dict[str, Any]] = answer.raise_for_status().json()["items"]
    return items


def rows(page: Page) -> Locator:
    """The records that are drawn."""
    return page.get_by_role("list", name="Log records").get_by_role("listitem")


def parameter(page: Page, name: str) -> str:
    """One of the URL."""
    return parse_qs(urlsplit(page.url).query).get(name, [""])[0]


def test_levels_are_counted_as_they_are_stored(page: Page, server: Server) -> None:
    page.goto("/logs?range=24h")
    for level, (least, most) in LEVELS.items():
        ((stored,),) = server.sql("SELECT count(*) FROM logs WHERE severity_number BETWEEN ? AND ?", least, most)
        assert stored > 0
        button = page.get_by_role("group", name="Levels").get_by_role("button", name=re.compile(f"^{level}"))
        expect(button).to_have_attribute("title", f"{stored:,} records of the level {level}")


def test_a_level_a_search_and_a_filter_narrow_the_list(page: Page, server: Server) -> None:
    page.goto("/logs?range=24h")
    page.get_by_role("group", name="Levels").get_by_role("button", name=re.compile("^error")).click()
    page.keyboard.press("/")
    page.keyboard.type('"timed out" OR refused')
    page.keyboard.press("Enter")
    page.get_by_role("combobox", name="Filter").or_(page.get_by_role("textbox", name="Filter")).fill(
        "service = helpdesk"
    )
    page.keyboard.press("Enter")
    expected = found(server, search='"timed out" OR refused', filter="service = helpdesk and severity >= 17")
    assert len(expected) > 1
    expect(page.get_by_role("button", name=f"Download these {len(expected)} records as CSV")).to_be_visible()
    expect(rows(page).first).to_contain_text(expected[0]["body"])
    assert parameter(page, "level") == "error"
    assert parameter(page, "search") == '"timed out" OR refused'


def test_what_cannot_be_read_says_so_where_it_is_written(page: Page, faults: Any) -> None:
    faults.forgive("400")
    page.goto("/logs?search=nothing:1")
    expect(page.get_by_text("log records have no field 'nothing'")).to_be_visible()


def test_a_record_is_shown_within_a_second_of_being_stored(page: Page, server: Server) -> None:
    page.goto("/logs?range=15m")
    expect(page.locator("[data-connection=live]")).to_be_visible()
    word = f"drawer-{next(_numbers)}"
    send(server, f"{word} is open")
    until(lambda: bool(found(server, search=word)), "it is stored")
    stored = time.monotonic()
    expect(rows(page).first).to_contain_text(f"{word} is open")
    assert time.monotonic() - stored <= SOON_S * max(os.getloadavg()[0] / (os.cpu_count() or 1), 1)


def test_what_comes_in_waits_while_somebody_reads(page: Page, server: Server) -> None:
    send(server, *(f"coin {at}" for at in range(80)))
    until(lambda: len(found(server, search="coin")) >= 80, "they are stored")
    page.goto("/logs?range=15m&search=coin")
    expect(rows(page).first).to_contain_text("coin 79")
    page.locator("[data-connection=live]").wait_for()
    rows(page).first.get_by_role("button").first.focus()
    page.get_by_role("list", name="Log records").locator("..").evaluate("one => { one.scrollTop = 600 }")
    expect(rows(page).filter(has_text="coin 79")).to_have_count(0)
    before = rows(page).all_inner_texts()
    send(server, "coin of the late", "coin of the later")
    pill = page.get_by_role("button", name="2 new")
    pill.wait_for()
    assert rows(page).all_inner_texts() == before
    pill.click()
    expect(rows(page).first).to_contain_text("coin of the later")


def test_by_keys_a_record_is_opened_and_leads_to_more_like_it(page: Page, server: Server) -> None:
    send(server, "the scale stands still", shelf="a-7")
    until(lambda: bool(found(server, search="scale")), "it is stored")
    page.goto("/logs?range=15m&search=scale")
    expect(rows(page)).to_have_count(1)
    page.keyboard.press("j")
    page.wait_for_function("document.activeElement !== document.body")
    page.keyboard.press("Enter")
    detail = rows(page).get_by_role("table")
    expect(detail).to_contain_text("till.shelf")
    assert parameter(page, "open")
    detail.get_by_role("button", name="Only with this till.shelf").click()
    expect(page).to_have_url(re.compile("filter="))
    assert parameter(page, "filter") == 'till.shelf = "a-7"'
    expect(rows(page)).to_have_count(1)
    rows(page).get_by_role("button", name="Without this till.shelf").click()
    expect(page.get_by_text("No record of this time is found")).to_be_visible()


def test_a_record_of_a_span_leads_to_its_trace(page: Page, server: Server) -> None:
    one = next(one for one in found(server) if one["trace_id"] and one["span_id"])
    page.goto(f"/logs?range=24h&filter=span%20%3D%20%22{one['span_id']}%22")
    href = f"/traces/{one['trace_id']}?span={one['span_id']}&range=24h"
    expect(rows(page).first.get_by_role("link", name="Open its trace")).to_have_attribute("href", href)


def test_what_is_shown_is_had_as_csv(page: Page, server: Server) -> None:
    query = {"range": "24h", "filter": "severity >= 17"}
    page.goto("/logs?range=24h&filter=severity%20%3E%3D%2017")
    expect(rows(page).first).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("button", name=re.compile("as CSV")).click()
    told = httpx.get(
        f"{server.ui}/api/logs", params={**query, "limit": "200"}, headers={"Accept": "text/csv"}, timeout=30
    )
    assert download.value.path().read_text() == told.text


def test_hostile_text_is_text(page: Page, server: Server) -> None:
    hostile = "<img src=x onerror=alert(1)>\u202e\x1b[31m{{7*7}} swine"
    send(server, hostile, shelf="<script>alert(2)</script>")
    until(lambda: bool(found(server, search="swine")), "it is stored")
    page.goto("/logs?range=15m&search=swine")
    rows(page).first.get_by_role("button").first.click()
    expect(rows(page).first.get_by_role("table")).to_contain_text("<script>alert(2)</script>")
    text = rows(page).first.inner_text()
    assert "<img src=x onerror=alert(1)>" in text
    assert not {"\u202e", "\x1b"} & set(text)


def test_where_nothing_is_it_says_what_to_do(page: Page) -> None:
    page.goto("/logs?start=2020-01-01T00:00:00Z&end=2020-01-02T00:00:00Z")
    expect(page.get_by_text("No log records in the chosen time")).to_be_visible()
    expect(page.get_by_text('otel_ax.init(service_name="shop")')).to_be_visible()
    expect(page.get_by_role("button", name="Copy")).to_be_visible()


def test_it_reads_in_each_size_and_theme(page: Page, examine: Callable[[Page, str], None]) -> None:
    page.goto("/logs?range=24h")
    rows(page).nth(2).get_by_role("button").first.click()
    expect(rows(page).nth(2).get_by_role("table")).to_be_visible()
    examine(page, "logs")
