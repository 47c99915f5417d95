"""What was spent by whom within stretches of time, many accounts at once.

In: accounts, each a scope and a stretch. Out: a sum for each; from cells where those tell the scope apart, else from
the calls themselves.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from exporter.dimensions import DIMENSIONS
from exporter.query.period import HOUR, MINUTE, Period
from exporter.query.views import Views, text
from exporter.units import NS_PER_US

IN_CELLS: Final = ("tenant", "provider", "model", "agent", "workflow")
"""Parts of a scope that cells may tell apart."""
_PARTS: Final = (*IN_CELLS, "user", "session")
_MARGIN_NS: Final = HOUR
_QUARTER_NS: Final = 15 * MINUTE


@dataclass(frozen=True, slots=True)
class Asked:
    """Whose spend, when. `scope` has lists of values by part; `key` is the asker's."""

    key: object
    period: Period
    scope: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Spent:
    """Sums over the calls that ended within it; unpriced ones are in `calls` and not in `nanos`."""

    nanos: int = 0
    calls: int = 0
    unpriced: int = 0


@dataclass(frozen=True, slots=True)
class Kept:
    """Since when each kind of record is whole, Unix nanoseconds, and by what cells are told apart."""

    calls_ns: int
    minutes_ns: int
    hours_ns: int
    dimensions: Sequence[str] = DIMENSIONS


@dataclass(frozen=True, slots=True)
class _Sum:
    account: int
    stretch: int
    nanos: int
    calls: int
    unpriced: int
    overflowed: bool


def spend(views: Views, asked: Iterable[Asked], kept: Kept) -> dict[object, Spent]:
    """What each account spent, by its key; those of whose time the data are gone are left out. Raises `AxError`."""
    by_source: dict[str, list[Asked]] = {}
    for one in asked:
        if (source := _source(one, kept)) is not None:
            by_source.setdefault(source, []).append(one)
    found: dict[object, Spent] = {}
    raw = by_source.pop("", [])
    for cells, accounts in by_source.items():
        sums, blurred = _sums(views, cells, accounts)
        found |= sums
        # Beyond `store.rollup.cells` a cell does not say whose it is: then the calls do.
        raw += [one for one in blurred if one.scope and one.period.start_ns >= kept.calls_ns]
    return found | (_sums(views, "", raw)[0] if raw else {})


def _source(one: Asked, kept: Kept) -> str | None:
    """The cells that know, "" for the calls, None where neither does."""
    start_ns = one.period.start_ns
    if all(part == "tenant" or (part in IN_CELLS and part in kept.dimensions) for part in one.scope):
        if start_ns >= kept.minutes_ns and not (start_ns % _QUARTER_NS or one.period.end_ns % _QUARTER_NS):
            return "cells_1min"
        if start_ns >= kept.hours_ns and start_ns % HOUR == 0 and one.period.end_ns % HOUR == 0:
            return "cells_1hour"
    return "" if start_ns >= kept.calls_ns else None


def _sums(views: Views, cells: str, asked: Sequence[Asked]) -> tuple[dict[object, Spent], list[Asked]]:
    periods = {one.period: place for place, one in enumerate(asked)}
    whole = Period(min(one.start_ns for one in periods), max(one.end_ns for one in periods))
    accounts = [
        {"account": place, "stretch": periods[one.period], **{part: list(one.scope.get(part, ())) for part in _PARTS}}
        for place, one in enumerate(asked)
    ]
    parameters = {
        **whole.us(),
        "margin_us": _MARGIN_NS // NS_PER_US,
        "stretches": [
            {"stretch": place, "start_us": one.start_ns // NS_PER_US, "end_us": one.end_ns // NS_PER_US}
            for one, place in periods.items()
        ],
    }
    if cells:
        told = [{part: value for part, value in one.items() if part not in {"user", "session"}} for one in accounts]
        rows = views.rows("spend", _Sum, {**parameters, "accounts": told}, {"cells": cells})
    else:
        places = {"calls": text("counted_calls")}
        rows = views.rows("spend_raw", _Sum, {**parameters, "accounts": accounts}, places)
    sums: dict[object, Spent] = {one.key: Spent() for one in asked}
    sums |= {asked[row.account].key: Spent(row.nanos, row.calls, row.unpriced) for row in rows if not row.overflowed}
    over = {row.stretch for row in rows if row.overflowed}
    return sums, [one for one in asked if periods[one.period] in over]


_WIDTHS: Final = {"cells_1min": MINUTE, "cells_1hour": HOUR}
"""Segments of these tell where something has changed: records add to them in the commit that stores them."""


def arrived(
    manifest: Mapping[str, Sequence[Mapping[str, object]]], seen: frozenset[str]
) -> tuple[frozenset[str], list[Period]]:
    """The segments of cells that there are, and the time that those which are not among `seen` are about."""
    segments = {
        str(one["path"]): (Period(_whole(one["min_time"]), _whole(one["max_time"]) + width))
        for table, width in _WIDTHS.items()
        for one in manifest.get(table, ())
    }
    return frozenset(segments), [period for path, period in segments.items() if path not in seen]


def _whole(value: object) -> int:
    return value if isinstance(value, int) else 0
