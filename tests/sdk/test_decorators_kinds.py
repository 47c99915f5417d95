"""Every decorator on every kind of function: it stays what it was, and each call is one span, whatever its end."""

import asyncio
import functools
import gc
import inspect
import traceback
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
from opentelemetry.trace import StatusCode, get_current_span

from otel_ax.decorators import agent, llm, step, tool, workflow
from otel_ax.testing import Recorder

DECORATORS: dict[str, Callable[[Any], Any]] = {
    "llm": llm,
    "llm()": llm("openai", "gpt-5"),
    "agent": agent,
    "agent()": agent("a"),
    "tool": tool,
    "tool()": tool("t"),
    "workflow": workflow,
    "workflow()": workflow("w", run_id="r"),
    "step": step,
    "step()": step("s"),
}
every_decorator = pytest.mark.parametrize("decorate", DECORATORS.values(), ids=DECORATORS.keys())


class MineError(Exception):
    """A user's error."""


def _only(recorder: Recorder) -> Any:
    (span,) = recorder.spans
    return span


def _is_current(recorder: Recorder) -> bool:
    return get_current_span().is_recording() and not recorder.spans


@every_decorator
def test_a_function_gives_what_it_gave(decorate: Any, otel_ax_recorder: Recorder) -> None:
    @decorate
    def add(a: int, *, b: int = 2) -> int:
        """Adds."""
        assert _is_current(otel_ax_recorder)
        return a + b

    assert (add(1), add.__name__, add.__doc__) == (3, "add", "Adds.")
    assert list(inspect.signature(add).parameters) == ["a", "b"]
    assert not inspect.iscoroutinefunction(add)
    assert _only(otel_ax_recorder).status.status_code is StatusCode.UNSET
    assert not get_current_span().is_recording()


@every_decorator
def test_a_coroutine_function_stays_one(decorate: Any, otel_ax_recorder: Recorder) -> None:
    @decorate
    async def add(a: int) -> int:
        await asyncio.sleep(0)
        assert _is_current(otel_ax_recorder)
        return a + 1

    assert inspect.iscoroutinefunction(add)
    assert asyncio.run(add(1)) == 2
    assert _only(otel_ax_recorder).status.status_code is StatusCode.UNSET


@every_decorator
def test_a_generator_function_stays_one_and_its_reader_is_outside_of_its_span(
    decorate: Any, otel_ax_recorder: Recorder
) -> None:
    @decorate
    def echo() -> Any:
        got = yield "first"
        assert _is_current(otel_ax_recorder)
        try:
            yield got
        except MineError:
            yield "thrown in"
        return "the end"

    assert inspect.isgeneratorfunction(echo)
    one = echo()
    assert next(one) == "first"
    assert not get_current_span().is_recording()
    assert one.send("sent") == "sent"
    assert one.throw(MineError()) == "thrown in"
    with pytest.raises(StopIteration) as end:
        next(one)
    assert end.value.value == "the end"
    assert _only(otel_ax_recorder).status.status_code is StatusCode.UNSET


@every_decorator
def test_an_async_generator_function_stays_one(decorate: Any, otel_ax_recorder: Recorder) -> None:
    @decorate
    async def echo() -> Any:
        got = yield "first"
        await asyncio.sleep(0)
        assert _is_current(otel_ax_recorder)
        try:
            yield got
        except MineError:
            yield "thrown in"

    async def read() -> list[str]:
        one = echo()
        first = await anext(one)
        assert not get_current_span().is_recording()
        return [first, await one.asend("sent"), await one.athrow(MineError()), *[rest async for rest in one]]

    assert inspect.isasyncgenfunction(echo)
    assert asyncio.run(read()) == ["first", "sent", "thrown in"]
    assert _only(otel_ax_recorder).status.status_code is StatusCode.UNSET


@every_decorator
def test_methods_of_all_kinds_work(decorate: Any, otel_ax_recorder: Recorder) -> None:
    class Desk:
        name = "desk"

        @decorate
        def one(self) -> str:
            return self.name

        @decorate
        @classmethod
        def two(cls) -> str:
            return cls.name

        @staticmethod
        @decorate
        def three() -> str:
            return "desk"

        @decorate
        async def four(self) -> str:
            return self.name

    desk = Desk()
    assert [desk.one(), Desk.two(), Desk.three(), asyncio.run(desk.four())] == ["desk"] * 4
    assert len(otel_ax_recorder.spans) == 4


@every_decorator
def test_a_partial_and_a_callable_object_work(decorate: Any, otel_ax_recorder: Recorder) -> None:
    class Adder:
        def __call__(self, a: int) -> int:
            return a + 1

    assert decorate(functools.partial(max, 3))(5) == 5
    assert decorate(Adder())(1) == 2
    assert len(otel_ax_recorder.spans) == 2


def _plain(decorate: Any, error: BaseException) -> Callable[[], Any]:
    @decorate
    def fail() -> None:
        raise error

    return fail


