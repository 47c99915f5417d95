"""The channels logs, traces and workflows: what came in.

In: a look. Out: what the lists of the API have, of what there is or of what came in since.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from exporter.live.asked import Cursor
from exporter.live.told import Look, Told
from exporter.query import logs as log_records
from exporter.query import traces as trace_rows
from exporter.query import workflows as workflow_rows
from exporter.query.arrived import MOST_ROWS, Mark, Part, Segment, last_us
from exporter.query.ask import NoData
from exporter.query.period import DAY, HOUR, Period
from exporter.store import duck
from exporter.units import NS_PER_US

_NEVER_NS: Final = 100_000 * DAY
_TOUCHED: Final = 1_000
"""Traces of which something came in and whose other spans are looked for, at most."""

_LOOKED_THROUGH: Final = 2**18
"""Rows in which these are looked for, at most, but for those since the first of the spans that came in began."""

Found = tuple[Sequence[object], int]
"""Items, and how many more there were."""


@dataclass(frozen=True, slots=True)
class _Touched:
    trace_id: str
    start_ns: int
    total: int


def logs(look: Look) -> Told:
    """Log records, as /api/logs has them."""

    def there_is(period: Period) -> Found:
        found = look.published.during("logs", look.caller.tenant, period)
        return _logs(look, period, Part(found)), 0

    def came(since: Sequence[Segment], after_us: int) -> Found:
        part = Part(since, after_us)
        period = look.arrived.period("logs", part)
        found = _logs(look, period, part)
        if len(found) < look.asked.limit:
            return found, 0
        if not look.asked.filter and not look.asked.search and all(one.is_fresh for one in since):
            return found, sum(one.rows for one in since) - len(found)
        with look.arrived.views({"logs": part}) as views:
            counted = log_records.levels(views, period, look.asked.search, where=look.asked.filter).rows
        return found, sum(one.count for one in counted) - len(found)

    return _stored(look, ("logs",), there_is, came)


def _logs(look: Look, period: Period, part: Part) -> Sequence[object]:
    asked = look.asked
    with look.arrived.views({"logs": part}) as views:
        return log_records.search_logs(views, period, asked.search, where=asked.filter, limit=asked.limit).rows


def traces(look: Look) -> Told:
    """Traces of which spans came in, as /api/traces has them: with all of their spans of the last hour or the range."""
    asked, tenant = look.asked, look.caller.tenant

    def there_is(period: Period) -> Found:
        parts = {"spans": Part(look.published.during("spans", tenant, period))}
        with look.arrived.views(parts) as views:
            return trace_rows.traces(views, period, where=asked.filter, limit=asked.limit).rows, 0

    def came(since: Sequence[Segment], after_us: int) -> Found:
        now = look.sources.clock.wall()
        bound_us = (now - max(asked.range_ns, HOUR)) // NS_PER_US
        most = _TOUCHED if asked.filter else asked.limit
        with look.arrived.views({"spans": Part(since, after_us)}) as views:
            touched = views.rows("trace_arrived", _Touched, {"start_us": bound_us, "limit": most})
        if not touched:
            return (), 0
        period = Period(bound_us * NS_PER_US, _NEVER_NS)
        beyond = _beyond(look, period, min(one.start_ns for one in touched))
        ids = ", ".join(duck.literal(one.trace_id) for one in touched)
        part = Part([*{*since, *beyond}], where=f"trace_id IN ({ids})")
        with look.arrived.views({"spans": part}) as views:
            rows = trace_rows.traces_among(views, period, where=asked.filter, limit=most)
        shown = rows[: asked.limit]
        return shown, len(rows) - len(shown) + touched[0].total - len(touched)

    return _stored(look, ("spans",), there_is, came)


def _beyond(look: Look, period: Period, least_ns: int) -> Iterator[Segment]:
    """Where other spans of traces may be: those of `period`, the newest first, up to so many rows, but from `least_ns`.

    A span that comes in was begun after its trace was, and usually not long after.
    """
    rows = 0
    for one in sorted(look.published.during("spans", look.caller.tenant, period), key=lambda one: -one.max_time):
        rows += one.rows
        if rows <= _LOOKED_THROUGH or one.max_time >= least_ns:
            yield one


def workflows(look: Look) -> Told:
    """Runs of workflows, running ones too, as /api/workflow-runs has them."""
    asked = look.asked

    def there_is(period: Period) -> Found:
        with suppress(NoData), look.sources.views(look.caller) as views:
            return workflow_rows.runs(views, period, where=asked.filter, limit=asked.limit).rows, 0
        return (), 0

    def came(since: Sequence[Segment], after_us: int) -> Found:
        del since
        with look.sources.views(look.caller) as views:
            rows = workflow_rows.changed(views, after_us, where=asked.filter, limit=asked.limit + 1)
        return rows[: asked.limit], len(rows) - len(rows[: asked.limit])

    return _stored(look, ("runs", "steps"), there_is, came)


def _stored(
    look: Look,
    tables: Sequence[str],
    there_is: Callable[[Period], Found],
    came: Callable[[Sequence[Segment], int], Found],
) -> Told:
    """What came in behind the cursor; or what there is, without one, or where too much came in meanwhile."""
    published, tenant, cursor = look.published, look.caller.tenant, look.cursor
    if cursor is not None and cursor.at <= published.position:
        mark = Mark(cursor.at, cursor.ingest_us)
        since = {table: published.since(table, tenant, mark) for table in tables}
        new = [one for found in since.values() for one in found]
        if not new:
            return Told((), Cursor(published.position, cursor.ingest_us))
        if sum(one.rows for one in new) <= MOST_ROWS:
            items, left_out = came(new, cursor.ingest_us)
            last = max(map(last_us, since.values()))
            return Told(items, Cursor(published.position, max(last, cursor.ingest_us)), left_out)
    last = max(last_us(published.of(table, tenant)) for table in tables)
    items, left_out = there_is(Period.last(look.asked.range_ns, look.sources.clock.wall()))
    return Told(items, Cursor(published.position, last), left_out, is_anew=True)
