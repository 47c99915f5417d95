"""Bad input by the thousand: whatever nearly is OTLP has a defined answer, and what is acknowledged can be stored.

In: requests of every shape, changed at random, as protobuf and as JSON. Out: 200, or a refusal for good; no fault of
ours, nothing that the writer cannot decode. In CI some thousands; with `-m slow`, as many as some minutes hold,
and it says how many those were.
"""

import asyncio
import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from random import Random
from typing import Any, Final

import grpc
import httpx
import psutil
import pytest
import uvloop
from hypothesis import given
from hypothesis import strategies as st

from exporter.auth import Doors
from exporter.clock import SystemClock
from exporter.config import Config, Limits, Retention
from exporter.decode import decode
from exporter.journal import Journal, Tail
from exporter.model import Request, Signal
from exporter.receive import Counters
from exporter.receive.admit import Admission
from exporter.receive.otlp_http import OtlpHttp
from tests.exporter.receiving import EXPORT, JSON, PROTOBUF, URLS, Receiver, receiving, to_json
from tests.factories import logs_request, metrics_request, spans_request
from tests.otlp import Export
from tests.strategies import examples, exports
from tests.wire import rewritten

LIMITS: Final = Limits()
RETENTION: Final = Retention()
DEFINED: Final = {200, 400, 413}
CODES: Final = {grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.RESOURCE_EXHAUSTED}
REASONS: Final = {"malformed", "too_deep", "too_many_items", "too_large"}
TELLING: Final = (0, 1, 2, 10, 18, 42, 50, 74, 90, 127, 128, 255)
"""Bytes that mean something: tags and lengths of OTLP, ends and beginnings of varints."""

# ── Changes ───────────────────────────────────────────────────────────────────────────────────────────────────────


def spoilt(body: bytes, rng: Random) -> bytes:
    """`body` with one to four changes: bits and bytes, ends, parts left out, doubled, moved or made up."""
    changed = bytearray(body)
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        at = rng.randrange(len(changed) + 1)
        end = min(len(changed), at + rng.choice((1, 2, 8, 40, 400)))
        match rng.randrange(8):
            case 0 | 1 if at < len(changed):
                changed[at] ^= 1 << rng.randrange(8)
            case 2 | 3 if at < len(changed):
                changed[at] = rng.choice(TELLING)
            case 4:
                del changed[at:]
            case 5:
                del changed[at:end]
            case 6:
                changed[at:at] = changed[at:end] * rng.choice((1, 1, 2, 30))
            case _:
                changed[at:at] = rng.randbytes(rng.randrange(1, 12))
    return bytes(changed)


ODD_VALUES: Final = (
    *(None, True, False, 0, -1, 1.5, 2**63, 2**64, -(2**63) - 1, 1e400, float("nan"), "", "x", "-1", "1e3", "NaN"),
    *("\ud800", "\x00", "é" * 100, [], {}, [[]], [None], {"": 0}, {"value": {}}, {"stringValue": "a", "intValue": 1}),
)


def odd_json(body: bytes, rng: Random) -> bytes:
    """The JSON in `body` with one to four values replaced, left out, renamed, or put into lists."""
    tree = json.loads(body)
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        place = tree
        while place:
            key: Any = rng.choice(list(place)) if isinstance(place, dict) else rng.randrange(len(place))
            if isinstance(place[key], dict | list) and rng.random() < 5 / 6:
                place = place[key]
                continue
            match rng.randrange(5):
                case 0 if isinstance(place, dict):
                    place[rng.choice(("value", "arrayValue", "values", "x", ""))] = place.pop(key)
                case 1:
                    del place[key]
                case 2:
                    for _ in range(rng.choice((1, 5, 30))):
                        place[key] = rng.choice(([place[key]], {"arrayValue": {"values": [place[key]]}}))
                case _:
                    place[key] = deepcopy(rng.choice(ODD_VALUES))
            break
    return json.dumps(tree).encode()


