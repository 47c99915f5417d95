"""Who may do what, and whose data that is about.

In: the token that a request carries, and where it came in. Out: a `Caller`.
"""

from exporter.auth.caller import ANYBODY, NOBODY, SCOPES, Caller, Scope
from exporter.auth.door import Door, needs_token
from exporter.auth.doors import Doors
from exporter.auth.known import EVERY_S, Known

__all__ = ["ANYBODY", "EVERY_S", "NOBODY", "SCOPES", "Caller", "Door", "Doors", "Known", "Scope", "needs_token"]
