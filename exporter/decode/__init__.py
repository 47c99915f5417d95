"""OTLP bytes become Arrow tables, and stored rows become OTLP bytes again.

In: accepted requests (`model.Request`). Out: one Arrow table per stored table, in the schema of `model`. No I/O, no
clock, and no Python loop over spans, points or records: see `attributes` for how.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import pyarrow as pa

from exporter.config import Limits, Retention
from exporter.decode.encode import EXPORTS, encode
from exporter.decode.logs import decode_logs
from exporter.decode.metrics import decode_metrics
from exporter.decode.nesting import Recent
from exporter.decode.spans import decode_spans
from exporter.decode.wire import TwoMembers
from exporter.model import TABLES, Request, Signal

__all__ = ["Decoded", "Recent", "decode", "encode"]


@dataclass(frozen=True, slots=True)
class Decoded:
    """Rows by table, for the tables that have any."""

    tables: dict[str, pa.Table]

    @property
    def stored(self) -> Counter[Signal]:
        """How many spans, data points and log records there are to store."""
        counts: Counter[Signal] = Counter()
        for name, table in self.tables.items():
            if not TABLES[name].is_derived:
                counts[TABLES[name].signal] += table.num_rows
        return counts


def decode(requests: Sequence[Request], limits: Limits, retention: Retention, recent: Recent | None = None) -> Decoded:
    """Decode accepted requests of any signals; rows of a table are in the order of the requests.

    `recent` is what one place remembers of the calls in the requests before; without it, what wraps them counts too.
    Raises `ValueError` if any payload is no valid request; then nothing is decoded, and the caller may bisect.
    """
    tables: dict[str, pa.Table] = {}
    decoders: dict[Signal, Callable[[Sequence[Request], Limits, Retention], dict[str, pa.Table]]] = {
        Signal.TRACES: partial(decode_spans, recent=recent),
        Signal.METRICS: decode_metrics,
        Signal.LOGS: decode_logs,
    }
    for signal, decode_signal in decoders.items():
        of_signal = [request for request in requests if request.signal is signal]
        if of_signal:
            try:
                tables |= decode_signal(of_signal, limits, retention)
            except TwoMembers:
                tables |= decode_signal([_written_anew(request) for request in of_signal], limits, retention)
    return Decoded({name: table for name, table in tables.items() if table.num_rows})


def _written_anew(request: Request) -> Request:
    """The request as protobuf understands it, written the usual way; only hand-made bytes need it."""
    export = EXPORTS[request.signal]()
    export.ParseFromString(request.payload)
    return replace(request, payload=export.SerializeToString())
