"""How soon a page of the dashboard is seen over what is stored: from its address to the last figure on the screen.

In: a `Plan`. Out: `Figures`. The dashboard as it was built, on a server of its own, in headless Chromium; nobody sends.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, Final

from playwright.sync_api import Browser

from exporter.model import Signal
from tests.bench import query, stored
from tests.bench.rounds import Say
from tests.running import running
from tests.web.browsing import Faults, browsing, opened

PAGES: Final = (
    "/", "/calls", "/traces", "/runs", "/conversations", "/voice", "/logs", "/explore", "/costs", "/alerts", "/health",
    "/sql",
)  # fmt: skip
_PATIENCE_MS: Final = 120_000
_QUIET_MS: Final = 300
_WATCH: Final = """
() => {
    const waits = () => document.querySelector("h1") === null
        || document.querySelector('[aria-busy="true"], .mantine-Skeleton-root[data-visible="true"]') !== null;
    const look = () => {
        const now = performance.now();
        if (waits()) window.axSeen = undefined;
        else window.axSeen ??= now;
        window.axIsSeen = window.axSeen !== undefined && now - window.axSeen > QUIET_MS;
        requestAnimationFrame(look);
    };
    look();
}
""".replace("QUIET_MS", str(_QUIET_MS))
"""Seen is what nothing is waited for any more, for a while: the first answers may bring forth questions."""
_SEEN_AT: Final = """
async () => {
    while (!window.axIsSeen) await new Promise((done) => setTimeout(done, 20));
    const paint = performance.getEntriesByName("first-contentful-paint")[0];
    return [paint.startTime, window.axSeen];
}
"""


@dataclass(frozen=True, slots=True)
class Plan:
    """Each page is opened `rounds` times, with `range` in its address, in a new browser profile each time.

    With `--keep DIR` the data are made there, `millions` of spans, log records and points each, or found there as
    `query --keep` has left them.
    """

    millions: float = 10.0
    rounds: int = 3
    range: str = "24h"
    templates: int = 160
    keep: str = ""


@dataclass(frozen=True, slots=True)
class Figures:
    """Milliseconds from the address: what the first view, `/`, takes until its frame is drawn and until it is whole.

    `first_ms` is of a server that has just begun; then medians of the rounds. `page_ms` has the time until each page is
    whole, the first and the median.
    """

    spans: int
    first_ms: float
    painted_ms: float
    whole_ms: float
    page_ms: dict[str, tuple[float, float]]
    errors: list[str]


def measure(plan: Plan, say: Say) -> Figures:
    """Runs the plan; `say` is told what goes on."""
    with TemporaryDirectory(prefix="ax-bench-") as room:
        data = Path(plan.keep).absolute() if plan.keep else Path(room) / "data"
        with running(data) as server:
            if stored.count(server.data, Signal.TRACES) == 0:
                query.fill(server, query.Plan(millions=plan.millions, templates=plan.templates), say)
                query.settled(server)
        with running(data) as server, browsing() as browser:
            faults = Faults()
            painted: Mapping[str, list[float]] = defaultdict(list)
            whole: Mapping[str, list[float]] = defaultdict(list)
            for number in range(plan.rounds):
                for page in PAGES:
                    first, last = _seen(browser, server.ui, f"{page}?range={plan.range}", faults)
                    painted[page].append(first)
                    whole[page].append(last)
                say(f"round {number + 1}: {', '.join(f'{page} {times[-1]:.0f}' for page, times in whole.items())} ms")
            return Figures(
                spans=stored.count(server.data, Signal.TRACES),
                first_ms=round(whole["/"][0]),
                painted_ms=round(median(painted["/"])),
                whole_ms=round(median(whole["/"])),
                page_ms={page: (round(times[0]), round(median(times))) for page, times in whole.items()},
                errors=faults.left(),
            )


def _seen(browser: Browser, url: str, path: str, faults: Faults) -> Any:
    with opened(browser, url, faults) as page:
        page.set_default_timeout(_PATIENCE_MS)
        page.add_init_script(f"({_WATCH})()")
        page.goto(path, wait_until="commit")
        return page.evaluate(_SEEN_AT)
