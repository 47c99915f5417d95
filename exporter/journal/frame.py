"""What one request looks like in a journal file.

In: a request and where it lies. Out: its frame, and back; pure functions over bytes.

    offset  bytes  field
    0       4      magic
    4       4      payload_bytes
    8       8      position      of this frame in the endless stream
    16      8      received_at   Unix nanoseconds
    24      4      items
    28      4      epoch         never less than the frame's before; rises when a write fails
    32      4      mark          drawn at random each time that the file is put to use
    36      2      tenant_bytes
    38      1      signal
    39      1      zero
    40      16     digest        xxh3_128 of signal, tenant and payload
    56      8      check         xxh3_64 of the 56 bytes before it
    64             tenant (UTF-8), then payload

All little endian. A frame is live when its check and its digest hold and it lies at its position, with the mark of the
file and no lower epoch than the frame before it. Position and mark tell it from what a recycled file held before (the
mark also from a frame that somebody sent inside a payload), the epoch from the rest of a group whose write failed.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import xxhash

from exporter.signals import Request, Signal

MAGIC: Final = b"AXJ\x01"
HEADER_BYTES: Final = 64

_FIELDS: Final = struct.Struct("<4sIQqIIIHBx16s")
_CHECK: Final = struct.Struct("<Q")
_PREFIX: Final = struct.Struct("<BH")
_SIGNALS: Final = {int(signal): signal for signal in Signal}


@dataclass(frozen=True, slots=True)
class Record:
    """A request on its way into the journal."""

    request: Request
    tenant: bytes
    digest: bytes

    @property
    def size_bytes(self) -> int:
        """Bytes of its frame."""
        return HEADER_BYTES + len(self.tenant) + len(self.request.payload)


@dataclass(frozen=True, slots=True)
class Header:
    """The fixed part of a frame whose check holds."""

    payload_bytes: int
    position: int
    received_at: int
    items: int
    epoch: int
    mark: int
    tenant_bytes: int
    signal: Signal
    digest: bytes

    @property
    def end(self) -> int:
        """The position behind the frame."""
        return self.position + HEADER_BYTES + self.tenant_bytes + self.payload_bytes

    def follows(self, previous: "Header | None") -> bool:
        """Whether this frame can be live after `previous`, the last live one of the same file, if any is known."""
        return previous is None or (self.mark == previous.mark and self.epoch >= previous.epoch)


def record(request: Request) -> Record:
    """`request` with its digest, which is the same for two requests of equal signal, tenant and payload."""
    tenant = request.tenant.encode()
    return Record(request, tenant, _digest(request.signal, tenant, request.payload))


def encode(record: Record, *, position: int, epoch: int, mark: int) -> bytes:
    """The header and tenant of the frame of `record`; the payload follows them as it is."""
    request = record.request
    fields = _FIELDS.pack(
        MAGIC,
        len(request.payload),
        position,
        request.received_at,
        request.items,
        epoch,
        mark,
        len(record.tenant),
        request.signal,
        record.digest,
    )
    return b"".join((fields, _CHECK.pack(xxhash.xxh3_64_intdigest(fields)), record.tenant))


def parse(buffer: bytes, offset: int, position: int) -> Header | None:
    """The header at `offset` of `buffer`; None when its check fails or it does not belong at `position`."""
    if offset < 0 or offset + HEADER_BYTES > len(buffer):
        return None
    magic, payload_bytes, at, received_at, items, epoch, mark, tenant_bytes, signal, digest = _FIELDS.unpack_from(
        buffer, offset
    )
    if at != position or magic != MAGIC or signal not in _SIGNALS:
        return None
    (check,) = _CHECK.unpack_from(buffer, offset + _FIELDS.size)
    if check != xxhash.xxh3_64_intdigest(memoryview(buffer)[offset : offset + _FIELDS.size]):
        return None
    return Header(payload_bytes, position, received_at, items, epoch, mark, tenant_bytes, _SIGNALS[signal], digest)


def request_of(header: Header, tenant: bytes, payload: bytes) -> Request | None:
    """The request that `header` announces; None when `tenant` and `payload` are not what was written."""
    if len(payload) != header.payload_bytes or _digest(header.signal, tenant, payload) != header.digest:
        return None
    return Request(header.signal, tenant.decode(), header.received_at, header.items, payload)


def find(buffer: bytes, base: int, offset: int, previous: Header | None) -> Header | None:
    """The first frame at or behind `offset` that can be live after `previous`; `buffer` begins at position `base`."""
    while (offset := buffer.find(MAGIC, offset)) >= 0:
        header = parse(buffer, offset, base + offset)
        if header is not None and header.follows(previous) and _holds(buffer, offset, header):
            return header
        offset += 1
    return None


def scan(buffer: bytes, base: int, durable: int) -> Iterator[Header]:
    """The live frames of a file whose bytes are `buffer` and whose first position is `base`, in their order.

    Damage is passed over, since frames behind it may have been acknowledged. But where no frame of the file is known
    and `durable`, up to which everything was once synced, is not above, the file is new, and its bytes are old.
    """
    offset = 0
    previous: Header | None = None
    while True:
        header = parse(buffer, offset, base + offset)
        if header is None or not header.follows(previous) or not _holds(buffer, offset, header):
            if previous is None and durable <= base + offset:
                return
            header = find(buffer, base, offset + 1, previous)
            if header is None:
                return
        yield header
        previous = header
        offset = header.end - base


def _digest(signal: Signal, tenant: bytes, payload: bytes | memoryview) -> bytes:
    digest = xxhash.xxh3_128(_PREFIX.pack(signal, len(tenant)) + tenant)
    digest.update(payload)
    return digest.digest()


def _holds(buffer: bytes, offset: int, header: Header) -> bool:
    body = offset + HEADER_BYTES
    payload = body + header.tenant_bytes
    end = payload + header.payload_bytes
    if end > len(buffer):
        return False
    return _digest(header.signal, buffer[body:payload], memoryview(buffer)[payload:end]) == header.digest
