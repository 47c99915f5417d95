"""Conservation: whatever is sent, received = accepted + refused, and accepted = journalled + deduplicated."""

import random
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import grpc
import httpx

from exporter.model import Signal
from tests.exporter.receiving import EXPORT, JSON, PROTOBUF, URLS, receiving
from tests.factories import logs_request, metrics_request, spans_request

MAKERS: dict[Signal, Any] = {
    Signal.TRACES: spans_request,
    Signal.METRICS: metrics_request,
    Signal.LOGS: logs_request,
}
JSON_SPANS = b'{"resourceSpans":[{"scopeSpans":[{"spans":[{},{},{}]}]}]}'


def test_nothing_is_lost_between_the_counters(tmp_path: Path) -> None:
    small = {"journal": {"backlog_bytes": "150kB"}, "limits": {"items": 60}}
    with receiving(tmp_path, **small) as receiver, grpc.insecure_channel(receiver.grpc) as channel:
        with httpx.Client(base_url=receiver.http, timeout=20) as client:

            def send(seed: int) -> dict[Signal, int]:
                rng = random.Random(seed)
                signal = rng.choice(list(Signal))
                items = rng.choice((0, 1, 20, 60, 61))
                payload = MAKERS[signal](items, seed=rng.randrange(40)).SerializeToString()
                kind = rng.randrange(6)
                if kind == 0:
                    payload, items = payload[:-1] if items else b"\x0a", 1
                if kind == 1:
                    client.post(URLS[Signal.TRACES], content=JSON_SPANS, headers=JSON)
                    return {Signal.TRACES: 3}
                if kind == 2:
                    client.post(URLS[signal], content=b"?", headers=JSON)
                    return {signal: 1}
                if kind == 3:
                    client.post(URLS[signal], content=payload, headers=PROTOBUF)
                else:
                    with suppress(grpc.RpcError):
                        channel.unary_unary(EXPORT[signal])(payload, timeout=20)
                return {signal: items}

            with ThreadPoolExecutor(8) as threads:
                answers = list(threads.map(send, range(400)))

        stored = receiver.stored()
        assert receiver.counted("refused_items", reason="overloaded") > 0
        for signal in Signal:
            labels = {"signal": signal.label}
            accepted = receiver.counted("accepted_items", **labels)
            received = receiver.counted("received_items", **labels)
            assert received == accepted + receiver.counted("refused_items", **labels)
            journalled = sum(request.items for request in stored if request.signal is signal)
            assert accepted == journalled + receiver.counted("deduplicated_items", **labels)
            sent = sum(answer.get(signal, 0) for answer in answers)
            if signal is not Signal.TRACES:  # JSON that is refused for overload is not counted, but as one
                assert received == sent
        assert receiver.counted("requests") == len(answers)
        assert receiver.in_flight_bytes() == 0


def test_the_figures_name_every_signal_from_the_start_and_show_the_gauges(tmp_path: Path) -> None:
    with receiving(tmp_path) as receiver:
        receiver.call(spans_request(3).SerializeToString())
        figures = receiver.counters.figures(123, backlog_bytes=7)
        received = {s.labels["signal"]: s.value for s in figures.counters if s.name == "ax_received_items_total"}
        assert received == {"traces": 3, "metrics": 0, "logs": 0}
        gauges = {sample.name: sample.value for sample in figures.gauges}
        assert gauges["ax_journal_backlog_bytes"] == 7
        assert gauges["ax_in_flight_bytes"] == 0
        assert gauges["ax_process_resident_memory_bytes"] > 2**20
        assert figures.time == 123
        assert figures.started <= receiver.clock.wall()
