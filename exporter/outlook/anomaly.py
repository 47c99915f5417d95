"""What is unusual: each hour against the same hours of the weeks before.

In: a value for each hour, and the time zone in which people live. Out: what was expected, within which bounds, and
whether the hour is out of them, above or below.

Expected is the median of the same hour of the day, give or take one, on working days or at weekends. The upper bound
is `K` times the spread (MAD) above it, the lower one as many times its spread as a ratio below; the spread is taken to
be at least a tenth of the median. One odd hour is chance: two of three in the same direction are an anomaly. Hours that
were odd themselves teach nothing, unless they went on for two days: then that is how it is now.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import Final, Literal
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

Reals = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

HOUR_NS: Final = 3_600 * 10**9
K: Final = 5.0
FLOOR: Final = 0.1
"""Of the median: no spread is taken to be less."""
_DAY: Final = 24
LEARNED: Final = 28 * _DAY
"""Hours before the one that is judged."""
LEAST: Final = 7 * _DAY
_SPLIT: Final = 14 * _DAY
"""From here on weekends are told apart."""
_SATURDAY: Final = 5
_MAD: Final = 1.4826
"""A normal spread's standard deviation, in median absolute deviations."""
_IDLE: Final = 0.25
"""Share of hours in which nothing happens, from which nothing is usual: then only what happens is compared."""
_RARE: Final = 0.02
_FEW: Final = 8
"""Hours that did anything, without which a bound would be a guess."""
_SETTLED: Final = 48
"""Odd hours in a row that are the new usual."""

Direction = Literal["high", "low"]
State = Literal["learning", "normal", "high", "low"]


@dataclass(frozen=True, slots=True)
class Hour:
    """An hour that was judged; `odd` is this hour alone.

    `value` is None where it is not known; `expected` and its bounds are then, and while it learns.
    """

    start_ns: int
    value: float | None
    expected: float | None
    low: float | None
    high: float | None
    odd: Direction | None
    state: State

    @property
    def deviation(self) -> float | None:
        """How far out of what is usual, in widths of the bounds: above 1 is high, below −1 is low; 0 as expected."""
        if self.value is None or self.expected is None or self.high is None or self.low is None:
            return None
        width = self.high - self.expected if self.value >= self.expected else self.expected - self.low
        return (self.value - self.expected) / width if width > 0 else 0.0


def judged(values: Sequence[float], start_ns: int, *, last: int = 1, zone: str = "UTC", k: float = K) -> list[Hour]:
    """The `last` hours of `values`: one an hour from `start_ns` on, 0 where nothing happened, NaN where not known."""
    series = np.asarray(values, dtype=np.float64)
    hours, days = _clock(start_ns, len(series), ZoneInfo(zone))
    weekend = days >= _SATURDAY
    first = max(len(series) - last, 0)
    begin = max(first - 2, 0)
    odd = _screened(series, hours, weekend, begin, k)
    found: list[Hour] = []
    for place in range(begin, len(series)):  # in order: what was odd before teaches nothing
        bounds = _bounds(series, hours, weekend, _taught(odd, place), place, k)
        odd[place] = 0 if bounds is None else int(series[place] > bounds[2]) - int(series[place] < bounds[1])
        if place >= first:
            found.append(_hour(series, odd, bounds, place, start_ns))
    return found


def _screened(series: Reals, hours: Ints, weekend: Mask, until: int, k: float) -> npt.NDArray[np.int8]:
    """Which hours before `until` were odd, by what is usual in all of that time: one bound for all that are alike."""
    odd = np.zeros(len(series), dtype=np.int8)
    window = np.zeros(len(series), dtype=np.bool_)
    window[max(until - LEARNED, 0) : until] = True
    for alike in np.unique(hours[:until] * 2 + weekend[:until]):
        places = np.flatnonzero(window & (hours * 2 + weekend == alike))
        known = places[~np.isnan(series[places])]
        bounds = _bounds(series, hours, weekend, window, int(known[0]), k) if len(known) else None
        if bounds is not None:
            odd[places] = (series[places] > bounds[2]).astype(np.int8) - (series[places] < bounds[1])
    return odd


def _clock(start_ns: int, count: int, zone: ZoneInfo) -> tuple[Ints, Ints]:
    """The hour of the day and the day of the week of each hour, as clocks showed them."""
    shown = [datetime.fromtimestamp(start_ns // 10**9 + 3_600 * place, UTC).astimezone(zone) for place in range(count)]
    return np.array([one.hour for one in shown]), np.array([one.weekday() for one in shown])


def _taught(odd: npt.NDArray[np.int8], place: int) -> Mask:
    """The hours before that are learned from."""
    before = np.zeros(len(odd), dtype=np.bool_)
    before[max(place - LEARNED, 0) : place] = True
    if not odd[:place].any():
        return before
    edges = np.flatnonzero(np.diff(odd[:place], prepend=0, append=0))
    for begin, end in pairwise(edges):
        if odd[begin] and end - begin < _SETTLED:
            before[begin:end] = False
    return before


def _bounds(
    series: Reals, hours: Ints, weekend: Mask, taught: Mask, place: int, k: float
) -> tuple[float, float, float] | None:
    """What is expected, and between what; None while too little is known."""
    count = int(taught.sum())
    if count < LEAST or np.isnan(series[place]):
        return None
    apart = (hours - hours[place]) % _DAY
    taught = taught & ~np.isnan(series)
    like = taught & ((apart <= 1) | (apart == _DAY - 1))
    if count >= _SPLIT:
        like &= weekend == weekend[place]
    pool = series[like]
    if len(pool) == 0:
        return None
    if (pool == 0).mean() > _IDLE:
        return _bounds_of_idle(series[taught], pool, k)
    middle = float(np.median(pool))
    spread = max(float(np.median(np.abs(pool - middle))) * _MAD, FLOOR * middle)
    shares = np.abs(np.log(np.maximum(pool, middle * 1e-6) / middle))
    below = max(float(np.median(shares)) * _MAD, FLOOR)
    # Where nothing happens now and then, another such hour is no news.
    lowest = 0.0 if (pool == 0).mean() > _RARE else middle * float(np.exp(-k * below))
    return middle, lowest, middle + k * spread


def _bounds_of_idle(everything: Reals, pool: Reals, k: float) -> tuple[float, float, float] | None:
    """Where nothing is usual: nothing is too little, and too much is what is far above the hours that did anything."""
    active = everything[everything > 0]
    if len(active) < _FEW:
        return None
    middle = float(np.median(active))
    spread = max(float(np.median(np.abs(active - middle))) * _MAD, FLOOR * middle)
    return float(np.median(pool)), 0.0, middle + k * spread


def _hour(
    series: Reals, odd: npt.NDArray[np.int8], bounds: tuple[float, float, float] | None, place: int, start_ns: int
) -> Hour:
    value, at = float(series[place]), start_ns + place * HOUR_NS
    if bounds is None:
        return Hour(at, None if np.isnan(value) else value, None, None, None, None, "learning")
    direction: Direction | None = {1: "high", -1: "low", 0: None}[int(odd[place])]
    recent = odd[max(place - 2, 0) : place + 1]
    state: State = "high" if (recent > 0).sum() > 1 else "low" if (recent < 0).sum() > 1 else "normal"
    return Hour(at, value, *bounds, direction, state)
