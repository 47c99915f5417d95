"""A real browser on a real server: Debian's Chromium, driven by Playwright, and what must never happen in it.

In: a server's URL. Out: pages whose every complaint is kept, and looks at them in each size and theme.
"""

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Dialog, Page, Request, WebSocket, expect, sync_playwright

from tests.web.built import lacking

FLAGS: Final = (
    "--no-sandbox",  # CI runs as root
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PROGRAMS: Final = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
"""The first that is there: Debian's package without a window takes half as long for a page as the browser with one."""
SIZES: Final[Mapping[str, tuple[int, int]]] = {"phone": (380, 800), "desk": (1440, 900), "wide": (2560, 1440)}
Theme = Literal["light", "dark"]
THEMES: Final[tuple[Theme, ...]] = ("light", "dark")
RULES: Final = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")
"""Axe's names for all that WCAG 2.2 asks for, up to AA."""
_OF_COLOURS: Final = ("color-contrast", "link-in-text-block")
JUDGED: Final[Mapping[tuple[str, Theme], Mapping[str, Any]]] = {
    ("desk", "light"): {"runOnly": RULES},
    ("desk", "dark"): {"runOnly": {"type": "rule", "values": _OF_COLOURS}},
    ("phone", "light"): {"runOnly": RULES, "rules": {rule: {"enabled": False} for rule in _OF_COLOURS}},
}
"""What axe looks at: colours are a theme's, whatever the size, and a phone has an order of its own."""
PATIENCE_MS: Final = 20_000
"""How long a page may take on a machine that does other things too."""
_SETTLED: Final = """
async () => {
    await document.fonts.ready;
    for (let frame = 0; frame < 2; frame++) await new Promise(requestAnimationFrame);
    const moving = document.getAnimations().filter((one) => one.effect.getComputedTiming().endTime < 2000);
    await Promise.allSettled(moving.map((one) => one.finished));
}
"""
_STICKS_OUT: Final = """
() => {
    const width = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth <= width) return [];
    const out = [...document.querySelectorAll("body *")].filter((one) => one.getBoundingClientRect().right > width + 1);
    return out.slice(0, 5).map((one) => `wider than the page: ${one.cloneNode().outerHTML}`);
}
"""


class Faults:
    """What a page did that no page may do; `forgive` says of what a test wants to see."""

    def __init__(self) -> None:
        self._found: list[str] = []
        self._forgiven: list[str] = []

    def add(self, fault: str) -> None:
        """One more."""
        self._found.append(fault)

    def forgive(self, part: str) -> None:
        """What has this text in it is no fault, as a refusal that a test provokes."""
        self._forgiven.append(part)

    def left(self) -> list[str]:
        """Those that are not forgiven."""
        return [fault for fault in self._found if not any(part in fault for part in self._forgiven)]


@contextmanager
def browsing() -> Iterator[Browser]:
    """Chromium; a skip that says how to get it where there is none, but not in CI."""
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        lacking("no Chromium: apt-get install --no-install-recommends chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def opened(browser: Browser, url: str, faults: Faults, **options: Any) -> Iterator[Page]:
    """An empty page of a person who is new here; `page.goto("/traces")` leads to the server."""
    chosen: dict[str, Any] = {"viewport": _viewport("desk"), "reduced_motion": "reduce", "locale": "en-GB"}
    context = browser.new_context(base_url=url, **(chosen | options))
    context.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    page = context.new_page()
    _watch(page, url, faults)
    try:
        yield page
    finally:
        context.close()


def _watch(page: Page, url: str, faults: Faults) -> None:
    """Keeps all faults: complaints of the browser, of scripts, of the policy; and what goes elsewhere."""

    def said(message: ConsoleMessage) -> None:
        if message.type in {"error", "assert"}:
            faults.add(f"console: {message.text} ({message.location['url']})")

    def asked(what: Request | WebSocket) -> None:
        where = urlsplit(what.url)
        if where.scheme not in {"data", "blob"} and where.netloc != urlsplit(url).netloc:
            faults.add(f"asks elsewhere: {what.url}")

    def failed(request: Request) -> None:
        if request.failure != "net::ERR_ABORTED":  # as when a page is left
            faults.add(f"request failed: {request.url}: {request.failure}")

    def opened_dialog(dialog: Dialog) -> None:
        faults.add(f"dialog: {dialog.message}")
        dialog.dismiss()

    page.on("console", said)
    page.on("pageerror", lambda error: faults.add(f"script: {error}"))
    page.on("request", asked)
    page.on("websocket", asked)
    page.on("requestfailed", failed)
    page.on("dialog", opened_dialog)


def settle(page: Page) -> None:
    """Waits until fonts are there, frames are drawn, and what changes its colour or place has done so."""
    page.evaluate(_SETTLED)


def examine(page: Page, name: str) -> None:
    """Looks at what is shown in each size and theme: it fits, and axe finds nothing in what is `JUDGED`.

    Pictures go to $AX_SCREENSHOTS.
    """
    wrong = []
    for size in SIZES:
        page.set_viewport_size(_viewport(size))
        for theme in THEMES:
            page.emulate_media(color_scheme=theme, reduced_motion="reduce")
            settle(page)
            picture(page, f"{name}-{size}-{theme}")
            wrong += [f"{size}, {theme}: {fault}" for fault in _overflow(page)]
            if (rules := JUDGED.get((size, theme))) is not None:
                wrong += [f"{size}, {theme}: {fault}" for fault in violations(page, rules)]
    page.set_viewport_size(_viewport("desk"))
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    assert not wrong, "\n".join(wrong)


def picture(page: Page, name: str) -> None:
    """A picture in $AX_SCREENSHOTS, where that is set."""
    if folder := os.environ.get("AX_SCREENSHOTS"):
        page.screenshot(path=Path(folder) / f"{name}.png")


def violations(page: Page, rules: Mapping[str, Any] = JUDGED["desk", "light"]) -> list[str]:
    """What axe finds: rule, where, and what is wrong with it."""
    found = Axe().run(page, options={**rules, "resultTypes": ["violations"]}).response["violations"]
    return [
        f"axe {rule['id']}: {node['target']}: {node['failureSummary']}: {node['html'][:200]}"
        for rule in found
        for node in rule["nodes"]
    ]


def _overflow(page: Page) -> list[str]:
    """What sticks out, where the page as a whole scrolls sideways."""
    return list(page.evaluate(_STICKS_OUT))


def _viewport(size: str) -> Any:
    width, height = SIZES[size]
    return {"width": width, "height": height}
