"""OpenTelemetry's own exporters, as the settings ask for them, a new one in each process.

In: settings. Out: one exporter a signal, or None where OTEL_*_EXPORTER says none. Everything about OTLP itself
(per-signal endpoints, headers, compression, certificates, timeouts) the stock exporters read from their variables.
"""

from collections.abc import Callable, Mapping
from functools import partial
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Final

from opentelemetry.sdk._logs.export import LogRecordExporter, LogRecordExportResult
from opentelemetry.sdk.metrics.export import MetricExporter, MetricExportResult
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from otel_ax.errors import BadSettings
from otel_ax.settings import GRPC, HTTP, Settings

__all__ = ["Exporter", "Logs", "Metrics", "Spans", "made"]

_STOCK: Final = {
    ("traces", HTTP): "opentelemetry.exporter.otlp.proto.http.trace_exporter:OTLPSpanExporter",
    ("metrics", HTTP): "opentelemetry.exporter.otlp.proto.http.metric_exporter:OTLPMetricExporter",
    ("logs", HTTP): "opentelemetry.exporter.otlp.proto.http._log_exporter:OTLPLogExporter",
    ("traces", GRPC): "opentelemetry.exporter.otlp.proto.grpc.trace_exporter:OTLPSpanExporter",
    ("metrics", GRPC): "opentelemetry.exporter.otlp.proto.grpc.metric_exporter:OTLPMetricExporter",
    ("logs", GRPC): "opentelemetry.exporter.otlp.proto.grpc._log_exporter:OTLPLogExporter",
}
_PROTOCOLS: Final = {"otlp": None, "otlp_proto_http": HTTP, "otlp_proto_grpc": GRPC}


class Exporter:
    """Several exporters as one, made when the first batch comes, and made again in the child of a fork.

    A connection that was open at the fork is the parent's; the child must not write to it.
    """

    success: Any
    failure: Any

    def __init__(self, makers: list[Callable[[], Any]]) -> None:
        self._makers = makers
        self._made: list[Any] | None = None
        self._ended = False

    def renew(self) -> None:
        """Forgets the exporters of the parent process."""
        self._made = None
        self._ended = False

    def export(self, batch: Any, *_: Any, **__: Any) -> Any:
        """To each of them; success if all took it."""
        if self._ended:
            return self.failure
        if self._made is None:
            self._made = [make() for make in self._makers]
        taken = [exporter.export(batch) for exporter in self._made]
        return self.success if all(result is self.success for result in taken) else self.failure

    def shutdown(self, *_: Any, **__: Any) -> None:
        """Ends exports that wait to try again."""
        if not self._ended:
            self._ended = True
            for exporter in self._made or ():
                exporter.shutdown()

    def force_flush(self, timeout_millis: float = 30_000) -> bool:  # noqa: ARG002 (OTel's signature)
        """Nothing waits here."""
        return True


class Spans(Exporter, SpanExporter):  # type: ignore[misc]  # one `export` for all signals
    """Of spans."""

    success, failure = SpanExportResult.SUCCESS, SpanExportResult.FAILURE


class Logs(Exporter, LogRecordExporter):
    """Of log records."""

    success, failure = LogRecordExportResult.SUCCESS, LogRecordExportResult.FAILURE


class Metrics(Exporter, MetricExporter):  # type: ignore[misc]  # one `export` for all signals
    """Of metrics. What it prefers, the first of its exporters says."""

    success, failure = MetricExportResult.SUCCESS, MetricExportResult.FAILURE

    def __init__(self, makers: list[Callable[[], Any]]) -> None:
        Exporter.__init__(self, makers)
        first = makers[0]()
        MetricExporter.__init__(
            self,
            preferred_temporality=getattr(first, "_preferred_temporality", None),
            preferred_aggregation=getattr(first, "_preferred_aggregation", None),
        )


def made(signal: str, settings: Settings, **preferences: Any) -> list[Callable[[], Any]]:
    """The makers of the exporters of `signal`: traces, metrics or logs.

    Raises:
        BadSettings: OTEL_*_EXPORTER names one that is not installed.
    """
    return [_maker(signal, name, settings, preferences) for name in settings.exporters[signal]]


def _maker(signal: str, name: str, settings: Settings, preferences: Mapping[str, Any]) -> Callable[[], Any]:
    if name not in _PROTOCOLS:
        for found in entry_points(group=f"opentelemetry_{signal}_exporter", name=name):
            return partial(_loaded, found)
        raise BadSettings(f"OTEL_{signal.upper()}_EXPORTER={name}: no such exporter is installed; write otlp or none")
    protocol = _PROTOCOLS[name] or settings.protocols.get(signal, settings.protocol)
    module, _, kind = _STOCK[signal, protocol].partition(":")
    exporter = getattr(import_module(module), kind)
    options: dict[str, Any] = dict(preferences)
    if settings.headers:
        options["headers"] = dict(settings.headers)
    if settings.endpoint_told:
        base = settings.endpoint.rstrip("/")
        options["endpoint"] = base if protocol == GRPC else f"{base}/v1/{signal}"
    return partial(exporter, **options)


def _loaded(found: EntryPoint) -> Any:
    return found.load()()
