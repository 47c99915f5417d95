"""Bodies of HTTP requests, inflated within limits.

In: a compressed body. Out: its content, or a refusal before more memory is taken than a request may have.
"""

import zlib
from collections.abc import Callable, Mapping
from typing import Final

from exporter.config import Limits
from exporter.errors import Reason, Refused

_ANY_RATIO_BYTES: Final = 2**20
"""Up to this size the ratio of a body does not matter."""
_GZIP: Final = 16 + zlib.MAX_WBITS
_ZLIB: Final = zlib.MAX_WBITS
_RAW: Final = -zlib.MAX_WBITS
_ZLIB_CHECK: Final = 31
_DEFLATED: Final = 8


def inflate(body: bytes, encoding: str, limits: Limits) -> bytes:
    """The content of a body in the `encoding` gzip or deflate.

    Raises `Refused`: TOO_LARGE beyond `request_bytes`, or beyond `inflation_ratio` above 1 MiB; MALFORMED.
    """
    by_ratio = max(_ANY_RATIO_BYTES, limits.inflation_ratio * len(body))
    most_bytes = min(limits.request_bytes, by_ratio)
    inflater = zlib.decompressobj(_WINDOWS[encoding](body))
    try:
        content = inflater.decompress(body, most_bytes + 1)
    except zlib.error as error:
        raise _malformed(encoding, str(error)) from None
    if len(content) > limits.request_bytes:
        message = f"the body inflates to more than {limits.request_bytes} bytes"
        raise Refused(Reason.TOO_LARGE, message, mend="send smaller batches, or raise limits.request_bytes")
    if len(content) > most_bytes:
        message = f"the body inflates to more than {limits.inflation_ratio} times its size"
        raise Refused(Reason.TOO_LARGE, message, mend="send it uncompressed, or raise limits.inflation_ratio")
    if not inflater.eof:
        raise _malformed(encoding, "it ends too early")
    if inflater.unused_data:
        raise _malformed(encoding, f"{len(inflater.unused_data)} bytes follow its end")
    return content


def _deflate_window(body: bytes) -> int:
    """HTTP's deflate is zlib's format; some send the bare stream, whose start looks otherwise."""
    has_header = len(body) > 1 and body[0] & 15 == _DEFLATED and (body[0] << 8 | body[1]) % _ZLIB_CHECK == 0
    return _ZLIB if has_header else _RAW


_WINDOWS: Final[Mapping[str, Callable[[bytes], int]]] = {"gzip": lambda _: _GZIP, "deflate": _deflate_window}
ENCODINGS: Final = frozenset(_WINDOWS)
"""The encodings that can be inflated."""


def _malformed(encoding: str, what: str) -> Refused:
    return Refused(Reason.MALFORMED, f"cannot inflate the body as {encoding}: {what}", mend="send it whole, or plain")
