"""One call that makes a program observable: traces, metrics and logs to an OTLP endpoint.

In: arguments, `AX_*` and `OTEL_*` variables. Out: a `Handle` on what was set up. The one owner of OpenTelemetry's
globals: where a provider exists it is added to, where none does it is made.
"""

import os
import threading
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from otel_ax.errors import BadSettings, OtelAxError
from otel_ax.guard import guarded, guarding, report
from otel_ax.settings import Settings, read

if TYPE_CHECKING:
    from otel_ax.budget import Budget
    from otel_ax.pipeline import Pipeline

__all__ = ["Handle", "configure", "flush", "set_sampling", "shutdown"]

CONTENT: Final = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
_lock: Final = threading.Lock()
_handle: "Handle | None" = None


class Handle:
    """What `configure` has set up. `flush` and `shutdown` keep their time, whatever the endpoint does."""

    def __init__(self, settings: Settings, pipeline: "Pipeline | None") -> None:
        self.settings = settings
        self._pipeline = pipeline
        self._ended = False

    def flush(self, timeout_s: float = 10.0) -> bool:
        """Sends what is buffered; whether all of it was sent and taken within the time."""
        return self._pipeline is None or bool(guarded(self._pipeline.flush)(timeout_s))

    def shutdown(self, timeout_s: float | None = None) -> bool:
        """Sends what is buffered and ends, within `exit_timeout_s` where no time is given; whether all was sent."""
        if self._ended or self._pipeline is None:
            return True
        self._ended = True
        within = self.settings.exit_timeout_s * 0.9 if timeout_s is None else timeout_s
        return bool(guarded(self._pipeline.shutdown)(within))

    @property
    def ended(self) -> bool:
        """`shutdown` was called, or there was nothing to set up."""
        return self._ended

    def set_sampling(self, ratio: float) -> bool:
        """From now on this share of the traces that start here is sent; False where the sampler is not ours.

        Raises:
            BadSettings: not from 0 to 1.
        """
        if not 0 <= ratio <= 1:
            raise BadSettings(f"cannot sample {ratio!r} of all traces; write a number from 0 to 1")
        if self._pipeline is None or self._pipeline.sampler is None:
            report("otel_ax: set_sampling has no effect: the TracerProvider was made elsewhere, with its own sampler")
            return False
        self._pipeline.sampler.ratio = ratio
        return True


def configure(  # noqa: PLR0913 (all that can be chosen, by name)
    *,
    service_name: str | None = None,
    endpoint: str | None = None,
    protocol: str | None = None,
    headers: Mapping[str, str] | None = None,
    resource_attributes: Mapping[str, str] | None = None,
    pending: bool | None = None,
    redact: bool | None = None,
    sampling_ratio: float | None = None,
    keep_ratio: float | None = None,
    slow_s: float | None = None,
    costly_usd: float | None = None,
    carry: bool | None = None,
    content: bool | None = None,
    process_metrics: bool | None = None,
    threads: bool | None = None,
    sigterm: bool | None = None,
    export_interval_s: float | None = None,
    schedule_delay_s: float | None = None,
    queue_size: int | None = None,
    queue_bytes: int | None = None,
    batch_size: int | None = None,
    exit_timeout_s: float | None = None,
    instrument: Sequence[str] = (),
    auto: bool = False,
    budgets: "Sequence[Budget]" = (),
) -> Handle:
    """Sets up traces, metrics and logs to an OTLP endpoint; what is not given, `AX_*` and `OTEL_*` variables say.

    Called again, it gives the same handle and only adds instrumentation and budgets. Beside an SDK that is already
    configured it adds to the providers; exporters of theirs to the same endpoint then rest, so that nothing is sent
    twice. `otel_ax.settings.Settings` says what each setting means.

    Args:
        service_name: Who this program is.
        endpoint: Where OTLP goes to: `http://localhost:4318`, unless told otherwise.
        protocol: `http/protobuf`, or `grpc`, which does not survive forks.
        headers: Sent along with each request, such as a key.
        resource_attributes: What else is to be known of this program.
        pending: Show spans while they run.
        redact: Take secrets out before anything is sent. On by default.
        sampling_ratio: Share of the traces that are recorded.
        keep_ratio: Share of the traces sent, of those that neither failed nor were slow nor costly.
        slow_s: Seconds from which a trace is slow.
        costly_usd: US dollars from which a trace is costly.
        carry: Let ids travel to other services, as baggage.
        content: Record prompts and completions.
        process_metrics: Record CPU, memory and the like. On by default.
        threads: Let the context cross threads, where opentelemetry-instrumentation-threading is installed.
        sigterm: Send what is buffered on SIGTERM, where the program does not handle it.
        export_interval_s: Seconds between two exports of metrics.
        schedule_delay_s: Seconds that a span waits at most to be sent.
        queue_size: Spans, and log records, that wait at most.
        queue_bytes: Bytes of text that wait at most.
        batch_size: Spans, or log records, in one request at most.
        exit_timeout_s: Seconds that the end of the program waits at most for what is buffered.
        instrument: Libraries to instrument: see `otel_ax.instrument`.
        auto: Instrument every library whose instrumentor is installed.
        budgets: Limits on spending that hold for the whole program.

    Raises:
        BadSettings: a setting that cannot be read. Nothing else is raised.
    """
    told = {name: value for name, value in locals().items() if name not in {"instrument", "auto", "budgets"}}
    for name in ("headers", "resource_attributes"):
        told[name] = MappingProxyType(dict(told[name])) if told[name] is not None else None
    settings = read(os.environ, **told)
    handle = _set_up(settings)
    if handle.settings != settings:
        report("otel_ax: configure() was called before; its first settings stay")
    if not handle.settings.disabled:
        _extend(instrument, auto=auto, budgets=budgets)
    return handle


