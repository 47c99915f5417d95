"""What is asked of a route: a time, a filter, what to tell apart, columns, steps.

In: query parameters. Out: values of our own, or `AxError` that names the parameter and the mend.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final

from fastapi import Depends, Query, Request

from exporter.api import fresh
from exporter.api.callers import Reader
from exporter.errors import AxError, BadConfig
from exporter.query.period import DAY, MOST_BUCKETS, Period
from exporter.units import NS_PER_S, format_duration, parse_duration

LONGEST_NS: Final = 366 * DAY
MOST_BY: Final = 5
MOST_POINTS: Final = 5 * MOST_BUCKETS
"""Of a series: a day by the minute."""
_DEFAULT: Final = "1h"
_LAST_NS: Final = 2**63 - 1
_RFC_3339: Final = re.compile(
    r"(?P<day>\d{4}-\d\d-\d\d)[Tt ](?P<time>\d\d:\d\d:\d\d)(?:\.(?P<part>\d{1,9}))?(?P<zone>[Zz]|[+-]\d\d:\d\d)",
    re.ASCII,
)
_MEND: Final = "write RFC 3339, such as 2026-11-22T09:30:00Z"


@dataclass(frozen=True, slots=True)
class When:
    """The stretch of time that is asked about: the last `range_ns`, or from `start_ns` to `end_ns` or the present."""

    range_ns: int | None = None
    start_ns: int | None = None
    end_ns: int | None = None

    @property
    def is_absolute(self) -> bool:
        """Whether it is the same whenever it is asked."""
        return self.start_ns is not None and self.end_ns is not None

    def period(self, now_ns: int) -> Period:
        """It, where the present is `now_ns`. Raises `AxError`."""
        if self.range_ns is not None:
            return Period.last(self.range_ns, now_ns)
        start_ns = self.start_ns or 0
        end_ns = now_ns if self.end_ns is None else self.end_ns
        if start_ns >= end_ns:
            mend = "give a start before the end" if self.end_ns else "give a start in the past, or an end behind it"
            raise AxError("start: it is not before the end", mend=mend)
        if end_ns - start_ns > LONGEST_NS:
            raise AxError(f"start: more than {LONGEST_NS // DAY} days before the end", mend="ask for less at a time")
        return Period(start_ns, end_ns)


def when(
    request: Request,
    caller: Reader,
    last: Annotated[
        str | None,
        Query(alias="range", max_length=20, description=f"how far back: 15m, 1h, 7d; {_DEFAULT} where no time is told"),
    ] = None,
    start: Annotated[str | None, Query(max_length=40, description="RFC 3339: from then on, instead of range")] = None,
    end: Annotated[str | None, Query(max_length=40, description="RFC 3339: before then; else the present")] = None,
) -> When:
    """The time that a request is about. One that is absolute may be answered by 304. Raises `AxError`."""
    if last is not None and (start is not None or end is not None):
        raise AxError("range: it is given beside start or end", mend="give range, or start and end")
    if start is None and end is not None:
        raise AxError("start: it is missing beside end", mend="give both, or range")
    if start is None:
        return When(range_ns=_range_ns(last or _DEFAULT))
    found = When(start_ns=instant_ns(start, "start"), end_ns=None if end is None else instant_ns(end, "end"))
    if found.is_absolute:
        fresh.unchanged(request, caller)
    return found


def instant_ns(text: str, name: str) -> int:
    """Unix nanoseconds of an instant in RFC 3339. Raises `AxError` that says `name`."""
    match = _RFC_3339.fullmatch(text.strip().replace(" ", "+") if text.count(" ") == 1 and "T" in text else text)
    if match is None:
        raise AxError(f"{name}: cannot read {text[:100]!r} as a time", mend=_MEND)
    try:
        zone = match["zone"].upper().replace("Z", "+00:00")
        whole = datetime.fromisoformat(f"{match['day']}T{match['time']}{zone}")
    except ValueError as error:
        raise AxError(f"{name}: {text!r} is no time, {error}", mend=_MEND) from None
    instant = int(whole.timestamp()) * NS_PER_S + int((match["part"] or "").ljust(9, "0"))
    if not 0 <= instant <= _LAST_NS:
        raise AxError(f"{name}: nothing is stored of {text}", mend="ask for a time between 1970 and 2262")
    return instant


def _range_ns(text: str) -> int:
    try:
        length_ns = parse_duration(text)
    except BadConfig as error:
        raise AxError(f"range: {error.message}", mend=error.mend) from None
    if not 0 < length_ns <= LONGEST_NS:
        raise AxError(f"range: it is not within 1ms and {LONGEST_NS // DAY}d", mend="write one such as 15m, 1h or 7d")
    return length_ns


def _by(
    by: Annotated[
        list[str] | None,
        Query(max_length=MOST_BY, description=f"what to tell apart, {MOST_BY} at most, by commas or repeated"),
    ] = None,
) -> tuple[str, ...]:
    return _names(by or (), "by", MOST_BY)


def _fields(
    fields: Annotated[
        list[str] | None, Query(max_length=100, description="columns to show, by commas or repeated; else all")
    ] = None,
) -> tuple[str, ...] | None:
    return None if fields is None else _names(fields, "fields", 100)


def _names(texts: list[str] | tuple[()], parameter: str, most: int) -> tuple[str, ...]:
    found = tuple(dict.fromkeys(name.strip() for text in texts for name in text.split(",")))
    if len(found) > most:
        raise AxError(f"{parameter}: more than {most} names", mend=f"give {most} at most")
    if "" in found:
        raise AxError(f"{parameter}: a name is empty", mend=f"write {parameter}=one,two, or leave it out")
    return found


@dataclass(frozen=True, slots=True)
class Stepped:
    """How wide the buckets of a series are to be; None lets us choose."""

    wanted_ns: int | None = None

    def ns(self, period: Period) -> int:
        """Their width. Raises `AxError` for one of which too many would fill the period."""
        if self.wanted_ns is None:
            return period.step_ns()
        if period.length_ns > self.wanted_ns * MOST_POINTS:
            fitting = format_duration(period.step_ns(MOST_POINTS))
            raise AxError(f"step: a series has at most {MOST_POINTS} points", mend=f"ask for steps of {fitting}")
        return self.wanted_ns


def _step(
    step: Annotated[
        str | None, Query(max_length=20, description="width of a bucket, such as 1m; else one that makes a chart")
    ] = None,
) -> Stepped:
    if step is None:
        return Stepped()
    try:
        wanted_ns = parse_duration(step)
    except BadConfig as error:
        raise AxError(f"step: {error.message}", mend=error.mend) from None
    if wanted_ns < NS_PER_S:
        raise AxError("step: it is less than a second", mend="write one such as 10s, 1m or 1h")
    return Stepped(wanted_ns)


Time = Annotated[When, Depends(when)]
"""`range`, or `start` and `end`."""
Where = Annotated[
    str | None,
    Query(alias="filter", max_length=4096, description='such as: provider = "openai" and duration > 2s'),
]
"""A filter, in the language of `exporter.query.filter`."""
By = Annotated[tuple[str, ...], Depends(_by)]
"""`by`: names of dimensions, none where nothing is to be told apart."""
Fields = Annotated[tuple[str, ...] | None, Depends(_fields)]
"""`fields`: names of columns, None for all."""
Step = Annotated[Stepped, Depends(_step)]
"""`step`: `step.ns(period)` is the width of buckets."""
