"""The ways a process ends, on each of which what is buffered is sent first.

In: what sends it, within a time. Out: it is called at the end of the interpreter; at that of a child of
`multiprocessing`, which ends without `atexit`; on SIGTERM, where nobody else handles it; and when uvicorn has stopped,
which then raises the signal that stopped it once more, for the default to end the process.
"""

import _thread
import atexit
import os
import signal
import sys
import threading
from collections.abc import Callable
from functools import wraps
from typing import Any, Final

from otel_ax.guard import guarding

__all__ = ["on_exit"]

LAST: Final = -100
"""Priority among multiprocessing's finalizers: after those of the program."""
_OURS: Final = "_otel_ax"


def on_exit(send: Callable[[], object], flush: Callable[[float], object], *, within_s: float, sigterm: bool) -> None:
    """Calls `send`, which takes `within_s` at most and does nothing the second time, however the process ends.

    `flush` is called with `within_s` where it may go on.
    """
    atexit.register(send)
    _finalize(send)
    os.register_at_fork(after_in_child=lambda: _finalize(send))
    with guarding("the end of uvicorn"):
        _after_uvicorn(flush, within_s)
    if sigterm and threading.current_thread() is threading.main_thread():
        with guarding("handling SIGTERM"):
            _on_sigterm(send, within_s)


def _finalize(send: Callable[[], object]) -> None:
    # A child of multiprocessing has loaded it by now; others need not.
    util: Any = sys.modules.get("multiprocessing.util")
    if util is not None:
        util.Finalize(None, send, exitpriority=LAST)
        # Once the child is ready it forgets all finalizers, then calls what is registered here.
        util.register_after_fork(send, lambda _: util.Finalize(None, send, exitpriority=LAST))


def _on_sigterm(send: Callable[[], object], within_s: float) -> None:
    if signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        return
    ending: list[int] = []

    def end(number: int, _: object) -> None:
        if os.getpid() in ending:
            return  # a supervisor says it once more, to a process that is about to end
        ending.append(os.getpid())
        # On another thread, since this one may hold any lock: a signal comes between two bytecodes.
        done = _thread.allocate_lock()
        done.acquire()

        def run() -> None:
            with guarding("the end"):
                send()
            done.release()

        with guarding("the end"):
            _thread.start_new_thread(run, ())
            done.acquire(timeout=within_s)
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)

    signal.signal(signal.SIGTERM, end)


def _after_uvicorn(flush: Callable[[float], object], within_s: float) -> None:
    # It imports the application, which calls us, after it has put its own handlers in place, and takes them away again
    # before it raises the signal: no handler of ours would be called.
    server: Any = getattr(sys.modules.get("uvicorn.server"), "Server", None)
    stop = getattr(server, "shutdown", None)
    if stop is None or hasattr(stop, _OURS):
        return

    import asyncio  # noqa: PLC0415 (20 ms, which uvicorn has spent already)

    @wraps(stop)
    async def shutdown(self: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return await stop(self, *args, **kwargs)
        finally:
            with guarding("the end of uvicorn"):
                await asyncio.to_thread(flush, within_s)

    setattr(shutdown, _OURS, True)
    server.shutdown = shutdown
