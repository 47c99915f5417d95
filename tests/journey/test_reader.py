"""A second process with nothing but DuckDB reads `ax.duckdb` while traffic runs and small segments are merged."""

import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Final

import pytest

from tests.bench.load import Load, Sent
from tests.bench.payloads import write_templates
from tests.running import running

# Opens the file anew for each look, as the README says; ends when it has seen as many spans as it is told.
READER: Final = """
import json, sys, threading, time
import duckdb

path, goal = sys.argv[1], []
threading.Thread(target=lambda: goal.append(int(sys.stdin.readline())), daemon=True).start()
deadline = time.monotonic() + 90
while time.monotonic() < deadline:
    with duckdb.connect(path, read_only=True) as connection:
        row = connection.execute("SELECT count(*), count(DISTINCT span_id) FROM spans").fetchone()
    print(json.dumps(row), flush=True)
    if goal and row[0] >= goal[0]:
        break
    time.sleep(0.02)
assert not [name for name in sys.modules if name.startswith(("exporter", "otel_ax", "pyarrow"))]
"""
BUSY: Final = {
    "AX_STORE_FLUSH_INTERVAL": "100ms",
    "AX_STORE_COMPACTION_INTERVAL": "300ms",
    "AX_STORE_GRACE": "5s",
}
"""Segments are made, merged and removed within the test."""


@pytest.mark.slow
def test_counts_seen_by_another_process_never_fall_never_double_and_reach_what_was_sent(tmp_path: Path) -> None:
    templates = tmp_path / "templates.bin"
    write_templates(templates, 8)
    with running(tmp_path / "data", environ=BUSY) as server:
        with subprocess.Popen(
            [sys.executable, "-c", READER, server.data / "ax.duckdb"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=tmp_path,
        ) as reader:
            sent = _send(Load(server.grpc, str(templates), seconds=8, in_flight=4, items_per_s=25_000))
            seen = [tuple(json.loads(line)) for line in reader.communicate(f"{sent.acked_items}\n")[0].splitlines()]
        assert reader.returncode == 0
        segments = json.loads((server.data / "manifest.json").read_text())["spans"]
    counts = [count for count, _ in seen]
    assert (sent.errors, sent.refusals) == ([], 0)
    assert counts == sorted(counts)
    assert [row for row in seen if len(set(row)) > 1] == []
    assert counts[-1] == sent.acked_items
    assert len(set(counts)) > 10, "the reader saw the data grow"
    assert len(segments) < len(set(counts)), "segments were merged meanwhile"


def _send(load: Load) -> Sent:
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.load"],
        input=json.dumps(asdict(load)) + "\n",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return Sent(**json.loads(done.stdout))
