"""The server that the ingest bench compares with, a process of its own: `python -m tests.bench.noop`.

In: OTLP/gRPC requests, whose bytes it does not look at. Out: empty answers; its port on standard output; it ends with
standard input. The stack is that of `exporter/receive`: grpc.aio on uvloop.
"""

import asyncio
import sys

import grpc
import uvloop

from tests.bench.load import EXPORT


async def _export(_request: bytes, _context: "grpc.aio.ServicerContext[bytes, bytes]") -> bytes:
    return b""


async def serve() -> None:
    """Answers until standard input ends."""
    service, method = EXPORT.strip("/").split("/")
    server = grpc.aio.server(options=[("grpc.max_receive_message_length", 16 * 2**20), ("grpc.so_reuseport", 0)])
    handler: grpc.RpcMethodHandler[bytes, bytes] = grpc.unary_unary_rpc_method_handler(_export)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, {method: handler}),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(port, flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    await server.stop(grace=1)


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve())
