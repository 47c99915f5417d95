"""A waterfall: who ran when, below whom.

In: named stretches of time with their depth. Out: lines with a bar each, as wide as the terminal.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from rich.console import Console
from rich.text import Text

from exporter.cli import render, words

_MOST_NAME: Final = 44
_LEAST_BAR: Final = 20
_TOOK: Final = 10
_FULL: Final = "█"
_PARTS: Final = " ▏▎▍▌▋▊▉█"
_OPEN: Final = "▒"


@dataclass(frozen=True, slots=True)
class Bar:
    """One line: `duration_ns` is None where the end is not known yet; `note` stands behind."""

    depth: int
    name: str
    start_ns: int
    duration_ns: int | None
    style: str = ""
    note: str = ""


def waterfall(bars: Sequence[Bar], screen: Console) -> None:
    """Draws the bars in their order, on one scale."""
    if not bars:
        screen.print("no spans")
        return
    first = min(bar.start_ns for bar in bars)
    last = max(bar.start_ns + max(bar.duration_ns or 0, 0) for bar in bars)
    scale_ns = max(last - first, 1)
    names = [f"{'  ' * bar.depth}{render.shown(bar.name)}" for bar in bars]
    name_width = min(max(map(len, names)), _MOST_NAME, max(screen.width // 3, 12))
    notes = [render.shown(bar.note) for bar in bars]
    note_width = min(max(map(len, notes)), max(0, screen.width - name_width - _TOOK - _LEAST_BAR - 6))
    width = max(_LEAST_BAR, screen.width - name_width - _TOOK - note_width - 6)
    for bar, name, note in zip(bars, names, notes, strict=True):
        line = Text(_cut(name, name_width).ljust(name_width) + "  ")
        took = words.duration(bar.duration_ns) if bar.duration_ns is not None else "running"
        line.append(took.rjust(_TOOK) + "  ")
        line.append(drawn(bar, first, scale_ns, width), style=bar.style or "blue")
        if note:
            line.append("  " + _cut(note, note_width), style="dim")
        line.no_wrap = True
        line.rstrip()
        screen.print(line, overflow="ellipsis")


def drawn(bar: Bar, first_ns: int, scale_ns: int, width: int) -> str:
    """The bar of `width` characters: where it is in `scale_ns` from `first_ns` on; at least a sliver."""
    start = (bar.start_ns - first_ns) * width / scale_ns
    place = min(int(start), width - 1)
    if bar.duration_ns is None:
        return " " * place + _OPEN * (width - place)
    eighths = max(1, round(max(bar.duration_ns, 0) * width * 8 / scale_ns))
    whole, part = divmod(min(eighths, (width - place) * 8), 8)
    return (" " * place + _FULL * whole + (_PARTS[part] if part else "")).ljust(width)


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: max(width - 1, 0)] + "…"
