"""One merge: segments in, the segments that replace them out.

In: a planned merge. Out: files in their places and their catalog rows, which nobody reads until they are committed.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb

from exporter import disk, model
from exporter.store import files, segment
from exporter.store.catalog import Segment, partition_path, segment_name
from exporter.store.compact import FILE_ROWS, MERGED, Merge
from exporter.store.counts import Counts
from exporter.store.partition import time_range
from exporter.store.slices import NO_ROWS, Slice, doubles, in_order, slices


@dataclass(frozen=True, slots=True)
class Merged:
    """What a merge wrote, and how many doubles it left out."""

    outputs: tuple[Segment, ...]
    doubles: int


class Stopped(Exception):
    """The server stops; the merge left nothing behind."""


class Merger:
    """Runs one merge, file by file; anything that goes wrong leaves no file."""

    def __init__(self, data: Path, merge: Merge, numbers: Callable[[], int], counts: Counts, now: int) -> None:
        """`numbers` gives the numbers of new segments, `counts` are the writer's so far, `now` in Unix nanoseconds."""
        self._data = data
        self._merge = merge
        self._numbers = numbers
        self._counts = counts
        self._now = now
        self._table = model.TABLES[merge.inputs[0].table]
        self._position = max(one.position for one in merge.inputs)
        self._outputs: list[Segment] = []
        self._file: segment.Compacted | None = None
        self._number = 0
        self._ranges: list[tuple[int, int]] = []

    def run(self, connection: duckdb.DuckDBPyConnection, memory_bytes: int, stopped: Callable[[], bool]) -> Merged:
        """Write the merged segments, with a `sorter`. Raises `Corrupt`, `OSError`, and `Stopped` once `stopped()`."""
        left_out = 0
        try:
            for part in self._slices(connection, memory_bytes):
                _go_on_unless(stopped)
                left_out += part.doubles
                file = self._open_file()
                file.add(part.rows)
                self._ranges.append(time_range(self._table, part.rows))
            self._close_file(left_out, last=True)
            for folder in {(self._data / one.path).parent for one in self._outputs}:
                disk.sync_directory(folder)
        except BaseException:
            self._abandon()
            raise
        return Merged(tuple(self._outputs), left_out)

    def _slices(self, connection: duckdb.DuckDBPyConnection, memory_bytes: int) -> Iterator[Slice]:
        """An hour that is open is sorted when it closes: doing so at each merge doubles what a row costs."""
        inputs = [self._data / one.path for one in self._merge.inputs]
        if self._merge.level == MERGED:
            return in_order(self._table, inputs, NO_ROWS)
        if self._table.sort:
            return slices(connection, self._table, inputs, memory_bytes)
        return in_order(self._table, inputs, doubles(connection, self._table, inputs, memory_bytes))

    def _open_file(self) -> segment.Compacted:
        if self._file is not None and self._file.rows >= FILE_ROWS:
            self._close_file(0, last=False)
        if self._file is None:
            first = self._merge.inputs[0]
            folder = self._data / partition_path(first.table, first.tenant, first.day, self._merge.hour)
            self._number, self._ranges = self._numbers(), []
            path = folder / segment_name(self._number, self._position, self._merge.level)
            self._file = segment.Compacted(self._table, path, is_closed=self._merge.level != MERGED)
        return self._file

    def _close_file(self, left_out: int, *, last: bool) -> None:
        if self._file is None:
            return
        first, inputs, place = self._merge.inputs[0], self._merge.inputs, len(self._outputs)
        least, greatest = min(low for low, _ in self._ranges), max(high for _, high in self._ranges)
        counts = self._counts.plus(Counts(deduplicated={self._table.signal: left_out}))
        size, checksum = self._file.close(
            segment.Origin(
                format=model.FORMAT_VERSION,
                level=self._merge.level,
                start=self._position,
                position=self._position,
                group=self._outputs[0].number if self._outputs else self._number,
                place=place,
                last=place if last else None,
                time=self._now,
                min_time=least,
                max_time=greatest,
                replaces=tuple(one.name for one in inputs),
                counts=counts.to_json(),
            )
        )
        self._outputs.append(
            Segment(
                number=self._number,
                name=self._file.path.name,
                table=first.table,
                tenant=first.tenant,
                day=first.day,
                hour=self._merge.hour,
                level=self._merge.level,
                position=self._position,
                columns=len(self._table.columns),
                rows=self._file.rows,
                bytes=size,
                checksum=checksum,
                min_time=least,
                max_time=greatest,
                created=self._now,
                verified=self._now,
            )
        )
        self._file = None

    def _abandon(self) -> None:
        if self._file is not None:
            self._file.abandon()
        files.remove(self._data / one.path for one in self._outputs)


def _go_on_unless(stopped: Callable[[], bool]) -> None:
    if stopped():
        raise Stopped
