"""OTLP/HTTP: an ASGI application over the admission.

In: POST of protobuf or JSON, plain, gzip or deflate. Out: the response, or the refusal as google.rpc.Status, in the
encoding of the request. No CORS headers: no web page may send us anything.
"""

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from http import HTTPStatus
from random import SystemRandom
from typing import Any, Final

from google.protobuf import json_format
from google.rpc.code_pb2 import NOT_FOUND, UNIMPLEMENTED
from google.rpc.status_pb2 import Status

from exporter.auth import Door
from exporter.config import Config
from exporter.errors import ANSWERS, Reason, Refused
from exporter.receive.admit import Admission
from exporter.receive.answers import outcome, printable, response, retry_delay_ns, status
from exporter.receive.body import Gone, Message, Reader, Receive
from exporter.receive.counters import Outcome, Protocol
from exporter.receive.inflate import ENCODINGS, inflate
from exporter.receive.messages import PATHS
from exporter.receive.otlp_json import to_protobuf
from exporter.signals import Signal
from exporter.units import NS_PER_S

_PROTOBUF: Final = "application/x-protobuf"
_JSON: Final = "application/json"
_PROTOCOLS: Final[Mapping[str, Protocol]] = {_PROTOBUF: Protocol.HTTP_PROTOBUF, _JSON: Protocol.HTTP_JSON}
_PLAIN: Final = frozenset({"", "identity", "none"})
_INFLATED_AT_ONCE_BYTES: Final = 64 * 2**10
"""Larger bodies are inflated beside the event loop: 4 MiB take 50 ms."""
_PROFILES: Final = "/v1development/profiles"
_WHERE: Final = f"send OTLP to {', '.join(PATHS)}"

Send = Callable[[Message], Awaitable[None]]
_Headers = tuple[tuple[bytes, bytes], ...]

_EXTRA: Final[Mapping[Reason, _Headers]] = {
    Reason.UNAUTHENTICATED: ((b"www-authenticate", b"Bearer"),),
    Reason.UNSUPPORTED_MEDIA_TYPE: ((b"accept", ", ".join(_PROTOCOLS).encode()),),
    Reason.UNSUPPORTED_ENCODING: ((b"accept-encoding", ", ".join(sorted(ENCODINGS)).encode()),),
    Reason.TIMEOUT: ((b"connection", b"close"),),
}

_JITTER: Final = SystemRandom()
_log: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    message: Any
    headers: _Headers = ()


