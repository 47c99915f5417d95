"""Secrets are masked, and prompts and completions dropped, before anything leaves the process.

In: attributes (strings, sequences, nested mappings) and texts. Out: the same objects where nothing was to be done, else
copies. Keys: Sentry's list, counts of tokens exempt. Values: keys of providers and clouds, JWT, PEM, cards (Luhn), what
stands behind `password=` or `Bearer`. Each pattern starts where a secret may start and repeats one class of characters,
so that the time is linear in the text. Source: semantics.md, section 3.
"""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

from otel_ax import semconv

__all__ = ["MASK", "is_content_event", "redact_attributes", "redact_text", "redact_value"]

MASK: Final = "[redacted]"

_SECRET_WORDS: Final = frozenset(
    {"auth", "authorization", "bearer", "cookie", "passphrase", "passcode", "passwd", "pwd", "secret", "secrets"}
)
_TOKEN_WORDS: Final = frozenset({"token", "tokens"})
_SECRET_PARTS: Final = (
    "password",
    "passwd",
    "mysqlpwd",
    "apikey",
    "privatekey",
    "secretkey",
    "accesskey",
    "clientsecret",
    "credential",
    "accesstoken",
    "authtoken",
    "refreshtoken",
)
_EXEMPT: Final = re.compile(
    r"gen_ai\.(?:usage|token|request)\.|llm\.(?:usage|token_count)|ai\.usage\.|ax\.(?!metadata\.)"
)
"""Keys whose `token` is a piece of text, not a key to anything."""
_WORDS: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_NUMBER: Final = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?")

_KEEP, _MASK_TEXT, _MASK_ALL, _CONTENT = range(4)  # modulo the last: content is kept, and read

_CONTENT_KEY: Final = re.compile(
    r"""(?:
        gen_ai\.(?:prompt|completion)(?:\.[0-9]|$) | gen_ai\.(?:input|output)\.messages | gen_ai\.event\.content
      | gen_ai\.(?:agent\.)?system_instructions | gen_ai\.retrieval\.(?:documents|query\.text)
      | llm\.(?:input_messages|output_messages|prompts|prompt_template\.variables|function_call)
      | embedding\.embeddings | retrieval\.documents | reranker\.(?:query|input_documents|output_documents)
      | (?:input|output)\.value$ | ai\.prompt | ai\.toolCall\.(?:args|result) | ai\.values?$ | ai\.schema$
      | ai\.response\.(?:text|object|toolCalls|reasoning|files) | tool\.parameters$ | tool_(?:arguments|response)$
      | traceloop\.entity\.(?:input|output) | langfuse\.(?:observation|trace)\.(?:input|output)
      | gen_ai\.memory\.(?:query\.text|records) | all_messages | pydantic_ai\.all_messages | (?:request|response)_data$
    )""",
    re.VERBOSE,
)
_CONTENT_EVENT: Final = re.compile(r"gen_ai\.(?:(?:system|user|assistant|tool)\.message|choice|content\.)")
_EVENT_CONTENT: Final = frozenset({"content", "message", "tool_calls", "body", "arguments", "gen_ai.event.content"})

