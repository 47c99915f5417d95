"""One merge: segments in, the segments that replace them out.

In: a planned merge. Out: files in their places and their catalog rows, which nobody reads until they are committed:
those that replace the inputs and, beside them, the cells that this takes back or rolls up.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import duckdb

from exporter import config, disk, model, rollup
from exporter.store import files, segment, splice
from exporter.store.amends import Amends
from exporter.store.catalog import Segment, partition_path, segment_name
from exporter.store.compact import FILE_ROWS, MERGED, Merge
from exporter.store.counts import Counts
from exporter.store.fresh import write_fresh
from exporter.store.partition import Piece, time_range
from exporter.store.recount import wrappers
from exporter.store.revise import revised
from exporter.store.rolled import ROLLS, is_open
from exporter.store.slices import NO_ROWS, Slice, doubles, in_order, revised_in_order, slices, summed


@dataclass(frozen=True, slots=True)
class Merged:
    """What a merge wrote, cells to append among it, and how many doubles it left out."""

    outputs: tuple[Segment, ...]
    doubles: int


class Stopped(Exception):
    """The server stops; the merge left nothing behind."""


class Merger:
    """Runs one merge, file by file; anything that goes wrong leaves no file."""

    def __init__(
        self,
        data: Path,
        merge: Merge,
        numbers: Callable[[], int],
        counts: Counts,
        now: int,
        settings: config.Store,
    ) -> None:
        """`numbers` gives the numbers of new segments, `counts` are the writer's so far, `now` in Unix nanoseconds."""
        self._data = data
        self._merge = merge
        self._numbers = numbers
        self._counts = counts
        self._now = now
        self._settings = settings
        self._amends = Amends(settings.rollup)
        self._table = model.STORED[merge.inputs[0].table]
        self._position = max(one.position for one in merge.inputs)
        self._outputs: list[Segment] = []
        self._file: segment.Compacted | splice.Spliced | None = None
        self._number = 0
        self._ranges: list[tuple[int, int]] = []

    def run(self, connection: duckdb.DuckDBPyConnection, stopped: Callable[[], bool]) -> Merged:
        """Write the merged segments, with a `sorter`. Raises `Corrupt`, `OSError`, and `Stopped` once `stopped()`."""
        left_out = 0
        try:
            if parts := self._whole_parts():
                self._string_together(parts, stopped)
            else:
                left_out = self._write_again(connection, stopped)
            self._roll_up()
            beside = self._amends.pieces(self._now)
            last = len(self._outputs) + (self._file is not None) + len(beside) - 1
            self._close_file(left_out, last)
            for table, piece in beside:
                self._append(table, piece, last)
            for folder in {(self._data / one.path).parent for one in self._outputs}:
                disk.sync_directory(folder)
        except BaseException:
            self._abandon()
            raise
        return Merged(tuple(self._outputs), left_out)

    def _whole_parts(self) -> list[splice.Part]:
        """The inputs, where stringing them together makes what writing their rows again would; else none."""
        if self._merge.level != MERGED or self._table.name in model.FIGURES:
            return []
        least = self._settings.splice_rows
        if any(one.columns != len(self._table.columns) or one.rows < least for one in self._merge.inputs):
            return []
        parts = [part for one in self._merge.inputs if (part := splice.read(self._data / one.path)) is not None]
        are_all = len(parts) == len(self._merge.inputs) and splice.fit(parts)
        return parts if are_all and all(part.rows >= least * part.groups for part in parts) else []

    def _string_together(self, parts: Sequence[splice.Part], stopped: Callable[[], bool]) -> None:
        file: splice.Spliced | None = None
        for one, part in zip(self._merge.inputs, parts, strict=True):
            _go_on_unless(stopped)
            if file is None or file.rows >= FILE_ROWS:
                self._close_file(0, None)
                file = self._file = splice.Spliced(self._next_path())
            file.add(part, one.checksum)
            self._ranges.append((one.min_time, one.max_time))

    def _write_again(self, connection: duckdb.DuckDBPyConnection, stopped: Callable[[], bool]) -> int:
        """All rows but doubles, of which this says how many there were."""
        file: segment.Compacted | None = None
        left_out = 0
        for part in self._slices(connection):
            _go_on_unless(stopped)
            left_out += part.doubles
            for rows in part.removed:
                self._amends.take_back(self._table.name, rows)
            for before, after in part.changed:
                self._amends.replace(self._table.name, before, after)
            if not part.rows.num_rows:  # cells may cancel out
                continue
            if file is None or file.rows >= FILE_ROWS:
                self._close_file(0, None)
                is_closed = self._merge.level != MERGED
                file = self._file = segment.Compacted(self._table, self._next_path(), is_closed=is_closed)
            file.add(part.rows)
            self._ranges.append(time_range(self._table, part.rows))
        return left_out

    def _slices(self, connection: duckdb.DuckDBPyConnection) -> Iterator[Slice]:
        """An hour that is open is sorted when it closes: doing so at each merge doubles what a row costs."""
        inputs = [self._data / one.path for one in self._merge.inputs]
        memory_bytes = self._settings.memory_bytes
        if self._table.name in model.FIGURES:
            return summed(self._table, inputs, memory_bytes, self._settings.rollup.cells)
        if self._merge.level == MERGED:
            return in_order(self._table, inputs, NO_ROWS)
        if self._table.sort:
            return slices(connection, self._table, inputs, memory_bytes)
        without = doubles(connection, self._table, inputs, memory_bytes)
        uncount = wrappers(self._table, inputs, memory_bytes)
        return revised_in_order(self._table, inputs, without, partial(revised, self._table), uncount)

    def _roll_up(self) -> None:
        """Cells that close become part of wider ones; those that had closed before are."""
        roll = ROLLS.get(self._table.name)
        if roll is None or self._merge.level < roll.level:
            return
        opened = [self._data / one.path for one in self._merge.inputs if is_open(one)]
        for part in summed(self._table, opened, self._settings.memory_bytes, self._settings.rollup.cells):
            self._amends.roll_up(roll.into, rollup.added_up(part.rows, model.CELL_WIDTHS[roll.into]))

    def _append(self, table: model.Table, piece: Piece, last: int) -> None:
        """Write a segment of another table than the inputs', which counts with the others or not at all."""
        number, least, greatest = self._numbers(), piece.min_time, piece.max_time
        origin = self._origin(0, number, (least, greatest), last, self._counts)
        tenant = self._merge.inputs[0].tenant
        self._outputs.append(write_fresh(self._data, tenant, table, piece, number, origin))

    def _next_path(self) -> Path:
        """Where the next file of the merge goes."""
        first = self._merge.inputs[0]
        folder = self._data / partition_path(first.table, first.tenant, first.day, self._merge.hour)
        self._number, self._ranges = self._numbers(), []
        return folder / segment_name(self._number, self._position, self._merge.level)

    def _origin(
        self, level: int, number: int, times: tuple[int, int], last: int | None, counts: Counts
    ) -> segment.Origin:
        """That of the next file of the merge."""
        return segment.Origin(
            format=model.FORMAT_VERSION,
            level=level,
            start=self._position,
            position=self._position,
            group=self._outputs[0].number if self._outputs else number,
            place=len(self._outputs),
            last=last,
            time=self._now,
            min_time=times[0],
            max_time=times[1],
            replaces=tuple(one.name for one in self._merge.inputs),
            counts=counts.to_json(),
        )

    def _close_file(self, left_out: int, last: int | None) -> None:
        if self._file is None:
            return
        first = self._merge.inputs[0]
        least, greatest = min(low for low, _ in self._ranges), max(high for _, high in self._ranges)
        counts = self._counts.plus(deduplicated(self._table, left_out))
        origin = self._origin(self._merge.level, self._number, (least, greatest), last, counts)
        size, checksum = self._file.close(origin)
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


def deduplicated(table: model.Table, doubles: int) -> Counts:
    """What a merge that left out doubles counts; copies of what other tables hold count nowhere."""
    return Counts() if table.is_derived or not doubles else Counts(deduplicated={table.signal: doubles})


def _go_on_unless(stopped: Callable[[], bool]) -> None:
    if stopped():
        raise Stopped
