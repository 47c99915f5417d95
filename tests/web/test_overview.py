"""The overview tells what the server knows, within a second, and what to do where there is nothing yet."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from playwright.sync_api import Browser, Locator, Page, expect

from exporter.clock import SystemClock
from tests.demonstrated import SETTINGS
from tests.otlp import key_values
from tests.running import Server, running, until
from tests.web.browsing import Faults, opened

NS_PER_MS: Final = 1_000_000
POLLED_MS: Final = 10_000
"""So often the page asks for alerts in any case: what is seen sooner was told."""
_WATCH: Final = """
(text) => {
    const look = () => {
        if (!window.seenMs && document.body.innerText.includes(text)) window.seenMs = Date.now();
    };
    new MutationObserver(look).observe(document.body, {childList: true, subtree: true, characterData: true});
    look();
}
"""
_SUDDEN: Final = """
groups:
  - name: sudden
    interval: 1s
    rules:
      - {alert: Sudden, sql: "select 7 as value", operator: ">", threshold: 5, window: 1m, severity: critical}
"""


def tile(page: Page, label: str) -> Locator:
    """A number at the top: its name, the number, what is said below."""
    return page.get_by_role("main").locator("a").filter(has=page.get_by_text(label, exact=True))


def number(page: Page, label: str) -> str:
    """What a tile says, when it is there."""
    value = tile(page, label).locator("> span").nth(1)
    expect(value).to_have_text(re.compile(r"\S"))
    return value.inner_text()


def plain(text: str) -> float:
    """A number as people read it: `$1,234`, `3.57 %`, `2.72M`."""
    match = re.fullmatch(r"\$?([\d.,]+)([kMG]?)(?: %)?", text)
    assert match is not None, text
    return float(match[1].replace(",", "")) * {"": 1, "k": 1e3, "M": 1e6, "G": 1e9}[match[2]]


def items(server: Server, path: str, **asked: Any) -> list[dict[str, Any]]:
    """Rows of the API."""
    known = {name: value for name, value in {"range": "1d", **asked}.items() if value is not None}
    answer = httpx.get(f"{server.ui}{path}", params=known, timeout=60).raise_for_status()
    return list(answer.json()["items"])


def test_its_numbers_are_those_of_the_store(page: Page, server: Server) -> None:
    page.goto("/?range=1d")
    ((calls, failed, spend, tokens),) = server.sql("""
        SELECT count(*), count(*) FILTER (error_type IS NOT NULL), sum(cost_nanos), sum(tokens_input + tokens_output)
        FROM llm_calls""")
    assert number(page, "LLM calls") == f"{calls:,}"
    assert plain(number(page, "Error rate")) == pytest.approx(100 * failed / calls, rel=0.01)
    assert plain(number(page, "Spend")) == pytest.approx(spend / 1e9, rel=0.01)
    assert plain(number(page, "Tokens")) == pytest.approx(tokens, rel=0.01)
    (traces,) = items(server, "/api/traces/stats")
    assert number(page, "Traces") == f"{traces['traces']:,}"


def test_its_lists_are_those_of_the_api(page: Page, server: Server) -> None:
    page.goto("/?range=1d")
    for row in items(server, "/api/calls/failures", limit=8):
        shown = page.get_by_role("region", name="Why LLM calls fail").get_by_role("row").filter(has_text=row["model"])
        expect(shown.filter(has=page.get_by_text(f"{row['count']:,}", exact=True))).not_to_have_count(0)
    providers = page.get_by_role("region", name="Providers").get_by_role("row")
    expect(providers).to_have_count(1 + len(items(server, "/api/providers", range=None)))
    firing = items(server, "/api/alerts", range=None, state="firing")
    expect(page.get_by_test_id("firing")).to_have_text(f"{len(firing)} firing")


def test_a_reason_leads_to_the_calls_that_failed_by_it(page: Page, server: Server) -> None:
    page.goto("/?range=1d")
    row = page.get_by_role("region", name="Why LLM calls fail").get_by_role("row").nth(1)
    said = int(row.get_by_role("cell").first.inner_text().replace(",", ""))
    row.get_by_role("link").first.click()
    expect(page).to_have_url(re.compile(r"/calls\?.*range=1d"))
    found = page.evaluate("new URLSearchParams(location.search).get('filter')")
    (those,) = items(server, "/api/calls", filter=found)
    assert (those["calls"], those["failed"]) == (said, said)


def test_an_alert_is_opened_by_keys(page: Page) -> None:
    page.goto("/")
    expect(page.get_by_role("region", name="Active alerts").get_by_role("row")).not_to_have_count(0)
    page.keyboard.press("j")
    expect(page.get_by_role("region", name="Active alerts").locator("tr[data-at='0']")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/alerts/[0-9a-f]+"))


def test_an_alert_that_fires_is_seen_at_once(page: Page, server: Server) -> None:
    page.goto("/")
    expect(page.get_by_test_id("firing")).to_be_visible()
    page.evaluate(_WATCH, "Sudden")
    (server.data / "rules" / "sudden.yaml").write_text(_SUDDEN)
    until(lambda: bool(items(server, "/api/alerts", range=None, rule="sudden/Sudden", state="firing")), "it fires")
    (alert,) = items(server, "/api/alerts", range=None, rule="sudden/Sudden")
    expect(page.get_by_role("region", name="Active alerts").get_by_text("Sudden")).to_be_visible()
    late_ms = page.evaluate("window.seenMs") - alert["fired_at"] / NS_PER_MS
    assert late_ms < POLLED_MS / 2


@pytest.mark.usefixtures("traffic")
def test_it_follows_what_comes_in(page: Page) -> None:
    page.goto("/?range=1d")
    before = number(page, "LLM calls")
    expect(tile(page, "LLM calls").locator("> span").nth(1)).not_to_have_text(before)
    assert plain(number(page, "LLM calls")) > plain(before)


def test_it_fits_and_axe_finds_nothing(page: Page, examine: Callable[[Page, str], None]) -> None:
    page.goto("/?range=1h")
    expect(page.get_by_role("region", name="Providers")).to_be_visible()
    expect(page.get_by_role("region", name="Why LLM calls fail")).to_be_visible()
    expect(page.locator(".mantine-Skeleton-root")).to_have_count(0)
    examine(page, "overview")


@pytest.mark.usefixtures("built")
@pytest.mark.slow
def test_an_empty_server_tells_how_to_begin_and_turns_into_the_overview(
    browser: Browser, tmp_path: Path, examine: Callable[[Page, str], None], faults: Faults
) -> None:
    with running(tmp_path / "data", environ=SETTINGS) as server, opened(browser, server.ui, faults) as page:
        page.goto("/")
        expect(page.get_by_role("status").filter(has_text="Waiting for the first span")).to_be_visible()
        expect(page.get_by_text("otel_ax.configure")).to_be_visible()
        examine(page, "welcome")
        page.get_by_role("tab", name="Any OpenTelemetry SDK").click()
        expect(page.get_by_text("OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318")).to_be_visible()
        assert number_of_calls(server) == 0
        send_call(server)
        expect(tile(page, "LLM calls").locator("> span").nth(1)).to_have_text("1")
        expect(page.get_by_text("Waiting for the first span")).to_have_count(0)
    assert faults.left() == []


def number_of_calls(server: Server) -> int:
    """Of those that are stored."""
    return int(server.sql("SELECT count(*) FROM llm_calls")[0][0])


def send_call(server: Server) -> None:
    """One call of a model, that has just ended."""
    export = ExportTraceServiceRequest()
    span = export.resource_spans.add().scope_spans.add().spans.add(name="chat gpt-5", kind=3)
    span.trace_id, span.span_id = bytes(range(1, 17)), bytes(range(1, 9))
    span.end_time_unix_nano = SystemClock().wall()
    span.start_time_unix_nano = span.end_time_unix_nano - 800 * NS_PER_MS
    told = {"operation.name": "chat", "provider.name": "openai", "request.model": "gpt-5", "usage.input_tokens": 12}
    span.attributes.extend(key_values({f"gen_ai.{name}": value for name, value in told.items()}))
    headers = {"Content-Type": "application/x-protobuf"}
    sent = httpx.post(f"{server.http}/v1/traces", content=export.SerializeToString(), headers=headers, timeout=30)
    sent.raise_for_status()
