"""One question of a model: what it is asked of, and how it is given up.

In: settings, a clock, the sandbox. Out: views that another thread can interrupt.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event, Lock

from exporter.clock import Clock
from exporter.config import Config
from exporter.query.period import Period
from exporter.query.views import Views, reading
from exporter.sandbox import Sandbox
from exporter.units import parse_duration


@dataclass(slots=True)
class Asking:
    """Lives as long as its question; `given_up` is set once nobody waits for the answer."""

    config: Config
    clock: Clock
    sandbox: Sandbox
    given_up: Event = field(default_factory=Event)
    _views: Views | None = None
    _lock: Lock = field(default_factory=Lock)

    @contextmanager
    def views(self) -> Iterator[Views]:
        """What is stored now. Raises `NoData`."""
        with reading(self.config.data) as views:
            with self._lock:
                self._views = views
            try:
                yield views
            finally:
                with self._lock:
                    self._views = None

    def period(self, length: str) -> Period:
        """The last `length`, such as 1h. Raises `BadConfig`."""
        return Period.last(parse_duration(length), self.clock.wall())

    def ago(self, at_ns: int) -> int:
        """How long `at_ns` is past."""
        return max(self.clock.wall() - at_ns, 0)

    def give_up(self) -> None:
        """From another thread: the question ends soon, with an error that nobody reads."""
        self.given_up.set()
        with self._lock:
            if self._views is not None:
                self._views.expire("nobody waits for the answer")
