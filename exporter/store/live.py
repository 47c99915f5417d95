"""A file for readers that open it once and stay: Grafana, a notebook, a BI tool.

In: a data directory. Out: a DuckDB file with the views of `ax.duckdb`, which find the segments anew in each query. So
it is written once for a version of ours, and never goes stale; `ax.duckdb` lists segments, is cheaper to read, and must
be opened again to see more. DuckDB hands out the database that a process holds already when the process opens its path
again, and Grafana's data source holds it for good.
"""

from pathlib import Path
from typing import Final

from exporter import disk, model
from exporter.errors import BadConfig
from exporter.store import duck, files, publish
from exporter.store.rolled import ROLLS

_SCHEMA: Final = "CREATE SCHEMA stored; CREATE SCHEMA control"


def write(data: Path, target: Path) -> None:
    """Put such a file over `data` in place at `target`. Raises `BadConfig` where there is no data yet, and `OSError`.

    A query lists the directory and then the manifest, so one that meets a merge between the two misses what was merged.
    """
    data = data.resolve()
    if not (data / duck.FILE).is_file():
        raise BadConfig(f"there is no {duck.FILE} in {data}", mend="start `ax serve` on this directory first")
    for name in model.STORED:  # a pattern that no file matches is an error
        none = data / publish.SCHEMA / name / "none.parquet"
        disk.make_directory(none.parent)
        files.write(none, (data / publish.SCHEMA / f"{name}.parquet").read_bytes())
    disk.make_directory(target.parent)
    following = target.with_name(target.name + files.TEMPORARY)
    files.remove([following])
    connection = duck.memory(threads=1)
    try:
        connection.execute(f"ATTACH {duck.literal(str(following))} AS ax (STORAGE_VERSION 'v1.2.0')")
        connection.execute("USE ax")
        for statement in statements(data):
            connection.execute(statement)
        connection.execute("USE memory")
        connection.execute("DETACH ax")
    finally:
        connection.close()
    following.chmod(0o444)
    following.replace(target)


def statements(data: Path) -> list[str]:
    """What makes the views over `data`, in order."""
    control = [f"CREATE VIEW control.{name} AS {publish.decided(data, name)}" for name in publish.CONTROL]
    stored = [f"CREATE VIEW stored.{name} AS {_rows(data, name)}" for name in model.STORED]
    opened = [
        f"CREATE VIEW stored.{name}{publish.OPEN} AS {_rows(data, name, below=roll.level)}"
        for name, roll in ROLLS.items()
    ]
    return [_SCHEMA, *control, *stored, *opened, *publish.objects()]


def _rows(data: Path, name: str, *, below: int | None = None) -> str:
    """A SELECT of what the manifest lists of a table, and of levels under `below`."""
    manifest = duck.file_literal(data / publish.MANIFEST)
    every = f"{duck.file_literal(data)[:-1]}/s[ce]*/{name}/**/*.parquet'"  # schema/NAME/none.parquet, segments/NAME/…
    found = r"TRY_CAST(regexp_extract(filename, '-l(\d+)\.parquet$', 1) AS INTEGER)"
    level = f" AND {found} < {below}" if below is not None else ""
    return f"""
        SELECT * EXCLUDE (filename)
        FROM read_parquet({every}, hive_partitioning = false, union_by_name = true, filename = true)
        WHERE filename IN (
            SELECT unnest({name}).path FROM read_json({manifest}, columns = {{'{name}': 'STRUCT(path VARCHAR)[]'}})
        ){level}
    """  # noqa: S608 (names of ours, paths as literals)
