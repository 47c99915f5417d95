"""What happens to work, told to it such that a bug of ours stays ours: it is reported, and the context put back.

In: work and what happened. Out: an ended span, or one line of log.
"""

from typing import Any, Final

from otel_ax import guard
from otel_ax.decorators.work import Work

__all__ = ["chunk", "failed", "finished", "returned"]

_ENDING: Final = "otel_ax: a span could not be ended; your program is not affected"


def returned(work: Work, result: Any) -> Any:
    """The function gave this back; what its caller gets."""
    try:
        return work.returned(result)
    except Exception as error:  # noqa: BLE001 (the promise)
        work.invocation.suspend()
        guard.report(_ENDING, error)
        return result


def finished(work: Work) -> None:
    """The end, as it should be."""
    try:
        work.finished()
    except Exception as error:  # noqa: BLE001 (the promise)
        work.invocation.suspend()
        guard.report(_ENDING, error)


def failed(work: Work, failure: BaseException) -> None:
    """The end, by this failure."""
    try:
        work.failed(failure)
    except Exception as error:  # noqa: BLE001 (the promise)
        work.invocation.suspend()
        guard.report(_ENDING, error)


def chunk(work: Work, item: Any) -> None:
    """One item of a stream."""
    try:
        work.chunk(item)
    except Exception as error:  # noqa: BLE001 (the promise)
        guard.report("otel_ax: a chunk could not be read; your program has it", error)
