"""What strace saw a program do to files, as steps of `file_double`.

In: a command; the directory that it works in; a file that it says things in. Out: steps. Memory that is mapped is not
seen: what the journal's `head` holds is told by the program. Nor is seen what became of a call that a thread had under
way when the process was killed: the kernel may have done it all the same, and the next life goes on from there. What
the end of a life has left of both is therefore taken from the files themselves.
"""

import re
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.crash.file_double import ROOT, Disk, Mark, Names, Resize, Step, Sync, Write, contents, difference

CALLS: Final = (
    "openat,write,pwrite64,writev,pwritev,pwritev2,sendfile,copy_file_range,lseek,ftruncate,fallocate,"
    "fsync,fdatasync,rename,renameat,renameat2,link,linkat,unlink,unlinkat,mkdir,mkdirat,rmdir"
)
_OPTIONS: Final = ("-f", "-qq", "-xx", "-s", str(2**20), "-e", f"trace={CALLS}", "-e", "signal=none")
_LINE: Final = re.compile(r"(?P<pid>\d+) +(?:<\.\.\. (?P<resumed>\w+) resumed>)?(?P<rest>.*)")
_CALL: Final = re.compile(r"(?P<name>\w+)\((?P<arguments>.*)\) += (?P<result>-?\d+|\?)(?: .*)?")
_TEXT: Final = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')
_UNFINISHED: Final = " <unfinished ...>"
_UNKNOWN: Final = -1
"""The result of a call that the process did not live to see."""


def run(command: Sequence[str], log: Path) -> int:
    """Runs `command` under strace, which writes to `log`; its exit status."""
    return subprocess.run(["strace", *_OPTIONS, "-o", str(log), *command], check=False).returncode


def works(scratch: Path) -> bool:
    """Whether there is a strace that may trace."""
    try:
        return run(["true"], scratch / "strace") == 0
    except OSError:
        return False


@dataclass(frozen=True, slots=True)
class Call:
    """A call that succeeded: its arguments, strings apart, and its result, or that the process ended before it did."""

    name: str
    words: tuple[str, ...]
    texts: tuple[bytes, ...]
    result: int


def calls(log: Path) -> Iterator[Call]:
    """What succeeded, in the order in which it ended; then what was under way at the end."""
    begun: dict[str, str] = {}
    under_way: list[Call] = []
    with log.open() as lines:
        for line in lines:
            found = _LINE.fullmatch(line.rstrip("\n"))
            if found is None:
                continue
            pid, rest = found["pid"], found["rest"]
            if rest.endswith(_UNFINISHED):
                begun[pid] = rest.removesuffix(_UNFINISHED)
                continue
            if found["resumed"]:
                rest = begun.pop(pid) + rest
            call = _call(rest)
            if call is not None and call.result == _UNKNOWN:
                under_way.append(call)
            elif call is not None:
                yield call
    yield from under_way
    yield from filter(None, (_call(f"{rest}) = ?") for rest in begun.values()))


def _call(text: str) -> Call | None:
    call = _CALL.fullmatch(text.replace(f"{_UNFINISHED})", ")"))
    if call is None or call["result"].startswith("-"):
        return None
    texts = tuple(bytes.fromhex(text.replace("\\x", "")) for text in _TEXT.findall(call["arguments"]))
    words = tuple(word.strip() for word in _TEXT.sub('""', call["arguments"]).split(","))
    return Call(call["name"], words, texts, _UNKNOWN if call["result"] == "?" else int(call["result"]))


@dataclass(slots=True)
class _Open:
    """An open file of ours; `node` None: the file of marks."""

    node: int | None
    offset: int = 0


