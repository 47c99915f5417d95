"""Certificates of an authority of the tests' own, and tokens.

In: a directory. Out: files in PEM, and what the database holds.
"""

from dataclasses import dataclass
from pathlib import Path

import trustme

from exporter.auth import tokens
from exporter.clock import SystemClock
from exporter.control import Control


@dataclass(frozen=True, slots=True)
class Certified:
    """The files of a server's certificate and its key, and of the authority that a client is to trust."""

    cert: Path
    key: Path
    authority: Path

    @property
    def environ(self) -> dict[str, str]:
        """For a server."""
        return {"AX_TLS_CERT": str(self.cert), "AX_TLS_KEY": str(self.key)}


def certified(folder: Path, *names: str) -> Certified:
    """A certificate for 127.0.0.1, localhost and `names`, of a new authority; over the files that are there."""
    folder.mkdir(exist_ok=True)
    made = Certified(folder / "server.pem", folder / "server.key", folder / "authority.pem")
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1", "localhost", *names)
    made.cert.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
    made.key.touch(mode=0o600)
    made.key.write_bytes(issued.private_key_pem.bytes())
    authority.cert_pem.write_to_path(str(made.authority))
    return made


def token(data: Path, name: str, *scopes: str, tenant: str | None = None) -> str:
    """A new token's text, as `ax token create` makes it."""
    control = Control.open(data)
    try:
        with control.writing() as connection:
            return tokens.create(connection, name, scopes, SystemClock().wall(), tenant=tenant)
    finally:
        control.close()


def revoke(data: Path, name: str) -> None:
    """As `ax token revoke` does."""
    control = Control.open(data)
    try:
        with control.writing() as connection:
            tokens.revoke(connection, name, SystemClock().wall())
    finally:
        control.close()
