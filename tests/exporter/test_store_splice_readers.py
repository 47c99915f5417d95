"""Any Parquet files strung together are read as one after the other, by every reader that there is on this machine.

Files of random columns, widths, row groups, encodings and compressions: the store's own are one kind of them.
"""

import json
import os
import shutil
import subprocess
import tracemalloc
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.store import segment, splice, thrift
from tests.exporter.test_store_splice import strung_together

TEXTS: Final = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
VALUES: Final[dict[str, tuple[pa.DataType, st.SearchStrategy[Any]]]] = {
    "whole": (pa.int64(), st.integers(-(2**63), 2**63 - 1)),
    "small": (pa.int16(), st.integers(0, 5)),
    "truth": (pa.bool_(), st.booleans()),
    "text": (pa.string(), TEXTS),
    "few": (pa.string(), st.sampled_from(["a", "b", "\N{SNOWMAN}", ""])),
    "bytes": (pa.binary(), st.binary(max_size=8)),
    "time": (pa.timestamp("us", "UTC"), st.integers(0, 2**50)),
    "real": (pa.float64(), st.floats(allow_nan=False)),
    "list": (pa.list_(pa.int32()), st.lists(st.integers(0, 9), max_size=3)),
    "map": (
        pa.map_(pa.string(), pa.string()),
        st.dictionaries(TEXTS, TEXTS, max_size=3).map(lambda one: [*one.items()]),
    ),
    "struct": (pa.struct({"x": pa.string()}), st.fixed_dictionaries({"x": TEXTS})),
}
CONNECTION: Final = duckdb.connect(config={"threads": 1})
OFFSETS: Final = ("file_offset", "data_page_offset", "dictionary_page_offset", "index_page_offset")
ID: Final = "trace_id"


@st.composite
def files(draw: st.DrawFn) -> tuple[list[pa.Table], dict[str, Any]]:
    """Tables of one schema, and how to write them."""
    names = draw(st.lists(st.sampled_from([*VALUES]), unique=True, max_size=4))
    schema = pa.schema([(ID, pa.string()), *((name, VALUES[name][0]) for name in names)])
    row = st.tuples(TEXTS, *(st.none() | VALUES[name][1] for name in names))
    tables = []
    for rows in draw(st.lists(st.lists(row, min_size=1, max_size=30), min_size=1, max_size=4)):
        columns = [[one[place] for one in rows] for place in range(len(schema))]
        tables.append(
            pa.table(
                [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)], schema=schema
            )
        )
    options = {
        "compression": draw(st.sampled_from(["none", "snappy", "gzip", "zstd", "lz4", "brotli"])),
        "row_group_size": draw(st.integers(1, 40)),
        "data_page_version": draw(st.sampled_from(["1.0", "2.0"])),
        "data_page_size": draw(st.sampled_from([64, 2**20])),
        "use_dictionary": draw(st.booleans()),
        "write_statistics": draw(st.booleans()),
        "store_schema": draw(st.booleans()),
        "bloom_filter_options": {ID: {"ndv": draw(st.integers(1, 100)), "fpp": 0.01}} if draw(st.booleans()) else None,
        "sorting_columns": [pq.SortingColumn(0)] if draw(st.booleans()) else None,
    }
    return tables, options


def chunks(path: Path) -> list[tuple[dict[str, Any], list[int], list[bytes]]]:
    """Of each column of each row group what its footer says of it but for offsets, these, and its bytes and filter."""
    found = CONNECTION.execute("SELECT * EXCLUDE (file_name, row_group_id) FROM parquet_metadata(?)", [str(path)])
    rows = [dict(zip([one[0] for one in found.description], row, strict=True)) for row in found.fetchall()]
    data, told = path.read_bytes(), []
    for row in rows:
        offsets = [row.pop(name) or 0 for name in OFFSETS]
        bloom = row.pop("bloom_filter_offset") or 0
        begin = min(one for one in (offsets[1], offsets[2] or offsets[1]))
        of_bloom = data[bloom : bloom + (row["bloom_filter_length"] or 0)] if bloom else b""
        told.append((row, [*offsets, bloom], [data[begin : begin + row["total_compressed_size"]], of_bloom]))
    return told


def by_duckdb(paths: Sequence[Path], where: str = "true") -> list[tuple[Any, ...]]:
    """The rows of files as the library has them."""
    names = [str(path) for path in paths]
    return CONNECTION.execute(f"SELECT * FROM read_parquet(?) WHERE {where}", [names]).fetchall()


