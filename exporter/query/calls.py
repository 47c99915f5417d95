"""Single calls: why they failed, what a conversation was made of, what one cost and why.

In: a period and a filter, a conversation, a span. Out: reasons; steps; a bill.
"""

from dataclasses import dataclass
from typing import Final

import pyarrow as pa

from exporter.errors import AxError
from exporter.query import paged
from exporter.query.answer import Answer, NotStored
from exporter.query.fields import CALLS, CONVERSATIONS
from exporter.query.filter import parse
from exporter.query.paged import Mark
from exporter.query.period import Period
from exporter.query.views import Views, text

MOST_TURNS: Final = 100_000


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
class Conversation:
    """What a conversation, or a session, came to: of its spans that began in a period."""

    conversation_id: str
    tenant_id: str | None
    user_id: str | None
    service_name: str | None
    start_ns: int
    duration_ns: int
    traces: int
    llm_calls: int
    tool_calls: int
    failures: int
    tokens_input: int | None
    tokens_output: int | None
    cost_nanos: int | None


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


def conversation(views: Views, name: str, *, limit: int = MOST_TURNS, skip: int = 0) -> Answer[Turn]:
    """What happened in a conversation or session, in order, behind the first `skip`."""
    parameters = {"conversation": name, "limit": limit, "skip": skip}
    return Answer(views.rows("conversation", Turn, parameters), source="spans")


def conversations(
    views: Views, period: Period, *, where: str | None = None, limit: int = 100, mark: Mark | None = None
) -> tuple[Answer[Conversation], Mark | None]:
    """The newest conversations of a period, of those of their spans that began in it, and where the next page begins.

    Raises `BadFilter`.
    """
    condition = parse(where, CONVERSATIONS)
    parameters = {**period.us(), **paged.asked(mark, limit), **condition.parameters}
    rows = views.rows("conversations", Conversation, parameters, {"where": condition.sql})
    following = paged.following([one.start_ns for one in rows], limit, mark)
    return Answer(rows[:limit], period=period, source="conversations"), following


def bill(views: Views, prefix: str, trace: str | None = None) -> Bill:
    """What the span whose id begins with `prefix` cost. Raises `NotStored`, and `AxError` where there are several.

    With the id of its `trace` it is found at once: through bloom filters, which spans have by trace.
    """
    table = _one(views, "explain", prefix, trace)
    return Bill(**table.to_pylist()[0])


def call(views: Views, prefix: str, trace: str | None = None) -> pa.Table:
    """One call of a model with its messages: a row of the view, found as by `bill`. Raises as that does."""
    return _one(views, "call", prefix, trace)


def _one(views: Views, statement: str, prefix: str, trace: str | None) -> pa.Table:
    digits = prefix.strip().lower()
    if not digits:
        raise AxError("a span's id is missing", mend=_FINDS)
    places = {"of_trace": "true" if trace is None else "trace_id = $trace_id"}
    found = views.table(statement, {"prefix": digits, "trace_id": (trace or "").strip().lower()}, places)
    ids = {(row["trace_id"], row["span_id"]) for row in found.select(["trace_id", "span_id"]).to_pylist()}
    if len(ids) > 1:  # one that was stored twice is one
        raise AxError(f"several spans begin with {digits[:100]}", mend="give more of it, or its trace")
    if not ids:
        raise NotStored(f"no span begins with {prefix[:100]!r}", mend=_FINDS)
    return found.slice(0, 1)


_FINDS: Final = "`ax sql` finds them: select trace_id, span_id, model, cost_usd from llm_calls"
