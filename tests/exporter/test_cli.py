"""The command `ax`: what it prints, and how it ends."""

import csv
import io
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest
import yaml

from exporter import settings
from exporter.cli import run
from exporter.cli.main import COMMANDS
from exporter.config import Config
from tests.running import AX, ENVIRON, Server, running, until


@dataclass(frozen=True)
class Done:
    """How a command ended and what it wrote."""

    returncode: int
    stdout: str
    stderr: str


def ax(*arguments: str) -> Done:
    """`ax` with `arguments`, in this process: a start costs half a second."""
    with redirect_stdout(io.StringIO()) as out, redirect_stderr(io.StringIO()) as err:
        code = run(arguments)
    return Done(code, out.getvalue(), err.getvalue())


def ax_process(*arguments: str, text: str = "") -> Done:
    """The same, as from a script."""
    command = [*AX, *arguments]
    done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=60, env=ENVIRON, check=False)
    return Done(done.returncode, done.stdout, done.stderr)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server in which `ax doctor` has put six records."""
    with running(tmp_path_factory.mktemp("cli") / "data") as started:
        done = ax_process("doctor", "--data", str(started.data))
        assert done.returncode == 0, done.stdout + done.stderr
        yield started


# ── Without a server ──────────────────────────────────────────────────────────────────────────────────────────────


def test_the_version_is_shown() -> None:
    assert ax_process("--version").stdout == "otel-ax 0.1.0\n"


def test_help_lists_the_commands_and_loads_none() -> None:
    program = "import sys; from exporter.cli.main import run; run(['--help']); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=ENVIRON, check=True)
    shown, _, loaded = done.stdout.rstrip().rpartition("\n")
    assert [name for name in COMMANDS if f"│ {name} " not in shown] == []
    assert "ax sql" in shown
    places = {place.partition(":")[0] for place, _ in COMMANDS.values()}
    assert places & set(loaded.split()) == set()


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself_as_it_is_listed_and_with_an_example(command: str) -> None:
    done = ax(command, "--help")
    assert done.returncode == 0
    said = " ".join(done.stdout.replace("│", " ").split())
    assert COMMANDS[command][1] in said
    assert f"ax {command}" in said


@pytest.mark.parametrize("arguments", [("nope",), ("sql",), ("sql", "select 1", "--format", "xml"), ("--nope",)])
def test_what_is_asked_wrongly_exits_2(arguments: tuple[str, ...]) -> None:
    done = ax(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Usage: ax" in done.stderr


def test_a_failure_is_one_line_on_stderr_and_exits_1(tmp_path: Path) -> None:
    done = ax_process("sql", "select 1", "--data", str(tmp_path))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"ax: no ax.duckdb in {tmp_path}; start `ax serve`, or name its directory with --data\n"


def test_without_the_extra_it_says_how_to_install_it() -> None:
    program = "import sys; sys.modules['duckdb'] = None; sys.argv = ['ax', 'sql', '1']; import exporter.__main__ as m"
    command = [sys.executable, "-c", f"{program}; m.main()"]
    done = subprocess.run(command, capture_output=True, text=True, env=ENVIRON, check=False)
    assert (done.returncode, done.stderr) == (
        1,
        "ax: the package duckdb is missing; pip install 'otel-ax[collector]'\n",
    )


def test_config_show_is_yaml_that_config_check_takes(tmp_path: Path) -> None:
    shown = ax("config", "show", "--defaults").stdout
    assert yaml.safe_load(shown)["store"]["retention"]["spans"] == "7d"
    (tmp_path / "ax.yaml").write_text(shown)
    checked = ax("config", "check", "--data", str(tmp_path))
    assert (checked.returncode, checked.stderr) == (0, "")
    assert settings.load(tmp_path, None, {}, {}) == Config(data=tmp_path)


def test_config_show_tells_where_a_value_came_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AX_STORE_GRACE", "90s")
    shown = ax("config", "show", "--data", str(tmp_path)).stdout
    assert yaml.safe_load(shown)["store"]["grace"] == "90s"
    assert "# AX_STORE_GRACE (from AX_STORE_GRACE): how long" in shown
    assert f"# data: {tmp_path} " in shown


def test_config_check_refuses_a_wrong_file(tmp_path: Path) -> None:
    (tmp_path / "ax.yaml").write_text("store:\n  gracee: 1h\n")
    done = ax("config", "check", "--data", str(tmp_path))
    assert done.returncode == 1
    assert done.stderr == (f"ax: {tmp_path / 'ax.yaml'}: unknown setting store.gracee; did you mean store.grace?\n")


# ── With a server ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_doctor_finds_each_signal_by_each_transport(server: Server) -> None:
    done = ax_process("doctor", "--data", str(server.data))
    lines = done.stdout.splitlines()
    assert done.returncode == 0, done.stdout
    assert all(line.startswith("✓ ") for line in lines)
    for signal in ("span", "log", "metric"):
        for transport in ("grpc", "http"):
            said = [line for line in lines if line.startswith(f"✓ {signal} over {transport}: ")]
            assert len(said) == 2, lines


def test_doctor_without_a_server_says_how_to_start_one(tmp_path: Path) -> None:
    done = ax("doctor", "--data", str(tmp_path))
    assert done.returncode == 1
    assert done.stdout.splitlines() == [
        f"✗ server: none runs on {tmp_path}",
        f"  → start one with `ax serve --data {tmp_path}`, or name another --data",
    ]


def test_sql_answers_as_table_json_and_csv(server: Server) -> None:
    query = "SELECT name, service_name, parent_span_id, resource_attributes FROM spans LIMIT 1"
    table = ax("sql", query, "--data", str(server.data)).stdout.splitlines()
    assert table[0].split() == ["name", "service_name", "parent_span_id", "resource_attributes"]
    assert table[1].startswith("ax doctor  ax-doctor     NULL")
    row = json.loads(ax("sql", query, "--data", str(server.data), "--format", "json").stdout)[0]
    assert row == {
        "name": "ax doctor",
        "service_name": "ax-doctor",
        "parent_span_id": None,
        "resource_attributes": {"service.name": "ax-doctor"},
    }
    lines = list(csv.reader(io.StringIO(ax("sql", query, "--data", str(server.data), "-f", "csv").stdout)))
    assert lines[1] == ["ax doctor", "ax-doctor", "", '{"service.name": "ax-doctor"}']


def test_sql_reads_its_statement_from_stdin(server: Server) -> None:
    done = ax_process("sql", "-", "-f", "csv", "--data", str(server.data), text="SELECT 1 AS one")
    assert done.stdout == "one\n1\n"


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("SELEC 1", 'ax: Parser Error: syntax error at or near "SELEC"\n'),
        ("SELECT nope FROM spans", 'ax: Binder Error: Referenced column "nope" not found in FROM clause!'),
        ("CREATE TABLE t (i INT)", "ax: "),
        ("SELECT 'x'::INT", "ax: Conversion Error: Could not convert string 'x' to INT32\n"),
    ],
)
def test_a_wrong_statement_is_one_line_and_exits_1(server: Server, query: str, said: str) -> None:
    done = ax("sql", query, "--data", str(server.data))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(said)
    assert done.stderr.count("\n") == 1


def test_files_are_the_segments_that_hold_the_rows(server: Server) -> None:
    listed = ax("files", "spans", "--data", str(server.data)).stdout.splitlines()
    assert listed
    with duckdb.connect() as connection:
        rows = connection.execute("SELECT count(*) FROM read_parquet(?)", [listed]).fetchall()
    assert rows == server.sql("SELECT count(*) FROM spans")
    done = ax("files", "spanz", "--data", str(server.data))
    assert done.returncode == 1
    assert "there is no table spanz; tables are " in done.stderr


@pytest.mark.parametrize("form", ["parquet", "csv", "json"])
def test_export_writes_the_rows_of_a_view(server: Server, tmp_path: Path, form: str) -> None:
    output = tmp_path / f"spans.{form}"
    options = ("--since", "1h", "--where", "service_name = 'ax-doctor'", "--format", form, "-o", str(output))
    done = ax("export", "spans", "--data", str(server.data), *options)
    assert done.returncode == 0, done.stderr
    reader = {"parquet": "read_parquet", "csv": "read_csv", "json": "read_json"}[form]
    with duckdb.connect() as connection:
        rows = connection.execute(f"SELECT name FROM {reader}('{output}')").fetchall()
    assert set(rows) == {("ax doctor",)}
    assert done.stderr == f"{len(rows)} rows in {output}\n"
    again = ax("export", "spans", "--data", str(server.data), "-o", str(output))
    assert (again.returncode, again.stderr) == (
        1,
        f"ax: {output} is there already; choose another file, or add --force\n",
    )


def test_export_of_no_view_names_the_views(server: Server, tmp_path: Path) -> None:
    done = ax("export", "spanz", "--data", str(server.data), "-o", str(tmp_path / "x"))
    assert done.returncode == 1
    assert "there is no view spanz; views are " in done.stderr
    assert " spans," in done.stderr


def test_the_servers_own_counters_are_stored_and_obey_the_law(tmp_path: Path) -> None:
    with running(tmp_path / "data", environ={"AX_RECEIVE_SELF_METRICS_INTERVAL": "1s"}) as own:
        query = """
            SELECT metric_name, max(value_int) FROM metrics_sum
            WHERE service_name = 'otel-ax' AND attributes['signal'] = 'metrics' GROUP BY ALL
        """
        until(lambda: dict(own.sql(query)).get("ax.stored.items", 0) > 0, "own metrics are stored")
        counted = dict(own.sql(query))
        assert counted["ax.received.items"] == counted["ax.accepted.items"] >= counted["ax.stored.items"]
