"""The store: decoded tables become segments that any process can query.

In: Arrow tables by tenant and table, with the journal position that they reach. Out: Parquet files, the catalog,
`ax.duckdb` and `manifest.json`. One thread appends, one (another or the same) maintains.

Locks, by intent: `_changing` makes a change of the catalog and its publication one step, for milliseconds; `_upkeep`
keeps maintenance single and lets `close` wait for it. Neither is held while segments are written or merged.
"""

import itertools
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final

import pyarrow as pa

from exporter import config, disk, model
from exporter.clock import Clock
from exporter.errors import Corrupt
from exporter.store import compact, files, recover, reprice, retain, scrub, segment
from exporter.store.adding import NEEDED, Adding
from exporter.store.amends import Amends
from exporter.store.catalog import Catalog, Segment
from exporter.store.counts import Counts
from exporter.store.erase import AT_ONCE, Finder, Who, by_table, without
from exporter.store.fresh import Fresh
from exporter.store.merge import Merger, Stopped, deduplicated
from exporter.store.publish import Publisher
from exporter.store.rewrite import Rewriter
from exporter.store.slices import sorter

_NO_COUNTS: Final = Counts()
_RECENT_ROWS: Final = 2**20
"""About as many points are read after a start, to know where their series stand: 2 µs each."""

Tables = Mapping[tuple[str, str], pa.Table]
"""Rows by the tenant of their request and the name of their table."""


@dataclass(frozen=True, slots=True)
class Stats:
    """The live segments of a table."""

    segments: int
    rows: int
    bytes: int


