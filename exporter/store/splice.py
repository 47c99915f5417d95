"""Segments strung together as they are: the bytes of their row groups, under one footer.

In: Parquet files of one schema. Out: one Parquet file of the same row groups, in order. Nothing is decoded: a row that
costs 7 µs to read and write again costs 0.15 here. Only the offsets in the footer are others.
"""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from exporter import disk
from exporter.errors import Corrupt
from exporter.store import files, segment, thrift
from exporter.store.thrift import OFFSET

_MAGIC: Final = b"PAR1"
_TAIL_BYTES: Final = 8  # the footer's length and the magic number
_BLOCK_BYTES: Final = 2**20

# What of `parquet.thrift` is an offset: of pages, indexes and bloom filters, in columns, in row groups.
_COLUMN_META: Final = {9: OFFSET, 10: OFFSET, 11: OFFSET, 14: OFFSET}
_COLUMN: Final = {2: OFFSET, 3: _COLUMN_META, 4: OFFSET, 6: OFFSET}
_ROW_GROUP: Final = {1: [_COLUMN], 5: OFFSET}
_SCHEMA, _ROWS, _GROUPS, _PAIRS = 2, 3, 4, 5  # fields of the footer


@dataclass(frozen=True, slots=True)
class Part:
    """A file to string together: how many bytes are before its footer, which that is, and where its fields are."""

    path: Path
    body_bytes: int
    footer: bytes
    fields: Mapping[int, thrift.Field]
    rows: int
    groups: int

    def value(self, number: int) -> bytes:
        """The bytes of a field of the footer."""
        return self.footer[self.fields[number].begin : self.fields[number].end]


def read(path: Path) -> Part:
    """What is to know of a segment. Raises `Corrupt`."""
    with path.open("rb") as file:
        size = file.seek(0, io.SEEK_END)
        file.seek(max(0, size - _TAIL_BYTES))
        tail = file.read(_TAIL_BYTES)
        begin = size - _TAIL_BYTES - int.from_bytes(tail[:4], "little")
        if tail[4:] != _MAGIC or begin < len(_MAGIC):
            raise Corrupt(f"{path} is no Parquet file")
        file.seek(begin)
        footer = file.read(size - _TAIL_BYTES - begin)
    try:
        fields = thrift.fields_of(footer)
        rows = thrift.number(footer, fields[_ROWS].begin)[0]
        groups = thrift.list_head(footer, fields[_GROUPS].begin)[0]
    except (IndexError, KeyError, ValueError) as error:
        raise Corrupt(f"the footer of {path} cannot be read: {error!r}") from error
    return Part(path, begin, footer, fields, rows, groups)


def fit(parts: Sequence[Part]) -> bool:
    """Whether files have one schema, so that they can be strung together."""
    return all(part.value(_SCHEMA) == parts[0].value(_SCHEMA) for part in parts[1:])


class Spliced:
    """A segment that is being strung together; as `segment.Compacted`, it has a temporary name until `close`."""

    def __init__(self, path: Path) -> None:
        """Nothing is there yet."""
        self.path = path
        self.rows = 0
        self._temporary = path.with_name(path.name + files.TEMPORARY)
        disk.make_directory(path.parent)
        self._sink = segment.Digested(self._temporary)
        self._sink.write(_MAGIC)
        self._parts: list[Part] = []
        self._groups = bytearray()

    def add(self, part: Part) -> None:
        """Append the row groups of another file. Raises `Corrupt`."""
        by = self._sink.bytes - len(_MAGIC)
        length, _, begin = thrift.list_head(part.footer, part.fields[_GROUPS].begin)
        try:
            self._groups += thrift.grown(part.footer, begin, length, _ROW_GROUP, by)
        except (IndexError, ValueError) as error:
            raise Corrupt(f"the footer of {part.path} cannot be read: {error!r}") from error
        with part.path.open("rb") as file:
            file.seek(len(_MAGIC))
            left = part.body_bytes - len(_MAGIC)
            while left:
                block = file.read(min(_BLOCK_BYTES, left))
                if not block:
                    raise Corrupt(f"{part.path} has become shorter")
                self._sink.write(block)
                left -= len(block)
        self._parts.append(part)
        self.rows += part.rows

    def close(self, origin: segment.Origin) -> tuple[int, str]:
        """Put the file in its place, synced but for its directory; its bytes and checksum."""
        footer = self._footer(segment.pairs(origin))
        self._sink.write(footer + len(footer).to_bytes(4, "little") + _MAGIC)
        self._sink.finish()
        self._temporary.replace(self.path)
        return self._sink.bytes, self._sink.checksum

    def abandon(self) -> None:
        """Remove the unfinished file."""
        self._sink.close()
        files.remove([self._temporary])

    def _footer(self, pairs: Mapping[bytes, bytes]) -> bytes:
        """That of the first part, but for what is of all."""
        first = self._parts[0]
        found = {number: (field.kind, first.value(number)) for number, field in first.fields.items()}
        found[_ROWS] = thrift.I64, thrift.as_number(self.rows)
        groups = sum(part.groups for part in self._parts)
        found[_GROUPS] = thrift.LIST, thrift.as_list_head(thrift.STRUCT, groups) + bytes(self._groups)
        written = b"".join(thrift.as_struct({1: _binary(key), 2: _binary(value)}) for key, value in pairs.items())
        found[_PAIRS] = thrift.LIST, thrift.as_list_head(thrift.STRUCT, len(pairs)) + written
        return thrift.as_struct(found)


def _binary(value: bytes) -> tuple[int, bytes]:
    return thrift.BINARY, thrift.as_varint(len(value)) + value
