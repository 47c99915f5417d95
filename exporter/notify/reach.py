"""What sending needs from outside: secrets, what may be reached, whom to trust, a log.

In: the edge's environment and settings. Out: one frozen value that is handed down.
"""

import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from exporter.clock import Clock
from exporter.notify.guard import Allowed


@dataclass(frozen=True, slots=True)
class Reach:
    """`environ` has the secrets that channels name, `say` writes a line of the server's log."""

    environ: Mapping[str, str] = field(repr=False)
    clock: Clock
    say: Callable[[str], object]
    allowed: Allowed = field(default_factory=Allowed)
    trust: ssl.SSLContext = field(default_factory=ssl.create_default_context, repr=False)


PRODUCT: Final = "otel-ax"
