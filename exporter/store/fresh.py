"""One append: decoded tables in, fresh segments out.

In: Arrow tables by tenant and table. Out: files in their places and their catalog rows, which nobody reads until they
are committed. A merge appends as well: what it rolls up, and what takes back what it left out.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from exporter import disk, model
from exporter.store import files, segment
from exporter.store.catalog import Segment, partition_path, segment_name
from exporter.store.counts import Counts
from exporter.store.partition import Piece, pieces


@dataclass(frozen=True, slots=True)
class Fresh:
    """An append that takes the store of `data` from journal position `start` to `position`.

    `counts` are the writer's counters with it, `now` is in Unix nanoseconds.
    """

    data: Path
    start: int
    position: int
    counts: Counts
    now: int

    def write(self, tables: Mapping[tuple[str, str], pa.Table], numbers: Callable[[], int]) -> list[Segment]:
        """Write each partition's rows as one segment, on the disk with their names when this returns.

        `numbers` gives the numbers of new segments. Leaves nothing when it raises `OSError`.
        """
        parts = [
            (tenant, name, piece)
            for (tenant, name), rows in sorted(tables.items(), key=lambda item: item[0])
            for piece in pieces(model.STORED[name], rows, self.now)
        ]
        written: list[Segment] = []
        try:
            for place, (tenant, name, piece) in enumerate(parts):
                number = numbers()
                group = written[0].number if written else number
                origin = self._origin(piece, group, place, len(parts) - 1)
                written.append(write_fresh(self.data, tenant, model.STORED[name], piece, number, origin))
            for folder in {(self.data / one.path).parent for one in written}:
                disk.sync_directory(folder)
        except BaseException:
            files.remove(self.data / one.path for one in written)
            raise
        return written

    def _origin(self, piece: Piece, group: int, place: int, last: int) -> segment.Origin:
        return segment.Origin(
            format=model.FORMAT_VERSION,
            level=0,
            start=self.start,
            position=self.position,
            group=group,
            place=place,
            last=last,
            time=self.now,
            min_time=piece.min_time,
            max_time=piece.max_time,
            replaces=(),
            counts=self.counts.to_json(),
        )


def write_fresh(
    data: Path, tenant: str, table: model.Table, piece: Piece, number: int, origin: segment.Origin
) -> Segment:
    """Write rows of one partition as a segment of level 0; its name is on the disk once its folder is synced."""
    written = segment.build(table, piece.rows, origin)
    name = segment_name(number, origin.position, 0)
    files.write(data / partition_path(table.name, tenant, piece.day, piece.hour) / name, written)
    return Segment(
        number=number,
        name=name,
        table=table.name,
        tenant=tenant,
        day=piece.day,
        hour=piece.hour,
        level=0,
        position=origin.position,
        columns=len(table.columns),
        rows=piece.rows.num_rows,
        bytes=len(written),
        checksum=segment.checksum(written),
        min_time=piece.min_time,
        max_time=piece.max_time,
        created=origin.time,
        verified=origin.time,
    )
