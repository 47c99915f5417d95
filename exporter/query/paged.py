"""Rows in pages, the newest first: where the next page begins, also where many rows share a time.

In: a period, a mark, a function that tells when the newest rows were. Out: which rows a page has.

A question for all columns reads all of them of every row; so the times of a page are asked first, going back in windows
that grow, and then the rows of just those times. A mark says at which time the last row shown was, and how many of that
time have been shown: rows of one time must come in the same order each time, and those of it that nothing orders are
alike.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from exporter.query.period import MINUTE, Period
from exporter.units import NS_PER_US

LATEST_NS: Final = 2**63 - 1
MOST_SEEN: Final = 2**20
"""Rows of one time that can be leafed through."""
_FIRST_NS: Final = 5 * MINUTE
_GROWTH: Final = 8

After = tuple[int, str]
"""Behind the row of a time, Unix nanoseconds, and an id, where no two rows have one id."""
Last = Callable[[Period], Period | None]
"""The end of a period in which about enough rows are; None where that is not known."""
Times = Callable[[Period, int, int], list[int]]
"""The times of the newest rows within a period, at most so many, and none after an instant; Unix nanoseconds."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Behind the first `seen` rows of `time_ns`."""

    time_ns: int
    seen: int


@dataclass(frozen=True, slots=True)
class Place:
    """A page: of the rows of `period` that are not after `last_ns`, `limit` behind the first `skip`.

    `times` are those of all of these rows, also of the ones that are skipped.
    """

    period: Period
    last_ns: int
    skip: int
    limit: int
    times: tuple[int, ...]
    following: Mark | None

    def parameters(self) -> dict[str, object]:
        """Those of statements."""
        return {**self.period.us(), "last_ns": self.last_ns, "skip": self.skip, "limit": self.limit}


def page(times_of: Times, period: Period, mark: Mark | None, limit: int, last: Last | None = None) -> Place | None:
    """Where the page behind `mark` is; None where nothing follows. `last` tells which end of a period to begin with."""
    end_ns = _up(period.end_ns)
    last_ns, seen = (end_ns - 1, 0) if mark is None else (min(mark.time_ns, end_ns - 1), mark.seen)
    wanted = seen + limit + 1
    times: list[int] = []
    for window in windows(Period(period.start_ns, last_ns + 1), last):
        times += times_of(window, last_ns, wanted - len(times))
        if len(times) >= wanted:
            break
    shown = times[: seen + limit]
    if len(shown) <= seen:
        return None
    following = Mark(shown[-1], shown.count(shown[-1])) if len(times) > len(shown) else None
    return Place(Period(_down(shown[-1]), _up(shown[0] + 1)), last_ns, seen, limit, tuple(shown), following)


def following(times: Sequence[int], limit: int, mark: Mark | None) -> Mark | None:
    """Where the page behind this one begins, of which one row more than `limit` was asked for."""
    if len(times) <= limit:
        return None
    last_ns = times[limit - 1]
    before = mark.seen if mark is not None and mark.time_ns == last_ns else 0
    return Mark(last_ns, before + times[:limit].count(last_ns))


def asked(mark: Mark | None, limit: int) -> dict[str, object]:
    """Parameters of a statement that is asked for a page at once, and one row more."""
    at = Mark(LATEST_NS, 0) if mark is None else mark
    return {"last_ns": at.time_ns, "skip": at.seen, "limit": limit + 1}


def windows(period: Period, last: Last | None = None) -> Iterator[Period]:
    """Stretches that lie end to end and hold the period, the last one first, each longer than the one before it.

    `last` tells which end of the period comes first, else some minutes.
    """
    start_ns, end_ns = _down(period.start_ns), _up(period.end_ns)
    first = None if last is None else last(period)
    length_ns = _FIRST_NS if first is None else max(first.length_ns, NS_PER_US)
    while end_ns > start_ns:
        begin_ns = max(start_ns, _down(end_ns - length_ns))
        yield Period(begin_ns, end_ns)
        end_ns, length_ns = begin_ns, length_ns * _GROWTH


def _down(time_ns: int) -> int:
    """Whole microseconds, in which statements are told of periods."""
    return time_ns // NS_PER_US * NS_PER_US


def _up(time_ns: int) -> int:
    return -(-time_ns // NS_PER_US) * NS_PER_US