class Store:
    """The segments of one data directory. Its user holds the directory's lock: there is one `Store` at a time."""

    def __init__(self, data: Path, settings: config.Store, clock: Clock, catalog: Catalog) -> None:
        """Use `open`."""
        self._data = data
        self._settings = settings
        self._clock = clock
        self._catalog = catalog
        self._numbers = itertools.count(catalog.next_number)
        self._changing = threading.Lock()
        self._upkeep = threading.Lock()
        self._stopped = threading.Event()
        self._publisher = Publisher(data)
        self._sorter = sorter(data, settings.memory_bytes)
        self._adding = Adding(settings.rollup, self._recent)
        self._published = 0
        self._stale = False
        self._orphans: list[Path] = []

    @classmethod
    def open(cls, data: Path, settings: config.Store, clock: Clock) -> "Store":
        """Open or make the store, put in order what a crash left, and publish.

        Raises `DataDirTooNew` where a newer version wrote, and `OSError`.
        """
        disk.make_directory(data)
        store = cls(data, settings, clock, recover.recovered_catalog(data, clock.wall()))
        with store._changing:
            store._publisher.publish(store._catalog.segments())
            store._published = store._catalog.position
        return store

    @property
    def position(self) -> int:
        """The journal position up to which everything is stored."""
        return self._catalog.position

    @property
    def published(self) -> int:
        """The journal position up to which everything is stored and can be queried by who opens `ax.duckdb` now.

        Less than `position` only while publishing fails, as it does on a full disk; `append` and `maintain` try again.
        """
        return self._published

    def append(self, tables: Tables, position: int, counts: Counts) -> None:
        """Store rows, and with them that all before `position` is stored and what became of it.

        Tables are in `model.arrow_schema`. Raises `OSError`, a full disk say, with nothing stored: retry.
        """
        self._clear_orphans()
        total = self._catalog.counts.plus(counts)
        fresh = Fresh(self._data, self._catalog.position, position, total, self._clock.wall())
        segments = fresh.write(self._adding.with_cells(tables), lambda: next(self._numbers))
        with self._changing:
            self._commit(new=segments, position=position, counts=counts)
            self._adding.stored()
            self._publish()

    def maintain(self, now: int) -> None:
        """Drop what is past its retention, merge what is due, unlink what is past its grace, verify some checksums.

        `now` in Unix nanoseconds. Raises `OSError` on a full disk; what was done stays done.
        """
        with self._upkeep:
            self._clear_orphans()
            self._retire(now)
            if self._settings.compaction_interval:
                self._compact(now)
            self._scrub(now)
            if self._stale:
                with self._changing:
                    self._publish()

    def erase(self, who: Who, now: int) -> dict[str, int]:
        """Take the rows of `who` out of every segment, and unlink at once the files that held them; rows by table.

        What is appended meanwhile may stay. Raises `Stopped` when the store closes first, and `OSError`; calling it
        again goes on where it was.
        """
        finder = Finder(who)
        with self._upkeep:
            try:
                live = [one for one in self._live() if self._is_sound(one, now)]
                finder.learn((model.STORED[one.table], self._data / one.path) for one in live)
                gone = {name: self._erase_from(of, finder, now) for name, of in by_table(live)}
                for one in self._dead():
                    if one.table not in model.STORED:
                        continue
                    if not scrub.sound(self._data, one) or len(finder.rows(self._data / one.path)):
                        self._change([replace(one, ended=AT_ONCE)])
                self._retire(now)
            finally:
                finder.close()
        return {name: rows for name, rows in gone.items() if rows}

    def reprice(self, since_ns: int, now: int) -> tuple[int, int]:
        """Price calls that began since then by today's list; how many cost something else, and the files rewritten.

        Rollups follow in the same commits. Raises as `erase`, and calling it again goes on where it was.
        """
        calls = files_written = 0
        with self._upkeep:
            for one in self._live():
                if one.table != reprice.TABLE or one.max_time < since_ns or not scrub.sound(self._data, one):
                    continue
                if not reprice.concerns(self._data / one.path, since_ns, self._stopped.is_set):
                    continue
                amends, told = Amends(self._settings.rollup), list[int]()
                change = reprice.change(since_ns, amends, told.append)
                new = self._rewriter(now).run(one, change, partial(amends.pieces, now))
                self._change([replace(one, state="dead", ended=now)], new=new)
                calls, files_written = calls + sum(told), files_written + 1
        return calls, files_written

    def read(self, table: str) -> Iterator[pa.Table]:
        """The stored rows of a table, a row group at a time, in `model.arrow_schema`: for writing them back."""
        with self._changing:
            live = [one for one in self._catalog.segments() if one.table == table]
        for one in live:
            source = segment.opened(self._data / one.path, model.STORED[table])
            for place in range(source.num_row_groups):  # Arrow does not read maps with dictionaries from several
                yield segment.conformed(source.read_row_group(place, use_threads=False), model.STORED[table])

    def stats(self) -> dict[str, Stats]:
        """The live segments of each table."""
        with self._changing:
            live = self._catalog.segments()
        return {name: _stats(one for one in live if one.table == name) for name in model.STORED}

    def counters(self) -> Counts:
        """What became of all items since the data directory was made."""
        return self._catalog.counts

    def close(self) -> None:
        """Stop maintenance where it is and close; what was appended stays stored and published."""
        self._stopped.set()
        with self._upkeep, self._changing:
            self._publisher.close()
            self._sorter.close()
            self._catalog.close()

    def _recent(self, tenant: str, name: str, age: int) -> Iterator[pa.Table]:
        """Rows of segments that reach into the last `age` nanoseconds, newest first, in the columns of `NEEDED`."""
        since, left = self._clock.wall() - age, _RECENT_ROWS
        live = [one for one in self._live() if (one.tenant, one.table) == (tenant, name) and one.max_time >= since]
        for one in sorted(live, key=lambda one: -one.max_time):
            if left <= 0:
                return  # series that only older segments have begin anew
            left -= one.rows
            with suppress(Corrupt, OSError, pa.ArrowException):  # a damaged one, which the next merge sets aside
                source = segment.opened(self._data / one.path, model.TABLES[name])
                for place in range(source.num_row_groups):
                    rows = source.read_row_group(place, columns=NEEDED[name], use_threads=False)
                    yield segment.conformed(rows, model.TABLES[name], NEEDED[name])

    def _publish(self) -> None:
        """Publish what is committed; a failure is no reason to append again, so it only waits for the next try."""
        try:
            self._publisher.publish(self._catalog.segments())
        except OSError:
            self._stale = True
        else:
            self._stale = False
            self._published = self._catalog.position

    def _change(self, put: Sequence[Segment], *, new: Sequence[Segment] = (), counts: Counts = _NO_COUNTS) -> None:
        """Record segments changed and new, and publish."""
        with self._changing:
            self._commit(put, new=new, counts=counts)
            self._publish()

    def _commit(
        self, put: Sequence[Segment] = (), *, new: Sequence[Segment] = (), position: int | None = None, counts: Counts
    ) -> None:
        """Commit, and remember what became an orphan if that fails: new files that no catalog knows.

        SQLite's log may hold a commit that failed, so they stay until the next one has overwritten it.
        """
        try:
            self._catalog.commit([*put, *new], position=position, counts=self._catalog.counts.plus(counts))
        except OSError:
            self._orphans += [self._data / one.path for one in new]
            raise

    def _clear_orphans(self) -> None:
        with self._changing:
            if self._orphans:
                self._catalog.commit()
                files.remove(self._orphans)
                self._orphans = []

    def _retire(self, now: int) -> None:
        past = retain.expired(self._live(), self._settings.retention, now)
        if past:
            self._change(past)
        unheld = retain.unheld(self._dead(), self._settings.grace, now)
        if unheld and not self._stale:  # else what is published may still list them
            disk.sync_directory(self._data)  # nor may a power cut bring back an `ax.duckdb` that does
            removed = set(files.remove_for_good(self._data / one.path for one in unheld))
            gone = [one for one in unheld if self._data / one.path in removed]
            for folder in {one.path.parent for one in gone}:
                files.remove_empty(self._data / folder, below=self._data / "segments")
            with self._changing:
                self._catalog.commit(forget=gone)

    def _compact(self, now: int) -> None:
        for merge in compact.plan(self._live(), now, self._settings.lateness):
            if self._stopped.is_set():
                return
            if damaged := [one for one in merge.inputs if not scrub.sound(self._data, one)]:
                self._quarantine(damaged, now)
                continue  # the rest is planned again next time
            merger = Merger(self._data, merge, lambda: next(self._numbers), self._catalog.counts, now, self._settings)
            try:
                merged = merger.run(self._sorter, self._stopped.is_set)
            except Stopped:
                return
            except Corrupt:  # the checksum is right: it was written so
                self._quarantine(merge.inputs, now)
                continue
            replaced = [replace(one, state="dead", ended=now) for one in merge.inputs]
            counts = deduplicated(model.STORED[merge.inputs[0].table], merged.doubles)
            self._change(replaced, new=merged.outputs, counts=counts)

    def _is_sound(self, one: Segment, now: int) -> bool:
        """Whether a live segment holds what was written; else it is set aside. Raises `Stopped`."""
        if self._stopped.is_set():
            raise Stopped
        if scrub.sound(self._data, one):
            return True
        self._quarantine([one], now)
        return False

    def _erase_from(self, live: Sequence[Segment], finder: Finder, now: int) -> int:
        erased = 0
        for one in live:
            if self._stopped.is_set():
                raise Stopped
            rows = finder.rows(self._data / one.path)
            if len(rows):
                left = self._rewriter(now).run(one, without(rows))
                self._change([replace(one, state="dead", ended=AT_ONCE)], new=left)
                erased += len(rows)
        return erased

    def _rewriter(self, now: int) -> Rewriter:
        return Rewriter(self._data, lambda: next(self._numbers), self._catalog.counts, now, self._stopped.is_set)

    def _scrub(self, now: int) -> None:
        for one in scrub.due(self._live(), self._settings.scrub_interval, now):
            if self._stopped.is_set():
                return
            if scrub.sound(self._data, one):
                with self._changing:
                    self._catalog.commit([replace(one, verified=now)])
            else:
                self._quarantine([one], now)

    def _quarantine(self, damaged: Sequence[Segment], now: int) -> None:
        """Take segments out of what is published, then out of the way: no answer is better than a wrong one."""
        ended = [replace(one, state="quarantined", ended=now) for one in damaged]
        self._change(ended, counts=Counts(corrupt_files=len(damaged)))
        for one in ended:
            if (self._data / one.path).exists():
                recover.set_aside(self._data, self._data / one.path, one.name)

    def _dead(self) -> list[Segment]:
        with self._changing:
            return self._catalog.segments("dead")

    def _live(self) -> list[Segment]:
        with self._changing:
            return [one for one in self._catalog.segments() if one.table in model.STORED]


def _stats(live: Iterable[Segment]) -> Stats:
    found = list(live)
    return Stats(len(found), sum(one.rows for one in found), sum(one.bytes for one in found))
