"""One segment: rows of one table as a Parquet file, and what its footer says of its origin.

In: an Arrow table of `model.arrow_schema`. Out: a Parquet file of `model.parquet_schema`, and back.
Dictionary arrays are passed through both ways: decoding them to text and hashing them again costs half as much as all
the rest of writing.
"""

import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import xxhash

from exporter import disk, model
from exporter.errors import Corrupt
from exporter.store import files

ROW_GROUP_ROWS: Final = 65_536
"""Most rows of a row group: a flush of 50,000 rows and the request that overshot it are one, not two (7 % less)."""

_ORIGIN: Final = b"ax.segment"
_BLOCK_BYTES: Final = 2**20

# What queries prune by. Statistics on all 68 columns cost 0.3 µs a span, on these nothing measurable.
_STATISTICS: Final = (
    "trace_id",
    "service_name",
    "metric_name",
    "severity_number",
    "start_time_unix_nano",
    "start_time",
    "time_unix_nano",
    "time",
    "ingest_time",
)
# Worth their 0.2 µs a row only in segments that are read often: `attributes['k'] = 'v'` takes 0.41 instead of 0.68 µs
# a row. A column of mostly distinct values falls back to plain after the first MiB.
_NESTED_DICTIONARIES: Final = (
    "attributes.key_value.value",
    "attribute_types",
    "events.list.element.name",
    "events.list.element.attribute_types",
)
# At zstd level 3 in compacted segments: text shrinks by a quarter (108 → 78 B a log body), ids and numbers grow by 7 %.
_TEXTS: Final = ("body", "attributes.key_value.value", "events.list.element.attributes.key_value.value")
_BLOOM_ERROR_RATIO: Final = 0.01

_SCHEMAS: Final[dict[tuple[str, int], pa.Schema]] = {}


@dataclass(frozen=True, slots=True)
class Origin:
    """What a segment says of itself, so that a lost catalog can be rebuilt from the files.

    `position` is the journal's up to which everything is stored once this file and those before it are, `start` the
    one before (of an append). Files that were written together count all or none: they have the `group` number of
    their first one and a `place` in it from 0; the greatest place is the `last` of at least one of them. `replaces`
    names the files that a merge read, `counts` are the writer's counters with this file, `time` is when it was written
    and `min_time` and `max_time` are its rows' least and greatest effective time (Unix nanoseconds, all three).
    """

    format: int
    level: int
    start: int
    position: int
    group: int
    place: int
    last: int | None
    time: int
    min_time: int
    max_time: int
    replaces: tuple[str, ...]
    counts: str


def arrow_schema(table: model.Table) -> pa.Schema:
    """`model.arrow_schema` with the field ids of `model.parquet_schema`."""
    key = table.name, len(table.columns)  # columns are only ever appended
    if key not in _SCHEMAS:
        _SCHEMAS[key] = model.parquet_schema(table, plain=False)
    return _SCHEMAS[key]


def build(table: model.Table, rows: pa.Table, origin: Origin | None) -> memoryview:
    """The Parquet file of a fresh segment, in memory. `origin` None: a schema file."""
    sink = pa.BufferOutputStream()
    with _writer(table, sink, is_closed=False, distinct=dict.fromkeys(table.bloom, rows.num_rows)) as writer:
        _write(writer, table, rows)
        if origin is not None:
            writer.add_key_value_metadata(pairs(origin))
    return memoryview(sink.getvalue())


class Compacted:
    """A compacted segment while it is being written; that of a closed hour or day is read often and written once more.

    Its file has a temporary name until `close`; `abandon` leaves nothing. `rows` are those written so far.
    """

    def __init__(self, table: model.Table, path: Path, *, is_closed: bool) -> None:
        """Nothing is there yet."""
        self.path = path
        self.rows = 0
        self._table = table
        self._temporary = path.with_name(path.name + files.TEMPORARY)
        disk.make_directory(path.parent)
        self._sink = Digested(self._temporary)
        self._is_closed = is_closed
        self._writer: pq.ParquetWriter | None = None

    def add(self, rows: pa.Table) -> None:
        """Append `rows` as row groups of their own. The first ones tell how large a bloom filter is."""
        if self._writer is None:
            sink = pa.PythonFile(self._sink, mode="w")
            distinct = _distinct(rows.slice(0, ROW_GROUP_ROWS), self._table.bloom)
            self._writer = _writer(self._table, sink, is_closed=self._is_closed, distinct=distinct)
        _write(self._writer, self._table, rows)
        self.rows += rows.num_rows

    def close(self, origin: Origin) -> tuple[int, str]:
        """Put the file in its place, synced but for its directory; its bytes and checksum."""
        if self._writer is None:
            raise ValueError("a segment without rows")
        self._writer.add_key_value_metadata(pairs(origin))
        self._writer.close()
        self._sink.finish()
        self._temporary.replace(self.path)
        return self._sink.bytes, self._sink.checksum

    def abandon(self) -> None:
        """Remove the unfinished file."""
        if self._writer is not None:
            self._writer.is_open = False  # else it would write its footer when it is collected
        self._sink.close()
        files.remove([self._temporary])


def _distinct(rows: pa.Table, columns: Sequence[str]) -> dict[str, int]:
    """A span shares its trace with others: as many bits for each row made a trace's filter 2 B a span larger."""
    return {name: pc.count_distinct(rows[name]).as_py() for name in columns}