def _set_up(settings: Settings) -> Handle:
    global _handle  # noqa: PLW0603 (OpenTelemetry's own are global, too)
    with _lock:
        if _handle is None or _handle.ended:
            _handle = Handle(settings, None if settings.disabled else _pipeline(settings))
            if not settings.disabled:
                _at_the_end(_handle)
        return _handle


def _pipeline(settings: Settings) -> "Pipeline | None":
    try:
        if settings.content:
            os.environ.setdefault(CONTENT, "SPAN_ONLY")
        from otel_ax import context, pipeline  # noqa: PLC0415 (the SDK loads here)

        context.set_carry(settings.carry)
        made = pipeline.build(settings)
        if settings.threads:
            _cross_threads()
    except OtelAxError:
        raise
    except Exception as error:  # noqa: BLE001 (the promise)
        report("otel_ax: configure failed; your program is not affected, there is no telemetry", error)
        return None
    return made


def _at_the_end(handle: Handle) -> None:
    from otel_ax.exits import on_exit  # noqa: PLC0415 (not before it is needed)

    with guarding("the exit hook"):
        chosen = handle.settings
        on_exit(handle.shutdown, handle.flush, within_s=chosen.exit_timeout_s, sigterm=chosen.sigterm)


def _cross_threads() -> None:
    try:
        from opentelemetry.instrumentation.threading import ThreadingInstrumentor  # noqa: PLC0415
    except ImportError:
        return
    with guarding("the context of threads"):
        instrumentor = ThreadingInstrumentor()
        if not instrumentor.is_instrumented_by_opentelemetry:
            instrumentor.instrument()


def _extend(instrument: Sequence[str], *, auto: bool, budgets: "Sequence[Budget]") -> None:
    if instrument or auto:
        from otel_ax.instrumentors import instrument as switch_on  # noqa: PLC0415

        with guarding("instrument"):
            switch_on(*instrument, auto=auto)
    told = os.environ.get("AX_BUDGETS", "")
    if budgets or told:
        from otel_ax.budget import DEFAULT  # noqa: PLC0415
        from otel_ax.budget_settings import read_budgets  # noqa: PLC0415

        for budget in (*read_budgets(told), *budgets):
            DEFAULT.add(budget)


def flush(timeout_s: float = 10.0) -> bool:
    """As `Handle.flush`; True where nothing was configured."""
    return _handle is None or _handle.flush(timeout_s)


def shutdown(timeout_s: float | None = None) -> bool:
    """As `Handle.shutdown`; True where nothing was configured."""
    return _handle is None or _handle.shutdown(timeout_s)


def set_sampling(ratio: float) -> bool:
    """As `Handle.set_sampling`; False where nothing was configured."""
    return _handle is not None and _handle.set_sampling(ratio)


def settings() -> Settings | None:
    """Those of this program, once it is configured."""
    return None if _handle is None else _handle.settings
