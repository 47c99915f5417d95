"""Where the time of a trace went: each span's own time, the critical path, what ran in parallel.

In: the spans of a trace with their depth, in the order of `exporter.query.traces.tree`. Out: for each, in that order,
its own time, and how much of the critical path is its own; spans whose children ran at the same time.

Own time is that in which none of a span's children ran. The critical path goes back from the end: at each instant the
time belongs to the child that was running, of several to the one that ended first, and there to that one's children in
turn; where no child ran it is the span's own. A child is looked at within its parent. So the parts of the path are
disjoint and come to exactly the time in which a root ran. A span whose end is not known lasts until the latest instant
that is known of the trace.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol


class Timed(Protocol):
    """What is asked of a span."""

    @property
    def start_ns(self) -> int:
        """When it began, Unix nanoseconds."""

    @property
    def end_ns(self) -> int:
        """When it ended, or, where that is not known, the last that is known of it; not before it began."""

    @property
    def is_running(self) -> bool:
        """Whether its end is not known."""


@dataclass(frozen=True, slots=True)
class Share:
    """A span's part in its trace; 0 ≤ `critical_ns` ≤ `self_ns` ≤ its duration.

    `is_critical` also where all of its part of the path is that of spans below it.
    """

    self_ns: int
    critical_ns: int
    is_critical: bool


@dataclass(frozen=True, slots=True)
class Together:
    """Some spans that ran at the same time: the `children` of the span at `place`, of the trace where that is None.

    `covered_ns` is the time in which any ran, `summed_ns` what they took together.
    """

    place: int | None
    children: int
    covered_ns: int
    summed_ns: int


@dataclass(slots=True)
class _Node:
    start_ns: int
    end_ns: int
    children: "list[_Node]"
    critical_ns: int = 0
    is_critical: bool = False


def shares(spans: Sequence[tuple[int, Timed]]) -> tuple[Share, ...]:
    """One for each span, in their order; a span's parent is the last one before it that is less deep."""
    nodes, roots = _nested(spans)
    _walk(roots)
    return tuple(Share(_self_ns(node), node.critical_ns, node.is_critical) for node in nodes)


def together(spans: Sequence[tuple[int, Timed]]) -> tuple[Together, ...]:
    """What ran in parallel, that which saved the most time first; given as to `shares`."""
    nodes, roots = _nested(spans)
    found = [_together(None, roots), *(_together(place, node.children) for place, node in enumerate(nodes))]
    overlapping = (one for one in found if one.covered_ns < one.summed_ns)
    return tuple(sorted(overlapping, key=lambda one: one.covered_ns - one.summed_ns))


def _together(place: int | None, nodes: Sequence[_Node]) -> Together:
    return Together(place, len(nodes), _covered_ns(nodes), sum(node.end_ns - node.start_ns for node in nodes))


def _covered_ns(nodes: Sequence[_Node]) -> int:
    """The time in which any of them ran."""
    covered_ns, until_ns = 0, None
    for node in sorted(nodes, key=lambda one: one.start_ns):
        begin_ns = node.start_ns if until_ns is None else max(node.start_ns, until_ns)
        covered_ns += max(node.end_ns - begin_ns, 0)
        until_ns = max(node.end_ns, begin_ns)
    return covered_ns


def _nested(spans: Sequence[tuple[int, Timed]]) -> tuple[list[_Node], list[_Node]]:
    last_ns = max((span.end_ns for _, span in spans), default=0)
    nodes: list[_Node] = []
    roots: list[_Node] = []
    above: list[tuple[int, _Node]] = []
    for depth, span in spans:
        node = _Node(span.start_ns, last_ns if span.is_running else span.end_ns, [])
        while above and above[-1][0] >= depth:
            above.pop()
        (above[-1][1].children if above else roots).append(node)
        above.append((depth, node))
        nodes.append(node)
    return nodes, roots


def _self_ns(node: _Node) -> int:
    """Its time without that in which a child ran."""
    own_ns, at_ns = 0, node.start_ns
    for child in sorted(node.children, key=lambda one: one.start_ns):
        own_ns += max(min(child.start_ns, node.end_ns) - at_ns, 0)
        at_ns = max(at_ns, child.end_ns)
    return own_ns + max(node.end_ns - at_ns, 0)


def _walk(roots: Sequence[_Node]) -> None:
    """Marks the critical path; each span is met once, since each has one parent and ends one stretch of it."""
    last_ns = max((root.end_ns for root in roots), default=0)
    first_ns = min((root.start_ns for root in roots), default=0)
    left = [(root, start, end) for root, start, end in _stretches(roots, first_ns, last_ns) if root is not None]
    while left:
        node, start_ns, end_ns = left.pop()
        node.is_critical = True
        for child, begin_ns, until_ns in _stretches(node.children, start_ns, end_ns):
            if child is None:
                node.critical_ns += until_ns - begin_ns
            else:
                left.append((child, begin_ns, until_ns))


def _stretches(nodes: Sequence[_Node], start_ns: int, end_ns: int) -> Iterator[tuple[_Node | None, int, int]]:
    """From `end_ns` back to `start_ns`: whose each stretch is, None where none of `nodes` ran."""
    ahead = sorted((node for node in nodes if node.start_ns < end_ns), key=lambda one: one.end_ns)
    running: list[_Node] = []  # of those that ended at or after where we are, the first to end is the last here
    at_ns = end_ns
    while at_ns > start_ns:
        while ahead and ahead[-1].end_ns >= at_ns:
            running.append(ahead.pop())
        while running and running[-1].start_ns >= at_ns:
            running.pop()
        if running:
            node = running.pop()
            begin_ns = max(node.start_ns, start_ns)
            yield node, begin_ns, at_ns
        else:
            begin_ns = max(ahead[-1].end_ns, start_ns) if ahead else start_ns
            yield None, begin_ns, at_ns
        at_ns = begin_ns
