"""Quotas and rate limits: what programs told of how much is used, and how often something was not let through.

In: a period. Out: a row per quota, and per kind of rate limit.
"""

from dataclasses import dataclass
from typing import Literal

from exporter.query.answer import Answer
from exporter.query.period import Period
from exporter.query.views import Views


@dataclass(frozen=True, slots=True)
class Quota:
    """Of a `quota` its last told use, the worst of a service's processes; of a `rate_limit` what became of requests."""

    kind: Literal["quota", "rate_limit"]
    name: str
    service: str | None
    tenant: str | None
    used_ratio: float | None
    limit: float | None
    allowed: int | None
    denied: int | None
    denial_ratio: float | None
    last_ns: int


def quotas(views: Views, period: Period, *, limit: int = 500) -> Answer[Quota]:
    """All that was told of in a period: quotas, the fullest first, then rate limits, those that deny most first."""
    rows = views.rows("quotas", Quota, {**period.us(), "limit": limit})
    return Answer(rows, period=period, source="metrics_gauge, metrics_sum")
