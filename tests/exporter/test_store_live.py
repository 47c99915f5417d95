"""The file for readers that stay: it shows what came after it was opened, and what `ax.duckdb` shows."""

from pathlib import Path

import duckdb
import pytest

from exporter import model
from exporter.errors import BadConfig
from exporter.store import live, publish
from tests.exporter.store_tables import NOON, append, ask, opened, spans

FILE = "elsewhere/live.duckdb"


def test_a_connection_that_stays_sees_what_comes(tmp_path: Path) -> None:
    store = opened(tmp_path)
    live.write(tmp_path, tmp_path / FILE)
    with duckdb.connect(tmp_path / FILE, read_only=True) as reader:
        counts = []
        for _ in range(3):
            counts += reader.execute("SELECT count(*) FROM spans").fetchall()
            append(store, spans([NOON]))
        counts += reader.execute("SELECT count(*) FROM spans").fetchall()
    store.close()
    assert counts == [(0,), (1,), (2,), (3,)]


def test_what_is_on_disk_and_not_listed_is_not_read(tmp_path: Path) -> None:
    store = opened(tmp_path)
    append(store, spans([NOON]))
    (one,) = (tmp_path / "segments" / "spans").rglob("*.parquet")
    (one.parent / f"copy-{one.name}").write_bytes(one.read_bytes())
    live.write(tmp_path, tmp_path / FILE)
    with duckdb.connect(tmp_path / FILE, read_only=True) as reader:
        assert reader.execute("SELECT count(*) FROM spans").fetchall() == [(1,)]
    store.close()


def test_it_has_the_views_of_the_other_with_their_columns(tmp_path: Path) -> None:
    store = opened(tmp_path)
    append(store, spans([NOON]))
    live.write(tmp_path, tmp_path / FILE)
    columns = """
        SELECT table_name, column_name, data_type FROM duckdb_columns()
        WHERE schema_name = 'main' AND NOT internal ORDER BY ALL
    """
    with duckdb.connect(tmp_path / FILE, read_only=True) as reader:
        assert reader.execute(columns).fetchall() == ask(tmp_path, columns)
        for name in model.STORED:
            assert reader.execute(f"SELECT * FROM stored.{name}").fetchall() == ask(
                tmp_path, f"SELECT * FROM stored.{name}"
            )
    store.close()
    assert publish.objects()


def test_there_must_be_data(tmp_path: Path) -> None:
    with pytest.raises(BadConfig, match="start `ax serve`"):
        live.write(tmp_path, tmp_path / FILE)
