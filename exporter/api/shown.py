"""Rows as they are asked for: JSON, CSV or an Arrow stream, by `Accept`.

In: the answer of a question, or a table. Out: an HTTP response whose rows are the same in each form.

JSON has the rows in `items` and beside them how exact they are, of which time, and where the next page begins; Arrow
has the same in the metadata of its schema; the next page is also told by a `Link`, as CSV has no other place for it.
"""

import difflib
import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, Generic, Literal, TypeVar
from urllib.parse import parse_qsl, urlencode

import pyarrow as pa
from fastapi import Request, Response
from pydantic import BaseModel, TypeAdapter

from exporter.api import columns, fresh
from exporter.api.problems import NotAcceptable
from exporter.api.weights import weights
from exporter.errors import AxError
from exporter.query import plain
from exporter.query.answer import EXACT, Answer, Precision
from exporter.query.period import Period

Row = TypeVar("Row")

JSON: Final = "application/json"
CSV: Final = "text/csv"
ARROW: Final = "application/vnd.apache.arrow.stream"
FORMS: Final = (JSON, CSV, ARROW)
"""The first is preferred where a client takes several alike."""


class Answered(BaseModel, Generic[Row]):
    """Rows, and what is to be known about them; times are Unix nanoseconds."""

    items: list[Row]
    next_cursor: str | None
    precision: Literal["exact", "sketch", "buckets"]
    error_ratio: float | None
    start_ns: int | None
    end_ns: int | None
    source: str


@dataclass(frozen=True, slots=True)
class _About:
    """What `Answered` has beside the rows."""

    next_cursor: str | None
    precision: Precision
    period: Period | None
    source: str

    def plain(self) -> dict[str, Any]:
        return {
            "next_cursor": self.next_cursor,
            "precision": self.precision.kind,
            "error_ratio": self.precision.error_ratio,
            "start_ns": self.period and self.period.start_ns,
            "end_ns": self.period and self.period.end_ns,
            "source": self.source,
        }


def answered(
    request: Request,
    answer: Answer[Row],
    row: type[Row],
    *,
    fields: Sequence[str] | None = None,
    next_cursor: str | None = None,
) -> Response:
    """Rows that are frozen dataclasses, whose fields' names are the columns'. Raises `AxError` for unknown `fields`."""
    chosen = chosen_of(fields, columns.names(row))
    about = _About(next_cursor, answer.precision, answer.period, answer.source)
    form = form_of(request)
    if form == JSON:
        include = None if fields is None else {"__all__": set(chosen)}
        items = _adapter(row).dump_json(list(answer.rows), include=include)
        return _sent(request, form, _enveloped(items, about), about)
    return _sent(request, form, _table_in(form, columns.table(answer.rows, row).select(chosen), about), about)


def listed(
    request: Request,
    table: pa.Table,
    *,
    fields: Sequence[str] | None = None,
    next_cursor: str | None = None,
    period: Period | None = None,
    source: str = "",
    precision: Precision = EXACT,
) -> Response:
    """Rows of a view, with its columns' names: times are RFC 3339, maps objects. Raises `AxError`."""
    shown = table if fields is None else table.select(chosen_of(fields, table.column_names))
    about = _About(next_cursor, precision, period, source)
    form = form_of(request)
    if form == JSON:
        items = [dict(zip(shown.column_names, row, strict=True)) for row in plain.rows(shown)]
        return _sent(request, form, _enveloped(_json(items), about), about)
    return _sent(request, form, _table_in(form, shown, about), about)


def one(request: Request, value: Row, kind: type[Row]) -> Response:
    """A single thing, always as JSON. Raises `NotAcceptable`."""
    form_of(request, (JSON,))
    return Response(_adapter_of_one(kind).dump_json(value), media_type=JSON, headers=fresh.headers(request))


def single(request: Request, table: pa.Table) -> Response:
    """The first row of a view's, always as JSON, with its columns' names. Raises `NotAcceptable`."""
    form_of(request, (JSON,))
    row = dict(zip(table.column_names, next(plain.rows(table)), strict=True))
    return Response(_json(row), media_type=JSON, headers=fresh.headers(request))


def chosen_of(fields: Sequence[str] | None, known: Iterable[str]) -> list[str]:
    """The columns to show, in the order in which they were asked for. Raises `AxError` that names the near one."""
    names = list(known)
    unknown = [name for name in fields or () if name not in names]
    if unknown:
        near = difflib.get_close_matches(unknown[0], names, n=1)
        mend = f"did you mean {near[0]}?" if near else f"there are {', '.join(names)}"
        raise AxError(f"fields: there is no {unknown[0][:100]!r}", mend=mend)
    return list(names if fields is None else fields)


def form_of(request: Request, forms: Sequence[str] = FORMS) -> str:
    """The one of `forms` that the client likes best. Raises `NotAcceptable`."""
    accept = request.headers.get("accept", "*/*")
    wanted = weights(accept) or {"*/*": 1.0}
    liking = {form: _liking(form, wanted) for form in forms}
    best = max(liking, key=lambda form: liking[form])  # of equals the first
    if liking[best] <= 0:
        raise NotAcceptable(f"this is not to be had as {accept[:200]!r}", mend=f"accept {' or '.join(forms)}")
    return best


def _liking(form: str, wanted: Mapping[str, float]) -> float:
    """By the most precise range that holds it (RFC 9110, 12.5.1); 0 where none does."""
    kind = form.partition("/")[0]
    return next((wanted[name] for name in (form, f"{kind}/*", "*/*") if name in wanted), 0.0)


def _enveloped(items: bytes, about: _About) -> bytes:
    return b'{"items":' + items + b"," + _json(about.plain())[1:]


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode(errors="replace")


def _table_in(form: str, table: pa.Table, about: _About) -> bytes:
    if form == CSV:
        text = io.StringIO()
        plain.as_csv(table, text)
        return text.getvalue().encode(errors="replace")
    told = {name: json.dumps(value) for name, value in about.plain().items()}
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema.with_metadata(told)) as stream:
        stream.write_table(table.replace_schema_metadata(told))
    return sink.getvalue()


def _sent(request: Request, form: str, body: bytes, about: _About) -> Response:
    headers = fresh.headers(request)
    if about.next_cursor is not None:
        query = [pair for pair in parse_qsl(request.url.query, keep_blank_values=True) if pair[0] != "cursor"]
        following = urlencode([*query, ("cursor", about.next_cursor)], errors="replace")
        headers["Link"] = f'<{request.url.path}?{following}>; rel="next"'
    return Response(body, headers=headers, media_type=form)


def _all_of(row: Any) -> TypeAdapter[Any]:
    return TypeAdapter(list[row])


_adapter: Final[Callable[[Any], TypeAdapter[Any]]] = cache(_all_of)
_adapter_of_one: Final[Callable[[Any], TypeAdapter[Any]]] = cache(TypeAdapter)
