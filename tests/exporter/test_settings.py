"""Settings: where they come from, which one wins, and what is said about a wrong one."""

from pathlib import Path

import pytest

from exporter import settings
from exporter.config import Config
from exporter.errors import BadConfig


def loaded(data: Path, file: str = "", environ: dict[str, str] | None = None, **overrides: object) -> Config:
    """The configuration of a data directory whose ax.yaml holds `file`; `__` in a keyword is a dot of a path."""
    if file:
        (data / "ax.yaml").write_text(file)
    by_path = {name.replace("__", "."): value for name, value in overrides.items()}
    return settings.load(data, None, environ or {}, by_path)


def test_without_any_source_every_setting_has_its_default(tmp_path: Path) -> None:
    assert loaded(tmp_path) == Config(data=tmp_path)


def test_a_file_beats_defaults_a_variable_beats_the_file_and_an_option_beats_the_variable(tmp_path: Path) -> None:
    file = "receive:\n  grpc: localhost:1\n  http: localhost:1\nserve:\n  ui: localhost:1\n"
    environ = {"AX_RECEIVE_HTTP": "localhost:2", "AX_SERVE_UI": "localhost:2"}
    config = loaded(tmp_path, file, environ, serve__ui="localhost:3")
    assert (config.receive.grpc, config.receive.http, config.serve.ui) == ("localhost:1", "localhost:2", "localhost:3")


def test_a_file_named_by_option_replaces_the_data_directorys_own(tmp_path: Path) -> None:
    (tmp_path / "ax.yaml").write_text("log_level: error")
    other = tmp_path / "other.yaml"
    other.write_text("limits: {items: 7}")
    config = settings.load(tmp_path, other, {}, {})
    assert (config.log_level, config.limits.items) == ("info", 7)


def test_units_and_nested_sections_are_read(tmp_path: Path) -> None:
    config = loaded(tmp_path, "store:\n  flush_interval: 250ms\n  retention:\n    spans: 2w\n  memory_bytes: 1GiB\n")
    assert config.store.flush_interval == 250_000_000
    assert config.store.retention.spans == 14 * 86_400 * 10**9
    assert config.store.memory_bytes == 2**30


def test_the_data_directory_is_the_option_else_the_variable_else_the_files_else_the_platforms(tmp_path: Path) -> None:
    file = tmp_path / "ax.yaml"
    file.write_text("data: here")
    environ = {"AX_DATA": str(tmp_path / "variable")}
    assert settings.load(tmp_path / "option", file, environ, {}).data == tmp_path / "option"
    assert settings.load(None, file, environ, {}).data == tmp_path / "variable"
    assert settings.load(None, file, {}, {}).data == tmp_path / "here"
    assert settings.load(None, None, {}, {}).data == settings.default_data()


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ("store:\n  flush_intervall: 1s", "unknown setting store.flush_intervall; did you mean store.flush_interval?"),
        ("stroe: {}", "unknown setting stroe; did you mean store?"),
        ("store:\n  flush_interval: 30", "store.flush_interval: 30 has no unit; write a duration such as 500ms"),
        ("store:\n  flush_interval: 30 s", "store.flush_interval: cannot read '30 s' as a duration; write"),
        ("limits:\n  items: many", "limits.items: cannot take 'many'; write a whole number from 1"),
        ("limits:\n  items: 0", "limits.items: cannot take 0; write a whole number from 1"),
        ("limits:\n  items: true", "limits.items: cannot take True; write a whole number from 1"),
        ("limits:\n  items:", "limits.items: cannot take None; write a whole number from 1"),
        ("log_level: loud", "log_level: cannot take 'loud'; write one of debug, info, warning, error"),
        ("receive:\n  grpc: 4317", "receive.grpc: cannot read endpoint '4317'; write HOST:PORT"),
        ("receive:\n  grpc: ::1:4317", "receive.grpc: cannot read endpoint '::1:4317'; write HOST:PORT"),
        ("receive:\n  grpc: localhost:70000", "receive.grpc: cannot read endpoint 'localhost:70000'"),
        ("receive: 5", "receive must hold settings, not 5"),
        ("- a", "the file must hold settings, not ['a']"),
        ("data: /elsewhere", "data: a file in the data directory cannot move it; use --data or AX_DATA"),
        ("a: [", "ax.yaml line 1: "),
        ("x: !!python/object/apply:os.getcwd []", "could not determine a constructor for the tag"),
    ],
)
def test_a_wrong_file_is_refused_with_the_place_and_the_mend(tmp_path: Path, file: str, said: str) -> None:
    with pytest.raises(BadConfig) as refused:
        loaded(tmp_path, file)
    assert said in str(refused.value)
    assert str(tmp_path / "ax.yaml") in str(refused.value)


