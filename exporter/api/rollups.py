"""Routes: LLM calls of the day as counters, for Prometheus.

In: the rollups of the UTC day. Out: text exposition format 0.0.4, or OpenMetrics 1.0.
"""

import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, Response

from exporter.api.callers import Reader
from exporter.api.counted import FIRST, LAST, OTHERS, Counts, Labels, Told, told
from exporter.api.metrics import OPENMETRICS, TEXT, heading, labelled, media_type
from exporter.api.problems import RESPONSES
from exporter.api.shared import Shared
from exporter.auth import Caller
from exporter.figures import Metric
from exporter.query.day import LABELS, day_of, totals
from exporter.units import NS_PER_S

MOST: Final = 200
"""Combinations of labels that have series of their own; each has 26 lines."""
_FRESH_NS: Final = 5 * NS_PER_S
"""Who scrapes more often gets the same text."""
_TENANTS: Final = 50
"""So many tenants' counters are kept; of others it is forgotten what was told."""
_USD: Final = 10**9

_DAY: Final = (
    f"since midnight UTC, when it begins anew; beyond {MOST} combinations of labels the others are"
    ' one series with overflow="true"'
)
_COUNTERS: Final[Mapping[str, Metric]] = {
    field: Metric(name, "", "counter", unit, f"{description} {_DAY}")
    for field, name, unit, description in (
        ("count", "ax_calls_total", "", "LLM calls that ended"),
        ("failed", "ax_call_failures_total", "", "LLM calls that failed"),
        ("unpriced", "ax_unpriced_calls_total", "", "LLM calls that have no price"),
        ("cost_nanos", "ax_cost_usd_total", "usd", "what priced LLM calls cost in US dollars"),
    )
}
_TOKENS: Final = Metric(
    "ax_tokens_total", "", "counter", "", f"tokens by kind; input has cached ones, output those of reasoning; {_DAY}"
)
_KINDS: Final = {
    "tokens_input": "input",
    "tokens_output": "output",
    "tokens_cache_read": "cache_read",
    "tokens_cache_write": "cache_write",
    "tokens_reasoning": "reasoning",
}
_DURATION: Final = Metric(
    "ax_call_duration_seconds",
    "",
    "histogram",
    "s",
    f"how long LLM calls took; bounds are powers of two of a nanosecond, where rollups are exact; {_DAY}",
)


_EXAMPLE: Final = 'ax_calls_total{model="gpt-5-mini",provider="openai",tenant="default"} 50'
_TEXT: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "content": {
            media.partition(";")[0]: {"schema": {"type": "string"}, "example": _EXAMPLE}
            for media in (TEXT, OPENMETRICS)
        }
    }
}


@dataclass(slots=True)
class _Kept:
    """What one tenant, or everybody, was told last; `lock` lets one question at a time be asked."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    at_ns: int | None = None
    told: Told = field(default_factory=Told)


def routes(shared: Shared) -> APIRouter:
    """The one there is."""
    router = APIRouter(tags=["prometheus"])
    kept: OrderedDict[str | None, _Kept] = OrderedDict()
    lock = threading.Lock()

    def of(tenant: str | None) -> _Kept:
        with lock:
            found = kept.setdefault(tenant, _Kept())
            kept.move_to_end(tenant)
            if len(kept) > _TENANTS:
                kept.popitem(last=False)
            return found

    @router.get("/metrics/rollups", response_class=Response, responses=RESPONSES | _TEXT)
    def rollups(caller: Reader, accept: Annotated[str, Header()] = "") -> Response:
        """LLM calls, failures, cost, tokens and durations of the UTC day, for Prometheus to scrape.

        Counters never fall while the day lasts, and begin anew at midnight, as `rate()` and `increase()` expect.
        """
        media = media_type(accept)
        text = exposition(_now(shared, caller, of(caller.tenant)), is_open=media == OPENMETRICS)
        return Response(text, media_type=media, headers={"Vary": "Accept"})

    return router


def _now(shared: Shared, caller: Caller, kept: _Kept) -> Told:
    with kept.lock:
        now = shared.clock.monotonic()
        if kept.at_ns is None or now - kept.at_ns >= _FRESH_NS:
            day = day_of(shared.clock.wall())
            with shared.views(caller) as views:
                found = totals(views, day).rows
            kept.told, kept.at_ns = told(kept.told, day.start_ns, found, MOST), now
        return kept.told


def exposition(day: Told, *, is_open: bool) -> str:
    """The series as text."""
    return "\n".join([*_lines(day.series, is_open=is_open), *(["# EOF"] if is_open else []), ""])


def _lines(series: Mapping[Labels, Counts], *, is_open: bool) -> Iterator[str]:
    ordered = [(_named(labels), counts) for labels, counts in sorted(series.items())]
    for name, metric in _COUNTERS.items():
        yield from heading(metric, is_open=is_open)
        for labels, counts in ordered:
            value = counts[name]
            yield f"{metric.name}{labelled(labels)} {_over(value, _USD) if metric.unit == 'usd' else value}"
    yield from heading(_TOKENS, is_open=is_open)
    for labels, counts in ordered:
        for name, kind in _KINDS.items():
            yield f"{_TOKENS.name}{labelled({**labels, 'kind': kind})} {counts[name]}"
    yield from heading(_DURATION, is_open=is_open)
    for labels, counts in ordered:
        for power, count in zip(range(FIRST, LAST + 1), counts.buckets, strict=True):
            yield f"{_DURATION.name}_bucket{labelled({**labels, 'le': _over(2**power, NS_PER_S)})} {count}"
        # A percentile beyond all that was sent would be told where the total were less than the last bucket.
        whole = max(counts["count"], counts.buckets[-1])
        yield f"{_DURATION.name}_bucket{labelled({**labels, 'le': '+Inf'})} {whole}"
        yield f"{_DURATION.name}_sum{labelled(labels)} {_over(counts['latency_sum_ns'], NS_PER_S)}"
        yield f"{_DURATION.name}_count{labelled(labels)} {whole}"


def _named(labels: Labels) -> dict[str, str]:
    if labels == OTHERS:
        return {"overflow": "true"}
    return {name: value for name, value in zip(LABELS, labels, strict=True) if value}


def _over(number: int, of: int) -> str:
    """A whole number of billionths, exactly."""
    whole, part = divmod(number, of)
    return f"{whole}.{part:09d}".rstrip("0").rstrip(".") if part else f"{whole}.0"
