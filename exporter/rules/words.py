"""What entries of `rules/*.yaml` are made of: the base of their models, money, secrets, texts.

In: values as YAML has them. Out: pydantic types for the owners of sections (`alert.rule`, `budget`, `notify`).
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated, Any, Final, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    ModelWrapValidatorHandler,
    PlainSerializer,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails, InitErrorDetails, PydanticCustomError, PydanticKnownError, core_schema

from exporter.errors import BadConfig
from exporter.units import LARGEST, format_duration, parse_duration

NANOS: Final = 10**9
_LEAST_NS: Final = 10**6  # a bare number below is nobody's nanoseconds
_MOST_USD: Final = 10**9
_VARIABLE: Final = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_LONGEST_NAME: Final = 100
_LONGEST_TEXT: Final = 16_000
_LONGEST_SECRET: Final = 64 * 2**10


Mistake = tuple[tuple[str | int, ...], str, str]
"""Where within an entry, what is wrong, and the mend."""


class Declared(BaseModel):
    """The base of what a file declares: it does not change, and takes no key that it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    @model_validator(mode="wrap")
    @classmethod
    def _all_at_once(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        """What is wrong between fields is told along with fields that are wrong, not once those are right."""
        try:
            return cls._whole(handler(data))
        except ValidationError as error:
            found = error.errors(include_url=False)
            wrong = {each["loc"][0] for each in found if each["loc"]}
            if not isinstance(data, Mapping) or not wrong & set(data):
                raise
        rest = {name: value for name, value in data.items() if name not in wrong}
        try:
            cls._whole(handler(rest))
        except ValidationError as error:
            more = (each for each in error.errors(include_url=False) if each["loc"] and each["type"] != "missing")
            found += [each for each in more if each["loc"][0] not in wrong]
        raise ValidationError.from_exception_data(cls.__name__, [_again(each) for each in found])

    @classmethod
    def _whole(cls, made: Self) -> Self:
        mistakes(cls.__name__, list(made.wrong()))
        return made

    def wrong(self) -> Iterable[Mistake]:
        """What is wrong between its fields, each of which is right by itself."""
        return ()


def _again(error: ErrorDetails) -> InitErrorDetails:
    """The same error, to be raised once more."""
    context = dict(error.get("ctx") or {})
    kind: str | PydanticCustomError = error["type"]
    try:
        PydanticKnownError(error["type"], context or None)  # type: ignore[arg-type] # any text: this finds out
    except (KeyError, TypeError, ValueError):
        kind = PydanticCustomError("ax", "{message}", {"message": error["msg"], "mend": ""} | context)
        context = {}
    return InitErrorDetails(type=kind, loc=error["loc"], input=error["input"], ctx=context)


def mistakes(title: str, found: Sequence[Mistake]) -> None:
    """Raises one error for all that a model's validator found: where (within the model), what, and the mend.

    The reader then points at each of the places, not at the entry.
    """
    if found:
        details = [
            InitErrorDetails(
                type=PydanticCustomError("ax", "{message}", {"message": what, "mend": mend}), loc=loc, input=None
            )
            for loc, what, mend in found
        ]
        raise ValidationError.from_exception_data(title, details)


def mistake(message: str, mend: str = "") -> PydanticCustomError:
    """An error of one field, with its mend."""
    return PydanticCustomError("ax", "{message}", {"message": message, "mend": mend})


def _money(raw: object) -> object:
    if isinstance(raw, bool) or not isinstance(raw, (int, float, str)):
        raise mistake(f"cannot read {raw!r} as an amount", "write US dollars, such as $500 or 12.50")
    try:
        dollars = Decimal(str(raw).strip().removeprefix("$").replace("_", "").replace(",", ""))
    except InvalidOperation:
        raise mistake(f"cannot read {raw!r} as an amount", "write US dollars, such as $500 or 12.50") from None
    if not dollars.is_finite() or abs(dollars) > _MOST_USD:
        raise mistake(f"{raw!r} is no amount that anybody spends", f"write at most ${_MOST_USD}")
    return int(dollars * NANOS)


def format_money(nanos: int) -> str:
    """US dollars that `Money` reads back as `nanos`."""
    return f"${(Decimal(nanos) / NANOS).normalize():f}"


Money = Annotated[int, BeforeValidator(_money), PlainSerializer(format_money, return_type=str, when_used="json")]
"""Nano-dollars; written as `$500`, `500` or `12.5`. Text and JSON hold dollars; give Python's models text too."""


def _duration(raw: object) -> object:
    if isinstance(raw, bool) or not isinstance(raw, str | int) or (isinstance(raw, int) and 0 < raw < _LEAST_NS):
        raise mistake(f"{raw!r} is no duration", "write a whole number and a unit, such as 30s, 5m, 12h or 7d")
    if isinstance(raw, int) and abs(raw) > LARGEST:
        raise mistake("this is too large for a duration", "write one such as 30s, 5m, 12h or 7d")
    try:
        return parse_duration(raw) if isinstance(raw, str) else raw
    except BadConfig as error:
        raise mistake(error.message, error.mend) from None


Duration = Annotated[
    int, BeforeValidator(_duration), PlainSerializer(format_duration, return_type=str, when_used="json")
]
"""Nanoseconds; written as `30s`. A number without a unit, which could be seconds, is refused."""


def _texts(raw: object) -> object:
    if raw is None:
        return {}
    if not isinstance(raw, Mapping):
        return raw
    none = [(name, value) for name, value in raw.items() if isinstance(value, bool | None | dict | list)]
    mistakes("texts", [((str(name),), f"{value!r} is no text", "write it in quotes") for name, value in none])
    long = [name for name, value in raw.items() if len(str(name)) > _LONGEST_NAME or len(str(value)) > _LONGEST_TEXT]
    told = f"a name has at most {_LONGEST_NAME} characters, a text {_LONGEST_TEXT}", "write less"
    mistakes("texts", [((str(name),), *told) for name in long])
    return {str(name): str(value) for name, value in raw.items()}


Texts = Annotated[dict[str, str], BeforeValidator(_texts)]
"""Names and texts; numbers become text."""


def _listed(raw: object) -> object:
    return (raw,) if isinstance(raw, str) else raw


Listed = Annotated[tuple[str, ...], BeforeValidator(_listed)]
"""Several names, or one."""


@dataclass(frozen=True, slots=True)
class Secret:
    """Where a secret is; never the secret itself, so that showing it shows nothing."""

    template: str = ""
    file: Path | None = None

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        """From `${NAME}`, alone or within a text, or from `{file: PATH}`; a literal is refused."""
        del source, handler
        return core_schema.no_info_plain_validator_function(
            _secret, serialization=core_schema.plain_serializer_function_ser_schema(lambda _: "********")
        )

    def reveal(self, environ: Mapping[str, str]) -> str:
        """The secret, read now. Raises `BadConfig` where the variable or the file is not there."""
        if self.file is not None:
            try:
                with self.file.expanduser().open(encoding="utf-8") as file:
                    return file.read(_LONGEST_SECRET).strip()
            except (OSError, UnicodeDecodeError):
                raise BadConfig(f"cannot read the secret in {self.file}", mend="check the path and its mode") from None
        for name in _VARIABLE.findall(self.template):
            if not environ.get(name):
                raise BadConfig(f"the variable {name} is not set", mend=f"set {name} where `ax serve` runs")
        return _VARIABLE.sub(lambda match: environ[match[1]], self.template)


def _secret(raw: object) -> Secret:
    if isinstance(raw, Secret):
        return raw
    if isinstance(raw, str) and _VARIABLE.search(raw):
        return Secret(template=raw)
    if isinstance(raw, Mapping) and set(raw) == {"file"} and isinstance(raw["file"], (str, Path)):
        return Secret(file=Path(raw["file"]))
    raise mistake("a secret does not belong into a file of rules", 'write "${NAME}" and set that variable')
