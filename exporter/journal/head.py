"""The two positions that receiver and writer tell each other through shared memory: the file `head`.

In: each side's own position. Out: the other's. Four aligned words of 64 bits: durable, its complement, stored, its
complement. A word whose complement does not match (an empty, torn or damaged file) says nothing.
The file is a hint: never synced, and both sides derive their own position anew when they start.
"""

import fcntl
import mmap
import os
from array import array
from pathlib import Path
from typing import Final

NAME: Final = "head"

_SIZE_BYTES: Final = 32
_ALL: Final = 2**64 - 1
_DURABLE: Final = 0
_STORED: Final = 2


class Head:
    """The shared positions. Each has one writer; the other side reads the last sound value that it saw."""

    def __init__(self, memory: mmap.mmap) -> None:
        """`memory` maps the file; use `Head.open`."""
        self._memory = memory
        self._words = memoryview(memory).cast("Q")
        self._seen = {_DURABLE: 0, _STORED: 0}

    @classmethod
    def open(cls, directory: Path) -> "Head":
        """Opens or makes `directory/head`; a short file is filled up, since another process may have mapped it."""
        fd = os.open(directory / NAME, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)  # or the zeros of one process could overwrite the positions of the other
            size = os.fstat(fd).st_size
            if size < _SIZE_BYTES:  # written, not only extended: a store into a hole of a full disk is a SIGBUS
                os.pwrite(fd, bytes(_SIZE_BYTES - size), size)
            fcntl.flock(fd, fcntl.LOCK_UN)  # now: the mapping keeps the descriptor's lock
            return cls(mmap.mmap(fd, _SIZE_BYTES))
        finally:
            os.close(fd)

    @property
    def durable(self) -> int:
        """The end of what the receiver has synced; 0 where unknown."""
        return self._read(_DURABLE)

    @durable.setter
    def durable(self, position: int) -> None:
        self._write(_DURABLE, position)

    @property
    def stored(self) -> int:
        """The position up to which the catalog has everything; 0 where unknown."""
        return self._read(_STORED)

    @stored.setter
    def stored(self, position: int) -> None:
        self._write(_STORED, position)

    def close(self) -> None:
        """Gives the mapping back; the positions can still be read, as they were."""
        words = self._words
        self._words = memoryview(array("Q", words.tolist()))
        words.release()
        self._memory.close()

    def _read(self, word: int) -> int:
        position, complement = self._words[word], self._words[word + 1]
        if position ^ complement == _ALL:
            self._seen[word] = position
        return self._seen[word]

    def _write(self, word: int, position: int) -> None:
        self._words[word : word + 2] = memoryview(array("Q", [position, position ^ _ALL]))
