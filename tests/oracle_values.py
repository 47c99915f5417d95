"""The oracle's half about values: what text an attribute value becomes, which attributes are kept, what is promoted.

In: protobuf attributes and limits. Out: kept attributes with letters and texts. Written from the meaning of the
columns, slow and plain; shares no code with decode.
"""

import base64
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from exporter.config import Limits
from exporter.model import INT, REAL, Promoted, column_of
from otel_ax.semconv import PROMPT_KEYS

Row = dict[str, Any]
Pairs = list[tuple[str, str | None]]


# ── Values ────────────────────────────────────────────────────────────────────────────────────────────────────────


class NotPlain(Exception):
    """Plain JSON read back would not give this value."""


def text_of(value: AnyValue) -> tuple[str, str | None]:
    """The letter and the text of an attribute value or a log body."""
    match value.WhichOneof("value"):
        case "string_value":
            return "s", value.string_value
        case "bool_value":
            return "b", "true" if value.bool_value else "false"
        case "int_value":
            return "i", str(value.int_value)
        case "double_value":
            return "d", double(value.double_value)
        case "bytes_value":
            return "y", base64.b64encode(value.bytes_value).decode()
        case "array_value":
            return nested("a", value)
        case "kvlist_value":
            return nested("k", value)
    return "n", None


def double(value: float) -> str:
    """A text that reads back as the same double."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return repr(value)


def nested(letter: str, value: AnyValue) -> tuple[str, str]:
    """An array or a kvlist: plain JSON where that says everything, else OTLP's JSON under the capital letter."""
    try:
        return letter, compact(plain(value))
    except NotPlain:
        inner = value.array_value if letter == "a" else value.kvlist_value
        return letter.upper(), compact(MessageToDict(inner))


def plain(value: AnyValue) -> object:
    """What JSON has for the value; raises `NotPlain` where it has nothing."""
    match value.WhichOneof("value"):
        case "bytes_value":
            raise NotPlain
        case "double_value" if not math.isfinite(value.double_value):
            raise NotPlain
        case "array_value":
            return [plain(item) for item in value.array_value.values]
        case "kvlist_value":
            items = {item.key: plain(item.value) for item in value.kvlist_value.values}
            if len(items) < len(value.kvlist_value.values):
                raise NotPlain
            return items
        case None | "string_value_strindex":
            return None
        case scalar:
            return getattr(value, scalar)


def compact(value: object) -> str:
    """JSON in its shortest form, in UTF-8."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def cut(text: str, limit_bytes: int) -> str:
    """The longest beginning that has at most `limit_bytes` bytes of UTF-8."""
    return text.encode()[:limit_bytes].decode(errors="ignore")


def read(value: AnyValue, limit_bytes: int) -> tuple[str, str | None, bool]:
    """Letter and text of a value, cut at the limit, and whether it was cut."""
    if len(value.bytes_value) > limit_bytes:
        return *text_of(AnyValue(bytes_value=value.bytes_value[:limit_bytes])), True
    letter, text = text_of(value)
    if text is not None and letter in "saAkK" and len(text.encode()) > limit_bytes:
        return "s", cut(text, limit_bytes), True
    return letter, text, False


# ── Attributes ────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(slots=True)
class Entry:
    """One kept attribute; `value` is as sent, `text` is cut where a limit says so."""

    key: str
    letter: str
    text: str | None
    value: AnyValue


@dataclass(slots=True)
class Attributes:
    """What is kept of a list of attributes, how many are not, and what is odd about that."""

    entries: list[Entry]
    dropped: int
    odd: set[str] = field(default_factory=set)

    def get(self, key: str) -> Entry | None:
        return next((entry for entry in self.entries if entry.key == key), None)

    @property
    def pairs(self) -> Pairs:
        return [(entry.key, entry.text) for entry in self.entries]

    @property
    def types(self) -> str:
        return "".join(entry.letter for entry in self.entries)


def attributes_of(sent: Sequence[KeyValue], limits: Limits) -> Attributes:
    """The last of each key, without keys that are too long, the first so many of those, each value cut."""
    last = {item.key: place for place, item in enumerate(sent)}
    distinct = [item for place, item in enumerate(sent) if last[item.key] == place]
    short = [item for item in distinct if len(item.key.encode()) <= limits.key_bytes]
    kept = short[: limits.attributes]
    found = Attributes([], len(sent) - len(kept))
    for item in kept:
        limit_bytes = limits.prompt_bytes if item.key in PROMPT_KEYS else limits.value_bytes
        letter, text, was_cut = read(item.value, limit_bytes)
        found.entries.append(Entry(item.key, letter, text, item.value))
        if was_cut:
            found.odd.add("truncated")
    if len(distinct) < len(sent):
        found.odd.add("duplicate_key")
    if len(kept) < len(distinct):
        found.odd.add("dropped")
    return found


def promote(found: Attributes, promoted: Promoted) -> Row:
    """The columns of all promoted attributes, beside `attributes` with `attribute_types`.

    An attribute is in its column too when it was sent with the column's type.
    """
    columns: Row = {column_of(key): None for key in promoted}
    for entry in found.entries:
        match promoted.get(entry.key), entry.value.WhichOneof("value"):
            case (None, _):
                pass
            case (kind, "int_value") if kind == INT:
                columns[column_of(entry.key)] = entry.value.int_value
            case (kind, "double_value") if kind == REAL:
                columns[column_of(entry.key)] = entry.value.double_value
            case (kind, "string_value") if kind not in {INT, REAL}:
                columns[column_of(entry.key)] = entry.text
    return columns | {"attributes": found.pairs, "attribute_types": found.types}


def literal(pairs: Sequence[tuple[str, str | None]]) -> str:
    """DuckDB's literal of a map of text."""

    def quote(text: str | None) -> str:
        if text is None:
            return "NULL"
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'

    return "{" + ", ".join(f"{quote(key)}={quote(text)}" for key, text in pairs) + "}"
