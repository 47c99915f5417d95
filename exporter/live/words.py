"""What the server says: JSON messages, in which the part that many are told is written once.

In: what was told. Out: text; a message has at most `MOST_BYTES`, and says how many items were left out of it.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic_core import PydanticSerializationError, to_json, to_jsonable_python

from exporter.live.told import Told

VERSION: Final = 1
MOST_BYTES: Final = 256 * 2**10


@dataclass(frozen=True, slots=True)
class Body:
    """What all who asked the same are told; `mark` is equal where items are."""

    op: str
    rest: str
    is_empty: bool
    mark: int


def body(told: Told) -> Body:
    """The common part of a snapshot or a change."""
    items, left_out = _written(told.items)
    rest = f'"items":{items},"left_out":{told.left_out + left_out},"cursor":"{told.cursor}"}}'
    is_empty = not told.items and not told.left_out and not told.is_anew
    return Body("snapshot" if told.is_anew else "change", rest, is_empty, hash(items))


def addressed(common: Body, subscription: str) -> str:
    """The message to one subscription."""
    return f'{{"op":"{common.op}","id":{json.dumps(subscription)},{common.rest}'


def said(op: str, **values: Any) -> str:
    """A message of few values."""
    return json.dumps({"op": op, **{name: value for name, value in values.items() if value is not None}})


def problem(of: Mapping[str, Any], subscription: str | None) -> str:
    """What is wrong, with a subscription where it is about one, which then is over."""
    return said("problem", id=subscription, **of)


def _written(items: Sequence[object]) -> tuple[str, int]:
    """As many items, from the first, as a message holds; and how many that leaves out."""
    shown = list(items)
    text = _json(shown)
    while len(text) > MOST_BYTES:
        shown = shown[: min(len(shown) - 1, len(shown) * MOST_BYTES // len(text))]
        text = _json(shown)
    return text.decode(), len(items) - len(shown)


def _json(items: list[object]) -> bytes:
    try:
        return to_json(items, inf_nan_mode="null")
    except PydanticSerializationError:  # what people write over the API may hold half a character
        return json.dumps(to_jsonable_python(items, inf_nan_mode="null")).encode()
