"""Rows that are dataclasses as columns.

In: a dataclass and its instances. Out: an Arrow table, whose types are those of the fields' annotations, also where
there are no rows.
"""

import types
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any, Final, Literal, Union, get_args, get_origin, get_type_hints

import pyarrow as pa

_SCALARS: Final[Mapping[object, pa.DataType]] = {
    bool: pa.bool_(),
    int: pa.int64(),
    float: pa.float64(),
    str: pa.string(),
    bytes: pa.binary(),
}


def names(row: type[Any]) -> list[str]:
    """The columns of a dataclass."""
    return [field.name for field in fields(row)]


def table(rows: Sequence[Any], row: type[Any]) -> pa.Table:
    """The rows as a table."""
    schema = schema_of(row)
    columns = [pa.array([_value(getattr(one, field.name)) for one in rows], field.type) for field in schema]
    return pa.Table.from_arrays(columns, schema=schema)


def schema_of(row: Any) -> pa.Schema:
    """The columns' types."""
    hints = get_type_hints(row)
    return pa.schema([(name, _type(hints[name])) for name in names(row)])


def _type(hint: Any) -> pa.DataType:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in {Union, types.UnionType}:
        inner = {_type(one) for one in arguments if one is not type(None)}
        if inner == {pa.int64(), pa.float64()}:
            return pa.float64()
        if len(inner) != 1:
            raise TypeError(f"a column is of one type, not {hint}")
        return inner.pop()
    if origin is Literal:
        return _SCALARS[type(arguments[0])]
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return pa.map_(_type(arguments[0]), _type(arguments[1]))
    if isinstance(origin, type) and issubclass(origin, Sequence):
        return pa.list_(_type(arguments[0]))
    if is_dataclass(hint):
        return pa.struct(list(schema_of(hint)))
    return _SCALARS[hint]


def _value(value: Any) -> Any:
    """What pyarrow takes for a map is pairs, for a struct a dict."""
    if isinstance(value, Mapping):
        return [(key, _value(inner)) for key, inner in value.items()]
    if is_dataclass(value) and not isinstance(value, type):
        return {name: _value(getattr(value, name)) for name in names(type(value))}
    if isinstance(value, list | tuple):
        return [_value(one) for one in value]
    return value
