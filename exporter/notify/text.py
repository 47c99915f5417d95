"""Text that strangers wrote, made fit for a message.

In: any text. Out: one printable line, no longer than asked, escaped for where it goes.
"""

import re
from collections.abc import Callable
from typing import Final

_UNSHOWN: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff"
    "\U000e0000-\U000e007f]+"
)
"""Control characters, line ends, what turns the direction of text round, what has no width, and halves of pairs."""
_CUT: Final = "…"
_LONGEST_KEPT: Final = 8_000
_LONGEST_LINK: Final = 2_000


def plain(text: str, longest: int = _LONGEST_KEPT) -> str:
    """One line of what can be seen, of `longest` characters at most; what is cut ends in "…"."""
    shown = " ".join(_UNSHOWN.sub(" ", text[: 4 * longest]).split())
    return shown if len(shown) <= longest else shown[: longest - 1] + _CUT


def fit(text: str, longest: int, escape: Callable[[str], str]) -> str:
    """`plain`, escaped, and no longer than `longest` after that; no escape is cut in two."""
    shown = plain(text, longest)
    escaped = escape(shown)
    if len(escaped) <= longest:
        return escaped
    kept: list[str] = []
    room = longest - len(_CUT)
    for character in shown:
        piece = escape(character)
        room -= len(piece)
        if room < 0:
            break
        kept.append(piece)
    return "".join(kept) + _CUT


def link(text: str) -> str | None:
    """The text if it is an http(s) address that can be linked, else None."""
    address = text.strip()
    if len(address) > _LONGEST_LINK or not re.fullmatch(r"https?://[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]+", address):
        return None
    return address
