"""Requests that are as large and as varied as real ones, each different from every one sent before.

In: a number of templates and a signal. Out: serialised requests whose ids and times are rewritten before each send.
"""

import pickle
import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from google.protobuf.descriptor import FieldDescriptor

from exporter.model import Signal
from tests.bench.shapes import REQUESTS
from tests.otlp import START, items_of, points_of

ITEMS: Final = 512
"""Spans, points or log records in a request."""

_Words = np.ndarray[Any, np.dtype[np.uint64]]
_Offsets = np.ndarray[Any, np.dtype[np.intp]]

_RECORDS: Final[Mapping[Signal, Callable[[Any], Iterator[Any]]]] = {
    Signal.TRACES: lambda request: iter(request.resource_spans[0].scope_spans[0].spans),
    Signal.METRICS: lambda request: (
        point for metric in request.resource_metrics[0].scope_metrics[0].metrics for point in points_of(metric)
    ),
    Signal.LOGS: lambda request: iter(request.resource_logs[0].scope_logs[0].log_records),
}
# In the order of their numbers, which is that of the wire: ids are bytes, times are fixed64.
_REWRITTEN: Final[Mapping[Signal, tuple[str, ...]]] = {
    Signal.TRACES: ("trace_id", "span_id", "parent_span_id", "start_time_unix_nano", "end_time_unix_nano"),
    Signal.METRICS: ("start_time_unix_nano", "time_unix_nano"),
    Signal.LOGS: ("time_unix_nano", "trace_id", "span_id", "observed_time_unix_nano"),
}
_FIXED64: Final = 1
_LENGTH: Final = 2
_WORD: Final = 8


@dataclass(slots=True)
class Template:
    """A serialised request of `items` records, where its ids and times are, and what they were, as words of 8 bytes.

    The second half of each trace id, each span id and each parent's id get the same number added, so that a child
    still names its parent; a time gets the time that has passed since `START`.
    """

    items: int
    body: bytearray
    id_offsets: _Offsets
    ids: _Words
    time_offsets: _Offsets
    times: _Words

    def request(self, nonce: int, now: int) -> bytes:
        """The request with ids that `nonce` makes new and records that start at `now` (Unix nanoseconds)."""
        # Overlapping words, one at every byte: what a write costs must not be seen beside what is measured.
        words: _Words = np.ndarray((len(self.body) - 7,), np.uint64, self.body, strides=(1,))
        words[self.id_offsets] = self.ids + np.uint64(nonce)
        words[self.time_offsets] = self.times + np.uint64((now - START) % 2**64)
        return bytes(self.body)


def write_templates(path: Path, count: int, signal: Signal = Signal.TRACES) -> None:
    """Writes `count` templates; about 110 to 310 kB and 0.03 s each."""
    with path.open("wb") as file:
        for seed in range(count):
            pickle.dump(template(signal, seed), file)


def read_templates(path: Path) -> list[Template]:
    """The templates that `write_templates` wrote."""

    def each() -> Iterator[Template]:
        with path.open("rb") as file:
            while True:
                try:
                    yield pickle.load(file)  # noqa: S301 - our own file, of this run
                except EOFError:
                    return

    return list(each())


def template(signal: Signal, seed: int, items: int = ITEMS) -> Template:
    """A template of a request of one of twelve services."""
    request = REQUESTS[signal](items, seed, f"service-{seed % 12}")
    body = request.SerializeToString()
    places: dict[bool, list[int]] = {True: [], False: []}
    place = 0
    for record in _RECORDS[signal](request):
        for name in _REWRITTEN[signal]:
            written, is_id = _written(record, name)
            if written:
                place = body.index(written, place) + len(written)
                places[is_id].append(place - _WORD)
    return Template(items_of(request), bytearray(body), *_words(body, places[True]), *_words(body, places[False]))


def _written(record: Any, name: str) -> tuple[bytes, bool]:
    """A field with its tag, which is one byte, as it is on the wire, and whether it is an id; empty where it is not."""
    field, value = record.DESCRIPTOR.fields_by_name[name], getattr(record, name)
    if field.type == FieldDescriptor.TYPE_BYTES:
        return bytes([field.number << 3 | _LENGTH, len(value)]) + value if value else b"", True
    return bytes([field.number << 3 | _FIXED64]) + struct.pack("<Q", value), False


def _words(body: bytes, offsets: list[int]) -> tuple[_Offsets, _Words]:
    values = [struct.unpack_from("<Q", body, offset)[0] for offset in offsets]
    return np.array(offsets, np.intp), np.array(values, np.uint64)
