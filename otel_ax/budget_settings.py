"""Budgets by configuration.

In: the variable AX_BUDGETS, such as `research=5/day; acme=100/month,tenant=acme,timezone=Europe/Berlin,action=warn`,
or the path of a TOML or JSON file with a list `budget`. Out: `Budget`s.
"""

import json
import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from otel_ax.budget import Budget
from otel_ax.errors import BadSettings
from otel_ax.ledger import SCOPES

__all__ = ["BUDGETS_VARIABLE", "read_budgets"]

BUDGETS_VARIABLE: Final = "AX_BUDGETS"
_KEYS: Final = frozenset({"name", "usd", "per", "action", "timezone", "shared", *SCOPES})
_MEND: Final = "write name=5/day,tenant=acme; or name a .toml file"


def read_budgets(text: str) -> list[Budget]:
    """The budgets that the variable's text tells.

    Raises:
        BadSettings: It cannot be read.
    """
    text = text.strip()
    if text.endswith((".toml", ".json")):
        return [_budget(told) for told in _file(Path(text))]
    return [_budget(_compact(part.strip())) for part in text.split(";") if part.strip()]


def _file(path: Path) -> list[dict[str, Any]]:
    try:
        text = path.read_text(encoding="utf-8")
        is_json = path.suffix == ".json"
        told = json.loads(text, parse_float=Decimal) if is_json else tomllib.loads(text, parse_float=Decimal)
        return [dict(one) for one in told["budget"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadSettings(f"cannot read budgets from {path}: {error!r}; write [[budget]] entries") from error


def _compact(part: str) -> dict[str, Any]:
    first, *rest = part.split(",")
    name, is_there, amount = first.partition("=")
    usd, slash, per = amount.partition("/")
    pairs = [pair.partition("=") for pair in rest]
    if not (name.strip() and is_there and slash) or not all(equals for _, equals, _ in pairs):
        raise BadSettings(f"cannot read the budget {part!r}; {_MEND}")
    return {
        "name": name.strip(),
        "usd": usd,
        "per": per.strip(),
        **{key.strip(): value.strip() for key, _, value in pairs},
    }


def _budget(told: dict[str, Any]) -> Budget:
    unknown = told.keys() - _KEYS
    if unknown or not {"name", "usd"} <= told.keys():
        raise BadSettings(f"cannot read the budget {told}; its keys are {', '.join(sorted(_KEYS))}")
    shared = str(told.get("shared", "false")).lower()
    if shared not in {"true", "false"}:
        raise BadSettings(f"budget {told['name']!r}: shared={told['shared']!r}; write true or false")
    told = {**told, "shared": shared == "true"}
    try:
        return Budget(**{**told, "usd": Decimal(str(told["usd"]).strip().lstrip("$"))})
    except ArithmeticError as error:
        raise BadSettings(f"budget {told['name']!r}: cannot read {told['usd']!r} as dollars; {_MEND}") from error
