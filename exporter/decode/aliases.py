"""Columns of canonical attributes, with what other vendors call them filled in.

In: the attributes of many spans, the columns of those that have the canonical name and type. Out: the same columns,
NULLs filled from the sources of `mapping`, in their order. Where no vendor's name occurs, as in spans of OpenTelemetry
itself, this is one look at the distinct keys.
"""

import json
import math
from collections.abc import Callable, Iterable
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from exporter.decode import columns as c
from exporter.decode.attributes import Entries, letter_of
from exporter.decode.mapping import CANONICAL, KNOWN_PROVIDERS, SOURCES, Source
from exporter.model import LOW
from otel_ax import semconv

Columns = dict[str, pa.Array]
"""By canonical attribute."""

_INT64: Final = 2**63


def _asked(canonical: str, sources: tuple[Source, ...]) -> tuple[Source, ...]:
    """All sources, the canonical name among them."""
    if any(source.attribute == canonical for source in sources):
        return sources
    return (Source(canonical), *sources)


ASKED: Final = {canonical: _asked(canonical, sources) for canonical, sources in SOURCES.items()}
_ALIASES: Final = frozenset(source.attribute for sources in SOURCES.values() for source in sources) - SOURCES.keys()


def fill(entries: Entries, columns: Columns, canonicals: Iterable[str]) -> None:
    """Put into `columns` what sources say of `canonicals`; a source with `when` reads those that are filled before."""
    present = _present(entries)
    if not present:
        return
    for canonical in canonicals:
        sources = [source for source in ASKED[canonical] if source.attribute in present]
        if sources:
            columns[canonical] = _filled(entries, columns, canonical, present)


def _present(entries: Entries) -> set[str]:
    """The sources that occur: vendors' names, and canonical ones with a value of another type than their column's."""
    present = set(_ALIASES.intersection(entries.keys))
    wanted = np.zeros(len(entries.keys), dtype=np.uint8)
    for place, key in enumerate(entries.keys):
        if key in SOURCES:
            wanted[place] = letter_of(CANONICAL[key])
    expected = wanted[entries.key_of]
    other = (expected != 0) & (entries.values.sent != expected)
    if other.any():
        present |= {entries.keys[place] for place in np.unique(entries.key_of[other]).tolist()}
    return present


def _filled(entries: Entries, columns: Columns, canonical: str, present: set[str]) -> pa.Array:
    kind = CANONICAL[canonical]
    plain = kind.value_type if kind == LOW else kind
    found = pa.nulls(entries.count, plain)
    for source in ASKED[canonical]:
        if source.attribute == canonical:
            own = columns[canonical]
            found = pc.coalesce(found, own.dictionary_decode() if kind == LOW else own)
        if source.attribute in present:
            column = read_column(entries, source, plain)
            if column is not None and source.when is not None:
                column = pc.if_else(_is(columns, source.when), column, pa.scalar(None, plain))
            found = found if column is None else pc.coalesce(found, column)
    return found.dictionary_encode() if kind == LOW else found


def _is(columns: Columns, word: str) -> pa.Array:
    """Which spans have this operation or are of this kind."""
    operation = pc.equal(columns[semconv.OPERATION_NAME].dictionary_decode(), word)
    kind = pc.equal(columns[semconv.KIND].dictionary_decode(), word)
    return pc.or_(operation.fill_null(fill_value=False), kind.fill_null(fill_value=False))


def read_column(entries: Entries, source: Source, kind: pa.DataType) -> pa.Array | None:
    """What a source says of each span, NULL where it says nothing; None if no span has it."""
    found = entries.where(source.attribute)
    if found is None:
        return None
    records, pairs = found
    used, place = np.unique(pairs, return_inverse=True)
    read = _reader(source, kind)
    texts = entries.values.text.take(pa.array(used)).to_pylist()
    letters = entries.values.sent[used].tolist()
    values = pa.array([read(text, chr(letter)) for text, letter in zip(texts, letters, strict=True)], kind)
    return values.take(c.scattered(place.astype(np.int32), records, entries.count))


# ── One value ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _reader(source: Source, kind: pa.DataType) -> Callable[[str | None, str], Any]:
    as_kind = _integer if pa.types.is_integer(kind) else _real if pa.types.is_floating(kind) else _text

    def read(text: str | None, letter: str) -> Any:
        value = _within(text, source.path) if source.path else _plain(text, letter)
        if value is None:
            return None
        if source.names:
            return source.names.get(str(value).lower())
        if source.scale != 1.0:
            number = _real(value)
            return None if number is None else number * source.scale
        if source.stem:
            return _provider(str(value))
        return as_kind(value)

    return read


def _plain(text: str | None, letter: str) -> Any:
    if text is None:
        return None
    match letter:
        case "s" | "b":
            return text
        case "i":
            return int(text)
        case "d":
            return float(text)
    return None


def _within(text: str | None, path: tuple[str, ...]) -> Any:
    found = _parsed(text or "")
    for places in path:
        value = _total(found) if places == "*" else found
        for place in () if places == "*" else places.split("."):
            value = value.get(place) if isinstance(value, dict) else None
        if isinstance(value, str) or _is_number(value):
            return value
    return None


def _total(found: Any) -> Any:
    numbers = [number for number in found.values() if _is_number(number)] if isinstance(found, dict) else []
    return sum(numbers) if numbers else None


def _parsed(text: str) -> Any:
    """JSON, or a dict of numbers as Python prints it, which LangSmith sends."""
    for written in (text, text.replace("'", '"')):
        try:
            return json.loads(written)
        except (ValueError, RecursionError):
            continue
    return None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _integer(value: Any) -> int | None:
    number = _real(value)
    if number is None or not number.is_integer() or not -_INT64 <= number < _INT64:
        return None
    exact = value if isinstance(value, int) else int(number)
    return exact if -_INT64 <= exact < _INT64 else None


def _real(value: Any) -> float | None:
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _text(value: Any) -> str | None:
    return str(value) or None


def _provider(name: str) -> str | None:
    """The provider in a name such as `google.vertex.chat`: the longest beginning that is known, else all of it."""
    parts = name.lower().split(".")
    for length in range(len(parts), 0, -1):
        if ".".join(parts[:length]) in KNOWN_PROVIDERS:
            return ".".join(parts[:length])
    return name or None
