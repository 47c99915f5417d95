"""Refusals as `application/problem+json` (RFC 9457): what is wrong, which field, and the mend.

In: exceptions. Out: answers; what is a fault of ours says nothing of our inside.
"""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import iter_route_contexts
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from exporter.alert.listed import NoAlert
from exporter.api.callers import Forbidden
from exporter.api.shared import NotWatching
from exporter.errors import AxError, Corrupt
from exporter.notify.silences import NoSilence
from exporter.query.answer import NotStored
from exporter.query.ask import NoData, OutOfBounds
from exporter.query.filter import BadFilter
from exporter.query.named import NoMetric
from exporter.sandbox import Reason, SqlRefused

MEDIA: Final = "application/problem+json"
_LONGEST: Final = 1_000
"""A text may quote what was sent, which may be a megabyte, or half a character."""
_RETRY: Final = {"Retry-After": "1"}
_NOT_MODIFIED: Final = 304
_BAD: Final = 400
_NO_SUCH_METHOD: Final = 405
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


class NotAcceptable(AxError):
    """It is not to be had in a form that the client takes."""


_KINDS: Final[tuple[tuple[type[AxError], int], ...]] = (
    (NoAlert, 404),
    (NoSilence, 404),
    (NoMetric, 404),
    (NotStored, 404),
    (Forbidden, 403),
    (NotAcceptable, 406),
    (NoData, 503),
    (NotWatching, 503),
    (Busy, 429),
    (OutOfBounds, 422),
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


_WORDS: Final[Mapping[int, str]] = {
    400: "something about the request is wrong; `field` says what",
    401: "a token is needed",
    403: "the request comes from another site, or the token may not do this",
    404: "there is no such thing",
    406: "it is not to be had in a form that `Accept` names",
    409: "it cannot be done as things are",
    411: "the length of the body is not told",
    413: "the body is too large",
    415: "a body is JSON",
    421: "this server does not go by the name in `Host`",
    422: "it was tried, and took too much time or memory",
    426: "it is a WebSocket",
    429: "too much is asked at once; the same may be asked again",
    503: "not at present; the same may be asked again",
}
_ALWAYS: Final = (400, 401, 403, 404, 406, 421, 422, 429, 503)
WITH_BODY: Final = (411, 413, 415)
"""What the guard says of bodies; OpenAPI has it where there is one."""


def described(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """For `responses=`: refusals with these statuses. OpenAPI gets their model afterwards: FastAPI would take 0.2 s."""
    return {one: {"content": {MEDIA: {}}, "description": _WORDS[one]} for one in statuses}


RESPONSES: Final = described(*_ALWAYS)
"""What any route may answer; `described` is for those that say more."""


class NotFound(AxError):
    """There is no such thing."""


class Conflict(AxError):
    """It cannot be done as things are."""


@contextmanager
def about(name: str) -> Iterator[None]:
    """Says of what is wrong inside that it is this field of the request: `by: …` becomes `rule.by: …`."""
    try:
        yield
    except AxError as error:
        found = problem_of(error)
        if found.status != _BAD or found.reason:
            raise
        where = f"{name}.{found.field}" if found.field else name
        raise AxError(f"{where}: {found.title}", mend=error.mend) from error


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
    problem = problem_of(error)
    wait = error.is_retryable if isinstance(error, SqlRefused) else isinstance(error, Busy)
    return answer(problem, _RETRY if wait else None)


def problem_of(error: AxError) -> Problem:
    """An error for people as a problem."""
    if isinstance(error, SqlRefused):
        return Problem(
            title=error.message,
            status=_SQL[error.reason],
            mend=error.mend,
            reason=error.reason,
            retryable=error.is_retryable,
        )
    status = 404 if isinstance(error, NotFound) else 409 if isinstance(error, Conflict) else _status(error)
    field, message = _field(error.message)
    if isinstance(error, BadFilter):
        field = field or "filter"
    mend = error.mend or _SEE
    reason = error.reason if isinstance(error, OutOfBounds) else None
    return Problem(title=message, status=status, mend=mend, field=field, reason=reason, retryable=status in {429, 503})


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


def _of_http(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    if error.status_code == _NOT_MODIFIED:
        return Response(status_code=_NOT_MODIFIED, headers=error.headers)
    if error.status_code == _NO_SUCH_METHOD:
        methods = _methods(request)
        problem = Problem(title=f"{request.method[:20]} is not for this path", status=_NO_SUCH_METHOD)
        return answer(
            problem.model_copy(update={"mend": f"ask with {' or '.join(methods)}"}), {"Allow": ", ".join(methods)}
        )
    return answer(Problem(title=str(error.detail), status=error.status_code), error.headers)


def _methods(request: Request) -> list[str]:
    """What may be asked of the path: of all its routes, where the framework tells the first one's."""
    contexts = iter_route_contexts(request.app.routes)
    return sorted({one for each in contexts if each.path_regex.match(request.url.path) for one in each.methods or ()})


def _of_the_machine(_: Request, error: Exception) -> JSONResponse:
    _log.warning("a request could not be answered: %s", error)
    title = "the server cannot read or write its files at present"
    return answer(Problem(title=title, status=503, mend="see its log", retryable=True), _RETRY)


def _unexpected(request: Request, error: Exception) -> JSONResponse:
    _log.error("an error of ours at %s %s", request.method, request.url.path[:200], exc_info=error)
    return answer(Problem(title="an error of ours", status=500, mend="see the server's log"))
