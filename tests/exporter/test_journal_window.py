"""The retry window, and the files that keep it when the journal's own are gone."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.journal import window
from exporter.journal.window import Held, Keys, Window

DIGESTS = st.binary(min_size=16, max_size=16)
SEEN = st.lists(st.tuples(DIGESTS, st.integers(0, 2**62)), max_size=20)


def digest(number: int) -> bytes:
    return number.to_bytes(16, "little")


def packed(seen: list[tuple[bytes, int]]) -> bytes:
    return b"".join(window.pack(*one) for one in seen)


def test_a_digest_is_held_for_the_window_and_no_longer() -> None:
    seen = Window(age_ns=100, requests=10)
    seen.add(digest(1), 1_000)
    assert seen.holds(digest(1), 1_000)
    assert seen.holds(digest(1), 1_100)
    assert not seen.holds(digest(1), 1_101)
    assert not seen.holds(digest(2), 1_000)


def test_a_digest_is_held_when_the_clock_goes_back() -> None:
    seen = Window(age_ns=100, requests=10)
    seen.add(digest(1), 1_000)
    assert seen.holds(digest(1), 10)


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 50)), max_size=60), st.integers(1, 10))
def test_a_window_is_bounded_in_age_and_number(steps: list[tuple[int, int]], requests: int) -> None:
    seen = Window(age_ns=100, requests=requests)
    now = 0
    history: list[tuple[int, int]] = []
    for number, pause in steps:
        now += pause
        seen.add(digest(number), now)
        history = [*(one for one in history if one[0] != number), (number, now)]
        recent = [one for one in history if now - one[1] <= 100][-requests:]
        assert len(seen) == len(recent)
        assert all(seen.holds(digest(one), now) for one, _ in recent)


@given(SEEN, st.integers(0, 2**62))
def test_keys_come_back_from_their_file(
    tmp_path_factory: pytest.TempPathFactory, seen: list[tuple[bytes, int]], end: int
) -> None:
    path = tmp_path_factory.mktemp("keys") / "0.keys"
    window.save(path, Keys(end, packed(seen)), 100)
    keys = window.load(path)
    assert keys is not None
    assert (keys.end, list(keys.seen()), keys.count) == (end, seen, len(seen))
    assert keys.newest() == max((received_at for _, received_at in seen), default=0)


def test_a_file_of_keys_holds_no_more_than_the_window_takes(tmp_path: Path) -> None:
    path = tmp_path / "0.keys"
    window.save(path, Keys(1, packed([(digest(i), i) for i in range(10)])), 3)
    keys = window.load(path)
    assert keys is not None
    assert list(keys.seen()) == [(digest(i), i) for i in (7, 8, 9)]
    assert path.stat().st_mode & 0o777 == 0o600


@given(SEEN, st.data())
def test_a_torn_or_damaged_file_of_keys_is_not_read(
    tmp_path_factory: pytest.TempPathFactory, seen: list[tuple[bytes, int]], data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("keys") / "0.keys"
    window.save(path, Keys(5, packed(seen)), 100)
    content = bytearray(path.read_bytes())
    at = data.draw(st.integers(0, len(content) - 1))
    path.write_bytes(content[:at])
    assert window.load(path) is None
    content[at] ^= 1 << data.draw(st.integers(0, 7))
    path.write_bytes(content)
    assert window.load(path) is None


def test_keys_that_are_not_there_are_not_read(tmp_path: Path) -> None:
    assert window.load(tmp_path / "0.keys") is None


def test_keys_are_outlived_when_all_of_them_are_too_old_or_enough_are_younger() -> None:
    held = [Held(0, 5, 100), Held(10, 5, 900), Held(20, 5, 950), Held(30, 5, 1_000)]
    assert window.outlived(held, now=1_000, age_ns=500, requests=1_000) == [held[0]]
    assert window.outlived(held, now=1_000, age_ns=500, requests=10) == [held[1], held[0]]
    assert window.outlived(held, now=1_000, age_ns=5_000, requests=1_000) == []
    assert window.outlived(held, now=9_000, age_ns=500, requests=1_000) == held[::-1]
