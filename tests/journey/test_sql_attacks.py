"""`POST /api/sql` of a real server: what strangers try, the forms of answers, and who goes away."""

import io
import json
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pyarrow as pa
import pytest

from exporter.api.shown import ARROW, CSV, FORMS, JSON
from exporter.api.sql import TRUNCATED
from tests.exporter.sandbox_attacks import ATTACKS, ENDLESS, Attack
from tests.running import until
from tests.two_tenants import Two, mark_of, two_tenants

OWN, OTHER = "acme", "rival"
CHEAP = [one for one in ATTACKS if not one.slow]
LARGEST_MB = 600
"""What the serving process may have grown to: with all views it has half."""


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Two]:
    """After all that is tried the server is well, has not grown, and nothing was written."""
    root = tmp_path_factory.mktemp("attacked")
    with two_tenants(root / "data") as one:
        yield one
        assert one.ask(None, "GET", "/readyz").status_code == 200
        assert rows(one, OWN, "SELECT count(*) FROM spans") == [[7]]
        assert all(size < LARGEST_MB * 10**6 for size in sizes(one))
        assert not [path for place in (root, Path("/tmp"), Path.cwd()) for path in place.glob("*pwned*")]  # noqa: S108
        assert not list(root.rglob("*pwned*"))
        assert "Traceback" not in one.server.log()


def rows(two: Two, tenant: str | None, query: str) -> list[list[object]]:
    answer = two.ask(tenant, "POST", "/api/sql", json={"query": query})
    assert answer.status_code == 200, answer.text
    found: list[list[object]] = answer.json()["rows"]
    return found


def family(two: Two) -> list[psutil.Process]:
    """The server and all that it started."""
    parent = psutil.Process(two.server.process.pid)
    return [parent, *parent.children(recursive=True)]


def sizes(two: Two) -> list[int]:
    """Resident bytes of each."""
    found: list[int] = []
    for one in family(two):
        with suppress(psutil.Error):
            found.append(one.memory_info().rss)
    return found


def statements(two: Two) -> list[psutil.Process]:
    """The processes of statements that run now."""
    found: list[psutil.Process] = []
    for one in family(two):
        with suppress(psutil.Error):  # it has ended meanwhile
            if one.status() != psutil.STATUS_ZOMBIE and "exporter.sandbox.forked" in one.parent().cmdline():
                found.append(one)
    return found


def attacked(two: Two, tenant: str | None, attack: Attack) -> str:
    """What was wrong with the answer; empty where it is as expected."""
    data = two.server.data
    other = next(path for path in data.rglob("*.parquet") if f"spans/tenant={OTHER}" in str(path))
    sql = attack.sql.replace("{data}", str(data)).replace("{other}", str(other))
    answer = two.ask(tenant, "POST", "/api/sql", json={"query": sql})
    said = answer.json()
    if str(data) in answer.text and "{" not in attack.sql:
        return f"{sql}: a path is told: {answer.text}"
    if tenant == OWN and mark_of(OTHER) in answer.text:
        return f"{sql}: another's data are told: {answer.text}"
    if attack.answer is not None:
        is_expected = said.get("rows") == [attack.answer]
    else:
        told = f"{said.get('title')}; {said.get('mend')}"
        is_expected = said.get("reason") in attack.refused.split("|") and any(
            word in told for word in attack.words.split("|")
        )
    return "" if is_expected else f"{sql}: {answer.text[:300]}"


@pytest.mark.parametrize("kind", sorted({one.kind for one in CHEAP}))
def test_what_a_tenant_tries_is_refused_or_harms_nobody(two: Two, kind: str) -> None:
    wrong = [attacked(two, OWN, one) for one in CHEAP if one.kind == kind]
    assert not [text for text in wrong if text]


@pytest.mark.slow
def test_what_anybody_tries_is_refused_or_harms_nobody(two: Two) -> None:
    wrong = [attacked(two, None, one) for one in CHEAP if one.kind != "other tenants' data" or one.answer is None]
    assert not [text for text in wrong if text]


# ── Forms ─────────────────────────────────────────────────────────────────────────────────────────────────────────

