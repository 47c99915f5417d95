"""A receiver and a writer at work in one process, for `file_double` to watch: journal, segments, catalog together.

In (arguments): a directory, a file to say things in, the step at which to be killed (0: at none), how many bursts of
requests are sent. Out: lines in the second, each there wholly or not at all: `sent N`, `acked N`, and behind either
`head HEX` for what the journal's shared memory holds. What an earlier life has sent and not seen acknowledged it sends
again.
"""

import asyncio
import os
import secrets
import signal
import sys
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from exporter import config
from exporter.journal import Entry, Journal, Tail
from exporter.model import Request, Signal
from exporter.store import Counts, Store
from tests.exporter.store_tables import DAY, HOUR, NOON, StillClock, seconds, table

JOURNAL: Final = config.Journal(file_bytes=2**13)
STORE: Final = config.Store(grace=HOUR // 2)
SPANS: Final = 2
BURST: Final = 3
MINUTE: Final = HOUR // 60

_STEPS: Final = ("open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.chmod", "sqlite3.connect")


def request_of(number: int) -> Request:
    """The same at every call, so that sending it again is a retry; some are larger than others."""
    size = 3_000 if number % 11 == 0 else 60 + 97 * (number % 7)
    return Request(Signal.TRACES, "acme" if number % 5 == 0 else "default", NOON, 1, number.to_bytes(size, "little"))


def number_of(entry: Entry) -> int:
    """The number of a request."""
    return int.from_bytes(entry.request.payload, "little")


def time_of(number: int) -> int:
    """When the request comes in: four minutes after the one before."""
    return NOON + number * 4 * MINUTE


def rows_of(number: int) -> dict[str, int]:
    """How many rows a request has in which tables."""
    return {"spans": SPANS, "logs": 1} if number % 3 == 0 else {"spans": SPANS}


def store_all(store: Store, tail: Tail) -> None:
    """What the writer does: the rows of what is durable, and the position behind it, in one step."""
    entries = tail.read(2**20)
    if not entries:
        return
    tables: dict[tuple[str, str], list[pa.Table]] = {}
    for entry in entries:
        number = number_of(entry)
        for name, rows in rows_of(number).items():
            tables.setdefault((entry.request.tenant, name), []).append(_rows(name, number, rows))
    store.append({key: pa.concat_tables(parts) for key, parts in tables.items()}, entries[-1].end, Counts())
    tail.stored(entries[-1].end)


def _rows(name: str, number: int, rows: int) -> pa.Table:
    """Rows whose ids are new at each call: no merge takes one that was stored twice for a double."""
    column = {"spans": "duration_ns", "logs": "severity_number"}[name]
    ids = {"trace_id": [secrets.token_hex(16) for _ in range(rows)]}
    return table(name, seconds(time_of(number), rows), **{column: number}, **ids)


async def live(data: Path, say: Callable[[str], None], said: Iterable[str], bursts: int) -> None:
    """Sends, stores and maintains for `bursts`, the last of them days later; ends in order."""
    told = [line.split() for line in said]
    sent = [int(words[1]) for words in told if words[0] == "sent"]
    acked = {int(words[1]) for words in told if words[0] == "acked"}
    clock = StillClock(time_of(max(sent, default=0)))
    store = Store.open(data, STORE, clock)
    tail = Tail.open(data / "journal", store.position)
    journal = Journal.open(data / "journal", JOURNAL, StillClock())

    async def send(number: int) -> None:
        say(f"sent {number}")
        await journal.append(request_of(number))
        say(f"acked {number}")

    with closing(store), closing(journal), closing(tail):
        await asyncio.gather(*(send(number) for number in sent if number not in acked))
        for burst in range(bursts):
            first = max(sent, default=0) + 1
            numbers = range(first, first + BURST)
            sent += numbers
            clock.now = time_of(numbers[-1])
            await asyncio.gather(*map(send, numbers))
            if burst % 3:
                store_all(store, tail)
            if burst % 4 == 3:
                store.maintain(clock.now + (3 * DAY if burst > bursts // 2 else 0))


def _kill_at(fatal: int, data: Path) -> None:
    """From now on: die of SIGKILL just before the `fatal`-th touch of a file or a name of ours."""
    steps = 0

    def step(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal steps
        if event in _STEPS and str(data) in str(arguments[0]):
            steps += 1
            if steps == fatal:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(step)


def main(data: Path, marks: Path, fatal: int, bursts: int) -> None:
    """One life."""
    said = marks.read_text().splitlines() if marks.exists() else []
    fd = os.open(marks, os.O_CREAT | os.O_WRONLY | os.O_APPEND)

    def say(line: str) -> None:
        os.write(fd, f"{line}\n".encode())
        os.write(fd, f"head {(data / 'journal' / 'head').read_bytes().hex()}\n".encode())

    _kill_at(fatal, data)
    asyncio.run(live(data, say, said, bursts))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
