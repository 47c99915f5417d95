"""In: ended spans, in the export thread. Out: priced, redacted and counted spans, to the exporter that is wrapped.

    PricedExporter: price ▸ redact ▸ span metrics ▸ the wrapped exporter

`redact` serves log records as well.
"""

from otel_ax.export.exporter import PricedExporter
from otel_ax.export.redact import redact_attributes, redact_text
from otel_ax.export.span_metrics import SpanMetrics

__all__ = ["PricedExporter", "SpanMetrics", "redact_attributes", "redact_text"]
