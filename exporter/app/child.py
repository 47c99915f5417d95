"""What the children share: settings from the parent, its life line, one line of log at a time.

In: on stdin a `Config` in JSON, then "stop" or the end. Out: on stdout one JSON line when ready; on stderr the log.
"""

import json
import logging
import os
import re
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from time import gmtime
from typing import Final, NoReturn

from exporter.app.supervise import EXIT_IN_VAIN
from exporter.config import Config
from exporter.errors import AxError

_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
_LONGEST_LINE: Final = 2_000


class Life:
    """A child's tie to its parent: `config` is what it is to do, `stopping` is set when it is to stop."""

    def __init__(self, config: Config, protocol: int, lines: "_Lines") -> None:
        self.config = config
        self.stopping = threading.Event()
        self._protocol = protocol
        self._lines = lines
        self._callbacks: list[Callable[[], object]] = []
        self._lock = threading.Lock()

    def ready(self, endpoints: Mapping[str, Sequence[str]]) -> None:
        """Tells the parent that this child does its work, and at which HOST:PORTs by name of the endpoint."""
        os.write(self._protocol, json.dumps({"ready": endpoints}).encode() + b"\n")

    def on_stop(self, callback: Callable[[], object]) -> None:
        """Calls `callback` from another thread when the parent says stop or is gone; at once if it already has."""
        with self._lock:
            self._callbacks.append(callback)
            was_stopped = self.stopping.is_set()
        if was_stopped:
            callback()

    def watch(self) -> None:
        """Returns when the parent says stop or is gone."""
        self._lines.next()
        with self._lock:
            self.stopping.set()
            callbacks = list(self._callbacks)
        for callback in callbacks:
            callback()


def run(name: str, work: Callable[[Life], None]) -> NoReturn:
    """The whole program of a child: waits for its settings, works until told to stop, ends the process.

    SIGINT and SIGTERM are ignored: they are the parent's to order. The exit code is 0, `EXIT_IN_VAIN` after an
    `AxError`, else 1.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT, signal.SIGTERM})
    protocol = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a library prints is log, not protocol
    lines = _Lines(sys.stdin.fileno())
    line = lines.next()
    if not line or line == b"stop":
        os._exit(0)
    code = 0
    try:
        config = Config.model_validate_json(line)
        _log_to_stderr(name, config.log_level)
        life = Life(config, protocol, lines)
        threading.Thread(target=life.watch, name="life line", daemon=True).start()
        work(life)
    except AxError as error:
        logging.getLogger(name).error("%s", error)  # noqa: TRY400 (an error for people needs no traceback)
        code = EXIT_IN_VAIN
    except Exception:  # the parent starts us again
        logging.getLogger(name).exception("ended")
        code = 1
    logging.shutdown()
    os._exit(code)  # everything of ours is closed; threads of libraries are not waited for


def describe(error: BaseException) -> str:
    """An unexpected error in one line: its type, its text and where it was raised."""
    frames = traceback.extract_tb(error.__traceback__)
    places = " < ".join(f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in reversed(frames[-4:]))
    return f"{type(error).__name__}: {error} ({places})"


def every(interval_s: float, work: Callable[[], None], ended: threading.Event) -> None:
    """Calls `work` in a thread of its own, each `interval_s` until `ended`; a failure is logged and ends nothing."""

    def run() -> None:
        while not ended.wait(interval_s):
            try:
                work()
            except Exception:
                if not ended.is_set():
                    logging.getLogger(__name__).exception("tried again in %g s", interval_s)

    threading.Thread(target=run, daemon=True).start()


class _Lines:
    """Lines of a file descriptor, read without Python's buffers: a thread that waits in one blocks a process's end."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._rest = b""

    def next(self) -> bytes:
        """The next line without its end; empty at the end of the file."""
        while b"\n" not in self._rest:
            read = os.read(self._descriptor, 2**16)
            if not read:
                return b""
            self._rest += read
        line, _, self._rest = self._rest.partition(b"\n")
        return line


class _Line(logging.Formatter):
    """`2026-11-21T12:00:00.123Z receive info text`, on one line whatever the text holds."""

    default_msec_format = "%s.%03dZ"
    default_time_format = "%Y-%m-%dT%H:%M:%S"

    def __init__(self, process: str) -> None:
        super().__init__(f"%(asctime)s {process} %(levelname)s %(message)s")

    converter = staticmethod(gmtime)

    def format(self, record: logging.LogRecord) -> str:
        record.levelname = record.levelname.lower()
        if record.exc_info and record.exc_info[1]:
            record.msg, record.args = f"{record.getMessage()}: {describe(record.exc_info[1])}", ()
            record.exc_info = None
        text = super().format(record)[:_LONGEST_LINE]
        return _CONTROL.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


def _log_to_stderr(name: str, level: str) -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(_Line(name))
    logging.basicConfig(level=level.upper(), handlers=[handler])
    logging.getLogger("uvicorn").setLevel(logging.WARNING)  # that it starts and stops is the parent's to say
    logging.raiseExceptions = False  # where the parent is gone, so is our stderr
