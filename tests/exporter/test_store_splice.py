"""Segments strung together: the same rows, found as before, though not one of them was decoded."""

from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from exporter import model
from exporter.errors import Corrupt
from exporter.store import merge, segment, splice, thrift
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


@pytest.fixture
def pieces(tmp_path: Path) -> list[Path]:
    return [tmp_path / f"{name}.parquet" for name in "abc"]


@pytest.mark.parametrize("name", ["spans", "logs", "metrics_histogram"])
def test_files_strung_together_hold_their_rows_in_order(pieces: list[Path], tmp_path: Path, name: str) -> None:
    rows = [_segment(path, name, 40 + place, begin=100 * place) for place, path in enumerate(pieces)]
    file = splice.Spliced(tmp_path / "whole.parquet")
    for path in pieces:
        file.add(splice.read(path))
    size, checksum = file.close(ORIGIN)
    whole = tmp_path / "whole.parquet"
    assert (size, checksum) == (whole.stat().st_size, segment.file_checksum(whole))
    assert segment.origin_of(whole) == (ORIGIN, 123, len(model.TABLES[name].columns))
    source = segment.opened(whole, model.TABLES[name])
    read = [source.read_row_group(place) for place in range(source.num_row_groups)]
    assert [one.num_rows for one in read] == [20, 20, 20, 21, 21, 21]
    assert [row for one in read for row in one.to_pylist()] == [row for one in rows for row in one.to_pylist()]
    assert pq.ParquetFile(whole, page_checksum_verification=True).read_row_group(5, ["tenant_id"]).num_rows == 21


def test_an_id_is_found_by_the_bloom_filter_that_came_with_its_rows(pieces: list[Path], tmp_path: Path) -> None:
    rows = [_segment(path, "spans", 2_000, begin=10_000 * place) for place, path in enumerate(pieces)]
    file = splice.Spliced(tmp_path / "whole.parquet")
    for path in pieces:
        file.add(splice.read(path))
    file.close(ORIGIN)
    whole, probe = str(tmp_path / "whole.parquet"), "SELECT bloom_filter_excludes FROM parquet_bloom_probe(?, ?, ?)"
    sought = rows[1]["trace_id"][1_500].as_py()
    with duckdb.connect() as connection:
        excluded = connection.execute(probe, [whole, "trace_id", sought]).fetchall()
        assert not excluded[3][0]
        assert sum(one for (one,) in excluded) >= 4
        found = connection.execute(f"SELECT span_id FROM '{whole}' WHERE trace_id = ?", [sought]).fetchall()
    assert found == [(rows[1]["span_id"][1_500].as_py(),)]


def test_segments_of_large_row_groups_are_merged_without_being_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_spans(path: Path, of: model.Table) -> pq.ParquetFile:
        assert of.name != "spans"
        return read(path, of)

    read = segment.opened
    store, sent = opened(tmp_path), []
    for place in range(TIER):
        rows = spans([NOON + place * 10**9 + i for i in range(5)])
        sent += rows["span_id"].to_pylist()
        append(store, rows)
    monkeypatch.setattr(merge, "_WHOLE_ROWS", 4)
    monkeypatch.setattr(segment, "opened", no_spans)
    store.maintain(NOON)
    assert store.stats()["spans"].segments == 1
    assert ask(tmp_path, "SELECT span_id FROM spans") == [(one,) for one in sent]
    assert ask(tmp_path, "SELECT sum(count) FROM cells_1min") == [(5 * TIER,)]
    store.close()


def test_files_of_other_columns_do_not_fit(pieces: list[Path]) -> None:
    for path, name in zip(pieces, ("spans", "spans", "logs"), strict=True):
        _segment(path, name, 4)
    one, other, odd = map(splice.read, pieces)
    assert splice.fit([one, other])
    assert not splice.fit([one, odd])


@pytest.mark.parametrize("damage", ["cut", "empty", "footer"])
def test_a_damaged_footer_is_said_to_be_one(pieces: list[Path], damage: str) -> None:
    _segment(pieces[0], "spans", 4)
    data = bytearray(pieces[0].read_bytes())
    if damage == "footer":
        begin = len(data) - 8 - int.from_bytes(data[-8:-4], "little")
        data[begin : len(data) - 8] = b"\xff" * (len(data) - 8 - begin)
    damaged = {"cut": bytes(data[:-3]), "empty": b"", "footer": bytes(data)}
    pieces[0].write_bytes(damaged[damage])
    with pytest.raises(Corrupt):
        splice.read(pieces[0])


@pytest.mark.parametrize("value", [0, 1, -1, 63, 64, 127, 128, 2**31, -(2**31), 2**63 - 1, -(2**63)])
def test_a_number_is_read_as_it_was_written(value: int) -> None:
    assert thrift.number(thrift.as_number(value), 0) == (value, len(thrift.as_number(value)))
