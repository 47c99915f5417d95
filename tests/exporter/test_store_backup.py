"""A backup has what people and rules decided, as of one moment, and a restored directory goes on from there."""

from contextlib import closing
from pathlib import Path

import pytest

from exporter.alert import kept, listed, saved
from exporter.alert.rule import Rule
from exporter.control import FILE, Control
from exporter.errors import Corrupt
from exporter.notify import settle, silences
from exporter.notify.answers import Answer
from exporter.notify.match import Matcher
from exporter.store import backup as backups
from exporter.units import NS_PER_S as SECOND
from tests.exporter.store_tables import NOON, append, opened, spans
from tests.notices import PAGER, T0, Desk, change, seconds

EVENT = "INSERT INTO budget_events VALUES ('all', 1, 1, 2, 80, 'spent', 1, 80, 100, 0, 1)"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A directory with a span, a file of rules, and a control database with a row of everything."""
    data = tmp_path / "data"
    store = opened(data)
    append(store, spans([NOON]))
    store.close()
    (data / "rules").mkdir()
    (data / "rules" / "mine.yaml").write_text("groups: []\n")
    with closing(Control.open(data)) as control, control.writing() as connection:
        saved.record(connection, [change()])
        kept.keep(connection, "api", Rule(alert="Many", metric="calls", threshold=5), T0, "ada")
        connection.execute(EVENT)
        silences.add(connection, [Matcher("team", "=", "x")], starts_at=T0, ends_at=seconds(60), by="ada", now=T0)
    return data


def contents(control: Control) -> list[str]:
    with control.reading() as connection:
        return list(connection.iterdump())


def test_alerts_silences_rules_and_budgets_are_there_after_a_restore(data: Path, tmp_path: Path) -> None:
    with closing(Control.open(data)) as running:
        backups.backup(data, tmp_path / "backup", NOON, link=True)
        assert not list((tmp_path / "backup").glob(f"{FILE}-*")), "it is one file"
        backups.restore(tmp_path / "backup", tmp_path / "restored")
        with closing(Control.open(tmp_path / "restored")) as restored:
            assert contents(restored) == contents(running)
            with restored.reading() as connection:
                assert [one.state for one in listed.listed(connection)] == ["firing"]
                assert [rule.alert for _, rule in kept.kept(connection)] == ["Many"]
                assert [one.by for one in silences.active(connection, T0)] == ["ada"]
    assert (tmp_path / "restored" / "rules" / "mine.yaml").read_text() == "groups: []\n"
    assert oct((tmp_path / "restored" / FILE).stat().st_mode & 0o777) == "0o600"


def test_what_is_being_written_is_not_half_in_it(data: Path, tmp_path: Path) -> None:
    with closing(Control.open(data)) as running:
        before = contents(running)
        with running.writing() as connection:
            connection.execute("DELETE FROM silences")
            backups.backup(data, tmp_path / "backup", NOON, link=True)
    backups.restore(tmp_path / "backup", tmp_path / "restored")
    with closing(Control.open(tmp_path / "restored")) as restored:
        assert contents(restored) == before


def test_notices_that_waited_keep_their_keys(data: Path, tmp_path: Path) -> None:
    with closing(Control.open(data)) as running:
        desk = Desk(running, PAGER)
        desk.happens(change())
        first = desk.fixed(T0)
        assert first is not None
        desk.answered(first, Answer("again", "HTTP 503", is_maybe=True), T0, delay_ns=10 * SECOND)
        desk.happens(change(alert="Other"))
        backups.backup(data, tmp_path / "backup", NOON, link=True)
        backups.restore(tmp_path / "backup", tmp_path / "restored")
        keys = []
        for control in (running, restored := Control.open(tmp_path / "restored")):
            with control.writing() as connection:
                settle.recover(connection, PAGER.name, seconds(20))
            batches = [Desk(control, PAGER).fixed(seconds(20)) for _ in range(3)]
            keys.append([one.key for one in batches if one is not None])
        restored.close()
    assert keys[0] == keys[1]
    assert len(set(keys[0])) == 2
    assert keys[0][0] == first.key


def test_a_damaged_control_database_is_told_and_not_copied_on(data: Path, tmp_path: Path) -> None:
    whole = (data / FILE).read_bytes()
    (data / FILE).write_bytes(b"no database at all" + whole[18:])
    with pytest.raises(Corrupt, match="damaged"):
        backups.backup(data, tmp_path / "backup", NOON, link=True)
    assert not (tmp_path / "backup").exists()
    (data / FILE).write_bytes(whole)
    backups.backup(data, tmp_path / "backup", NOON, link=True)
    (tmp_path / "backup" / FILE).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(Corrupt, match="damaged"):
        backups.restore(tmp_path / "backup", tmp_path / "restored")
    assert not (tmp_path / "restored").exists()


def test_without_a_control_database_there_is_none_afterwards(data: Path, tmp_path: Path) -> None:
    (data / FILE).unlink()
    backups.backup(data, tmp_path / "backup", NOON, link=True)
    backups.restore(tmp_path / "backup", tmp_path / "restored")
    assert not (tmp_path / "restored" / FILE).exists()
