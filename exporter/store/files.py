"""Files that survive a crash: written under a temporary name, synced, renamed, and the directory synced.

In: bytes and paths. Out: files that are whole or not there.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from exporter import disk

TEMPORARY: Final = ".tmp"
"""What the name of a file that is being written ends with."""


def write_temporary(path: Path, data: bytes | memoryview) -> Path:
    """Write and sync `data` beside `path`; the caller renames it. Leaves nothing when it raises `OSError`."""
    temporary = path.with_name(path.name + TEMPORARY)
    disk.make_directory(path.parent)
    try:
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            disk.sync(file.fileno())
    except BaseException:
        remove([temporary])
        raise
    return temporary


def write(path: Path, data: bytes | memoryview) -> None:
    """Put a file with `data` at `path`; whole or, when it raises `OSError`, as before.

    The name is on the disk only after `disk.sync_directory`, so that one sync serves many files.
    """
    write_temporary(path, data).replace(path)


def remove(paths: Iterable[Path]) -> None:
    """Unlink what is there of `paths`; a file that cannot be unlinked stays for the next start to remove."""
    for path in paths:
        try:
            path.unlink(missing_ok=True)
        except OSError:
            continue


def remove_for_good(paths: Iterable[Path]) -> list[Path]:
    """`remove`, and no power cut brings them back; those that are gone.

    What the catalog does not know, or forgets next, would then be taken for rows that it has lost. Raises `OSError`.
    """
    unwanted = list(paths)
    remove(unwanted)
    sync_folders(unwanted)
    return [path for path in unwanted if not path.exists()]


def sync_folders(paths: Iterable[Path]) -> None:
    """Return when the names beside `paths` are on the disk; a folder that is gone was empty, and synced before."""
    for folder in {path.parent for path in paths}:
        if folder.is_dir():
            disk.sync_directory(folder)


def remove_empty(directory: Path, *, below: Path) -> None:
    """Remove `directory` and its parents under `below` as far as they are empty."""
    while directory != below and below in directory.parents:
        try:
            directory.rmdir()
        except OSError:
            return
        directory = directory.parent