def checksum(data: bytes | memoryview) -> str:
    """The xxh3_128 of a whole segment, in hex, as in the catalog."""
    return str(xxhash.xxh3_128_hexdigest(data))


def file_checksum(path: Path) -> str:
    """`checksum` of the file at `path`, in constant memory."""
    digest = xxhash.xxh3_128()
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
    return str(digest.hexdigest())


def opened(path: Path, table: model.Table) -> pq.ParquetFile:
    """A segment for reading, its low-cardinality columns as dictionary arrays. Raises `Corrupt`."""
    try:
        return pq.ParquetFile(path, read_dictionary=_low(table))
    except (pa.ArrowException, OSError) as error:
        raise Corrupt(f"cannot read {path}: {error}") from error


def conformed(rows: pa.Table, table: model.Table, columns: Sequence[str] | None = None) -> pa.Table:
    """`rows` of a segment in today's columns, or some of them: those that it was written without are NULL."""
    schema, names = arrow_schema(table), rows.column_names
    if columns is not None:
        schema = pa.schema([schema.field(name) for name in columns])
    columns = (
        rows.columns
        if names == schema.names
        else [rows[field.name] if field.name in names else pa.nulls(rows.num_rows, field.type) for field in schema]
    )
    return pa.Table.from_arrays(columns, schema=schema)


def origin_of(path: Path) -> tuple[Origin, int, int]:
    """What the footer of a segment says: its origin, rows and columns. Raises `Corrupt`."""
    try:
        footer = pq.read_metadata(path)
        said: Mapping[str, Any] = json.loads(footer.metadata[_ORIGIN])
        origin = Origin(**{**said, "replaces": tuple(said["replaces"])})
        columns = len(footer.schema.to_arrow_schema())
    except (pa.ArrowException, OSError, KeyError, TypeError, ValueError) as error:
        raise Corrupt(f"cannot read the footer of {path}: {error}") from error
    return origin, footer.num_rows, columns


def _low(table: model.Table) -> list[str]:
    """The Parquet paths of what is `LOW`, the keys of maps too."""
    return [path for field in arrow_schema(table) for path in _low_in(field, field.name)]


def _low_in(field: pa.Field, path: str) -> Iterator[str]:
    kind = field.type
    if pa.types.is_dictionary(kind):
        yield path
    elif pa.types.is_map(kind):
        yield from _low_in(kind.key_field, f"{path}.key_value.key")
    elif pa.types.is_list(kind):
        yield from _low_in(kind.value_field, f"{path}.list.element")
    elif pa.types.is_struct(kind):
        for inner in kind:
            yield from _low_in(inner, f"{path}.{inner.name}")


def pairs(origin: Origin) -> dict[bytes, bytes]:
    """What the footer of a segment says of its origin."""
    return {_ORIGIN: json.dumps(asdict(origin)).encode()}


def _writer(
    table: model.Table, sink: pa.NativeFile, *, is_closed: bool, distinct: Mapping[str, int]
) -> pq.ParquetWriter:
    """What `is_closed` has text at zstd level 3 and nested dictionaries, the rest level 1.

    Columns with a bloom filter have as many `distinct` values in a row group.
    """
    bloom = {
        name: {"ndv": max(1, min(values, ROW_GROUP_ROWS)), "fpp": _BLOOM_ERROR_RATIO}
        for name, values in distinct.items()
    }
    return pq.ParquetWriter(
        sink,
        arrow_schema(table),
        compression="zstd",
        compression_level={path: 3 for path in _TEXTS if path.split(".")[0] in table.columns} if is_closed else 1,
        use_dictionary=[*_low(table), *(_NESTED_DICTIONARIES if is_closed else ())],
        write_statistics=[name for name in _STATISTICS if name in table.columns],
        store_schema=False,  # it would say "dictionary" where the files' contract is plain text
        write_page_checksum=True,
        bloom_filter_options=bloom or None,
    )


def _write(writer: pq.ParquetWriter, table: model.Table, rows: pa.Table) -> None:
    if rows.num_rows == 0:
        return
    groups = -(-rows.num_rows // ROW_GROUP_ROWS)
    # One dictionary a column: at a chunk with another one the writer would fall back to plain text.
    whole = pa.Table.from_arrays(rows.unify_dictionaries().columns, schema=arrow_schema(table))
    writer.write_table(whole, row_group_size=-(-rows.num_rows // groups))


class Digested(io.RawIOBase):
    """A file that is written from end to end and knows its size and checksum."""

    def __init__(self, path: Path) -> None:
        """An empty file at `path`."""
        self.bytes = 0
        self._digest = xxhash.xxh3_128()
        self._file = path.open("wb")

    @property
    def checksum(self) -> str:
        """That of all that was written."""
        return str(self._digest.hexdigest())

    def writable(self) -> bool:
        """It is."""
        return True

    def write(self, block: Any) -> int:
        """Append bytes; how many."""
        view = memoryview(block)
        self._digest.update(view)
        self._file.write(view)
        self.bytes += view.nbytes
        return view.nbytes

    def finish(self) -> None:
        """Sync and close."""
        self._file.flush()
        disk.sync(self._file.fileno())
        self._file.close()

    def close(self) -> None:
        """Close it as it is."""
        if not self._file.closed:
            try:
                self._file.close()
            except OSError:  # a full disk; the file is about to be removed
                self._file.raw.close()
        super().close()
