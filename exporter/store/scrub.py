"""Whether segments still hold what was written: DuckDB does not look at Parquet's own checksums, and answers wrong.

In: the catalog's rows and the time. Out: which segments to read again, and which of them are damaged.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from exporter.store import segment
from exporter.store.catalog import Segment

_BYTES_AT_ONCE: Final = 64 * 2**20


def due(live: Iterable[Segment], interval: int, now: int) -> list[Segment]:
    """The segments not verified for `interval`, longest first, up to 64 MiB of them and at least one."""
    late = sorted((one for one in live if one.verified + interval <= now), key=lambda one: one.verified)
    chosen: list[Segment] = []
    for one in late:
        if chosen and sum(other.bytes for other in chosen) + one.bytes > _BYTES_AT_ONCE:
            break
        chosen.append(one)
    return chosen


def sound(data: Path, one: Segment) -> bool:
    """Whether the file is there and is what was written."""
    try:
        return segment.file_checksum(data / one.path) == one.checksum
    except OSError:
        return False
