"""The certificate of our endpoints, and that it is renewed without a restart.

In: the files of `tls.cert` and `tls.key`, looked at by `refresh` once a second. Out: an `ssl.SSLContext` for HTTP, and
the files' bytes for gRPC; both give new connections what is in the files now. Errors tell the mend.
"""

import logging
import os
import ssl
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from exporter.config import Tls
from exporter.errors import BadConfig

_MEND: Final = "write the path of a file in PEM"
_log: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate with its chain, and its private key, in PEM."""

    cert: bytes
    key: bytes


class Certificates:
    """What is in the files; any thread may read it. `refresh` reads them, and belongs in a thread that may wait."""

    def __init__(self, cert: Path, key: Path) -> None:
        """Raises `BadConfig` where the files cannot be used."""
        self._files = cert, key
        self._complained = ""
        self._stamp = _stamp(self._files)
        self._context, self.pair = _read(cert, key)
        self.context = _context(cert, key)
        # It is given to whoever listens, who keeps it; each handshake takes today's from it. To load another
        # certificate into one that is in use by another thread would not be safe.
        self.context.sni_callback = self._choose

    def refresh(self) -> None:
        """Reads the files where they have changed; what cannot be used is logged, and what was used is used on."""
        stamp = _stamp(self._files)
        if stamp == self._stamp:
            return
        try:
            self._context, self.pair = _read(*self._files)
        except BadConfig as error:
            if str(error) != self._complained:  # a renewal may take more than one step
                self._complained = str(error)
                _log.warning("the certificate in use is the one from before: %s", error)
            return
        self._stamp, self._complained = stamp, ""
        _log.info("new connections get the certificate that is in %s now", self._files[0])

    def _choose(self, connection: ssl.SSLObject, name: str | None, listening: ssl.SSLContext) -> None:
        del name, listening
        connection.context = self._context


def certificates(tls: Tls) -> Certificates | None:
    """None where there are none. Raises `BadConfig`."""
    return None if tls.cert is None or tls.key is None else Certificates(tls.cert, tls.key)


def _stamp(files: tuple[Path, Path]) -> object:
    """Changes when the files do, also behind links."""
    try:
        return [(found.st_ino, found.st_mtime_ns, found.st_size) for found in map(os.stat, files)]
    except OSError:
        return None


def _read(cert: Path, key: Path) -> tuple[ssl.SSLContext, Pair]:
    """Both, which belong together. Raises `BadConfig`."""
    try:
        pair = Pair(cert.read_bytes(), _private(key))
    except OSError as error:
        setting = "tls.key" if error.filename == str(key) else "tls.cert"
        raise BadConfig(f"{setting}: cannot read {error.filename}: {error.strerror}", mend=_MEND) from None
    return _context(cert, key), pair


def _private(key: Path) -> bytes:
    with key.open("rb") as file:
        if os.fstat(file.fileno()).st_mode & stat.S_IRWXO:
            raise BadConfig(f"tls.key: everybody on this machine may read {key}", mend=f"chmod 600 {key}")
        return file.read()


def _context(cert: Path, key: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    try:
        context.load_cert_chain(cert, key, password=_no_password)
    except ssl.SSLError as error:
        if "KEY_VALUES_MISMATCH" in str(error):
            message, mend = f"tls.key: {key} is not the key of {cert}", "give the key that the certificate was made for"
        else:
            message = f"tls.cert: cannot use {cert} with {key}: {error.reason or error}"
            mend = "give the certificate and its private key in PEM, the key without a password"
        raise BadConfig(message, mend=mend) from None
    except OSError as error:
        raise BadConfig(f"tls.cert: cannot read {cert} or {key}: {error.strerror}", mend=_MEND) from None
    return context


def _no_password() -> str:
    """Asked for where a key is encrypted; nobody sits there to type one, and the empty one fails."""
    return ""
