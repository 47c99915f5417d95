"""Where notices may be sent: not to this machine, not into its network, unless its owner says so.

In: a host and a port. Out: a connection to the very address that was looked at, or `Blocked`.

A name is resolved once. What it resolves to is checked, and that address is connected to; the name is used only for
TLS and `Host`. So a name that resolves to something else a moment later (DNS rebinding) gains nothing.
"""

import ipaddress
import queue
import socket
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, TypeVar

from exporter.clock import SystemClock
from exporter.errors import AxError, BadConfig
from exporter.units import NS_PER_S

CONNECT_S: Final = 3.0
TOTAL_S: Final = 10.0
_TRIED: Final = 3
_EMBEDS: Final = tuple(
    ipaddress.IPv6Network(one) for one in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32")
)
"""IPv6 that is IPv4 in disguise: NAT64, 6to4, Teredo."""
_SPECIAL: Final = tuple(
    ipaddress.ip_network(one)
    for one in ("192.0.0.0/24", "192.88.99.0/24", "168.63.129.16/32", "2001::/23", "3fff::/20", "5f00::/16")
)
"""What Python takes for public and is not: protocols' own networks, and where machines of clouds learn who they are."""

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Connected = TypeVar("Connected")


class Blocked(AxError):
    """An address that notices may not be sent to."""


@dataclass(frozen=True, slots=True)
class Allowed:
    """What `alert.allow_private` names: hosts, lower-case, and networks."""

    hosts: frozenset[str] = frozenset()
    networks: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...] = ()

    def host(self, host: str) -> bool:
        """Whether a host is allowed by its name."""
        return host.lower().rstrip(".") in self.hosts

    def address(self, address: Address) -> bool:
        """Whether an address is in one of the networks."""
        return any(address in network for network in self.networks)


def allowed(names: Iterable[str]) -> Allowed:
    """Reads `alert.allow_private`. Raises `BadConfig`."""
    hosts, networks = set[str](), []
    for name in names:
        one = name.strip().strip("[]").lower()
        try:
            networks.append(ipaddress.ip_network(one, strict=False))
        except ValueError:
            if "/" in one or not one or any(character.isspace() for character in one):
                mend = "write hosts and networks, such as hooks.internal,10.1.0.0/16"
                raise BadConfig(f"alert.allow_private: cannot read {name!r}", mend=mend) from None
            hosts.add(one.rstrip("."))
    return Allowed(frozenset(hosts), tuple(networks))


def is_public(address: Address) -> bool:
    """Whether an address is somebody else's, out in the open: no loopback, private, shared, link-local, multicast."""
    if isinstance(address, ipaddress.IPv6Address) and (
        address.ipv4_mapped is not None
        or address.scope_id is not None
        or address.is_site_local
        or any(address in network for network in _EMBEDS)
    ):
        return False
    if any(address in network for network in _SPECIAL):
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved and not address.is_unspecified


class Hold:
    """The connections of one conversation, so that another thread can cut it off; from then on `was_cut`."""

    def __init__(self) -> None:
        self.was_cut = False
        self._sockets: list[socket.socket] = []
        self._lock = threading.Lock()

    def watch(self, connection: socket.socket) -> None:
        """Takes a duplicate: TLS takes the socket itself away, and a shutdown of either is one of both."""
        with self._lock:
            self._sockets.append(connection.dup())
            was_cut = self.was_cut
        if was_cut:
            self.cut()

    def cut(self) -> None:
        """Ends it; whoever waits in it gets an error at once."""
        with self._lock:
            self.was_cut = True
            for one in self._sockets:
                with suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Lets go of the duplicates."""
        with self._lock:
            for one in self._sockets:
                one.close()
            self._sockets.clear()


def connect(host: str, port: int, permitted: Allowed, dial: Callable[[str, int, float], Connected]) -> Connected:
    """What `dial` makes of an address that may be reached, its port and the seconds left of `CONNECT_S`.

    Raises `Blocked`, and the last error of `dial` where nobody is there.
    """
    clock = SystemClock()
    deadline = clock.monotonic() + int(CONNECT_S * NS_PER_S)
    failure: Exception = TimeoutError("no connection in time")
    for address in addresses(host, port, permitted)[:_TRIED]:
        left_s = (deadline - clock.monotonic()) / NS_PER_S
        if left_s <= 0:
            break
        try:
            return dial(str(address), port, left_s)
        except Exception as error:  # noqa: BLE001 (the next address may do; the last error is raised)
            failure = error
    raise failure


def addresses(host: str, port: int, permitted: Allowed) -> list[Address]:
    """What a host resolves to, as far as it may be connected to. Raises `Blocked` where nothing of it may."""
    found = [ipaddress.ip_address(one) for one in _resolved(host, port)]
    good = [one for one in found if is_public(one) or permitted.host(host) or permitted.address(one)]
    if not good:
        raise Blocked(
            f"{host} is not on the open internet", mend=f"if it is yours, add it to alert.allow_private: {host}"
        )
    return good


def permits_plain(host: str, permitted: Allowed) -> bool:
    """Whether http without TLS is fit for a host: only one that is named as yours."""
    if permitted.host(host):
        return True
    try:
        return permitted.address(ipaddress.ip_address(host))
    except ValueError:
        return False


def _resolved(host: str, port: int) -> list[str]:
    """`getaddrinfo`, which knows no timeout, within `CONNECT_S`."""
    answers: queue.SimpleQueue[list[str] | Exception] = queue.SimpleQueue()

    def ask() -> None:
        try:
            infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
            answers.put([str(info[4][0]) for info in infos])
        except (OSError, UnicodeError) as error:
            answers.put(error)

    threading.Thread(target=ask, name="resolve", daemon=True).start()
    try:
        answer = answers.get(timeout=CONNECT_S)
    except queue.Empty:
        raise TimeoutError("the name was not resolved in time") from None
    if isinstance(answer, Exception):
        raise OSError("the name does not resolve") from answer
    return answer
