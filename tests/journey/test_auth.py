"""A server that others reach: its first token, commands and clients with TLS, and who is kept out."""

import json
import re
import ssl
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from tests.certified import Certified, certified
from tests.running import AX, ENVIRON, Server, ax, running, until

PLAIN = {name: value for name, value in ENVIRON.items() if name not in {"REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"}}
"""By these variables `requests` trusts others than a stock exporter's own variable says."""
EVERYWHERE = ("--grpc", "0.0.0.0:0", "--http", "0.0.0.0:0", "--ui", "0.0.0.0:0")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Certified:
    """The server's certificate."""
    return certified(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, files: Certified) -> Iterator[Server]:
    """One that listens everywhere, with TLS."""
    settings = files.environ | {"AX_SERVE_HOSTS": "ax.example.com", "AX_RATE_REQUESTS": "10000"}
    with running(tmp_path_factory.mktemp("reached") / "data", *EVERYWHERE, environ=settings) as one:
        yield one


@pytest.fixture(scope="module")
def admin(server: Server) -> dict[str, str]:
    """The header of the first token."""
    return {"authorization": f"Bearer {server.token}"}


def url(server: Server) -> str:
    """Of the API, as this machine reaches it."""
    return server.ui.replace("0.0.0.0", "127.0.0.1")  # noqa: S104 - not bound


def trust(files: Certified) -> ssl.SSLContext:
    """As a client has it who trusts the authority."""
    return ssl.create_default_context(cafile=str(files.authority))


def ask(server: Server, files: Certified, path: str, **request: Any) -> httpx.Response:
    """An answer of the API."""
    method = request.pop("method", "GET")
    return httpx.request(method, f"{url(server)}{path}", verify=trust(files), trust_env=False, timeout=30, **request)


def told(data: Path, *arguments: str, code: int = 0, **environ: str) -> str:
    """What a command prints."""
    return ax(*arguments, "--data", data, code=code, environ=PLAIN | environ)


