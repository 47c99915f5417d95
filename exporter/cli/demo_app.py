"""The help desk of `demo_desk` as a program that tells what it does with `otel_ax`, as any client of ours would.

In: `python -m exporter.cli.demo_app http://127.0.0.1:4318 [--live]`. Out: traces, metrics and logs sent there, and on
standard output one JSON line of totals so far after each conversation. The story depends on the seed alone; times are
counted back from now, and ids are new at every run. With `--live` it goes on, as it happens, until standard input ends.
"""

import argparse
import itertools
import json
import logging
import os
import signal
import sys
import threading
from collections.abc import Sequence
from random import Random
from typing import Final

from opentelemetry import _logs, trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider, LogRecordProcessor, ReadWriteLogRecord
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

import otel_ax
from exporter.cli.demo_clock import Passing, Told, Waited
from exporter.cli.demo_desk import Desk, KnowledgeBase
from exporter.cli.demo_phone import phone
from exporter.clock import Clock, SystemClock
from exporter.units import NS_PER_S

SEED: Final = 7
CONVERSATIONS: Final = 60
PAST_NS: Final = 15 * 60 * NS_PER_S
"""The first conversations are spread over that long before now."""
LIVE_EVERY_S: Final = 1.5
LONGEST_NS: Final = 45 * NS_PER_S
"""What the last one needs to be over by now."""
_KEPT: Final = frozenset({"OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_CERTIFICATE"})
"""Who starts the demo tells by these how its server is spoken with."""
_RESOURCE: Final = {
    "service.namespace": "demo",
    "service.version": "1.0",
    "deployment.environment.name": "demo",
}


class Spans(SpanProcessor):
    """Counts the spans that ended."""

    def __init__(self) -> None:
        self._ended = itertools.count(1)
        self.ended = 0

    def on_end(self, span: ReadableSpan) -> None:  # noqa: ARG002 (OpenTelemetry's signature)
        """One more."""
        self.ended = next(self._ended)


class Records(LogRecordProcessor):
    """Counts the log records, events among them."""

    def __init__(self) -> None:
        self._emitted = itertools.count(1)
        self.emitted = 0

    def on_emit(self, log_record: ReadWriteLogRecord) -> None:  # noqa: ARG002 (OpenTelemetry's signature)
        """One more."""
        self.emitted = next(self._emitted)

    def shutdown(self) -> None:
        """Nothing is held."""

    def force_flush(self, timeout_millis: int = 30_000) -> bool:  # noqa: ARG002 (OpenTelemetry's signature)
        """Nothing is held."""
        return True


class Telemetry:
    """Two services, the help desk under `otel_ax` and its knowledge base under the stock SDK, and one endpoint."""

    def __init__(self, endpoint: str) -> None:
        self._handle = otel_ax.configure(
            service_name="helpdesk",
            endpoint=endpoint,
            resource_attributes=_RESOURCE,
            pending=True,  # what runs is seen
            content=True,  # prompts are made up, and may be read
            queue_size=16_384,  # a quarter of an hour is told within a second
            export_interval_s=5,
        )
        self._others = TracerProvider(
            resource=Resource.create({**_RESOURCE, "service.name": "knowledge-base"}), shutdown_on_exit=False
        )
        self._others.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(f"{endpoint}/v1/traces")))
        self.knowledge = KnowledgeBase(self._others.get_tracer("knowledge-base", "1.0"))
        self.spans, self.records = Spans(), Records()
        for tracers in (trace.get_tracer_provider(), self._others):
            if isinstance(tracers, TracerProvider):
                tracers.add_span_processor(self.spans)
        loggers = _logs.get_logger_provider()
        if isinstance(loggers, LoggerProvider):
            loggers.add_log_record_processor(self.records)

    def flush(self) -> bool:
        """Sends what is held back; whether all of it was taken."""
        return self._handle.flush(10) and self._others.force_flush()

    def close(self) -> None:
        """Sends what is held back, and ends the SDK's threads."""
        self._handle.shutdown()
        self._others.shutdown()


class Story:
    """The conversations, each by its number; their cache is the program's."""

    def __init__(self, telemetry: Telemetry) -> None:
        self._telemetry = telemetry
        self._vectors: set[str] = set()
        self._told = itertools.count(1)

    def converse(self, number: int, clock: Passing) -> None:
        """A chat, a refund or a phone call."""
        rng = Random(f"{SEED} {number}")
        desk = Desk(rng, clock, self._telemetry.knowledge, self._vectors)
        what = rng.choices(("chat", "refund", "phone"), (6, 2, 2))[0]
        if what == "chat":
            desk.chat()
        elif what == "refund":
            otel_ax.queue("refunds", rng.randrange(5))
            desk.refund()
        else:
            phone(desk)

    def say(self) -> None:
        """One line of totals."""
        told = {"told": next(self._told), "of": CONVERSATIONS}
        sent = {"spans": self._telemetry.spans.ended, "logs": self._telemetry.records.emitted}
        print(json.dumps(told | sent), flush=True)


def run(endpoint: str, *, live: bool, clock: Clock, stop: threading.Event) -> bool:
    """Tells `CONVERSATIONS` conversations of the last quarter of an hour, then, if `live`, has one now and then.

    Gives whether the past was taken.
    """
    _quiet()
    telemetry = Telemetry(endpoint)
    story = Story(telemetry)
    now = clock.wall()
    past = Told(now - PAST_NS)
    with past.everywhere():
        for number in range(CONVERSATIONS):
            past.at(now - PAST_NS + number * (PAST_NS - LONGEST_NS) // CONVERSATIONS)
            story.converse(number, past)
            if number < CONVERSATIONS - 1:
                story.say()
    taken = telemetry.flush()
    story.say()
    for name in ("opentelemetry", "otel_ax"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # from here on the server may stop before we do
    present = Waited(stop)
    for number in itertools.count(CONVERSATIONS):
        if not live or stop.wait(LIVE_EVERY_S):
            break
        threading.Thread(target=story.converse, args=(number, present), daemon=True).start()
        story.say()
    telemetry.close()
    return taken


def _quiet() -> None:
    """What the desk logs is sent, and not printed."""
    log = logging.getLogger("helpdesk")
    log.setLevel(logging.INFO)
    log.addHandler(logging.NullHandler())


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the help desk against the endpoint given, until told to stop."""
    parser = argparse.ArgumentParser(prog="python -m exporter.cli.demo_app")
    parser.add_argument("endpoint", help="URL of OTLP/HTTP")
    parser.add_argument("--live", action="store_true", help="go on until standard input ends")
    options = parser.parse_args(argv)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # who started it ends its standard input, or kills it
    for name in [name for name in os.environ if name.startswith(("AX_", "OTEL_"))]:
        if name not in _KEPT:  # others are meant for programs of yours, and the demo is the same everywhere
            del os.environ[name]
    stop = threading.Event()
    if options.live:
        threading.Thread(target=_stop_with_input, args=(stop,), daemon=True).start()
    return 0 if run(options.endpoint, live=options.live, clock=SystemClock(), stop=stop) else 1


def _stop_with_input(stop: threading.Event) -> None:
    sys.stdin.read()
    stop.set()


if __name__ == "__main__":
    sys.exit(main())
