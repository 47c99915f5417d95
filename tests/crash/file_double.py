"""A disk with a cache that a power cut empties: of what was not synced, any part may be there and any may not.

In: what a program did to the files of one directory, call by call. Out: what may lie there after a cut at any point.
Of a file's bytes that were not synced each sector is kept or lost, of its sizes one is chosen; of names that were made,
renamed and removed without a sync of their directory each change is kept or lost. Whatever was synced is there.
"""

import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Final

SECTOR: Final = 512
ROOT: Final = 0
"""The node of the directory itself, which is always there. Files and directories have a number each that stays."""

Chance = Callable[[], bool]


@dataclass(frozen=True, slots=True)
class Write:
    """Bytes written to a file."""

    node: int
    offset: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Resize:
    """A file cut off, or extended with zeros."""

    node: int
    size: int


@dataclass(frozen=True, slots=True)
class Names:
    """Names of one directory bound or, to None, unbound by one call: all of them are kept, or none."""

    directory: int
    changes: tuple[tuple[str, int | None], ...]
    makes_directory: bool = False


@dataclass(frozen=True, slots=True)
class Sync:
    """The bytes of a file, or the names of a directory, are on the disk."""

    node: int


@dataclass(frozen=True, slots=True)
class Mark:
    """What the program said, such as that something is acknowledged."""

    text: str


@dataclass(frozen=True, slots=True)
class Together:
    """Steps between which no cut comes, since whoever took them sees to that in a way that is not looked at."""

    steps: tuple["Step", ...]


Step = Write | Resize | Names | Sync | Mark | Together


@dataclass(frozen=True, slots=True)
class _File:
    synced: bytes = b""
    pending: tuple[Write | Resize, ...] = ()

    def now(self) -> bytes:
        return _written(self.synced, self.pending)

    def after_cut(self, kept: Chance, rng: Random) -> bytes:
        if not self.pending:
            return self.synced
        sizes = list(_sizes(len(self.synced), self.pending))
        survivors = [part for step in self.pending for part in _parts(step) if kept()]
        size = max(sizes) if kept() else rng.choice(sizes)
        return _written(self.synced, survivors)[:size].ljust(size, b"\0")


@dataclass(slots=True)
class Disk:
    """The disk after some steps."""

    files: dict[int, _File] = field(default_factory=dict)
    directories: set[int] = field(default_factory=lambda: {ROOT})
    names: dict[tuple[int, str], int] = field(default_factory=dict)
    pending: list[Names] = field(default_factory=list)

    def apply(self, step: Step) -> None:
        """Takes one step."""
        match step:
            case Write(node) | Resize(node):
                file = self.files.get(node, _File())
                self.files[node] = replace(file, pending=(*file.pending, step))
            case Names():
                self._apply_names(step)
            case Sync(node):
                self._apply_sync(node)
            case Together(steps):
                for one in steps:
                    self.apply(one)

    def _apply_names(self, step: Names) -> None:
        nodes = {node for _, node in step.changes if node is not None}
        if step.makes_directory:
            self.directories |= nodes
        for node in nodes - self.directories:
            self.files.setdefault(node, _File())
        self.pending.append(step)

    def _apply_sync(self, node: int) -> None:
        if node not in self.directories:
            self.files[node] = _File(self.content(node))
            return
        for names in self.pending:
            if names.directory == node:
                _bind(self.names, names)
        self.pending = [names for names in self.pending if names.directory != node]

    def copy(self) -> "Disk":
        """The same disk, to go on with separately."""
        return Disk(dict(self.files), set(self.directories), dict(self.names), list(self.pending))

    def tree(self) -> dict[tuple[int, str], int]:
        """The names as a program sees them."""
        names = dict(self.names)
        for change in self.pending:
            _bind(names, change)
        return names

    def content(self, node: int) -> bytes:
        """The bytes of a file as a program sees them."""
        return self.files[node].now()

    def after_cut(self, rng: Random, *, bytes_kept: float, names_kept: float) -> dict[str, bytes | None]:
        """Relative paths → what is there; None for a directory. Of each unsynced part such a share is kept."""
        names = dict(self.names)
        for change in self.pending:
            if rng.random() < names_kept:
                _bind(names, change)
        found: dict[str, bytes | None] = {}
        for path, node in _walk(names):
            file = self.files.get(node)
            found[path] = None if file is None else file.after_cut(lambda: rng.random() < bytes_kept, rng)
        return found

    def seen(self) -> dict[str, int]:
        """Relative paths as a program sees them, and their nodes."""
        return dict(_walk(self.tree()))


