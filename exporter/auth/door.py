"""An endpoint's door: who comes in, and as whom.

In: the header `authorization` of a request. Out: its `Caller`; or `Refused`, in words that tell the mend.
"""

from dataclasses import dataclass
from typing import Final, Literal

from exporter.addresses import is_loopback, split
from exporter.auth.caller import ANYBODY, Caller
from exporter.auth.known import Known
from exporter.auth.tokens import Token
from exporter.config import Config
from exporter.dimensions import DEFAULT_TENANT
from exporter.errors import Reason, Refused

Endpoint = Literal["receive.grpc", "receive.http", "serve.ui"]
ENDPOINTS: Final[tuple[Endpoint, ...]] = ("receive.grpc", "receive.http", "serve.ui")
_BEARER: Final = "bearer"


def needs_token(config: Config, endpoint: Endpoint) -> bool:
    """Whether who comes in there without a token is refused.

    That is everywhere but on loopback, and there too where the settings say that others reach it.
    """
    section, _, name = endpoint.partition(".")
    host, _ = split(endpoint, getattr(getattr(config, section), name))
    is_shared = endpoint == "serve.ui" and bool(config.serve.hosts)
    return config.auth == "required" or is_shared or not is_loopback(host)


@dataclass(frozen=True, slots=True)
class Door:
    """A door, where tokens are `needed` or not; one that is presented has to hold in any case."""

    known: Known
    needed: bool

    def token_of(self, authorization: str | None) -> Token | None:
        """The token that is presented; None where there is none, and none is needed. Raises `Refused`."""
        kind, _, text = (authorization or "").strip().partition(" ")
        if kind.lower() != _BEARER:  # a password is for a proxy before us
            if self.needed:
                raise Refused(
                    Reason.UNAUTHENTICATED,
                    "a token is needed here",
                    mend="make one with `ax token create NAME`, and send it as the header Authorization: Bearer TOKEN",
                )
            return None
        return self.held(text)

    def held(self, text: str) -> Token:
        """The token of that text. Raises `Refused` where it does not hold."""
        found = self.known.find(text.strip())
        if found is None:
            raise Refused(
                Reason.UNAUTHENTICATED,
                "the token is unknown, was revoked or has expired",
                mend="`ax token list` shows those that hold, `ax token create NAME` makes one",
            )
        return found

    def caller_of(self, authorization: str | None) -> Caller:
        """Who asks. Raises `Refused`."""
        token = self.token_of(authorization)
        return ANYBODY if token is None else token.caller

    def tenant_of(self, authorization: str | None) -> str:
        """Whose data it is that somebody sends. Raises `Refused`, also for who may not send any."""
        if authorization is None and not self.needed:
            return DEFAULT_TENANT
        caller = self.caller_of(authorization)
        if not caller.may("ingest"):
            raise Refused(
                Reason.FORBIDDEN, f"the token {caller.name} may not send data", mend="use one with the scope ingest"
            )
        return caller.tenant or DEFAULT_TENANT
