"""The child `serve`: the UI port, and the loop that watches.

In: HTTP; rules, the stored data. Out: what `exporter.api` answers; alerts and notices.
"""

import asyncio
import logging
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Final

import uvicorn
import uvloop

from exporter import auth
from exporter.addresses import bind, name_of
from exporter.api import create
from exporter.api.connection import Connection
from exporter.app import child
from exporter.clock import SystemClock
from exporter.control import Control
from exporter.http_server import Server
from exporter.live.socket import SETTINGS, Socket
from exporter.notify.guard import allowed
from exporter.notify.reach import Reach
from exporter.watch import Watch
from exporter.watch.health import EVERY_S, Watching
from otel_ax import __version__

_GRACE_S: Final = 0.2
"""How long answers that are being sent have at a stop."""


class _Server(Server):
    """uvicorn that leaves signals alone and says when it has started."""

    def __init__(self, config: uvicorn.Config, on_started: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_started = on_started

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals are the parent's."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listens, and says so."""
        await super().startup(sockets)
        self._on_started()

    def stop(self) -> None:
        """Ends `serve`, from its own loop."""
        self.end()
        asyncio.get_running_loop().call_later(_GRACE_S, setattr, self, "force_exit", True)  # noqa: FBT003


async def _serve(life: child.Life, watch: Watch, watching: Watching, reach: Reach) -> None:
    doors = auth.Doors.open(life.config, SystemClock())
    child.every(auth.EVERY_S, doors.refresh, life.stopping)
    sockets = bind("serve.ui", life.config.serve.ui, beyond_loopback=life.config.leaves_loopback)
    tls = doors.certificates
    settings = uvicorn.Config(
        create(
            life.config,
            SystemClock(),
            __version__,
            doors=doors,
            watch=watch,
            watching=watching,
            reach=reach,
        ),
        http=partial(Connection, life.config.receive.read_timeout),  # type: ignore[arg-type]
        ws=Socket,
        **SETTINGS,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        ssl_context_factory=None if tls is None else lambda *_: tls.context,
    )
    server = _Server(settings, lambda: life.ready({"ui": [name_of(one) for one in sockets]}))
    loop = asyncio.get_running_loop()
    life.on_stop(lambda: loop.call_soon_threadsafe(server.stop))
    await server.serve(sockets)
    doors.known.close()


def _work(life: child.Life) -> None:
    config, clock = life.config, SystemClock()
    say = logging.getLogger("notice").info
    reach = Reach(dict(os.environ), clock, say, allowed(config.alert.allow_private))
    watch = Watch(config, clock, Control.open(config.data, sets_aside=True), reach)
    starting = threading.Thread(target=watch.start, name="watch", daemon=True)  # the port need not wait for it
    starting.start()
    watching = Watching(config, clock, watch)
    watch.every("health", EVERY_S, watching.check)
    try:
        uvloop.run(_serve(life, watch, watching, reach))
    finally:
        watch.stop()


if __name__ == "__main__":
    child.run("serve", _work)
