"""OpenAPI as the routes really answer.

In: what FastAPI makes of the application. Out: the same where every refusal is a problem, as `problems` answers it.
"""

from typing import Any, Final

from fastapi import FastAPI
from fastapi.encoders import jsonable_encoder

from exporter.api.answers import ANSWERS
from exporter.api.problems import MEDIA, WITH_BODY, Problem, described

Described = dict[str, Any]

_FIRST_REFUSAL: Final = 400
_PROBLEM: Final = {MEDIA: {"schema": {"$ref": "#/components/schemas/Problem"}}}
_THEIRS: Final = ("HTTPValidationError", "ValidationError")
"""What FastAPI says of requests that do not fit; ours are 400 and a `Problem`."""


def describe(app: FastAPI) -> None:
    """Lets the application describe itself so."""
    made = app.openapi
    app.openapi = lambda: app.openapi_schema or _kept(app, corrected(made()))  # type: ignore[method-assign]


def _kept(app: FastAPI, found: Described) -> Described:
    app.openapi_schema = found
    return found


def corrected(found: Described) -> Described:
    """The description, changed in place."""
    schemas = found["components"]["schemas"]
    schemas["Problem"] = jsonable_encoder(Problem.model_json_schema(), exclude_none=True)  # as FastAPI does with others
    found["components"]["schemas"] = dict(sorted(schemas.items()))
    for path, operations in found["paths"].items():
        for method, operation in operations.items():
            _correct(operation)
            if (method, path) in ANSWERS:
                for media in operation["responses"]["200"]["content"].values():
                    media.setdefault("example", ANSWERS[method, path])
            for response in operation["responses"].values():
                for media in response.get("content", {}).values():
                    _complete(media.get("example"), media.get("schema", {}), found["components"]["schemas"])
    for name in _THEIRS:
        found["components"]["schemas"].pop(name, None)
    _simplify(found)
    return found


def _correct(operation: Described) -> None:
    operation["summary"] = _summary(operation)
    responses = operation["responses"]
    if "HTTPValidationError" in str(responses.get("422")):
        del responses["422"]
    if "requestBody" in operation:
        for status, about in described(*WITH_BODY).items():
            responses.setdefault(str(status), {"description": about["description"]})
    for status, about in responses.items():
        if status.isdigit() and int(status) >= _FIRST_REFUSAL and _is_problem(about):
            about["content"] = _PROBLEM
    operation["responses"] = dict(sorted(responses.items()))


def _summary(operation: Described) -> str:
    """The first sentence of what is said of it; FastAPI would take the function's name."""
    said = " ".join(str(operation.get("description") or operation["summary"]).partition("\n\n")[0].split())
    return said.partition(". ")[0].rstrip(".")


def _is_problem(about: Described) -> bool:
    return "content" not in about or MEDIA in about["content"]


def _complete(example: Any, schema: Described, schemas: Described) -> None:
    """Puts back the nulls of an example, which FastAPI leaves out."""
    if "$ref" in schema:
        schema = schemas[schema["$ref"].rpartition("/")[2]]
    for one in schema.get("anyOf", []):
        _complete(example, one, schemas)
    if isinstance(example, list):
        for each in example:
            _complete(each, schema.get("items", {}), schemas)
    elif isinstance(example, dict):
        for name, of_name in schema.get("properties", {}).items():
            if name in schema.get("required", []):
                example.setdefault(name, None)
            _complete(example.get(name), of_name, schemas)


def _simplify(part: Any) -> None:
    """Tuples of one type become arrays of a length: the same, which more readers of OpenAPI understand."""
    if isinstance(part, list):
        for each in part:
            _simplify(each)
    elif isinstance(part, dict):
        prefix = part.get("prefixItems")
        if isinstance(prefix, list) and prefix and all(one == prefix[0] for one in prefix) and "items" not in part:
            part["items"] = part.pop("prefixItems")[0]
        for each in part.values():
            _simplify(each)
