"""The figures that each process publishes about itself: their names, and their file `DATA/run/NAME.json`.

In: counters and gauges of a process. Out: a file that is renamed into place, and what another process reads of it.
"""

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import xxhash

Labels = Mapping[str, str]

STALE_NS: Final = 5_000_000_000
"""Figures are published each second; older ones are of a process that is gone or stuck."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One of our own metrics: `name` as Prometheus shows it, `otel` as it is stored beside the rest, UCUM `unit`."""

    name: str
    otel: str
    kind: Literal["counter", "gauge", "histogram"]
    unit: str
    description: str


METRICS: Final[Mapping[str, Metric]] = {
    metric.name: metric
    for metric in (
        Metric("ax_received_items_total", "ax.received.items", "counter", "{item}", "items that arrived"),
        Metric("ax_accepted_items_total", "ax.accepted.items", "counter", "{item}", "items acknowledged"),
        Metric("ax_refused_items_total", "ax.refused.items", "counter", "{item}", "items refused, by reason"),
        Metric("ax_requests_total", "ax.requests", "counter", "{request}", "export requests answered"),
        Metric("ax_stored_items_total", "ax.stored.items", "counter", "{item}", "items written to segments"),
        Metric("ax_dropped_items_total", "ax.dropped.items", "counter", "{item}", "accepted items not stored"),
        Metric("ax_deduplicated_items_total", "ax.deduplicated.items", "counter", "{item}", "items sent twice"),
        Metric("ax_corrupt_files_total", "ax.corrupt.files", "counter", "{file}", "files of ours set aside as damaged"),
        Metric("ax_journal_lost_bytes_total", "ax.journal.lost", "counter", "By", "damaged journal bytes passed over"),
        Metric("ax_journal_backlog_bytes", "ax.journal.backlog", "gauge", "By", "journal bytes that wait to be stored"),
        Metric("ax_journal_lag_bytes", "ax.journal.lag", "gauge", "By", "durable journal bytes not yet stored"),
        Metric("ax_in_flight_bytes", "ax.in_flight", "gauge", "By", "request bytes held in memory"),
        Metric("ax_segments", "ax.segments", "gauge", "{file}", "live segments"),
        Metric("ax_segment_bytes", "ax.segment", "gauge", "By", "bytes of live segments"),
        Metric("ax_freshness_seconds", "ax.freshness", "gauge", "s", "age of the oldest record not yet queryable"),
        Metric(
            "ax_process_resident_memory_bytes",
            "ax.process.resident_memory",
            "gauge",
            "By",
            "memory that a process uses",
        ),
        Metric("ax_process_up", "ax.process.up", "gauge", "1", "whether a process publishes its figures"),
        Metric("ax_free_disk_bytes", "ax.free_disk", "gauge", "By", "free bytes of the data directory's disk"),
    )
}
"""All our own metrics by name."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One figure: a metric's name, its labels and its value."""

    name: str
    labels: Labels
    value: float


@dataclass(frozen=True, slots=True)
class Figures:
    """What process `pid` and those before it counted from `started` to `time`, both Unix nanoseconds."""

    time: int
    started: int
    pid: int
    counters: tuple[Sample, ...]
    gauges: tuple[Sample, ...]


def path_of(data: Path, process: str) -> Path:
    """Where the figures of a process (`receive`, `write`) are."""
    return data / "run" / f"{process}.json"


def publish(path: Path, figures: Figures) -> None:
    """Writes `figures` to `path`, as `replace` does. Not synced: a power cut may cost them."""
    content = {
        "time": figures.time,
        "started": figures.started,
        "pid": figures.pid,
        "counters": _plain(figures.counters),
        "gauges": _plain(figures.gauges),
    }
    replace(path, {**content, "seal": _seal(content)})


def replace(path: Path, content: Mapping[str, object]) -> None:
    """Writes JSON to `path` so that a reader sees the old or the new whole; on a full disk over the old, in place.

    Raises OSError where neither works.
    """
    text = _text(content)
    part = path.with_suffix(".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(text)
        part.replace(path)
    except OSError:
        with suppress(OSError):
            part.unlink()
        with path.open("r+b") as file:  # the same length but for a few digits, so it needs no other block
            file.write(text)
            file.truncate()


def read(path: Path) -> Figures | None:
    """The figures in `path`, or None where there are none that can be read."""
    try:
        raw = json.loads(path.read_bytes())
        if raw.pop("seal") != _seal(raw):  # a digit that is another would go on to be counted from
            return None
        return Figures(raw["time"], raw["started"], raw["pid"], _samples(raw["counters"]), _samples(raw["gauges"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _text(content: Mapping[str, object]) -> bytes:
    return json.dumps(content, separators=(",", ":")).encode()


def _seal(content: Mapping[str, object]) -> str:
    return xxhash.xxh3_64_hexdigest(_text(content))


def _plain(samples: Iterable[Sample]) -> list[dict[str, object]]:
    return [{"name": sample.name, "labels": dict(sample.labels), "value": sample.value} for sample in samples]


def _samples(raw: Iterable[dict[str, object]]) -> tuple[Sample, ...]:
    return tuple(
        Sample(str(item["name"]), {str(k): str(v) for k, v in _mapping(item["labels"]).items()}, _number(item["value"]))
        for item in raw
    )


def _mapping(raw: object) -> Mapping[object, object]:
    if not isinstance(raw, dict):
        raise TypeError(raw)
    return raw


def _number(raw: object) -> float:
    if not isinstance(raw, int | float):
        raise TypeError(raw)
    return raw
