"""Routes: logging a browser in and out, and who asks.

In: a token, once. Out: a cookie that scripts cannot read and that no other site's page sends.
"""

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from exporter.api.callers import Anyone
from exporter.api.entry import CHALLENGE, SESSION
from exporter.api.problems import RESPONSES, Problem, answer
from exporter.auth import Caller, Door
from exporter.auth.sessions import LIFE_S, Sessions
from exporter.errors import Refused


class Login(BaseModel):
    """What a browser logs in with."""

    token: str = Field(min_length=1, max_length=200, examples=["ax_…"])


class Asker(BaseModel):
    """Who asks, and what that one may do; without a tenant it is all of them."""

    name: str = Field(examples=["grafana"])
    scopes: list[str] = Field(examples=[["read", "sql"]])
    tenant: str | None = None


def cookie_name(*, is_tls: bool) -> str:
    """With TLS one that browsers take from nobody but this very server."""
    return "__Host-ax_session" if is_tls else "ax_session"


def routes(door: Door, sessions: Sessions, *, is_tls: bool) -> APIRouter:
    """All of them."""
    router = APIRouter(tags=["session"], responses=RESPONSES)
    cookie = cookie_name(is_tls=is_tls)

    @router.get(SESSION)
    async def who(caller: Anyone) -> Asker:
        """Says who asks."""
        return _asker(caller)

    @router.post(SESSION, response_model=Asker)
    async def log_in(login: Login, response: Response) -> object:
        """Takes a token, and gives a cookie that stands for it, for twelve hours or until the server restarts."""
        try:
            token = door.held(login.token)
        except Refused as refused:
            return answer(Problem(title=refused.message, status=401, mend=refused.mend), CHALLENGE)
        value = sessions.begin(token)
        response.set_cookie(cookie, value, LIFE_S, path="/", secure=is_tls, httponly=True, samesite="strict")
        return _asker(token.caller)

    @router.delete(SESSION, status_code=204)
    async def log_out(request: Request, response: Response) -> None:
        """Ends what the cookie stands for."""
        sessions.end(request.cookies.get(cookie, ""))
        response.delete_cookie(cookie, path="/", secure=is_tls, httponly=True, samesite="strict")

    return router


def _asker(caller: Caller) -> Asker:
    return Asker(name=caller.name, scopes=sorted(caller.scopes), tenant=caller.tenant)