def refused(data: Path, *options: str, **environ: str) -> str:
    """What `ax serve` says that does not start."""
    command = [*AX, "serve", *options, "--data", str(data)]
    done = subprocess.run(command, capture_output=True, text=True, env=PLAIN | environ, timeout=120, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    return done.stderr


def clients(files: Certified, text: str) -> dict[str, str]:
    """What a client of OTLP is told: the token and the authority."""
    return {
        "OTEL_EXPORTER_OTLP_HEADERS": f"authorization=Bearer%20{text}",
        "OTEL_EXPORTER_OTLP_CERTIFICATE": str(files.authority),
    }


# ── The first token ───────────────────────────────────────────────────────────────────────────────────────────────


def test_the_first_start_makes_an_admin_token_and_prints_it_once(server: Server, files: Certified) -> None:
    assert server.token is not None
    assert re.fullmatch(r"ax_[\w-]{43}", server.token)
    path = server.data / "admin.token"
    assert (path.read_text().strip(), stat.S_IMODE(path.stat().st_mode)) == (server.token, 0o600)
    assert server.token not in server.log()
    assert server.ui.startswith("https://0.0.0.0:")
    assert server.http.startswith("https://0.0.0.0:")
    found = ask(server, files, "/api/session", headers={"authorization": f"Bearer {server.token}"})
    assert found.json() == {"name": "admin", "scopes": ["admin"], "tenant": None}


def test_a_second_start_makes_none_and_on_loopback_tokens_are_needed_where_it_is_said(tmp_path: Path) -> None:
    required = {"AX_AUTH": "required"}
    with running(tmp_path / "data", environ=required) as first:
        assert first.token is not None
        assert httpx.get(f"{first.ui}/api/health", trust_env=False).status_code == 401
        first.stop()
    with running(tmp_path / "data", environ=required) as second:
        assert second.token is None
        headers = {"authorization": f"Bearer {first.token}"}
        assert httpx.get(f"{second.ui}/api/health", headers=headers, trust_env=False, timeout=30).status_code == 200


def test_beyond_loopback_without_tls_it_does_not_start_and_with_the_word_it_asks_for_tokens(tmp_path: Path) -> None:
    said = refused(tmp_path / "data", *EVERYWHERE)
    assert "0.0.0.0 is reached from other machines, and there is no TLS; set tls.cert and tls.key" in said
    with running(tmp_path / "data", *EVERYWHERE, "--insecure-i-know") as server:
        assert server.token is not None
        assert "can be read on its way: there is no TLS" in server.log()
        assert httpx.get(f"{url(server)}/api/health", trust_env=False).status_code == 401


def test_a_key_that_everybody_may_read_is_refused(tmp_path: Path) -> None:
    files = certified(tmp_path / "tls")
    files.key.chmod(0o644)
    said = refused(tmp_path / "data", **files.environ)
    assert f"everybody on this machine may read {files.key}; chmod 600 {files.key}" in said
    alone = refused(tmp_path / "data", AX_TLS_CERT=str(files.cert))
    assert "tls.key is not set; set it beside tls.cert, or neither" in alone


# ── Commands and clients ──────────────────────────────────────────────────────────────────────────────────────────


def test_a_token_is_made_used_and_revoked_beside_a_running_server(server: Server, files: Certified) -> None:
    text = told(server.data, "token", "create", "shop", "--scope", "read,sql", "--expires", "90d")
    assert re.fullmatch(r"ax_[\w-]{43}\n", text), "nothing but the token, so that scripts can take it"
    headers = {"authorization": f"Bearer {text.strip()}"}
    assert ask(server, files, "/api/session", headers=headers).status_code == 200, "at once"
    (one,) = [one for one in json.loads(told(server.data, "token", "list", "--json")) if one["name"] == "shop"]
    assert (one["scopes"], one["tenant"], one["state"]) == (["read", "sql"], None, "holds")
    assert one["expires_at"] - one["created_at"] == 90 * 86_400 * 10**9
    assert text.strip() not in json.dumps(one)
    assert told(server.data, "token", "revoke", "shop") == "shop is revoked\n"
    assert ask(server, files, "/api/session", headers=headers).status_code == 401, "at once"
    assert "there is no token 'shop' that holds" in told(server.data, "token", "revoke", "shop", code=1)
    assert "revoked" in told(server.data, "token", "list")


def test_tokens_are_made_without_a_server_too(tmp_path: Path) -> None:
    made = json.loads(told(tmp_path, "token", "create", "acme", "--tenant", "acme", "--json"))
    assert made["token"].startswith("ax_")
    assert (made["name"], made["scopes"], made["tenant"]) == ("acme", ["ingest"], "acme")
    assert "there is a token acme already" in told(tmp_path, "token", "create", "acme", code=1)
    assert "choose from ingest, read, sql, admin" in told(tmp_path, "token", "create", "b", "--scope", "all", code=1)
    assert "cannot read '90 days' as a duration" in told(
        tmp_path, "token", "create", "b", "--expires", "90 days", code=1
    )


def test_doctor_finds_what_it_sends_with_a_token_or_the_admins(server: Server, files: Certified) -> None:
    text = told(server.data, "token", "create", "doctor", "--scope", "ingest,read").strip()
    for environ in (clients(files, text), {"OTEL_EXPORTER_OTLP_CERTIFICATE": str(files.authority)}):
        said = told(server.data, "doctor", **environ)
        assert said.count("found in ax.duckdb") == 6, said
        assert "✗" not in said
    said = told(server.data, "doctor", code=1)
    assert "name the file of its authority in OTEL_EXPORTER_OTLP_CERTIFICATE" in said
    assert "over grpc" not in said


def test_rows_are_of_the_tokens_tenant_in_every_table(server: Server, files: Certified) -> None:
    text = told(server.data, "token", "create", "acme", "--scope", "ingest,read", "--tenant", "acme").strip()
    program = (
        "import otel_ax; otel_ax.configure(service_name='rival'); from opentelemetry import trace\n"
        "with trace.get_tracer('t').start_as_current_span('claimed', attributes={'ax.tenant.id': 'rival'}): pass\n"
    )
    environ = clients(files, text) | {
        "OTEL_EXPORTER_OTLP_ENDPOINT": server.http.replace("0.0.0.0", "127.0.0.1"),  # noqa: S104 - not bound
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        "OTEL_RESOURCE_ATTRIBUTES": "ax.tenant.id=rival",
    }
    subprocess.run([sys.executable, "-c", program], env=PLAIN | environ, check=True, timeout=120)
    found = "SELECT tenant_id FROM spans WHERE name = 'claimed'"
    until(lambda: server.sql(found) != [], "stored", seconds=60)
    assert server.sql(found) == [("acme",)]
    assert list((server.data / "segments" / "spans").glob("tenant=acme"))
    assert not list((server.data / "segments" / "spans").glob("tenant=rival"))


# ── Who is kept out ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "ax.example.com.evil.example"])
def test_a_foreign_host_is_misdirected(server: Server, files: Certified, admin: dict[str, str], host: str) -> None:
    refused = ask(server, files, "/api/health", headers=admin | {"host": host})
    assert (refused.status_code, refused.json()["title"]) == (421, "this server is not known by that name")


def test_the_names_of_the_settings_and_addresses_are_ours(
    server: Server, files: Certified, admin: dict[str, str]
) -> None:
    for host in ("ax.example.com", "AX.EXAMPLE.COM:443", "127.0.0.1", "localhost"):
        assert ask(server, files, "/api/session", headers=admin | {"host": host}).status_code == 200


def live(server: Server, files: Certified, **headers: str) -> int:
    """How `/api/live` answers a WebSocket's upgrade: 101 is a connection."""
    address = f"{url(server).replace('https', 'wss')}/api/live"
    origin = headers.pop("origin", None)
    try:
        with connect(address, ssl=trust(files), origin=origin, additional_headers=headers, proxy=None):  # type: ignore[arg-type]
            return 101
    except InvalidStatus as refused:
        return refused.response.status_code


def test_a_websocket_needs_a_token_or_a_cookie_and_then_an_origin_of_ours(
    server: Server, files: Certified, admin: dict[str, str]
) -> None:
    assert live(server, files) == 401
    assert live(server, files, authorization="Bearer ax_x") == 401
    assert live(server, files, **admin) == 101
    assert live(server, files, **admin, origin="https://evil.example") == 403
    login = ask(server, files, "/api/session", method="POST", json={"token": server.token})
    assert "; HttpOnly" in login.headers["set-cookie"]
    assert "; Secure" in login.headers["set-cookie"]
    assert "; SameSite=strict" in login.headers["set-cookie"]
    cookie = login.headers["set-cookie"].partition(";")[0]
    ours = url(server)
    assert live(server, files, cookie=cookie, origin=ours) == 101
    assert live(server, files, cookie=cookie) == 403
    assert live(server, files, cookie=cookie, origin="https://evil.example") == 403
    assert live(server, files, cookie=cookie, origin="null") == 403


def test_a_change_from_another_sites_page_is_refused_whatever_cookie_it_carries(
    server: Server, files: Certified
) -> None:
    login = ask(server, files, "/api/session", method="POST", json={"token": server.token})
    cookie = {"cookie": login.headers["set-cookie"].partition(";")[0]}
    silence = {"by": "eve", "for": "1h", "matchers": ["alert=Eve"]}

    def change(**headers: str) -> int:
        return ask(server, files, "/api/silences", method="POST", json=silence, headers=cookie | headers).status_code

    assert change(origin="https://evil.example", **{"x-ax-request": "1"}) == 403
    assert change(origin=url(server)) == 403
    assert change(origin=url(server), **{"x-ax-request": "1"}) in {200, 201}
