"""Copies of a data directory, of a running server too.

In: a data directory. Out: a folder with a catalog, its segments, the control database, rules and settings; and a data
directory from one. What was decided is copied after what it was decided by: a budget that was told stays told.
Segments never change, so a copy of the catalog and the files that it lists are consistent whatever goes on meanwhile.
A file that went between the two copies is in no later catalog: then all is copied anew.
"""

import json
import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from exporter import disk, model
from exporter.control import database
from exporter.errors import AxError, Corrupt
from exporter.store import files, segment
from exporter.store.catalog import FILE, Segment, open_catalog
from exporter.store.counts import Counts

ABOUT: Final = "backup.json"
"""In a backup: what it is."""

_SETTINGS: Final = ("ax.yaml", "rules")
_TRIES: Final = 3


@dataclass(frozen=True, slots=True)
class Backup:
    """What a backup holds; `position` is the journal's up to which it has everything, `time` Unix nanoseconds."""

    format: int
    time: int
    position: int
    segments: int
    rows: int
    bytes: int


def backup(data: Path, target: Path, now: int, *, link: bool) -> Backup:
    """Copies `data` to `target`, which is not there yet; it appears when it is whole.

    With `link`, segments are hard links where the file system allows it: at once, and no further bytes; a bad disk then
    spoils both. Raises `AxError` and `OSError`.
    """
    if not (data / FILE).is_file():
        raise AxError(f"there is no data in {data}", mend="name its directory with --data")
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise AxError(f"{target} is there already", mend="name a directory that is not there, or empty")
    part = target.with_name(f"{target.name}.part-{os.getpid()}")
    try:
        for left in reversed(range(_TRIES)):
            shutil.rmtree(part, ignore_errors=True)
            part.mkdir(mode=0o700, parents=True)
            try:
                made = _copied(data, part, now, _linked if link else _copy)
                break
            except FileNotFoundError:
                if not left:
                    raise
        if target.exists():
            target.rmdir()
        part.rename(target)
        disk.sync_directory(target.parent)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    return made


def restore(source: Path, data: Path, said: Callable[[int, int], None] = lambda _done, _of: None) -> Backup:
    """Makes the data directory `data`, which is not there yet or empty, from a backup, and verifies each segment.

    `said` hears of bytes done, of all. The catalog comes last; a store that is opened then publishes it all. Counters
    begin anew: what they counted, another directory's journal has. Raises `AxError`.
    """
    about = read(source)
    if data.exists() and any(data.iterdir()):
        raise AxError(f"{data} is not empty", mend="name a directory that is not there, or empty, with --data")
    was_there = data.exists()
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        _restored(source, data, about, said)
    except BaseException:  # what is half there would be in the way of the next try
        for one in data.iterdir():
            shutil.rmtree(one) if one.is_dir() else one.unlink()
        if not was_there:
            data.rmdir()
        raise
    return about


def read(source: Path) -> Backup:
    """What a backup says of itself. Raises `AxError`."""
    try:
        return Backup(**json.loads((source / ABOUT).read_bytes()))
    except FileNotFoundError:
        raise AxError(f"{source} is no backup: it has no {ABOUT}", mend="name what `ax backup` made") from None
    except (ValueError, TypeError) as error:
        raise Corrupt(f"cannot read {source / ABOUT}: {error}", mend="take another backup") from None


def position(data: Path) -> int:
    """The journal position up to which the catalog has everything now, read beside a running server."""
    with closing(_reading(data)) as connection:
        found = connection.execute("SELECT position FROM progress").fetchone()
    return int(found[0]) if found else 0


def _restored(source: Path, data: Path, about: Backup, said: Callable[[int, int], None]) -> None:
    staged = data / "tmp" / "restoring"
    disk.make_directory(staged)
    _copy(source / FILE, staged / FILE)  # opening it writes beside it, and a backup may be read-only
    catalog = open_catalog(staged)
    segments = catalog.segments()
    catalog.close()
    done = 0
    for one in segments:
        target = data / one.path
        disk.make_directory(target.parent)
        _copy(source / one.path, target)
        if segment.file_checksum(target) != one.checksum:
            raise Corrupt(f"{source / one.path} is damaged", mend="take another backup; this one lacks its rows")
        done += one.bytes
        said(done, about.bytes)
    files.sync_folders(data / one.path for one in segments)
    _copy_settings(source, data)
    if (source / database.FILE).is_file():
        _copy(source / database.FILE, data / database.FILE)
        (data / database.FILE).chmod(0o600)
        database.check(data)
    (staged / FILE).replace(data / FILE)
    shutil.rmtree(staged)
    disk.sync_directory(data)


def _copied(data: Path, part: Path, now: int, copy: Callable[[Path, Path], None]) -> Backup:
    with closing(_reading(data)) as running, closing(sqlite3.connect(part / FILE)) as own:
        running.backup(own)
    catalog = open_catalog(part)
    try:
        live = [one for one in catalog.segments() if one.table in model.STORED]
        others = [one for one in catalog.known().values() if one not in live]
        catalog.commit(forget=others, counts=Counts())
        about = Backup(
            format=model.FORMAT_VERSION,
            time=now,
            position=catalog.position,
            segments=len(live),
            rows=sum(one.rows for one in live),
            bytes=sum(one.bytes for one in live),
        )
    finally:
        catalog.close()
    for one in live:
        _take(data, part, one, copy)
    _copy_settings(data, part)
    database.copy(data, part)
    disk.sync_file(part / FILE)
    files.sync_folders(part / one.path for one in live)
    files.write(part / ABOUT, json.dumps(asdict(about), indent=1).encode())
    disk.sync_directory(part)
    return about


def _take(data: Path, part: Path, one: Segment, copy: Callable[[Path, Path], None]) -> None:
    target = part / one.path
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    copy(data / one.path, target)
    if target.stat().st_size != one.bytes:
        raise Corrupt(f"{data / one.path} is not what was written", mend="restart `ax serve`, which sets it aside")


def _reading(data: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{(data / FILE).absolute().as_uri()}?mode=ro", uri=True, timeout=10)


def _linked(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except FileNotFoundError:
        raise
    except OSError:  # another file system, or one without links
        _copy(source, target)


def _copy(source: Path, target: Path) -> None:
    shutil.copyfile(source, target)
    disk.sync_file(target)


def _copy_settings(source: Path, target: Path) -> None:
    for name in _SETTINGS:
        if (source / name).is_dir():
            shutil.copytree(source / name, target / name)
        elif (source / name).is_file():
            shutil.copy2(source / name, target / name)
