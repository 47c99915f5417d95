"""Who reads the metrics of a program: our endpoint, and the program itself.

In: what was recorded with OpenTelemetry's instruments. Out: deltas for an exporter, and answers within the process.
"""

from otel_ax.readers.periodic import PeriodicReader

__all__ = ["PeriodicReader"]
