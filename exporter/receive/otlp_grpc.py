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

from exporter.auth import Door, Doors
from exporter.auth.certificates import Certificates
from exporter.config import Config
from exporter.dimensions import DEFAULT_TENANT
from exporter.errors import ANSWERS, BadConfig, Refused
from exporter.receive.admit import Admission
from exporter.receive.answers import outcome, printable, response, retry_delay_ns, retry_info, status
from exporter.receive.counters import Outcome, Protocol
from exporter.receive.messages import METHODS
from exporter.signals import Signal

_PROFILES: Final = "/opentelemetry.proto.collector.profiles.v1development.ProfilesService/Export"
_CODES: Final = {code.value[0]: code for code in grpc.StatusCode}

_MOST_STREAMS: Final = 128
"""Calls of one connection at a time; the client queues the rest. gRPC holds the bodies of all that are coming in."""
_JITTER: Final = SystemRandom()
_MOST_TENANTS: Final = 1_000

_Export = Callable[[bytes, Any], Awaitable[bytes]]
_Handlers = Mapping[str, Any]


def create(config: Config, admission: Admission, doors: Doors, addresses: Sequence[str]) -> aio.Server:
    """A server that is bound to `addresses` and not yet started; raises `BadConfig` where it cannot be."""
    server = aio.server(
        handlers=[_Methods(config, admission, doors.of("receive.grpc"))],
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
            if doors.certificates is None:
                server.add_insecure_port(address)
            else:
                server.add_secure_port(address, _credentials(doors.certificates))
        except RuntimeError as error:
            raise BadConfig(f"cannot listen on {address}", mend="choose another HOST:PORT for receive.grpc") from error
    return server


def _credentials(certificates: Certificates) -> grpc.ServerCredentials:
    """TLS 1.2 or newer, as gRPC has it, by the certificate of the moment of the handshake; of one address each."""
    given = certificates.pair

    def configuration() -> grpc.ServerCertificateConfiguration:
        return grpc.ssl_server_certificate_configuration([(given.key, given.cert)])

    def changed() -> Any:
        nonlocal given
        if certificates.pair is given:
            return None
        given = certificates.pair
        return configuration()

    return grpc.dynamic_ssl_server_credentials(configuration(), changed)


class _Methods(grpc.GenericRpcHandler):
    """What is served: method names and their handlers, which take and give raw bytes."""

    def __init__(self, config: Config, admission: Admission, door: Door) -> None:
        self._config = config
        self._admission = admission
        self._door = door
        self._by_tenant: dict[str, _Handlers] = {}
        self._handlers = self._of(DEFAULT_TENANT)

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Any:
        """The handler of a method; None for one that we do not know, which gRPC answers with UNIMPLEMENTED."""
        method = handler_call_details.method
        authorization = None
        for key, value in handler_call_details.invocation_metadata:
            if key == "authorization":
                authorization = str(value)
        if authorization is None and not self._door.needed:
            return self._handlers.get(method)
        try:
            return self._of(self._door.tenant_of(authorization)).get(method)
        except Refused as refused:
            signal = METHODS.get(method)
            return None if signal is None else _refusing(self._config, self._admission, signal, refused)

    def _of(self, tenant: str) -> _Handlers:
        """The handlers for what the tokens of a tenant send."""
        found = self._by_tenant.get(tenant)
        if found is None:
            if len(self._by_tenant) >= _MOST_TENANTS:
                self._by_tenant.clear()
            exports: dict[str, _Export] = {
                method: _export(self._config, self._admission, signal, tenant) for method, signal in METHODS.items()
            }
            exports[_PROFILES] = _no_profiles
            found = self._by_tenant[tenant] = {
                method: grpc.unary_unary_rpc_method_handler(export) for method, export in exports.items()
            }
        return found


def _export(config: Config, admission: Admission, signal: Signal, tenant: str) -> _Export:
    async def export(payload: bytes, context: Any) -> bytes:
        try:
            admitted = await admission.admit(signal, payload, tenant)
        except Refused as refused:
            await context.abort(*_refusal(config, admission, signal, refused))
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


def _refusing(config: Config, admission: Admission, signal: Signal, refused: Refused) -> Any:
    """A handler that refuses a call. To it the call is a stream, so that it does not wait for the message."""

    async def refuse(requests: Any, context: Any) -> bytes:
        del requests
        admission.refuse(signal, refused)
        await context.abort(*_refusal(config, admission, signal, refused))
        raise AssertionError("abort raises")

    return grpc.stream_unary_rpc_method_handler(refuse)


def _refusal(
    config: Config, admission: Admission, signal: Signal, refused: Refused
) -> tuple[grpc.StatusCode, str, tuple[tuple[str, bytes], ...]]:
    """Code, words and trailers that tell the sender why, and when to try again; the refusal is counted.

    Its caller aborts: a frame in between that has `refused` would keep the payload until Python collects it.
    """
    admission.counters.answer(signal, Protocol.GRPC, refused.reason)
    delay_ns = retry_delay_ns(config.receive, refused, _JITTER.random())
    trailers = [("grpc-status-details-bin", status(refused, delay_ns).SerializeToString())]
    if delay_ns is not None:  # where Python's exporter looks for it
        trailers.append(("google.rpc.retryinfo-bin", retry_info(delay_ns).SerializeToString()))
    return _CODES[ANSWERS[refused.reason].grpc], printable(str(refused)), tuple(trailers)


async def _no_profiles(_: bytes, context: Any) -> bytes:
    await context.abort(grpc.StatusCode.UNIMPLEMENTED, "profiles are not stored; send traces, metrics and logs")
    raise AssertionError("abort raises")
