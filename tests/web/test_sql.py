"""SQL in the dashboard: the rows are those of the store; what goes wrong is told as text; what runs can be ended."""

import csv
import re
from collections.abc import Callable
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, quote, urlsplit

import httpx
from playwright.sync_api import Page, expect

from tests.running import Server
from tests.web.browsing import Faults

_BY_MODEL: Final = "select model, count(*) as calls from llm_calls group by model order by model"


def write(page: Page, text: str) -> None:
    """Puts a statement into the editor."""
    page.get_by_role("textbox", name="Statement").click()
    page.keyboard.press("Control+a")
    page.keyboard.press("Delete")  # else Chromium keeps the style of what it replaces, inline
    page.keyboard.insert_text(text)


def shown(page: Page) -> list[tuple[str, ...]]:
    """The rows of the table."""
    rows = page.get_by_role("region", name="Rows", exact=True).locator("tbody tr[data-at]")
    return [tuple(row.locator("td").all_inner_texts()) for row in rows.all()]


def test_rows_are_those_of_the_store(page: Page, server: Server, tmp_path: Path) -> None:
    page.goto("/sql")
    write(page, _BY_MODEL)
    page.keyboard.press("Control+Enter")
    stored = [tuple(map(str, row)) for row in server.sql(_BY_MODEL)]
    expect(page.get_by_role("heading", name=re.compile(rf"^{len(stored)} rows in"))).to_be_visible()
    assert shown(page) == stored
    assert parse_qs(urlsplit(page.url).query)["query"] == [_BY_MODEL]

    with page.expect_download() as downloaded:
        page.get_by_role("button", name="CSV").click()
    file = tmp_path / "rows.csv"
    downloaded.value.save_as(file)
    with file.open(newline="") as text:
        assert [tuple(row) for row in csv.reader(text)] == [("model", "calls"), *stored]


def test_a_link_shows_what_its_sender_saw(page: Page, server: Server) -> None:
    page.goto(f"/sql?query={quote(_BY_MODEL)}&view=chart")
    stored = server.sql(_BY_MODEL)
    chart = page.locator("dl[aria-label=calls]")
    expect(chart.locator("dt")).to_have_text([model for model, _ in stored])
    expect(chart.locator("dd").filter(has_text=re.compile(r"\d"))).to_have_text([f"{calls:,}" for _, calls in stored])


def test_an_error_is_text_and_has_its_place(page: Page, faults: Faults) -> None:
    faults.forgive("status of 400")
    page.goto("/sql")
    hostile = "<img src=x onerror=alert(1)>"
    write(page, f'select 1,\n  "{hostile}" from llm_calls')
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text(hostile)
    expect(page.get_by_role("button", name="Line 2:4")).to_be_visible()
    assert page.locator("img[src=x]").count() == 0


def test_rows_are_text(page: Page) -> None:
    hostile = "<script>alert(1)</script>"
    query = f"select '{hostile}' as said, 1 as one, null as none"
    page.goto(f"/sql?query={quote(query)}")
    expect(page.get_by_role("region", name="Rows", exact=True)).to_contain_text(hostile)
    assert shown(page) == [(hostile, "1", "null")]


def test_names_come_from_the_tree_and_from_completion(page: Page, server: Server) -> None:
    page.goto("/sql")
    write(page, "select count(*) as n from ")
    page.get_by_label("Search views and columns").fill("llm_calls")
    page.get_by_role("button", name="llm_calls", exact=True).click()
    expect(page.get_by_role("textbox", name="Statement")).to_contain_text("from llm_calls")
    page.keyboard.type(" where mod")
    expect(page.get_by_role("option", name=re.compile("^model"))).to_be_visible()
    page.keyboard.press("Escape")
    write(page, "select count(*) as n from llm_calls")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("region", name="Rows", exact=True).locator("td")).to_have_text(
        str(server.sql("SELECT count(*) FROM llm_calls")[0][0])
    )


def test_escape_ends_what_runs(page: Page, server: Server) -> None:
    page.goto("/sql")
    write(page, "select count(*) from range(1000000000000) a")
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.get_by_role("button", name="Cancel")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_text("Cancelled")).to_be_visible()
    answer = httpx.post(f"{server.ui}/api/sql", json={"query": "select 1"}, timeout=30)
    assert answer.json()["rows"] == [[1]]


def test_it_fits_each_size_and_axe_finds_nothing(page: Page, examine: Callable[[Page, str], None]) -> None:
    page.goto(f"/sql?query={quote(_BY_MODEL)}")
    expect(page.get_by_role("heading", name=re.compile("rows in"))).to_be_visible()
    expect(page.get_by_role("textbox", name="Statement")).to_be_visible()
    examine(page, "sql")
