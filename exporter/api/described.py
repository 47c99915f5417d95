"""How OpenAPI shows the routes that answer with rows.

In: a row's type and an example of one. Out: what `router.get` is to be told.
"""

from typing import Annotated, Any, Final, TypeVar

from pydantic import GetJsonSchemaHandler, TypeAdapter
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from exporter.api.shown import ARROW, CSV, JSON, Answered
from exporter.query.plain import csv_cell

_PERIOD: Final = {"start_ns": 1_795_340_400_000_000_000, "end_ns": 1_795_344_000_000_000_000}

_HEADERS: Final = {
    "ETag": {"description": "where the answer depends on what is stored alone", "schema": {"type": "string"}},
    "Link": {"description": "the next page, where there is one", "schema": {"type": "string"}},
}
_OTHERS: Final[dict[int | str, dict[str, Any]]] = {
    304: {"description": "it is as `If-None-Match` says"},
}


class _NoneRequired:
    """Where `fields` may leave out columns, none is sure to be there."""

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        found = handler(core)
        handler.resolve_ref_schema(found).pop("required", None)
        return found


Row = TypeVar("Row")
Some = Annotated[Row, _NoneRequired]
"""A row of which columns may have been left out."""


def rows(example: Any, row: Any = None, *, source: str = "spans", precision: str = "exact") -> dict[str, Any]:
    """For `router.get`: rows in three forms. `example` is an instance of a dataclass, or a dict, a row of a view.

    `row` is the model where it is not `example`'s type, such as `Some[Trace]` for a route that takes `fields`.
    """
    kind = row or (dict[str, Any] if isinstance(example, dict) else type(example))
    item = example if isinstance(example, dict) else TypeAdapter(type(example)).dump_python(example, mode="json")
    about = {"next_cursor": None, "precision": precision, "error_ratio": 0.0, **_PERIOD, "source": source}
    lines = [",".join(item), ",".join(str(csv_cell(value)) for value in item.values())]
    content = {
        JSON: {"example": {"items": [item], **about}},
        CSV: {"schema": {"type": "string"}, "example": "\n".join(lines) + "\n"},
        ARROW: {"schema": {"type": "string", "format": "binary"}},
    }
    model: Any = Answered
    return {"response_model": model[kind], "responses": {200: {"content": content, "headers": _HEADERS}, **_OTHERS}}


def object_of(example: dict[str, Any]) -> dict[str, Any]:
    """For `router.get`: a single row of a view in JSON."""
    content = {JSON: {"schema": {"type": "object", "additionalProperties": True}, "example": example}}
    return {"responses": {200: {"content": content, "headers": _HEADERS}, **_OTHERS}}


def one(example: Any) -> dict[str, Any]:
    """For `router.get`: a single thing in JSON."""
    item = TypeAdapter(type(example)).dump_python(example, mode="json")
    content = {JSON: {"example": item}}
    return {"response_model": type(example), "responses": {200: {"content": content, "headers": _HEADERS}, **_OTHERS}}
