"""`ax serve`, but for its decoder, which is `loops`: `python -m tests.bench.looped DIR`.

In: a data directory and `AX_*` variables. Out: as `ax serve`, on free ports of 127.0.0.1.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from exporter import settings
from exporter.app import supervise
from exporter.app.process import Role
from exporter.clock import SystemClock
from tests.running import ENVIRON, Server, kill_group


@dataclass(frozen=True, slots=True)
class _Write(Role):
    """The child that stores, run from our module."""

    @property
    def module(self) -> str:
        """The program of the child."""
        return "tests.bench.loops"


@contextmanager
def running(data: Path, environ: dict[str, str]) -> Iterator[Server]:
    """Such a server; whatever happens, its processes are gone afterwards."""
    data.mkdir(parents=True, exist_ok=True)
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.looped", str(data)],
        stdout=subprocess.PIPE,
        text=True,
        env=ENVIRON | environ,
        start_new_session=True,
    )
    try:
        assert process.stdout is not None
        said = {name: at for name, at, *_ in map(str.split, iter(process.stdout.readline, "ready\n"))}
        server = Server(data, said["OTLP/gRPC"], said["OTLP/HTTP"], said["API"], process)
        yield server
        server.stop()
    finally:
        kill_group(process)


def main() -> int:
    """Serves until SIGTERM."""
    ports = dict.fromkeys(("receive.grpc", "receive.http", "serve.ui"), "127.0.0.1:0")
    config = settings.load(Path(sys.argv[1]), None, os.environ, ports)
    role = _Write(supervise.WRITE.name, supervise.WRITE.stop_s, supervise.WRITE.environ)
    return supervise.serve(config, SystemClock(), lambda line: print(line, flush=True), role)


if __name__ == "__main__":
    sys.exit(main())
