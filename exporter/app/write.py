"""The child `write`: journal to segments, catalog and `ax.duckdb`.

In: the journal. Out: the store; figures about it.
"""

import os
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Final

import psutil
import pyarrow as pa

from exporter import figures
from exporter.app import child, orders, writer
from exporter.clock import Clock, SystemClock
from exporter.config import Config, Limits, Retention
from exporter.decode import Decoded, Recent, decode
from exporter.figures import Figures, Sample
from exporter.journal import Tail
from exporter.model import Request, Signal
from exporter.store import Store

Decoder = Callable[[Sequence[Request], Limits, Retention], Decoded]

_PUBLISH_S: Final = 1.0
_LOST: Final = "ax_journal_lost_bytes_total"


class _Published:
    """What this process tells the others once a second.

    Its counters live in the catalog and so outlive the process: they go on from when they were begun.
    """

    def __init__(self, config: Config, store: Store, tail: Tail, moving: writer.Writer, clock: Clock) -> None:
        self._path = figures.path_of(config.data, "write")
        self._store = store
        self._tail = tail
        self._moving = moving
        self._clock = clock
        self._process = psutil.Process()
        before = figures.read(self._path) if store.position else None
        self._started = before.started if before else clock.wall()
        self._lost_before = sum(sample.value for sample in before.counters if sample.name == _LOST) if before else 0

    def publish(self) -> None:
        """Replaces the file; a full disk, which storing complains of, is no reason to end."""
        with suppress(OSError):
            figures.publish(self._path, self._figures())

    def _figures(self) -> Figures:
        counts = self._store.counters()
        counters = [
            Sample("ax_corrupt_files_total", {}, counts.corrupt_files),
            Sample(_LOST, {}, self._lost_before + self._tail.lost_bytes),
        ]
        for signal in Signal:
            of = {"signal": signal.label}
            doubles = counts.deduplicated.get(signal, 0)
            counters.append(Sample("ax_stored_items_total", of, counts.stored.get(signal, 0)))
            counters.append(Sample("ax_deduplicated_items_total", {**of, "stage": "compaction"}, doubles))
        for (signal, reason), dropped in counts.dropped.items():
            counters.append(Sample("ax_dropped_items_total", {"signal": signal.label, "reason": reason}, dropped))
        now = self._clock.wall()
        gauges = [
            Sample("ax_journal_lag_bytes", {}, self._tail.lag_bytes),
            Sample("ax_freshness_seconds", {}, self._moving.freshness_s(now)),
            Sample("ax_process_resident_memory_bytes", {"process": "write"}, self._process.memory_info().rss),
        ]
        for table, stats in self._store.stats().items():
            gauges.append(Sample("ax_segments", {"table": table}, stats.segments))
            gauges.append(Sample("ax_segment_bytes", {"table": table}, stats.bytes))
        return Figures(now, self._started, os.getpid(), tuple(counters), tuple(gauges))


def work(life: child.Life, decoder: Decoder | None = None) -> None:
    """Stores what the journal holds and gets, until told to stop; a bench brings another `decoder` to compare with."""
    config = life.config
    clock = SystemClock()
    pa.set_cpu_count(1)  # three threads of ours share two cores already; more of Arrow's only take turns with them
    store = Store.open(config.data, config.store, clock)
    tail = Tail.open(config.data / "journal", store.position)
    decoding = decoder or partial(decode, recent=Recent())
    moving = writer.Writer(
        config, store, tail, lambda requests: decoding(requests, config.limits, config.store.retention), clock
    )
    published = _Published(config, store, tail, moving, clock)
    published.publish()
    ended = threading.Event()
    life.ready({})
    child.every(_PUBLISH_S, published.publish, ended)
    child.every(orders.POLL_S, orders.carrier(config, store, tail, clock), ended)
    threading.Thread(target=writer.maintain, args=(config, store, tail, clock, life.stopping), daemon=True).start()
    moving.run(life.stopping)
    ended.set()
    published.publish()
    writer.close(store, tail)


if __name__ == "__main__":
    child.run("write", work)
