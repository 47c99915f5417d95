"""Tables of answers fit the screen, and figures in them are whole."""

import io

import pytest

from exporter.cli import words
from exporter.cli.show import Column, console, table

_COLUMNS: list[Column[tuple[str, int, str]]] = [
    Column("kind", lambda row: row[0]),
    Column("points", lambda row: row[1], "points", words.count),
    Column("description", lambda row: row[2], is_wide=True),
]


@pytest.mark.parametrize(("width", "longest"), [(60, 60), (10, 4 + 2 + 9 + 2 + 10)])
def test_what_is_wide_is_cut_and_figures_are_not(width: int, longest: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    out = io.StringIO()
    console(out).print(table([("sum", 1_234_567, "said at length " * 20)], _COLUMNS))
    header, row = out.getvalue().splitlines()
    assert header.startswith("kind     points  descripti")
    assert row.startswith("sum   1,234,567  said at")
    assert len(row) == longest