VALUES = """SELECT '=1+1' AS "@name", 1.5::DECIMAL(9, 3) AS usd, NULL AS nothing, TIMESTAMPTZ '2026-11-22 12:00Z' AS at,
    [1, 2] AS list, map {'a': 1} AS pairs"""


def test_csv_has_a_header_empty_nulls_and_no_formulas(two: Two) -> None:
    answer = two.ask(OWN, "POST", "/api/sql", json={"query": VALUES}, headers={"Accept": CSV})
    assert (answer.status_code, answer.headers["vary"], TRUNCATED in answer.headers) == (200, "Accept", False)
    assert answer.text == (
        '\'@name,usd,nothing,at,list,pairs\n\'=1+1,1.5,,2026-11-22T12:00:00Z,"[1, 2]","{""a"": 1}"\n'
    )


def test_arrow_has_the_types_that_json_has_not(two: Two) -> None:
    answer = two.ask(OWN, "POST", "/api/sql", json={"query": VALUES}, headers={"Accept": ARROW})
    assert (answer.status_code, answer.headers["content-type"]) == (200, ARROW)
    table = pa.ipc.open_stream(answer.content).read_all()
    assert table.schema.field("usd").type == pa.decimal128(9, 3)
    assert table.schema.field("at").type == pa.timestamp("us", tz="UTC")
    assert table["pairs"].to_pylist() == [[("a", 1)]]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("query", "limit", "most"),
    [
        ("FROM range(1000000)", 10_000, 10_000),
        ("FROM range(5)", 2, 2),
        ("SELECT repeat('x', 4000000) FROM range(50)", 99, 8),
    ],
    ids=["more than 10,000", "more than were asked for", "more than 32 MiB"],
)
def test_a_large_result_is_cut_and_it_is_said(two: Two, form: str, query: str, limit: int, most: int) -> None:
    asked = {"query": query, "limit": limit}
    answer = two.ask(OWN, "POST", "/api/sql", json=asked, headers={"Accept": form})
    assert (answer.status_code, answer.headers.get(TRUNCATED)) == (200, "true")
    assert len(answer.content) < 33 * 2**20
    if form == ARROW:
        count = pa.ipc.open_stream(answer.content).read_all().num_rows
    else:
        count = answer.json()["row_count"] if form == JSON else len(list(io.StringIO(answer.text))) - 1
    assert 1 <= count <= most


@pytest.mark.parametrize("form", FORMS)
def test_a_whole_result_is_not_said_to_be_cut(two: Two, form: str) -> None:
    asked = {"query": "FROM range(3)", "limit": 3}
    answer = two.ask(OWN, "POST", "/api/sql", json=asked, headers={"Accept": form})
    assert (answer.status_code, TRUNCATED in answer.headers) == (200, False)


@pytest.mark.parametrize("form", FORMS)
def test_a_refusal_is_a_problem_in_each_form(two: Two, form: str) -> None:
    asked = {"query": "SELECT CASE WHEN range < 5000 THEN '1' ELSE 'x' END::INT FROM range(9000)"}
    answer = two.ask(OWN, "POST", "/api/sql", json=asked, headers={"Accept": form})
    assert (answer.status_code, answer.json()["reason"]) == (400, "failed")
    assert "Could not convert string 'x'" in answer.json()["title"]


def test_a_form_that_there_is_not_is_refused_before_anything_runs(two: Two) -> None:
    answer = two.ask(OWN, "POST", "/api/sql", json={"query": ENDLESS}, headers={"Accept": "image/png"})
    assert (answer.status_code, CSV in answer.json()["mend"]) == (406, True)


# ── Who goes away ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("form", FORMS)
def test_the_process_of_a_statement_ends_with_who_asked(two: Two, form: str) -> None:
    """Long before the 10 s that it would take; on a machine of its own within a fifth of a second."""
    host, _, port = two.server.ui.removeprefix("http://").rpartition(":")
    body = json.dumps({"query": ENDLESS})
    head = f"POST /api/sql HTTP/1.1\r\nHost: localhost\r\nAccept: {form}\r\nContent-Type: application/json\r\n"
    with socket.create_connection((host, int(port))) as one:
        one.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode())
        until(lambda: len(statements(two)) == 1, "it runs", every=0.02)
    until(lambda: not statements(two), "it has ended", seconds=5, every=0.02)
