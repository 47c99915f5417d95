"""OTLP/gRPC: a server that hands the raw bytes of every export call to the admission.

In: calls of the Export methods of traces, metrics and logs. Out: responses, or a status that says whether and when to
retry. gRPC itself inflates gzip and deflate, and refuses what is larger than `limits.request_bytes` inflated: with
RESOURCE_EXHAUSTED and no RetryInfo, before we see it, so it is not counted.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from random import SystemRandom
from typing import Any, Final

import grpc
from grpc import aio

from exporter.config import Config
from exporter.errors import ANSWERS, BadConfig, Refused
from exporter.model import Signal
from exporter.receive.admit import Admission
from exporter.receive.answers import outcome, printable, response, retry_delay_ns, retry_info, status
from exporter.receive.counters import Outcome, Protocol
from exporter.receive.messages import METHODS

_PROFILES: Final = "/opentelemetry.proto.collector.profiles.v1development.ProfilesService/Export"
_CODES: Final = {code.value[0]: code for code in grpc.StatusCode}

_MOST_STREAMS: Final = 128
"""Calls of one connection at a time; the client queues the rest. gRPC holds the bodies of all that are coming in."""
_JITTER: Final = SystemRandom()

_Export = Callable[[bytes, Any], Awaitable[bytes]]


def create(config: Config, admission: Admission, addresses: Sequence[str]) -> aio.Server:
    """A server that is bound to `addresses` and not yet started; raises `BadConfig` where it cannot be."""
    server = aio.server(
        handlers=[_Methods(config, admission)],
        options=[
            ("grpc.max_receive_message_length", config.limits.request_bytes),
            ("grpc.max_concurrent_streams", _MOST_STREAMS),
            ("grpc.so_reuseport", 0),  # a second server is to fail, not to share the port
            ("grpc.http2.min_ping_interval_without_data_ms", 10_000),  # clients that keep idle channels alive
            ("grpc.keepalive_permit_without_calls", 1),
        ],
    )
    for address in addresses:
        try:
            server.add_insecure_port(address)
        except RuntimeError as error:
            raise BadConfig(f"cannot listen on {address}", mend="choose another HOST:PORT for receive.grpc") from error
    return server


class _Methods(grpc.GenericRpcHandler):
    """What is served: method names and their handlers, which take and give raw bytes."""

    def __init__(self, config: Config, admission: Admission) -> None:
        exports: dict[str, _Export] = {method: _export(config, admission, signal) for method, signal in METHODS.items()}
        exports[_PROFILES] = _no_profiles
        self._handlers: Mapping[str, Any] = {
            method: grpc.unary_unary_rpc_method_handler(export) for method, export in exports.items()
        }

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Any:
        """The handler of a method; None for one that we do not know, which gRPC answers with UNIMPLEMENTED."""
        return self._handlers.get(handler_call_details.method)


def _export(config: Config, admission: Admission, signal: Signal) -> _Export:
    async def export(payload: bytes, context: Any) -> bytes:
        try:
            admitted = await admission.admit(signal, payload)
        except Refused as refused:
            admission.counters.answer(signal, Protocol.GRPC, refused.reason)
            delay_ns = retry_delay_ns(config.receive, refused, _JITTER.random())
            trailers = [("grpc-status-details-bin", status(refused, delay_ns).SerializeToString())]
            if delay_ns is not None:  # where Python's exporter looks for it
                trailers.append(("google.rpc.retryinfo-bin", retry_info(delay_ns).SerializeToString()))
            await context.abort(_CODES[ANSWERS[refused.reason].grpc], printable(str(refused)), tuple(trailers))
            raise
        except asyncio.CancelledError:
            admission.counters.answer(signal, Protocol.GRPC, Outcome.CANCELLED)
            raise
        else:
            admission.counters.answer(signal, Protocol.GRPC, outcome(admitted))
            return response(signal, admitted).SerializeToString()
        finally:
            del payload, context  # the context keeps what `abort` raises, and that this frame

    return export


async def _no_profiles(_: bytes, context: Any) -> bytes:
    await context.abort(grpc.StatusCode.UNIMPLEMENTED, "profiles are not stored; send traces, metrics and logs")
    raise AssertionError("abort raises")
