"""From the journal to the store: decoding in one thread, storing in a second, maintaining in a third.

In: durable entries. Out: stored rows, and the journal position that they cover. Storing releases the GIL, so the next
rows are decoded meanwhile; one batch at most is being stored, and one at most waits for it.
"""

import logging
import threading
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from typing import Final

from exporter.app.batch import Batch, Decode, set_aside
from exporter.clock import Clock
from exporter.config import Config
from exporter.journal import Entry, Tail
from exporter.store import Store
from exporter.units import NS_PER_S

READ_BYTES: Final = 4 * 2**20
"""Requests that are read and decoded together: 3 ms a call whatever is in it, and cache misses where it is more."""
BATCH_BYTES: Final = 32 * 2**20
"""Requests whose rows are stored together, however few rows they are."""
DRAIN_S: Final = 1.6
"""How long a stop may go on storing; what is left then stays in the journal."""
_POLL_S: Final = 0.05
_BACKOFF_S: Final = (0.1, 5.0)
_LARGE_LAG_BYTES: Final = 64 * 2**20
_LONGEST_POSTPONEMENT: Final = 12
_RETENTION_S: Final = 60.0

log = logging.getLogger(__name__)


class Writer:
    """Moves rows from `tail` to `store` until told to stop."""

    def __init__(self, config: Config, store: Store, tail: Tail, decode: Decode, clock: Clock) -> None:
        self._config = config
        self._store = store
        self._tail = tail
        self._decode = decode
        self._clock = clock
        self._pending: list[Entry] = []
        self._pending_bytes = 0
        self._since: int | None = None
        self._batch = Batch(tail.position)
        self._oldest_in_flight: int | None = None
        self._in_flight: Future[None] | None = None
        self._give_up = threading.Event()
        self._stored = tail.position
        self._is_behind = False

    def run(self, stopping: threading.Event) -> None:
        """Works until `stopping`, then drains the journal to its durable end, within `DRAIN_S`."""
        with ThreadPoolExecutor(1, thread_name_prefix="store") as pool:
            while not stopping.is_set():
                self._step(pool, flush=False)
                self._rest(stopping)
            deadline = self._clock.monotonic() + int(DRAIN_S * NS_PER_S)
            while self._clock.monotonic() < deadline:
                self._step(pool, flush=True)
                if not self._has_work():
                    break
                self._rest(self._give_up)
            self._give_up.set()
        self._reap()

    def freshness_s(self, now: int) -> float:
        """Age of the oldest record that is read and not yet published, at the Unix time `now` in nanoseconds."""
        pending = [entry.request.received_at for entry in self._pending[:1]]
        ages = (self._oldest_in_flight, self._batch.oldest, *pending)
        oldest = next((at for at in ages if at is not None), now)
        return max(now - oldest, 0) / NS_PER_S

    def _step(self, pool: ThreadPoolExecutor, *, flush: bool) -> None:
        """Reads, decodes and hands over what is due, or all (`flush`)."""
        self._reap()
        read_bytes = 0
        if not self._is_full():
            for entry in self._tail.read(READ_BYTES):
                self._pending.append(entry)
                read_bytes += len(entry.request.payload)
        self._pending_bytes += read_bytes
        self._is_behind = read_bytes >= READ_BYTES // 2
        if self._since is None and self._pending:
            self._since = self._clock.monotonic()
        is_due = flush or (
            self._since is not None and self._clock.monotonic() - self._since >= self._config.store.flush_interval
        )
        items = sum(entry.request.items for entry in self._pending)
        is_enough = self._pending_bytes >= READ_BYTES or items >= self._config.store.flush_rows
        if self._pending and (is_due or is_enough):
            self._batch.add(self._pending, self._decode)
            self._pending, self._pending_bytes = [], 0
        if self._in_flight is None and self._batch.oldest is not None and (is_due or self._is_full()):
            self._oldest_in_flight = self._oldest_in_flight or self._batch.oldest
            self._in_flight = pool.submit(self._store_all, self._batch)
            self._batch = Batch(self._batch.end)
            self._since = self._clock.monotonic() if self._pending else None

    def _rest(self, stopping: threading.Event) -> None:
        """Waits until there may be something to do; not at all while there is more to read."""
        if self._is_behind:
            return
        if self._in_flight is not None and (self._is_full() or stopping is self._give_up):
            wait([self._in_flight], _POLL_S)
        else:
            stopping.wait(_POLL_S)

    def _is_full(self) -> bool:
        batch = self._batch
        return max(batch.rows.values(), default=0) >= self._config.store.flush_rows or batch.raw_bytes >= BATCH_BYTES

    def _has_work(self) -> bool:
        unread_bytes = self._tail.lag_bytes - (self._tail.position - self._stored)
        return bool(self._in_flight or self._pending or self._batch.oldest is not None or unread_bytes > 0)

    def _reap(self) -> None:
        """Takes note of a batch that is stored; raises what storing it raised."""
        if self._in_flight is not None and self._in_flight.done():
            self._in_flight.result()
            self._in_flight = None
            if self._store.published >= self._stored:
                self._oldest_in_flight = None

    def _store_all(self, batch: Batch) -> None:
        """Stores `batch`, however often the disk refuses it, until told to give up."""
        delay_s = _BACKOFF_S[0]
        tables = batch.merged()
        while not self._give_up.is_set():
            try:
                for entry in batch.guilty:
                    set_aside(self._config.data / "quarantine", entry)
                self._store.append(tables, batch.end, batch.counts())
            except OSError as error:
                if delay_s == _BACKOFF_S[0]:
                    log.error("cannot store, and go on trying: %s", error)  # noqa: TRY400
                self._give_up.wait(delay_s)
                delay_s = min(2 * delay_s, _BACKOFF_S[1])
                continue
            self._tail.stored(batch.end)
            self._stored = batch.end
            if delay_s != _BACKOFF_S[0]:
                log.info("storing again")
            return


def maintain(config: Config, store: Store, tail: Tail, clock: Clock, stopping: threading.Event) -> None:
    """Maintains the store now and again until `stopping`; later while much waits to be stored, but not never.

    Retention goes on where `store.compaction_interval` says that nothing is to be merged.
    """
    interval_s = config.store.compaction_interval / NS_PER_S
    postponed = 0
    while not stopping.wait(interval_s or _RETENTION_S):
        if tail.lag_bytes > _LARGE_LAG_BYTES and postponed < _LONGEST_POSTPONEMENT:
            postponed += 1
            continue
        postponed = 0
        try:
            store.maintain(clock.wall())
        except Exception:
            if not stopping.is_set():
                log.exception("maintenance failed, and is tried again")


def close(store: Store, tail: Tail) -> None:
    """Closes both; the process is about to end, so nothing that this raises matters."""
    for one in (store, tail):
        with suppress(Exception):
            one.close()
