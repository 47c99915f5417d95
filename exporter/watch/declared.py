"""All that people have declared: rules, budgets, channels and routes, of our own files, theirs and the API.

In: `DATA/rules/*.yaml`, the rules that come with us, the control database. Out: one frozen page of them, and what is
wrong with files that cannot be used; of such a file the last good text holds.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel

from exporter.alert.declared import FOLDER, declared
from exporter.alert.rule import Group, Rule, Watched
from exporter.budget.budget import Budget, in_force, twice
from exporter.config import Alert
from exporter.notify.declared import Channel, Route, check, effective
from exporter.rules import BadRules, Document, Problem
from exporter.rules.read import listed, read_file

SECTIONS: Final[Mapping[str, type[BaseModel]]] = {
    "groups": Group,
    "budgets": Budget,
    "channels": Channel,
    "routes": Route,
}
"""What a file of rules may hold."""

Stamp = tuple[tuple[str, int, int, int], ...]


@dataclass(frozen=True, slots=True)
class Declared:
    """What is declared now.

    `made` are names of budgets that were made over the API; `channels` those that are told; `problems` those of files
    that cannot be used, and names that do not fit.
    """

    rules: tuple[Watched, ...] = ()
    budgets: tuple[Budget, ...] = ()
    made: frozenset[str] = frozenset()
    channels: tuple[Channel, ...] = ()
    routes: tuple[Route, ...] = ()
    problems: tuple[Problem, ...] = ()
    documents: Mapping[Path, Document] = field(default_factory=dict)

    def groups(self) -> dict[str, tuple[Watched, ...]]:
        """Rules by what they are evaluated with."""
        found: dict[str, list[Watched]] = {}
        for watched in self.rules:
            found.setdefault(watched.group.name, []).append(watched)
        return {name: tuple(rules) for name, rules in found.items()}

    def cooldowns(self) -> dict[str, int]:
        """The cooldown of each rule by its id, nanoseconds."""
        return {watched.id: watched.rule.cooldown for watched in self.rules}

    def origin_of(self, budget: str) -> str:
        """Where a budget is declared: FILE:LINE, `api`, or `default` for what comes with us.

        The file is told without its folder, which is no business of tenants.
        """
        for document in self.documents.values():
            for number, one in enumerate(document.entries.get("budgets", ())):
                if isinstance(one, Budget) and one.name == budget:
                    return f"{Path(document.source).name}:{document.line('budgets', number)}"
        return "api" if budget in self.made else "default"

    def switched_off(self) -> tuple[str, ...]:
        """Ids of rules of which nobody is told."""
        return tuple(watched.id for watched in self.rules if not watched.enabled)


def stamp(data: Path) -> Stamp:
    """Another one after a file of rules has changed, come or gone."""
    found = []
    for path in listed(data / FOLDER):
        try:
            about = path.stat()
        except OSError:
            continue
        found.append((path.name, about.st_mtime_ns, about.st_size, about.st_ino))
    return tuple(found)


def load(
    data: Path,
    settings: Alert,
    before: Declared | None = None,
    *,
    kept: Sequence[tuple[str, Rule]] = (),
    toggled: Mapping[str, bool] | None = None,
    budgets: Sequence[Budget] = (),
) -> Declared:
    """What is declared now; a file that cannot be used counts as it was in `before`. Never raises for a bad file.

    `kept` and `budgets` are those made over the API, of which files' count more; `toggled` are the rules that were
    turned on or off by hand.
    """
    documents: dict[Path, Document] = {}
    problems: list[Problem] = []
    for path in listed(data / FOLDER):
        try:
            documents[path] = read_file(path, SECTIONS)
        except BadRules as error:
            problems += error.problems
            if before is not None and path in before.documents:
                documents[path] = before.documents[path]
    found = list(documents.values())
    rules, clashes = declared(found, with_defaults=settings.defaults, kept=kept, toggled=toggled)
    return Declared(
        rules=rules,
        budgets=in_force((*_all(found, "budgets"), *budgets), defaults=settings.defaults),
        made=frozenset(one.name for one in budgets),
        channels=effective(_all(found, "channels"), console=settings.console),
        routes=_all(found, "routes"),
        problems=(*problems, *clashes, *between(found)),
        documents=documents,
    )


def between(documents: Sequence[Document], elsewhere: Sequence[Document] = ()) -> Iterator[Problem]:
    """What is wrong between files, beside rules: names of budgets and channels given twice, routes to nobody.

    Routes may name the channels of `elsewhere` too.
    """
    channels: tuple[Channel, ...] = _all(documents, "channels")
    known = effective((*channels, *_all(elsewhere, "channels")), console=True)
    found = [
        *twice(_all(documents, "budgets")),
        *check(channels, _all(documents, "routes"), [one.name for one in known]),
    ]
    for (section, number, *within), message, mend in found:
        document, own = _owner(documents, str(section), int(number))
        yield document.problem((section, own, *within), message, mend)


def _owner(documents: Sequence[Document], section: str, number: int) -> tuple[Document, int]:
    """The file in which the so-and-so-many-th entry of a section is, and its number there."""
    for document in documents:
        count = len(document.entries.get(section, ()))
        if number < count:
            return document, number
        number -= count
    raise IndexError(number)


def _all(documents: Iterable[Document], section: str) -> tuple[Any, ...]:
    return tuple(entry for document in documents for entry in document.entries.get(section, ()))
