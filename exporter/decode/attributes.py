"""Attributes of many records at once: lists of serialised `KeyValue`s become maps, type letters and typed columns.

Equal bytes are equal attributes, so each distinct `KeyValue` is decoded once; what happens per attribute is arithmetic
on numpy arrays. Names here: an *entry* is one attribute of one record, a *pair* one distinct `KeyValue`.
"""

import base64
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from exporter.config import Limits
from exporter.decode import columns as c
from exporter.decode.values import array_text, cut_text, double_text, kvlist_text
from exporter.decode.wire import TwoMembers, read_values
from exporter.model import LOW, TEXT, Promoted
from otel_ax import semconv

Letters = npt.NDArray[np.uint8]

_FIELDS: Final = {"s": "string_value", "b": "bool_value", "i": "int_value", "d": "double_value"}
_FIELDS_OF_BYTES: Final = {"a": "array_value", "k": "kvlist_value", "y": "bytes_value"}
_MARKED: Final = 1 << 26
"""Most record × key places for which duplicates are found by marking; beyond it by sorting."""


@dataclass(frozen=True, slots=True)
class Values:
    """Distinct values: their text (NULL for no value), their letter (ASCII), and which of them a limit cut.

    `sent` is the letter before the limits: an array that is cut becomes a string, but was not sent as one.
    """

    text: pa.StringArray
    letters: Letters
    sent: Letters
    ints: pa.Array
    doubles: pa.Array
    cut: c.Mask | None


def read_anyvalues(values: pa.StructArray, limit_of: Callable[[int], int], least: int) -> Values:
    """Text and letters of decoded `AnyValue` structs.

    `limit_of(i)` is the limit of value i in bytes, `least` the smallest that it returns. Raises `TwoMembers`.
    """
    valid = _valid_members(values)
    letters = np.full(len(values), ord("n"), dtype=np.uint8)
    texts: list[pa.Array] = []
    for letter, name in _FIELDS.items():
        of_kind = c.field(values, name)
        if of_kind.null_count < len(values):
            letters[valid[name]] = ord(letter)
            texts.append(_doubles_text(of_kind) if letter == "d" else of_kind.cast(pa.string()))
    sent = letters.copy()
    replaced: dict[int, str] = {}
    cut: list[int] = []
    for letter, name in _FIELDS_OF_BYTES.items():
        of_kind = c.field(values, name)
        if of_kind.null_count < len(values):
            for i in np.flatnonzero(valid[name]).tolist():
                code, replaced[i], is_cut = _bytes_text(letter, of_kind[i].as_py(), limit_of(i))
                letters[i], sent[i] = ord(code), ord(letter)
                if is_cut:
                    cut.append(i)
    text = pc.coalesce(*texts) if len(texts) > 1 else texts[0] if texts else pa.nulls(len(values), pa.string())
    sizes = c.lengths_of(text)
    for i in np.flatnonzero(sizes > least).tolist():
        if letters[i] == ord("s") and sizes[i] > limit_of(i):
            replaced[i] = cut_text(text[i].as_py(), limit_of(i))
            cut.append(i)
    if replaced:
        text = _replaced(text, replaced)
    ints, doubles = c.field(values, "int_value"), c.field(values, "double_value")
    return Values(text, letters, sent, ints, doubles, _mask(cut, len(values)))


def _valid_members(values: pa.StructArray) -> dict[str, c.Mask]:
    """Which values each member of the oneof holds; raises `TwoMembers` where two hold one."""
    valid = {name: c.valid(c.field(values, name)) for name in (*_FIELDS.values(), *_FIELDS_OF_BYTES.values())}
    if sum(int(mask.sum()) for mask in valid.values()) != int(np.logical_or.reduce(list(valid.values())).sum()):
        raise TwoMembers
    return valid


def _mask(places: list[int], count: int) -> c.Mask | None:
    if not places:
        return None
    mask = np.zeros(count, dtype=np.bool_)
    mask[places] = True
    return mask


def _doubles_text(values: pa.Array) -> pa.Array:
    finite = pc.all(pc.is_finite(values)).as_py()
    if finite is False:
        return pa.array([None if v is None else double_text(v) for v in values.to_pylist()], pa.string())
    return values.cast(pa.string())


