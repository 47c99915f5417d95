"""Who asks, as routes are told.

In: a connection that the guard let in. Out: its `Caller`, or a refusal where that may not do this.
"""

from collections.abc import Callable
from typing import Annotated

from fastapi import Depends
from fastapi.requests import HTTPConnection

from exporter.auth import NOBODY, Caller, Scope
from exporter.errors import AxError


class Forbidden(AxError):
    """Whoever asks may not do this."""


def of(connection: HTTPConnection) -> Caller:
    """Who asks."""
    found = connection.scope.get("caller", NOBODY)
    return found if isinstance(found, Caller) else NOBODY


def who_may(scope: Scope, *, all_tenants: bool = False) -> Callable[[HTTPConnection], Caller]:
    """A dependency that gives the caller. Raises `Forbidden` for who has no such scope.

    With `all_tenants` also for a token of one tenant: what is asked for is about all.
    """

    def caller(connection: HTTPConnection) -> Caller:
        found = of(connection)
        if not found.may(scope):
            raise Forbidden(f"the token {found.name} may not do this", mend=f"use one with the scope {scope}")
        if all_tenants and found.tenant is not None:
            raise Forbidden("this is about all tenants", mend="use a token that is not bound to one")
        return found

    return caller


Anyone = Annotated[Caller, Depends(of)]
"""Whoever asks, also with no scope at all."""
Reader = Annotated[Caller, Depends(who_may("read"))]
"""Who reads data; of a tenant, its own."""
Overseer = Annotated[Caller, Depends(who_may("read", all_tenants=True))]
"""Who reads what is about all tenants."""
Admin = Annotated[Caller, Depends(who_may("admin", all_tenants=True))]
"""Who changes what is about all tenants."""
