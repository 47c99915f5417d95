"""Where an endpoint listens.

In: HOST:PORT. Out: bound sockets; `localhost` is 127.0.0.1 and, where the machine has it, ::1, on one port.
"""

import errno
import ipaddress
import socket
from collections.abc import Sequence
from typing import Final

from exporter.config import LOOPBACK
from exporter.errors import BadConfig

_TRIES: Final = 20
_MOST_PORT: Final = 65_535
_NO_IPV6: Final = frozenset({errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT})


def bind(setting: str, endpoint: str, *, beyond_loopback: bool) -> list[socket.socket]:
    """Bound sockets for `endpoint`, which is the value of `setting`; they do not listen yet, IPv4 comes first.

    Port 0 becomes a free one, the same for all. Raises `BadConfig`: for what is no HOST:PORT, for a host beyond
    loopback unless `beyond_loopback`, and where the port cannot be had.
    """
    host, port = split(setting, endpoint)
    hosts = ["127.0.0.1", "::1"] if host == LOOPBACK else [host]
    if not beyond_loopback and not is_loopback(host):
        raise BadConfig(
            f"{setting} is {endpoint!r}, which others can reach, and there is no TLS",
            mend="set tls.cert and tls.key, use localhost, or add --insecure-i-know where the network is yours",
        )
    for _ in range(_TRIES):
        try:
            return _bind_all(hosts, port)
        except OSError as error:
            if port == 0 and error.errno == errno.EADDRINUSE:
                continue  # what was free on 127.0.0.1 is taken on ::1
            reason = "something listens there already" if error.errno == errno.EADDRINUSE else str(error)
            raise BadConfig(
                f"cannot listen on {endpoint} ({setting}): {reason}", mend="stop that, or choose another HOST:PORT"
            ) from error
    raise BadConfig(f"found no port for {setting} that is free on 127.0.0.1 and on ::1", mend="name one")


def name_of(bound: socket.socket) -> str:
    """HOST:PORT of a bound socket."""
    host, port = bound.getsockname()[:2]
    return f"[{host}]:{port}" if bound.family == socket.AF_INET6 else f"{host}:{port}"


def split(setting: str, endpoint: str) -> tuple[str, int]:
    """Host, without brackets, and port of `endpoint`; raises `BadConfig` for what is no HOST:PORT."""
    host, _, port = endpoint.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        host = ""  # an IPv6 address goes in brackets
    if not host or not (port.isascii() and port.isdecimal() and int(port) <= _MOST_PORT):
        raise BadConfig(
            f"cannot read {setting} {endpoint!r}", mend="write HOST:PORT, such as localhost:4317 or [::1]:4317"
        )
    return host, int(port)


def is_loopback(host: str) -> bool:
    """Whether `host` is an address that only this machine reaches, or `localhost`."""
    if host == LOOPBACK:
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:  # another name, which may come to mean another machine
        return False


def _bind_all(hosts: Sequence[str], port: int) -> list[socket.socket]:
    bound: list[socket.socket] = []
    try:
        for host in hosts:
            try:
                bound.append(_bind(host, bound[0].getsockname()[1] if bound else port))
            except OSError as error:
                if not bound or error.errno not in _NO_IPV6:
                    raise
    except OSError:
        for one in bound:
            one.close()
        raise
    return bound


def _bind(host: str, port: int) -> socket.socket:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    family, kind, protocol, _, address = found[0]
    bound = socket.socket(family, kind, protocol)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # connections that linger do not hold the port
        if family == socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        bound.bind(address)
    except OSError:
        bound.close()
        raise
    return bound