class Reader:
    """Turns the calls of one life after the other into steps."""

    def __init__(self, data: Path, marks: Path, before: Iterable[Step]) -> None:
        """`data` is where the steps `before` have led."""
        self.steps: list[Step] = []
        self._data = data
        self._marks = marks
        self._disk = Disk()
        self._open: dict[int, _Open] = {}
        for step in before:
            self._step(step)
        self._last = max([ROOT, *self._disk.files, *self._disk.directories])

    def read(self, log: Path) -> None:
        """Takes a life's calls; the directory is as that life has left it."""
        self._open = {}
        for call in calls(log):
            if call.result != _UNKNOWN or self._is_done(call):
                self._take(call)
        self._take_contents()

    def _take(self, call: Call) -> None:
        match call.name:
            case "openat":
                self._take_open(call)
            case "rename" | "renameat" | "renameat2":
                self._take_rename(*map(_path, call.texts))
            case "link" | "linkat":
                old, new = map(_path, call.texts)
                self._name(new, self._node(old))
            case "unlink" | "unlinkat" | "rmdir":
                self._name(_path(call.texts[0]), None)
            case "mkdir" | "mkdirat":
                self._name(_path(call.texts[0]), self._new(), makes_directory=True)
            case _:
                place = 2 if call.name == "copy_file_range" else 0
                file = self._open.get(int(call.words[place]))
                if file is not None and file.node is not None:
                    self._take_write(call, file, file.node)
                elif file is not None and call.name == "write":
                    self._take_mark(call.texts[0].decode().rstrip("\n"))

    def _is_done(self, call: Call) -> bool:
        """Whether a call that was under way has made or taken a name; what it has written is looked at by itself."""
        match call.name:
            case "rename" | "renameat" | "renameat2" | "unlink" | "unlinkat" | "rmdir":
                path = _path(call.texts[0])
                return self._is_ours(path) and self._node(path) is not None and not path.exists()
            case "openat" | "link" | "linkat" | "mkdir" | "mkdirat":
                path = _path(call.texts[-1])
                return self._is_ours(path) and self._node(path) is None and path.exists()
            case _:
                return False

    def _take_contents(self) -> None:
        """Takes what mapped memory and calls that were under way have written."""
        seen, there = self._disk.seen(), contents(self._data)
        if seen.keys() != there.keys():
            raise ValueError(f"not seen: {sorted(seen.keys() ^ there.keys())} came or went")
        for path, node in seen.items():
            content = there[path]
            if content is not None:
                for step in difference(node, self._disk.content(node), content):
                    self._step(step)

    def _take_open(self, call: Call) -> None:
        path, flags = _path(call.texts[0]), call.words[2].split("|")
        self._open.pop(call.result, None)
        if path == self._marks:
            self._open[call.result] = _Open(None)
            return
        if not self._is_ours(path):
            return
        node = self._node(path)
        if node is None:
            if "O_CREAT" not in flags:
                raise ValueError(f"{path} was opened and is not known")
            node = self._new()
            self._name(path, node)
        elif "O_TRUNC" in flags:
            self._step(Resize(node, 0))
        self._open[call.result] = _Open(node)

    def _take_rename(self, old: Path, new: Path) -> None:
        if not self._is_ours(old):
            return
        directory = self._node(old.parent)
        if old.parent != new.parent or directory is None:
            raise ValueError(f"{old} was moved to another directory, which no disk is known to do in one step")
        self._step(Names(directory, ((old.name, None), (new.name, self._node(old)))))

    def _take_write(self, call: Call, file: _Open, node: int) -> None:
        data = b"".join(call.texts)[: call.result]
        match call.name:
            case "write" | "writev":
                self._step(Write(node, file.offset, data))
                file.offset += call.result
            case "pwrite64":
                self._step(Write(node, int(call.words[3]), data))
            case "pwritev" | "pwritev2":
                self._step(Write(node, int(call.words[-1 if call.name == "pwritev" else -2]), data))
            case "sendfile":
                self._copy(
                    self._open[int(call.words[1])], int(call.words[2].split("]")[0].strip("[")), file, call.result
                )
            case "lseek":
                file.offset = call.result
            case "ftruncate":
                self._step(Resize(node, int(call.words[1])))
            case "fallocate":
                size = int(call.words[2]) + int(call.words[3])
                self._step(Resize(node, max(size, len(self._disk.content(node)))))
            case "fsync" | "fdatasync":
                self._step(Sync(node))
            case other:
                raise ValueError(f"{other} is not known")

    def _take_mark(self, text: str) -> None:
        head = self._node(self._data / "journal" / "head")
        if text.startswith("head ") and head is not None:
            self._step(Write(head, 0, bytes.fromhex(text.removeprefix("head "))))
        else:
            self._step(Mark(text))

    def _copy(self, source: _Open, offset: int, target: _Open, count: int) -> None:
        if source.node is None or target.node is None:
            raise ValueError("copied from elsewhere")
        data = self._disk.content(source.node)[offset : offset + count]
        self._step(Write(target.node, target.offset, data))
        target.offset += count

    def _name(self, path: Path, node: int | None, *, makes_directory: bool = False) -> None:
        if path == self._data:  # whose own name is somebody else's to keep
            return
        directory = self._node(path.parent) if self._is_ours(path) else None
        if directory is not None:
            self._step(Names(directory, ((path.name, node),), makes_directory=makes_directory))

    def _node(self, path: Path) -> int | None:
        names, node = self._disk.tree(), ROOT
        for part in path.relative_to(self._data).parts:
            if (node, part) not in names:
                return None
            node = names[node, part]
        return node

    def _new(self) -> int:
        self._last += 1
        return self._last

    def _is_ours(self, path: Path) -> bool:
        return path.is_relative_to(self._data)

    def _step(self, step: Step) -> None:
        self.steps.append(step)
        self._disk.apply(step)


def _path(text: bytes) -> Path:
    return Path(text.decode())
