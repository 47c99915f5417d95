"""All rules there are: those that come with us, those of `DATA/rules/`, those made over the API.

In: documents, kept rules, who was turned on or off by hand. Out: rules to watch; what is wrong between files.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Final

from exporter.alert import template
from exporter.alert.rule import Group, Rule, Watched
from exporter.rules import BadRules, Document, Problem, read_directory

SECTION: Final = "groups"
FOLDER: Final = "rules"
"""In the data directory."""
OWN: Final = "api"
"""The group of rules made over the API that name none."""
_DEFAULTS: Final = Path(__file__).parent / "defaults"


@cache
def defaults() -> tuple[Watched, ...]:
    """The rules that come with us."""
    documents, problems = read_directory(_DEFAULTS, {SECTION: Group})
    if problems:
        raise BadRules(problems)
    return tuple(watched for document in documents for watched in _of(document, "default"))


def declared(
    documents: Sequence[Document],
    *,
    with_defaults: bool = True,
    kept: Sequence[tuple[str, Rule]] = (),
    toggled: Mapping[str, bool] | None = None,
) -> tuple[tuple[Watched, ...], tuple[Problem, ...]]:
    """All rules, and what is wrong between files: a rule that is there twice, templates that cannot be used.

    A file's rule takes the place of a default of the same id; of two in files the first counts. `kept` are group and
    rule of those made over the API, `toggled` says which ids were turned on or off by hand.
    """
    found: dict[str, Watched] = {one.id: one for one in defaults()} if with_defaults else {}
    problems: list[Problem] = []
    groups: dict[str, Group] = {}
    for document in documents:
        for number, group in enumerate(_groups(document)):
            if group.name in groups:
                told = f"there are two groups {group.name}", "rename one, or put their rules together"
                problems.append(document.problem((SECTION, number, "name"), *told))
                continue
            groups[group.name] = group
            for place, watched in enumerate(_watched(document, number, group)):
                problems += _unusable(document, (SECTION, number, "rules", place), watched.rule)
                found[watched.id] = watched
    for name, rule in kept:
        group = groups.get(name) or Group(name=name, rules=(rule,))
        identity = f"{name}/{rule.alert}"
        if identity not in found or found[identity].origin == "default":
            found[identity] = Watched(identity, rule, group, "api", rule.enabled)
    switched = toggled or {}
    return tuple(_switched(one, switched.get(one.id)) for one in found.values()), tuple(problems)


def _of(document: Document, origin: str) -> Iterator[Watched]:
    for group in _groups(document):
        for rule in group.rules:
            yield Watched(f"{group.name}/{rule.alert}", rule, group, origin, rule.enabled)


def _groups(document: Document) -> Iterator[Group]:
    for group in document.entries.get(SECTION, ()):
        if isinstance(group, Group):
            yield group


def _watched(document: Document, number: int, group: Group) -> Iterator[Watched]:
    for place, rule in enumerate(group.rules):
        line = document.line(SECTION, number, "rules", place)
        origin = f"{document.source}:{line}"
        yield Watched(f"{group.name}/{rule.alert}", rule, group, origin, rule.enabled)


def _unusable(document: Document, path: tuple[str | int, ...], rule: Rule) -> Iterator[Problem]:
    for name, error in template.check(rule):
        yield document.problem((*path, "annotations", name), f"annotation {name}: {error.message}", error.mend)


def _switched(watched: Watched, on: bool | None) -> Watched:  # noqa: FBT001 (what somebody's hand says)
    if on is None or on == watched.enabled:
        return watched
    return Watched(watched.id, watched.rule, watched.group, watched.origin, on)
