"""Money that calls of models need not have cost: failures and retries, prompts that repeat, caches that are not used.

In: a period, a filter. Out: sums by model, and by who asked.
"""

from dataclasses import dataclass

from exporter.query.answer import Answer
from exporter.query.fields import CALLS
from exporter.query.filter import parse
from exporter.query.period import Period
from exporter.query.views import Row, Views, text

_SOURCE = "llm_calls"


@dataclass(frozen=True, slots=True)
class Retries:
    """Of a model: calls that failed, and those that were made again after one had, with what they cost."""

    provider: str | None
    model: str | None
    calls: int
    failed: int
    failed_nanos: int
    retries: int
    retries_nanos: int


@dataclass(frozen=True, slots=True)
class CachedShare:
    """How much of its input somebody reads from a model's cache; prices are nano-dollars a token, as they were paid."""

    provider: str | None
    model: str | None
    asker: str | None
    calls: int
    tokens_input: int
    tokens_cached: int
    input_nanos: float | None
    cached_nanos: float | None

    @property
    def ratio(self) -> float:
        """From 0 to 1."""
        return self.tokens_cached / self.tokens_input


@dataclass(frozen=True, slots=True)
class Repeated:
    """Prompts that were sent more than once: how many, in how many calls, what all but the first of each cost."""

    provider: str | None
    model: str | None
    asker: str | None
    prompts: int
    calls: int
    again_nanos: int


def retries(views: Views, period: Period, *, where: str | None = None, limit: int = 20) -> Answer[Retries]:
    """What failures and retries cost, the dearest model first. Raises `BadFilter`."""
    return _asked(views, "retries", Retries, period, where, limit=limit)


def cached_shares(
    views: Views, period: Period, *, where: str | None = None, least_tokens: int = 0
) -> Answer[CachedShare]:
    """Of all who gave models at least so many tokens, the greatest first. Raises `BadFilter`."""
    return _asked(views, "cached_shares", CachedShare, period, where, least=least_tokens)


def repeated_prompts(views: Views, period: Period, *, where: str | None = None, limit: int = 20) -> Answer[Repeated]:
    """What asking the same again cost, where prompts are recorded at all. Raises `BadFilter`."""
    return _asked(views, "repeated_prompts", Repeated, period, where, limit=limit)


def _asked(views: Views, name: str, row: type[Row], period: Period, where: str | None, **more: int) -> Answer[Row]:
    condition = parse(where, CALLS)
    parameters = {**period.us(), **more, **condition.parameters}
    places = {"where": condition.sql, "calls": text("counted_calls")}
    rows = views.rows(name, row, parameters, places, within=period)
    return Answer(rows, period=period, source=_SOURCE)