@dataclass(frozen=True, slots=True)
class Sound:
    """A request as it should be: as an exporter writes it, as no exporter does, and in JSON."""

    signal: Signal
    usual: bytes
    unusual: bytes
    text: bytes

    def protobuf(self, rng: Random) -> bytes:
        """Some change of it."""
        return spoilt(self.unusual if rng.random() < 1 / 4 else self.usual, rng)

    def json(self, rng: Random) -> bytes:
        """Some change of its JSON."""
        return odd_json(self.text, rng) if rng.random() < 1 / 2 else spoilt(self.text, rng)


def sound(signal: Signal, export: Export) -> Sound:
    return Sound(signal, export.SerializeToString(), rewritten(export, Random(1)), to_json(export))


def assert_decodes(request: Request) -> None:
    """The writer would set aside what it cannot decode: that is lost, and was acknowledged."""
    try:
        decode([request], LIMITS, RETENTION)
    except BaseException as error:  # a panic in ptars is no Exception
        raise AssertionError(
            f"acknowledged {request.signal.label} cannot be decoded: {request.payload.hex()}"
        ) from error


# ── Over sockets ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def receiver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receiver]:
    """A receiver that may be sent anything; in the end it adds up, and all that it took can be decoded."""
    with receiving(tmp_path_factory.mktemp("data")) as it:
        yield it
        taken = it.stored()
        for one in taken:
            assert_decodes(one)
        assert it.counted("accepted_items") - it.counted("deduplicated_items") == sum(one.items for one in taken)
        assert it.counted("received_items") == it.counted("accepted_items") + it.counted("refused_items")
        assert it.counted("refused_items") == sum(it.counted("refused_items", reason=reason) for reason in REASONS)
        assert it.in_flight_bytes() == 0


@pytest.fixture(scope="module")
def client(receiver: Receiver) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=receiver.http, timeout=20) as client:
        yield client


@pytest.fixture(scope="module")
def channel(receiver: Receiver) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(receiver.grpc) as channel:
        yield channel


CHANGES: Final = 8
"""Of each request that is drawn, which takes far longer than to send it."""


@examples(60)
@given(data=st.data(), signal=st.sampled_from(Signal), seed=st.integers(0, 2**32))
def test_any_protobuf_gets_a_defined_answer_by_grpc_and_http(
    client: httpx.Client, channel: grpc.Channel, data: st.DataObject, signal: Signal, seed: int
) -> None:
    request, rng = sound(signal, data.draw(exports(signal))), Random(seed)
    for _ in range(CHANGES):
        body = request.protobuf(rng)
        answer = client.post(URLS[signal], content=body, headers=PROTOBUF)
        assert answer.status_code in DEFINED, answer.text
        try:
            channel.unary_unary(EXPORT[signal])(body, timeout=20)
        except grpc.RpcError as error:
            refused: Any = error
            assert (refused.code() in CODES, answer.status_code != httpx.codes.OK) == (True, True), refused
        else:
            assert answer.status_code == httpx.codes.OK


@examples(60)
@given(data=st.data(), signal=st.sampled_from(Signal), seed=st.integers(0, 2**32))
def test_any_json_gets_a_defined_answer(client: httpx.Client, data: st.DataObject, signal: Signal, seed: int) -> None:
    request, rng = sound(signal, data.draw(exports(signal))), Random(seed)
    for _ in range(CHANGES):
        answer = client.post(URLS[signal], content=request.json(rng), headers=JSON)
        assert answer.status_code in DEFINED, answer.text
        assert answer.json().keys() <= {"partialSuccess", "code", "message", "details"}


# ── By the million ────────────────────────────────────────────────────────────────────────────────────────────────

SECONDS: Final = 200.0
AT_A_TIME, SOME = 128, 25


