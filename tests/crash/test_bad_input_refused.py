"""Requests that cannot be taken, against a whole server: each is refused for good, in bounded memory.

The cases are those of the issue "The spine proved". Nothing of what is refused is stored, and the server goes on.
"""

import zlib
from collections.abc import Iterator
from itertools import count
from random import Random
from typing import Final

import grpc
import pytest
from google.rpc.code_pb2 import INVALID_ARGUMENT, OK, RESOURCE_EXHAUSTED

from exporter.model import Signal
from exporter.receive.count import MOST_PARTS
from tests.crash.bad_input import attacked, bounded, by_grpc, by_http
from tests.exporter.receiving import JSON, PROTOBUF, deep_bytes, deep_json, empty_spans, to_json, within
from tests.factories import spans_request
from tests.running import Server, until

MIB: Final = 2**20
NUMBERS: Final = count()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with attacked(tmp_path_factory.mktemp("refused") / "data") as started:
        yield started


@pytest.fixture(autouse=True)
def in_bounds(server: Server) -> Iterator[None]:
    """Every case is found by itself, since the peak of memory only rises."""
    with bounded(server):
        yield


GOOD: Final = spans_request(20, service="refused").SerializeToString()
GOOD_JSON: Final = to_json(spans_request(20, service="refused"))
RANDOM: Final = Random(1).randbytes(5_000)


def padded(size: int) -> bytes:
    """A request of so many bytes: a good span, and one with an attribute that takes the rest."""
    good = spans_request(1, size, service="padded").SerializeToString()

    def request(value_bytes: int) -> bytes:
        return good + within(bytes(value_bytes), 1, 2, 9, 2, 2, 1)

    return request(2 * size - len(request(size)))


def dense(*way: int) -> bytes:
    """16 MiB of the smallest part there is of an item, where `way` leads."""
    return within(within(b"", way[0]) * (8 * MIB - 20), *way[1:])


REFUSED: Final[dict[str, tuple[Signal, bytes, int]]] = {
    "malformed": (Signal.TRACES, b"\x0a\x05a", INVALID_ARGUMENT),
    "random": (Signal.LOGS, RANDOM, INVALID_ARGUMENT),
    "JSON": (Signal.TRACES, GOOD_JSON, INVALID_ARGUMENT),
    "truncated": (Signal.TRACES, GOOD[:-7], INVALID_ARGUMENT),
    "a flipped bit in a length": (Signal.TRACES, GOOD[:1] + bytes([GOOD[1] ^ 1]) + GOOD[2:], INVALID_ARGUMENT),
    "a flipped bit in a name": (Signal.TRACES, GOOD.replace(b"python", b"\xf0ython", 1), INVALID_ARGUMENT),
    "nested 48 deep": (Signal.TRACES, deep_bytes(48), INVALID_ARGUMENT),
    "nested 10,000 deep": (Signal.TRACES, deep_bytes(10_000), INVALID_ARGUMENT),
    "16 MiB and a byte": (Signal.TRACES, padded(16 * MIB + 1), RESOURCE_EXHAUSTED),
    "5 M empty spans": (Signal.TRACES, empty_spans(5_000_000), RESOURCE_EXHAUSTED),
    "8 M events": (Signal.TRACES, dense(11, 2, 2, 1), RESOURCE_EXHAUSTED),
    "8 M links": (Signal.TRACES, dense(13, 2, 2, 1), RESOURCE_EXHAUSTED),
    "8 M attributes": (Signal.TRACES, dense(9, 2, 2, 1), RESOURCE_EXHAUSTED),
    "8 M attributes of an event": (Signal.TRACES, dense(3, 11, 2, 2, 1), RESOURCE_EXHAUSTED),
    "8 M attributes of a resource": (Signal.TRACES, dense(1, 1, 1), RESOURCE_EXHAUSTED),
    "8 M scopes": (Signal.TRACES, dense(2, 1), RESOURCE_EXHAUSTED),
    "8 M resources": (Signal.TRACES, dense(1), RESOURCE_EXHAUSTED),
    "8 M values in a body": (Signal.LOGS, dense(1, 5, 5, 2, 2, 1), RESOURCE_EXHAUSTED),
    "8 M metrics": (Signal.METRICS, dense(2, 2, 1), RESOURCE_EXHAUSTED),
    "8 M exemplars": (Signal.METRICS, dense(5, 1, 5, 2, 2, 1), RESOURCE_EXHAUSTED),
    "8 M quantiles": (Signal.METRICS, dense(6, 1, 11, 2, 2, 1), RESOURCE_EXHAUSTED),
}
POINT: Final = b'{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"histogram":{"dataPoints":[%s]}}]}]}]}'
BOUNDS: Final = POINT % b'{"explicitBounds":[%s1]}'
REFUSED_JSON: Final = {
    "malformed": (b'{"resourceSpans":[', INVALID_ARGUMENT),
    "protobuf": (GOOD, INVALID_ARGUMENT),
    "truncated": (GOOD_JSON[:-7], INVALID_ARGUMENT),
    "a flipped bit in a name": (GOOD_JSON.replace(b"python", b"\xf0ython", 1), INVALID_ARGUMENT),
    "a flipped bit in the syntax": (GOOD_JSON.replace(b":", b";", 1), INVALID_ARGUMENT),
    "an id that is no hex": (GOOD_JSON.replace(b'"traceId": "', b'"traceId": "x', 1), INVALID_ARGUMENT),
    "nested 48 deep": (deep_json(48), INVALID_ARGUMENT),
    "nested 10,000 deep": (deep_json(10_000), INVALID_ARGUMENT),
    "arrays 1,000,000 deep": (b"[" * 1_000_000, INVALID_ARGUMENT),
    "16 MiB and a byte": (GOOD_JSON + b" " * (16 * MIB + 1 - len(GOOD_JSON)), RESOURCE_EXHAUSTED),
    "8 M numbers": (BOUNDS % (b"1," * (8 * MIB - 100)), RESOURCE_EXHAUSTED),
    "numbers that are larger in protobuf": (BOUNDS % (b"1," * 2_500_000), RESOURCE_EXHAUSTED),
    "3 M strings": (b'{"x":[' + b'"ab",' * 3_300_000 + b'""]}', RESOURCE_EXHAUSTED),
    "5 M empty spans": (
        b'{"resourceSpans":[{"scopeSpans":[{"spans":[' + b"{}," * 4_999_999 + b"{}]}]}]}",
        RESOURCE_EXHAUSTED,
    ),
}


