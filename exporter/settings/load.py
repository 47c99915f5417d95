"""Reading the settings: defaults, then a file, then `AX_*` variables, then options.

In: where the data and the file may be, an environment, options by path. Out: a `Config`; `BadConfig` says file, path
of the setting and what is allowed.
"""

import difflib
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import yaml

from exporter.addresses import is_loopback, split
from exporter.config import Config
from exporter.errors import BadConfig
from exporter.settings.table import (
    BUILD_VARIABLES,
    ENDPOINTS,
    PREFIX,
    SDK_VARIABLES,
    Setting,
    at,
    default_data,
    table,
)
from exporter.units import format_size

FILE_NAME: Final = "ax.yaml"
OPTIONS: Final = {
    "data": "--data",
    "insecure": "--insecure-i-know",
    "receive.grpc": "--grpc",
    "receive.http": "--http",
    "serve.ui": "--ui",
}
"""Settings that `ax serve` takes as options."""
_RECORD_OVERHEAD_BYTES: Final = 4_096


@dataclass(frozen=True, slots=True)
class Resolved:
    """A configuration, and where each setting that is no default came from."""

    config: Config
    origins: Mapping[str, str]


def _warn(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def load(
    data: Path | None,
    config_file: Path | None,
    environ: Mapping[str, str],
    overrides: Mapping[str, object],
    warn: Callable[[str], None] = _warn,
) -> Config:
    """The configuration: defaults < file < `AX_*` < `overrides` (by path of the setting) < `data`.

    The file is `config_file`, else `ax.yaml` in the data directory if there. `warn` gets a line for each `AX_*`
    variable that is no setting. Raises `BadConfig`.
    """
    return resolve(data, config_file, environ, overrides, warn).config


def resolve(
    data: Path | None,
    config_file: Path | None,
    environ: Mapping[str, str],
    overrides: Mapping[str, object],
    warn: Callable[[str], None] = _warn,
) -> Resolved:
    """What `load` does, with the origin of each setting."""
    settings = {setting.path: setting for setting in table()}
    found: dict[str, tuple[object, str]] = {}
    if config_file is not None:
        found.update(_from_file(config_file, settings))
    found.update(_from_environment(environ, settings, warn))
    for path, value in overrides.items():
        found[path] = (_read(settings[path], value, OPTIONS.get(path, path)), OPTIONS.get(path, path))
    if data is not None:
        found["data"] = (data, OPTIONS["data"])
    directory = found.get("data", (default_data(), ""))[0]
    if not isinstance(directory, Path):  # pragma: no cover, `_path` and the parameter's type make it one
        raise BadConfig(f"data: cannot read {directory!r} as a directory")
    own = directory.expanduser().absolute()
    if config_file is None and (own / FILE_NAME).is_file():
        found = {**_from_file(own / FILE_NAME, settings, own=True), **found}
    found["data"] = (own, found["data"][1] if "data" in found else "default")
    config = Config.model_validate(_tree({path: value for path, (value, _) in found.items()}))
    _check(config, {path: origin for path, (_, origin) in found.items()})
    return Resolved(config, {path: origin for path, (_, origin) in found.items() if origin != "default"})


def find_data(data: Path | None, environ: Mapping[str, str]) -> Path:
    """The data directory: `data`, else AX_DATA, else the platform's own."""
    named = environ.get(f"{PREFIX}DATA")
    return (data or (Path(named) if named else default_data())).expanduser().absolute()


# ── Where values come from ────────────────────────────────────────────────────────────────────────────────────────


def _from_file(file: Path, settings: Mapping[str, Setting], *, own: bool = False) -> dict[str, tuple[object, str]]:
    try:
        tree = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise BadConfig(f"cannot read {file}: {reason}", mend="check the path after --config") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "not YAML"
        raise BadConfig(f"{file}{where}: {problem}", mend="write YAML: sections with `setting: value` lines") from None
    found: dict[str, tuple[object, str]] = {}
    for path, raw in _leaves(tree, "", str(file), settings):
        if path == "data" and own:
            raise BadConfig(f"{file}: data: a file in the data directory cannot move it", mend="use --data or AX_DATA")
        value = _read(settings[path], raw, str(file))
        found[path] = (file.absolute().parent / value if isinstance(value, Path) else value, str(file))
    return found


def _leaves(tree: object, prefix: str, source: str, settings: Mapping[str, Setting]) -> Iterator[tuple[str, object]]:
    sections = {path.rpartition(".")[0] for path in settings} | {""}
    if tree is None:
        return
    if not isinstance(tree, dict):
        name = prefix.rstrip(".") or "the file"
        raise BadConfig(f"{source}: {name} must hold settings, not {tree!r}", mend="write `setting: value` lines")
    for key, value in tree.items():
        path = f"{prefix}{key}"
        if path in settings:
            yield path, value
        elif path in sections:
            yield from _leaves(value, f"{path}.", source, settings)
        else:
            raise BadConfig(f"{source}: unknown setting {path}", mend=_closest(path, [*settings, *sections]))


def _from_environment(
    environ: Mapping[str, str], settings: Mapping[str, Setting], warn: Callable[[str], None]
) -> dict[str, tuple[object, str]]:
    by_variable = {setting.variable: setting for setting in settings.values()}
    found: dict[str, tuple[object, str]] = {}
    for name in sorted(environ):
        if not name.startswith(PREFIX) or name in SDK_VARIABLES | BUILD_VARIABLES or environ[name] == "":
            continue
        setting = by_variable.get(name)
        if setting is None:
            warn(f"ax: ignored the variable {name}, which is no setting; {_closest(name, list(by_variable))}")
        else:
            found[setting.path] = (_read(setting, environ[name], name), name)
    return found


def _closest(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, [other for other in known if other], n=1, cutoff=0.6)
    return f"did you mean {near[0]}?" if near else "`ax config show --defaults` lists all settings"


def _read(setting: Setting, raw: object, source: str) -> object:
    try:
        return setting.read(raw)
    except BadConfig as error:
        where = "" if source == OPTIONS.get(setting.path) or source == setting.variable else f" {setting.path}:"
        raise BadConfig(f"{source}:{where} {error.message}", mend=error.mend) from None


def _tree(flat: Mapping[str, object]) -> dict[str, object]:
    tree: dict[str, object] = {}
    for path, value in flat.items():
        *sections, name = path.split(".")
        branch = tree
        for section in sections:
            inner = branch.setdefault(section, {})
            assert isinstance(inner, dict)  # noqa: S101 (a section is never a leaf: `Config` says so)
            branch = inner
        branch[name] = value
    return tree


def _check(config: Config, origins: Mapping[str, str]) -> None:
    """Rules between settings. Raises `BadConfig`."""
    for path in ENDPOINTS:
        host, _ = split(path, str(at(config, path)))
        if not is_loopback(host) and not config.leaves_loopback:
            raise BadConfig(
                f"{origins.get(path, path)}: {host} is reached from other machines, and there is no TLS",
                mend="set tls.cert and tls.key, use localhost, or add --insecure-i-know where the network is yours",
            )
    if (config.tls.cert is None) != (config.tls.key is None):
        missing, other = ("tls.cert", "tls.key") if config.tls.cert is None else ("tls.key", "tls.cert")
        raise BadConfig(f"{missing} is not set", mend=f"set it beside {other}, or neither")
    if config.receive.retry_after_min > config.receive.retry_after_max:
        raise BadConfig("receive.retry_after_min is above receive.retry_after_max", mend="lower it")
    if config.journal.file_bytes < config.limits.request_bytes + _RECORD_OVERHEAD_BYTES:
        raise BadConfig(
            "journal.file_bytes is too small for a request of limits.request_bytes",
            mend=f"set it to at least {format_size(2 * config.limits.request_bytes)}",
        )
