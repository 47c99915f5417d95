"""The journal after a power cut: of what was not synced, any sector may be old or new."""

from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.config import Journal as Settings
from exporter.journal import Tail
from exporter.journal.frame import record
from exporter.journal.log import Log
from exporter.model import Request, Signal

SECTOR = 512
FRAME_BYTES = 64 + len("default")
"""Of a frame, beside its payload."""
SMALL = Settings(file_bytes=8 * SECTOR)
NOW = 10**18


class SetClock:
    """A clock that stands still."""

    def wall(self) -> int:
        return NOW

    def monotonic(self) -> int:
        return NOW


def request(number: int, size: int) -> Request:
    return Request(Signal.LOGS, "default", NOW, 1, number.to_bytes(8, "little") + bytes([number % 251]) * (size - 8))


def append(log: Log, requests: list[Request]) -> None:
    records = [record(one) for one in requests]
    while records:
        del records[: log.append(records)]


def read(tail: Tail) -> list[int]:
    return [int.from_bytes(entry.request.payload[:8], "little") for entry in tail.read(2**30)]


def contents(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}


@settings(max_examples=200)
@given(
    synced=st.lists(st.integers(8, 900), max_size=12),
    group=st.lists(st.integers(8, 900), min_size=1, max_size=5),
    recycle=st.booleans(),
    lose_head=st.booleans(),
    data=st.data(),
)
def test_a_power_cut_in_a_group_costs_nothing_that_was_synced(
    tmp_path_factory: pytest.TempPathFactory,
    *,
    synced: list[int],
    group: list[int],
    recycle: bool,
    lose_head: bool,
    data: st.DataObject,
) -> None:
    directory = tmp_path_factory.mktemp("journal")
    acked = [request(number, size) for number, size in enumerate(synced)]
    unsynced = [request(100 + number, size) for number, size in enumerate(group)]
    with closing(Log.open(directory, SMALL, SetClock())[0]) as log, closing(Tail.open(directory, 0)) as tail:
        append(log, acked)
        stored = read(tail) if recycle else []
        position = tail.position
        tail.stored(position)
        before = contents(directory)
        count = log.append([record(one) for one in unsynced])
        after = contents(directory)
    log_name = max(name for name in after if name.endswith(".log"))
    new = after[log_name]
    # A file that is new in this group held zeros, or what it held before it was recycled.
    held = before.get(log_name, next((before[name] for name in before.keys() - after.keys()), b""))
    old = held.ljust(len(new), b"\0")
    sectors = range(0, len(new), SECTOR)
    written = data.draw(st.lists(st.booleans(), min_size=len(sectors), max_size=len(sectors)))
    mixed = (new if is_new else old for is_new in written)
    (directory / log_name).write_bytes(
        b"".join(side[at : at + SECTOR] for side, at in zip(mixed, sectors, strict=True))
    )
    (directory / "head").write_bytes(b"" if lose_head else before["head"])

    with closing(Tail.open(directory, position)) as tail:
        log, window = Log.open(directory, SMALL, SetClock())
        with closing(log):
            there = stored + read(tail)
            assert [number for number in there if number < 100] == list(range(len(acked)))
            assert set(there) <= {*range(len(acked)), *range(100, 100 + count)}
            known = {number for number, one in enumerate(acked) if window.holds(record(one).digest, NOW)}
            assert known == set(range(len(acked)))
            again = [one for one in unsynced if not window.holds(record(one).digest, NOW)]
            append(log, again)
            there += read(tail)
            assert sorted(there) == [*range(len(acked)), *range(100, 100 + len(group))]


def test_what_a_file_held_in_its_former_use_is_not_read_in_a_hole_behind_what_is_stored(tmp_path: Path) -> None:
    """Two cuts: one takes the first frame of a file, so that it begins anew; one the first of a group behind it."""
    left = request(2, 100)
    with closing(Log.open(tmp_path, SMALL, SetClock())[0]) as log:
        append(log, [request(1, 400), left])
    (path,) = tmp_path.glob("*.log")
    path.write_bytes(bytes(FRAME_BYTES) + path.read_bytes()[FRAME_BYTES:])
    (tmp_path / "head").unlink()
    with closing(Log.open(tmp_path, SMALL, SetClock())[0]) as log, closing(Tail.open(tmp_path, 0)) as tail:
        append(log, [request(3, 100)])
        assert read(tail) == [3]
        before = path.read_bytes()
        log.append([record(request(4, 800)), record(request(5, 100))])
    path.write_bytes(before[: 2 * SECTOR] + path.read_bytes()[2 * SECTOR :])
    log, window = Log.open(tmp_path, SMALL, SetClock())
    with closing(log), closing(Tail.open(tmp_path, tail.position)) as tail:
        assert read(tail) == [5]
        assert not window.holds(record(left).digest, NOW)
