"""Alerts in the dashboard: what fires, what somebody does about it, rules and silences; compared with the API."""

import json
import re
from collections.abc import Callable
from typing import Any, Final

import httpx
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.running import Server, until
from tests.web.browsing import Faults

_SLOW: Final = """
groups:
  - name: web
    interval: 1s
    rules:
      - alert: SlowWeb
        metric: p95_latency
        threshold: 1ms
        window: 30d
        min_samples: 0
        severity: critical
        annotations: {summary: "5 % of calls take longer than {{ value }}", hint: "<img src=x onerror=alert(1)>"}
"""


def asked(server: Server, path: str) -> Any:
    """What the API answers."""
    return httpx.get(f"{server.ui}{path}", timeout=60).raise_for_status().json()


def firing(server: Server, rule: str) -> dict[str, Any] | None:
    """The alert of a rule that fires."""
    items = asked(server, f"/api/alerts?state=firing&rule={rule}")["items"]
    return items[0] if items else None


def rows_of(page: Page, label: str) -> Locator:
    """The rows of a table, without its head."""
    return page.get_by_role("region", name=label, exact=True).locator("tbody tr[data-at]")


@pytest.fixture
def slow(server: Server) -> dict[str, Any]:
    """An alert that LLM calls are slow."""
    (server.data / "rules" / "web.yaml").write_text(_SLOW)
    until(lambda: firing(server, "web/SlowWeb") is not None, "the rule fires")
    found = firing(server, "web/SlowWeb")
    assert found is not None
    return found


# ── What fires ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_fires_is_what_the_api_says(page: Page, server: Server, slow: dict[str, Any]) -> None:
    page.goto("/alerts")
    row = rows_of(page, "Active alerts").filter(has_text=slow["rule"])
    expect(row).to_contain_text("firing")
    expect(row).to_contain_text("critical")
    expect(row).to_contain_text("5 % of calls take longer than")
    active = asked(server, "/api/alerts?state=firing&state=pending&state=acknowledged&limit=500")["items"]
    expect(rows_of(page, "Active alerts")).to_have_count(len(active))
    count = sum(one["state"] == "firing" for one in active)
    expect(page).to_have_title(f"({count}) Alerts · otel-ax")


def test_who_acknowledges_is_known_to_the_api(page: Page, server: Server) -> None:
    until(lambda: firing(server, "quick/Always") is not None, "the rule fires")
    page.goto("/alerts")
    page.get_by_role("button", name="Acknowledge Always").click()
    form = page.get_by_role("dialog")
    form.get_by_label("Your name").fill("Ada <b>")
    form.get_by_label("Note").fill("on it")
    form.get_by_role("button", name="Acknowledge it").click()
    row = rows_of(page, "Active alerts").filter(has_text="Always")
    expect(row).to_contain_text("acknowledged")
    expect(row).to_contain_text("Ada <b>")
    alert = asked(server, "/api/alerts?state=acknowledged&rule=quick/Always")["items"][0]
    assert (alert["acknowledged_by"], alert["note"]) == ("Ada <b>", "on it")

    page.goto(f"/alerts/{alert['id']}")
    page.get_by_role("button", name="Resolve").click()
    expect(page.get_by_role("dialog").get_by_label("Your name")).to_have_value("Ada <b>")  # it is remembered
    page.get_by_role("button", name="Resolve it").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("resolved")
    assert asked(server, f"/api/alerts/{alert['id']}")["resolved_by"] == "Ada <b>"


def test_what_fires_anew_appears_by_itself(page: Page, server: Server) -> None:
    until(lambda: firing(server, "quick/Always") is not None, "the rule fires")
    page.goto("/alerts?tab=history")
    rows = rows_of(page, "History")
    expect(rows.first).to_be_visible()
    expect(page.locator("[data-connection=live]")).to_be_visible()
    before = asked(server, "/api/alerts/history?limit=1")["items"][0]["number"]
    alert = firing(server, "quick/Always")
    assert alert is not None
    httpx.post(f"{server.ui}/api/alerts/{alert['id']}/resolve", json={"by": "eve"}, timeout=30).raise_for_status()
    expect(rows.filter(has_text="eve: by hand").first).to_be_visible(timeout=5_000)
    assert asked(server, "/api/alerts/history?limit=1")["items"][0]["number"] > before


def test_from_an_alert_to_its_slowest_trace(page: Page, server: Server, slow: dict[str, Any]) -> None:
    page.goto("/alerts")
    rows_of(page, "Active alerts").filter(has_text=slow["rule"]).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("SlowWeb")
    expect(page.get_by_text("<img src=x onerror=alert(1)>")).to_be_visible()  # text is text
    expect(page.get_by_role("figure", name="p95_latency over time")).to_be_visible()
    page.get_by_role("link", name="LLM calls over 1ms: all").wait_for()
    first = rows_of(page, "The slowest LLM calls over 1ms").first
    first.focus()
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/traces/[0-9a-f]{32}\?span="))
    trace, span = re.findall(r"/traces/([0-9a-f]{32})\?span=([0-9a-f]{16})", page.url)[0]
    longest = server.sql("SELECT trace_id, span_id FROM llm_calls ORDER BY duration_ns DESC LIMIT 1")
    assert [(trace, span)] == longest  # of the rule's window, which holds all


