"""Which requests were seen lately, so that a client's retry is acknowledged and not stored again.

In: digests of requests, and when they were received. Out: whether one is a retry; `.keys` files, which remember the
digests of a journal file when the file itself has been recycled:

    magic (4), count (4), end (8)      end: the position behind the file's last frame
    items (8) of each signal           in all frames before `end`, those of earlier files too
    count times digest (16), received_at (8)
    xxh3_64 of all before (8)
"""

import struct
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

import xxhash

from exporter.journal import files
from exporter.signals import Signal

Seen = tuple[bytes, int]
"""A request's digest, and when it was received, in Unix nanoseconds."""

_MAGIC: Final = b"AXK\x02"
_START: Final = struct.Struct(f"<4sIQ{len(Signal)}Q")
_SEEN: Final = struct.Struct("<16sq")
_CHECK: Final = struct.Struct("<Q")


class Window:
    """The digests of the last `requests` requests that are not older than `age_ns`."""

    def __init__(self, age_ns: int, requests: int) -> None:
        """An empty window."""
        self._age_ns = age_ns
        self._requests = requests
        self._seen: OrderedDict[bytes, int] = OrderedDict()

    def __len__(self) -> int:
        """How many digests are held."""
        return len(self._seen)

    def holds(self, digest: bytes, now: int) -> bool:
        """Whether a request with this digest was received within the window before `now`."""
        received_at = self._seen.get(digest)
        return received_at is not None and now - received_at <= self._age_ns

    def add(self, digest: bytes, received_at: int) -> None:
        """Remembers a request, and forgets what is too old or too much."""
        self._seen[digest] = received_at
        self._seen.move_to_end(digest)
        while self._seen:
            oldest = next(iter(self._seen))
            if len(self._seen) <= self._requests and received_at - self._seen[oldest] <= self._age_ns:
                return
            del self._seen[oldest]


@dataclass(frozen=True, slots=True)
class Keys:
    """The digests of one journal file, oldest first, packed; `end` is the position behind the file's last frame.

    `items` are those of all frames before `end`, since the journal was begun.
    """

    end: int
    packed: bytes
    items: Mapping[Signal, int] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """How many they are."""
        return len(self.packed) // _SEEN.size

    def seen(self) -> Iterator[Seen]:
        """Each digest, and when its request was received."""
        return _SEEN.iter_unpack(self.packed)

    def newest(self) -> int:
        """When the last of them was received; 0 without any."""
        return max((received_at for _, received_at in self.seen()), default=0)


class Held(NamedTuple):
    """What is known of a `.keys` file without reading it: its base, how many requests, when the last was received."""

    base: int
    requests: int
    newest: int


def pack(digest: bytes, received_at: int) -> bytes:
    """One entry of `Keys.packed`."""
    return _SEEN.pack(digest, received_at)


def save(path: Path, keys: Keys, requests: int) -> None:
    """Writes the last `requests` of `keys` to `path` and syncs the file; the directory is the caller's to sync."""
    packed = keys.packed[-requests * _SEEN.size :]
    items = (keys.items.get(signal, 0) for signal in Signal)
    content = _START.pack(_MAGIC, len(packed) // _SEEN.size, keys.end, *items) + packed
    files.write(path, content + _CHECK.pack(xxhash.xxh3_64_intdigest(content)))


def load(path: Path) -> Keys | None:
    """What `save` wrote to `path`; None when the file is not there, torn or damaged."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    body, check = content[: -_CHECK.size], content[-_CHECK.size :]
    if len(body) < _START.size or _CHECK.pack(xxhash.xxh3_64_intdigest(body)) != check:
        return None
    magic, count, end, *items = _START.unpack_from(body)
    packed = body[_START.size :]
    if magic != _MAGIC or len(packed) != count * _SEEN.size:
        return None
    return Keys(end, packed, dict(zip(Signal, items, strict=True)))


def outlived(held: Sequence[Held], *, now: int, age_ns: int, requests: int) -> list[Held]:
    """Those of `held`, ascending by base, that no window can need any more."""
    gone = []
    younger = 0
    for keys in reversed(held):
        if younger >= requests or now - keys.newest > age_ns:
            gone.append(keys)
        younger += keys.requests
    return gone
