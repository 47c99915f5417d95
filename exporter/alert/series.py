"""Values over time, written as promtool writes them: `'1+2x5 _ stale'`.

In: text. Out: the values of a series, one a step, as numbers of a rule's unit.

| written | is |
|---|---|
| `3`, `2s`, `5%`, `$10` | a value |
| `1+2x3` | 1, 3, 5, 7: a start, a step, how many more |
| `4x3` | 4, four times |
| `NaN`, `null`, `NaNx3` | the group is there and has no value, once or three times |
| `_`, `_x3` | the group is not there, once or three times |
| `stale` | the group has ended: as `_` |
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from exporter.alert.quantity import Unit, in_unit, parse_quantity
from exporter.errors import AxError, BadConfig

MOST_STEPS: Final = 2_000_000
"""A year of quarters of a minute."""
_VALUE: Final = r"-?\$?\d[\d_,]*(?:\.\d+)?(?:[eE][+-]?\d{1,3})?(?:ns|us|µs|ms|[smhd%]|[kMGT]i?B|B)?"
_RUN: Final = re.compile(rf"(?P<first>{_VALUE})(?:(?P<sign>[+-])(?P<by>{_VALUE}))?(?:x(?P<more>\d{{1,7}}))?")
_NOTHING: Final = re.compile(r"(?P<what>_|stale|NaN|null)(?:x(?P<times>\d{1,7}))?")
_NAME: Final = re.compile(r"\s*(?P<name>[^{}\s]+)\s*(?:\{(?P<labels>.*)\}\s*)?", re.DOTALL)
_PAIR: Final = re.compile(r'\s*([A-Za-z_][A-Za-z0-9_.]*)\s*=\s*("(?:[^"\\]|\\.)*")\s*(?:,|$)')

Labels = tuple[tuple[str, str], ...]
Point = tuple[float | None] | None
"""A value, which may be none; None where the group is not there."""


@dataclass(frozen=True, slots=True)
class Run:
    """Values in a row: `first` and `by` as they were written, None where the group is not there or has no value."""

    times: int
    first: str | None = None
    by: str | None = None
    falls: bool = False
    is_there: bool = True


@dataclass(frozen=True)
class Series:
    """What a group's values are over time."""

    text: str

    @cached_property
    def runs(self) -> tuple[Run, ...]:
        """What is written, read. Raises `BadConfig`."""
        runs = tuple(_run(token) for token in self.text.split())
        if sum(run.times for run in runs) > MOST_STEPS:
            raise BadConfig(f"more than {MOST_STEPS:,} values", mend="take a longer interval")
        return runs

    def points(self, unit: Unit) -> list[Point]:
        """A point a step. Raises `BadConfig` where a value is not one of `unit`."""
        return [point for run in self.runs for point in _points(run, unit)]


def named(text: str) -> tuple[str, Labels]:
    """The name and the labels of `name{label="value"}`, sorted. Raises `BadConfig`."""
    match = _NAME.fullmatch(text)
    if match is None:
        raise BadConfig(f"cannot read {text!r} as a series", mend='write name{label="value", other="value"}')
    labels: dict[str, str] = {}
    rest = match["labels"] or ""
    while rest.strip():
        pair = _PAIR.match(rest)
        if pair is None:
            raise BadConfig(f"cannot read the labels of {text!r}", mend='write {label="value", other="value"}')
        labels[pair[1]] = _unquoted(pair[2])
        rest = rest[pair.end() :]
    return match["name"], tuple(sorted(labels.items()))


def written(name: str, labels: Labels) -> str:
    """What `named` reads back."""
    inside = ", ".join(f"{label}={json.dumps(value, ensure_ascii=False)}" for label, value in labels)
    return f"{name}{{{inside}}}" if labels else name


def _unquoted(text: str) -> str:
    try:
        return str(json.loads(text, strict=False))
    except ValueError:
        raise BadConfig(f"cannot read {text} as a text in quotes", mend='escape " and \\ with \\') from None


def _run(token: str) -> Run:
    if nothing := _NOTHING.fullmatch(token):
        return Run(int(nothing["times"] or 1), is_there=nothing["what"] in {"NaN", "null"})
    match = _RUN.fullmatch(token)
    if match is None or (match["sign"] and not match["more"]):
        raise BadConfig(f"cannot read {token!r} as values", mend="write 3, 1+2x5, 4x10, _x3, NaN or stale")
    for part in (match["first"], match["by"]):
        if part is not None:
            parse_quantity(part)
    return Run(int(match["more"] or 0) + 1, match["first"], match["by"], falls=match["sign"] == "-")


def _points(run: Run, unit: Unit) -> Iterator[Point]:
    if not run.is_there:
        yield from [None] * run.times
    elif run.first is None:
        yield from [(None,)] * run.times
    else:
        first, by = _number(run.first, unit), 0.0 if run.by is None else _number(run.by, unit)
        step = -by if run.falls else by
        yield from ((first + step * place,) for place in range(run.times))


def _number(text: str, unit: Unit) -> float:
    try:
        return in_unit(text, unit)
    except AxError as error:
        raise BadConfig(error.message, mend=error.mend) from None
