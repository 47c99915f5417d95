"""Lists of records: what each shows, of which view, in which order.

In: a list's name, a period, a filter, columns, where the page before ended. Out: a page of rows, newest first.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

import pyarrow as pa

from exporter.query import paged
from exporter.query.fields import (
    AGENT_RUNS,
    CALLS,
    EVALUATIONS,
    METRIC_POINTS,
    SPANS,
    STEPS,
    TOOL_CALLS,
    TURNS,
    Subject,
)
from exporter.query.filter import EVERYTHING, parse
from exporter.query.paged import Mark
from exporter.query.period import MINUTE, Period
from exporter.query.pruned import pruned
from exporter.query.segments import statements
from exporter.query.views import Views, text
from exporter.units import NS_PER_US

_SPAN: Final = ("trace_id", "span_id", "ingest_time")


@dataclass(frozen=True, slots=True)
class Listed:
    """A list. `columns` are shown where none are named, `more` where they are; `ids` order what has one time.

    `time` is the column by which rows are in a period and `nanos` SQL of the same in Unix nanoseconds. `source` is a
    statement in `sql/` that makes the rows, where they are not those of `view`.

    A view that joins spans, or looks into them, reads all there are, whatever is asked of it. `near_ns` has it read
    those that began at most so long before and behind the period; `keys` is SQL of the rows' times without the rest,
    for who sets no filter. One whose rows are made of several, wherever they are, `is_grouped`: it reads all there are.
    """

    view: str
    says: str
    subject: Subject
    columns: tuple[str, ...]
    more: tuple[str, ...]
    ids: tuple[str, ...] = _SPAN
    time: str = "start_time"
    nanos: str = "start_time_unix_nano"
    source: str = ""
    near_ns: tuple[int, int] | None = None
    keys: str = ""
    is_grouped: bool = False

    @property
    def known(self) -> tuple[str, ...]:
        """The columns that can be asked for."""
        return self.columns + self.more


@dataclass(frozen=True, slots=True)
class Page:
    """Rows with the columns that were asked for, and where the next page begins."""

    table: pa.Table
    following: Mark | None


def page(
    views: Views,
    of: Listed,
    period: Period,
    *,
    where: str | None = None,
    columns: Sequence[str] | None = None,
    mark: Mark | None = None,
    limit: int = 100,
) -> Page:
    """The newest `limit` rows of a period that a filter finds, or those behind `mark`; `columns` are known ones.

    Raises `BadFilter`.
    """
    condition = parse(where, of.subject)
    is_all = condition is EVERYTHING
    chosen = of.columns if columns is None else tuple(columns)
    asked_of = {"time": of.time, "nanos": of.nanos, "where": condition.sql}
    shown = {"columns": ", ".join(chosen), "ids": ", ".join(of.ids)}
    places = {**asked_of, **shown, "view": _rows_of(of, *asked_of.values(), *shown.values())}

    before_ns, behind_ns = of.near_ns or (0, 0)
    margin = {"before_us": before_ns // NS_PER_US, "behind_us": behind_ns // NS_PER_US}
    keys = {**asked_of, "view": f"({of.keys})" if of.keys and is_all else _rows_of(of, *asked_of.values())}

    def about(stretch: Period) -> Period | None:
        return None if of.is_grouped else Period(stretch.start_ns - before_ns, stretch.end_ns + behind_ns)

    def times(window: Period, last_ns: int, most: int) -> list[int]:
        asked = {**window.us(), "last_ns": last_ns, "limit": most, **margin, **condition.parameters}
        found: list[int] = views.table("listed_times", asked, keys, within=about(window))["time_ns"].to_pylist()
        return found

    def last(stretch: Period) -> Period | None:
        return views.last(_FEW if is_all else _MANY, stretch, f"FROM {keys['view']}")

    place = paged.page(times, period, mark, limit, last)
    if place is None:
        asked = {**condition.parameters, **margin, **_NOTHING}
        return Page(views.table("listed_rows", asked, places, within=about(_NEVER)), None)
    asked = {**place.parameters(), **margin, **condition.parameters}
    return Page(views.table("listed_rows", asked, places, within=about(place.period)), place.following)


def _rows_of(of: Listed, *naming: str) -> str:
    """Rows that have the columns which these parts of a statement name."""
    if of.source:
        return f"({text(of.source)})"
    return f"({near(of.view) if of.near_ns else pruned(of.view, frozenset(_WORD.findall(' '.join(naming))))})"


@cache
def near(view: str) -> str:
    """The statement of a view, over the spans that began about the period."""
    return _SPANS_STORED.sub(_SPANS_NEAR, statements()[view])


_WORD: Final = re.compile(r"\w+")
_SPANS_STORED: Final = re.compile(r"stored\.spans( /\*[^*]*\*/)?")
_SPANS_NEAR: Final = (
    r"(FROM stored.spans\1 WHERE start_time >= make_timestamptz($start_us::BIGINT - $before_us::BIGINT)"
    " AND start_time < make_timestamptz($end_us::BIGINT + $behind_us::BIGINT))"
)
_NEVER: Final = Period(-NS_PER_US, 0)
_FEW: Final = 2_048
_MANY: Final = 65_536
"""Of so many of the newest rows a page is looked for first; where there is a filter, in a row group's worth."""
_NOTHING: Final = {"start_us": 0, "end_us": 0, "last_ns": 0, "skip": 0, "limit": 0}
_WHOSE: Final = ("trace_id", "span_id", "parent_span_id", "start_time", "duration_ns", "service_name")
_HOW: Final = ("failed", "error_type")
_WHERE: Final = ("conversation_id", "user_id", "workflow_name", "workflow_run_id", "step_key")
_REST: Final = ("tenant_id", "start_time_unix_nano", "end_time", "ingest_time")
_SPANS: Final = (
    *_WHOSE, "name", "kind", "status_code", "error_type", "gen_ai_operation_name", "gen_ai_provider_name",
    "gen_ai_request_model", "gen_ai_agent_name", "gen_ai_tool_name", "gen_ai_workflow_name", "cost_nanos",
)  # fmt: skip
_SPANS_MORE: Final = (
    *_REST, "status_message", "trace_state", "flags", "clock_skew", "odd", "attributes", "events", "links",
    "resource_attributes", "scope_name", "scope_version", "scope_attributes", "service_namespace", "service_version",
    "service_instance_id", "deployment_environment_name", "host_name", "gen_ai_response_model",
    "gen_ai_usage_input_tokens", "gen_ai_usage_output_tokens", "gen_ai_conversation_id", "session_id", "user_id",
    "http_request_method", "http_response_status_code", "http_route", "url_path", "workflow_run_id", "step_key",
    "ax_kind", "is_counted",
)  # fmt: skip

