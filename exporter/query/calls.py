"""Single calls: why they failed, what a conversation was made of, what one cost and why.

In: a period and a filter, a conversation, a span. Out: reasons; steps; a bill.
"""

from dataclasses import dataclass

from exporter.errors import AxError
from exporter.query.answer import Answer
from exporter.query.fields import CALLS
from exporter.query.filter import parse
from exporter.query.period import Period
from exporter.query.views import Views, text


@dataclass(frozen=True, slots=True)
class Failure:
    """A reason for which calls failed; `trace_id` is that of the last one, `last_us` Unix microseconds."""

    reason: str
    provider: str | None
    model: str | None
    count: int
    last_us: int
    trace_id: str | None


@dataclass(frozen=True, slots=True)
class Turn:
    """One thing that happened in a conversation; messages are as they were sent, if they were."""

    trace_id: str | None
    span_id: str | None
    start_ns: int
    duration_ns: int
    name: str
    operation: str
    provider: str | None
    model: str | None
    agent: str | None
    tool: str | None
    tokens_input: int | None
    tokens_output: int | None
    cost_nanos: int | None
    error_type: str | None
    input: str | None
    output: str | None


@dataclass(frozen=True, slots=True)
class Bill:
    """What a call cost by part, in nano-dollars, by which price; `unpriced` says why it has none."""

    trace_id: str | None
    span_id: str
    name: str
    start_ns: int
    operation: str | None
    provider: str | None
    model: str | None
    response_model: str | None
    is_counted: bool | None
    tokens_inclusive: bool | None
    tokens_input: int | None
    tokens_cache_read: int | None
    tokens_cache_write: int | None
    tokens_output: int | None
    tokens_reasoning: int | None
    tokens_audio_input: int | None
    tokens_audio_output: int | None
    speech_seconds: float | None
    speech_characters: int | None
    cost_nanos: int | None
    cost_input_nanos: int | None
    cost_cache_read_nanos: int | None
    cost_cache_write_nanos: int | None
    cost_output_nanos: int | None
    cost_other_nanos: int | None
    cost_reported_nanos: int | None
    price_version: str | None
    price_date: str | None
    unpriced: str | None


def failures(views: Views, period: Period, *, where: str | None = None, limit: int = 20) -> Answer[Failure]:
    """Why LLM calls that began in a period failed, most frequent first. Raises `BadFilter`."""
    condition = parse(where, CALLS)
    parameters = {**period.us(), "limit": limit, **condition.parameters}
    rows = views.rows("failures", Failure, parameters, {"where": condition.sql, "calls": text("counted_calls")})
    return Answer(rows, period=period, source="llm_calls")


def conversation(views: Views, name: str) -> Answer[Turn]:
    """What happened in a conversation or session, in order."""
    return Answer(views.rows("conversation", Turn, {"conversation": name}), source="spans")


def bill(views: Views, prefix: str) -> Bill:
    """What the span whose id begins with `prefix` cost. Raises `AxError` where that is none, or several."""
    digits = prefix.strip().lower()
    found = views.rows("explain", Bill, {"prefix": digits}) if digits else ()
    if len(found) != 1:
        what = f"several spans begin with {digits}" if found else f"no span begins with {digits!r}"
        raise AxError(what, mend="`ax sql` finds them: select span_id, model, cost_usd from llm_calls")
    return found[0]
