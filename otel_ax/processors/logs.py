"""Log records and events on their way out.

In: log records, from the caller's thread. Out: batches of them, to an exporter.
"""

import copy
from collections.abc import Mapping

from opentelemetry.context import Context
from opentelemetry.sdk._logs import LogRecordProcessor, ReadableLogRecord, ReadWriteLogRecord
from opentelemetry.sdk.resources import Resource

from otel_ax.export.redact import is_content_event, redact_attributes, redact_value
from otel_ax.guard import guarded
from otel_ax.processors.batch import Batch

__all__ = ["BatchLogs", "redacted"]

RECORD_BYTES = 256
"""What a record takes beside its text, about."""


class BatchLogs(LogRecordProcessor):
    """Puts each record into `batch`."""

    def __init__(self, batch: Batch[ReadableLogRecord]) -> None:
        self._batch = batch

    @guarded
    def on_emit(self, log_record: ReadWriteLogRecord) -> None:
        """A copy without its context, which may hold much alive."""
        said = copy.copy(log_record.log_record)
        said.context = Context()
        resource = log_record.resource if log_record.resource is not None else Resource.get_empty()
        scope, limits = log_record.instrumentation_scope, log_record.limits
        self._batch.put(ReadableLogRecord(said, resource, scope, limits), _size(said.body, said.attributes))

    def shutdown(self) -> None:
        """The handle of `configure` shuts down, within its time."""

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Whether all records were sent in time."""
        return self._batch.flush(timeout_millis / 1000)


def _size(body: object, attributes: Mapping[str, object] | None) -> int:
    texts = [body, *attributes.values()] if attributes else [body]
    return RECORD_BYTES + sum(len(text) for text in texts if isinstance(text, str))


def redacted(record: ReadableLogRecord, *, redact: bool, content: bool) -> ReadableLogRecord:
    """The record without secrets if `redact`, and without prompts and completions unless `content`."""
    said = record.log_record
    made = copy.copy(said)
    made.attributes = redact_attributes(said.attributes or {}, redact=redact, content=content, event=said.event_name)
    if not content and is_content_event(said.event_name):
        made.body = None
    elif isinstance(said.body, Mapping):
        made.body = dict(redact_attributes(said.body, redact=redact, content=content))
    elif redact:
        made.body = redact_value(said.body)
    return ReadableLogRecord(made, record.resource, record.instrumentation_scope, record.limits)
