"""The filter language: `provider = "openai" and duration > 2s and model ~ "gpt-*"`.

In: text, and the subject that it is about. Out: SQL with bound parameters, or an error that points at the column.

    expression := all ("or" all)*            all := one ("and" one)*
    one        := "not" one | "(" expression ")" | FIELD operator VALUE | FIELD ["not"] "in" "(" VALUE, … ")"
                | FIELD "exists" | FIELD          (a field that is true or false)
    operator   := = != < <= > >= ~ !~          (~: a pattern of * and ?)
    VALUE      := "text" | word | 5 | 2.5s | $0.01 | true | false

A field that a record has not is equal to nothing, and comparing it is false, also under `not`: `not duration > 2s`
holds for a record without a duration. A name with a dot in it is an attribute.
"""

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from exporter.errors import AxError
from exporter.query.fields import Field, Kind, Subject
from exporter.units import NS_BY_UNIT

NANOS: Final = 10**9
_DEEPEST: Final = 40
_MOST: Final = 2**63 - 1  # no stored figure is more; DuckDB takes no number beyond 128 bits
_ORDER: Final = frozenset({"<", "<=", ">", ">="})
_OPPOSITE: Final = {"=": "!=", "!=": "=", "<": ">=", ">=": "<", ">": "<=", "<=": ">", "~": "!~", "!~": "~"}
_TOKEN: Final = re.compile(
    r"""\s*(?:
        (?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
      | (?P<operator>!=|<=|>=|!~|==|=|<|>|~)
      | (?P<mark>[(),])
      | (?P<word>[^\s"'()<>=!~,]+)
    )""",
    re.VERBOSE,
)
_NUMBER: Final = re.compile(r"(?P<dollar>\$?)(?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d{1,3})?)(?P<unit>[a-zµ]*)")
_NAME: Final = re.compile(r"[A-Za-z_][\w.-]*")
_RESERVED: Final = frozenset({"and", "or", "not", "in", "exists"})


class BadFilter(AxError):
    """A filter cannot be read; `column` counts from 1, `picture` is the text with a mark below it."""

    def __init__(self, text: str, at: int, message: str, *, mend: str = "") -> None:
        super().__init__(f"column {at + 1}: {message}", mend=mend)
        self.column = at + 1
        self.picture = f"  {text}\n  {' ' * at}^"


@dataclass(frozen=True, slots=True)
class Condition:
    """SQL for a WHERE clause, with the values of its `$parameters`."""

    sql: str = "true"
    parameters: Mapping[str, object] = field(default_factory=dict)

    def both(self, other: "Condition") -> "Condition":
        """What fulfils this and `other`, whose parameters have other names."""
        if self.sql == "true":
            return other
        if other.sql == "true":
            return self
        return Condition(f"{self.sql} AND {other.sql}", {**self.parameters, **other.parameters})


EVERYTHING: Final = Condition()


def parse(text: str | None, subject: Subject, prefix: str = "filter") -> Condition:
    """The condition that `text` sets for records of `subject`; none where it is empty.

    Parameters are named `{prefix}_1` and so on. Raises `BadFilter`.
    """
    if text is None or not text.strip():
        return EVERYTHING
    return _Parser(text, subject, prefix).condition()


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    at: int


def _tokens(text: str) -> Iterator[_Token]:
    at = 0
    while at < len(text.rstrip()):
        match = _TOKEN.match(text, at)
        if match is None:
            start = at + len(text[at:]) - len(text[at:].lstrip())
            quoted = text[start] in "\"'"
            problem = "this text has no end" if quoted else f"cannot read {text[start]!r} here"
            raise BadFilter(text, start, problem, mend="close it with the same quote" if quoted else "")
        kind = str(match.lastgroup)
        yield _Token(kind, match[kind], match.start(kind))
        at = match.end()
    yield _Token("end", "", len(text.rstrip()))


