"""Orders of other processes, carried out by the one that owns the store; or by this one, where no server runs.

In: orders in `DATA/orders/`. Out: their answers. An order waits until all that was acknowledged when it was seen is
stored, so that nothing that was taken in before it escapes it.
"""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from threading import Event
from typing import Any, Final

from exporter.app import writer
from exporter.app.lock import hold
from exporter.clock import Clock
from exporter.config import Config
from exporter.decode import decode
from exporter.decode.pricing import forget_prices
from exporter.errors import AxError
from exporter.journal import Tail
from exporter.store import Store
from exporter.store.erase import Who, Whose
from exporter.store.merge import Stopped
from exporter.store.orders import Order, answer, waiting

log = logging.getLogger(__name__)

POLL_S: Final = 0.5
"""How often a server looks for orders."""


def carrier(config: Config, store: Store, tail: Tail, clock: Clock) -> Callable[[], None]:
    """A function that carries out what waits; it is called again and again."""
    due: dict[str, int] = {}

    def carry_out() -> None:
        for order in waiting(config.data):
            end = due.setdefault(order.id, store.position + tail.lag_bytes)
            if store.position < end:
                continue
            try:
                content = done(store, order, clock.wall())
            except Stopped:
                return
            except Exception as error:  # whoever gave the order waits for an answer
                log.exception("cannot carry out the order %s", order.kind)
                content = {"error": str(error)}
            answer(config.data, order, content)
            due.pop(order.id, None)

    return carry_out


def done(store: Store, order: Order, now: int) -> Mapping[str, Any]:
    """Carries out an order; its answer. Raises `AxError` for one that nobody understands."""
    if order.kind == "erase":
        who = Who(Whose(order.details["whose"]), str(order.details["name"]))
        return {"rows": store.erase(who, now)}
    if order.kind == "reprice":
        forget_prices()
        calls, rewritten = store.reprice(int(order.details["since_ns"]), now)
        return {"rows": {"spans": calls}, "segments": rewritten}
    raise AxError(f"there is no order {order.kind!r}", mend="use the same version of `ax` as the server")


@contextmanager
def owning(config: Config, clock: Clock) -> Iterator[Store]:
    """The store of a data directory that no server holds, with what its journal still had.

    Raises `DataDirBusy` where one does.
    """
    with hold(config.data, clock):
        store = Store.open(config.data, config.store, clock)
        tail = Tail.open(config.data / "journal", store.position)
        try:
            stopping = Event()
            stopping.set()
            while tail.lag_bytes:  # each run drains for a while only
                before = store.position
                moving = writer.Writer(
                    config,
                    store,
                    tail,
                    lambda requests: decode(requests, config.limits, config.store.retention),
                    clock,
                )
                moving.run(stopping)
                if store.position == before:
                    raise AxError("the journal cannot be stored", mend="see the messages above; is the disk full?")
            yield store
        finally:
            writer.close(store, tail)
