"""One segment written anew: the same rows but for some change.

In: a segment, and what becomes of its rows. Out: files in their places and their catalog rows, which nobody reads until
they are committed: the segment that replaces it and, beside it, the cells that make up for the change.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa

from exporter import disk, model
from exporter.store import files, segment
from exporter.store.catalog import Segment, partition_path, segment_name
from exporter.store.compact import MERGED
from exporter.store.counts import Counts
from exporter.store.fresh import write_fresh
from exporter.store.merge import Stopped
from exporter.store.partition import Piece, time_range

Change = Callable[[model.Table, Path], Iterable[pa.Table]]
"""What becomes of the rows of a segment's file."""

Beside = Callable[[], Sequence[tuple[model.Table, Piece]]]
"""What is to be appended once all rows are changed."""


@dataclass(frozen=True, slots=True)
class Rewriter:
    """Writes segments anew in `data`.

    `numbers` gives the numbers of new segments, `counts` are the writer's so far, `now` is in Unix nanoseconds.
    """

    data: Path
    numbers: Callable[[], int]
    counts: Counts
    now: int
    stopped: Callable[[], bool]

    def run(self, one: Segment, change: Change, beside: Beside = tuple) -> list[Segment]:
        """The segment as `change` makes it, if that leaves a row, and what is `beside` it.

        Raises `Corrupt`, `OSError`, and `Stopped` once `stopped()`; leaves no file then.
        """
        table, number, level = model.STORED[one.table], self.numbers(), max(one.level, MERGED)
        folder = self.data / partition_path(one.table, one.tenant, one.day, one.hour)
        file = segment.Compacted(table, folder / segment_name(number, one.position, level), is_closed=level != MERGED)
        written: list[Segment] = []
        try:
            ranges = []
            for rows in self._until_stopped(change(table, self.data / one.path)):
                if rows.num_rows:
                    file.add(rows)
                    ranges.append(time_range(table, rows))
            pieces = beside()
            last = len(pieces) - (not ranges)
            if ranges:
                times = min(low for low, _ in ranges), max(high for _, high in ranges)
                size, checksum = file.close(self._origin(one, number, 0, last, times, level))
                written.append(self._as_segment(one, file, number, level, size, checksum, times))
            else:
                file.abandon()
            for other, piece in pieces:
                own = self.numbers()
                group = written[0].number if written else own
                times = piece.min_time, piece.max_time
                origin = self._origin(one, group, len(written), last, times, 0)
                written.append(write_fresh(self.data, one.tenant, other, piece, own, origin))
            for place in {(self.data / new.path).parent for new in written}:
                disk.sync_directory(place)
        except BaseException:
            file.abandon()
            files.remove(self.data / new.path for new in written)
            raise
        return written

    def _until_stopped(self, parts: Iterable[pa.Table]) -> Iterator[pa.Table]:
        for rows in parts:
            if self.stopped():
                raise Stopped
            yield rows

    def _origin(
        self, one: Segment, group: int, place: int, last: int, times: tuple[int, int], level: int
    ) -> segment.Origin:
        return segment.Origin(
            format=model.FORMAT_VERSION,
            level=level,
            start=one.position,
            position=one.position,
            group=group,
            place=place,
            last=last,
            time=self.now,
            min_time=times[0],
            max_time=times[1],
            replaces=(one.name,),
            counts=self.counts.to_json(),
        )

    def _as_segment(
        self,
        one: Segment,
        file: segment.Compacted,
        number: int,
        level: int,
        size: int,
        checksum: str,
        times: tuple[int, int],
    ) -> Segment:
        return replace(
            one,
            number=number,
            name=file.path.name,
            level=level,
            columns=len(model.STORED[one.table].columns),
            rows=file.rows,
            bytes=size,
            checksum=checksum,
            min_time=times[0],
            max_time=times[1],
            created=self.now,
            verified=self.now,
        )
