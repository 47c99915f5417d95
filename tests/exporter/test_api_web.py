"""How the dashboard is handed out: which paths it answers, in which form, with which headers; without a socket."""

import asyncio
import re
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from fastapi import FastAPI

from exporter.api import create
from exporter.api.guard import Guard, Hosts
from exporter.api.web import Built, Web, built
from exporter.api.weights import weights
from exporter.clock import SystemClock
from exporter.config import Config, Rate

INDEX: Final = '<meta property="csp-nonce" nonce="%NONCE%"><script src="/assets/app.js"></script>'
NAVIGATING: Final = {"accept": "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"}


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    """As Vite leaves it, with what nobody should see beside it."""
    assets = tmp_path / "dist" / "assets"
    assets.mkdir(parents=True)
    (tmp_path / "secret.js").write_text("secret")
    (assets / "linked.js").symlink_to(tmp_path / "secret.js")
    for name, text in {"app.js": "raw", "app.js.br": "packed by br", "app.js.gz": "by gzip", "a.css": "style"}.items():
        (assets / name).write_text(text)
    (tmp_path / "dist" / "index.html").write_text(INDEX)
    (tmp_path / "dist" / "icon.svg").write_text("<svg/>")
    (tmp_path / "dist" / "sources.sha256").write_text("0")
    return tmp_path / "dist"


@pytest.fixture
def app(dist: Path) -> Guard:
    """The dashboard before an application that knows nothing, under the guard."""
    return Guard(Web(FastAPI(openapi_url=None), built=built(dist)), hosts=Hosts())


def ask(app: Any, path: str, method: str = "GET", **headers: str) -> httpx.Response:
    async def asked() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost:4319") as client:
            request = httpx.Request(method, "http://localhost:4319/", headers={"host": "localhost:4319", **headers})
            request.url = request.url.copy_with(raw_path=path.encode())  # as it is written, dots and all
            return await client.send(request)

    return asyncio.run(asked())


# ── Pages ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "path", ["/", "/traces", "/traces/0af7651916cd43dd8448eb211c80319c", "/calls?range=1h", "/index.html", "/apis"]
)
def test_each_path_that_is_not_the_servers_is_a_page(app: Guard, path: str) -> None:
    answer = ask(app, path, **NAVIGATING)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "/assets/app.js" in answer.text


@pytest.mark.parametrize(
    "path", ["/api", "/api/none", "/metrics/none", "/healthz/none", "/readyz/", "/assets/none.js", "//evil.example/"]
)
def test_what_is_the_servers_is_no_page(app: Guard, path: str) -> None:
    assert ask(app, path, **NAVIGATING).status_code == 404


@pytest.mark.parametrize("accept", ["*/*", "application/json", "text/html;q=0, */*", "image/avif,*/*;q=0.8", ""])
def test_a_program_that_asks_for_what_is_not_there_is_told_so(app: Guard, accept: str) -> None:
    assert ask(app, "/none", accept=accept).status_code == 404
    assert ask(app, "/", accept=accept).status_code == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_pages_are_only_read(app: Guard, method: str) -> None:
    assert ask(app, "/traces", method, **NAVIGATING).status_code in {404, 405}


def test_each_page_has_a_nonce_of_its_own_for_styles_and_for_nothing_else(app: Guard) -> None:
    seen = set()
    for _ in range(20):
        answer = ask(app, "/", **NAVIGATING)
        (nonce,) = re.findall(r'nonce="([\w-]{22})"', answer.text)
        rules = dict(one.split(" ", 1) for one in answer.headers["content-security-policy"].split("; ") if " " in one)
        assert rules["style-src"] == f"'self' 'nonce-{nonce}'"
        assert [name for name, value in rules.items() if "nonce" in value or "unsafe" in value] == ["style-src"]
        assert (rules["default-src"], rules["script-src"]) == ("'none'", "'self'")
        seen.add(nonce)
    assert len(seen) == 20


def test_a_page_is_kept_by_nobody_and_shut_in(app: Guard) -> None:
    headers = ask(app, "/", **NAVIGATING).headers
    assert headers.get_list("content-security-policy") == [headers["content-security-policy"]]
    assert (headers["cache-control"], headers["x-frame-options"]) == ("no-store", "DENY")
    assert headers["cross-origin-opener-policy"] == headers["cross-origin-resource-policy"] == "same-origin"
    assert {"camera=()", "microphone=()", "geolocation=()"} <= set(headers["permissions-policy"].split(", "))
    assert (headers["x-content-type-options"], headers["referrer-policy"]) == ("nosniff", "no-referrer")


