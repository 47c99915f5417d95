"""Budgets in the terminal: `ax monitor costs --budget` and `--projection`.

In: a data directory, the time. Out: a bar for each budget, and what it will have cost at its end.
"""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.text import Text

from exporter import settings
from exporter.budget.shown import Shown, as_json
from exporter.cli import render, words
from exporter.cli.show import Column, Form, chart, console, print_json, show
from exporter.query.answer import Answer
from exporter.query.views import Views
from exporter.watch import standing

_WIDTH: Final = 40
_NAME: Final = 18
_STYLES: Final = {"ok": "green", "warning": "yellow", "incomplete": "yellow", "exceeded": "red"}


def show_budgets(data: Path, views: Views, now_ns: int, form: Form, *, projection: bool) -> None:
    """All that are declared, on standard output. Raises `AxError`."""
    found = budgets(data, views, now_ns)
    if form is Form.JSON:
        print_json({"budgets": [as_json(one) for one in found]})
    elif form is Form.CSV:
        show(Answer(tuple(found), source="the ledger"), _COLUMNS, form)
    elif not found:
        console().print(f"no budgets: write some into {data / 'rules' / 'budgets.yaml'}")
    else:
        draw_bars(console(), found, projection=projection)
        for one in found if form is Form.CHART else ():
            print(f"\n{draw_projection(one)}")


def budgets(data: Path, views: Views, now_ns: int) -> Sequence[Shown]:
    """All that are declared, as they stand now. Raises `AxError`."""
    found, problems = standing.budgets(settings.load(data, None, os.environ, {}), views, now_ns)
    for problem in problems:
        print(f"ax: {problem}", file=sys.stderr)
    return found


def draw_bars(screen: Console, shown: Sequence[Shown], *, projection: bool) -> None:
    """A line for each: what is spent, what is expected to be, of how much."""
    for one in shown:
        name = render.shown(one.budget.name)[:_NAME].ljust(_NAME)
        said = f"{words.money(one.spent.nanos)} of {words.money(one.limit_nanos)} a {one.budget.per}"
        line = Text(f"{name} ")
        line.append(bar(one, projection=projection), style=_STYLES[one.state])
        line.append(f" {words.ratio(one.used_ratio)}  {said}")
        screen.print(line, soft_wrap=True)
        for note in _notes(one, projection=projection):
            screen.print(Text(f"{' ' * _NAME} {note}", style="dim"), soft_wrap=True)


def bar(one: Shown, *, projection: bool = False) -> str:
    """Full blocks are spent, grey ones expected; the whole width is the amount."""
    full = min(int(one.used_ratio * _WIDTH + 0.5), _WIDTH)
    expected = full
    if projection and one.projection is not None:
        expected = min(max(int(one.projection.expected_nanos / one.limit_nanos * _WIDTH + 0.5), full), _WIDTH)
    return "█" * full + "▒" * (expected - full) + "░" * (_WIDTH - expected)


def _notes(one: Shown, *, projection: bool) -> list[str]:
    notes: list[str] = []
    if projection:
        found = one.projection
        if found is None:
            is_daily = one.budget.per == "day"
            told = "a budget of a day has none" if is_daily else "none before two whole days are known"
            notes.append(f"projection: {told}")
        else:
            between = f"{words.money(found.low_nanos)} to {words.money(found.high_nanos)} (80 %)"
            notes.append(f"expected {words.money(found.expected_nanos)}, {between}")
        day = (as_json(one)["projection"] or {}).get("gone_on")
        if one.state == "exceeded":
            notes.append("all of it is spent")
        elif day is not None:
            notes.append(f"it will be spent on {day}")
    if one.state == "incomplete" or one.spent.unpriced:
        notes.append(f"{words.count(one.spent.unpriced)} of {words.count(one.spent.calls)} calls have no price")
    if one.late_nanos:
        notes.append(f"{words.money(one.late_nanos)} came late to the {one.budget.per} before")
    return notes


def draw_projection(one: Shown) -> str:
    """A chart of what adds up by day, and of the amount."""
    added, sums = 0, []
    for at, nanos in one.days:
        added += nanos
        sums.append((at, float(added)))
    lines: dict[str, list[tuple[int, float | None]]] = {"spent": list(sums)}
    if one.projection is not None and sums:
        for name, value in (
            ("expected", one.projection.expected_nanos),
            ("P10", one.projection.low_nanos),
            ("P90", one.projection.high_nanos),
        ):
            lines[name] = [sums[-1], (one.period.end_ns, float(value))]
    lines["budget"] = [(one.period.start_ns, float(one.limit_nanos)), (one.period.end_ns, float(one.limit_nanos))]
    return chart(lines, f"budget {one.budget.name}", 1e9, "US$")


_COLUMNS: Final[list[Column[Shown]]] = [
    Column("budget", lambda row: row.budget.name),
    Column("state", lambda row: row.state),
    Column("spent_nanos", lambda row: row.spent.nanos),
    Column("limit_nanos", lambda row: row.limit_nanos),
    Column("expected_nanos", lambda row: row.projection and row.projection.expected_nanos),
    Column("low_nanos", lambda row: row.projection and row.projection.low_nanos),
    Column("high_nanos", lambda row: row.projection and row.projection.high_nanos),
    Column("period_start", lambda row: words.iso(row.period.start_ns)),
    Column("period_end", lambda row: words.iso(row.period.end_ns)),
]
