"""LLM calls that a test sends, and amounts as the dashboard writes them.

In: a server, what a call was like. Out: spans that are stored; texts.
"""

import json
from collections.abc import Mapping
from math import floor, log10
from secrets import token_bytes
from typing import Final

import httpx
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from exporter.clock import SystemClock
from tests.otlp import Plain, key_values
from tests.running import Server, until

SECOND: Final = 10**9
DAY: Final = 86_400 * SECOND
_PROTOBUF: Final = {"Content-Type": "application/x-protobuf"}
_SMALL: Final = 0.995
_LEAST: Final = 0.00001
_LEAST_PERCENT: Final = 0.01
"""Dollars from which cents are enough."""
_LARGE: Final = 1_000


def said(role: str, text: str) -> dict[str, Plain]:
    """A message."""
    return {"role": role, "parts": [{"type": "text", "content": text}]}


def call(
    server: Server,
    model: str,
    more: Mapping[str, Plain] | None = None,
    *,
    ago_ns: int = SECOND,
    trace: bytes | None = None,
) -> str:
    """A call of a model is sent and stored: half a second long, 1,000 tokens in and 100 out; the id of its span."""
    start = SystemClock().wall() - ago_ns
    export = ExportTraceServiceRequest()
    resource = export.resource_spans.add()
    resource.resource.attributes.extend(key_values({"service.name": "till"}))
    span = resource.scope_spans.add().spans.add(
        trace_id=trace or token_bytes(16),
        span_id=token_bytes(8),
        name=f"chat {model}",
        kind=3,
        start_time_unix_nano=start,
        end_time_unix_nano=start + SECOND // 2,
    )
    all_told: dict[str, Plain] = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": model,
        "gen_ai.usage.input_tokens": 1_000,
        "gen_ai.usage.output_tokens": 100,
        **(more or {}),
    }
    told = {name: json.dumps(value) if isinstance(value, list) else value for name, value in all_told.items()}
    span.attributes.extend(key_values(told))
    found = httpx.post(f"{server.http}/v1/traces", content=export.SerializeToString(), headers=_PROTOBUF, timeout=30)
    assert found.status_code == 200, found.text
    name = span.span_id.hex()
    until(lambda: server.sql("SELECT count(*) FROM llm_calls WHERE span_id = ?", name) == [(1,)], "the call")
    return name


def usd(nanos: int) -> str:
    """An amount, as the dashboard writes it."""
    value = nanos / SECOND
    if value >= _LARGE:
        return f"${value:,.0f}"
    if 0 < value < _LEAST:
        return f"<${_LEAST:.5f}"
    if value >= _SMALL or value == 0:
        return f"${value:.2f}" if value else "$0"
    return f"${f'{value:.{2 - floor(log10(value))}f}'.rstrip('0').rstrip('.')}"


def percent(ratio: float) -> str:
    """A share, as the dashboard writes it: three digits, of less than 1 % two decimals."""
    value = 100 * ratio
    if 0 < value < _LEAST_PERCENT:
        return f"<{_LEAST_PERCENT} %"
    return f"{round(value, 2):g} %" if value < 1 else f"{value:.3g} %"
