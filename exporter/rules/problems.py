"""What is wrong with a file of rules, and where.

In: a place in a text. Out: a problem that shows the line with a mark below it; one error for all of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from exporter.errors import AxError

_WIDEST = 120


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake; `line` and `column` count from 1, `picture` is the line with a mark below the place."""

    source: str
    line: int
    column: int
    message: str
    mend: str = ""
    picture: str = ""

    def __str__(self) -> str:
        """`FILE:LINE:COLUMN: what; mend`."""
        said = f"{self.message}; {self.mend}" if self.mend else self.message
        return f"{self.source}:{self.line}:{self.column}: {said}"


class BadRules(AxError):
    """A file of rules cannot be used; `problems` is all that is wrong with it, in the order of its lines."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda one: (one.source, one.line, one.column)))
        first, others = self.problems[0], len(self.problems) - 1
        more = f" (and {others} more; `ax rules check` shows all)" if others else ""
        super().__init__(f"{first.source}:{first.line}:{first.column}: {first.message}{more}", mend=first.mend)
        self.picture = first.picture


def picture(text: str, line: int, column: int) -> str:
    """The line of `text` with a mark below its column; both count from 1. A long line is cut around the mark."""
    lines = _lines(text)
    shown = lines[line - 1] if 0 < line <= len(lines) else ""
    cut = max(0, column - 1 - _WIDEST // 2)
    part = "".join(each if each.isprintable() else " " for each in shown[cut : cut + _WIDEST])
    margin = f"  {line} | "
    return f"{margin}{part}\n{' ' * (len(margin) - 2)}| {' ' * (column - 1 - cut)}^"


@lru_cache(maxsize=1)
def _lines(text: str) -> list[str]:
    """The lines, found once for all mistakes of a file, of which it may be full."""
    return text.splitlines()