def assert_nothing_stored(server: Server) -> None:
    """Nothing is stored of what was refused before, though what is sent now is."""
    service = f"after {next(NUMBERS)}"
    assert (
        by_grpc(server, Signal.TRACES, spans_request(1, next(NUMBERS), service=service).SerializeToString()).code == OK
    )
    until(lambda: server.sql("SELECT 1 FROM spans WHERE service_name = ?", service) != [], "it goes on", every=0.03)
    assert server.sql("SELECT count(*) FROM spans WHERE service_name = 'refused'") == [(0,)]


@pytest.mark.parametrize("name", REFUSED)
def test_protobuf_that_cannot_be_taken_is_refused_for_good_by_grpc_and_http(server: Server, name: str) -> None:
    signal, payload, code = REFUSED[name]
    answers = [by_grpc(server, signal, payload), by_http(server, signal, payload, PROTOBUF)]
    assert [answer.code for answer in answers] == [code, code], answers
    assert_nothing_stored(server)


@pytest.mark.parametrize("name", REFUSED_JSON)
def test_json_that_cannot_be_taken_is_refused_for_good(server: Server, name: str) -> None:
    body, code = REFUSED_JSON[name]
    signal = Signal.METRICS if b"resourceMetrics" in body[:30] else Signal.TRACES
    assert by_http(server, signal, body, JSON).code == code
    assert_nothing_stored(server)


# ── Bombs ─────────────────────────────────────────────────────────────────────────────────────────────────────────

GIB: Final = 1_024


def bomb(encoding: str) -> bytes:
    """A GiB of zeros in 1 MiB: one that is compressed so that it can be repeated, again and again."""
    zeros = bytes(MIB)
    press = zlib.compressobj(9, wbits=-15)
    block = press.compress(zeros) + press.flush(zlib.Z_FULL_FLUSH)
    body = block * GIB + b"\x03\x00"
    match encoding:
        case "gzip":
            check = 0
            for _ in range(GIB):
                check = zlib.crc32(zeros, check)
            return b"\x1f\x8b\x08" + bytes(7) + body + check.to_bytes(4, "little") + (GIB * MIB).to_bytes(4, "little")
        case "deflate":
            return b"\x78\xda" + body + ((GIB * MIB % 65_521) << 16 | 1).to_bytes(4, "big")
        case _:
            return body


@pytest.mark.parametrize("media", [PROTOBUF, JSON], ids=["protobuf", "json"])
@pytest.mark.parametrize("encoding", ["gzip", "deflate", "deflate, bare"])
def test_a_bomb_of_a_gigabyte_is_refused_for_good(server: Server, encoding: str, media: dict[str, str]) -> None:
    headers = media | {"content-encoding": encoding.partition(",")[0]}
    answer = by_http(server, Signal.TRACES, bomb(encoding), headers)
    assert (answer.code, "inflates to more than" in answer.said) == (RESOURCE_EXHAUSTED, True)
    assert_nothing_stored(server)


@pytest.mark.slow
@pytest.mark.parametrize("compression", [grpc.Compression.Gzip, grpc.Compression.Deflate])
def test_a_bomb_of_a_gigabyte_by_grpc_is_refused_for_good(server: Server, compression: grpc.Compression) -> None:
    """The bomb takes its maker, which is this process, some gigabytes."""
    assert by_grpc(server, Signal.TRACES, bytes(GIB * MIB), compression=compression).code == RESOURCE_EXHAUSTED
    assert_nothing_stored(server)


# ── The largest there is ──────────────────────────────────────────────────────────────────────────────────────────


def test_16_mib_to_the_byte_are_stored(server: Server) -> None:
    for size in (16 * MIB, 16 * MIB - 1):
        payload = padded(size)
        assert len(payload) == size
        answer = (
            by_grpc(server, Signal.TRACES, payload) if size % 2 else by_http(server, Signal.TRACES, payload, PROTOBUF)
        )
        assert answer.code == OK
    asked = "SELECT count(*) FROM spans WHERE service_name = 'padded'"
    until(lambda: server.sql(asked) == [(2,)], "the good ones are stored")


@pytest.mark.parametrize(
    ("way", "asked"),
    [((11, 2, 2, 1), "len(events)"), pytest.param((13, 2, 2, 1), "len(links)", marks=pytest.mark.slow)],
)
def test_as_many_parts_as_a_request_may_have_are_stored(server: Server, way: tuple[int, ...], asked: str) -> None:
    good = spans_request(1, next(NUMBERS), service="good").SerializeToString()
    many = MOST_PARTS - 100
    assert by_grpc(server, Signal.TRACES, good + within(within(b"", way[0]) * many, *way[1:])).code == OK
    until(lambda: server.sql(f"SELECT 1 FROM spans WHERE {asked} = ?", many) != [], "all are stored")
