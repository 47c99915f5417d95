"""A bounded queue and the one thread that empties it: for spans, log records and metrics alike.

In: items, from any thread, at the price of a microsecond. Out: lists of them, to a function that may block or fail.
What the stock batch processor does not keep: its time in `flush` and `shutdown`, a bound on bytes, a child of a fork
that neither sends what its parent holds nor waits for a thread that it does not have.
"""

import os
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable
from typing import Final, Generic, TypeVar

from opentelemetry.context import _SUPPRESS_INSTRUMENTATION_KEY, Context, attach, set_value

from otel_ax.guard import guarding, report
from otel_ax.processors.telling import THREADS, overheard, tell

__all__ = ["Batch"]

T = TypeVar("T")

GRACE_S: Final = 0.05
"""How long an export that was told to give up may take to do so."""


class Batch(Generic[T]):
    """Items wait here until there are `batch_size`, or `delay_s` is over, or someone flushes.

    Args:
        name: Of what, in words for people: `spans`.
        export: Sends items; False where they were not taken. Runs on our thread, one call at a time.
        give_up: Ends an `export` that waits to try again, and all later ones.
        delay_s: The longest wait of an item.
        most: Items that wait at most; what comes then is dropped.
        most_bytes: Bytes that wait at most, as told to `put`.
        batch_size: Items in one export at most.
        before: Called on our thread before each round; it may `put` more.
        after: Called on our thread after each round, with True when no other will come; False as of `export`.
        afresh: Called in the child of a fork, before it does anything else.
    """

    def __init__(  # noqa: PLR0913 (a queue has many bounds)
        self,
        name: str,
        export: Callable[[list[T]], bool],
        *,
        give_up: Callable[[], None] = lambda: None,
        delay_s: float = 5.0,
        most: int = 2048,
        most_bytes: int = 8 << 20,
        batch_size: int = 512,
        before: Callable[[], None] = lambda: None,
        after: Callable[[bool], bool] = lambda _: True,
        afresh: Callable[[], None] = lambda: None,
    ) -> None:
        self._name, self._export, self._give_up = name, export, give_up
        self._before, self._after, self._afresh = before, after, afresh
        self._delay_s, self._most, self._most_bytes, self._batch_size = delay_s, most, most_bytes, batch_size
        self._is_steady = False
        self.dropped = 0
        """Items that found the queue full, since the process began."""
        self._new()
        reborn = weakref.WeakMethod(self._reborn)
        os.register_at_fork(after_in_child=lambda: (child := reborn()) and child())

    def _new(self) -> None:
        # An RLock, because a garbage collection within may end a span, which comes back here on the same thread.
        self._lock = threading.RLock()
        self._items: deque[tuple[T, int]] = deque()
        self._bytes = 0
        self._wake = threading.Event()
        self._waiting: deque[threading.Event] = deque()
        self._finished = threading.Event()
        self._thread: threading.Thread | None = None
        self._stopping = False
        self._gave_up = False
        self._failures = 0
        self._told_dropped = self.dropped

    def _reborn(self) -> None:
        """In the child of a fork: what waits is the parent's to send, and our thread is not here."""
        stopping = self._stopping
        self._new()
        self._stopping = stopping
        self._afresh()
        if self._is_steady:
            self.start()

    @property
    def waiting(self) -> int:
        """Items that are not being sent yet."""
        return len(self._items)

    @property
    def closed(self) -> bool:
        """Nothing is taken any more."""
        return self._stopping

    def put(self, item: T, size: int = 0) -> None:
        """Queues the item, of about `size` bytes, or drops it where the queue is full or closed."""
        if self._thread is None:
            self._start()
        with self._lock:
            waiting = len(self._items)
            if (
                waiting >= self._most
                or (waiting and self._bytes + size > self._most_bytes)
                or (self._stopping and not self._is_ours())
            ):
                self.dropped += 1
                return
            self._items.append((item, size))
            self._bytes += size
        enough = waiting + 1 >= self._batch_size or self._bytes * 2 > self._most_bytes
        if enough and not self._wake.is_set() and not self._is_ours():
            self._wake.set()

    def _is_ours(self) -> bool:
        """Whether this is our own thread, where `before` puts what belongs to the present round, even the last."""
        return threading.current_thread() is self._thread

    def start(self) -> None:
        """Has rounds from now on, in each process, not only once there is an item."""
        self._is_steady = True
        self._start()

    def _start(self) -> None:
        # An interpreter that ends has no more threads to give.
        with self._lock:
            if self._thread is None and not self._stopping:
                thread = threading.Thread(target=self._run, name=f"{THREADS}{self._name}", daemon=True)
                self._thread = thread
                try:
                    thread.start()
                except RuntimeError:
                    self._thread = None

    def flush(self, timeout_s: float) -> bool:
        """Whether all that was put before was sent and taken, within the time."""
        return self.flushing()(time.monotonic() + timeout_s)

    def flushing(self) -> Callable[[float], bool]:
        """Begins to send all that was put before; the result waits for it, until a time of the monotonic clock."""
        if self._thread is None or self._finished.is_set():
            nothing = not self._items
            return lambda _: nothing
        failures, sent = self._failures, threading.Event()
        self._waiting.append(sent)
        self._wake.set()
        return lambda deadline: sent.wait(max(0.0, deadline - time.monotonic())) and self._failures == failures

    def close(self) -> None:
        """No item is taken any more; what waits is being sent."""
        self._stopping = True
        self._wake.set()

    def join(self, deadline: float) -> bool:
        """Waits for what `close` began until `deadline`, of the monotonic clock, then gives up; whether all went."""
        ended = self._thread is None or self._finished.wait(max(0.0, deadline - time.monotonic() - GRACE_S))
        failures = self._failures
        self._gave_up = True
        with guarding(f"stopping the export of {self._name}"):
            self._give_up()
        if not ended:
            self._finished.wait(GRACE_S)
        return ended and failures == 0 and not self._items

    def shutdown(self, timeout_s: float) -> bool:
        """`close` and `join`."""
        deadline = time.monotonic() + timeout_s
        self.close()
        return self.join(deadline)

    def _run(self) -> None:
        # Not the context of whoever came first; and what we send is not to be traced.
        attach(set_value(_SUPPRESS_INSTRUMENTATION_KEY, True, Context()))  # noqa: FBT003
        finished = self._finished
        while not finished.is_set():
            self._wake.wait(self._delay_s)
            self._wake.clear()
            stopping = self._stopping
            waiting = [self._waiting.popleft() for _ in range(len(self._waiting))]
            try:
                self._round(last=stopping)
            except Exception as error:  # noqa: BLE001 (the promise)
                self._failures += 1
                report(f"otel_ax: the export of {self._name} failed", error)
            for sent in waiting:
                sent.set()
            if stopping:
                finished.set()

    def _round(self, *, last: bool) -> None:
        self._before()
        left = len(self._items)
        while left > 0 and not self._gave_up:
            batch = self._taken(min(left, self._batch_size))
            left -= len(batch)
            self._told(len(batch), taken=self._export(batch))
        if not self._gave_up:
            self._told(0, taken=self._after(last))
        if self.dropped > self._told_dropped:
            tell(f"otel_ax: {self.dropped - self._told_dropped} {self._name} dropped: too many, or sent too slowly")
            self._told_dropped = self.dropped

    def _told(self, count: int, *, taken: bool) -> None:
        if not taken:
            self._failures += 1
            some = f"{count} {self._name}" if count else self._name
            tell(f"otel_ax: {some} could not be sent: {overheard() or 'no reason given'}")

    def _taken(self, count: int) -> list[T]:
        with self._lock:
            taken = [self._items.popleft() for _ in range(count)]
            self._bytes -= sum(size for _, size in taken)
        return [item for item, _ in taken]
