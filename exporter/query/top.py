"""LLM calls that stand out: the slowest, the costliest.

In: a period, a filter, what they are compared by. Out: calls, the most first.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from exporter.query.answer import Answer
from exporter.query.fields import CALLS
from exporter.query.filter import parse
from exporter.query.period import Period
from exporter.query.views import Views, text

Rank = Literal["duration", "cost", "tokens"]
"""What calls are compared by."""

_RANKS: Final[Mapping[Rank, str]] = {
    "duration": "duration_ns",
    "cost": "cost_nanos",
    "tokens": "(coalesce(tokens_input, 0) + coalesce(tokens_output, 0))",
}


@dataclass(frozen=True, slots=True)
class TopCall:
    """One call, and where it was made."""

    trace_id: str | None
    span_id: str | None
    start_ns: int
    duration_ns: int
    service_name: str | None
    operation: str | None
    provider: str | None
    model: str | None
    agent: str | None
    tokens_input: int | None
    tokens_output: int | None
    cost_nanos: int | None
    error_type: str | None
    failed: bool


def top_calls(
    views: Views, period: Period, by: Rank = "duration", *, where: str | None = None, limit: int = 20
) -> Answer[TopCall]:
    """The `limit` calls that began in a period and have most of `by`. Raises `BadFilter`."""
    condition = parse(where, CALLS)
    places = {"where": condition.sql, "calls": text("counted_calls"), "rank": _RANKS[by]}
    rows = views.rows("top_calls", TopCall, {**period.us(), "limit": limit, **condition.parameters}, places)
    return Answer(rows, period=period, source="llm_calls")
