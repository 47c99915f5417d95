"""Rows as `ax sql` shows them."""

import io
import json

import duckdb
import pyarrow as pa
import pytest

from exporter.cli import render
from exporter.query import plain


class Terminal(io.StringIO):
    """A stream that is a terminal as wide as the variable COLUMNS says."""

    def isatty(self) -> bool:
        return True


def rows(query: str) -> pa.Table:
    """Rows as DuckDB gives them."""
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'Europe/Berlin'")
        return connection.sql(query).to_arrow_table()


EVERYTHING = """
    SELECT NULL AS nothing, 'é' AS text, 9007199254740993 AS big, sum(i) AS summed, 1.5::DECIMAL(18, 9) AS money,
        'nan'::DOUBLE AS nan, '-inf'::DOUBLE AS low, map {'a': '1', 'b': NULL} AS attributes,
        [{'at': TIMESTAMPTZ '2026-11-21 12:00:00.5+00'}] AS events, TIMESTAMPTZ '2026-11-21 12:00:00+00' AS time,
        make_timestamp_ns(5) AS exact, TIMESTAMPTZ 'infinity' AS never, DATE '2026-11-21' AS day, 'x'::BLOB AS blob,
        INTERVAL 3 DAYS AS span
    FROM range(3) numbers(i)
"""


def test_json_is_an_array_of_objects_in_which_every_type_has_a_form() -> None:
    out = io.StringIO()
    render.as_json(rows(EVERYTHING), out)
    row = json.loads(out.getvalue())[0]
    assert row["nothing"] is None
    assert (row["text"], row["big"], row["summed"], row["money"]) == ("é", 9007199254740993, 3, 1.5)
    assert (row["nan"], row["low"]) == ("NaN", "-Infinity")
    assert row["attributes"] == {"a": "1", "b": None}
    assert row["events"] == [{"at": "2026-11-21T12:00:00.500000Z"}]
    assert (row["time"], row["day"], row["blob"]) == ("2026-11-21T12:00:00Z", "2026-11-21", "78")
    assert row["exact"] == "1970-01-01 00:00:00.000000005"
    assert isinstance(row["never"], str)
    assert "days=3" in row["span"]


def test_json_has_a_line_per_row_and_no_rows_are_an_empty_array() -> None:
    out = io.StringIO()
    render.as_json(rows("SELECT i FROM range(2) numbers(i)"), out)
    assert out.getvalue() == '[\n{"i": 0},\n{"i": 1}\n]\n'
    out = io.StringIO()
    render.as_json(rows("SELECT 1 AS i WHERE false"), out)
    assert out.getvalue() == "[]\n"


def test_csv_has_a_header_and_disarms_formulas_but_not_numbers() -> None:
    out = io.StringIO()
    plain.as_csv(rows("SELECT '=1+1' AS a, -5 AS b, NULL AS c, 'x,y' AS d, map {'k': 'v'} AS e"), out)
    assert out.getvalue() == 'a,b,c,d,e\n\'=1+1,-5,,"x,y","{""k"": ""v""}"\n'


def test_a_table_that_is_piped_is_whole_and_without_colour() -> None:
    out = io.StringIO()
    render.as_table(rows("SELECT repeat('x', 300) AS long, NULL AS gone FROM range(600)"), out)
    lines = out.getvalue().splitlines()
    assert len(lines) == 601
    assert lines[1].split() == ["x" * 300, "NULL"]
    assert "\x1b" not in out.getvalue()


def test_a_table_on_a_terminal_fits_it_and_says_what_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("NO_COLOR", "1")
    wide = rows("SELECT " + ", ".join(f"repeat('x', 99) AS column_{i}" for i in range(30)) + " FROM range(600)")
    out = Terminal()
    render.as_table(wide, out)
    lines = out.getvalue().splitlines()
    assert max(map(len, lines[:-2])) <= 100
    assert "more columns: column_" in out.getvalue()
    assert "500 of 600 rows" in out.getvalue()


def test_text_cannot_move_the_cursor_of_a_terminal_or_style_it() -> None:
    out = io.StringIO()
    render.as_table(rows("SELECT chr(27) || '[2J' || chr(10) || '[bold]' || chr(8238) AS t"), out)
    assert out.getvalue().splitlines()[1] == r"\x1b[2J\n[bold]\u202e"


@pytest.mark.parametrize(
    ("natural", "available", "widths"),
    [
        ([5, 7], 80, [5, 7]),
        ([5, 100], 80, [5, 73]),
        ([30, 60, 4], 80, [30, 42, 4]),
        ([50, 60, 4], 80, [36, 36, 4]),
        ([99] * 9, 80, [25, 25, 25]),
        ([99], 10, [10]),
        ([], 80, []),
    ],
)
def test_columns_are_cut_to_the_width_of_the_terminal_the_widest_first(
    natural: list[int], available: int, widths: list[int]
) -> None:
    assert render.fitting(natural, available) == widths
