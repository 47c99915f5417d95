"""What one tenant may read: its own segments, and nothing of what operators decide.

In: the published lists of segments, as DuckDB shows a view's SQL. Out: the same lists without the files of others.
DuckDB alone is imported, and only for its types: the sandbox's program is small.
"""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

if TYPE_CHECKING:
    import duckdb

_LISTS: Final = "stored"  # the schema of lists of segments
_CONTROL: Final = "control"  # the schema of what is published of the control database
_OPEN: Final = "_open"  # ends the name of a second list of a table
_PATH: Final = re.compile("'(?:[^']|'')*'")
_LIST: Final = re.compile(rf"list_value\((?:{_PATH.pattern}(?:, )?)*\)")
_CARDINALITY: Final = re.compile(r", \(explicit_cardinality = \d+\)")
_VIEWS: Final = """SELECT schema_name, view_name, sql FROM duckdb_views()
    WHERE NOT internal AND database_name = current_database()"""

CONTROL: Final = frozenset(
    {
        "alert_history",
        "alert_rules",
        "alerts",
        "alerts_active_summary",
        "budget_events",
        "budgets",
        "cost_projections",
    }
)
"""Views of what operators decide, which no tenant sees."""


def folder(tenant: str) -> str:
    """The name of the folder of a tenant's segments, within that of a table."""
    return f"tenant={quote(tenant, safe='')}"


def narrow(connection: "duckdb.DuckDBPyConnection", data: Path, tenant: str | None) -> frozenset[str]:
    """Lets the views of the database in use, a copy of the published one, show what is the tenant's; gives their names.

    With None they show everybody's.
    """
    found = connection.execute(_VIEWS).fetchall()
    views = frozenset(name for schema, name, _ in found if schema == "main")
    if tenant is None:
        return views
    for schema, name, sql in found:
        if schema == _LISTS:
            own = of_tenant(sql, data, name.removesuffix(_OPEN), tenant)
            if own != sql:  # 3 ms each
                connection.execute(own.replace("CREATE VIEW", "CREATE OR REPLACE VIEW", 1))
        elif schema == _CONTROL or name in CONTROL:
            connection.execute(f'DROP VIEW {schema}."{name}"')
    return views - CONTROL


def of_tenant(sql: str, data: Path, table: str, tenant: str) -> str:
    """A list of segments, `read_parquet(list_value('…', …))`, without those of others; never an empty one.

    Raises `RuntimeError` where somebody else's would be left: where DuckDB writes lists in another way than this reads.
    """
    of_all = _pattern(f"{data}/segments/")
    own = re.compile(re.escape(of_all) + r"\w+/" + re.escape(folder(tenant)) + "/")
    empty = f"'{_pattern(f'{data}/schema/{table}.parquet')}'"

    def kept(found: re.Match[str]) -> str:
        paths = [path for path in _PATH.findall(found[0]) if own.match(path[1:])]
        return f"list_value({', '.join([empty, *paths])})"

    left = _LIST.sub(kept, sql)
    if left != sql:
        left = _CARDINALITY.sub("", left)
    if any(path != empty and not own.match(path[1:]) for path in _PATH.findall(left)):
        raise RuntimeError(f"the list {table} cannot be read")
    return left


def _pattern(path: str) -> str:
    """A path as it stands within the quotes of a list, where `*`, `?` and `[` would be patterns."""
    return "".join(f"[{one}]" if one in "*?[" else one for one in path).replace("'", "''")
