"""What the routes share.

In: the edge's settings, clock and loop. Out: one frozen value that is handed to each group of routes.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from exporter.auth import Caller
from exporter.clock import Clock
from exporter.config import Config
from exporter.errors import AxError
from exporter.notify.reach import Reach
from exporter.query.current import Current
from exporter.query.views import Views
from exporter.sandbox import Sandbox
from exporter.watch import Watch
from exporter.watch.health import Watching

_DECLARED_S: Final = 5.0
"""The ports listen before what is declared has been read."""
LONGEST_S: Final = 10.0
"""What the questions of one request may take together, as a rule's."""


class NotWatching(AxError):
    """The loop does not run in this process, so there are no rules and no alerts to ask for."""


@dataclass(frozen=True, slots=True)
class Shared:
    """`loop` is None in a process that only shows what others do; `reach` is what a test notice is sent with."""

    config: Config
    clock: Clock
    version: str
    health: Watching
    sandbox: Sandbox
    current: Current
    loop: Watch | None = None
    reach: Reach | None = None

    @contextmanager
    def views(self, caller: Caller) -> Iterator[Views]:
        """What is stored, as the caller may see it. Raises `NoData`, and `OutOfBounds` where it takes too long."""
        with self.current.views(caller.tenant, longest_s=LONGEST_S) as views:
            yield views

    @property
    def watch(self) -> Watch:
        """The running loop, once it knows what is declared. Raises `NotWatching`."""
        if self.loop is None:
            raise NotWatching("rules are not evaluated here", mend="start `ax serve`")
        if not self.loop.has_declared(_DECLARED_S):
            raise NotWatching("rules and channels have not been read yet", mend="try again in a second")
        return self.loop
