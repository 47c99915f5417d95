"""What Grafana and its DuckDB data source make of a panel's SQL before DuckDB sees it.

In: SQL with macros and variables, and what a user chose. Out: SQL. As release 0.4.5 of the data source does it (with
grafana-plugin-sdk-go 0.274), read on 2026-11-22: the page fills in `$__interval_ms` and variables, `:sqlstring` quotes
their values and leaves a variable's `allValue` as it is; then the data source replaces `$__timeFilter(COLUMN)`,
`$__timeFrom()` and `$__timeTo()`, in UTC and whole seconds.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

ALL = "'*'"
VARIABLES = ("service", "provider", "model", "tenant")


def filled(
    sql: str, start: datetime, end: datetime, *, interval_ms: int, chosen: Mapping[str, Sequence[str]] | None = None
) -> str:
    """The SQL that DuckDB gets; variables that are not in `chosen` are at All."""
    sql = sql.replace("$__interval_ms", str(interval_ms))
    for name in VARIABLES:
        values = (chosen or {}).get(name)
        text = ALL if values is None else ",".join("'" + value.replace("'", "''") + "'" for value in values)
        sql = sql.replace(f"${{{name}:sqlstring}}", text)
    since, until = (f"'{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}'" for moment in (start, end))
    sql = re.sub(r"\$__timeFilter\(([^()]*)\)", rf"\1 >= {since} AND \1 <= {until}", sql)
    sql = sql.replace("$__timeFrom()", since).replace("$__timeTo()", until)
    assert "$" not in sql, sql
    return sql
