"""Figures and strangers' text in as few tokens as they need.

In: numbers, names, rows. Out: one line each.
"""

import json
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Final

from exporter.alert.quantity import shown
from exporter.notify.text import plain
from exporter.units import NS_PER_S

NAME: Final = 48
SAID: Final = 96
"""Bytes of a name and of a message: a letter of some scripts is three, and as many tokens."""
NONE: Final = "-"
_ID: Final = 12
_NOTHING: Final = "00000000"
"""Who has ids of 64 bits fills them up in front."""
_PIECES: Final = re.compile(
    r"(?P<letters>[A-Za-z]+)|(?P<digits>[0-9]{1,3})|(?P<digit_next> (?=[0-9]))|(?P<blank> )|(?P<other>.)", re.DOTALL
)


def took(ns: float | None) -> str:
    """`2.35s`."""
    return NONE if ns is None else shown(ns, "ns").replace(" ", "")


def usd(nanos: float | None) -> str:
    """`$0.0123`."""
    return NONE if nanos is None else shown(nanos, "usd_nanos")


def count(number: float | None) -> str:
    """`4100`, `41k`, `4.1M`: three digits from ten thousand up."""
    if number is None:
        return NONE
    for size, unit in ((10**9, "G"), (10**6, "M"), (10**3, "k")):
        if abs(number) >= max(size, 10**4):
            return f"{number / size:.3g}{unit}"
    return f"{number:.0f}"


def share(part: float, whole: float) -> str:
    """`49%`."""
    return f"{part / whole:.0%}" if whole > 0 else NONE


def tokens(given: int | None, made: int | None) -> str:
    """`4.1k>600 tok`, empty where neither is known."""
    return f"{count(given)}>{count(made)} tok" if given or made else ""


def at(ns: int) -> str:
    """`2026-11-22T01:02:03Z`."""
    try:
        return datetime.fromtimestamp(ns // NS_PER_S, tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError, OSError):
        return NONE


def name(text: str | None, longest: int = NAME) -> str:
    """A stranger's name in one line."""
    return _cut(text or "", longest) or NONE


def said(text: str | None, longest: int = SAID) -> str:
    """What a stranger wrote, in one line and in quotes; empty where it is."""
    cut = _cut(text or "", longest)
    return json.dumps(cut, ensure_ascii=False) if cut else ""


def _cut(text: str, longest: int) -> str:
    """What can be seen of it, of `longest` bytes at most."""
    line = plain(text, longest)
    written = line.encode()
    if len(written) <= longest:
        return line
    return written[: longest - len("…".encode())].decode(errors="ignore") + "…"


def identity(text: str | None) -> str:
    """As much of an id as tells it from others, which tools take for it."""
    whole = name(text, 64)
    return whole if whole.startswith(_NOTHING) else whole[:_ID]


def line(*parts: str) -> str:
    """The parts that are not empty."""
    return " ".join(part for part in parts if part)


def estimated(text: str) -> int:
    """At least as many tokens as models make of an answer of ours.

    Three letters, three digits, a sign, or a byte of what is not ASCII count as one; a blank goes with a word or sign
    that follows.
    """
    found = 0
    for piece in _PIECES.finditer(text):
        match piece.lastgroup:
            case "letters":
                found += -(-len(piece[0]) // 3)
            case "digits" | "digit_next":
                found += 1
            case "other":
                found += len(piece[0].encode(errors="replace"))
    return found


def within(lines: Iterable[str], most: int) -> list[str]:
    """As many of the first lines as come to at most `most` tokens."""
    kept, left = [], most
    for one in lines:
        left -= estimated(one) + 1
        if left < 0:
            break
        kept.append(one)
    return kept


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A line for each row, cells separated by tabs, which no name has; none without rows."""
    lines = ["\t".join(row) for row in rows]
    return ["\t".join(head), *lines] if lines else []
