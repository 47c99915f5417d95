"""A view with none but the columns that a question names: binding the others takes longer than reading rows does.

In: the name of a published view over segments, words. Out: its statement with the columns that are among the words.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from functools import cache
from typing import Final

from exporter.query.segments import statements

_MARKS: Final = re.compile(r"'(?:[^']|'')*'|[(\[{]|[)\]}]|,")
_NAME: Final = re.compile(r"\w+$")
_FROM: Final = "\nFROM "


def pruned(view: str, words: Collection[str]) -> str:
    """The statement with the columns that are among the words; whole where it is not one SELECT that names them."""
    whole = statements()[view]
    columns = _columns(view)
    if not columns:
        return whole
    kept = [sql for name, sql in columns.items() if name in words]
    return f"SELECT {', '.join(kept)}{whole[whole.index(_FROM) :]}"


@cache
def _columns(view: str) -> Mapping[str, str]:
    """The SQL of each column by its name: what it is called, or its own; none where that cannot be told."""
    whole = statements()[view]
    if not whole.startswith("SELECT\n") or whole.count("SELECT") > 1:
        return {}
    items = list(_items(whole[len("SELECT") : whole.index(_FROM)]))
    names = [_NAME.search(item) for item in items]
    return {name[0]: item for name, item in zip(names, items, strict=True) if name} if all(names) else {}


def _items(text: str) -> Iterator[str]:
    """The columns of a SELECT list."""
    depth = begin = 0
    for mark in _MARKS.finditer(text):
        depth += (mark[0] in "([{") - (mark[0] in ")]}")
        if mark[0] == "," and not depth:
            yield text[begin : mark.start()].strip()
            begin = mark.end()
    yield text[begin:].strip()
