"""Whether segments still hold what was written: DuckDB does not look at Parquet's own checksums, and answers wrong.

In: the catalog's rows and the time. Out: which segments to read again, and which of them are damaged.
A flipped bit is found by the start that follows where it hits a segment of `young`, else by the next merge or scrub.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from exporter.store import segment
from exporter.store.catalog import Segment

BYTES_AT_ONCE: Final = 64 * 2**20
"""As many are read again in one round, or by a start."""


def due(live: Iterable[Segment], interval: int, now: int) -> list[Segment]:
    """The segments not verified for `interval`, longest first, as many as one round takes and at least one."""
    late = sorted((one for one in live if one.verified + interval <= now), key=lambda one: one.verified)
    return _fitting(late) or late[:1]


def young(live: Iterable[Segment]) -> list[Segment]:
    """The segments written last, which a crash of the machine may have spoilt: 0.03 s to read, 0.3 from the disk."""
    return _fitting(sorted(live, key=lambda one: -one.number))


def _fitting(segments: Iterable[Segment]) -> list[Segment]:
    chosen: list[Segment] = []
    left = BYTES_AT_ONCE
    for one in segments:
        left -= one.bytes
        if left < 0:
            break
        chosen.append(one)
    return chosen


def sound(data: Path, one: Segment) -> bool:
    """Whether the file is there and is what was written."""
    try:
        return segment.file_checksum(data / one.path) == one.checksum
    except OSError:
        return False
