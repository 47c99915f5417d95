"""Readers in other processes: what they count never falls, never doubles, and is all there in the end."""

import subprocess
import sys
import threading
from pathlib import Path
from typing import Final

import duckdb
import pytest

from exporter import query
from exporter.clock import SystemClock
from exporter.errors import BadConfig
from exporter.store import Counts, duck
from exporter.units import NS_PER_S
from tests.exporter.store_tables import DAY, HOUR, NOON, append, how_many, opened, seconds, segment_files, spans

MINUTE: Final = HOUR // 60
# Nothing but DuckDB: opens the file anew for each look until its standard input ends.
READER: Final = """
import sys, threading
import duckdb

path, ended = sys.argv[1], threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
while True:
    last = ended.is_set()
    with duckdb.connect(path, read_only=True) as connection:
        print(*connection.execute("SELECT count(*), count(DISTINCT span_id) FROM spans").fetchone(), flush=True)
    if last:
        break
"""


@pytest.mark.slow  # journey/test_reader sees the same of a whole server
def test_a_second_process_counts_right_while_rows_are_appended_and_merged(tmp_path: Path) -> None:
    clock = SystemClock()
    store = opened(tmp_path, grace=DAY)
    appended = threading.Event()

    def maintain() -> None:
        while not appended.wait(0.01):
            store.maintain(NOON + 30 * MINUTE)

    with subprocess.Popen(
        [sys.executable, "-c", READER, tmp_path / "ax.duckdb"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as reader:
        assert reader.stdin is not None
        assert reader.stdout is not None
        reader.stdout.readline()  # it has begun
        upkeep = threading.Thread(target=maintain)
        upkeep.start()
        deadline = clock.monotonic() + 5 * NS_PER_S
        total = 0
        while clock.monotonic() < deadline:
            append(store, spans(seconds(NOON + total, 40)))
            total += 40
        appended.set()
        upkeep.join()
        store.maintain(NOON + 2 * HOUR)
        reader.stdin.close()
        looks = [tuple(map(int, line.split())) for line in reader.stdout]
    assert reader.returncode == 0
    counts = [rows for rows, _ in looks]
    assert [look for look in looks if look[0] != look[1]] == []
    assert counts == sorted(counts)
    assert counts[-1] == how_many(tmp_path) == total
    assert len(set(counts)) > 5
    assert store.stats()["spans"].segments == 1
    store.close()


def test_a_reader_keeps_its_list_for_the_grace_and_must_open_again_after_it(tmp_path: Path) -> None:
    store = opened(tmp_path, grace=HOUR)
    for _ in range(8):
        append(store, spans(seconds(NOON, 10)))
    held = duckdb.connect(tmp_path / "ax.duckdb", read_only=True)
    store.maintain(NOON + MINUTE)
    assert held.execute("SELECT count(*) FROM spans").fetchall() == [(80,)]
    store.maintain(NOON + HOUR)
    assert len(list(segment_files(tmp_path))) == 9
    assert held.execute("SELECT count(DISTINCT span_id) FROM spans").fetchall() == [(80,)]
    store.maintain(NOON + HOUR + MINUTE)
    assert len(list(segment_files(tmp_path))) == 1
    with pytest.raises(duckdb.IOException):
        held.execute("SELECT count(DISTINCT span_id) FROM spans").fetchall()
    held.close()
    assert how_many(tmp_path) == 80
    store.close()


@pytest.mark.parametrize("over", [pytest.param(False, marks=pytest.mark.slow), True])
def test_a_query_under_way_reads_on_within_the_grace_and_is_cut_short_by_an_error_after_it(
    tmp_path: Path, *, over: bool
) -> None:
    store = opened(tmp_path, grace=HOUR)
    tenants = [f"t{number}" for number in range(48)]  # more files than DuckDB opens ahead
    rows = {(tenant, "spans"): spans([NOON] * 40, attribute_types="x" * 100_000) for tenant in tenants}
    store.append(rows, 100, Counts())
    with duckdb.connect(tmp_path / "ax.duckdb", read_only=True, config={"threads": 1}) as held:
        answer = held.execute("SELECT span_id, attribute_types FROM spans")
        seen = answer.fetchmany(10)
        store.maintain(NOON + 8 * DAY)  # they are past their retention
        assert how_many(tmp_path) == 0
        store.maintain(NOON + 8 * DAY + HOUR - 1 + over)
        assert len(list(segment_files(tmp_path))) == (0 if over else 48)
        if over:
            with pytest.raises(duckdb.IOException, match="No such file"):
                answer.fetchall()
        else:
            seen += answer.fetchall()
            assert len(seen) == len(set(seen)) == 48 * 40
    store.close()


def test_who_opens_the_file_for_each_query_is_never_wrong_though_there_is_no_grace(tmp_path: Path) -> None:
    clock = SystemClock()
    store = opened(tmp_path, grace=0)
    append(store, spans(seconds(NOON, 40)))
    over = threading.Event()

    def work() -> None:
        appended = 1
        while not over.is_set():
            append(store, spans(seconds(NOON + 40 * appended * NS_PER_S, 40)))
            appended += 1
            store.maintain(NOON + 30 * MINUTE)

    worker = threading.Thread(target=work)
    worker.start()
    seen, failed = list[dict[str, int]](), list[str]()
    deadline = clock.monotonic() + 4 * NS_PER_S
    while clock.monotonic() < deadline:
        try:
            answer = query.sql(tmp_path, "SELECT count(*) AS rows, count(DISTINCT span_id) AS spans FROM spans")
        except query.QueryFailed as error:
            failed.append(str(error))
        else:
            seen += answer.to_pylist()
    over.set()
    worker.join()
    rows = [row["rows"] for row in seen]
    assert rows == [row["spans"] for row in seen] == sorted(rows)
    assert len(set(rows)) > 5
    assert [said for said in failed if "No files found" not in said and "No such file" not in said] == []
    assert len(failed) < len(seen)
    store.close()


def test_a_reader_sees_what_is_published_when_it_opens_whatever_else_is_open(tmp_path: Path) -> None:
    store = opened(tmp_path)
    count = "SELECT count(*) FROM spans"
    with duck.reader(tmp_path) as before:
        append(store, spans(seconds(NOON, 10)))
        with duck.reader(tmp_path) as after:
            assert after.execute(count).fetchall() == [(10,)]
            assert before.execute(count).fetchall() == [(0,)]
        with pytest.raises(duckdb.Error, match="read-only"):
            before.execute("CREATE TABLE ax.mine (x INTEGER)")
    store.close()


def test_a_reader_of_nothing_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(BadConfig, match="start `ax serve`"):
        duck.reader(tmp_path)