def test_a_wrong_variable_and_a_wrong_option_are_named(tmp_path: Path) -> None:
    with pytest.raises(BadConfig, match=r"^AX_LIMITS_ITEMS: cannot take 'x'; write a whole number from 1$"):
        loaded(tmp_path, environ={"AX_LIMITS_ITEMS": "x"})
    with pytest.raises(BadConfig, match=r"^--grpc: cannot read endpoint 'x'; write HOST:PORT"):
        loaded(tmp_path, receive__grpc="x")


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(BadConfig, match=r"cannot read .*no.yaml: No such file"):
        settings.load(tmp_path, tmp_path / "no.yaml", {}, {})


def test_a_variable_that_is_no_setting_is_warned_of_and_an_empty_one_is_unset(tmp_path: Path) -> None:
    said: list[str] = []
    environ = {"AX_STORE_FLUSH_INTERVALL": "1s", "AX_LIMITS_ITEMS": "", "AXE": "1"}
    assert settings.load(tmp_path, None, environ, {}, said.append) == Config(data=tmp_path)
    assert said == [
        "ax: ignored the variable AX_STORE_FLUSH_INTERVALL, which is no setting; did you mean AX_STORE_FLUSH_INTERVAL?"
    ]


@pytest.mark.parametrize("host", ["192.168.0.1", "[::]", "example.com", "127.0.0.1.example.com", "10.0.0.1"])
def test_an_endpoint_beyond_loopback_needs_the_word(tmp_path: Path, host: str) -> None:
    with pytest.raises(BadConfig, match="is reached from other machines"):
        loaded(tmp_path, receive__grpc=f"{host}:4317")
    assert loaded(tmp_path, receive__grpc=f"{host}:4317", insecure=True).insecure


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.1.2.3", "[::1]"])
def test_loopback_needs_no_word(tmp_path: Path, host: str) -> None:
    assert loaded(tmp_path, receive__grpc=f"{host}:0").receive.grpc == f"{host}:0"


def test_settings_that_contradict_each_other_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadConfig, match="retry_after_min is above"):
        loaded(tmp_path, environ={"AX_RECEIVE_RETRY_AFTER_MIN": "3s"})
    with pytest.raises(BadConfig, match=r"file_bytes is too small .* at least 32MiB"):
        loaded(tmp_path, environ={"AX_JOURNAL_FILE_BYTES": "1MiB"})


def test_each_setting_has_a_description_and_its_default_is_read_back() -> None:
    for setting in settings.table():
        assert setting.description, setting.path
        assert setting.variable == "AX_" + setting.path.upper().replace(".", "_")
        assert setting.read(setting.default) is not None or setting.default == ""


def test_each_setting_can_be_set_by_its_variable(tmp_path: Path) -> None:
    environ = {setting.variable: setting.default for setting in settings.table() if setting.path != "data"}
    assert loaded(tmp_path, environ=environ) == Config(data=tmp_path)


def test_a_child_reads_the_settings_that_its_parent_writes(tmp_path: Path) -> None:
    config = loaded(tmp_path, environ={"AX_STORE_GRACE": "90s", "AX_LIMITS_REQUEST_BYTES": "1000000B"})
    assert Config.model_validate_json(config.model_dump_json()) == config