_VALUE: Final = re.compile(
    r"""
    (?<![A-Za-z0-9])sk-(?=[A-Za-z_-]{0,64}[0-9])[A-Za-z0-9_-]{16,}+
  | (?<![A-Za-z0-9])(?:AKIA|ASIA|AIDA|AROA|AGPA)[A-Z0-9]{16}(?![A-Z0-9])
  | (?<![A-Za-z0-9])gh[pousr]_[A-Za-z0-9]{20,}+
  | (?<![A-Za-z0-9])github_pat_[A-Za-z0-9_]{20,}+
  | (?<![A-Za-z0-9])xox[a-z]-[A-Za-z0-9-]{10,}+
  | (?<![A-Za-z0-9])(?:[sr]k_(?:live|test)_|gsk_|hf_|glpat-|xai-|pplx-|npm_|r8_|tvly-|xapp-|lsv2_|dop_v1_)
      [A-Za-z0-9_-]{16,}+
  | (?<![A-Za-z0-9])(?:ya29|SG)\.[A-Za-z0-9._-]{20,}+
  | (?<![A-Za-z0-9])AIza[A-Za-z0-9_-]{35}
  | (?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8,}+(?:\.[A-Za-z0-9_-]*+){1,4}
  | -----BEGIN\ [A-Z0-9 ]{0,40}PRIVATE\ KEY(?:\ BLOCK)?-----(?:[^-]|-(?!----))*+(?:-----END\ [A-Z0-9 ]{0,50}-----)?
  | (?<![A-Za-z0-9])(?:[Bb]earer|BEARER|[Bb]asic)\ {1,4}(?=[A-Za-z._~+/-]{0,64}[0-9=])[A-Za-z0-9._~+/=-]{8,}+
  | (?<![A-Za-z0-9])[Tt]oken\ (?=[A-Za-z]{0,40}[0-9])[A-Za-z0-9]{20,}+
    """,
    re.VERBOSE,
)
_ASSIGNED: Final = re.compile(
    r"""(
      (?<![A-Za-z0-9])
      (?i:[a-z0-9]{0,20}[_-]?(?:password|passwd|pwd|passphrase|secret|api[_-]?key|private[_-]?key|secret[_-]?key
        |account[_-]?key|access[_-]?key|access[_-]?token|auth[_-]?token|refresh[_-]?token|id[_-]?token
        |session[_-]?token|credentials?))
      \\?["']?\s{0,4}(?:=>?|:)\s{0,4}\\?["']?
    )
    (?!\[redacted\])[^\s"'\\,;&{}\[\]<>]{3,}+""",
    re.VERBOSE,
)
_LIKELY: Final = re.compile(
    r"""(
      (?<![A-Za-z0-9])(?i:token)\\?["']?\s{0,4}[=:]\s{0,4}\\?["']?
      (?=[A-Za-z._~+/-]{0,64}[0-9])(?=[A-Za-z0-9._~+/=-]{16})
    | (?<=[?&])(?:sig|token|key)=(?=[A-Za-z0-9._~+/=%-]{8})
    | (?<![A-Za-z0-9-])--(?:[a-z]{1,20}-){0,3}(?:password|passwd|token|secret|api-key)\ {1,4}(?=[A-Za-z0-9])
    )
    (?!\[redacted\])[^\s"'\\,;&{}\[\]<>]{3,}+""",
    re.VERBOSE,
)
"""Names that are secret only where they are, or only before what looks like one."""
_COOKIE: Final = re.compile(r"((?<![A-Za-z0-9-])(?:[Ss]et-)?[Cc]ookie:\s{0,4})[^\s=;\"']{1,128}=[^\r\n\"']+")
_USERINFO: Final = re.compile(r"(?<=://)([^\s/:@?#]{0,128}:)[^\s/?#]{1,256}(?=@)")
_CARD: Final = re.compile(r"(?<![A-Za-z0-9_.-])[2-6][0-9](?:[ -]?[0-9]){11,17}(?![A-Za-z0-9_]|[.-][0-9])")
_MAY_HOLD: Final = re.compile(
    r"sk[-_]|A(?:KIA|SIA|IDA|ROA|GPA|Iza)|gh[pousr]_|github_pat|xox|gsk_|hf_|glpat|xai-|pplx|npm_|eyJ|-----B|://"
    r"|r8_|tvly-|xapp-|lsv2_|dop_v1_|ya29\.|SG\.|[?&]sig=|ookie:|[Bb]earer|BEARER|[Bb]asic"
    r"|[2-6][0-9](?:[ -]?[0-9]){11}|(?i:passw|pwd|passphr|secret|key|token|credential)"
)
"""What every text with a secret has: the one pattern that ordinary texts are searched for."""


def redact_text(text: str) -> str:
    """The text, its secrets masked; the same object where there are none."""
    masked = _redact_short(text) if len(text) <= _SHORT else _redact_text(text)
    return text if masked == text else masked


_SHORT: Final = 256


@lru_cache(maxsize=4096)
def _redact_short(text: str) -> str:
    return _redact_text(text)


def _redact_text(text: str) -> str:
    if _MAY_HOLD.search(text) is None:
        return text
    masked = _VALUE.sub(MASK, text)
    for pattern in (_ASSIGNED, _LIKELY, _COOKIE, _USERINFO):
        masked = pattern.sub(rf"\1{MASK}", masked)
    return _CARD.sub(_masked_card, masked)


def _masked_card(found: re.Match[str]) -> str:
    digits = [int(character) for character in found[0] if character.isdigit()]
    return MASK if _is_card(digits) else found[0]


