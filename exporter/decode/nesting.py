"""Which calls count: of calls inside calls only the innermost, so that wrappers and second instrumentors add nothing.

In: spans' ids and which of them call a model. Out: the calls that have another one inside. A call is inside another
where its parent is, directly or through spans that have no operation (requests, retries); what an agent or a tool
does inside a call is its own. Two instrumentors whose spans do not know of each other tell the same response. A call
ends before what wraps it, mostly by milliseconds: nearly all come in together, and for the others there is `Recent`.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from exporter.decode import columns as c

DEPTH: Final = 8
"""Most spans between a call and what wraps it."""

RECENT: Final = 262_139
"""How many spans can be remembered for having had a call inside; a prime. 2 MiB, at 1,000 calls a second minutes."""

_DIGITS: Final = {"trace": 32, "span": 16}
_NO_ID: Final = np.uint64(0)
_MIXERS: Final = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x27D4EB2F165667C5], np.uint64)
"""Odd, so that none of a key's bits is lost."""
_Keys = np.ndarray[Any, np.dtype[np.uint64]]
_Key = tuple[str, str]
Pair = tuple[int, int]
"""The row of a call, and that of one around it."""


@dataclass(frozen=True, slots=True)
class Ids:
    """Ids of spans, as text, NULL where there is none."""

    trace: pa.Array
    span: pa.Array
    parent: pa.Array


def wrappers(ids: Ids, calls: c.Mask, plain: c.Mask) -> c.Mask | None:
    """The `calls` with another call inside, None where there are none; `plain` are the spans without an operation."""
    return _marked([outer for _, outer in nested(ids, calls, plain)], len(calls))


def nested(ids: Ids, calls: c.Mask, plain: c.Mask) -> list[Pair]:
    """Rows of `calls` and, of each, those of the calls next around it."""
    if not _may_nest(ids, calls, plain):
        return []
    traces, spans, parents = ids.trace.to_pylist(), ids.span.to_pylist(), ids.parent.to_pylist()
    rows_of: dict[_Key, list[int]] = {}
    for row in np.flatnonzero(calls | plain).tolist():
        rows_of.setdefault((traces[row], spans[row]), []).append(row)
    found: list[Pair] = []
    for inner in np.flatnonzero(calls).tolist():
        at: _Key = (traces[inner], spans[inner])
        above: _Key = (traces[inner], parents[inner])
        for _ in range(DEPTH + 1):
            rows = rows_of.get(above, [])
            if not rows or above == at or None in above:
                break
            outer = [row for row in rows if calls[row]]
            found += [(inner, row) for row in outer if row != inner]  # parents may go round in a circle
            if outer:
                break
            at, above = above, (above[0], parents[rows[0]])
    return found


class Recent:
    """Spans that earlier requests' calls were inside of, so that a wrapper that comes in later does not count.

    A span has one place, told by its ids, which the next one takes that has the same: of 10,000 between a call and
    its wrapper 4 % of wrappers are not found. Those, and what a restart forgets, are seen when their hour is merged.
    """

    def __init__(self, most: int = RECENT) -> None:
        self._places = np.zeros(most, np.uint64)
        self._is_empty = True

    def wrappers(self, ids: Ids, calls: c.Mask, plain: c.Mask) -> c.Mask:
        """The `calls` that have an earlier call inside; all of them are remembered. `plain` as in `nested`."""
        nothing = np.zeros(len(calls), dtype=np.bool_)
        if self._is_empty and not calls.any():
            return nothing
        own, above = _keys_within(ids.trace, ids.span, ids.parent)
        if own is None or above is None:
            return nothing
        above = np.where(above == own, _NO_ID, above)  # what calls itself its parent wraps nothing, nor its retry
        self._pass_on(plain, own, above)  # what earlier calls are inside of may have come in only now
        outer: c.Mask = calls & self._holds(own)
        self._remember(above[calls])
        self._pass_on(plain, own, above)
        return outer

    def _pass_on(self, plain: c.Mask, own: _Keys, above: _Keys) -> None:
        """What a remembered span without an operation is inside of is remembered, too."""
        for _ in range(DEPTH):  # requests and retries lie between
            passed = plain & self._holds(own) & ~self._holds(above) & (above != _NO_ID)
            if not passed.any():
                break
            self._remember(above[passed])

    def _holds(self, keys: _Keys) -> c.Mask:
        held: c.Mask = (self._places[keys % len(self._places)] == keys) & (keys != _NO_ID)
        return held

    def _remember(self, keys: _Keys) -> None:
        there = keys[keys != _NO_ID]
        self._places[there % len(self._places)] = there
        self._is_empty &= not len(there)


def _marked(rows: list[int], count: int) -> c.Mask | None:
    if not rows:
        return None
    mask = np.zeros(count, dtype=np.bool_)
    mask[rows] = True
    return mask


