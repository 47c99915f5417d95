"""Conversations: who talked and what it took is as it is stored; what was said is told once, in its order."""

import re
from collections.abc import Callable
from secrets import token_bytes
from typing import Any, Final

import httpx
from playwright.sync_api import Locator, Page, expect

from tests.otlp import Plain
from tests.running import Server
from tests.web.calling import SECOND, call, said, usd

ALL: Final = "range=7d"


def listed(server: Server, **query: str) -> list[dict[str, Any]]:
    """Conversations as the API lists them."""
    answer = httpx.get(f"{server.ui}/api/conversations", params={"range": "7d", **query}, timeout=30)
    items: list[dict[str, Any]] = answer.raise_for_status().json()["items"]
    return items


def rows(page: Page) -> Locator:
    """Those that are drawn."""
    return page.get_by_role("region", name="Conversations, latest first").locator("tbody tr:not([aria-hidden])")


def test_the_list_is_what_is_stored(page: Page, server: Server) -> None:
    page.goto(f"/conversations?{ALL}")
    for at, one in enumerate(listed(server)[:8]):
        cells = rows(page).nth(at).locator("td")
        expect(cells.nth(1)).to_have_text(one["conversation_id"])
        expect(cells.nth(7)).to_have_text(f"{one['llm_calls']:,}")
        ((cost,),) = server.sql(
            "SELECT sum(cost_nanos)::BIGINT FROM llm_calls WHERE conversation_id = ?", one["conversation_id"]
        )
        expect(cells.nth(12)).to_have_text("–" if cost is None else usd(cost))


def test_a_filter_narrows_it(page: Page, server: Server) -> None:
    page.goto(f"/conversations?{ALL}")
    page.get_by_label("Filter", exact=True).wait_for()  # before, there is nobody whom a key could reach
    page.keyboard.press("/")
    page.keyboard.type("failed and calls > 1")
    page.keyboard.press("Enter")
    expected = listed(server, filter="failed and calls > 1")
    assert 0 < len(expected) < len(listed(server))
    expect(rows(page).first.locator("td").nth(1)).to_have_text(expected[0]["conversation_id"])
    for row in expected[:5]:
        expect(rows(page).filter(has_text=row["conversation_id"])).to_be_visible()


def test_what_was_said_is_told_once_and_in_order(page: Page, server: Server) -> None:
    first, answer, second = (
        said("user", "Where is it?"),
        said("assistant", "<i>On its way</i>"),
        said("user", "And now?"),
    )
    about: dict[str, Plain] = {"gen_ai.conversation.id": "order 4711 %41", "user.id": "ann"}
    trace = token_bytes(16)
    told: dict[str, Plain] = {**about, "gen_ai.input.messages": [first], "gen_ai.output.messages": [answer]}
    call(server, "gpt-5-mini", told, ago_ns=60 * SECOND, trace=trace)
    call(server, "gpt-5-mini", {**about, "gen_ai.input.messages": [first, answer, second]}, ago_ns=30 * SECOND)
    page.goto(f"/conversations?{ALL}")
    rows(page).filter(has_text="order 4711 %41").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("order 4711 %41")
    messages = page.get_by_role("list", name="What was said in chat gpt-5-mini").get_by_role("listitem")
    expect(messages).to_have_text([re.compile("Where is it"), re.compile("<i>On its way</i>"), re.compile("And now")])
    expect(page.get_by_role("link", name="Trace", exact=True).first).to_have_attribute(
        "href", re.compile(f"^/traces/{trace.hex()}")
    )
    ((cost,),) = server.sql("SELECT sum(cost_nanos)::BIGINT FROM llm_calls WHERE conversation_id = 'order 4711 %41'")
    expect(page.locator(".panel", has=page.get_by_text("Cost", exact=True)).first).to_contain_text(usd(cost))
    call(server, "gpt-5-mini", {**about, "gen_ai.input.messages": [first, answer, second, said("user", "Thanks")]})
    expect(messages.filter(has_text="Thanks")).to_be_visible()


def test_where_nothing_is_it_says_what_to_do(page: Page) -> None:
    page.goto("/conversations?start=2020-01-01T00:00:00Z&end=2020-01-02T00:00:00Z")
    expect(page.get_by_text("No conversations in this time")).to_be_visible()
    expect(page.get_by_text("otel_ax.using")).to_be_visible()


def test_it_fits_and_can_be_read_by_all(page: Page, server: Server, examine: Callable[[Page, str], None]) -> None:
    page.goto(f"/conversations?{ALL}")
    expect(rows(page).first).to_be_visible()
    examine(page, "conversations")
    longest = max(listed(server, limit="500"), key=lambda one: int(one["llm_calls"]))
    page.goto(f"/conversations/{longest['conversation_id']}")
    expect(page.get_by_role("list", name="What happened, in order").get_by_role("listitem").first).to_be_visible()
    examine(page, "conversation")
