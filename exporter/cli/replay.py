"""Stored records to another OTLP endpoint.

In: export requests and a URL. Out: how many records it took; it is asked again where it says that it is busy.
"""

import gzip
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from threading import Event
from typing import Any, Final

import requests
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from exporter.errors import AxError
from exporter.model import Signal

_TIMEOUT_S: Final = 30
_TRIES: Final = 6
_BUSY: Final = frozenset({429, 502, 503, 504})
_LONGEST_WAIT_S: Final = 30.0
_RESPONSES: Final[dict[Signal, tuple[Any, str]]] = {
    Signal.TRACES: (ExportTraceServiceResponse, "rejected_spans"),
    Signal.LOGS: (ExportLogsServiceResponse, "rejected_log_records"),
    Signal.METRICS: (ExportMetricsServiceResponse, "rejected_data_points"),
}


@dataclass(frozen=True, slots=True)
class Replayed:
    """Records that an endpoint took, and those that it rejected."""

    sent: int
    rejected: int


def send(url: str, found: Iterable[tuple[Signal, bytes, int]], headers: Mapping[str, str]) -> Replayed:
    """Posts requests to the OTLP/HTTP endpoint `url`, such as `http://localhost:4318`. Raises `AxError`."""
    base = url.rstrip("/")
    sent = rejected = 0
    with requests.Session() as session:
        for signal, payload, count in found:
            refused = _post(session, f"{base}/v1/{signal.label}", signal, payload, headers, sent)
            sent += count - refused
            rejected += refused
    return Replayed(sent, rejected)


def _post(
    session: requests.Session, url: str, signal: Signal, payload: bytes, headers: Mapping[str, str], sent: int
) -> int:
    """How many of the request's records were rejected."""
    own = {"Content-Type": "application/x-protobuf", "Content-Encoding": "gzip", **headers}
    body = gzip.compress(payload, 1)
    problem = ""
    for attempt in range(_TRIES):
        delay_s = min(0.5 * 2**attempt, _LONGEST_WAIT_S)
        try:
            answer = session.post(url, data=body, headers=own, timeout=_TIMEOUT_S, allow_redirects=False)
        except requests.RequestException as error:
            problem = _told(error)
            if isinstance(error, (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema)):
                break
            if not sent and isinstance(error, requests.ConnectionError):  # nobody is there, rather than busy
                break
        else:
            if answer.status_code == requests.codes.ok:
                return _rejected(signal, answer.content)
            problem = f"status {answer.status_code}"
            if answer.status_code not in _BUSY:
                break
            delay_s = _seconds(answer.headers.get("Retry-After"), delay_s)
        if attempt + 1 < _TRIES:
            Event().wait(delay_s)
    raise AxError(f"{url} did not take a request: {problem}", mend=f"{sent} records were sent before it")


def _told(error: requests.RequestException) -> str:
    """What went wrong, as the socket said it."""
    cause: BaseException | None = error
    while cause is not None and not (isinstance(cause, OSError) and cause.strerror):
        cause = getattr(cause, "reason", None) or cause.__cause__ or cause.__context__
    return f"{type(error).__name__}: {cause.strerror}" if isinstance(cause, OSError) else str(error)


def _rejected(signal: Signal, content: bytes) -> int:
    kind, field = _RESPONSES[signal]
    try:
        return int(getattr(kind.FromString(content).partial_success, field))
    except DecodeError:
        return 0


def _seconds(said: str | None, otherwise: float) -> float:
    try:
        return min(max(float(said or otherwise), 0.0), _LONGEST_WAIT_S)
    except ValueError:
        return otherwise
