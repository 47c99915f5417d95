"""`ax demo --once`, as somebody sees it who has just installed the package."""

import re
import subprocess
from pathlib import Path
from typing import Final

import pytest

from exporter.cli.demo import QUERY
from tests.running import AX, ENVIRON, kill_group, sql

SECONDS: Final = 60
"""Twenty are promised on a quiet machine."""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo") / "data"


@pytest.fixture(scope="module")
def shown(data: Path) -> "subprocess.CompletedProcess[str]":
    command = [*AX, "demo", "--once", "--data", str(data)]
    return subprocess.run(command, env=ENVIRON, capture_output=True, text=True, timeout=SECONDS, check=False)


def test_it_ends_well_and_complains_of_nothing(shown: "subprocess.CompletedProcess[str]") -> None:
    assert (shown.returncode, shown.stderr) == (0, "")


def test_it_says_what_was_sent_and_stored(shown: "subprocess.CompletedProcess[str]", data: Path) -> None:
    sent = re.search(r"sent +(\d+) spans and (\d+) log records", shown.stdout)
    assert sent is not None, shown.stdout
    spans, logs = int(sent[1]), int(sent[2])
    assert spans >= 300
    assert sql(data, "SELECT count(*) FROM spans WHERE service_namespace = 'demo'") == [(spans,)]
    assert sql(data, "SELECT count(*) FROM logs WHERE service_namespace = 'demo'") == [(logs,)]


def test_it_shows_a_question_and_the_rows_that_answer_it(shown: "subprocess.CompletedProcess[str]", data: Path) -> None:
    assert QUERY in shown.stdout
    answer = sql(data, QUERY)
    assert len(answer) == 4
    for row in answer:
        cells = r"\s+".join(re.escape(str(cell)) for cell in row)
        assert re.search(cells, shown.stdout), f"no row {row} in\n{shown.stdout}"


def test_it_says_where_the_api_is_and_how_another_process_asks(
    shown: "subprocess.CompletedProcess[str]", data: Path
) -> None:
    assert re.search(r"API +http://\S+:\d+", shown.stdout)
    assert f"duckdb -readonly {data}/ax.duckdb" in shown.stdout


def test_it_is_plain_text_where_nobody_looks(shown: "subprocess.CompletedProcess[str]") -> None:
    assert "\x1b" not in shown.stdout


def test_its_story_hangs_together(shown: "subprocess.CompletedProcess[str]", data: Path) -> None:
    assert shown.returncode == 0
    orphans = """
        SELECT count(*) FROM spans AS child
        WHERE parent_span_id IS NOT NULL
          AND NOT EXISTS (FROM spans AS parent
                          WHERE parent.trace_id = child.trace_id AND parent.span_id = child.parent_span_id)
    """
    astray = (
        "SELECT count(*) FROM logs WHERE service_namespace = 'demo' AND trace_id NOT IN (SELECT trace_id FROM spans)"
    )
    assert (sql(data, orphans), sql(data, astray)) == ([(0,)], [(0,)])
    kinds = "SELECT DISTINCT gen_ai_operation_name FROM spans WHERE gen_ai_operation_name IS NOT NULL ORDER BY ALL"
    assert [kind for (kind,) in sql(data, kinds)] == ["chat", "execute_tool", "invoke_agent", "retrieval"]
    assert sql(data, "SELECT count(*) > 0 FROM spans WHERE error_type = 'RateLimitError'") == [(True,)]
    assert sql(data, "SELECT count(*) > 0 FROM spans WHERE gen_ai_response_time_to_first_chunk > 0") == [(True,)]
    measured = "SELECT DISTINCT metric_name FROM metrics_histogram WHERE metric_name LIKE 'gen_ai.%' ORDER BY ALL"
    assert [name for (name,) in sql(data, measured)] == [
        "gen_ai.client.operation.duration",
        "gen_ai.client.token.usage",
    ]


def test_it_ends_quietly_when_nobody_reads_on(tmp_path: Path) -> None:
    command = [*AX, "demo", "--once", "--data", str(tmp_path / "data")]
    with subprocess.Popen(
        command, env=ENVIRON, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as demo:
        assert demo.stdout is not None
        assert demo.stderr is not None
        demo.stdout.readline()
        demo.stdout.close()
        try:
            complaints = demo.stderr.read()
            assert demo.wait(SECONDS) == 1
        finally:
            kill_group(demo)
    assert "Traceback" not in complaints