def _coroutine(decorate: Any, error: BaseException) -> Callable[[], Any]:
    @decorate
    async def fail() -> None:
        await asyncio.sleep(0)
        raise error

    return lambda: asyncio.run(fail())


def _generator(decorate: Any, error: BaseException) -> Callable[[], Any]:
    @decorate
    def fail() -> Iterator[int]:
        yield 1
        raise error

    return lambda: list(fail())


def _async_generator(decorate: Any, error: BaseException) -> Callable[[], Any]:
    @decorate
    async def fail() -> AsyncIterator[int]:
        yield 1
        raise error

    async def read() -> list[int]:
        return [one async for one in fail()]

    return lambda: asyncio.run(read())


@every_decorator
@pytest.mark.parametrize("kind", [_plain, _coroutine, _generator, _async_generator])
def test_an_error_is_told_and_is_the_callers_own(decorate: Any, kind: Any, otel_ax_recorder: Recorder) -> None:
    error = MineError("no")
    with pytest.raises(MineError) as caught:
        kind(decorate, error)()
    assert caught.value is error
    assert (error.__cause__, error.__context__, getattr(error, "__notes__", None)) == (None, None, None)
    ours = [frame for frame in traceback.extract_tb(error.__traceback__) if "otel_ax" in frame.filename]
    assert len(ours) == 1, "one frame of ours between the caller and the function"
    span = _only(otel_ax_recorder)
    assert (span.status.status_code, span.status.description) == (StatusCode.ERROR, "no")
    assert span.attributes["error.type"].endswith("MineError")
    assert not get_current_span().is_recording()


@every_decorator
@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(3)], ids=["interrupt", "exit"])
def test_an_interrupt_ends_the_span_and_goes_on(
    decorate: Any, error: BaseException, otel_ax_recorder: Recorder
) -> None:
    with pytest.raises(type(error)) as caught:
        _plain(decorate, error)()
    assert caught.value is error
    assert _only(otel_ax_recorder).attributes["error.type"] == type(error).__name__


@every_decorator
def test_a_cancelled_task_ends_the_span_and_stays_cancelled(decorate: Any, otel_ax_recorder: Recorder) -> None:
    @decorate
    async def wait() -> None:
        await asyncio.sleep(60)

    async def cancel() -> bool:
        task = asyncio.create_task(wait())
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        return task.cancelled()

    assert asyncio.run(cancel())
    assert _only(otel_ax_recorder).attributes["error.type"] == "asyncio.exceptions.CancelledError"


@every_decorator
def test_a_generator_that_nobody_reads_on_ends(decorate: Any, otel_ax_recorder: Recorder) -> None:
    cleaned = []

    @decorate
    def count() -> Iterator[int]:
        try:
            yield from range(10)
        finally:
            cleaned.append(True)

    for number in count():
        if number == 3:
            break
    gc.collect()
    count()  # never begun: no call was made
    assert cleaned == [True]
    span = _only(otel_ax_recorder)
    assert span.attributes["ax.stream.abandoned"] is True
    assert span.status.status_code is StatusCode.UNSET


@every_decorator
def test_an_async_generator_that_nobody_reads_on_ends(decorate: Any, otel_ax_recorder: Recorder) -> None:
    @decorate
    async def count() -> AsyncIterator[int]:
        for number in range(10):
            yield number

    async def read() -> None:
        async for number in count():
            if number == 3:
                break
        gc.collect()
        await asyncio.sleep(0.01)  # asyncio closes it in a task of its own

    asyncio.run(read())
    assert _only(otel_ax_recorder).attributes["ax.stream.abandoned"] is True


@every_decorator
def test_what_a_generator_enters_stays_entered_for_it_and_not_for_its_reader(
    decorate: Any, otel_ax_recorder: Recorder
) -> None:
    @decorate
    def outer() -> Iterator[int]:
        with tool("inner"):
            for number in range(3):
                assert get_current_span().name == "execute_tool inner"
                yield number

    for _ in outer():
        assert not get_current_span().is_recording()
    inner, around = otel_ax_recorder.spans
    assert inner.parent.span_id == around.context.span_id


@pytest.mark.parametrize("make", [llm, agent, tool, workflow, step])
def test_each_is_a_block_too_sync_and_async(make: Any, otel_ax_recorder: Recorder) -> None:
    async def block() -> None:
        async with make("x") as work:
            work.attribute("mine", 2)

    with make("x") as work:
        work.attribute("mine", 1)
    asyncio.run(block())
    with pytest.raises(MineError), make("x"):
        raise MineError
    assert [span.attributes.get("mine") for span in otel_ax_recorder.spans] == [1, 2, None]
    assert otel_ax_recorder.spans[2].status.status_code is StatusCode.ERROR


@every_decorator
def test_recursion_nests(decorate: Any, otel_ax_recorder: Recorder) -> None:
    @decorate
    def down(depth: int) -> int:
        return depth and down(depth - 1)

    down(2)
    spans = otel_ax_recorder.spans
    assert len(spans) == (1 if spans[0].name.startswith("chat") else 3), "a model's call within one is the same call"
