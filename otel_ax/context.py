"""What a call is made for: tenant, user, conversation, workflow run, agent and metadata, which flow to all children.

In: `using(...)` around code. Out: a `Scope` in OpenTelemetry's context, which follows tasks, and threads where
`opentelemetry-instrumentation-threading` is on. `EnrichProcessor` writes it to spans, the bridge of `logs` to records.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Final

from opentelemetry import baggage
from opentelemetry.context import Context, attach, create_key, detach, get_current, get_value
from opentelemetry.util.genai._conversation_context import CONVERSATION_ID_KEY

from otel_ax import semconv

__all__ = ["AttributeValue", "Scope", "current", "entered", "set_carry", "using", "within"]

AttributeValue = str | bool | int | float
_KEY: Final = create_key("otel_ax.scope")
_BAGGAGE: Final = {
    semconv.TENANT_ID: "tenant",
    semconv.USER_ID: "user",
    semconv.CONVERSATION_ID: "conversation",
    semconv.WORKFLOW_RUN_ID: "workflow_run",
    semconv.WORKFLOW_NAME: "workflow",
}
_NO_METADATA: Final[Mapping[str, AttributeValue]] = MappingProxyType({})
_carry: bool = False


@dataclass(frozen=True, slots=True)
class Scope:
    """Whom and what a call is made for; an unset part is None.

    `step` is the key of the innermost step. With `carry`, the ids go along to other services as baggage.
    """

    tenant: str | None = None
    user: str | None = None
    conversation: str | None = None
    workflow: str | None = None
    workflow_run: str | None = None
    step: str | None = None
    agent: str | None = None
    metadata: Mapping[str, AttributeValue] = field(default_factory=lambda: _NO_METADATA)
    carry: bool = False

    def attributes(self) -> dict[str, AttributeValue]:
        """As attributes of a span, a log record or an event."""
        named = (
            (semconv.TENANT_ID, self.tenant),
            (semconv.USER_ID, self.user),
            (semconv.CONVERSATION_ID, self.conversation),
            (semconv.WORKFLOW_NAME, self.workflow),
            (semconv.WORKFLOW_RUN_ID, self.workflow_run),
            (semconv.STEP_KEY, self.step),
            (semconv.AGENT_NAME, self.agent),
        )
        told: dict[str, AttributeValue] = {name: value for name, value in named if value is not None}
        if self.metadata:
            told.update({semconv.METADATA_PREFIX + key: metadatum for key, metadatum in self.metadata.items()})
        return told


_NOTHING: Final = Scope()


def set_carry(carry: bool) -> None:  # noqa: FBT001 (a switch)
    """Whether ids travel as baggage where `using(...)` does not say; `configure` owns it."""
    global _carry  # noqa: PLW0603 (one switch of the process)
    _carry = carry


def current(context: Context | None = None) -> Scope:
    """The scope of a context, or of this place in the program; what came from another service by baggage included."""
    found = get_value(_KEY, context)
    if isinstance(found, Scope):
        return found
    carried = baggage.get_all(context)
    if not carried:
        return _NOTHING
    return Scope(**{part: str(carried[name]) for name, part in _BAGGAGE.items() if name in carried})  # type: ignore[arg-type]  # parts of _BAGGAGE are str


def entered(scope: Scope, context: Context | None = None) -> Context:
    """A context with `scope`; where it is carried, its ids (never the metadata) are in the baggage too."""
    made = Context({**(get_current() if context is None else context), _KEY: scope})
    if scope.conversation is not None:
        made = Context({**made, CONVERSATION_ID_KEY: scope.conversation})  # util-genai reads it for every span
    if scope.carry or _carry:
        for name, part in _BAGGAGE.items():
            value = getattr(scope, part)
            if value is not None:
                made = baggage.set_baggage(name, value, made)
    return made


def within(
    around: Scope,
    *,
    tenant: str | None = None,
    user: str | None = None,
    conversation: str | None = None,
    agent: str | None = None,
    metadata: Mapping[str, AttributeValue] | None = None,
    carry: bool | None = None,
) -> Scope:
    """The scope around, with what is given put in its place."""
    return replace(
        around,
        tenant=around.tenant if tenant is None else tenant,
        user=around.user if user is None else user,
        conversation=around.conversation if conversation is None else conversation,
        agent=around.agent if agent is None else agent,
        metadata=MappingProxyType({**around.metadata, **metadata}) if metadata else around.metadata,
        carry=around.carry if carry is None else carry,
    )


@contextmanager
def using(
    *,
    tenant: str | None = None,
    user: str | None = None,
    conversation: str | None = None,
    agent: str | None = None,
    metadata: Mapping[str, AttributeValue] | None = None,
    carry: bool | None = None,
) -> Iterator[Scope]:
    """All calls within are made for this tenant, user, conversation, with this metadata; what is not given stays.

    Args:
        tenant: On whose behalf, as `ax.tenant.id`.
        user: The end user, as `user.id`.
        conversation: The conversation or session, as `gen_ai.conversation.id`.
        agent: The agent that makes the calls, as `gen_ai.agent.name`.
        metadata: Values added to those around, as attributes `ax.metadata.*`.
        carry: Send the ids on to other services as baggage, which also third parties' servers see in their headers.
    """
    scope = within(
        current(), tenant=tenant, user=user, conversation=conversation, agent=agent, metadata=metadata, carry=carry
    )
    token = attach(entered(scope))
    try:
        yield scope
    finally:
        detach(token)
