"""Examples of what is answered, for OpenAPI.

In: nothing. Out: rows.
"""

from typing import Any, Final

from exporter.query.calls import Bill, Conversation, Turn
from exporter.query.detail import Detail, Placed
from exporter.query.logs import Level, Record
from exporter.query.traces import Statistics, Trace
from exporter.query.workflows import Run, Step

TRACE_ID: Final = "588d855abe43103f82dc38f7f2eec9e1"
SPAN_ID: Final = "664322a1fbff8746"
_PARENT: Final = "51d7c5fa0b3f4e68"
_RUN_ID: Final = "run-7f3a"
_CONVERSATION: Final = "conv-42"
_AT_NS: Final = 1_795_342_200_000_000_000
_AT: Final = "2026-11-22T10:10:00Z"
_NONE: Final[Any] = None

TRACE: Final = Trace(
    trace_id=TRACE_ID,
    root_name="POST /chat",
    service_name="shop",
    start_ns=_AT_NS,
    duration_ns=2_400_000_000,
    spans=8,
    errors=0,
    has_root=True,
    cost_nanos=1_250_000,
)
STATISTICS: Final = Statistics(
    traces=1_200, spans=9_600, failed=14, spans_per_trace=8.0, avg_duration_ns=9.1e8, p95_duration_ns=2_400_000_000
)
DETAIL: Final = Detail(
    trace_id=TRACE_ID,
    root_name="POST /chat",
    service_name="shop",
    start_ns=_AT_NS,
    duration_ns=2_400_000_000,
    span_count=1,
    errors=0,
    total_tokens=1_540,
    total_cost_nanos=1_250_000,
    is_truncated=False,
    spans=(
        Placed(
            depth=0,
            span_id=SPAN_ID,
            parent_span_id=None,
            name="chat gpt-5",
            kind="CLIENT",
            service_name="shop",
            start_ns=_AT_NS,
            duration_ns=2_400_000_000,
            self_ns=2_400_000_000,
            critical_ns=2_400_000_000,
            is_critical=True,
            is_running=False,
            status_code="UNSET",
            status_message=None,
            error_type=None,
            operation="chat",
            provider="openai",
            model="gpt-5",
            tokens_input=1_200,
            tokens_output=340,
            cost_nanos=1_250_000,
            total_tokens=1_540,
            total_cost_nanos=1_250_000,
        ),
    ),
)
RECORD: Final = Record(
    time_ns=_AT_NS,
    ingest_us=_AT_NS // 1_000,
    severity_number=17,
    severity_text="ERROR",
    service_name="shop",
    event_name=None,
    body="payment refused",
    trace_id=TRACE_ID,
    span_id=SPAN_ID,
    error_type="PaymentError",
    attributes={"order.id": "7"},
)
LEVEL: Final = Level(bucket_ns=_AT_NS, level="error", count=3)
RUN: Final = Run(
    run_id=_RUN_ID,
    workflow_name="refund",
    status="completed",
    trace_id=TRACE_ID,
    start_ns=_AT_NS,
    duration_ns=4_100_000_000,
    steps_total=3,
    steps_completed=3,
    steps_failed=0,
    error_type=None,
    status_message=None,
    service_name="shop",
    tenant_id="default",
    user_id="ada",
)
STEP: Final = Step(
    step_key="load",
    step_name="Load orders",
    status="completed",
    span_id=SPAN_ID,
    start_ns=_AT_NS,
    duration_ns=800_000_000,
    retry_count=0,
    input_bytes=120,
    output_bytes=4_000,
    error_type=None,
    status_message=None,
)
CONVERSATION: Final = Conversation(
    conversation_id=_CONVERSATION,
    tenant_id="default",
    user_id="ada",
    service_name="shop",
    start_ns=_AT_NS,
    last_ns=_AT_NS + 60_000_000_000,
    duration_ns=62_000_000_000,
    traces=4,
    llm_calls=6,
    tool_calls=2,
    failures=0,
    tokens_input=5_200,
    tokens_output=910,
    cost_nanos=7_300_000,
)
TURN: Final = Turn(
    trace_id=TRACE_ID,
    span_id=SPAN_ID,
    start_ns=_AT_NS,
    duration_ns=2_400_000_000,
    name="chat gpt-5",
    operation="chat",
    provider="openai",
    model="gpt-5",
    agent=None,
    tool=None,
    tokens_input=1_200,
    tokens_output=340,
    cost_nanos=1_250_000,
    error_type=None,
    input='[{"role": "user", "parts": [{"type": "text", "content": "Where is my order?"}]}]',
    output=None,
)
BILL: Final = Bill(
    trace_id=TRACE_ID,
    span_id=SPAN_ID,
    name="chat gpt-5",
    start_ns=_AT_NS,
    operation="chat",
    provider="openai",
    model="gpt-5",
    response_model="gpt-5-2025-08-07",
    is_counted=True,
    tokens_inclusive=True,
    tokens_input=1_200,
    tokens_cache_read=1_000,
    tokens_cache_write=None,
    tokens_output=340,
    tokens_reasoning=200,
    tokens_audio_input=None,
    tokens_audio_output=None,
    speech_seconds=None,
    speech_characters=None,
    cost_nanos=3_775_000,
    cost_input_nanos=250_000,
    cost_cache_read_nanos=125_000,
    cost_cache_write_nanos=None,
    cost_output_nanos=3_400_000,
    cost_other_nanos=None,
    cost_reported_nanos=None,
    price_version="2026-11",
    price_date="2025-08-07",
    unpriced=None,
)
_SPAN: Final = {
    "trace_id": TRACE_ID,
    "span_id": SPAN_ID,
    "parent_span_id": _PARENT,
    "start_time": _AT,
    "duration_ns": 2_400_000_000,
    "service_name": "shop",
}
_CONCERNED: Final = {"failed": False, "error_type": _NONE, "conversation_id": _CONVERSATION, "user_id": "ada"}
SPAN: Final = {
    **_SPAN,
    "name": "chat gpt-5",
    "kind": "CLIENT",
    "status_code": "UNSET",
    "attributes": {"gen_ai.request.model": "gpt-5"},
    "events": [],
    "links": [],
    "resource_attributes": {"service.name": "shop"},
    "scope_name": "opentelemetry.util.genai",
}
_CALL: Final = {
    **_SPAN,
    "provider": "openai",
    "operation": "chat",
    "model": "gpt-5",
    "tokens_input": 1_200,
    "tokens_output": 340,
    "cost_usd": 0.003775,
    "cost_nanos": 3_775_000,
    **_CONCERNED,
}
CALL: Final = {**_CALL, "input_messages": '[{"role":"user"}]', "output_messages": "[]", "system_instructions": _NONE}
_OF_SPANS: Final = {**_SPAN, "name": "chat gpt-5", "kind": "CLIENT", "status_code": "UNSET", "error_type": _NONE}

