"""What a tenant hears of another on `/api/live`: nothing."""

import json
from collections.abc import Iterator

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from exporter.live.asked import FIELDS
from exporter.live.hub import CHANNELS
from tests.certified import revoke, token
from tests.listening import Ear, address, listening, log_of, send, span_of
from tests.running import until
from tests.two_tenants import TENANTS, Two, mark_of, two_tenants


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Two]:
    with two_tenants(tmp_path_factory.mktemp("live") / "data") as one:
        yield one


def bearer(text: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {text}"}


def known(two: Two, text: str) -> str:
    """A new token's text, once the server knows of it."""
    until(lambda: httpx.get(f"{two.server.ui}/api/live", headers=bearer(text)).status_code != 401, "it is known")
    until(
        lambda: httpx.post(f"{two.server.http}/v1/logs", headers=bearer(text)).status_code != 401, "receive knows too"
    )
    return text


def snapshots(ear: Ear) -> dict[str, str]:
    """What there is in each channel, as text; a problem where that is the answer."""
    found: dict[str, str] = {}
    for channel in CHANNELS:
        more = {"range": "1h"} if "range" in FIELDS[channel] else {}
        ear.say(op="subscribe", id=channel, channel=channel, limit=1_000, **more)
    while len(found) < len(CHANNELS):
        said = json.loads(ear.socket.recv(timeout=20))
        if said["op"] in {"snapshot", "problem"}:
            found[said["id"]] = json.dumps(said)
    return found


def test_each_tenant_hears_of_itself_and_of_nobody_else(two: Two) -> None:
    own, other = TENANTS
    with listening(two.server, additional_headers=bearer(two.tokens[own])) as ear:
        found = snapshots(ear)
        assert mark_of(other) not in str(found)
        assert {name for name, text in found.items() if mark_of(own) in text} >= {
            "logs",
            "traces",
            "workflows",
            "alerts",
        }
        assert json.loads(found["health"])["status"] == 403
        secret = known(two, token(two.server.data, "late", "ingest", tenant=other))
        send(two.server, log_of(f"{mark_of(other)} again"), **bearer(secret))
        send(two.server, span_of(77, 1, service=mark_of(other)), **bearer(secret))
        told = ear.changes(2)
    assert mark_of(other) not in str(told)
    assert all(one["items"] for one in told)
    items = [item for one in told for item in one["items"]]
    assert [item for item in items if mark_of(own) not in str(item)] == [], "its own alerts may change meanwhile"


def test_without_a_tenant_all_is_heard(two: Two) -> None:
    with listening(two.server) as ear:
        found = snapshots(ear)
    assert all(mark_of(tenant) in found["logs"] for tenant in TENANTS)
    assert json.loads(found["health"])["op"] == "snapshot"


@pytest.mark.parametrize(("scopes", "status"), [(("ingest",), 403), (("sql",), 403), ((), 401)])
def test_a_token_has_to_hold_and_to_read(two: Two, scopes: tuple[str, ...], status: int) -> None:
    text = known(two, token(two.server.data, "-".join(scopes), *scopes)) if scopes else "ax_nonsense"
    with (
        pytest.raises(InvalidStatus) as refused,
        connect(address(two.server), additional_headers=bearer(text)),
    ):
        pass
    assert refused.value.response.status_code == status


def test_a_token_in_the_address_is_no_token(two: Two) -> None:
    text = two.tokens[TENANTS[0]]
    with connect(f"{address(two.server)}?token={text}") as socket:  # loopback needs none, so this is nobody's
        ear = Ear(socket)
        ear.hear("hello")
        assert "snapshot" in snapshots(ear)["health"]


def test_who_loses_the_token_is_let_go(two: Two) -> None:
    text = known(two, token(two.server.data, "leaving", "read"))
    with listening(two.server, additional_headers=bearer(text)) as ear:
        ear.subscribe("health")
        revoke(two.server.data, "leaving")
        code, said = ear.closed()
    assert code == 1008
    assert [one for one in said if one["op"] == "heartbeat"] == [], "it is let go sooner than hearts beat"
