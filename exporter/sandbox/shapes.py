"""What goes into the sandbox and what comes out of it.

In: nothing. Out: frozen values and the refusal; no DuckDB, so that the process that asks need not load it.
"""

from dataclasses import dataclass
from threading import Event
from typing import Any, Final, Literal

from exporter.errors import AxError

Reason = Literal["statement", "failed", "timeout", "memory", "busy", "cancelled", "no_data"]
"""Why there are no rows: what was asked may not run, is wrong, takes too long or too much, or nobody could ask it."""

RETRYABLE: Final = frozenset({"busy"})
"""Reasons that have nothing to do with the statement: the same may be asked again."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one statement may take. `interrupt_s` asks DuckDB to stop, `kill_s` ends the process."""

    rows: int = 10_000
    bytes: int = 32 * 2**20
    statement_bytes: int = 100_000
    interrupt_s: float = 10.0
    kill_s: float = 11.0
    cpu_s: int = 30
    address_bytes: int = 2 * 2**30
    memory_bytes: int = 512 * 10**6
    open_files: int = 256


@dataclass(frozen=True, slots=True)
class Column:
    """A column of an answer: its name and DuckDB's name of its type."""

    name: str
    type: str


@dataclass(frozen=True, slots=True)
class Rows:
    """An answer. Values are what JSON can hold; `truncated` where there was more than the limits let through."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[Any, ...], ...]
    truncated: bool
    elapsed_ns: int


@dataclass(frozen=True, slots=True)
class Stream:
    """The same as an Arrow stream, made where the statement ran: it is as trustworthy as the statement."""

    arrow: bytes
    truncated: bool
    elapsed_ns: int


class SqlRefused(AxError):
    """A statement that got no answer, and why."""

    def __init__(self, reason: Reason, message: str, *, mend: str = "") -> None:
        super().__init__(message, mend=mend)
        self.reason = reason

    @property
    def is_retryable(self) -> bool:
        """Whether the same statement may be asked again."""
        return self.reason in RETRYABLE


Cancel = Event
"""Set by whoever no longer wants the answer; the process is then killed."""
