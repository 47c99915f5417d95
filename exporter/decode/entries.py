"""Serialised `KeyValue`s, many at once: their keys, values as text, type letters and numbers.

An encoder has one way to write an attribute: the key, then the value, each behind its tag and its length. Entries of
that form whose value is a string, bool, int or double are read here by arithmetic on the bytes of all of them; their
strings are cut out, not copied. What has any other form (arrays, kvlists, bytes, no value, very long strings, hand-made
bytes) goes to ptars, each distinct one once. An *entry* is one attribute of one record.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from exporter.config import Limits
from exporter.decode import columns as c
from exporter.decode.anyvalues import Letters, Values, doubles_text, read_anyvalues
from exporter.decode.wire import read_values
from otel_ax import semconv

_Places = npt.NDArray[np.int64]
_Words = npt.NDArray[np.uint64]

_WORD: Final = 8
_KEY_TAG, _VALUE_TAG = 0x0A, 0x12  # fields 1 and 2 of KeyValue, length-delimited
_STRING_TAG: Final = 0x0A  # field 1 of AnyValue, length-delimited
_STRING, _BOOL, _INT, _DOUBLE = ord("s"), ord("b"), ord("i"), ord("d")
_CONTINUES: Final = 0x80
"""The bit of a varint's byte that says that another one follows (protobuf, "encoding": base 128 varints)."""


def _letters_by_tag() -> Letters:
    letters = np.zeros(256, dtype=np.uint8)  # of AnyValue's fields 1 to 4; 0: not read here
    letters[[_STRING_TAG, 0x10, 0x18, 0x21]] = _STRING, _BOOL, _INT, _DOUBLE
    return letters


_LETTER_BY_TAG: Final = _letters_by_tag()
# Of a varint of n bytes in a little-endian word: the bits that are its own, and which continuation bits are set.
_OWN_BITS: Final = np.array([(1 << 8 * n) - 1 for n in range(_WORD + 1)], dtype=np.uint64)
_ALL_CONTINUE: Final = np.uint64(int.from_bytes([_CONTINUES] * _WORD))
_SOME_CONTINUE: Final = np.array(
    [int.from_bytes([_CONTINUES] * (n - 1), "little") if n else 0 for n in range(_WORD + 1)], dtype=np.uint64
)


@dataclass(frozen=True, slots=True)
class Entries:
    """Arrays over entries: `key` is a place in `keys` (distinct), `text` one in `texts` (NULL there is no value).

    `letters` says what a value is (`values`), `sent` what it was before a limit cut it; `numbers` are the ints, the
    doubles' bits, and 1 for true; `cut` marks what a limit cut (None: nothing).
    """

    keys: pa.StringArray
    key: c.Codes
    texts: pa.StringArray
    text: c.Codes
    letters: Letters
    sent: Letters
    numbers: c.Ints
    cut: c.Mask | None

    def at(self, places: c.Mask) -> "Entries":
        """The entries at `places`."""
        cut = None if self.cut is None else self.cut[places]
        per_entry = (self.letters[places], self.sent[places], self.numbers[places], cut)
        return Entries(self.keys, self.key[places], self.texts, self.text[places], *per_entry)


def read_entries(payloads: pa.BinaryArray, limits: Limits) -> Entries:
    """Reads serialised `KeyValue`s. Raises `ValueError` where one does not parse, `TwoMembers` where one is odd."""
    count = len(payloads)
    plain = _Plain.of(payloads, min(limits.value_bytes, limits.prompt_bytes))
    letters, numbers = plain.letters, plain.numbers
    texts, text = [plain.cut_out(plain.text_begin, plain.end)], np.arange(0, 2 * count, 2, dtype=np.int32)
    in_texts = 2 * count
    for places, more in plain.written():
        text[places] = np.arange(in_texts, in_texts + len(more), dtype=np.int32)
        texts.append(more)
        in_texts += len(more)
    keys_low = _evens(plain.cut_out(plain.key_begin, plain.key_end)).dictionary_encode()
    keys, key = keys_low.dictionary, c.to_numpy(keys_low.indices)
    sent, cut = letters, None

    odd = np.flatnonzero(letters == 0)
    if len(odd):
        encoded = payloads.take(pa.array(odd)).dictionary_encode()
        pair = c.to_numpy(encoded.indices)
        odd_keys, odd_key_of, values = _read_pairs(encoded.dictionary, limits)
        keys, renumbered = _joined(keys, odd_keys)
        key = key.copy()
        key[odd] = renumbered[odd_key_of][pair]
        letters[odd] = values.letters[pair]
        sent = letters.copy()
        sent[odd] = values.sent[pair]
        text[odd] = in_texts + pair
        texts.append(values.text)
        numbers[odd] = _numbers_of(values)[pair]
        if values.cut is not None:
            cut = np.zeros(count, dtype=np.bool_)
            cut[odd] = values.cut[pair]
    return Entries(keys, key, pa.concat_arrays(texts), text, letters, sent, numbers, cut)


