"""What `configure` was told, read once: its arguments, else `AX_*`, else `OTEL_*`, else a default that suits most.

In: arguments and the environment. Out: frozen `Settings`, or `BadSettings` with the mend. Loads no SDK.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import unquote

from otel_ax.errors import BadSettings
from otel_ax.guard import report

__all__ = ["Settings", "read"]

DEFAULT_ENDPOINT: Final = "http://localhost:4318"
DEFAULT_GRPC_ENDPOINT: Final = "http://localhost:4317"
HTTP: Final = "http/protobuf"
GRPC: Final = "grpc"
SIGNALS: Final = ("traces", "metrics", "logs")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All that can be chosen. `*_s` are seconds, `*_ratio` from 0 to 1; `VARIABLES` has the variables of each field."""

    endpoint: str = DEFAULT_ENDPOINT
    """Where OTLP goes to; `/v1/traces` and the like are added for HTTP."""
    endpoint_told: bool = False
    """The endpoint is an argument's: it goes before OTEL_EXPORTER_OTLP_*_ENDPOINT, which the exporters read."""
    protocol: str = HTTP
    """gRPC's threads do not survive forks, so it is not the default."""
    protocols: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """By signal, where one differs."""
    headers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Sent along beside those of OTEL_EXPORTER_OTLP_HEADERS, which the exporters read."""
    exporters: Mapping[str, tuple[str, ...]] = field(
        default_factory=lambda: MappingProxyType(dict.fromkeys(SIGNALS, ("otlp",)))
    )
    """By signal, as in OTEL_TRACES_EXPORTER: otlp, console, or an entry point's name; none of them is ()."""
    service_name: str | None = None
    resource_attributes: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    disabled: bool = False
    pending: bool = False
    """A span is sent when it starts, too, if it is still running by then."""
    redact: bool = True
    sampling_ratio: float | None = None
    """Share of the traces that start here; None leaves it to OTEL_TRACES_SAMPLER."""
    keep_ratio: float = 1.0
    """Share of the traces sent on, of those that neither failed nor were slow nor costly."""
    slow_s: float = 10.0
    costly_usd: float = 1.0
    carry: bool = False
    """Ids travel to other services as baggage."""
    content: bool = False
    """Prompts and completions are recorded, where OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT says nothing."""
    process_metrics: bool = True
    threads: bool = True
    """The context crosses threads, if opentelemetry-instrumentation-threading is installed."""
    sigterm: bool = True
    """SIGTERM sends what is buffered before it ends the program, unless the program has a handler of its own."""
    export_interval_s: float = 60.0
    """Between two exports of metrics."""
    schedule_delay_s: float = 5.0
    """A span waits so long for others to be sent with; one second with `pending`."""
    queue_size: int = 2048
    queue_bytes: int = 8 << 20
    """Spans and log records that wait, and the text in them; what comes beyond is dropped and counted."""
    batch_size: int = 512
    exit_timeout_s: float = 2.0


def _told_bool(word: str) -> bool:
    if word.lower() in {"1", "true", "yes", "on"}:
        return True
    if word.lower() in {"0", "false", "no", "off"}:
        return False
    raise ValueError("write true or false")


def _told_ratio(word: str) -> float:
    ratio = float(word)
    if not 0 <= ratio <= 1:
        raise ValueError("write a number from 0 to 1")
    return ratio


_SECONDS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_BYTES: Final = {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}


def _told_seconds(word: str) -> float:
    if not (parts := re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s|m|h)", word)):
        raise ValueError("write a number and a unit, such as 500ms, 2s, 5m")
    return float(parts[1]) * _SECONDS[parts[2]]


def _told_bytes(word: str) -> int:
    if not (parts := re.fullmatch(r"(\d+)(B|KiB|MiB|GiB)", word)):
        raise ValueError("write a whole number and a unit, such as 512KiB, 8MiB")
    return int(parts[1]) * _BYTES[parts[2]]


def _told_count(word: str) -> int:
    count = int(word)
    if count < 1:
        raise ValueError("write a whole number above 0")
    return count


def _told_usd(word: str) -> float:
    usd = float(word)
    if usd < 0:
        raise ValueError("write US dollars, such as 0.5")
    return usd


def _told_milliseconds(word: str) -> float:
    return float(word) / 1000


def _told_protocol(word: str) -> str:
    if word not in {HTTP, GRPC}:
        raise ValueError("write http/protobuf or grpc")
    return word


def _told_pairs(word: str) -> Mapping[str, str]:
    pairs = dict(pair.split("=", 1) for pair in word.split(",") if pair.strip())
    return MappingProxyType({name.strip(): unquote(value.strip()) for name, value in pairs.items()})


Reader = Callable[[str], Any]