class OtlpHttp:
    """The application. It belongs to one event loop; what takes long is done in `beside`, which has one thread."""

    def __init__(self, config: Config, admission: Admission, door: Door, beside: Executor) -> None:
        """An application that is open until `close`."""
        self._door = door
        self._config = config
        self._admission = admission
        self._beside = beside
        self._reader = Reader(config.receive.read_timeout)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answers one request."""
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        media = headers.get("content-type", "").partition(";")[0].strip().lower()
        answer = await self._answer(scope["method"], scope["path"], media, headers, receive)
        if answer is None:
            return
        if media == _PROTOBUF:
            body = answer.message.SerializeToString()
        else:
            media = _JSON
            body = json_format.MessageToJson(answer.message, indent=None).encode()
        common = ((b"content-type", media.encode()), (b"content-length", b"%d" % len(body)))
        await send({"type": "http.response.start", "status": answer.status, "headers": [*common, *answer.headers]})
        await send({"type": "http.response.body", "body": body})

    def close(self) -> None:
        """Refuses what is not read whole yet; the admission is closed before."""
        self._reader.close()

    async def _answer(
        self, method: str, path: str, media: str, headers: Mapping[str, str], receive: Receive
    ) -> _Answer | None:
        """None where nobody waits for an answer any more."""
        signal = PATHS.get(path)
        if signal is None:
            what = "profiles are not stored" if path == _PROFILES else f"there is nothing at {printable(path)}"
            return _Answer(HTTPStatus.NOT_FOUND, Status(code=NOT_FOUND, message=f"{what}; {_WHERE}"))
        if method != "POST":
            message = f"there is no {method} in OTLP; send POST"
            allow = ((b"allow", b"POST"),)
            return _Answer(HTTPStatus.METHOD_NOT_ALLOWED, Status(code=UNIMPLEMENTED, message=message), allow)
        counters = self._admission.counters
        protocol = _PROTOCOLS.get(media, Protocol.HTTP_PROTOBUF)
        try:
            tenant = self._tenant(signal, headers)
            payload = await self._payload(signal, media, headers, receive)
            admitted = await self._admission.admit(signal, payload, tenant)
        except Gone:
            counters.answer(signal, protocol, Outcome.CANCELLED)
            return None
        except Refused as refused:
            counters.answer(signal, protocol, refused.reason)
            return self._refusal(refused)
        counters.answer(signal, protocol, outcome(admitted))
        return _Answer(HTTPStatus.OK, response(signal, admitted))

    def _refusal(self, refused: Refused) -> _Answer:
        delay_ns = retry_delay_ns(self._config.receive, refused, _JITTER.random())
        headers = _EXTRA.get(refused.reason, ())
        if delay_ns is not None:
            headers = (*headers, (b"retry-after", b"%d" % max(1, math.ceil(delay_ns / NS_PER_S))))
        return _Answer(ANSWERS[refused.reason].http, status(refused, delay_ns), headers)

    def _tenant(self, signal: Signal, headers: Mapping[str, str]) -> str:
        """Whose data it is; raises `Refused`, which is counted."""
        try:
            _check_origin(headers)
            return self._door.tenant_of(headers.get("authorization"))
        except Refused as refused:
            self._admission.refuse(signal, refused)
            raise

    async def _payload(self, signal: Signal, media: str, headers: Mapping[str, str], receive: Receive) -> bytes:
        """The request in protobuf; raises `Refused`, which is counted, and `Gone`."""
        try:
            return await self._read(signal, media, headers, receive)
        except Refused as refused:
            self._admission.refuse(signal, refused)
            raise
        except Gone:
            raise
        except Exception as error:
            _log.exception("cannot read a request")
            raise self._admission.fail(signal, error) from error

    async def _read(self, signal: Signal, media: str, headers: Mapping[str, str], receive: Receive) -> bytes:
        limits = self._config.limits
        if media not in _PROTOCOLS:
            message = f"cannot read Content-Type {printable(media)!r}"
            raise Refused(Reason.UNSUPPORTED_MEDIA_TYPE, message, mend=f"send {' or '.join(_PROTOCOLS)}")
        encoding = headers.get("content-encoding", "").strip().lower()
        if encoding not in ENCODINGS | _PLAIN:
            message = f"cannot read Content-Encoding {printable(encoding)!r}"
            raise Refused(Reason.UNSUPPORTED_ENCODING, message, mend=f"send {', '.join(sorted(ENCODINGS))} or none")
        setting = "request_bytes" if encoding in _PLAIN else "compressed_bytes"
        most_bytes: int = getattr(limits, setting)
        with self._admission.hold() as held:
            body = None
            if int(headers.get("content-length", "0")) <= most_bytes:
                body = await self._reader.read(receive, held, most_bytes)
            if body is None:
                message = f"the body has more than {most_bytes} bytes"
                raise Refused(Reason.TOO_LARGE, message, mend=f"send smaller batches, or raise limits.{setting}")
            if encoding in ENCODINGS:
                body = await self._inflated(body, encoding)
                held.take(len(body))
            if media == _JSON:
                self._admission.check_open()
                body = await asyncio.get_running_loop().run_in_executor(self._beside, to_protobuf, signal, body)
                if len(body) > limits.request_bytes:  # numbers of a digit or two are larger in protobuf
                    message = f"the request has more than {limits.request_bytes} bytes in protobuf"
                    mend = "send smaller batches, or raise limits.request_bytes"
                    raise Refused(Reason.TOO_LARGE, message, mend=mend)
            return body

    async def _inflated(self, body: bytes, encoding: str) -> bytes:
        limits = self._config.limits
        if len(body) <= _INFLATED_AT_ONCE_BYTES:
            return inflate(body, encoding, limits)
        return await asyncio.get_running_loop().run_in_executor(self._beside, inflate, body, encoding, limits)


def _check_origin(headers: Mapping[str, str]) -> None:
    """Refuses web pages: browsers send an Origin, programs do not; a page that reaches us does so by DNS rebinding."""
    if "origin" in headers and "authorization" not in headers:
        raise Refused(Reason.FORBIDDEN, "web pages may not send data", mend="send it from a program, or with a token")
