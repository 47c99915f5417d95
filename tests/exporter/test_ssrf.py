"""Where notices may not be sent, with real sockets: nothing of ours is reached unless its owner says so."""

import ipaddress
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from exporter.clock import SystemClock
from exporter.errors import BadConfig
from exporter.notify import guard
from exporter.notify.answers import Answer
from exporter.notify.guard import Allowed, Blocked, Hold, allowed, is_public
from exporter.notify.post import Request, post
from exporter.notify.reach import Reach
from tests.sinks import Reply, Trust, http_sink


def send(url: str, permitted: Allowed | None = None, trust: Trust | None = None) -> Answer:
    parts = {"trust": trust.client} if trust is not None else {}
    return post(Request(url, b"{}"), Reach({}, SystemClock(), print, permitted or Allowed(), **parts), Hold())


@contextmanager
def names(monkeypatch: pytest.MonkeyPatch, answers: Callable[[str, int], list[str]]) -> Iterator[None]:
    """A DNS of the test's own: what `getaddrinfo` says, call by call."""
    calls = 0
    real = socket.getaddrinfo

    def resolved(host: str, port: int, *about: Any, **more: Any) -> list[Any]:
        nonlocal calls
        found = [each for one in answers(host, calls) for each in real(one, port, *about, **more)]
        calls += 1
        return found

    with monkeypatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", resolved)
        yield


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.9.9.9",
        "0.0.0.0",  # noqa: S104 (it is this machine)
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",  # a cloud's credentials
        "100.64.0.1",  # shared, behind a carrier's NAT
        "100.127.255.255",
        "192.0.2.1",
        "198.18.0.1",
        "224.0.0.1",
        "239.255.255.250",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "fe80::1",
        "fe80::1%1",
        "fc00::1",
        "fd12:3456::1",
        "fec0::1",
        "ff02::1",
        "2001:db8::1",
        "::ffff:127.0.0.1",
        "::ffff:8.8.8.8",  # an address of the open internet that is written so has something to hide
        "64:ff9b::7f00:1",
        "64:ff9b:1::a00:1",
        "2002:7f00:1::",
        "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    ],
)
def test_an_address_that_is_not_on_the_open_internet_is_refused(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "100.63.255.255", "172.32.0.1", "2606:4700::1111"])
def test_an_address_of_the_open_internet_is_taken(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "127.1", "0x7f.0.0.1", "2130706433", "0177.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "0"],
)
def test_this_machine_is_not_reached_however_it_is_written(host: str) -> None:
    with http_sink() as sink:
        answer = send(f"https://{host}:{sink.port}/")
        assert answer.outcome != "taken"
        assert not sink.got


def test_a_host_that_is_allowed_is_reached_by_its_name_alone() -> None:
    with http_sink() as sink:
        assert send(sink.url, allowed(["127.0.0.1"])).outcome == "taken"
        assert send(f"http://localhost:{sink.port}/", allowed(["localhost"])).outcome == "taken"
        assert send(sink.url, allowed(["localhost"])).outcome == "refused"
        assert send(sink.url, allowed(["10.0.0.0/8"])).outcome == "refused"
        assert len(sink.got) == 2


def test_http_without_tls_goes_only_to_hosts_that_are_named() -> None:
    answer = send("http://hooks.example.com/x", allowed(["127.0.0.1"]))
    assert answer.outcome == "refused"
    assert "https" in answer.status


@pytest.mark.parametrize(
    "url", ["ftp://example.com/", "file:///etc/passwd", "gopher://127.0.0.1/", "https://", "x", ""]
)
def test_other_schemes_are_refused(url: str) -> None:
    assert send(url, allowed(["127.0.0.1"])).outcome == "refused"


def test_a_name_is_resolved_once_and_that_address_is_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """DNS rebinding: the first answer is good, each later one is this machine."""
    with http_sink() as sink, names(monkeypatch, lambda _, calls: ["192.0.2.7"] if calls == 0 else ["127.0.0.1"]):
        with monkeypatch.context() as patch:
            patch.setattr(guard, "CONNECT_S", 0.3)
            answer = send(f"https://hooks.example.com:{sink.port}/", allowed(["192.0.2.0/24"]))
        assert answer.outcome == "again"  # nobody is at 192.0.2.7
        assert not sink.got


def test_a_name_that_resolves_to_both_is_connected_to_what_is_good_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    with names(monkeypatch, lambda *_: ["10.0.0.1", "8.8.8.8", "::1"]):
        assert [str(one) for one in guard.addresses("both.example.com", 443, Allowed())] == ["8.8.8.8"]
    with names(monkeypatch, lambda *_: ["10.0.0.1", "::1"]), pytest.raises(Blocked, match="allow_private"):
        guard.addresses("inner.example.com", 443, Allowed())


def test_tls_and_host_go_by_the_name_though_the_address_is_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    trust = Trust("hooks.example.com")
    with http_sink(trust=trust) as sink, names(monkeypatch, lambda *_: ["127.0.0.1"]):
        asked: list[str] = []
        trust.server.sni_callback = lambda _socket, name, _context: asked.append(name)
        url = f"https://hooks.example.com:{sink.port}/x"
        assert send(url, allowed(["127.0.0.1"]), trust).outcome == "taken"
        assert sink.got[0].headers["host"] == f"hooks.example.com:{sink.port}"
        assert asked == ["hooks.example.com"]


def test_a_certificate_of_another_name_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    trust = Trust("other.example.com")
    with http_sink(trust=trust) as sink, names(monkeypatch, lambda *_: ["127.0.0.1"]):
        answer = send(f"https://hooks.example.com:{sink.port}/x", allowed(["127.0.0.1"]), trust)
        assert (answer.outcome, answer.status) == ("again", "no connection: its certificate is not trusted")
        assert not sink.got


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(status: int) -> None:
    with http_sink() as inner, http_sink(Reply(status, {"Location": inner.url})) as outer:
        answer = send(outer.url, allowed(["127.0.0.1"]))
        assert answer.outcome == "refused"
        assert str(status) in answer.status
        assert len(outer.got) == 1
        assert not inner.got


def test_no_proxy_of_the_environment_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    with http_sink() as proxy, http_sink() as sink:
        for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "https_proxy"):
            monkeypatch.setenv(name, proxy.url)
        assert send(sink.url, allowed(["127.0.0.1"])).outcome == "taken"
        assert not proxy.got


def test_a_user_and_password_in_the_address_are_refused_and_not_shown() -> None:
    answer = send("https://ada:s3cret@hooks.example.com/x")
    assert answer.outcome == "refused"
    assert "s3cret" not in answer.status


def test_a_resolver_that_hangs_is_waited_for_three_seconds_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    released = threading.Event()

    def hangs(*_: object, **__: object) -> list[Any]:
        released.wait(30)
        return []

    with monkeypatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", hangs)
        patch.setattr(guard, "CONNECT_S", 0.2)
        assert send("https://slow.example.com/").status == "no connection in time"
        released.set()


@pytest.mark.parametrize("name", ["", "10.0.0.0/99", "a b"])
def test_what_cannot_be_read_in_allow_private_is_said(name: str) -> None:
    with pytest.raises(BadConfig, match="allow_private"):
        allowed([name])