def by_command(paths: Sequence[Path]) -> list[Any]:
    """The rows of files as the `duckdb` of the shell has them, which may be of another version."""
    names = ", ".join(f"'{path}'" for path in paths)
    asked = ["duckdb", "-json", "-c", f"SELECT columns(*)::VARCHAR FROM read_parquet([{names}])"]
    said = subprocess.run(asked, capture_output=True, check=True, text=True).stdout
    return list(json.loads(said or "[]"))


@settings(max_examples=25, deadline=None)
@given(made=files())
def test_every_reader_finds_the_rows_of_the_files_one_after_the_other(
    made: tuple[list[pa.Table], dict[str, Any]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    tables, options = made
    folder = tmp_path_factory.mktemp("files")
    paths, whole = [folder / f"{place}.parquet" for place in range(len(tables))], folder / "whole.parquet"
    for path, rows in zip(paths, tables, strict=True):
        pq.write_table(rows, path, write_page_checksum=True, **options)
    strung_together(paths, whole)
    rows = pa.concat_tables(tables)

    source = pq.ParquetFile(whole, page_checksum_verification=True)
    assert source.read().cast(rows.schema).equals(rows)
    assert source.metadata.num_rows == rows.num_rows
    ours = [source.metadata.row_group(place).to_dict()["num_rows"] for place in range(source.num_row_groups)]
    assert ours == [
        pq.ParquetFile(one).metadata.row_group(g).num_rows
        for one in paths
        for g in range(pq.ParquetFile(one).num_row_groups)
    ]
    assert by_duckdb([whole]) == by_duckdb(paths)

    found, expected = chunks(whole), [chunk for path in paths for chunk in chunks(path)]
    assert [(said, content) for said, _, content in found] == [(said, content) for said, _, content in expected]
    assert [[bool(one) for one in offsets] for _, offsets, _ in found] == [
        [bool(one) for one in offsets] for _, offsets, _ in expected
    ]
    for value in rows[ID].to_pylist()[:3]:
        sought = f"{ID} = '{value.replace(chr(39), 2 * chr(39))}'"
        assert by_duckdb([whole], sought) == by_duckdb(paths, sought) != []
    if rows.num_rows and "whole" in rows.column_names:
        low = "whole < 0"
        assert by_duckdb([whole], low) == by_duckdb(paths, low)


@pytest.mark.skipif(shutil.which("duckdb") is None, reason="needs duckdb-cli")
@settings(max_examples=10, deadline=None)
@given(made=files())
def test_the_duckdb_of_the_shell_finds_them(
    made: tuple[list[pa.Table], dict[str, Any]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    tables, options = made
    folder = tmp_path_factory.mktemp("files")
    paths, whole = [folder / f"{place}.parquet" for place in range(len(tables))], folder / "whole.parquet"
    for path, rows in zip(paths, tables, strict=True):
        pq.write_table(rows, path, **options)
    strung_together(paths, whole)
    assert by_command([whole]) == by_command(paths)


def test_files_are_copied_a_block_at_a_time(tmp_path: Path) -> None:
    rows = pa.table({"noise": [os.urandom(2**16) for _ in range(2**8)]})
    pq.write_table(rows, tmp_path / "a.parquet", compression="none", use_dictionary=False)
    tracemalloc.start()
    size, _ = strung_together([tmp_path / "a.parquet"] * 2, tmp_path / "whole.parquet")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size > 2**25
    assert peak < 2**22


@pytest.mark.slow
def test_offsets_beyond_two_and_four_gigabytes(tmp_path: Path) -> None:
    hole, rows = 2**31, [pa.table({ID: [f"{place}-{i}" for i in range(1_000)]}) for place in range(3)]
    paths = [tmp_path / f"{place}.parquet" for place in range(3)]
    for path, one, before in zip(paths, rows, (hole, hole, 0), strict=True):
        pq.write_table(one, path, row_group_size=300, bloom_filter_options={ID: {"ndv": 300, "fpp": 0.01}})
        part = splice.read(path)
        assert part is not None
        groups, footer, body = part.fields[4], part.footer, path.read_bytes()[4 : part.body_bytes]
        grown = thrift.grown(footer, groups.begin, groups.end, part.offsets, before)
        footer = footer[: groups.begin] + grown + footer[groups.end :]
        with path.open("wb") as file:  # row groups behind a hole
            file.write(b"PAR1")
            file.seek(4 + before)
            file.write(body + footer + len(footer).to_bytes(4, "little") + b"PAR1")
    whole = tmp_path / "whole.parquet"
    size, checksum = strung_together(paths, whole)
    assert size > 2 * hole
    assert checksum == segment.file_checksum(whole)
    assert pq.read_table(whole).equals(pa.concat_tables(rows))
    assert by_duckdb([whole], f"{ID} IN ('0-7', '2-999')") == [("0-7",), ("2-999",)]
    assert len(by_duckdb([whole])) == 3_000