def test_head_tells_of_a_page_without_it(app: Guard) -> None:
    for path in ("/", "/assets/app.js"):
        told, whole = ask(app, path, "HEAD", **NAVIGATING), ask(app, path, **NAVIGATING)
        assert (told.status_code, told.content) == (200, b"")
        assert told.headers["content-length"] == str(len(whole.content))


# ── What pages are made of ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("accepted", "encoding", "text"),
    [
        ("gzip, deflate, br, zstd", "br", "packed by br"),
        ("gzip", "gzip", "by gzip"),
        ("br;q=0, gzip;q=0.5", "gzip", "by gzip"),
        ("*", "br", "packed by br"),
        ("identity", None, "raw"),
        ("", None, "raw"),
    ],
)
def test_a_script_comes_as_the_browser_can_read_it_and_is_kept_for_a_year(
    dist: Path, accepted: str, encoding: str | None, text: str
) -> None:
    headers, body = Web(FastAPI(), built=built(dist))._answer(  # noqa: SLF001 - httpx would unpack it
        {"path": "/assets/app.js", "headers": [(b"accept-encoding", accepted.encode())]}
    ) or ([], b"")
    told = dict(headers)
    assert (told.get(b"content-encoding", b"").decode() or None, body.decode()) == (encoding, text)
    assert told[b"content-type"] == b"text/javascript; charset=utf-8"
    assert told[b"cache-control"] == b"public, max-age=31536000, immutable"
    assert told[b"vary"] == b"accept-encoding"


def test_what_keeps_its_name_is_asked_for_again(app: Guard) -> None:
    headers = ask(app, "/icon.svg").headers
    assert (headers["content-type"], headers["cache-control"]) == ("image/svg+xml", "public, max-age=3600")


@pytest.mark.parametrize(
    "path",
    [
        "/assets/../../secret.js",
        "/assets/..%2f..%2fsecret.js",
        "/assets/%2e%2e/%2e%2e/secret.js",
        "/assets/linked.js",
        "/assets/",
        "/assets",
        "/assets/app.js.br",
        "/assets/app.js%00.css",
        "/sources.sha256",
        "/etc/passwd",
    ],
)
def test_no_path_leads_to_another_file(app: Guard, path: str) -> None:
    answer = ask(app, path)
    assert (answer.status_code, "secret" in answer.text) == (404, False)


# ── Beside the API ────────────────────────────────────────────────────────────────────────────────────────────────


def test_pages_need_no_token_and_count_in_no_rate(tmp_path: Path) -> None:
    config = Config.model_validate({"data": tmp_path, "auth": "required", "rate": Rate(requests=1, burst=1)})
    app = create(config, SystemClock(), "0")
    assert {ask(app, "/", **NAVIGATING).status_code for _ in range(50)} == {200}
    assert ask(app, "/api/health", **NAVIGATING).status_code == 401
    assert ask(app, "/api/health", **NAVIGATING).status_code == 429


def test_a_page_for_a_foreign_host_is_refused(app: Guard) -> None:
    assert ask(app, "/", **NAVIGATING, host="evil.example").status_code == 421


def test_a_server_without_a_dashboard_says_how_to_get_it(tmp_path: Path) -> None:
    none = built(tmp_path / "none")
    assert none == Built(none.index, {})
    answer = ask(Guard(Web(FastAPI(), built=none), hosts=Hosts()), "/", **NAVIGATING)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "pip install" in answer.text
    assert "<script" not in answer.text
    assert "style" not in answer.text


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        ("br", {"br": 1.0}),
        ("GZIP;q=0.5, br ; q=2", {"gzip": 0.5, "br": 1.0}),
        ("a;q=0,a;q=1", {"a": 0.0}),
        ("a;q=no,,", {"a": 1.0}),
        ("", {}),
    ],
)
def test_weights_are_read_as_they_are_written(header: str, wanted: dict[str, float]) -> None:
    assert weights(header) == wanted