LISTS: Final[Mapping[str, Listed]] = {
    "spans": Listed(
        "spans", "Spans, the newest first.", SPANS, _SPANS, _SPANS_MORE, keys="FROM stored.spans"
    ),
    "spans-pending": Listed(
        "spans_pending", "Copies of spans that were sent when they started, the newest first.", SPANS, _SPANS,
        _SPANS_MORE, keys="FROM stored.spans_pending",
    ),
    "llm-calls": Listed(
        "llm_calls",
        "Calls of models, each once, whoever instrumented them and however often; the newest first.",
        CALLS,
        (
            *_WHOSE, "provider", "operation", "model", "response_model", "tokens_input", "tokens_output",
            "tokens_cache_read", "tokens_cache_write", "tokens_reasoning", "time_to_first_chunk_ns", "cost_usd",
            "cost_nanos", "unpriced", *_HOW, "agent_name", *_WHERE,
        ),
        (
            *_REST, "name", "status_code", "status_message", "session_id", "request_model", "response_id",
            "tokens_audio_input", "tokens_audio_output", "tokens_inclusive", "speech_seconds", "speech_characters",
            "cost_input_usd", "cost_cache_read_usd", "cost_cache_write_usd", "cost_output_usd", "cost_other_usd",
            "cost_usd_reported", "price_version", "price_date", "finish_reasons", "scope_name", "attributes",
        ),
    ),
    "agent-runs": Listed(
        "agent_runs", "Runs of agents, the newest first.", AGENT_RUNS,
        (*_WHOSE, "agent_name", "agent_id", "provider", "model", *_HOW, *_WHERE),
        (*_REST, "status_code", "status_message", "session_id", "scope_name", "attributes"),
    ),
    "tool-calls": Listed(
        "tool_calls", "Calls of tools, the newest first; what they were given and gave is asked for by `fields`.",
        TOOL_CALLS,
        (*_WHOSE, "tool_name", "tool_type", "call_id", *_HOW, "agent_name", *_WHERE),
        (
            *_REST, "status_code", "status_message", "session_id", "arguments", "result", "scope_name", "attributes",
        ),
    ),
    "workflow-steps": Listed(
        "workflow_steps", "Steps of workflows, running ones too, the newest first.", STEPS,
        (
            *_WHOSE, "run_id", "workflow_name", "step_key", "step_name", "status", "retry_count", "input_bytes",
            "output_bytes", "error_type", "status_message", "conversation_id", "user_id",
        ),
        _REST,
        is_grouped=True,
    ),
    "voice-turns": Listed(
        "voice_turns", "Turns of voice calls: the silence that was heard, and where that time went; the newest first.",
        TURNS,
        (
            *_WHOSE, "call_id", "turn_number", "heard_silence_ns", "stt_latency_ns", "llm_time_to_first_token_ns",
            "tts_time_to_first_byte_ns", "interrupted", "objective", "outcome", "failure_reason", *_HOW,
            "conversation_id", "user_id", "cost_usd",
        ),
        (*_REST, "status_code", "stt_cost_usd", "tts_cost_usd", "attributes"),
        near_ns=(0, 10 * MINUTE),
        keys="FROM stored.spans WHERE ax_kind = 'voice_turn'",
    ),
    "evaluations": Listed(
        "evaluations", "Results of evaluations, the newest first.", EVALUATIONS,
        (
            "trace_id", "span_id", "time", "name", "score", "label", "explanation", "error_type", "service_name",
            "conversation_id", "user_id",
        ),
        ("tenant_id", "response_id", "ingest_time", "attributes"),
        ids=("trace_id", "span_id", "name", "score", "label", "ingest_time"),
        time="time",
        nanos="(epoch_us(time) * 1000)",
        near_ns=(10 * MINUTE, 0),
    ),
    "metric-points": Listed(
        "metric_points",
        "Points of metrics as they are stored, the newest first; a histogram's value is its sum.",
        METRIC_POINTS,
        (
            "time", "metric_name", "kind", "metric_unit", "value", "count", "min", "max", "temporality",
            "service_name", "service_instance_id", "attributes",
        ),
        (
            "time_unix_nano", "start_time", "tenant_id", "scope_name", "gen_ai_operation_name",
            "gen_ai_provider_name", "gen_ai_request_model", "gen_ai_agent_name", "gen_ai_workflow_name",
            "gen_ai_token_type", "error_type", "http_route",
        ),
        ids=("metric_name", "service_name", "service_instance_id", "value", "attributes::VARCHAR"),
        time="time",
        nanos="time_unix_nano",
        source="listed_points",
    ),
}  # fmt: skip
"""By the last part of their URL."""
