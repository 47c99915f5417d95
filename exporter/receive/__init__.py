"""The OTLP endpoints: gRPC and HTTP, for traces, metrics and logs.

In: export requests from anybody on this machine. Out: acknowledgements of what is durable in the journal, refusals that
say whether to retry, and counters of both. Nothing is known here of what becomes of a request afterwards.
"""

from exporter.receive.counters import Counters
from exporter.receive.server import Listening, listen

__all__ = ["Counters", "Listening", "listen"]