ROWS: Final[dict[str, dict[str, Any]]] = {
    "spans": _OF_SPANS,
    "spans-pending": _OF_SPANS,
    "llm-calls": _CALL,
    "agent-runs": {**_SPAN, "agent_name": "support", "provider": "openai", "model": "gpt-5", **_CONCERNED},
    "tool-calls": {**_SPAN, "tool_name": "search_orders", "tool_type": "function", "call_id": "call_1", **_CONCERNED},
    "workflow-steps": {
        **_SPAN,
        "run_id": _RUN_ID,
        "workflow_name": "refund",
        "step_key": "load",
        "status": "completed",
    },
    "voice-turns": {**_SPAN, "call_id": "call-9", "turn_number": 3, "heard_silence_ns": 840_000_000, **_CONCERNED},
    "evaluations": {
        "trace_id": TRACE_ID,
        "span_id": SPAN_ID,
        "time": _AT,
        "name": "relevance",
        "score": 0.9,
        "label": "good",
    },
    "metric-points": {
        "time": _AT,
        "metric_name": "gen_ai.client.token.usage",
        "kind": "histogram",
        "metric_unit": "{token}",
        "value": 1_540.0,
        "count": 2,
        "service_name": "shop",
        "attributes": {"gen_ai.token.type": "input"},
    },
}
"""Of the lists of `exporter.query.listed`."""
