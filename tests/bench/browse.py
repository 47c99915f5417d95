"""How soon a trace of many spans is seen in a browser, and how smoothly it is scrolled.

In: a `Plan`. Out: `Figures`. The dashboard as it was built, on a server of its own, in headless Chromium.
"""

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, Final

from playwright.sync_api import Browser, CDPSession

from tests.bench.rounds import Say
from tests.running import running
from tests.web import trees
from tests.web.browsing import Faults, browsing, opened

_TREE: Final = "[role=treegrid]"
_MIB: Final = 1 << 20
_PATIENCE_MS: Final = 120_000
_SEEN: Final = """
() => {
    const row = document.querySelector("[role=treegrid] [role=row][data-row]");
    const canvas = document.querySelector("[role=treegrid] canvas");
    return row !== null && canvas !== null && canvas.width > 0;
}
"""
_WATCH: Final = """
() => {
    const look = () => {
        if ((%s)()) requestAnimationFrame(() => setTimeout(() => { window.axSeen = performance.now(); }));
        else requestAnimationFrame(look);
    };
    look();
}
"""
_SEEN_AT: Final = """
async () => {
    while (!(window.axSeen > 0)) await new Promise((done) => setTimeout(done, 20));
    return window.axSeen;
}
"""
_ANSWERED: Final = """
() => {
    const asked = performance.getEntriesByType("resource").find((one) => one.name.includes("/api/traces/"));
    return [asked.startTime, asked.responseEnd, asked.decodedBodySize];
}
"""
_SCROLL: Final = """
async ([tree, seconds]) => {
    const box = document.querySelector(tree);
    const times = [];
    const began = performance.now();
    const end = began + seconds * 1000;
    let down = true;
    for (let now = began; now < end; ) {
        box.scrollTop += down ? 90 : -90;
        if (box.scrollTop + box.clientHeight >= box.scrollHeight - 1) down = false;
        now = await new Promise(requestAnimationFrame);
        times.push(now);
    }
    return times;
}
"""


@dataclass(frozen=True, slots=True)
class Plan:
    """A trace of `spans` is opened `rounds` times, and scrolled for `seconds` each, about 5,400 pixels a second."""

    spans: int = 20_000
    rounds: int = 3
    seconds: float = 5.0


@dataclass(frozen=True, slots=True)
class Figures:
    """Medians of the rounds. `first_paint_ms` is from the whole answer to rows and bars on the screen.

    `answer_ms` is what the server and the way took before that, `opened_ms` all from the address to the picture.
    `slowest_frame_ms` is the 99th percentile between two frames. `js_heap_mib` is after a collection.
    """

    spans: int
    answer_ms: float
    answer_mib: float
    first_paint_ms: float
    opened_ms: float
    frames_per_s: float
    slowest_frame_ms: float
    open_cpu_ms: float
    frame_cpu_ms: float
    js_heap_mib: float
    rows_in_page: int
    errors: list[str]


def measure(plan: Plan, say: Say) -> Figures:
    """Runs the plan; `say` is told what goes on."""
    with TemporaryDirectory(prefix="ax-bench-") as room, running(Path(room) / "data") as server, browsing() as browser:
        tree = trees.send(server, plan.spans)
        say(f"{plan.spans} spans are stored")
        faults = Faults()
        rounds = []
        for number in range(plan.rounds):
            rounds.append(_round(browser, server.ui, f"/traces/{tree.trace}", plan.seconds, faults))
            say(f"round {number + 1}: {rounds[-1]}")
    middle = {name: round(median(one[name] for one in rounds), 1) for name in rounds[0]}
    rows = int(middle.pop("rows_in_page"))
    return Figures(spans=plan.spans, rows_in_page=rows, errors=faults.left(), **middle)


def _round(browser: Browser, url: str, path: str, seconds: float, faults: Faults) -> dict[str, float]:
    with opened(browser, url, faults, reduced_motion="no-preference") as page:
        page.set_default_timeout(_PATIENCE_MS)
        session = page.context.new_cdp_session(page)
        session.send("Performance.enable", {"timeDomain": "threadTicks"})
        page.add_init_script(f"({_WATCH % _SEEN})()")
        page.goto(path, wait_until="commit")
        seen: float = page.evaluate(_SEEN_AT)
        asked, answered, size = page.evaluate(_ANSWERED)
        loaded_ms = _cpu_ms(session)
        times = page.evaluate(_SCROLL, [_TREE, seconds])
        gaps = sorted(after - before for before, after in pairwise(times))
        return {
            "answer_ms": answered - asked,
            "answer_mib": size / _MIB,
            "first_paint_ms": seen - answered,
            "opened_ms": seen,
            "frames_per_s": 1_000 * len(gaps) / (times[-1] - times[0]),
            "slowest_frame_ms": gaps[int(len(gaps) * 0.99)],
            "open_cpu_ms": loaded_ms,
            "frame_cpu_ms": (_cpu_ms(session) - loaded_ms) / len(gaps),
            "js_heap_mib": _heap(session) / _MIB,
            "rows_in_page": page.locator(f"{_TREE} [data-row]").count(),
        }


def _heap(session: CDPSession) -> float:
    session.send("HeapProfiler.collectGarbage")
    used: dict[str, Any] = session.send("Runtime.getHeapUsage")
    return float(used["usedSize"])


def _cpu_ms(session: CDPSession) -> float:
    """What the page's main thread has used of the CPU, which other programs do not change."""
    told: dict[str, Any] = session.send("Performance.getMetrics")
    return 1_000 * float(next(one["value"] for one in told["metrics"] if one["name"] == "TaskDuration"))
