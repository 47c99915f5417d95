"""A client's stream that a decorated function gave back: read as before, and its call ends when it does.

In: an iterator or async iterator, such as `openai.Stream`. Out: a proxy that is still an instance of its class. Read to
its end, closed early, dropped or failing, the call's span ends once.
"""

from typing import Any, Final

from otel_ax import guard
from otel_ax.adapter import (
    AbandonedStreamError,
    AsyncStreamManagerWrapper,
    AsyncStreamWrapper,
    GenAIInvocation,
    SyncStreamManagerWrapper,
    SyncStreamWrapper,
)
from otel_ax.decorators.work import Work

__all__ = ["AsyncOpening", "AsyncStream", "SyncOpening", "SyncStream", "streamed"]

_SNAPSHOTS: Final = ("current_message_snapshot", "current_completion_snapshot")
"""Where Anthropic's and OpenAI's streams have what was read so far, also past the proxy (`text_stream`)."""


def streamed(work: Work, result: Any, *, prefer_async: bool) -> Any:
    """The proxy of a stream, or of a manager that gives one; some (LiteLLM's) can be read either way."""
    kind = type(result)
    if hasattr(kind, "__anext__") and (prefer_async or not hasattr(kind, "__next__")):
        return AsyncStream(result, work)
    if hasattr(kind, "__next__"):
        return SyncStream(result, work)
    return AsyncOpening(result, work) if hasattr(kind, "__aenter__") else SyncOpening(result, work)


class _Reads:
    """What both proxies do with the work. Names begin with `_self_`, as wrapt asks for what is not the stream's."""

    _self_work: Work
    _self_closing: bool

    @guard.guarded
    def _process_chunk(self, chunk: Any) -> None:
        self._self_work.take(chunk)

    @guard.guarded
    def _on_stream_end(self) -> None:
        self._read_past()
        if self._self_closing:
            self._self_work.abandoned()
        else:
            self._self_work.finished()

    @guard.guarded
    def _on_stream_error(self, error: BaseException) -> None:
        self._read_past()
        if isinstance(error, AbandonedStreamError):
            self._self_work.abandoned()
        else:
            self._self_work.failed(error)

    def _read_past(self) -> None:
        stream: Any = getattr(self, "__wrapped__", None)
        for name in _SNAPSHOTS:
            try:
                self._self_work.take(getattr(stream, name, None))
            except Exception:  # noqa: BLE001, S112 (nothing was read yet)
                continue


class SyncStream(_Reads, SyncStreamWrapper[Any]):
    """For `for`."""

    def __init__(self, stream: Any, work: Work) -> None:
        super().__init__(stream, _timed(work))
        self._self_work, self._self_closing = work, False

    def close(self) -> None:
        """As the stream's."""
        self._self_closing = True
        super().close()


class AsyncStream(_Reads, AsyncStreamWrapper[Any]):
    """For `async for`."""

    def __init__(self, stream: Any, work: Work) -> None:
        super().__init__(stream, _timed(work))
        self._self_work, self._self_closing = work, False

    async def _close(self) -> None:
        self._self_closing = True
        await super()._close()

    def _sync_close(self) -> Any:
        self._self_closing = True
        return super()._sync_close()


class SyncOpening(SyncStreamManagerWrapper[Any, Any, Any]):
    """For `with client.messages.stream(...) as stream`."""

    def __init__(self, manager: Any, work: Work) -> None:
        super().__init__(manager, lambda: work.invocation)
        self._self_work = work

    def _enter_manager(self, invocation: Any) -> Any:
        with invocation.activate():
            return super()._enter_manager(invocation)

    def _wrap_stream(self, stream: Any, invocation: Any) -> Any:  # noqa: ARG002 (the work has it)
        return SyncStream(stream, self._self_work)


class AsyncOpening(AsyncStreamManagerWrapper[Any, Any, Any]):
    """For `async with`."""

    def __init__(self, manager: Any, work: Work) -> None:
        super().__init__(manager, lambda: work.invocation)
        self._self_work = work

    async def _enter_manager(self, invocation: Any) -> Any:
        with invocation.activate():
            return await super()._enter_manager(invocation)

    def _wrap_stream(self, stream: Any, invocation: Any) -> Any:  # noqa: ARG002 (the work has it)
        return AsyncStream(stream, self._self_work)


def _timed(work: Work) -> GenAIInvocation | None:
    return work.invocation if isinstance(work.invocation, GenAIInvocation) else None
