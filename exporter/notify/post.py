"""One HTTP request to a service of somebody else's.

In: a request. Out: an answer of which only the status counts; never an exception, never a text of the service's.
"""

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

import httpcore

from exporter.notify import guard
from exporter.notify.answers import Answer, of_http
from exporter.notify.guard import Blocked, Hold
from exporter.notify.reach import PRODUCT, Reach

RESPONSE_BYTES: Final = 64 * 2**10
"""As much of an answer's body is read, and thrown away."""


@dataclass(frozen=True, slots=True)
class Request:
    """A POST; address, body and headers may hold secrets, so it is not shown."""

    url: str = field(repr=False)
    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


class _Backend(httpcore.SyncBackend):
    """Connects to addresses that were checked; TLS and `Host` go by the name all the same."""

    def __init__(self, reach: Reach, hold: Hold) -> None:
        self._reach = reach
        self._hold = hold

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """A stream to the address that the guard found good."""
        del timeout

        def dial(address: str, port: int, left_s: float) -> httpcore.NetworkStream:
            return super(_Backend, self).connect_tcp(address, port, left_s, local_address, socket_options)

        stream = guard.connect(host, port, self._reach.allowed, dial)
        self._hold.watch(stream.get_extra_info("socket"))
        return stream


def post(request: Request, reach: Reach, hold: Hold) -> Answer:
    """Sends it once, within `TOTAL_S`. Redirects are not followed, and no proxy of the environment is asked."""
    try:
        parts = urlsplit(request.url)
        host = parts.hostname or ""
    except ValueError:  # its text holds the address, which may hold a secret: it goes no further than here
        return Answer("refused", "not sent: the address cannot be read")
    if parts.scheme != "https" and not (parts.scheme == "http" and guard.permits_plain(host, reach.allowed)):
        return Answer("refused", "not sent: the address is not https, nor is its host in alert.allow_private")
    if not host:
        return Answer("refused", "not sent: the address names no host")
    if parts.username or parts.password:
        return Answer("refused", "not sent: the address holds a user and password")
    watchdog = threading.Timer(guard.TOTAL_S, hold.cut)
    watchdog.daemon = True
    watchdog.start()
    try:
        return _exchange(request, reach, hold)
    except Blocked as error:
        return Answer("refused", f"not sent: {error}")
    except (httpcore.ConnectTimeout, TimeoutError):
        return Answer("again", "no connection in time")
    except (httpcore.ConnectError, httpcore.UnsupportedProtocol, OSError) as error:
        return Answer("again", f"no connection: {_why(error)}", is_maybe=hold.was_cut)
    except (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError) as error:
        shown = (
            "no answer in time"
            if hold.was_cut or isinstance(error, httpcore.TimeoutException)
            else "the connection broke"
        )
        return Answer("again", shown, is_maybe=True)
    except (ValueError, TypeError):  # an address or a header that is none; it may hold a secret, so it is not shown
        return Answer("refused", "not sent: the address cannot be read")
    finally:
        watchdog.cancel()
        hold.close()


def _exchange(request: Request, reach: Reach, hold: Hold) -> Answer:
    own = {"Content-Type": "application/json", "User-Agent": PRODUCT, "Accept": "*/*", "Connection": "close"}
    limits = dict.fromkeys(("read", "write", "pool"), guard.TOTAL_S) | {"connect": guard.CONNECT_S}
    with (
        httpcore.ConnectionPool(ssl_context=reach.trust, network_backend=_Backend(reach, hold), retries=0) as pool,
        pool.stream(
            "POST",
            request.url,
            headers=list((own | dict(request.headers)).items()),
            content=request.body,
            extensions={"timeout": limits},
        ) as response,
    ):
        retry_after = {name.lower(): value for name, value in response.headers}.get(b"retry-after")
        _drain(response)
        return of_http(response.status, (retry_after or b"").decode("latin-1"), reach.clock.wall())


def _drain(response: httpcore.Response) -> None:
    """Reads on a little, so that the service is not cut off in its words; what it does then changes nothing."""
    left = RESPONSE_BYTES
    try:
        for part in response.iter_stream():
            left -= len(part)
            if left <= 0:
                return
    except (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError, OSError):
        return


def _why(error: BaseException) -> str:
    """The innermost reason, in our words."""
    reasons = {"CERTIFICATE_VERIFY_FAILED": "its certificate is not trusted"}
    said = str(error) or str(error.__cause__ or "")
    for mark, words in reasons.items():
        if mark in said:
            return words
    if "does not resolve" in said:
        return "its name does not resolve"
    return "refused" if "refused" in said.lower() else "unreachable"
