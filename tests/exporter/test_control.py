"""The control database: shared by processes, whole or not there, and its tables as Parquet."""

import json
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from math import inf
from pathlib import Path

import duckdb
import pytest

from exporter.control import FILE, Control, database, files
from exporter.control.published import PUBLISHED
from exporter.errors import Corrupt, DataDirTooNew
from exporter.store import Store
from tests.exporter.store_tables import ask, opened

SILENCE = "INSERT INTO silences VALUES ('a', '[]', 1, 2, 'ada', '', 3)"
ALERT = """INSERT INTO alerts (episode, rule_id, rule, fingerprint, tenant_id, state, severity, labels, annotations,
    value, started_at, reason)
    VALUES (?, 'g/Slow', 'Slow', 'f', 'default', 'firing', 'error', ?, '{}', 1.5, 1700000000123456789, '')"""


@pytest.fixture
def control(tmp_path: Path) -> Iterator[Control]:
    control = Control.open(tmp_path)
    yield control
    control.close()


def count(control: Control, table: str = "silences") -> int:
    with control.reading() as connection:
        return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


def test_only_its_owner_may_read_it(control: Control, tmp_path: Path) -> None:
    with control.writing() as connection:
        connection.execute(SILENCE)
    assert {path.name: oct(path.stat().st_mode & 0o777) for path in tmp_path.glob(f"{FILE}*")} == {
        FILE: "0o600",
        f"{FILE}-wal": "0o600",
        f"{FILE}-shm": "0o600",
    }


def test_a_transaction_is_whole_or_nothing(control: Control) -> None:
    with pytest.raises(sqlite3.IntegrityError), control.writing() as connection:
        connection.executemany(SILENCE, [(), ()])
    assert count(control) == 0
    with control.writing() as connection:
        connection.execute(SILENCE)
    assert count(control) == 1


def test_a_transaction_within_a_transaction_is_refused(control: Control) -> None:
    with control.writing(), pytest.raises(RuntimeError, match="within"), control.writing():
        pass


def test_a_reader_sees_one_moment_and_cannot_write(control: Control) -> None:
    with control.reading() as before:
        assert before.execute("SELECT count(*) FROM silences").fetchone() == (0,)
        with control.writing() as connection:
            connection.execute(SILENCE)
        assert before.execute("SELECT count(*) FROM silences").fetchone() == (0,)
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            before.execute(SILENCE)
    assert count(control) == 1


def test_the_version_is_another_after_anybodys_commit(control: Control, tmp_path: Path) -> None:
    first = control.version()
    with control.writing():
        pass
    assert control.version() == first  # nothing was written
    with control.writing() as connection:
        connection.execute(SILENCE)
    second = control.version()
    assert second != first
    code = f"from pathlib import Path\nfrom exporter.control import Control\nc = Control.open(Path({str(tmp_path)!r}))"
    code += "\nwith c.writing() as k: k.execute('DELETE FROM silences')"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
    assert control.version() != second
    assert count(control) == 0


def test_threads_write_one_after_the_other(control: Control) -> None:
    def write(number: int) -> None:
        for each in range(10):
            with control.writing() as connection:
                connection.execute("INSERT INTO silences VALUES (?, '[]', 1, 2, 'ada', '', 3)", (f"{number}-{each}",))

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert count(control) == 80


