"""Which alerts are meant: by label, by rule, by severity.

In: matchers and a change. Out: yes or no. In a value `*` stands for any text, as in the filter language.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from exporter.alert.shapes import Change
from exporter.errors import BadConfig

Operator = Literal["=", "!="]
_WRITTEN: Final = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_.]{0,99})\s*(!=|=)\s*(.*?)\s*", re.DOTALL)
_LONGEST: Final = 1_000


@dataclass(frozen=True, slots=True)
class Matcher:
    """A name, whether its value is to be like `value` or not, and that. A label that is not there is the empty text."""

    name: str
    operator: Operator
    value: str

    def __str__(self) -> str:
        """As `parse` reads it."""
        return f"{self.name}{self.operator}{self.value}"


def parse(text: str) -> Matcher:
    """A matcher such as `team=chat`, `model=gpt-*`, `severity!=info`. Raises `BadConfig`."""
    found = _WRITTEN.fullmatch(text) if len(text) <= _LONGEST else None  # its time is the square of the length
    if found is None:
        raise BadConfig(
            f"cannot read {text[:100]!r} as a matcher", mend="write team=chat, model=gpt-* or severity!=info"
        )
    return Matcher(found[1], "!=" if found[2] == "!=" else "=", found[3])


def names_of(change: Change) -> dict[str, str]:
    """What an alert can be told by: its labels, and `alert`, `rule`, `severity`, `tenant`, `episode`, which are ours.

    `alert` is the rule's name, `rule` its id.
    """
    return dict(change.labels) | {
        "alert": change.rule,
        "rule": change.rule_id,
        "severity": change.severity,
        "tenant": change.tenant_id,
        "episode": change.episode,
        "fingerprint": change.fingerprint,
    }


def matches(match: Mapping[str, Sequence[str]], names: Mapping[str, str]) -> bool:
    """Whether each of the names has one of the values that are asked of it."""
    return all(any(like(names.get(name, ""), value) for value in values) for name, values in match.items())


def fulfils(matchers: Sequence[Matcher], names: Mapping[str, str]) -> bool:
    """Whether all matchers hold."""
    return all(like(names.get(one.name, ""), one.value) == (one.operator == "=") for one in matchers)


def like(value: str, pattern: str) -> bool:
    """Whether a value is as the pattern says; time is linear in both for one `*`, and bounded for many."""
    if "*" not in pattern:
        return value == pattern
    first, *others = pattern.split("*")
    if not value.startswith(first):
        return False
    at = len(first)
    for part in others[:-1]:
        at = value.find(part, at)
        if at < 0:
            return False
        at += len(part)
    last = others[-1]
    return len(value) - len(last) >= at and value.endswith(last)