class _Parser:
    """Reads one filter from left to right; `negated` is carried down to the comparisons, so that NULL stays false."""

    def __init__(self, text: str, subject: Subject, prefix: str) -> None:
        self._text = text
        self._subject = subject
        self._prefix = prefix
        self._tokens = list(_tokens(text))
        self._place = 0
        self._depth = 0
        self._parameters: dict[str, object] = {}

    def condition(self) -> Condition:
        sql = self._any(negated=False)
        if self._now.kind != "end":
            raise self._error(self._now, f"cannot read {self._now.text!r} here", "join conditions with and, or")
        return Condition(f"({sql})", self._parameters)

    @property
    def _now(self) -> _Token:
        return self._tokens[self._place]

    def _next(self) -> _Token:
        token = self._now
        if token.kind != "end":
            self._place += 1
        return token

    def _takes(self, word: str) -> bool:
        is_it = self._now.kind in {"word", "mark"} and self._now.text.lower() == word
        self._place += is_it
        return is_it

    def _any(self, *, negated: bool) -> str:
        parts = [self._all(negated=negated)]
        while self._takes("or"):
            parts.append(self._all(negated=negated))
        return _joined(parts, "AND" if negated else "OR")

    def _all(self, *, negated: bool) -> str:
        parts = [self._one(negated=negated)]
        while self._takes("and"):
            parts.append(self._one(negated=negated))
        return _joined(parts, "OR" if negated else "AND")

    def _one(self, *, negated: bool) -> str:
        start = self._now
        self._depth += 1
        if self._depth > _DEEPEST:
            raise self._error(start, f"more than {_DEEPEST} levels", "write fewer parentheses")
        if self._takes("not"):
            sql = self._one(negated=not negated)
        elif self._takes("("):
            sql = self._any(negated=negated)
            if not self._takes(")"):
                raise self._error(self._now, "a ) is missing", f"it closes the ( at column {start.at + 1}")
        else:
            sql = self._comparison(negated=negated)
        self._depth -= 1
        return sql

    def _comparison(self, *, negated: bool) -> str:
        name = self._next()
        if name.kind != "word" or name.text.lower() in _RESERVED or not _NAME.fullmatch(name.text):
            what = f"{name.text!r} is no field" if name.text else "a condition is missing"
            raise self._error(name, what, self._known())
        of = self._field(name)
        if self._takes("exists"):
            return f"{of.sql} IS {'' if negated else 'NOT '}NULL"
        excluded = self._takes("not")
        if self._takes("in"):
            return self._in(of, negated=negated != excluded)
        operator = self._next()
        if operator.kind != "operator" or excluded:
            if of.kind is Kind.FLAG and not excluded:
                self._place -= operator.kind != "end"
                return _truth(of, wanted=not negated)
            raise self._error(operator, "an operator is missing", "write one of = != < <= > >= ~ !~ in exists")
        sign = {"==": "="}.get(operator.text, operator.text)
        return self._compared(of, sign, operator, negated=negated)

    def _compared(self, of: Field, sign: str, operator: _Token, *, negated: bool) -> str:
        if sign in {"~", "!~"} and of.kind is not Kind.TEXT:
            raise self._error(operator, f"{sign} compares text, and this is {of.kind.value}", "use = or <")
        if sign in _ORDER and of.kind in {Kind.TEXT, Kind.FLAG} and not _is_attribute(of, self._subject):
            raise self._error(operator, f"{sign} compares numbers, and this is {of.kind.value}", "use = or ~")
        value = self._value(of, sign)
        if of.kind is Kind.FLAG:
            return _truth(of, wanted=bool(value) == ((sign == "=") != negated))
        sql = of.sql
        if sign in _ORDER and of.kind is Kind.TEXT:  # an attribute: its text may be a number
            sql = f"TRY_CAST({of.sql} AS DOUBLE)"
        if negated:
            missing = sign in _ORDER or sign in {"=", "~"}
            return _sign_sql(sql, _OPPOSITE[sign], self._bound(value), or_missing=missing)
        return _sign_sql(sql, sign, self._bound(value), or_missing=sign in {"!=", "!~"})

    def _in(self, of: Field, *, negated: bool) -> str:
        if not self._takes("("):
            raise self._error(self._now, "a list is missing", 'write in ("a", "b")')
        values = [self._bound(self._value(of, "="))]
        while self._takes(","):
            values.append(self._bound(self._value(of, "=")))
        if not self._takes(")"):
            raise self._error(self._now, "the list has no end", "close it with )")
        listed = f"{of.sql} IN ({', '.join(values)})"
        return f"({of.sql} IS NULL OR NOT {listed})" if negated else listed

    def _field(self, name: _Token) -> Field:
        fields = self._subject.fields
        if name.text in fields:
            return fields[name.text]
        if "." in name.text and self._subject.attributes:
            return Field(f"{self._subject.attributes}[{self._bound(name.text)}]")
        near = difflib.get_close_matches(name.text, fields, n=1)
        what = f"{self._subject.name} have no field {name.text!r}"
        raise self._error(name, what, f"did you mean {near[0]}?" if near else self._known())

    def _known(self) -> str:
        more = ", or an attribute such as http.route" if self._subject.attributes else ""
        return f"fields are {', '.join(self._subject.fields)}{more}"

    def _value(self, of: Field, sign: str) -> object:
        token = self._next()
        if token.kind == "text":
            text = re.sub(r"\\(.)", r"\1", token.text[1:-1])
        elif token.kind == "word":
            text = token.text
        else:
            raise self._error(token, "a value is missing", f"write {_EXAMPLES[of.kind]}")
        if of.kind is Kind.TEXT:
            if sign not in _ORDER:
                return text
            return self._number(Field(of.sql, Kind.NUMBER), token, text)
        if of.kind is Kind.FLAG:
            if text.lower() not in {"true", "false"}:
                raise self._error(token, f"{text!r} is not true or false", "write true or false")
            return text.lower() == "true"
        return self._number(of, token, text)

    def _number(self, of: Field, token: _Token, text: str) -> object:
        match = _NUMBER.fullmatch(text)
        units = {Kind.DURATION: NS_BY_UNIT}.get(of.kind, {"": 1})
        if match is None or match["unit"] not in units or (match["dollar"] and of.kind is not Kind.MONEY):
            raise self._error(token, f"cannot read {text!r} as {of.kind.value}", f"write {_EXAMPLES[of.kind]}")
        number = Decimal(match["number"])
        if of.kind is Kind.NUMBER:
            return int(number) if number == number.to_integral_value() and abs(number) < 2**62 else float(number)
        whole = int(number * (NANOS if of.kind is Kind.MONEY else units[match["unit"]]))
        return min(max(whole, -_MOST), _MOST)

    def _bound(self, value: object) -> str:
        name = f"{self._prefix}_{len(self._parameters) + 1}"
        self._parameters[name] = value
        return f"${name}"

    def _error(self, token: _Token, message: str, mend: str) -> BadFilter:
        return BadFilter(self._text, token.at, message, mend=mend)


_EXAMPLES: Final = {
    Kind.TEXT: '"text"',
    Kind.NUMBER: "a number such as 5 or 2.5",
    Kind.DURATION: "a number and a unit, such as 250ms, 2s or 5m",
    Kind.MONEY: "US dollars such as $0.05",
    Kind.FLAG: "true or false",
}


def _joined(parts: list[str], word: str) -> str:
    return parts[0] if len(parts) == 1 else f"({f' {word} '.join(parts)})"


def _truth(of: Field, *, wanted: bool) -> str:
    return of.sql if wanted else f"{of.sql} IS NOT TRUE"


def _is_attribute(of: Field, subject: Subject) -> bool:
    return bool(subject.attributes) and of.sql.startswith(f"{subject.attributes}[")


def _sign_sql(sql: str, sign: str, parameter: str, *, or_missing: bool) -> str:
    if sign in {"~", "!~"}:
        compared = f"{'NOT ' if sign == '!~' else ''}{sql} GLOB {parameter}"
    else:
        compared = f"{sql} {'<>' if sign == '!=' else sign} {parameter}"
    return f"({sql} IS NULL OR {compared})" if or_missing else compared
