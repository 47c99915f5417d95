"""Cursors of lists that are leafed through by time.

In: `cursor`. Out: where the page before ended, and back.
"""

from exporter.api import pages
from exporter.errors import AxError
from exporter.query.paged import MOST_SEEN, After, Mark


def read(cursor: str | None) -> Mark | None:
    """The mark that was written. Raises `AxError` for one that was not."""
    found = pages.read(cursor, int, int)
    if found is None:
        return None
    time_ns, seen = found
    if not 0 < seen <= MOST_SEEN:
        raise AxError("cursor: nothing follows there", mend="narrow the list by a filter, or begin anew")
    return Mark(time_ns, seen)


def written(mark: Mark | None) -> str | None:
    """The cursor of the next page; None at the end."""
    return None if mark is None else pages.written([mark.time_ns, mark.seen])


def read_after(cursor: str | None) -> After | None:
    """The time and the id that were written. Raises `AxError` for what was not."""
    found = pages.read(cursor, int, str)
    return None if found is None else (found[0], found[1])


def written_after(after: After | None) -> str | None:
    """The cursor of the next page; None at the end."""
    return None if after is None else pages.written(list(after))
