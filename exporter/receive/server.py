"""The receiver: both OTLP endpoints on one event loop, with one way in behind them.

In: a configuration and an open journal. Out: listening endpoints, and what stops them.
"""

import asyncio
import contextlib
import socket
from collections.abc import Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import partial
from typing import Final

import uvicorn
from grpc import aio

from exporter.addresses import bind, name_of
from exporter.auth import Doors
from exporter.auth.certificates import Certificates
from exporter.clock import Clock
from exporter.config import Config
from exporter.errors import BadConfig
from exporter.http_connection import HttpConnection
from exporter.http_server import Server
from exporter.journal import Journal
from exporter.receive import otlp_grpc
from exporter.receive.admit import Admission
from exporter.receive.counters import Counters
from exporter.receive.otlp_http import OtlpHttp
from exporter.units import NS_PER_S

_BACKLOG: Final = 2_048
_KEEP_ALIVE_SECONDS: Final = 75
"""How long an idle connection is kept: longer than the minute between two exports of metrics."""
_ANSWERING_SECONDS: Final = 0.5
"""How long the last answers may take to leave."""


async def listen(
    config: Config, journal: Journal, clock: Clock, counters: Counters, doors: Doors | None = None
) -> "Listening":
    """Listens on `receive.grpc` and `receive.http`; raises `BadConfig` where it cannot, or should not.

    All of it belongs to the running event loop, which may be uvloop's, but for `doors`, which somebody else keeps
    fresh; without, they stay as they are found now.
    """
    doors = doors or Doors.open(config, clock)
    admission = Admission(config, journal, clock, counters)
    sockets = _listen("receive.http", config.receive.http, beyond_loopback=config.leaves_loopback)
    try:
        # gRPC binds by itself, but does not tell why it cannot: so this is found out before.
        free = _listen("receive.grpc", config.receive.grpc, beyond_loopback=config.leaves_loopback)
        addresses = tuple(name_of(one) for one in free)
        _close(free)
        grpc = otlp_grpc.create(config, admission, doors, addresses)
    except BaseException:
        _close(sockets)
        raise
    await grpc.start()
    beside = ThreadPoolExecutor(1, thread_name_prefix="otlp-http")
    app = OtlpHttp(config, admission, doors.of("receive.http"), beside)
    web = _uvicorn(config, app, doors.certificates)
    names = tuple(name_of(one) for one in sockets)
    await web.startup(sockets)
    return Listening(addresses, names, admission, grpc, web, app, beside)


class Listening:
    """Both endpoints while they listen: `grpc` and `http` are the HOST:PORT of each of their sockets."""

    def __init__(
        self,
        grpc: tuple[str, ...],
        http: tuple[str, ...],
        admission: Admission,
        server: aio.Server,
        web: Server,
        app: OtlpHttp,
        beside: Executor,
    ) -> None:
        """Made by `listen`."""
        self.grpc = grpc
        self.http = http
        self._admission = admission
        self._server = server
        self._web = web
        self._app = app
        self._beside = beside
        self._ticks = asyncio.create_task(web.main_loop())

    async def stop(self, grace_ns: int) -> None:
        """Accepts nothing more, answers everything, and returns within `grace_ns` and half a second.

        What is not durable by the end of `grace_ns`, and a body that is not here yet, is refused: SHUTTING_DOWN.
        """
        self._ticks.cancel()
        within = grace_ns / NS_PER_S + _ANSWERING_SECONDS
        await asyncio.gather(self._admission.close(grace_ns), self._stop_web(within), self._server.stop(within))
        self._beside.shutdown(wait=False, cancel_futures=True)

    async def _stop_web(self, seconds: float) -> None:
        self._app.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._web.shutdown()
        for connection in list(self._web.server_state.connections):
            connection.transport.abort()


def _listen(setting: str, endpoint: str, *, beyond_loopback: bool) -> list[socket.socket]:
    """Listening sockets; another that is bound to the port, and does not listen yet, shows only when we do."""
    sockets = bind(setting, endpoint, beyond_loopback=beyond_loopback)
    try:
        for one in sockets:
            one.listen(_BACKLOG)
    except OSError as error:
        _close(sockets)
        message = f"cannot listen on {endpoint} ({setting}): {error}"
        raise BadConfig(message, mend="stop what listens there, or choose another HOST:PORT") from error
    return sockets


def _close(sockets: Sequence[socket.socket]) -> None:
    for one in sockets:
        one.close()


def _uvicorn(config: Config, app: OtlpHttp, certificates: Certificates | None) -> Server:
    """A server that has not started; its `serve` is not used, since signals are not for us to handle."""
    settings = uvicorn.Config(
        app,
        http=partial(HttpConnection, config.receive.read_timeout),  # type: ignore[arg-type]
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        log_level="error",  # a line for each nonsense that a stranger sends is too much
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        ssl_context_factory=None if certificates is None else lambda *_: certificates.context,
    )
    settings.load()
    server = Server(settings)
    server.lifespan = settings.lifespan_class(settings)
    return server
