"""Decoded rows that wait to be stored together.

In: entries of the journal. Out: tables by tenant and name; requests that cannot be decoded are set aside, alone.
"""

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Final

import pyarrow as pa

from exporter import disk
from exporter.decode import Decoded
from exporter.journal import Entry
from exporter.model import Request, Signal
from exporter.store import Counts

Decode = Callable[[Sequence[Request]], Decoded]

UNDECODABLE: Final = "undecodable"
"""The label `reason` of what was set aside."""

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Batch:
    """Rows, and the journal position up to which they are all there is.

    `oldest` is when the first of their requests was received (Unix nanoseconds), None while the batch is empty;
    `raw_bytes` is the size of the requests; `guilty` are the entries that cannot be decoded.
    """

    end: int
    tables: dict[tuple[str, str], list[pa.Table]] = field(default_factory=dict)
    accepted: Counter[Signal] = field(default_factory=Counter)
    stored: Counter[Signal] = field(default_factory=Counter)
    dropped: Counter[tuple[Signal, str]] = field(default_factory=Counter)
    rows: Counter[str] = field(default_factory=Counter)
    guilty: list[Entry] = field(default_factory=list)
    raw_bytes: int = 0
    oldest: int | None = None

    def add(self, entries: Sequence[Entry], decode: Decode) -> None:
        """Decodes `entries`, which follow `end`, and adds their rows."""
        by_tenant = sorted(entries, key=lambda entry: entry.request.tenant)  # stable: rows stay in order
        for tenant, group in groupby(by_tenant, key=lambda entry: entry.request.tenant):
            self._decode(tenant, list(group), decode)
        for entry in entries:
            self.accepted[entry.request.signal] += entry.request.items
        self.raw_bytes += sum(len(entry.request.payload) for entry in entries)
        if self.oldest is None and entries:
            self.oldest = entries[0].request.received_at
        self.end = max([self.end, *(entry.end for entry in entries)])

    def counts(self) -> Counts:
        """What became of the items of the requests."""
        return Counts(accepted=self.accepted, stored=self.stored, dropped=self.dropped)

    def merged(self) -> dict[tuple[str, str], pa.Table]:
        """One table per tenant and name."""
        return {key: pa.concat_tables(parts) if len(parts) > 1 else parts[0] for key, parts in self.tables.items()}

    def _decode(self, tenant: str, entries: list[Entry], decode: Decode) -> None:
        """Decodes entries of one tenant; where that fails, each half, down to the guilty one."""
        try:
            decoded = decode([entry.request for entry in entries])
        except (MemoryError, KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # noqa: BLE001 (a panic in ptars is no Exception)
            if len(entries) > 1:
                middle = len(entries) // 2
                self._decode(tenant, entries[:middle], decode)
                self._decode(tenant, entries[middle:], decode)
                return
            request = entries[0].request
            log.error("a request of %d items cannot be decoded and is set aside: %s", request.items, error)  # noqa: TRY400
            self.dropped[request.signal, UNDECODABLE] += request.items
            self.guilty += entries
            return
        for name, table in decoded.tables.items():
            self.tables.setdefault((tenant, name), []).append(table)
            self.rows[name] += table.num_rows
        self.stored += decoded.stored


def set_aside(quarantine: Path, entry: Entry) -> None:
    """Writes and syncs the payload of `entry` to a file named after its position: the journal will forget it."""
    disk.make_directory(quarantine)
    path = quarantine / f"{entry.position:016x}.{entry.request.signal.label}.otlp"
    with path.open("wb") as file:
        file.write(entry.request.payload)
        file.flush()
        disk.sync(file.fileno())
    disk.sync_directory(quarantine)
