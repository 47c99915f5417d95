"""Where the time of a trace went: pictures of what is meant, and any trace against the same in slow Python."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.query.critical import Share, Together, shares, together


@dataclass(frozen=True, slots=True)
class Timed:
    """A span, as far as its time goes."""

    start_ns: int
    duration_ns: int
    is_running: bool = False

    @property
    def end_ns(self) -> int:
        """Where it ends."""
        return self.start_ns + max(self.duration_ns, 0)


# One character is one nanosecond: # its own, on the critical path; + its own; - a child runs; . it does not run.
PICTURES = {
    "one span is all of the path": """
        root ####
    """,
    "steps in turn": """
        root ##------##
         a   ..###.....
         b   .....###..
    """,
    "of what runs in parallel the longest is waited for": """
        root #------#
         a   .######.
         b   .+++....
    """,
    "what is waited for may begin when another ends": """
        root --------
         a   +++.....
         b   ####....
         c   ....####
    """,
    "a stream overlaps with what it feeds": """
        root --------
         llm ####++..
         tts ....####
    """,
    "who outlives its parent is looked at within it": """
        root ##----....
         a   ..####++++
    """,
    "the path goes down": """
        root #------#
         a   .#----#.
          b  ..####..
          c  ..++....
    """,
    "several roots, and nothing between them": """
        one  ###....
        two  .....##
    """,
}


@pytest.mark.parametrize("picture", PICTURES.values(), ids=PICTURES)
def test_the_critical_path_is_as_drawn(picture: str) -> None:
    spans, expected = _read(picture)
    assert [(share.self_ns, share.critical_ns) for share in shares(spans)] == expected


def _read(picture: str) -> tuple[list[tuple[int, Timed]], list[tuple[int, int]]]:
    lines = [line[8:] for line in picture.splitlines() if line.strip()]
    spans, expected = [], []
    for line in lines:
        name, bar = line[:5], line[5:].rstrip()
        ran = [at for at, mark in enumerate(bar) if mark != "."]
        spans.append((len(name) - len(name.lstrip()), Timed(ran[0], len(ran))))
        expected.append((bar.count("#") + bar.count("+"), bar.count("#")))
    return spans, expected


def test_a_running_span_lasts_until_what_is_known() -> None:
    root, child = Timed(0, 0, is_running=True), Timed(2, 6)
    assert shares([(0, root), (1, child)]) == (Share(2, 2, is_critical=True), Share(6, 6, is_critical=True))


def test_nothing_is_made_of_no_spans() -> None:
    assert shares([]) == ()


def test_what_ran_in_parallel_is_told_with_the_time_that_it_saved() -> None:
    root, first, second, third = Timed(0, 10), Timed(0, 4), Timed(2, 6), Timed(9, 1)
    assert together([(0, root), (1, first), (1, second), (1, third)]) == (Together(0, 3, 9, 11),)
    assert together([(0, first), (0, second)]) == (Together(None, 2, 8, 10),)
    assert together([(0, root), (1, first), (1, third)]) == ()


@st.composite
def _traces(draw: st.DrawFn) -> list[tuple[int, Timed]]:
    spans: list[tuple[int, Timed]] = []
    for _ in range(draw(st.integers(0, 9))):
        deepest = spans[-1][0] + 1 if spans else 0
        timed = st.builds(Timed, st.integers(-4, 30), st.integers(-3, 20), st.integers(0, 7).map(lambda one: one == 7))
        spans.append((draw(st.integers(0, deepest)), draw(timed)))
    return spans


@given(_traces())
def test_the_path_is_that_of_slow_python_and_comes_to_the_time_of_the_roots(spans: list[tuple[int, Timed]]) -> None:
    found = shares(spans)
    last = max((span.end_ns for _, span in spans), default=0)
    ends = [last if span.is_running else span.end_ns for _, span in spans]
    critical = _slowly(spans, ends)
    assert [share.critical_ns for share in found] == critical
    assert all(0 <= share.critical_ns <= share.self_ns for share in found)
    assert [share.self_ns for share in found] == [_own(spans, ends, place) for place in range(len(spans))]
    below = [sum(critical[one] for one in _within(spans, place)) for place in range(len(spans))]
    assert [share.is_critical for share in found] == [critical_ns > 0 for critical_ns in below]
    roots = {at for place, (depth, span) in enumerate(spans) if depth == 0 for at in range(span.start_ns, ends[place])}
    assert sum(critical) == len(roots)
    covered = {one.place: one.covered_ns for one in together(spans)}
    assert covered.get(None, len(roots)) == len(roots)


def _within(spans: Sequence[tuple[int, Timed]], place: int) -> list[int]:
    """Itself and what is below it."""
    after = range(place + 1, len(spans))
    return [place, *takewhile(lambda one: spans[one][0] > spans[place][0], after)]


def _slowly(spans: Sequence[tuple[int, Timed]], ends: Sequence[int]) -> list[int]:
    """Nanosecond by nanosecond from the end: who is waited for there, and below it."""
    path = [0] * len(spans)
    waited: dict[int | None, int] = {}
    for at in reversed(range(-10, 60)):
        place = None
        while True:
            held = waited.get(place)
            if held is None or spans[held][1].start_ns > at:
                below = [one for one in _children(spans, place) if spans[one][1].start_ns <= at < ends[one]]
                held = min(below, key=lambda one: (ends[one], one), default=None)
                if held is not None:
                    waited[place] = held
            if held is None:
                break
            place = held
        if place is not None:
            path[place] += 1
    return path


def _own(spans: Sequence[tuple[int, Timed]], ends: Sequence[int], place: int) -> int:
    below = {at for one in _children(spans, place) for at in range(spans[one][1].start_ns, ends[one])}
    return len(set(range(spans[place][1].start_ns, ends[place])) - below)


def _children(spans: Sequence[tuple[int, Timed]], parent: int | None) -> list[int]:
    depth = -1 if parent is None else spans[parent][0]
    found = []
    above: list[int] = []
    for place, (deep, _) in enumerate(spans):
        while above and spans[above[-1]][0] >= deep:
            above.pop()
        if (above[-1] if above else None) == parent and deep > depth:
            found.append(place)
        above.append(place)
    return found
