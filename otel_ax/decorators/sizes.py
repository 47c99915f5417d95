"""How large a value is as JSON, without writing it: no code of the user's runs, and no more than 10,000 parts are seen.

In: any value. Out: bytes, of compact UTF-8 JSON (escapes not counted; what is no JSON counts as `null`), or None.
"""

from collections.abc import Mapping
from typing import Any, Final

__all__ = ["json_bytes"]

MOST_PARTS: Final = 10_000
_NULL: Final = 4


def json_bytes(value: Any) -> int | None:
    """The bytes, or None where there are more than `MOST_PARTS` parts (a cycle has as many as one likes)."""
    total, parts, rest = 0, 0, [value]
    while rest:
        parts += 1
        if parts + len(rest) > MOST_PARTS:
            return None
        one = rest.pop()
        if isinstance(one, str):
            total += 2 + (len(one) if one.isascii() else len(one.encode("utf-8", "surrogatepass")))
        elif isinstance(one, bool):
            total += 5 - one
        elif isinstance(one, int):
            total += len(str(one)) if one.bit_length() < 64 else one.bit_length() * 3 // 10  # noqa: PLR2004
        elif isinstance(one, float):
            total += len(repr(one))
        elif isinstance(one, Mapping):
            total += 2 + 2 * len(one) - bool(one)
            rest.extend(one.keys())
            rest.extend(one.values())
        elif isinstance(one, list | tuple):
            total += 2 + len(one) - bool(one)
            rest.extend(one)
        elif isinstance(one, bytes):
            total += 2 + len(one)
        else:
            total += _NULL
    return total
