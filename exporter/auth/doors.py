"""The doors of a process, and what they need to know.

In: settings; the control database and the certificate's files, looked at again and again. Out: a `Door` an endpoint.
"""

from dataclasses import dataclass

from exporter.auth.certificates import Certificates, certificates
from exporter.auth.door import Door, Endpoint, needs_token
from exporter.auth.known import Known
from exporter.clock import Clock
from exporter.config import Config


@dataclass(frozen=True, slots=True)
class Doors:
    """`refresh` is to be called each `EVERY_S` in a thread that may wait; `certificates` is None without TLS."""

    known: Known
    certificates: Certificates | None
    config: Config

    @classmethod
    def open(cls, config: Config, clock: Clock) -> "Doors":
        """Reads all of it. Raises `BadConfig` for files that cannot be used."""
        known = Known(config.data, clock)
        known.refresh()
        return cls(known, certificates(config.tls), config)

    def of(self, endpoint: Endpoint) -> Door:
        """The door of an endpoint."""
        return Door(self.known, needed=needs_token(self.config, endpoint))

    def refresh(self) -> None:
        """Looks whether tokens or files have changed."""
        self.known.refresh()
        if self.certificates is not None:
            self.certificates.refresh()
