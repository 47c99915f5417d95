"""Annotations: texts in which `{{ labels.model }}` and `{{ value }}` are filled in.

In: a rule and what changed. Out: its texts, short, whatever a label holds; a template that fails becomes a text that
says so. Templates are expressions and conditions over a handful of names: no loops, no calls, so that the longest
template ends in microseconds and its text is at most as long as what goes into it.
"""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from math import isfinite
from typing import Any, Final

from jinja2 import Template, TemplateError, nodes
from jinja2.sandbox import SandboxedEnvironment

from exporter.alert.quantity import Unit, shown
from exporter.alert.rule import Rule
from exporter.alert.shapes import Change, Labels
from exporter.errors import AxError

LONGEST: Final = 2_000
"""Characters of an annotation; more is cut."""
_LONGEST_TEMPLATE: Final = 4_000
_LONGEST_LABEL: Final = 500
_MOST_DIGITS: Final = 15
NAMES: Final = frozenset(
    {"labels", "value", "threshold", "expected", "severity", "rule", "description", "state", "window", "by", "reason"}
)
_NUMBERS: Final = frozenset({"abs", "float", "int", "round"})
_FILTERS: Final = _NUMBERS | {"capitalize", "default", "d", "length", "lower", "title", "trim", "truncate", "upper"}
_TESTS: Final = frozenset({"defined", "undefined", "none", "number", "string", "true", "false", "in"})
_ALLOWED: Final = (
    nodes.Template,
    nodes.Output,
    nodes.TemplateData,
    nodes.Name,
    nodes.Const,
    nodes.Getattr,
    nodes.Getitem,
    nodes.Filter,
    nodes.Test,
    nodes.If,
    nodes.CondExpr,
    nodes.Compare,
    nodes.Operand,
    nodes.And,
    nodes.Or,
    nodes.Not,
    nodes.Neg,
    nodes.Pos,
    nodes.Concat,
    nodes.Add,
    nodes.Sub,
    nodes.Mul,
    nodes.Div,
    nodes.Keyword,
    nodes.Tuple,
    nodes.List,
)


class BadTemplate(AxError):
    """A template cannot be used; `line` counts from 1 within it."""

    def __init__(self, line: int, message: str, *, mend: str = "") -> None:
        super().__init__(message, mend=mend)
        self.line = line


class Number(float):
    """A value that is written as people read it, and is still a number: `{{ value }}`, `{% if value > 2e9 %}`."""

    unit: Unit

    def __new__(cls, value: float, unit: Unit) -> "Number":  # noqa: PYI034 (Self would lose the unit)
        """`unit` says how it is written."""
        made = super().__new__(cls, value)
        made.unit = unit
        return made

    def __str__(self) -> str:
        """Such as `2.35 s`."""
        return shown(float(self), self.unit)


