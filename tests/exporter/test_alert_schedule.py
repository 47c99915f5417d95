"""Slots: the same everywhere, none twice, none going back, none while the last one lasts."""

import subprocess
import sys

from hypothesis import given
from hypothesis import strategies as st

from exporter.alert.schedule import Turn, begun, done, due, next_at, offset, slot, wait_ns
from exporter.units import NS_PER_S

MINUTE = 60 * NS_PER_S
NOON = 29_000_000 * MINUTE

names = st.text(max_size=20)
intervals = st.sampled_from([NS_PER_S, 15 * NS_PER_S, MINUTE, 86_400 * NS_PER_S])


@given(names, intervals, st.integers(0, 2**62))
def test_a_slot_is_the_latest_that_has_passed(name: str, interval: int, now: int) -> None:
    at = slot(name, interval, now)
    assert at <= now < at + interval
    assert (at - offset(name, interval)) % interval == 0


def test_slots_are_the_same_in_every_process() -> None:
    asked = "from exporter.alert.schedule import offset; print(offset('latency', 60 * 10**9))"
    told = {
        subprocess.run([sys.executable, "-c", asked], check=True, capture_output=True, text=True).stdout for _ in "ab"
    }
    assert told == {f"{offset('latency', MINUTE)}\n"}


def test_groups_are_spread_over_the_interval() -> None:
    quarters = {offset(f"group {number}", MINUTE) * 4 // MINUTE for number in range(40)}
    assert quarters == {0, 1, 2, 3}


@given(names, st.lists(st.tuples(st.integers(-200, 400), st.booleans()), max_size=60))
def test_slots_never_come_twice_nor_go_back_whatever_the_clock_does(name: str, jumps: list[tuple[int, bool]]) -> None:
    turn, now, slots = begun(name, MINUTE, NOON), NOON, []
    for seconds, ends in jumps:
        now += seconds * NS_PER_S
        was_running = turn.running
        turn, at = due(turn, now)
        if at is not None:
            assert not was_running
            assert at <= now
            slots.append(at)
        if ends:
            turn = done(turn)
    assert slots == sorted(set(slots))
    assert all(at > NOON for at in slots)
    if slots:
        assert len(slots) + turn.missed == (slots[-1] - slot(name, MINUTE, NOON)) // MINUTE


def test_a_slot_that_passes_while_the_last_one_lasts_is_missed_and_not_made_up_for() -> None:
    turn: Turn = begun("g", MINUTE, NOON)
    first = next_at(turn)
    turn, at = due(turn, first)
    assert at == first
    for minutes in (1, 2, 3):
        turn, at = due(turn, first + minutes * MINUTE)
        assert at is None
    turn, at = due(done(turn), first + 3 * MINUTE + 1)
    assert (at, turn.missed) == (first + 3 * MINUTE, 2)


def test_who_waits_for_an_evaluation_that_outlasts_its_next_slot_does_not_ask_again_and_again() -> None:
    turn = begun("g", MINUTE, NOON)
    first = next_at(turn)
    assert wait_ns(turn, first - 7) == 7
    turn, _ = due(turn, first)
    assert wait_ns(turn, first + 3 * MINUTE) is None
    assert wait_ns(done(turn), first + 3 * MINUTE) == 0


def test_nothing_is_due_until_a_clock_that_was_set_back_has_caught_up() -> None:
    turn = begun("g", MINUTE, NOON)
    turn, at = due(turn, NOON + MINUTE)
    assert at is not None
    turn = done(turn)
    assert due(turn, NOON - 3_600 * NS_PER_S) == (turn, None)
    assert due(turn, at + MINUTE)[1] == at + MINUTE


def test_what_was_due_before_the_start_is_not_made_up_for() -> None:
    at = slot("g", MINUTE, NOON)
    assert due(begun("g", MINUTE, at), at)[1] is None
    assert due(begun("g", MINUTE, at), at + MINUTE)[1] == at + MINUTE
