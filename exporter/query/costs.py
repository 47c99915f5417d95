"""What calls cost and how they went, by dimension: the greatest first, and against the time before.

In: a period, dimensions, a filter. Out: a row per group; with what all of them come to.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from exporter.query.answer import EXACT, Answer
from exporter.query.compare import change_ratio
from exporter.query.figures import Figures, Of, figures
from exporter.query.named import GROUPS
from exporter.query.period import Period
from exporter.query.views import Views


@dataclass(frozen=True, slots=True)
class Cost:
    """What the calls of a group cost; `unpriced` ones are in `calls` and not in `cost_nanos`."""

    labels: tuple[str | None, ...]
    cost_nanos: int
    calls: int
    unpriced: int
    share: float | None = None
    before_nanos: int | None = None
    change_ratio: float | None = None


def costs(
    views: Views, period: Period, *, by: Sequence[str] = (), where: str | None = None, limit: int | None = None
) -> tuple[Answer[Cost], Cost]:
    """The dearest groups, at most `limit`, and all groups together. Raises `AxError`."""
    now = figures(views, period, by=by, where=where, is_quick=True, percentiles=False, most=GROUPS)
    whole = now.period or period
    rolled = now.source.startswith("cells")
    earlier = figures(
        views, whole.before(), by=by, where=where, percentiles=False, most=GROUPS, from_rollups=rolled
    ).rows
    before = {row.labels: row.cost_nanos for row in earlier}
    all_of_them = _together(now.rows)
    rows = [_of(row, all_of_them.cost_nanos, before.pop(row.labels, None)) for row in now.rows]
    rows += [Cost(labels, 0, 0, 0, 0.0, nanos, change_ratio(0, nanos)) for labels, nanos in before.items()]
    ranked = sorted(rows, key=lambda row: (-row.cost_nanos, -row.calls, str(row.labels)))[:limit]
    return Answer(tuple(ranked), EXACT, now.period, now.source), all_of_them


def called(
    views: Views,
    period: Period,
    *,
    by: Sequence[str] = (),
    where: str | None = None,
    of: Of = Of.CALLS,
    limit: int | None = None,
) -> Answer[Figures]:
    """How calls went, those of which there are most first, at most `limit`. Raises `AxError`."""
    found = figures(views, period, of=of, by=by, where=where, is_quick=True, most=GROUPS)
    ranked = sorted(found.rows, key=lambda row: (-row.count, str(row.labels)))[:limit]
    return Answer(tuple(ranked), found.precision, found.period, found.source)


def _together(rows: Iterable[Figures]) -> Cost:
    found = list(rows)
    return Cost(
        (), sum(row.cost_nanos for row in found), sum(row.count for row in found), sum(row.unpriced for row in found)
    )


def _of(row: Figures, all_nanos: int, before: int | None) -> Cost:
    share = row.cost_nanos / all_nanos if all_nanos else None
    return Cost(
        row.labels, row.cost_nanos, row.count, row.unpriced, share, before, change_ratio(row.cost_nanos, before)
    )
