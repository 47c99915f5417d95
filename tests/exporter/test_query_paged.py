"""Pages neither skip nor repeat a row, however many share a time and wherever windows and pages end."""

from itertools import pairwise

from hypothesis import example, given
from hypothesis import strategies as st

from exporter.query.paged import Mark, page, windows
from exporter.query.period import HOUR, MINUTE, Period

TIMES = st.lists(
    st.one_of(st.integers(0, 3_000), st.sampled_from([0, 999, 1_000, 5 * MINUTE, 5 * MINUTE + 1, HOUR - 1])),
    max_size=60,
)


def leafed(rows: list[tuple[int, int]], period: Period, limit: int) -> list[tuple[int, int]]:
    """All rows, page by page, as statements would give them: those of one time in the order of their second part."""
    rows = sorted(rows, key=lambda row: (-row[0], row[1]))
    seen: list[tuple[int, int]] = []
    mark: Mark | None = None

    def times(window: Period, last_ns: int, most: int) -> list[int]:
        return [t for t, _ in rows if window.start_ns <= t < window.end_ns and t <= last_ns][:most]

    while True:
        place = page(times, period, mark, limit)
        if place is None:
            return seen
        within = [row for row in rows if place.period.start_ns <= row[0] < place.period.end_ns]
        shown = [row for row in within if row[0] <= place.last_ns][place.skip : place.skip + place.limit]
        assert 0 < len(shown) <= limit
        seen += shown
        mark = place.following
        if mark is None:
            return seen


@given(TIMES, st.integers(1, 7))
@example([5] * 20, 3)
@example([0, 0, 1, 1, 1], 2)
def test_pages_hold_each_row_once_and_the_newest_first(times: list[int], limit: int) -> None:
    rows = list(zip(times, range(len(times)), strict=True))
    found = leafed(rows, Period(0, HOUR), limit)
    assert found == sorted(rows, key=lambda row: (-row[0], row[1]))


@given(st.integers(0, 10**18), st.integers(1, 400 * 24 * HOUR))
def test_windows_lie_end_to_end_and_hold_the_period(start_ns: int, length_ns: int) -> None:
    period = Period(start_ns, start_ns + length_ns)
    found = list(windows(period))
    assert found[0].end_ns >= period.end_ns
    assert found[-1].start_ns <= period.start_ns
    assert all(later.start_ns == earlier.end_ns for later, earlier in pairwise(found))
    assert len(found) <= 8
