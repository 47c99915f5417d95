"""Refusals as `application/problem+json` (RFC 9457): what is wrong, which field, and the mend.

In: exceptions. Out: answers; what is a fault of ours says nothing of our inside.
"""

import logging
from collections.abc import Mapping
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from exporter.alert.listed import NoAlert
from exporter.api.shared import NotWatching
from exporter.errors import AxError, Corrupt
from exporter.query.ask import NoData
from exporter.sandbox import Reason, SqlRefused

MEDIA: Final = "application/problem+json"
_LONGEST: Final = 1_000
"""A text may quote what was sent, which may be a megabyte, or half a character."""
_RETRY: Final = {"Retry-After": "1"}
_SQL: Final[Mapping[Reason, int]] = {
    "statement": 400,
    "failed": 400,
    "timeout": 422,
    "memory": 422,
    "busy": 429,
    "cancelled": 499,
    "no_data": 503,
}


class Busy(AxError):
    """Too much of this is being done already; the same may be asked again."""


_KINDS: Final[tuple[tuple[type[AxError], int], ...]] = (
    (NoAlert, 404),
    (NoData, 503),
    (NotWatching, 503),
    (Busy, 429),
    (Corrupt, 503),
    (AxError, 400),
)
_SEE: Final = "see /api/openapi.json for what belongs there"
_log: Final = logging.getLogger(__name__)


class Problem(BaseModel):
    """What every refusal looks like."""

    title: str = Field(examples=["there is no rule api/Slow"])
    status: int = Field(examples=[404])
    mend: str = Field("", examples=["GET /api/rules lists them"])
    field: str | None = Field(None, examples=["rule.threshold"])
    reason: str | None = Field(None, examples=["timeout"])
    retryable: bool = False


RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    status: {"model": Problem, "content": {MEDIA: {}}, "description": words}
    for status, words in (
        (400, "something about the request is wrong"),
        (403, "the request comes from another site"),
        (404, "there is no such thing"),
        (415, "a body is JSON"),
        (503, "not at present"),
    )
}


class NotFound(AxError):
    """There is no such thing."""


class Conflict(AxError):
    """It cannot be done as things are."""


def refuse(app: FastAPI) -> None:
    """Lets the application answer all its refusals so."""
    app.add_exception_handler(AxError, _of_ours)
    app.add_exception_handler(RequestValidationError, _of_the_request)
    app.add_exception_handler(HTTPException, _of_http)
    app.add_exception_handler(OSError, _of_the_machine)
    app.add_exception_handler(Exception, _unexpected)


def answer(problem: Problem, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """The problem as an answer."""
    said = problem.model_dump(exclude_none=True)
    for name in {"title", "field", "mend"} & said.keys():
        said[name] = _shown(said[name])
    return JSONResponse(said, problem.status, headers=dict(headers or {}), media_type=MEDIA)


def _shown(text: str) -> str:
    return (text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…").encode(errors="replace").decode()


def _of_ours(_: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, AxError):
        raise error
    if isinstance(error, SqlRefused):
        problem = Problem(
            title=error.message,
            status=_SQL[error.reason],
            mend=error.mend,
            reason=error.reason,
            retryable=error.is_retryable,
        )
        return answer(problem, _RETRY if error.is_retryable else None)
    status = 404 if isinstance(error, NotFound) else 409 if isinstance(error, Conflict) else _status(error)
    field, message = _field(error.message)
    mend = error.mend or _SEE
    problem = Problem(title=message, status=status, mend=mend, field=field, retryable=status in {429, 503})
    return answer(problem, _RETRY if isinstance(error, Busy) else None)


def _status(error: AxError) -> int:
    return next(status for kind, status in _KINDS if isinstance(error, kind))


def _field(message: str) -> tuple[str | None, str]:
    """`rule.threshold: it is …` names the field first, where a model found the mistake."""
    name, colon, rest = message.partition(": ")
    is_name = bool(colon) and name.replace(".", "").replace("_", "").isalnum() and " " not in name
    return (name, rest) if is_name else (None, message)


def _of_the_request(_: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, RequestValidationError):
        raise error
    first = error.errors()[0]
    where = [str(part) for part in first["loc"] if part != "body"]
    more = len(error.errors()) - 1
    title = f"{first['msg']}{f', and {more} more mistakes' if more > 0 else ''}"
    return answer(Problem(title=title, status=400, field=".".join(where) or None, mend=_SEE))


def _of_http(_: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, HTTPException):
        raise error
    return answer(Problem(title=str(error.detail), status=error.status_code), error.headers)


def _of_the_machine(_: Request, error: Exception) -> JSONResponse:
    _log.warning("a request could not be answered: %s", error)
    title = "the server cannot read or write its files at present"
    return answer(Problem(title=title, status=503, mend="see its log", retryable=True), _RETRY)


def _unexpected(request: Request, error: Exception) -> JSONResponse:
    _log.error("an error of ours at %s %s", request.method, request.url.path[:200], exc_info=error)
    return answer(Problem(title="an error of ours", status=500, mend="see the server's log"))
