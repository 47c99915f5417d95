"""Questions to the published views."""

from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from exporter import query
from exporter.clock import SystemClock
from exporter.config import Config
from exporter.errors import AxError, Corrupt
from exporter.query.ask import asked
from exporter.store import Store


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with all views and no rows."""
    path = tmp_path_factory.mktemp("data")
    Store.open(path, Config(data=path).store, SystemClock()).close()
    return path


def test_a_query_gives_an_arrow_table_and_takes_parameters(data: Path) -> None:
    rows = query.sql(data, "SELECT count(*) AS spans, $name AS name FROM spans", {"name": "x"})
    assert isinstance(rows, pa.Table)
    assert rows.to_pylist() == [{"spans": 0, "name": "x"}]


def test_a_statement_without_rows_gives_an_empty_table(data: Path) -> None:
    assert query.sql(data, "SET threads = 1").num_rows == 0


def test_a_wrong_query_is_one_line_without_the_picture(data: Path) -> None:
    with pytest.raises(query.QueryFailed) as failed:
        query.sql(data, "SELECT\n  nope\nFROM spans")
    assert str(failed.value).startswith('Binder Error: Referenced column "nope" not found in FROM clause!')
    assert "\n" not in str(failed.value)
    assert "LINE" not in str(failed.value)


def test_what_is_published_cannot_be_changed(data: Path) -> None:
    with pytest.raises(query.QueryFailed, match="read-only"):
        query.sql(data, "DROP VIEW spans")


def test_without_data_the_mend_is_said(tmp_path: Path) -> None:
    with pytest.raises(query.NoData, match="start `ax serve`"):
        query.sql(tmp_path, "SELECT 1")
    with pytest.raises(AxError, match="start `ax serve`"):
        query.files(tmp_path, "spans")


def test_a_query_whose_file_has_gone_is_asked_once_more(data: Path) -> None:
    asks: list[int] = []

    def ask(connection: duckdb.DuckDBPyConnection) -> int:
        asks.append(1)
        if len(asks) == 1:
            connection.execute("SELECT * FROM read_parquet('/merged/away.parquet')")
        return len(asks)

    assert asked(data, ask) == 2


def test_a_file_that_stays_away_is_an_error(data: Path) -> None:
    with pytest.raises(query.QueryFailed, match=r"No files found .*away.parquet"):
        query.sql(data, "SELECT * FROM read_parquet('/merged/away.parquet')")


def test_files_of_a_table_come_from_the_manifest(data: Path, tmp_path: Path) -> None:
    assert query.files(data, "spans") == []
    with pytest.raises(AxError, match=r"there is no table nope; tables are .*logs, metrics_exp_histogram, .* spans"):
        query.files(data, "nope")
    (tmp_path / "manifest.json").write_text('{"spans": [{"path": "/a/b.parquet"}]}')
    assert query.files(tmp_path, "spans") == [Path("/a/b.parquet")]
    (tmp_path / "manifest.json").write_text("[")
    with pytest.raises(Corrupt, match="restart `ax serve`"):
        query.files(tmp_path, "spans")


def test_export_guards_a_spreadsheet_and_refuses_since_where_there_is_no_time(data: Path, tmp_path: Path) -> None:
    assert query.export(data, "spans", tmp_path / "spans.csv", query.Format.CSV, since_ns=10**9) == 0
    assert (tmp_path / "spans.csv").read_text().startswith("trace_id,span_id,")
    assert query.export(data, "logs", tmp_path / "logs.json", query.Format.JSON, where="severity_number > 16") == 0
    with pytest.raises(query.QueryFailed, match="Binder Error"):
        query.export(data, "logs", tmp_path / "x.json", query.Format.JSON, where="nope > 16")
