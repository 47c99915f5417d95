"""What calls cost: `otel_ax.prices` over many calls at once.

In: provider, model, usage and start of each call. Out: columns of nano-dollars and of whose price they are. Calls of
one model and minute share their rates, so tokens times rates is integer arithmetic over all calls; speech, and counts
that are beyond it, are asked call by call. A property test holds both ways equal.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from functools import lru_cache
from math import lcm
from typing import Any, Final

import numpy as np
import pyarrow as pa

from exporter.decode import columns as c
from exporter.units import NS_PER_S
from otel_ax import prices
from otel_ax import rates as lists
from otel_ax.prices import steps_of
from otel_ax.rates import Rates, find

TOKENS: Final = ("input", "output", "cache_read", "cache_write", "reasoning", "audio_input", "audio_output")
"""Counts of tokens that `Calls.counts` has; `audio_cache_read` and `characters` are beside them."""
PARTS: Final = ("input", "cache_read", "cache_write", "output", "other")
"""The disjoint parts of a cost, each a column."""

NO_USAGE: Final = "no usage"
"""Why a call has no price that tells of no tokens and no speech."""

_MINUTE_NS: Final = 60 * NS_PER_S  # rates hold by the day, some by the hour
_MARKED: Final = 2**16
_MOST_TOKENS: Final = 2**26
_MOST_RATE: Final = 2**33
_MOST_SCALE: Final = 2**61
"""Beyond these, sums might not fit in 64 bits."""
# In the order of `prices.BUCKETS`, in which the rounded parts of a cost are taken from the running sum.
_KINDS: Final = ("input", "cache_read", "cache_write", "audio_input", "output", "reasoning", "audio_output")
_PART_OF: Final = {
    "input": "input",
    "cache_read": "cache_read",
    "cache_write": "cache_write",
    "audio_input": "other",
    "output": "output",
    "reasoning": "output",
    "audio_output": "other",
    "speech": "other",
}


@dataclass(frozen=True, slots=True)
class Calls:
    """The calls to price, one element each.

    `provider` and `model` are codes into their texts, -1 for none; `start` in Unix nanoseconds; `counts` has no
    negative ones; `exclusive` marks those whose input leaves the cached tokens out.
    """

    providers: list[str]
    models: list[str]
    provider: c.Codes
    model: c.Codes
    start: c.Ints
    counts: dict[str, c.Ints]
    seconds: np.ndarray[Any, np.dtype[np.float64]]
    exclusive: c.Mask


@dataclass(frozen=True, slots=True)
class Costs:
    """Of each call: nano-dollars, their parts, whose price it is, since when, or why there is none."""

    priced: c.Mask
    nanos: c.Ints
    parts: dict[str, c.Ints]
    version: list[str | None]
    date: list[str | None]
    reason: list[str | None]
    about: c.Codes
    """The place of a call's version, date and reason in their lists."""


@dataclass(frozen=True, slots=True)
class _Line:
    """Rates as integers: for each stretch of input tokens that ends at a threshold, one row of `_KINDS` and the fee.

    They are nano-dollars times `denominator`; a rate of None is 0 in `rows` and False in `rated`.
    """

    thresholds: tuple[int, ...]
    rows: tuple[tuple[int, ...], ...]
    rated: tuple[bool, ...]
    denominator: int


