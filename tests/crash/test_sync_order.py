"""Every acknowledgement leaves after the `fdatasync` that covers its request, as `strace` sees it.

Needs `strace` (Linux) and the right to trace one's own processes; skipped where either is missing.
"""

import re
import subprocess
from collections import defaultdict
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from math import inf
from pathlib import Path
from random import Random
from typing import Final, TypeVar

import grpc
import httpx
import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from exporter.model import Signal
from exporter.receive.messages import METHODS
from tests.crash.traced import STRACE, Call, Connection, calls
from tests.ledger import ALONE
from tests.running import Server, running

LOGS: Final = next(method for method, signal in METHODS.items() if signal is Signal.LOGS)
MARK: Final = re.compile(rb"batch-\d{8}")
REQUESTS: Final = 90
SMALL: Final = ALONE | {"AX_LIMITS_REQUEST_BYTES": "128KiB", "AX_JOURNAL_FILE_BYTES": "256KiB"}
"""Several files of the journal are made, or recycled, on the way."""
READING: Final = ("read", "readv", "recvfrom", "recvmsg")
WRITING: Final = ("write", "writev", "pwrite64", "pwritev", "pwritev2", "sendto", "sendmsg")
WATCHED: Final = ("openat", "rename", "fdatasync", "fsync", *READING, *WRITING)


_Thing = TypeVar("_Thing", bytes, Path)


@pytest.fixture
def under(tmp_path: Path) -> tuple[str, ...]:
    """The words that put a server under strace; its log is `tmp_path/trace`."""
    command = (*STRACE, "-D", "-e", f"trace={','.join(WATCHED)}", "-o", str(tmp_path / "trace"))
    try:
        done = subprocess.run([*command, "true"], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("there is no strace here")
    if done.returncode != 0:
        pytest.skip(f"strace may not trace here: {done.stderr.strip()}")
    return command


def test_no_acknowledgement_leaves_before_its_request_is_synced(tmp_path: Path, under: tuple[str, ...]) -> None:
    with running(tmp_path / "data", environ=SMALL, under=under) as server:
        _send_all(server)
        assert server.stop() == 0
    seen = Seen(tmp_path / "data" / "journal")
    for call in calls(tmp_path / "trace"):
        seen.take(call)
    assert len(seen.acked()) == REQUESTS
    assert len(set(seen.file.values())) > 1
    assert seen.too_early() == []


@dataclass(slots=True)
class Seen:
    """What a trace shows of a server's journal and connections; moments are lines of the trace.

    By request: its file, when it had been written there, and when a sync that began after that had ended. By file: when
    it had its name, and when a sync of the directory that began after that had ended.
    """

    journal: Path
    file: dict[bytes, Path] = field(default_factory=dict)
    written: dict[bytes, int] = field(default_factory=dict)
    synced: dict[bytes, int] = field(default_factory=dict)
    named: dict[Path, int] = field(default_factory=dict)
    name_synced: dict[Path, int] = field(default_factory=dict)
    connections: dict[str, Connection] = field(default_factory=lambda: defaultdict(Connection))

    def take(self, call: Call) -> None:
        """Takes the next call."""
        if call.name in {"openat", "rename"}:
            path = Path(call.texts[-1].decode())
            if path.parent == self.journal and path.suffix == ".log":
                self.named.setdefault(path, call.ended)
        elif call.file.startswith("TCP"):
            if call.name in READING:
                self.connections[call.file].read(call.data)
            else:
                self.connections[call.file].write(call.data, call.began)
        elif Path(call.file) == self.journal and call.name == "fsync":
            self._sync(self.named, self.name_synced, call)
        elif Path(call.file).parent == self.journal:
            if call.name == "fdatasync":
                here = {mark: at for mark, at in self.written.items() if self.file[mark] == Path(call.file)}
                self._sync(here, self.synced, call)
            elif call.name in WRITING:
                self.written |= dict.fromkeys(MARK.findall(call.data), call.ended)
                self.file |= dict.fromkeys(MARK.findall(call.data), Path(call.file))

    def acked(self) -> dict[bytes, int]:
        """When the acknowledgement of each request began to leave."""
        exchanges = [one for connection in self.connections.values() for one in connection.exchanges if one.is_success]
        return {mark: one.answered for one in exchanges for mark in MARK.findall(one.request) if one.answered}

    def too_early(self) -> list[bytes]:
        """Requests that were acknowledged before they, and the name of their file, were on the disk."""
        return [mark for mark, at in self.acked().items() if not self._durable_at(mark) < at]

    def _durable_at(self, mark: bytes) -> float:
        if mark not in self.synced:
            return inf
        return max(self.synced[mark], self.name_synced.get(self.file[mark], inf))

    @staticmethod
    def _sync(done: Mapping[_Thing, int], synced: dict[_Thing, int], call: Call) -> None:
        for thing, at in done.items():
            if at < call.began:
                synced.setdefault(thing, call.ended)


def _send_all(server: Server) -> None:
    """Sends `REQUESTS` requests, many at a time: over one gRPC connection, and over HTTP."""
    rng = Random(5)
    bodies = [_body(number, rng) for number in range(REQUESTS)]
    with (
        grpc.insecure_channel(server.grpc) as channel,
        httpx.Client(headers={"Content-Type": "application/x-protobuf"}, timeout=30) as web,
        ThreadPoolExecutor(6) as pool,
    ):
        export: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(LOGS)

        def send(number: int) -> None:
            if number % 3:
                export(bodies[number], timeout=30)
            else:
                web.post(f"{server.http}/v1/logs", content=bodies[number]).raise_for_status()

        list(pool.map(send, range(REQUESTS)))


def _body(number: int, rng: Random) -> bytes:
    export = ExportLogsServiceRequest()
    record = export.resource_logs.add().scope_logs.add().log_records.add(time_unix_nano=1)
    record.body.string_value = f"batch-{number:08d} {rng.randbytes(rng.randrange(200, 6_000)).hex()}"
    return export.SerializeToString()
