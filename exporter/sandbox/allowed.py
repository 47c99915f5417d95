"""Which statements may run: one SELECT, or one EXPLAIN of it, over the published views and pure functions.

In: the statement's syntax tree, as DuckDB gives it in JSON. Out: nothing, or `Forbidden`.
Everything is forbidden that is not named here; what a function reads is decided by its name, so that neither a path, a
setting nor another statement is within reach.
"""

import re
from collections.abc import Iterator
from typing import Any, Final

Tree = Any

_NODES: Final = frozenset(
    {
        "SELECT_NODE",
        "SET_OPERATION_NODE",
        "RECURSIVE_CTE_NODE",
        "CTE_NODE",
        "EMPTY",
        "BASE_TABLE",
        "SUBQUERY",
        "JOIN",
        "TABLE_FUNCTION",
        "EXPRESSION_LIST",
        "PIVOT",
        "SHOW_REF",
        "ORDER_MODIFIER",
        "LIMIT_MODIFIER",
        "LIMIT_PERCENT_MODIFIER",
        "DISTINCT_MODIFIER",
        "ASCENDING",
        "DESCENDING",
        "ORDER_DEFAULT",
    }
)
"""Parts of a query. A CTE may hold an INSERT (INSERT_QUERY_NODE) in a statement that is a SELECT by its type."""

_EXPRESSIONS: Final = frozenset(
    {
        "BETWEEN",
        "CASE",
        "CAST",
        "COLLATE",
        "COLUMN_REF",
        "COMPARISON",
        "CONJUNCTION",
        "CONSTANT",
        "FUNCTION",
        "LAMBDA",
        "LAMBDA_REF",
        "OPERATOR",
        "POSITIONAL_REFERENCE",
        "STAR",
        "SUBQUERY",
        "TYPE",
        "WINDOW",
    }
)

_TABLE_FUNCTIONS: Final = frozenset({"generate_series", "json_each", "json_tree", "range", "repeat", "unnest"})

_FORBIDDEN: Final = frozenset(
    {
        "col_description",
        "create_sort_key",
        "current_connection_id",
        "current_query",
        "current_query_id",
        "current_setting",
        "current_transaction_id",
        "currval",
        "get_block_size",
        "getvariable",
        "in_search_path",
        "json_deserialize_sql",
        "json_serialize_plan",  # it binds any statement
        "json_serialize_sql",
        "nextval",
        "obj_description",
        "parse_duckdb_log_message",
        "setseed",
        "setval",
        "shobj_description",
        "sleep_ms",
        "stats",
        "txid_current",
        "vector_type",
        "write_log",
    }
)
_FORBIDDEN_PREFIXES: Final = (
    "__",
    "arrow_",
    "duckdb_",
    "inet_",
    "pandas_",
    "parquet_",
    "pg_",
    "pragma_",
    "python_",
    "query",
    "read_",
    "sniff_",
)
_WORDS: Final = frozenset({"pg_typeof", "pg_size_pretty"})
"""Functions that a prefix would forbid, and which read nothing."""

_SHOWN: Final = frozenset({"DESCRIBE", "SUMMARY"})
_NAME: Final = re.compile(r"\w+")
_SYSTEM: Final = ("duckdb_", "pg_", "sqlite_", "pragma_", "information_schema")
_EXPLAIN: Final = re.compile(
    r"(?:\s|--[^\n]*\n|/\*.*?\*/)*explain\s+(?P<inner>(?:select|with|from|values)\b.*)", re.IGNORECASE | re.DOTALL
)
_MEND: Final = "ask with SELECT over the views, such as spans, logs or llm_calls"


class Forbidden(Exception):
    """The statement may not run; `mend` is what may."""

    def __init__(self, message: str, mend: str = _MEND) -> None:
        super().__init__(message)
        self.mend = mend


def only_of(kinds: list[str]) -> str:
    """The type of the statement, of which there must be one. Raises `Forbidden`."""
    if len(kinds) != 1:
        raise Forbidden(f"one statement is run at a time, not {len(kinds)}" if kinds else "there is no statement")
    if kinds[0] not in {"SELECT", "EXPLAIN"}:
        raise Forbidden(f"{kinds[0]} is not run here")
    return kinds[0]


def inner_of(explained: str) -> str:
    """The SELECT that is to be explained. Raises `Forbidden` for EXPLAIN ANALYZE, which runs it, and for options."""
    found = _EXPLAIN.fullmatch(explained)
    if found is None:
        raise Forbidden("EXPLAIN takes a SELECT and no options", "write EXPLAIN SELECT …")
    return found["inner"]


def check(tree: Tree, views: frozenset[str]) -> None:
    """Passes a tree that only uses `views`. Raises `Forbidden`."""
    names = _defined(tree) | views
    for node in _nodes(tree):
        kind, role = node.get("class"), node.get("type")
        if kind is not None:
            if kind == "PARAMETER":
                raise Forbidden("a statement has no parameters here", "write the value into it")
            if kind not in _EXPRESSIONS:
                raise Forbidden(f"{kind} is not run here")
        elif isinstance(role, str) and role not in _NODES:
            raise Forbidden(f"{role.removesuffix('_NODE').removesuffix('_QUERY')} is not run here")
        elif role == "BASE_TABLE":
            _check_table(node, names)
        elif role == "TABLE_FUNCTION":
            _check_table_function(node)
        elif role == "SHOW_REF" and (node.get("show_type") not in _SHOWN or not node.get("query")):
            raise Forbidden("of SHOW and its like only DESCRIBE and SUMMARIZE of a query are run here")
        if "function_name" in node and role != "TABLE_FUNCTION":
            _check_function(node)


def _check_table(node: Tree, names: frozenset[str]) -> None:
    path = [str(part) for part in _path(node)]
    name = path[-1].lower()
    if name not in names or [part.lower() for part in path[:-1]] not in ([], ["main"]):
        raise Forbidden(f"there is no view {'.'.join(path)[:80]}")


def _check_table_function(node: Tree) -> None:
    function = node.get("function") or {}
    path = [str(part).lower() for part in _path(function)]
    if function.get("class") != "FUNCTION" or path[-1] not in _TABLE_FUNCTIONS:
        raise Forbidden(f"{path[-1][:80]} is not read from here")


def _check_function(node: Tree) -> None:
    name = str(_path(node)[-1]).lower()
    if name in _FORBIDDEN or (name.startswith(_FORBIDDEN_PREFIXES) and name not in _WORDS):
        raise Forbidden(f"the function {name[:80]} is not run here")


def _path(node: Tree) -> list[Any]:
    path = (node.get("qualified_name") or {}).get("path")
    return path or [node.get("function_name") or node.get("table_name") or ""]


def _defined(tree: Tree) -> frozenset[str]:
    """Names that the statement gives to its own queries; none may stand for something of DuckDB's elsewhere in it."""
    names = set()
    for node in _nodes(tree):
        for entry in (node.get("cte_map") or {}).get("map") or ():
            name = str(entry.get("key", "")).lower()
            if not _NAME.fullmatch(name) or name.startswith(_SYSTEM):
                raise Forbidden(f"a query cannot be called {name[:80]!r} here", "give it a name of letters and digits")
            names.add(name)
    return frozenset(names)


def _nodes(tree: Tree) -> Iterator[dict[str, Any]]:
    """Every object in the tree."""
    left = [tree]
    while left:
        node = left.pop()
        if isinstance(node, dict):
            yield node
            left.extend(node.values())
        elif isinstance(node, list):
            left.extend(node)
