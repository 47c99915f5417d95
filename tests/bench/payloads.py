"""Requests that are as large and as varied as real ones, each different from every one sent before.

In: a number of templates. Out: serialised requests whose ids and times are rewritten in place before each send.
"""

import pickle
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tests.factories import spans_request
from tests.otlp import START

SPANS = 512
"""Spans in a request."""

_Words = np.ndarray[Any, np.dtype[np.uint64]]
_Offsets = np.ndarray[Any, np.dtype[np.intp]]

# One byte each: the tag of the field in Span, and, of a bytes field, its length.
_TRACE_ID, _SPAN_ID, _PARENT_SPAN_ID, _START, _END = b"\x0a\x10", b"\x12\x08", b"\x22\x08", b"\x39", b"\x41"


@dataclass(slots=True)
class Template:
    """A serialised request, where its ids and times are, and what they were, as little-endian words of 8 bytes.

    The second half of each trace id, each span id and each parent's id get the same number added, so that a child
    still names its parent; a time gets the time that has passed since `START`.
    """

    body: bytearray
    id_offsets: _Offsets
    ids: _Words
    time_offsets: _Offsets
    times: _Words

    def request(self, nonce: int, now: int) -> bytes:
        """The request with ids that `nonce` makes new and spans that start at `now` (Unix nanoseconds)."""
        # Overlapping words, one at every byte: what a write costs must not be seen beside what is measured.
        words: _Words = np.ndarray((len(self.body) - 7,), np.uint64, self.body, strides=(1,))
        words[self.id_offsets] = self.ids + np.uint64(nonce)
        words[self.time_offsets] = self.times + np.uint64((now - START) % 2**64)
        return bytes(self.body)


def write_templates(path: Path, count: int) -> None:
    """Writes `count` templates; about 310 kB and 0.03 s each."""
    with path.open("wb") as file:
        for seed in range(count):
            pickle.dump(_template(seed), file)


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


def _template(seed: int) -> Template:
    request = spans_request(SPANS, seed, service=f"service-{seed % 12}")
    body = request.SerializeToString()
    ids: list[int] = []
    times: list[int] = []
    place = 0
    for span in request.resource_spans[0].scope_spans[0].spans:
        place = body.index(_TRACE_ID + span.trace_id, place)
        ids.append(place + 10)
        place = body.index(_SPAN_ID + span.span_id, place)
        ids.append(place + 2)
        if span.parent_span_id:
            place = body.index(_PARENT_SPAN_ID + span.parent_span_id, place)
            ids.append(place + 2)
        for tag, time in ((_START, span.start_time_unix_nano), (_END, span.end_time_unix_nano)):
            place = body.index(tag + struct.pack("<Q", time), place)
            times.append(place + 1)
    return Template(bytearray(body), *_words(body, ids), *_words(body, times))


def _words(body: bytes, offsets: list[int]) -> tuple[_Offsets, _Words]:
    values = [struct.unpack_from("<Q", body, offset)[0] for offset in offsets]
    return np.array(offsets, np.intp), np.array(values, np.uint64)
