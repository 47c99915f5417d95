"""What a request took is given back when it is answered, and not when Python gets round to collect it."""

import gc
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from exporter.model import Signal
from tests.exporter.receiving import PROTOBUF, URLS, Receiver, empty_spans, receiving, refusal, within

MIB: Final = 2**20
TIMES: Final = 6
FULL: Final = {"journal": {"min_free_bytes": 2**62}}
BUSY: Final = {"receive": {"in_flight_bytes": "1MiB"}}


@pytest.fixture
def no_collection() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def by_grpc(receiver: Receiver, payload: bytes) -> None:
    refusal(lambda: receiver.call(payload))


def by_http(receiver: Receiver, payload: bytes) -> None:
    assert httpx.post(receiver.http + URLS[Signal.TRACES], content=payload, headers=PROTOBUF).status_code >= 400


@pytest.mark.usefixtures("no_collection")
@pytest.mark.parametrize("send", [by_grpc, by_http])
@pytest.mark.parametrize(
    ("payload", "settings"),
    [
        (within(bytes(4 * MIB), 1, 2, 9, 2, 2, 1) + b"\x0a\x05a", {}),
        (within(b"\x5a\x00" * 3 * MIB, 2, 2, 1), {}),
        (empty_spans(3 * MIB), {}),
        (within(bytes(4 * MIB), 1, 2, 9, 2, 2, 1), FULL),
        (within(bytes(4 * MIB), 1, 2, 9, 2, 2, 1), BUSY),
    ],
    ids=["malformed", "too many parts", "too many items", "disk full", "overloaded"],
)
def test_nothing_is_kept_of_what_was_refused(
    tmp_path: Path, send: Callable[[Receiver, bytes], None], payload: bytes, settings: dict[str, Any]
) -> None:
    with receiving(tmp_path, **settings) as receiver:
        send(receiver, payload)
        tracemalloc.start()
        try:
            before, _ = tracemalloc.get_traced_memory()
            for _ in range(TIMES):
                send(receiver, payload)
            after, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert after - before < 2 * len(payload)  # gRPC keeps the last one
