"""Health tells how the server and what it observes are, what changed, what is stored, and whether notices get out."""

import re
from collections.abc import Callable
from typing import Any

import httpx
from playwright.sync_api import Page, expect

from tests.running import Server


def asked(server: Server, path: str, **parameters: Any) -> Any:
    """An answer of the API."""
    return httpx.get(f"{server.ui}{path}", params=parameters, timeout=60).raise_for_status().json()


def test_each_component_is_there_with_its_state(page: Page, server: Server) -> None:
    page.goto("/health")
    names = {"server": "This server", "observed": "What it observes"}
    for name, one in asked(server, "/api/health/components").items():
        row = page.get_by_role("region", name=names[one["part"]]).get_by_role("row").filter(has_text=name)
        expect(row.first).to_contain_text(re.compile("healthy|degraded"))
    part = page.get_by_role("region", name="This server").get_by_role("row")
    expect(part).to_have_count(
        1 + sum(one["part"] == "server" for one in asked(server, "/api/health/components").values())
    )


def test_what_changed_is_listed_and_can_be_that_of_one_component(page: Page, server: Server) -> None:
    page.goto("/health")
    changes = page.get_by_role("region", name="Changes of components")
    rows = changes.locator("tbody tr[data-at]")
    expect(rows).not_to_have_count(0)
    component = asked(server, "/api/health/events", limit=1)["items"][0]["component"]
    rows.filter(has_text=component).first.click()
    expect(page).to_have_url(re.compile(r"component="))
    own = asked(server, "/api/health/events", component=component, limit=100)["items"]
    expect(changes.locator("table")).to_have_attribute("aria-rowcount", str(1 + len(own)))
    expect(rows.filter(has_not_text=component)).to_have_count(0)
    page.reload()
    expect(page.get_by_text(f"only {component}")).to_be_visible()
    page.get_by_role("button", name="Changes of all components").click()
    expect(page).not_to_have_url(re.compile(r"component="))


def test_what_is_stored_is_what_is_stored(page: Page, server: Server) -> None:
    page.goto("/health")
    for table in ("spans", "logs"):
        ((stored,),) = server.sql(f"SELECT count(*) FROM {table}")
        row = page.get_by_role("region", name="Stored tables").locator("tbody tr")
        cells = row.filter(has=page.get_by_text(table, exact=True)).get_by_role("cell")
        expect(cells.nth(1)).to_have_text(f"{stored:,}")


def test_a_channel_can_be_tried(page: Page, server: Server) -> None:
    page.goto("/health")
    channels = page.get_by_role("region", name="Notification channels")
    names = [one["name"] for one in asked(server, "/api/notifications/channels")]
    expect(channels.locator("tbody tr")).to_have_count(len(names))
    page.get_by_role("button", name="Test log", exact=True).click()
    expect(page.get_by_role("status").filter(has_text="log took the test")).to_contain_text("resolved:")
    told = asked(server, "/api/notifications/channels")
    assert "log" in [one["name"] for one in told]


def test_of_a_component_that_never_changed_it_says_so(page: Page, server: Server) -> None:
    page.goto("/health?component=no+such")
    expect(page.get_by_text("Nothing has changed")).to_be_visible()
    assert asked(server, "/api/health/events", component="no such")["items"] == []


def test_it_fits_and_axe_finds_nothing(page: Page, examine: Callable[[Page, str], None]) -> None:
    page.goto("/health")
    expect(page.get_by_role("region", name="Stored tables")).to_be_visible()
    expect(page.get_by_role("region", name="What it observes")).to_be_visible()
    expect(page.locator(".mantine-Skeleton-root")).to_have_count(0)
    examine(page, "health")
