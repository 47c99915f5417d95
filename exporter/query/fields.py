"""What can be asked of each kind of record: the names that filters and dimensions use, and where they are stored.

In: nothing. Out: one table of fields per subject, as data; names are those of the views' columns where they have one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final


class Kind(Enum):
    """What a field holds, and so what it is compared with; the value says it in words."""

    TEXT = "text"
    NUMBER = "a number"
    DURATION = "a duration"
    MONEY = "an amount in US dollars"
    FLAG = "true or false"


@dataclass(frozen=True, slots=True)
class Field:
    """A field: `sql` is the expression that reads it; a duration is in nanoseconds, money in nano-dollars there."""

    sql: str
    kind: Kind = Kind.TEXT


@dataclass(frozen=True, slots=True)
class Subject:
    """A kind of record. `attributes` is the SQL of its map of attributes, empty where it has none."""

    name: str
    fields: Mapping[str, Field]
    attributes: str = ""


def _same(*names: str, kind: Kind = Kind.TEXT) -> dict[str, Field]:
    return {name: Field(name, kind) for name in names}


_CALL: Final[Mapping[str, Field]] = {
    **_same("provider", "model", "operation"),
    "service": Field("service_name"),
    "tenant": Field("tenant_id"),
    "workflow": Field("workflow_name"),
    "agent": Field("agent_name"),
    "user": Field("user_id"),
    "conversation": Field("conversation_id"),
    "error": Field("error_type"),
    "response_model": Field("response_model"),
    "failed": Field("failed", Kind.FLAG),
    "duration": Field("duration_ns", Kind.DURATION),
    "latency": Field("duration_ns", Kind.DURATION),
    "ttfc": Field("time_to_first_chunk_ns", Kind.DURATION),
    "cost": Field("cost_nanos", Kind.MONEY),
    **_same(
        "tokens_input",
        "tokens_output",
        "tokens_cache_read",
        "tokens_cache_write",
        "tokens_reasoning",
        kind=Kind.NUMBER,
    ),
    "run": Field("workflow_run_id"),
    "step": Field("step_key"),
    "trace": Field("trace_id"),
    "span": Field("span_id"),
}

CALLS: Final = Subject("LLM calls", _CALL, attributes="attributes")

SPANS: Final = Subject(
    "spans",
    {
        **_same("name", "kind"),
        "service": Field("service_name"),
        "tenant": Field("tenant_id"),
        "status": Field("status_code"),
        "failed": Field("(status_code = 'ERROR' OR error_type IS NOT NULL)", Kind.FLAG),
        "error": Field("error_type"),
        "duration": Field("duration_ns", Kind.DURATION),
        "latency": Field("duration_ns", Kind.DURATION),
        "operation": Field("gen_ai_operation_name"),
        "provider": Field("gen_ai_provider_name"),
        "model": Field("gen_ai_request_model"),
        "agent": Field("gen_ai_agent_name"),
        "tool": Field("gen_ai_tool_name"),
        "workflow": Field("gen_ai_workflow_name"),
        "conversation": Field("gen_ai_conversation_id"),
        "user": Field("user_id"),
        "session": Field("session_id"),
        "route": Field("http_route"),
        "trace": Field("trace_id"),
        "span": Field("span_id"),
        "parent": Field("parent_span_id"),
    },
    attributes="attributes",
)

TRACES: Final = Subject(
    "traces",
    {
        "name": Field("root_name"),
        "service": Field("service_name"),
        "trace": Field("trace_id"),
        "duration": Field("duration_ns", Kind.DURATION),
        "latency": Field("duration_ns", Kind.DURATION),
        **_same("spans", "errors", kind=Kind.NUMBER),
        "failed": Field("(errors > 0)", Kind.FLAG),
    },
)

LOGS: Final = Subject(
    "log records",
    {
        "body": Field("body"),
        "event": Field("event_name"),
        "service": Field("service_name"),
        "tenant": Field("tenant_id"),
        "severity": Field("severity_number", Kind.NUMBER),
        "error": Field("coalesce(error_type, exception_type)"),
        "user": Field("user_id"),
        "session": Field("session_id"),
        "conversation": Field("gen_ai_conversation_id"),
        "model": Field("gen_ai_request_model"),
        "provider": Field("gen_ai_provider_name"),
        "operation": Field("gen_ai_operation_name"),
        "trace": Field("trace_id"),
        "span": Field("span_id"),
    },
    attributes="attributes",
)

POINTS: Final = Subject(
    "metric points",
    {
        "service": Field("service_name"),
        "tenant": Field("tenant_id"),
        "operation": Field("gen_ai_operation_name"),
        "provider": Field("gen_ai_provider_name"),
        "model": Field("gen_ai_request_model"),
        "agent": Field("gen_ai_agent_name"),
        "workflow": Field("gen_ai_workflow_name"),
        "token_type": Field("gen_ai_token_type"),
        "error": Field("error_type"),
        "route": Field("http_route"),
    },
    attributes="attributes",
)

CELLS: Final = Subject(
    "rollups",
    {
        "metric": Field("metric_name"),
        **_same("provider", "model", "operation", "workflow", "agent"),
        "service": Field("service_name"),
        "tenant": Field("tenant_id"),
    },
)

RUNS: Final = Subject(
    "workflow runs",
    {
        "workflow": Field("workflow_name"),
        "name": Field("workflow_name"),
        "status": Field("status"),
        "service": Field("service_name"),
        "tenant": Field("tenant_id"),
        "user": Field("user_id"),
        "duration": Field("duration_ns", Kind.DURATION),
        "latency": Field("duration_ns", Kind.DURATION),
        "run": Field("run_id"),
        "trace": Field("trace_id"),
    },
)

_OF_SPANS: Final[Mapping[str, Field]] = {
    "service": Field("service_name"),
    "tenant": Field("tenant_id"),
    "user": Field("user_id"),
    "conversation": Field("conversation_id"),
    "error": Field("error_type"),
    "duration": Field("duration_ns", Kind.DURATION),
    "latency": Field("duration_ns", Kind.DURATION),
    "trace": Field("trace_id"),
    "span": Field("span_id"),
}
"""What views of spans of one kind have in common."""

AGENT_RUNS: Final = Subject(
    "agent runs",
    {
        "agent": Field("agent_name"),
        **_same("provider", "model"),
        "workflow": Field("workflow_name"),
        "run": Field("workflow_run_id"),
        "step": Field("step_key"),
        "failed": Field("failed", Kind.FLAG),
        **_OF_SPANS,
    },
    attributes="attributes",
)

TOOL_CALLS: Final = Subject(
    "tool calls",
    {
        "tool": Field("tool_name"),
        "type": Field("tool_type"),
        "call": Field("call_id"),
        "agent": Field("agent_name"),
        "workflow": Field("workflow_name"),
        "run": Field("workflow_run_id"),
        "step": Field("step_key"),
        "failed": Field("failed", Kind.FLAG),
        **_OF_SPANS,
    },
    attributes="attributes",
)

STEPS: Final = Subject(
    "workflow steps",
    {
        "workflow": Field("workflow_name"),
        "step": Field("step_key"),
        "name": Field("step_name"),
        "status": Field("status"),
        "run": Field("run_id"),
        "retries": Field("retry_count", Kind.NUMBER),
        **_OF_SPANS,
    },
)

TURNS: Final = Subject(
    "voice turns",
    {
        "call": Field("call_id"),
        "turn": Field("turn_number", Kind.NUMBER),
        "silence": Field("heard_silence_ns", Kind.DURATION),
        "stt": Field("stt_latency_ns", Kind.DURATION),
        "llm": Field("llm_time_to_first_token_ns", Kind.DURATION),
        "tts": Field("tts_time_to_first_byte_ns", Kind.DURATION),
        "cost": Field("(cost_usd * 1000000000)", Kind.MONEY),
        "interrupted": Field("interrupted", Kind.FLAG),
        **_same("objective", "outcome"),
        "reason": Field("failure_reason"),
        "failed": Field("failed", Kind.FLAG),
        **_OF_SPANS,
    },
    attributes="attributes",
)

EVALUATIONS: Final = Subject(
    "evaluations",
    {
        **_same("name", "label"),
        "score": Field("score", Kind.NUMBER),
        "service": Field("service_name"),
        "tenant": Field("tenant_id"),
        "user": Field("user_id"),
        "conversation": Field("conversation_id"),
        "error": Field("error_type"),
        "trace": Field("trace_id"),
        "span": Field("span_id"),
    },
    attributes="attributes",
)

METRIC_POINTS: Final = Subject(
    "points of metrics",
    {
        "metric": Field("metric_name"),
        "kind": Field("kind"),
        "unit": Field("metric_unit"),
        "value": Field("value", Kind.NUMBER),
        "count": Field("count", Kind.NUMBER),
        "instance": Field("service_instance_id"),
        "scope": Field("scope_name"),
        **POINTS.fields,
    },
    attributes="attributes",
)

CONVERSATIONS: Final = Subject(
    "conversations",
    {
        "conversation": Field("conversation_id"),
        "service": Field("service_name"),
        "tenant": Field("tenant_id"),
        "user": Field("user_id"),
        "duration": Field("duration_ns", Kind.DURATION),
        "cost": Field("cost_nanos", Kind.MONEY),
        "calls": Field("llm_calls", Kind.NUMBER),
        "tools": Field("tool_calls", Kind.NUMBER),
        **_same("traces", "tokens_input", "tokens_output", kind=Kind.NUMBER),
        "failed": Field("(failures > 0)", Kind.FLAG),
    },
)