def _bytes_text(letter: str, payload: bytes, limit: int) -> tuple[str, str, bool]:
    """Letter, text, and whether the limit cut it."""
    if letter == "y":
        return "y", base64.b64encode(payload[:limit]).decode(), len(payload) > limit
    letter, text = array_text(payload) if letter == "a" else kvlist_text(payload)
    if len(text.encode()) > limit:
        return "s", cut_text(text, limit), True
    return letter, text, False


def _replaced(text: pa.StringArray, replaced: dict[int, str]) -> pa.StringArray:
    mask = np.zeros(len(text), dtype=np.bool_)
    mask[list(replaced)] = True
    return pc.replace_with_mask(text, pa.array(mask), pa.array([replaced[i] for i in sorted(replaced)], pa.string()))


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
    entries: "Entries"

    def strings(self, key: str) -> pa.Array | None:
        """The values of a string attribute, one a record, NULL where there is none; None if no record has it."""
        found = self.entries.where(key, "s")
        if found is None:
            return None
        records, pairs = found
        index = c.scattered(pairs, records, self.entries.count)
        return self.entries.values.text.take(index)

    def true(self, key: str) -> c.Mask | None:
        """Which records have a boolean attribute that is true; None if no record has it."""
        found = self.entries.where(key, "b")
        if found is None:
            return None
        records, pairs = found
        mask = np.zeros(self.entries.count, dtype=np.bool_)
        mask[records] = pc.equal(self.entries.values.text, "true").to_numpy(zero_copy_only=False)[pairs]
        return mask


@dataclass(frozen=True, slots=True)
class Entries:
    """Which record has which pair: arrays over entries; `keys` is the distinct keys, `key_of` the key of each pair."""

    count: int
    record: c.Codes
    pair: c.Codes
    keys: list[str]
    key_of: c.Codes
    values: Values

    def where(self, key: str, letter: str | None = None) -> tuple[c.Codes, c.Codes] | None:
        """Records and pairs of the entries with this key and type, or with any type."""
        if key not in self.keys:
            return None
        of_key = self.key_of == self.keys.index(key)
        if letter is not None:
            of_key &= self.values.sent == ord(letter)
        if not of_key.any():
            return None
        found = np.flatnonzero(of_key[self.pair])
        return self.record[found], self.pair[found]


def read_attributes(lists: pa.ListArray, promoted: Promoted, limits: Limits) -> Attributes:
    """Attributes of records from lists of serialised `KeyValue`s, one list a record."""
    count, lengths = len(lists), c.lengths_of(lists)
    encoded = lists.flatten().dictionary_encode()
    pair = c.to_numpy(encoded.indices)
    keys_low, key_of, values = _read_pairs(encoded.dictionary, limits)
    keys = keys_low.to_pylist()
    record = np.repeat(np.arange(count, dtype=np.int32), lengths)

    keep, duplicate, limited = _kept(record, key_of[pair], lengths, keys, limits)
    dropped = None
    if keep is not None:
        record, pair = record[keep], pair[keep]
        dropped = lengths - np.bincount(record, minlength=count)
    entries = Entries(count, record, pair, keys, key_of, values)
    cut = None
    if values.cut is not None:
        cut = _records(record[values.cut[pair]], count)
    maps, types = _maps(entries, keys_low)
    return Attributes(maps, types, promoted_columns(entries, promoted), dropped, duplicate, cut, limited, entries)


def _records(records: c.Codes, count: int) -> c.Mask | None:
    mask = np.zeros(count, dtype=np.bool_)
    mask[records] = True
    return mask if len(records) else None


def _read_pairs(payloads: pa.BinaryArray, limits: Limits) -> tuple[pa.StringArray, c.Codes, Values]:
    """Distinct keys, the key of each pair, and the values."""
    pairs = read_values("KeyValue", payloads)
    values = c.field(pairs, "value")
    encoded = c.field(pairs, "key").dictionary_encode()
    keys, key_of = encoded.dictionary, c.to_numpy(encoded.indices)
    prompts = np.array([key in semconv.PROMPT_KEYS for key in keys.to_pylist()], dtype=np.bool_)

    def limit_of(i: int) -> int:
        return limits.prompt_bytes if prompts[key_of[i]] else limits.value_bytes

    return keys, key_of, read_anyvalues(values, limit_of, min(limits.value_bytes, limits.prompt_bytes))