@dataclass(frozen=True, slots=True)
class _Plain:
    """What arithmetic finds: places in `data` of each entry's parts; `letters` is 0 where the entry has another form.

    Where it has, and where the value is no string, key and text are empty.
    """

    data: npt.NDArray[np.uint8]
    end: _Places
    key_begin: _Places
    key_end: _Places
    text_begin: _Places
    letters: Letters
    numbers: c.Ints

    @classmethod
    def of(cls, payloads: pa.BinaryArray, longest: int) -> "_Plain":
        """Finds the parts of `payloads`; strings of more than `longest` bytes are left to others."""
        offsets = c.offsets_of(payloads) if len(payloads) else np.zeros(1, dtype=np.int32)
        first, last = int(offsets[0]), int(offsets[-1])
        # Two words more than there is: a word is read at any place up to the end, and one behind its header.
        data = np.zeros(last - first + 2 * _WORD, dtype=np.uint8)
        if last > first:
            data[: last - first] = np.frombuffer(payloads.buffers()[2], dtype=np.uint8)[first:last]
        begin, end = offsets[:-1].astype(np.int64) - first, offsets[1:].astype(np.int64) - first
        words: _Words = np.ndarray((len(data) - _WORD + 1,), "<u8", data, strides=(1,))  # one at every byte

        head = _bytes_of(words[begin])
        at = begin + 2 + head[:, 1]
        is_plain = (head[:, 0] == _KEY_TAG) & (head[:, 1] < _CONTINUES) & (at < end)
        if not is_plain.all():
            at = np.where(is_plain, at, begin)
        value = _bytes_of(words[at])
        size, rest = value[:, 1], end - at
        is_short = is_plain & (value[:, 0] == _VALUE_TAG) & (rest == size.astype(np.int64) + 2)
        letters = np.where(is_short & (size < _CONTINUES), _LETTER_BY_TAG[value[:, 2]], np.uint8(0))
        letters[(letters == _STRING) & ((value[:, 3].astype(np.int64) + 4 != rest) | (rest - 4 > longest))] = 0
        text_begin = np.where(letters == _STRING, at + 4, end)
        numbers = np.zeros(len(payloads), dtype=np.int64)
        _read_bools(letters, numbers, value)
        _read_ints(letters, numbers, words, value, at)
        _read_doubles(letters, numbers, words, value, at)
        long = np.flatnonzero(is_plain & (value[:, 0] == _VALUE_TAG) & (size >= _CONTINUES))
        _read_long_strings(letters, text_begin, long, value[long], rest[long], longest)
        key_begin, key_end = begin + 2, at
        is_odd = letters == 0
        if is_odd.any():
            key_begin, key_end = np.where(is_odd, begin, key_begin), np.where(is_odd, begin, key_end)
        return cls(data, end, key_begin, key_end, text_begin, letters, numbers)

    def cut_out(self, begin: _Places, end: _Places) -> pa.StringArray:
        """The bytes from `begin` to `end` of each entry as the even elements of an array; odd ones lie between."""
        offsets = np.empty(2 * len(begin) + 1, dtype=np.int32)
        offsets[0:-1:2], offsets[1::2] = begin, end
        offsets[-1] = offsets[-2] if len(begin) else 0
        return pa.StringArray.from_buffers(2 * len(begin), pa.py_buffer(offsets), pa.py_buffer(self.data))

    def written(self) -> list[tuple[_Places, pa.StringArray]]:
        """The entries whose text is written out, and their texts: bools, ints and doubles."""
        bools, ints, doubles = (np.flatnonzero(self.letters == letter) for letter in (_BOOL, _INT, _DOUBLE))
        return [
            (bools, pa.array(self.numbers[bools] != 0).cast(pa.string())),
            (ints, pa.array(self.numbers[ints]).cast(pa.string())),
            (doubles, doubles_text(pa.array(self.numbers[doubles].view(np.float64)))),
        ]


def _evens(array: pa.StringArray) -> pa.StringArray:
    return c.taken(array, np.arange(0, len(array), 2, dtype=np.int32))


def _bytes_of(words: _Words) -> npt.NDArray[np.uint8]:
    """The bytes of words, a row each, in the order in which they are on the wire."""
    rows: npt.NDArray[np.uint8] = words.view(np.uint8).reshape(-1, _WORD)
    return rows