class Trace:
    """All steps of a program's lives, and the disk at any point of them."""

    _EVERY: Final = 64

    def __init__(self, steps: Iterable[Step]) -> None:
        """From an empty directory on."""
        self.steps = list(steps)
        self._disks: list[Disk] = []
        disk = Disk()
        for place, step in enumerate(self.steps):
            if place % self._EVERY == 0:
                self._disks.append(disk.copy())
            disk.apply(step)

    def __len__(self) -> int:
        """How many steps there are: a cut is possible before each, and at the end."""
        return len(self.steps)

    def disk(self, at: int) -> Disk:
        """The disk after the first `at` steps."""
        known = min(at // self._EVERY, len(self._disks) - 1)
        disk = self._disks[known].copy()
        for step in self.steps[known * self._EVERY : at]:
            disk.apply(step)
        return disk

    def marks(self, at: int) -> list[str]:
        """What was said by then."""
        return [step.text for step in _each(self.steps[:at]) if isinstance(step, Mark)]


def begun(directory: Path, said: Iterable[str]) -> Together:
    """What makes a directory as it lies there, all of it synced, and what was said by then: no cut comes in between."""
    nodes = {Path(): ROOT}
    steps: list[Step] = []
    for name, content in contents(directory).items():
        path = Path(name)
        node = nodes[path] = len(nodes)
        steps.append(Names(nodes[path.parent], ((path.name, node),), makes_directory=content is None))
        if content is not None:
            steps.append(Write(node, 0, content))
    return Together((*steps, *map(Sync, nodes.values()), *map(Mark, said)))


def contents(directory: Path) -> dict[str, bytes | None]:
    """What `put` puts."""
    return {
        str(path.relative_to(directory)): path.read_bytes() if path.is_file() else None
        for path in sorted(directory.rglob("*"))
    }


def difference(node: int, old: bytes, new: bytes) -> Iterator[Write | Resize]:
    """What makes a file that holds `old` hold `new`."""
    if len(new) != len(old):
        yield Resize(node, len(new))
        old = old[: len(new)].ljust(len(new), b"\0")
    sectors = [at for at in range(0, len(new), SECTOR) if new[at : at + SECTOR] != old[at : at + SECTOR]]
    if sectors:
        yield Write(node, sectors[0], new[sectors[0] : sectors[-1] + SECTOR])


def put(directory: Path, found: Mapping[str, bytes | None]) -> None:
    """Makes `directory` hold what `Disk.after_cut` has found, and nothing else."""
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    for name, content in found.items():
        if content is None:
            (directory / name).mkdir()
        else:
            (directory / name).write_bytes(content)


def _each(steps: Iterable[Step]) -> Iterator[Step]:
    for step in steps:
        if isinstance(step, Together):
            yield from _each(step.steps)
        else:
            yield step


def _bind(names: dict[tuple[int, str], int], change: Names) -> None:
    for name, node in change.changes:
        if node is None:
            names.pop((change.directory, name), None)
        else:
            names[change.directory, name] = node


def _walk(names: Mapping[tuple[int, str], int]) -> Iterator[tuple[str, int]]:
    """What can be reached from the root, directories before what is in them."""
    inside: dict[int, list[tuple[str, int]]] = {}
    for (directory, name), node in names.items():
        inside.setdefault(directory, []).append((name, node))
    left = [("", ROOT)]
    while left:
        path, directory = left.pop()
        for name, node in inside.get(directory, ()):
            yield f"{path}{name}", node
            left.append((f"{path}{name}/", node))


def _parts(step: Write | Resize) -> Iterator[Write | Resize]:
    """What reaches the disk or not, each on its own: the sectors of a write."""
    if isinstance(step, Resize):
        yield step
        return
    at = step.offset
    while at < step.offset + len(step.data):
        end = min((at // SECTOR + 1) * SECTOR, step.offset + len(step.data))
        yield Write(step.node, at, step.data[at - step.offset : end - step.offset])
        at = end


def _written(content: bytes, steps: Sequence[Write | Resize]) -> bytes:
    if not steps:
        return content
    now = bytearray(content)
    for step in steps:
        if isinstance(step, Resize):
            del now[step.size :]
            now.extend(bytes(step.size - len(now)))
        else:
            now.extend(bytes(max(0, step.offset - len(now))))
            now[step.offset : step.offset + len(step.data)] = step.data
    return bytes(now)


def _sizes(size: int, steps: Iterable[Write | Resize]) -> Iterator[int]:
    yield size
    for step in steps:
        size = step.size if isinstance(step, Resize) else max(size, step.offset + len(step.data))
        yield size
