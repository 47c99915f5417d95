"""What holds of a server that cannot take requests for a while, and of one that can again.

In: a server, and what its clients do. Out: nothing, or an assertion that fails.
"""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any, Final

import grpc
import httpx
from google.rpc.error_details_pb2 import RetryInfo

from exporter.model import Signal
from tests.crash.clients import METHOD, RECORDS, STORED, Work, batch
from tests.crash.history import Verdict, judge
from tests.ledger import ALONE, adds_up, items_of
from tests.running import Server, running, until

RECOVERY_S: Final = 10.0
PUBLISHED_S: Final = 2.5
"""Figures of then are not those of amidst the load any more: each process publishes its own once a second."""
SMALL: Final = ALONE | {
    "AX_LIMITS_REQUEST_BYTES": "128KiB",
    "AX_JOURNAL_FILE_BYTES": "1MiB",
    "AX_STORE_FLUSH_INTERVAL": "100ms",
    "AX_STORE_LATENESS": "7d",
}
NOBODYS: Final = 0
"""The number of batches that are sent only to see them refused."""


def until_acked(work: Work, acks: int) -> None:
    """Waits until so many batches were acknowledged."""
    until(lambda: work.history.counts["ack"] >= acks, "requests are acknowledged", every=0.02)


def until_stored(server: Server, work: Work) -> None:
    """Waits for the first batches that can be queried."""
    until_acked(work, 100)
    until(lambda: batches_stored(server) > 0, "some are stored")


def assert_refused_retryably(server: Server) -> None:
    """UNAVAILABLE with RetryInfo, and 503 with Retry-After, of half a second to two.

    A request may get in before one is refused: other processes give back a block now and then.
    """
    least, most = 0.5, 2
    with grpc.insecure_channel(server.grpc) as channel:
        refused = _first(lambda: _grpc_refusal(channel))
    assert refused.code() is grpc.StatusCode.UNAVAILABLE
    (told,) = (one.value for one in refused.trailing_metadata() if one.key == "google.rpc.retryinfo-bin")
    delay = RetryInfo.FromString(told).retry_delay
    assert least <= delay.seconds + delay.nanos / 1e9 <= most
    answer = _first(lambda: _http_refusal(server))
    assert answer.status_code == httpx.codes.SERVICE_UNAVAILABLE
    assert least <= int(answer.headers["retry-after"]) <= most


def _first(attempt: Callable[[], Any]) -> Any:
    """The first refusal that attempts end with."""
    for _ in range(200):
        refused = attempt()
        if refused is not None:
            return refused
    raise AssertionError("no request is refused")


def _grpc_refusal(channel: grpc.Channel) -> Any:
    signal, body = batch(NOBODYS, Random())
    export: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(METHOD[signal])
    try:
        export(body, timeout=10)
    except grpc.RpcError as error:
        return error
    return None


def _http_refusal(server: Server) -> Any:
    signal, body = batch(NOBODYS, Random())
    headers = {"Content-Type": "application/x-protobuf"}
    answer = httpx.post(f"{server.http}/v1/{signal.label}", content=body, headers=headers)
    return None if answer.status_code == httpx.codes.OK else answer


def assert_queries_go_on(server: Server) -> None:
    """Of files, by anybody, and of the API."""
    assert batches_stored(server) > 0
    assert set(items_of(server)) == {signal.label for signal in Signal}


def assert_recovers(server: Server, work: Work) -> None:
    """Requests are accepted, and can be queried, within `RECOVERY_S`."""
    began = time.monotonic()
    goal = work.history.counts["ack"] + 50
    until(lambda: work.history.counts["ack"] >= goal, "requests are accepted again", seconds=RECOVERY_S)
    acked = work.history.batches("ack")
    left = began + RECOVERY_S - time.monotonic()
    until(lambda: acked <= dict(server.sql(STORED)).keys(), "they are all stored again", seconds=left)
    print(f"recovered within {time.monotonic() - began:.1f} s")  # noqa: T201


def assert_kept(data: Path, work: Work, *, may_come_back: bool = False) -> None:
    """Nothing is lost and nothing doubled. `may_come_back`: a refused write that a kill kept from being undone."""
    with running(data, environ=SMALL | {"AX_JOURNAL_MIN_FREE_BYTES": "0B"}) as server:
        until(lambda: adds_up(items_of(server)), "the counters add up")
        stored = {int(number): int(count) for number, count in server.sql(STORED) if number != NOBODYS}
    verdict = judge(work.history, stored, RECORDS)
    assert (replace(verdict, refused=frozenset()) if may_come_back else verdict) == Verdict()


def batches_stored(server: Server) -> int:
    """How many batches can be queried."""
    return len(server.sql(STORED))