def _kept(
    record: c.Codes, key: c.Codes, lengths: c.Codes, keys: list[str], limits: Limits
) -> tuple[c.Mask | None, c.Mask | None, c.Mask | None]:
    """Which entries stay (None: all), and the records with duplicates and with entries over a limit."""
    count = len(lengths)
    keep = np.ones(len(record), dtype=np.bool_)
    limited = np.zeros(count, dtype=np.bool_)
    too_long = np.array([len(name.encode()) > limits.key_bytes for name in keys], dtype=np.bool_)
    if too_long.any():
        keep = ~too_long[key]
        limited[record[~keep]] = True
    twice = _shadowed(record, key, len(keys), count)
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


def _maps(entries: Entries, keys: pa.StringArray) -> tuple[pa.MapArray, pa.StringArray]:
    """The map and the letters of each record."""
    offsets = np.zeros(entries.count + 1, dtype=np.int32)
    np.cumsum(np.bincount(entries.record, minlength=entries.count), out=offsets[1:])
    maps = pa.MapArray.from_arrays(
        pa.array(offsets),
        pa.DictionaryArray.from_arrays(entries.key_of[entries.pair], keys),
        c.taken(entries.values.text, entries.pair),
    )
    return maps, c.text_of_bytes(entries.values.letters[entries.pair], offsets)


def promoted_columns(entries: Entries, promoted: Promoted) -> dict[str, pa.Array]:
    """The columns of promoted attributes."""
    if not promoted:
        return {}
    goes_to = _destinations(entries, promoted)
    # Stable sorts of small integers are radix sorts: entries and pairs end up grouped by column, in order.
    chosen = np.flatnonzero(goes_to[entries.pair])
    column_of_chosen = goes_to[entries.pair[chosen]]
    chosen = chosen[np.argsort(column_of_chosen, kind="stable")]
    ends = np.cumsum(np.bincount(column_of_chosen, minlength=len(promoted) + 1))
    pair_order = np.argsort(goes_to, kind="stable")
    pair_ends = np.cumsum(np.bincount(goes_to, minlength=len(promoted) + 1))
    place = np.empty(len(goes_to), dtype=np.int32)
    begins = np.concatenate(([0], pair_ends[:-1]))
    place[pair_order] = np.arange(len(goes_to)) - begins[goes_to[pair_order]]

    columns: dict[str, pa.Array] = {}
    for number, (key, kind) in enumerate(promoted.items(), 1):
        of_column = chosen[ends[number - 1] : ends[number]]
        if len(of_column) == 0:
            columns[key] = c.nulls(kind, entries.count)
            continue
        pairs, records = entries.pair[of_column], entries.record[of_column]
        own = pair_order[pair_ends[number - 1] : pair_ends[number]]
        columns[key] = _column(kind, entries.values, pairs, own, place, records, entries.count)
    return columns


def _destinations(entries: Entries, promoted: Promoted) -> npt.NDArray[np.uint8]:
    """Which promoted column each pair goes to, counted from 1; 0 is none."""
    wanted = np.zeros(len(entries.keys), dtype=np.uint8)
    letter = np.zeros(len(promoted) + 1, dtype=np.uint8)
    for number, (key, kind) in enumerate(promoted.items(), 1):
        letter[number] = letter_of(kind)
        if key in entries.keys:
            wanted[entries.keys.index(key)] = number
    goes_to = wanted[entries.key_of]
    return np.where(letter[goes_to] == entries.values.sent, goes_to, np.uint8(0))


def letter_of(kind: pa.DataType) -> int:
    """The letter (ASCII) of what a promoted column of this type holds."""
    return ord("s" if kind in (LOW, TEXT) else "i" if pa.types.is_integer(kind) else "d")


def _column(
    kind: pa.DataType, values: Values, pairs: c.Codes, own: Any, place: c.Codes, records: c.Codes, count: int
) -> pa.Array:
    if kind == LOW:
        codes = c.scattered(place[pairs], records, count)
        return pa.DictionaryArray.from_arrays(codes, values.text.take(pa.array(own)))
    if kind == TEXT:
        return values.text.take(c.scattered(pairs, records, count))
    numbers = values.ints if pa.types.is_integer(kind) else values.doubles
    return c.scattered(numbers.fill_null(0).to_numpy(zero_copy_only=False)[pairs], records, count)
