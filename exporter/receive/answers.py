"""What a sender is told.

In: what became of a request. Out: OTLP responses, and refusals as google.rpc.Status.
"""

from dataclasses import dataclass
from typing import Any, Final

from google.protobuf.any_pb2 import Any as AnyMessage
from google.rpc.error_details_pb2 import BadRequest, RetryInfo
from google.rpc.status_pb2 import Status

from exporter import config
from exporter.errors import ANSWERS, Reason, Refused
from exporter.receive.counters import Outcome
from exporter.receive.messages import REJECTED, RESPONSES, Response
from exporter.signals import Signal
from exporter.units import NS_PER_S

_LONGEST_TEXT: Final = 400
_BAD_DATA: Final = frozenset({Reason.MALFORMED, Reason.TOO_DEEP})


@dataclass(frozen=True, slots=True)
class Admitted:
    """A request is acknowledged, but for `rejected` items of it, which are not stored, for what `message` says.

    `is_retry`: it was stored already, when it came before.
    """

    rejected: int = 0
    message: str = ""
    is_retry: bool = False


def response(signal: Signal, admitted: Admitted) -> Response:
    """The response to an acknowledged request: empty, with partial_success unset, where all of it is stored."""
    answer = RESPONSES[signal]()
    if admitted.rejected:
        setattr(answer.partial_success, REJECTED[signal], admitted.rejected)
        answer.partial_success.error_message = printable(admitted.message)
    return answer


def outcome(admitted: Admitted) -> Outcome:
    """What an acknowledged request counts as."""
    if admitted.rejected:
        return Outcome.PARTIAL
    return Outcome.DEDUPLICATED if admitted.is_retry else Outcome.ACCEPTED


def failed(error: Exception) -> Refused:
    """The refusal where the fault is ours, or there is no memory: the sender keeps what it has, and tries again."""
    return Refused(
        Reason.OVERLOADED, f"the server failed ({type(error).__name__})", mend="retry later; its log says why"
    )


def retry_delay_ns(settings: config.Receive, refused: Refused, fraction: float) -> int | None:
    """How long the sender is to wait before it tries again: `fraction` of the way from least to most delay.

    None for a refusal that is final. It must stay far below 10 s: a stock exporter that has less time left than it is
    told to wait drops its batch at once.
    """
    if not ANSWERS[refused.reason].retryable:
        return None
    return int(settings.retry_after_min + fraction * (settings.retry_after_max - settings.retry_after_min))


def retry_info(delay_ns: int) -> Any:
    """The google.rpc.RetryInfo that asks for a delay."""
    info = RetryInfo()
    info.retry_delay.seconds, info.retry_delay.nanos = divmod(delay_ns, NS_PER_S)
    return info


def status(refused: Refused, delay_ns: int | None) -> Any:
    """The google.rpc.Status of a refusal, with RetryInfo where there is a delay, and BadRequest for bad data."""
    answer = Status(code=ANSWERS[refused.reason].grpc, message=printable(str(refused)))
    if delay_ns is not None:
        answer.details.append(_packed(retry_info(delay_ns)))
    elif refused.reason in _BAD_DATA:
        violation = BadRequest.FieldViolation(field="body", description=answer.message)
        answer.details.append(_packed(BadRequest(field_violations=[violation])))
    return answer


def printable(text: str) -> str:
    """`text` without control characters and not too long: it may quote what a stranger sent."""
    cut = text if len(text) <= _LONGEST_TEXT else f"{text[:_LONGEST_TEXT]}…"
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in cut)


def _packed(detail: Any) -> AnyMessage:
    packed = AnyMessage()
    packed.Pack(detail)
    return packed
