"""The server that the benches compare with, a process of its own: `python -m tests.bench.noop`.

In: OTLP/gRPC requests, whose bytes it does not look at. Out: empty answers; its port on standard output; it ends with
standard input. The stack is that of `exporter/receive`: grpc.aio on uvloop.
"""

import asyncio
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace

import grpc
import uvloop

from exporter.units import NS_PER_S
from tests.bench.load import EXPORT, Load, send


def rate(load: Load, say: Callable[[str], None]) -> float:
    """Items a second of `load` that a server which does nothing answers."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.bench.noop"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        sent = send(replace(load, endpoint=f"127.0.0.1:{int(server.stdout.readline())}"))
        server.stdin.close()
    per_s = sent.acked_items / (sent.ended - sent.began) * NS_PER_S
    say(f"{per_s:,.0f} {load.signal.label}/s by a server that does nothing")
    return per_s


async def _export(_request: bytes, _context: "grpc.aio.ServicerContext[bytes, bytes]") -> bytes:
    return b""


async def serve() -> None:
    """Answers until standard input ends."""
    server = grpc.aio.server(options=[("grpc.max_receive_message_length", 16 * 2**20), ("grpc.so_reuseport", 0)])
    handler: grpc.RpcMethodHandler[bytes, bytes] = grpc.unary_unary_rpc_method_handler(_export)
    for path in EXPORT.values():
        service, method = path.strip("/").split("/")
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, {method: handler}),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(port, flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    await server.stop(grace=1)


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve())