# ── Rules ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def write(page: Page, text: str) -> None:
    """Puts a text into the editor."""
    editor = page.get_by_role("textbox", name="Rule", exact=True)
    editor.click()
    page.keyboard.press("Control+a")
    page.keyboard.press("Delete")  # else Chromium keeps the style of what it replaces, inline
    page.keyboard.insert_text(text)


def test_a_rule_is_written_tried_kept_and_deleted(page: Page, server: Server, faults: Faults) -> None:
    faults.forgive("status of 400")
    page.goto("/alerts?tab=rules")
    expect(rows_of(page, "Rules")).to_have_count(len(asked(server, "/api/rules?limit=500")["items"]))
    page.get_by_role("link", name="New rule").click()
    write(page, "alert: Costly\nmetric: cost\nthreshold: 2 apples\n")
    page.get_by_role("button", name="Test now").click()
    expect(page.get_by_role("alert")).to_contain_text("3:1: cannot read '2 apples' as a quantity")
    write(page, "alert: Costly\nmetric: cost\nby: [model\n")
    page.get_by_role("button", name="Test now").click()
    expect(page.get_by_role("alert")).to_contain_text(re.compile(r"^[34]:\d+: "))

    write(page, "alert: Costly\nmetric: cost\nthreshold: $0.000001\nwindow: 1h\nby: [model]\n")
    page.get_by_role("button", name="Test now").click()
    rule = {"alert": "Costly", "metric": "cost", "threshold": "$0.000001", "window": "1h", "by": ["model"]}
    tried = httpx.post(f"{server.ui}/api/rules/test", json={"rule": rule}, timeout=60).json()
    fires = sum(one["transition"] == "firing" for one in tried["changes"])
    expect(page.get_by_role("heading", name=f"Now: {fires} would fire")).to_be_visible()
    page.get_by_role("button", name="Backtest", exact=True).click()
    expect(page.get_by_role("heading", name=re.compile("It would have fired .* in 24h"))).to_be_visible()

    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Costly")
    assert asked(server, "/api/rules/api/Costly")["definition"] == rule
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    page.wait_for_url("**/alerts?tab=rules")
    assert httpx.get(f"{server.ui}/api/rules/api/Costly", timeout=30).status_code == 404


def test_a_rule_of_a_file_is_read_and_turned_off(page: Page, server: Server) -> None:
    page.goto("/alerts/rules/defaults/SlowCalls")
    editor = page.get_by_role("textbox", name="Rule", exact=True)
    expect(editor).to_have_attribute("aria-readonly", "true")
    expect(editor).to_contain_text("metric: p95_latency")
    expect(page.get_by_role("button", name="Save")).to_have_count(0)
    page.get_by_role("switch", name="On").click(force=True)  # its track is what is seen
    expect(page.get_by_role("switch", name="Off")).to_be_visible()
    assert asked(server, "/api/rules/defaults/SlowCalls")["enabled"] is False


# ── Silences ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_silence_is_made_and_ended(page: Page, server: Server, faults: Faults) -> None:
    faults.forgive("status of 400")
    page.goto("/alerts?tab=silences")
    page.get_by_role("button", name="New silence").click()
    form = page.get_by_role("dialog")
    form.get_by_label("Matchers").fill("team is chat")
    form.get_by_role("button", name="Silence").click()
    expect(form).to_contain_text("as a matcher")
    form.get_by_label("Matchers").fill("")
    for _ in range(2):
        page.keyboard.press("Backspace")
    form.get_by_label("Matchers").fill("team=web")
    form.get_by_label("Note").fill("a deploy")
    form.get_by_role("button", name="Silence").click()
    row = rows_of(page, "Silences").filter(has_text="team=web")
    expect(row).to_contain_text("a deploy")
    assert "team=web" in json.dumps(asked(server, "/api/silences"))
    row.get_by_role("button", name="End the silence of team=web").click()
    expect(row).to_have_count(0)
    assert "team=web" not in json.dumps(asked(server, "/api/silences"))


# ── How it looks ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("path", ["/alerts", "/alerts?tab=rules", "/alerts/rules/defaults/SlowCalls", "/alerts/ALERT"])
def test_it_fits_each_size_and_axe_finds_nothing(
    page: Page, slow: dict[str, Any], examine: Callable[[Page, str], None], path: str
) -> None:
    page.goto(path.replace("ALERT", slow["id"]))
    page.wait_for_load_state("networkidle")
    expect(page.locator("[aria-busy=true]")).to_have_count(0)
    examine(page, re.sub(r"\W+", "-", path).strip("-"))
