"""Routes: where notices go, whether they got there, and a try. No secret and no answer of a service is shown.

In: channels, the outbox. Out: how they do.
"""

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel

from exporter.api.callers import Admin, Overseer
from exporter.api.pages import Limit
from exporter.api.problems import RESPONSES, NotFound
from exporter.api.shared import NotWatching, Shared
from exporter.api.trying import Places
from exporter.notify import settle
from exporter.notify.declared import Channel
from exporter.notify.guard import Hold
from exporter.notify.notice import Said
from exporter.notify.send import send
from exporter.notify.trial import trial


class Told(BaseModel):
    """A channel and how it does; times are Unix nanoseconds. `last_answer` is a status, never a body."""

    name: str
    type: str
    severity: str
    waiting: int
    waiting_since: int | None
    dead: int
    last_answer: str
    last_answer_at: int | None
    failing: bool


class Try(BaseModel):
    """What became of a test notice."""

    said: Said
    taken: bool
    status: str


def routes(shared: Shared) -> APIRouter:
    """All of them."""
    router = APIRouter(tags=["notifications"], responses=RESPONSES)
    places = Places()

    @router.get("/api/notifications/channels")
    def channels(_: Overseer) -> list[Told]:
        """The channels that are declared, and how much waits for each."""
        declared = shared.watch.declared.channels
        with shared.watch.control.reading() as connection:
            posts = settle.posts(connection, [one.name for one in declared])
        return [_told(channel, post) for channel, post in zip(declared, posts, strict=True)]

    @router.get("/api/notifications/dead")
    def dead(_: Overseer, channel: str | None = None, limit: Limit = 100) -> list[dict[str, Any]]:
        """What was given up, the newest first."""
        with shared.watch.control.reading() as connection:
            found = settle.dead(connection, channel, limit)
        return [
            {
                "number": one.number,
                "channel": one.channel,
                "made_at": one.made_at,
                "ended_at": one.ended_at,
                "attempts": one.attempts,
                "status": one.status,
                "notices": [{"said": each.said, "rule": each.change.rule} for each in one.notices],
            }
            for one in found
        ]

    @router.post("/api/notifications/dead/retry")
    def retry(_: Admin, channel: str | None = None) -> dict[str, int]:
        """Lets what was given up go out again, as far as it is still so."""
        watch = shared.watch
        with watch.control.writing() as connection:
            again, over = settle.retry(connection, shared.clock.wall(), channel)
        watch.wake()
        return {"again": again, "over": over}

    @router.post("/api/notifications/channels/{name}/test")
    def test(name: str, _: Admin) -> list[Try]:
        """Sends a notice that says that it is a test, and its end; tells the status of each answer."""
        found = next((one for one in shared.watch.declared.channels if one.name == name), None)
        if found is None:
            raise NotFound(f"there is no channel {name[:200]}", mend="rules/*.yaml declares them")
        with places.one():
            return _try(shared, found)

    return router


def _try(shared: Shared, channel: Channel) -> list[Try]:
    if shared.reach is None:
        raise NotWatching("nothing is sent from here", mend="use `ax notify test`")
    started_at = shared.clock.wall()
    both: tuple[Said, ...] = ("firing", "resolved")
    tries: list[Try] = []
    for said in both:
        answer = send(channel, trial(channel, said, shared.clock.wall(), started_at), shared.reach, Hold())
        tries.append(Try(said=said, taken=answer.outcome == "taken", status=answer.status))
        if answer.outcome != "taken":
            break
    return tries


def _told(channel: Channel, post: settle.Post) -> Told:
    return Told(
        name=channel.name,
        type=channel.type,
        severity=channel.severity,
        waiting=post.waiting,
        waiting_since=post.oldest_at,
        dead=post.dead,
        last_answer=post.status,
        last_answer_at=post.status_at,
        failing=post.is_failing,
    )