def _may_nest(ids: Ids, calls: c.Mask, plain: c.Mask) -> bool:
    """Whether any call's parents lead to a call's id, in whatever trace: 0.02 µs a span, and nearly always no."""
    inner, between = np.flatnonzero(calls), np.flatnonzero(plain)
    if len(inner) < 2:  # noqa: PLR2004 - one alone has none inside
        return False
    spans, parents = _keys(ids.span), _keys(ids.parent)
    if spans is None or parents is None:
        return True
    called, passed, above = pa.array(spans[inner]), pa.array(spans[between]), parents[inner]
    for _ in range(DEPTH + 1):
        if pc.is_in(pa.array(above), value_set=called).true_count:
            return True
        above = parents[between[c.to_numpy(pc.is_in(passed, value_set=pa.array(above)))]]
        above = above[above != _NO_ID]
        if not len(above):
            return False
    return False


def _keys(ids: pa.Array) -> _Keys | None:
    """A number for each id, the same for the same one, seldom for two; None where ids are of another length."""
    words = _words(ids, _DIGITS["span"])
    return None if words is None else words[:, 1]  # one call in a million has another's, which is then looked into


def _keys_within(traces: pa.Array, *columns: pa.Array) -> list[_Keys | None]:
    """A number for each id of a trace, another one for all others; 0 where there is none, None as `_keys`."""
    of_trace = _words(traces, _DIGITS["trace"])
    if of_trace is None:
        return [None] * len(columns)
    mixed = (of_trace * _MIXERS).sum(axis=1, dtype=np.uint64)
    found: list[_Keys | None] = []
    for ids in columns:
        words = _words(ids, _DIGITS["span"])
        if words is None:
            found.append(None)
        else:
            own = mixed ^ (words * _MIXERS[:2]).sum(axis=1, dtype=np.uint64)
            found.append(np.where(words[:, 1] == _NO_ID, _NO_ID, own))
    return found


def _words(ids: pa.Array, digits: int) -> _Keys | None:
    """The digits of each id, eight a word, zeros where there is none; None where one is of another length."""
    lengths = c.lengths_of(ids)
    there = lengths == digits
    if not (there | (lengths == 0)).all():
        return None
    begin = int(c.offsets_of(ids)[0]) if len(ids) else 0
    count = int(np.count_nonzero(there))
    data = np.frombuffer(ids.buffers()[2] or b"", np.uint8)[begin : begin + digits * count]
    words = data.view(np.uint64).reshape(count, digits // 8)
    if count == len(ids):
        return words
    filled = np.full((len(ids), digits // 8), _NO_ID)
    filled[there] = words
    return filled


def repeated(responses: pa.Array, scopes: c.Codes, start: c.Ints, end: c.Ints, calls: c.Mask) -> list[Pair]:
    """Rows of `calls` and of those around them that tell the same response: from another scope, at the same time.

    `responses` are ids of responses. Without the other scope and the time, a stand-in that gives each answer the same
    id would have one call counted.
    """
    rows = np.flatnonzero(calls)
    if len(rows) < 2 or (scopes[rows] == scopes[rows[0]]).all():  # noqa: PLR2004 - nearly always
        return []
    rows = rows[c.valid(responses)[rows]]
    encoded = responses.take(pa.array(rows)).dictionary_encode()
    codes = c.to_numpy(encoded.indices)
    shared = np.bincount(codes, minlength=1)[codes] > 1
    of_response: dict[int, list[int]] = {}
    for code, row in zip(codes[shared].tolist(), rows[shared].tolist(), strict=True):
        of_response.setdefault(code, []).append(row)
    return [
        (inner, outer)
        for told in of_response.values()
        for outer in told
        for inner in told
        if _is_inside(inner, outer, scopes, start, end)
    ]


def inherited(column: pa.Array, pairs: list[Pair]) -> pa.Array:
    """The column with what the nearest call around has where a call has nothing; `pairs` as `nested` gives them."""
    there = c.valid(column)
    around: dict[int, list[int]] = {}
    for inner, outer in pairs:
        around.setdefault(inner, []).append(outer)
    taken = np.arange(len(column))
    for inner in around:
        if not there[inner]:
            taken[inner] = _nearest(inner, around, there)
    return column.take(pa.array(taken))


def _nearest(row: int, around: dict[int, list[int]], there: c.Mask) -> int:
    """The nearest row around that has a value, or the row itself; of several the first."""
    seen, following = {row}, around[row]
    while following:
        for outer in following:
            if there[outer]:
                return outer
        seen.update(following)
        following = [outer for one in following for outer in around.get(one, []) if outer not in seen]
    return row


def _is_inside(inner: int, outer: int, scopes: c.Codes, start: c.Ints, end: c.Ints) -> bool:
    """Whether one span of another scope lies within another's time; of equal times the later row does."""
    if scopes[inner] == scopes[outer] or start[inner] < start[outer] or end[inner] > end[outer]:
        return False
    return inner > outer or bool(start[inner] > start[outer] or end[inner] < end[outer])
