"""Answers as tables for people, as JSON and CSV for programs, as charts.

In: an answer and its columns. Out: text on a stream. Colours only on a terminal, and not where NO_COLOR is set.
"""

import csv
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, Generic, TextIO, TypeVar

from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from exporter.cli import render, words
from exporter.query.answer import Answer
from exporter.query.plain import csv_cell

Row = TypeVar("Row")

_WIDE: Final = 160
"""Columns of what is no terminal."""
_CHART_ROWS: Final = 16
_GAP: Final = 2
"""Spaces between columns."""
_NARROW: Final = 10
"""A column is not cut below this."""
_COLOURS: Final = ("blue", "orange", "green", "red", "magenta", "cyan", "gray")


class Form(StrEnum):
    """How an answer is shown."""

    TABLE = "table"
    CHART = "chart"
    JSON = "json"
    CSV = "csv"


@dataclass(frozen=True, slots=True)
class Column(Generic[Row]):
    """A column: its key for programs, with the unit, its value, and how people read both."""

    key: str
    read: Callable[[Row], Any]
    head: str = ""
    say: Callable[[Any], str] = words.text
    style: Callable[[Row], str] = field(default=lambda _row: "")
    is_wide: bool = False
    """Takes what room there is, and is cut."""

    @property
    def is_number(self) -> bool:
        """Whether it is set to the right."""
        return self.say not in {words.text, words.local, words.short}


class _Screen(Console):
    """A table that has no room goes on in the next line: half a number is worse."""

    def print(self, *objects: Any, **how: Any) -> None:
        """Prints, and cuts nothing off."""
        super().print(*objects, **{"crop": False} | how)


def console(out: TextIO | None = None) -> Console:
    """Where people read."""
    stream = out or sys.stdout
    return _Screen(
        file=stream,
        highlight=False,
        markup=False,
        no_color=bool(os.environ.get("NO_COLOR")),
        color_system=None if os.environ.get("NO_COLOR") else "auto",
        width=None if stream.isatty() else int(os.environ.get("COLUMNS") or _WIDE),
    )


def label_columns(by: Sequence[str]) -> list[Column[Any]]:
    """A column for each field that rows are told apart by, from their `labels`."""
    return [Column(name, _label_at(place)) for place, name in enumerate(by)]


def _label_at(place: int) -> Callable[[Any], Any]:
    return lambda row: row.labels[place]


def show(answer: Answer[Row], columns: Sequence[Column[Row]], form: Form, *, empty: str = "nothing") -> None:
    """Prints an answer to standard output; `empty` is what a table without rows says."""
    if form is Form.JSON:
        print_json(plain(answer, columns))
    elif form is Form.CSV:
        as_csv(answer.rows, columns, sys.stdout)
    else:
        screen = console()
        screen.print(table(answer.rows, columns) if answer.rows else empty)
        note(screen, answer)


def note(screen: Console, answer: Answer[Any]) -> None:
    """Says what an answer is about and how exact it is."""
    about = [f"{words.clock(answer.period.start_ns)} to {words.clock(answer.period.end_ns)}"] if answer.period else []
    screen.print(Text("; ".join([*about, str(answer.precision), f"from {answer.source}"]), style="dim"))


def plain(answer: Answer[Row], columns: Sequence[Column[Row]]) -> dict[str, Any]:
    """An answer as JSON can hold it."""
    about: dict[str, Any] = {
        "rows": [{column.key: column.read(row) for column in columns} for row in answer.rows],
        "precision": answer.precision.kind,
        "error_ratio": answer.precision.error_ratio,
        "source": answer.source,
    }
    if answer.period is not None:
        about |= {"from": words.iso(answer.period.start_ns), "to": words.iso(answer.period.end_ns)}
    return about


def print_json(content: Mapping[str, Any] | Sequence[Any]) -> None:
    """Prints JSON, a key a line."""
    print(json.dumps(content, ensure_ascii=False, indent=1, default=str))


def as_csv(rows: Sequence[Row], columns: Sequence[Column[Row]], out: TextIO) -> None:
    """CSV with a header of keys; formulas are disarmed."""
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([column.key for column in columns])
    for row in rows:
        writer.writerow([csv_cell(column.read(row)) for column in columns])


def table(rows: Sequence[Row], columns: Sequence[Column[Row]], title: str = "") -> RenderableType:
    """A table that fits the screen: columns in which no row has anything are left out."""
    drawn = Table(box=None, padding=(0, _GAP, 0, 0), pad_edge=False, header_style="bold", title=title or None)
    drawn.title_justify = "left"
    shown = [column for column in columns if any(column.read(row) is not None for row in rows)] if rows else columns
    widths = _widths(rows, shown)
    drawn.width = sum(widths) + _GAP * (len(widths) - 1)
    for column, width in zip(shown, widths, strict=True):
        drawn.add_column(
            column.head or column.key,
            justify="right" if column.is_number else "left",
            no_wrap=True,
            overflow="ellipsis",
            width=width,
        )
    for row in rows:
        drawn.add_row(*(Text(render.shown(_said(column, row)), style=column.style(row)) for column in shown))
    return drawn


def _widths(rows: Sequence[Row], columns: Sequence[Column[Row]]) -> list[int]:
    """What is cut where there is no room is what is wide first, then the longest text; numbers and times stay."""
    texts = [[column.head or column.key, *(render.shown(_said(column, row)) for row in rows)] for column in columns]
    widths = [max(map(cell_len, said)) for said in texts]
    excess = sum(widths) + _GAP * (len(widths) - 1) - console().width
    wide = [place for place, column in enumerate(columns) if column.is_wide]
    text = [place for place, column in enumerate(columns) if column.say is words.text]
    for places in (wide, text):
        while excess > 0 and (cut := [place for place in places if widths[place] > _NARROW]):
            widths[max(cut, key=widths.__getitem__)] -= 1
            excess -= 1
    return widths


def _said(column: Column[Row], row: Row) -> str:
    value = column.read(row)
    return words.NONE if value is None else column.say(value)


def chart(series: Mapping[str, Sequence[tuple[int, float | None]]], title: str, scale: float, unit: str) -> str:
    """Lines over time, of (Unix nanoseconds, value); values are divided by `scale`."""
    import plotext  # type: ignore[import-untyped]

    plotext.clear_figure()
    plotext.theme("clear")
    width = console().width
    plotext.plotsize(min(width, 120), _CHART_ROWS)
    times = sorted({at for line in series.values() for at, _ in line})
    for place, (name, line) in enumerate(series.items()):
        known = [(at, value / scale) for at, value in line if value is not None]
        if known:
            draw = plotext.plot if len(known) > 1 else plotext.scatter
            draw(
                [at / 1e9 for at, _ in known],
                [value for _, value in known],
                label=render.shown(name) or None,
                marker="braille" if len(known) > 1 else "dot",
                color=_COLOURS[place % len(_COLOURS)],
            )
    ticks = times[:: max(1, len(times) // 5)]
    has_days = bool(times) and times[-1] - times[0] > 2 * 86_400 * 10**9
    plotext.xticks(
        [at / 1e9 for at in ticks],
        [words.clock(at)[5:10] if has_days else words.clock(at, day=False)[:5] for at in ticks],
    )
    plotext.ylim(lower=0)
    plotext.title(f"{title}{f' ({unit})' if unit else ''}")
    drawn: str = plotext.build()
    is_plain = not sys.stdout.isatty() or bool(os.environ.get("NO_COLOR"))
    return "\n".join(line.rstrip() for line in (plotext.uncolorize(drawn) if is_plain else drawn).splitlines())