class _Environment(SandboxedEnvironment):
    """Arithmetic is of numbers alone: `"x" * 10**9` would be a gigabyte."""

    intercepted_binops = frozenset({"+", "-", "*", "/"})

    def getattr(self, obj: Any, attribute: str) -> Any:
        """A label, and nothing that a dict of Python's has."""
        return self.getitem(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        """A label; empty where there is none of that name."""
        return obj.get(argument, "") if isinstance(obj, dict) else self.undefined(obj=obj, name=str(argument))

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """A sum, difference, product or quotient of numbers."""
        if not isinstance(left, int | float) or not isinstance(right, int | float):
            raise TemplateError(f"{operator} is for numbers; join texts with ~")
        made = super().call_binop(context, operator, float(left), float(right))
        if not isinstance(made, float) or not isfinite(made):
            raise TemplateError(f"{operator} gives no number")
        return made


_ENVIRONMENT: Final = _Environment(autoescape=False, optimized=False)  # each channel escapes in its own way


def render(rule: Rule, change: Change) -> Labels:
    """The rule's annotations for a change; never raises."""
    if not rule.annotations:
        return ()
    given = _given(rule, change)
    return tuple(sorted((name, rendered(text, given)) for name, text in rule.annotations.items()))


def rendered(text: str, given: Mapping[str, object]) -> str:
    """`text` with the values of `NAMES` filled in; why not, where it cannot be."""
    if "{" not in text:
        return text[:LONGEST]
    try:
        made = _compiled(text).render(given)
    except AxError as error:
        made = f"[this text cannot be made: {error.message}]"
    except Exception as error:  # noqa: BLE001 (a template's own mistakes are of any kind)
        made = f"[this text cannot be made: {' '.join(str(error).split())[:200]}]"
    made = made.encode(errors="replace").decode()  # "\ud800" in a template is half a character, which nothing takes
    return made if len(made) <= LONGEST else f"{made[: LONGEST - 1]}…"


def check(rule: Rule) -> Iterator[tuple[str, BadTemplate]]:
    """The annotations of a rule that cannot be used, by name, and why."""
    for name, text in rule.annotations.items():
        try:
            _compiled(text)
        except BadTemplate as error:
            yield name, error


def _given(rule: Rule, change: Change) -> dict[str, object]:
    known = dict.fromkeys(rule.by, "") | dict(change.labels) | {"alertname": rule.alert}
    return {
        "labels": {name: text[:_LONGEST_LABEL] for name, text in known.items()},
        "value": _number(change.value, rule.unit),
        "threshold": _number(change.threshold, rule.unit),
        "expected": _number(change.expected, rule.unit),
        "severity": change.severity,
        "rule": rule.alert,
        "description": rule.description,
        "state": change.to_state,
        "window": shown(rule.asked.window_ns or rule.window, "ns"),
        "by": ", ".join(f"{name}={known[name][:_LONGEST_LABEL]}" for name in rule.by),
        "reason": change.reason,
    }


def _number(value: float | None, unit: Unit) -> Number | str:
    return "no value" if value is None else Number(value, unit)


@lru_cache(maxsize=2_048)
def _compiled(text: str) -> Template:
    """The template. Raises `BadTemplate` where it is none, or does more than fill in."""
    if len(text) > _LONGEST_TEMPLATE:
        raise BadTemplate(1, f"longer than {_LONGEST_TEMPLATE} characters", mend="write less, and link to the rest")
    try:
        tree = _ENVIRONMENT.parse(text)
        _check(tree)
        return _ENVIRONMENT.from_string(text)
    except (SyntaxError, MemoryError):  # of Python's compiler, which has limits of its own
        raise BadTemplate(1, "nested too deeply", mend="write it flatter") from None
    except TemplateError as error:
        line = getattr(error, "lineno", None) or 1
        message = " ".join(str(error.message or error).split())
        raise BadTemplate(line, message, mend="write {{ labels.NAME }} or {{ value }}") from None
    except RecursionError:
        raise BadTemplate(1, "nested too deeply", mend="write it flatter") from None


def _check(tree: nodes.Template) -> None:
    for node in tree.find_all(nodes.Node):
        line = node.lineno or 1
        if isinstance(node, nodes.Name) and node.name not in NAMES:
            what = f"{node.name} is no name of a template's"
            raise BadTemplate(line, what, mend=f"names are {', '.join(sorted(NAMES))}; a label is labels.{node.name}")
        if isinstance(node, nodes.Filter) and node.name not in _FILTERS:
            raise BadTemplate(line, f"no filter {node.name}", mend=f"filters are {', '.join(sorted(_FILTERS))}")
        if isinstance(node, nodes.Filter) and node.name == "round" and not _is_short(node):
            raise BadTemplate(line, "round takes a number of digits up to 15", mend="write value | round(2)")
        if isinstance(node, nodes.Test) and node.name not in _TESTS:
            raise BadTemplate(line, f"no test {node.name}", mend=f"tests are {', '.join(sorted(_TESTS))}")
        if isinstance(node, nodes.Getattr | nodes.Getitem) and not _is_label(node):
            raise BadTemplate(line, "only labels have parts", mend="write labels.NAME or labels['NAME']")
        if not isinstance(node, _ALLOWED):
            what = f"{type(node).__name__.lower()} cannot be in an annotation"
            raise BadTemplate(line, what, mend="write {{ … }} and {% if … %} alone")


def _is_short(node: nodes.Filter) -> bool:
    """Whether it rounds to few digits: it reckons with ten to that power, of whatever size."""
    if node.kwargs or node.dyn_args is not None or node.dyn_kwargs is not None or len(node.args) > 1:
        return False
    return all(isinstance(one, nodes.Const) and one.value in range(_MOST_DIGITS + 1) for one in node.args)


def _is_label(node: nodes.Getattr | nodes.Getitem) -> bool:
    part = node.node
    if not isinstance(part, nodes.Name) or part.name != "labels":
        return False
    return isinstance(node, nodes.Getattr) or isinstance(node.arg, nodes.Const)
