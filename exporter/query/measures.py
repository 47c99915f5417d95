"""Measures: one number of some figures, by the names that people and rules use.

In: figures. Out: a number, None where there is nothing to measure; its unit.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from exporter.query.figures import Figures, Of
from otel_ax import semconv

Unit = Literal["ns", "usd_nanos", "ratio", "count", "tokens"]


@dataclass(frozen=True, slots=True)
class Measure:
    """A number that figures have: how it is read, its unit, what it says. A percentile may come from a sketch.

    `metric` is the one whose points it counts, where they are not calls: then the figures are `Of.OUTCOMES`.
    """

    name: str
    unit: Unit
    read: Callable[[Figures], float | None]
    description: str
    is_percentile: bool = False
    needs_rollups: bool = False
    metric: str = ""


def _ratio(part: int, of: int) -> float | None:
    return part / of if of else None


def _percentile(place: int) -> Callable[[Figures], float | None]:
    return lambda one: one.percentiles_ns[place]


def _mean(one: Figures) -> float | None:
    return one.latency_sum_ns / one.count if one.count and one.latency_sum_ns is not None else None


MEASURES: Final = {
    measure.name: measure
    for measure in (
        Measure("calls", "count", lambda one: one.count, "calls that ended"),
        Measure("failures", "count", lambda one: one.failed, "calls that failed"),
        Measure("latency", "ns", _mean, "mean duration"),
        Measure("avg_latency", "ns", _mean, "mean duration"),
        Measure("min_latency", "ns", lambda one: one.latency_min_ns, "shortest"),
        Measure("max_latency", "ns", lambda one: one.latency_max_ns, "longest"),
        Measure("p50_latency", "ns", _percentile(0), "half took at most as long", is_percentile=True),
        Measure("p95_latency", "ns", _percentile(1), "95 % took at most as long", is_percentile=True),
        Measure("p99_latency", "ns", _percentile(2), "99 % took at most as long", is_percentile=True),
        Measure("error_rate", "ratio", lambda one: _ratio(one.failed, one.count), "share of calls that failed"),
        Measure(
            "success_rate", "ratio", lambda one: _ratio(one.count - one.failed, one.count), "share that did not fail"
        ),
        Measure("cost", "usd_nanos", lambda one: one.cost_nanos, "what priced calls cost"),
        Measure("hourly_cost", "usd_nanos", lambda one: one.cost_nanos, "cost of the last 60 minutes"),
        Measure("unpriced", "count", lambda one: one.unpriced, "calls that have no price"),
        Measure("tokens", "tokens", lambda one: one.tokens_input + one.tokens_output, "input and output tokens"),
        Measure("tokens_input", "tokens", lambda one: one.tokens_input, "input tokens, cached ones too"),
        Measure("tokens_output", "tokens", lambda one: one.tokens_output, "output tokens, reasoning too"),
        Measure("tokens_cache_read", "tokens", lambda one: one.tokens_cache_read, "input tokens read from a cache"),
        Measure("tokens_cache_write", "tokens", lambda one: one.tokens_cache_write, "input tokens written to a cache"),
        Measure("tokens_reasoning", "tokens", lambda one: one.tokens_reasoning, "output tokens of reasoning"),
        Measure(
            "cache_hit_rate",
            "ratio",
            lambda one: _ratio(one.cache_hits, one.cache_hits + one.cache_misses),
            "share of response-cache look-ups that hit",
            needs_rollups=True,
            metric=semconv.CACHE_REQUESTS,
        ),
        Measure(
            "rate_limit_denial_rate",
            "ratio",
            lambda one: _ratio(one.rate_limit_denied, one.rate_limit_allowed + one.rate_limit_denied),
            "share of requests that a rate limit denied",
            needs_rollups=True,
            metric=semconv.RATE_LIMIT_REQUESTS,
        ),
    )
}
"""All measures by name."""


def of(measure: Measure, asked: Of, where: str | None) -> tuple[Of, str | None]:
    """Whose figures hold a measure that is asked of some records, and the filter that makes them so."""
    if not measure.metric:
        return asked, where
    only = f'metric = "{measure.metric}"'
    return Of.OUTCOMES, f"{only} and ({where})" if where else only
