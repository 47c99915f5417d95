"""The first token of a server that others reach: somebody has to be able to make the others.

In: a data directory. Out: an admin token in `DATA/admin.token`, mode 0600, where there is none in the database.
"""

import os
from pathlib import Path
from typing import Final

from exporter import disk
from exporter.auth import tokens
from exporter.auth.door import ENDPOINTS, needs_token
from exporter.clock import Clock
from exporter.config import Config
from exporter.control import Control

FILE: Final = "admin.token"
"""In the data directory; whoever may read it may do everything over the API, as with the data themselves."""
_NAME: Final = "admin"
_MOST: Final = 1_000


def path_of(data: Path) -> Path:
    """Where the token is."""
    return data / FILE


def read(data: Path) -> str | None:
    """The token, for commands on the server's own machine; None where there is none or it may not be read."""
    try:
        return path_of(data).read_text(encoding="ascii").strip() or None
    except (OSError, ValueError):
        return None


def admin_token(config: Config, clock: Clock) -> str | None:
    """Makes an admin token where a door needs one and there is none; gives its text, None where none was made.

    A control database that is damaged is set aside, as the server does. Raises what `Control.open` does.
    """
    if not any(needs_token(config, endpoint) for endpoint in ENDPOINTS):
        return None
    control = Control.open(config.data, sets_aside=True)
    now = clock.wall()
    try:
        with control.writing() as connection:
            held = tokens.holding(connection, now)
            if any("admin" in one.scopes for one in held):
                return None
            taken = {one.name for one in held}
            free = next(name for number in range(1, _MOST) if (name := _numbered(number)) not in taken)
            text = tokens.create(connection, free, ("admin",), now)
            _write(path_of(config.data), text)  # before the commit: a token that nobody can read is of no use
        return text
    finally:
        control.close()


def forget(data: Path, digest: bytes) -> None:
    """Removes the file where it holds the token with that digest, which was revoked."""
    text = read(data)
    if text is not None and tokens.digest_of(text) == digest:
        path_of(data).unlink(missing_ok=True)


def _numbered(number: int) -> str:
    return _NAME if number == 1 else f"{_NAME}-{number}"


def _write(path: Path, text: str) -> None:
    part = path.with_suffix(".part")
    part.unlink(missing_ok=True)
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "w", encoding="ascii") as file:  # noqa: PTH123 (a descriptor)
        file.write(f"{text}\n")
        file.flush()
        disk.sync(file.fileno())
    part.replace(path)
    disk.sync_directory(path.parent)
