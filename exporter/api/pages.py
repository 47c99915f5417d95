"""Lists in pages: each says where the next one begins.

In: items, one more than were asked for. Out: a page; cursors are opaque text, and made-up ones are refused.
"""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Annotated, Any, Final, Generic, TypeVar

from fastapi import Query
from pydantic import BaseModel

from exporter.errors import AxError
from exporter.query.answer import Answer

Item = TypeVar("Item")
Row = TypeVar("Row")

MOST: Final = 500
MOST_SKIPPED: Final = 1_000_000
"""Of a list that is short enough to be counted off from its beginning."""
Limit = Annotated[int, Query(ge=1, le=MOST, description="most items of a page")]
Cursor = Annotated[str | None, Query(max_length=500, description="`next_cursor` of the page before")]


class Page(BaseModel, Generic[Item]):
    """Some items, and where the next page begins; None at the end."""

    items: list[Item]
    next_cursor: str | None = None


def page(items: Sequence[Any], limit: int, mark: Callable[[Any], list[Any]]) -> dict[str, Any]:
    """The first `limit` of items, of which one more was asked for; `mark` tells where one stands."""
    shown = list(items[:limit])
    return {"items": shown, "next_cursor": written(mark(shown[-1])) if len(items) > limit else None}


def cut(answer: Answer[Row], limit: int, skip: int) -> tuple[Answer[Row], str | None]:
    """The first `limit` of rows, of which one more was asked for behind the first `skip`, and the next cursor."""
    following = written([skip + limit]) if len(answer.rows) > limit else None
    return replace(answer, rows=answer.rows[:limit]), following


def skip_of(cursor: str | None) -> int:
    """How many rows have been shown. Raises `AxError`."""
    found = read(cursor, int)
    if found is None:
        return 0
    if not 0 < found[0] <= MOST_SKIPPED:
        raise AxError("cursor: nothing follows there", mend="begin anew, without a cursor")
    return int(found[0])


def written(mark: list[Any]) -> str:
    """A cursor."""
    return base64.urlsafe_b64encode(json.dumps(mark, separators=(",", ":")).encode()).decode().rstrip("=")


def read(cursor: str | None, *kinds: type) -> list[Any] | None:
    """What `written` was given, which has values of these types. Raises `AxError` for what was not written by us."""
    if cursor is None:
        return None
    try:
        mark = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if [type(one) for one in mark] == list(kinds) and all(map(_is_stored, mark)):
            return list(mark)
    except (ValueError, TypeError, binascii.Error):
        pass
    raise AxError("cursor: this is no cursor of ours", mend="give next_cursor of the page before, unchanged")


def _is_stored(value: object) -> bool:
    """Whether SQLite can hold it: whole numbers of 64 bits, text of whole characters."""
    if isinstance(value, int):
        return -(2**63) <= value < 2**63
    return isinstance(value, str) and not any("\ud800" <= one <= "\udfff" for one in value)
