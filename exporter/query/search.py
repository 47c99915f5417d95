"""The language of log search: `timeout OR "connection refused" -health level:error service:checkout http.route:/chat*`.

In: text. Out: SQL with bound parameters over the view `logs`.
Words and phrases are looked for in body and event name, whatever their case; all must be there but for those that `OR`
joins; `-` excludes; `field:value` compares a field of `fields.LOGS` or an attribute, with `*` and `?` as wildcards.
`level:warn` means warnings and worse.
"""

import difflib
import re
from typing import Final

from exporter.query.fields import LOGS
from exporter.query.filter import BadFilter, Condition

LEVELS: Final = {"trace": 1, "debug": 5, "info": 9, "warn": 13, "warning": 13, "error": 17, "fatal": 21}
"""The least severity number of each level."""

_TERM: Final = re.compile(
    r"""\s*(?P<minus>-?)(?:(?P<field>[A-Za-z_][\w.-]*):)?(?:"(?P<phrase>(?:[^"\\]|\\.)*)"|(?P<word>[^\s"]+))"""
)


def parse(text: str | None, prefix: str = "search") -> Condition:
    """The condition that a search sets; none where it is empty. Raises `BadFilter`."""
    return _Search(text or "", prefix).condition()


class _Search:
    def __init__(self, text: str, prefix: str) -> None:
        self._text = text.rstrip()
        self._prefix = prefix
        self._parameters: dict[str, object] = {}

    def condition(self) -> Condition:
        alternatives: list[list[str]] = []
        at, joins = 0, False
        while at < len(self._text):
            match = _TERM.match(self._text, at)
            if match is None:
                start = at + len(self._text[at:]) - len(self._text[at:].lstrip())
                raise BadFilter(self._text, start, "this phrase has no end", mend='close it with "')
            at = match.end()
            if match["word"] == "OR" and not match["minus"] and match["field"] is None:
                if joins or not alternatives:
                    raise BadFilter(self._text, match.start("word"), "OR joins two terms", mend="write: this OR that")
                joins = True
                continue
            term = self._term(match)
            if joins:
                alternatives[-1].append(term)
            else:
                alternatives.append([term])
            joins = False
        if joins:
            raise BadFilter(self._text, len(self._text), "a term after OR is missing", mend="write: this OR that")
        sql = " AND ".join(terms[0] if len(terms) == 1 else f"({' OR '.join(terms)})" for terms in alternatives)
        return Condition(f"({sql})", self._parameters) if sql else Condition()

    def _term(self, match: re.Match[str]) -> str:
        value = match["word"] if match["phrase"] is None else re.sub(r"\\(.)", r"\1", match["phrase"])
        if match["field"] is not None and (match["word"] or "").startswith("//"):  # a URL is a word
            found = self._contains(f"{match['field']}:{value}")
        elif match["field"] is None:
            found = self._contains(value)
        else:
            found = self._compared(match["field"], value, match.start("field"), is_exact=match["phrase"] is not None)
        return f"({found}) IS NOT TRUE" if match["minus"] else f"({found})"

    def _contains(self, value: str) -> str:
        # A quarter less than ILIKE: 308 against 406 ms of CPU for a million bodies, 182 of which is reading them.
        bound = self._bound(re.escape(value))
        return f"regexp_matches(body, {bound}, 'i') OR regexp_matches(event_name, {bound}, 'i')"

    def _compared(self, name: str, value: str, at: int, *, is_exact: bool) -> str:
        if name == "level":
            if value.lower() not in LEVELS:
                levels = ", ".join(level for level in LEVELS if level != "warning")
                raise BadFilter(self._text, at, f"there is no level {value!r}", mend=f"levels are {levels}")
            return f"severity_number >= {self._bound(LEVELS[value.lower()])}"
        field = LOGS.fields.get(name)
        if field is None and "." not in name:
            near = difflib.get_close_matches(name, [*LOGS.fields, "level"], n=1)
            mend = f"did you mean {near[0]}?" if near else f"fields are level, {', '.join(LOGS.fields)}"
            raise BadFilter(
                self._text, at, f"log records have no field {name!r}", mend=f'{mend}; or quote it: "{name}:{value}"'
            )
        sql = f"attributes[{self._bound(name)}]" if field is None else f"{field.sql}::VARCHAR"
        if not is_exact and re.search(r"[*?]", value):
            return f"{sql} GLOB {self._bound(value)}"
        return f"{sql if field is None or name == 'severity' else field.sql} = {self._bound(value)}"

    def _bound(self, value: object) -> str:
        name = f"{self._prefix}_{len(self._parameters) + 1}"
        self._parameters[name] = value
        return f"${name}"
