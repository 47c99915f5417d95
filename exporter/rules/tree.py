"""YAML as plain values, with the line and column of each.

In: text. Out: a tree of dicts, lists and scalars, and where each part of it stands; keys that are there twice.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import yaml

Place = tuple[str | int, ...]
"""Keys and numbers from the top: `("groups", 0, "name")`."""

DEEPEST: Final = 40
MOST_NODES: Final = 100_000
"""Aliases count as often as they are used: nine lines of them can stand for a billion."""
_MERGE: Final = "tag:yaml.org,2002:merge"
_PLAIN: Final = "tag:yaml.org,2002:"
_NUMBERS: Final = frozenset({f"{_PLAIN}int", f"{_PLAIN}float"})
_QUOTE: Final = 'put it in quotes, such as operator: ">="'


class Bad(Exception):
    """The text is no YAML, or more of it than is read; line and column count from 1."""

    def __init__(self, line: int, column: int, message: str, mend: str = "") -> None:
        super().__init__(message)
        self.line = line
        self.column = column
        self.message = message
        self.mend = mend


@dataclass(slots=True)
class Tree:
    """What a text holds; `places` has every key and every item of a list, `mistakes` are where, what and the mend."""

    value: Any = None
    places: dict[Place, tuple[int, int]] = field(default_factory=dict)
    mistakes: list[tuple[Place, str, str]] = field(default_factory=list)


class _Loader(yaml.SafeLoader):
    """The words and numbers of YAML 1.1, but for dates and for numbers like 1:30, which nobody means here."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(("timestamp", ":value"))]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def parse(text: str) -> Tree:
    """The tree of `text`; None for an empty one. Raises `Bad`."""
    loader: Any = None
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        tree = Tree()
        if node is not None:
            tree.value = _Reader(loader, tree).value(node, (), 0)
    except yaml.MarkedYAMLError as error:
        raise _unread(error) from None
    except yaml.reader.ReaderError as error:
        before = text[: int(error.position)]
        line = before.count("\n") + 1
        column = len(before) - before.rfind("\n")
        raise Bad(line, column, "a character that YAML does not take", "remove it") from None
    except RecursionError:
        raise Bad(1, 1, f"nested deeper than {DEEPEST}", "write it flatter") from None
    finally:
        if loader is not None:
            loader.dispose()
    return tree


def _unread(error: yaml.MarkedYAMLError) -> Bad:
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
    problem = (error.problem or "this is not YAML").replace("found ", "", 1)
    is_operator = "block scalar" in str(error.context) or "indentation indicators" in problem
    mend = _QUOTE if is_operator else ""
    if "\\t" in problem or "'\t'" in problem:
        mend = "indent with spaces, not with tabs"
    elif "mapping values are not allowed" in problem:
        mend = "put text that has a colon in quotes"
    elif "expected <block end>" in problem or "could not find expected ':'" in problem:
        mend = "check the indentation, and that each key ends with a colon"
    return Bad(line, column, f"not YAML: {problem}", mend)


class _Reader:
    """Turns nodes into values; every node is visited as often as it is used."""

    def __init__(self, loader: Any, tree: Tree) -> None:
        self._loader = loader
        self._tree = tree
        self._left = MOST_NODES

    def value(self, node: yaml.Node, path: Place, depth: int) -> Any:
        line, column = node.start_mark.line + 1, node.start_mark.column + 1
        self._tree.places.setdefault(path, (line, column))
        self._count(node)
        if depth > DEEPEST:
            raise Bad(line, column, f"nested deeper than {DEEPEST}", "write it flatter")
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path, depth)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, (*path, number), depth + 1) for number, item in enumerate(node.value)]
        return self._scalar(node, path)

    def _count(self, node: yaml.Node) -> None:
        self._left -= 1
        if self._left < 0:
            mark = node.start_mark
            raise Bad(mark.line + 1, mark.column + 1, f"more than {MOST_NODES} values", "write fewer aliases")

    def _mapping(self, node: yaml.MappingNode, path: Place, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        own: set[str] = set()
        for key, value, is_merged in self._pairs(node, depth):
            if not isinstance(key, yaml.ScalarNode):
                self._tree.mistakes.append((path, "a key is a word", "write `name: value`"))
                continue
            name = str(key.value)
            place = (*path, name)
            if is_merged and name in found:
                continue
            if not is_merged and name in own:
                self._tree.places[place] = key.start_mark.line + 1, key.start_mark.column + 1
                self._tree.mistakes.append((place, f"{name} is there twice", "keep one of them"))
                continue
            if not is_merged:
                own.add(name)
            # A value's place is where it is written; what has none in this line is shown by its key.
            held = self.value(value, place, depth + 1)
            if isinstance(value, yaml.CollectionNode) or held in {None, ""} or value.start_mark == value.end_mark:
                self._tree.places[place] = key.start_mark.line + 1, key.start_mark.column + 1
            found[name] = held
        return found

    def _pairs(self, node: yaml.MappingNode, depth: int) -> Iterator[tuple[yaml.Node, yaml.Node, bool]]:
        """Its own pairs, then those of `<<`, the nearest first."""
        merged: list[yaml.Node] = []
        for key, value in node.value:
            if key.tag == _MERGE:
                merged += value.value if isinstance(value, yaml.SequenceNode) else [value]
            else:
                yield key, value, False
        for each in merged:
            self._count(each)
            if depth > DEEPEST or not isinstance(each, yaml.MappingNode):
                mark = each.start_mark
                raise Bad(mark.line + 1, mark.column + 1, "<< takes what has keys", "name an anchor of such")
            for key, value, _ in self._pairs(each, depth + 1):
                self._count(key)  # also where the key is there already, and what is merged is left out
                yield key, value, True

    def _scalar(self, node: yaml.Node, path: Place) -> Any:
        if not node.tag.startswith(_PLAIN):
            self._tree.mistakes.append((path, f"{node.tag} is a tag of YAML's", _QUOTE))
            return node.value
        if node.tag in _NUMBERS and ":" in str(node.value):
            return node.value  # 1:30, sixty times one and thirty to YAML 1.1; of many parts it takes that long to read
        try:
            value = self._loader.construct_object(node)
        except (ValueError, yaml.YAMLError):
            self._tree.mistakes.append((path, f"cannot read {node.value!r}", "put it in quotes"))
            return node.value
        if isinstance(value, str) and any("\ud800" <= one <= "\udfff" for one in value):
            self._tree.mistakes.append((path, "half a character (\\ud800 to \\udfff)", "write both halves, or none"))
        return value if isinstance(value, str | int | float | bool | None) else node.value