class Fuzz:
    """Bad input straight into the application that the server runs, and its journal; what is journalled is decoded."""

    def __init__(self, data: Path, requests: Sequence[Sound]) -> None:
        """Changes these requests, again and again."""
        self.answers: Counter[str] = Counter()
        self._requests = requests
        self._rng = Random(1)
        self._clock = SystemClock()
        self._config = Config(data=data)

    async def run(self, seconds: float) -> None:
        """Sends for so long, at least once some."""
        journal = Journal.open(self._config.data / "journal", self._config.journal, self._clock)
        counters = Counters(self._clock.wall())
        tail = Tail.open(self._config.data / "journal", 0)
        now = asyncio.get_running_loop().time
        end = now() + seconds
        door = Doors.open(self._config, self._clock).of("receive.http")
        with ThreadPoolExecutor(1) as beside:
            app = OtlpHttp(self._config, Admission(self._config, journal, self._clock, counters), door, beside)
            while True:
                await asyncio.gather(*(self._send_some(app) for _ in range(AT_A_TIME)))
                self._decode(tail)
                if now() >= end:
                    break
        journal.close()
        tail.close()

    async def _send_some(self, app: OtlpHttp) -> None:
        for _ in range(SOME):
            request = self._rng.choice(self._requests)
            if self._rng.random() < 3 / 4:
                await self._send(app, request.signal, PROTOBUF, request.protobuf(self._rng))
            else:
                await self._send(app, request.signal, JSON, request.json(self._rng))

    async def _send(self, app: OtlpHttp, signal: Signal, media: dict[str, str], body: bytes) -> None:
        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                assert message["status"] in DEFINED, (message, signal, media, body.hex())
                self.answers[f"{media['content-type']} {message['status']}"] += 1

        headers = [(name.encode(), value.encode()) for name, value in media.items()]
        await app({"method": "POST", "path": URLS[signal], "headers": headers}, receive, send)

    def _decode(self, tail: Tail) -> None:
        """Decodes what was acknowledged, one by one where that fails, so that the failure names the guilty one."""
        while entries := tail.read(2**24):
            requests = [entry.request for entry in entries]
            try:
                decode(requests, LIMITS, RETENTION)
            except BaseException:  # a panic in ptars is no Exception
                for request in requests:
                    assert_decodes(request)
                raise
            tail.stored(tail.position)


def sound_requests() -> list[Sound]:
    """Requests to change: as odd as hypothesis draws them, and as applications send them."""
    found: list[Sound] = []

    @examples(60)
    @given(data=st.data(), signal=st.sampled_from(Signal))
    def draw(data: st.DataObject, signal: Signal) -> None:
        found.append(sound(signal, data.draw(exports(signal))))

    draw()
    for count, seed in product((1, 4), range(8)):
        found += [sound(Signal.TRACES, spans_request(count, seed)), sound(Signal.LOGS, logs_request(count, seed))]
        found.append(sound(Signal.METRICS, metrics_request(count, seed)))
    return found


def test_thousands_of_bad_inputs_find_no_fault_of_ours(tmp_path: Path) -> None:
    fuzz = Fuzz(tmp_path, sound_requests())
    uvloop.run(fuzz.run(0))
    assert fuzz.answers.total() == AT_A_TIME * SOME
    assert len(fuzz.answers) >= 4  # both media, taken and refused


@pytest.mark.slow
def test_minutes_of_bad_input_find_no_fault_of_ours_and_take_no_memory(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fuzz = Fuzz(tmp_path, sound_requests())
    uvloop.run(fuzz.run(0))
    before = psutil.Process().memory_info().rss
    uvloop.run(fuzz.run(SECONDS))
    grown_mb = (psutil.Process().memory_info().rss - before) // 2**20
    with capsys.disabled():
        sys.stdout.write(f"\n{fuzz.answers.total():,} inputs, {dict(fuzz.answers)}; grown by {grown_mb} MB\n")
    assert grown_mb < 200
