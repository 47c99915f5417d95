"""The rows of a statement as an Arrow stream, made in its process: whoever asked passes it on and does not read it.

In: a checked statement. Out: bytes within limits. Arrow is loaded here and not before: it takes 130 ms of those
statements alone that want it.
"""

import io
from typing import Any, Final

import duckdb

_ROWS_AT_ONCE: Final = 2_048


def written(
    connection: duckdb.DuckDBPyConnection, statement: str, most_rows: int, most_bytes: int
) -> tuple[bytes, bool]:
    """The stream, and whether there were more rows than the limits let through. Raises `duckdb.Error`."""
    import pyarrow as pa  # noqa: PLC0415

    reader = connection.sql(statement).to_arrow_reader(_ROWS_AT_ONCE)  # not of `execute`, which reads all rows first
    sink = io.BytesIO()
    rows = 0
    with pa.ipc.new_stream(sink, reader.schema) as stream:
        try:
            for batch in reader:
                fitting = batch.slice(0, most_rows - rows)
                while fitting.num_rows and sink.tell() + _size(pa, fitting) > most_bytes:
                    fitting = fitting.slice(0, fitting.num_rows // 2)
                if fitting.num_rows:
                    stream.write_batch(fitting)
                rows += fitting.num_rows
                if fitting.num_rows < batch.num_rows:
                    return sink.getvalue(), True
        except (pa.ArrowException, OSError) as error:  # what DuckDB says after the first rows
            raise _as_duckdb_says(str(error)) from None
    return sink.getvalue(), False


def _size(pa: Any, batch: Any) -> int:
    size: int = pa.ipc.get_record_batch_size(batch)
    return size


def _as_duckdb_says(message: str) -> duckdb.Error:
    if "INTERRUPT Error" in message:
        return duckdb.InterruptException(message)
    if "Out of Memory Error" in message:
        return duckdb.OutOfMemoryException(message)
    return duckdb.Error(message)
