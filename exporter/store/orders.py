"""Orders to the process that owns the store, given by any other: a file each, carried out once and answered.

In: an order as JSON in `DATA/orders/`. Out: its answer beside it. An order outlives a crash of either side: it is
carried out by the server that runs, or by the next one; carrying one out again changes nothing more.
"""

import json
import re
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from exporter import disk
from exporter.store import files

FOLDER: Final = "orders"
_ID: Final = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be done: `kind` is `erase` or `reprice`, `details` are its arguments as JSON can hold them."""

    id: str
    kind: str
    details: Mapping[str, Any]


def give(data: Path, kind: str, details: Mapping[str, Any]) -> Order:
    """Places an order, on the disk when this returns."""
    order = Order(uuid.uuid4().hex, kind, details)
    files.write(_path(data, order), json.dumps({"kind": kind, "details": details}).encode())
    disk.sync_directory(data / FOLDER)
    return order


def waiting(data: Path) -> Iterator[Order]:
    """Orders that are not yet answered, oldest first; a file that is no order is left alone."""
    folder = data / FOLDER
    if not folder.is_dir():
        return
    for path in sorted(folder.glob("*.json"), key=lambda path: path.stat().st_mtime_ns):
        if not _ID.fullmatch(path.stem) or _answer(path).exists():
            continue
        try:
            raw = json.loads(path.read_bytes())
            yield Order(path.stem, str(raw["kind"]), dict(raw["details"]))
        except (OSError, ValueError, KeyError, TypeError):
            continue


def answer(data: Path, order: Order, content: Mapping[str, Any]) -> None:
    """Says what became of an order."""
    files.write(_answer(_path(data, order)), json.dumps(content).encode())


def answered(data: Path, order: Order) -> Mapping[str, Any] | None:
    """What became of an order, None until it was carried out; then its files go."""
    path = _path(data, order)
    try:
        content: Mapping[str, Any] = json.loads(_answer(path).read_bytes())
    except FileNotFoundError:
        return None
    files.remove([path, _answer(path)])
    return content


def withdraw(data: Path, order: Order) -> None:
    """Takes back an order that nobody carries out."""
    files.remove([_path(data, order)])


def _path(data: Path, order: Order) -> Path:
    return data / FOLDER / f"{order.id}.json"


def _answer(path: Path) -> Path:
    return path.with_suffix(".answer")
