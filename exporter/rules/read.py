"""Reading files of rules: every entry checked by its model, every mistake at its line and column.

In: text, and which section has which model. Out: a `Document`; or `BadRules` with all problems.
"""

import difflib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from exporter.errors import AxError, BadConfig
from exporter.rules.problems import BadRules, Problem, picture
from exporter.rules.tree import Bad, Place, Tree, parse

Entry = TypeVar("Entry", bound=BaseModel)

SUFFIXES: Final = (".yaml", ".yml")
LARGEST_BYTES: Final = 2**20
_NEAR: Final = 0.6
_LONGEST_MESSAGE: Final = 500
"""A message may quote what was written, which may be a whole file."""
_SAID: Final = {
    "missing": "{name} is missing",
    "extra_forbidden": "unknown key {name}",
    "model_type": "here belong keys with values, not {input}",
    "dict_type": "here belong keys with values, not {input}",
    "tuple_type": "here belongs a list, not {input}",
    "list_type": "here belongs a list, not {input}",
    "string_type": "{input} is no text",
    "bool_parsing": "{input} is neither true nor false",
    "bool_type": "{input} is neither true nor false",
    "int_type": "{input} is no whole number",
    "int_parsing": "{input} is no whole number",
    "int_from_float": "{input} is no whole number",
    "float_parsing": "{input} is no number",
    "float_type": "{input} is no number",
    "literal_error": "{input} is none of {expected}",
    "string_too_long": "longer than {max_length} characters",
    "string_too_short": "it is empty",
    "too_long": "more than {max_length} entries",
}


@dataclass(frozen=True, slots=True)
class Document:
    """A file that was read: the entries of each section, in their order."""

    source: str
    text: str
    entries: Mapping[str, tuple[BaseModel, ...]]
    places: Mapping[Place, tuple[int, int]]

    def line(self, *path: str | int) -> int:
        """The line of an entry, or of what is in it: `line("groups", 0, "rules", 2, "filter")`."""
        return _nearest(self.places, path)[0]

    def problem(self, path: Sequence[str | int], message: str, mend: str = "") -> Problem:
        """What is wrong at a place, found by somebody who knows more than the models."""
        return _problem(self.source, self.text, self.places, tuple(path), message, mend)


def read(text: str, source: str, sections: Mapping[str, type[BaseModel]]) -> Document:
    """The entries of `text`, whose top level has `sections` alone; `source` is the file's name in messages.

    Raises `BadRules` with all that is wrong; where the text is no YAML, that is the first thing.
    """
    try:
        tree = parse(text)
    except Bad as bad:
        place = bad.line, bad.column
        problem = Problem(source, *place, bad.message, bad.mend, picture(text, *place))
        raise BadRules([problem]) from None
    found = [_problem(source, text, tree.places, path, what, mend) for path, what, mend in tree.mistakes]
    entries: dict[str, tuple[BaseModel, ...]] = {}
    if tree.value is not None and not isinstance(tree.value, dict):
        names = ", ".join(f"{name}:" for name in sections)
        found.append(_problem(source, text, tree.places, (), "a file of rules has sections", f"begin with {names}"))
    else:
        entries, more = _entries(tree, source, text, sections)
        told = {(one.line, one.column) for one in found}  # what is no value of YAML's is no good one for a model either
        found += [one for one in more if (one.line, one.column) not in told]
    if found:
        raise BadRules(found)
    return Document(source, text, entries, tree.places)


def read_directory(directory: Path, sections: Mapping[str, type[BaseModel]]) -> tuple[list[Document], list[Problem]]:
    """What the files of a directory hold, and what is wrong with those that cannot be used; a file is used whole."""
    documents: list[Document] = []
    problems: list[Problem] = []
    for path in listed(directory):
        try:
            documents.append(read_file(path, sections))
        except BadRules as error:
            problems += error.problems
    return documents, problems


def listed(directory: Path) -> list[Path]:
    """The files of rules in a directory, by name; hidden ones, and others' folders, are not ours."""
    if not directory.is_dir():
        return []
    return sorted(
        path
        for path in directory.iterdir()
        if path.suffix in SUFFIXES and not path.name.startswith(".") and path.is_file()
    )


def read_file(path: Path, sections: Mapping[str, type[BaseModel]]) -> Document:
    """One file. Raises `BadRules`, also where it cannot be read."""
    try:
        with path.open("rb") as file:
            raw = file.read(LARGEST_BYTES + 1)
        if len(raw) > LARGEST_BYTES:
            raise BadRules([Problem(str(path), 1, 1, "more than 1 MiB of rules", "split the file")])
        text = raw.decode()
    except OSError as error:
        raise BadRules([Problem(str(path), 1, 1, f"cannot read it: {error.strerror}", "check path and mode")]) from None
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise BadRules([Problem(str(path), line, 1, "it is not UTF-8 text", "save it as UTF-8")]) from None
    return read(text, str(path), sections)


