"""What goes on beside the load of a bench: merges, and records of another signal that retention drops.

In: the signal that is measured. Out: settings of a server, and a thread that sends it a few records a second.
"""

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import grpc

from exporter import figures
from exporter.clock import SystemClock
from exporter.model import Signal
from exporter.units import NS_PER_S
from tests.bench.load import EXPORT
from tests.bench.payloads import template
from tests.running import Server

_EVERY_S: Final = 0.5
_ITEMS: Final = 16
_TIMEOUT_S: Final = 30.0
_STORED_S: Final = 10.0
_SPANS_SHORT: Final = "AX_STORE_RETENTION_SPANS"
_LOGS_SHORT: Final = "AX_STORE_RETENTION_LOGS"
_BESIDE: Final[Mapping[Signal, tuple[Signal, str]]] = {
    Signal.TRACES: (Signal.LOGS, _LOGS_SHORT),
    Signal.METRICS: (Signal.LOGS, _LOGS_SHORT),
    Signal.LOGS: (Signal.TRACES, _SPANS_SHORT),
}
"""For each signal that is measured, the one that is sent beside it, and what says how long that is kept."""


def settings(measured: Signal) -> dict[str, str]:
    """What a server is started with: all as by default, but that things happen within a round of a minute.

    It looks ten times as often for something to merge, and what is sent beside, or was merged, lives for seconds.
    """
    _, retention = _BESIDE[measured]
    return {"AX_STORE_COMPACTION_INTERVAL": "500ms", "AX_STORE_GRACE": "5s", retention: "5s"}


@dataclass(slots=True)
class Beside:
    """The items of `signal` that were acknowledged so far."""

    signal: Signal
    acked: int = 0

    def errors(self, data: Path) -> list[str]:
        """Waits until the server counts them all as stored; what is wrong where it does not."""
        deadline = SystemClock().monotonic() + int(_STORED_S * NS_PER_S)
        while (counted := self._counted(data)) != self.acked:
            if SystemClock().monotonic() > deadline:
                return [f"{self.acked} {self.signal.label} acknowledged beside the load, {counted} stored"]
            time.sleep(_EVERY_S / 10)
        return []

    def _counted(self, data: Path) -> int:
        published = figures.read(figures.path_of(data, "write"))
        of = {"signal": self.signal.label}
        return sum(
            int(sample.value)
            for sample in (published.counters if published else ())
            if sample.name == "ax_stored_items_total" and sample.labels == of
        )


@contextmanager
def sending(server: Server, measured: Signal) -> Iterator[Beside]:
    """Sends records of another signal than the measured one while the context lasts."""
    beside = Beside(_BESIDE[measured][0])
    done = threading.Event()
    clock = SystemClock()
    made = template(beside.signal, seed=0, items=_ITEMS)

    def send() -> None:
        with grpc.insecure_channel(server.grpc) as channel:
            export: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(EXPORT[beside.signal])
            while not done.wait(_EVERY_S):
                with suppress(grpc.RpcError):  # refused: too much waits to be stored
                    export(made.request(nonce=clock.monotonic(), now=clock.wall()), timeout=_TIMEOUT_S)
                    beside.acked += made.items

    thread = threading.Thread(target=send)
    thread.start()
    try:
        yield beside
    finally:
        done.set()
        thread.join()
