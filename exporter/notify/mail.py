"""One mail, by the relay that a channel names.

In: a message and a channel. Out: an answer in our words; never an exception, never a text of the relay's.
"""

import smtplib
import socket
import ssl
import threading
from email.message import EmailMessage
from typing import Any, Final

from exporter.notify import guard
from exporter.notify.answers import Answer
from exporter.notify.declared import Channel
from exporter.notify.guard import Blocked, Hold
from exporter.notify.reach import Reach

_PORTS: Final = {"starttls": 587, "tls": 465, "none": 25}
_ANSWER_BYTES: Final = 64 * 2**10
_TRANSIENT: Final = range(400, 500)


class _Bounded:
    """What the relay says, up to a limit; smtplib itself reads on for as long as the relay does."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self._left = _ANSWER_BYTES

    def readline(self, size: int) -> bytes:
        """The next line. Raises `OSError` when it has said too much."""
        line: bytes = self._file.readline(size)
        self._left -= len(line)
        if self._left < 0:
            raise OSError("the relay says too much")
        return line

    def close(self) -> None:
        """Closes the file."""
        self._file.close()


class _Relay(smtplib.SMTP):
    """smtplib on a guarded connection, with TLS from the start where the channel says so."""

    def __init__(self, channel: Channel, reach: Reach, hold: Hold) -> None:
        self._channel = channel
        self._reach = reach
        self._hold = hold
        sender = channel.sender or ""
        super().__init__(
            channel.host or "",
            channel.port or _PORTS[channel.tls],
            local_hostname=sender.rpartition("@")[2] or "localhost",  # else it asks the DNS for ours
            timeout=guard.TOTAL_S,
        )

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        def dial(address: str, port: int, left_s: float) -> socket.socket:
            return socket.create_connection((address, port), left_s)

        connection = guard.connect(host, port, self._reach.allowed, dial)
        self._hold.watch(connection)
        connection.settimeout(timeout)
        if self._channel.tls == "tls":
            return self._reach.trust.wrap_socket(connection, server_hostname=host)
        return connection

    def getreply(self) -> tuple[int, bytes]:
        """The next answer, of a bounded size."""
        if self.file is None:
            self.file = _Bounded(self.sock.makefile("rb"))  # type: ignore[union-attr]
        return super().getreply()


def mail(channel: Channel, message: EmailMessage, reach: Reach, hold: Hold) -> Answer:
    """Sends it once, within `TOTAL_S` for all of it."""
    secrets = (
        (channel.username.reveal(reach.environ), channel.password.reveal(reach.environ))
        if channel.username is not None and channel.password is not None
        else None
    )
    watchdog = threading.Timer(guard.TOTAL_S, hold.cut)
    watchdog.daemon = True
    watchdog.start()
    try:
        return _send(channel, message, secrets, reach, hold)
    except Blocked as error:
        return Answer("refused", f"not sent: {error}")
    except smtplib.SMTPRecipientsRefused as error:
        codes = [code for code, _ in error.recipients.values()]
        return _by_code(
            any(code in _TRANSIENT for code in codes), f"SMTP {codes[0] if codes else 550}, no recipient taken"
        )
    except smtplib.SMTPResponseException as error:
        return _by_code(error.smtp_code in _TRANSIENT or error.smtp_code < 0, f"SMTP {error.smtp_code}")
    except smtplib.SMTPNotSupportedError:
        return Answer("refused", "not sent: the relay offers no STARTTLS, or no login")
    except ssl.SSLError:
        return Answer("again", "no TLS: the relay's certificate is not trusted, or it speaks none")
    except (smtplib.SMTPException, OSError, UnicodeError):
        shown = "no answer in time" if hold.was_cut else "no connection, or it broke"
        return Answer("again", shown, is_maybe=True)
    finally:
        watchdog.cancel()
        hold.close()


def _by_code(is_transient: bool, status: str) -> Answer:  # noqa: FBT001 (what the code means, then what is shown)
    return Answer("again" if is_transient else "refused", status)


def _send(channel: Channel, message: EmailMessage, secrets: tuple[str, str] | None, reach: Reach, hold: Hold) -> Answer:
    relay = _Relay(channel, reach, hold)
    try:
        if channel.tls == "starttls":
            relay.starttls(context=reach.trust)
        if secrets is not None:
            relay.login(*secrets)
        refused = relay.send_message(message, from_addr=channel.sender, to_addrs=list(channel.to))
    finally:
        relay.close()
    return Answer(
        "taken", f"SMTP 250, {len(refused)} of {len(channel.to)} recipients refused" if refused else "SMTP 250"
    )
