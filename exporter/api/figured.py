"""Figures of calls as the API shows them: flat names, and labels as an object.

In: rows of `exporter.query.figures`. Out: frozen dataclasses.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Final, Literal

from fastapi import Depends, Query

from exporter.api.asked import By, Where
from exporter.query.answer import Answer
from exporter.query.figures import Figures, Of
from exporter.query.measures import MEASURES

MOST_ROWS: Final = 30_000
"""Of a series: 300 buckets of 100 groups."""

OF: Final = {"calls": Of.CALLS, "spans": Of.SPANS}
Kind = Annotated[Literal["calls", "spans"], Query(description="of LLM calls, or of all spans")]


@dataclass(frozen=True, slots=True)
class Narrowed:
    """Whose figures, of which of them, told apart by what."""

    by: tuple[str, ...]
    where: str | None
    of: Of


def _narrowed(by: By, where: Where = None, of: Kind = "calls") -> Narrowed:
    return Narrowed(by, where, OF[of])


Whose = Annotated[Narrowed, Depends(_narrowed)]
"""`by`, `filter` and `of`."""
Labels = Mapping[str, str | None]
EXAMPLE: Final[Labels] = {"provider": "openai"}


@dataclass(frozen=True, slots=True)
class Called:
    """How the calls of a group went; latencies are None where there are none."""

    labels: Labels
    calls: int
    failed: int
    success_ratio: float | None
    avg_latency_ns: float | None
    min_latency_ns: int | None
    p50_latency_ns: int | None
    p95_latency_ns: int | None
    p99_latency_ns: int | None
    max_latency_ns: int | None
    tokens_input: int
    tokens_output: int
    tokens_cache_read: int
    tokens_cache_write: int
    tokens_reasoning: int
    cost_nanos: int
    cost_reported_nanos: int
    unpriced: int


@dataclass(frozen=True, slots=True)
class CalledThen:
    """The same of a bucket, which begins at `bucket_ns`."""

    bucket_ns: int
    labels: Labels
    calls: int
    failed: int
    success_ratio: float | None
    avg_latency_ns: float | None
    p50_latency_ns: int | None
    p95_latency_ns: int | None
    p99_latency_ns: int | None
    tokens_input: int
    tokens_output: int
    cost_nanos: int
    unpriced: int


CALLED: Final = Called(
    EXAMPLE, 1_204, 6, 0.995, 812e6, 90_000_000, 700_000_000, 1_900_000_000, 3_100_000_000, 4_000_000_000,
    902_113, 120_400, 300_000, 0, 4_000, 1_804_113_000, 0, 0,
)  # fmt: skip
CALLED_THEN: Final = CalledThen(
    1_795_340_400_000_000_000, EXAMPLE, 20, 0, 1.0, 812e6, 700_000_000, 1_900_000_000, 3_100_000_000, 15_000, 2_000,
    30_060_000, 0,
)  # fmt: skip


def labelled(by: Sequence[str], labels: Sequence[str | None]) -> Labels:
    """Labels by the names of what they tell apart."""
    return dict(zip(by, labels, strict=True))


def called(by: Sequence[str], row: Figures) -> Called:
    """One group."""
    return Called(
        labelled(by, row.labels),
        row.count,
        row.failed,
        MEASURES["success_rate"].read(row),
        MEASURES["avg_latency"].read(row),
        row.latency_min_ns,
        *row.percentiles_ns,
        row.latency_max_ns,
        row.tokens_input,
        row.tokens_output,
        row.tokens_cache_read,
        row.tokens_cache_write,
        row.tokens_reasoning,
        row.cost_nanos,
        row.cost_reported_nanos,
        row.unpriced,
    )


def called_then(by: Sequence[str], row: Figures) -> CalledThen:
    """One bucket and group."""
    return CalledThen(
        row.bucket_ns,
        labelled(by, row.labels),
        row.count,
        row.failed,
        MEASURES["success_rate"].read(row),
        MEASURES["avg_latency"].read(row),
        *row.percentiles_ns,
        row.tokens_input,
        row.tokens_output,
        row.cost_nanos,
        row.unpriced,
    )


def called_of(by: Sequence[str], answer: Answer[Figures]) -> Answer[Called]:
    """The answer in these rows."""
    return Answer(tuple(called(by, row) for row in answer.rows), answer.precision, answer.period, answer.source)
