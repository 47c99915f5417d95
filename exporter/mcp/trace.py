"""A trace in few lines: where its time went, what failed, which models, what it cost, what ran in parallel.

In: the spans of a trace. Out: at most `MOST` lines; of a trace of any size the same.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Final

from exporter.mcp import text
from exporter.query.critical import Share, shares, together
from exporter.query.traces import Span, tree

MOST: Final = 30
MOST_TOKENS: Final = 480
"""What does not fit is left out from the end: where time went is told before models are."""
_GROUPS: Final = 8
_LONGEST: Final = 2
_FAILURES: Final = 3
_MODELS: Final = 4
_PARALLEL: Final = 3
_LEAST_SAVED: Final = 0.01
"""Of the trace's time; what ran in parallel for less is not told."""
_LEAST_STRETCH: Final = 0.05
_LEAST_OWN: Final = 0.005


@dataclass(frozen=True, slots=True)
class _Part:
    """A span in its place."""

    span: Span
    share: Share


@dataclass(slots=True)
class _Sum:
    """What spans of one kind come to; `ns` and `own_ns` are as whoever adds them up means it."""

    spans: int = 0
    ns: int = 0
    own_ns: int = 0
    given: int = 0
    made: int = 0
    nanos: int = 0


def described(trace_id: str, spans: Sequence[Span]) -> list[str]:
    """The lines; the first says what the trace is."""
    ordered = list(tree(spans))
    parts = [_Part(span, share) for (_, span), share in zip(ordered, shares(ordered), strict=True)]
    path_ns = sum(part.share.critical_ns for part in parts)
    lines = chain(
        _about(trace_id, parts, path_ns),
        _where(parts, path_ns),
        _failures(parts),
        _parallel(ordered, path_ns),
        _stretches(parts, path_ns),
        _models(parts),
    )
    told = list(islice(lines, MOST))
    kept = text.within(told, MOST_TOKENS)
    return kept if len(kept) == len(told) else [*kept, "(cut)"]


def _about(trace_id: str, parts: Sequence[_Part], path_ns: int) -> Iterator[str]:
    spans = [part.span for part in parts]
    first, root = min(span.start_ns for span in spans), spans[0]
    last = max(span.end_ns for span in spans)
    failed, running = sum(map(_has_failed, spans)), sum(span.is_running for span in spans)
    services = sorted({span.service_name for span in spans if span.service_name})
    counted = [span for span in spans if span.is_counted]
    said = [
        text.took(last - first) + (" so far" if running else ""),
        f"{len(spans)} spans",
        f"{failed} failed" if failed else "none failed",
        f"{running} still running" if running else "",
        text.tokens(_sum(span.tokens_input for span in counted), _sum(span.tokens_output for span in counted)),
        text.usd(_sum(span.cost_nanos for span in counted)) if counted else "",
    ]
    yield f"trace {text.identity(trace_id)}: {text.name(root.name)}"
    of = ", ".join(text.name(service, 30) for service in services[:3]) + (" and others" if services[3:] else "")
    yield text.line(text.at(first), ", ".join(filter(None, said)), f"services: {of}" if of else "")
    if last - first > path_ns:
        yield f"no span ran for {text.took(last - first - path_ns)} of it"


def _where(parts: Sequence[_Part], path_ns: int) -> Iterator[str]:
    """Kinds of spans by their part of the critical path."""
    sums: dict[tuple[str, str], _Sum] = {}
    for part in parts:
        one = sums.setdefault((part.span.name, part.span.model or ""), _Sum())
        one.spans += 1
        one.ns += part.share.critical_ns
        one.own_ns += part.share.self_ns
    ranked = sorted(sums.items(), key=lambda item: (-item[1].ns, -item[1].own_ns, item[0]))
    yield "critical path by name (own time: also what ran beside it):"
    told = [item for item in ranked[:_GROUPS] if item[1].own_ns > path_ns * _LEAST_OWN] or ranked[:1]
    for (name, model), one in told:
        named = text.line(text.name(name), f"({text.name(model, 40)})" if model and model not in name else "")
        yield _row(one, path_ns, named)
    if rest := ranked[len(told) :]:
        total = _Sum(*(sum(getattr(one, field) for _, one in rest) for field in ("spans", "ns", "own_ns")))
        yield _row(total, path_ns, f"{len(rest)} other names")


def _row(one: _Sum, path_ns: int, named: str) -> str:
    own = f"(own time {text.took(one.own_ns)})" if one.own_ns > one.ns else ""
    return text.line(text.share(one.ns, path_ns), text.took(one.ns), f"x{one.spans}", named, own)


def _stretches(parts: Sequence[_Part], path_ns: int) -> Iterator[str]:
    """The longest of those that share their name with others."""
    names = Counter(part.span.name for part in parts)
    several = (part for part in parts if names[part.span.name] > 1)
    ranked = sorted(several, key=lambda part: -part.share.critical_ns)[:_LONGEST]
    first = min(part.span.start_ns for part in parts)
    for one in (part for part in ranked if part.share.critical_ns > path_ns * _LEAST_STRETCH):
        at = text.took(one.span.start_ns - first)
        named = f"{text.name(one.span.name)} span {text.identity(one.span.span_id)}"
        yield f"longest: {text.took(one.share.critical_ns)} from +{at} on, {named}"


def _failures(parts: Sequence[_Part]) -> Iterator[str]:
    counts: dict[tuple[str, str, str], int] = {}
    for part in parts:
        if _has_failed(part.span):
            key = (part.span.name, part.span.error_type or "", part.span.status_message or "")
            counts[key] = counts.get(key, 0) + 1
    ranked = sorted(counts.items(), key=lambda item: (not any(item[0][1:]), -item[1]))  # those that say why first
    for (name, error, message), times in ranked[:_FAILURES]:
        yield text.line("failed:", text.name(name), text.name(error) if error else "", text.said(message), f"x{times}")
    if left := sum(times for _, times in ranked[_FAILURES:]):
        yield f"failed: {left} more"


def _models(parts: Sequence[_Part]) -> Iterator[str]:
    sums: dict[str, _Sum] = {}
    for span in (part.span for part in parts if part.span.is_counted):
        one = sums.setdefault(text.line(span.provider or "", span.model or ""), _Sum())
        one.spans += 1
        one.ns += span.took_ns
        one.given += span.tokens_input or 0
        one.made += span.tokens_output or 0
        one.nanos += span.cost_nanos or 0
    ranked = sorted(sums.items(), key=lambda item: -item[1].ns)
    for name, one in ranked[:_MODELS]:
        figures = text.line(f"x{one.spans}", text.took(one.ns), text.tokens(one.given, one.made), text.usd(one.nanos))
        yield f"model {text.name(name)}: {figures}"
    if rest := ranked[_MODELS:]:
        yield f"{len(rest)} other models: {text.usd(sum(one.nanos for _, one in rest))}"


def _parallel(ordered: Sequence[tuple[int, Span]], path_ns: int) -> Iterator[str]:
    found = [one for one in together(ordered) if one.summed_ns - one.covered_ns > path_ns * _LEAST_SAVED]
    for one in found[:_PARALLEL]:
        name = "the trace" if one.place is None else text.name(ordered[one.place][1].name)
        yield (
            f"parallel: {one.children} spans under {name}, {text.took(one.summed_ns)} of work"
            f" in {text.took(one.covered_ns)}"
        )


def _has_failed(span: Span) -> bool:
    return span.status_code == "ERROR" or span.error_type is not None


def _sum(values: Iterator[int | None]) -> int:
    return sum(value or 0 for value in values)
