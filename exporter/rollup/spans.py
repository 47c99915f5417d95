"""Spans to what they add to the cells of their minutes.

In: rows of `spans`. Out: `Parts`. A span counts when it ends, since only then its cost and failure are known.
"""

from typing import Final

import numpy as np
import pyarrow as pa

from exporter.rollup import columns as c
from exporter.rollup.group import Parts, Sketch
from exporter.rollup.sketch import LONGEST_NS, bucket_of

_TEXTS: Final = {
    "tenant_id": "tenant_id",
    "service_name": "service_name",
    "operation": "gen_ai_operation_name",
    "provider": "gen_ai_provider_name",
    "model": "gen_ai_request_model",
    "workflow": "gen_ai_workflow_name",
    "agent": "gen_ai_agent_name",
}
_FIGURES: Final = {
    "tokens_input": "gen_ai_usage_input_tokens",
    "tokens_output": "gen_ai_usage_output_tokens",
    "tokens_cache_read": "gen_ai_usage_cache_read_input_tokens",
    "tokens_cache_write": "gen_ai_usage_cache_write_input_tokens",
    "tokens_reasoning": "gen_ai_usage_reasoning_output_tokens",
    "cost_nanos": "cost_nanos",
    "cost_reported_nanos": "cost_reported_nanos",
}
"""What only a counted call adds: what wraps it repeats its tokens."""

NEEDED: Final = (
    *_TEXTS.values(),
    *_FIGURES.values(),
    "gen_ai_response_model",
    "start_time_unix_nano",
    "duration_ns",
    "status_code",
    "error_type",
    "is_counted",
    "unpriced",
    "clock_skew",
    "ingest_time",
)
"""The columns that this reads."""

_MOST: Final = 2**50
"""A figure counts as no more: sums of made-up ones would leave 64 bits."""
_SOURCES: Final = pa.array(["span", "call"])


def parts_of_spans(rows: pa.Table) -> Parts:
    """What each span adds."""
    duration = c.ints(rows["duration_ns"])
    latency = np.clip(duration, 0, LONGEST_NS)
    is_counted = c.true(rows["is_counted"])
    texts = {name: c.one_dictionary(rows[column]) for name, column in _TEXTS.items()}
    texts["model"] = c.first_of(texts["model"], c.one_dictionary(rows["gen_ai_response_model"]))
    texts["source"] = pa.DictionaryArray.from_arrays(pa.array(is_counted.astype(np.int32)), _SOURCES)
    failed = c.equal(c.one_dictionary(rows["status_code"]), "ERROR") | c.there(rows["error_type"])
    ones = np.ones(rows.num_rows, dtype=np.int64)
    numbers = {
        "count": ones,
        "failed": failed.astype(np.int64),
        "latency_sum_ns": latency,
        "latency_min_ns": latency,
        "latency_max_ns": latency,
    }
    for name, column in _FIGURES.items():
        if rows[column].null_count < rows.num_rows:
            numbers[name] = np.clip(c.ints(rows[column]), 0, _MOST) * is_counted
    if rows["unpriced"].null_count < rows.num_rows:
        numbers["unpriced"] = (c.there(rows["unpriced"]) & is_counted).astype(np.int64)
    sketch = Sketch(np.arange(rows.num_rows), bucket_of(latency), ones)
    return Parts(_end_us(rows, latency), texts, numbers, {"latency_buckets": sketch})


def _end_us(rows: pa.Table, latency: c.Ints) -> c.Ints:
    """When spans ended; one whose end leaves 64 bits is taken at its start."""
    start = c.ints(rows["start_time_unix_nano"])
    end = start + latency
    return c.effective_us(np.where(end < start, start, end), rows)
