"""Attributes of many records at once: lists of serialised `KeyValue`s become maps, type letters and typed columns.

`entries` reads the bytes; what happens per attribute here is arithmetic on numpy arrays.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from exporter.config import Limits
from exporter.decode import columns as c
from exporter.decode.entries import Entries, read_entries
from exporter.model import LOW, TEXT, Promoted

_MARKED: Final = 1 << 26
"""Most record × key places for which duplicates are found by marking; beyond it by sorting."""


@dataclass(frozen=True, slots=True)
class Attributes:
    """The attributes of n records.

    `maps` and `types` are columns, `promoted` those of promoted attributes by key. `dropped` counts the entries left
    out of each record (None: none of any); `duplicate`, `cut`, `limited` mark the records in which a key came twice, a
    value was cut, an entry was left out for a limit (None: no record).
    """

    maps: pa.MapArray
    types: pa.StringArray
    promoted: dict[str, pa.Array]
    dropped: c.Ints | None
    duplicate: c.Mask | None
    cut: c.Mask | None
    limited: c.Mask | None
    _entries: Entries
    _record: c.Codes

    def strings(self, key: str) -> pa.Array | None:
        """The values of a string attribute, one a record, NULL where there is none; None if no record has it."""
        found = self._where(key, "s")
        if found is None:
            return None
        return self._entries.texts.take(c.scattered(self._entries.text[found], self._record[found], len(self.maps)))

    def true(self, key: str) -> c.Mask | None:
        """Which records have a boolean attribute that is true; None if no record has it."""
        found = self._where(key, "b")
        if found is None:
            return None
        mask = np.zeros(len(self.maps), dtype=np.bool_)
        mask[self._record[found]] = self._entries.numbers[found] != 0
        return mask

    def _where(self, key: str, letter: str) -> npt.NDArray[np.intp] | None:
        """The entries with this key and type."""
        place = self._entries.keys.index(key).as_py()
        if place < 0:
            return None
        found = np.flatnonzero((self._entries.key == place) & (self._entries.sent == ord(letter)))
        return found if len(found) else None


def read_attributes(lists: pa.ListArray, promoted: Promoted, limits: Limits) -> Attributes:
    """Attributes of records from lists of serialised `KeyValue`s, one list a record."""
    count, lengths = len(lists), c.lengths_of(lists)
    entries = read_entries(lists.flatten(), limits)
    record = np.repeat(np.arange(count, dtype=np.int32), lengths)
    keep, duplicate, limited = _kept(record, entries, lengths, limits)
    dropped = None
    if keep is not None:
        record, entries = record[keep], entries.at(keep)
        kept = np.bincount(record, minlength=count)
        lengths, dropped = kept.astype(np.int32), lengths - kept
    cut = None if entries.cut is None else _records(record[entries.cut], count)
    maps, types = _maps(entries, lengths)
    columns = _promoted(entries, record, count, promoted)
    return Attributes(maps, types, columns, dropped, duplicate, cut, limited, entries, record)


def _records(records: c.Codes, count: int) -> c.Mask | None:
    mask = np.zeros(count, dtype=np.bool_)
    mask[records] = True
    return mask if len(records) else None


def _kept(
    record: c.Codes, entries: Entries, lengths: c.Codes, limits: Limits
) -> tuple[c.Mask | None, c.Mask | None, c.Mask | None]:
    """Which entries stay (None: all), and the records with duplicates and with entries over a limit."""
    count = len(lengths)
    keep = np.ones(len(record), dtype=np.bool_)
    limited = np.zeros(count, dtype=np.bool_)
    too_long = c.lengths_of(entries.keys) > limits.key_bytes
    if too_long.any():
        keep = ~too_long[entries.key]
        limited[record[~keep]] = True
    twice = _shadowed(record, entries.key, len(entries.keys), count)
    if twice is not None:
        keep &= ~twice
    if count and int(lengths.max()) > limits.attributes:
        left = keep.cumsum()
        begin = np.concatenate(([0], lengths.cumsum()[:-1]))
        before = np.where(begin > 0, left[begin - 1], 0)
        over = keep & (left - before[record] > limits.attributes)
        limited[record[over]] = True
        keep &= ~over
    if keep.all():
        return None, None, None
    return keep, None if twice is None else _records(record[twice], count), limited if limited.any() else None


def _shadowed(record: c.Codes, key: c.Codes, keys: int, count: int) -> c.Mask | None:
    """The entries whose key comes again later in the same record; None when there are none."""
    place = record.astype(np.int64) * keys + key
    if count * keys <= _MARKED:
        seen = np.zeros(count * keys, dtype=np.bool_)
        seen[place] = True
        if int(np.count_nonzero(seen)) == len(place):
            return None
    order = np.argsort(place, kind="stable")
    again = place[order[:-1]] == place[order[1:]]
    if not again.any():
        return None
    shadowed = np.zeros(len(place), dtype=np.bool_)
    shadowed[order[:-1][again]] = True
    return shadowed


def _maps(entries: Entries, lengths: c.Codes) -> tuple[pa.MapArray, pa.StringArray]:
    """The map and the letters of each record."""
    offsets = np.zeros(len(lengths) + 1, dtype=np.int32)
    np.cumsum(lengths, out=offsets[1:])
    keys = pa.DictionaryArray.from_arrays(entries.key, entries.keys)
    text = c.taken(entries.texts, entries.text)
    text.validate(full=True)  # the strings were cut out of bytes: only now is it known that they are UTF-8
    return pa.MapArray.from_arrays(pa.array(offsets), keys, text), c.text_of_bytes(entries.letters, offsets)


def _promoted(entries: Entries, record: c.Codes, count: int, promoted: Promoted) -> dict[str, pa.Array]:
    """The columns of promoted attributes."""
    if not promoted:
        return {}
    # A stable sort of small integers is a radix sort: entries end up grouped by column, in order.
    goes_to = _destinations(entries, promoted)
    chosen = np.flatnonzero(goes_to)
    column_of_chosen = goes_to[chosen]
    chosen = chosen[np.argsort(column_of_chosen, kind="stable")]
    ends = np.cumsum(np.bincount(column_of_chosen, minlength=len(promoted) + 1))
    columns: dict[str, pa.Array] = {}
    for number, (key, kind) in enumerate(promoted.items(), 1):
        own = chosen[ends[number - 1] : ends[number]]
        columns[key] = _column(kind, entries, own, record[own], count) if len(own) else c.nulls(kind, count)
    return columns


def _destinations(entries: Entries, promoted: Promoted) -> npt.NDArray[np.uint8]:
    """Which promoted column each entry goes to, counted from 1; 0 is none."""
    place = {key: i for i, key in enumerate(entries.keys.to_pylist())}
    wanted = np.zeros(len(place), dtype=np.uint8)
    letter = np.zeros(len(promoted) + 1, dtype=np.uint8)
    for number, (key, kind) in enumerate(promoted.items(), 1):
        letter[number] = ord("s" if kind in (LOW, TEXT) else "i" if pa.types.is_integer(kind) else "d")
        if key in place:
            wanted[place[key]] = number
    goes_to = wanted[entries.key]
    return np.where(letter[goes_to] == entries.sent, goes_to, np.uint8(0))


def _column(kind: pa.DataType, entries: Entries, own: npt.NDArray[np.intp], records: c.Codes, count: int) -> pa.Array:
    """A column with the values of the entries `own`, which belong to `records`."""
    if kind == TEXT:
        return entries.texts.take(c.scattered(entries.text[own], records, count))
    if kind == LOW:
        encoded = pc.dictionary_encode(c.taken(entries.texts, entries.text[own]))
        return pa.DictionaryArray.from_arrays(
            c.scattered(c.to_numpy(encoded.indices), records, count), encoded.dictionary
        )
    numbers = entries.numbers[own]
    return c.scattered(numbers if pa.types.is_integer(kind) else numbers.view(np.float64), records, count)
