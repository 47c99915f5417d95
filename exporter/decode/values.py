"""Attribute values as text with a type letter, and back, losing nothing.

In: OTLP `AnyValue`s. Out: text that people filter by, and one letter that says what it was:

    s string   b bool   i int   d double   y bytes (base64)   a array   k kvlist   n no value (the text is NULL)

Arrays and kvlists are plain JSON where that JSON reads back as the same value. Where it would not (bytes inside,
NaN, a key twice) the letter is A or K and the text is OTLP's own JSON, which is exact but no pleasure to read.
"""

import base64
import json
import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

from google.protobuf import json_format
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValueList

_CACHED_BYTES: Final = 256
"""Only short values are remembered: long ones rarely come twice."""


class _NotPlain(Exception):
    """Plain JSON would not read back as the same value; a signal between functions of this page."""


def double_text(value: float) -> str:
    """Text that reads back as the same double."""
    if math.isfinite(value):
        return repr(value)
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def array_text(payload: bytes) -> tuple[str, str]:
    """Letter and text of a serialised `ArrayValue`."""
    return _remembered_array(payload) if len(payload) <= _CACHED_BYTES else _array_text(payload)


def kvlist_text(payload: bytes) -> tuple[str, str]:
    """Letter and text of a serialised `KeyValueList`."""
    return _remembered_kvlist(payload) if len(payload) <= _CACHED_BYTES else _kvlist_text(payload)


def _array_text(payload: bytes) -> tuple[str, str]:
    return _nested_text(ArrayValue.FromString(payload), "a", lambda array: [_plain(value) for value in array.values])


def _kvlist_text(payload: bytes) -> tuple[str, str]:
    return _nested_text(KeyValueList.FromString(payload), "k", _plain_pairs)


_remembered_array = lru_cache(maxsize=4096)(_array_text)
_remembered_kvlist = lru_cache(maxsize=4096)(_kvlist_text)


def _nested_text(message: Any, letter: str, plain: Callable[[Any], Any]) -> tuple[str, str]:
    try:
        return letter, _compact(plain(message))
    except _NotPlain:
        return letter.upper(), _compact(json_format.MessageToDict(message))


def _compact(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _plain(value: AnyValue) -> object:
    kind = value.WhichOneof("value")
    match kind:
        case None | "string_value_strindex":
            return None
        case "array_value":
            return [_plain(item) for item in value.array_value.values]
        case "kvlist_value":
            return _plain_pairs(value.kvlist_value)
        case "bytes_value":
            raise _NotPlain
        case "double_value":
            if not math.isfinite(value.double_value):
                raise _NotPlain
    return getattr(value, kind)


def _plain_pairs(pairs: KeyValueList) -> dict[str, object]:
    plain = {pair.key: _plain(pair.value) for pair in pairs.values}
    if len(plain) != len(pairs.values):
        raise _NotPlain
    return plain


def text_of(value: AnyValue) -> tuple[str, str | None]:
    """Letter and text of one value; the slow way, for values that come once a request."""
    match value.WhichOneof("value"):
        case "string_value":
            return "s", value.string_value
        case "bool_value":
            return "b", "true" if value.bool_value else "false"
        case "int_value":
            return "i", str(value.int_value)
        case "double_value":
            return "d", double_text(value.double_value)
        case "bytes_value":
            return "y", base64.b64encode(value.bytes_value).decode()
        case "array_value":
            return array_text(value.array_value.SerializeToString())
        case "kvlist_value":
            return kvlist_text(value.kvlist_value.SerializeToString())
    return "n", None


def value_of(letter: str, text: str | None) -> AnyValue:
    """The value that `letter` and `text` were made from."""
    if letter == "n" or text is None:
        return AnyValue()
    match letter:
        case "s":
            return AnyValue(string_value=text)
        case "b":
            return AnyValue(bool_value=text == "true")
        case "i":
            return AnyValue(int_value=int(text))
        case "d":
            return AnyValue(double_value=float(text))
        case "y":
            return AnyValue(bytes_value=base64.b64decode(text))
        case "a" | "k":
            return _from_plain(json.loads(text))
        case "A":
            return AnyValue(array_value=json_format.Parse(text, ArrayValue()))
        case "K":
            return AnyValue(kvlist_value=json_format.Parse(text, KeyValueList()))
    raise ValueError(f"no attribute type is written {letter!r}")


def _from_plain(value: object) -> AnyValue:
    made = AnyValue()
    match value:
        case None:
            pass
        case bool():
            made.bool_value = value
        case int():
            made.int_value = value
        case float():
            made.double_value = value
        case str():
            made.string_value = value
        case list():
            made.array_value.SetInParent()
            made.array_value.values.extend(_from_plain(item) for item in value)
        case dict():
            made.kvlist_value.SetInParent()
            for key, item in value.items():
                made.kvlist_value.values.add(key=key, value=_from_plain(item))
    return made


def cut_text(text: str, limit_bytes: int) -> str:
    """The longest beginning of `text` that is at most `limit_bytes` of UTF-8."""
    return text.encode()[:limit_bytes].decode(errors="ignore")


def map_literal(pairs: list[tuple[str, str | None]]) -> str:
    """DuckDB's text for a MAP(VARCHAR, VARCHAR), which `CAST` reads back: `{"k"="v", "none"=NULL}`."""
    return "{" + ", ".join(f"{_quoted(key)}={'NULL' if text is None else _quoted(text)}" for key, text in pairs) + "}"


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def pairs_of_literal(literal: str) -> list[tuple[str, str | None]]:
    """The pairs that `map_literal` was given."""
    pairs: list[tuple[str, str | None]] = []
    at = 1
    while literal[at] != "}":
        at += 2 if literal[at] == "," else 0
        key, at = _unquoted(literal, at)
        if literal.startswith("NULL", at + 1):
            pairs.append((key, None))
            at += 5
        else:
            text, at = _unquoted(literal, at + 1)
            pairs.append((key, text))
    return pairs


def _unquoted(literal: str, at: int) -> tuple[str, int]:
    """The quoted text that begins at `at`, and the place after its closing quote."""
    parts: list[str] = []
    begin = at = at + 1
    while literal[at] != '"':
        if literal[at] == "\\":
            parts.append(literal[begin:at])
            begin, at = at + 1, at + 2
        else:
            at += 1
    parts.append(literal[begin:at])
    return "".join(parts), at + 1