def _is_card(digits: Sequence[int]) -> bool:
    """Luhn's sum is right, and the first digits and the length are those of a card."""
    first, length = digits[0] * 10 + digits[1], len(digits)
    is_known = (
        (first // 10 == 4 and length in {13, 16, 19})  # noqa: PLR2004 (prefixes and lengths, as issuers publish them)
        or ((51 <= first <= 55 or 22 <= first <= 27) and length == 16)  # noqa: PLR2004
        or (first in {34, 37} and length == 15)  # noqa: PLR2004
        or (first in {30, 36, 38, 39} and length == 14)  # noqa: PLR2004
        or (first in {35, 60, 62, 64, 65} and 16 <= length <= 19)  # noqa: PLR2004
    )
    doubled = [digit if at % 2 == 0 else digit * 2 - 9 * (digit > 4) for at, digit in enumerate(reversed(digits))]  # noqa: PLR2004
    return is_known and sum(doubled) % 10 == 0


def is_content_event(name: str | None) -> bool:
    """Whether events of this name carry messages in their attributes or their body."""
    return name is not None and _CONTENT_EVENT.match(name) is not None


def redact_attributes(
    attributes: Mapping[str, Any], *, redact: bool = True, content: bool = True, event: str | None = None
) -> Mapping[str, Any]:
    """The attributes, secrets masked if `redact`, and without prompts and completions unless `content`.

    Args:
        attributes: Those of a span, an event, a link, a resource or a log record.
        redact: Mask secrets.
        content: Leave prompts and completions in.
        event: The name of the event that they belong to, some of which carry messages under plain names.
    """
    changed: dict[str, Any] | None = None
    is_message = not content and is_content_event(event)
    for key, value in attributes.items():
        what = _verdict(key)
        if not content and (what == _CONTENT or (is_message and key in _EVENT_CONTENT)):
            changed = dict(attributes) if changed is None else changed
            del changed[key]
            continue
        if not redact:
            continue
        masked = _redact(value, what)
        if masked is not value:
            changed = dict(attributes) if changed is None else changed
            changed[key] = masked
    return attributes if changed is None else changed


@lru_cache(maxsize=4096)
def _verdict(key: str) -> int:
    if key in semconv.PROMPT_KEYS or _CONTENT_KEY.match(key):
        return _CONTENT
    if _EXEMPT.match(key):
        return _KEEP
    words = [word.lower() for word in _WORDS.findall(key)]
    squeezed = "".join(words)
    if not _SECRET_WORDS.isdisjoint(words) or any(part in squeezed for part in _SECRET_PARTS):
        return _MASK_ALL
    return _KEEP if _TOKEN_WORDS.isdisjoint(words) else _MASK_TEXT


def redact_value(value: Any) -> Any:
    """A text, bytes, or a sequence or mapping of them; the same object where it holds no secret."""
    return _redact(value, _KEEP)


_DEEPEST: Final = 20


def _redact(value: Any, what: int, depth: int = 0) -> Any:
    """The value, or a copy of it; numbers are kept unless their key is a password's."""
    if isinstance(value, str):
        if what == _MASK_ALL:
            return MASK if value else value
        if what == _MASK_TEXT and not _NUMBER.fullmatch(value):
            return MASK if value else value
        return redact_text(value)
    if isinstance(value, bool | None):
        return value
    if isinstance(value, int | float):
        return MASK if what == _MASK_ALL else value
    if depth >= _DEEPEST:
        return MASK
    if isinstance(value, bytes):
        return _redact_bytes(value, what)
    if isinstance(value, Mapping):
        return _redact_mapping(value, what, depth)
    if isinstance(value, Sequence):
        items = [_redact(item, what, depth + 1) for item in value]
        return value if all(a is b for a, b in zip(items, value, strict=True)) else _type_of(value)(items)
    return value


def _type_of(value: Sequence[Any]) -> type[list[Any]] | type[tuple[Any, ...]]:
    """Attributes are tuples in the SDK; what a user nests may be lists."""
    return tuple if isinstance(value, tuple) else list


def _redact_bytes(value: bytes, what: int) -> bytes:
    if what in {_MASK_ALL, _MASK_TEXT}:
        return MASK.encode() if value else value
    text = value.decode("latin-1")
    masked = redact_text(text)
    return value if masked is text else masked.encode("latin-1")


def _redact_mapping(value: Mapping[Any, Any], what: int, depth: int) -> Mapping[Any, Any]:
    changed: dict[Any, Any] | None = None
    for key, item in value.items():
        inner = _verdict(key) if isinstance(key, str) else _KEEP
        masked = _redact(item, max(inner % _CONTENT, what % _CONTENT), depth + 1)
        if masked is not item:
            changed = dict(value) if changed is None else changed
            changed[key] = masked
    return value if changed is None else changed
