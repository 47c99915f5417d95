"""uvicorn's server, at rest while nothing happens.

In: a `uvicorn.Config`. Out: a server whose loop wakes once a second for the header Date, instead of ten times.
"""

import asyncio
from contextlib import suppress
from typing import Final

import uvicorn

_TICK_S: Final = 1.0
_EACH_SECOND: Final = 0
"""As uvicorn counts its ticks: one that the header is made anew at."""


class Server(uvicorn.Server):
    """Use it as uvicorn's; `end` in place of setting `should_exit`."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._ending = asyncio.Event()

    async def main_loop(self) -> None:
        """Returns once it is to end."""
        while not await self.on_tick(_EACH_SECOND):
            with suppress(TimeoutError):
                async with asyncio.timeout(_TICK_S):
                    await self._ending.wait()

    def end(self) -> None:
        """Lets `main_loop` return now; from the server's own loop."""
        self.should_exit = True
        self._ending.set()
