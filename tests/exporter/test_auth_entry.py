"""Who may ask the API: tokens, browsers' sessions, rates; the application itself, without a socket."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from exporter.api import create
from exporter.api.guard import Hosts
from exporter.api.rate import Buckets
from exporter.auth import Doors
from exporter.clock import SystemClock
from exporter.config import Config, Serve
from exporter.units import NS_PER_S
from tests.certified import certified, revoke, token

NOW = 1_800_000_000 * NS_PER_S
OURS = {"x-ax-request": "1"}


class Still(SystemClock):
    """A clock by which no time goes by, however slow the machine is."""

    def monotonic(self) -> int:
        """Always the same."""
        return NOW


class Api:
    """The application on a directory: with tokens needed, unless it is told otherwise."""

    def __init__(self, data: Path, **settings: Any) -> None:
        self.data = data
        config = Config.model_validate({"data": data, "auth": "required", **settings})
        self.doors = Doors.open(config, SystemClock())
        self.app: FastAPI = create(config, Still(), "test", doors=self.doors)
        self.url = "http://localhost:4319" if config.tls.cert is None else "https://localhost:4319"

    def ask(self, path: str, method: str = "GET", *, peer: str = "127.0.0.1", **request: Any) -> httpx.Response:
        """An answer to somebody at the address `peer`."""

        async def asked() -> httpx.Response:
            transport = httpx.ASGITransport(self.app, client=(peer, 1))
            async with httpx.AsyncClient(transport=transport, base_url=self.url) as client:
                return await client.request(method, path, **request)

        return asyncio.run(asked())

    def token(self, name: str, *scopes: str, tenant: str | None = None) -> dict[str, str]:
        """The headers of a new token, which is known."""
        text = token(self.data, name, *scopes, tenant=tenant)
        self.doors.refresh()
        return {"authorization": f"Bearer {text}"}

    def login(self, headers: dict[str, str], **request: Any) -> httpx.Response:
        """The answer to the token in such headers."""
        text = headers["authorization"].partition(" ")[2]
        return self.ask("/api/session", "POST", json={"token": text}, **request)


def cookie_of(answer: httpx.Response) -> dict[str, str]:
    """What a browser sends after that answer."""
    return {"cookie": answer.headers["set-cookie"].partition(";")[0]}


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """One for all."""
    made = Api(tmp_path_factory.mktemp("data"))
    yield made
    made.doors.known.close()


# ── Tokens ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "path", ["/api/health", "/api/openapi.json", "/metrics", "/api/nothing", "/api/session", "/none"]
)
def test_without_a_token_nothing_is_told_of_but_that_the_server_lives(api: Api, path: str) -> None:
    answer = api.ask(path)
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["title"] == "a token is needed here"
    assert answer.json()["mend"].startswith("make one with `ax token create NAME`")
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_probes_need_no_token_and_are_told_no_details(api: Api) -> None:
    assert (api.ask("/healthz").status_code, api.ask("/healthz").text) == (200, "ok")
    assert api.ask("/readyz").status_code == 503
    assert api.ask("/readyz").json() == {"ready": False, "waiting_for": []}
    assert api.ask("/readyz", headers=api.token("prober", "read")).json()["waiting_for"]


def test_a_token_is_who_it_is_and_may_do_what_its_scopes_say(api: Api) -> None:
    reader, admin = api.token("reader", "read", tenant="acme"), api.token("root", "admin")
    assert api.ask("/api/session", headers=reader).json() == {"name": "reader", "scopes": ["read"], "tenant": "acme"}
    assert api.ask("/api/session", headers=admin).json() == {"name": "root", "scopes": ["admin"], "tenant": None}
    refused = api.ask("/api/sql", "POST", headers=reader, json={"query": "select 1"})
    assert (refused.status_code, refused.json()["mend"]) == (403, "use one with the scope sql")


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER "])
def test_a_token_that_is_revoked_is_unknown_by_the_next_look(api: Api, scheme: str) -> None:
    name = f"short-{len(scheme)}-{scheme[0]}{scheme[1]}"
    headers = {"authorization": api.token(name, "read")["authorization"].replace("Bearer", scheme)}
    assert api.ask("/api/session", headers=headers).status_code == 200
    revoke(api.data, name)
    api.doors.refresh()
    answer = api.ask("/api/session", headers=headers)
    assert (answer.status_code, answer.json()["title"]) == (401, "the token is unknown, was revoked or has expired")


def test_a_token_in_the_url_is_not_read(api: Api) -> None:
    text = api.token("url", "read")["authorization"].partition(" ")[2]
    for name in ("token", "access_token", "authorization"):
        assert api.ask(f"/api/session?{name}={text}").status_code == 401


def test_on_loopback_everybody_is_let_in_but_who_presents_what_does_not_hold(tmp_path: Path) -> None:
    api = Api(tmp_path, auth="auto")
    assert api.ask("/api/session").json()["name"] == "loopback"
    assert api.ask("/api/session", headers={"cookie": "ax_session=old"}).json()["name"] == "loopback"
    assert api.ask("/api/session", headers={"authorization": "Bearer ax_x"}).status_code == 401
    assert api.ask("/api/session", headers=api.token("a", "read")).json()["name"] == "a"


# ── Browsers ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_browser_logs_in_asks_and_logs_out(api: Api) -> None:
    answer = api.login(api.token("browser", "admin"), peer="10.1.0.1")
    assert (answer.status_code, answer.json()["name"]) == (200, "browser")
    flags = {flag.strip().lower() for flag in answer.headers["set-cookie"].split(";")[1:]}
    assert flags == {"httponly", "samesite=strict", "path=/", "max-age=43200"}
    cookie = cookie_of(answer)
    assert "ax_" not in cookie["cookie"].partition("=")[2], "it is not the token"
    assert api.ask("/api/session", headers=cookie).json()["name"] == "browser"
    assert api.ask("/api/session", "DELETE", headers=cookie).status_code == 403
    ended = api.ask("/api/session", "DELETE", headers=cookie | OURS)
    assert (ended.status_code, 'ax_session="";' in ended.headers["set-cookie"]) == (204, True)
    assert api.ask("/api/session", headers=cookie).status_code == 401


def test_with_tls_the_cookie_is_for_this_server_and_tls_alone(tmp_path: Path) -> None:
    files = certified(tmp_path / "tls")
    api = Api(tmp_path / "data", tls={"cert": files.cert, "key": files.key})
    answer = api.login(api.token("a", "read"))
    assert answer.headers["set-cookie"].startswith("__Host-ax_session=")
    assert "; Secure" in answer.headers["set-cookie"]
    assert api.ask("/api/session", headers=cookie_of(answer)).json()["name"] == "a"


def test_a_change_that_a_cookie_asks_for_needs_a_header_that_no_other_page_can_send(api: Api) -> None:
    cookie = cookie_of(api.login(api.token("changer", "admin"), peer="10.1.0.2"))
    silence = {"by": "eve", "for": "1h", "matchers": ["alert=Eve"]}
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        refused = api.ask("/api/silences", method, headers=cookie, json=silence)
        assert refused.status_code == 403
        assert refused.json()["title"] == "a change that a cookie asks for needs the header X-Ax-Request"
    assert api.ask("/api/silences", "POST", headers=cookie | OURS, json=silence).status_code == 503  # no loop here
    assert api.ask("/api/session", headers=cookie).status_code == 200


def test_a_session_ends_with_its_token(api: Api) -> None:
    cookie = cookie_of(api.login(api.token("ended", "read"), peer="10.1.0.3"))
    revoke(api.data, "ended")
    api.doors.refresh()
    assert api.ask("/api/session", headers=cookie).status_code == 401


def test_logins_are_few_and_wrong_ones_say_so(api: Api) -> None:
    wrong = {"authorization": "Bearer ax_guess"}
    answers = [api.login(wrong, peer="10.1.0.4") for _ in range(6)]
    assert [one.status_code for one in answers] == [401] * 5 + [429]
    assert answers[0].json()["title"] == "the token is unknown, was revoked or has expired"
    assert answers[5].json()["title"] == "too many logins were tried from here"
    assert 1 <= int(answers[5].headers["retry-after"]) <= 10
    assert api.login(api.token("else", "read"), peer="10.1.0.5").status_code == 200, "elsewhere they are not"
    assert api.ask("/api/session", "POST", peer="10.1.0.6", json={"token": "x" * 300}).status_code == 400


# ── Rates ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_who_asks_too_often_is_told_when_to_come_back_and_nobody_else_is(tmp_path: Path) -> None:
    api = Api(tmp_path, rate={"requests": 1, "burst": 3})
    one, other = api.token("one", "read"), api.token("other", "read")
    answers = [api.ask("/api/session", headers=one) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert answers[3].headers["retry-after"] == "1"
    assert answers[3].headers["content-type"] == "application/problem+json"
    said = {"title": "at most 1 a second are answered", "status": 429, "mend": "wait 1 s, or raise rate.requests"}
    assert answers[3].json() == {**said, "retryable": True}
    assert api.ask("/api/session", headers=other).status_code == 200
    peers = ["10.0.0.1"] * 4 + ["10.0.0.2", "2001:db8::1", "2001:db8::2", "2001:db8::3", "2001:db8::4"]
    assert [api.ask("/api/session", peer=peer).status_code for peer in peers] == [401] * 3 + [429] + [401] * 4 + [429]


def test_buckets_let_a_burst_pass_and_then_so_many_a_second_and_remember_no_more_than_they_may() -> None:
    buckets = Buckets(10, 3, most=2)
    assert [buckets.take("a", NOW) for _ in range(4)] == [0, 0, 0, NS_PER_S // 10]
    assert buckets.take("b", NOW) == 0
    assert [buckets.take("a", NOW + NS_PER_S // 10) for _ in range(2)] == [0, NS_PER_S // 10]
    buckets.take("c", NOW)
    assert len(buckets) == 2
    assert [buckets.take("a", NOW + 3_600 * NS_PER_S) for _ in range(4)][-1] > 0, "a bucket holds a burst at most"


# ── Hosts ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_beyond_loopback_a_host_is_one_of_ours_or_an_address() -> None:
    here = Hosts.of(Serve())
    assert here == Hosts()
    hosts = ("localhost:1", "[::1]", "10.0.0.5", "evil.example")
    assert [here.have(host) for host in hosts] == [True, True, False, False]
    there = Hosts.of(Serve(ui="0.0.0.0:4319", hosts=("ax.example.com",)))
    ours = ("AX.example.com:4319", "10.0.0.5:4319", "[fe80::1]:1", "127.0.0.1", "localhost")
    assert all(there.have(host) for host in ours)
    assert not any(there.have(host) for host in ("evil.example", "ax.example.com.evil.example", "", "10.0.0.5.evil"))


def test_a_name_that_is_not_ours_is_misdirected_even_with_a_token(tmp_path: Path) -> None:
    api = Api(tmp_path, serve={"hosts": ("ax.example.com",)}, auth="auto")
    reader = api.token("a", "read")
    assert api.ask("/api/session", headers=reader | {"host": "ax.example.com"}).status_code == 200
    refused = api.ask("/api/session", headers=reader | {"host": "evil.example"})
    assert (refused.status_code, refused.json()["title"]) == (421, "this server is not known by that name")
    assert refused.json()["mend"] == "ask by one of its own, or add it to serve.hosts"
    assert api.ask("/api/session").status_code == 401, "who names hosts is reached by others"