def cost(calls: Calls) -> Costs:
    """Price all calls."""
    group, groups = _grouped(calls)
    found = [_found(*key) for key in groups]
    lines = [None if isinstance(rates, str) else _line(rates) for rates in found]
    one_by_one = _beyond(calls)
    scale = lcm(*(line.denominator for line in lines if line is not None))
    if scale > _MOST_SCALE:
        scale, one_by_one[:] = 1, True
    if any(line and max(max(row) for row in line.rows) * (scale // line.denominator) > _MOST_RATE for line in lines):
        one_by_one[:] = True
    made = _all_at_once(calls, group, found, lines, scale, groups)
    for i in np.flatnonzero(one_by_one).tolist():
        _price_one(calls, i, made)
    return made


_Key = tuple[str | None, str | None, int]


def _grouped(calls: Calls) -> tuple[c.Codes, list[_Key]]:
    """The group of each call, and of each group provider, model and minute."""
    width = len(calls.models) + 1
    at = calls.start // _MINUTE_NS
    minutes, minute = np.unique(at, return_inverse=True) if (at != at[0]).any() else (at[:1], 0)
    both = (calls.provider.astype(np.int64) + 1) * width + calls.model + 1
    keys, group = _distinct(both * len(minutes) + minute, (len(calls.providers) + 1) * width * len(minutes))
    providers, models = [None, *calls.providers], [None, *calls.models]
    of: list[_Key] = []
    for key in keys.tolist():
        pair, place = divmod(key, len(minutes))
        of.append((providers[pair // width], models[pair % width], int(minutes[place])))
    return group.astype(np.int32), of


def forget_prices() -> None:
    """Price lists that have changed are read again when a price is next asked for."""
    lists._tables.cache_clear()  # noqa: SLF001 -- it has no such function of its own yet
    _found.cache_clear()


def _distinct(codes: c.Ints, below: int) -> tuple[c.Ints, c.Ints]:
    """The distinct codes and the place of each code among them; marking is quicker than sorting."""
    if below > _MARKED:
        keys, places = np.unique(codes, return_inverse=True)
        return keys, places
    seen = np.zeros(below, dtype=np.bool_)
    seen[codes] = True
    return np.flatnonzero(seen), (np.cumsum(seen) - 1)[codes]


@lru_cache(maxsize=4096)
def _found(provider: str | None, model: str | None, minute: int) -> Rates | str:
    """Rates, or why there are none."""
    return find(provider, model, minute * _MINUTE_NS) if model else "no model"


@lru_cache(maxsize=1024)
def _line(rates: Rates) -> _Line:
    steps = {kind: steps_of(kind, rates) for kind in _KINDS}
    fees = rates.of.get("requests")
    thresholds = sorted({above for of in (*steps.values(), fees) for above, _ in (of or ())[1:]})
    stretches = (*thresholds, (thresholds or (0,))[-1] + 1)
    rows = [[_rate(of, tokens) for of in (*steps.values(), fees)] for tokens in stretches]
    denominator = lcm(*(rate.denominator for row in rows for rate in row))
    return _Line(
        tuple(thresholds),
        tuple(tuple(int(rate * denominator) for rate in row) for row in rows),
        tuple(of is not None for of in steps.values()),
        denominator,
    )


def _rate(steps: Any, tokens: int) -> Fraction:
    """The rate of a call with so many input tokens; each step holds above its threshold."""
    found = Fraction(0)
    for above, nanos in steps or ():
        if tokens > above:
            found = Fraction(nanos)
    return found


def _beyond(calls: Calls) -> c.Mask:
    """The calls that are asked one by one."""
    beyond = (calls.seconds > 0) | (calls.counts["characters"] > 0) | (calls.counts["audio_cache_read"] > 0)
    for kind in TOKENS:
        beyond |= calls.counts[kind] > _MOST_TOKENS
    return beyond


def _disjoint(calls: Calls) -> tuple[dict[str, c.Ints], c.Ints]:
    """`prices._disjoint`: counts no two of which overlap, and all input."""
    of = calls.counts
    cached = of["cache_read"] + of["cache_write"]
    total_input = np.where(calls.exclusive | (cached > of["input"]), of["input"] + cached, of["input"])
    heard = np.minimum(of["audio_input"], total_input - cached)
    thought = of["reasoning"]
    total_output = np.where(thought + of["audio_output"] <= of["output"], of["output"], of["output"] + thought)
    spoken = np.minimum(of["audio_output"], total_output - thought)
    return {
        "input": total_input - cached - heard,
        "cache_read": of["cache_read"],
        "cache_write": of["cache_write"],
        "audio_input": heard,
        "output": total_output - thought - spoken,
        "reasoning": thought,
        "audio_output": spoken,
    }, total_input


def _all_at_once(
    calls: Calls, group: c.Codes, found: list[Rates | str], lines: list[_Line | None], scale: int, groups: list[_Key]
) -> Costs:
    counts, total_input = _disjoint(calls)
    table, base, rated_of, is_free = _table(found, lines, scale)
    row = base[group]
    for place, line in enumerate(lines):
        if line is not None and line.thresholds:
            own = np.flatnonzero(group == place)
            row[own] += np.searchsorted(np.array(line.thresholds), total_input[own], side="left").astype(row.dtype)
    used = np.logical_or.reduce([calls.counts[kind] > 0 for kind in TOKENS])
    rated = is_free[group]
    for place, kind in enumerate(_KINDS):
        if counts[kind].any():
            rated |= (counts[kind] > 0) & rated_of[group, place]
    has_rates = np.array([line is not None for line in lines])[group]
    priced = used & has_rates & rated

    total = np.where(priced, table[row, len(_KINDS)], 0)  # the fee for the request, which is in the first part
    told = np.zeros(len(row), dtype=np.int64)
    parts = {part: np.zeros(len(row), dtype=np.int64) for part in PARTS}
    for place, kind in enumerate(_KINDS):
        if place == 0 or counts[kind].any():
            total = total + counts[kind] * table[row, place]
            rounded = _rounded(total, scale)
            parts[_PART_OF[kind]] += np.where(priced, rounded - told, 0)
            told = rounded
    return _told(found, groups, group, priced, used, np.where(priced, told, 0), parts)


def _table(found: list[Rates | str], lines: list[_Line | None], scale: int) -> tuple[c.Ints, c.Codes, c.Mask, c.Mask]:
    """Rates by row and kind, the first row of each group, which kinds it rates, and whether it costs nothing."""
    rows: list[tuple[int, ...]] = []
    base = np.zeros(len(lines), dtype=np.int32)
    for place, line in enumerate(lines):
        base[place] = len(rows)
        if line is None:
            rows.append((0,) * (len(_KINDS) + 1))
        else:
            times = scale // line.denominator
            rows += [tuple(min(rate * times, _MOST_RATE) for rate in row) for row in line.rows]
    rated = np.array([line.rated if line else (False,) * len(_KINDS) for line in lines], dtype=np.bool_)
    is_free = np.array([not isinstance(rates, str) and rates.free for rates in found], dtype=np.bool_)
    return np.array(rows, dtype=np.int64), base, rated.reshape(len(lines), len(_KINDS)), is_free


def _rounded(total: c.Ints, scale: int) -> c.Ints:
    """To the nearest nano-dollar, a half to the even one, as Python rounds."""
    if scale == 1:
        return total
    whole, rest = np.divmod(total, scale)
    up = (2 * rest > scale) | ((2 * rest == scale) & (whole % 2 == 1))
    rounded: c.Ints = whole + up
    return rounded


def _told(
    found: list[Rates | str],
    groups: list[_Key],
    group: c.Codes,
    priced: c.Mask,
    used: c.Mask,
    nanos: c.Ints,
    parts: dict[str, c.Ints],
) -> Costs:
    """Whose price each group's is; two more places say that there is no usage, and no rate."""
    version: list[str | None] = [None, None]
    date: list[str | None] = [None, None]
    reason: list[str | None] = [NO_USAGE, "no rate"]
    for rates, (_, _, minute) in zip(found, groups, strict=True):
        version.append(None if isinstance(rates, str) else rates.version)
        date.append(None if isinstance(rates, str) else rates.since or _day(minute * _MINUTE_NS))
        reason.append(rates if isinstance(rates, str) else None)
    no_model = np.array([not model for _, model, _ in groups], dtype=np.bool_)[group]
    has_rates = np.array([not isinstance(rates, str) for rates in found], dtype=np.bool_)[group]
    about = np.where(~used & ~no_model, 0, np.where(used & has_rates & ~priced, 1, group + 2))
    return Costs(priced, nanos, parts, version, date, reason, about.astype(np.int32))


def _day(at_ns: int) -> str:
    return datetime.fromtimestamp(at_ns // NS_PER_S, UTC).date().isoformat()


def _price_one(calls: Calls, i: int, made: Costs) -> None:
    """Price one call, and put it in its place."""
    counts = {kind: int(of[i]) for kind, of in calls.counts.items()}
    is_cached = counts["cache_read"] + counts["cache_write"] > 0
    inclusive = not calls.exclusive[i] if is_cached else None
    usage = prices.Usage(**counts, seconds=float(calls.seconds[i]), inclusive=inclusive)
    provider = calls.providers[calls.provider[i]] if calls.provider[i] >= 0 else None
    model = calls.models[calls.model[i]] if calls.model[i] >= 0 else None
    price = prices.price(provider, model, usage, int(calls.start[i]))
    is_priced = isinstance(price, prices.Price) and price.nanos < 2**63
    made.priced[i] = is_priced
    made.about[i] = len(made.version)
    made.version.append(price.version if isinstance(price, prices.Price) and is_priced else None)
    made.date.append(price.date if isinstance(price, prices.Price) and is_priced else None)
    made.reason.append(None if is_priced else getattr(price, "reason", "beyond"))
    made.nanos[i] = price.nanos if isinstance(price, prices.Price) and is_priced else 0
    for part in PARTS:
        made.parts[part][i] = 0
    if isinstance(price, prices.Price) and is_priced:
        for bucket, nanos in price.buckets.items():
            made.parts[_PART_OF[bucket]][i] += nanos


def columns_of(made: Costs, rows: c.Codes, failed: c.Mask, count: int) -> dict[str, pa.Array]:
    """The columns of `count` spans, of which `rows` are the calls; of those, what `failed` without usage lacks none."""
    priced = np.flatnonzero(made.priced)
    put = _Scatter(rows[priced], count)
    columns = {"cost_nanos": put.column(made.nanos[priced])}
    for part in PARTS:
        columns[f"cost_{part}_nanos"] = put.column(made.parts[part][priced])
    for name, values in (("price_version", made.version), ("price_date", made.date), ("unpriced", made.reason)):
        words = list(dict.fromkeys(value for value in values if value is not None))
        place = np.array([-1 if value is None else words.index(value) for value in values], dtype=np.int32)
        codes = place[made.about]
        if name == "unpriced" and NO_USAGE in words:
            codes[failed & (codes == words.index(NO_USAGE))] = -1
        there = np.flatnonzero(codes >= 0)
        put_words = put if name != "unpriced" and len(there) == len(priced) else _Scatter(rows[there], count)
        columns[name] = pa.DictionaryArray.from_arrays(put_words.column(codes[there]), pa.array(words, pa.string()))
    return columns


class _Scatter:
    """Columns that have values at the same rows and NULL elsewhere, which is said once for all."""

    def __init__(self, rows: c.Codes, count: int) -> None:
        self._rows = rows
        self._count = count
        present = np.zeros(count, dtype=np.bool_)
        present[rows] = True
        self._bits = pa.py_buffer(np.packbits(present, bitorder="little"))

    def column(self, values: Any) -> pa.Array:
        """A column with `values` at the rows."""
        column = np.zeros(self._count, dtype=values.dtype)
        column[self._rows] = values
        kind = pa.from_numpy_dtype(values.dtype)
        nulls = self._count - len(self._rows)
        return pa.Array.from_buffers(kind, self._count, [self._bits, pa.py_buffer(column)], nulls)
