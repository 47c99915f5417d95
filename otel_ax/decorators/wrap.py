"""How a function becomes one that tells: sync, async, generators and async generators, methods, and `with` blocks.

In: a `Maker` (what `llm(...)`, `tool(...)` and others give) and the user's function. Out: the function as it was for
its caller, with a span around each call. A generator's span is current while its body runs, not while its reader does.
Nothing of ours raises here, but for `gate()`, which is how a budget stops a call.
"""

import inspect
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Mapping
from functools import wraps
from types import TracebackType
from typing import Any, Generic, TypeVar, cast

from opentelemetry.context import Context, attach, detach, get_current

from otel_ax import guard
from otel_ax.adapter import Untold
from otel_ax.decorators import ending
from otel_ax.decorators.work import Work

__all__ = ["F", "Maker", "decorated", "is_bare", "name_of"]

F = TypeVar("F", bound=Callable[..., Any])
W = TypeVar("W", bound=Work)


class Maker(Generic[W]):
    """Makes the work of each call: a decorator, and a context manager for one block (sync or async)."""

    __slots__ = ("_entered",)

    def __init__(self) -> None:
        self._entered: list[W] = []

    def gate(self, kwargs: Mapping[str, Any]) -> None:
        """May refuse a call before it is made."""

    def begin(
        self,
        function: Callable[..., Any] | None,
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        *,
        attached: bool,
    ) -> W:
        """Starts the span, of this function's call or (None) of a block."""
        raise NotImplementedError

    def untold(self, invocation: Untold) -> W:
        """Work that tells nothing: what a caller gets where `begin` has a bug."""
        raise NotImplementedError

    def __call__(self, function: F) -> F:
        """The function, with a span around each call."""
        return decorated(self, function)

    def __enter__(self) -> W:
        """Starts the work of one block; for blocks beside each other make a `Maker` each."""
        work = start(self, None, (), {})
        self._entered.append(work)
        return work

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Ends the block's work; what the block raises goes on."""
        work = self._entered.pop()
        if error is None:
            ending.finished(work)
        else:
            ending.failed(work, error)

    async def __aenter__(self) -> W:
        """As `with`."""
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """As `with`."""
        self.__exit__(kind, error, traceback)


def is_bare(first: object) -> bool:
    """Whether a decorator was used without arguments: its first one is what it decorates."""
    return callable(first) or isinstance(first, classmethod | staticmethod)


def name_of(function: Callable[..., Any] | None, otherwise: str) -> str:
    """What a function is called; a `functools.partial` is called as its function."""
    function = getattr(function, "func", function)
    return str(getattr(function, "__name__", otherwise))


def start(
    maker: Maker[W],
    function: Callable[..., Any] | None,
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
    *,
    attached: bool = True,
) -> W:
    """The work of one call, whatever happens in here.

    Raises:
        BudgetExceeded: The call must not be made.
    """
    maker.gate(kwargs)
    before = get_current()
    try:
        return maker.begin(function, args, kwargs, attached=attached)
    except Exception as error:  # noqa: BLE001 (the promise)
        attach(before)  # whatever was entered until then
        guard.report("otel_ax: a span could not be started; the call is made all the same", error)
        return maker.untold(Untold(None, attached=False))


def decorated(maker: Maker[W], function: F) -> F:
    """The function, with a span around each call; what kind of function it is stays."""
    if isinstance(function, classmethod | staticmethod):
        return cast(F, type(function)(decorated(maker, function.__func__)))
    if inspect.isasyncgenfunction(function):
        return cast(F, _async_generator(maker, function))
    if inspect.isgeneratorfunction(function):
        return cast(F, _generator(maker, function))
    if inspect.iscoroutinefunction(function):
        return cast(F, _coroutine(maker, function))
    return cast(F, _plain(maker, function))


def _plain(maker: Maker[W], function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def called(*args: Any, **kwargs: Any) -> Any:
        work = start(maker, function, args, kwargs)
        try:
            result = function(*args, **kwargs)
        except BaseException as error:
            ending.failed(work, error)
            raise
        if inspect.iscoroutine(result):
            work.invocation.suspend()
            return _awaited(work, result)
        return ending.returned(work, result)

    return called


async def _awaited(work: Work, coroutine: Awaitable[Any]) -> Any:
    """For a plain function that gives back a coroutine, as clients' methods often do: the call is its awaiting."""
    work.is_async = True
    token = attach(work.invocation.context)
    try:
        result = await coroutine
    except BaseException as error:
        ending.failed(work, error)
        raise
    finally:
        detach(token)
    return ending.returned(work, result)


def _coroutine(maker: Maker[W], function: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    @wraps(function)
    async def called(*args: Any, **kwargs: Any) -> Any:
        work = start(maker, function, args, kwargs)
        work.is_async = True
        try:
            result = await function(*args, **kwargs)
        except BaseException as error:
            ending.failed(work, error)
            raise
        return ending.returned(work, result)

    return called


def _generator(
    maker: Maker[W], function: Callable[..., Generator[Any, Any, Any]]
) -> Callable[..., Generator[Any, Any, Any]]:
    @wraps(function)
    def called(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        inner = function(*args, **kwargs)
        work = start(maker, function, args, kwargs, attached=False)
        context: Context = work.invocation.context
        resume: Callable[[Any], Any] = inner.send
        value: Any = None
        while True:
            token = attach(context)
            try:
                item = resume(value)
            except StopIteration as end:
                ending.returned(work, end.value)
                return end.value
            except BaseException as error:
                ending.failed(work, error)
                raise
            finally:
                context = get_current()  # with what the body has entered meanwhile
                detach(token)
            ending.chunk(work, item)
            try:
                value = yield item
                resume = inner.send
            except GeneratorExit as error:
                token = attach(context)
                try:
                    inner.close()
                except BaseException as other:
                    ending.failed(work, other)
                    raise
                finally:
                    detach(token)
                ending.failed(work, error)
                raise
            except BaseException as error:  # noqa: BLE001 (it goes to the body)
                resume, value = inner.throw, error

    return called


def _async_generator(
    maker: Maker[W], function: Callable[..., AsyncGenerator[Any, Any]]
) -> Callable[..., AsyncGenerator[Any, Any]]:
    @wraps(function)
    async def called(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        inner = function(*args, **kwargs)
        work = start(maker, function, args, kwargs, attached=False)
        context: Context = work.invocation.context
        resume: Callable[[Any], Awaitable[Any]] = inner.asend
        value: Any = None
        while True:
            token = attach(context)
            try:
                item = await resume(value)
            except StopAsyncIteration:
                ending.finished(work)
                return
            except BaseException as error:
                ending.failed(work, error)
                raise
            finally:
                context = get_current()
                detach(token)
            ending.chunk(work, item)
            try:
                value = yield item
                resume = inner.asend
            except GeneratorExit as error:
                token = attach(context)
                try:
                    await inner.aclose()
                except BaseException as other:
                    ending.failed(work, other)
                    raise
                finally:
                    detach(token)
                ending.failed(work, error)
                raise
            except BaseException as error:  # noqa: BLE001 (it goes to the body)
                resume, value = inner.athrow, error

    return called
