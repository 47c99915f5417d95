"""How all is, on one screen: calls, spans, providers, running workflows, failures and logs of the last minutes.

In: the views, a period up to now. Out: one frozen value.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from exporter.query.calls import Failure, failures
from exporter.query.figures import Figures, Of, figures, is_dense
from exporter.query.logs import levels
from exporter.query.period import MINUTE, Period
from exporter.query.providers import Provider, providers
from exporter.query.views import Views
from exporter.query.workflows import Run, runs

_POINTS: Final = 40
_FEW: Final = 5


@dataclass(frozen=True, slots=True)
class Now:
    """What happened in a period; `calls` and `spans` are None where there were none. The last of series is now."""

    period: Period
    step_ns: int
    calls: Figures | None
    calls_over_time: tuple[float | None, ...]
    p95_over_time: tuple[float | None, ...]
    spans: Figures | None
    providers: tuple[Provider, ...]
    running: tuple[Run, ...]
    failures: tuple[Failure, ...]
    logs: Mapping[str, int]


def now(views: Views, period: Period, now_ns: int) -> Now:
    """How all is at `now_ns`, and was in a period before it. Raises `AxError`."""
    period, glance = views.glance(period)
    is_many = is_dense(views, period)
    step_ns = max(period.step_ns(_POINTS), MINUTE if is_many else 0)
    over_time = {
        row.bucket_ns: row for row in figures(views, period, step_ns=step_ns, is_quick=True, glance=glance).rows
    }
    calls = next(iter(figures(views, period, is_quick=True, glance=glance).rows), None)
    whole = period.widened(step_ns)
    buckets = [over_time.get(at) for at in range(whole.start_ns, whole.end_ns, step_ns)]
    return Now(
        period,
        step_ns,
        calls,
        tuple(None if one is None else one.count for one in buckets),
        tuple(None if one is None else one.percentiles_ns[1] for one in buckets),
        next(iter(figures(views, period, of=Of.SPANS, is_quick=True, percentiles=False, glance=glance).rows), None),
        providers(views, now_ns).rows,
        runs(views, period, where="status = running", limit=_FEW).rows,
        failures(views, period, limit=_FEW).rows if not is_many or calls is None or calls.failed else (),
        {level.level: level.count for level in levels(views, period).rows},
    )
