"""The disk that loses power loses nothing else: it knows all that was done, and what was said of it stays with it."""

from pathlib import Path
from random import Random

import pytest

from tests.crash import file_double_strace as strace
from tests.crash.file_double import Mark, Trace, begun, contents, put


def called(name: str, *arguments: str | bytes) -> str:
    """A call as strace writes it: bytes are a text in the file's directory."""
    words = (
        one if isinstance(one, str) else '"' + "".join(f"\\x{byte:02x}" for byte in one) + '"' for one in arguments
    )
    return f"{name}({', '.join(words)}"


@pytest.mark.parametrize("end", [") = ?", " <unfinished ...>", " <unfinished ...>) = ?"])
@pytest.mark.parametrize("is_done", [True, False])
def test_what_a_killed_process_had_under_way_is_seen_where_it_was_done(
    tmp_path: Path, end: str, *, is_done: bool
) -> None:
    data, log = tmp_path / "data", tmp_path / "strace"
    files = {name: data / name for name in ("a", "b", "c", "d", "e", "f", "g")}
    path = {name: bytes(file) for name, file in files.items()}
    put(data, {"a": b"old", "b": b"", "d": b""})
    reader = strace.Reader(data, tmp_path / "marks", [begun(data, [])])
    under_way = [
        called("pwritev2", "3", '[{iov_base="\\x6e\\x65\\x77", iov_len=3}]', "1", "0", "0"),
        called("rename", path["b"], path["c"]),
        called("unlink", path["d"]),
        called("openat", "AT_FDCWD", path["e"], "O_WRONLY|O_CREAT", "0600"),
        called("mkdir", path["f"], "0700"),
        called("linkat", "AT_FDCWD", path["a"], "AT_FDCWD", path["g"], "0"),
    ]
    opened_before = called("openat", "AT_FDCWD", path["a"], "O_RDWR") + ") = 3"
    lines = (f"{pid} {line}" for pid, line in enumerate([opened_before, *(line + end for line in under_way)]))
    log.write_text("".join(f"{line}\n" for line in lines))
    if is_done:
        put(data, {"a": b"new", "c": b"", "e": b"", "f": None, "g": b"new"})
    reader.read(log)
    trace = Trace(reader.steps)
    assert trace.disk(len(trace)).after_cut(Random(0), bytes_kept=1, names_kept=1) == contents(data)
    assert trace.disk(len(trace)).after_cut(Random(0), bytes_kept=0, names_kept=0) == {"a": b"old", "b": b"", "d": b""}


def test_no_cut_comes_between_what_lay_there_and_what_was_said_of_it(tmp_path: Path) -> None:
    lay_there = {"journal": None, "journal/a": b"acknowledged"}
    put(tmp_path, lay_there)
    trace = Trace([begun(tmp_path, ["sent 1", "acked 1"]), Mark("sent 2")])
    told = [
        (trace.disk(at).after_cut(Random(0), bytes_kept=0, names_kept=0), trace.marks(at))
        for at in range(len(trace) + 1)
    ]
    assert told == [
        ({}, []),
        (lay_there, ["sent 1", "acked 1"]),
        (lay_there, ["sent 1", "acked 1", "sent 2"]),
    ]
