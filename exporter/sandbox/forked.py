"""The program that makes a process for each statement: it has loaded DuckDB, opened nothing, and forks.

In: on the socket at descriptor `sys.argv[1]`, orders: start a job, whose own socket comes with it, or kill one.
Out: a child for each job, which `question` then is; at the end of the socket all of them are killed.
A fork of this small program takes some milliseconds, a new interpreter with DuckDB in it 130; and it is not the
serving process that forks, which has threads and locks.
"""

import os
import select
import signal
import socket
import sys
from contextlib import suppress
from typing import Final

from exporter.sandbox import question
from exporter.sandbox.confine import silence
from exporter.sandbox.orders import KILL, ORDER, START

_DESCRIPTORS: Final = 256
"""More than this program ever has open."""


def main() -> None:
    """Works until the socket ends."""
    orders = socket.socket(fileno=int(sys.argv[1]))
    silence()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # the end of the socket is what ends us
    woken = _wake_up_on_child()
    jobs: dict[int, int] = {}  # number → process
    while True:
        ready, _, _ = select.select([orders.fileno(), woken], [], [])
        _reap(woken, jobs)
        if orders.fileno() not in ready:
            continue
        message, descriptors, _, _ = socket.recv_fds(orders, ORDER.size, 1)
        if len(message) < ORDER.size:
            break
        kind, number = ORDER.unpack(message)
        if kind == START and descriptors:
            process = os.fork()
            if not process:
                _child(descriptors[0], orders)
            jobs[number] = process
        elif kind == KILL and number in jobs:  # not reaped yet, so the number of its process is still its own
            os.kill(jobs[number], signal.SIGKILL)
        for descriptor in descriptors:
            os.close(descriptor)
    for process in jobs.values():
        os.kill(process, signal.SIGKILL)


def _wake_up_on_child() -> int:
    """A descriptor that can be read whenever a child has ended."""
    reading, writing = os.pipe()
    for descriptor in (reading, writing):
        os.set_blocking(descriptor, False)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    return reading


def _reap(woken: int, jobs: dict[int, int]) -> None:
    with suppress(BlockingIOError):
        os.read(woken, 2**10)
    ended = set()
    with suppress(ChildProcessError):
        while process := os.waitpid(-1, os.WNOHANG)[0]:
            ended.add(process)
    for number in [number for number, process in jobs.items() if process in ended]:
        del jobs[number]


def _child(descriptor: int, orders: socket.socket) -> None:
    """The process of one job, which ends here."""
    code = 1
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        orders.detach()
        os.closerange(3, descriptor)
        os.closerange(descriptor + 1, _DESCRIPTORS)
        with socket.socket(fileno=descriptor) as job:
            question.answer(job)
        code = 0
    finally:
        os._exit(code)


if __name__ == "__main__":
    main()
