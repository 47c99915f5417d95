"""The help desk of `demo_desk` as a program under the stock OpenTelemetry SDK, as any client of ours would be.

In: `python -m exporter.cli.demo_app 127.0.0.1:4317 [--live]`. Out: traces, metrics and logs sent there over OTLP/gRPC,
and on standard output one JSON line of totals so far after each conversation. The story depends on the seed alone;
times are counted back from now, and ids are new at every run. With `--live` it goes on until standard input ends.
"""

import argparse
import json
import logging
import signal
import sys
import threading
from collections.abc import Sequence
from random import Random
from typing import Final

from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import IdGenerator

from exporter.cli.demo_desk import Desk
from exporter.clock import Clock, SystemClock
from exporter.units import NS_PER_S

SEED: Final = 7
CONVERSATIONS: Final = 60
PAST_NS: Final = 15 * 60 * NS_PER_S
"""The first conversations are spread over that long before now."""
LIVE_EVERY_S: Final = 1.5
LIVE_AGE_NS: Final = 30 * NS_PER_S
"""A live conversation is told when it is over: it began that long ago."""
_SCOPE: Final = ("helpdesk", "1.0")


class Ids(IdGenerator):
    """Random ids, the same from the same seed; counts the spans that it named."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self.spans = 0

    def generate_span_id(self) -> int:
        """Eight random bytes, not all zero."""
        self.spans += 1
        return self._rng.randrange(1, 2**64)

    def generate_trace_id(self) -> int:
        """Sixteen random bytes, not all zero."""
        return self._rng.randrange(1, 2**128)


class Telemetry:
    """The SDK of two services, the help desk and its knowledge base, sending to one OTLP/gRPC endpoint."""

    def __init__(self, endpoint: str, ids: Ids) -> None:
        url = f"http://{endpoint}"
        desk, knowledge = _resource("helpdesk"), _resource("knowledge-base")
        # One processor for both services: their spans travel in the same requests, as from one Collector.
        self._spans = BatchSpanProcessor(OTLPSpanExporter(url, insecure=True), schedule_delay_millis=1_000)
        self._tracers = TracerProvider(resource=desk, id_generator=ids, shutdown_on_exit=False)
        self._others = TracerProvider(resource=knowledge, id_generator=ids, shutdown_on_exit=False)
        for provider in (self._tracers, self._others):
            provider.add_span_processor(self._spans)
        self._loggers = LoggerProvider(resource=desk, shutdown_on_exit=False)
        self._loggers.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter(url, insecure=True)))
        reader = PeriodicExportingMetricReader(OTLPMetricExporter(url, insecure=True), export_interval_millis=5_000)
        self._meters = MeterProvider([reader], resource=desk, shutdown_on_exit=False)

    def desk(self, rng: Random) -> Desk:
        """A help desk that reports here."""
        return Desk(
            self._tracers.get_tracer(*_SCOPE),
            self._others.get_tracer(*_SCOPE),
            self._loggers.get_logger(*_SCOPE),
            self._meters.get_meter(*_SCOPE),
            rng,
        )

    def flush(self) -> None:
        """Sends what is held back."""
        for provider in (self._tracers, self._loggers, self._meters):
            provider.force_flush()

    def close(self) -> None:
        """Sends what is held back, and ends the SDK's threads."""
        for provider in (self._tracers, self._loggers, self._meters):
            provider.shutdown()


def _resource(service: str) -> Resource:
    attributes = {
        "service.name": service,
        "service.namespace": "demo",
        "service.version": "1.0",
        "deployment.environment.name": "demo",
    }
    return Resource.create(attributes)


def run(endpoint: str, *, live: bool, clock: Clock, stop: threading.Event) -> None:
    """Tells `CONVERSATIONS` conversations of the last quarter of an hour, then, if `live`, one now and then."""
    now = clock.wall()
    ids = Ids(Random(f"{SEED} {now}"))
    telemetry = Telemetry(endpoint, ids)
    desk = telemetry.desk(Random(SEED))
    for i in range(CONVERSATIONS):
        desk.converse(now - PAST_NS + i * (PAST_NS - LIVE_AGE_NS) // CONVERSATIONS)
        _tell(desk, ids)
    telemetry.flush()
    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)  # from here on the server may stop before we do
    while live and not stop.wait(LIVE_EVERY_S):
        desk.converse(clock.wall() - LIVE_AGE_NS)
        _tell(desk, ids)
    telemetry.close()


def _tell(desk: Desk, ids: Ids) -> None:
    told = {"told": desk.conversations, "of": CONVERSATIONS, "spans": ids.spans, "logs": desk.records}
    print(json.dumps(told), flush=True)


def main(argv: Sequence[str] | None = None) -> None:
    """Runs the help desk against the endpoint given, until told to stop."""
    parser = argparse.ArgumentParser(prog="python -m exporter.cli.demo_app")
    parser.add_argument("endpoint", help="HOST:PORT of OTLP/gRPC")
    parser.add_argument("--live", action="store_true", help="go on until standard input ends")
    options = parser.parse_args(argv)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # who started it ends its standard input, or kills it
    stop = threading.Event()
    if options.live:
        threading.Thread(target=_stop_with_input, args=(stop,), daemon=True).start()
    run(options.endpoint, live=options.live, clock=SystemClock(), stop=stop)


def _stop_with_input(stop: threading.Event) -> None:
    sys.stdin.read()
    stop.set()


if __name__ == "__main__":
    main()
