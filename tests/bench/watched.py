"""Whether a page that is left open grows: the live tail of logs, and others, while telemetry comes in.

In: a `Plan`. Out: `Figures`. The dashboard as it was built, on a server of its own, in headless Chromium, which shares
the machine with the server and the clients that send.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from playwright.sync_api import Page

from exporter.model import Signal
from tests.bench.load import Load, Sent, send
from tests.bench.payloads import write_templates
from tests.bench.rounds import Say
from tests.running import Server, running
from tests.web.browsing import Faults, browsing, opened

_MIB: Final = 1 << 20
_IN_FLIGHT: Final = 4
_SAMPLE_S: Final = 15.0
_PATIENCE_MS: Final = 120_000
_RECORDS: Final = "[aria-label='Log records'] [role=listitem]"


@dataclass(frozen=True, slots=True)
class Plan:
    """`page` is watched for `seconds`, after `warm_seconds`, while so many of each signal come in each second.

    `--seconds 3600` is the hour that is quoted. What a page keeps is bounded, so it grows until the bounds are reached:
    at 1,000 a second within some seconds.
    """

    page: str = "/logs?range=15m"
    seconds: float = 120.0
    warm_seconds: float = 45.0
    records_per_s: float = 1_000.0
    spans_per_s: float = 1_000.0
    templates: int = 32


@dataclass(frozen=True, slots=True)
class Figures:
    """JavaScript's heap after a collection: when watching begins, when it ends, and between.

    `nodes` are those of the document, `rows` the records that are drawn, then. `first` and `last` are records that
    stood above all others.
    """

    seconds: float
    heap_begin_mib: float
    heap_end_mib: float
    heaps_mib: list[float]
    nodes_begin: int
    nodes_end: int
    rows: int
    acked_records: int
    acked_spans: int
    did_follow: bool
    errors: list[str]


def measure(plan: Plan, say: Say) -> Figures:
    """Runs the plan; `say` is told what goes on."""
    faults = Faults()
    heaps: list[float] = []
    nodes: list[int] = []
    with TemporaryDirectory(prefix="ax-bench-") as place, running(Path(place) / "data") as server:
        rates = {Signal.LOGS: plan.records_per_s, Signal.TRACES: plan.spans_per_s}
        loads = [_load(Path(place), server, signal, rate, plan) for signal, rate in rates.items() if rate > 0]
        with _sending(loads) as sent, browsing() as browser, opened(browser, server.ui, faults) as page:
            page.set_default_timeout(_PATIENCE_MS)
            page.goto(plan.page)
            page.wait_for_selector("[data-connection=live]")
            time.sleep(plan.warm_seconds)
            first = _top(page)
            began = time.monotonic()
            while True:
                heap, count = _held(page)
                heaps.append(round(heap / _MIB, 2))
                nodes.append(count)
                say(f"{time.monotonic() - began:5.0f} s: {heaps[-1]} MiB, {count} nodes")
                left = plan.seconds - (time.monotonic() - began)
                if left <= 0:
                    break
                time.sleep(min(left, max(_SAMPLE_S, plan.seconds / 40)))
            last, rows = _top(page), page.locator(_RECORDS).count()
            watched = time.monotonic() - began
    return Figures(
        seconds=round(watched, 1),
        heap_begin_mib=heaps[0],
        heap_end_mib=heaps[-1],
        heaps_mib=heaps,
        nodes_begin=nodes[0],
        nodes_end=nodes[-1],
        rows=rows,
        acked_records=sum(one.acked_items for signal, one in sent if signal == Signal.LOGS),
        acked_spans=sum(one.acked_items for signal, one in sent if signal == Signal.TRACES),
        did_follow=first != last,
        errors=faults.left(),
    )


def _load(room: Path, server: Server, signal: Signal, rate: float, plan: Plan) -> Load:
    templates = room / f"{signal.label}.bin"
    write_templates(templates, plan.templates, signal)
    seconds = plan.warm_seconds + plan.seconds + 10
    return Load(server.grpc, str(templates), seconds, _IN_FLIGHT, items_per_s=rate, signal=signal)


@contextmanager
def _sending(loads: list[Load]) -> Iterator[list[tuple[Signal, Sent]]]:
    """They are sent beside what is done meanwhile; the list is complete when the context ends."""
    sent: list[tuple[Signal, Sent]] = []
    threads = [threading.Thread(target=lambda load=load: sent.append((load.signal, send(load)))) for load in loads]
    for thread in threads:
        thread.start()
    try:
        yield sent
    finally:
        for thread in threads:
            thread.join()


def _held(page: Page) -> tuple[float, int]:
    """Bytes of the heap after a collection, and nodes of the document."""
    session = page.context.new_cdp_session(page)
    for _ in range(2):  # what the first one lets go may hold more
        session.send("HeapProfiler.collectGarbage")
    used: dict[str, Any] = session.send("Runtime.getHeapUsage")
    session.detach()
    return float(used["usedSize"]), int(page.evaluate("document.getElementsByTagName('*').length"))


def _top(page: Page) -> str:
    """The newest record that is shown, where records are."""
    row = page.locator(_RECORDS).first
    return row.inner_text() if row.count() else page.locator("main").inner_text()
