"""What could be cheaper: plain sums, each with what it would have saved in the period that was looked at.

In: a period's failures, repeated prompts and shares of caches. Out: advice, the dearest first.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Literal

from exporter.query.answer import EXACT, Answer
from exporter.query.period import Period
from exporter.query.views import Views
from exporter.query.waste import CachedShare, Repeated, Retries, cached_shares, repeated_prompts, retries

Kind = Literal["cache", "failures", "repeats"]
WORTH_TOKENS: Final = 10_000
"""Who gave a model less is not worth a look."""
USUAL_SHARE: Final = 0.5
"""What prompts with a fixed beginning read from a cache, where nobody of the same model shows what can be had."""
MOST_SPANS: Final = 2**19
"""Of a period that has more, the newest are looked at: over 10 M it took more than 10 s."""
_BETTER: Final = 0.1
"""A share that is nearer to what could be had is good enough."""


@dataclass(frozen=True, slots=True)
class Advice:
    """One thing to do; `saves_nanos` is None where no price of it is known. Nothing is guessed: prices are as paid."""

    kind: Kind
    provider: str | None
    model: str | None
    asker: str | None
    saves_nanos: int | None
    finding: str
    mend: str


def advice(
    views: Views, period: Period, *, where: str | None = None, limit: int = 20, most: int = MOST_SPANS
) -> Answer[Advice]:
    """Of a period, dearest first; the answer's period is what was looked at, its newest part. Raises `BadFilter`."""
    period = views.last(most, period, longest_ns=period.length_ns) or period
    found = [
        *of_retries(retries(views, period, where=where).rows),
        *of_repeats(repeated_prompts(views, period, where=where).rows),
        *of_caches(cached_shares(views, period, where=where, least_tokens=WORTH_TOKENS).rows),
    ]
    found.sort(key=lambda one: (-(one.saves_nanos or 0), one.kind, str(one.model)))
    return Answer(tuple(found[:limit]), EXACT, period, "llm_calls")


def of_retries(rows: Iterable[Retries]) -> Iterator[Advice]:
    """Failures that were paid for, and what was paid to try again."""
    for row in rows:
        if row.failed_nanos or row.retries_nanos:
            yield Advice(
                "failures",
                row.provider,
                row.model,
                None,
                row.failed_nanos + row.retries_nanos,
                f"{row.failed:,} of {row.calls:,} calls failed and cost money, {row.retries:,} were tried again",
                "`ax monitor calls` says why; fix what is refused before trying again",
            )


def of_repeats(rows: Iterable[Repeated]) -> Iterator[Advice]:
    """Prompts whose answer was there already."""
    for row in rows:
        if row.again_nanos:
            yield Advice(
                "repeats",
                row.provider,
                row.model,
                row.asker,
                row.again_nanos,
                f"{row.prompts:,} prompts were sent {row.calls:,} times, word for word",
                "keep the answers: a response cache in front of the model",
            )


def of_caches(rows: Iterable[CachedShare]) -> Iterator[Advice]:
    """Who reads less from a model's cache than others do, or than is usual where the model has one."""
    shares = list(rows)
    best: dict[tuple[str | None, str | None], float] = {}
    for row in shares:
        key = (row.provider, row.model)
        best[key] = max(best.get(key, 0.0), row.ratio)
    for row in shares:
        reached = best[row.provider, row.model]
        target = reached if reached > row.ratio + _BETTER else USUAL_SHARE
        if row.ratio + _BETTER > target:
            continue
        tokens = (target - row.ratio) * row.tokens_input
        prices = (row.input_nanos, row.cached_nanos)
        saved = None if prices[0] is None or prices[1] is None else round(tokens * max(prices[0] - prices[1], 0))
        others = "others of this model read" if target == reached else "prompts with a fixed beginning often read"
        yield Advice(
            "cache",
            row.provider,
            row.model,
            row.asker,
            saved,
            f"{row.ratio * 100:.0f} % of {row.tokens_input:,} input tokens came from the cache; "
            f"{others} {target * 100:.0f} %",
            "put what does not change first in the prompt, and mark it for the cache where the provider asks for that",
        )
