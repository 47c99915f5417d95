"""Routes: workflow runs and conversations, one by one.

In: what is stored. Out: pages of runs and conversations; what happened in one, in order.
"""

from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Path, Request, Response

from exporter.api import described, examples, fresh, marks, pages, shown
from exporter.api.asked import Fields, Time, Where
from exporter.api.callers import Reader
from exporter.api.described import Some
from exporter.api.pages import Cursor, Limit
from exporter.api.problems import RESPONSES, NotFound, about
from exporter.api.shared import Shared
from exporter.query import calls, workflows
from exporter.query.answer import Answer
from exporter.query.calls import Conversation, Turn
from exporter.query.workflows import Run, Step

_UNCHANGED: Final = [Depends(fresh.unchanged)]

RunId = Annotated[str, Path(max_length=500, description="a run's id or its trace's, or the beginning of one")]
ConversationId = Annotated[str, Path(max_length=500, description="a conversation's id, or a session's")]


@dataclass(frozen=True, slots=True)
class Detail:
    """A run and its steps, in the order in which they began."""

    run: Run
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Bar:
    """A step on the time line of its run: when it began behind the run, and for how long it has run."""

    step_key: str | None
    step_name: str | None
    status: str
    span_id: str | None
    offset_ns: int
    duration_ns: int
    is_running: bool
    retry_count: int | None
    error_type: str | None


def routes(shared: Shared) -> APIRouter:
    """All of them."""
    router = APIRouter(responses=RESPONSES)
    _add_runs(router, shared)
    _add_conversations(router, shared)
    return router


def _add_runs(router: APIRouter, shared: Shared) -> None:
    # What senders name may have slashes in it, so of two paths the longer comes first.
    @router.get("/api/workflow-runs", tags=["workflows"], **described.rows(examples.RUN, Some[Run], source="runs"))
    def runs(
        request: Request,
        caller: Reader,
        time: Time,
        where: Where = None,
        fields: Fields = None,
        limit: Limit = 100,
        cursor: Cursor = None,
    ) -> Response:
        """Runs of workflows that began in a period, running ones too, the newest first."""
        mark, period = marks.read(cursor), time.period(shared.clock.wall())
        with shared.views(caller) as views:
            found, following = workflows.page_of_runs(views, period, where=where, limit=limit, mark=mark)
        return shown.answered(request, found, Run, fields=fields, next_cursor=marks.written(following))

    run_example = described.one(Detail(examples.RUN, (examples.STEP,)))

    bar = Bar("load", "Load orders", "completed", examples.SPAN_ID, 12_000_000, 800_000_000, False, 0, None)  # noqa: FBT003 (columns)

    @router.get(
        "/api/workflow-runs/{run:path}/timeline", tags=["workflows"], **described.rows(bar, source="workflow_steps")
    )
    def timeline(request: Request, caller: Reader, run: RunId) -> Response:
        """The steps of a run on a time line that begins with it; what still runs is as long as it has run so far."""
        now_ns = shared.clock.wall()
        with about("run"), shared.views(caller) as views:
            found, steps = workflows.timeline(views, run)
        bars = tuple(_bar(step, found.start_ns, now_ns) for step in steps)
        return shown.answered(request, Answer(bars, source="workflow_steps"), Bar)

    @router.get("/api/workflow-runs/{run:path}", tags=["workflows"], dependencies=_UNCHANGED, **run_example)
    def one_run(request: Request, caller: Reader, run: RunId) -> Response:
        """One run with its steps."""
        with about("run"), shared.views(caller) as views:
            return shown.one(request, Detail(*workflows.timeline(views, run)), Detail)


def _bar(step: Step, start_ns: int, now_ns: int) -> Bar:
    is_running = step.duration_ns is None
    return Bar(
        step_key=step.step_key,
        step_name=step.step_name,
        status=step.status,
        span_id=step.span_id,
        offset_ns=step.start_ns - start_ns,
        duration_ns=max(now_ns - step.start_ns, 0) if step.duration_ns is None else step.duration_ns,
        is_running=is_running,
        retry_count=step.retry_count,
        error_type=step.error_type,
    )


def _add_conversations(router: APIRouter, shared: Shared) -> None:
    about = described.rows(examples.CONVERSATION, Some[Conversation], source="conversations")

    @router.get("/api/conversations", tags=["conversations"], **about)
    def conversations(
        request: Request,
        caller: Reader,
        time: Time,
        where: Where = None,
        fields: Fields = None,
        limit: Limit = 100,
        cursor: Cursor = None,
    ) -> Response:
        """Conversations, or sessions, of a period, the latest first: of those of their spans that began in it."""
        after, period = marks.read_after(cursor), time.period(shared.clock.wall())
        with shared.views(caller) as views:
            found, following = calls.conversations(views, period, where=where, limit=limit, after=after)
        return shown.answered(request, found, Conversation, fields=fields, next_cursor=marks.written_after(following))

    @router.get(
        "/api/conversations/{conversation:path}",
        tags=["conversations"],
        dependencies=_UNCHANGED,
        **described.rows(examples.TURN, Some[Turn]),
    )
    def turns(
        request: Request,
        caller: Reader,
        conversation: ConversationId,
        fields: Fields = None,
        limit: Limit = 100,
        cursor: Cursor = None,
    ) -> Response:
        """What happened in a conversation, in order: calls of models, tools, agents and turns, with their messages."""
        skip = pages.skip_of(cursor)
        with shared.views(caller) as views:
            found = calls.conversation(views, conversation, limit=limit + 1, skip=skip)
        if not found.rows and not skip:
            raise NotFound(f"there is no conversation {conversation[:200]}", mend="GET /api/conversations lists them")
        rows, next_cursor = pages.cut(found, limit, skip)
        return shown.answered(request, rows, Turn, fields=fields, next_cursor=next_cursor)
