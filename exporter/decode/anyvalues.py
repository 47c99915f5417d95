"""Decoded `AnyValue`s as text with a type letter: any there are (`entries` is quicker, and knows the usual ones only).

In: structs as ptars reads them. Out: `Values`.
"""

import base64
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from exporter.decode import columns as c
from exporter.decode.values import array_text, cut_text, double_text, kvlist_text
from exporter.decode.wire import TwoMembers

Letters = npt.NDArray[np.uint8]

_FIELDS: Final = {"s": "string_value", "b": "bool_value", "i": "int_value", "d": "double_value"}
_FIELDS_OF_BYTES: Final = {"a": "array_value", "k": "kvlist_value", "y": "bytes_value"}


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
            texts.append(doubles_text(of_kind) if letter == "d" else of_kind.cast(pa.string()))
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


def doubles_text(values: pa.Array) -> pa.Array:
    """Texts that read back as the same doubles."""
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
