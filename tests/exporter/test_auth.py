"""Tokens: what is kept of them, who knows them, and what is said to those who come without."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from exporter.auth import ANYBODY, EVERY_S, SCOPES, Caller, Door, Known, needs_token, tokens
from exporter.auth.sessions import LIFE_S, MOST, Sessions
from exporter.clock import SystemClock
from exporter.config import Config
from exporter.control import FILE, Control
from exporter.errors import Reason, Refused
from exporter.units import NS_PER_S
from tests.certified import revoke, token

NOW = 1_800_000_000 * NS_PER_S
DAY = 86_400 * NS_PER_S


class At:
    """A clock that stands until it is set."""

    def __init__(self, now: int = NOW) -> None:
        self.now = now

    def wall(self) -> int:
        return self.now

    def monotonic(self) -> int:
        return self.now


@pytest.fixture
def control(tmp_path: Path) -> Iterator[Control]:
    """An empty database."""
    opened = Control.open(tmp_path)
    yield opened
    opened.close()


# ── What is kept ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_token_is_256_random_bits_of_which_the_database_holds_the_sha256_alone(
    tmp_path: Path, control: Control
) -> None:
    with control.writing() as connection:
        made = [tokens.create(connection, f"t{number}", ["read"], NOW) for number in range(20)]
        assert len(set(made)) == 20
        assert all(one.startswith("ax_") and len(one) == len("ax_") + 43 for one in made)
        assert [tokens.find(connection, one, NOW).name for one in made] == [f"t{n}" for n in range(20)]  # type: ignore[union-attr]
    control.close()
    stored = b"".join(path.read_bytes() for path in tmp_path.glob(f"{FILE}*"))
    assert not any(one.removeprefix("ax_").encode() in stored for one in made)


def test_a_token_holds_until_it_is_revoked_or_expires_and_then_its_name_is_free(control: Control) -> None:
    with control.writing() as connection:
        short = tokens.create(connection, "a", ["ingest"], NOW, expires_at=NOW + DAY)
        with pytest.raises(tokens.BadToken, match=r"there is a token a already; .* ax token revoke a"):
            tokens.create(connection, "a", ["read"], NOW)
        assert tokens.find(connection, short, NOW + DAY - 1) is not None
        assert tokens.find(connection, short, NOW + DAY) is None
        again = tokens.create(connection, "a", ["read", "sql"], NOW + DAY)
        tokens.revoke(connection, "a", NOW + 2 * DAY)
        assert tokens.find(connection, again, NOW + 2 * DAY) is None
        with pytest.raises(tokens.NoToken, match="there is no token 'a' that holds; `ax token list`"):
            tokens.revoke(connection, "a", NOW + 2 * DAY)
        assert [one.revoked_at for one in tokens.listed(connection)] == [NOW + DAY, NOW + 2 * DAY]
        tokens.create(connection, "b", ["read"], NOW + 91 * DAY + 1)
        assert [one.name for one in tokens.listed(connection)] == ["a", "b"], "a row goes 90 days after its token"


@pytest.mark.parametrize(
    ("name", "scopes", "tenant", "said"),
    [
        ("", ["read"], None, "cannot be named ''; write up to 64 letters"),
        ("a\nb", ["read"], None, "cannot be named"),
        ("x" * 65, ["read"], None, "cannot be named"),
        ("a", ["look"], None, "there is no scope 'look'; choose from ingest, read, sql, admin"),
        ("a", [], None, "a token needs a scope"),
        ("a", ["admin"], "acme", "the scope admin is for all tenants"),
        ("a", ["ingest"], "default", "default is what comes without a tenant"),
        ("a", ["read"], "", "a tenant cannot be named ''"),
        ("a", ["read"], "a\x00b", "a tenant cannot be named"),
        ("a", ["read"], "é" * 40, "a tenant cannot be named"),
        ("a", ["read"], "\ud800", "a tenant cannot be named"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_the_mend(
    control: Control, name: str, scopes: list[str], tenant: str | None, said: str
) -> None:
    with control.writing() as connection, pytest.raises(tokens.BadToken, match=said):
        tokens.create(connection, name, scopes, NOW, tenant=tenant)


def test_a_name_with_sql_in_it_is_a_name(control: Control) -> None:
    with control.writing() as connection:
        tokens.create(connection, "a", ["read"], NOW)
        for hostile in ("' OR 1=1 --", "ax_' OR '1'='1", "a\x00b", "\udcff", "x" * 16_000):
            assert tokens.find(connection, hostile, NOW) is None
            with pytest.raises(tokens.NoToken):
                tokens.revoke(connection, hostile.replace("\udcff", "?"), NOW)


def test_an_older_database_gets_the_table(tmp_path: Path) -> None:
    Control.open(tmp_path).close()
    with sqlite3.connect(tmp_path / FILE) as older:
        older.execute("DROP TABLE tokens")
        older.execute("PRAGMA user_version = 1")
        older.execute(f"PRAGMA application_id = {0x6178_6300 + 1}")
    older.close()
    known = Known(tmp_path, At())
    known.refresh()
    assert known.find("ax_x") is None
    text = token(tmp_path, "a", "read")
    known.refresh()
    assert known.find(text) is not None
    known.close()


# ── Who is known ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_process_knows_a_token_by_its_next_look_and_forgets_it_by_the_one_after(tmp_path: Path) -> None:
    known = Known(tmp_path, SystemClock())
    known.refresh()  # there is no database yet
    text = token(tmp_path, "a", "ingest", tenant="acme")
    assert known.find(text) is None
    known.refresh()
    assert known.find(text).caller == Caller("a", frozenset({"ingest"}), "acme")  # type: ignore[union-attr]
    assert known.find(text[:-1]) is None
    revoke(tmp_path, "a")
    known.refresh()
    assert known.find(text) is None
    known.close()
    assert EVERY_S <= 1.0, "so that what is revoked is refused two seconds later"


def test_a_token_that_expires_is_unknown_at_once_without_a_look(tmp_path: Path, control: Control) -> None:
    with control.writing() as connection:
        text = tokens.create(connection, "a", ["read"], NOW, expires_at=NOW + DAY)
    clock = At()
    known = Known(tmp_path, clock)
    known.refresh()
    assert known.find(text) is not None
    clock.now += DAY
    assert known.find(text) is None
    known.close()


def test_when_a_token_was_used_is_noted_at_most_each_minute(tmp_path: Path, control: Control) -> None:
    with control.writing() as connection:
        text = tokens.create(connection, "a", ["read"], NOW)

    def last_used() -> int | None:
        with control.reading() as connection:
            return tokens.listed(connection)[0].last_used_at

    clock = At()
    known = Known(tmp_path, clock)
    known.refresh()
    known.find(text)
    known.refresh()
    assert last_used() is None
    clock.now += 61 * NS_PER_S
    known.refresh()
    assert last_used() == NOW
    known.find(text)
    known.close()
    assert last_used() == NOW + 61 * NS_PER_S


def test_a_database_in_the_place_of_a_damaged_one_has_no_tokens_and_a_broken_one_keeps_those_there_were(
    tmp_path: Path,
) -> None:
    text = token(tmp_path, "a", "read")
    known = Known(tmp_path, SystemClock())
    known.refresh()
    for suffix in ("-wal", "-shm"):
        (tmp_path / f"{FILE}{suffix}").unlink(missing_ok=True)
    (tmp_path / FILE).rename(tmp_path / "aside")
    (tmp_path / FILE).write_bytes(b"no database at all, but for its name" * 100)
    known.refresh()
    assert known.find(text) is not None
    (tmp_path / FILE).unlink()
    Control.open(tmp_path).close()
    known.refresh()
    assert known.find(text) is None
    known.close()


# ── At the door ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("settings", "doors"),
    [
        ({}, [False, False, False]),
        ({"auth": "required"}, [True, True, True]),
        ({"receive": {"http": "0.0.0.0:4318"}}, [False, True, False]),
        ({"serve": {"ui": "ax.example.com:443"}}, [False, False, True]),
        ({"serve": {"hosts": ("ax.example.com",)}}, [False, False, True]),
    ],
)
def test_loopback_needs_no_token_unless_others_reach_it(settings: dict[str, object], doors: list[bool]) -> None:
    config = Config.model_validate({"data": Path("x"), **settings})
    assert [needs_token(config, one) for one in ("receive.grpc", "receive.http", "serve.ui")] == doors


def test_a_door_lets_in_who_needs_no_token_and_whoever_has_one_that_holds(tmp_path: Path) -> None:
    text = token(tmp_path, "a", "read", tenant="acme")
    known = Known(tmp_path, SystemClock())
    known.refresh()
    here, there = Door(known, needed=False), Door(known, needed=True)
    assert here.caller_of(None) == here.caller_of("Basic dTpw") == ANYBODY
    assert ANYBODY.scopes == set(SCOPES)
    for door in (here, there):
        assert door.caller_of(f"bearer  {text} ").tenant == "acme"
        for wrong in ("Bearer ax_nothing", "Bearer ", f"Bearer {text}x", "Bearer \xff"):
            with pytest.raises(
                Refused, match="the token is unknown, was revoked or has expired; `ax token list`"
            ) as no:
                door.caller_of(wrong)
            assert no.value.reason is Reason.UNAUTHENTICATED
        with pytest.raises(Refused, match="the token a may not send data; use one with the scope ingest") as no:
            door.tenant_of(f"Bearer {text}")
        assert no.value.reason is Reason.FORBIDDEN
    for absent in (None, "", "Basic dTpw", text):
        with pytest.raises(Refused, match="a token is needed here; make one with `ax token create NAME`"):
            there.caller_of(absent)
    known.close()


def test_a_session_stands_for_a_token_until_it_ends_or_the_token_does(tmp_path: Path) -> None:
    text = token(tmp_path, "a", "read")
    clock = At(SystemClock().wall())
    known = Known(tmp_path, clock)
    known.refresh()
    sessions = Sessions(known, clock)
    held = known.find(text)
    assert held is not None
    first_one, second = sessions.begin(held), sessions.begin(held)
    assert sessions.find(first_one) == sessions.find(second) == held
    assert sessions.find("made up") is None
    sessions.end(first_one)
    assert (sessions.find(first_one), sessions.find(second)) == (None, held)
    clock.now += LIFE_S * NS_PER_S
    assert sessions.find(second) is None
    third = sessions.begin(held)
    revoke(tmp_path, "a")
    known.refresh()
    assert sessions.find(third) is None
    for _ in range(MOST + 1):
        sessions.begin(held)
    assert len(sessions) == MOST
    known.close()
