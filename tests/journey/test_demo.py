"""`ax demo --once`, as somebody sees it who has just installed the package."""

import re
import subprocess
from decimal import Decimal
from pathlib import Path
from typing import Final

import pytest

from exporter.cli.demo import QUERY
from tests.running import AX, ENVIRON, complaints, kill_group, sql

SECONDS: Final = 60
"""Twenty are promised on a quiet machine."""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo") / "data"


@pytest.fixture(scope="module")
def shown(data: Path) -> "subprocess.CompletedProcess[str]":
    command = [*AX, "demo", "--once", "--data", str(data)]
    others = {"OTEL_SDK_DISABLED": "true", "OTEL_TRACES_SAMPLER": "always_off"}  # meant for programs of the reader's
    return subprocess.run(command, env=ENVIRON | others, capture_output=True, text=True, timeout=SECONDS, check=False)


def test_it_ends_well_and_complains_of_nothing(shown: "subprocess.CompletedProcess[str]") -> None:
    told = [line for line in complaints(shown.stderr) if " serve info FIRING " not in line]
    assert (shown.returncode, told) == (0, [])


def test_it_shows_an_alert_its_notice_and_a_budget(shown: "subprocess.CompletedProcess[str]") -> None:
    (alert,) = re.findall(
        r"^alert +CallsFail \(error\): ([\d.]+) % of the help desk's calls fail", shown.stdout, re.MULTILINE
    )
    notices = [line for line in shown.stderr.splitlines() if "FIRING error: CallsFail" in line]
    assert len(notices) == 1
    assert f"value {alert} %, threshold 1 %" in notices[0]
    (used,) = re.findall(r"^help desk +█+░+ +([\d.]+) %  \$0\.\d+ of \$0\.6000 a month$", shown.stdout, re.MULTILINE)
    assert 50 < float(used) < 100


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
    assert len(answer) == 7
    for row in answer:
        cells = r"\s+".join(map(_shown, row))
        assert re.search(cells, shown.stdout), f"no row {row} in\n{shown.stdout}"


def _shown(cell: object) -> str:
    """A pattern for how a table shows it."""
    if cell is None:
        return "NULL"
    return re.escape(str(float(cell) if isinstance(cell, Decimal) else cell))


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
    early = """
        SELECT count(*) FROM spans AS child JOIN spans AS parent
            ON parent.trace_id = child.trace_id AND parent.span_id = child.parent_span_id
        WHERE child.start_time < parent.start_time
           OR child.start_time_unix_nano + child.duration_ns > parent.start_time_unix_nano + parent.duration_ns
    """
    assert sql(data, early) == [(0,)]


def test_it_is_of_the_last_quarter_of_an_hour(shown: "subprocess.CompletedProcess[str]", data: Path) -> None:
    assert shown.returncode == 0
    for table, time in (("spans", "start_time"), ("logs", "time")):
        spread = f"""
            SELECT count(*) FILTER ({time} < now() - INTERVAL 20 MINUTE), count(*) FILTER ({time} > now()),
                   epoch(max({time}) - min({time})) > 12 * 60
            FROM {table} WHERE service_namespace = 'demo'
        """
        assert sql(data, spread) == [(0, 0, True)]
    assert sql(data, "SELECT count(*) FROM spans WHERE clock_skew OR odd IS NOT NULL") == [(0,)]


def test_all_that_the_sdk_has_is_in_it(shown: "subprocess.CompletedProcess[str]", data: Path) -> None:
    assert shown.returncode == 0
    kinds = """
        SELECT DISTINCT coalesce(gen_ai_operation_name, attributes['ax.kind']) AS what
        FROM spans WHERE what IS NOT NULL ORDER BY ALL
    """
    assert [what for (what,) in sql(data, kinds)] == [
        "chat",
        "embeddings",
        "execute_tool",
        "invoke_agent",
        "invoke_workflow",
        "retrieval",
        "step",
        "stt",
        "tts",
        "voice_call",
        "voice_turn",
    ]
    for some in (
        "error_type LIKE '%.RateLimitError'",
        "error_type = 'TimeoutError'",
        "attributes['ax.workflow.status'] = 'failed'",
        "attributes['ax.step.retry_count'] = '1' AND attributes['ax.step.status'] = 'completed'",
        "attributes['ax.voice.interrupted'] = 'true'",
        "attributes['ax.voice.heard_silence']::DOUBLE BETWEEN 0.3 AND 5",
        "attributes['gen_ai.output.messages'] IS NOT NULL",
    ):
        assert sql(data, f"SELECT count(*) > 0 FROM spans WHERE {some}") == [(True,)], some
    happened = "SELECT DISTINCT event_name FROM logs WHERE event_name LIKE 'ax.%' ORDER BY ALL"
    assert [name for (name,) in sql(data, happened)] == [
        "ax.step.completed",
        "ax.step.failed",
        "ax.step.started",
        "ax.workflow.completed",
        "ax.workflow.failed",
        "ax.workflow.started",
    ]
    measured = "SELECT DISTINCT metric_name FROM metrics_{} WHERE metric_name IN {} ORDER BY ALL"
    for table, names in (
        ("sum", ("ax.cache.requests", "ax.rate_limit.requests", "ax.usage.cost", "ax.usage.tokens")),
        ("exp_histogram", ("ax.operation.duration", "gen_ai.client.operation.duration", "gen_ai.client.token.usage")),
    ):
        assert sql(data, measured.format(table, names)) == [(name,) for name in names]


def test_answers_take_as_long_as_the_story_says(shown: "subprocess.CompletedProcess[str]", data: Path) -> None:
    assert shown.returncode == 0
    streamed = """
        SELECT count(*) > 50, min(duration_ns / 1e9 - gen_ai_response_time_to_first_chunk) > 0,
               median(gen_ai_response_time_to_first_chunk) BETWEEN 0.2 AND 1.5, max(duration_ns) > 2e9
        FROM spans WHERE gen_ai_operation_name = 'chat' AND gen_ai_response_time_to_first_chunk IS NOT NULL
    """
    assert sql(data, streamed) == [(True, True, True, True)]


def test_calls_have_their_price_and_nothing_secret(shown: "subprocess.CompletedProcess[str]", data: Path) -> None:
    assert shown.returncode == 0
    unpriced = """
        SELECT name FROM spans
        WHERE gen_ai_operation_name IN ('chat', 'embeddings', 'stt', 'tts') AND status_code <> 'ERROR'
          AND coalesce(attributes['ax.cost.usd']::DOUBLE, 0) <= 0
    """
    assert sql(data, unpriced) == []
    said = "SELECT count(*) FILTER ({0} LIKE '%4111%'), count(*) FILTER ({0} LIKE '%[redacted]%') > 0 FROM spans"
    assert sql(data, said.format("attributes['gen_ai.input.messages']")) == [(0, True)]


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
