"""Segments strung together: the same rows, found as before, though not one of them was decoded."""

from collections.abc import Sequence
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter import model
from exporter.store import segment, splice, thrift
from exporter.store.compact import TIER
from tests.exporter.store_tables import NOON, append, ask, opened, spans, table

ORIGIN = segment.Origin(1, 1, 0, 7, 3, 0, 0, 5, 1, 2, ("a", "b"), "{}")


def _segment(path: Path, name: str, rows: int, begin: int = 0) -> pa.Table:
    """A segment of two row groups; its rows."""
    times = [NOON + (begin + i) * 10**6 for i in range(rows)]
    made = table(name, times, service_name=[f"service-{begin + i % 3}" for i in range(rows)])
    file = segment.Compacted(model.TABLES[name], path, is_closed=False)
    file.add(made.slice(0, rows // 2))
    file.add(made.slice(rows // 2))
    file.close(ORIGIN)
    return made


def _part(path: Path) -> splice.Part:
    part = splice.read(path)
    assert part is not None
    return part


def strung_together(paths: Sequence[Path], whole: Path) -> tuple[int, str]:
    """The bytes and the checksum of the file that this makes of others."""
    file = splice.Spliced(whole)
    for path in paths:
        file.add(_part(path), segment.file_checksum(path))
    return file.close(ORIGIN)


@pytest.fixture
def pieces(tmp_path: Path) -> list[Path]:
    return [tmp_path / f"{name}.parquet" for name in "abc"]


# ── Rows ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", ["spans", "logs", "metrics_histogram"])
def test_files_strung_together_hold_their_rows_in_order(pieces: list[Path], tmp_path: Path, name: str) -> None:
    rows = [_segment(path, name, 40 + place, begin=100 * place) for place, path in enumerate(pieces)]
    whole = tmp_path / "whole.parquet"
    size, checksum = strung_together(pieces, whole)
    assert (size, checksum) == (whole.stat().st_size, segment.file_checksum(whole))
    assert segment.origin_of(whole) == (ORIGIN, 123, len(model.TABLES[name].columns))
    assert pq.read_metadata(whole).metadata == segment.pairs(ORIGIN), "and says nothing of what they replaced"
    source = segment.opened(whole, model.TABLES[name])
    read = [source.read_row_group(place) for place in range(source.num_row_groups)]
    assert [one.num_rows for one in read] == [20, 20, 20, 21, 21, 21]
    assert [row for one in read for row in one.to_pylist()] == [row for one in rows for row in one.to_pylist()]
    assert pq.ParquetFile(whole, page_checksum_verification=True).read_row_group(5, ["tenant_id"]).num_rows == 21


@pytest.mark.parametrize("name", ["trace_id", "span_id"])
def test_an_id_is_found_by_the_bloom_filter_that_came_with_its_rows(
    pieces: list[Path], tmp_path: Path, name: str
) -> None:
    rows = [_segment(path, "spans", 2_000, begin=10_000 * place) for place, path in enumerate(pieces)]
    strung_together(pieces, tmp_path / "whole.parquet")
    whole, probe = str(tmp_path / "whole.parquet"), "SELECT bloom_filter_excludes FROM parquet_bloom_probe(?, ?, ?)"
    sought = rows[1][name][1_500].as_py()
    with duckdb.connect() as connection:
        excluded = connection.execute(probe, [whole, name, sought]).fetchall()
        assert not excluded[3][0]
        assert sum(one for (one,) in excluded) >= 4
        found = connection.execute(f"SELECT span_id FROM '{whole}' WHERE {name} = ?", [sought]).fetchall()
    assert found == [(rows[1]["span_id"][1_500].as_py(),)]


def test_what_is_strung_together_can_be_so_again(pieces: list[Path], tmp_path: Path) -> None:
    rows = [_segment(path, "spans", 10, begin=100 * place) for place, path in enumerate(pieces)]
    strung_together(pieces[:2], tmp_path / "first.parquet")
    strung_together([tmp_path / "first.parquet", pieces[2], pieces[0]], tmp_path / "whole.parquet")
    found = pq.read_table(tmp_path / "whole.parquet", columns=["span_id"])["span_id"].to_pylist()
    assert found == [one for place in (0, 1, 2, 0) for one in rows[place]["span_id"].to_pylist()]


# ── Merges ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _merged_in_an_open_hour(data: Path, splice_rows: int) -> tuple[int, list[int]]:
    """How many segments there are after as many appends as are merged, and how many rows their row groups have."""
    store, sent = opened(data, splice_rows=splice_rows), []
    for place in range(TIER):
        rows = spans([NOON + place * 10**9 + i for i in range(5)])
        sent += rows["span_id"].to_pylist()
        append(store, rows)
    store.maintain(NOON)
    found, corrupt_files = store.stats()["spans"].segments, store.counters().corrupt_files
    store.close()
    assert corrupt_files == 0
    assert ask(data, "SELECT span_id FROM spans") == [(one,) for one in sent]
    assert ask(data, "SELECT sum(count) FROM cells_1min") == [(5 * TIER,)]
    merged = [pq.read_metadata(path) for path in (data / "segments" / "spans").rglob("*-l1.parquet")]
    return found, [one.row_group(place).num_rows for one in merged for place in range(one.num_row_groups)]


def test_segments_of_large_row_groups_are_merged_without_being_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_spans(path: Path, of: model.Table) -> pq.ParquetFile:
        assert of.name != "spans"
        return read(path, of)

    read = segment.opened
    monkeypatch.setattr(segment, "opened", no_spans)
    assert _merged_in_an_open_hour(tmp_path, 5) == (1, TIER * [5])


def test_segments_of_smaller_row_groups_get_larger_ones(tmp_path: Path) -> None:
    assert _merged_in_an_open_hour(tmp_path, 6) == (1, [5 * TIER])


def test_segments_of_two_writers_are_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def upgraded(of: model.Table, rows: pa.Table, origin: segment.Origin | None) -> memoryview:
        """From its third segment on it is another version."""
        data = bytes(build(of, rows, origin))
        assert data.count(b"parquet-cpp-arrow") == 1
        is_upgraded = origin is not None and origin.position > 200
        return memoryview(data.replace(b"parquet-cpp-arrow", b"parquet-cpp-sling") if is_upgraded else data)

    build = segment.build
    monkeypatch.setattr(segment, "build", upgraded)
    assert _merged_in_an_open_hour(tmp_path, 1) == (1, [5 * TIER])


# ── What cannot be strung together ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", ["fewer", "renamed", "optional", "typed", "numbered"])
def test_files_of_other_columns_do_not_fit(pieces: list[Path], name: str) -> None:
    field = pa.field("a", pa.int32(), nullable=False, metadata={"PARQUET:field_id": "1"})
    other = {
        "fewer": [],
        "renamed": [field.with_name("b")],
        "optional": [field.with_nullable(nullable=True)],
        "typed": [field.with_type(pa.int64())],
        "numbered": [field.with_metadata({"PARQUET:field_id": "2"})],
    }[name]
    for path, fields in zip(pieces, ([field], [field], other), strict=True):
        schema = pa.schema([pa.field("first", pa.int64()), *fields])
        pq.write_table(pa.table([[0]] * len(schema), schema=schema), path, store_schema=False)
    one, same, odd = map(_part, pieces)
    assert splice.fit([one, same])
    assert not splice.fit([one, odd])


def test_pages_that_say_where_they_are_must_be_decoded(tmp_path: Path) -> None:
    rows = pa.table({"a": [1, 2, 3]})
    pq.write_table(rows, tmp_path / "plain.parquet")
    pq.write_table(rows, tmp_path / "indexed.parquet", write_page_index=True)
    assert splice.read(tmp_path / "plain.parquet") is not None
    assert splice.read(tmp_path / "indexed.parquet") is None


def _struct(fields: dict[int, tuple[int, bytes]]) -> bytes:
    return thrift.as_struct(fields)


def _number(value: int) -> tuple[int, bytes]:
    return thrift.I64, thrift.as_number(value)


def _structs(*items: bytes) -> tuple[int, bytes]:
    return thrift.LIST, thrift.as_list_head(thrift.STRUCT, len(items)) + b"".join(items)


def _by_hand(path: Path, meta: dict, column: dict, group: dict, footer: dict, *, behind: bytes = b"") -> Path:  # type: ignore[type-arg]
    """A file with a footer as `parquet.thrift` has it, and more in some of its structs."""
    column_of = {2: _number(0), 3: (thrift.STRUCT, _struct({9: _number(4), 14: _number(20), **meta}))}
    group_of = {1: _structs(_struct({**column_of, **column})), 3: _number(1), 5: _number(4), **group}
    whole = {2: _structs(_struct({})), 3: _number(1), 4: _structs(_struct(group_of)), **footer}
    data = _struct(whole) + behind
    path.write_bytes(b"PAR1" + bytes(100) + data + len(data).to_bytes(4, "little") + b"PAR1")
    return path


def test_every_offset_grows_but_for_those_that_are_not_there(tmp_path: Path) -> None:
    numbers = {9: _number(10), 10: _number(64), 11: _number(0), 14: _number(100), 15: _number(70)}
    part = _part(_by_hand(tmp_path / "a", numbers, {2: _number(7)}, {5: _number(9), 6: _number(80)}, {}))
    assert [one.value for one in part.offsets] == [7, 10, 64, 0, 100, 9]
    groups = part.fields[4]
    grown = thrift.grown(part.footer, groups.begin, groups.end, part.offsets, 2**40)
    found = thrift.offsets(grown, thrift.Field(thrift.LIST, 0, len(grown)), splice.ROW_GROUP)
    assert [one.value for one in found] == [0 if one == 0 else one + 2**40 for one in (7, 10, 64, 0, 100, 9)]
    back = thrift.grown(grown, 0, len(grown), found, -(2**40))
    assert back == part.footer[groups.begin : groups.end]


@pytest.mark.parametrize(
    ("where", "field"),
    [
        ("meta", {18: _number(50)}),  # not known
        ("meta", {9: _number(1_000)}),  # beyond the file
        ("meta", {9: _number(-7)}),
        ("meta", {9: (thrift.BINARY, b"\x02ab")}),  # no number
        ("column", {1: (thrift.BINARY, b"\x01f")}),  # in another file
        ("column", {4: _number(50)}),  # a page index
        ("column", {6: _number(50)}),
        ("column", {8: (thrift.STRUCT, b"\0")}),  # encrypted
        ("column", {9: (thrift.BINARY, b"\x01f")}),
        ("group", {7: (4, thrift.as_number(0))}),  # an ordinal
        ("group", {8: _number(3)}),
        ("footer", {8: (thrift.STRUCT, b"\0")}),  # encrypted
        ("footer", {9: (thrift.BINARY, b"\x01f")}),
        ("footer", {11: _number(50)}),
        ("footer", {5: (thrift.LIST, b"\xf1" + 9 * b"\xff" + b"\x01")}),  # of more elements than there are bytes
        ("footer", {5: (thrift.LIST, b"\xf7" + 9 * b"\xff" + b"\x01")}),
        ("footer", {5: (thrift.LIST, 5_000 * b"\x19" + b"\x03")}),  # deeper than anybody goes
        ("footer", {3: (thrift.I64, 5_000 * b"\xff" + b"\x01")}),  # longer than a number is
        ("footer", {6: (13, bytes(16))}),
    ],
)
def test_what_is_not_known_of_a_footer_is_not_taken_for_granted(tmp_path: Path, where: str, field: dict) -> None:  # type: ignore[type-arg]
    told = {name: field if name == where else {} for name in ("meta", "column", "group", "footer")}
    assert splice.read(_by_hand(tmp_path / "plain", {}, {}, {}, {})) is not None
    assert splice.read(_by_hand(tmp_path / "a", *told.values())) is None


def test_a_signature_behind_a_footer_is_not_lost(tmp_path: Path) -> None:
    assert splice.read(_by_hand(tmp_path / "a", {}, {}, {}, {}, behind=b"s" * 28)) is None


@given(data=st.data())
def test_a_damaged_footer_is_read_within_bounds(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    path = tmp_path_factory.mktemp("a") / "a.parquet"
    pq.write_table(pa.table({"a": [1, 2], "b": ["x", "y"]}), path)
    content = bytearray(path.read_bytes())
    begin = len(content) - 8 - int.from_bytes(content[-8:-4], "little")
    for at in data.draw(st.lists(st.integers(begin, len(content) - 1), min_size=1, max_size=3)):
        content[at] = data.draw(st.integers(0, 255))
    path.write_bytes(content[: data.draw(st.integers(0, len(content)) | st.just(len(content)))])
    part = splice.read(path)
    assert part is None or all(0 <= one.value <= part.body_bytes for one in part.offsets)


def test_a_file_that_changed_since_it_was_verified_does_not_become_part_of_another(
    pieces: list[Path], tmp_path: Path
) -> None:
    _segment(pieces[0], "spans", 4)
    checksum, part = segment.file_checksum(pieces[0]), _part(pieces[0])
    content = bytearray(pieces[0].read_bytes())
    content[100] ^= 1
    pieces[0].write_bytes(content)
    file = splice.Spliced(tmp_path / "whole" / "whole.parquet")
    with pytest.raises(OSError, match="not what was written"):
        file.add(part, checksum)
    file.abandon()
    assert list((tmp_path / "whole").iterdir()) == []


@pytest.mark.parametrize("value", [0, 1, -1, 63, 64, 127, 128, 2**31, -(2**31), 2**63 - 1, -(2**63)])
def test_a_number_is_read_as_it_was_written(value: int) -> None:
    assert thrift.number(thrift.as_number(value), 0) == (value, len(thrift.as_number(value)))
