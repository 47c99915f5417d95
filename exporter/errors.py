"""What can go wrong, and what each thing is called on the wire.

In: nothing. Out: exceptions that carry a mend, and one table from a refusal to its gRPC code and HTTP status.

    AxError
    ├── BadConfig       a setting, an option or a file of ours cannot be used
    ├── DataDirBusy     another server holds the data directory
    ├── DataDirTooNew   the data directory was written by a newer otel-ax
    ├── Corrupt         a file of ours does not hold what it held when it was written
    └── Refused         a request is not accepted; nothing of it is stored
"""

from dataclasses import dataclass
from enum import Enum
from typing import Final


class AxError(Exception):
    """An error for people: what is wrong, and the mend."""

    def __init__(self, message: str, *, mend: str = "") -> None:
        super().__init__(f"{message}; {mend}" if mend else message)
        self.message = message
        self.mend = mend


class BadConfig(AxError):
    """A setting, an option or a file of ours cannot be used."""


class DataDirBusy(AxError):
    """Another server holds the data directory."""


class DataDirTooNew(AxError):
    """The data directory was written by a newer otel-ax."""


class Corrupt(AxError):
    """A file of ours does not hold what it held when it was written."""


class Reason(Enum):
    """Why a request, or a record in it, was refused; the value is the label `reason` of our counters."""

    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    MALFORMED = "malformed"
    TOO_LARGE = "too_large"
    TOO_MANY_ITEMS = "too_many_items"
    TOO_DEEP = "too_deep"
    UNSUPPORTED_MEDIA_TYPE = "unsupported_media_type"
    UNSUPPORTED_ENCODING = "unsupported_encoding"
    TIMEOUT = "timeout"
    OVERLOADED = "overloaded"
    DISK_FULL = "disk_full"
    SHUTTING_DOWN = "shutting_down"


@dataclass(frozen=True, slots=True)
class Answer:
    """How a refusal is said: `grpc` is a google.rpc.Code, `http` a status; a retryable one carries a delay."""

    grpc: int
    http: int
    retryable: bool


# google.rpc.Code: 3 INVALID_ARGUMENT, 4 DEADLINE_EXCEEDED, 7 PERMISSION_DENIED, 8 RESOURCE_EXHAUSTED, 14 UNAVAILABLE,
# 16 UNAUTHENTICATED.
# A client may retry RESOURCE_EXHAUSTED only with RetryInfo, and 429, 502, 503, 504 (OTLP 1.11, "Failures").
ANSWERS: Final[dict[Reason, Answer]] = {
    Reason.UNAUTHENTICATED: Answer(16, 401, retryable=False),
    Reason.FORBIDDEN: Answer(7, 403, retryable=False),
    Reason.MALFORMED: Answer(3, 400, retryable=False),
    Reason.TOO_LARGE: Answer(8, 413, retryable=False),
    Reason.TOO_MANY_ITEMS: Answer(8, 413, retryable=False),
    Reason.TOO_DEEP: Answer(3, 400, retryable=False),
    Reason.UNSUPPORTED_MEDIA_TYPE: Answer(3, 415, retryable=False),
    Reason.UNSUPPORTED_ENCODING: Answer(3, 415, retryable=False),
    Reason.TIMEOUT: Answer(3, 408, retryable=False),
    Reason.OVERLOADED: Answer(8, 429, retryable=True),
    Reason.DISK_FULL: Answer(14, 503, retryable=True),
    Reason.SHUTTING_DOWN: Answer(14, 503, retryable=True),
}


class Refused(AxError):
    """A request is not accepted, and nothing of it is stored."""

    def __init__(self, reason: Reason, message: str, *, mend: str = "") -> None:
        super().__init__(message, mend=mend)
        self.reason = reason
