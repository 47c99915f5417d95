"""A whole server that is sent bad input: how it is started, how its answers are read, how much memory it has had.

In: a directory; bodies of requests. Out: answers in one form, whatever they came by.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import grpc
import httpx
from google.protobuf import json_format
from google.rpc.code_pb2 import INVALID_ARGUMENT, OK, RESOURCE_EXHAUSTED
from google.rpc.status_pb2 import Status

from exporter import figures
from exporter.model import Signal
from exporter.receive.messages import REJECTED, RESPONSES
from tests.exporter.receiving import EXPORT, JSON, URLS
from tests.running import Server, running

MOST_MB: Final = {"receive": 400, "write": 700}
"""Resident memory that nothing may push a process beyond."""
_ENVIRON: Final = {"AX_STORE_FLUSH_INTERVAL": "50ms", "AX_RECEIVE_SELF_METRICS_INTERVAL": "0s"}


@contextmanager
def attacked(data: Path) -> Iterator[Server]:
    """A server that says soon what it has stored, and of which no failure of ours may be in the log."""
    with running(data, environ=_ENVIRON) as server:
        yield server
        assert "Traceback" not in server.log()


@contextmanager
def bounded(server: Server) -> Iterator[None]:
    """Whatever is sent within, both processes live through it, in bounded memory."""
    before = {name: _pid(server, name) for name in MOST_MB}
    yield
    assert {name: _pid(server, name) for name in MOST_MB} == before
    peaks = {name: peak_mb(process) for name, process in before.items()}
    assert all(peaks[name] <= most for name, most in MOST_MB.items()), peaks


def _pid(server: Server, name: str) -> int:
    found = figures.read(figures.path_of(server.data, name))
    assert found is not None
    return found.pid


def peak_mb(process: int) -> int:
    """The most memory that a process has had; 0 where the system does not say."""
    status = Path(f"/proc/{process}/status")
    found = re.search(r"VmHWM:\s+(\d+) kB", status.read_text()) if status.exists() else None
    return int(found[1]) // 1024 if found else 0


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: a google.rpc.Code, how many items were rejected, and what was said."""

    code: int
    rejected: int
    said: str


def by_grpc(server: Server, signal: Signal, payload: bytes, **options: Any) -> Answer:
    with grpc.insecure_channel(server.grpc, options=[("grpc.max_send_message_length", -1)]) as channel:
        try:
            response = channel.unary_unary(EXPORT[signal])(payload, timeout=60, **options)
        except grpc.RpcError as error:
            refused: Any = error
            assert not [key for key, _ in refused.trailing_metadata() or () if "retryinfo" in key]
            return Answer(refused.code().value[0], 0, refused.details())
    return accepted(signal, response)


def by_http(server: Server, signal: Signal, body: bytes, headers: dict[str, str]) -> Answer:
    response = httpx.post(f"{server.http}{URLS[signal]}", content=body, headers=headers, timeout=60)
    is_json = response.headers["content-type"] == JSON["content-type"]
    assert "retry-after" not in response.headers
    if response.status_code == httpx.codes.OK:
        return accepted(signal, response.content, is_json=is_json)
    said: Any = response.json() if is_json else Status.FromString(response.content)
    code, message = (said["code"], said["message"]) if is_json else (said.code, said.message)
    assert {400: INVALID_ARGUMENT, 413: RESOURCE_EXHAUSTED}[response.status_code] == code, response.text
    return Answer(code, 0, message)


def accepted(signal: Signal, response: bytes, *, is_json: bool = False) -> Answer:
    kind = RESPONSES[signal]
    partial = (json_format.Parse(response, kind()) if is_json else kind.FromString(response)).partial_success
    return Answer(OK, getattr(partial, REJECTED[signal]), partial.error_message)
