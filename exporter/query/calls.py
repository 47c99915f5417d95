"""Single calls: why they failed, what a conversation was made of, what one cost and why.

In: a period and a filter, a conversation, a span. Out: reasons; steps; a bill.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import pyarrow as pa

from exporter.errors import AxError
from exporter.query import paged
from exporter.query.answer import Answer, NotStored
from exporter.query.fields import CALLS, CONVERSATIONS
from exporter.query.filter import EVERYTHING, parse
from exporter.query.paged import After
from exporter.query.period import EVER, Period
from exporter.query.views import Views, text

_MANY: Final = 65_536
"""Conversations are looked for in so many of the newest spans first."""
MOST_TURNS: Final = 100_000
"""Of one conversation."""


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
    """What a conversation, or a session, came to: of its spans that began in a period, the last one at `last_ns`."""

    conversation_id: str
    tenant_id: str | None
    user_id: str | None
    service_name: str | None
    start_ns: int
    last_ns: int
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
    about, glance = views.glance(period)
    parameters = {**about.us(), "limit": limit, **condition.parameters}
    places = {"where": condition.sql, "calls": text("counted_calls")}
    rows = views.rows("failures", Failure, parameters, places, within=about, glance=glance)
    return Answer(rows, period=about, source="llm_calls")


def conversation(views: Views, name: str, *, limit: int = MOST_TURNS, skip: int = 0) -> Answer[Turn]:
    """What happened in a conversation or session, in order, behind the first `skip`."""
    parameters = {"conversation": name, "limit": limit, "skip": skip}
    return Answer(views.rows("conversation", Turn, parameters), source="spans")


def conversations(
    views: Views, period: Period, *, where: str | None = None, limit: int = 100, after: After | None = None
) -> tuple[Answer[Conversation], After | None]:
    """The conversations of a period in which something began latest, of those of their spans that began in it.

    Behind a time and an id, which are given of the last one where more follow. Raises `BadFilter`.
    """
    condition = parse(where, CONVERSATIONS)
    last_ns, name = after or (0, "")
    at = {"after_ns": last_ns, "after_id": name, "limit": limit + 1}
    places = {"where": condition.sql, "after": _AFTER if after else "true", "of": "true"}
    parameters = {**period.us(), **at, **condition.parameters}
    if condition is EVERYTHING:  # what a filter asks of a conversation is known of all of its spans only
        ids = _latest(views, period, at, _AFTER_MAX if after else "true")
        parameters, places = {**parameters, "ids": ids}, {**places, "of": _OF_IDS}
    rows = views.rows("conversations", Conversation, parameters, places, within=period)
    following = (rows[limit - 1].last_ns, rows[limit - 1].conversation_id) if len(rows) > limit else None
    return Answer(rows[:limit], period=period, source="conversations"), following


def _latest(views: Views, period: Period, at: Mapping[str, object], after: str) -> list[str]:
    """The ids, looked for in windows that go back: the last thing that began tells where a conversation stands."""
    found: list[str] = []
    for window in paged.windows(period, lambda stretch: views.last(_MANY, stretch)):
        since = Period(window.start_ns, period.end_ns)
        rows = views.table("conversation_ids", {**since.us(), **at}, {"after": after}, within=since)
        found = rows["conversation_id"].to_pylist()
        if len(found) == at["limit"]:
            break
    return found


_AFTER: Final = "(last_ns < $after_ns::BIGINT OR (last_ns = $after_ns::BIGINT AND conversation_id < $after_id))"
_AFTER_MAX: Final = _AFTER.replace("last_ns", "max(start_time_unix_nano)").replace(
    "conversation_id", "coalesce(gen_ai_conversation_id, session_id)"
)
_OF_IDS: Final = "list_contains($ids::VARCHAR[], coalesce(gen_ai_conversation_id, session_id))"


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
        raise NotStored("a span's id is missing", mend=_FINDS)
    wanted = (trace or "").strip().lower()
    when = EVER if trace is None else views.when(wanted, "spans")
    places = {"of_trace": "true" if trace is None else _OF_TRACE}
    found = views.table(statement, {"prefix": digits, "trace_id": wanted, **when.us()}, places, within=when)
    ids = {(row["trace_id"], row["span_id"]) for row in found.select(["trace_id", "span_id"]).to_pylist()}
    if len(ids) > 1:  # one that was stored twice is one
        raise AxError(f"several spans begin with {digits[:100]}", mend="give more of it, or its trace")
    if not ids:
        raise NotStored(f"no span begins with {prefix[:100]!r}", mend=_FINDS)
    return found.slice(0, 1)


_OF_TRACE: Final = (
    "trace_id = $trace_id AND start_time >= make_timestamptz($start_us::BIGINT)"
    " AND start_time < make_timestamptz($end_us::BIGINT)"
)
_FINDS: Final = "`ax sql` finds them: select trace_id, span_id, model, cost_usd from llm_calls"
