"""The one way in: what every request passes, whatever protocol it came by.

In: the bytes of an export request. Out: an acknowledgement once it is durable, or a refusal; its items are counted.
"""

import asyncio
import logging
from types import TracebackType
from typing import Final, Self

from exporter.clock import Clock
from exporter.config import Config
from exporter.dimensions import DEFAULT_TENANT
from exporter.errors import Reason, Refused
from exporter.journal import Journal
from exporter.receive.answers import Admitted, failed
from exporter.receive.count import PARSED_UNCOUNTED_BYTES, check, count
from exporter.receive.counters import Counters
from exporter.receive.messages import ITEMS
from exporter.receive.parse import Parsed, parse
from exporter.signals import Request, Signal
from exporter.units import NS_PER_S

_WARN_EVERY_NS: Final = 60 * NS_PER_S

_log: Final = logging.getLogger(__name__)


class Admission:
    """Who may come in, and who is on the way. It belongs to one event loop."""

    def __init__(self, config: Config, journal: Journal, clock: Clock, counters: Counters) -> None:
        """An admission that is open until `close`."""
        self.counters = counters
        self._config = config
        self._journal = journal
        self._clock = clock
        self._is_open = True
        self._passing: set[asyncio.Task[Admitted]] = set()
        self._waiting: set[asyncio.Future[Admitted]] = set()
        self._warned: dict[tuple[Signal, Reason], int] = {}

    async def admit(self, signal: Signal, payload: bytes, tenant: str = DEFAULT_TENANT) -> Admitted:
        """Returns when what can be stored of the request is durable; raises `Refused`, and then nothing is stored.

        `tenant` is that of the sender's token. The items are counted either way. Where the caller is cancelled, the
        request goes its way all the same.
        """
        task = asyncio.get_running_loop().create_task(self._admit(signal, payload, tenant))
        self._passing.add(task)
        task.add_done_callback(self._passing.discard)
        waiting = asyncio.shield(task)
        self._waiting.add(waiting)
        try:
            return await waiting
        except asyncio.CancelledError:
            caller = asyncio.current_task()
            if self._is_open or caller is None or caller.cancelling():
                raise
            raise _shutting_down() from None
        finally:
            self._waiting.discard(waiting)
            del task, waiting  # they keep a refusal, which keeps this frame: the payload would wait for the collector

    def hold(self) -> "Hold":
        """Room for the bytes of one request, to be given back at the end of a `with`."""
        return Hold(self.counters, self._config.receive.in_flight_bytes)

    def check_open(self) -> None:
        """Raises `Refused` while there is no use in reading a request: SHUTTING_DOWN or OVERLOADED."""
        if not self._is_open:
            raise _shutting_down()
        if self._is_blocked:
            message = f"{self._journal.backlog_bytes} bytes wait to be stored"
            raise Refused(Reason.OVERLOADED, message, mend="retry later, or raise journal.backlog_bytes")

    def refuse(self, signal: Signal, refused: Refused, items: int = 1) -> None:
        """Counts items as refused, and logs the first refusal of a kind in a minute: few exporters show theirs."""
        self.counters.refuse(signal, refused.reason, items)
        now = self._clock.monotonic()
        kind = signal, refused.reason
        if kind not in self._warned or now - self._warned[kind] > _WARN_EVERY_NS:
            self._warned[kind] = now
            _log.warning("refused %d %s: %s", items, ITEMS[signal], refused)

    def fail(self, signal: Signal, error: Exception, items: int = 1) -> Refused:
        """The refusal of items because of a fault that is ours; it is counted."""
        refused = failed(error)
        self.refuse(signal, refused, items)
        return refused

    async def close(self, grace_ns: int) -> None:
        """Lets nobody in any more; returns when all who were on the way are answered.

        Whoever is not durable after `grace_ns` is told SHUTTING_DOWN, though it may be stored all the same.
        """
        self._is_open = False
        if self._passing:
            await asyncio.wait(self._passing, timeout=grace_ns / NS_PER_S)
        for waiting in self._waiting:
            waiting.cancel()

    @property
    def _is_blocked(self) -> bool:
        return not self._is_open or self._journal.backlog_bytes > self._config.journal.backlog_bytes

    async def _admit(self, signal: Signal, payload: bytes, tenant: str) -> Admitted:
        items = 1
        limits = self._config.limits
        try:
            with self.hold() as held:
                if self._is_blocked or not held.has_room(len(payload)) or len(payload) > PARSED_UNCOUNTED_BYTES:
                    check(signal, payload, limits.items)
                    items = count(signal, payload)
                    _check(signal, items, limits.items)
                self.check_open()
                held.take(len(payload))
                parsed = parse(signal, payload, limits.depth)
                items = parsed.items + parsed.cut
                _check(signal, items, limits.items)
                is_new = parsed.items == 0 or await self._journal.append(self._request(signal, parsed, tenant))
        except Refused as refused:
            self.refuse(signal, refused, items)
            raise
        except Exception as error:
            _log.exception("cannot take a request of %d bytes", len(payload))
            raise self.fail(signal, error, items) from error
        self.counters.accept(signal, parsed.items, is_retry=not is_new)
        return self._admitted(signal, parsed, is_retry=not is_new)

    def _request(self, signal: Signal, parsed: Parsed, tenant: str) -> Request:
        return Request(signal, tenant, self._clock.wall(), parsed.items, parsed.payload)

    def _admitted(self, signal: Signal, parsed: Parsed, *, is_retry: bool) -> Admitted:
        if parsed.cut == 0:
            return Admitted(is_retry=is_retry)
        refused = Refused(
            Reason.TOO_DEEP,
            f"{parsed.cut} of {parsed.items + parsed.cut} {ITEMS[signal]} are not stored: "
            f"a value nests deeper than {self._config.limits.depth}",
            mend="send it as a string of JSON",
        )
        self.refuse(signal, refused, parsed.cut)
        return Admitted(parsed.cut, str(refused), is_retry)


class Hold:
    """Bytes that one request has in memory, counted against all that may be in flight."""

    def __init__(self, counters: Counters, most_bytes: int) -> None:
        """Holds nothing yet."""
        self._counters = counters
        self._most_bytes = most_bytes
        self._bytes = 0

    def has_room(self, size: int) -> bool:
        """Whether `size` bytes more can be taken."""
        return self._counters.in_flight_bytes + size <= self._most_bytes

    def take(self, size: int) -> None:
        """Counts `size` bytes more; raises `Refused` where there is no room for them."""
        if not self.has_room(size):
            message = f"requests of {self._counters.in_flight_bytes} bytes are on their way"
            raise Refused(Reason.OVERLOADED, message, mend="retry later, or raise receive.in_flight_bytes")
        self._counters.in_flight_bytes += size
        self._bytes += size

    def __enter__(self) -> Self:
        """The hold itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """All bytes are given back."""
        self._counters.in_flight_bytes -= self._bytes


def _check(signal: Signal, items: int, most: int) -> None:
    if items > most:
        message = f"the request holds more than {most} {ITEMS[signal]}"
        raise Refused(Reason.TOO_MANY_ITEMS, message, mend="send smaller batches, or raise limits.items")


def _shutting_down() -> Refused:
    return Refused(Reason.SHUTTING_DOWN, "the server is stopping", mend="retry when it is back")
