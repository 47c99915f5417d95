"""What happens to spans between the caller's thread and the exporter."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider

import otel_ax
from otel_ax import semconv
from otel_ax.processors import Batch, Enrich, Pending, Together
from otel_ax.processors.pending import pending_copy
from otel_ax.processors.sizes import size_of, slim
from tests.running import until


class Kept(SpanProcessor):
    """What was started, and what has ended."""

    def __init__(self) -> None:
        self.ended: list[ReadableSpan] = []

    def on_end(self, span: ReadableSpan) -> None:
        self.ended.append(span)


@pytest.fixture
def kept() -> Kept:
    return Kept()


@pytest.fixture
def tracer(kept: Kept) -> trace.Tracer:
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(Together([Enrich()], [], lambda _: True))
    provider.add_span_processor(kept)
    return provider.get_tracer("test")


@contextmanager
def batch(export: Callable[[list[int]], bool], **options: object) -> Iterator[Batch[int]]:
    made: Batch[int] = Batch("numbers", export, **options)  # type: ignore[arg-type]
    try:
        yield made
    finally:
        made.shutdown(1)


def test_a_batch_hands_over_all_in_order_and_in_parts() -> None:
    taken: list[list[int]] = []
    with batch(lambda items: not taken.append(items), delay_s=60, most=5000, batch_size=100) as numbers:
        for number in range(1050):
            numbers.put(number)
        assert numbers.flush(5)
    assert [number for part in taken for number in part] == list(range(1050))
    assert max(map(len, taken)) <= 100


def test_a_batch_is_sent_when_it_is_full_or_old_enough() -> None:
    taken: list[int] = []
    with batch(lambda items: not taken.extend(items), delay_s=60, batch_size=10) as numbers:
        for number in range(10):
            numbers.put(number)
        until(lambda: len(taken) == 10, "a full batch")
    with batch(lambda items: not taken.extend(items), delay_s=0.05) as numbers:
        numbers.put(11)
        until(lambda: taken[-1] == 11, "an old batch")


def test_many_bytes_are_sent_before_there_are_many_items() -> None:
    taken: list[int] = []
    with batch(lambda items: not taken.extend(items), delay_s=60, most_bytes=1000) as numbers:
        numbers.put(1, 600)
        until(lambda: taken == [1], "a heavy batch")


def test_what_is_too_much_is_dropped_and_counted() -> None:
    free = threading.Event()
    taken: list[int] = []

    def export(items: list[int]) -> bool:
        free.wait(10)
        taken.extend(items)
        return True

    with batch(export, delay_s=0.01, most=3, most_bytes=100) as numbers:
        numbers.put(0)
        until(lambda: numbers.waiting == 0, "the first is being sent")
        for number in (1, 2, 3, 4, 5):
            numbers.put(number)
        assert numbers.dropped == 2
        free.set()
        assert numbers.flush(5)
        numbers.put(6, 90)
        numbers.put(7, 1)
        assert numbers.flush(5)
    assert taken == [0, 1, 2, 3, 6, 7]


def test_one_item_that_is_larger_than_all_bounds_goes_alone() -> None:
    taken: list[int] = []
    with batch(lambda items: not taken.extend(items), delay_s=60, most_bytes=10) as numbers:
        numbers.put(1, 1000)
        assert numbers.flush(5)
    assert taken == [1]


def test_flush_and_shutdown_keep_their_time_while_an_export_hangs() -> None:
    free = threading.Event()
    with batch(lambda _: free.wait(30), give_up=lambda: None, delay_s=0.01) as numbers:
        numbers.put(1)
        for timeout_s in (0.0, 0.2):
            began = time.monotonic()
            assert not numbers.flush(timeout_s)
            assert time.monotonic() - began < timeout_s + 0.1
        began = time.monotonic()
        assert not numbers.shutdown(0.3)
        assert time.monotonic() - began < 0.4
        free.set()


def test_flush_says_whether_all_was_taken() -> None:
    answers = iter([False, True])
    with batch(lambda _: next(answers), delay_s=60) as numbers:
        numbers.put(1)
        assert not numbers.flush(5)
        numbers.put(2)
        assert numbers.flush(5)
        assert numbers.flush(5)


def test_an_export_that_raises_does_not_end_the_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTEST_VERSION")
    taken: list[int] = []

    def export(items: list[int]) -> bool:
        if items == [1]:
            raise RuntimeError("a bug")
        taken.extend(items)
        return True

    with batch(export, delay_s=60) as numbers:
        numbers.put(1)
        assert not numbers.flush(5)
        numbers.put(2)
        assert numbers.flush(5)
    assert taken == [2]


def test_what_comes_after_shutdown_is_dropped() -> None:
    taken: list[int] = []
    with batch(lambda items: not taken.extend(items)) as numbers:
        numbers.put(1)
        assert numbers.shutdown(5)
        numbers.put(2)
        assert numbers.waiting == 0
        assert numbers.flush(1)
    assert taken == [1]


def test_the_first_round_of_before_is_the_only_one_that_a_flush_makes() -> None:
    rounds: list[int] = []
    made: list[Batch[int]] = []

    def before() -> None:
        rounds.append(1)
        made[0].put(len(rounds))

    with batch(lambda _: True, delay_s=60, batch_size=1, before=before) as numbers:
        made.append(numbers)
        numbers.start()
        assert numbers.flush(5)
        time.sleep(0.1)
        assert len(rounds) == 1


def test_a_span_has_the_scope_that_it_starts_in_and_what_it_says_itself_stays(tracer: trace.Tracer, kept: Kept) -> None:
    with otel_ax.using(tenant="acme", user="ada", metadata={"plan": "free"}):
        tracer.start_span("plain").end()
        tracer.start_span("own", attributes={semconv.TENANT_ID: "other"}).end()
    tracer.start_span("outside").end()
    plain, own, outside = (dict(span.attributes or {}) for span in kept.ended)
    assert plain == {semconv.TENANT_ID: "acme", semconv.USER_ID: "ada", "ax.metadata.plan": "free"}
    assert own[semconv.TENANT_ID] == "other"
    assert outside == {}


def test_a_pending_copy_is_the_span_as_it_is_now() -> None:
    started: list[ReadableSpan] = []
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(Together([Pending(started.append)], [], lambda _: True))
    span = provider.get_tracer("test").start_span("run", attributes={"a": 1})
    span.set_attribute("b", 2)
    (live,) = started
    copy = pending_copy(live)  # type: ignore[arg-type]
    assert dict(copy.attributes or {}) == {"a": 1, "b": 2, semconv.SPAN_PENDING: True}
    assert (copy.name, copy.context, copy.start_time, copy.end_time) == ("run", live.context, live.start_time, None)
    span.end()


def test_the_size_of_a_span_follows_its_texts(tracer: trace.Tracer, kept: Kept) -> None:
    tracer.start_span("long", attributes={"prompt": "x" * 10_000, "n": 1}).end()
    tracer.start_span("short").end()
    long, short = map(size_of, kept.ended)
    assert long - short == 10_000


def test_a_slim_span_keeps_what_it_has(tracer: trace.Tracer, kept: Kept) -> None:
    full = tracer.start_span("full", links=[trace.Link(trace.SpanContext(1, 2, is_remote=False))])
    full.add_event("seen")
    full.end()
    tracer.start_span("bare").end()
    for span in kept.ended:
        slim(span)
    told, bare = kept.ended
    assert ([event.name for event in told.events], len(told.links)) == (["seen"], 1)
    assert (bare.events, bare.links, bare.dropped_events, bare.dropped_links) == ((), (), 0, 0)