def entry_of(definition: Mapping[str, Any], model: type[Entry]) -> Entry:
    """One entry, as programs give it: JSON. Raises `BadConfig`, which names the first field that is wrong."""
    try:
        json.dumps(definition, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        mend = "write \\ud800 to \\udfff in pairs, or not at all"
        raise BadConfig("a text holds half a character", mend=mend) from None
    try:
        return model.model_validate(definition)
    except ValidationError as error:
        path, message, mend = said(error.errors(include_url=False)[0], model)
        where = f"{'.'.join(map(str, path))}: " if path else ""
        raise BadConfig(f"{where}{message}", mend=mend) from None


# ── Models and what they find wrong ───────────────────────────────────────────────────────────────────────────────


def _entries(
    tree: Tree, source: str, text: str, sections: Mapping[str, type[BaseModel]]
) -> tuple[dict[str, tuple[BaseModel, ...]], list[Problem]]:
    entries: dict[str, tuple[BaseModel, ...]] = {}
    found: list[Problem] = []
    for name, raw in (tree.value or {}).items():
        if name not in sections:
            mend = _near(name, sections) or f"sections are {', '.join(sections)}"
            found.append(_problem(source, text, tree.places, (name,), f"unknown section {name}", mend))
        elif not isinstance(raw, list):
            if raw is not None:
                told = f"{name} is a list", "begin each entry with `- `"
                found.append(_problem(source, text, tree.places, (name,), *told))
        else:
            made: list[BaseModel] = []
            for number, item in enumerate(raw):
                try:
                    made.append(sections[name].model_validate(item))
                except ValidationError as error:
                    for each in error.errors(include_url=False):
                        path, what, mend = said(each, sections[name])
                        found.append(_problem(source, text, tree.places, (name, number, *path), what, mend))
                except AxError as error:
                    place = (name, number)
                    found.append(_problem(source, text, tree.places, place, error.message, error.mend))
            entries[name] = tuple(made)
    return entries, found


def said(error: ErrorDetails, model: type[BaseModel]) -> tuple[Place, str, str]:
    """Where in the entry, what is wrong, and the mend."""
    path = tuple(error["loc"])
    context: dict[str, Any] = dict(error.get("ctx") or {})
    kind = error["type"]
    if kind == "ax":
        return path, str(context["message"]), str(context["mend"])
    if kind == "extra_forbidden":
        return path, f"unknown key {path[-1]}", _near(str(path[-1]), _keys(model, path[:-1]))
    raised = context.get("error")
    if raised is not None and hasattr(raised, "mend"):  # an AxError of a unit's reader
        return path, str(raised.message), str(raised.mend)
    words = {"name": path[-1] if path else "an entry", "input": _short(error["input"])} | context
    message = _SAID[kind].format_map(words) if kind in _SAID else error["msg"].removeprefix("Value error, ")
    mend = ""
    if kind == "literal_error" and isinstance(error["input"], str):
        mend = _near(error["input"], str(context["expected"]).replace("'", "").replace(" or ", ", ").split(", "))
    return (path[:-1] if kind == "missing" else path), message, mend


def _keys(model: type[BaseModel], path: Place) -> list[str]:
    """The keys of the model at a path within an entry."""
    for step in path:
        if isinstance(step, int):
            continue
        inner = next((f.annotation for n, f in model.model_fields.items() if step in {n, f.alias}), None)
        model = next(iter(_models(inner)), model)
    return [field.alias or name for name, field in model.model_fields.items()]


def _models(annotation: object) -> Iterable[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return chain.from_iterable(_models(part) for part in getattr(annotation, "__args__", ()))


def _near(name: object, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(str(name), list(known), n=1, cutoff=_NEAR)
    return f"did you mean {near[0]}?" if near else ""


def _short(value: object) -> str:
    if isinstance(value, dict):
        return "keys with values"
    if isinstance(value, list):
        return "a list"
    if value is None:
        return "nothing"
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…"  # noqa: PLR2004 (what fits a line)


def _problem(
    source: str, text: str, places: Mapping[Place, tuple[int, int]], path: Place, message: str, mend: str
) -> Problem:
    line, column = _nearest(places, path)
    told = message if len(message) <= _LONGEST_MESSAGE else f"{message[:_LONGEST_MESSAGE]}…"
    return Problem(source, line, column, told, mend, picture(text, line, column))


def _nearest(places: Mapping[Place, tuple[int, int]], path: Place) -> tuple[int, int]:
    """The place of a path, or of the innermost part of it that is in the text."""
    while path and path not in places:
        path = path[:-1]
    return places.get(path, (1, 1))
