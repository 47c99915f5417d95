"""What subscribers are told, and what it is taken from.

In: nothing. Out: types.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from exporter.auth import Caller
from exporter.clock import Clock
from exporter.control import Control
from exporter.health import Health
from exporter.live.asked import Asked, Cursor
from exporter.query.arrived import Arrived, Published
from exporter.query.views import Views


@dataclass(frozen=True, slots=True)
class Sources:
    """Where channels look: what is stored, as somebody may see it; what was decided; how the server is."""

    data: Path
    clock: Clock
    version: str
    views: Callable[[Caller], AbstractContextManager[Views]]
    control: Callable[[], Control]
    health: Callable[[], Health]


@dataclass(frozen=True, slots=True)
class Look:
    """One question: what is asked, by whom and from where on; `arrived` belongs to the thread that asks."""

    sources: Sources
    published: Published
    arrived: Arrived
    asked: Asked
    caller: Caller
    cursor: Cursor | None


@dataclass(frozen=True, slots=True)
class Told:
    """Items, newest first, and the cursor behind them; there were `left_out` more.

    `is_anew`: they are what there is, not what changed.
    """

    items: Sequence[object]
    cursor: Cursor
    left_out: int = 0
    is_anew: bool = False
