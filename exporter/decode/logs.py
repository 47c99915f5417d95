"""Log requests to the table `logs`."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import pyarrow as pa

from exporter.config import Limits, Retention
from exporter.decode import columns as c
from exporter.decode import odd
from exporter.decode.attributes import read_anyvalues, read_attributes
from exporter.decode.context import read_scopes, scope_columns
from exporter.decode.spans import dropped_count, table_of
from exporter.decode.wire import read_messages
from exporter.model import PROMOTED_LOG, Request, column_of
from otel_ax import semconv

_LETTERS: Final = [chr(code) if code in b"sbidaAkKyn" else None for code in range(128)]


def decode_logs(requests: Sequence[Request], limits: Limits, retention: Retention) -> dict[str, pa.Table]:
    """Rows of `logs`, in the order of the requests."""
    batch = read_messages("ExportLogsServiceRequest", [request.payload for request in requests])
    scopes = read_scopes(batch, requests, ("scope_logs", "log_records"), limits)
    records = scopes.messages
    attributes = read_attributes(c.field(records, "attributes"), PROMOTED_LOG, limits)
    received = scopes.received[scopes.parents]
    sent = c.signed(c.field(records, "time_unix_nano"))
    observed = c.signed(c.field(records, "observed_time_unix_nano"))
    time = np.where(sent != 0, sent, np.where(observed != 0, observed, received))

    bodies = c.field(records, "body")
    body = read_anyvalues(bodies, lambda _: limits.value_bytes, limits.value_bytes)
    letters = np.where(c.valid(bodies), body.letters, np.uint8(0))
    flags = odd.attribute_flags(attributes, len(records))
    odd.mark(flags, "truncated", body.cut)
    odd.mark(flags, "time", odd.beyond_signed(time))

    columns = {
        "time_unix_nano": pa.array(sent),
        "time": c.micros(time),
        "observed_time_unix_nano": pa.array(observed),
        "severity_number": c.field(records, "severity_number"),
        "severity_text": c.low(c.field(records, "severity_text")),
        "event_name": c.low(c.field(records, "event_name")),
        "body": body.text,
        "body_type": c.low_taken(_LETTERS, letters.astype(np.int32)),
        "trace_id": c.hex_of(c.field(records, "trace_id")),
        "span_id": c.hex_of(c.field(records, "span_id")),
        "flags": c.field(records, "flags").cast(pa.int64()),
        "clock_skew": pa.array(odd.skewed(time, received, retention.logs)),
        "odd": odd.odd_column(flags),
        "attributes": attributes.maps,
        "attribute_types": attributes.types,
        "dropped_attributes_count": dropped_count(records, attributes),
        **scope_columns(scopes, scopes.parents, attributes.strings(semconv.TENANT_ID)),
        **{column_of(name): column for name, column in attributes.promoted.items()},
    }
    return {"logs": table_of("logs", columns)}
