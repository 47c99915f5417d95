"""What a crash, a lost catalog or a bad disk left behind, put in order before anything is served.

In: a data directory and its catalog. Out: a catalog whose segments are all there, and no file of ours beside them.
Foreign files are left alone: only names of our own pattern are ever removed or moved.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final
from urllib.parse import unquote

from exporter import disk, model
from exporter.errors import Corrupt
from exporter.store import files, scrub, segment
from exporter.store.catalog import FILE, SEGMENTS, Catalog, Segment, open_catalog, refuse_newer
from exporter.store.counts import Counts
from exporter.store.segment import Origin

QUARANTINE: Final = "quarantine"
"""The folder, in the data directory, of files that do not hold what they held when they were written."""

_NAME: Final = re.compile(r"([0-9a-f]{10})-[0-9a-f]{16}-l[0-9]\.parquet")
_UNFINISHED: Final = re.compile(_NAME.pattern + re.escape(files.TEMPORARY))
_FOLDER: Final = re.compile(
    SEGMENTS + r"/(?P<table>\w+)/tenant=(?P<tenant>[^/]*)/date=(?P<day>\d{4}-\d\d-\d\d)(?:/hour=(?P<hour>\d\d))?"
)


@dataclass(frozen=True, slots=True)
class Found:
    """A segment file as it lies there: as the catalog would have it, and its origin."""

    segment: Segment
    origin: Origin
    known: bool


def recovered_catalog(data: Path, now: int) -> Catalog:
    """The catalog of a data directory, with what is on the disk and nothing else.

    A damaged one is set aside and made again from the segments' footers. Raises `DataDirTooNew`.
    """
    try:
        catalog = open_catalog(data)
    except Corrupt:
        for suffix in ("", "-wal", "-shm"):
            if (damaged := data / (FILE + suffix)).exists():
                set_aside(data, damaged, f"{now}-{FILE}{suffix}")
        catalog = open_catalog(data)
        _reconcile(data, catalog, now, lost=True)
        catalog.commit(counts=catalog.counts.plus(Counts(corrupt_files=1)))
    else:
        _reconcile(data, catalog, now, lost=catalog.empty)
    _check_present(data, catalog, now)
    return catalog


def set_aside(data: Path, path: Path, name: str) -> None:
    """Move a damaged file to the quarantine, under `name`."""
    disk.make_directory(data / QUARANTINE)
    path.replace(data / QUARANTINE / name)


def _reconcile(data: Path, catalog: Catalog, now: int, *, lost: bool) -> None:
    """Remove what was never committed; where the catalog misses more than that, learn it from the files.

    An append that only lacked its commit gets it.
    """
    known = catalog.known()
    folders = sorted(path for path in (data / SEGMENTS).glob("*/tenant=*/date=*/**") if path.is_dir())
    files.remove(path for folder in folders for path in folder.iterdir() if _UNFINISHED.fullmatch(path.name))
    there = [path for folder in folders for path in folder.iterdir() if _is_ours(data, path)]
    unknown = [path for path in there if path.name not in known]
    if not unknown:
        return
    found, broken = _read(data, unknown, known, lost=lost)
    live = {one.name for one in catalog.segments()} & {path.name for path in there}
    whole, cut, unexplained = [], [], []
    for group in _groups(found):
        if _continues(group, catalog.position) and _complete(group):
            whole.append(group)
        elif _uncommitted(group, catalog.position, live):
            cut.append(group)
        else:
            unexplained.append(group)
    if not (lost or broken or unexplained):
        files.remove_for_good(data / one.segment.path for group in cut for one in group)
        if whole:
            _rebuild(data, catalog, [one for group in whole for one in group], now)
        return
    more, more_broken = _read(data, [path for path in there if path.name in known], known, lost=lost)
    _rebuild(data, catalog, [*found, *more], now)
    for path in [*broken, *more_broken]:
        set_aside(data, path, path.name)
    damaged = len(broken) + bool(unexplained and not lost)  # an older state: its write-ahead log ends too early
    if damaged:
        catalog.commit(counts=catalog.counts.plus(Counts(corrupt_files=damaged)))


def _is_ours(data: Path, path: Path) -> bool:
    folder = path.parent.relative_to(data).as_posix()
    return _NAME.fullmatch(path.name) is not None and _FOLDER.fullmatch(folder) is not None


def _read(
    data: Path, paths: Iterable[Path], known: dict[str, Segment], *, lost: bool
) -> tuple[list[Found], list[Path]]:
    """What the files say, and those that say nothing, or what cannot be: a newer version marks the catalog first."""
    found, broken = [], []
    for path in paths:
        try:
            origin, rows, columns = segment.origin_of(path)
            Counts.from_json(origin.counts)
        except (Corrupt, KeyError, TypeError, ValueError):
            broken.append(path)
            continue
        if lost:
            refuse_newer(origin.format, data)
        elif origin.format > model.FORMAT_VERSION:
            broken.append(path)
            continue
        one = known.get(path.name) or _as_segment(data, path, origin, rows, columns)
        found.append(Found(one, origin, path.name in known))
    return found, broken


def _as_segment(data: Path, path: Path, origin: Origin, rows: int, columns: int) -> Segment:
    place = _FOLDER.fullmatch(path.parent.relative_to(data).as_posix())
    number = _NAME.fullmatch(path.name)
    if place is None or number is None:
        raise ValueError(path)
    return Segment(
        number=int(number[1], 16),
        name=path.name,
        table=place["table"],
        tenant=unquote(place["tenant"]),
        day=place["day"],
        hour=None if place["hour"] is None else int(place["hour"]),
        level=origin.level,
        position=origin.position,
        columns=columns,
        rows=rows,
        bytes=path.stat().st_size,
        checksum="",
        min_time=origin.min_time,
        max_time=origin.max_time,
        created=origin.time,
        verified=0,
    )


def _groups(found: Iterable[Found]) -> list[list[Found]]:
    groups = defaultdict(list)
    for one in found:
        groups[one.origin.group].append(one)
    return [groups[number] for number in sorted(groups)]


def _is_merge(group: Sequence[Found]) -> bool:
    """Whether files replace others; cells that a merge appends say what it replaced too."""
    return bool(group[0].origin.replaces)


def _complete(group: Sequence[Found]) -> bool:
    last = max((one.origin.last for one in group if one.origin.last is not None), default=None)
    return last is not None and {one.origin.place for one in group} == set(range(last + 1))


def _continues(group: Sequence[Found], position: int) -> bool:
    """Whether files are of an append that follows what is committed."""
    return not _is_merge(group) and group[0].origin.start == position


def _uncommitted(group: Sequence[Found], position: int, live: set[str]) -> bool:
    """Whether files that the catalog does not know are what a crash leaves: half an append, or a merge in vain."""
    return _continues(group, position) or (_is_merge(group) and set(group[0].origin.replaces) <= live)


def _rebuild(data: Path, catalog: Catalog, found: Sequence[Found], now: int) -> None:
    """Take over every file that is not an attempt which came to nothing, nor replaced by a merge.

    Whoever was killed may not have synced their names.
    """
    names = {one.segment.name for one in found}
    merges = [group for group in _groups(found) if _is_merge(group)]
    # Half a merge counts only where its inputs are gone: then it was whole, and lost a part later.
    halves = [group for group in merges if not _complete(group) and set(group[0].origin.replaces) <= names]
    rejected = {one.segment.name for group in halves for one in group}
    replaced = {name for group in merges if group not in halves for name in group[0].origin.replaces}

    appends = [group for group in _groups(found) if not _is_merge(group)]
    merged_up_to = max((one.origin.position for group in merges for one in group), default=0)
    by_start = defaultdict(list)
    for group in appends:
        by_start[group[0].origin.start].append(group)
    last = max(by_start, default=0)
    for start, attempts in by_start.items():
        # Several: the earlier ones failed to commit and were tried again.
        chosen = max(attempts, key=lambda group: (any(one.known for one in group), group[0].origin.group))
        unfinished = start == last and not _complete(chosen) and chosen[0].origin.position > merged_up_to
        committed = any(one.known for one in chosen)
        dropped = [group for group in attempts if group is not chosen or (unfinished and not committed)]
        rejected |= {one.segment.name for group in dropped for one in group}

    kept = [one for one in found if one.segment.name not in rejected]
    files.remove_for_good(data / one.segment.path for one in found if one.segment.name in rejected)
    files.sync_folders(data / one.segment.path for one in kept)
    merged = [
        one
        for one in catalog.segments()
        if one.name not in names and (one.name in replaced or _is_covered(one, [g for g in merges if g not in halves]))
    ]
    counts = catalog.counts
    for one in kept:
        counts = counts.highest(Counts.from_json(one.origin.counts))
    catalog.commit(
        [
            *(_adopted(data, one, now, dead=one.segment.name in replaced) for one in kept),
            *(replace(one, state="dead", ended=now) for one in merged),
        ],
        position=max([catalog.position, *(one.origin.position for one in kept)]),
        counts=counts,
    )


def _is_covered(one: Segment, merges: Iterable[Sequence[Found]]) -> bool:
    """Whether a segment that is gone has been merged, and what it became merged again, since the catalog's time."""
    return any(
        merged.segment.number > one.number
        and merged.segment.position >= one.position
        and (merged.segment.table, merged.segment.tenant, merged.segment.day) == (one.table, one.tenant, one.day)
        for group in merges
        for merged in group
        if merged.segment.level and not merged.known
    )


def _adopted(data: Path, one: Found, now: int, *, dead: bool) -> Segment:
    adopted = one.segment
    if not one.known:
        adopted = replace(adopted, checksum=segment.file_checksum(data / adopted.path), verified=now)
    if dead and adopted.state == "live":
        adopted = replace(adopted, state="dead", ended=now)
    return adopted


def _check_present(data: Path, catalog: Catalog, now: int) -> None:
    """Set aside live segments that are gone, cut off or (the youngest) not sound; forget dead ones that are gone."""
    live = [one for one in catalog.segments() if one.table in model.STORED]
    bad = [one for one in live if _size(data / one.path) != one.bytes]
    bad += [one for one in scrub.young(live) if one not in bad and not scrub.sound(data, one)]
    gone = [one for one in catalog.segments("dead") if _size(data / one.path) is None]
    files.sync_folders(data / one.path for one in gone)
    if bad or gone:
        catalog.commit(
            [replace(one, state="quarantined", ended=now) for one in bad],
            forget=gone,
            counts=catalog.counts.plus(Counts(corrupt_files=len(bad))),
        )
    for one in catalog.segments("quarantined"):
        if (data / one.path).exists():
            set_aside(data, data / one.path, one.name)


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None
