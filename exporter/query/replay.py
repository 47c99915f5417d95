"""Stored records as OTLP again, for another endpoint.

In: a table, a time range, a condition. Out: export requests as they could have been sent, a few thousand records each.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import duckdb
import pyarrow as pa

from exporter import model
from exporter.decode.encode import encode
from exporter.errors import AxError
from exporter.query.ask import QueryFailed, in_one_line
from exporter.query.filter import EVERYTHING, Condition
from exporter.store import duck
from exporter.units import NS_PER_US

REQUEST_ROWS: Final = 2_000
"""Records of a request: 1 to 2 MB of spans."""
_TEXTS: Final = ("resource_attributes", "scope_attributes", "metric_metadata")
"""Maps in the views, text in segments, which is what `encode` reads."""
_RAW: Final = "as stored: "


def tables() -> list[str]:
    """What can be replayed: tables of what was sent, not of what was made of it."""
    return [name for name, table in model.TABLES.items() if not table.is_derived]


def requests(
    data: Path, name: str, *, since_ns: int | None = None, where: str | None = None, condition: Condition = EVERYTHING
) -> Iterator[tuple[model.Signal, bytes, int]]:
    """Requests that hold the rows of a table: signal, bytes in protobuf, how many records.

    `where` is SQL over the view of that name, `condition` a parsed filter. Raises `AxError`.
    """
    if name not in tables():
        raise AxError(f"{name} cannot be sent as OTLP", mend=f"what can is {', '.join(tables())}")
    table = model.TABLES[name]
    texts = [column for column in _TEXTS if column in table.columns]
    maps = ", ".join(f"text_map({column}) AS {column}" for column in texts)
    raw = ", ".join(f"{column} AS {duck.identifier(_RAW + column)}" for column in texts)
    columns = ", ".join(
        f"{duck.identifier(_RAW + column)} AS {column}" if column in texts else duck.identifier(column)
        for column in table.columns
    )
    conditions = [condition.sql, f"({where})" if where else "true"]
    if since_ns is not None:
        conditions.append(f"{table.time} >= now() - to_microseconds({since_ns // NS_PER_US})")
    rows = f"SELECT * REPLACE ({maps}), {raw} FROM stored.{name}"  # noqa: S608 (names of model.TABLES)
    query = f"SELECT {columns} FROM ({rows}) AS {name} WHERE {' AND '.join(conditions)}"  # noqa: S608

    connection = duck.reader(data)
    try:
        reader = connection.sql(query, params=dict(condition.parameters)).to_arrow_reader(REQUEST_ROWS)
        for batch in reader:
            for start in range(0, batch.num_rows, REQUEST_ROWS):
                part = pa.Table.from_batches([batch.slice(start, REQUEST_ROWS)])
                for request in encode(table, part):
                    yield table.signal, request, part.num_rows
    except (duckdb.Error, pa.ArrowException) as error:  # not asked anew: what is sent would be sent twice
        raise QueryFailed(in_one_line(error)) from None
    finally:
        connection.close()
