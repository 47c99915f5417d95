"""What happens to a span on its way from the caller's thread to the exporter.

In: spans as they start and end, and log records. Out: batches, on a thread of ours, within bounds of memory and time.
"""

from otel_ax.processors.batch import Batch
from otel_ax.processors.enrich import Enrich
from otel_ax.processors.logs import BatchLogs
from otel_ax.processors.pending import Pending
from otel_ax.processors.sampling import RateSampler
from otel_ax.processors.tail import TailSampling
from otel_ax.processors.together import Together

__all__ = ["Batch", "BatchLogs", "Enrich", "Pending", "RateSampler", "TailSampling", "Together"]
