"""The channel metrics: figures of LLM calls, a measure of them, or a stored metric, by the minute.

In: a look. Out: buckets, newest first; one that is told again replaces what was told of it.
"""

from collections.abc import Sequence
from typing import Any

from exporter.errors import AxError
from exporter.live.asked import Asked, Cursor
from exporter.live.told import Look, Told
from exporter.query import measures
from exporter.query.arrived import Mark
from exporter.query.ask import NoData
from exporter.query.fields import CELLS
from exporter.query.figures import Figures, Of, figures
from exporter.query.filter import BadFilter, parse
from exporter.query.measures import MEASURES
from exporter.query.period import Period
from exporter.query.points import points
from exporter.query.views import Views

_CELLS = "cells_1min"


def metrics(look: Look) -> Told:
    """The buckets of the range, or those into which something has come since."""
    asked, published, cursor = look.asked, look.published, look.cursor
    now = look.sources.clock.wall()
    period = Period(max(now - asked.range_ns, 0) // asked.step_ns * asked.step_ns, now + 1)
    is_anew = cursor is None or cursor.at > published.position
    if cursor is not None and not is_anew:
        new = published.since(_CELLS, look.caller.tenant, Mark(cursor.at))
        if not new:
            return Told((), Cursor(published.position))
        first = min(one.min_time for one in new) // asked.step_ns * asked.step_ns
        period = Period(min(max(first, period.start_ns), now), now + 1)
    try:
        with look.sources.views(look.caller) as views:
            found = _buckets(views, period, asked)
    except NoData:
        found = []
    items = sorted(found, key=lambda one: -one["bucket_ns"])
    shown = items[: asked.limit]
    return Told(shown, Cursor(published.position), len(items) - len(shown), is_anew=is_anew)


def _buckets(views: Views, period: Period, asked: Asked) -> list[dict[str, Any]]:
    if asked.metric is not None:
        found = points(views, asked.metric, period, by=asked.by, where=asked.filter, step_ns=asked.step_ns).rows
        names = ("unit", "count", "sum", "min", "max", "last", "mean")
        return [_bucket(one.bucket_ns, asked.by, one.labels, {name: getattr(one, name) for name in names})
                for one in found]  # fmt: skip
    if asked.measure is None:
        return [_bucket(one.bucket_ns, asked.by, one.labels, _overview(one))
                for one in _figures(views, period, asked, Of.CALLS, asked.filter)]  # fmt: skip
    measure = MEASURES.get(asked.measure)
    if measure is None:
        raise AxError(f"measure: there is no {asked.measure!r}", mend=f"there are {', '.join(MEASURES)}")
    of, where = measures.of(measure, Of.CALLS, asked.filter)
    return [_bucket(one.bucket_ns, asked.by, one.labels, {"value": measure.read(one), "unit": measure.unit})
            for one in _figures(views, period, asked, of, where)]  # fmt: skip


def _figures(views: Views, period: Period, asked: Asked, of: Of, where: str | None) -> Sequence[Figures]:
    """From rollups, which cost the same however much comes in, where they can tell."""
    from_rollups = True if of is Of.OUTCOMES or _has(asked.by, where) else None
    return figures(
        views, period, of=of, by=asked.by, where=where, step_ns=asked.step_ns, from_rollups=from_rollups
    ).rows


def _has(by: Sequence[str], where: str | None) -> bool:
    try:
        parse(where, CELLS)
    except BadFilter:
        return False
    return all(name in CELLS.fields for name in by)


def _overview(one: Figures) -> dict[str, Any]:
    return {
        "calls": one.count,
        "failures": one.failed,
        "p50_latency_ns": one.percentiles_ns[0],
        "p95_latency_ns": one.percentiles_ns[1],
        "tokens_input": one.tokens_input,
        "tokens_output": one.tokens_output,
        "cost_nanos": one.cost_nanos,
    }


def _bucket(bucket_ns: int, by: Sequence[str], labels: Sequence[str | None], values: dict[str, Any]) -> dict[str, Any]:
    return {"bucket_ns": bucket_ns, "labels": dict(zip(by, labels, strict=True)), **values}