def _read_bools(letters: Letters, numbers: c.Ints, value: npt.NDArray[np.uint8]) -> None:
    """`value` is the bytes of each entry's value, from its tag on: tag, size, AnyValue's tag, content."""
    found = np.flatnonzero(letters == _BOOL)
    size, content = value[found, 1], value[found, 3]
    letters[found[(size != 1 + 1) | (content > 1)]] = 0
    numbers[found] = content


def _read_ints(letters: Letters, numbers: c.Ints, words: _Words, value: npt.NDArray[np.uint8], at: _Places) -> None:
    """Varints of up to 8 bytes, so none that is negative or over 2^56."""
    found = np.flatnonzero(letters == _INT)
    length = value[found, 1].astype(np.int64) - 1
    wrong = (length < 1) | (length > _WORD)
    length[wrong] = 0
    word = words[at[found] + 3] & _OWN_BITS[length]
    letters[found[wrong | (word & _ALL_CONTINUE != _SOME_CONTINUE[length])]] = 0
    sevens = [
        (word >> np.uint64(8 * i) & np.uint64(0x7F)) << np.uint64(7 * i) for i in range(int(length.max(initial=0)))
    ]
    numbers[found] = np.bitwise_or.reduce(sevens).view(np.int64) if sevens else 0


def _read_doubles(letters: Letters, numbers: c.Ints, words: _Words, value: npt.NDArray[np.uint8], at: _Places) -> None:
    found = np.flatnonzero(letters == _DOUBLE)
    letters[found[value[found, 1] != 1 + _WORD]] = 0
    numbers[found] = words[at[found] + 3].view(np.int64)


def _read_long_strings(
    letters: Letters, text_begin: _Places, places: _Places, value: npt.NDArray[np.uint8], rest: _Places, longest: int
) -> None:
    """Strings whose AnyValue is longer than 127 B and shorter than 16 KiB: its size, and mostly theirs, has two bytes.

    `value` are the first bytes of the entries at `places` from the value's tag on, `rest` how many there are.
    """
    wide = value.astype(np.int64)
    size = wide[:, 1] & 0x7F | wide[:, 2] << 7
    has_two = wide[:, 4] >= _CONTINUES  # bytes for the string's own length
    length = np.where(has_two, wide[:, 4] & 0x7F | wide[:, 5] << 7, wide[:, 4])
    header = np.where(has_two, 6, 5)
    is_string = (
        (wide[:, 2] < _CONTINUES)
        & (size + 3 == rest)
        & (wide[:, 3] == _STRING_TAG)
        & (~has_two | (wide[:, 5] < _CONTINUES))
        & (length + header == rest)
        & (length <= longest)
    )
    letters[places[is_string]] = _STRING
    text_begin[places] += np.where(is_string, header - rest, 0)  # it was the entry's end


def _read_pairs(payloads: pa.BinaryArray, limits: Limits) -> tuple[list[str], c.Codes, Values]:
    """Distinct keys, the key of each of the distinct `payloads`, and their values; for any `KeyValue` there is."""
    pairs = read_values("KeyValue", payloads)
    encoded = c.field(pairs, "key").dictionary_encode()
    keys, key_of = encoded.dictionary.to_pylist(), c.to_numpy(encoded.indices)
    prompts = np.array([key in semconv.PROMPT_KEYS for key in keys], dtype=np.bool_)

    def limit_of(i: int) -> int:
        return limits.prompt_bytes if prompts[key_of[i]] else limits.value_bytes

    return keys, key_of, read_anyvalues(c.field(pairs, "value"), limit_of, min(limits.value_bytes, limits.prompt_bytes))


def _joined(keys: pa.StringArray, more: list[str]) -> tuple[pa.StringArray, c.Codes]:
    """Distinct keys of both, and the places of `more` among them."""
    place = {key: i for i, key in enumerate(keys.to_pylist())}
    places = [place.setdefault(key, len(place)) for key in more]
    return pa.array(list(place), pa.string()), np.array(places, dtype=np.int32)


def _numbers_of(values: Values) -> c.Ints:
    numbers = c.to_numpy(values.doubles.fill_null(0.0)).view(np.int64).copy()
    is_int, is_bool = values.sent == _INT, values.sent == _BOOL
    numbers[is_int] = c.to_numpy(values.ints.fill_null(0))[is_int]
    numbers[is_bool] = c.to_numpy(pc.fill_null(pc.equal(values.text, "true"), fill_value=False))[is_bool]
    return numbers
