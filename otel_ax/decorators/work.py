"""Something that runs, from its start to its one end.

In: an open invocation of `adapter`. Out: what `with ... as work` gives, of which `llm` and the others make their own.
"""

import asyncio
from typing import Any, Final

from otel_ax import guard, semconv
from otel_ax.adapter import Invocation
from otel_ax.context import AttributeValue

__all__ = ["CANCELS", "Work"]

CANCELS: Final = (asyncio.CancelledError, KeyboardInterrupt, GeneratorExit, SystemExit)
"""Ends that are nobody's failure."""


class Work:
    """Something that runs: what `with ... as work` gives. Its public methods never raise."""

    __slots__ = ("ended", "invocation", "is_async")

    def __init__(self, invocation: Invocation) -> None:
        self.invocation = invocation
        self.ended = False
        self.is_async = False
        """Whether the function was awaited."""

    @guard.guarded
    def attribute(self, name: str, value: AttributeValue) -> None:
        """One more attribute of the span."""
        self.invocation.attributes[name] = value

    def take(self, result: Any) -> None:
        """Learns from what the function gave back."""

    def chunk(self, item: Any) -> None:
        """Learns from one item of a stream."""

    def settle(self) -> None:
        """Writes what was learnt, just before the end."""

    def returned(self, result: Any) -> Any:
        """The function gave this back: the end, unless it is a stream that is yet to be read."""
        try:
            self.take(result)
        finally:
            self.finished()
        return result

    def finished(self) -> None:
        """The end, as it should be."""
        if not self.ended:
            self.ended = True
            try:
                self.settle()
            finally:
                self.invocation.stop()

    def failed(self, error: BaseException) -> None:
        """The end, by this error or cancellation."""
        if isinstance(error, GeneratorExit):
            self.abandoned()
        elif not self.ended:
            self.ended = True
            try:
                self.settle()
            finally:
                self.invocation.fail(error)

    def abandoned(self) -> None:
        """The end, since nobody reads on."""
        self.invocation.attributes[semconv.STREAM_ABANDONED] = True
        self.finished()