def test_processes_that_make_it_at_once_make_it_once(tmp_path: Path) -> None:
    code = (
        f"from pathlib import Path; from exporter.control import Control; Control.open(Path({str(tmp_path)!r})).close()"
    )
    started = [subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE) for _ in range(4)]
    assert [(process.communicate(timeout=60)[1], process.returncode) for process in started] == [(b"", 0)] * 4
    with closing(sqlite3.connect(tmp_path / FILE)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (database.VERSION,)


def test_a_newer_one_is_refused_and_the_mend_said(control: Control, tmp_path: Path) -> None:
    with control.writing() as connection:
        connection.execute(SILENCE)
    control.close()
    newer = database.VERSION + 1
    with closing(sqlite3.connect(tmp_path / FILE)) as connection:
        connection.executescript(f"PRAGMA user_version = {newer}; PRAGMA application_id = {0x6178_6300 + newer};")
    for sets_aside in (False, True):
        with pytest.raises(DataDirTooNew, match="install the newer otel-ax"):
            Control.open(tmp_path, sets_aside=sets_aside)
    with closing(sqlite3.connect(tmp_path / FILE)) as connection:
        assert connection.execute("SELECT count(*) FROM silences").fetchone() == (1,)


def test_an_older_one_gets_the_tables_that_it_has_not_and_keeps_what_it_has(control: Control, tmp_path: Path) -> None:
    with control.writing() as connection:
        connection.execute(SILENCE)
    control.close()
    with closing(sqlite3.connect(tmp_path / FILE)) as connection:
        connection.executescript(
            f"DROP TABLE kept_budgets; PRAGMA user_version = 1; PRAGMA application_id = {0x6178_6301};"
        )
    upgraded = Control.open(tmp_path)
    assert (count(upgraded), count(upgraded, "kept_budgets"), upgraded.set_aside) == (1, 0, None)
    upgraded.close()
    with closing(sqlite3.connect(tmp_path / FILE)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (database.VERSION,)


@pytest.mark.parametrize(
    "damage",
    [b"", b"\0" * 4096, b"x" * 5000, b"SQLite format 3\0" + b"\1" * 5000],
    ids=["empty", "blank", "noise", "header"],
)
def test_a_damaged_one_is_set_aside_by_the_server_alone(
    tmp_path: Path, damage: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / FILE).write_bytes(damage)
    if not damage:  # nothing was ever in it
        Control.open(tmp_path).close()
        return
    with pytest.raises(Corrupt, match="ax serve"):
        Control.open(tmp_path)
    control = Control.open(tmp_path, sets_aside=True)
    assert control.set_aside == tmp_path / f"{FILE}.damaged-1"
    assert control.set_aside.read_bytes()[: len(damage)] == damage
    assert "damaged-1" in caplog.text
    with control.writing() as connection:
        connection.execute(SILENCE)
    assert count(control) == 1
    control.close()


def test_flipped_bits_are_found_or_harmless(tmp_path: Path) -> None:
    control = Control.open(tmp_path)
    with control.writing() as connection:
        connection.executemany(ALERT, [(f"{number:032x}", "{}") for number in range(200)])
    control.close()
    whole = (tmp_path / FILE).read_bytes()
    found = 0
    for place in range(100):
        (tmp_path / FILE).write_bytes(whole[:place] + bytes([whole[place] ^ 0x10]) + whole[place + 1 :])
        try:
            Control.open(tmp_path, sets_aside=True).close()
        except DataDirTooNew:
            pytest.fail(f"a flipped bit at {place} was taken for a newer version")
        found += len(list(tmp_path.glob(f"{FILE}.damaged-*")))
        for path in tmp_path.glob(f"{FILE}*"):
            path.unlink()
    assert found > 20


def test_views_have_no_rows_before_a_server_ran(tmp_path: Path) -> None:
    store = opened(tmp_path)
    for name, one in PUBLISHED.items():
        assert ask(tmp_path, f"SELECT count(*) FROM {name}") == [(0,)]
        assert [column for column, *_ in ask(tmp_path, f"DESCRIBE {name}")] == list(one.columns)
    for name in ("alerts_active_summary", "cost_today_summary"):
        assert ask(tmp_path, f"SELECT count(*) FROM {name}") == [(0,)]
    assert ("hourly_cost", "usd", 0.0) in ask(tmp_path, "SELECT metric, unit, value FROM metrics_recent_summary")
    assert oct(files.path_of(tmp_path, "alerts").stat().st_mode & 0o777) == "0o600"
    store.close()


def test_what_changes_is_published_and_nothing_else(control: Control, tmp_path: Path) -> None:
    store: Store = opened(tmp_path)
    publisher = files.Publisher(control, tmp_path)
    assert publisher.publish() == list(PUBLISHED)
    assert publisher.publish() == []
    with control.writing() as connection:
        connection.execute(ALERT, ("ab" * 16, '{"model": "gpt-5", "odd": "\\ud800"}'))
    assert publisher.publish() == ["alerts"]
    query = (
        "SELECT id, rule, state, labels['model'], labels['odd'], value, epoch_us(started_at), resolved_at FROM alerts"
    )
    assert ask(tmp_path, query) == [("abababababab", "Slow", "firing", "gpt-5", "?", 1.5, 1700000000123456, None)]
    assert ask(tmp_path, "SELECT severity, state, alerts FROM alerts_active_summary") == [("error", "firing", 1)]
    store.close()


def test_what_takes_long_to_write_rests(control: Control, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "_LONG_NS", 0)
    monkeypatch.setattr(files, "_REST", 1_000_000)
    publisher = files.Publisher(control, tmp_path)
    publisher.publish()
    with control.writing() as connection:
        connection.execute(ALERT, ("ab" * 16, "{}"))
    assert (publisher.publish(), publisher.is_behind) == ([], True)
    files.path_of(tmp_path, "alerts").unlink()
    assert (publisher.publish(), publisher.is_behind) == (["alerts"], True), "what is missing is written at once"
    monkeypatch.undo()
    assert files.Publisher(control, tmp_path).publish() == list(PUBLISHED)


def test_a_file_that_is_not_ours_is_written_anew(control: Control, tmp_path: Path) -> None:
    store = opened(tmp_path)
    publisher = files.Publisher(control, tmp_path)
    publisher.publish()
    path = files.path_of(tmp_path, "alerts")
    assert publisher.is_whole()
    path.write_bytes(b"somebody's")
    assert not publisher.is_whole()
    assert publisher.publish() == ["alerts"]
    path.unlink()
    assert publisher.publish() == ["alerts"]
    assert ask(tmp_path, "SELECT count(*) FROM alerts") == [(0,)]
    store.close()


def test_a_file_of_another_version_of_ours_is_read_as_todays(tmp_path: Path) -> None:
    store = opened(tmp_path)
    files.path_of(tmp_path, "alerts").write_text('{"id": "ab", "of_old": 1}\n')
    assert ask(tmp_path, "SELECT id, rule FROM alerts") == [("ab", None)]
    store.close()


def test_whatever_a_column_holds_is_seen_as_it_is(control: Control, tmp_path: Path) -> None:
    store = opened(tmp_path)
    halves = {half: half.encode(errors="surrogatepass").hex() for half in ("\ud800", "\udfff")}
    texts = ['quo"te', "two\nlines", "nul\x00byte", "\u2028", "\U0001f600", "x" * 1_000_000]
    with control.writing() as connection:
        for number, text in enumerate(texts):
            connection.execute(ALERT, (f"{number:032x}", json.dumps({text: text, **halves})))
        connection.execute("UPDATE alerts SET value = 9e999 WHERE episode = ?", (f"{0:032x}",))
    files.Publisher(control, tmp_path).publish()
    found = ask(tmp_path, "SELECT labels, value, epoch_us(started_at), resolved_at FROM alerts ORDER BY episode")
    assert [labels for labels, *_ in found] == [{text: text, "?": "edbfbf"} for text in texts]
    assert [one[1:] for one in found] == [(inf if not place else 1.5, 1700000000123456, None) for place in range(6)]
    store.close()


def test_a_reader_sees_whole_files_while_newer_ones_come(control: Control, tmp_path: Path) -> None:
    store: Store = opened(tmp_path)
    publisher = files.Publisher(control, tmp_path)
    publisher.publish()
    ended = threading.Event()
    failures: list[str] = []

    query = "SELECT count(*), count(DISTINCT id), max(labels['n']::INT) + 1 FROM alerts"

    def read() -> None:
        seen = 0
        with duckdb.connect(tmp_path / "ax.duckdb", read_only=True) as kept:
            while seen < 40 and not ended.is_set():
                for rows in (*kept.execute(query).fetchall(), *ask(tmp_path, query)):
                    if rows[1:] != (rows[0], rows[0] or None) or rows[0] < seen:
                        failures.append(str(rows))
                    seen = rows[0]

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(40):
        with control.writing() as connection:
            connection.execute(ALERT, (f"{number:012x}" + "0" * 20, f'{{"n": "{number}"}}'))
        publisher.publish()
    reader.join(30)
    ended.set()
    reader.join()
    store.close()
    assert failures == []
    assert ask(tmp_path, "SELECT count(*) FROM alerts") == [(40,)]