VARIABLES: Final[Mapping[str, tuple[tuple[str, Reader], ...]]] = MappingProxyType(
    {
        "endpoint": (("AX_ENDPOINT", str), ("OTEL_EXPORTER_OTLP_ENDPOINT", str)),
        "protocol": (("OTEL_EXPORTER_OTLP_PROTOCOL", _told_protocol),),
        "headers": (("AX_HEADERS", _told_pairs),),
        "service_name": (("AX_SERVICE_NAME", str), ("OTEL_SERVICE_NAME", str)),
        "disabled": (("AX_DISABLED", _told_bool), ("OTEL_SDK_DISABLED", _told_bool)),
        "pending": (("AX_PENDING", _told_bool),),
        "redact": (("AX_REDACT", _told_bool),),
        "sampling_ratio": (("AX_SAMPLING_RATIO", _told_ratio),),
        "keep_ratio": (("AX_KEEP_RATIO", _told_ratio),),
        "slow_s": (("AX_SLOW", _told_seconds),),
        "costly_usd": (("AX_COSTLY_USD", _told_usd),),
        "carry": (("AX_CARRY", _told_bool),),
        "content": (("AX_CONTENT", _told_bool),),
        "process_metrics": (("AX_PROCESS_METRICS", _told_bool),),
        "threads": (("AX_THREADS", _told_bool),),
        "sigterm": (("AX_SIGTERM", _told_bool),),
        "export_interval_s": (
            ("AX_EXPORT_INTERVAL", _told_seconds),
            ("OTEL_METRIC_EXPORT_INTERVAL", _told_milliseconds),
        ),
        "schedule_delay_s": (
            ("AX_SCHEDULE_DELAY", _told_seconds),
            ("OTEL_BSP_SCHEDULE_DELAY", _told_milliseconds),
        ),
        "queue_size": (("AX_QUEUE_SIZE", _told_count), ("OTEL_BSP_MAX_QUEUE_SIZE", _told_count)),
        "queue_bytes": (("AX_QUEUE_BYTES", _told_bytes),),
        "batch_size": (("AX_BATCH_SIZE", _told_count), ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", _told_count)),
        "exit_timeout_s": (("AX_EXIT_TIMEOUT", _told_seconds),),
    }
)
"""The variables of a field, the first that is set wins. An empty one is as good as none, as OpenTelemetry has it."""

_CHECKS: Final[Mapping[str, Reader]] = MappingProxyType(
    {
        "sampling_ratio": _told_ratio,
        "keep_ratio": _told_ratio,
        "protocol": _told_protocol,
        "queue_size": _told_count,
        "batch_size": _told_count,
        "costly_usd": _told_usd,
    }
)
"""What of an argument is checked as its variable would be."""
PENDING_DELAY_S: Final = 1.0


def read(environ: Mapping[str, str], **told: Any) -> Settings:
    """The settings: what is told and not None, else what the environment says.

    Raises:
        BadSettings: a value that cannot be read.
    """
    chosen = {name: _argument(name, value) for name, value in told.items() if value is not None}
    for name, variables in VARIABLES.items():
        if name not in chosen:
            chosen |= _variable(name, variables, environ)
    if chosen.get("pending"):
        chosen.setdefault("schedule_delay_s", PENDING_DELAY_S)
    if chosen.get("protocol") == GRPC:
        chosen.setdefault("endpoint", DEFAULT_GRPC_ENDPOINT)
    chosen.setdefault("protocols", _protocols(environ))
    chosen.setdefault("exporters", _exporters(environ))
    chosen["endpoint_told"] = told.get("endpoint") is not None or bool(environ.get("AX_ENDPOINT"))
    settings = Settings(**chosen)
    if settings.batch_size > settings.queue_size:
        raise BadSettings(f"batch_size {settings.batch_size} is above queue_size {settings.queue_size}; make it less")
    return settings


def _argument(name: str, value: Any) -> Any:
    check = _CHECKS.get(name)
    try:
        return check(value) if check else value
    except (ValueError, TypeError) as error:
        raise BadSettings(f"cannot read {name}={value!r}: {error}") from None


def _variable(name: str, variables: tuple[tuple[str, Reader], ...], environ: Mapping[str, str]) -> dict[str, Any]:
    for variable, reader in variables:
        word = environ.get(variable, "").strip()
        if word:
            try:
                return {name: reader(word)}
            except ValueError as error:
                what = f"cannot read {variable}={word!r}: {error}"
                if variable.startswith("AX_"):
                    raise BadSettings(what) from None
                report(f"{what}; it is not heeded")  # as OpenTelemetry's specification has it
    return {}


def _protocols(environ: Mapping[str, str]) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for signal in SIGNALS:
        variable = f"OTEL_EXPORTER_OTLP_{signal.upper()}_PROTOCOL"
        found |= _variable(signal, ((variable, _told_protocol),), environ)
    return MappingProxyType(found)


def _exporters(environ: Mapping[str, str]) -> Mapping[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for signal in SIGNALS:
        words = environ.get(f"OTEL_{signal.upper()}_EXPORTER", "").strip() or "otlp"
        names = [word.strip() for word in words.split(",")]
        found[signal] = tuple(name for name in names if name and name != "none")
    return MappingProxyType(found)
