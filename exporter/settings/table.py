"""Every setting: its path, variable, default, what it takes and what it means; made from `Config`.

In: `Config` and its fields. Out: the table, which readers of files and variables, `ax config show` and the docs use.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, get_args, get_origin

import platformdirs
from pydantic import BaseModel, PlainSerializer
from pydantic.fields import FieldInfo

from exporter.addresses import split
from exporter.config import Config
from exporter.errors import BadConfig
from exporter.units import format_duration, format_size, parse_duration, parse_size

PREFIX: Final = "AX_"
BUILD_VARIABLES: Final = frozenset({"AX_WEB"})
"""What the package's build reads."""
SDK_VARIABLES: Final = frozenset(
    {
        "AX_BATCH_SIZE",
        "AX_BUDGETS",
        "AX_BUDGET_SERVER",
        "AX_CARRY",
        "AX_CONTENT",
        "AX_COSTLY_USD",
        "AX_DISABLED",
        "AX_ENDPOINT",
        "AX_EXIT_TIMEOUT",
        "AX_EXPORT_INTERVAL",
        "AX_HEADERS",
        "AX_KEEP_RATIO",
        "AX_PENDING",
        "AX_PRICES",
        "AX_PROCESS_METRICS",
        "AX_QUEUE_BYTES",
        "AX_QUEUE_SIZE",
        "AX_REDACT",
        "AX_SAMPLING_RATIO",
        "AX_SCHEDULE_DELAY",
        "AX_SERVICE_NAME",
        "AX_SIGTERM",
        "AX_SLOW",
        "AX_THREADS",
    }
)
"""Variables that `otel_ax` reads, or both: none of our settings, and nobody's slip."""
ENDPOINTS: Final = ("receive.grpc", "receive.http", "serve.ui")
"""Settings that are HOST:PORT."""
_DURATION: Final = "a duration such as 500ms, 30s, 12h or 7d"
_SIZE: Final = "a size such as 64KiB, 16MiB or 2GiB"
_SOME_OF: Final = "some, with commas between, of "
_ANY_NAMES: Final = "names with commas between"
_BOOLS: Final = {
    "true": True,
    "yes": True,
    "on": True,
    "1": True,
    "false": False,
    "no": False,
    "off": False,
    "0": False,
}

Reader = Callable[[object], object]


@dataclass(frozen=True, slots=True)
class Setting:
    """One leaf of `Config`: `allowed` says in words what `read` takes; `default` is as one would write it."""

    path: str
    variable: str
    default: str
    allowed: str
    description: str
    read: Reader


def default_data() -> Path:
    """The platform's directory for our data, such as `~/.local/share/otel-ax`."""
    return platformdirs.user_data_path("otel-ax", appauthor=False)


def table() -> list[Setting]:
    """Every setting, in the order of `Config`."""
    return list(_walk(Config, ""))


def values(config: Config) -> dict[str, str]:
    """Each setting's value in `config` by path, as one would write it."""
    return {setting.path: _text(at(config, setting.path), setting.allowed) for setting in table()}


def at(config: BaseModel, path: str) -> object:
    """The value of a setting."""
    value: object = config
    for name in path.split("."):
        value = getattr(value, name)
    return value


def _walk(model: type[BaseModel], prefix: str) -> Iterator[Setting]:
    for name, field in model.model_fields.items():
        path = f"{prefix}{name}"
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from _walk(field.annotation, f"{path}.")
            continue
        allowed, read = _kind(path, field)
        default = str(default_data()) if path == "data" else _text(field.default, allowed)
        variable = PREFIX + path.replace(".", "_").upper()
        yield Setting(path, variable, default, allowed, field.description or "", read)


def _kind(path: str, field: FieldInfo) -> tuple[str, Reader]:
    """What is allowed, in words, and its reader."""
    formats = {item.func for item in field.metadata if isinstance(item, PlainSerializer)}
    if format_duration in formats:
        return _DURATION, _quantity(parse_duration, _DURATION)
    if format_size in formats:
        return _SIZE, _quantity(parse_size, _SIZE)
    if get_origin(field.annotation) is Literal:
        choices: tuple[str, ...] = get_args(field.annotation)
        allowed = "one of " + ", ".join(choices)
        return allowed, _choice({choice: choice for choice in choices}, allowed)
    for annotation, allowed, read in _KINDS:
        if field.annotation == annotation:
            return allowed, read
    if path in ENDPOINTS:
        return "HOST:PORT", _endpoint
    if get_origin(field.annotation) is tuple and not field.default:
        return _ANY_NAMES, _any_names
    if get_origin(field.annotation) is tuple:
        return _SOME_OF + ", ".join(field.default), _names(field.default)
    raise TypeError(f"{path}: no reader for {field.annotation}")  # a new kind of setting needs one here


def _quantity(parse: Callable[[str], int], allowed: str) -> Reader:
    def read(raw: object) -> object:
        if not isinstance(raw, str):
            raise BadConfig(f"{raw!r} has no unit", mend=f"write {allowed}")
        return parse(raw)

    return read


def _choice(choices: Mapping[str, object], allowed: str) -> Reader:
    def read(raw: object) -> object:
        text = str(raw).lower()
        if raw is None or text not in choices:
            raise BadConfig(f"cannot take {raw!r}", mend=f"write {allowed}")
        return choices[text]

    return read


def _names(choices: tuple[str, ...]) -> Reader:
    def read(raw: object) -> object:
        names = tuple(str(name).strip() for name in (raw if isinstance(raw, (list, tuple)) else str(raw).split(",")))
        if unknown := set(names) - set(choices):
            raise BadConfig(f"cannot take {min(unknown)!r}", mend=f"write {_SOME_OF}{', '.join(choices)}")
        return names

    return read


def _any_names(raw: object) -> object:
    parts = raw if isinstance(raw, (list, tuple)) else str(raw or "").split(",")
    return tuple(name for name in (str(part).strip() for part in parts) if name)


def _whole(raw: object) -> object:
    text = str(raw).replace("_", "")
    if isinstance(raw, bool) or not (text.isascii() and text.isdigit()) or int(text) < 1:
        raise BadConfig(f"cannot take {raw!r}", mend="write a whole number from 1")
    return int(text)


def _path(raw: object) -> object:
    if isinstance(raw, Path):
        return raw
    if not isinstance(raw, str) or not raw:
        raise BadConfig(f"cannot take {raw!r}", mend="write a directory")
    return Path(raw).expanduser()


def _file(raw: object) -> object:
    if raw is None or isinstance(raw, Path):
        return raw
    if not isinstance(raw, str):
        raise BadConfig(f"cannot take {raw!r}", mend="write a file's path")
    return Path(raw).expanduser() if raw else None


def _endpoint(raw: object) -> object:
    split("endpoint", str(raw))
    return str(raw)


_KINDS: Final = (
    (bool, "true or false", _choice(_BOOLS, "true or false")),
    (int, "a whole number from 1", _whole),
    (Path, "a directory", _path),
    (Path | None, "a file", _file),
)


def _text(value: object, allowed: str) -> str:
    if allowed == _DURATION and isinstance(value, int):
        return format_duration(value)
    if allowed == _SIZE and isinstance(value, int):
        return format_size(value)
    if isinstance(value, tuple):
        return ",".join(value)
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)
